"""The proxy's database: the same tables as the real one, in memory."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

from tests.proxy.catalogue import DEFAULT_PROVIDER
from tests.proxy.clock import local_iso, parse_row_time, row_time
from tests.proxy.dialects import Dialect

Row = dict[str, Any]

RECENT_METRICS = 100
"""Rows in `recent_metrics`. The longest recorded list is 20 of 20 rows, so the recordings only
bound it from below; a hundred is what the dashboard's own buffer is sized for."""

PREVIEW_LENGTH = 100

METRIC_FIELDS = (
    "id",
    "session_id",
    "timestamp",
    "estimated_tokens",
    "percentage",
    "content_preview",
    "prompt_tokens",
    "completion_tokens",
    "is_estimated",
    "source",
    "memory_tokens",
    "chat_tokens",
    "memory_ratio",
)
COMPACTION_FIELDS = (
    "reserved_tokens",
    "compaction_count",
    "last_compaction_at",
    "auto_compaction_enabled",
    "auto_compaction_threshold",
    "consecutive_auto_compactions",
)

_SCHEMA = """
CREATE TABLE sessions (
    id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT NOT NULL, provider TEXT NOT NULL, model TEXT,
    external_session_id TEXT, created_at TEXT NOT NULL, is_active INTEGER NOT NULL DEFAULT 0,
    reserved_tokens INTEGER NOT NULL DEFAULT 0, compaction_count INTEGER NOT NULL DEFAULT 0,
    last_compaction_at TEXT, auto_compaction_enabled INTEGER NOT NULL DEFAULT 1,
    auto_compaction_threshold REAL NOT NULL DEFAULT 0.85,
    consecutive_auto_compactions INTEGER NOT NULL DEFAULT 0
);
CREATE TABLE metrics (
    id INTEGER PRIMARY KEY AUTOINCREMENT, session_id INTEGER NOT NULL, timestamp TEXT NOT NULL,
    estimated_tokens INTEGER NOT NULL, percentage REAL NOT NULL, content_preview TEXT NOT NULL,
    prompt_tokens INTEGER NOT NULL DEFAULT 0, completion_tokens INTEGER NOT NULL DEFAULT 0,
    is_estimated INTEGER NOT NULL DEFAULT 1, source TEXT NOT NULL DEFAULT 'proxy',
    memory_tokens INTEGER NOT NULL DEFAULT 0, chat_tokens INTEGER NOT NULL DEFAULT 0,
    memory_ratio REAL NOT NULL DEFAULT 0
);
CREATE INDEX metrics_of_session ON metrics (session_id, timestamp DESC);
CREATE TABLE compaction_history (
    id INTEGER PRIMARY KEY AUTOINCREMENT, session_id INTEGER NOT NULL, timestamp TEXT NOT NULL,
    tokens_before INTEGER NOT NULL, tokens_after INTEGER NOT NULL, tokens_saved INTEGER NOT NULL,
    preserved_messages INTEGER NOT NULL, summarized_messages INTEGER NOT NULL,
    compaction_ratio REAL NOT NULL, trigger_reason TEXT NOT NULL
);
CREATE TABLE memory_history (
    id INTEGER PRIMARY KEY AUTOINCREMENT, session_id INTEGER NOT NULL, timestamp TEXT NOT NULL,
    memory_tokens INTEGER NOT NULL, chat_tokens INTEGER NOT NULL, memory_ratio REAL NOT NULL
);
"""


def memory_ratio(memory_tokens: int, chat_tokens: int) -> float:
    """Share of a request that came from memory, in percent."""
    total = memory_tokens + chat_tokens
    return round(memory_tokens / total * 100, 2) if total else 0.0


class Store:
    """Sessions, metrics, compactions and memory figures of one proxy."""

    def __init__(self, dialect: Dialect) -> None:
        """Create the tables and the session that a fresh proxy starts with."""
        self.dialect = dialect
        # The server's thread changes on a restart; only one of them ever runs.
        self._db = sqlite3.connect(":memory:", check_same_thread=False, isolation_level=None)
        self._db.row_factory = sqlite3.Row
        self._db.executescript(_SCHEMA)
        self._metric_columns = ", ".join(METRIC_FIELDS)
        self._session_columns = ", ".join(dialect.session_fields)
        self.create_session("Session par défaut", DEFAULT_PROVIDER, None)

    def close(self) -> None:
        """Release the database."""
        self._db.close()

    def _rows(self, sql: str, parameters: Iterable[object] = ()) -> list[Row]:
        return [dict(row) for row in self._db.execute(sql, tuple(parameters))]

    def _row(self, sql: str, parameters: Iterable[object] = ()) -> Row | None:
        row = self._db.execute(sql, tuple(parameters)).fetchone()
        return dict(row) if row is not None else None

    # Sessions

    def sessions(self) -> list[Row]:
        """All sessions, newest first; those of one second in the order of their ids."""
        return self._rows(
            f"SELECT {self._session_columns} FROM sessions ORDER BY created_at DESC, id"
        )

    def session(self, session_id: int) -> Row | None:
        """One session's row."""
        return self._row(
            f"SELECT {self._session_columns} FROM sessions WHERE id = ?", (session_id,)
        )

    def active_session(self) -> Row | None:
        """The session that requests go to, if there is one."""
        return self._row(f"SELECT {self._session_columns} FROM sessions WHERE is_active = 1")

    def create_session(
        self,
        name: str,
        provider: str,
        model: str | None,
        *,
        created_at: str | None = None,
        active: bool = True,
    ) -> Row:
        """Insert a session and, unless told otherwise, make it the active one."""
        cursor = self._db.execute(
            "INSERT INTO sessions (name, provider, model, created_at) VALUES (?, ?, ?, ?)",
            (name, provider, model, created_at or row_time()),
        )
        session_id = cursor.lastrowid
        assert session_id is not None
        if active:
            self.activate(session_id)
        session = self.session(session_id)
        assert session is not None
        return session

    def activate(self, session_id: int) -> Row | None:
        """Make a session the active one; a missing id leaves none active, as in the real proxy."""
        self._db.execute("UPDATE sessions SET is_active = (id = ?)", (session_id,))
        return self.session(session_id)

    def rename(self, session_id: int, name: str) -> None:
        """Give a session another name."""
        self._db.execute("UPDATE sessions SET name = ? WHERE id = ?", (name, session_id))

    def delete_session(self, session_id: int) -> bool:
        """Delete a session with everything of it; False when there was none."""
        for table in ("metrics", "compaction_history", "memory_history"):
            self._db.execute(f"DELETE FROM {table} WHERE session_id = ?", (session_id,))
        return self._db.execute("DELETE FROM sessions WHERE id = ?", (session_id,)).rowcount > 0

    def set_auto_compaction(self, session_id: int, enabled: bool) -> None:
        """Switch a session's automatic compaction."""
        self._db.execute(
            "UPDATE sessions SET auto_compaction_enabled = ? WHERE id = ?",
            (int(enabled), session_id),
        )

    def reserve_tokens(self, session_id: int, tokens: int) -> None:
        """Set aside a part of a session's context."""
        self._db.execute(
            "UPDATE sessions SET reserved_tokens = ? WHERE id = ?", (tokens, session_id)
        )

    def max_context(self, session: Row | None) -> int:
        """Context size that this version assumes for a session, or with none active."""
        provider, model = (session["provider"], session["model"]) if session else ("", None)
        return self.dialect.max_context(provider, model)

    # Metrics

    def metrics(self, session_id: int, limit: int | None = RECENT_METRICS) -> list[Row]:
        """A session's metrics, newest first; those of one second in the order of their ids."""
        return self._rows(
            f"SELECT {self._metric_columns} FROM metrics WHERE session_id = ?"
            " ORDER BY timestamp DESC, id LIMIT ?",
            (session_id, -1 if limit is None else limit),
        )

    def latest_metric(self, session_id: int) -> Row | None:
        """The metric that came last, whatever the clock says."""
        return self._row(
            f"SELECT {self._metric_columns} FROM metrics WHERE session_id = ?"
            " ORDER BY id DESC LIMIT 1",
            (session_id,),
        )

    def add_metric(
        self,
        session_id: int,
        *,
        estimate: int,
        percentage: float,
        preview: str = "",
        source: str = "proxy",
        memory_tokens: int = 0,
        chat_tokens: int = 0,
        timestamp: str | None = None,
    ) -> int:
        """Insert a metric whose real counts are not known yet, and return its id."""
        ratio = memory_ratio(memory_tokens, chat_tokens) if memory_tokens else 0.0
        moment = timestamp or row_time()
        cursor = self._db.execute(
            "INSERT INTO metrics (session_id, timestamp, estimated_tokens, percentage,"
            " content_preview, source, memory_tokens, chat_tokens, memory_ratio)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (
                session_id,
                moment,
                estimate,
                percentage,
                preview[:PREVIEW_LENGTH],
                source,
                memory_tokens,
                chat_tokens,
                ratio,
            ),
        )
        if memory_tokens:
            self._db.execute(
                "INSERT INTO memory_history (session_id, timestamp, memory_tokens, chat_tokens,"
                " memory_ratio) VALUES (?, ?, ?, ?, ?)",
                (session_id, local_iso(), memory_tokens, chat_tokens, ratio),
            )
        metric_id = cursor.lastrowid
        assert metric_id is not None
        return metric_id

    def settle_metric(
        self, metric_id: int, *, total: int, prompt: int, completion: int, percentage: float
    ) -> None:
        """Store the real counts over the estimate, which is lost as in the real proxy."""
        self._db.execute(
            "UPDATE metrics SET estimated_tokens = ?, percentage = ?, prompt_tokens = ?,"
            " completion_tokens = ?, is_estimated = 0 WHERE id = ?",
            (total, percentage, prompt, completion, metric_id),
        )

    def billed_tokens(self, session_id: int) -> int:
        """Tokens of all of a session's requests together."""
        row = self._row(
            "SELECT COALESCE(SUM(estimated_tokens), 0) AS billed FROM metrics WHERE session_id = ?",
            (session_id,),
        )
        assert row is not None
        return int(row["billed"])

    def stats(self, session_id: int) -> Row:
        """A session's totals, as this version computes them."""
        estimated_input = (
            "CASE WHEN is_estimated THEN estimated_tokens ELSE prompt_tokens END"
            if self.dialect.totals_from_estimates
            else "prompt_tokens"
        )
        row = self._row(
            "SELECT COUNT(*) AS total_requests, MAX(estimated_tokens) AS max_tokens,"
            " AVG(estimated_tokens) AS avg_tokens,"
            f" COALESCE(SUM({estimated_input}), 0) AS spent_input,"
            " COALESCE(SUM(completion_tokens), 0) AS spent_output"
            " FROM metrics WHERE session_id = ?",
            (session_id,),
        )
        assert row is not None
        average = row["avg_tokens"]
        spent = (row["spent_input"], row["spent_output"])
        if self.dialect.totals_from_estimates:
            current = spent
            average = round(average, 1) if average is not None else None
        else:
            latest = self.latest_metric(session_id)
            current = (latest["prompt_tokens"], latest["completion_tokens"]) if latest else (0, 0)
        return {
            "total_requests": row["total_requests"],
            "max_tokens": row["max_tokens"],
            "avg_tokens": average,
            "current_input_tokens": current[0],
            "current_output_tokens": current[1],
            "current_total_tokens": sum(current),
            "cumulative_input_tokens": spent[0],
            "cumulative_output_tokens": spent[1],
            "cumulative_total_tokens": sum(spent),
        }

    # Memory

    def memory_history(self, session_id: int | None = None) -> list[Row]:
        """Memory figures, newest first, of one session or of all."""
        where, parameters = (
            ("", ()) if session_id is None else ("WHERE session_id = ?", (session_id,))
        )
        return self._rows(
            "SELECT session_id, timestamp, memory_tokens, chat_tokens, memory_ratio"
            f" FROM memory_history {where} ORDER BY id DESC",
            parameters,
        )

    def memory(self, session_id: int) -> Row:
        """A session's last memory figures, zeros when it never had any."""
        history = self.memory_history(session_id)
        if not history:
            return {"memory_tokens": 0, "chat_tokens": 0, "memory_ratio": 0}
        return {key: history[0][key] for key in ("memory_tokens", "chat_tokens", "memory_ratio")}

    # Compaction

    def compactions(self, session_id: int) -> list[Row]:
        """A session's compactions, newest first."""
        return self._rows(
            "SELECT id, session_id, timestamp, tokens_before, tokens_after, tokens_saved,"
            " preserved_messages, summarized_messages, compaction_ratio, trigger_reason"
            " FROM compaction_history WHERE session_id = ? ORDER BY id DESC",
            (session_id,),
        )

    def add_compaction(self, session_id: int, outcome: Mapping[str, Any], reason: str) -> int:
        """Record a compaction and count it in its session; return its id."""
        moment = row_time()
        cursor = self._db.execute(
            "INSERT INTO compaction_history (session_id, timestamp, tokens_before, tokens_after,"
            " tokens_saved, preserved_messages, summarized_messages, compaction_ratio,"
            " trigger_reason) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (
                session_id,
                moment,
                outcome["original_tokens"],
                outcome["compacted_tokens"],
                outcome["tokens_saved"],
                outcome["messages_after"] - 1,
                outcome["summarized_count"],
                outcome["compaction_ratio"],
                reason,
            ),
        )
        self._db.execute(
            "UPDATE sessions SET compaction_count = compaction_count + 1, last_compaction_at = ?,"
            " consecutive_auto_compactions = consecutive_auto_compactions + 1 WHERE id = ?",
            (moment, session_id),
        )
        history_id = cursor.lastrowid
        assert history_id is not None
        return history_id

    def compaction_totals(self) -> Row:
        """Compactions of all sessions together."""
        totals = self._row(
            "SELECT COUNT(*) AS total_compactions, SUM(tokens_saved) AS total_tokens_saved,"
            " AVG(compaction_ratio) AS avg_compaction_ratio, MAX(timestamp) AS last_compaction_at"
            " FROM compaction_history"
        )
        assert totals is not None
        return totals

    def seconds_since_compaction(self, session: Row) -> float | None:
        """Age of a session's last compaction, None without one."""
        moment = session["last_compaction_at"]
        if moment is None:
            return None
        return (datetime.now(UTC) - parse_row_time(moment)).total_seconds()

    # The database itself

    def size_in_bytes(self) -> int:
        """Size of the database file, if it were one."""
        pages = self._db.execute("PRAGMA page_count").fetchone()[0]
        return int(pages) * int(self._db.execute("PRAGMA page_size").fetchone()[0])

    def vacuum(self) -> None:
        """Give unused pages back."""
        self._db.execute("VACUUM")

    def begin(self) -> None:
        """Start a transaction, for many inserts at once."""
        self._db.execute("BEGIN")

    def commit(self) -> None:
        """End a transaction."""
        self._db.execute("COMMIT")

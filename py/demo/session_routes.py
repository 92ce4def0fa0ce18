"""Routes that list, create, activate, delete and export sessions."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable
from typing import Any

from sessions.ports import Clock

from . import frames
from .catalogue import DEFAULT_PROVIDER
from .clocks import local_time
from .http_answers import (
    Call,
    Endpoint,
    flag_field,
    list_field,
    text_answer,
    text_field,
    unprocessable,
)
from .records import DemoSession
from .store import DemoStore

_NO_ACTIVE = {"error": "Aucune session active"}

_CSV_HEADER = (
    "Timestamp",
    "Tokens Total",
    "Pourcentage",
    "Aperçu",
    "Prompt Tokens",
    "Completion Tokens",
    "Type",
    "Source",
)

_ROW_BYTES = 220
_EMPTY_BYTES = 40_960
"""Bytes of a request in the database file, and of the file without any."""


class SessionRoutes:
    """Works on the sessions of a store."""

    def __init__(
        self, store: DemoStore, clock: Clock, announce: Callable[[frames.Frame], None]
    ) -> None:
        """Serve ``store``; what changes is announced to every connected page."""
        self._store = store
        self._clock = clock
        self._announce = announce
        self._vacuumed = False

    def endpoints(self) -> list[Endpoint]:
        """Return the routes; those with a word in the path before those with an id."""
        return [
            Endpoint("GET", "/api/sessions", self._list),
            Endpoint("POST", "/api/sessions", self._create),
            Endpoint("DELETE", "/api/sessions", self._delete),
            Endpoint("GET", "/api/sessions/active", self._active),
            Endpoint("GET", "/api/sessions/auto-status", self._auto_status),
            Endpoint("POST", "/api/sessions/toggle-auto", self._toggle_auto),
            Endpoint("POST", "/api/sessions/vacuum", self._vacuum),
            Endpoint("GET", "/api/sessions/{session_id}", self._by_id),
            Endpoint("POST", "/api/sessions/{session_id}/activate", self._activate),
            Endpoint("GET", "/api/export/csv", self._export_csv),
            Endpoint("GET", "/api/export/json", self._export_json),
        ]

    def _list(self, _: Call) -> Any:
        active_id = self._store.active_id
        return [
            session.to_row(is_active=session.id == active_id)
            for session in self._store.newest_first()
        ]

    def _active(self, _: Call) -> Any:
        session = self._store.active
        return _NO_ACTIVE if session is None else session.to_detail(is_active=True)

    def _by_id(self, call: Call) -> Any:
        session_id = call.session_id()
        session = self._store.sessions.get(session_id)
        if session is None:
            return {"error": f"Session {session_id} introuvable"}
        return session.to_detail(is_active=session_id == self._store.active_id)

    def _create(self, call: Call) -> Any:
        fields = call.fields()
        now = self._clock.now()
        name = text_field(fields, "name", f"Session {local_time(now, self._clock)}")
        provider = text_field(fields, "provider", DEFAULT_PROVIDER)
        model = text_field(fields, "model") if fields.get("model") is not None else None
        session = self._store.create(name, provider, model, now)
        frame = frames.new_session(session)
        self._announce(frame)
        return frame["session"]

    def _activate(self, call: Call) -> Any:
        session_id = call.session_id()
        if session_id == self._store.active_id:
            return {"message": "Session déjà active", "session_id": session_id}
        session = self._store.activate(session_id, self._clock.now())
        if session is None:
            return {"error": "Session non trouvée", "session_id": session_id}
        frame = frames.session_activated(session)
        self._announce(frame)
        return {
            "message": "Session activée",
            "session_id": session_id,
            "session": frame["session"],
        }

    def _delete(self, call: Call) -> Any:
        ids = _whole_numbers(list_field(call.fields(), "session_ids"))
        if not ids:
            return {"error": "Aucun ID de session fourni"}
        if self._store.active_id in ids:
            return {"error": "Impossible de supprimer une session active"}
        deleted = [session_id for session_id in ids if self._store.delete(session_id)]
        failed = [session_id for session_id in ids if session_id not in deleted]
        if not deleted:
            return {"error": f"Échec suppression sessions: {failed}"}
        self._announce(frames.sessions_bulk_deleted(deleted))
        return {"success": True, "deleted_count": len(deleted), "failed_ids": failed}

    def _auto_status(self, _: Call) -> Any:
        return {"enabled": self._store.auto_session, "session_id": self._store.active_id}

    def _toggle_auto(self, call: Call) -> Any:
        self._store.auto_session = flag_field(call.fields(), "enabled")
        frame = frames.auto_session_toggled(self._store.active_id, self._store.auto_session)
        self._announce(frame)
        return {"enabled": frame["enabled"], "session_id": frame["session_id"]}

    def _vacuum(self, _: Call) -> Any:
        rows = sum(len(session.requests) for session in self._store.sessions.values())
        after = _EMPTY_BYTES + rows * _ROW_BYTES
        saved = 0 if self._vacuumed else after // 8
        self._vacuumed = True
        return {
            "message": "VACUUM exécuté avec succès",
            "database": {
                "path": "sessions.db",
                "size_before_bytes": after + saved,
                "size_after_bytes": after,
                "space_saved_bytes": saved,
                "space_saved_mb": round(saved / 1_048_576, 2),
            },
        }

    def _export_json(self, _: Call) -> Any:
        session = self._store.active
        if session is None:
            return _NO_ACTIVE
        rows = [request.to_row() for request in reversed(session.requests)]
        return {"session": session.to_row(is_active=True), "metrics": rows}

    def _export_csv(self, _: Call) -> Any:
        session = self._store.active
        return _NO_ACTIVE if session is None else text_answer(_csv(session), "text/csv")


def _csv(session: DemoSession) -> str:
    table = io.StringIO(newline="")
    writer = csv.writer(table)
    writer.writerow(_CSV_HEADER)
    for request in reversed(session.requests):
        row = request.to_row()
        writer.writerow(
            (
                row["timestamp"],
                request.tokens,
                f"{request.percentage:.2f}%",
                request.preview,
                request.prompt,
                request.completion,
                "Estimé" if request.is_estimated else "Réel",
                row["source"],
            )
        )
    return table.getvalue()


def _whole_numbers(values: list[Any]) -> list[int]:
    for index, value in enumerate(values):
        if isinstance(value, bool) or not isinstance(value, int):
            where: list[str | int] = ["body", "session_ids", index]
            raise unprocessable("int_type", where, "Input should be a valid integer", value)
    return list(dict.fromkeys(values))

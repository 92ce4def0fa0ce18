"""The envelope in which a user's state lies in the browser's storage, version by version.

A text that somebody may have cut off, changed by hand, or written with a newer version of this
page: reading it never raises, keeps what can be understood, and says whether that was all.

Version 1::

    {"version": 1, "writtenAt": ms,
     "proxies": {"<address>": {"seenAt": ms, "current": id or null, "pinned": bool}},
     "sessions": [{"proxy": "<address>", "session": {…}, "metrics": [oldest first],
                   "earlier": {"requests", "tokens", "max", "prompt", "completion"},
                   "memory": {…} or null, "sources": {"proxy": {…} or null, "log": {…} or null}},
                  …used last first]}

Ids of sessions and metrics are a proxy's own, and start again at 1 with the next proxy: nothing
is kept without the address it belongs to.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from .errors import BadInput
from .fusion import Reading
from .metrics import CAPACITY
from .models import (
    MemoryMetrics,
    Metric,
    Session,
    SessionId,
    Wire,
    as_flag,
    as_id,
    as_mapping,
    as_number,
    as_tokens,
    id_key,
    to_plain,
)
from .redaction import loads_redacted
from .stats import Carried

VERSION = 1

MAX_SESSIONS = 10
"""Sessions kept of all proxies together; those unused for longest are left out."""
MAX_PROXIES = 5

MAX_CHARACTERS = 1_500_000
"""Of the whole envelope: other users and other pages share the browser's five million."""


NOTHING_EARLIER = Carried()


class Finding(StrEnum):
    """What a text turned out to be."""

    WHOLE = "whole"
    DAMAGED = "damaged"
    NEWER = "newer"


@dataclass(frozen=True, slots=True)
class SavedProxy:
    """What is remembered of one proxy.

    Attributes:
        seen_at: when it was last heard of, in milliseconds since 1970.
        current: the session that was shown.
        pinned: whether a person had chosen to look at that one.
    """

    seen_at: float
    current: SessionId | None
    pinned: bool = False

    def to_wire(self) -> dict[str, Any]:
        """Return the JSON object."""
        return {"seenAt": self.seen_at, "current": self.current, "pinned": self.pinned}


@dataclass(frozen=True, slots=True)
class SavedSession:
    """What is remembered of one session. ``metrics`` are oldest first, each with an id."""

    session: Session
    metrics: tuple[Metric, ...] = ()
    earlier: Carried = NOTHING_EARLIER
    memory: MemoryMetrics | None = None
    proxy_reading: Reading | None = None
    log_reading: Reading | None = None

    def to_text(self, address: str) -> str:
        """Return the JSON text of the session of the proxy at ``address``."""
        return _dump(
            {
                "proxy": address,
                "session": self.session.to_wire(),
                "metrics": [metric.wire for metric in self.metrics],
                "earlier": self.earlier._asdict(),
                "memory": self.memory and self.memory.to_wire(),
                "sources": {
                    "proxy": self.proxy_reading and self.proxy_reading.to_wire(),
                    "log": self.log_reading and self.log_reading.to_wire(),
                },
            }
        )


@dataclass(frozen=True, slots=True)
class Envelope:
    """Everything that is remembered of a user's sessions, by proxy; used last first."""

    written_at: float = 0.0
    proxies: Mapping[str, SavedProxy] = field(default_factory=dict)
    sessions: tuple[tuple[str, SavedSession], ...] = ()

    def of(self, address: str) -> tuple[SavedSession, ...]:
        """Return the sessions of one proxy."""
        return tuple(saved for owner, saved in self.sessions if owner == address)

    def text_of(self, address: str) -> str:
        """Return an envelope with what is known of one proxy, and nothing of any other."""
        proxy = self.proxies.get(address)
        texts = [saved.to_text(address) for saved in self.of(address)]
        return compose(0.0, {address: proxy} if proxy else {}, texts)


def _dump(value: object) -> str:
    try:
        return json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    except ValueError:
        # A number that JSON has no word for would make the whole text unreadable.
        return _dump(to_plain(value))


def compose(written_at: float, proxies: Mapping[str, SavedProxy], sessions: Sequence[str]) -> str:
    """Return the envelope's text around the texts of its sessions."""
    head = {
        "version": VERSION,
        "writtenAt": written_at,
        "proxies": {address: proxy.to_wire() for address, proxy in proxies.items()},
    }
    return f'{_dump(head)[:-1]},"sessions":[{",".join(sessions)}]}}'


def parse(text: str, now: float) -> tuple[Envelope, Finding]:
    """Read an envelope of any version.

    Args:
        text: whatever lies in the storage, or in an imported file.
        now: the time, in milliseconds since 1970: nothing can have been seen later.

    Returns:
        What could be understood, and what the text is. A newer version is not guessed at.
    """
    try:
        value = loads_redacted(text)
    except ValueError:
        return Envelope(), Finding.DAMAGED
    version = value.get("version") if isinstance(value, dict) else None
    if isinstance(version, bool) or not isinstance(version, int) or version < 1:
        return Envelope(), Finding.DAMAGED
    if version > VERSION:
        return Envelope(), Finding.NEWER
    for number in range(version, VERSION):
        value = MIGRATIONS[number](value)
    reader = _Reader(now)
    envelope = reader.envelope(value)
    return envelope, Finding.WHOLE if reader.is_whole else Finding.DAMAGED


MIGRATIONS: dict[int, Callable[[dict[str, Any]], dict[str, Any]]] = {}
"""By version: turns an envelope of that version, however damaged, into one of the next.

Who raises :data:`VERSION` adds the step here and an envelope of the old version to
``tests/unit/envelopes``; a test fails as long as either is missing.
"""


class _Reader:
    """Reads an envelope of the current version; what makes no sense is left out, and noted."""

    def __init__(self, now: float) -> None:
        self._now = now
        self.is_whole = True

    def envelope(self, value: Wire) -> Envelope:
        written_at = self._moment(value.get("writtenAt"))
        proxies = {
            address: self._proxy(row)
            for address, row in self._mapping(value.get("proxies")).items()
        }
        sessions: dict[tuple[str, str], SavedSession] = {}
        for row in self._list(value.get("sessions")):
            address = as_mapping(row).get("proxy")
            if not isinstance(address, str) or address not in proxies:
                self.is_whole = False
                continue
            saved = self._session(row)
            if saved is not None:
                sessions.setdefault((address, id_key(saved.session.id)), saved)
        found = tuple((address, saved) for (address, _), saved in sessions.items())
        return Envelope(written_at, proxies, found[:MAX_SESSIONS])

    def _proxy(self, value: object) -> SavedProxy:
        row = self._mapping(value)
        current = as_id(row.get("current"))
        pinned = as_flag(row.get("pinned"))
        self._expect(pinned is not None and (current is not None or row.get("current") is None))
        return SavedProxy(self._moment(row.get("seenAt")), current, bool(pinned))

    def _session(self, row: Wire) -> SavedSession | None:
        try:
            session = Session.from_wire(row.get("session"))
        except BadInput:
            self.is_whole = False
            return None
        sources = self._mapping(row.get("sources"))
        memory = row.get("memory")
        self._expect(memory is None or isinstance(memory, Mapping))
        return SavedSession(
            session,
            self._metrics(row.get("metrics"), session),
            self._earlier(row.get("earlier")),
            MemoryMetrics.from_wire(memory) if isinstance(memory, Mapping) else None,
            self._reading(sources.get("proxy"), "proxy"),
            self._reading(sources.get("log"), "logs"),
        )

    def _metrics(self, value: object, session: Session) -> tuple[Metric, ...]:
        found: dict[str, Metric] = {}
        for row in self._list(value):
            if isinstance(row, Mapping) and as_id(row.get("id")) is not None:
                metric = Metric.from_wire(row, session.id, session.model)
                found[id_key(metric.id)] = metric
            else:
                self.is_whole = False
        return tuple(found.values())[-CAPACITY:]

    def _earlier(self, value: object) -> Carried:
        row = self._mapping(value)
        counts = [as_tokens(row.get(name)) for name in Carried._fields]
        self._expect(None not in counts)
        return Carried(*(count or 0 for count in counts))

    def _reading(self, value: object, source: str) -> Reading | None:
        if value is None:
            return None
        row = dict(self._mapping(value))
        at = as_number(row.get("timestamp"))
        if at is not None and at > self._now:
            row["timestamp"] = None  # a clock was put back: nobody knows how old it is
        return Reading.from_wire(row, source)

    def _moment(self, value: object) -> float:
        at = as_number(value)
        self._expect(at is not None)
        return min(at or 0.0, self._now)

    def _mapping(self, value: object) -> Wire:
        self._expect(isinstance(value, Mapping))
        return as_mapping(value)

    def _list(self, value: object) -> list[Any]:
        self._expect(isinstance(value, list))
        return value if isinstance(value, list) else []

    def _expect(self, condition: bool) -> None:
        self.is_whole = self.is_whole and condition

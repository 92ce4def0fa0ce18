"""What a reload must bring back: written as it changes, at most once a second.

Only what changed is put into words again: a session's text is kept as long as nothing in it
changed, so that a metric that comes while twenty sessions are remembered costs one session's.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from . import events
from .connection import ConnectionState, Phase
from .envelope import (
    MAX_CHARACTERS,
    MAX_PROXIES,
    MAX_SESSIONS,
    Envelope,
    Finding,
    SavedProxy,
    SavedSession,
    compose,
    parse,
)
from .live import Live
from .manager import SessionManager
from .models import MemoryMetrics, Notice, Session, id_key, same_id
from .ports import Clock, Scheduler, Timer
from .state import SessionState, Snapshot
from .storage import STATE, Storage, key_of

WRITE_EVERY = 1.0
"""Seconds between two writes."""

SETTLE = 0.2
"""Seconds for which the first change after a while waits for what comes with it."""

_CHANGES = (
    events.SESSION_CHANGED,
    events.SESSION_UPDATED,
    events.METRIC_ADDED,
    events.METRIC_UPDATED,
    events.METRICS_LOADED,
    events.METRICS_CLEARED,
    events.METRICS_KEPT,
    events.MEMORY_UPDATED,
    events.STATS_UPDATED,
    events.SOURCES_MERGED,
)

_FOUND = {
    Finding.DAMAGED: "notice.state_damaged",
    Finding.NEWER: "notice.state_newer",
}


@dataclass(frozen=True, slots=True)
class Recollection:
    """What is remembered of a user.

    ``is_writable`` is False while something lies in its place that could neither be read nor
    set aside: it is not written over.
    """

    user: str
    envelope: Envelope
    is_writable: bool = True


def recall(storage: Storage, user: str, now: float) -> Recollection:
    """Read what is remembered of a user; what cannot be read is set aside, and told."""
    key = key_of(user, STATE)
    text = storage.read(key)
    if text is None:
        return Recollection(user, Envelope())
    envelope, finding = parse(text, now)
    if finding is Finding.WHOLE:
        return Recollection(user, envelope)
    notice = Notice("warning", _FOUND[finding], {})
    return Recollection(user, envelope, storage.set_aside(key, user, text, notice))


def restore(
    envelope: Envelope, address: str, state: SessionState, manager: SessionManager, live: Live
) -> Session | None:
    """Show what an envelope knows of a proxy; the session that is current then, if any."""
    proxy = envelope.proxies.get(address)
    session = manager.start_over(envelope.of(address), proxy.current if proxy else None)
    live.pinned = session.id if session and proxy and proxy.pinned else None
    state.announce_sources()
    return session


class Persistence:
    """Remembers one user's sessions of one proxy, beside what is remembered of others."""

    def __init__(
        self,
        storage: Storage,
        state: SessionState,
        manager: SessionManager,
        live: Live,
        bus: events.EventBus,
        clock: Clock,
        scheduler: Scheduler,
        *,
        may_write: Callable[[], bool] = lambda: True,
    ) -> None:
        """Prepare; nothing is written before :meth:`open`.

        Args:
            storage: where to write.
            state: what to write.
            manager: makes the remembered session current.
            live: the proxy's line: its state, and which session a person pinned.
            bus: tells of changes.
            clock: the time of day.
            scheduler: runs the timer.
            may_write: asked before every write: of many tabs one writes.
        """
        self._storage = storage
        self._state = state
        self._manager = manager
        self._live = live
        self._clock = clock
        self._scheduler = scheduler
        self._may_write = may_write
        self._timer: Timer | None = None
        self._written_at = float("-inf")
        self._is_dirty = False
        self._is_full = False
        self._room = MAX_SESSIONS
        self._connected = live.connection.is_connected
        self._user = self._key = ""
        self._forget_all("")
        for topic in _CHANGES:
            bus.on(topic, lambda _payload: self.touch(), needs_payload=False)
        bus.on(events.SESSIONS_LISTED, self._listed)
        bus.on(events.CONNECTION_CHANGED, self._connection_changed)

    def _forget_all(self, address: str) -> None:
        self._address = address
        self._others: Mapping[str, SavedProxy] = {}
        self._is_outdated = False
        self._seen_at: float | None = None
        self._rows: dict[str, Session] = {}
        self._memories: dict[str, MemoryMetrics] = {}
        self._texts: dict[str, tuple[tuple[object, ...], str]] = {}
        self._foreign: list[str] = []
        self._written: tuple[object, ...] = ()

    # -- reading ----------------------------------------------------------------------

    @property
    def seen_at(self) -> float | None:
        """When the proxy was last heard of, in milliseconds since 1970; None: never."""
        return self._clock.now() if self._connected else self._seen_at

    def open(self, remembered: Recollection, address: str) -> bool:
        """Show what is remembered of a proxy, and from now on remember it.

        Args:
            remembered: whose memory it is, and what is in it.
            address: the proxy's; nothing of another one is shown.

        Returns:
            Whether there is a session to show.
        """
        envelope = remembered.envelope
        self._forget_all(address)
        self._user = remembered.user
        self._key = key_of(remembered.user, STATE) if remembered.is_writable else ""
        self._read_others(envelope)
        proxy = envelope.proxies.get(address)
        saved = envelope.of(address)
        for entry in saved:
            key = id_key(entry.session.id)
            self._rows[key] = entry.session
            if entry.memory is not None:
                self._memories[key] = entry.memory
        self._seen_at = (proxy.seen_at or None) if proxy else None
        session = restore(envelope, address, self._state, self._manager, self._live)
        self._is_dirty = False
        return session is not None

    def close(self) -> None:
        """Write what is left to write, and remember nothing until the next :meth:`open`."""
        self.flush()
        self.abandon()

    def changed_elsewhere(self, key: str | None) -> None:
        """Hear that another tab wrote something: what it knows of other proxies is kept."""
        self._is_outdated = self._is_outdated or key == self._key

    def _read_others(self, envelope: Envelope) -> None:
        self._is_outdated = False
        self._others = {a: proxy for a, proxy in envelope.proxies.items() if a != self._address}
        self._foreign = [
            s.to_text(owner) for owner, s in envelope.sessions if owner in self._others
        ]

    def abandon(self) -> None:
        """Remember nothing more of a user who is gone."""
        self._key = ""

    def current(self) -> Envelope | None:
        """Return what would be written now; None while nothing is to be remembered."""
        if not self._user:
            return None
        now = self._clock.now()
        return parse(compose(now, self._proxies(), self._session_texts()), now)[0]

    # -- writing ----------------------------------------------------------------------

    def touch(self) -> None:
        """Have the state written soon."""
        self._is_dirty = True
        if self._timer is None and self._key and not self._is_full:
            since = (self._clock.now() - self._written_at) / 1000
            delay = max(SETTLE, WRITE_EVERY - since)
            self._timer = self._scheduler.call_later(delay, self._write_soon)

    def flush(self) -> None:
        """Write now, as when the page goes away: this is also what keeps the time last seen."""
        if self._key and (self._is_dirty or self._connected):
            self._room = MAX_SESSIONS  # there may be room again
            self._write()

    def _write_soon(self) -> None:
        self._timer = None
        if self._is_dirty and self._key:
            self._write(only_changes=True)

    def _write(self, *, only_changes: bool = False) -> None:
        if not self._may_write():
            return  # still to be written, should this tab become the one that writes
        if self._is_outdated:
            self._read_others(recall(self._storage, self._user, self._clock.now()).envelope)
        self._written_at = self._clock.now()
        texts = self._session_texts()[: self._room]
        proxies = self._proxies()
        heard = self._connected or self._seen_at
        content = (texts, self._state.session_id, self._live.pinned, heard)
        if only_changes and content == self._written:
            self._is_dirty = False
            return
        # The oldest sessions make room for the others; the current one is never left out.
        for count in range(len(texts), min(len(texts), 1) - 1, -1):
            text = compose(self._written_at, proxies, texts[:count])
            if len(text) <= MAX_CHARACTERS and self._storage.attempt(self._key, text):
                self._is_dirty = self._is_full = False
                self._written = content
                self._room = count if count < len(texts) else self._room
                return
        self._is_full = True
        self._storage.degrade("The state of the sessions cannot be written.")

    def _proxies(self) -> Mapping[str, SavedProxy]:
        current = self._state.session_id
        pinned = same_id(self._live.pinned, current)
        own = SavedProxy(self.seen_at or 0.0, current, pinned)
        others = list(self._others.items())[: MAX_PROXIES - 1]
        return {self._address: own, **dict(others)}

    def _session_texts(self) -> list[str]:
        """Return the texts of the sessions to keep, used last first, the current one before all."""
        current = self._state.session
        if current is not None:
            key = id_key(current.id)
            self._rows[key] = current
            self._memories[key] = self._state.memory
        snapshots = [s for s in self._state.snapshots() if s.key in self._rows]
        snapshots.sort(
            key=lambda snapshot: current is not None and snapshot.key == id_key(current.id)
        )
        kept = {s.key: self._text(s) for s in reversed(snapshots[-MAX_SESSIONS:])}
        self._texts = {key: self._texts[key] for key in kept}
        return [*kept.values(), *self._foreign][:MAX_SESSIONS]

    def _text(self, snapshot: Snapshot) -> str:
        session, memory = self._rows[snapshot.key], self._memories.get(snapshot.key)
        now = (session, memory, *snapshot)
        before, text = self._texts.get(snapshot.key, ((), ""))
        if len(before) == len(now) and all(
            a is b or a == b for a, b in zip(before, now, strict=True)
        ):
            return text
        # A metric without an id could never be joined with what the proxy reports of it.
        metrics = tuple(metric for metric in snapshot.metrics if metric.id is not None)
        saved = SavedSession(
            session, metrics, snapshot.earlier, memory,
            snapshot.proxy_reading, snapshot.log_reading,
        )  # fmt: skip
        text = saved.to_text(self._address)
        self._texts[snapshot.key] = (now, text)
        return text

    # -- what happens -------------------------------------------------------------------

    def _listed(self, sessions: tuple[Session, ...]) -> None:
        """Remember the names of all sessions, and no session that is gone."""
        rows = {}
        for row in sessions:
            known = self._rows.get(id_key(row.id))
            same = known is not None and known.created_at in (None, row.created_at)
            rows[id_key(row.id)] = known.merged(row) if known is not None and same else row
        self._rows = rows
        self.touch()

    def _connection_changed(self, state: ConnectionState) -> None:
        connected = state.phase is Phase.CONNECTED
        if self._connected and not connected:
            self._seen_at = self._clock.now()
        if self._connected is not connected:
            self.touch()
        self._connected = connected

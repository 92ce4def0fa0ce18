"""SessionManager: the only way the current session changes.

The page's selector, an auto-session, a session deleted elsewhere, a restored state, another
tab: all go through :meth:`SessionManager.switch_session` (or :meth:`~SessionManager.adopt`
when the session's data is at hand already). A switch is atomic: until everything that can
fail has succeeded, nothing observable changes.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import replace as with_changes
from typing import Any, Protocol

from . import events
from .envelope import SavedSession
from .errors import (
    NoSession,
    ProxyRefused,
    SessionNotFound,
    SessionsError,
    SwitchFailed,
    SwitchSuperseded,
)
from .models import (
    ProxyConfig,
    Session,
    SessionChanged,
    SessionDetail,
    SessionId,
    SwitchFailure,
    id_key,
    same_id,
)
from .routing import ProxyConfigCache, extract_provider, timeout_for_provider
from .state import SessionState

MAX_HISTORY = 10
"""Sessions remembered by the history and the proxy-config cache."""


class SessionBackend(Protocol):
    """Where sessions are loaded from and made active."""

    @property
    def activates_to_load(self) -> bool:
        """True when a session can only be read by making it the active one."""
        ...

    async def load_session(self, session_id: SessionId) -> SessionDetail | None:
        """Return a session with its metrics, or None when there is no such session."""
        ...

    async def activate_session(self, session_id: SessionId) -> bool:
        """Make a session the one that the proxy books requests on.

        Returns False, having done nothing, where the proxy cannot. Raises a
        ``ProxyError`` when it refuses.
        """
        ...


class SessionManager:
    """Switches between sessions, atomically; the last call wins.

    Instances share nothing but what they are given.
    """

    def __init__(
        self,
        state: SessionState,
        bus: events.EventBus,
        backend: SessionBackend,
        max_history: int = MAX_HISTORY,
        *,
        announce_loads: bool = False,
    ) -> None:
        """Manage ``state``, loading from ``backend`` and telling ``bus``.

        Args:
            state: what the manager alone makes enter another session.
            bus: is told of every switch.
            backend: loads and activates sessions.
            max_history: sessions remembered by history and config cache.
            announce_loads: follow ``sessionChanged`` by ``session:loaded``,
                ``memory:updated`` and ``metrics:loaded`` where a switch brought data. Dashboards
                written for the original hear ``sessionChanged`` alone, and load in answer to it.
        """
        self._state = state
        self._bus = bus
        self._backend = backend
        self._max_history = max_history
        self._announce_loads = announce_loads
        self._configs = ProxyConfigCache(max_history)
        self._history: OrderedDict[str, Session] = OrderedDict()
        self._turn = 0
        self._target: SessionId | None = None
        # One request that changes the proxy's active session at a time: two under way
        # could arrive in either order and leave the wrong one active.
        self._activation = asyncio.Lock()
        # True from the moment a request may have moved the proxy to another session until
        # a commit, or an activation of the old session, made both sides agree again.
        self._proxy_strayed = False

    # -- reading ----------------------------------------------------------------------

    def get_active_session(self) -> Session | None:
        """Return the current session, or None."""
        return self._state.session

    def is_session_active(self, session_id: object) -> bool:
        """Tell whether that session is the current one; ``"3"`` is 3."""
        session = self._state.session
        return session is not None and same_id(session.id, session_id)

    @property
    def switching_to(self) -> SessionId | None:
        """The session that a switch under way is heading for, or None."""
        return self._target

    @property
    def session_history(self) -> tuple[Session, ...]:
        """Sessions switched to, the latest last; each once."""
        return tuple(self._history.values())

    @property
    def session_proxy_map(self) -> Mapping[str, ProxyConfig]:
        """The cached proxy configs by session id (as text), the one used last at the end."""
        return self._configs.snapshot()

    def get_proxy_config(self, session: Session | None) -> ProxyConfig | None:
        """Return a session's cached config, or None."""
        return self._configs.get(session.id) if session is not None else None

    def extract_provider(self, model: str | None) -> str:
        """Guess the provider from a model's name; ``unknown`` when there is no telling."""
        return extract_provider(model)

    def get_timeout_for_provider(self, provider: str | None) -> int:
        """Return how many seconds a provider is given to answer."""
        return timeout_for_provider(provider)

    # -- loading ----------------------------------------------------------------------

    async def load_session(self, session_id: SessionId) -> SessionDetail | None:
        """Fetch a session; None when the proxy has no such session.

        Raises:
            ProxyError: when it could not be asked.
        """
        return await self._backend.load_session(session_id)

    def update_proxy_config(self, session: Session) -> ProxyConfig:
        """Build a session's config and cache it."""
        config = self._configs.build(session)
        self._configs.put(config, self._state.session_id)
        return config

    def cleanup_old_configs(self, max_history: int | None = None) -> None:
        """Shrink history and cache to ``max_history`` entries; the current session stays."""
        limit = self._max_history if max_history is None else max_history
        current = self._state.session_id
        self._configs.trim(limit, current)
        for key in list(self._history):
            if len(self._history) <= max(limit, 0):
                break
            if key != id_key(current):
                del self._history[key]

    # -- switching --------------------------------------------------------------------

    async def switch_session(
        self,
        session_id: SessionId,
        existing_metrics: Sequence[Mapping[str, Any]] | None = None,
        *,
        activate: bool = False,
    ) -> Session:
        """Make a session current: load it, build its config, activate it, then show it.

        Args:
            session_id: the session.
            existing_metrics: its metrics when the caller has them, oldest first or as the
                proxy answers, newest first; they replace what is buffered.
            activate: also make it the proxy's active session, as when a person chose it.

        Returns:
            The session, now current; ``sessionChanged`` was emitted.

        Raises:
            SessionNotFound: the proxy does not know it. Nothing changed.
            SwitchFailed: loading or activating failed. Nothing changed, and where the
                proxy had moved already it was moved back.
            SwitchSuperseded: a later switch took over. Nothing was emitted.
        """
        turn = self._next_turn()
        self._target = session_id
        try:
            detail = await self._fetch(turn, session_id, activate=activate)
            self._check_turn(turn, session_id)
        except SwitchSuperseded:
            if activate and self._target is None:
                # The later call has ended already, and this one may have moved the proxy
                # since: where it stands now is for nobody else to put right.
                await self._return_to_current(self._turn)
            raise
        except BaseException as error:
            failure = await self._fail(turn, session_id, error)
            if failure is error:
                raise
            raise failure from error
        session = detail.session
        if existing_metrics is not None:
            session = session.updated(metrics=list(existing_metrics))
            raw = {**detail.raw, "recent_metrics": _newest_first(existing_metrics)}
            detail = SessionDetail.from_wire(raw)
        replace = existing_metrics is not None
        return self._commit(session, detail, replace=replace)

    def adopt(self, detail: SessionDetail) -> Session:
        """Make a session current whose data is at hand; like a switch, but it cannot fail.

        Switches under way are superseded. Adopting the session that is current already
        refreshes it, without ``sessionChanged``.
        """
        self._next_turn()
        if self.is_session_active(detail.session.id) and self._state.is_same(detail.session):
            self._state.refresh(detail)
            self._proxy_strayed = False
            return self._state.session or detail.session
        return self._commit(detail.session, detail, replace=False)

    def reload(self, detail: SessionDetail) -> Session:
        """Make a session current with just the metrics at hand, whatever was buffered."""
        self._next_turn()
        if self.is_session_active(detail.session.id) and self._state.is_same(detail.session):
            self._state.load_session_data(detail.raw)
            return self._state.session or detail.session
        self._state.forget(detail.session.id)
        return self._commit(detail.session, detail, replace=False)

    def leave_session(self) -> None:
        """Have no current session, as when the proxy has none left."""
        self._next_turn()
        old = self._state.session
        if self._state.session_id is None:
            return
        self._state.enter(None)
        self._proxy_strayed = False
        self._bus.emit(events.SESSION_CHANGED, SessionChanged(old, None, None))

    def start_over(
        self, sessions: Sequence[SavedSession] = (), current: SessionId | None = None
    ) -> Session | None:
        """Forget every session, and go on with what is remembered; asks no proxy, cannot fail.

        The page does this when it starts, and when another user takes over. Switches under
        way are superseded; ``sessionChanged`` is emitted once, unless there neither was nor
        is a session.

        Args:
            sessions: what is remembered, used last first.
            current: which of them to show; none when it is not among them.
        """
        self._next_turn()
        old = self._state.session
        self._configs = ProxyConfigCache(self._max_history)
        self._history.clear()
        self._proxy_strayed = False
        self._state.start_over(sessions)
        saved = next((s for s in sessions if same_id(s.session.id, current)), None)
        if saved is None:
            if old is not None:
                self._bus.emit(events.SESSION_CHANGED, SessionChanged(old, None, None))
            return None
        raw = {
            "session": saved.session.to_wire(),
            "recent_metrics": [metric.wire for metric in reversed(saved.metrics)],
        }
        detail = SessionDetail(saved.session, saved.metrics, saved.memory, {}, None, raw)
        return self._commit(saved.session, detail, replace=False, old=old)

    # -- inside -----------------------------------------------------------------------

    def _next_turn(self) -> int:
        self._turn += 1
        self._target = None
        return self._turn

    def _check_turn(self, turn: int, session_id: SessionId) -> None:
        if turn != self._turn:
            raise SwitchSuperseded(session_id)

    async def _fetch(self, turn: int, session_id: SessionId, *, activate: bool) -> SessionDetail:
        detail: SessionDetail | None = None
        if not (activate and self._backend.activates_to_load):
            detail = await self._load(session_id)
        # An overtaken switch may have left the proxy elsewhere: then this one brings it here.
        if activate or self._proxy_strayed:
            async with self._activation:
                self._check_turn(turn, session_id)
                self._proxy_strayed = True
                activated = await self._backend.activate_session(session_id)
                self._proxy_strayed = True  # a commit meanwhile may have reset it
                # The first load may have taught that this proxy shows only its active
                # session whole.
                if detail is None or self._backend.activates_to_load:
                    detail = await self._load(session_id)
                elif activated:
                    active = detail.session.updated(is_active=1)
                    detail = with_changes(detail, session=active)
        assert detail is not None
        return detail

    async def _load(self, session_id: SessionId) -> SessionDetail:
        detail = await self._backend.load_session(session_id)
        if detail is None:
            raise SessionNotFound(session_id)
        return detail

    async def _fail(self, turn: int, session_id: SessionId, error: BaseException) -> BaseException:
        """Put the proxy back, tell the bus, and return what to raise.

        A failing switch that was overtaken leaves the proxy to the later one, which knows
        better where it should be.
        """
        if turn != self._turn:
            return SwitchSuperseded(session_id)
        try:
            rolled_back = await self._return_to_current(turn)
        except (asyncio.CancelledError, Exception):
            rolled_back = False  # what went wrong first is what is told
        if turn != self._turn:
            return SwitchSuperseded(session_id)
        self._target = None
        failure: BaseException
        if isinstance(error, SessionNotFound) or _is_missing(error):
            failure = SessionNotFound(session_id, rolled_back=rolled_back)
        elif isinstance(error, SessionsError):
            failure = SwitchFailed(session_id, str(error), rolled_back=rolled_back)
        else:
            failure = error
        self._bus.emit(events.SWITCH_FAILED, SwitchFailure(session_id, str(failure), rolled_back))
        return failure

    async def _return_to_current(self, turn: int) -> bool:
        current = self._state.session_id
        if not self._proxy_strayed:
            return True
        if current is None:
            return False
        async with self._activation:
            if turn != self._turn:
                return True
            try:
                await self._backend.activate_session(current)
            except SessionsError:
                return False
            self._proxy_strayed = False
            return True

    def _commit(
        self,
        session: Session,
        detail: SessionDetail,
        *,
        replace: bool,
        old: Session | None = None,
    ) -> Session:
        self._target = None
        old = old or self._state.session
        config = self._configs.build(session)
        self._state.enter(session, detail, replace=replace)
        self._proxy_strayed = False
        self._configs.put(config, session.id)
        self._history[id_key(session.id)] = session
        self._history.move_to_end(id_key(session.id))
        self.cleanup_old_configs()
        self._bus.emit(events.SESSION_CHANGED, SessionChanged(old, session, config))
        loaded = self._announce_loads and detail.metrics is not None and not replace
        if loaded and self._state.is_current(session.id):  # a handler may have moved on
            self._state.announce_load(detail)
        return session


_of_the_page: SessionManager | None = None


def set_session_manager(manager: SessionManager | None) -> None:
    """Name the one manager of this page."""
    global _of_the_page
    _of_the_page = manager


def get_session_manager() -> SessionManager:
    """Return the one manager of this page.

    Raises:
        NoSession: before the page has made it.
    """
    if _of_the_page is None:
        raise NoSession("The page has no session manager yet.")
    return _of_the_page


def _is_missing(error: BaseException) -> bool:
    """Tell whether the proxy refused because there is no such session.

    Every known version says so in French, with HTTP 200.
    """
    if not isinstance(error, ProxyRefused):
        return False
    text = str(error).lower()
    return "introuvable" in text or "non trouvée" in text or "not found" in text


def _newest_first(metrics: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """Dashboards hand on ``recent_metrics`` as they got it; the ids tell which order that is."""
    ids = [key for metric in metrics if isinstance(key := metric.get("id"), int)]
    return list(metrics) if ids and ids[0] > ids[-1] else list(reversed(metrics))

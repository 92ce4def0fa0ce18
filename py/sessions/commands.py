"""What a person can ask for, and how it is done.

A panel emits an intent (``session:select`` and the like); the matching method here asks the
proxy, and the outcome comes back as events. Every command ends in ``command:done`` or
``command:failed``, so that a dialog knows when to close and what to say.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from . import events
from .errors import NoSession, ProxyError, SessionsError, SwitchFailed, SwitchSuperseded
from .events import Topic
from .live import Live, list_sessions
from .manager import SessionManager
from .models import Notice, Session, SessionId, Wire, as_flag, as_id, as_mapping, as_text, as_tokens
from .notices import notice_for
from .ports import Scheduler
from .proxy_api import Provider, ProxyApi
from .state import SessionState
from .texts import for_file_name

SELECT = "session:select"
CREATE = "session:create"
DELETE = "session:delete"
LIST = "session:list"
SET_AUTO_SESSION = "auto-session:set"
EXPORT = "export"
COMPACT = "compaction:run"
PREVIEW_COMPACTION = "compaction:preview"
SET_AUTO_COMPACTION = "compaction:set-auto"
RESERVE_TOKENS = "compaction:reserve"
LOAD_COMPACTION = "compaction:load"
LOAD_MEMORY = "memory:load"
LOAD_PROVIDERS = "providers:load"
LOAD_RATE_LIMIT = "rate-limit:load"
VIEW = "session:view"
"""Look at a session that was chosen in another tab."""
WAKE = "connection:wake"
RESTART = "connection:restart"

INTENTS = (
    *(SELECT, CREATE, DELETE, LIST, SET_AUTO_SESSION, EXPORT),
    *(COMPACT, PREVIEW_COMPACTION, SET_AUTO_COMPACTION, RESERVE_TOKENS, LOAD_COMPACTION),
    *(LOAD_MEMORY, LOAD_PROVIDERS, LOAD_RATE_LIMIT, VIEW, WAKE, RESTART),
)
"""Everything that can be asked for."""

COMMAND_DONE: Topic[CommandOutcome] = Topic("command:done")
COMMAND_FAILED: Topic[CommandOutcome] = Topic("command:failed")
PROVIDERS_LISTED: Topic[tuple[Provider, ...]] = Topic("providers:listed")
COMPACTION_LOADED: Topic[Wire] = Topic("compaction:loaded")
COMPACTION_PREVIEWED: Topic[Wire] = Topic("compaction:previewed")
MEMORY_LOADED: Topic[Wire] = Topic("memory:loaded")
RATE_LIMIT_LOADED: Topic[Wire] = Topic("rate-limit:loaded")
SESSION_VIEWED: Topic[ViewedSession] = Topic("session:viewed")
"""A person chose a session on a proxy that cannot activate it and so tells nobody."""
EXPORTED: Topic[ExportedFile] = Topic("export:ready")


@dataclass(frozen=True, slots=True)
class CommandOutcome:
    """How a command ended; ``notice`` says why it failed."""

    command: str
    notice: Notice | None = None

    def to_wire(self) -> dict[str, Any]:
        """Return the JSON object."""
        return {"command": self.command, "notice": self.notice and self.notice.to_wire()}


@dataclass(frozen=True, slots=True)
class ViewedSession:
    """A session that a person chose; ``pinned`` when requests are booked on another one."""

    id: SessionId
    pinned: bool

    def to_wire(self) -> dict[str, Any]:
        """Return the JSON object."""
        return {"id": self.id, "pinned": self.pinned}


@dataclass(frozen=True, slots=True)
class ExportedFile:
    """A file for the person to keep."""

    name: str
    content_type: str
    text: str

    def to_wire(self) -> dict[str, Any]:
        """Return the JSON object."""
        return {"name": self.name, "contentType": self.content_type, "text": self.text}


class Commands:
    """Listens for intents and carries them out."""

    def __init__(
        self,
        api: ProxyApi,
        state: SessionState,
        manager: SessionManager,
        live: Live,
        bus: events.EventBus,
        scheduler: Scheduler,
    ) -> None:
        """Serve the intents that arrive on ``bus`` until :meth:`stop`."""
        self._api = api
        self._state = state
        self._manager = manager
        self._live = live
        self._bus = bus
        self._scheduler = scheduler
        work: dict[str, tuple[str, Callable[[Wire], Coroutine[Any, Any, None]]]] = {
            SELECT: ("failed.select", self._select),
            VIEW: ("failed.select", self._view),
            CREATE: ("failed.create", self._create),
            DELETE: ("failed.delete", self._delete),
            LIST: ("failed.list", self._list),
            SET_AUTO_SESSION: ("failed.auto_session", self._set_auto_session),
            EXPORT: ("failed.export", self._export),
            COMPACT: ("failed.compact", self._compact),
            PREVIEW_COMPACTION: ("failed.preview", self._preview_compaction),
            SET_AUTO_COMPACTION: ("failed.auto_compaction", self._set_auto_compaction),
            RESERVE_TOKENS: ("failed.reserve", self._reserve_tokens),
            LOAD_COMPACTION: ("failed.load_compaction", self._load_compaction),
            LOAD_MEMORY: ("failed.load_memory", self._load_memory),
            LOAD_PROVIDERS: ("failed.load_providers", self._load_providers),
            LOAD_RATE_LIMIT: ("failed.load_rate_limit", self._load_rate_limit),
        }
        self._forget = [
            bus.on(topic, self._runner(topic, what, do)) for topic, (what, do) in work.items()
        ]
        self._auto_told = 0
        self._settings: tuple[bool | None, int] | None = None
        self._settings_changes = 0
        self._forget.append(bus.on(events.SESSION_UPDATED, self._note_settings))
        self._forget.append(
            bus.on(events.AUTO_SESSION_CHANGED, self._note_auto, needs_payload=False)
        )
        self._forget.append(bus.on(WAKE, lambda _: live.connection.wake()))
        self._forget.append(bus.on(RESTART, lambda _: live.connection.restart()))

    def stop(self) -> None:
        """Listen no more."""
        for forget in self._forget:
            forget()

    def _runner(
        self, command: str, what: str, do: Callable[[Wire], Coroutine[Any, Any, None]]
    ) -> Callable[[object], None]:
        async def run(request: Wire) -> None:
            try:
                await do(request)
            except SwitchSuperseded:
                return  # the later command reports
            except SessionsError as error:
                cause = error.__cause__ if isinstance(error, SwitchFailed) else error
                known = cause if isinstance(cause, ProxyError) else error
                notice = notice_for(known, what)
                self._bus.emit(COMMAND_FAILED, CommandOutcome(command, notice))
            else:
                self._bus.emit(COMMAND_DONE, CommandOutcome(command))

        return lambda request: self._scheduler.start(run(as_mapping(request)))

    # -- sessions ---------------------------------------------------------------------

    async def _select(self, request: Wire) -> None:
        session_id = as_id(request.get("id"))
        if session_id is None:
            return
        under_way = self._manager.switching_to
        if under_way is None and self._manager.is_session_active(session_id):
            return
        session = await self._manager.switch_session(session_id, activate=True)
        activated = self._api.can_activate or session.is_active
        self._live.pinned = None if activated else session.id
        if not activated:
            values = {"name": session.name}
            self._bus.emit(events.NOTICE, Notice("info", "notice.view_only", values))
        if not self._api.can_activate:
            self._bus.emit(SESSION_VIEWED, ViewedSession(session.id, not activated))
        await self._live.after_switch()
        await self._list_again()

    async def _view(self, request: Wire) -> None:
        session_id = as_id(request.get("id"))
        if session_id is None or self._manager.switching_to is not None:
            return  # else a person is choosing right here, and that choice is the later one
        moves = not self._manager.is_session_active(session_id)
        if moves:
            try:
                await self._manager.switch_session(session_id)
            except SwitchFailed:
                return  # the bus was told, and nobody asked for it in this tab
        self._live.pinned = session_id if as_flag(request.get("pinned")) else None
        if moves:
            await self._live.after_switch()

    async def _create(self, request: Wire) -> None:
        name = (as_text(request.get("name")) or "").strip()
        provider, model = as_text(request.get("provider")), as_text(request.get("model"))
        session = await self._api.create_session(name, provider, model)
        self._live.pinned = None
        # The proxy announces the new session too, and that announcement may overtake.
        with suppress(SwitchSuperseded):
            await self._manager.switch_session(session.id)
        await self._live.after_switch()
        await self._list_again()

    async def _delete(self, request: Wire) -> None:
        wanted = request.get("ids")
        found = [as_id(i) for i in wanted] if isinstance(wanted, list) else []
        ids: list[SessionId] = [i for i in found if i is not None]
        if not ids:
            return
        outcome = await self._api.delete_sessions(ids)
        for session_id in outcome.deleted:
            self._state.forget(session_id)
        if outcome.deleted:
            values = {"count": len(outcome.deleted)}
            self._bus.emit(events.NOTICE, Notice("success", "notice.deleted", values))
        if outcome.refused:
            reason = next((text for text in outcome.refused.values() if text), None)
            values = {"count": len(outcome.refused)}
            self._bus.emit(events.NOTICE, Notice("warning", "notice.not_deleted", values, reason))
        await self._list_again()

    async def _list(self, _: Wire) -> None:
        await list_sessions(self._api, self._state, self._bus)

    async def _list_again(self) -> None:
        """Show what a command changed. It has succeeded whether this does or not."""
        with suppress(ProxyError):
            await self._list({})

    async def _set_auto_session(self, request: Wire) -> None:
        told = self._auto_told
        enabled = await self._api.set_auto_session(bool(request.get("enabled")))
        if told == self._auto_told:  # else a frame has told of it, or of what somebody did since
            self._bus.emit(events.AUTO_SESSION_CHANGED, enabled)

    def _note_auto(self, _: object) -> None:
        self._auto_told += 1

    def _note_settings(self, session: Session | None) -> None:
        settings = None
        if session is not None:
            settings = session.auto_compaction_enabled, session.reserved_tokens
        if settings != self._settings:
            self._settings = settings
            self._settings_changes += 1

    def _settings_told(self) -> int:
        """Return how often the compaction's settings have changed so far."""
        self._note_settings(self._state.session)
        return self._settings_changes

    async def _load_providers(self, _: Wire) -> None:
        self._bus.emit(PROVIDERS_LISTED, await self._api.providers())

    async def _export(self, request: Wire) -> None:
        kind = "csv" if request.get("kind") == "csv" else "json"
        text = await self._api.export(kind)
        session = self._state.session
        number = for_file_name(str(session.id)) if session else "none"
        name = f"session-{number}.{kind}"
        content_type = "text/csv" if kind == "csv" else "application/json"
        self._bus.emit(EXPORTED, ExportedFile(name, content_type, text))

    # -- compaction, memory, rate limit -------------------------------------------------

    async def _compact(self, request: Wire) -> None:
        answer = await self._api.compact(
            self._current_id(),
            preserve_messages=as_tokens(request.get("preserve")) or 2,
            force=bool(request.get("force")),
        )
        detail = as_text(answer.get("message"))
        self._bus.emit(events.NOTICE, Notice("success", "notice.compact_asked", {}, detail))
        with suppress(ProxyError):  # the compaction has succeeded whatever its figures do
            await self._load_compaction({})
        self._live.catch_up_soon()

    async def _preview_compaction(self, _: Wire) -> None:
        session_id = self._current_id()
        preview = await self._api.compaction_preview(session_id)
        if self._state.is_current(session_id):
            self._bus.emit(COMPACTION_PREVIEWED, preview)

    async def _set_auto_compaction(self, request: Wire) -> None:
        session_id = self._current_id()
        told = self._settings_told()
        enabled = await self._api.set_auto_compaction(session_id, bool(request.get("enabled")))
        if told == self._settings_told():  # else a frame has told of it, or of a change since
            self._change(session_id, auto_compaction_enabled=enabled)

    async def _reserve_tokens(self, request: Wire) -> None:
        session_id = self._current_id()
        told = self._settings_told()
        tokens = await self._api.reserve_tokens(session_id, as_tokens(request.get("tokens")) or 0)
        if told == self._settings_told():
            self._change(session_id, reserved_tokens=tokens)

    async def _load_compaction(self, _: Wire) -> None:
        session_id = self._state.session_id
        if session_id is not None:
            stats = await self._api.compaction_stats(session_id)
            if self._state.is_current(session_id):
                self._bus.emit(COMPACTION_LOADED, stats)

    async def _load_memory(self, _: Wire) -> None:
        stats = await self._api.memory_stats()
        frequent = await self._api.frequent_memories()
        self._bus.emit(MEMORY_LOADED, {**stats, "frequent": frequent})

    async def _load_rate_limit(self, _: Wire) -> None:
        self._bus.emit(RATE_LIMIT_LOADED, await self._api.rate_limit())

    def _change(self, session_id: SessionId, **fields: Any) -> None:
        session = self._state.session
        if session is not None and self._state.is_current(session_id):
            self._state.update_session(session.updated(**fields))

    def _current_id(self) -> SessionId:
        session_id = self._state.session_id
        if session_id is None:
            raise NoSession("There is no current session to work on.")
        return session_id

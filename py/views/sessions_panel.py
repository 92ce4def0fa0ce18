"""The list of sessions: choose, search, create, delete one or many."""

from __future__ import annotations

from collections.abc import Sequence

from sessions import commands, events
from sessions.commands import CommandOutcome
from sessions.models import Session, id_key, same_id
from sessions.proxy_api import Provider
from sessions.times import parse_timestamp

from .desk import Desk
from .header import LANGUAGE_CHANGED
from .page import Action, Row
from .toasts import explain
from .words import EMPTY


def plain_name(name: str) -> str:
    """Return a provider's name without the emoji that the proxy puts before it."""
    start = next((at for at, c in enumerate(name) if c.isalnum() or c in "([{«“\"'"), None)
    return name if start is None else name[start:]


class SessionList:
    """The panel behind the header's session button."""

    def __init__(self, desk: Desk) -> None:
        """Follow the proxy's list of sessions."""
        self._desk = desk
        self._sessions: tuple[Session, ...] = ()
        self._query = ""
        self._checked: dict[str, Session] = {}
        desk.bus.on(events.SESSIONS_LISTED, self._listed)
        desk.touch_on(
            self, events.SESSION_CHANGED, events.SESSION_UPDATED, events.CAPABILITIES_CHANGED
        )
        desk.bus.on(commands.COMMAND_DONE, self._command_done)
        desk.bus.on(commands.COMMAND_FAILED, self._command_failed)
        desk.on_action("session:toggle-panel", lambda _: desk.intend(commands.LIST))
        desk.on_action("session:search", self._search)
        desk.on_action("session:select", self._select)
        desk.on_action("session:check", self._check)
        desk.on_action("session:delete", self._ask)
        desk.on_action("session:delete-confirm", self._delete)

    def render(self) -> None:
        """Write the rows that match the search, and what can be done with those ticked."""
        page, words = self._desk.page, self._desk.words
        shown = [session for session in self._sessions if self._matches(session)]
        page.rows("session-list", "session-row", [self._row(session) for session in shown])
        page.text("session-count", words.number(len(self._sessions)))
        empty = (
            words("sessions.no_match", query=self._query)
            if self._sessions and self._query
            else words("sessions.empty")
        )
        page.text("session-list-empty", empty)
        count = len(self._checked)
        page.text(
            "session-selected",
            words.count("sessions.selected", count) if count else words("sessions.none_selected"),
        )
        can_delete = self._desk.capabilities.can_delete
        page.property("session-delete", "disabled", not (count and can_delete))
        page.property("session-delete-note", "hidden", can_delete)
        page.text("session-delete-note", words("sessions.delete_unsupported"))

    def _matches(self, session: Session) -> bool:
        text = f"{session.name} {session.provider or ''} {session.model or ''}".casefold()
        return all(part in text for part in self._query.casefold().split())

    def _row(self, session: Session) -> Row:
        desk, words = self._desk, self._desk.words
        current = desk.state.is_current(session.id)
        created = parse_timestamp(session.created_at, desk.clock)
        detail = " · ".join(part for part in (session.provider, session.model) if part)
        key = id_key(session.id)
        return Row(
            key,
            {
                "@data-session-id": key,
                "@data-current": "true" if current else "false",
                "name": session.name,
                "name@title": session.name,
                "provider": detail or EMPTY,
                "created": EMPTY if created is None else desk.words.formats.moment(created),
                "badge": words("session.badge.active"),
                "badge.hidden": not session.is_active,
                "badge@data-state": "active",
                "check.checked": key in self._checked,
                "check.hidden": not self._desk.capabilities.can_delete,
                # The proxy refuses to delete the session that it books requests on.
                "check.disabled": session.is_active,
                "check@title": words("sessions.delete_active") if session.is_active else None,
                "select@aria-current": "true" if current else None,
            },
        )

    # -- what a person does -------------------------------------------------------------

    def _search(self, action: Action) -> None:
        self._query = (action.value or "").strip()
        self._desk.renderer.touch(self)

    def _select(self, action: Action) -> None:
        session = self._find(action.row)
        if session is not None:
            self._desk.page.close("session-panel")
            self._desk.intend(commands.SELECT, id=session.id)
            self._desk.renderer.touch(self)

    def _check(self, action: Action) -> None:
        session = self._find(action.row)
        if session is None:
            return
        if action.checked:
            self._checked[id_key(session.id)] = session
        else:
            self._checked.pop(id_key(session.id), None)
        self._desk.renderer.touch(self)

    def _ask(self, _: Action) -> None:
        page = self._desk.page
        rows = [
            Row(
                id_key(session.id),
                {"name": session.name, "detail": session.model or session.provider or EMPTY},
            )
            for session in self._checked.values()
        ]
        if rows:
            page.rows("confirm-delete-names", "delete-name-row", rows)
            page.property("confirm-delete-error", "hidden", True)
            page.property("confirm-delete-submit", "disabled", False)
            page.open("confirm-delete-dialog")
            self._desk.renderer.touch(self)

    def _delete(self, _: Action) -> None:
        self._desk.page.property("confirm-delete-submit", "disabled", True)
        ids = [session.id for session in self._checked.values()]
        self._desk.intend(commands.DELETE, ids=ids)
        self._desk.renderer.touch(self)

    # -- what comes back ----------------------------------------------------------------

    def _listed(self, sessions: Sequence[Session]) -> None:
        self._sessions = tuple(sessions)
        there = {id_key(session.id): session for session in sessions if not session.is_active}
        self._checked = {key: there[key] for key in self._checked if key in there}
        self._desk.renderer.touch(self)

    def _command_done(self, outcome: CommandOutcome) -> None:
        if outcome.command == commands.DELETE:
            self._checked.clear()
            self._desk.page.close("confirm-delete-dialog")
            self._desk.renderer.touch(self)

    def _command_failed(self, outcome: CommandOutcome) -> None:
        if outcome.command == commands.DELETE and outcome.notice:
            page = self._desk.page
            page.text("confirm-delete-error", explain(self._desk.words, outcome.notice))
            page.property("confirm-delete-error", "hidden", False)
            page.property("confirm-delete-submit", "disabled", False)
            self._desk.renderer.touch(self)

    def _find(self, key: str | None) -> Session | None:
        return next((s for s in self._sessions if same_id(s.id, key)), None)


class NewSession:
    """The dialog that creates a session."""

    def __init__(self, desk: Desk) -> None:
        """Open on demand; the providers are asked for then."""
        self._desk = desk
        self._providers: tuple[Provider, ...] = ()
        self._provider = ""
        self._busy = False
        self._refill = False
        self._error = ""
        desk.on_action("session:new", self._show)
        desk.on_action("session:provider", self._choose_provider)
        desk.on_action("session:model", self._choose_model)
        desk.on_action("session:create", self._create)
        desk.bus.on(LANGUAGE_CHANGED, lambda _: self._speak_again())
        desk.bus.on(commands.PROVIDERS_LISTED, self._listed)
        desk.bus.on(commands.COMMAND_DONE, self._command_done)
        desk.bus.on(commands.COMMAND_FAILED, self._command_failed)

    def render(self) -> None:
        """Write the choices and the error, if any."""
        page, words = self._desk.page, self._desk.words
        if self._refill:
            self._refill = False
            page.options("new-session-provider", self._provider_options(), self._provider)
            models = self._models()
            page.options("new-session-model", models, models[0][0] if models else "")
            self._show_window(models[0][0] if models else "")
        page.property("new-session-submit", "disabled", self._busy)
        page.property("new-session-error", "hidden", not self._error)
        page.text("new-session-error", self._error or words("new_session.title"))

    def _provider_options(self) -> list[tuple[str, str]]:
        words = self._desk.words
        return [
            (
                provider.key,
                plain_name(provider.name)
                if provider.has_api_key
                else words("new_session.no_key", name=plain_name(provider.name)),
            )
            for provider in self._providers
        ]

    def _models(self) -> list[tuple[str, str]]:
        for provider in self._providers:
            if provider.key == self._provider:
                return [(model.key, model.name) for model in provider.models]
        return []

    def _show_window(self, key: str) -> None:
        sizes = {m.key: m.max_context for p in self._providers for m in p.models}
        size = sizes.get(key)
        text = self._desk.words("new_session.window", n=size) if size else ""
        self._desk.page.text("new-session-window", text)

    def _speak_again(self) -> None:
        self._error = ""
        self._refill = bool(self._providers)

    def _show(self, _: Action) -> None:
        self._error, self._busy = "", False
        page = self._desk.page
        page.close("session-panel")
        page.property("new-session-name", "value", "")
        page.open("new-session-dialog")
        self._desk.intend(commands.LOAD_PROVIDERS)
        self._desk.renderer.touch(self)

    def _choose_provider(self, action: Action) -> None:
        self._provider = action.value or ""
        self._refill = True
        self._desk.renderer.touch(self)

    def _choose_model(self, action: Action) -> None:
        self._show_window(action.value or "")
        self._desk.renderer.touch(self)

    def _create(self, action: Action) -> None:
        fields = action.fields
        name = fields.get("new-session-name", "").strip()
        self._desk.renderer.touch(self)
        if not name:
            self._error = self._desk.words("new_session.name_required")
            self._desk.page.focus("new-session-name")
            return
        self._error, self._busy = "", True
        self._desk.intend(
            commands.CREATE,
            name=name,
            provider=fields.get("new-session-provider", ""),
            model=fields.get("new-session-model", ""),
        )

    def _listed(self, providers: tuple[Provider, ...]) -> None:
        self._providers = providers
        if self._provider not in {provider.key for provider in providers}:
            self._provider = providers[0].key if providers else ""
        self._refill = True
        self._desk.renderer.touch(self)

    def _command_done(self, outcome: CommandOutcome) -> None:
        if outcome.command == commands.CREATE:
            self._busy = False
            self._desk.page.close("new-session-dialog")
            self._desk.renderer.touch(self)

    def _command_failed(self, outcome: CommandOutcome) -> None:
        if outcome.command in (commands.CREATE, commands.LOAD_PROVIDERS) and outcome.notice:
            self._busy = False
            self._error = explain(self._desk.words, outcome.notice)
            self._desk.renderer.touch(self)

"""The user menu: whose page this is, and what can be done about it."""

from __future__ import annotations

from sessions import events
from sessions.models import Notice
from sessions.user_commands import (
    CREATE,
    DELETE,
    EXPORT,
    IMPORT,
    RENAME,
    SWITCH,
    USER_COMMAND,
    UserOutcome,
)
from sessions.users import USERS_LISTED, User, Users

from .desk import Desk
from .header import LANGUAGE_CHANGED
from .page import Action, Row


class UserMenu:
    """The popover behind the header's user button, and its two dialogs."""

    def __init__(self, desk: Desk, users: Users) -> None:
        """Show who there is; the list is read anew whenever the menu opens."""
        self._desk = desk
        self._users = users
        self._renaming: User | None = None
        self._deleting: User | None = None
        self._error = ""
        desk.touch_on(self, USERS_LISTED)
        desk.bus.on(USER_COMMAND, self._ended)
        desk.bus.on(LANGUAGE_CHANGED, lambda _: self._forget_error())
        desk.on_action("user:toggle-panel", lambda _: desk.renderer.touch(self))
        desk.on_action("user:select", self._select)
        desk.on_action("user:new", self._ask_name)
        desk.on_action("user:edit", self._ask_name)
        desk.on_action("user:name", self._name)
        desk.on_action("user:delete", self._ask_deletion)
        desk.on_action("user:delete-confirm", self._delete)
        desk.on_action("user:export", self._export)
        desk.on_action("user:import", self._import)

    def render(self) -> None:
        """Write the list, and the texts of whichever dialog may be open."""
        page, words, current = self._desk.page, self._desk.words, self._users.current
        everybody = self._users.everybody()
        page.rows("user-list", "user-row", [self._row(user) for user in everybody])
        page.text("user-name", current.name)
        page.property("user-name", "hidden", not current.name)
        page.attribute("user-button", "title", self._label(current))
        creates = self._renaming is None
        page.text("user-dialog-title", words("users.new" if creates else "users.rename_title"))
        page.text("user-dialog-submit", words("users.create" if creates else "users.rename"))
        page.property("user-dialog-error", "hidden", not self._error)
        page.text("user-dialog-error", self._error)
        if self._deleting is not None:
            name = self._label(self._deleting)
            page.text("user-delete-title", words("users.delete_title", name=name))

    def _row(self, user: User) -> Row:
        words, name = self._desk.words, self._label(user)
        current = user.id == self._users.current.id
        return Row(
            user.id,
            {
                "@data-user-id": user.id,
                "@data-current": "true" if current else "false",
                "name": name,
                "name@title": name,
                "select@aria-current": "true" if current else None,
                "edit@aria-label": words("users.rename_one", name=name),
                "edit@title": words("users.rename"),
                "delete@aria-label": words("users.delete_one", name=name),
                "delete@title": words("users.delete"),
            },
        )

    def _label(self, user: User) -> str:
        return user.name or self._desk.words("users.first")

    def _find(self, identifier: str | None) -> User | None:
        return next((u for u in self._users.everybody() if u.id == identifier), None)

    # -- what a person does -------------------------------------------------------------

    def _select(self, action: Action) -> None:
        self._desk.page.close("user-panel")
        self._desk.intend(SWITCH, id=action.row)
        self._desk.renderer.touch(self)

    def _ask_name(self, action: Action) -> None:
        self._renaming, self._error = self._find(action.row), ""
        page = self._desk.page
        page.close("user-panel")
        page.property("user-dialog-name", "value", self._renaming.name if self._renaming else "")
        page.open("user-dialog")
        self._desk.renderer.touch(self)

    def _name(self, action: Action) -> None:
        self._error = ""
        name = action.fields.get("user-dialog-name", "")
        if self._renaming is None:
            self._desk.intend(CREATE, name=name)
        else:
            self._desk.intend(RENAME, id=self._renaming.id, name=name)

    def _ask_deletion(self, action: Action) -> None:
        self._deleting = self._find(action.row)
        if self._deleting is not None:
            self._desk.page.close("user-panel")
            self._desk.page.open("user-delete-dialog")
            self._desk.renderer.touch(self)

    def _delete(self, _: Action) -> None:
        self._desk.page.close("user-delete-dialog")
        if self._deleting is not None:
            self._desk.intend(DELETE, id=self._deleting.id)
        self._desk.renderer.touch(self)

    def _export(self, _: Action) -> None:
        self._desk.page.close("user-panel")
        self._desk.intend(EXPORT)
        self._desk.renderer.touch(self)

    def _import(self, action: Action) -> None:
        self._desk.page.close("user-panel")
        self._desk.intend(IMPORT, text=action.value)
        self._desk.renderer.touch(self)

    # -- what comes back ----------------------------------------------------------------

    def _ended(self, outcome: UserOutcome) -> None:
        failure = self._desk.words(outcome.key, **(outcome.values or {})) if outcome.key else ""
        if outcome.command in (CREATE, RENAME):
            self._error = failure
            if failure:
                self._desk.page.focus("user-dialog-name")
            else:
                self._desk.page.close("user-dialog")
        elif failure:
            notice = Notice("error", "failed.import_user", {}, failure)
            self._desk.bus.emit(events.NOTICE, notice)
        self._desk.renderer.touch(self)

    def _forget_error(self) -> None:
        self._error = ""

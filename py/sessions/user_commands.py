"""What a person can do with users: switch, create, rename, delete, take along.

A switch swaps everything that is remembered at once: sessions and metrics through the
:class:`~sessions.manager.SessionManager`, choices through
:class:`~sessions.preferences.Preferences`. Nothing waits in between, so nobody ever sees one
user's figures under another's name.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from . import events
from .commands import EXPORTED, ExportedFile
from .discovery import Discovery, Plan
from .errors import BadUserFile, BadUserInput
from .events import Topic
from .live import Live
from .models import Notice, Wire, as_mapping, as_text
from .persistence import Persistence, recall
from .ports import Clock
from .preferences import LAST_PROXY, NAMES, PROXY, Preferences
from .storage import STATE, Storage, key_of
from .texts import cut
from .user_files import UserFile, parse_user_file
from .users import REGISTRY, USER_CHANGED, USER_DELETED, USER_LEFT, User, Users

SWITCH = "user:switch"
CREATE = "user:create"
RENAME = "user:rename"
DELETE = "user:delete"
EXPORT = "user:export"
IMPORT = "user:import"

PLACES = frozenset((PROXY, LAST_PROXY))
"""Choices that say whom the page talks to."""

IMPORTED_NAME = "Import"
"""What a user is called whose file names nobody."""


@dataclass(frozen=True, slots=True)
class UserOutcome:
    """How a command ended: ``key`` is the sentence that says why it failed, else None."""

    command: str
    key: str | None = None
    values: Wire | None = None

    def to_wire(self) -> dict[str, Any]:
        """Return the JSON object."""
        return {"command": self.command, "key": self.key, "values": dict(self.values or {})}


USER_COMMAND: Topic[UserOutcome] = Topic("user:command")
"""A command about users has ended, well or not."""


class UserCommands:
    """Listens for intents about users and carries them out."""

    def __init__(
        self,
        users: Users,
        storage: Storage,
        preferences: Preferences,
        persistence: Persistence,
        live: Live,
        bus: events.EventBus,
        clock: Clock,
        *,
        found: Discovery,
        look: Callable[[], Plan],
        chosen: bool,
        reload: Callable[[], None],
        enter: Callable[[], None],
    ) -> None:
        """Serve the intents that arrive on ``bus``.

        Args:
            users: who there is.
            storage: what is kept of them.
            preferences: the choices of the user at hand.
            persistence: what is remembered of the user at hand.
            live: the line to the proxy.
            bus: brings the intents, and is told what came of them.
            clock: the time of day.
            found: where the page is connected.
            look: says where the proxy of the user at hand may be.
            chosen: whether that place was chosen by a person.
            reload: loads the page again; its security policy names the proxies it may talk to.
            enter: is called when the tab's user has changed, to take it out of its address.
        """
        self._users = users
        self._storage = storage
        self._preferences = preferences
        self._persistence = persistence
        self._live = live
        self._bus = bus
        self._clock = clock
        self._found = found
        self._look = look
        self._chosen = chosen
        self._reload = reload
        self._enter_address = enter
        for topic, do in {
            SWITCH: self._switch,
            CREATE: self._create,
            RENAME: self._rename,
            DELETE: self._delete,
            EXPORT: self._export,
            IMPORT: self._import,
        }.items():
            bus.on(topic, self._runner(topic, do))

    def changed_elsewhere(self, key: str | None) -> None:
        """Another tab wrote ``key``: it may have made users, or deleted the one at hand."""
        if key != REGISTRY:
            return
        current = self._users.current.id
        if current in {user.id for user in self._users.everybody()}:
            self._users.announce()
        else:
            self._persistence.abandon()
            self._enter(self._users.everybody()[0].id)

    def _runner(self, command: str, do: Callable[[Wire], None]) -> Callable[[object], None]:
        def run(request: object) -> None:
            try:
                do(as_mapping(request))
            except BadUserInput as error:
                outcome = UserOutcome(command, error.key, error.values)
            else:
                outcome = UserOutcome(command)
            self._bus.emit(USER_COMMAND, outcome)

        return run

    # -- switching --------------------------------------------------------------------

    def _switch(self, request: Wire) -> None:
        identifier = as_text(request.get("id")) or ""
        if identifier != self._users.current.id:
            self._persistence.close()
            self._enter(identifier)

    def _enter(self, identifier: str) -> None:
        self._bus.emit(USER_LEFT, self._users.current.id)
        user = self._users.choose(identifier)
        self._preferences.enter(user.id)
        self._enter_address()
        if not self._stays():
            self._reload()
            return
        if not self._found.is_demo:
            remembered = recall(self._storage, user.id, self._clock.now())
            self._persistence.open(remembered, self._found.address)
            self._live.catch_up()
        self._bus.emit(USER_CHANGED, user)
        self._users.announce()

    def _stays(self) -> bool:
        """Tell whether the user at hand would be connected to where the page is connected."""
        where = self._look()
        if where.chosen:
            return where.candidates[0] == self._found.address
        if self._chosen:
            return False
        if where.last_known not in (None, self._found.address):
            return False
        if self._live.connection.is_connected and not self._found.is_demo:
            self._preferences.set(LAST_PROXY, self._found.address)
        return self._live.connection.is_connected or where.last_known is not None

    # -- users ------------------------------------------------------------------------

    def _create(self, request: Wire) -> None:
        user = self._users.create(as_text(request.get("name")) or "")
        self._switch({"id": user.id})

    def _rename(self, request: Wire) -> None:
        self._users.rename(as_text(request.get("id")) or "", as_text(request.get("name")) or "")

    def _delete(self, request: Wire) -> None:
        identifier = as_text(request.get("id")) or ""
        user = next((u for u in self._users.everybody() if u.id == identifier), None)
        if user is None:
            return
        current = identifier == self._users.current.id
        if current:
            self._persistence.abandon()  # nothing is written any more under that name
        self._users.delete(identifier)
        self._bus.emit(USER_DELETED, identifier)
        if current:
            self._enter(self._users.everybody()[0].id)

    # -- files ------------------------------------------------------------------------

    def _export(self, _: Wire) -> None:
        user, now = self._users.current, self._clock.now()
        choices = {name: self._preferences.get(name) for name in NAMES}
        state = self._persistence.current()
        if state is None:
            state = recall(self._storage, user.id, now).envelope
        chosen = {name: choice for name, choice in choices.items() if choice is not None}
        file = UserFile(user.name, chosen, state)
        name = f"kimi-user-{user.id}.json"
        self._bus.emit(EXPORTED, ExportedFile(name, "application/json", file.to_text(now)))

    def _import(self, request: Wire) -> None:
        """Make a user of a file; nobody's data is replaced, and a bad file changes nothing.

        Whoever made the file does not choose whom this page talks to: the new user stays with
        the proxy that the page is connected to, and is told of the one in the file.
        """
        text = as_text(request.get("text"))
        if text is None:
            raise BadUserFile("users.file.unread", "The file could not be read.")
        file = parse_user_file(text, self._clock.now())
        user = self._users.create(self._users.free_name(file.name or IMPORTED_NAME))
        choices = {name: file.preferences[name] for name in file.preferences if name not in PLACES}
        kept = {**choices, **self._own_place(), STATE: file.state_text()}
        if not all(self._storage.attempt(key_of(user.id, n), kept[n]) for n in kept):
            self._users.delete(user.id)
            raise BadUserFile("users.file.no_room", "The browser has no room for the file's data.")
        self._switch({"id": user.id})
        self._bus.emit(events.NOTICE, self._welcome(user, file))

    def _own_place(self) -> Mapping[str, str]:
        """Return where the page is connected, as a user's choice."""
        if self._chosen:
            return {PROXY: self._found.address}
        return {} if self._found.is_demo else {LAST_PROXY: self._found.address}

    def _welcome(self, user: User, file: UserFile) -> Notice:
        address = file.preferences.get(PROXY) or file.preferences.get(LAST_PROXY)
        if address in (None, self._found.address):
            return Notice("success", "notice.user_imported", {"name": user.name})
        values = {"name": user.name, "address": cut(address or "")}
        return Notice("warning", "notice.user_imported_elsewhere", values)

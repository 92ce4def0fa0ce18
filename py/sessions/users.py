"""Who uses this page: everything that is remembered belongs to one of them.

This keeps apart what several people, or one person's several jobs, do in one browser. It is no
security boundary: who can open the browser's tools can read everybody's data.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from . import events
from .errors import BadUserName
from .models import Notice, as_mapping, as_text
from .redaction import parse_json
from .storage import PREFIX, Storage, key_of

DEFAULT = "default"
"""The id of the user that is there before anybody made one."""

REGISTRY = PREFIX + "users"
CHOSEN = PREFIX + "user"

LONGEST_NAME = 40
"""Characters."""

_ID = re.compile(r"[a-z0-9-]{1,40}")
_NO_ID = re.compile(r"[^a-z0-9]+")
_RESERVED = frozenset(("user", "users"))


@dataclass(frozen=True, slots=True)
class User:
    """Somebody whose data is kept apart. ``name`` is empty until the first user gets one."""

    id: str
    name: str

    def to_wire(self) -> dict[str, Any]:
        """Return the JSON object."""
        return {"id": self.id, "name": self.name}


USER_CHANGED: events.Topic[User] = events.Topic("user:changed")
"""Another user has taken over, with everything that is remembered of them."""
USER_LEFT: events.Topic[str] = events.Topic("user:left")
"""The user of this id is about to be followed by another one, in this tab."""
USER_DELETED: events.Topic[str] = events.Topic("user:deleted")
"""There is no user of this id any more; whatever is kept of them is to go."""
USERS_LISTED: events.Topic[tuple[User, ...]] = events.Topic("users:listed")


def is_id(value: object) -> bool:
    """Tell whether a value can be a user's id."""
    return isinstance(value, str) and _ID.fullmatch(value) is not None and value not in _RESERVED


def clean_name(name: str) -> str:
    """Return a name as it is kept: one line, no blanks around it.

    Raises:
        BadUserName: when nothing is left, or too much.
    """
    name = " ".join("".join(c if c.isprintable() else " " for c in name).split())
    if not name:
        raise BadUserName("users.error.empty", "A user needs a name.")
    if len(name) > LONGEST_NAME:
        raise BadUserName(
            "users.error.long",
            f"A user's name has at most {LONGEST_NAME} characters.",
            n=LONGEST_NAME,
        )
    return name


def parse_registry(text: str) -> tuple[tuple[User, ...], bool]:
    """Read who there is; the second value tells whether all of it could be read."""
    try:
        value = parse_json(text)
    except ValueError:
        return (), False
    rows = as_mapping(value).get("users")
    if not isinstance(rows, list) or as_mapping(value).get("version") != 1:
        return (), False
    found: dict[str, User] = {}
    whole = bool(rows)
    for row in rows:
        identifier = as_text(as_mapping(row).get("id"))
        name = as_text(as_mapping(row).get("name"))
        if identifier and is_id(identifier) and name is not None and identifier not in found:
            found[identifier] = User(identifier, name[:LONGEST_NAME])
        else:
            whole = False
    return tuple(found.values()), whole


def find(everybody: Iterable[User], wanted: str) -> User | None:
    """Return the user of that id, or of that name, whatever its case."""
    everybody = tuple(everybody)
    by_id = next((user for user in everybody if user.id == wanted), None)
    name = wanted.strip().casefold()
    return by_id or next((u for u in everybody if name and u.name.casefold() == name), None)


class Users:
    """The register of users, and which of them this tab belongs to.

    A tab keeps its user over a reload, whatever other tabs choose meanwhile.
    """

    def __init__(
        self, storage: Storage, tab: Storage, bus: events.EventBus, asked: str | None = None
    ) -> None:
        """Find out whose page this is.

        Args:
            storage: shared by all tabs.
            tab: as long-lived as this tab.
            bus: is told of changes.
            asked: the id or name in the page's address; a name that nobody has yet is given
                to a new user.
        """
        self._storage = storage
        self._tab = tab
        self._bus = bus
        self._known: tuple[User, ...] = ()
        self._is_unsaved = False
        self.current = self._first(asked)

    # -- reading ----------------------------------------------------------------------

    def everybody(self) -> tuple[User, ...]:
        """Return all users, in the order in which they were made; never none."""
        if self._is_unsaved:
            return self._known
        text = self._storage.read(REGISTRY)
        if text is None:
            return self._known or self._recovered()
        users, whole = parse_registry(text)
        if not whole:
            known = {user.id for user in users}
            users += tuple(user for user in self._recovered() if user.id not in known)
            notice = Notice("warning", "notice.users_damaged", {})
            if self._storage.set_aside(REGISTRY, DEFAULT, text, notice):
                self._keep(users)
            else:
                self._known, self._is_unsaved = users, True
        return users

    def _recovered(self) -> tuple[User, ...]:
        """Return whoever has left something in the storage, else the one to begin with."""
        owners = [owner for owner in self._storage.owners() if is_id(owner)]
        others = (User(owner, owner) for owner in sorted(owners) if owner != DEFAULT)
        return (User(DEFAULT, ""), *others)

    def _first(self, asked: str | None) -> User:
        everybody = self.everybody()
        if asked and asked.strip():
            user = find(everybody, asked)
            try:
                return user or self._welcome(asked[:LONGEST_NAME])
            except BadUserName:
                self._storage.tell(events.NOTICE, Notice("warning", "notice.user_unknown", {}))
        for remembered in (self._tab.read(CHOSEN), self._storage.read(CHOSEN)):
            user = next((user for user in everybody if user.id == remembered), None)
            if user is not None:
                return user
        return everybody[0]

    def _welcome(self, name: str) -> User:
        user = self._create(name)
        notice = Notice("info", "notice.user_new", {"name": user.name})
        self._storage.tell(events.NOTICE, notice)
        return user

    # -- changing ---------------------------------------------------------------------

    def create(self, name: str) -> User:
        """Make a user.

        Raises:
            BadUserName: when the name cannot be one, or somebody has it.
        """
        user = self._create(name)
        self.announce()
        return user

    def rename(self, identifier: str, name: str) -> User:
        """Give a user another name; the id, and with it the data, stays.

        Raises:
            BadUserName: when the name cannot be one, or somebody else has it.
        """
        user = User(identifier, self._free_name(name, besides=identifier))
        self._keep(user if other.id == identifier else other for other in self.everybody())
        if self.current.id == identifier:
            self.current = user
        self.announce()
        return user

    def delete(self, identifier: str) -> None:
        """Forget a user and everything that is kept of them. There is always one left."""
        for name in self._storage.names(identifier):
            self._storage.remove(key_of(identifier, name))
        left = tuple(user for user in self.everybody() if user.id != identifier)
        self._keep(left or (User(DEFAULT, ""),))
        self.announce()

    def choose(self, identifier: str) -> User:
        """Make this the tab of a user, now and after a reload.

        The user is the first one when there is no such user any more.
        """
        everybody = self.everybody()
        user = next((user for user in everybody if user.id == identifier), everybody[0])
        self._tab.attempt(CHOSEN, user.id)
        self._storage.write(CHOSEN, user.id)
        self.current = user
        return user

    def free_name(self, name: str) -> str:
        """Return a name that nobody has, like this one: ``Anna (2)`` when there is an Anna."""
        taken = {user.name.casefold() for user in self.everybody()}
        found, number = name, 2
        while found.casefold() in taken:
            end = f" ({number})"
            found = name[: LONGEST_NAME - len(end)].rstrip() + end
            number += 1
        return found

    def announce(self) -> None:
        """Emit ``users:listed``."""
        self._bus.emit(USERS_LISTED, self.everybody())

    # -- inside -----------------------------------------------------------------------

    def _create(self, name: str) -> User:
        name = self._free_name(name)
        everybody = self.everybody()
        user = User(self._free_id(name, everybody), name)
        self._keep((*everybody, user))
        return user

    def _free_name(self, name: str, besides: str | None = None) -> str:
        name = clean_name(name)
        folded = name.casefold()
        if any(u.name.casefold() == folded and u.id != besides for u in self.everybody()):
            raise BadUserName("users.error.taken", f"There is a user “{name}” already.", name=name)
        return name

    def _free_id(self, name: str, everybody: Iterable[User]) -> str:
        """Return an id that can be read in an address, and that no left-over data has."""
        start = _NO_ID.sub("-", name.lower()).strip("-")[:32].strip("-") or "user"
        taken = {user.id for user in everybody} | set(self._storage.owners()) | _RESERVED
        found, number = start, 2
        while found in taken or found == DEFAULT:
            found, number = f"{start}-{number}", number + 1
        return found

    def _keep(self, users: Iterable[User]) -> None:
        users = tuple(users)
        rows = [user.to_wire() for user in users]
        text = json.dumps({"version": 1, "users": rows}, ensure_ascii=False)
        # A register that cannot be written is kept in memory: the page goes on.
        self._known = users
        self._is_unsaved = not self._storage.write(REGISTRY, text)

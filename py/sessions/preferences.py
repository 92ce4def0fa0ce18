"""Small choices that are remembered from visit to visit, as plain text, for each user."""

from __future__ import annotations

from collections.abc import Iterable

from .events import Topic
from .storage import PREFIX, Storage, key_of
from .users import DEFAULT

LANGUAGE = "language"
THEME = "theme"
PROXY = "proxy"
"""The proxy's address that a person chose, or ``demo``."""
LAST_PROXY = "last-proxy"
"""The address that answered last, without being chosen in a dialog or in the page's address."""

NAMES = (LANGUAGE, THEME, PROXY, LAST_PROXY)
"""What there is to choose, and to take along to another browser."""


PREFERENCES_CHANGED: Topic[None] = Topic("preferences:changed")
"""The user's choices are others than they were, without a choice made in this tab."""


class Preferences:
    """Reads and writes one user's choices.

    A storage that is full or blocked costs only the memory: what was chosen still holds until
    the page is closed.
    """

    def __init__(self, storage: Storage, user: str = DEFAULT) -> None:
        """Keep the choices of ``user`` in ``storage``."""
        self._storage = storage
        self._user = user
        self._values: dict[str, str | None] = {}

    def get(self, name: str) -> str | None:
        """Return a choice, or None."""
        if name not in self._values:
            self._values[name] = self._storage.read(key_of(self._user, name))
        return self._values[name]

    def set(self, name: str, value: str | None) -> None:
        """Remember a choice; None forgets it."""
        if self.get(name) == value:
            return
        self._values[name] = value
        key = key_of(self._user, name)
        if value is None:
            self._storage.remove(key)
        else:
            self._storage.write(key, value)

    def reread(self, key: str | None) -> bool:
        """Another tab wrote ``key``, or cleared everything: tell whether it was one of these."""
        mine = [name for name in NAMES if key in (None, key_of(self._user, name))]
        for name in mine:
            self._values.pop(name, None)
        return bool(mine)

    def enter(self, user: str) -> None:
        """Go on with the choices of another user."""
        self._user = user
        self._values.clear()


def known_to_anybody(storage: Storage, users: Iterable[str]) -> str | None:
    """Return the proxy that answered the first of some users who had one; None: nobody had."""
    known = (storage.read(key_of(user, LAST_PROXY)) for user in users)
    return next((address for address in known if address), None)


def adopt_unowned(storage: Storage) -> None:
    """Give the choices of versions that knew no users to the user ``default``.

    They wrote ``kimi:theme`` where ``kimi:default:theme`` is read now. Such a key was written
    after the last move, if there was one, and so it is the newer of the two.
    """
    for name in NAMES:
        value = storage.read(PREFIX + name)
        if value is not None and storage.attempt(key_of(DEFAULT, name), value):
            storage.remove(PREFIX + name)

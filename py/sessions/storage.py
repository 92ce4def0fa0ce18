"""What the browser keeps for this page: one namespace a user, and honesty when it fails.

Every key is ``kimi:<user>:<name>``; an origin may serve other pages too, and one user's data is
never read under another's name. Two keys belong to nobody: ``kimi:users``, who there is, and
``kimi:user``, who was chosen last.
"""

from __future__ import annotations

from . import events
from .models import Notice
from .ports import Store

PREFIX = "kimi:"

STATE = "state"
"""What was known last of sessions and metrics: see :mod:`sessions.envelope`."""
DAMAGED = "damaged"
"""What could not be read, set aside for somebody who can."""

MAX_DAMAGED = 1_000_000
"""Characters of an unreadable value that are kept."""


def key_of(user: str, name: str) -> str:
    """Return the key under which a user's value is kept.

    Example:
        >>> key_of("default", "theme")
        'kimi:default:theme'
    """
    return f"{PREFIX}{user}:{name}"


class Storage:
    """A :class:`~sessions.ports.Store` that never raises and tells once that it fails.

    What it has to tell waits until :meth:`speak`, for a storage is read before there is a
    panel that could show anything.
    """

    def __init__(self, store: Store, bus: events.EventBus) -> None:
        """Read and write ``store``; tell ``bus``."""
        self._store = store
        self._bus = bus
        self._degraded = False
        self._speaks = False
        self._untold: list[tuple[str, object]] = []

    def read(self, key: str) -> str | None:
        """Return the text under ``key``; None when there is none, or no way to read it."""
        try:
            return self._store.get(key)
        except OSError as error:
            self.degrade(str(error))
            return None

    def attempt(self, key: str, text: str) -> bool:
        """Keep ``text``; False when it was not taken, which is told to nobody."""
        try:
            self._store.set(key, text)
        except OSError:
            return False
        return True

    def write(self, key: str, text: str) -> bool:
        """Keep ``text``; False when it was not taken: then ``storage:degraded`` was told."""
        try:
            self._store.set(key, text)
        except OSError as error:
            self.degrade(str(error))
            return False
        return True

    def remove(self, key: str) -> bool:
        """Forget ``key``; False when that is not possible."""
        try:
            self._store.remove(key)
        except OSError as error:
            self.degrade(str(error))
            return False
        return True

    def names(self, user: str) -> tuple[str, ...]:
        """Return the names under which something of a user is kept."""
        start = key_of(user, "")
        return tuple(key.removeprefix(start) for key in self._keys() if key.startswith(start))

    def owners(self) -> tuple[str, ...]:
        """Return the ids of everybody of whom something is kept."""
        parts = (key.split(":", 2) for key in self._keys() if key.startswith(PREFIX))
        return tuple(dict.fromkeys(part[1] for part in parts if len(part) == 3))

    def set_aside(self, key: str, user: str, text: str, notice: Notice) -> bool:
        """Move a value that cannot be read out of the way, and tell the person.

        Returns:
            False when there was no room to keep it anywhere else: it is still in its place,
            and must not be written over.
        """
        moved = self.attempt(key_of(user, DAMAGED), text[:MAX_DAMAGED])
        if moved:
            self.remove(key)
        else:
            self.degrade("There is no room to set aside what could not be read.")
        self.tell(events.NOTICE, notice)
        return moved

    def degrade(self, reason: str) -> None:
        """Tell, once, that what is remembered will be lost with the page."""
        if not self._degraded:
            self._degraded = True
            self.tell(events.STORAGE_DEGRADED, {"reason": reason})

    def tell(self, topic: str, payload: object) -> None:
        """Emit an event, at once or as soon as somebody can hear it."""
        if self._speaks:
            self._bus.emit(topic, payload)
        else:
            self._untold.append((topic, payload))

    def speak(self) -> None:
        """Tell what has waited, and from now on everything at once."""
        self._speaks = True
        untold, self._untold = self._untold, []
        for topic, payload in untold:
            self._bus.emit(topic, payload)

    def _keys(self) -> tuple[str, ...]:
        try:
            return tuple(self._store.keys())
        except OSError as error:
            self.degrade(str(error))
            return ()

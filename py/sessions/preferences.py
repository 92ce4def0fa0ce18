"""Small choices that are remembered from visit to visit, as plain text."""

from __future__ import annotations

from . import events
from .ports import Store

PREFIX = "kimi:"
"""Every key begins with this: an origin may serve other pages too."""

LANGUAGE = "language"
THEME = "theme"
PROXY = "proxy"
"""The proxy's address that a person chose, or ``demo``."""
LAST_PROXY = "last-proxy"
"""The address that answered last, without being chosen."""


class Preferences:
    """Reads and writes choices. A storage that is full or blocked costs only the memory.

    It is then told once, as ``storage:degraded``; what was chosen still holds until the
    page is closed.
    """

    def __init__(self, store: Store, bus: events.EventBus) -> None:
        """Keep choices in ``store``."""
        self._store = store
        self._bus = bus
        self._values: dict[str, str | None] = {}
        self._degraded = False

    def get(self, name: str) -> str | None:
        """Return a choice, or None."""
        if name not in self._values:
            try:
                self._values[name] = self._store.get(PREFIX + name)
            except OSError as error:
                self._degrade(error)
                self._values[name] = None
        return self._values[name]

    def set(self, name: str, value: str | None) -> None:
        """Remember a choice; None forgets it."""
        if self.get(name) == value:
            return
        self._values[name] = value
        try:
            if value is None:
                self._store.remove(PREFIX + name)
            else:
                self._store.set(PREFIX + name, value)
        except OSError as error:
            self._degrade(error)

    def _degrade(self, error: OSError) -> None:
        if not self._degraded:
            self._degraded = True
            self._bus.emit(events.STORAGE_DEGRADED, {"reason": str(error)})

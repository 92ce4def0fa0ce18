"""Text kept in the browser: in localStorage, or in sessionStorage as long as the tab lives."""

from __future__ import annotations

from typing import Any

import js
from pyodide.ffi import JsException


class WebStorage:
    """Implements :class:`sessions.ports.Store`. Every call raises ``OSError`` when blocked."""

    def __init__(self, area: str) -> None:
        """Keep text in ``localStorage`` or ``sessionStorage``, as ``area`` says."""
        self._name = area

    @property
    def _area(self) -> Any:
        return getattr(js, self._name)  # reading it raises where storage is blocked

    def get(self, key: str) -> str | None:
        """Return the text under ``key``, or None."""
        try:
            text = self._area.getItem(key)
        except (JsException, AttributeError) as error:
            raise OSError("The browser does not let this page read its storage.") from error
        return text if isinstance(text, str) else None  # JavaScript's null is not Python's

    def set(self, key: str, text: str) -> None:
        """Keep ``text`` under ``key``."""
        try:
            self._area.setItem(key, text)
        except (JsException, AttributeError) as error:
            raise OSError("The browser's storage is full or blocked.") from error

    def remove(self, key: str) -> None:
        """Forget ``key``."""
        try:
            self._area.removeItem(key)
        except (JsException, AttributeError) as error:
            raise OSError("The browser does not let this page change its storage.") from error

    def keys(self) -> list[str]:
        """Return every key that is there."""
        try:
            area = self._area
            return [area.key(number) for number in range(area.length)]
        except (JsException, AttributeError) as error:
            raise OSError("The browser does not let this page read its storage.") from error

"""Text kept in the browser's localStorage."""

from __future__ import annotations

import js
from pyodide.ffi import JsException


class LocalStorage:
    """Implements :class:`sessions.ports.Store`. Every call raises ``OSError`` when blocked."""

    def get(self, key: str) -> str | None:
        """Return the text under ``key``, or None."""
        try:
            text: str | None = js.localStorage.getItem(key)
        except JsException as error:
            raise OSError("The browser does not let this page read its storage.") from error
        return text

    def set(self, key: str, text: str) -> None:
        """Keep ``text`` under ``key``."""
        try:
            js.localStorage.setItem(key, text)
        except JsException as error:
            raise OSError("The browser's storage is full or blocked.") from error

    def remove(self, key: str) -> None:
        """Forget ``key``."""
        try:
            js.localStorage.removeItem(key)
        except JsException as error:
            raise OSError("The browser does not let this page change its storage.") from error

"""BroadcastChannel: what one tab posts, the others of the same origin hear."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import js
from pyodide.ffi import create_proxy


class BrowserChannel:
    """Implements :class:`sessions.ports.Channel`; destroys its proxy when it closes."""

    def __init__(self, name: str, on_text: Callable[[str], None]) -> None:
        """Hear what others post under ``name``, and tell them."""
        self._on_text = on_text
        self._channel = js.BroadcastChannel.new(name)
        self._post = self._channel.postMessage
        self._proxy = create_proxy(self._arrived)
        self._channel.onmessage = self._proxy

    def post(self, text: str) -> None:
        """Tell the others."""
        self._post(text)

    def close(self) -> None:
        """Hear and tell nothing more."""
        self._channel.onmessage = None
        self._channel.close()
        self._proxy.destroy()

    def _arrived(self, event: Any) -> None:
        data = event.data
        if isinstance(data, str):
            self._on_text(data)


class BrowserChannels:
    """Implements :class:`sessions.ports.Channels`."""

    def open(self, name: str, on_text: Callable[[str], None]) -> BrowserChannel:
        """Open ``name``."""
        return BrowserChannel(name, on_text)

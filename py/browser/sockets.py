"""WebSocket through the browser."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from pyodide.ffi import JsException, create_proxy

from sessions.ports import SocketListener

SEPARATOR = "\x1e"
"""Stands between the texts of a bundle, and in no JSON."""

Report = Callable[[str, BaseException], None]


class BrowserSocket:
    """Implements :class:`sessions.ports.Socket`; destroys its proxies when it closes."""

    def __init__(self, module: Any, address: str, listener: SocketListener, report: Report) -> None:
        """Start connecting to ``address`` (``ws://host:port/ws``)."""
        self._listener = listener
        self._report = report
        self._released = False
        self._socket: Any = None
        handlers = (self._opened, self._arrived, self._closed)
        self._proxies = [create_proxy(handler) for handler in handlers]
        try:
            self._socket = module.openSocket(address, *self._proxies)
        except JsException:
            # Refused before any attempt: this browser has no workers for this page.
            asyncio.get_event_loop().call_soon(self._closed)

    def send(self, text: str) -> None:
        """Send a text frame; dropped when the socket is not open."""
        if self._socket is not None:
            self._socket.send(text)

    def close(self) -> None:
        """Close it and hear nothing more."""
        if self._socket is not None:
            self._socket.close()
        self._release()

    def _opened(self) -> None:
        self._listener.on_open()

    def _arrived(self, texts: str) -> None:
        for text in texts.split(SEPARATOR):
            if self._released:
                return  # somebody who heard of the one before closed the socket
            try:
                self._listener.on_text(text)
            except Exception as error:  # the other texts are none the worse for it
                self._report("socket", error)

    def _closed(self) -> None:
        if not self._released:
            self._release()
            self._listener.on_close()

    def _release(self) -> None:
        self._released = True
        self._socket = None
        for proxy in self._proxies:
            proxy.destroy()
        self._proxies.clear()


class BrowserSockets:
    """Implements :class:`sessions.ports.Sockets` for the proxy at one address."""

    def __init__(self, module: Any, address: str, report: Report) -> None:
        """Connect to the ``/ws`` of ``address`` (``http://host:port``).

        Args:
            module: the JavaScript of ``static/js/page.js``.
            address: the proxy.
            report: is told (where, error) of what escapes a listener.
        """
        self._module = module
        self._address = address.replace("http", "ws", 1) + "/ws"
        self._report = report

    def connect(self, listener: SocketListener) -> BrowserSocket:
        """Start connecting; the listener hears the outcome."""
        return BrowserSocket(self._module, self._address, listener, self._report)

"""WebSocket through the browser."""

from __future__ import annotations

import asyncio
from typing import Any

import js
from pyodide.ffi import JsException, create_proxy

from sessions.ports import SocketListener


class BrowserSocket:
    """Implements :class:`sessions.ports.Socket`; destroys its proxies when it closes."""

    def __init__(self, address: str, listener: SocketListener) -> None:
        """Start connecting to ``address`` (``ws://host:port/ws``)."""
        self._listener = listener
        self._released = False
        self._socket: Any = None
        self._proxies = {
            "onopen": create_proxy(self._opened),
            "onmessage": create_proxy(self._arrived),
            "onclose": create_proxy(self._closed),
        }
        try:
            self._socket = js.WebSocket.new(address)
        except JsException:
            # Refused before any attempt: a port that browsers block, or ws: from https:.
            asyncio.get_event_loop().call_soon(self._closed, None)
            return
        for name, proxy in self._proxies.items():
            setattr(self._socket, name, proxy)

    def send(self, text: str) -> None:
        """Send a text frame; dropped when the socket is not open."""
        if self._socket is not None and self._socket.readyState == js.WebSocket.OPEN:
            self._socket.send(text)

    def close(self) -> None:
        """Close it and hear nothing more."""
        self._release()
        self._released = True
        if self._socket is not None:
            self._socket.close()

    def _opened(self, _event: Any) -> None:
        self._listener.on_open()

    def _arrived(self, event: Any) -> None:
        data = event.data
        if isinstance(data, str):
            self._listener.on_text(data)

    def _closed(self, _event: Any) -> None:
        self._release()
        if not self._released:
            self._listener.on_close()

    def _release(self) -> None:
        for name, proxy in self._proxies.items():
            if self._socket is not None:
                setattr(self._socket, name, None)
            proxy.destroy()
        self._proxies.clear()


class BrowserSockets:
    """Implements :class:`sessions.ports.Sockets` for the proxy at one address."""

    def __init__(self, address: str) -> None:
        """Connect to the ``/ws`` of ``address`` (``http://host:port``)."""
        self._address = address.replace("http", "ws", 1) + "/ws"

    def connect(self, listener: SocketListener) -> BrowserSocket:
        """Start connecting; the listener hears the outcome."""
        return BrowserSocket(self._address, listener)

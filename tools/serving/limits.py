"""How much the server lets one connection, one request or one message take."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Limits:
    """The bounds of the server; times are seconds. Tests set shorter ones.

    There is none on how long the proxy thinks before it answers, for models take
    their time: the connection lasts as long as the browser waits for it.
    """

    connect: float = 5.0
    """To reach the proxy, and for its half of a WebSocket's handshake."""

    queue: float = 2.0
    """For one of the connections to the proxy to become free."""

    head: float = 10.0
    """For the head of a request, from the first byte or the new connection on."""

    body: float = 30.0
    """For the body of a request that goes to the proxy."""

    unread: float = 60.0
    """For a browser to take at least something of what waits for it."""

    ping: float = 20.0
    """Between two pings on a WebSocket, and for the answer to one."""

    stop: float = 0.5
    """For what is open to end once the server is told to stop."""

    connections: int = 256
    """Connections of browsers at once."""

    upstream: int = 64
    """Requests with the proxy at once."""

    sockets: int = 64
    """Relayed WebSockets at once."""

    head_bytes: int = 32 * 1024
    """The head of a request: cookies of ``localhost`` are those of every port."""

    body_bytes: int = 8 * 1024 * 1024
    """The body of a request that goes to the proxy; it is held in memory."""

    message_bytes: int = 16 * 1024 * 1024
    """One WebSocket message, in either direction."""

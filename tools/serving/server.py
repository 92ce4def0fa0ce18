"""uvicorn, with bounds on every connection and an end that is quick and quiet."""

from __future__ import annotations

import asyncio
import logging
import re
import signal
import threading
from asyncio.transports import BaseTransport, Transport
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from socket import socket
from types import FrameType
from typing import Any, cast

import h11
import uvicorn
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from uvicorn.protocols.http.h11_impl import H11Protocol
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from uvicorn.server import ServerState

from tools.serving.limits import Limits
from tools.serving.racing import Overtaken, before

SERVICE_RESTART = 1012

#: Under this name a scope's state holds the function that drops the connection.
BREAK_OFF = "break_off"

FULL = (
    b"HTTP/1.1 503 Service Unavailable\r\n"
    b"Connection: close\r\nRetry-After: 2\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n"
    b"Too many connections are open. Try again in a moment.\n"
)

TOO_LARGE = b"HTTP/1.1 431 Request Header Fields Too Large\r\nConnection: close\r\n\r\n"


async def break_off(scope: Scope) -> None:
    """Drop a call's connection, so that the browser sees that the answer is not whole."""
    scope["state"][BREAK_OFF]()
    # uvicorn learns of it in the next turn of the loop, and complains of an answer without end
    # if the application returns before that.
    await asyncio.sleep(0)


# --- Connections --------------------------------------------------------------------


class Alarm:
    """Calls a function after a time unless it is called off."""

    def __init__(self, seconds: float, call: Callable[[], object]) -> None:
        self.seconds = seconds
        self.call = call
        self.timer: asyncio.TimerHandle | None = None

    def set(self) -> None:
        """Begin to wait, unless it waits already."""
        if self.timer is None:
            self.timer = asyncio.get_running_loop().call_later(self.seconds, self.call)

    def call_off(self) -> None:
        """Wait no longer."""
        if self.timer is not None:
            self.timer.cancel()
            self.timer = None


class BoundedConfig(uvicorn.Config):
    """uvicorn's settings, and the limits of this server's connections."""

    def __init__(self, app: ASGIApp, limits: Limits, **settings: Any) -> None:
        self.limits = limits
        super().__init__(
            app,
            http=BoundedHttp,
            ws=BoundedWebSocket,
            h11_max_incomplete_event_size=limits.head_bytes,
            ws_max_size=limits.message_bytes,
            ws_ping_interval=limits.ping,
            ws_ping_timeout=limits.ping,
            server_header=False,
            timeout_graceful_shutdown=1,
            **settings,
        )


class BoundedProtocol(asyncio.Protocol):
    """A connection that ends when the browser takes nothing of what waits for it."""

    transport: Transport
    unread: Alarm

    def drop(self) -> None:
        """Close the connection at once, whatever is still to be sent."""
        self.transport.abort()

    def pause_writing(self) -> None:
        """Wait for the browser, but not without end."""
        super().pause_writing()
        self.unread.set()

    def resume_writing(self) -> None:
        """Go on: the browser has taken enough."""
        super().resume_writing()
        self.unread.call_off()

    def connection_lost(self, exc: Exception | None) -> None:
        """Clean up after the connection."""
        super().connection_lost(exc)
        self.unread.call_off()


class BoundedHttp(BoundedProtocol, H11Protocol):
    """An HTTP connection on which each request's head has to come within a time.

    uvicorn has no limit on it: only on how long a connection is kept between two
    requests without a single byte.
    """

    def __init__(
        self,
        config: BoundedConfig,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        super().__init__(config, server_state, {**app_state, BREAK_OFF: self.drop}, _loop)
        self.limits = config.limits
        self.head = Alarm(self.limits.head, self.drop)
        self.unread = Alarm(self.limits.unread, self.drop)

    def connection_made(self, transport: BaseTransport) -> None:
        """Begin a connection, or refuse it when there are enough."""
        super().connection_made(cast(Transport, transport))
        self.head.set()
        if len(self.connections) > self.limits.connections:
            self.transport.write(FULL)
            self.transport.close()

    def connection_lost(self, exc: Exception | None) -> None:
        """Clean up after the connection."""
        super().connection_lost(exc)
        self.head.call_off()

    def data_received(self, data: bytes) -> None:
        """Take in a part of a request."""
        super().data_received(data)
        if self.transport.get_protocol() is not self:
            return
        if self.cycle is None or self.cycle.response_complete:
            self.head.set()
        else:
            self.head.call_off()
            self.watch_for_the_end()

    def watch_for_the_end(self) -> None:
        """Go on reading behind a whole request: else nobody would see that the browser has gone.

        uvicorn stops reading when the next request is there already.
        """
        if self.flow.read_paused and not self.cycle.more_body:
            if len(self.conn.trailing_data[0]) > self.limits.head_bytes:
                self.drop()
            else:
                self.flow.resume_reading()

    def handle_websocket_upgrade(self, event: h11.Request) -> None:
        """Hand the connection over to a WebSocket."""
        self.head.call_off()
        super().handle_websocket_upgrade(event)


class BoundedWebSocket(BoundedProtocol, WebSocketsSansIOProtocol):
    """A WebSocket connection."""

    def __init__(
        self,
        config: BoundedConfig,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        super().__init__(config, server_state, app_state, _loop)
        self.unread = Alarm(config.limits.unread, self.drop)

    def data_received(self, data: bytes) -> None:
        """Take in the head of the handshake, which comes in one piece, or what is said then."""
        super().data_received(data)
        if not self.handshake_initiated:
            # websockets has stricter limits than h11, and uvicorn would leave it at that.
            self.transport.write(TOO_LARGE)
            self.transport.close()


# --- The end ------------------------------------------------------------------------


class Answered:
    """Passes on what an application sends, and knows how far it has got."""

    def __init__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.call = (scope, receive, send)
        self.begun = False
        self.ended = False

    async def send(self, message: Message) -> None:
        """Pass a message on."""
        kind = message["type"]
        self.begun |= kind in ("http.response.start", "websocket.accept")
        self.ended |= kind == "websocket.close" or (
            kind.endswith("response.body") and not message.get("more_body", False)
        )
        await self.call[2](message)

    async def end(self) -> None:
        """Bring what was begun to an end: the server stops."""
        scope, _, send = self.call
        if self.ended:
            return
        sentence = "The dashboard's server has stopped."
        if self.begun and scope["type"] == "http":
            await break_off(scope)
        elif self.begun:
            close = {"type": "websocket.close", "code": SERVICE_RESTART, "reason": sentence}
            await send(close)
        else:
            await JSONResponse({"error": sentence}, 503, {"Connection": "close"})(*self.call)


class Stoppable:
    """Lets an application's open calls end together, each in its own order."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app
        self.stopping = asyncio.Event()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one call until it is done or the server stops."""
        if scope["type"] == "lifespan":
            await self.app(scope, receive, send)
            return
        answered = Answered(scope, receive, send)
        try:
            await before(self.stopping.wait(), self.app(scope, receive, answered.send))
        except Overtaken:
            await answered.end()


class Server(uvicorn.Server):
    """uvicorn's server; it stops within two seconds, and leaves signals to its caller.

    Attributes:
        stopped_by: the signal that made it stop, if one did.
    """

    def __init__(self, app: ASGIApp, limits: Limits, **settings: Any) -> None:
        self.app = Stoppable(app)
        self.limits = limits
        self.stopped_by: int | None = None
        super().__init__(BoundedConfig(self.app, limits, **settings))
        for name in ("uvicorn.access", "uvicorn.error"):
            logging.getLogger(name).addFilter(without_queries)

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Take SIGINT and SIGTERM; uvicorn would raise them once more when it has stopped."""
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        taken = {
            number: signal.signal(number, self.handle_exit)
            for number in (signal.SIGINT, signal.SIGTERM)
        }
        try:
            yield
        finally:
            for number, handler in taken.items():
                signal.signal(number, handler)

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Stop soon; a second signal changes nothing, for the end is near."""
        self.stopped_by = self.stopped_by or sig
        self.should_exit = True

    async def shutdown(self, sockets: list[socket] | None = None) -> None:
        """End what is open, then stop as uvicorn does."""
        for server in self.servers:
            server.close()
        self.app.stopping.set()
        if self.server_state.tasks:
            # Twice, since each may wait as long for the proxy to say goodbye.
            await asyncio.wait(self.server_state.tasks, timeout=2 * self.limits.stop)
        asyncio.get_running_loop().call_later(self.limits.stop, self.drop_all)
        await super().shutdown(sockets)

    def drop_all(self) -> None:
        """Close the connections of those who do not take what they are sent."""
        for connection in list(self.server_state.connections):
            connection.transport.abort()


def without_queries(record: logging.LogRecord) -> bool:
    """Take the queries out of a logged line: there are keys and passwords in some."""
    if isinstance(record.args, tuple):
        record.args = tuple(
            re.sub(r"\?.*", "?…", value) if isinstance(value, str) else value
            for value in record.args
        )
    return True

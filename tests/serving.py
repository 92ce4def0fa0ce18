"""What the tests of the server share: it on a free port, and proxies of every bad kind."""

from __future__ import annotations

import asyncio
import logging
import socket
import struct
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import httpx
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route, WebSocketRoute
from starlette.types import ASGIApp
from starlette.websockets import WebSocket

from tools.serve import listen
from tools.serving.address import proxy_address
from tools.serving.application import application
from tools.serving.limits import Limits
from tools.serving.server import Server

#: Seconds after which a test gives up on something that should come at once.
PATIENCE = 10.0

Behaviour = Callable[[socket.socket], None]


def free_port() -> int:
    """A port that nobody listens on: below those the system gives out by itself."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@contextmanager
def running(app: ASGIApp, limits: Limits | None = None) -> Iterator[str]:
    """Serve an application on a free port of this machine; yield its host and port."""
    listener = listen(free_port())
    server = Server(app, limits or Limits(), log_config=None, log_level="info")
    thread = threading.Thread(target=server.run, args=([listener],))
    thread.start()
    address = f"127.0.0.1:{listener.getsockname()[1]}"
    try:
        eventually(lambda: server.started)
        yield address
    finally:
        server.should_exit = True
        thread.join(PATIENCE)
        listener.close()
    assert not thread.is_alive()


@contextmanager
def relaying(folder: Path, proxy: str, **limits: float) -> Iterator[str]:
    """Serve a folder with a relay to a proxy; yield the server's host and port."""
    bounds = Limits(**limits)  # type: ignore[arg-type]
    with running(application(folder, proxy_address(f"http://{proxy}"), bounds), bounds) as address:
        yield address


def eventually(is_so: Callable[[], bool]) -> None:
    """Wait until something is so."""
    deadline = time.monotonic() + PATIENCE
    while not is_so():
        assert time.monotonic() < deadline, "it did not come to pass"
        time.sleep(0.005)


# --- A proxy that behaves -----------------------------------------------------------


async def echo(request: Request) -> Response:
    """Tell what was asked."""
    body = (await request.body()).decode()
    return JSONResponse(
        {
            "method": request.method,
            "path": request.scope["raw_path"].decode(),
            "query": request.url.query,
            "body": body,
            "headers": dict(request.headers),
        },
        418,
        {"X-Answer": "yes", "Connection": "X-Private", "X-Private": "no"},
    )


async def socket_echo(page: WebSocket) -> None:
    """Answer text with the query, the credentials and the text, bytes with the same bytes."""
    await page.accept(subprotocol=next(iter(page.scope["subprotocols"]), None))
    authorization = page.headers.get("authorization", "")
    while True:
        message = await page.receive()
        if message["type"] == "websocket.disconnect":
            return
        if message.get("text") == "leave":
            await page.close(4001, "as you wish")
            return
        if message.get("bytes") is not None:
            await page.send_bytes(message["bytes"])
        else:
            await page.send_text(f"{page.url.query}{authorization}: {message['text']}")


class Drip:
    """A stream whose second piece waits until the test allows it."""

    def __init__(self) -> None:
        self.left = threading.Event()

    async def pieces(self) -> AsyncIterator[bytes]:
        """Yield one piece, wait, yield the other."""
        self.loop = asyncio.get_running_loop()
        self.allowed = asyncio.Event()
        try:
            yield b"first"
            await self.allowed.wait()
            yield b"second"
        finally:
            self.left.set()

    def allow(self) -> None:
        """Let the second piece go."""
        self.loop.call_soon_threadsafe(self.allowed.set)

    async def answer(self, request: Request) -> Response:
        """Answer with the stream."""
        return StreamingResponse(self.pieces())


@contextmanager
def good_proxy(drip: Drip) -> Iterator[str]:
    """Run a proxy that behaves; yield its host and port."""
    methods = ["GET", "POST", "DELETE", "PATCH"]
    app = Starlette(
        routes=[
            Route("/api/drip", drip.answer),
            Route("/api/{path:path}", echo, methods=methods),
            Route("/below/api/{path:path}", echo, methods=methods),
            Route("/health", echo),
            Route("/openapi.json", echo),
            WebSocketRoute("/ws", socket_echo),
        ]
    )
    with running(app) as address:
        yield address


# --- A browser ----------------------------------------------------------------------


def fetch(method: str, url: str, **options: Any) -> httpx.Response:
    """Ask, without this machine's proxy settings and the work of preparing for TLS."""
    return httpx.request(method, url, trust_env=False, verify=False, **options)


# --- A browser of bytes -------------------------------------------------------------


def dial(address: str, request: bytes = b"") -> socket.socket:
    """Connect, and send some bytes."""
    host, _, port = address.partition(":")
    connection = socket.create_connection((host, int(port)), PATIENCE)
    connection.sendall(request)
    return connection


def rest(connection: socket.socket) -> bytes:
    """All that comes until the other side closes."""
    answer = b""
    with suppress(ConnectionResetError):
        while piece := connection.recv(65536):
            answer += piece
    return answer


def ask(address: str, request: bytes) -> bytes:
    """The whole answer to a request."""
    with dial(address, request) as connection:
        return rest(connection)


def get(target: str, *headers: str) -> bytes:
    """A GET as bytes, its target exactly as it is given."""
    lines = [f"GET {target} HTTP/1.1", "Host: localhost", "Connection: close", *headers, "", ""]
    return "\r\n".join(lines).encode("latin-1")


def reset(connection: socket.socket) -> None:
    """Close with a RST instead of a FIN."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.close()


# --- Proxies of bytes ---------------------------------------------------------------


def head(connection: socket.socket) -> bytes:
    """The head of a request."""
    taken = b""
    while not taken.endswith(b"\r\n\r\n"):
        piece = connection.recv(1)
        if not piece:
            return taken
        taken += piece
    return taken


def answering(answer: bytes) -> Behaviour:
    """A proxy that answers every request with the same bytes and closes."""

    def behave(connection: socket.socket) -> None:
        head(connection)
        connection.sendall(answer)

    return behave


class RawProxy:
    """A proxy that does with a connection what a test says.

    Attributes:
        address: its host and port.
        behave: what it does with the next connection; it is closed afterwards.
        accepted: how many connections there were.
        open: how many of them are still open.
    """

    def __init__(self, behave: Behaviour) -> None:
        self.behave = behave
        self.accepted = 0
        self.open = 0
        self.lock = threading.Lock()
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=256)
        self.address = f"127.0.0.1:{self.listener.getsockname()[1]}"
        self.connections: list[socket.socket] = []
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self) -> None:
        """Take connections until the listener is closed."""
        with suppress(OSError):
            while True:
                connection, _ = self.listener.accept()
                connection.settimeout(3 * PATIENCE)  # never the first to give up
                self.accepted += 1
                self.connections.append(connection)
                self.count(1)
                threading.Thread(target=self.run, args=[connection], daemon=True).start()

    def run(self, connection: socket.socket) -> None:
        """Live through one connection."""
        with suppress(OSError), connection:
            self.behave(connection)
        self.count(-1)

    def count(self, step: int) -> None:
        """Keep count of the open connections."""
        with self.lock:
            self.open += step

    def stop(self) -> None:
        """Close everything."""
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        for connection in self.connections:
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
        eventually(lambda: self.open == 0)


@contextmanager
def raw_proxy(behave: Behaviour) -> Iterator[RawProxy]:
    """Run a raw proxy."""
    proxy = RawProxy(behave)
    try:
        yield proxy
    finally:
        proxy.stop()


def silent(connection: socket.socket) -> None:
    """Take everything and say nothing, until the other side closes."""
    while connection.recv(65536):
        pass


# --- Logs ---------------------------------------------------------------------------


def complaints(records: list[logging.LogRecord]) -> list[str]:
    """The records that are errors or bring a traceback."""
    return [
        f"{record.name}: {record.getMessage()} {record.exc_info or ''}"
        for record in records
        if record.levelno >= logging.ERROR or record.exc_info
    ]

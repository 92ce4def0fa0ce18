#!/usr/bin/env python3
"""Serve the built dashboard on this machine, with a Kimi Proxy behind it if wanted.

Without ``--proxy`` it is a plain static server. With it, ``/api/*``, ``/health``,
``/openapi.json`` and the WebSocket ``/ws`` are relayed to that address, so that
the page finds its proxy on its own origin and no CORS set-up is needed.

It listens on 127.0.0.1 only, and relays only what the dashboard's own page sends:
another site that is open in the same browser must not reach the proxy through it.
"""

from __future__ import annotations

import argparse
import asyncio
import errno
import mimetypes
import socket
import sys
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import uvicorn
from starlette.applications import Starlette
from starlette.datastructures import Headers, MutableHeaders
from starlette.middleware import Middleware
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import BaseRoute, Mount, Route, WebSocketRoute
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from starlette.websockets import WebSocket, WebSocketDisconnect
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, WebSocketException
from websockets.typing import Subprotocol

HOST = "127.0.0.1"
NAMES = ("127.0.0.1", "localhost")

#: How many ports after the wanted one are tried.
PORT_TRIES = 20

#: Seconds to reach the proxy. There is no limit on its answer: models take their time.
CONNECT_TIMEOUT = 5.0

TRY_AGAIN_LATER = 1013
POLICY_VIOLATION = 1008

#: The types that the page depends on, whatever this machine's own table says.
MIME_TYPES = {
    ".css": "text/css",
    ".html": "text/html",
    ".js": "text/javascript",
    ".json": "application/json",
    ".mjs": "text/javascript",
    ".svg": "image/svg+xml",
    ".toml": "application/toml",
    ".wasm": "application/wasm",
    ".whl": "application/zip",
    ".zip": "application/zip",
}

#: Added to every answer that does not say otherwise itself. The page brings its own
#: policy in a <meta>, where frame-ancestors is not allowed.
SECURITY_HEADERS = {
    "Content-Security-Policy": "frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}

#: A worker does not inherit its page's policy. One loads its tokenizer and no more, the other
#: opens WebSockets, to wherever the proxy is, and no more.
WORKER_POLICIES = {
    "/js/tokenizer/worker.js": "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; "
    "connect-src 'self'",
    "/js/socket-worker.js": "default-src 'none'; connect-src ws: wss:",
}

#: Headers that belong to one connection and are not passed on (RFC 9110, 7.6.1).
HOP_BY_HOP = frozenset(
    {
        "connection",
        "keep-alive",
        "proxy-authenticate",
        "proxy-authorization",
        "proxy-connection",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
    }
)

#: Request headers that speak of our origin, which the proxy does not know.
OF_OUR_ORIGIN = frozenset({"host", "origin", "referer"})


class ServeError(Exception):
    """The server cannot start; the message is for the person who started it."""


# --- The folder -------------------------------------------------------------------


class Page(StaticFiles):
    """A folder whose files the browser keeps, but asks about each time they are used."""

    async def get_response(self, path: str, scope: Scope) -> Response:
        """Answer with the file, or 304 when the browser's copy is current."""
        response = await super().get_response(path, scope)
        response.headers["Cache-Control"] = "no-cache"
        return response


class SecurityHeaders:
    """Adds the security headers to every HTTP answer."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the call on; complete the headers on the way back."""

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for worker, policy in WORKER_POLICIES.items():
                    if scope["path"].endswith(worker):
                        headers["Content-Security-Policy"] = policy
                for name, value in SECURITY_HEADERS.items():
                    headers.setdefault(name, value)
            await send(message)

        await self.app(scope, receive, send_with_headers)


# --- The relay ----------------------------------------------------------------------


def is_own_page(headers: Headers) -> bool:
    """Tell whether a request comes from this server's page, or from no page at all.

    A browser names the page's origin in ``Origin`` for everything that can change
    or reveal something; tools such as curl send none.
    """
    origin = headers.get("origin")
    return origin is None or urlsplit(origin).netloc == headers.get("host")


def passed_on(headers: Headers, dropped: frozenset[str]) -> list[tuple[bytes, bytes]]:
    """Return the headers to pass on: all but the connection's own and ``dropped``."""
    named = {name.strip().lower() for name in headers.get("connection", "").split(",")}
    left_out = HOP_BY_HOP | dropped | named
    return [(name, value) for name, value in headers.raw if name.decode("latin-1") not in left_out]


class HttpRelay:
    """Passes a request on to the proxy and its answer back, piece by piece as it comes."""

    def __init__(self, proxy: str, client: httpx.AsyncClient) -> None:
        self.proxy = proxy
        self.client = client

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        response = await self.answer(Request(scope, receive))
        await response(scope, receive, send)

    async def answer(self, request: Request) -> Response:
        """Return the proxy's answer, or one that says why there is none."""
        if not is_own_page(request.headers):
            return JSONResponse({"error": "This request comes from another site's page."}, 403)
        try:
            answer = await self.client.send(self.outgoing(request), stream=True)
        except httpx.HTTPError as error:
            reason = str(error) or type(error).__name__
            sentence = f"The proxy at {self.proxy} does not answer: {reason}."
            return JSONResponse({"error": sentence}, 502)
        response = StreamingResponse(pieces(answer), answer.status_code)
        response.raw_headers = passed_on(Headers(raw=answer.headers.raw), frozenset())
        return response

    def outgoing(self, request: Request) -> httpx.Request:
        """Return the same request, addressed to the proxy."""
        query = request.scope["query_string"].decode("latin-1")
        path = request.scope["raw_path"].decode("latin-1")
        has_body = {"content-length", "transfer-encoding"} & set(request.headers)
        return self.client.build_request(
            request.method,
            f"{self.proxy}{path}" + (f"?{query}" if query else ""),
            headers=passed_on(request.headers, OF_OUR_ORIGIN),
            content=request.stream() if has_body else None,
        )


async def pieces(answer: httpx.Response) -> AsyncIterator[bytes]:
    """Yield an answer's body as it arrives, and let go of it when the browser does."""
    try:
        async for piece in answer.aiter_raw():
            yield piece
    finally:
        await answer.aclose()


class SocketRelay:
    """Passes WebSocket messages both ways until either side closes."""

    def __init__(self, proxy: str) -> None:
        self.proxy = proxy
        self.address = "ws" + proxy.removeprefix("http")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection."""
        page = WebSocket(scope, receive, send)
        if not is_own_page(page.headers):
            await page.close(POLICY_VIOLATION)
            return
        offered = [Subprotocol(name) for name in page.scope["subprotocols"]]
        query = page.url.query
        try:
            proxy = await connect(
                self.address + page.url.path + (f"?{query}" if query else ""),
                subprotocols=offered or None,
                open_timeout=CONNECT_TIMEOUT,
                max_size=None,
                proxy=None,
            )
        except (OSError, TimeoutError, WebSocketException):
            # Closing before accepting would reach the page as an unexplained 1006.
            await page.accept()
            await page.close(TRY_AGAIN_LATER, f"The proxy at {self.proxy} does not answer.")
            return
        async with proxy:
            await page.accept(proxy.subprotocol)
            await relay_messages(page, proxy)


async def relay_messages(page: WebSocket, proxy: ClientConnection) -> None:
    """Pass messages on in both directions; end when the first side has closed."""
    directions = [
        asyncio.create_task(to_proxy(page, proxy)),
        asyncio.create_task(to_page(proxy, page)),
    ]
    try:
        await asyncio.wait(directions, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for direction in directions:
            direction.cancel()
        await asyncio.gather(*directions, return_exceptions=True)


async def to_proxy(page: WebSocket, proxy: ClientConnection) -> None:
    """Pass on what the page says, and that it leaves."""
    while True:
        message = await page.receive()
        if message["type"] == "websocket.disconnect":
            await proxy.close()
            return
        text = message.get("text")
        try:
            await proxy.send(message["bytes"] if text is None else text)
        except ConnectionClosed:
            return


async def to_page(proxy: ClientConnection, page: WebSocket) -> None:
    """Pass on what the proxy says, and how it closed."""
    try:
        async for message in proxy:
            if isinstance(message, str):
                await page.send_text(message)
            else:
                await page.send_bytes(message)
    except ConnectionClosed:
        await proxy.wait_closed()
    except WebSocketDisconnect:
        return
    # Without a closing frame the proxy has gone down, not ended the conversation.
    closed = proxy.protocol.close_rcvd
    if closed is None:
        await page.close(TRY_AGAIN_LATER, "The proxy went away.")
    else:
        await page.close(closed.code if closed.code != 1005 else 1000, closed.reason)


# --- The application ----------------------------------------------------------------


def relay_routes(proxy: str, client: httpx.AsyncClient) -> list[BaseRoute]:
    """Return the routes that lead to the proxy."""
    http = HttpRelay(proxy, client)
    return [
        Route("/api/{path:path}", http),
        Route("/health", http),
        Route("/openapi.json", http),
        WebSocketRoute("/ws", SocketRelay(proxy)),
    ]


def application(folder: Path, proxy: str | None = None) -> Starlette:
    """Return the server's application.

    Args:
        folder: what to serve.
        proxy: the Kimi Proxy's address, without a slash at its end; None for no relay.
    """
    for suffix, kind in MIME_TYPES.items():
        mimetypes.add_type(kind, suffix)
    client = httpx.AsyncClient(
        timeout=httpx.Timeout(None, connect=CONNECT_TIMEOUT), trust_env=False
    )

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        async with client:
            yield

    relay = relay_routes(proxy, client) if proxy else []
    return Starlette(
        routes=[*relay, Mount("/", Page(directory=folder, html=True))],
        middleware=[
            Middleware(SecurityHeaders),
            Middleware(TrustedHostMiddleware, allowed_hosts=list(NAMES), www_redirect=False),
        ],
        lifespan=lifespan,
    )


# --- The command --------------------------------------------------------------------


def listen(wanted: int, tries: int = PORT_TRIES) -> socket.socket:
    """Return a listening socket on the first free port from ``wanted`` on.

    Raises:
        ServeError: none of the ports that were tried is free.
    """
    for port in range(wanted, min(wanted + tries, 65536)):
        listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((HOST, port))
            listener.listen()
        except OSError as error:
            listener.close()
            if error.errno not in (errno.EADDRINUSE, errno.EACCES):
                raise ServeError(f"Port {port} of {HOST} cannot be used: {error}.") from error
            continue
        return listener
    raise ServeError(f"Ports {wanted} to {wanted + tries - 1} of {HOST} are all taken.")


def proxy_address(text: str) -> str:
    """Check an address given on the command line; return it without its last slash."""
    parts = urlsplit(text)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise argparse.ArgumentTypeError(f"{text!r} is no address like http://127.0.0.1:8000")
    if parts.query or parts.fragment:
        raise argparse.ArgumentTypeError(f"{text!r} must end before its query")
    return text.rstrip("/")


def existing_page(text: str) -> Path:
    """Check a folder given on the command line."""
    folder = Path(text)
    if not (folder / "index.html").is_file():
        raise argparse.ArgumentTypeError(f"{text} has no index.html: run `make dist` first")
    return folder


def parse(arguments: list[str] | None = None) -> argparse.Namespace:
    """Parse the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "folder",
        nargs="?",
        type=existing_page,
        default="dist",
        help="what to serve (default: dist)",
    )
    parser.add_argument("--port", type=int, default=8080, help="the port (default: 8080)")
    parser.add_argument(
        "--proxy", type=proxy_address, metavar="URL", help="the Kimi Proxy to relay to"
    )
    parser.add_argument("--verbose", action="store_true", help="print each request")
    return parser.parse_args(arguments)


def announcement(options: argparse.Namespace, port: int) -> Iterable[str]:
    """Yield the lines that tell where the page is."""
    if port != options.port:
        yield f"Port {options.port} is taken, so port {port} is used instead."
    yield f"Dashboard:  http://{HOST}:{port}/"
    yield f"Kimi Proxy: {options.proxy or 'none is relayed to; name one with --proxy'}"
    yield "Stop with Ctrl+C."


def main(arguments: list[str] | None = None) -> int:
    """Run the command until it is interrupted; return its exit code."""
    options = parse(arguments)
    try:
        listener = listen(options.port)
    except ServeError as error:
        print(f"serve: {error}", file=sys.stderr)
        return 1
    for line in announcement(options, listener.getsockname()[1]):
        print(line, flush=True)
    config = uvicorn.Config(
        application(options.folder, options.proxy),
        log_level="info" if options.verbose else "warning",
        access_log=options.verbose,
        ws="websockets-sansio",
        server_header=False,
        timeout_graceful_shutdown=2,
    )
    with listener:
        uvicorn.Server(config).run(sockets=[listener])
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(130)

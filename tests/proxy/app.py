"""The ASGI application: the proxy in its current dialect, faults, control, a built page."""

from __future__ import annotations

import asyncio
import contextlib
import json
import mimetypes
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from starlette.applications import Starlette
from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, PlainTextResponse, Response
from starlette.routing import Mount, Route, WebSocketRoute
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from starlette.websockets import WebSocket

from tests.proxy import api, frames
from tests.proxy.control import PREFIX, Control
from tests.proxy.dialects import DIALECTS, Dialect
from tests.proxy.faults import HttpFault
from tests.proxy.state import ProxyState
from tests.proxy.traffic import Traffic
from tests.proxy.transports import abort

_API_PREFIXES = ("/api/", "/health", "/openapi.json", "/models", "/chat/", "/v1/")


@dataclass(frozen=True)
class Options:
    """How the stand-in is served.

    Attributes:
        cors: answer cross-origin requests, which the real proxy does not.
        static_dir: a built page to serve beside the API.
        static_path: where to serve it; `/` replaces the proxy's own page.
        live: make traffic up.
        folder: a path that everything is below, as behind a host that has more to serve.
    """

    cors: bool = False
    static_dir: Path | None = None
    static_path: str = "/"
    live: bool = False
    folder: str = ""


def build_app(state: ProxyState, options: Options | None = None) -> ASGIApp:
    """The whole stand-in: control routes, and the proxy below the faults."""
    options = options or Options()
    app = _build_app(state, options)
    return _Below(options.folder, app) if options.folder else app


def _build_app(state: ProxyState, options: Options) -> Starlette:
    traffic = Traffic(state)

    @contextlib.asynccontextmanager
    async def lifespan(_app: Starlette) -> AsyncIterator[None]:
        live = asyncio.create_task(traffic.live()) if options.live else None
        yield
        if live is not None:
            live.cancel()

    cors = Middleware(CORSMiddleware, allow_origins=["*"], allow_methods=["*"], allow_headers=["*"])
    return Starlette(
        routes=[
            Mount(PREFIX, routes=Control(state, traffic).routes()),
            Mount("/", app=_Proxy(state, options)),
        ],
        middleware=[cors] if options.cors else [],
        lifespan=lifespan,
    )


class _Below:
    """An application whose addresses all begin with a folder; it knows nothing of that."""

    def __init__(self, folder: str, app: ASGIApp) -> None:
        self._folder = folder
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve what is below the folder."""
        path = scope.get("path", "")
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
        elif path.startswith(f"{self._folder}/"):
            await self._app({**scope, "path": path[len(self._folder) :]}, receive, send)
        else:
            await PlainTextResponse("Not Found", 404)(scope, receive, send)


class _Proxy:
    """The proxy itself: records a request, applies its fault, answers in the current dialect."""

    def __init__(self, state: ProxyState, options: Options) -> None:
        self._state = state
        self._dialects = {name: _dialect_app(dialect, state) for name, dialect in DIALECTS.items()}
        self._pages = _Pages(options.static_dir, options.static_path)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request or WebSocket."""
        app: ASGIApp = self._dialects[self._state.dialect.name]
        if scope["type"] != "http":
            await app(scope, receive, send)
            return
        body = await _read_body(receive)
        method, path = scope["method"], scope["path"]
        if path.startswith(_API_PREFIXES):
            query = scope["query_string"].decode("latin-1")
            self._state.log_request(method, path, query, _decoded(body))
        elif self._pages.serve(path):
            app = self._pages.app
        fault = self._state.faults.take(method, path)
        if fault is not None:
            await asyncio.sleep(fault.delay_ms / 1000)
            if fault.drop:
                abort(scope)
                await _disconnected(receive)
                return
            if fault.answers:
                app = _faulty_answer(fault)
        await app(scope, _replay(body, receive), send)


class _Files(StaticFiles):
    """Files; in their place their ready-compressed copies, where there are any, as hosts do."""

    async def get_response(self, path: str, scope: Scope) -> Response:
        """Answer with `file.gz` as `file`, to whom can unpack it."""
        copy = f"{path}.gz"
        packed = "gzip" in Headers(scope=scope).get("accept-encoding", "")
        if not packed or self.lookup_path(copy)[1] is None:
            return await super().get_response(path, scope)
        response = await super().get_response(copy, scope)
        response.headers["content-encoding"] = "gzip"
        response.headers["content-type"] = mimetypes.guess_type(path)[0] or "text/plain"
        return response


class _Pages:
    """A built page, kept apart from the API so that it changes none of the API's answers."""

    def __init__(self, directory: Path | None, path: str) -> None:
        self._prefix = path.rstrip("/")
        files = _Files(directory=directory, html=True)
        routes = [] if directory is None else [Mount(self._prefix or "/", app=files)]
        self._present = bool(routes)
        self.app = Starlette(routes=routes, exception_handlers={HTTPException: api.http_error})

    def serve(self, path: str) -> bool:
        """Whether a path is the page's."""
        return self._present and f"{path}/".startswith(f"{self._prefix}/")


def _dialect_app(dialect: Dialect, state: ProxyState) -> Starlette:
    async def openapi(_request: Request) -> Response:
        return JSONResponse(dialect.openapi())

    async def websocket(socket: WebSocket) -> None:
        await state.hub.serve(socket, lambda: frames.init(state.store))

    # One route per method: of two that match a path, the first with the right method answers.
    answered = [
        Route(path, _handler(method, path), methods=[method.upper()])
        for path, methods in dialect.routes.items()
        for method in methods
    ]
    app = Starlette(
        routes=[
            WebSocketRoute("/ws", websocket),
            Route("/openapi.json", openapi),
            *answered,
        ],
        exception_handlers={
            HTTPException: api.http_error,
            api.InvalidSessionIdError: api.invalid_session_id,
        },
    )
    app.state.proxy = state
    return app


def _handler(method: str, path: str) -> api.Handler:
    if path == "/":
        return _home
    return api.HANDLERS.get((method, path), api.not_modelled)


async def _home(_request: Request) -> Response:
    return HTMLResponse("<!doctype html><title>Kimi Proxy</title><h1>Kimi Proxy</h1>")


def _faulty_answer(fault: HttpFault) -> Response:
    status = 500 if fault.status is None else fault.status
    if fault.json is not None:
        return JSONResponse(fault.json, status)
    return PlainTextResponse("" if fault.text is None else fault.text, status)


async def _read_body(receive: Receive) -> bytes:
    parts: list[bytes] = []
    more = True
    while more:
        message = await receive()
        parts.append(message.get("body", b""))
        more = message.get("more_body", False)
    return b"".join(parts)


def _replay(body: bytes, receive: Receive) -> Receive:
    waiting: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

    async def replay() -> Message:
        return waiting.pop() if waiting else await receive()

    return replay


async def _disconnected(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


def _decoded(body: bytes) -> Any:
    if not body:
        return None
    try:
        return json.loads(body)
    except ValueError:
        return body.decode(errors="replace")

"""The folder with the built page, and the headers of every answer."""

from __future__ import annotations

import mimetypes
import os
from pathlib import Path

from starlette.datastructures import MutableHeaders
from starlette.responses import Response
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp, Message, Receive, Scope, Send

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
    "Cross-Origin-Resource-Policy": "same-origin",
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


class Page(StaticFiles):
    """A folder whose files the browser keeps, but asks about each time they are used.

    Nothing outside of it and nothing whose name begins with a dot is served.
    """

    def __init__(self, folder: Path) -> None:
        for suffix, kind in MIME_TYPES.items():
            mimetypes.add_type(kind, suffix)
        self.root = folder.resolve()
        super().__init__(directory=self.root, html=True)

    async def get_response(self, path: str, scope: Scope) -> Response:
        """Answer with the file, or 304 when the browser's copy is current."""
        if scope["path"].endswith("/"):
            path = os.path.join(path, "index.html")
        response = await super().get_response(path, scope)
        response.headers["Cache-Control"] = "no-cache"
        return response

    def lookup_path(self, path: str) -> tuple[str, os.stat_result | None]:
        """Return where the path leads once its links are followed, and what is there."""
        found, facts = super().lookup_path(path)
        if facts is None or is_hidden(Path(found).relative_to(self.root)):
            return "", None
        return found, facts


def is_hidden(path: Path) -> bool:
    """Tell whether a file or one of the folders around it begins with a dot."""
    return any(part.startswith(".") for part in path.parts)


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

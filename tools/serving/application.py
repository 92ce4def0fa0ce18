"""The server's application: the page at the root, the relay beside it."""

from __future__ import annotations

from pathlib import Path

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.routing import BaseRoute, Mount, Route, WebSocketRoute

from tools.serving.address import ProxyAddress
from tools.serving.http_relay import HttpRelay
from tools.serving.limits import Limits
from tools.serving.own_page import OwnPageOnly
from tools.serving.page import Page, SecurityHeaders
from tools.serving.paths import NormalPaths
from tools.serving.socket_relay import SocketRelay

#: The names under which this machine is asked. Another name that leads here is another site's.
NAMES = ("127.0.0.1", "localhost")


def application(
    folder: Path, proxy: ProxyAddress | None = None, limits: Limits | None = None
) -> Starlette:
    """Return the server's application.

    Args:
        folder: what to serve.
        proxy: where the Kimi Proxy is; None for no relay.
        limits: what a request may take; None for the usual.
    """
    limits = limits or Limits()
    relay: list[BaseRoute] = []
    if proxy is not None:
        http = OwnPageOnly(HttpRelay(proxy, limits))
        relay = [
            Route("/api/{path:path}", http),
            Route("/health", http),
            Route("/openapi.json", http),
            WebSocketRoute("/ws", OwnPageOnly(SocketRelay(proxy, limits))),
        ]
    return Starlette(
        routes=[*relay, Mount("/", Page(folder))],
        middleware=[
            Middleware(SecurityHeaders),
            Middleware(TrustedHostMiddleware, allowed_hosts=list(NAMES), www_redirect=False),
            Middleware(NormalPaths),
        ],
    )

"""Notices everything that a clean page would not do."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

from playwright.sync_api import ConsoleMessage, Page, Request, WebSocket

LOCAL = ("blob", "data", "about")


class Watch:
    """Collects console errors and warnings, failed requests, and requests that go elsewhere."""

    def __init__(self, page: Page, *origins: str) -> None:
        """Watch a page that may talk to these origins only."""
        self.console: list[str] = []
        self._complaints: list[str] = []
        self._allowed: list[re.Pattern[str]] = []
        self._origins = {_origin(url) for url in origins}
        self.under_way: set[Request] = set()
        page.on("requestfinished", lambda request: self.under_way.discard(request))
        page.on("console", self._on_console)
        page.on("pageerror", lambda error: self._complain(f"error: {error}"))
        page.on("crash", lambda _: self._complain("the page crashed"))
        page.on("request", self._on_request)
        page.on("requestfailed", self._on_failure)
        page.on("websocket", self._on_websocket)

    def permit(self, *origins: str) -> None:
        """Let the page talk to more origins."""
        self._origins.update(_origin(url) for url in origins)

    def expect(self, *patterns: str) -> None:
        """Declare what the test at hand provokes on purpose."""
        self._allowed += [re.compile(pattern) for pattern in patterns]

    def settle(self) -> list[str]:
        """Return what nobody expected so far, and begin anew."""
        unexpected = [
            complaint
            for complaint in self._complaints
            if not any(pattern.search(complaint) for pattern in self._allowed)
        ]
        self._complaints, self._allowed = [], []
        return unexpected

    def _complain(self, complaint: str) -> None:
        self._complaints.append(complaint)

    def _on_console(self, message: ConsoleMessage) -> None:
        self.console.append(message.text)
        if message.type in ("error", "warning", "assert"):
            where = message.location.get("url", "")
            self._complain(f"console {message.type}: {message.text} ({where})")

    def _on_request(self, request: Request) -> None:
        self.under_way.add(request)
        self._check_origin(request.url)

    def _on_websocket(self, socket: WebSocket) -> None:
        self._check_origin(socket.url)

    def _on_failure(self, request: Request) -> None:
        self.under_way.discard(request)
        if request.failure == "net::ERR_ABORTED" and "/static/" in request.url:
            return  # the page was left while a part of it was still on its way
        self._complain(f"request failed: {request.method} {request.url}: {request.failure}")

    def _check_origin(self, url: str) -> None:
        if urlsplit(url).scheme not in LOCAL and _origin(url) not in self._origins:
            self._complain(f"request to another origin: {url}")


def _origin(url: str) -> str:
    parts = urlsplit(url)
    scheme = {"ws": "http", "wss": "https"}.get(parts.scheme, parts.scheme)
    return f"{scheme}://{parts.netloc}"

"""Notices everything that a clean page would not do.

Whoever leaves a page breaks off what it was asking for. The watch knows of leaving by itself, from
the navigation that begins, so that is no complaint; a request that the page breaks off or that
fails while it stays is one.
"""

from __future__ import annotations

import re
from urllib.parse import urlsplit

from playwright.sync_api import ConsoleMessage, Frame, Page, Request, Response, WebSocket

LOCAL = ("blob", "data", "about")
BROKEN_OFF = "net::ERR_ABORTED"
ANSWERED = -1


class Watch:
    """Collects console errors and warnings, failed requests, and requests that go elsewhere."""

    def __init__(self, page: Page, *origins: str) -> None:
        """Watch a page that may talk to these origins only."""
        self.console: list[str] = []
        self._complaints: list[str] = []
        self._allowed: list[re.Pattern[str]] = []
        self._origins = {_origin(url) for url in origins}
        self._page = page
        self._documents = 0
        self._leaving = False
        self._asked: dict[Request, int] = {}
        page.on("requestfinished", lambda request: self._asked.pop(request, None))
        page.on("response", self._on_response)
        page.on("framenavigated", self._on_navigation)
        page.on("close", lambda _: self.leave())
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

    def leave(self) -> None:
        """Say that the page is about to be left, where no navigation request tells."""
        self._leaving = True

    @property
    def under_way(self) -> list[str]:
        """What the page has asked its proxy for and not got yet: addresses.

        Files are left out: nobody tells of those that a worker was fetching when it was ended.
        """
        return [
            request.url
            for request, document in self._asked.items()
            if document == self._documents and "/api/" in request.url
        ]

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
        self._asked[request] = self._documents
        self._leaving = self._leaving or self._is_of_page(request)
        self._check_origin(request.url)

    def _is_of_page(self, request: Request) -> bool:
        """Tell whether a request is for another document in place of the page itself."""
        return request.is_navigation_request() and request.frame == self._page.main_frame

    def _on_response(self, response: Response) -> None:
        if response.request.method == "HEAD":  # there is no body whose end could be told
            self._asked.pop(response.request, None)

    def _on_navigation(self, frame: Frame) -> None:
        if self._leaving and frame == self._page.main_frame:  # else only the address changed
            self._documents += 1
            self._leaving = False

    def _on_websocket(self, socket: WebSocket) -> None:
        self._check_origin(socket.url)

    def _on_failure(self, request: Request) -> None:
        document = self._asked.pop(request, ANSWERED)
        left = self._leaving or document < self._documents
        if self._is_of_page(request):
            self._leaving = False  # a download, say: the page stays
        if request.failure == BROKEN_OFF and left:
            return
        self._complain(f"request failed: {request.method} {request.url}: {request.failure}")

    def _check_origin(self, url: str) -> None:
        if urlsplit(url).scheme not in LOCAL and _origin(url) not in self._origins:
            self._complain(f"request to another origin: {url}")


def _origin(url: str) -> str:
    parts = urlsplit(url)
    scheme = {"ws": "http", "wss": "https"}.get(parts.scheme, parts.scheme)
    return f"{scheme}://{parts.netloc}"

"""Joins the surface to the JavaScript of ``sessions.js``."""

from __future__ import annotations

from typing import Any

import js
from pyodide.ffi import JsException, create_proxy, to_js

from browser.clock import BrowserClock
from browser.promises import settled
from sessions.errors import ProxyTimeout, ProxyUnreachable
from sessions.ports import HttpAnswer

from .surface import Deliver, Dropin


class HostHttp:
    """Implements :class:`sessions.ports.Http` by the page's own fetch, cookies included."""

    def __init__(self, page: Any) -> None:
        """Send through ``page.request(method, path, body, seconds)`` of ``boot.js``."""
        self._page = page

    async def request(
        self, method: str, path: str, body: str | None = None, *, timeout: float
    ) -> HttpAnswer:
        """Send a request to the page's own origin."""
        route = f"{method} {path}"
        try:
            answer = await settled(self._page, "request", method, path, body, timeout)
        except JsException as error:
            if error.name == "TimeoutError":
                sentence = f"The proxy did not answer within {timeout:g} s."
                raise ProxyTimeout(route, sentence) from error
            sentence = "The proxy did not answer: is it still running?"
            raise ProxyUnreachable(route, sentence) from error
        return HttpAnswer(answer.status, answer.contentType, answer.text)


def connect(deliver: Deliver, report: Deliver, page: Any) -> Any:
    """Return the functions for JavaScript, as one object of proxies that live with the page."""

    def complain(where: str, error: BaseException) -> None:
        report(where, str(error))

    dropin = Dropin(deliver, complain, HostHttp(page), BrowserClock())
    names = [name for name in dir(dropin) if not name.startswith("_")]
    functions = {name: create_proxy(getattr(dropin, name)) for name in names}
    return to_js(functions, dict_converter=js.Object.fromEntries)

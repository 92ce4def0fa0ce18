"""HTTP through the browser's fetch."""

from __future__ import annotations

import asyncio

import js
from pyodide.ffi import JsException, to_js

from browser.promises import settled
from sessions.errors import ProxyTimeout, ProxyUnreachable
from sessions.ports import HttpAnswer


class FetchHttp:
    """Implements :class:`sessions.ports.Http` for the proxy at one address."""

    def __init__(self, address: str) -> None:
        """Send everything to ``address`` (``http://host:port[/path]``)."""
        self._address = address

    async def request(
        self, method: str, path: str, body: str | None = None, *, timeout: float
    ) -> HttpAnswer:
        """Send a request; the task's cancellation, or the time limit, aborts it."""
        abort = js.AbortController.new()
        options = {
            "method": method,
            "signal": abort.signal,
            "cache": "no-store",
            "credentials": "same-origin",  # a proxy behind a login is asked like the page was
        }
        if body is not None:
            options["body"] = body
            options["headers"] = {"Content-Type": "application/json"}
        route = f"{method} {path}"
        answer = None
        try:
            async with asyncio.timeout(timeout):
                init = to_js(options, dict_converter=js.Object.fromEntries)
                answer = await settled(js, "fetch", self._address + path, init)
                text = await settled(answer, "text")
        except TimeoutError:
            abort.abort()
            raise ProxyTimeout(
                route, f"The proxy at {self._address} did not answer within {timeout:g} s."
            ) from None
        except asyncio.CancelledError:
            abort.abort()
            raise
        except JsException as error:
            raise ProxyUnreachable(
                route,
                f"No answer from {self._address}: is Kimi Proxy running there?",
                None if answer is None else int(answer.status),
            ) from error
        content_type = answer.headers.get("content-type") or ""
        return HttpAnswer(int(answer.status), content_type, text)

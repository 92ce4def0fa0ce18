"""Passes requests on to the proxy, and its answers back."""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import Iterator
from contextlib import suppress

import httpx
from starlette.datastructures import Headers
from starlette.responses import JSONResponse
from starlette.types import Receive, Scope, Send

from tools.serving.address import ProxyAddress
from tools.serving.limits import Limits
from tools.serving.racing import Overtaken, before
from tools.serving.server import break_off

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

#: Request headers that speak of our origin, which the proxy does not know, or to this server.
OF_OUR_ORIGIN = frozenset({"expect", "host", "origin", "referer"})

#: Seconds after which a browser is told to try again.
RETRY_AFTER = "2"


class BrowserGone(Exception):
    """The browser does not wait for the answer any more."""


class BodyTooLarge(Exception):
    """A request's body is larger than what is held in memory for one."""


class HttpRelay:
    """Passes a request on to the proxy and its answer back, piece by piece as it comes."""

    def __init__(self, proxy: ProxyAddress, limits: Limits) -> None:
        self.proxy = proxy
        self.limits = limits
        self.free = asyncio.Semaphore(limits.upstream)
        self.tls = httpx.create_ssl_context(trust_env=False)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request; let go of the proxy at once when the browser goes."""
        try:
            async with asyncio.timeout(self.limits.body):
                body = await whole_body(receive, self.limits.body_bytes)
        except BrowserGone:
            return
        except TimeoutError:
            refusal = error(408, "The rest of this request did not come.", Connection="close")
        except BodyTooLarge:
            bound = self.limits.body_bytes // 1024
            refusal = error(413, f"This request is larger than {bound} KiB.", Connection="close")
        else:
            with suppress(Overtaken):
                await before(gone(receive), self.relay(scope, receive, send, body))
            return
        await refusal(scope, receive, send)

    async def relay(self, scope: Scope, receive: Receive, send: Send, body: bytes) -> None:
        """Ask the proxy when there is room; send what comes of it."""
        try:
            async with asyncio.timeout(self.limits.queue):
                await self.free.acquire()
        except TimeoutError:
            sentence = f"The proxy at {self.proxy.url} is busy with {self.limits.upstream} requests"
            busy = error(503, f"{sentence}. Try again in a moment.", Retry_After=RETRY_AFTER)
            await busy(scope, receive, send)
            return
        try:
            await self.exchange(scope, receive, send, body)
        finally:
            self.free.release()

    async def exchange(self, scope: Scope, receive: Receive, send: Send, body: bytes) -> None:
        """Ask the proxy; send its answer, or one that says why there is none.

        Each request has a connection of its own, which ends with it. A shared pool keeps
        one for good when a request is given up in the wrong moment.
        """
        async with httpx.AsyncHTTPTransport(verify=self.tls, trust_env=False) as transport:
            try:
                answer = await transport.handle_async_request(self.outgoing(scope, body))
            except httpx.HTTPError as reason:
                sentence = f"The proxy at {self.proxy.url} does not answer: {why(reason)}."
                await error(502, sentence)(scope, receive, send)
                return
            if answer.status_code < 600:
                await pass_back(answer, scope, send)
            else:
                sentence = f"The proxy answered with the status {answer.status_code}."
                await error(502, sentence)(scope, receive, send)

    def outgoing(self, scope: Scope, body: bytes) -> httpx.Request:
        """Return the same request, addressed to the proxy."""
        base = httpx.URL(self.proxy.url)
        query = scope["query_string"]
        target = base.raw_path.rstrip(b"/") + scope["raw_path"] + (b"?" + query if query else b"")
        headers = passed_on(Headers(scope=scope).raw, OF_OUR_ORIGIN)
        if self.proxy.authorization is not None:
            headers = [(name, value) for name, value in headers if name != b"authorization"]
            headers.append((b"authorization", self.proxy.authorization.encode("ascii")))
        headers.append((b"connection", b"close"))
        # There is no limit on the answer, and the target is sent as it is: httpx would
        # spell the path anew.
        timeout = httpx.Timeout(None, connect=self.limits.connect).as_dict()
        extensions = {"timeout": timeout, "target": target}
        return httpx.Request(
            scope["method"], base, headers=headers, content=body, extensions=extensions
        )


async def whole_body(receive: Receive, bound: int) -> bytes:
    """Return a request's body.

    Raises:
        BrowserGone: the browser left before it was all there.
        BodyTooLarge: it has more bytes than ``bound``.
    """
    body = bytearray()
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise BrowserGone
        body += message.get("body", b"")
        if len(body) > bound:
            raise BodyTooLarge
        if not message.get("more_body", False):
            return bytes(body)


async def gone(receive: Receive) -> None:
    """Wait until the browser has gone."""
    while (await receive())["type"] != "http.disconnect":
        pass


async def pass_back(answer: httpx.Response, scope: Scope, send: Send) -> None:
    """Send the proxy's answer; break it off where the proxy does."""
    headers = passed_on(answer.headers.raw, frozenset())
    await send(
        {"type": "http.response.start", "status": answer.status_code, "headers": headers},
    )
    try:
        async for piece in answer.aiter_raw():
            await send({"type": "http.response.body", "body": piece, "more_body": True})
    except httpx.HTTPError:
        await break_off(scope)
    else:
        await send({"type": "http.response.body", "body": b"", "more_body": False})


def passed_on(
    headers: list[tuple[bytes, bytes]], dropped: frozenset[str]
) -> list[tuple[bytes, bytes]]:
    """Return the headers to pass on: all but the connection's own and ``dropped``."""
    own = [(name.decode("latin-1").lower(), value) for name, value in headers]
    named = {
        token.strip().lower()
        for name, value in own
        if name == "connection"
        for token in value.decode("latin-1").split(",")
    }
    left_out = HOP_BY_HOP | dropped | named
    if any(name == "transfer-encoding" for name, _ in own):
        # A length beside it says nothing (RFC 9112, 6.3), and would be believed here.
        left_out |= {"content-length"}
    return [(name.encode("latin-1"), value) for name, value in own if name not in left_out]


def error(status: int, sentence: str, **headers: str) -> JSONResponse:
    """Return an answer of this server's own; headers are named with _ for -."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return JSONResponse({"error": sentence}, status, named)


def why(reason: httpx.HTTPError) -> str:
    """Say why there is no answer, in words of our own: the reason's could hold a password."""
    causes = list(chain(reason))
    if any(isinstance(cause, socket.gaierror) for cause in causes):
        return "its name is not known. Look at the address after --proxy"
    if any(isinstance(cause, ssl.SSLError) for cause in causes):
        return "it cannot be spoken to over TLS. Look at its certificate, or try http://"
    if isinstance(reason, httpx.ConnectTimeout):
        return "it does not take the connection. Look whether it hangs"
    if isinstance(reason, httpx.ConnectError):
        return "nothing listens there. Start it, or name another address with --proxy"
    if isinstance(reason, httpx.NetworkError):
        return "it closed the connection. Look whether it has crashed"
    if isinstance(reason, httpx.RemoteProtocolError):
        return "what it says is not HTTP, or it broke off. Look at the address after --proxy"
    return f"the request fails ({type(reason).__name__})"


def chain(reason: BaseException | None) -> Iterator[BaseException]:
    """Yield an exception and what it came from, groups opened."""
    while reason is not None:
        yield reason
        if isinstance(reason, BaseExceptionGroup):
            for member in reason.exceptions:
                yield from chain(member)
        reason = reason.__cause__ or reason.__context__

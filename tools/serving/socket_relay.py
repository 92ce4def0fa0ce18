"""Passes WebSocket messages on, both ways."""

from __future__ import annotations

import asyncio
from contextlib import suppress

from starlette.types import Message, Receive, Scope, Send
from starlette.websockets import WebSocket, WebSocketDisconnect
from uvicorn.protocols.utils import ClientDisconnected
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidStatus, WebSocketException
from websockets.typing import Subprotocol

from tools.serving.address import ProxyAddress
from tools.serving.limits import Limits
from tools.serving.racing import Overtaken, before

GOING_AWAY = 1001
TOO_LARGE = 1009
TRY_AGAIN_LATER = 1013

#: The bytes of a close reason (RFC 6455, 5.5).
REASON_BYTES = 123


class NotOpened(Exception):
    """The proxy did not take the WebSocket; the message is for the page."""


class SocketRelay:
    """Passes WebSocket messages both ways until either side closes."""

    def __init__(self, proxy: ProxyAddress, limits: Limits) -> None:
        self.proxy = proxy
        self.limits = limits
        self.open = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection; let go of the proxy at once when the page goes."""
        page = WebSocket(scope, receive, send)
        await page.receive()  # says only that there is a handshake
        self.open += 1
        conversation = Conversation(page, self.limits.stop)
        try:
            with suppress(Overtaken, WebSocketDisconnect, ClientDisconnected):
                await before(conversation.listen(), self.converse(conversation))
        finally:
            self.open -= 1

    async def converse(self, conversation: Conversation) -> None:
        """Connect to the proxy and pass messages on; tell the page how it ended."""
        page = conversation.page
        try:
            proxy = await self.connect(page)
        except NotOpened as error:
            # Closing before accepting would reach the page as an unexplained 1006.
            await page.accept()
            await page.close(TRY_AGAIN_LATER, short(str(error)))
            return
        try:
            await page.accept(proxy.subprotocol)
            await before(conversation.to_proxy(proxy), conversation.to_page(proxy))
            await page.close(*self.farewell(proxy))
        finally:
            await proxy.close(*conversation.left)

    async def connect(self, page: WebSocket) -> ClientConnection:
        """Return a WebSocket to the proxy.

        Raises:
            NotOpened: there is none, or there are enough.
        """
        if self.open > self.limits.sockets:
            raise NotOpened(f"All {self.limits.sockets} WebSockets of this server are in use.")
        query = page.scope["query_string"].decode("ascii")
        path = page.scope["raw_path"].decode("ascii")
        offered = [Subprotocol(name) for name in page.scope["subprotocols"]]
        authorization = self.proxy.authorization
        try:
            return await connect(
                self.proxy.websocket + path + (f"?{query}" if query else ""),
                subprotocols=offered or None,
                additional_headers={"Authorization": authorization} if authorization else None,
                open_timeout=self.limits.connect,
                close_timeout=self.limits.stop,
                ping_interval=self.limits.ping,
                ping_timeout=self.limits.ping,
                max_size=self.limits.message_bytes,
                proxy=None,
            )
        except InvalidStatus as error:
            status = error.response.status_code
            raise NotOpened(f"The proxy at {self.proxy.url} refuses with {status}.") from error
        except (OSError, TimeoutError, WebSocketException) as error:
            raise NotOpened(f"The proxy at {self.proxy.url} does not answer.") from error

    def farewell(self, proxy: ClientConnection) -> tuple[int, str]:
        """Return the code and reason to tell the page, once the proxy's side is closed."""
        received, sent = proxy.protocol.close_rcvd, proxy.protocol.close_sent
        if sent is not None and sent.code == TOO_LARGE and not proxy.protocol.close_rcvd_then_sent:
            bound = self.limits.message_bytes // 1024
            return TOO_LARGE, f"The proxy sent a message of more than {bound} KiB."
        if received is None:
            # Without a closing frame the proxy has gone down, not ended the conversation.
            return TRY_AGAIN_LATER, "The proxy went away."
        return (1000 if received.code == 1005 else received.code), received.reason


class Conversation:
    """One page's WebSocket, and what came from it that the proxy has not got yet."""

    def __init__(self, page: WebSocket, patience: float) -> None:
        self.page = page
        self.patience = patience
        self.said: asyncio.Queue[Message] = asyncio.Queue(1)
        self.left = (GOING_AWAY, "")

    async def listen(self) -> None:
        """Take in what the page says, until it leaves and its last words are passed on."""
        while (message := await self.page.receive())["type"] != "websocket.disconnect":
            await self.said.put(message)
        if is_sendable(message["code"]):
            self.left = (message["code"], message.get("reason") or "")
        with suppress(TimeoutError):
            await asyncio.wait_for(self.said.join(), self.patience)

    async def to_proxy(self, proxy: ClientConnection) -> None:
        """Pass on what the page says; what comes after the proxy has closed goes nowhere."""
        while True:
            message = await self.said.get()
            text = message.get("text")
            with suppress(ConnectionClosed):
                await proxy.send(message["bytes"] if text is None else text)
            self.said.task_done()

    async def to_page(self, proxy: ClientConnection) -> None:
        """Pass on what the proxy says until it closes."""
        with suppress(ConnectionClosed):
            async for message in proxy:
                if isinstance(message, str):
                    await self.page.send_text(message)
                else:
                    await self.page.send_bytes(message)
        await proxy.wait_closed()


def is_sendable(code: int) -> bool:
    """Tell whether a close code may be sent (RFC 6455, 7.4): some only say what happened."""
    return (1000 <= code < 1015 and code not in (1004, 1005, 1006)) or 3000 <= code < 5000


def short(reason: str) -> str:
    """Return a close reason cut to what a frame holds."""
    return reason.encode()[:REASON_BYTES].decode(errors="ignore")

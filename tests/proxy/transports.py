"""Access to a connection's transport, to break it the way a crashing server does.

ASGI has no word for "close without an answer", so the protocol remembers its transports by the
pair of addresses that the ASGI scope names too.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any
from weakref import WeakValueDictionary

from uvicorn.protocols.http.h11_impl import H11Protocol

_transports: WeakValueDictionary[tuple[Any, Any], asyncio.Transport] = WeakValueDictionary()


class BreakableProtocol(H11Protocol):
    """The HTTP protocol of the stand-in; WebSocket connections begin on it as well."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Remember the transport before serving it."""
        super().connection_made(transport)
        _transports[self.client, self.server] = transport


def abort(scope: Mapping[str, Any]) -> None:
    """Break a request's or a WebSocket's connection at once, without a word."""
    client, server = scope.get("client"), scope.get("server")
    key = (tuple(client) if client else None, tuple(server) if server else None)
    transport = _transports.get(key)
    if transport is not None:
        transport.abort()

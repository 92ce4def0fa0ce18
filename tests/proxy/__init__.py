"""A stand-in for Kimi Proxy: the HTTP and WebSocket wire of three of its versions.

The stand-in answers field by field as the real proxy was recorded to answer, quirks included, so
that the dashboard can be driven end to end without an IDE, a provider or a key.
"""

from tests.proxy.server import ProxyServer

__all__ = ["ProxyServer"]

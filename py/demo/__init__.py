"""A stand-in for Kimi Proxy, for when no real one is reachable.

:class:`~demo.proxy.DemoProxy` implements the core's ports ``Http`` and ``Sockets`` in memory:
the same routes, messages and errors as the proxy of 2026-03-08, and the ``metric``
announcements of older ones, so that estimates are seen being corrected. What it tells is
made up, but the same for the same seed.
"""

from .proxy import DemoProxy

__all__ = ["DemoProxy"]

"""The demo, put together behind the core's ports."""

from __future__ import annotations

import random

from sessions.ports import Clock, HttpAnswer, Scheduler, Socket, SocketListener

from . import frames
from .compaction_routes import CompactionRoutes
from .health_routes import HealthRoutes
from .line import DemoSockets
from .memory_routes import MemoryRoutes
from .router import Router
from .scenario import populate
from .session_routes import SessionRoutes
from .store import DemoStore
from .traffic import Traffic

DEFAULT_SEED = 477
"""A story in which most of what can happen does within the first minutes."""


class DemoProxy:
    """Kimi Proxy in memory: implements the ports ``Http`` and ``Sockets``.

    Nothing happens in it while no socket is connected; on the next connection, what would
    have happened meanwhile has. The same seed, clock and calls give the same story.

    Example:
        proxy = DemoProxy(clock, scheduler)
        api = ProxyApi(proxy)
        live = Live(api, proxy, state, manager, bus, clock, scheduler, demo=True)
    """

    def __init__(self, clock: Clock, scheduler: Scheduler, seed: int = DEFAULT_SEED) -> None:
        """Make up the sessions of the last days, as of now."""
        rng = random.Random(seed)
        store = DemoStore(rng)
        populate(store, clock.now())

        def greeting() -> frames.Frame | None:
            return None if store.active is None else frames.init(store.active)

        self._sockets = DemoSockets(scheduler, rng, greeting)
        self._sockets.watched = Traffic(store, clock, scheduler, self._sockets.broadcast)
        announce = self._sockets.broadcast_soon
        self._router = Router(
            [
                *SessionRoutes(store, clock, announce).endpoints(),
                *CompactionRoutes(store, clock, announce).endpoints(),
                *MemoryRoutes(store, clock).endpoints(),
                *HealthRoutes(store, clock).endpoints(),
            ]
        )

    async def request(
        self, method: str, path: str, body: str | None = None, *, timeout: float
    ) -> HttpAnswer:
        """Answer a request, at once."""
        return self._router.answer(method, path, body)

    def connect(self, listener: SocketListener) -> Socket:
        """Open a socket; the listener hears of it soon."""
        return self._sockets.connect(listener)

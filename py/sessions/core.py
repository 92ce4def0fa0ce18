"""The core, put together: what follows a proxy, on ports and a bus of any kind."""

from __future__ import annotations

import random
from collections.abc import Callable

from .commands import Commands
from .envelope import parse
from .events import EventBus
from .live import Live
from .manager import SessionManager
from .persistence import restore
from .ports import Clock, Http, Scheduler, Sockets
from .proxy_api import Capabilities, ProxyApi
from .state import SessionState


class Core:
    """State, manager, connection and commands of one proxy, wired to each other."""

    def __init__(
        self,
        http: Http,
        sockets: Sockets,
        clock: Clock,
        scheduler: Scheduler,
        bus: EventBus,
        *,
        address: str = "",
        demo: bool = False,
        chance: Callable[[], float] = random.random,
    ) -> None:
        """Wire everything; nothing happens before :meth:`start`.

        Args:
            http: asks the proxy.
            sockets: listen to the proxy.
            clock: the time of day.
            scheduler: runs timers and tasks.
            bus: tells what happens, and hears what is asked for.
            address: the proxy's address, for the person to read.
            demo: whether it is the built-in demo.
            chance: a random number from 0 to 1, for the waits between two connections.
        """
        self._clock = clock
        self._address = address
        self.api = ProxyApi(http)
        self.state = SessionState(bus, clock)
        self.manager = SessionManager(self.state, bus, self.api, announce_loads=True)
        self.live = Live(
            self.api, sockets, self.state, self.manager, bus, clock, scheduler,
            address=address, demo=demo, chance=chance,
        )  # fmt: skip
        self.commands = Commands(self.api, self.state, self.manager, self.live, bus, scheduler)

    @property
    def capabilities(self) -> Capabilities:
        """What the proxy supports."""
        return self.api.capabilities

    def restore(self, text: str) -> None:
        """Begin with what an envelope's text knows of this proxy (:mod:`sessions.envelope`)."""
        envelope, _ = parse(text, self._clock.now())
        restore(envelope, self._address, self.state, self.manager, self.live)

    def start(self) -> None:
        """Connect, and load what there is."""
        self.live.start()

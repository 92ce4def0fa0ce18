"""Keeps one WebSocket connection alive: connect, lose, wait, try again.

A state machine without I/O of its own: sockets and timers come through ports, so that
tests drive it with a virtual clock. Every socket gets a generation number; whatever an
older socket still says is ignored.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from . import events
from .ports import Clock, Scheduler, Socket, Sockets, Timer

FIRST_DELAY = 1.0
LONGEST_DELAY = 30.0
STABLE_AFTER = 60.0
CONNECT_TIMEOUT = 15.0
"""Seconds: the first and the longest wait between two attempts, how long a connection must
hold for the wait to start again at the first, and how long an attempt may take."""


class Phase(StrEnum):
    """Where the connection stands."""

    CLOSED = "closed"
    CONNECTING = "connecting"
    CONNECTED = "connected"
    WAITING = "waiting"


@dataclass(frozen=True, slots=True)
class ConnectionState:
    """Payload of ``connection:changed``.

    Attributes:
        attempt: attempts since the connection was last up; 0 while it is.
        retry_at: when the next attempt starts, in milliseconds since 1970, while waiting.
        demo: True when the other end is the built-in demo.
        address: the proxy's address, for the person to read.
    """

    phase: Phase
    attempt: int
    retry_at: float | None
    demo: bool
    address: str

    def to_wire(self) -> dict[str, Any]:
        """Return the JSON object."""
        return {
            "phase": str(self.phase),
            "attempt": self.attempt,
            "retryAt": self.retry_at,
            "demo": self.demo,
            "address": self.address,
        }


def backoff(attempt: int, chance: float) -> float:
    """Return the seconds to wait before an attempt.

    Doubles from :data:`FIRST_DELAY` to :data:`LONGEST_DELAY`. ``chance`` (0 to 1) spreads it
    over its upper half, so that many pages do not knock at a restarted proxy at once.

    Example:
        >>> [backoff(n, 1.0) for n in (1, 2, 3, 6, 60)]
        [1.0, 2.0, 4.0, 30.0, 30.0]
    """
    whole = min(LONGEST_DELAY, FIRST_DELAY * 2.0 ** min(attempt - 1, 16))
    return max(FIRST_DELAY, whole * (0.5 + chance / 2))


class _Line:
    """Listens to one socket, and only as long as that socket is the current one."""

    def __init__(self, connection: Connection, generation: int) -> None:
        self._connection = connection
        self._generation = generation

    def on_open(self) -> None:
        self._connection.opened(self._generation)

    def on_text(self, text: str) -> None:
        self._connection.received(self._generation, text)

    def on_close(self) -> None:
        self._connection.lost(self._generation)


class Connection:
    """Owns the socket, its generation, and the timers between attempts."""

    def __init__(
        self,
        sockets: Sockets,
        bus: events.EventBus,
        clock: Clock,
        scheduler: Scheduler,
        *,
        on_open: Callable[[], None],
        on_text: Callable[[str], None],
        address: str = "",
        demo: bool = False,
        chance: Callable[[], float] = random.random,
    ) -> None:
        """Prepare a connection; :meth:`start` opens it.

        Args:
            sockets: opens sockets.
            bus: is told ``connection:changed``.
            clock: the time of day.
            scheduler: runs the timers.
            on_open: called at every (re)connection, before any frame.
            on_text: called with every text frame of the current socket.
            address: the proxy's address, for the person to read.
            demo: whether the other end is the built-in demo.
            chance: a random number from 0 to 1, for jitter.
        """
        self._sockets = sockets
        self._bus = bus
        self._clock = clock
        self._scheduler = scheduler
        self._on_open = on_open
        self._on_text = on_text
        self._chance = chance
        self._generation = 0
        self._socket: Socket | None = None
        self._timer: Timer | None = None
        self._failures = 0
        self.state = ConnectionState(Phase.CLOSED, 0, None, demo, address)

    @property
    def is_connected(self) -> bool:
        """True while frames can arrive."""
        return self.state.phase is Phase.CONNECTED

    def start(self) -> None:
        """Connect, and stay connected until :meth:`stop`."""
        if self.state.phase is Phase.CLOSED:
            self._connect()

    def stop(self) -> None:
        """Close for good; nothing is heard any more."""
        self._drop()
        self._failures = 0
        self._enter(Phase.CLOSED)

    def wake(self) -> None:
        """Try at once if waiting: the network came back, or the person looks again."""
        if self.state.phase is Phase.WAITING:
            self._connect()

    def restart(self) -> None:
        """Drop the socket and connect again at once, as when the network is back."""
        if self.state.phase is not Phase.CLOSED:
            self._connect()

    # -- what sockets report ----------------------------------------------------------

    def opened(self, generation: int) -> None:
        """A socket is up; the wait starts over only when it holds for a while."""
        if generation != self._generation:
            return
        self._set_timer(STABLE_AFTER, self._settle)
        self._enter(Phase.CONNECTED)
        self._on_open()

    def received(self, generation: int, text: str) -> None:
        """A frame arrived."""
        if generation == self._generation:
            self._on_text(text)

    def lost(self, generation: int) -> None:
        """A socket is gone, or never came up."""
        if generation != self._generation:
            return
        self._drop()
        self._failures += 1
        delay = backoff(self._failures, self._chance())
        self._set_timer(delay, self._connect)
        self._enter(Phase.WAITING, self._clock.now() + delay * 1000)

    # -- inside -----------------------------------------------------------------------

    def _connect(self) -> None:
        self._drop()
        generation = self._generation
        self._enter(Phase.CONNECTING)
        if generation != self._generation:
            return  # somebody who heard of it stopped the connection
        self._set_timer(CONNECT_TIMEOUT, lambda: self.lost(generation))
        socket = self._sockets.connect(_Line(self, generation))
        if generation == self._generation:
            self._socket = socket
        else:  # it failed, or was stopped, before connect() returned
            socket.close()

    def _settle(self) -> None:
        self._failures = 0

    def _drop(self) -> None:
        self._generation += 1
        self._set_timer(None, None)
        if self._socket is not None:
            self._socket.close()
            self._socket = None

    def _set_timer(self, delay: float | None, callback: Callable[[], None] | None) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer = None
        if delay is not None and callback is not None:
            self._timer = self._scheduler.call_later(delay, callback)

    def _enter(self, phase: Phase, retry_at: float | None = None) -> None:
        attempt = 0 if phase in (Phase.CONNECTED, Phase.CLOSED) else self._failures
        self.state = ConnectionState(phase, attempt, retry_at, self.state.demo, self.state.address)
        self._bus.emit(events.CONNECTION_CHANGED, self.state)

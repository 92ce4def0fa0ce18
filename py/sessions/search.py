"""Looks for the proxy for as long as it is not sure where one answers.

Where the page connects is decided once, when it starts, since what it knows, shows and may
talk to hangs on the address. What turns up elsewhere later is offered, never taken.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from . import events
from .commands import RESTART, WAKE
from .connection import ConnectionState, Phase
from .discovery import DEMO, FOUND, Discovery, Plan, Visit, look, proxy_among, settle, visit
from .ports import Clock, Http, Scheduler, Timer
from .preferences import PREFERENCES_CHANGED
from .proxy_api import TIMEOUT

FIRST_LIMIT = 3.0
"""Seconds that an address has for its answer while the page waits for it to start."""

NO_HURRY = 0.5
"""Seconds in which a page that knows where to connect has better things to do than to look."""

LOST_AFTER = 5
"""Attempts to connect that must have failed before others are asked whether they are there."""

REST = 5.0
"""Seconds after a look at the demo in which nothing makes the page look again."""

Pauses = tuple[float, float]
"""Seconds: the first and the longest pause between two looks; each is twice the one before."""

WAITING: Pauses = (2.0, 60.0)
QUIET: Pauses = (30.0, 480.0)
"""With a demo to look at there is no hurry, and each look in vain leaves lines in the console."""


def pause(number: int, pauses: Pauses) -> float:
    """Return the seconds to wait after a number of looks in vain.

    Example:
        >>> [pause(number, WAITING) for number in (1, 2, 3, 99)]
        [2.0, 4.0, 8.0, 60.0]
    """
    first, longest = pauses
    return min(longest, first * 2.0 ** min(number - 1, 16))


class Search:
    """Where the page connects, and what answers there and elsewhere."""

    def __init__(
        self,
        where: Plan,
        http_for: Callable[[str], Http],
        bus: events.EventBus,
        scheduler: Scheduler,
        clock: Clock,
        *,
        remember: Callable[[str], None],
        is_seen: Callable[[], bool],
    ) -> None:
        """Prepare; nobody is asked before :meth:`begin`.

        Args:
            where: where to look.
            http_for: returns what asks an address.
            bus: is told ``proxy:found``; brings news of the connection, and reasons to hurry.
            scheduler: runs timers and tasks.
            clock: the time of day.
            remember: is told an address where a proxy answered that nobody had to name.
            is_seen: whether anybody can see the page: only then is it worth looking.
        """
        self._where = where
        self._http_for = http_for
        self._bus = bus
        self._scheduler = scheduler
        self._clock = clock
        self._remember = remember
        self._is_seen = is_seen
        self._timer: Timer | None = None
        self._is_looking = False
        self._is_sure = False
        self._in_vain = 0
        self._looked_at = float("-inf")
        self.found = Discovery(DEMO, ())

    async def begin(self) -> Discovery:
        """Return where to connect: where it is known, at once; else after a first look."""
        expected = self._where.expected
        if expected is None:
            visits = await look(self._where.candidates, lambda at: self._ask(at, FIRST_LIMIT))
            self._conclude(settle(visits))
        elif expected != DEMO:
            self.found = Discovery(expected, (), is_settled=False)
        return self.found

    def go_on(self) -> None:
        """Look again, from now on, whenever it is not sure where a proxy answers."""
        if self._where.chosen and self.found.is_demo:
            return
        for topic in (WAKE, RESTART, PREFERENCES_CHANGED):
            self._bus.on(topic, lambda _: self._hurry(), needs_payload=False)
        if not self.found.is_demo:
            self._bus.on(events.CONNECTION_CHANGED, self._connection_changed)
        if not self._is_sure:
            self._look_in(self._pause() if self.found.is_settled else NO_HURRY)

    # -- when to look -------------------------------------------------------------------

    def _connection_changed(self, state: ConnectionState) -> None:
        if state.phase is Phase.CONNECTED and not self._is_sure:
            self._look_in(NO_HURRY)
        elif state.phase is Phase.WAITING and state.attempt >= LOST_AFTER and self._has_others():
            self._is_sure = False
            self._look_in(NO_HURRY)

    def _has_others(self) -> bool:
        return self._is_sure and not self._where.chosen

    def _hurry(self) -> None:
        since = (self._clock.now() - self._looked_at) / 1000
        if not (self._is_sure or (self.found.is_demo and 0 <= since < REST)):
            self._in_vain = 0
            self._look_in(0)

    def _pause(self) -> float:
        return pause(self._in_vain, QUIET if self.found.is_demo else WAITING)

    def _look_in(self, seconds: float) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer = self._scheduler.call_later(seconds, self._due)

    def _due(self) -> None:
        self._timer = None
        # Who comes back to a page that nobody saw wakes it.
        if not self._is_looking and self._is_seen():
            self._is_looking = True
            self._scheduler.start(self._look())

    # -- looking --------------------------------------------------------------------------

    async def _look(self) -> None:
        try:
            visits = await self._visits()
        finally:
            self._is_looking = False
        was_found = self.found.is_found
        offer = None if self._found_at_home(visits) else proxy_among(visits)
        self._conclude(replace(self.found, visits=visits, is_settled=True, offer=offer))
        self._bus.emit(FOUND, self.found)
        if not self._is_sure:
            self._look_in(self._pause())
        elif self.found.is_found and not was_found:
            self._bus.emit(WAKE)  # the connection need not wait out its pause

    async def _visits(self) -> tuple[Visit, ...]:
        """Ask where the page is connected; only if no proxy answers there, the others too."""
        home = self.found.address
        visits = () if home == DEMO else (await self._ask(home, TIMEOUT),)
        if self._where.chosen or self._found_at_home(visits):
            return visits
        others = [address for address in self._where.candidates if address != home]
        return visits + await look(others, lambda at: self._ask(at, TIMEOUT))

    def _found_at_home(self, visits: Sequence[Visit]) -> bool:
        return replace(self.found, visits=tuple(visits)).is_found

    async def _ask(self, address: str, limit: float) -> Visit:
        return await visit(address, self._http_for(address), limit)

    def _conclude(self, found: Discovery) -> None:
        self.found = found
        self._looked_at = self._clock.now()
        self._in_vain += 1
        self._is_sure = found.is_found or (found.is_demo and found.offer is not None)
        if found.is_found:
            self._in_vain = 0
            if not self._where.chosen:
                self._remember(found.address)

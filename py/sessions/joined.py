"""Requests that many messages ask for at once, sent as few."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from math import inf
from typing import Any

from .ports import Clock, Scheduler, Timer

WINDOW = 0.4
"""Seconds after a run in which whoever asks shares the next one, at the end of them."""


class Joined:
    """Does a piece of work for everybody who asks: one run at a time, and one more at most.

    A run that has begun may have missed what its later askers know of; they get the next one.
    """

    def __init__(
        self, clock: Clock, scheduler: Scheduler, work: Callable[[], Coroutine[Any, Any, object]]
    ) -> None:
        """Do ``work()`` whenever somebody asks."""
        self._clock = clock
        self._scheduler = scheduler
        self._work = work
        self._timer: Timer | None = None
        self._rested_from = -inf
        self._wanted = self._urgent = False
        self.is_running = False
        """True from the moment a run begins until it has ended."""

    def ask(self, *, urgent: bool = False) -> None:
        """Have the work done: soon, for what many messages ask; at once, if it is urgent.

        Even what is urgent waits for the run that is under way.
        """
        if self.is_running:
            self._wanted, self._urgent = True, self._urgent or urgent
            return
        left = WINDOW - (self._clock.now() - self._rested_from) / 1000
        if urgent or not 0 < left <= WINDOW:  # a clock that was set back counts as time gone by
            self._begin(urgent)
        elif self._timer is None:
            self._timer = self._scheduler.call_later(left, lambda: self._begin(False))

    def cancel(self) -> None:
        """Forget who asked; a run under way comes to its end."""
        self._wanted = self._urgent = False
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _begin(self, urgent: bool) -> None:
        self.cancel()
        self.is_running = True
        self._scheduler.start(self._run(urgent))

    async def _run(self, urgent: bool) -> None:
        try:
            await self._work()
        finally:
            self.is_running = False
            if not urgent:
                self._rested_from = self._clock.now()
            if self._wanted:
                self.ask(urgent=self._urgent)

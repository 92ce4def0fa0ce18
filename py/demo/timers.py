"""Pending calls that can be dropped together."""

from __future__ import annotations

from collections.abc import Callable

from sessions.ports import Scheduler, Timer


class Timers:
    """Calls callbacks later, until it is cleared."""

    def __init__(self, scheduler: Scheduler) -> None:
        """Use the timers of ``scheduler``."""
        self._scheduler = scheduler
        self._pending: set[Timer] = set()

    def later(self, delay: float, callback: Callable[[], None]) -> None:
        """Call ``callback()`` after ``delay`` seconds, unless cleared before."""

        def run() -> None:
            self._pending.discard(timer)
            callback()

        timer = self._scheduler.call_later(delay, run)
        self._pending.add(timer)

    def clear(self) -> None:
        """Drop everything that is pending."""
        for timer in self._pending:
            timer.cancel()
        self._pending.clear()

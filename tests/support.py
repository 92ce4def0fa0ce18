"""Fakes that several tests share: a clock, timers and a task owner driven by hand."""

from __future__ import annotations

import asyncio
import heapq
import itertools
from collections.abc import Callable, Coroutine
from typing import Any

from sessions.events import EventBus


class FakeClock:
    """A clock that stands still until it is told to move. Milliseconds since 1970."""

    def __init__(self, now: float = 1_700_000_000_000, offset: float = 0) -> None:
        self.time = now
        self.offset = offset

    def now(self) -> float:
        return self.time

    def utc_offset(self, at: float) -> float:
        return self.offset


class FakeTimer:
    def __init__(self, due: float, callback: Callable[[], None]) -> None:
        self.due = due
        self.callback = callback
        self.cancelled = False

    def cancel(self) -> None:
        self.cancelled = True


class FakeScheduler:
    """Runs timers when the test moves the clock, and tasks on the running event loop."""

    def __init__(self, clock: FakeClock) -> None:
        self.clock = clock
        self.tasks: set[asyncio.Task[Any]] = set()
        self.errors: list[BaseException] = []
        self._timers: list[tuple[float, int, FakeTimer]] = []
        self._order = itertools.count()

    def call_later(self, delay: float, callback: Callable[[], None]) -> FakeTimer:
        timer = FakeTimer(self.clock.time + delay * 1000, callback)
        heapq.heappush(self._timers, (timer.due, next(self._order), timer))
        return timer

    def start(self, work: Coroutine[Any, Any, object]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self.tasks.add(task)
        task.add_done_callback(self._done)

    def _done(self, task: asyncio.Task[Any]) -> None:
        self.tasks.discard(task)
        if not task.cancelled() and task.exception() is not None:
            self.errors.append(task.exception())

    def pending(self) -> list[float]:
        """Seconds until each timer that is still to run."""
        return sorted(
            (timer.due - self.clock.time) / 1000
            for _, _, timer in self._timers
            if not timer.cancelled
        )

    def advance(self, seconds: float) -> None:
        """Move the clock, running every timer that falls due on the way."""
        end = self.clock.time + seconds * 1000
        while self._timers and self._timers[0][0] <= end:
            due, _, timer = heapq.heappop(self._timers)
            self.clock.time = max(self.clock.time, due)
            if not timer.cancelled:
                timer.callback()
        self.clock.time = end

    async def settle(self) -> None:
        """Let every task that can run do so."""
        for _ in range(50):
            await asyncio.sleep(0)


class Recorder:
    """Remembers what a bus delivered, and what its handlers raised."""

    def __init__(self) -> None:
        self.errors: list[tuple[str, BaseException]] = []
        self.bus = EventBus(lambda topic, error: self.errors.append((topic, error)))
        self.events: list[tuple[str, Any]] = []

    def listen(self, *topics: str) -> None:
        for topic in topics:
            self.bus.on(topic, lambda payload, topic=topic: self.events.append((topic, payload)))

    def topics(self) -> list[str]:
        return [topic for topic, _ in self.events]

    def take(self) -> list[tuple[str, Any]]:
        taken, self.events = self.events, []
        return taken

"""One input at a time: what the core hears is taken in whole before the next is heard.

On an ordinary event loop an answer is taken in over several passes, and a frame may slip in
between any two of them. Which one does is chance, and chance cannot be recorded. Here the
core's coroutines have a loop of their own: every input (a frame, an answer, a timer, a
person's intent) is delivered in a *turn*, which ends when every coroutine waits for something
from outside. A run is then determined by the order and the times of its inputs alone.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Coroutine
from typing import Any, cast

Report = Callable[[str, BaseException], None]


class _Loop:
    """As much of an event loop as tasks, futures and locks need.

    It lives inside another one, runs what is ready when it is told to, and never waits.
    """

    def __init__(self, report: Report) -> None:
        self._report = report
        self._ready: deque[asyncio.Handle] = deque()
        self.awake: Callable[[], None] = lambda: None
        self.as_loop = cast(asyncio.AbstractEventLoop, self)

    def run_ready(self) -> None:
        outer = asyncio._get_running_loop()
        asyncio._set_running_loop(self.as_loop)
        try:
            while self._ready:
                handle = self._ready.popleft()
                if not handle.cancelled():
                    handle._run()
        finally:
            asyncio._set_running_loop(outer)

    def call_soon(self, callback: Any, *args: Any, context: Any = None) -> asyncio.Handle:
        handle = asyncio.Handle(callback, args, self.as_loop, context)
        self._ready.append(handle)
        self.awake()
        return handle

    def create_future(self) -> asyncio.Future[Any]:
        return asyncio.Future(loop=self.as_loop)

    def create_task(self, coro: Any, **options: Any) -> asyncio.Task[Any]:
        return asyncio.Task(coro, loop=self.as_loop, **options)

    def get_debug(self) -> bool:
        return False

    def is_running(self) -> bool:
        return asyncio._get_running_loop() is self.as_loop

    def is_closed(self) -> bool:
        return False

    def call_exception_handler(self, context: dict[str, Any]) -> None:
        error = context.get("exception")
        self._report("task", error or RuntimeError(str(context.get("message"))))


class Turns:
    """Delivers inputs to the core, one after the other, each to its end."""

    def __init__(self, report: Report) -> None:
        """Tell ``report(where, error)`` of whatever escapes an input or a task."""
        self._report = report
        self._loop = _Loop(report)
        self._loop.awake = self._woken
        self._tasks: set[asyncio.Task[Any]] = set()
        self._inputs: deque[Callable[[], None]] = deque()
        self._host: asyncio.AbstractEventLoop | None = None
        self._asked = False
        self._stopped = False
        self.under_way = False
        """Whether an input is being taken in right now."""

    def host(self, loop: asyncio.AbstractEventLoop) -> None:
        """Let inputs that come at a bad moment wait for the next pass of ``loop``."""
        self._host = loop

    def take(self, deliver: Callable[[], None]) -> None:
        """Take in an input: now, or as soon as the one under way has ended."""
        if self._stopped:
            return
        self._inputs.append(deliver)
        if self.under_way:
            return
        if self._host_is_busy():
            self._ask()
        else:
            self._drain()

    def start(self, work: Coroutine[Any, Any, object]) -> None:
        """Run a coroutine of the core to its end; what escapes it is reported."""
        if self._stopped:
            work.close()
            return
        task = self._loop.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._done)

    def create_future(self) -> asyncio.Future[Any]:
        """Return a future that the core's coroutines can wait for."""
        return self._loop.create_future()

    def stop(self) -> None:
        """Drop what is pending; nothing is taken in any more."""
        self._stopped = True
        self._inputs.clear()
        for task in tuple(self._tasks):
            task.cancel()
        if not self._host_is_busy():
            self._drain()

    def _host_is_busy(self) -> bool:
        """Tell whether a task of the host is running: ours cannot run inside it."""
        return self._host is not None and asyncio.current_task(self._host) is not None

    def _drain(self) -> None:
        self._asked = False
        if self.under_way:
            return
        self.under_way = True
        try:
            while True:
                self._loop.run_ready()
                if not self._inputs:
                    return
                try:
                    self._inputs.popleft()()
                except Exception as error:  # one input's fault must not stop the next
                    self._report("turn", error)
        finally:
            self.under_way = False

    def _woken(self) -> None:
        if not self.under_way:
            self._ask()

    def _ask(self) -> None:
        if self._host is not None and not self._asked:
            self._asked = True
            self._host.call_soon(self._drain)

    def _done(self, task: asyncio.Task[Any]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            self._report("task", error)

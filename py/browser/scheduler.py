"""Timers and tasks on the page's event loop, and frames of the screen."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

from pyodide.ffi import create_proxy

Report = Callable[[str, BaseException], None]


class BrowserScheduler:
    """Implements :class:`sessions.ports.Scheduler`; holds on to every task it starts."""

    def __init__(self, report: Report) -> None:
        """Tell ``report(where, error)`` of whatever escapes a task or a timer."""
        self._report = report
        # The page's own loop: while a recorded core takes something in, another one runs.
        self._loop = asyncio.get_event_loop()
        self._tasks: set[asyncio.Task[Any]] = set()

    def call_later(self, delay: float, callback: Callable[[], None]) -> asyncio.TimerHandle:
        """Call ``callback()`` after ``delay`` seconds."""

        def run() -> None:
            try:
                callback()
            except Exception as error:
                self._report("timer", error)

        return self._loop.call_later(delay, run)

    def start(self, work: Coroutine[Any, Any, object]) -> None:
        """Run a coroutine to its end."""
        task = self._loop.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._done)

    def _done(self, task: asyncio.Task[Any]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            self._report("task", error)


class Frames:
    """Calls back once before the screen is next drawn; not at all while the tab is hidden."""

    def __init__(self, module: Any, draw: Callable[[], None]) -> None:
        """Call ``draw()`` for every frame asked for, through ``static/js/page.js``."""
        self._draw = draw
        self._waiting = False
        self._proxy = create_proxy(self._frame)
        self._request = module.requestFrame

    def request(self) -> None:
        """Ask for a frame; asking twice before it comes is asking once."""
        if not self._waiting:
            self._waiting = True
            self._request(self._proxy)

    def _frame(self) -> None:
        self._waiting = False
        self._draw()

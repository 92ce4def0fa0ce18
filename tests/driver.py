"""Runs a coroutine to its end, the same on CPython and inside Pyodide."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Sequence
from typing import Any, TypeVar

T = TypeVar("T")


class Stuck(Exception):
    """Every task waits for another one, and nothing will ever wake them."""


class VirtualLoop(asyncio.BaseEventLoop):
    """An event loop without sockets or threads, whose time passes only while it waits."""

    def __init__(self) -> None:
        super().__init__()
        self._now = 0.0
        self._selector = self

    def time(self) -> float:
        return self._now

    def select(self, timeout: float | None) -> Sequence[Any]:
        """Wait for the next timer, which takes no time at all."""
        if timeout is None:
            raise Stuck
        self._now += timeout
        return ()

    def _process_events(self, event_list: Sequence[Any]) -> None:
        """Do nothing: there are no events but timers."""

    def _write_to_self(self) -> None:
        """Do nothing: no other thread has to wake this loop."""


def run(work: Coroutine[Any, Any, T]) -> T:
    """Return what the coroutine returns; raise :class:`Stuck` when it cannot go on."""
    loop = VirtualLoop()
    try:
        return loop.run_until_complete(work)
    finally:
        rest = asyncio.all_tasks(loop)
        for task in rest:
            task.cancel()
        if rest:
            loop.run_until_complete(asyncio.gather(*rest, return_exceptions=True))
        loop.close()


async def settle() -> None:
    """Let every task that can run do so."""
    for _ in range(10):
        await asyncio.sleep(0)

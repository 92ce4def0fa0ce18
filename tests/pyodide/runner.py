"""Runs pytest inside Pyodide. run.mjs evaluates this file and calls run()."""

from __future__ import annotations

import asyncio
import os
import sys
import time
from collections.abc import Sequence
from typing import Any

REPOSITORY = "/repository"
SITE = "/site"


class Sleeper:
    """A selector that waits for nothing but time: there are no sockets in here."""

    def select(self, timeout: float | None) -> Sequence[Any]:
        """Sleep until the loop's next timer is due."""
        if timeout is None:
            raise RuntimeError("Every task waits for another one, and nothing will wake them.")
        if timeout > 0:
            time.sleep(timeout)
        return ()


class TimerLoop(asyncio.BaseEventLoop):
    """An event loop that runs to its end in one call, as the tests' asyncio.run needs.

    Pyodide's own loop is the JavaScript engine's, which goes on only when Python
    has returned.
    """

    _selector = Sleeper()

    def _process_events(self, event_list: Sequence[Any]) -> None:
        """Do nothing: the selector reports no events."""

    def _write_to_self(self) -> None:
        """Do nothing: no other thread has to wake this loop."""


def run(arguments: Any) -> int:
    """Run pytest with a JavaScript array of arguments; return its exit code."""
    sys.path.insert(0, SITE)
    os.chdir(REPOSITORY)
    # asyncio.run asks this function for its loop, unless one is already running.
    asyncio.events.new_event_loop = TimerLoop
    asyncio._set_running_loop(None)

    import pytest

    return int(pytest.main(["-p", "no:cacheprovider", *arguments]))

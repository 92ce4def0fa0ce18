"""Runs pytest inside Pyodide. run.mjs evaluates this file and calls run()."""

from __future__ import annotations

import asyncio
import os
import sys
from typing import Any

REPOSITORY = "/repository"
SITE = "/site"


def run(arguments: Any) -> int:
    """Run pytest with a JavaScript array of arguments; return its exit code."""
    sys.path.insert(0, SITE)
    os.chdir(REPOSITORY)
    sys.path.insert(0, REPOSITORY)
    from tests.driver import VirtualLoop

    # Pyodide's own loop is the JavaScript engine's, which goes on only when Python has
    # returned. asyncio.run asks this function for its loop, unless one is already running.
    asyncio.events.new_event_loop = VirtualLoop
    asyncio._set_running_loop(None)

    import pytest

    return int(pytest.main(["-p", "no:cacheprovider", *arguments]))

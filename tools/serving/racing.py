"""Work that is given up as soon as something else happens."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from typing import TypeVar

T = TypeVar("T")


class Overtaken(Exception):
    """What the work was to be done before has happened; the work is cancelled."""


async def before(event: Awaitable[object], work: Awaitable[T]) -> T:
    """Do the work and return its result, unless the event comes first.

    Both have ended when this returns; what cancelled work says as it ends is not
    of interest any more.

    Raises:
        Overtaken: the event came first.
        Exception: whatever the work, or the waiting for the event, raised.
    """
    working, waiting = asyncio.ensure_future(work), asyncio.ensure_future(event)
    try:
        await asyncio.wait({working, waiting}, return_when=asyncio.FIRST_COMPLETED)
        done = working.done()
    finally:
        working.cancel()
        waiting.cancel()
        await asyncio.gather(working, waiting, return_exceptions=True)
    if done:
        return working.result()
    waiting.result()
    raise Overtaken

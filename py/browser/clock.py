"""The time of day, from the browser."""

from __future__ import annotations

import time
from functools import lru_cache

import js

_QUARTER = 900_000
"""Milliseconds: wherever clocks are changed, they are at a full quarter of an hour."""


class BrowserClock:
    """Implements :class:`sessions.ports.Clock`; the time zone comes from JavaScript's ``Date``."""

    def now(self) -> float:
        """Whole milliseconds since 1970, UTC, as ``Date.now()`` tells them.

        With parts of one, Python's now would come after JavaScript's.
        """
        return float(time.time_ns() // 1_000_000)

    def utc_offset(self, at: float) -> float:
        """Milliseconds by which local time is ahead of UTC at the moment ``at``."""
        return _offset_in(int(at // _QUARTER))


@lru_cache(maxsize=64)
def _offset_in(quarter: int) -> float:
    return -float(js.Date.new(quarter * _QUARTER).getTimezoneOffset()) * 60_000

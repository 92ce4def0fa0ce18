"""The time of day, from the browser."""

from __future__ import annotations

import js


class BrowserClock:
    """Implements :class:`sessions.ports.Clock` with JavaScript's ``Date``."""

    def now(self) -> float:
        """Milliseconds since 1970, UTC."""
        return float(js.Date.now())

    def utc_offset(self, at: float) -> float:
        """Milliseconds by which local time is ahead of UTC at the moment ``at``."""
        return -float(js.Date.new(at).getTimezoneOffset()) * 60_000

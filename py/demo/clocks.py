"""The proxy's two clocks: UTC in its database, local time in its messages."""

from __future__ import annotations

from datetime import UTC, datetime

from sessions.ports import Clock


def row_time(at: float) -> str:
    """Return milliseconds since 1970 as its database writes them.

    Example:
        >>> row_time(0)
        '1970-01-01 00:00:00'
    """
    return datetime.fromtimestamp(at / 1000, UTC).strftime("%Y-%m-%d %H:%M:%S")


def local_iso(at: float, clock: Clock) -> str:
    """Return milliseconds since 1970 as its messages write them: local, without a zone."""
    return _local(at, clock).isoformat(timespec="microseconds")


def local_time(at: float, clock: Clock) -> str:
    """Return the local time of day, as it stands in the names of automatic sessions."""
    return _local(at, clock).strftime("%H:%M:%S")


def _local(at: float, clock: Clock) -> datetime:
    moment = (at + clock.utc_offset(at)) / 1000
    return datetime.fromtimestamp(moment, UTC).replace(tzinfo=None)

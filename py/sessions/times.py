"""The proxy's two clocks, read right.

Rows of its database say ``2026-11-22 06:39:03``: UTC. Its WebSocket messages say
``2026-11-22T06:39:17.674548``: the server's local time, without a zone. Anything with a
zone of its own is taken at its word.
"""

from __future__ import annotations

import math
from datetime import UTC, datetime, timedelta

from .ports import Clock

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def parse_timestamp(text: str | None, clock: Clock) -> float | None:
    """Return a proxy's timestamp as milliseconds since 1970; None when it is not one.

    A time without a zone is taken as this machine's local time: the proxy is a local one.
    """
    if not text:
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    if moment.tzinfo is not None:
        return moment.timestamp() * 1000
    as_utc = moment.replace(tzinfo=UTC).timestamp() * 1000
    if "T" not in text:
        return as_utc
    return as_utc - clock.utc_offset(as_utc)


_EARLIEST, _LATEST = -62_135_596_800_000, 253_402_300_799_999
"""The years 1 to 9999, which a timestamp has room for, in milliseconds since 1970."""


def format_timestamp(at: float) -> str:
    """Return milliseconds since 1970 as an ISO time in UTC; at most the years 1 to 9999.

    Example:
        >>> format_timestamp(0)
        '1970-01-01T00:00:00.000Z'
    """
    seconds, milliseconds = divmod(math.floor(min(max(at, _EARLIEST), _LATEST)), 1000)
    moment = _EPOCH + timedelta(seconds=seconds)
    return f"{moment.replace(tzinfo=None).isoformat()}.{milliseconds:03d}Z"

"""The proxy's two clocks, read right.

Rows of its database say ``2026-11-22 06:39:03``: UTC. Its WebSocket messages say
``2026-11-22T06:39:17.674548``: the server's local time, without a zone. Anything with a
zone of its own is taken at its word.
"""

from __future__ import annotations

from datetime import UTC, datetime

from .ports import Clock


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


def format_timestamp(at: float) -> str:
    """Return milliseconds since 1970 as an ISO time in UTC.

    Example:
        >>> format_timestamp(0)
        '1970-01-01T00:00:00.000Z'
    """
    moment = datetime.fromtimestamp(at / 1000, UTC)
    return moment.strftime("%Y-%m-%dT%H:%M:%S.") + f"{moment.microsecond // 1000:03d}Z"

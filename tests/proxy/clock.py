"""The real proxy's two clocks: SQLite's UTC and the server's local time, neither with a zone."""

from __future__ import annotations

from datetime import UTC, datetime

ROW_FORMAT = "%Y-%m-%d %H:%M:%S"


def row_time(moment: datetime | None = None) -> str:
    """A timestamp as SQLite's CURRENT_TIMESTAMP writes it: UTC, whole seconds, no zone."""
    return (moment or datetime.now(UTC)).astimezone(UTC).strftime(ROW_FORMAT)


def parse_row_time(text: str) -> datetime:
    """The moment that a row's timestamp stands for."""
    return datetime.strptime(text, ROW_FORMAT).replace(tzinfo=UTC)


def local_iso() -> str:
    """A timestamp as the proxy's messages carry it: the server's local time, no zone."""
    return datetime.now(UTC).astimezone().replace(tzinfo=None).isoformat(timespec="microseconds")


def local_now(pattern: str) -> str:
    """The server's local time, for generated names."""
    return datetime.now(UTC).astimezone().strftime(pattern)

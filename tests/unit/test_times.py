"""The proxy's two clocks, read right."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sessions.times import format_timestamp, parse_timestamp
from tests.fakes import VERSIONS, examples, frame, recorded_value
from tests.support import FakeClock

HOUR = 3_600_000
MOMENT = datetime(2026, 11, 22, 6, 39, 3, tzinfo=UTC).timestamp() * 1000


@pytest.mark.parametrize("offset", [0, HOUR, -5 * HOUR, 5.5 * HOUR])
def test_the_databases_time_is_utc_wherever_the_machine_is(offset):
    assert parse_timestamp("2026-11-22 06:39:03", FakeClock(offset=offset)) == MOMENT


@pytest.mark.parametrize("offset", [0, HOUR, -5 * HOUR, 5.5 * HOUR])
def test_the_messages_time_is_the_servers_local_time(offset):
    assert parse_timestamp("2026-11-22T06:39:03", FakeClock(offset=offset)) == MOMENT - offset
    parsed = parse_timestamp("2026-11-22T06:39:03.250000", FakeClock(offset=offset))
    assert parsed == MOMENT - offset + 250


@pytest.mark.parametrize(
    "text",
    ["2026-11-22T06:39:03Z", "2026-11-22T08:39:03+02:00", "2026-11-22 01:39:03-05:00"],
)
def test_a_time_with_a_zone_is_taken_at_its_word(text):
    assert parse_timestamp(text, FakeClock(offset=3 * HOUR)) == MOMENT


@pytest.mark.parametrize(
    "text",
    [
        None, "", "yesterday", "2026-13-01 00:00:00", "12:00", "T", "2026-11-22T", "NaN",
        "2026-02-30 00:00:00", "0000-01-01 00:00:00",
    ],
)  # fmt: skip
def test_what_is_no_time_is_none(text):
    assert parse_timestamp(text, FakeClock()) is None


@pytest.mark.parametrize("text", ["0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-12:00"])
def test_the_ends_of_the_calendar_do_not_raise(text):
    parse_timestamp(text, FakeClock())


@given(st.text(max_size=30) | st.from_regex(r"\d{4}(-\d\d){2}[T ]\d\d:\d\d(Z|[+-]\d\d:\d\d)?"))
@examples(100)
def test_no_text_can_raise(text):
    parse_timestamp(text, FakeClock())


@given(st.integers(0, 4_102_444_800_000))
@examples(100)
def test_a_time_written_is_the_time_read(at):
    assert round(parse_timestamp(format_timestamp(at), FakeClock(offset=7 * HOUR))) == at


def test_a_time_is_written_in_utc_with_milliseconds():
    assert format_timestamp(MOMENT + 7) == "2026-11-22T06:39:03.007Z"


@pytest.mark.parametrize("version", VERSIONS)
def test_every_recorded_time_can_be_read(version):
    clock = FakeClock()
    for row in recorded_value(version, "active_busy")["recent_metrics"]:
        assert parse_timestamp(row["timestamp"], clock) is not None
    assert parse_timestamp(frame(version, "log_metric")["timestamp"], clock) is not None

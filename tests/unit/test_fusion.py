"""Which source is believed, against the rules written down a second time."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sessions.fusion import Fusion, Reading, merge, priority_of
from sessions.models import to_plain

NOW = 1_700_000_000_000.0
PRIORITIES = {
    "compile_chat": 4,
    "continue_compile_chat": 4,
    "api_error": 3,
    "continue_api_error": 3,
    "kimi_global_error": 3,
    "proxy": 2,
    "kimi_global": 2,
    "kimi_session": 2,
    "kimi_session_error": 2,
    "kimi_session:abc": 2,
    "logs": 1,
    "continue_logs": 1,
    "kimi": 1,
    "": 1,
    "PROXY": 1,
}


def proxy(tokens: Any = 1000, age: float = 0, **fields: Any) -> Reading:
    data = {"tokens": tokens, "percentage": 10.0, "timestamp": NOW - age, **fields}
    return Reading.from_wire(data, "proxy")


def log(tokens: Any = 1000, age: float = 0, **fields: Any) -> Reading:
    data = {"tokens": tokens, "percentage": 20.0, "timestamp": NOW - age, **fields}
    return Reading.from_wire(data, "logs")


def merged(one: Reading | None, other: Reading | None) -> Fusion:
    outcome = merge(one, other, NOW)
    assert outcome is not None
    return outcome


@pytest.mark.parametrize(("source", "priority"), PRIORITIES.items())
def test_priority_of_each_source(source: str, priority: int) -> None:
    assert priority_of(source) == priority


@pytest.mark.parametrize(
    ("age", "source"), [(0, "compile_chat"), (4999.9, "compile_chat"), (5000, "proxy")]
)
def test_a_source_is_fresh_for_five_seconds(age: float, source: str) -> None:
    assert merged(proxy(), log(9000, age, source="compile_chat")).source == source


@pytest.mark.parametrize(
    ("ours", "theirs", "source"),
    [
        (1000, 1101, "hybrid"),
        (1000, 1100, "proxy"),  # 100 tokens are not more than 100
        (1101, 1000, "hybrid"),
        (900, 1100, "proxy"),  # a fifth of the mean is not less than a fifth
        (901, 1100, "hybrid"),
        (100_000, 119_999, "hybrid"),
        (0, 0, "proxy"),
        (0, 101, "proxy"),
    ],
)
def test_hybrid_boundaries(ours: int, theirs: int, source: str) -> None:
    outcome = merged(proxy(ours), log(theirs))
    assert outcome.source == source
    if source == "hybrid":
        assert outcome.tokens == max(ours, theirs)
        assert (outcome.reason, outcome.winner) == ("hybrid", None)
        assert to_plain(outcome) == {
            "tokens": max(ours, theirs),
            "percentage": 20.0,
            "source": "hybrid",
        }


def test_a_hybrid_needs_both_sources_fresh() -> None:
    assert merged(proxy(1000, 6000), log(1101)).source == "logs"
    assert merged(proxy(1000), log(1101, 6000)).source == "proxy"
    assert merged(proxy(1000, 7000), log(1101, 6000)).source == "proxy"


@pytest.mark.parametrize(
    ("ours", "theirs", "expected"), [(None, 20.0, 20.0), (10.0, None, 10.0), (None, None, None)]
)
def test_a_hybrid_takes_the_larger_percentage_there_is(
    ours: float | None, theirs: float | None, expected: float | None
) -> None:
    outcome = merged(proxy(1000, percentage=ours), log(1101, percentage=theirs))
    assert (outcome.source, outcome.percentage) == ("hybrid", expected)


def test_on_equal_priority_the_proxy_stays() -> None:
    outcome = merged(proxy(1000), log(9000, source="kimi_session_1"))
    assert (outcome.source, outcome.tokens, outcome.reason) == ("proxy", 1000, "tie")


def test_a_proxy_that_is_trusted_more_wins_by_priority() -> None:
    outcome = merged(proxy(1000), log(9000))
    assert (outcome.source, outcome.reason) == ("proxy", "priority")


def test_with_nothing_fresh_the_last_known_value_stands() -> None:
    for reading in (proxy(5, 60_000), log(7, 60_000), proxy(5, timestamp=None)):
        is_proxy = reading.source == "proxy"
        outcome = merged(reading if is_proxy else None, None if is_proxy else reading)
        assert (outcome.tokens, outcome.reason) == (reading.tokens, "last-known")
        assert not outcome.is_fresh
    both = merged(proxy(5, 60_000), log(7, 6_000, source="compile_chat"))
    assert (both.tokens, both.source) == (5, "proxy")
    assert merge(None, None, NOW) is None


def test_the_outcome_explains_itself() -> None:
    ours, theirs = proxy(1000, 1500), log(9000, 20, source="api_error", max_context=8192)
    outcome = merged(ours, theirs)
    assert (outcome.proxy, outcome.log, outcome.at) == (ours, theirs, NOW)
    assert (outcome.reason, outcome.winner, outcome.max_context) == ("priority", theirs, 8192)
    assert [reading.age(NOW) for reading in (ours, theirs)] == [1500, 20]
    assert proxy(timestamp="yesterday").age(NOW) is None


def test_the_winner_is_the_reading_that_was_believed_even_if_the_other_looks_alike() -> None:
    stale = proxy(1000, 60_000, source="kimi_global", percentage=99.0)
    fresh = log(1000, source="kimi_global", percentage=20.0)
    outcome = merged(stale, fresh)
    assert outcome.winner is fresh
    assert to_plain(outcome)["percentage"] == 20.0


def test_what_a_reading_brings_beyond_the_known_fields_survives() -> None:
    outcome = merged(None, log(9000, source="compile_chat", details={"tools": 5}))
    assert to_plain(outcome)["details"] == {"tools": 5}


@pytest.mark.parametrize("tokens", [None, "many", -5, float("nan"), float("inf"), True, 1e300])
def test_an_unusable_count_is_zero(tokens: Any) -> None:
    assert proxy(tokens).tokens == 0


def rules(ours: Reading | None, theirs: Reading | None, now: float) -> tuple[Any, ...] | None:
    """Tokens, percentage and source of the outcome: the rules in exact arithmetic."""

    def fresh(reading: Reading | None) -> bool:
        if reading is None or reading.timestamp is None:
            return False
        return Fraction(now) - Fraction(reading.timestamp) < 5000

    def result(reading: Reading) -> tuple[Any, ...]:
        return reading.tokens, reading.percentage, reading.source

    if fresh(ours) and fresh(theirs):
        difference = abs(ours.tokens - theirs.tokens)
        total = ours.tokens + theirs.tokens
        if total and Fraction(2 * difference, total) < Fraction(1, 5) and difference > 100:
            shares = {ours.percentage, theirs.percentage} - {None}
            return max(ours.tokens, theirs.tokens), max(shares, default=None), "hybrid"
        rank = PRIORITIES.get
        return result(theirs if rank(theirs.source) > rank(ours.source) else ours)
    for reading in (ours, theirs):
        if fresh(reading):
            return result(reading)
    for reading in (ours, theirs):
        if reading is not None:
            return result(reading)
    return None


COUNTS = st.one_of(
    st.integers(0, 2000),
    st.sampled_from([1000, 1099, 1100, 1101, 1221, 1222, 1223]),
    st.integers(0, 2**40),
)
AGES = st.one_of(st.none(), st.sampled_from([0, 4999, 5000, 5001, -1]), st.floats(-10_000, 100_000))
SHARES = st.one_of(st.none(), st.floats(0, 150))
SOURCES = st.sampled_from([source for source in PRIORITIES if source])


@st.composite
def readings(draw: st.DrawFn) -> Reading | None:
    if draw(st.integers(0, 9)) == 0:
        return None
    age = draw(AGES)
    data = {
        "tokens": draw(COUNTS),
        "percentage": draw(SHARES),
        "timestamp": None if age is None else NOW - age,
        "source": draw(SOURCES),
    }
    return Reading.from_wire(data, "proxy")


@given(readings(), readings())
def test_the_outcome_follows_the_rules(ours: Reading | None, theirs: Reading | None) -> None:
    outcome = merge(ours, theirs, NOW)
    expected = rules(ours, theirs, NOW)
    if expected is None:
        assert outcome is None
        return
    assert outcome is not None
    assert (outcome.tokens, outcome.percentage, outcome.source) == expected
    winner = outcome.winner
    if outcome.source == "hybrid":
        assert winner is None
    else:
        assert winner is ours or winner is theirs
        assert to_plain(outcome) == to_plain(winner)
        assert (winner.tokens, winner.percentage, winner.source) == expected
        assert outcome.is_fresh == winner.is_fresh(NOW)

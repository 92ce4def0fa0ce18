"""When the window will overflow, at the pace of the last requests."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sessions.forecast import WINDOW, forecast
from sessions.models import Metric
from tests.fakes import examples, metric


def requests(*tokens):
    """Requests of these sizes."""
    return [Metric.from_wire(metric(n, count)) for n, count in enumerate(tokens)]


def told(*tokens, used=None, limit=10_000):
    return forecast(requests(*tokens), tokens[-1] if used is None else used, limit)


def test_a_steady_pace_tells_the_requests_left():
    found = told(1000, 2000, 3000, 4000)
    assert (found.requests, found.growth) == (6, 1000)


def test_a_part_of_a_request_counts_as_one():
    assert told(1000, 2000, 3000, limit=3001).requests == 1


@pytest.mark.parametrize("tokens", [(), (5,), (5, 9)])
def test_too_few_requests_tell_nothing(tokens):
    assert forecast(requests(*tokens), 9, 10_000) is None


@pytest.mark.parametrize("tokens", [(5, 5, 5), (900, 850, 800, 750)])
def test_a_session_that_does_not_grow_has_no_end(tokens):
    assert told(*tokens) is None


def test_after_a_compaction_only_what_followed_counts():
    found = told(100, 50_000, 90_000, 1000, 2000, 3000, limit=5000)
    assert (found.requests, found.growth) == (2, 1000)
    assert told(100, 50_000, 90_000, 1000, 2000) is None


def test_one_odd_request_does_not_change_the_pace():
    assert told(1000, 2000, 3000, 8500, 9000, 10_000, limit=12_000).growth == 1000


def test_only_the_last_requests_set_the_pace():
    slow = [1000 + n for n in range(50)]
    fast = [slow[-1] + 100 * n for n in range(1, WINDOW + 1)]
    assert told(*slow, *fast).growth == 100


@pytest.mark.parametrize("used", [10_000, 15_000])
def test_a_full_window_has_no_request_left(used):
    assert told(1000, 2000, 3000, used=used).requests == 0


@given(
    st.lists(st.integers(0, 10**7), max_size=30),
    st.integers(0, 10**7),
    st.integers(-1000, 10**7),
)
@examples(200)
def test_a_forecast_is_never_negative(tokens, used, limit):
    found = forecast(requests(*tokens), used, limit)
    if found is not None:
        assert found.growth > 0
        assert found.requests >= 0
        assert (found.requests == 0) == (used >= limit)

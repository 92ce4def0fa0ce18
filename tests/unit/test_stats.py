"""Rounding, accuracy, and the quality of estimates. Running sums: see test_metrics.py."""

from __future__ import annotations

import math
import statistics
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from sessions.models import Metric, RealTokens, to_plain
from sessions.stats import (
    RunningStats,
    accuracy_of,
    estimate_quality,
    last_accuracy,
    mean_half_up,
    quality_by_model,
    quantile,
    ratios_by_model,
    round_half_up,
)

LARGEST = 2**53 - 1


def measured(estimate: int | None, real: int | None, model: str | None = None) -> Metric:
    """A metric of which the estimate, the real count, or both were seen."""
    if estimate is None:
        return Metric.from_wire({"estimated_tokens": real, "is_estimated": False, "model": model})
    metric = Metric.from_wire({"estimated_tokens": estimate, "model": model})
    return metric if real is None else metric.with_real(RealTokens.from_wire({"total": real}))


# -- rounding ---------------------------------------------------------------------------


@given(st.floats(-1e18, 1e18))
@example(0.49999999999999994)
@example(2.0**52 + 1)
@example(2.5)
@example(-2.5)
@example(-0.5)
def test_rounding_is_that_of_math_round(value: float) -> None:
    assert round_half_up(value) == math.floor(Fraction(value) + Fraction(1, 2))


@given(st.lists(st.integers(0, LARGEST), min_size=1, max_size=50))
@example([LARGEST, LARGEST - 1])
@example([1, 2])
def test_the_mean_is_exact_whatever_the_size(values: list[int]) -> None:
    mean = Fraction(sum(values), len(values))
    assert mean_half_up(sum(values), len(values)) == math.floor(mean + Fraction(1, 2))


def test_the_mean_of_nothing_is_zero() -> None:
    assert mean_half_up(0, 0) == 0


def test_sums_stay_exact_where_floats_do_not() -> None:
    stats = RunningStats()
    rows = [measured(LARGEST, None), measured(1, None), measured(1, None)]
    for row in rows:
        stats.add(row)
    stats.remove(rows[0])
    assert stats.stats().avg_tokens == 1
    assert stats.stats().max_tokens == 1


# -- accuracy ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("estimated", "real", "accuracy", "diff", "text", "colour"),
    [
        (100, 100, 100.0, 0, "0", "green"),
        (80, 100, 80.0, 20, "+20", "yellow"),
        (120, 100, 80.0, -20, "-20", "yellow"),
        (85, 100, 85.0, 15, "+15", "green"),
        (8499, 10000, 84.99, 1501, "+1501", "yellow"),
        (70, 100, 70.0, 30, "+30", "yellow"),
        (6999, 10000, 69.99, 3001, "+3001", "red"),
        (1, 100, 1.0, 99, "+99", "red"),
        (200, 100, 0.0, -100, "-100", "red"),
        (1000, 100, 0.0, -900, "-900", "red"),
    ],
)
def test_accuracy_compares_the_original_estimate_with_the_real_count(
    estimated: int, real: int, accuracy: float, diff: int, text: str, colour: str
) -> None:
    found = to_plain(accuracy_of(measured(estimated, real)))
    assert found == {
        "estimated": estimated,
        "real": real,
        "accuracy": pytest.approx(accuracy),
        "diff": diff,
        "diffText": text,
        "accuracyColor": f"text-{colour}-400",
        "formattedAccuracy": f"{accuracy:.1f}",
    }


@pytest.mark.parametrize(
    ("estimated", "real", "text"),
    [(1, 16, "6.3"), (349, 400, "87.3"), (1, 1, "100.0"), (2, 3, "66.7"), (9, 1, "0.0")],
)
def test_accuracy_is_shown_with_one_decimal_rounded_half_up(
    estimated: int, real: int, text: str
) -> None:
    assert to_plain(accuracy_of(measured(estimated, real)))["formattedAccuracy"] == text


@given(st.integers(1, 10**9), st.integers(1, 10**9))
def test_accuracy_is_a_share_of_the_real_count(estimated: int, real: int) -> None:
    found = accuracy_of(measured(estimated, real))
    assert found is not None
    exact = max(Fraction(0), 1 - Fraction(abs(estimated - real), real)) * 100
    assert 0 <= found.accuracy <= 100
    assert found.accuracy == pytest.approx(float(exact))
    assert found.diff == real - estimated


@pytest.mark.parametrize(
    ("metric", "why"),
    [
        (measured(500, None), "no real count yet"),
        (measured(None, 500), "the estimate was never seen"),
        (measured(500, 0), "a real count of nothing has no share"),
    ],
)
def test_there_is_no_accuracy_without_both_counts(metric: Metric, why: str) -> None:
    assert accuracy_of(metric) is None, why
    assert last_accuracy([metric]) is None


def test_the_newest_metric_with_both_counts_is_the_one_compared() -> None:
    rows = [measured(10, 20), measured(30, 40), measured(None, 50), measured(60, None)]
    found = last_accuracy(rows)
    assert found is not None
    assert (found.estimated, found.real) == (30, 40)
    assert last_accuracy([]) is None
    assert last_accuracy(iter(rows[:1])) is not None


def test_a_second_correction_is_still_compared_with_the_first_estimate() -> None:
    metric = measured(80, 90).with_real(RealTokens.from_wire({"total": 100}))
    found = accuracy_of(metric)
    assert found is not None
    assert (found.estimated, found.real, found.accuracy) == (80, 100, pytest.approx(80))


# -- quality of estimates ---------------------------------------------------------------

PAIRS = st.lists(st.tuples(st.integers(1, 10**6), st.integers(1, 10**6)), min_size=2, max_size=40)


@given(PAIRS)
def test_bias_is_the_median_and_spread_the_interquartile_range(
    pairs: list[tuple[int, int]],
) -> None:
    quality = estimate_quality([measured(*pair) for pair in pairs])
    assert quality is not None
    ratios = [real / estimated for estimated, real in pairs]
    low, _, high = statistics.quantiles(ratios, n=4, method="inclusive")
    assert quality.count == len(pairs)
    assert quality.bias == pytest.approx(statistics.median(ratios))
    assert quality.spread == pytest.approx(high - low, abs=1e-9)


def test_one_request_has_a_bias_and_no_spread() -> None:
    quality = estimate_quality([measured(100, 120)])
    assert quality is not None
    assert (quality.bias, quality.spread, quality.count) == (pytest.approx(1.2), 0, 1)


def test_quality_counts_only_requests_with_both_counts() -> None:
    rows = [measured(100, 150), measured(100, None), measured(None, 70), measured(100, 0)]
    quality = estimate_quality(rows)
    assert quality is not None
    assert (quality.bias, quality.count) == (1.5, 1)
    assert estimate_quality(rows[1:]) is None
    assert estimate_quality([]) is None


def test_quality_is_kept_apart_by_model() -> None:
    rows = [
        measured(100, 150, "kimi"),
        measured(100, 50, "gpt"),
        measured(100, 250, "kimi"),
        measured(100, None, "claude"),
        measured(100, 100),
    ]
    found = quality_by_model([ratios_by_model(rows[:2]), ratios_by_model(rows[2:])])
    assert {model: (q.bias, q.count) for model, q in found.items()} == {
        "kimi": (2.0, 2),
        "gpt": (0.5, 1),
    }, "a request of an unknown model says nothing about any"


@pytest.mark.parametrize(
    ("values", "share", "expected"),
    [([5.0], 0.25, 5.0), ([1.0, 3.0], 0.5, 2.0), ([1.0, 2.0, 9.0], 1.0, 9.0)],
)
def test_quantiles_interpolate_between_ranks(
    values: list[float], share: float, expected: float
) -> None:
    assert quantile(values, share) == expected


# -- the proxy's own totals -------------------------------------------------------------


def running(*metrics: Metric) -> RunningStats:
    stats = RunningStats()
    for metric in metrics:
        stats.add(metric)
    return stats


SERVER: dict[str, Any] = {
    "total_requests": 10,
    "max_tokens": 5000,
    "avg_tokens": 300.5,
    "cumulative_input_tokens": 2500,
    "cumulative_output_tokens": 500,
}


def real(total: int, prompt: int, completion: int) -> Metric:
    counts = {"total": total, "prompt": prompt, "completion": completion}
    return measured(1, None).with_real(RealTokens.from_wire(counts))


def test_server_totals_become_the_sessions_totals() -> None:
    rows = [real(100, 80, 20), measured(50, None)]
    stats = running(*rows)
    stats.carry_server_totals(SERVER)
    assert to_plain(stats.session_totals()) == {
        "totalRequests": 10,
        "maxTokens": 5000,
        "avgTokens": 301,
        "totalPrompt": 2500,
        "totalCompletion": 500,
    }
    assert stats.stats() == running(*rows).stats(), "the buffer's own figures are untouched"


def test_a_request_that_came_after_the_answer_is_counted_on_top() -> None:
    stats = running(real(100, 80, 20))
    stats.carry_server_totals(SERVER)
    stats.add(real(6000, 5900, 100))
    totals = stats.session_totals()
    assert (totals.total_requests, totals.max_tokens) == (11, 6000)
    assert (totals.total_prompt, totals.total_completion) == (2500 + 5900, 500 + 100)
    assert totals.avg_tokens == round_half_up((3005 + 6000) / 11)


@pytest.mark.parametrize(
    "totals",
    [{}, {"total_requests": None}, {"total_requests": 1}, {"total_requests": -3}],
)
def test_server_totals_that_cannot_be_true_are_left_out(totals: dict[str, Any]) -> None:
    rows = [real(100, 80, 20), measured(50, None)]
    stats = running(*rows)
    stats.carry_server_totals(totals)
    assert stats.session_totals() == stats.stats()


def test_carried_figures_never_go_below_zero() -> None:
    rows = [real(100, 80, 20)]
    stats = running(*rows)
    low = {"total_requests": 2, "avg_tokens": 1, "cumulative_input_tokens": 1}
    stats.carry_server_totals(low)
    totals = stats.session_totals()
    assert (totals.total_requests, totals.max_tokens, totals.avg_tokens) == (2, 100, 50)
    assert (totals.total_prompt, totals.total_completion) == (80, 20)

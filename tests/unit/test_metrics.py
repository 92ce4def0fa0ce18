"""The bounded buffer of a session's requests, against a list that is counted afresh."""

from __future__ import annotations

import math
from collections.abc import Iterable
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from sessions.metrics import CAPACITY, MetricRing, delta_after, noise_in
from sessions.models import LARGEST_EXACT, Metric, RealTokens
from sessions.stats import Stats


def metric(metric_id: int | str | None, tokens: int = 0, **fields: Any) -> Metric:
    return Metric.from_wire({"id": metric_id, "estimated_tokens": tokens, **fields})


def ids(ring: MetricRing) -> list[int | str | None]:
    return [row.id for row in ring]


def naive_stats(rows: Iterable[Metric]) -> Stats:
    rows = list(rows)
    real = [row for row in rows if not row.is_estimated]
    mean = Fraction(sum(row.tokens for row in rows), len(rows) or 1)
    return Stats(
        total_requests=len(rows),
        max_tokens=max((row.tokens for row in rows), default=0),
        avg_tokens=math.floor(mean + Fraction(1, 2)),
        total_prompt=min(sum(row.prompt_tokens for row in real), LARGEST_EXACT),
        total_completion=min(sum(row.completion_tokens for row in real), LARGEST_EXACT),
    )


# -- what a request added, and noise ----------------------------------------------------


@pytest.mark.parametrize(
    ("previous", "row", "delta"),
    [
        (None, metric(1, 500, delta_tokens=20), 500),
        (None, metric(1, 0, history_tokens=70), 70),
        (metric(1, 500), metric(2, 700, delta_tokens=20), 20),
        (metric(1, 500), metric(2, 700, delta_tokens=0), 200),
        (metric(1, 500), metric(2, 700), 200),
        (metric(1, 500), metric(2, 700, delta_tokens=-5), 200),
        (metric(1, 500), metric(2, 300), 0),
    ],
)
def test_delta_is_the_servers_or_the_growth(
    previous: Metric | None, row: Metric, delta: int
) -> None:
    assert delta_after(previous, row) == delta


@pytest.mark.parametrize(
    ("total", "delta", "noisy"),
    [
        (10_000, 0, False),
        (10_001, 0, True),
        (20_000, 6000, False),  # exactly 0.7 is not more than 0.7
        (20_000, 5999, True),
        (20_000, 20_000, False),
        (20_000, None, False),  # nobody knows what was new in it
    ],
)
def test_noise_thresholds(total: int, delta: int | None, noisy: bool) -> None:
    noise = noise_in(metric(1, total, delta_tokens=delta, system_tokens=9, history_tokens=8))
    assert (noise is not None) == noisy
    if noise is not None:
        assert (noise.total, noise.delta) == (total, delta)
        assert noise.ratio == pytest.approx((total - delta) / total)
        assert (noise.system_tokens, noise.history_tokens) == (9, 8)


# -- the buffer -------------------------------------------------------------------------


def test_a_hundred_metrics_are_kept_and_the_oldest_goes_first() -> None:
    ring = MetricRing()
    for number in range(CAPACITY + 5):
        ring.append(metric(number, 10))
    assert CAPACITY == 100
    assert ids(ring) == list(range(5, 105))
    assert ring.get(4) is None
    assert ring.stats.stats().total_requests == 100
    assert ring.stats.session_totals().total_requests == 105


def test_an_id_is_found_as_number_and_as_text() -> None:
    ring = MetricRing()
    ring.append(metric(3, 10))
    assert ring.get("3") is ring.get(3) is ring.last()
    ring.replace(metric("3", 20))
    assert len(ring) == 1
    assert ring.stats.stats().max_tokens == 20


def test_metrics_without_id_are_kept_and_never_found() -> None:
    ring = MetricRing()
    ring.append(metric(None, 1))
    ring.append(metric(None, 2))
    assert [row.tokens for row in ring] == [1, 2]
    assert ring.get(None) is None
    assert ring.get("None") is None


def test_the_view_is_one_tuple_until_something_changes() -> None:
    ring = MetricRing()
    ring.append(metric(1, 1))
    before = ring.view()
    assert ring.view() is before
    ring.append(metric(2, 1))
    assert [len(before), len(ring.view())] == [1, 2]


def test_merging_completes_known_metrics_and_sorts_new_ones_in() -> None:
    ring = MetricRing()
    ring.append(metric(2, 20, content_preview="hello"))
    ring.append(metric(4, 40))
    ring.merge([metric(1, 10), metric(2, 25, is_estimated=0), metric(3, 30), metric(5, 50)])
    assert ids(ring) == [1, 2, 3, 4, 5]
    completed = ring.get(2)
    assert completed is not None
    assert (completed.tokens, completed.initial_estimate) == (25, 20)
    assert completed.preview == "hello"
    assert ring.last() == ring.get(5)


def test_merging_the_same_report_twice_changes_nothing() -> None:
    ring = MetricRing()
    report = [metric(1, 10), metric("2", 20), metric(3, 30, is_estimated=0)]
    ring.merge(report)
    before, totals = ring.view(), ring.stats.session_totals()
    ring.merge(report)
    assert ring.view() == before
    assert ring.stats.session_totals() == totals


def test_what_was_evicted_before_is_not_taken_in_again() -> None:
    ring = MetricRing(2)
    for number in (1, 2, 3):
        ring.append(metric(number, 10))
    ring.merge([metric(number, 10) for number in (1, 2, 3)])
    assert ids(ring) == [2, 3]
    assert ring.stats.session_totals().total_requests == 3


def test_an_id_of_zero_is_an_id_like_any_other() -> None:
    ring = MetricRing(1)
    ring.append(metric(None, 5))
    ring.append(metric(None, 5))
    ring.append(metric(0, 5))
    assert ring.stats.session_totals().total_requests == 3


def test_an_id_that_came_as_text_counts_as_a_number_once_it_is_one() -> None:
    ring = MetricRing(1)
    ring.reset([metric(0, 5), metric("1", 5)])
    ring.merge([metric(1, 6), metric(0, 5)])
    assert ids(ring) == [1]


def test_a_late_metric_takes_its_place_in_the_order() -> None:
    ring = MetricRing(3)
    for number in (1, 4, 2, 5, 3):
        ring.append(metric(number, 10))
    assert ids(ring) == [3, 4, 5]
    ring.append(metric(2, 10))
    assert ids(ring) == [3, 4, 5]


def test_merging_into_a_buffer_that_fills_up_drops_the_oldest() -> None:
    ring = MetricRing(3)
    ring.append(metric(10, 10))
    ring.append(metric(11, 11))
    ring.merge([metric(5, 5), metric(12, 12)])
    assert ids(ring) == [10, 11, 12]
    assert ring.stats.session_totals().total_requests == 4


NUMBERS = st.integers(0, 12)
IDS = st.one_of(NUMBERS, NUMBERS.map(str), st.sampled_from(["a", "b"]), st.none())
TOKENS = st.one_of(st.integers(0, 9), st.sampled_from([2**53 - 1, 2**53 - 2, 12_345]))
FIELDS = st.fixed_dictionaries(
    {"estimated_tokens": TOKENS, "is_estimated": st.booleans()},
    optional={"prompt_tokens": TOKENS, "completion_tokens": TOKENS},
)
ROWS = st.tuples(IDS, FIELDS).map(lambda row: Metric.from_wire({"id": row[0], **row[1]}))
NUMBERED = st.tuples(NUMBERS, FIELDS).map(lambda row: Metric.from_wire({"id": row[0], **row[1]}))
REPORTS = st.one_of(st.lists(NUMBERED, max_size=7), st.lists(ROWS, max_size=7))


def same(one: Metric, other: Metric) -> bool:
    return one.id is not None and other.id is not None and str(one.id) == str(other.id)


class RingMachine(RuleBasedStateMachine):
    """Every change is made to a ring and to a plain list; the figures are counted afresh."""

    @initialize(capacity=st.integers(1, 5))
    def start(self, capacity: int) -> None:
        self.capacity = capacity
        self.ring = MetricRing(capacity)
        self.rows: list[Metric] = []
        self.gone: list[Metric] = []
        self.newest = -1

    def find(self, row: Metric) -> int | None:
        return next((n for n, known in enumerate(self.rows) if same(known, row)), None)

    def is_before_all(self, row: Metric) -> bool:
        if len(self.rows) < self.capacity or not isinstance(row.id, int):
            return False
        return isinstance(self.rows[0].id, int) and row.id < self.rows[0].id

    def take_in(self, row: Metric) -> None:
        number = row.id if isinstance(row.id, int) else None
        late = number is not None and number < self.newest
        self.newest = max(self.newest, -1 if number is None else number)
        if late and self.is_before_all(row):
            return
        if len(self.rows) == self.capacity:
            self.gone.append(self.rows.pop(0))
        self.rows.append(row)
        if late and all(isinstance(row.id, int) for row in self.rows):
            self.rows.sort(key=lambda row: row.id)

    @rule(row=ROWS)
    def append(self, row: Metric) -> None:
        if self.find(row) is None:
            self.ring.append(row)
            self.take_in(row)

    @precondition(lambda self: any(row.id is not None for row in self.rows))
    @rule(data=st.data(), counts=st.tuples(TOKENS, TOKENS, TOKENS))
    def correct(self, data: st.DataObject, counts: tuple[int, int, int]) -> None:
        known = [n for n, row in enumerate(self.rows) if row.id is not None]
        place = data.draw(st.sampled_from(known))
        real = dict(zip(("total", "prompt", "completion"), counts, strict=True))
        self.rows[place] = self.rows[place].with_real(RealTokens.from_wire(real))
        self.ring.replace(self.rows[place])

    @rule(report=REPORTS)
    def merge(self, report: list[Metric]) -> None:
        self.ring.merge(report)
        for row in report:
            place = self.find(row)
            if place is not None:
                self.complete(place, row)
            elif not self.is_before_all(row):
                self.take_in(row)

    @rule(report=st.lists(ROWS, max_size=7))
    def reset(self, report: list[Metric]) -> None:
        self.ring.reset(report)
        self.clear_model()
        for row in report:
            place = self.find(row)
            if place is None:
                self.newest = max(self.newest, row.id if isinstance(row.id, int) else -1)
                self.rows.append(row)
                if len(self.rows) > self.capacity:
                    self.gone.append(self.rows.pop(0))
            else:
                self.complete(place, row)

    def complete(self, place: int, row: Metric) -> None:
        merged = self.rows[place] = self.rows[place].merged(row)
        self.newest = max(self.newest, merged.id if isinstance(merged.id, int) else -1)

    @rule()
    def clear(self) -> None:
        self.ring.clear()
        self.clear_model()

    def clear_model(self) -> None:
        self.rows, self.gone, self.newest = [], [], -1

    @invariant()
    def the_same_metrics_in_the_same_order(self) -> None:
        assert list(self.ring.view()) == self.rows
        assert len(self.ring) == len(self.rows) <= self.capacity
        assert self.ring.last() == (self.rows[-1] if self.rows else None)

    @invariant()
    def every_id_is_found(self) -> None:
        for row in self.rows:
            assert row.id is None or self.ring.get(row.id) == self.ring.get(str(row.id)) == row

    @invariant()
    def the_figures_are_those_of_the_list(self) -> None:
        assert self.ring.stats.stats() == naive_stats(self.rows)

    @invariant()
    def the_totals_are_those_of_the_list_and_what_was_evicted(self) -> None:
        assert self.ring.stats.session_totals() == naive_stats([*self.gone, *self.rows])


TestRing = RingMachine.TestCase
TestRing.settings = settings(
    max_examples=(settings.default.max_examples + 2) // 3,
    stateful_step_count=25,
    report_multiple_bugs=False,
)

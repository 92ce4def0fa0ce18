"""Corrected estimates: what they are learnt from, and that they stay beside the real counts."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sessions.calibration import ENOUGH, REMEMBERED, CalibratedEstimate, calibrate
from sessions.models import Metric
from sessions.stats import estimate_quality
from tests.fakes import Room, metric, sentence
from views.calibration import DIALOG, HEIGHT, WIDTH, CalibratedEstimates, trend
from views.feed import LIST, Feed

MODEL = "kimi"


def request(number, estimate, real=None, model=MODEL):
    row = metric(number, estimate, model=model)
    if real is not None:
        row |= {"estimated_tokens": real, "initial_estimate": estimate, "is_estimated": False}
    return row


def requests(*pairs, model=MODEL):
    return [Metric.from_wire(request(n, *pair, model=model)) for n, pair in enumerate(pairs, 1)]


def learn(rows):
    return calibrate(MODEL, reversed(rows))


def test_the_median_corrects_the_next_estimate():
    known = learn(requests((100, 110), (200, 240), (100, 120), (50, 65), (1000, 5000)))
    assert known.ratios == (1.1, 1.2, 1.2, 1.3, 5.0)
    assert known.apply(1000) == CalibratedEstimate(1200, 1200, 1300)


def test_little_is_not_enough():
    rows = requests(*[(100, 120)] * (ENOUGH - 1))
    assert learn(rows).apply(1000) is None
    assert learn([]) is None
    assert learn(requests(*[(100, 120)] * ENOUGH)).apply(1000) == CalibratedEstimate(
        1200, 1200, 1200
    )


def test_nothing_is_learnt_from_what_has_not_both_counts():
    rows = requests(*[(100, 120)] * ENOUGH)
    others = [
        Metric.from_wire(request(50, 100)),
        Metric.from_wire(metric(51, 900, is_estimated=False, model=MODEL)),
        Metric.from_wire(request(52, 0, 900)),
        Metric.from_wire(request(53, 100, 0)),
        Metric.from_wire(request(54, 100, 300, model="other")),
    ]
    assert learn([*rows, *others]) == learn(rows)


def test_what_was_long_ago_is_forgotten():
    rows = requests(*[(100, 300)] * REMEMBERED, *[(100, 110)] * REMEMBERED)
    known = learn(rows)
    assert known.quality.count == REMEMBERED
    assert known.apply(100).tokens == 110


@given(st.lists(st.tuples(st.integers(1, 10**6), st.integers(1, 10**6)), min_size=ENOUGH))
def test_it_is_the_statistics_own_quality(pairs):
    rows = requests(*pairs[-REMEMBERED:])
    known = learn(rows)
    assert known.quality == estimate_quality(rows)
    assert known.low <= known.quality.bias <= known.high
    assert known.high - known.low == pytest.approx(known.quality.spread)
    likely = known.apply(10_000)
    assert likely.low <= likely.tokens <= likely.high


@given(st.lists(st.floats(0.01, 100), min_size=1, max_size=60))
def test_the_drawing_stays_in_its_frame(ratios):
    path = trend(ratios)
    base, line = path.removeprefix("M").split("M")
    points = [tuple(map(float, point.split(" "))) for point in line.split("L")]
    assert base.endswith(f"H{WIDTH}")
    assert len(points) == max(2, len(ratios))
    assert all(0 <= x <= WIDTH and 0 <= y <= HEIGHT for x, y in points)


# -- in the page --------------------


def room_with(*pairs, language="en", **fields):
    room = Room(language)
    room.add(CalibratedEstimates)
    room.enter([request(n, *pair) for n, pair in enumerate(pairs, 1)], model=MODEL, **fields)
    return room


def test_the_newest_request_is_told_a_probable_count_until_it_has_a_real_one():
    room = room_with(*[(1000, 1200)] * ENOUGH, (2000, None))
    assert room.see("calibrated-text") == "Newest: probably 2,400 tokens"
    assert "estimates 2,000" in room.page.attributes["calibrated-text", "title"]
    before = room.state.calculate_stats(), room.state.calculate_accuracy()
    assert before[0].max_tokens == 2000, "the estimate as it came, not the corrected one"
    room.state.update_metric_with_real_tokens(ENOUGH + 1, {"total": 2300})
    room.frame()
    assert room.see("calibrated-text") == ""


def test_the_feed_marks_what_is_probable_and_only_until_it_is_known():
    room = room_with(*[(1000, 1200)] * ENOUGH, (2000, None))
    room.add(Feed)
    marks = room.page.column(LIST, "preview@data-probable")
    assert marks == [None] * ENOUGH + ["probably 2,400"]
    assert room.page.column(LIST, "tokens")[-1] == "2,000", "the estimate as it came"
    room.state.update_metric_with_real_tokens(ENOUGH + 1, {"total": 2300})
    room.frame()
    assert room.page.column(LIST, "preview@data-probable") == [None] * (ENOUGH + 1)
    assert room.page.column(LIST, "tokens")[-1] == "2,300"


@pytest.mark.parametrize("pairs", [[], [(1000, 1200)], [(1000, 1200), (2000, None)]])
def test_without_knowledge_nothing_is_told(pairs):
    assert room_with(*pairs).see("calibrated-text") == ""


@pytest.mark.parametrize(
    ("pairs", "language", "verdict"),
    [
        ([(1000, 1250)] * 6, "en", "estimates are 20.0% too low"),
        ([(1000, 800)] * 6, "fr", "les estimations sont 25,0\u00a0% trop hautes"),
        ([(1000, 900), (1000, 1100)] * 3, "en", "estimates are right"),
        ([(1000, 1250)] * 2, "en", "too few to tell"),
    ],
)
def test_the_dialog_says_how_far_off_a_model_is(pairs, language, verdict):
    room = room_with(*pairs, language=language)
    assert "calibration-models" not in room.page.lists
    room.do("calibration:open")
    assert DIALOG in room.page.opened
    assert room.page.column("calibration-models", "model") == [MODEL]
    assert room.page.column("calibration-models", "verdict") == [verdict]
    assert room.page.column("calibration-models", "count") == [str(len(pairs))]
    assert room.page.shows("calibration-table")
    assert not room.page.shows("calibration-none")


def test_with_nothing_to_compare_the_dialog_says_so():
    room = room_with((1000, None), language="fr")
    room.do("calibration:open")
    assert room.page.shows("calibration-none")
    assert not room.page.shows("calibration-table")
    assert str(ENOUGH) in room.see("calibration-rule")
    assert room.see("calibration-none") == sentence("calibration.none", "en")


def test_a_closed_dialog_is_not_written():
    room = room_with(*[(1000, 1200)] * 5)
    room.do("calibration:open")
    room.do("dialog:close", DIALOG)
    room.page.lists.clear()
    room.state.add_metric(request(9, 100), 3)
    room.frame()
    assert "calibration-models" not in room.page.lists

"""The one state: each session's own metrics, real counts, memory, sources, and its events."""

from __future__ import annotations

import copy
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sessions import events
from sessions.errors import BadInput
from sessions.metrics import CAPACITY, MetricRing
from sessions.models import DEFAULT_MAX_CONTEXT, Metric, Session, SessionDetail, to_plain
from sessions.state import MAX_BUFFERS, MAX_PENDING, SessionState
from sessions.stats import Stats
from tests.support import FakeClock, Recorder

LISTENED = (
    events.SESSION_LOADED,
    events.SESSION_UPDATED,
    events.METRICS_LOADED,
    events.METRIC_ADDED,
    events.METRIC_UPDATED,
    events.METRIC_NOISE,
    events.MEMORY_UPDATED,
    events.METRICS_CLEARED,
    events.SOURCES_MERGED,
)
MEMORY = {"memory_tokens": 30, "chat_tokens": 70, "memory_ratio": 30.0}


class Page:
    """A state, and everything that it told the bus."""

    def __init__(self, current: int | str | None = None) -> None:
        self.recorder = Recorder()
        self.recorder.listen(*LISTENED)
        self.clock = FakeClock()
        self.state = SessionState(self.recorder.bus, self.clock)
        if current is not None:
            self.enter(current)

    def enter(self, session_id: int | str, **fields: Any) -> None:
        self.state.enter(Session.from_wire({"id": session_id, **fields}))

    def topics(self) -> list[str]:
        """What was emitted since the last call."""
        return [str(topic) for topic, _ in self.recorder.take()]

    def ids(self, session_id: int | str | None = None) -> list[Any]:
        return [metric.id for metric in self.state.metrics(session_id)]


def metric(metric_id: Any, tokens: int = 100, **fields: Any) -> dict[str, Any]:
    return {"id": metric_id, "estimated_tokens": tokens, "is_estimated": True, **fields}


def real(total: int, prompt: int = 0, completion: int = 0) -> dict[str, Any]:
    return {"total": total, "prompt": prompt, "completion": completion, "percentage": 1.0}


def answer(session_id: Any, *newest_first: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"session": {"id": session_id}, "recent_metrics": list(newest_first), **more}


def detail(session_id: Any, *newest_first: dict[str, Any], **more: Any) -> SessionDetail:
    return SessionDetail.from_wire(answer(session_id, *newest_first, **more))


# -- adding -----------------------------------------------------------------------------


def test_each_metric_gets_its_delta_once_and_is_announced_once() -> None:
    page = Page(1)
    first = page.state.add_metric(metric(1, 100, delta_tokens=3), 1)
    second = page.state.add_metric(metric(2, 150), 1)
    third = page.state.add_metric(metric(3, 160, delta_tokens=40), 1)
    fourth = page.state.add_metric(metric(4, 50), 1)
    assert [m.delta_tokens for m in (first, second, third, fourth)] == [100, 50, 40, 0]
    announced = [to_plain(payload)["delta_tokens"] for _, payload in page.recorder.events]
    assert announced == [100, 50, 40, 0]
    assert page.topics() == ["metric:added"] * 4


def test_the_first_metric_decides_the_session_when_there_is_none() -> None:
    page = Page()
    page.state.add_metric(metric(1), "3")
    assert page.state.session_id == "3"
    page.state.add_metric(metric(2), 3)
    page.state.add_metric(metric(3, session_id=3))
    page.state.add_metric(metric(4))
    assert page.ids() == [1, 2, 3, 4]
    assert page.topics() == ["metric:added"] * 4


def test_a_metric_may_come_before_any_session_is_known() -> None:
    page = Page()
    page.state.add_metric(metric(1))
    assert page.topics() == ["metric:added"]
    assert page.ids() == [1]


@pytest.mark.parametrize("data", [None, [], "metric", 5])
def test_what_is_no_metric_is_refused_and_changes_nothing(data: object) -> None:
    page = Page()
    with pytest.raises(BadInput):
        page.state.add_metric(data, 5)
    assert page.state.session_id is None
    assert page.topics() == []


def test_another_sessions_metric_is_kept_and_not_shown() -> None:
    page = Page(1)
    page.state.add_metric(metric(1), 1)
    page.recorder.take()
    page.state.add_metric(metric(2, 20_000, delta_tokens=5, **MEMORY), 2)
    page.state.update_metric_with_real_tokens(2, real(300), session_id=2)
    assert page.topics() == []
    assert page.ids() == [1]
    assert page.state.calculate_stats().total_requests == 1
    assert not page.state.memory.has_memory
    page.enter(2)
    assert page.ids() == [2]
    assert page.state.metrics()[0].tokens == 300
    page.enter("1")
    assert page.ids() == [1]


def test_a_handler_that_raises_does_not_disturb_adding() -> None:
    page = Page(1)

    def fail(payload: object) -> None:
        raise RuntimeError

    page.recorder.bus.on(events.METRIC_ADDED, fail)
    page.state.add_metric(metric(1), 1)
    page.state.update_metric_with_real_tokens(1, real(50))
    assert page.topics() == ["metric:added", "metric:updated"]
    assert len(page.recorder.errors) == 1


# -- real counts ------------------------------------------------------------------------


def test_real_counts_correct_a_metric_and_keep_its_estimate() -> None:
    page = Page(1)
    page.state.add_metric(metric(1, 100), 1)
    page.recorder.take()
    updated = page.state.update_metric_with_real_tokens(
        "1", real(150, 120, 30), cumulative_tokens=500, cumulative_percentage=0.5
    )
    assert updated is page.state.metric(1)
    [(topic, payload)] = page.recorder.take()
    assert topic == "metric:updated"
    plain = to_plain(payload)
    assert plain["metric"]["estimated_tokens"] == 150
    assert plain["metric"]["initial_estimate"] == 100
    assert plain["metric"]["is_estimated"] is False
    assert plain["realTokens"] == real(150, 120, 30)
    assert (plain["cumulativeTokens"], plain["cumulativePercentage"]) == (500, 0.5)
    accuracy = page.state.calculate_accuracy()
    assert accuracy is not None
    assert (accuracy.estimated, accuracy.real) == (100, 150)
    assert page.state.calculate_stats() == Stats(1, 150, 150, 120, 30)


def test_an_update_of_an_unknown_metric_harms_nothing() -> None:
    page = Page(1)
    assert page.state.update_metric_with_real_tokens(9, real(5)) is None
    assert page.topics() == []
    assert page.state.calculate_stats() == Stats()


@pytest.mark.parametrize("data", [None, {}, {"total": "many"}])
def test_unreadable_real_counts_are_refused(data: object) -> None:
    page = Page(1)
    page.state.add_metric(metric(1), 1)
    with pytest.raises(BadInput):
        page.state.update_metric_with_real_tokens(1, data)
    assert page.state.metrics()[0].is_estimated


def test_an_update_that_comes_before_its_metric_is_applied_when_that_comes() -> None:
    page = Page(1)
    page.state.update_metric_with_real_tokens(7, real(150), session_id="1")
    added = page.state.add_metric(metric(7, 100), 1)
    assert page.topics() == ["metric:added", "metric:updated"]
    assert (added.tokens, added.initial_estimate, added.is_estimated) == (150, 100, False)
    assert page.state.metric(7) == added


def test_an_early_update_of_another_session_waits_for_that_sessions_metric() -> None:
    page = Page(1)
    page.state.update_metric_with_real_tokens(7, real(150), session_id=2)
    assert page.state.add_metric(metric(7), 1).is_estimated
    assert not page.state.add_metric(metric(7), 2).is_estimated


def test_an_early_update_waits_even_when_no_session_was_known_yet() -> None:
    page = Page()
    page.state.update_metric_with_real_tokens(7, real(150))
    assert page.state.add_metric(metric(7), 1).tokens == 150


@pytest.mark.parametrize("way", ["refresh", "load", "enter"])
def test_an_early_update_is_applied_to_a_metric_that_an_answer_brings(way: str) -> None:
    page = Page(1)
    page.state.update_metric_with_real_tokens(7, real(150), session_id=1)
    if way == "refresh":
        page.state.refresh(detail(1, metric(7, 100)))
    elif way == "load":
        page.state.load_session_data(answer(1, metric(7, 100)))
    else:
        page.state.enter(Session.from_wire({"id": 1}), detail(1, metric(7, 100)))
    row = page.state.metric(7)
    assert row is not None
    assert (row.tokens, row.initial_estimate, row.is_estimated) == (150, 100, False)


def test_early_updates_are_bounded_and_the_oldest_is_dropped() -> None:
    page = Page(1)
    for number in range(MAX_PENDING + 1):
        page.state.update_metric_with_real_tokens(number, real(5))
    rows = [page.state.add_metric(metric(n), 1) for n in (0, 1, MAX_PENDING)]
    assert [row.is_estimated for row in rows] == [True, False, False]


# -- resends ----------------------------------------------------------------------------


def test_a_resend_is_not_counted_twice() -> None:
    page = Page(1)
    for _ in range(3):
        page.state.add_metric(metric(1, 100), 1)
        page.state.add_metric(metric("1", 100), 1)
    assert page.state.calculate_stats() == Stats(1, 100, 100)
    assert page.topics().count("metric:added") == 1


def test_a_resend_that_says_nothing_new_is_not_announced() -> None:
    page = Page(1)
    page.state.add_metric(metric(1, 100), 1)
    page.recorder.take()
    page.state.add_metric(metric(1, 100), 1)
    assert page.topics() == []


def test_a_resend_with_news_completes_the_metric_in_place() -> None:
    page = Page(1)
    page.state.add_metric(metric(1, 100), 1)
    page.state.add_metric(metric(2, 200), 1)
    page.recorder.take()
    page.state.add_metric(metric(1, 130, is_estimated=False, prompt_tokens=90), 1)
    assert page.topics() == ["metric:updated"]
    assert page.ids() == [1, 2]
    row = page.state.metric(1)
    assert row is not None
    assert (row.tokens, row.initial_estimate, row.delta_tokens) == (130, 100, 100)


def test_a_resend_of_the_estimate_does_not_undo_the_real_counts() -> None:
    page = Page(1)
    page.state.add_metric(metric(1, 100), 1)
    page.state.update_metric_with_real_tokens(1, real(150, 120, 30))
    page.recorder.take()
    page.state.update_metric_with_real_tokens(1, real(150, 120, 30))
    page.state.add_metric(metric(1, 100), 1)
    assert page.topics() == []
    assert page.state.calculate_stats() == Stats(1, 150, 150, 120, 30)


def test_a_metric_too_old_for_a_full_buffer_harms_nothing() -> None:
    page = Page(1)
    for number in range(CAPACITY):
        page.state.add_metric(metric(100 + number), 1)
    before = page.state.metrics()
    page.state.update_metric_with_real_tokens(5, real(7))
    page.state.add_metric(metric(5), 1)
    assert page.state.metrics() == before
    assert page.state.calculate_stats().total_requests == CAPACITY


# -- memory and noise -------------------------------------------------------------------


def test_memory_figures_in_a_metric_are_announced_before_it() -> None:
    page = Page(1)
    page.state.add_metric(metric(1, **MEMORY), 1)
    assert page.topics() == ["memory:updated", "metric:added"]
    assert to_plain(page.state.memory) == {**MEMORY, "has_memory": True}


@pytest.mark.parametrize("missing", MEMORY)
def test_incomplete_memory_figures_are_left_alone(missing: str) -> None:
    page = Page(1)
    page.state.set_memory_metrics(MEMORY)
    page.recorder.take()
    figures = {name: 1 for name in MEMORY if name != missing}
    page.state.add_metric(metric(1, **figures), 1)
    assert page.topics() == ["metric:added"]
    assert to_plain(page.state.memory) == {**MEMORY, "has_memory": True}


@pytest.mark.parametrize(
    ("total", "delta", "noisy"),
    [(10_000, 1, False), (10_001, 1, True), (20_000, 6000, False), (20_000, 5999, True)],
)
def test_noise_is_announced_above_its_thresholds(total: int, delta: int, noisy: bool) -> None:
    page = Page(1)
    page.state.add_metric(metric(1, 50), 1)
    page.recorder.take()
    page.state.add_metric(
        metric(2, total, delta_tokens=delta, system_tokens=9, history_tokens=8), 1
    )
    noise = [to_plain(payload) for topic, payload in page.recorder.take() if "noise" in topic]
    assert len(noise) == noisy
    if noisy:
        del noise[0]["metric"]
        ratio = pytest.approx((total - delta) / total)
        assert noise == [
            {
                "total": total,
                "delta": delta,
                "ratio": ratio,
                "systemTokens": 9,
                "historyTokens": 8,
            }
        ]


def test_the_first_metric_of_a_session_is_all_new_and_so_no_noise() -> None:
    page = Page(1)
    page.state.add_metric(metric(1, 50_000, delta_tokens=1), 1)
    assert page.topics() == ["metric:added"]


# -- loading a session's data -----------------------------------------------------------


def test_loading_shows_the_oldest_first_and_emits_each_event_once_in_order() -> None:
    page = Page()
    data = answer(3, metric(2), metric(1), memory=MEMORY, extra=[1])
    before = copy.deepcopy(data)
    page.state.load_session_data(data)
    emitted = page.recorder.take()
    assert [str(topic) for topic, _ in emitted] == [
        "session:loaded",
        "memory:updated",
        "metrics:loaded",
    ]
    assert data == before, "the caller's answer was changed"
    assert to_plain(emitted[0][1]) == before
    assert [row["id"] for row in to_plain(emitted[2][1])] == [1, 2]
    assert page.state.session_id == 3
    assert page.state.max_context == DEFAULT_MAX_CONTEXT == 262_144
    page.state.load_session_data(data)
    assert page.topics() == ["session:loaded", "memory:updated", "metrics:loaded"]
    assert page.ids() == [1, 2]


def test_loading_without_memory_says_nothing_of_memory() -> None:
    page = Page()
    page.state.load_session_data(answer(3, metric(1)))
    assert page.topics() == ["session:loaded", "metrics:loaded"]


def test_loading_what_has_no_session_changes_nothing() -> None:
    page = Page(1)
    page.state.add_metric(metric(1), 1)
    page.recorder.take()
    with pytest.raises(BadInput):
        page.state.load_session_data({"error": "Session introuvable"})
    assert page.topics() == []
    assert (page.state.session_id, page.ids()) == (1, [1])


def test_loaded_real_counts_without_a_known_estimate_have_no_accuracy() -> None:
    page = Page()
    row = metric(1, 150, is_estimated=0, prompt_tokens=120, completion_tokens=30)
    page.state.load_session_data(answer(3, row))
    assert page.state.calculate_accuracy() is None
    assert page.state.calculate_stats() == Stats(1, 150, 150, 120, 30)


def test_rows_without_ids_are_loaded_once() -> None:
    page = Page()
    page.state.load_session_data(answer(3, metric(None, 2), metric(None, 1)))
    assert [row.tokens for row in page.state.metrics()] == [1, 2]
    assert page.state.calculate_stats().total_requests == 2


@pytest.mark.parametrize("kind", [int, str])
def test_more_rows_than_are_kept_are_counted_once(kind: type) -> None:
    page = Page()
    rows = [metric(kind(n), 1) for n in range(CAPACITY + 20)]
    page.state.load_session_data(answer(3, *reversed(rows)))
    assert page.ids() == [kind(n) for n in range(20, CAPACITY + 20)]
    assert page.state.session_totals().total_requests == CAPACITY + 20


def test_totals_of_a_session_count_even_when_no_rows_came_with_them() -> None:
    page = Page()
    totals = {"total_requests": 5, "max_tokens": 70, "avg_tokens": 20}
    page.state.load_session_data(answer(3, stats=totals))
    assert page.state.session_totals() == Stats(5, 70, 20)
    page.state.add_metric(metric(9, 140), 3)
    assert page.state.session_totals() == Stats(6, 140, 40)


# -- clearing ---------------------------------------------------------------------------


def test_clearing_forgets_the_current_sessions_metrics_and_readings_only() -> None:
    page = Page(1)
    page.state.add_metric(metric(1), 1)
    page.state.add_metric(metric(2), 2)
    page.state.set_last_proxy_data({"tokens": 1})
    page.state.set_last_log_data({"tokens": 1})
    page.recorder.take()
    page.state.clear_metrics()
    assert page.topics() == ["metrics:cleared"]
    assert (page.ids(), page.ids(2)) == ([], [2])
    assert page.state.calculate_stats() == page.state.session_totals() == Stats()
    assert page.state.merge_data_sources() is None
    assert page.state.add_metric(metric(3, 70, delta_tokens=5), 1).delta_tokens == 70


def test_clearing_also_forgets_totals_that_came_without_rows() -> None:
    page = Page()
    page.state.load_session_data(answer(3, stats={"total_requests": 5, "avg_tokens": 20}))
    page.state.clear_metrics()
    page.state.add_metric(metric(9, 140), 3)
    assert page.state.session_totals() == Stats(1, 140, 140)


# -- switching and refreshing -----------------------------------------------------------


def test_coming_back_to_a_session_shows_what_it_had() -> None:
    page = Page(1)
    page.state.add_metric(metric(1), 1)
    page.state.set_last_proxy_data({"tokens": 11})
    page.state.set_last_log_data({"tokens": 12})
    page.state.set_memory_metrics(MEMORY)
    page.enter(2, max_context=1000)
    assert (page.ids(), page.state.max_context) == ([], 1000)
    assert page.state.merge_data_sources() is None
    assert not page.state.memory.has_memory
    page.state.set_last_proxy_data({"tokens": 22})
    page.enter("1")
    assert (page.ids(), page.state.max_context) == ([1], DEFAULT_MAX_CONTEXT)
    assert page.state.proxy_reading is not None
    assert page.state.log_reading is not None
    assert (page.state.proxy_reading.tokens, page.state.log_reading.tokens) == (11, 12)


def test_entering_with_an_answer_joins_it_to_what_came_live() -> None:
    page = Page(1)
    page.state.add_metric(metric(3, 30), 2)
    session = Session.from_wire({"id": 2})
    page.state.enter(session, detail(2, metric(3, 30), metric(2, 20), memory=MEMORY))
    assert page.ids() == [2, 3]
    assert page.state.memory.has_memory
    assert page.topics() == [], "the manager announces a switch"


def test_refreshing_joins_by_id_without_doubling() -> None:
    page = Page(1)
    page.state.add_metric(metric(2, 20), 1)
    page.recorder.take()
    settled = metric(2, 25, is_estimated=0, prompt_tokens=20, completion_tokens=5)
    report = detail("1", metric(3, 30), settled, metric(1, 10))
    assert page.state.refresh(report)
    assert page.topics().count("metrics:loaded") == 1
    assert page.ids() == [1, 2, 3]
    assert page.state.calculate_stats() == Stats(3, 30, 22, 20, 5)
    assert not page.state.refresh(report)
    assert page.topics() == []


def test_a_refresh_that_says_nothing_new_is_not_announced() -> None:
    page = Page(1)
    page.state.add_metric(metric(2, 20), 1)
    page.recorder.take()
    assert not page.state.refresh(detail(1, metric(2, 20)))
    assert "metrics:loaded" not in page.topics()


def test_refreshing_another_session_is_not_announced() -> None:
    page = Page(1)
    assert page.state.refresh(detail(2, metric(5)))
    assert page.topics() == []
    assert (page.ids(), page.ids(2)) == ([], [5])


def test_refreshing_updates_the_session_and_loses_none_of_its_fields() -> None:
    page = Page()
    page.enter(1, name="old", max_context=1000, extra=1)
    page.state.refresh(SessionDetail.from_wire({"session": {"id": 1, "name": "new"}}))
    assert page.state.session is not None
    assert to_plain(page.state.session) == {
        "id": 1, "name": "new", "max_context": 1000, "extra": 1,
    }  # fmt: skip
    assert page.state.max_context == 1000
    assert page.topics() == ["session:updated"]


def test_only_news_of_the_current_session_update_it() -> None:
    page = Page(1)
    page.state.update_session(Session.from_wire({"id": 1}))
    page.state.update_session(Session.from_wire({"id": 2, "name": "other"}))
    assert page.topics() == []
    page.state.update_session(Session.from_wire({"id": "1", "name": "new"}))
    assert page.topics() == ["session:updated"]


def test_buffers_are_bounded_and_the_current_sessions_stays() -> None:
    page = Page(0)
    page.state.add_metric(metric(1), 0)
    for session_id in range(1, MAX_BUFFERS + 10):
        page.state.add_metric(metric(1), session_id)
    kept = [snapshot.key for snapshot in page.state.snapshots()]
    assert len(kept) == MAX_BUFFERS
    assert page.ids() == [1]
    assert "1" not in kept
    assert str(MAX_BUFFERS + 9) in kept


def test_a_forgotten_session_has_no_metrics_but_the_current_one_is_never_forgotten() -> None:
    page = Page(1)
    page.state.add_metric(metric(1), 1)
    page.state.add_metric(metric(2), 2)
    page.state.forget("2")
    page.state.forget("1")
    assert (page.ids(), page.ids(2)) == ([1], [])


def test_naming_the_session_by_id_keeps_its_metrics_apart() -> None:
    page = Page()
    page.state.add_metric(metric(1), 1)
    page.state.set_last_proxy_data({"tokens": 5})
    page.state.set_session_id("1")
    assert page.state.proxy_reading is not None, "the same session under another spelling"
    page.state.set_session_id(2)
    assert page.ids() == []
    page.state.set_session_id(None)
    assert page.state.session_id is None
    page.state.set_session_id(1)
    assert page.ids() == [1]


# -- figures and sources ----------------------------------------------------------------


def test_statistics_are_announced_after_every_change() -> None:
    page = Page(1)
    page.recorder.listen(events.STATS_UPDATED)
    page.state.add_metric(metric(1, 100), 1)
    page.state.update_metric_with_real_tokens(1, real(50, 40, 10))
    page.state.add_metric(metric(5, 100), 2)
    page.state.clear_metrics()
    stats = [payload for topic, payload in page.recorder.take() if topic == "stats:updated"]
    assert stats == [Stats(1, 100, 100), Stats(1, 50, 50, 40, 10), Stats()]


def test_the_quality_of_estimates_is_per_session_and_per_model_over_all() -> None:
    page = Page()
    for session_id, model, total in ((1, "kimi", 150), (2, "gpt", 50), (3, "kimi", 250)):
        page.enter(session_id, model=model)
        page.state.add_metric(metric(1, 100), session_id)
        page.state.update_metric_with_real_tokens(1, real(total))
    here = page.state.estimate_quality()
    assert here is not None
    assert (here.bias, here.count) == (2.5, 1)
    by_model = {model: q.bias for model, q in page.state.quality_by_model().items()}
    assert by_model == {"kimi": 2.0, "gpt": 0.5}


def test_sources_are_compared_by_the_clock() -> None:
    page = Page(1)
    page.state.set_last_proxy_data({"tokens": 10, "timestamp": page.clock.now()})
    page.state.set_last_log_data(
        {"tokens": 9000, "timestamp": page.clock.now(), "source": "compile_chat"}
    )
    page.state.announce_sources()
    [(topic, fusion)] = page.recorder.take()
    assert (topic, fusion.tokens, fusion.source) == ("sources:merged", 9000, "compile_chat")
    page.clock.time += 5000
    later = page.state.merge_data_sources()
    assert later is not None
    assert (later.tokens, later.reason) == (10, "last-known")
    page.state.set_last_proxy_data(None)
    page.state.set_last_log_data(None)
    assert page.state.merge_data_sources() is None


# -- whatever the order of frames and answers -------------------------------------------


class Server:
    """Counts requests as the proxy does, and answers with its newest rows and its totals."""

    def __init__(self) -> None:
        self.rows: list[dict[str, Any]] = []
        self.changes = 0

    def answer(self, shown: int) -> SessionDetail:
        tokens = [row["estimated_tokens"] for row in self.rows]
        totals = {
            "total_requests": len(tokens),
            "max_tokens": max(tokens, default=0),
            "avg_tokens": sum(tokens) / len(tokens) if tokens else 0,
            "cumulative_input_tokens": sum(row["prompt_tokens"] for row in self.rows),
            "cumulative_output_tokens": sum(row["completion_tokens"] for row in self.rows),
        }
        newest = [dict(row) for row in reversed(self.rows[-shown:])]
        return detail(1, *newest, stats=totals)

    def totals(self) -> Stats:
        ring = MetricRing(len(self.rows) + 1)
        ring.reset(Metric.from_wire(row) for row in self.rows)
        return ring.stats.stats()


STEPS = st.lists(
    st.sampled_from(["request", "missed", "settle", "settle missed", "ask", "arrive"]),
    max_size=25,
)


@given(STEPS, st.lists(st.integers(1, 99), min_size=25, max_size=25))
def test_totals_are_the_servers_whatever_was_missed_or_came_late(
    steps: list[str], tokens: list[int]
) -> None:
    server, page = Server(), Page(1)
    answers: list[tuple[int, SessionDetail]] = []
    for step, count in zip(steps, tokens, strict=False):
        if step in ("request", "missed"):
            row = metric(len(server.rows) + 1, count, prompt_tokens=0, completion_tokens=0)
            server.rows.append(row)
            server.changes += 1
            if step == "request":
                page.state.add_metric(dict(row), 1)
        elif step.startswith("settle"):
            open_rows = [row for row in server.rows if row["is_estimated"]]
            if not open_rows:
                continue
            row = open_rows[count % len(open_rows)]
            server.changes += 1
            row |= {"estimated_tokens": count + 3, "is_estimated": 0}
            row |= {"prompt_tokens": count, "completion_tokens": 3}
            if step == "settle":
                counts = real(count + 3, count, 3)
                page.state.update_metric_with_real_tokens(row["id"], counts, session_id=1)
        elif step == "ask":
            answers.append((server.changes, server.answer(shown=3)))
        elif answers:
            asked_at, report = answers.pop(0)
            page.state.refresh(report, totals=asked_at == server.changes)
        assert page.state.session_totals().total_requests <= len(server.rows), "counted twice"
    page.state.refresh(server.answer(shown=50))
    assert page.ids() == [row["id"] for row in server.rows]
    assert page.state.session_totals() == server.totals()

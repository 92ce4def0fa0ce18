"""The parsers from the wire, and how two reports of one thing become one."""

from __future__ import annotations

import copy
import functools
import math
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from sessions.errors import BadInput
from sessions.models import (
    CompactionDone,
    MemoryMetrics,
    Metric,
    MetricUpdated,
    RealTokens,
    Session,
    SessionChanged,
    SessionDetail,
    as_flag,
    as_id,
    as_number,
    as_tokens,
    id_key,
    same_id,
    to_plain,
)

LARGEST = 2**53 - 1

SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(max_size=5),
    st.sampled_from([0, 1, -1, LARGEST, LARGEST + 1, 10**400, math.nan, math.inf, -0.0]),
)
JSON = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner),
    max_leaves=5,
)


def rows(*names: str) -> st.SearchStrategy[dict[str, Any]]:
    """Objects in which each of these fields may be missing or of any type."""
    return st.fixed_dictionaries({}, optional=dict.fromkeys(names, JSON))


# -- scalars ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "tokens"),
    [
        (0, 0),
        (7, 7),
        (2.4, 2),
        (2.5, 3),
        (0.49999999999999994, 0),
        (LARGEST, LARGEST),
        (LARGEST + 1, None),
        (1e300, None),
        (-1, None),
        (math.nan, None),
        (math.inf, None),
        (True, None),
        ("7", None),
        (None, None),
        ([7], None),
    ],
)
def test_counts_of_tokens(value: object, tokens: int | None) -> None:
    assert as_tokens(value) == tokens


@pytest.mark.parametrize(
    ("value", "number"),
    [(1, 1.0), (-2.5, -2.5), (10**400, None), (math.nan, None), (False, None), ("1", None)],
)
def test_numbers(value: object, number: float | None) -> None:
    assert as_number(value) == number


@pytest.mark.parametrize(
    ("value", "identifier"),
    [(3, 3), (0, 0), ("3", "3"), ("", None), (True, None), (3.0, None), (None, None)],
)
def test_ids(value: object, identifier: int | str | None) -> None:
    assert as_id(value) == identifier


@pytest.mark.parametrize(
    ("value", "flag"),
    [(1, True), (0, False), (True, True), (False, False), (2, None), ("1", None), (None, None)],
)
def test_flags_of_sqlite_and_json(value: object, flag: bool | None) -> None:
    assert as_flag(value) is flag


def test_ids_are_equal_as_number_and_text_and_none_names_nothing() -> None:
    assert same_id(3, "3")
    assert not same_id(3, 4)
    assert not same_id(None, None)
    assert not same_id("None", None)
    assert id_key(3) == id_key("3")


# -- to_plain ---------------------------------------------------------------------------


def containers(value: Any) -> list[int]:
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    own = [id(value)] if isinstance(value, dict | list) else []
    return own + [found for item in inner for found in containers(item)]


@given(JSON)
def test_plain_values_share_nothing_that_can_change(value: Any) -> None:
    plain = to_plain(value)
    assert not set(containers(plain)) & set(containers(value))


@given(JSON)
def test_plain_values_are_equal_but_for_numbers_that_json_lacks(value: Any) -> None:
    def finite(item: Any) -> Any:
        if isinstance(item, dict):
            return {name: finite(inner) for name, inner in item.items()}
        if isinstance(item, list):
            return [finite(inner) for inner in item]
        return None if isinstance(item, float) and not math.isfinite(item) else item

    assert to_plain(value) == finite(value)


def test_payloads_become_plain_through_and_through() -> None:
    wire = {"id": 1, "nested": {"list": [1, (2, 3)]}}
    session = Session.from_wire(wire)
    plain = to_plain(SessionChanged(None, session, None))
    assert plain == {
        "oldSession": None,
        "newSession": {"id": 1, "nested": {"list": [1, [2, 3]]}},
        "proxyConfig": None,
    }
    plain["newSession"]["nested"]["list"].append("changed")
    assert wire["nested"] == {"list": [1, (2, 3)]}


@pytest.mark.parametrize("value", [object(), {1, 2}, [object()]])
def test_what_javascript_cannot_hold_is_refused(value: object) -> None:
    with pytest.raises(BadInput):
        to_plain(value)


# -- sessions ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    "data", [None, [], "text", 3, {}, {"id": None}, {"id": ""}, {"id": True}, {"id": 1.5}]
)
def test_a_session_needs_an_id(data: object) -> None:
    with pytest.raises(BadInput):
        Session.from_wire(data)


def test_a_session_with_nothing_but_an_id() -> None:
    session = Session.from_wire({"id": "7"})
    assert (session.id, session.name, session.provider, session.model) == (
        "7", "Session 7", None, None,
    )  # fmt: skip
    assert (session.max_context, session.reserved_tokens, session.is_active) == (None, 0, False)


SESSION_FIELDS = (
    "name", "provider", "model", "created_at", "is_active", "max_context", "reserved_tokens",
    "auto_compaction_enabled", "auto_compaction_threshold", "compaction_count",
)  # fmt: skip


@given(rows(*SESSION_FIELDS, "unheard_of"))
@example({"max_context": math.nan, "reserved_tokens": -5, "name": 5, "model": []})
def test_wrong_fields_of_a_session_are_as_missing_and_the_wire_is_kept(
    fields: dict[str, Any],
) -> None:
    session = Session.from_wire({"id": 1, **fields})
    assert isinstance(session.name, str)
    assert session.name
    assert all(isinstance(x, str | None) for x in (session.provider, session.model))
    assert session.max_context is None or 0 < session.max_context <= LARGEST
    assert 0 <= session.reserved_tokens <= LARGEST
    assert to_plain(session) == to_plain({"id": 1, **fields})


def test_updated_changes_wire_and_fields_and_leaves_the_original() -> None:
    session = Session.from_wire({"id": 1, "model": "a", "x": 1})
    newer = session.updated(model="b", y=2)
    assert (session.model, newer.model) == ("a", "b")
    assert to_plain(newer) == {"id": 1, "model": "b", "x": 1, "y": 2}


def test_merging_sessions_keeps_what_the_newer_answer_does_not_say() -> None:
    known = Session.from_wire({"id": 1, "name": "old", "max_context": 1000, "x": 1, "z": None})
    newer = Session.from_wire({"id": 1, "name": "new", "max_context": None, "y": 2, "z": 0})
    merged = known.merged(newer)
    assert (merged.name, merged.max_context) == ("new", 1000)
    assert to_plain(merged) == {
        "id": 1, "name": "new", "max_context": 1000, "x": 1, "y": 2, "z": 0,
    }  # fmt: skip


# -- metrics ----------------------------------------------------------------------------

METRIC_FIELDS = (
    "id", "session_id", "timestamp", "estimated_tokens", "initial_estimate", "delta_tokens",
    "prompt_tokens", "completion_tokens", "is_estimated", "percentage", "source",
    "content_preview", "system_tokens", "history_tokens", "cumulative_tokens", "model",
)  # fmt: skip


@given(rows(*METRIC_FIELDS, "unheard_of"))
@example({"estimated_tokens": math.nan, "prompt_tokens": -1, "id": [1], "source": 3})
@example({"estimated_tokens": 10**400, "percentage": math.inf, "is_estimated": "no"})
def test_wrong_fields_of_a_metric_are_as_missing_and_the_wire_is_kept(
    fields: dict[str, Any],
) -> None:
    metric = Metric.from_wire(fields)
    for count in (metric.tokens, metric.prompt_tokens, metric.completion_tokens):
        assert 0 <= count <= LARGEST
    for count in (metric.initial_estimate, metric.delta_tokens, metric.system_tokens):
        assert count is None or 0 <= count <= LARGEST
    assert metric.percentage is None or math.isfinite(metric.percentage)
    assert isinstance(metric.source, str)
    assert isinstance(metric.preview, str)
    assert to_plain(metric) == to_plain(fields)


@pytest.mark.parametrize("data", [None, [], "text", 3])
def test_a_metric_is_an_object(data: object) -> None:
    with pytest.raises(BadInput):
        Metric.from_wire(data)


@pytest.mark.parametrize(
    ("fields", "tokens", "estimate"),
    [
        ({"estimated_tokens": 50}, 50, 50),
        ({"estimated_tokens": 50, "is_estimated": 1, "history_tokens": 7}, 50, 50),
        ({"estimated_tokens": 0, "history_tokens": 70}, 0, 70),
        ({"estimated_tokens": 0}, 0, None),
        ({"estimated_tokens": 50, "is_estimated": 0}, 50, None),
        ({"estimated_tokens": 50, "is_estimated": False, "history_tokens": 7}, 50, None),
        ({"estimated_tokens": 50, "is_estimated": 0, "initial_estimate": 40}, 50, 40),
    ],
)
def test_the_original_estimate_is_known_only_when_it_was_seen(
    fields: dict[str, Any], tokens: int, estimate: int | None
) -> None:
    metric = Metric.from_wire(fields)
    assert (metric.tokens, metric.initial_estimate) == (tokens, estimate)


def test_a_metric_takes_the_session_it_came_with() -> None:
    metric = Metric.from_wire({"id": 1, "session_id": 2})
    assert metric.session_id == 2
    assert Metric.from_wire({"id": 1, "session_id": 2}, 3).session_id == 3


def test_real_counts_keep_the_original_estimate_however_often_they_come() -> None:
    metric = Metric.from_wire({"id": 1, "estimated_tokens": 100, "x": [1]})
    real = RealTokens.from_wire({"total": 150, "prompt": 120, "completion": 30, "percentage": 5})
    corrected = metric.with_real(real).with_real(real)
    assert (corrected.tokens, corrected.initial_estimate) == (150, 100)
    assert not corrected.is_estimated
    assert to_plain(corrected) == {
        "id": 1,
        "estimated_tokens": 150,
        "initial_estimate": 100,
        "is_estimated": False,
        "prompt_tokens": 120,
        "completion_tokens": 30,
        "percentage": 5,
        "x": [1],
    }
    assert Metric.from_wire(to_plain(corrected)).initial_estimate == 100
    assert metric.wire == {"id": 1, "estimated_tokens": 100, "x": [1]}


@given(st.integers(1, 9999), st.integers(0, 9999), st.integers(0, 99), st.integers(0, 99))
def test_a_corrected_metric_reads_back_from_the_wire_as_it_was(
    estimate: int, total: int, prompt: int, completion: int
) -> None:
    real = {"total": total, "prompt": prompt, "completion": completion, "percentage": 1.5}
    metric = Metric.from_wire({"id": 1, "estimated_tokens": estimate}, 2, "kimi")
    corrected = metric.with_delta(3).with_real(RealTokens.from_wire(real))
    assert Metric.from_wire(corrected.to_wire(), 2, "kimi") == corrected


@st.composite
def reports_of_one_request(draw: st.DrawFn) -> list[Metric]:
    """What different frames and answers say about the same request, in any order."""
    estimate, total = draw(st.integers(1, 50)), draw(st.integers(0, 50))
    prompt, completion = draw(st.integers(0, 50)), draw(st.integers(0, 50))
    real = {"total": total, "prompt": prompt, "completion": completion, "percentage": 2.0}
    settled = {
        "estimated_tokens": total,
        "is_estimated": 0,
        "prompt_tokens": prompt,
        "completion_tokens": completion,
        "percentage": 2.0,
    }
    # One version of the proxy announces 0 and the estimate elsewhere.
    if draw(st.booleans()):
        announced = {"estimated_tokens": estimate, "is_estimated": True}
        stored = {"estimated_tokens": estimate, "is_estimated": 1, "content_preview": "hello"}
    else:
        announced = {"estimated_tokens": 0, "is_estimated": True, "history_tokens": estimate}
        stored = {"estimated_tokens": 0, "is_estimated": 1, "prompt_tokens": 0}
    corrected = Metric.from_wire({"id": 1, **announced}).with_real(RealTokens.from_wire(real))
    remembered = {**settled, "initial_estimate": estimate}
    forms = [
        *(Metric.from_wire({"id": 1, **row}) for row in (announced, stored, settled, remembered)),
        corrected,
    ]
    return draw(st.lists(st.sampled_from(forms), min_size=2, max_size=5))


@given(st.data())
def test_reports_of_one_request_say_the_same_in_any_order(data: st.DataObject) -> None:
    reports = data.draw(reports_of_one_request())
    shuffled = data.draw(st.permutations(reports))

    def merged(ordered: list[Metric]) -> tuple[object, ...]:
        m = functools.reduce(Metric.merged, ordered)
        return m.tokens, m.is_estimated, m.initial_estimate, m.prompt_tokens, m.completion_tokens

    assert merged(reports) == merged(shuffled)
    estimates = {r.initial_estimate for r in reports} - {None}
    assert {merged(reports)[2]} == (estimates or {None}), "an estimate was lost"
    assert merged(reports)[1] == all(r.is_estimated for r in reports), "real beats estimated"


@given(reports_of_one_request())
def test_merging_a_report_again_changes_nothing(reports: list[Metric]) -> None:
    merged = functools.reduce(Metric.merged, reports)
    assert merged.merged(reports[-1]) == merged
    assert reports[0].merged(reports[0]) == reports[0]


def test_merging_fills_gaps_and_keeps_the_first_time_and_delta() -> None:
    frame = {"id": 1, "timestamp": "2026-01-01T10:00:00", "estimated_tokens": 9, "x": None}
    row = {
        "id": 1, "timestamp": "2026-01-01 09:00:00", "estimated_tokens": 9, "is_estimated": 1,
        "content_preview": "hello", "delta_tokens": 5, "x": 1, "model": None,
    }  # fmt: skip
    metric = Metric.from_wire(frame, 2, "kimi").with_delta(9).merged(Metric.from_wire(row))
    assert (metric.timestamp, metric.delta_tokens) == ("2026-01-01T10:00:00", 9)
    assert (metric.preview, metric.session_id, metric.model) == ("hello", 2, "kimi")
    assert to_plain(metric)["x"] == 1


# -- the other payloads -----------------------------------------------------------------


@pytest.mark.parametrize("data", [None, {}, {"total": None}, {"total": -1}, {"total": math.nan}])
def test_real_counts_need_a_total(data: object) -> None:
    with pytest.raises(BadInput):
        RealTokens.from_wire(data)


@given(rows("prompt", "completion", "percentage"))
def test_other_wrong_real_counts_are_zero(fields: dict[str, Any]) -> None:
    real = RealTokens.from_wire({"total": 5, **fields})
    assert real.total == 5
    assert 0 <= real.prompt <= LARGEST
    assert 0 <= real.completion <= LARGEST
    assert real.percentage is None or math.isfinite(real.percentage)


@given(st.one_of(JSON, rows("memory_tokens", "chat_tokens", "memory_ratio")))
def test_memory_figures_are_always_usable(data: Any) -> None:
    memory = MemoryMetrics.from_wire(data)
    assert 0 <= memory.memory_tokens <= LARGEST
    assert 0 <= memory.chat_tokens <= LARGEST
    assert math.isfinite(memory.memory_ratio)
    assert memory.has_memory == (memory.memory_tokens > 0)


def test_a_session_answer_is_read_oldest_first_and_left_as_it_was() -> None:
    answer = {
        "session": {"id": 4, "model": "kimi"},
        "recent_metrics": [{"id": 2}, "not a row", None, {"id": 1}],
        "provider": {"name": "NVIDIA"},
        "stats": {"total_requests": 2},
        "extra": 1,
    }
    before = copy.deepcopy(answer)
    detail = SessionDetail.from_wire(answer)
    assert [(m.id, m.session_id, m.model) for m in detail.metrics or ()] == [
        (1, 4, "kimi"),
        (2, 4, "kimi"),
    ]
    assert (detail.provider_name, detail.memory) == ("NVIDIA", None)
    assert answer == before
    assert detail.raw == before


@given(rows("recent_metrics", "memory", "stats", "provider"))
def test_any_other_part_of_a_session_answer_may_be_wrong(parts: dict[str, Any]) -> None:
    detail = SessionDetail.from_wire({"session": {"id": 1}, **parts})
    assert detail.session.id == 1
    assert isinstance(detail.totals, dict)


@pytest.mark.parametrize("data", [None, {}, {"session": None}, {"error": "Session introuvable"}])
def test_a_session_answer_needs_a_session(data: object) -> None:
    with pytest.raises(BadInput):
        SessionDetail.from_wire(data)


@given(rows("session_id", "compaction"))
def test_a_compaction_is_always_readable(frame: dict[str, Any]) -> None:
    done = CompactionDone.from_wire(frame)
    assert min(done.tokens_before, done.tokens_after, done.tokens_saved) >= 0
    to_plain(done)


def test_an_update_carries_what_dashboards_expect() -> None:
    metric = Metric.from_wire({"id": 1})
    real = RealTokens.from_wire({"total": 5, "extra": True})
    assert to_plain(MetricUpdated(metric, real, 7, 1.5)) == {
        "metric": {"id": 1},
        "realTokens": {"total": 5, "extra": True},
        "cumulativeTokens": 7,
        "cumulativePercentage": 1.5,
    }

"""What the proxy says over its WebSocket, and how what was missed is caught up with."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sessions import events
from sessions.errors import ProxyUnreachable
from sessions.live import LARGEST_FRAME, REFRESH_DELAY, RETRY_DELAYS
from tests.driver import run
from tests.fakes import (
    VERSIONS,
    FakeHttp,
    Rig,
    answer,
    examples,
    frame,
    plain,
    recorded,
    recorded_value,
    recording,
)

OLDEST, MIDDLE, NEWEST = VERSIONS
ACTIVE = ("GET", "/api/sessions/active")
BY_ID = ("GET", "/api/sessions/2")
LIST = ("GET", "/api/sessions")
DOWN = ProxyUnreachable("GET /", "The proxy does not answer.")


def active(version, rows=None, **session):
    """The active session of the recording, with other metrics (newest first)."""
    value = recorded_value(version, "active_busy")
    if rows is not None:
        value["recent_metrics"] = rows
        value["stats"] = {}
    value["session"] |= session
    return answer(value)


def row(number, **more):
    return {
        "id": number,
        "session_id": 2,
        "timestamp": "2026-11-22 06:39:03",
        "estimated_tokens": 100 + number,
        "percentage": 1.0,
        "content_preview": f"question {number}",
        "prompt_tokens": 90,
        "completion_tokens": 10 + number,
        "is_estimated": 0,
        "source": "proxy",
        **more,
    }


def updated(number, session_id=2, total=None, **more):
    total = 100 + number if total is None else total
    return {
        "type": "metric_updated",
        "metric_id": number,
        "session_id": session_id,
        "real_tokens": {"total": total, "prompt": 90, "completion": 10 + number, "percentage": 1},
        "cumulative_tokens": total,
        "cumulative_percentage": 1.0,
        "alert": None,
        "source": "proxy",
        **more,
    }


def rig_of(version, rows=()):
    """A proxy of that version whose active session 2 has these metrics (newest first)."""
    http = FakeHttp.speaking(version)
    http.on(*ACTIVE, active(version, list(rows)))
    if version == NEWEST:
        http.on(*BY_ID, active(version, list(rows)))
    return Rig(http)


async def started(version, rows=()):
    rig = rig_of(version, rows)
    await rig.start()
    await rig.later(2)  # what comes right after a load is checked once more
    rig.http.calls.clear()
    rig.recorder.listen(*ALL_TOPICS)
    return rig


ALL_TOPICS = [topic for topic in vars(events).values() if isinstance(topic, events.Topic)]


def notices(rig):
    return [payload for topic, payload in rig.recorder.events if topic == events.NOTICE]


# -- the start --------------------


@pytest.mark.parametrize("version", VERSIONS)
def test_the_start_loads_the_active_session_the_list_and_what_is_supported(version):
    async def scene():
        rig = Rig(FakeHttp.speaking(version))
        rig.recorder.listen(*ALL_TOPICS)
        await rig.start()
        assert rig.state.session.name == recorded_value(version, "active_busy")["session"]["name"]
        assert len(rig.state.metrics()) == 8
        assert rig.state.proxy_reading.tokens == rig.state.metrics()[-1].tokens
        topics = rig.recorder.topics()
        for topic in (
            events.SESSION_CHANGED,
            events.SESSIONS_LISTED,
            events.AUTO_SESSION_CHANGED,
            events.CAPABILITIES_CHANGED,
        ):
            assert topics.count(topic) == 1, topic
        for request in (ACTIVE, LIST, ("GET", "/openapi.json")):
            assert rig.http.count(*request) == 1, request
        rig.check()

    run(scene())


@pytest.mark.parametrize("version", VERSIONS)
def test_the_greeting_of_the_session_shown_changes_nothing(version):
    async def scene():
        http = FakeHttp.speaking(version)
        http.on(*ACTIVE, recorded(version, "active_fresh"))
        rig = Rig(http)
        await rig.start()
        rig.recorder.listen(events.SESSION_CHANGED, events.METRICS_LOADED)
        before = rig.state.session.max_context
        await rig.hear(frame(version, "init"))
        assert rig.recorder.events == []
        assert rig.state.session.max_context == before, "init does not say max_context"
        assert not rig.live.ignored
        rig.check()

    run(scene())


def test_without_an_active_session_the_page_waits_for_one():
    async def scene():
        http = FakeHttp.speaking(NEWEST)
        http.on(*ACTIVE, recorded(NEWEST, "active_after_activate_missing"))
        rig = Rig(http)
        rig.recorder.listen(events.SESSIONS_LISTED)
        await rig.start()
        assert rig.state.session is None
        assert rig.recorder.topics() == [events.SESSIONS_LISTED]
        http.on(*ACTIVE, active(NEWEST, []))
        await rig.hear(updated(1))
        assert rig.state.session.id == 2
        assert [m.id for m in rig.state.metrics()] == [1]
        rig.check()

    run(scene())


@pytest.mark.parametrize("version", VERSIONS)
def test_the_greeting_of_another_session_is_followed(version):
    async def scene():
        rig = await started(version)
        rig.http.on("GET", "/api/sessions/1", recorded(version, "active_fresh"))
        rig.http.on(*ACTIVE, recorded(version, "active_fresh"))
        await rig.hear(frame(version, "init"))
        assert rig.state.session.name == "Session par défaut"
        assert rig.recorder.topics().count(events.SESSION_CHANGED) == 1
        rig.check()

    run(scene())


# -- requests --------------------


def test_a_request_is_announced_and_then_corrected():
    async def scene():
        rig = await started(OLDEST)
        await rig.hear(frame(OLDEST, "metric"))
        announced = rig.state.metric(1)
        assert announced.is_estimated
        assert announced.preview.startswith("Explain how the proxy")
        assert announced.shown_tokens == 19
        await rig.hear(frame(OLDEST, "metric_updated"))
        real = rig.state.metric(1)
        assert (real.tokens, real.prompt_tokens, real.completion_tokens) == (49, 37, 12)
        assert not real.is_estimated
        assert real.preview == announced.preview
        assert rig.state.calculate_accuracy().estimated == 19
        assert rig.state.session_totals().total_requests == 1
        topics = rig.recorder.topics()
        assert topics.count(events.METRIC_ADDED) == 1
        assert topics.count(events.METRIC_UPDATED) == 1
        assert rig.state.proxy_reading.tokens == 49
        rig.check()

    run(scene())


@pytest.mark.parametrize("version", [MIDDLE, NEWEST])
def test_a_correction_of_an_unknown_request_makes_it_and_one_get_fills_it_in(version):
    async def scene():
        rig = await started(version)
        await rig.hear(frame(version, "metric_updated"))
        made = rig.state.metric(1)
        assert (made.tokens, made.preview, made.is_estimated) == (49, "", False)
        assert rig.recorder.topics().count(events.METRIC_ADDED) == 1
        assert rig.http.calls == []
        details = active(version, [row(1, estimated_tokens=49, content_preview="What is it?")])
        rig.http.on(*ACTIVE, details)
        rig.http.on(*BY_ID, details)
        await rig.later(REFRESH_DELAY)
        assert rig.http.asked() == [BY_ID if version == NEWEST else ACTIVE]
        assert rig.state.metric(1).preview == "What is it?"
        assert rig.state.session_totals().total_requests == 1
        await rig.later(60)
        assert len(rig.http.calls) == 1
        rig.check()

    run(scene())


def test_the_get_brings_an_estimate_when_the_proxy_has_one():
    async def scene():
        rig = await started(NEWEST)
        await rig.hear(updated(1, total=120))
        details = row(1, estimated_tokens=100, is_estimated=1)
        rig.http.on(*BY_ID, active(NEWEST, [details]))
        await rig.later(REFRESH_DELAY)
        metric = rig.state.metric(1)
        assert (metric.tokens, metric.initial_estimate, metric.is_estimated) == (120, 100, False)
        rig.check()

    run(scene())


def test_a_burst_of_unknown_requests_costs_one_get():
    async def scene():
        rig = await started(NEWEST)
        rig.http.on(*BY_ID, active(NEWEST, [row(i) for i in range(50, 0, -1)]))
        await rig.hear(*(updated(i) for i in range(1, 51)))
        await rig.later(60)
        assert rig.http.asked() == [BY_ID]
        metrics = rig.state.metrics()
        assert [m.id for m in metrics] == list(range(1, 51))
        assert all(m.preview for m in metrics)
        assert rig.state.session_totals().total_requests == 50
        assert rig.recorder.topics().count(events.METRIC_ADDED) == 50
        rig.check()

    run(scene())


def test_a_get_that_fails_leaves_the_counts_and_the_next_request_asks_again():
    async def scene():
        rig = await started(NEWEST)
        rig.http.on(*BY_ID, DOWN)
        await rig.hear(updated(1))
        await rig.later(REFRESH_DELAY)
        assert rig.state.metric(1).tokens == 101
        rig.http.on(*BY_ID, active(NEWEST, [row(2), row(1)]))
        await rig.hear(updated(2))
        await rig.later(REFRESH_DELAY)
        assert [m.preview for m in rig.state.metrics()] == ["question 1", "question 2"]
        rig.check()

    run(scene())


@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
def test_announcement_and_correction_make_one_request_in_either_order(order):
    async def scene():
        rig = await started(OLDEST)
        pair = [frame(OLDEST, "metric"), frame(OLDEST, "metric_updated")]
        await rig.hear(*(pair[i] for i in order), *pair)
        (metric,) = rig.state.metrics()
        assert (metric.tokens, metric.is_estimated, metric.initial_estimate) == (49, False, 19)
        assert rig.state.session_totals().total_requests == 1
        rig.check()

    run(scene())


def test_a_request_of_another_session_is_kept_for_it_and_not_shown():
    async def scene():
        rig = await started(OLDEST)
        other = frame(OLDEST, "metric")
        other["session_id"] = 5
        await rig.hear(other, updated(1, 5, 700))
        assert rig.state.metrics() == ()
        assert rig.state.metrics(5)[0].tokens == 700
        assert rig.recorder.events == [(events.METRICS_KEPT, {"session_id": 5})] * 2
        assert rig.state.proxy_reading is None
        await rig.later(60)
        assert rig.http.calls == []
        rig.check()

    run(scene())


def test_a_word_and_a_number_name_the_same_session_and_metric():
    async def scene():
        rig = await started(NEWEST)
        await rig.hear(updated(1), updated(1, "2", 500) | {"metric_id": "1"})
        assert [m.tokens for m in rig.state.metrics()] == [500]
        rig.check()

    run(scene())


def test_memory_figures_come_with_a_request_and_on_their_own():
    async def scene():
        rig = await started(OLDEST)
        await rig.hear(frame(OLDEST, "metric", 1))
        assert rig.state.memory.memory_tokens == 120
        memory = frame(OLDEST, "memory_metrics_update")
        memory["memory"]["memory_tokens"] = 7
        await rig.hear(memory)
        assert rig.state.memory.memory_tokens == 7
        memory["session_id"] = 5
        memory["memory"]["memory_tokens"] = 9
        await rig.hear(memory)
        assert rig.state.memory.memory_tokens == 7, "another session's"
        rig.check()

    run(scene())


@pytest.mark.parametrize("version", VERSIONS)
def test_an_alert_is_passed_on_and_taken_back(version):
    async def scene():
        rig = await started(version)
        await rig.hear(frame(version, "metric_updated", 1))
        await rig.hear(frame(version, "metric_updated", 2))
        alerts = [p for topic, p in rig.recorder.events if topic == events.ALERT_CHANGED]
        assert [alert and alert.level for alert in alerts] == [
            "critical" if version != NEWEST else "caution",
            None,
        ]
        rig.check()

    run(scene())


@pytest.mark.parametrize("version", VERSIONS)
def test_a_log_reading_competes_with_the_proxy(version):
    async def scene():
        rig = await started(version)
        message = frame(version, "log_metric")
        message["session_id"] = 2
        await rig.hear(message)
        fusion = rig.state.merge_data_sources()
        assert (fusion.source, fusion.tokens) == (message["source"], 1801)
        assert fusion.max_context == message["metrics"]["max_context"]
        assert events.SOURCES_MERGED in rig.recorder.topics()
        message["session_id"], message["metrics"]["total_tokens"] = 5, 1
        await rig.hear(message)
        assert rig.state.log_reading.tokens == 1801, "another session's"
        rig.check()

    run(scene())


# -- every message type --------------------

KNOWN = {
    "init", "metric", "metric_updated", "log_metric", "new_session", "session_activated",
    "auto_session_created", "session_deleted", "sessions_bulk_deleted", "auto_session_toggled",
    "auto_compaction_toggled", "reserved_tokens_updated", "compaction_event",
    "memory_metrics_update", "provider_context_limit_error", "streaming_error",
}  # fmt: skip


@pytest.mark.parametrize("version", VERSIONS)
def test_every_recorded_message_is_understood_or_counted(version):
    async def scene():
        for kind, messages in recording(version)["ws"].items():
            rig = await started(version)
            await rig.hear(*messages)
            await rig.later(60)
            assert dict(rig.live.ignored) == ({} if kind in KNOWN else {kind: len(messages)})
            rig.check()

    run(scene())


@pytest.mark.parametrize(
    ("kind", "key", "detail"),
    [
        ("provider_context_limit_error", "notice.context_limit", "Le provider a rejeté"),
        ("streaming_error", "notice.streaming_error", "Erreur streaming inconnue"),
    ],
)
def test_errors_of_the_provider_are_told_in_its_words(kind, key, detail):
    async def scene():
        rig = await started(NEWEST)
        await rig.hear(frame(NEWEST, kind))
        (notice,) = notices(rig)
        assert (notice.kind, notice.key) == ("error", key)
        assert notice.detail.startswith(detail)
        rig.check()

    run(scene())


@pytest.mark.parametrize("kind", ["model_fallback", "context_warning", "compaction_alert"])
def test_warnings_without_words_are_told_as_well(kind):
    async def scene():
        rig = await started(NEWEST)
        await rig.hear({"type": kind, "session_id": 2})
        assert [n.kind for n in notices(rig)] == ["warning"]

    run(scene())


@pytest.mark.parametrize("version", [MIDDLE, NEWEST])
def test_a_compaction_of_this_session_is_announced(version):
    async def scene():
        rig = await started(version)
        message = frame(version, "compaction_event") | {"session_id": 2}
        await rig.hear(message)
        (done,) = [p for topic, p in rig.recorder.events if topic == events.COMPACTION_DONE]
        saved = message["compaction"]
        assert (done.tokens_before, done.tokens_after, done.tokens_saved) == (
            saved["original_tokens"], saved["compacted_tokens"], 1989,
        )  # fmt: skip
        assert [n.key for n in notices(rig)] == ["notice.compacted"]
        await rig.hear(message | {"session_id": 5})
        assert len(notices(rig)) == 1
        rig.check()

    run(scene())


@pytest.mark.parametrize("version", VERSIONS)
def test_switches_thrown_elsewhere_are_shown(version):
    async def scene():
        rig = await started(version)
        await rig.hear(
            frame(version, "auto_session_toggled"),
            frame(version, "auto_compaction_toggled") | {"session_id": 2},
            frame(version, "reserved_tokens_updated") | {"session_id": 2},
        )
        assert (events.AUTO_SESSION_CHANGED, False) in rig.recorder.events
        session = rig.state.session
        assert (session.auto_compaction_enabled, session.reserved_tokens) == (False, 4000)
        await rig.hear({"type": "reserved_tokens_updated", "session_id": 5, "reserved_tokens": 1})
        assert rig.state.session.reserved_tokens == 4000
        rig.check()

    run(scene())


# -- sessions come and go --------------------


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("kind", ["new_session", "auto_session_created", "session_activated"])
def test_a_session_opened_by_somebody_else_is_followed(version, kind):
    if kind not in recording(version)["ws"]:
        return  # that version never sends it

    async def scene():
        rig = await started(version)
        message = frame(version, kind)
        message["session"] |= {"id": 5, "name": "Ailleurs"}
        now = active(version, [], id=5, name="Ailleurs", max_context=204_800)
        rig.http.on(*ACTIVE, now)
        rig.http.on("GET", "/api/sessions/5", now)
        await rig.hear(message)
        assert rig.state.session.name == "Ailleurs"
        assert rig.state.max_context == 204_800
        assert rig.recorder.topics().count(events.SESSION_CHANGED) == 1
        assert events.SESSIONS_LISTED in rig.recorder.topics()
        keys = [notice.key for notice in notices(rig)]
        assert keys == (["notice.auto_session"] if kind == "auto_session_created" else [])
        rig.check()

    run(scene())


def test_news_of_the_session_shown_keep_its_window():
    async def scene():
        rig = await started(NEWEST)
        message = frame(NEWEST, "session_activated", 0)
        message["session"]["name"] = "Renamed"
        rig.http.on(*LIST, answer([message["session"]]))
        await rig.hear(message)
        assert rig.state.session.name == "Renamed"
        assert rig.state.session.max_context == 262_144
        assert events.SESSION_CHANGED not in rig.recorder.topics()
        rig.check()

    run(scene())


def test_the_current_session_deleted_elsewhere_gives_way_to_the_active_one():
    async def scene():
        rig = await started(MIDDLE)
        rig.http.on(*ACTIVE, active(MIDDLE, [], id=9, name="Rest"))
        await rig.hear({"type": "session_deleted", "session_id": 2})
        assert rig.state.session.id == 9
        rig.check()

    run(scene())


def test_the_last_session_deleted_elsewhere_leaves_none():
    async def scene():
        rig = await started(NEWEST)
        rig.http.on(*ACTIVE, recorded(NEWEST, "active_after_activate_missing"))
        await rig.hear({"type": "sessions_bulk_deleted", "session_ids": [2, 7]})
        assert rig.state.session is None
        assert rig.state.session_id is None
        rig.check()

    run(scene())


def test_other_sessions_deleted_elsewhere_are_forgotten():
    async def scene():
        rig = await started(NEWEST)
        await rig.hear(updated(1, 7))
        assert rig.state.metrics(7)
        await rig.hear({"type": "sessions_bulk_deleted", "session_ids": [7]})
        assert rig.state.metrics(7) == ()
        assert rig.state.session.id == 2
        assert rig.http.asked() == [LIST]
        rig.check()

    run(scene())


def test_a_session_looked_at_stays_while_requests_are_booked_on_another():
    async def scene():
        rig = await started(OLDEST)
        await rig.intend("session:select", id=5)
        assert (rig.state.session.id, rig.live.pinned) == (5, 5)
        await rig.hear(frame(OLDEST, "metric"))  # of session 2
        assert rig.state.session.id == 5
        rig.sockets.last.drop()
        await rig.later(2)
        rig.sockets.last.listener.on_open()
        await rig.hear(frame(OLDEST, "init"))
        assert rig.state.session.id == 5, "a reconnection does not take it away"
        await rig.hear(frame(OLDEST, "new_session"))
        assert rig.live.pinned is None, "a new session does"
        rig.check()

    run(scene())


def test_a_session_looked_at_that_is_gone_gives_way_to_the_active_one():
    async def scene():
        rig = await started(OLDEST)
        await rig.intend("session:select", id=5)
        rig.http.on(*LIST, answer([]))
        rig.sockets.last.drop()
        await rig.later(2)
        rig.sockets.last.listener.on_open()
        await rig.scheduler.settle()
        assert (rig.state.session.id, rig.live.pinned) == (2, None)
        rig.check()

    run(scene())


# -- gaps --------------------


def test_what_came_between_the_load_and_a_first_connection_that_took_long_is_fetched():
    async def scene():
        rig = rig_of(NEWEST, [row(1)])
        rig.live.start()
        await rig.scheduler.settle()
        rig.http.on(*ACTIVE, active(NEWEST, [row(2), row(1)]))
        rig.sockets.last.listener.on_open()
        await rig.scheduler.settle()
        assert [metric.id for metric in rig.state.metrics()] == [1, 2]
        rig.check()

    run(scene())


def test_what_the_load_just_missed_is_there_a_second_later():
    async def scene():
        rig = rig_of(NEWEST, [row(1)])
        await rig.start()
        rig.http.calls.clear()
        rig.http.on(*BY_ID, active(NEWEST, [row(2), row(1)]))
        await rig.later(1)
        assert [metric.id for metric in rig.state.metrics()] == [1, 2]
        assert rig.http.asked() == [BY_ID]
        rig.check()

    run(scene())


@pytest.mark.parametrize("version", VERSIONS)
def test_what_a_gap_hid_is_fetched_and_counted_once(version):
    async def scene():
        rig = await started(version, [row(2), row(1)])
        await rig.hear(updated(3))
        rig.sockets.last.drop()
        rig.http.on(*ACTIVE, active(version, [row(i) for i in (5, 4, 3, 2, 1)]))
        await rig.later(2)
        rig.http.calls.clear()
        rig.sockets.last.listener.on_open()
        await rig.hear(updated(5))
        assert [m.id for m in rig.state.metrics()] == [1, 2, 3, 4, 5]
        assert rig.state.session_totals().total_requests == 5
        assert rig.state.metric(4).preview == "question 4"
        assert rig.http.count("GET", "/openapi.json") == 1, "another version may answer now"
        rig.check()

    run(scene())


def test_a_gap_without_news_changes_nothing():
    async def scene():
        rig = await started(NEWEST, [row(2), row(1)])
        rig.sockets.last.drop()
        await rig.later(2)
        rig.sockets.last.listener.on_open()
        await rig.scheduler.settle()
        quiet = (events.METRICS_LOADED, events.SESSION_CHANGED, events.METRIC_ADDED)
        assert not {*quiet} & {*rig.recorder.topics()}
        rig.check()

    run(scene())


def test_another_session_became_active_during_a_gap():
    async def scene():
        rig = await started(NEWEST)
        rig.sockets.last.drop()
        rig.http.on(*ACTIVE, active(NEWEST, [], id=9))
        await rig.later(2)
        rig.sockets.last.listener.on_open()
        await rig.scheduler.settle()
        assert rig.state.session.id == 9
        rig.check()

    run(scene())


def test_while_http_fails_loading_is_tried_again_at_growing_intervals():
    async def scene():
        rig = rig_of(NEWEST, [row(1)])
        rig.http.on(*ACTIVE, plain("Internal Server Error", 500))
        rig.recorder.listen(events.NOTICE)
        await rig.start()
        for delay in RETRY_DELAYS[:4]:
            asked = rig.http.count(*ACTIVE)
            await rig.later(delay - 0.1)
            assert rig.http.count(*ACTIVE) == asked
            await rig.later(0.2)
            assert rig.http.count(*ACTIVE) == asked + 1
        assert [n.key for n in notices(rig)] == ["notice.load_failed"], "told once"
        rig.http.on(*ACTIVE, active(NEWEST, [row(1)]))
        await rig.later(RETRY_DELAYS[4])
        assert rig.state.session.id == 2
        asked = rig.http.count(*ACTIVE)
        await rig.later(120)
        assert rig.http.count(*ACTIVE) == asked, "and then it rests"
        rig.check()

    run(scene())


def test_a_proxy_that_starts_after_the_page_is_loaded_when_it_is_there():
    async def scene():
        http = FakeHttp()
        for _, path in (ACTIVE, LIST, ("", "/openapi.json"), ("", "/api/sessions/auto-status")):
            http.on("GET", path, DOWN)
        rig = Rig(http)
        rig.live.start()
        await rig.scheduler.settle()
        rig.sockets.last.drop()
        await rig.later(20)
        rig.recorder.listen(*ALL_TOPICS)
        speaking = FakeHttp.speaking(NEWEST)
        speaking.on(*ACTIVE, recorded(NEWEST, "active_after_activate_missing"))
        http._replies = speaking._replies
        rig.sockets.last.listener.on_open()
        await rig.later(60)
        topics = rig.recorder.topics()
        assert events.SESSIONS_LISTED in topics
        assert events.AUTO_SESSION_CHANGED in topics
        assert events.CAPABILITIES_CHANGED in topics

    run(scene())


def test_an_answer_that_is_no_session_is_a_failure_to_load_and_nothing_worse():
    async def scene():
        rig = rig_of(NEWEST)
        rig.http.on(*ACTIVE, answer({"session": "none"}))
        await rig.start()
        assert rig.state.session is None
        assert rig.scheduler.pending()
        rig.check()

    run(scene())


def test_a_version_without_auto_sessions_is_loaded_like_any_other():
    async def scene():
        rig = rig_of(NEWEST)
        rig.http.on("GET", "/api/sessions/auto-status", answer({"detail": "Not Found"}, 404))
        rig.recorder.listen(events.NOTICE, events.AUTO_SESSION_CHANGED)
        await rig.start()
        assert rig.state.session.id == 2
        assert rig.recorder.events == []
        rig.check()

    run(scene())


def test_stopping_leaves_nothing_behind():
    async def scene():
        rig = await started(NEWEST)
        await rig.hear(updated(1))
        rig.live.stop()
        rig.sockets.last.say(updated(2))
        await rig.later(600)
        assert rig.http.calls == []
        assert len(rig.state.metrics()) == 1
        assert rig.scheduler.pending() == []

    run(scene())


def test_the_oldest_version_names_a_session_after_its_first_prompt():
    async def scene():
        rig = rig_of(OLDEST)
        rig.http.on(*ACTIVE, active(OLDEST, [], name="Session Nvidia 06:36:40"))
        await rig.start()
        rig.http.on(*ACTIVE, active(OLDEST, [], name="Explain how"))
        await rig.hear(frame(OLDEST, "metric"))
        await rig.later(REFRESH_DELAY)
        assert rig.state.session.name == "Explain how"
        rig.check()

    run(scene())


# -- garbage --------------------


@pytest.mark.parametrize(
    "text",
    [
        "", "{", "nonsense", "[]", "[1]", "7", "null", '"metric"', "{}", '{"type": null}',
        '{"type": 5}', '{"type": ["metric"]}', '{"type": "metric", "x": NaN}',
        "[" * 100_000, '{"type":"metric","key":' + "[" * 600 + "]" * 600 + "}",
        " " * (LARGEST_FRAME + 1),
        '{"type": "metric"}', '{"type": "metric", "metric": {}}',
        '{"type": "metric", "metric": {"id": null}}', '{"type": "metric_updated"}',
        '{"type": "metric_updated", "metric_id": 1}',
        '{"type": "metric_updated", "metric_id": 1, "real_tokens": {"total": -1}}',
        '{"type": "log_metric", "metrics": []}', '{"type": "init"}', '{"type": "new_session"}',
        '{"type": "session_activated", "session": {"name": "x"}}',
        '{"type": "auto_session_created", "session": 5}',
        '{"type": "auto_session_toggled", "enabled": "yes"}',
    ],
)  # fmt: skip
def test_what_cannot_be_used_is_counted_and_harms_nothing(text):
    async def scene():
        rig = await started(NEWEST, [row(1)])
        await rig.hear(text)
        assert dict(rig.live.ignored) == {"malformed": 1}
        assert rig.recorder.events == []
        assert [m.id for m in rig.state.metrics()] == [1]
        rig.check()

    run(scene())


@pytest.mark.parametrize("odd", [[1], {"id": 1}, 1.5, True, ""])
def test_a_request_of_no_possible_session_does_not_become_the_current_one(odd):
    async def scene():
        http = FakeHttp.speaking(NEWEST)
        http.on(*ACTIVE, recorded(NEWEST, "active_after_activate_missing"))
        rig = Rig(http)
        await rig.start()
        await rig.hear({"type": "metric", "metric": {"id": 1, "session_id": odd}})
        assert rig.state.session_id is None
        rig.check()

    run(scene())


def test_unknown_types_are_counted_by_name():
    async def scene():
        rig = await started(NEWEST)
        await rig.hear({"type": "brand_new"}, {"type": "brand_new"}, {"type": "x" * 500})
        assert rig.live.ignored == {"brand_new": 2, "x" * 40: 1}

    run(scene())


def test_a_frame_loses_its_secrets_before_anybody_reads_it():
    async def scene():
        rig = await started(OLDEST)
        message = frame(OLDEST, "metric")
        message["metric"] |= {"content_preview": "sk-abcdefghijklmnop", "api_key": "zzz"}
        await rig.hear(message)
        wire = json.dumps(rig.state.metric(1).to_wire())
        assert "sk-" not in wire
        assert "zzz" not in wire

    run(scene())


_odd = st.sampled_from(
    [
        "null", "true", "0", "1", "-1", "5", "2.5", "-0.5", "1e308", "1e400", "9223372036854775808",
        "1" * 400, '""', '"2"', '"é"', "[]", "[[1]]", "{}", '{"id": 2}', '{"total": 5}',
    ]
).map(json.loads)  # fmt: skip
_messages = [
    message
    for version in VERSIONS
    for messages in recording(version)["ws"].values()
    for message in messages
]


@st.composite
def _mangled(draw):
    """A recorded message with some fields, however deep, replaced by anything."""
    message = json.loads(json.dumps(draw(st.sampled_from(_messages))))
    for _ in range(draw(st.integers(1, 4))):
        place = message
        while True:
            name = draw(st.sampled_from(sorted(place)))
            if isinstance(place[name], dict) and place[name] and draw(st.booleans()):
                place = place[name]
                continue
            place[name] = draw(_odd)
            break
    return message


def _sound(rig):
    """What must hold whatever was heard."""
    state = rig.state
    assert state.session_id is None or type(state.session_id) in (int, str)
    assert state.session is None or str(state.session.id) == str(state.session_id)
    assert state.max_context > 0
    metrics = state.metrics()
    assert len({str(m.id) for m in metrics}) == len(metrics)
    assert all(type(m.tokens) is int and m.tokens >= 0 for m in metrics)
    stats = state.calculate_stats()
    assert stats.total_requests == len(metrics)
    assert stats.max_tokens == max((m.tokens for m in metrics), default=0)
    state.merge_data_sources()
    state.estimate_quality()


@given(st.lists(_mangled(), max_size=6), st.booleans())
@examples(120)
def test_no_message_can_raise_or_corrupt(messages, has_session):
    async def scene():
        rig = rig_of(NEWEST, [row(1)])
        if not has_session:
            rig.http.on(*ACTIVE, recorded(NEWEST, "active_after_activate_missing"))
        await rig.start()
        await rig.hear(*(json.dumps(message) for message in messages))
        await rig.later(40)
        rig.check()
        _sound(rig)
        # And the page still works.
        await rig.hear(updated(77, rig.state.session_id or 2))
        await rig.later(1)
        rig.check()

    run(scene())


@given(st.text(max_size=40))
@examples(80)
def test_no_text_can_raise(text):
    async def scene():
        rig = await started(NEWEST)
        rig.live.receive(text)
        assert rig.live.ignored.total() == 1
        rig.check()

    run(scene())

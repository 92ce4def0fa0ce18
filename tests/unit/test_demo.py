"""The demo, seen through the core that it has to satisfy."""

from __future__ import annotations

import asyncio
import csv
import io
import json
from collections.abc import Coroutine
from functools import cache
from itertools import pairwise
from typing import Any

import pytest

from demo import DemoProxy
from demo.catalogue import PROVIDERS, find_model
from demo.conversation import RATIO_LIMITS
from demo.line import DROP_AFTER
from demo.proxy import DEFAULT_SEED
from demo.traffic import ANSWER, PAUSE, SWITCH_AFTER
from sessions.connection import Connection, Phase
from sessions.errors import ProxyFault, ProxyRefused, RouteUnsupported
from sessions.live import Live
from sessions.manager import SessionManager
from sessions.models import Metric, SessionDetail
from sessions.proxy_api import DELETE_SESSION, ProxyApi, Route, read_answer
from sessions.state import SessionState
from sessions.times import parse_timestamp
from tests.support import FakeClock, FakeScheduler, Recorder

HOUR_MS = 3_600_000

FIELDS = {
    "init": {"session", "stats", "recent_metrics"},
    "metric": {"session_id", "metric", "session_updated", "alert", "sanitizer", "mcp_memory"},
    "metric_updated": {
        "session_id",
        "metric_id",
        "real_tokens",
        "cumulative_tokens",
        "cumulative_percentage",
        "alert",
        "source",
    },
    "log_metric": {
        "session_id",
        "source",
        "source_family",
        "source_label",
        "timestamp",
        "metrics",
    },
    "memory_metrics_update": {"session_id", "timestamp", "memory"},
    "compaction_event": {"session_id", "timestamp", "history_id", "compaction"},
    "auto_session_created": {"session", "provider", "model", "external_session_id"},
    "session_activated": {"session_id", "session"},
    "new_session": {"session"},
    "streaming_error": {"session_id", "metric_id", "error_type", "error_message", "timestamp"},
    "provider_context_limit_error": {
        "session_id",
        "error",
        "provider",
        "model",
        "estimated_tokens",
        "max_context",
        "message",
    },
    "sessions_bulk_deleted": {"session_ids", "deleted_count"},
    "auto_session_toggled": {"session_id", "enabled"},
    "auto_compaction_toggled": {"session_id", "enabled", "timestamp"},
    "reserved_tokens_updated": {"session_id", "reserved_tokens"},
}
METRIC_FIELDS = {
    "id",
    "timestamp",
    "estimated_tokens",
    "cumulative_tokens",
    "cumulative_billing",
    "delta_tokens",
    "system_tokens",
    "history_tokens",
    "percentage",
    "content_preview",
    "is_estimated",
    "source",
}
ROW_FIELDS = {
    "id",
    "session_id",
    "timestamp",
    "estimated_tokens",
    "percentage",
    "content_preview",
    "prompt_tokens",
    "completion_tokens",
    "is_estimated",
    "source",
    "memory_tokens",
    "chat_tokens",
    "memory_ratio",
}


class Visit:
    """A page that watches a demo through the core's own connection."""

    def __init__(self, seed: int = 7, *, offset: float = 2 * HOUR_MS) -> None:
        self.clock = FakeClock(1_790_000_000_000, offset)
        self.scheduler = FakeScheduler(self.clock)
        self.demo = DemoProxy(self.clock, self.scheduler, seed)
        self.api = ProxyApi(self.demo)
        self.recorder = Recorder()
        self.recorder.listen("connection:changed")
        self.texts: list[tuple[float, str]] = []
        self.opened: list[float] = []
        self.connection = Connection(
            self.demo,
            self.recorder.bus,
            self.clock,
            self.scheduler,
            on_open=lambda: self.opened.append(self.clock.now()),
            on_text=lambda text: self.texts.append((self.clock.now(), text)),
            chance=lambda: 0.5,
        )

    def watch(self, seconds: float) -> Visit:
        self.connection.start()
        self.scheduler.advance(seconds)
        return self

    @property
    def frames(self) -> list[dict[str, Any]]:
        return [json.loads(text) for _, text in self.texts]

    def of_type(self, *kinds: str) -> list[dict[str, Any]]:
        return [frame for frame in self.frames if frame["type"] in kinds]

    def phases(self) -> list[Phase]:
        return [state.phase for _, state in self.recorder.events]

    def ask(self, method: str, path: str, body: Any = None) -> tuple[int, Any]:
        text = body if body is None or isinstance(body, str) else json.dumps(body)
        answer = run(self.demo.request(method, path, text, timeout=1))
        return answer.status, json.loads(answer.text)


def run(work: Coroutine[Any, Any, Any]) -> Any:
    return asyncio.run(work)


@cache
def untouched() -> Visit:
    """A demo for tests that change nothing in it."""
    return Visit()


@cache
def ten_minutes(seed: int = 7) -> Visit:
    return Visit(seed).watch(600)


SEEDS = (1, 7, DEFAULT_SEED)
EACH_SEED = pytest.mark.parametrize("seed", SEEDS)


# -- the story ------------------------------------------------------------------------------


@EACH_SEED
def test_every_frame_has_the_fields_that_the_contract_names(seed: int) -> None:
    for frame in ten_minutes(seed).frames:
        assert set(frame) == FIELDS[frame["type"]] | {"type"}
        if frame["type"] == "metric":
            assert set(frame["metric"]) == METRIC_FIELDS


@EACH_SEED
def test_metric_ids_are_unique_and_rise(seed: int) -> None:
    ids = [frame["metric"]["id"] for frame in ten_minutes(seed).of_type("metric")]
    assert len(ids) > 150
    assert all(earlier < later for earlier, later in pairwise(ids))


@EACH_SEED
def test_requests_come_at_a_person_s_pace(seed: int) -> None:
    visit = ten_minutes(seed)
    times = [at for at, text in visit.texts if json.loads(text)["type"] == "metric"]
    pauses = sorted((b - a) / 1000 for a, b in pairwise(times))
    assert pauses[0] >= PAUSE[0]
    assert pauses[len(pauses) // 2] <= PAUSE[1]


@EACH_SEED
def test_real_counts_follow_each_estimate(seed: int) -> None:
    visit = ten_minutes(seed)
    announced: dict[int, tuple[float, dict[str, Any]]] = {}
    ratios = []
    for at, text in visit.texts:
        frame = json.loads(text)
        if frame["type"] == "metric":
            announced[frame["metric"]["id"]] = (at, frame)
        elif frame["type"] == "metric_updated":
            sent_at, estimate = announced.pop(frame["metric_id"])
            assert ANSWER[0] - 0.01 <= (at - sent_at) / 1000 <= ANSWER[1] + 0.01
            assert frame["session_id"] == estimate["session_id"]
            real = frame["real_tokens"]
            assert real["total"] == real["prompt"] + real["completion"]
            ratios.append(real["prompt"] / estimate["metric"]["estimated_tokens"])
    low, high = RATIO_LIMITS
    assert all(low - 0.001 <= ratio <= high + 0.001 for ratio in ratios)
    refused = len(visit.of_type("provider_context_limit_error"))
    drops = len(visit.opened)
    assert len(announced) <= refused + drops
    assert len(ratios) > 150


@EACH_SEED
def test_an_estimate_is_the_sum_of_its_parts(seed: int) -> None:
    for frame in ten_minutes(seed).of_type("metric"):
        row = frame["metric"]
        parts = row["system_tokens"] + row["history_tokens"] + row["delta_tokens"]
        assert row["estimated_tokens"] == parts
        assert row["delta_tokens"] > 0
        assert row["content_preview"]


@EACH_SEED
def test_percentages_agree_with_the_model_s_window(seed: int) -> None:
    visit = ten_minutes(seed)
    windows = {}
    for session in run(visit.api.sessions()):
        windows[session.id] = find_model(session.model).window
    for frame in visit.of_type("metric"):
        row = frame["metric"]
        window = windows[frame["session_id"]]
        assert row["percentage"] == pytest.approx(row["estimated_tokens"] / window * 100)
    for frame in visit.of_type("metric_updated"):
        window = windows[frame["session_id"]]
        share = pytest.approx(frame["real_tokens"]["total"] / window * 100)
        assert frame["real_tokens"]["percentage"] == share
        assert frame["cumulative_percentage"] == share
        assert frame["cumulative_tokens"] == frame["real_tokens"]["total"]


@EACH_SEED
def test_the_context_fills_up_and_is_compacted(seed: int) -> None:
    visit = ten_minutes(seed)
    done = visit.of_type("compaction_event")
    assert 1 <= len(done) <= 6
    for frame in done:
        row = frame["compaction"]
        assert row["tokens_saved"] == row["original_tokens"] - row["compacted_tokens"]
        assert row["compaction_ratio"] > 70
    following = None
    for frame in visit.frames:
        if frame["type"] == "compaction_event":
            following = frame
        elif frame["type"] == "metric" and following is not None:
            before = following["compaction"]["original_tokens"]
            assert frame["metric"]["estimated_tokens"] < before / 2
            following = None


@EACH_SEED
def test_alerts_come_at_their_levels(seed: int) -> None:
    levels = set()
    for frame in ten_minutes(seed).of_type("metric_updated"):
        share, alert = frame["cumulative_percentage"], frame["alert"]
        if alert is None:
            assert share < 80
        else:
            levels.add(alert["level"])
            wanted = "critical" if share >= 95 else "warning" if share >= 90 else "caution"
            assert alert["level"] == wanted
            assert set(alert) == {"level", "color", "message"}
    assert levels


@EACH_SEED
def test_the_connection_drops_and_recovers(seed: int) -> None:
    visit = ten_minutes(seed)
    assert len(visit.opened) >= 3
    assert visit.connection.is_connected
    phases = visit.phases()
    assert phases[:2] == [Phase.CONNECTING, Phase.CONNECTED]
    for opened, again in pairwise(visit.opened):
        assert DROP_AFTER[0] <= (again - opened) / 1000 <= DROP_AFTER[1] + 5
    greetings = [frame["type"] for frame in visit.frames].count("init")
    assert greetings == len(visit.opened)


def test_some_first_attempts_after_a_drop_fail() -> None:
    attempts = [
        state.attempt
        for seed in SEEDS
        for _, state in ten_minutes(seed).recorder.events
        if state.phase is Phase.WAITING
    ]
    assert max(attempts) == 2


@EACH_SEED
def test_sessions_are_left_now_and_then_but_not_restlessly(seed: int) -> None:
    changes = [
        at
        for at, text in ten_minutes(seed).texts
        if json.loads(text)["type"] in ("auto_session_created", "session_activated")
    ]
    assert changes
    assert all(later - earlier >= SWITCH_AFTER for earlier, later in pairwise(changes))


def test_logs_sometimes_agree_with_the_proxy_and_sometimes_do_not() -> None:
    apart, close, sources = 0, 0, set()
    for seed in SEEDS:
        real: dict[int, int] = {}
        for frame in ten_minutes(seed).frames:
            if frame["type"] == "metric_updated":
                real[frame["session_id"]] = frame["cumulative_tokens"]
            elif frame["type"] == "log_metric" and frame["session_id"] in real:
                sources.add(frame["source"].split("_000")[0])
                row = frame["metrics"]
                assert row["total_tokens"] == row["prompt_tokens"] + row["completion_tokens"]
                ratio = row["total_tokens"] / real[frame["session_id"]]
                apart += ratio < 0.81
                close += 0.9 < ratio < 1.1
    assert apart > 10
    assert close > 50
    assert sources >= {"continue_logs", "continue_compile_chat", "kimi_global", "kimi_session"}


def test_rare_things_happen() -> None:
    kinds = {frame["type"] for seed in SEEDS for frame in ten_minutes(seed).frames}
    assert kinds >= {"streaming_error", "provider_context_limit_error", "memory_metrics_update"}


def test_the_same_seed_tells_the_same_story() -> None:
    assert Visit(5).watch(150).texts == Visit(5).watch(150).texts
    assert Visit(5).watch(20).texts != Visit(6).watch(20).texts


def test_messages_are_in_local_time_and_rows_in_utc() -> None:
    visit = Visit(offset=2 * HOUR_MS).watch(20)
    row = visit.of_type("metric")[-1]["metric"]
    announced = parse_timestamp(row["timestamp"], visit.clock)
    detail = run(visit.api.active_session())
    stored = next(metric for metric in detail.metrics if metric.id == row["id"])
    assert announced is not None
    assert announced == pytest.approx(parse_timestamp(stored.timestamp, visit.clock), abs=1000)
    assert visit.clock.now() - announced < 20_000


# -- connections ------------------------------------------------------------------------------


class Ear:
    """Notes what one socket reports."""

    def __init__(self) -> None:
        self.heard: list[str] = []

    def on_open(self) -> None:
        self.heard.append("open")

    def on_text(self, text: str) -> None:
        self.heard.append(json.loads(text)["type"])

    def on_close(self) -> None:
        self.heard.append("close")


def test_a_socket_opens_later_and_is_greeted() -> None:
    visit = Visit()
    ear = Ear()
    visit.demo.connect(ear)
    assert ear.heard == []
    visit.scheduler.advance(0)
    assert ear.heard == ["open", "init"]


def test_nothing_runs_unless_somebody_is_connected() -> None:
    visit = Visit()
    run(visit.api.sessions())
    run(visit.api.create_session("x", None, None))
    assert visit.scheduler.pending() == []
    ear = Ear()
    socket = visit.demo.connect(ear)
    visit.scheduler.advance(30)
    assert visit.scheduler.pending()
    socket.send("{}")
    socket.close()
    socket.close()
    heard = list(ear.heard)
    assert visit.scheduler.pending() == []
    visit.scheduler.advance(300)
    assert ear.heard == heard


def test_a_socket_closed_before_it_opened_is_never_heard_of() -> None:
    visit = Visit()
    ear = Ear()
    visit.demo.connect(ear).close()
    visit.scheduler.advance(60)
    assert ear.heard == []


def test_two_pages_see_the_same_and_one_may_leave() -> None:
    visit = Visit()
    first, second = Ear(), Ear()
    visit.demo.connect(first)
    socket = visit.demo.connect(second)
    visit.scheduler.advance(20)
    assert first.heard == second.heard
    socket.close()
    heard = len(second.heard)
    visit.scheduler.advance(20)
    assert len(second.heard) == heard
    assert len(first.heard) > heard


@pytest.mark.parametrize(("away", "fewest", "most"), [(3, 1, 10), (36_000, 10, 40)])
def test_what_was_missed_has_happened_meanwhile(away: float, fewest: int, most: int) -> None:
    visit = Visit()
    socket = visit.demo.connect(Ear())
    visit.scheduler.advance(30)
    visit.ask("POST", "/api/sessions/toggle-auto", {"enabled": False})
    socket.close()
    _, before = visit.ask("GET", "/api/export/json")
    visit.scheduler.advance(away)
    left_at = visit.clock.now()
    visit.demo.connect(Ear())
    visit.scheduler.advance(0)
    _, after = visit.ask("GET", "/api/export/json")
    missed = after["metrics"][: len(after["metrics"]) - len(before["metrics"])]
    assert fewest <= len(missed) <= most
    assert not any(row["is_estimated"] for row in missed)
    assert after["metrics"][len(missed) :] == before["metrics"]
    assert all(parse_timestamp(r["timestamp"], visit.clock) <= left_at for r in missed)


def test_an_answer_on_its_way_is_booked_when_the_socket_closes() -> None:
    visit = Visit()
    ear = Ear()
    socket = visit.demo.connect(ear)
    while ear.heard[-1:] != ["metric"]:
        visit.scheduler.advance(0.1)
    socket.close()
    _, detail = visit.ask("GET", "/api/sessions/active")
    assert detail["recent_metrics"][0]["is_estimated"] == 0


def test_no_greeting_while_no_session_is_active() -> None:
    visit = Visit()
    visit.ask("POST", "/api/sessions/99999/activate")
    ear = Ear()
    visit.demo.connect(ear)
    visit.scheduler.advance(0)
    assert ear.heard == ["open"]
    visit.scheduler.advance(5)
    assert "auto_session_created" in ear.heard


def test_without_automatic_sessions_no_active_session_means_no_requests() -> None:
    visit = Visit()
    visit.ask("POST", "/api/sessions/toggle-auto", {"enabled": False})
    visit.ask("POST", "/api/sessions/99999/activate")
    ear = Ear()
    visit.demo.connect(ear)
    visit.scheduler.advance(60)
    assert ear.heard == ["open"]


def test_without_compaction_the_provider_refuses_at_last_and_a_new_chat_begins() -> None:
    visit = Visit()
    visit.ask("POST", "/api/sessions/toggle-auto", {"enabled": False})
    visit.ask("POST", "/api/compaction/5/toggle-auto", {"enabled": False})
    visit.watch(600)
    assert not visit.of_type("compaction_event")
    assert visit.of_type("provider_context_limit_error")
    totals = [frame["cumulative_percentage"] for frame in visit.of_type("metric_updated")]
    assert max(totals) > 90
    assert totals[-1] < max(totals)


def test_after_many_sessions_the_developer_returns_to_an_old_one() -> None:
    visit = Visit()
    for number in range(12):
        run(visit.api.create_session(f"s{number}", "nvidia", "nvidia/kimi-k2.5"))
    visit.watch(900)
    assert visit.of_type("session_activated")
    assert not visit.of_type("auto_session_created")


# -- totals -----------------------------------------------------------------------------------


def test_totals_of_the_export_equal_what_was_announced() -> None:
    visit = Visit()
    visit.ask("POST", "/api/sessions/toggle-auto", {"enabled": False})
    _, before = visit.ask("GET", "/api/export/json")
    visit.watch(110)
    _, after = visit.ask("GET", "/api/export/json")
    announced = {f["metric"]["id"]: f["metric"] for f in visit.of_type("metric")}
    tokens = {number: row["estimated_tokens"] for number, row in announced.items()}
    for frame in visit.of_type("metric_updated"):
        tokens[frame["metric_id"]] = frame["real_tokens"]["total"]

    def total(answer: dict[str, Any]) -> int:
        return sum(row["estimated_tokens"] for row in answer["metrics"])

    assert len(after["metrics"]) == len(before["metrics"]) + len(tokens)
    assert total(after) == total(before) + sum(tokens.values())
    detail = run(visit.api.active_session())
    assert detail.totals["cumulative_total_tokens"] == total(after)
    assert detail.totals["total_requests"] == len(after["metrics"])


def test_csv_and_json_export_the_same_whole_session() -> None:
    visit = Visit().watch(10)
    _, exported = visit.ask("GET", "/api/export/json")
    rows = list(csv.DictReader(io.StringIO(run(visit.api.export("csv")), newline="")))
    assert len(rows) == len(exported["metrics"]) > 90
    for row, wanted in zip(rows, exported["metrics"], strict=True):
        assert row["Timestamp"] == wanted["timestamp"]
        assert int(row["Tokens Total"]) == wanted["estimated_tokens"]
        preview = wanted["content_preview"]
        assert row["Aperçu"] == (f"'{preview}" if preview.startswith("@") else preview)
        assert row["Type"] == ("Estimé" if wanted["is_estimated"] else "Réel")
    assert json.loads(run(visit.api.export("json"))) == exported


# -- requests through the real client -----------------------------------------------------------


def test_negotiation_learns_what_this_dialect_has() -> None:
    visit = Visit()
    capabilities = run(visit.api.negotiate())
    missing = [route for route, there in capabilities.known.items() if not there]
    assert missing == [DELETE_SESSION]
    assert visit.api.can_activate
    assert not visit.api.activates_to_load


def test_sessions_of_several_providers_with_names_that_test_the_page() -> None:
    visit = untouched()
    sessions = run(visit.api.sessions())
    assert len(sessions) == 5
    assert len({session.provider for session in sessions}) == 5
    names = [session.name for session in sessions]
    assert any("<b>" in name for name in names)
    assert any("é" in name for name in names)
    assert max(map(len, names)) > 120
    assert [session.is_active for session in sessions] == [True, False, False, False, False]
    windows = {find_model(session.model).window for session in sessions}
    assert windows == {262_144, 200_000, 128_000, 1_048_576, 131_072}
    created = [session.created_at for session in sessions]
    assert created == sorted(created, reverse=True)


def test_each_session_has_a_history_that_ends_before_now() -> None:
    visit = untouched()
    compactions = 0
    for session in run(visit.api.sessions()):
        detail = run(visit.api.load_session(session.id))
        assert isinstance(detail, SessionDetail)
        total = detail.totals["total_requests"]
        assert 30 <= total <= 140
        assert detail.metrics is not None
        assert len(detail.metrics) == min(total, 100)
        assert all(set(metric.wire) == ROW_FIELDS for metric in detail.metrics)
        assert _tokens_grow_between_compactions(detail.metrics)
        last = parse_timestamp(detail.metrics[-1].timestamp, visit.clock)
        assert last is not None
        assert last <= visit.clock.now()
        compactions += session.compaction_count
    assert compactions >= 2


def _tokens_grow_between_compactions(metrics: tuple[Metric, ...]) -> bool:
    steps = [later.tokens - earlier.tokens for earlier, later in pairwise(metrics)]
    return sum(step > 0 for step in steps) > 0.7 * len(steps)


def test_the_active_session_and_a_missing_one() -> None:
    visit = untouched()
    detail = run(visit.api.active_session())
    assert detail.session.max_context == 262_144
    assert detail.provider_name == "🟢 NVIDIA"
    assert run(visit.api.load_session(99_999)) is None
    assert run(visit.api.load_session("abc")) is None


def test_activating_tells_every_page() -> None:
    visit = Visit().watch(0)
    assert run(visit.api.activate_session(1))
    assert not visit.of_type("session_activated")
    visit.scheduler.advance(0)
    assert [f["session_id"] for f in visit.of_type("session_activated")] == [1]
    assert run(visit.api.active_session()).session.id == 1
    assert run(visit.api.activate_session(1))


def test_requests_then_come_in_the_session_chosen() -> None:
    visit = Visit().watch(5)
    run(visit.api.activate_session(2))
    visit.texts.clear()
    visit.scheduler.advance(20)
    sessions = {frame["session_id"] for frame in visit.of_type("metric")}
    assert sessions == {2}


def test_activating_a_missing_session_leaves_none_active() -> None:
    visit = Visit()
    with pytest.raises(ProxyRefused, match="non trouvée") as caught:
        run(visit.api.activate_session(99_999))
    assert caught.value.status == 200
    assert run(visit.api.active_session()) is None
    with pytest.raises(ProxyRefused):
        run(visit.api.export("csv"))
    with pytest.raises(ProxyRefused):
        run(visit.api.export("json"))
    assert run(visit.api.health())["active_session"] is None


def test_creating_a_session() -> None:
    visit = Visit().watch(0)
    session = run(visit.api.create_session("Été <i>", "anthropic", "anthropic/claude-sonnet-4.5"))
    assert (session.name, session.max_context, session.is_active) == ("Été <i>", 200_000, True)
    visit.scheduler.advance(0)
    assert visit.of_type("new_session")[0]["session"]["id"] == session.id
    detail = run(visit.api.active_session())
    assert detail.session.id == session.id
    assert detail.totals["max_tokens"] is None
    assert detail.metrics == ()
    status, plain = visit.ask("POST", "/api/sessions", {})
    assert status == 200
    assert plain["provider"] == "managed:kimi-code"
    assert plain["name"].startswith("Session ")


def test_a_session_of_an_unknown_provider_can_be_read() -> None:
    visit = Visit()
    session = run(visit.api.create_session("x", "elsewhere", "elsewhere/some-model"))
    assert run(visit.api.load_session(session.id)).provider_name == "elsewhere"
    visit.watch(30)
    assert visit.of_type("metric_updated")


def test_deleting_sessions() -> None:
    visit = Visit().watch(0)
    outcome = run(visit.api.delete_sessions([1, 2, 99_999]))
    assert outcome.deleted == (1, 2)
    assert list(outcome.refused) == [99_999]
    visit.scheduler.advance(0)
    frame = visit.of_type("sessions_bulk_deleted")[0]
    assert frame["session_ids"] == [1, 2]
    assert frame["deleted_count"] == 2
    for refused in ([3, 5], [], [99_998]):
        with pytest.raises(ProxyRefused) as caught:
            run(visit.api.delete_sessions(refused))
        assert caught.value.status == 200
    assert {session.id for session in run(visit.api.sessions())} == {3, 4, 5}


def test_a_session_deleted_while_it_waits_for_an_answer_is_not_heard_of_again() -> None:
    visit = Visit().watch(0)
    while not visit.of_type("metric"):
        visit.scheduler.advance(0.1)
    run(visit.api.activate_session(1))
    run(visit.api.delete_sessions([5]))
    visit.texts.clear()
    visit.scheduler.advance(20)
    assert {frame["session_id"] for frame in visit.of_type("metric_updated", "log_metric")} == {1}


def test_automatic_sessions_can_be_switched_off() -> None:
    visit = Visit()
    assert run(visit.api.auto_session())
    assert not run(visit.api.set_auto_session(False))
    assert not run(visit.api.auto_session())
    visit.watch(600)
    assert not visit.of_type("auto_session_created", "session_activated")


def test_vacuum_frees_something_once() -> None:
    visit = Visit()
    first = run(visit.api.vacuum())["database"]
    again = run(visit.api.vacuum())["database"]
    assert first["size_before_bytes"] - first["size_after_bytes"] == first["space_saved_bytes"] > 0
    assert again["space_saved_bytes"] == 0


def test_providers_and_models() -> None:
    visit = untouched()
    providers = run(visit.api.providers())
    assert [provider.key for provider in providers] == [p.key for p in PROVIDERS]
    listed = {model.key: model.max_context for p in providers for model in p.models}
    assert listed == {model.key: model.max_context for model in run(visit.api.models())}


def test_health_and_rate_limit() -> None:
    visit = Visit()
    before = run(visit.api.rate_limit())
    assert set(before) == {"status", "current_rpm", "max_rpm", "percentage"}
    visit.watch(90)
    after = run(visit.api.rate_limit())
    assert after["status"] == "elevated"
    assert 15 <= after["current_rpm"] <= 40
    health = run(visit.api.health())
    assert health["rate_limit"]["current_rpm"] == after["current_rpm"]
    assert health["log_watcher"]["summary"]["total"] == 3


def test_no_answer_holds_a_key() -> None:
    visit = untouched()
    for path in ("/api/sessions/active", "/api/providers", "/health", "/api/sessions/2"):
        _, answer = visit.ask("GET", path)
        assert '"api_key"' not in json.dumps(answer)


# -- compaction and memory ------------------------------------------------------------------


def test_compacting_on_demand_really_compacts() -> None:
    visit = Visit().watch(0)
    preview = run(visit.api.compaction_preview(4))
    assert preview["can_compact"]
    answer = run(visit.api.compact(4))
    result = answer["result"]
    assert result["original_tokens"] == preview["estimate"]["original_tokens"]
    assert result["compacted_tokens"] == pytest.approx(
        preview["estimate"]["compacted_tokens"], abs=5
    )
    visit.scheduler.advance(0)
    assert visit.of_type("compaction_event")[0]["compaction"] == result
    stats = run(visit.api.compaction_stats(4))
    assert stats["context"]["current_tokens"] == result["compacted_tokens"]
    newest = stats["compaction"]["history"][0]
    assert newest["trigger_reason"] == "manual"
    assert newest["tokens_saved"] == result["tokens_saved"]
    with pytest.raises(ProxyRefused, match="Rien à compacter"):
        run(visit.api.compact(4))


def test_compaction_figures_agree_with_each_other() -> None:
    visit = untouched()
    for session in run(visit.api.sessions()):
        stats = run(visit.api.compaction_stats(session.id))
        history = run(visit.api.compaction_history(session.id))
        chart = run(visit.api.compaction_chart(session.id))
        status = run(visit.api.compaction_auto_status(session.id))
        count = session.compaction_count
        assert stats["compaction"]["compaction_count"] == count
        assert history["total_entries"] == len(chart["labels"]) == count
        assert all(len(line["data"]) == count for line in chart["datasets"])
        assert status["status"]["total_compactions"] == count
        assert status["context"]["current_tokens"] == stats["context"]["current_tokens"]
        saved = sum(row["tokens_saved"] for row in history["history"])
        assert stats["compaction"]["total_tokens_saved"] == saved


def test_the_context_of_the_statistics_is_that_of_the_last_request() -> None:
    visit = Visit().watch(100)
    while visit.frames[-1]["type"] != "metric_updated":
        visit.scheduler.advance(0.05)
    frame = visit.frames[-1]
    stats = run(visit.api.compaction_stats(frame["session_id"]))
    assert stats["context"]["current_tokens"] == pytest.approx(frame["cumulative_tokens"], abs=3)


def test_a_full_session_is_shown_as_such() -> None:
    visit = Visit()
    visit.ask("POST", "/api/sessions/toggle-auto", {"enabled": False})
    visit.ask("POST", "/api/compaction/5/toggle-auto", {"enabled": False})
    visit.watch(0)
    while not any(f["cumulative_percentage"] > 96 for f in visit.of_type("metric_updated")):
        visit.scheduler.advance(1)
    status = run(visit.api.compaction_auto_status(5))
    assert status["alert"]["level"] == "critical"
    assert not status["status"]["is_pending"]
    assert run(visit.api.compaction_stats(5))["context"]["compaction_ready"]


def test_compaction_can_be_configured() -> None:
    visit = Visit().watch(0)
    assert not run(visit.api.set_auto_compaction(5, False))
    assert run(visit.api.reserve_tokens(5, 4000)) == 4000
    visit.scheduler.advance(0)
    assert visit.of_type("auto_compaction_toggled")[0]["enabled"] is False
    assert visit.of_type("reserved_tokens_updated")[0]["reserved_tokens"] == 4000
    session = run(visit.api.load_session(5)).session
    assert (session.reserved_tokens, session.auto_compaction_enabled) == (4000, False)
    context = run(visit.api.compaction_stats(5))["context"]
    assert context["percentage_with_reserved"] > context["percentage"]


def test_simulating_a_compaction_changes_nothing() -> None:
    visit = untouched()
    messages = [{"role": "user", "content": f"q{n} " + "text " * 100} for n in range(20)]
    before = run(visit.api.compaction_stats(5))
    result = run(visit.api.simulate_compaction(5, messages))["result"]
    assert result["compacted"]
    assert result["compacted_tokens"] < result["original_tokens"]
    assert result["messages_after"] == 5
    assert not run(visit.api.simulate_compaction(5, []))["result"]["compacted"]
    assert run(visit.api.compaction_stats(5)) == before


def test_memories() -> None:
    visit = Visit().watch(200)
    stats = run(visit.api.memory_stats())
    assert stats["basic_stats"]["total_memory_tokens"] > 0
    assert {server["connected"] for server in stats["servers"]} == {True, False}
    assert len(run(visit.api.frequent_memories())) == 5
    assert len(run(visit.api.frequent_memories(min_access_count=10, limit=2))) == 2
    assert len(run(visit.api.memory_servers())["servers"]) == 2
    assert run(visit.api.memory_servers(every=True))["total_count"] == 4
    kept = run(visit.api.store_memory(5, "Une note.", "episodic"))
    assert kept["success"]
    assert run(visit.api.memory_stats())["advanced_stats"]["episodic_memories"] == 1


def test_memory_tokens_reach_the_session() -> None:
    visit = Visit().watch(100)
    told = [f for f in visit.of_type("metric") if f["mcp_memory"] is not None]
    assert told
    assert len(visit.of_type("memory_metrics_update")) == len(told)
    last = told[-1]
    detail = run(visit.api.load_session(last["session_id"]))
    assert detail.memory.memory_tokens == last["mcp_memory"]["memory_tokens"]
    assert last["mcp_memory"]["total_tokens"] == last["metric"]["estimated_tokens"]


# -- errors in all their dresses ----------------------------------------------------------------


def test_a_plain_text_fault() -> None:
    visit = untouched()
    for work in (visit.api.compress_memory("x", 0.5), visit.api.similar_memories("x")):
        with pytest.raises(ProxyFault, match="Internal Server Error"):
            run(work)


@pytest.mark.parametrize("path", ["stats", "preview", "auto-status", "history", "history-chart"])
def test_compaction_of_a_missing_session(path: str) -> None:
    visit = untouched()
    status, answer = visit.ask("GET", f"/api/compaction/99999/{path}")
    assert (status, answer["error"]) == (404, "Session non trouvée")


@pytest.mark.parametrize(
    ("method", "path", "status", "detail"),
    [
        ("GET", "/api/export/xml", 404, "Not Found"),
        ("GET", "/", 404, "Not Found"),
        ("POST", "/api/proxy/config", 404, "Not Found"),
        ("GET", "/api/sessions/", 404, "Not Found"),
        ("DELETE", "/api/sessions/5", 405, "Method Not Allowed"),
        ("PUT", "/api/sessions", 405, "Method Not Allowed"),
        ("POST", "/openapi.json", 405, "Method Not Allowed"),
    ],
)
def test_routes_that_are_not_there(method: str, path: str, status: int, detail: str) -> None:
    visit = untouched()
    assert visit.ask(method, path) == (status, {"detail": detail})
    answer = run(visit.demo.request(method, path, None, timeout=1))
    with pytest.raises(RouteUnsupported):
        read_answer(Route(method, path), answer)


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("GET", "/api/sessions/abc", None),
        ("GET", "/api/sessions/1.5", None),
        ("GET", "/api/sessions/diagnostic", None),
        ("GET", "/api/sessions/" + "9" * 5000, None),
        ("POST", "/api/sessions/abc/activate", None),
        ("POST", "/api/sessions", None),
        ("POST", "/api/sessions", "{"),
        ("POST", "/api/sessions", "[]"),
        ("POST", "/api/sessions", "NaN"),
        ("POST", "/api/sessions", "[" * 100_000),
        ("POST", "/api/sessions", {"name": 3}),
        ("POST", "/api/sessions", {"name": "x", "model": []}),
        ("DELETE", "/api/sessions", {"session_ids": "1"}),
        ("DELETE", "/api/sessions", {"session_ids": ["1"]}),
        ("DELETE", "/api/sessions", {}),
        ("POST", "/api/sessions/toggle-auto", {"enabled": "yes"}),
        ("POST", "/api/compaction/5", {"preserve_messages": -1}),
        ("POST", "/api/compaction/5", {"force": None}),
        ("POST", "/api/compaction/5/reserved", {"reserved_tokens": 10**400}),
        ("POST", "/api/compaction/5/reserved", {"reserved_tokens": True}),
        ("POST", "/api/compaction/5/toggle-auto", {}),
        ("POST", "/api/compaction/5/simulate", {"messages": None}),
        ("GET", "/api/memory/frequent?limit=x", None),
        ("POST", "/api/memory/store", {"content": "x"}),
        ("POST", "/api/memory/store?session_id=5", {"content": 1}),
    ],
)
def test_values_that_cannot_be_used(method: str, path: str, body: Any) -> None:
    visit = untouched()
    status, answer = visit.ask(method, path, body)
    assert status == 422
    assert set(answer["detail"][0]) == {"type", "loc", "msg", "input"}
    refused = run(visit.demo.request(method, path, None, timeout=1))
    with pytest.raises(ProxyRefused):
        read_answer(Route(method, path), refused)


def test_a_memory_for_a_missing_session() -> None:
    with pytest.raises(ProxyRefused, match="non trouvée"):
        run(untouched().api.store_memory(99_999, "x", "episodic"))


# -- the whole core on top ----------------------------------------------------------------------


def test_the_core_follows_the_demo_and_loses_nothing() -> None:
    async def story() -> None:
        clock = FakeClock(1_790_000_000_000)
        scheduler = FakeScheduler(clock)
        demo = DemoProxy(clock, scheduler, 7)
        recorder = Recorder()
        state = SessionState(recorder.bus, clock)
        api = ProxyApi(demo)
        manager = SessionManager(state, recorder.bus, api)
        live = Live(api, demo, state, manager, recorder.bus, clock, scheduler, demo=True)
        await api.set_auto_session(False)
        live.start()
        for _ in range(320):
            scheduler.advance(1)
            await scheduler.settle()
        live.stop()
        assert not recorder.errors
        assert not scheduler.errors
        assert not live.ignored
        detail = await api.active_session()
        assert detail is not None
        assert state.is_current(detail.session.id)
        seen = [metric.id for metric in state.metrics()]
        known = [metric.id for metric in detail.metrics or ()]
        assert seen == known
        assert len(seen) == 100
        assert sum(metric.is_estimated for metric in state.metrics()) <= 5
        assert scheduler.pending() == []

    run(story())

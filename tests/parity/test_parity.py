"""Replays what the original module was recorded to do, call by call.

Every step must return the same and emit the same, in the same order, after JSON; our
objects may have more fields. A step marked ``differs`` is one where the original is wrong:
it is checked against the rule instead, by an independent computation.

The recording drives a SessionManager beside the module's own state: switching did not
touch what the state's getters answered, for the original kept two notions of the current
session. Here a manager owns its state, so the replay gives the manager one of its own; what
the same recording means for one shared state is checked at the end.
"""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest

from sessions import events
from sessions.errors import SwitchFailed
from sessions.manager import SessionManager
from sessions.models import SessionDetail, to_plain
from sessions.state import SessionState
from tests.support import FakeClock, Recorder

RECORDED = Path(__file__).with_name("recorded.jsonl")
ORIGINAL_EVENTS = (
    events.SESSION_CHANGED,
    events.SESSION_LOADED,
    events.METRICS_LOADED,
    events.METRIC_ADDED,
    events.METRIC_UPDATED,
    events.MEMORY_UPDATED,
    events.METRICS_CLEARED,
)
CASES = [json.loads(line) for line in RECORDED.read_text(encoding="utf-8").splitlines()]


class AnswersFromRecording:
    """A backend that answers what the recording says the server answered."""

    activates_to_load = False

    def __init__(self) -> None:
        self.answer: Any = None

    async def load_session(self, session_id: object) -> SessionDetail | None:
        return None if self.answer == 404 else SessionDetail.from_wire(self.answer)

    async def activate_session(self, session_id: object) -> None:
        raise AssertionError("the original never activates")


class Replay:
    """One fresh module: state, manager, and a bus that is listened to."""

    def __init__(self, *, shared_state: bool) -> None:
        self.clock = FakeClock()
        self.recorder = Recorder()
        self.recorder.listen(*ORIGINAL_EVENTS)
        self.backend = AnswersFromRecording()
        self.state = SessionState(self.recorder.bus, self.clock)
        own = self.state if shared_state else SessionState(self.recorder.bus, self.clock)
        self.manager = SessionManager(own, self.recorder.bus, self.backend)
        self.estimates: dict[Any, int | None] = {}

    def call(self, name: str, args: list[Any]) -> Any:
        return getattr(self, f"_{name}")(*args)

    def _addMetric(self, metric: dict[str, Any], session_id: Any) -> None:
        self.estimates[metric["id"]] = metric["estimated_tokens"]
        self.state.add_metric(metric, session_id)

    def _updateMetricWithRealTokens(self, metric_id: Any, real: dict[str, Any]) -> Any:
        return self.state.update_metric_with_real_tokens(metric_id, real)

    def _calculateStats(self) -> Any:
        return self.state.calculate_stats()

    def _calculateAccuracy(self) -> Any:
        return self.state.calculate_accuracy()

    def _mergeDataSources(self) -> Any:
        return self.state.merge_data_sources()

    def _setLastProxyData(self, data: Any) -> None:
        self.state.set_last_proxy_data(data)

    def _setLastLogData(self, data: Any) -> None:
        self.state.set_last_log_data(data)

    def _setMemoryMetrics(self, data: Any) -> None:
        self.state.set_memory_metrics(data)

    def _clearMetrics(self) -> None:
        self.state.clear_metrics()

    def _loadSessionData(self, data: Any) -> None:
        for metric in data["recent_metrics"]:
            self.estimates[metric["id"]] = metric["estimated_tokens"]
        before = json.dumps(data)
        self.state.load_session_data(data)
        assert json.dumps(data) == before, "the caller's answer was changed"

    def _extractProvider(self, model: Any) -> str:
        return self.manager.extract_provider(model)

    def _getTimeoutForProvider(self, provider: Any) -> int:
        return self.manager.get_timeout_for_provider(provider)

    def _getActiveSession(self) -> Any:
        return self.manager.get_active_session()

    def _switchSession(self, session_id: Any, metrics: Any, server: dict[str, Any]) -> Any:
        self.backend.answer = server["response"]
        return asyncio.run(self.manager.switch_session(session_id, metrics))

    def _state(self) -> dict[str, Any]:
        reading = self.state.proxy_reading
        log = self.state.log_reading
        return {
            "id": self.state.session_id,
            "metrics": self.state.metrics(),
            "max": self.state.max_context,
            "memory": self.state.memory,
            "proxy": reading and reading.wire,
            "log": log and log.wire,
        }


def contains(ours: Any, recorded: Any) -> bool:
    """Tell whether ``ours`` equals what was recorded, more fields in objects allowed."""
    if isinstance(recorded, dict) and isinstance(ours, dict):
        return all(name in ours and contains(ours[name], recorded[name]) for name in recorded)
    if isinstance(recorded, list) and isinstance(ours, list):
        return len(ours) == len(recorded) and all(map(contains, ours, recorded))
    return (type(ours) is type(recorded) and ours == recorded) or is_same_number(ours, recorded)


def is_same_number(one: Any, other: Any) -> bool:
    """JSON has one kind of number: 100 and 100.0 are the same."""
    numbers = (int, float)
    if isinstance(one, bool) or isinstance(other, bool):
        return False
    return isinstance(one, numbers) and isinstance(other, numbers) and one == other


def emitted(recorder: Recorder) -> list[list[Any]]:
    return [[str(topic), to_plain(payload)] for topic, payload in recorder.take()]


def without_proxy_config(recorded: list[list[Any]]) -> list[list[Any]]:
    """The original's ``proxyConfig`` was always null; ours is not."""
    return [
        [topic, {k: v for k, v in payload.items() if k != "proxyConfig"}]
        if topic == events.SESSION_CHANGED
        else [topic, payload]
        for topic, payload in recorded
    ]


def check_accuracy(replay: Replay, ours: Any) -> None:
    real = [m for m in replay.state.metrics() if not m.is_estimated]
    known = [m for m in real if replay.estimates.get(m.id) is not None and m.tokens]
    if not known:
        assert ours is None
        return
    last = known[-1]
    estimated = replay.estimates[last.id]
    accuracy = max(0, (1 - abs(estimated - last.tokens) / last.tokens) * 100)
    assert ours["estimated"] == estimated
    assert ours["real"] == last.tokens
    assert ours["accuracy"] == pytest.approx(accuracy)
    assert ours["formattedAccuracy"] == f"{ours['accuracy']:.1f}"
    colour = "red" if accuracy < 70 else "yellow" if accuracy < 85 else "green"
    assert ours["accuracyColor"] == f"text-{colour}-400"


def check_merge(replay: Replay, ours: Any) -> None:
    """At least one source is stale, so there is no hybrid."""
    proxy, log = replay.state.proxy_reading, replay.state.log_reading
    readings = [r for r in (proxy, log) if r is not None]
    fresh = [r for r in readings if replay.clock.now() - (r.timestamp or 0) < 5000]
    assert len(fresh) < 2 or ours["source"] != "hybrid"
    if len(fresh) == 1:
        assert ours["tokens"] == fresh[0].tokens
    elif not fresh:
        assert ours["tokens"] == (proxy or log).tokens


CHECKS = {"accuracy": check_accuracy, "stale-source": check_merge}


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"case-{case['case']}")
def test_every_recorded_step_is_the_same(case: dict[str, Any]) -> None:
    replay = Replay(shared_state=False)
    for number, step in enumerate(case["steps"]):
        where = f"case {case['case']}, step {number}: {step['call']}({step['args']})"
        replay.clock.time = step["at"]
        try:
            ours = to_plain(replay.call(step["call"], step["args"]))
            failed = False
        except SwitchFailed:
            ours, failed = None, True
        ours_emitted = emitted(replay.recorder)
        assert failed == step.get("fails", False), where
        check = CHECKS.get(step.get("differs", ""))
        if check is not None:
            check(replay, ours)
        else:
            assert contains(ours, step["returns"]), f"{where}\n{ours}\n{step['returns']}"
        expected = without_proxy_config(step["emits"])
        assert contains(ours_emitted, expected), f"{where}\n{ours_emitted}\n{expected}"
    assert replay.recorder.errors == []


SWITCHING = [case for case in CASES if any(s["call"] == "switchSession" for s in case["steps"])]


@pytest.mark.parametrize("case", SWITCHING, ids=lambda case: f"case-{case['case']}")
def test_with_one_state_the_current_session_is_the_one_switched_to(case: dict[str, Any]) -> None:
    """The original's getters answered "no session" after a switch; here they agree."""
    replay = Replay(shared_state=True)
    expected = None
    for step in case["steps"]:
        if step["call"] != "switchSession":
            continue
        if not step.get("fails"):
            expected = step["returns"]
            replay.call(step["call"], step["args"])
        assert replay.state.session_id == expected["id"] if expected else True
    assert expected is not None
    assert replay.state.max_context == (expected["max_context"] or 262_144)
    assert to_plain(replay.manager.get_active_session()) == expected


def test_the_recording_is_whole() -> None:
    steps = [step for case in CASES for step in case["steps"]]
    assert len(CASES) == 24
    assert len(steps) == 2208
    assert sum("differs" not in step for step in steps) == 2051

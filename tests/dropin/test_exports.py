"""The surface: which names there are, and what kind of values they give."""

from __future__ import annotations

from typing import Any

import pytest

from tests.dropin.conftest import Host

FUNCTIONS = {
    "addMetric", "calculateAccuracy", "calculateStats", "clearMetrics", "getCurrentMaxContext",
    "getCurrentMemoryMetrics", "getCurrentSessionId", "getLastLogData", "getLastProxyData",
    "getSessionManager", "getSessionMetrics", "loadSessionData", "mergeDataSources",
    "reloadSessionData", "setCurrentMaxContext", "setCurrentSessionId", "setLastLogData",
    "setLastProxyData", "setMemoryMetrics", "updateMetricWithRealTokens",
}  # fmt: skip
METHODS = {
    "cleanupOldConfigs", "extractProvider", "getActiveSession", "getApiKeyForProvider",
    "getProxyConfig", "getTimeoutForProvider", "isSessionActive", "loadSession", "switchSession",
    "updateProxyConfig",
}  # fmt: skip
MEMBERS = {"activeSession", "sessionHistory", "sessionProxyMap"}
PROMISED = {"getApiKeyForProvider", "loadSession", "switchSession", "updateProxyConfig"}

FILL = """
sessions.clearMetrics();
sessions.setCurrentSessionId(1);
sessions.addMetric({id: 1, estimated_tokens: 900, extra: {deep: [1, {x: 2}]}}, 1);
sessions.updateMetricWithRealTokens(1, {total: 1000, prompt: 900, completion: 100});
sessions.setMemoryMetrics({memory_tokens: 5, chat_tokens: 6, memory_ratio: 45.5});
sessions.setLastProxyData({tokens: 5000, percentage: 2, timestamp: Date.now()});
sessions.setLastLogData({tokens: 5200, percentage: 2.1, timestamp: Date.now(), source: "logs"});
"""
GETTERS = """{
  metrics: sessions.getSessionMetrics(), memory: sessions.getCurrentMemoryMetrics(),
  proxy: sessions.getLastProxyData(), log: sessions.getLastLogData(),
  stats: sessions.calculateStats(), accuracy: sessions.calculateAccuracy(),
  merged: sessions.mergeDataSources(),
}"""


def test_exactly_the_names_of_the_original(bare: Host) -> None:
    kinds = bare.run("return Object.entries(sessions).map(([name, one]) => [name, typeof one]);")
    assert dict(kinds) == dict.fromkeys({*FUNCTIONS, "SessionManager"}, "function")
    names = bare.run("return Object.getOwnPropertyNames(sessions.SessionManager.prototype);")
    assert set(names) - {"constructor"} == METHODS | MEMBERS


def test_what_is_synchronous_answers_at_once_and_what_is_not_promises(bare: Host) -> None:
    promised = bare.run(
        """const manager = new sessions.SessionManager();
        return argument.filter((name) => {
          const result = manager[name](null);
          result?.catch?.(() => {});
          return result instanceof Promise;
        });""",
        sorted(METHODS),
    )
    assert set(promised) == PROMISED
    assert bare.run("return sessions.reloadSessionData() instanceof Promise;") is True
    assert bare.run("return new sessions.SessionManager().getApiKeyForProvider('x');") is None


def test_values_are_plain_and_the_callers_own(bare: Host) -> None:
    script = f"""{FILL}
        const read = () => ({GETTERS});
        const isPlain = (value) => typeof value !== "object" || value === null
          || [Object.prototype, Array.prototype].includes(Object.getPrototypeOf(value))
          && Object.values(value).every(isPlain);
        const spoil = (value) => {{
          for (const name of Object.keys(value)) {{
            if (typeof value[name] === "object" && value[name] !== null) spoil(value[name]);
            value[name] = "spoilt";
          }}
        }};
        const first = read();
        const text = JSON.stringify(first);
        structuredClone(first);
        const isAllPlain = isPlain(first);
        [...first.metrics].slice(0).map((metric) => ({{ ...metric }}));
        spoil(first);
        return [isAllPlain, text, JSON.stringify(read())];"""
    is_plain, before, after = bare.run(script)
    assert is_plain
    assert before == after
    assert '"deep":[1,{"x":2}]' in before


def test_a_listener_may_spoil_what_it_gets(bare: Host) -> None:
    metrics = bare.run(
        """sessions.clearMetrics();
        const spoil = (metric) => { metric.estimated_tokens = -1; };
        eventBus.on("metric:added", spoil);
        sessions.addMetric({id: 7, estimated_tokens: 70}, sessions.getCurrentSessionId());
        eventBus.off("metric:added", spoil);
        return sessions.getSessionMetrics();"""
    )
    assert [metric["estimated_tokens"] for metric in metrics] == [70]


def test_a_listener_that_asks_sees_what_it_is_told_of(bare: Host) -> None:
    seen = bare.run(
        """sessions.clearMetrics();
        const seen = [];
        const ask = () => seen.push(
          [sessions.getSessionMetrics().length, sessions.calculateStats().maxTokens]);
        eventBus.on("memory:updated", ask);
        eventBus.on("metric:added", ask);
        eventBus.on("metric:updated", ask);
        const id = sessions.getCurrentSessionId();
        const memory = {memory_tokens: 1, chat_tokens: 2, memory_ratio: 33};
        sessions.addMetric({id: 8, estimated_tokens: 80, ...memory}, id);
        sessions.updateMetricWithRealTokens(8, {total: 88, prompt: 80, completion: 8});
        for (const event of ["memory:updated", "metric:added", "metric:updated"]) {
          eventBus.off(event, ask);
        }
        return seen;"""
    )
    assert seen == [[0, 0], [1, 80], [1, 88]]


def test_a_listener_that_throws_is_reported_and_harms_nobody(bare: Host) -> None:
    bare.watch.expect("broken listener")
    length = bare.run(
        """sessions.clearMetrics();
        const fail = () => { throw new Error("broken listener"); };
        eventBus.on("metric:added", fail);
        sessions.addMetric({id: 9, estimated_tokens: 90}, sessions.getCurrentSessionId());
        eventBus.off("metric:added", fail);
        return sessions.getSessionMetrics().length;"""
    )
    assert length == 1
    bare.eventually(lambda: any("broken listener" in text for text in bare.watch.console), True)


def test_the_mirror_follows_every_change(bare: Host) -> None:
    """Metrics cross once and are then known by their place: no order of changes may confuse it."""
    result = bare.run(
        """sessions.clearMetrics();
        const owner = sessions.getCurrentSessionId();
        const ids = () => sessions.getSessionMetrics().map(
          (metric) => `${metric.id}:${metric.estimated_tokens}`);
        const steps = [];
        for (let id = 1; id <= 103; id++) {
          sessions.addMetric({id, estimated_tokens: id}, owner);
          if (id % 25 === 0) ids();
        }
        sessions.updateMetricWithRealTokens(50, {total: 5, prompt: 4, completion: 1});
        steps.push(ids());
        sessions.setCurrentSessionId("elsewhere");
        steps.push(ids());
        sessions.setCurrentSessionId(owner);
        sessions.addMetric({id: 104, estimated_tokens: 104}, owner);
        steps.push(ids());
        sessions.clearMetrics();
        steps.push(ids());
        return steps;"""
    )
    held = [f"{number}:{number}" for number in range(4, 104)]
    held[46] = "50:5"
    assert result == [held, [], [*held[1:], "104:104"], []]


def test_what_is_true_from_now_on_is_true_now(bare: Host) -> None:
    """Python's clock tells no parts of a millisecond: they would put it ahead of the page's."""
    moments = bare.run(
        """const { parse } = JSON;
        const moments = [];
        JSON.parse = (text) => { const read = parse(text); moments.push(read[0]); return read; };
        try {
          for (let tokens = 0; tokens < 5; tokens++) {
            sessions.setLastProxyData({tokens, timestamp: Date.now()});
            sessions.mergeDataSources();
          }
        } finally {
          JSON.parse = parse;
        }
        return moments;"""
    )
    assert len(moments) == 5
    assert [moment for moment in moments if moment % 1] == []


def test_what_has_not_changed_does_not_cross_again(bare: Host) -> None:
    """Everything that comes from Python is text: what is parsed is what has crossed."""
    again, after_one = bare.run(
        """sessions.clearMetrics();
        const owner = sessions.getCurrentSessionId();
        for (let id = 1; id <= 100; id++) sessions.addMetric({id, estimated_tokens: id}, owner);
        const timestamp = Date.now() + 60_000; // fresh throughout
        sessions.setLastProxyData({tokens: 5000, percentage: 2, timestamp});
        const ask = () => [
          sessions.getSessionMetrics(), sessions.calculateStats(), sessions.calculateAccuracy(),
          sessions.mergeDataSources(), sessions.getCurrentSessionId(),
          sessions.getCurrentMemoryMetrics(), sessions.getLastProxyData(),
          sessions.getSessionManager().activeSession,
        ];
        ask();
        const crossed = [];
        const { parse } = JSON;
        JSON.parse = (text) => { crossed.push(text); return parse(text); };
        try {
          ask();
          const again = crossed.splice(0);
          sessions.addMetric({id: 101, estimated_tokens: 101}, owner);
          const held = sessions.getSessionMetrics();
          return [again, crossed, held];
        } finally {
          JSON.parse = parse;
        }"""
    )[:2]
    assert again == []
    told, listed = after_one
    assert told.startswith('{"id":101')
    assert listed.startswith("[1,100,[],[{")
    assert listed.count("{") == 1


def test_managers_of_ones_own_share_nothing_but_the_shared_one_does(bare: Host) -> None:
    result = bare.run(
        """const [one, other] = [new sessions.SessionManager(), new sessions.SessionManager()];
        const shared = sessions.getSessionManager();
        await one.switchSession(1);
        const apart = [one, other, shared].map((manager) => manager.activeSession?.id);
        await shared.switchSession(1);
        return {
          apart, kinds: [one, shared].map((m) => m instanceof sessions.SessionManager),
          same: shared === sessions.getSessionManager(),
          current: sessions.getCurrentSessionId(),
          active: [shared.isSessionActive("1"), other.isSessionActive(1)],
          history: shared.sessionHistory.map((session) => session.id),
          map: [...shared.sessionProxyMap], isMap: shared.sessionProxyMap instanceof Map,
          config: shared.getProxyConfig(shared.getActiveSession()),
        };"""
    )
    assert result["apart"] == [1, None, None]
    assert result["kinds"] == [True, True]
    assert result["same"]
    assert result["isMap"]
    assert result["current"] == 1
    assert result["active"] == [True, False]
    assert result["history"] == [1]
    assert result["map"] == [[1, result["config"]]]
    assert set(result["config"]) == {"model", "provider", "timeout", "session_id"}


def test_a_switch_that_fails_rejects_and_changes_nothing(bare: Host) -> None:
    result = bare.run(
        """const manager = sessions.getSessionManager();
        await manager.switchSession(1);
        const failed = await manager.switchSession(999).catch((error) => error);
        const nonsense = await manager.switchSession({}).catch((error) => error);
        return [failed instanceof Error, failed.name, failed.message, nonsense.name,
                manager.activeSession.id, await manager.loadSession(999)];"""
    )
    assert result == [
        True, "SessionNotFound", "Session 999 introuvable", "SessionNotFound", 1, None,
    ]  # fmt: skip


GARBAGE = "[undefined, null, 0, NaN, '', 'x', [], {}, () => 1, Symbol('s'), 10n, circle, deep]"


@pytest.mark.parametrize("name", sorted(FUNCTIONS - {"getSessionManager", "reloadSessionData"}))
def test_nonsense_is_ignored(bare: Host, name: str) -> None:
    thrown = bare.run(
        f"""const circle = {{}}; circle.self = circle;
        let deep = []; for (let left = 5000; left; left--) deep = [deep];
        const thrown = [];
        for (const one of {GARBAGE}) for (const other of {GARBAGE}) {{
          try {{
            sessions.{name}(one, other, one, other);
          }} catch (error) {{
            thrown.push(String(error));
          }}
        }}
        return thrown;"""
    )
    assert thrown == []


def test_nothing_is_held_across_the_border(bare: Host) -> None:
    """After 10 000 calls and switches both languages hold exactly what they held before."""
    before, after = bare.run(
        """const held = () => {
          pyodide.runPython("import gc; gc.collect()");
          return [pyodide._module.pyproxy_alloc_map.size, pyodide._module._hiwire_num_refs()];
        };
        const manager = sessions.getSessionManager();
        const round = async (turn) => {
          sessions.addMetric({id: turn, estimated_tokens: turn}, 1);
          sessions.updateMetricWithRealTokens(turn, {total: 2 * turn, prompt: turn, completion: 1});
          sessions.getSessionMetrics();
          sessions.calculateStats();
          sessions.calculateAccuracy();
          sessions.mergeDataSources();
          sessions.getCurrentSessionId();
          manager.getProxyConfig(manager.activeSession);
          manager.extractProvider("kimi-k2");
          if (turn % 200 === 0) await manager.switchSession(turn % 400 ? 1 : 999).catch(() => {});
        };
        for (let turn = 1; turn <= 200; turn++) await round(turn);
        const before = held();
        for (let turn = 201; turn <= 1200; turn++) await round(turn); // nine calls each
        for (const end = Date.now() + 5000; `${held()}` !== `${before}` && Date.now() < end;) {
          await new Promise(requestAnimationFrame); // what is released comes back a little later
        }
        return [before, held()];"""
    )
    assert after == before


def test_figures(bare: Host) -> None:
    figures: dict[str, Any] = bare.run(f"{FILL} return {GETTERS};")
    assert figures["accuracy"]["formattedAccuracy"] == "90.0"
    assert figures["merged"] == {"tokens": 5200, "percentage": 2.1, "source": "hybrid"}
    assert figures["stats"]["totalRequests"] == 1

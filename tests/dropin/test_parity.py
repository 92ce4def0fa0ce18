"""Replays the recording of the original module through the JavaScript module, in Chromium."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.sync_api import Browser

from sessions.models import to_plain
from tests.dropin.conftest import Host
from tests.parity.test_parity import CASES, Replay, contains, without_proxy_config
from tests.proxy import ProxyServer

REPLAY = """
const emitted = [];
const emit = eventBus.emit.bind(eventBus);
eventBus.emit = (event, data) => { emitted.push([event, data]); emit(event, data); };

let answer;
window.fetch = async (path) => {
  if (path === "/openapi.json") return new Response('{"detail":"Not Found"}', { status: 404 });
  if (answer === 404) return new Response('{"error":"Not there"}', { status: 404 });
  return new Response(JSON.stringify(answer));
};

const manager = new sessions.SessionManager();
const calls = {
  ...sessions,
  state: () => ({
    id: sessions.getCurrentSessionId(),
    metrics: sessions.getSessionMetrics(),
    max: sessions.getCurrentMaxContext(),
    memory: sessions.getCurrentMemoryMetrics(),
    proxy: sessions.getLastProxyData(),
    log: sessions.getLastLogData(),
  }),
  switchSession: (id, metrics, server) => {
    answer = server.response;
    return manager.switchSession(id, metrics);
  },
  extractProvider: (model) => manager.extractProvider(model),
  getTimeoutForProvider: (provider) => manager.getTimeoutForProvider(provider),
  getActiveSession: () => manager.getActiveSession(),
};

const results = [];
for (const { at, call, args } of argument) {
  Date.now = () => at;
  const before = JSON.stringify(args);
  let returns = null;
  let fails = false;
  try {
    returns = calls[call](...args);
    if (call === "switchSession") returns = await returns;
  } catch {
    returns = null;
    fails = true;
  }
  const touched = JSON.stringify(args) !== before;
  results.push({ returns: returns ?? null, fails, touched, emits: emitted.splice(0) });
}
return JSON.parse(JSON.stringify(results));
"""


@pytest.fixture
def fresh(browser: Browser, proxy: ProxyServer) -> Any:
    host = Host(browser.new_context().new_page(), proxy.url).open("/bare.html")
    yield host
    assert host.unexpected() == []
    host.page.context.close()


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"case-{case['case']}")
def test_every_recorded_step_is_the_same(fresh: Host, case: dict[str, Any]) -> None:
    """Where the original is wrong on purpose, the core's answer counts: it has its own test."""
    core = Replay(shared_state=False)
    results = fresh.run(REPLAY, case["steps"])
    assert len(results) == len(case["steps"])
    for number, (step, ours) in enumerate(zip(case["steps"], results, strict=True)):
        where = f"case {case['case']}, step {number}: {step['call']}({step['args']})\n{ours}"
        core.clock.time = step["at"]
        expected = step["returns"]
        if step["call"] != "switchSession":  # a manager of its own: the state is not touched
            told = to_plain(core.call(step["call"], step["args"]))
            expected = told if "differs" in step else expected
        assert ours["fails"] == step.get("fails", False), where
        assert not ours["touched"], where
        assert contains(ours["returns"], expected), where
        assert contains(ours["emits"], without_proxy_config(step["emits"])), where

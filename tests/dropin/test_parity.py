"""Replays the recording of the original module through the JavaScript module, in Chromium.

Every case starts from a module that has just been loaded: another query makes the browser load
``sessions.js`` again, and each copy has a state of its own on the one Python of the page.
"""

from __future__ import annotations

from typing import Any

import pytest

from sessions.models import to_plain
from tests.dropin.conftest import Host
from tests.parity.test_parity import CASES, Replay, contains, without_proxy_config

REPLAY = """
const { number, steps } = argument;
const fresh = await import(`/static/js/modules/sessions.js?case=${number}`);
const emitted = [];
const emit = eventBus.emit.bind(eventBus);
eventBus.emit = (event, data) => { emitted.push([event, data]); emit(event, data); };
const { now } = Date;
const { fetch } = window;

let answer;
window.fetch = async (path) => {
  if (path === "/openapi.json") return new Response('{"detail":"Not Found"}', { status: 404 });
  if (answer === 404) return new Response('{"error":"Not there"}', { status: 404 });
  return new Response(JSON.stringify(answer));
};

const manager = new fresh.SessionManager();
const calls = {
  ...fresh,
  loadSessionData: (data) => void fresh.loadSessionData(data), // the recording left it out
  state: () => ({
    id: fresh.getCurrentSessionId(),
    metrics: fresh.getSessionMetrics(),
    max: fresh.getCurrentMaxContext(),
    memory: fresh.getCurrentMemoryMetrics(),
    proxy: fresh.getLastProxyData(),
    log: fresh.getLastLogData(),
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
try {
  for (const { at, call, args } of steps) {
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
} finally {
  Object.assign(eventBus, { emit });
  Object.assign(window, { fetch });
  Date.now = now;
}
return JSON.parse(JSON.stringify(results));
"""


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"case-{case['case']}")
def test_every_recorded_step_is_the_same(bare: Host, case: dict[str, Any]) -> None:
    """Where the original is wrong on purpose, the core's answer counts: it has its own test."""
    core = Replay(shared_state=False)
    results = bare.run(REPLAY, {"number": case["case"], "steps": case["steps"]})
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

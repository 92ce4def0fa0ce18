"""Scripts of the page on the bus that they share with Python."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from tests.e2e.dashboard import Dashboard

pytestmark = pytest.mark.parametrize("dialect", ["2026-03-08"], indirect=True)

IMPORT = 'const { eventBus } = await import(new URL("static/js/bus.js", document.baseURI));'


def run(dashboard: Dashboard, script: str, argument: object = None) -> object:
    return dashboard.answer(f"async (argument) => {{ {IMPORT} {script} }}", argument)


def test_handlers_get_plain_objects_of_their_own(dashboard: Dashboard) -> None:
    run(
        dashboard,
        """window.seen = [];
        eventBus.on("metric:updated", (data) => { data.metric.id = 0; delete data.realTokens; });
        eventBus.on("metric:added", (metric) => { metric.estimated_tokens = -1; });
        eventBus.on("metric:added", (metric) => window.seen.push(structuredClone(metric)));""",
    )
    dashboard.request(prompt_tokens=800, completion_tokens=80)
    dashboard.agrees()
    seen = "() => window.seen.map((metric) => [metric.estimated_tokens, metric.prompt_tokens])"
    dashboard.still(lambda: dashboard.page.evaluate(seen), [[880, 800]])


def test_handlers_run_in_the_order_of_their_registration_until_taken_off(
    dashboard: Dashboard,
) -> None:
    run(
        dashboard,
        """window.order = [];
        window.handlers = ["first", "second", "third"].map((name) => () => {
          window.order.push(name);
          if (name === "second") throw new Error("This one is broken.");
        });
        for (const handler of window.handlers) eventBus.on("metric:added", handler);""",
    )
    dashboard.watch.expect("This one is broken")  # it is reported, and harms nobody
    dashboard.request(prompt_tokens=800)
    dashboard.eventually(lambda: dashboard.page.evaluate("order"), ["first", "second", "third"])

    run(dashboard, 'eventBus.off("metric:added", window.handlers[0]); window.order = [];')
    dashboard.request(prompt_tokens=900)
    dashboard.eventually(lambda: dashboard.page.evaluate("order"), ["second", "third"])
    dashboard.agrees()
    run(dashboard, 'for (const one of window.handlers) eventBus.off("metric:added", one);')
    dashboard.request(prompt_tokens=1000)
    dashboard.agrees()
    dashboard.still(lambda: dashboard.page.evaluate("order"), ["second", "third"])


def test_a_script_can_choose_the_session(dashboard: Dashboard) -> None:
    old = dashboard.proxy.state()["active_session_id"]
    chosen = dashboard.keeps("Chosen by a script", metrics=2)
    dashboard.listen("sessionChanged")
    run(dashboard, 'eventBus.emit("session:select", { id: argument });', str(chosen))

    expect(dashboard["session-name"]).to_have_text("Chosen by a script")
    dashboard.agrees(chosen)
    dashboard.eventually(lambda: len(dashboard.heard("sessionChanged")), 1)
    [change] = dashboard.steady(lambda: dashboard.heard("sessionChanged"))
    assert change["oldSession"]["id"] == old
    assert change["newSession"]["id"] == chosen
    assert change["proxyConfig"] == {
        "model": "nvidia/glm-4.7", "provider": "nvidia", "timeout": 30, "session_id": chosen,
    }  # fmt: skip


def test_scripts_hear_each_other(dashboard: Dashboard) -> None:
    heard = run(
        dashboard,
        """const heard = [];
        eventBus.on("my:own", (data) => heard.push(data));
        eventBus.emit("my:own", { text: "é", list: [1, null, true] });
        eventBus.emit("my:own");
        return heard;""",
    )
    assert heard == [{"text": "é", "list": [1, None, True]}, None]

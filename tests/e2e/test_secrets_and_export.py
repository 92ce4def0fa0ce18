"""What leaves the page: exports, and never a secret."""

from __future__ import annotations

import json
import re
from pathlib import Path

from playwright.sync_api import expect

from sessions import commands, events
from tests.e2e.conftest import Visit
from tests.e2e.dashboard import Dashboard
from tests.e2e.figures import PROVIDER
from tests.proxy import ProxyServer
from tests.proxy.dialects import DIALECTS

TOPICS = sorted(
    {
        str(value)
        for module in (events, commands)
        for value in vars(module).values()
        if isinstance(value, events.Topic)
    }
)


def export(desk: Dashboard, kind: str) -> tuple[str, str]:
    """Download an export; its name and its text."""
    with desk.page.expect_download() as download:
        desk[f"export-{kind}"].click()
    name = download.value.suggested_filename
    expect(desk.toast(f"Exported {name}.")).to_be_visible()
    return name, Path(download.value.path()).read_bytes().decode()


def test_exports_hold_the_whole_session(dashboard: Dashboard) -> None:
    session_id = dashboard.work_in("To be kept", metrics=130)

    name, text = export(dashboard, "json")
    assert name == f"session-{session_id}.json"
    exported, original = json.loads(text), dashboard.call("GET", "/api/export/json")
    assert len(exported["metrics"]) == 130
    del exported["exported_at"], original["exported_at"]
    assert exported == original

    name, text = export(dashboard, "csv")
    assert name == f"session-{session_id}.csv"
    assert text == dashboard.call("GET", "/api/export/csv")


def test_an_export_that_fails_is_explained(dashboard: Dashboard) -> None:
    dashboard.watch.expect("status of 500")
    fault = {"path_prefix": "/api/export", "status": 500, "json": {"error": "disk full"}}
    dashboard.proxy.control("faults", http=[fault])
    dashboard["export-csv"].click()
    expect(dashboard.toast("The export failed")).to_contain_text("disk full")


def test_api_keys_never_appear_anywhere(proxy: ProxyServer, visit: Visit) -> None:
    proxy.control("reset", seed_sessions=[{"name": "With a key", "provider": PROVIDER}])
    keys = [provider.api_key for provider in DIALECTS["2026-03-08"].providers]
    leak = re.compile("|".join(re.escape(key) for key in keys))
    desk = visit(proxy).connected()
    assert leak.search(json.dumps(desk.call("GET", "/api/sessions/active")))  # the proxy leaks

    desk.listen(*TOPICS)
    desk.request(prompt_tokens=900, completion_tokens=90, preview="Hello")
    desk.keeps("Another with a key", provider="nano-gpt", model="nano-gpt/kimi-k2.5", metrics=2)
    desk.choose("Another with a key")
    expect(desk["session-name"]).to_have_text("Another with a key")
    desk.new_session("A third", "gemini", "gemini/gemini-2.5-pro")
    expect(desk["session-name"]).to_have_text("A third")
    desk.request(prompt_tokens=900, completion_tokens=90, preview="Hello again")
    desk.agrees()
    exports = [export(desk, "json")[1], export(desk, "csv")[1]]

    assert {"sessionChanged", "metric:added", "sessions:listed"} <= {
        topic for topic, _ in desk.heard()
    }
    for place, text in {
        "the page": desk.page.content(),
        "what fields hold": json.dumps(
            desk.page.evaluate("() => [...document.querySelectorAll('input')].map(i => i.value)")
        ),
        "storage": json.dumps(
            desk.page.evaluate("() => [{...localStorage}, {...sessionStorage}, document.cookie]")
        ),
        "the bus": json.dumps(desk.heard()),
        "the console": "\n".join(desk.watch.console),
        "exports": "\n".join(exports),
    }.items():
        assert not leak.search(text), place

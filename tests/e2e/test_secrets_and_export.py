"""What leaves the page: exports, and never a secret."""

from __future__ import annotations

import itertools
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from playwright.sync_api import Route, expect

from sessions import commands, events
from tests.e2e.conftest import Visit
from tests.e2e.dashboard import Dashboard
from tests.e2e.figures import PROVIDER
from tests.proxy import ProxyServer
from tests.proxy.dialects import DIALECTS

STATE = "kimi:default:state"
WIRE = Path(__file__).parents[1] / "unit" / "wire"
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


def _planted() -> Iterator[str]:
    """Keys of many kinds; each holds a word that nothing else holds."""
    shapes = (
        "sk-{}abcdefgh", "sk-proj-{}_abcdefgh-ij", "nvapi-{}abcdefgh", "rk-{}abcdefgh",
        "ghp_{}abcdefghijklmnopqrst", "Bearer {}abcdefgh.ij", "AKIAPLANTEDABCDEFGH1",
        "eyJhbGciOiJ{}.eyJzdWIiOiIx{}.SflKxw{}RJSM", "AIza{}abcdefghijklmnopqrstuvwxyz12345",
    )  # fmt: skip
    for number in itertools.count(10_000_000):
        yield shapes[number % len(shapes)].replace("{}", f"PLANTED{number}")


FIELDS = (
    "api_key", "apiKey", "OPENAI_API_KEY", "x-api-key", "Authorization", "password", "accessToken",
    "refresh_token", "client_secret", "set-cookie", "credentials", "private_key", "token",
)  # fmt: skip


def plant(value: Any, keys: Iterator[str]) -> Any:
    """Return a JSON value with keys in every object: as fields, nested, as a name, in texts."""
    if isinstance(value, list):
        return [plant(item, keys) for item in value]
    if not isinstance(value, dict):
        return value
    planted = {name: plant(item, keys) for name, item in value.items()}
    for name in ("name", "content_preview", "message", "title"):
        if isinstance(value.get(name), str):
            planted[name] = f"{value[name]} {next(keys)}"
    secrets = {name: f"PLANTED as {name}" for name in FIELDS}
    return {**planted, **secrets, "nested": [{"headers": secrets}], "usage": {next(keys): 1}}


STORED = "() => ({ ...localStorage })"
READ_FIELDS = "() => [...document.querySelectorAll('input')].map((field) => field.value)"

READ_STORAGE = """async () => {
  const databases = [];
  for (const { name } of await indexedDB.databases()) {
    const database = await new Promise((resolve, reject) => {
      const request = indexedDB.open(name);
      request.onsuccess = () => resolve(request.result);
      request.onerror = () => reject(request.error);
    });
    for (const store of database.objectStoreNames) {
      const rows = await new Promise((resolve) => {
        const request = database.transaction(store).objectStore(store).getAll();
        request.onsuccess = () => resolve(request.result);
      });
      for (const row of rows) databases.push(row);
    }
    database.close();
  }
  const texts = [];
  for (const row of databases) {
    for (const part of row instanceof Object ? Object.values(row) : [row]) {
      const bytes = part instanceof ArrayBuffer || ArrayBuffer.isView(part);
      texts.push(part instanceof Blob ? await part.text()
        : bytes ? new TextDecoder().decode(part) : JSON.stringify(part));
    }
  }
  return [{...localStorage}, {...sessionStorage}, document.cookie, texts];
}"""


def places(desk: Dashboard) -> dict[str, str]:
    """Return every place where a secret could have come to rest, as text."""
    desk.caught_up()
    return {
        "the page": desk.steady(desk.page.content),
        "what fields hold": json.dumps(desk.answer(READ_FIELDS)),
        "storage": json.dumps(desk.answer(READ_STORAGE)),
        "the bus": json.dumps(desk.steady(desk.heard)),
        "the console": desk.steady(lambda: "\n".join(desk.watch.console)),
    }


def test_keys_planted_in_every_answer_and_message_come_to_rest_nowhere(
    proxy: ProxyServer, visit: Visit
) -> None:
    proxy.control("reset", seed_sessions=[{"name": "Planted", "provider": PROVIDER, "metrics": 3}])
    desk = visit(proxy).connected()
    desk.listen(*TOPICS)
    desk.watch.expect("status of 4")
    keys = _planted()
    answered: set[str] = set()

    def answer(route: Route) -> None:
        response = route.fetch()
        try:
            value = plant(response.json(), keys)
        except ValueError:
            route.fulfill(response=response, body=f"{response.text()}\n{next(keys)}")
            return
        answered.add(urlsplit(route.request.url).path)
        route.fulfill(response=response, json=value)

    desk.page.route("**/api/**", answer)
    sent = 0
    for version in ("2026-02-20", "2026-03-08"):
        for kind, frames in json.loads((WIRE / f"{version}.json").read_text())["ws"].items():
            for frame in frames[:1]:
                own = {"session_id": 1, "metric_id": 900 + sent}
                known = {name: own[name] for name in own if name in frame}
                planted = plant({**frame, **known}, keys)
                desk.proxy.control("send", frame={**planted, "type": kind})
                sent += 1
    desk.request(prompt_tokens=900, completion_tokens=90, preview=f"My key is {next(keys)}")
    last = {"type": "auto_session_toggled", "enabled": False}
    desk.proxy.control("send", frame=plant(last, keys))
    desk.eventually(lambda: desk.heard("auto-session:changed")[-1:], [False])
    desk.proxy.control("faults", ws={"drop_now": True})  # to have everything loaded anew
    desk.eventually(lambda: "/api/sessions/active" in answered, True)
    desk.connected()
    desk.open_sessions()
    desk["session-new"].click()
    expect(desk["new-session-provider"].locator("option").first).to_be_attached()
    desk.page.keyboard.press("Escape")
    desk.eventually(lambda: len(desk.watch.under_way), 0)
    desk["user-button"].click()
    with desk.page.expect_download() as download:
        desk["user-export"].click()
    kept = {"the user's file": Path(download.value.path()).read_text()}
    desk.dismiss()
    for kind in ("json", "csv"):
        kept[f"the session's {kind}"] = export(desk, kind)[1]
    # The state is written a while after the last change.
    desk.request(prompt_tokens=911, completion_tokens=91, preview="The very last")
    desk.eventually(lambda: "The very last" in desk.page.evaluate(STORED)[STATE], True)
    assert {"/api/sessions", "/api/sessions/active", "/api/providers"} <= answered
    assert sent > 20
    for place, text in {**places(desk), **kept}.items():
        assert text.strip("[]{} "), f"nothing to look at in {place}"
        at = text.find("PLANTED")
        assert at < 0, f"{place}: {text[max(at - 40, 0) : at + 30]}"


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

    for topic in ("sessionChanged", "metric:added", "sessions:listed"):
        desk.eventually(lambda topic=topic: bool(desk.heard(topic)), True)
    desk.eventually(lambda: STATE in desk.page.evaluate(STORED), True)
    for place, text in {**places(desk), "exports": "\n".join(exports)}.items():
        assert not leak.search(text), place

"""Record visits of the built page, to be replayed by the tests: `python -m tests.visits`.

Each of them is taken down by the page itself in Chromium, from a stand-in proxy of one version or
from the demo, and lies beside what was on the screen when it ended. A replay, by any later
version of the page and on any Python, has to end there as well: record anew only what is new.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, expect, sync_playwright

from tests.e2e.conftest import BUILT_PAGE, CONTEXT
from tests.e2e.dashboard import Dashboard
from tests.e2e.figures import MODEL, PROVIDER, requests
from tests.proxy import ProxyServer
from tests.proxy.dialects import DIALECTS
from tools.chromium import ARGUMENTS, executable

FOLDER = Path(__file__).parent / "unit" / "visits"
DEMO = "demo"

SEEDS = [
    {"name": "Docs", "provider": PROVIDER, "model": MODEL, "metrics": requests(3)},
    {"name": "Parser", "provider": PROVIDER, "model": MODEL, "metrics": requests(5)},
]


def work(desk: Dashboard) -> None:
    """Do what people and proxies do, and a few things that nobody should."""
    proxy = desk.proxy
    for number in range(1, 9):
        preview = f"Étape {number} : <b>{'x' * number}</b>"
        desk.request(prompt_tokens=4000 * number, completion_tokens=60 * number, preview=preview)
    proxy.control("log", source="compile_chat", total_tokens=33_000, prompt_tokens=32_000)
    proxy.control("send", frame='{"type": "metric", "metric": ')
    proxy.control("send", frame={"type": "streaming_error", "error_message": "cut off"})
    desk.agrees()
    proxy.control("compaction", original_tokens=32_000, compacted_tokens=9_000)
    if proxy.state()["dialect"] == "2026-02-20":
        desk.work_in("Opened by the proxy")  # where nobody else can choose a session
    else:
        desk.choose("Docs")
    desk.page.wait_for_timeout(500)
    desk.request(prompt_tokens=1500, completion_tokens=15, preview="In the other session")
    desk.page.wait_for_timeout(1000)
    proxy.control("faults", ws={"drop_now": True})
    desk.request(prompt_tokens=2500, completion_tokens=25, preview="While nobody listened")
    desk.connected(within=40)
    proxy.control("burst", count=120, rate_per_second=200)
    # The last questions come once it is quiet.
    desk.page.wait_for_timeout(3000)


def ending(desk: Dashboard) -> dict[str, Any]:
    """What is on the screen now."""
    return {"session": desk.text("session-name"), "figures": desk.figures(), "feed": desk.feed()}


def record(browser: Browser, name: str) -> tuple[str, dict[str, Any]]:
    """Return the recording of a visit, and what was on the screen at its end."""
    version = "2026-03-08" if name == DEMO else name
    with ProxyServer(version, static_dir=BUILT_PAGE) as proxy:
        proxy.control("reset", seed_sessions=SEEDS)
        desk = Dashboard(browser.new_context(**CONTEXT).new_page(), proxy)
        desk.open("?proxy=demo" if name == DEMO else "")
        desk["recordings-open"].click()
        desk["recording-toggle"].click()
        expect(desk["recording-mark"]).to_be_visible(timeout=60_000)
        desk.started()
        if name == DEMO:
            desk.page.wait_for_timeout(20_000)
        else:
            desk.connected()
            work(desk)
        desk["recordings-open"].click()
        end = ending(desk)
        desk["recording-toggle"].click()
        expect(desk["recording-mark"]).to_be_hidden()
        if ending(desk) != end:
            raise SystemExit(f"{name}: something came while the recording was stopped; try again.")
        with desk.page.expect_download() as download:
            desk["recordings-list"].locator("[data-field=save]").first.click()
        text = Path(download.value.path()).read_text(encoding="utf-8")
        desk.page.context.close()
    return text.replace(proxy.url, "http://localhost:8000"), end


def main(names: list[str]) -> None:
    """Record the visits of these names, by default all."""
    FOLDER.mkdir(exist_ok=True)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=executable(), args=list(ARGUMENTS))
        for name in names or [*sorted(DIALECTS), DEMO]:
            text, end = record(browser, name)
            (FOLDER / f"{name}.jsonl").write_text(text, encoding="utf-8")
            told = json.dumps(end, ensure_ascii=False, indent=1)
            (FOLDER / f"{name}.json").write_text(told + "\n", encoding="utf-8")
        browser.close()


if __name__ == "__main__":
    main(sys.argv[1:])

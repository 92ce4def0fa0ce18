"""Many messages at once, and nobody looking."""

from __future__ import annotations

import pytest
from playwright.sync_api import Browser

from tests.bench import throughput
from tests.bench.inspector import Inspector
from tests.e2e.conftest import BUILT_PAGE
from tests.e2e.dashboard import Dashboard

announcing = pytest.mark.parametrize("dialect", ["2026-02-20"], indirect=True)

_COUNT_WRITES = """id => {
  window.writes = [];
  const element = document.getElementById(id);
  new MutationObserver(() => window.writes.push(element.textContent))
    .observe(element, { childList: true, characterData: true, subtree: true });
}"""

_SHOW = """shown => {
  Object.defineProperty(document, "hidden", { configurable: true, get: () => !shown });
  document.dispatchEvent(new Event("visibilitychange"));
}"""

_SHOWS_WHOLE_ROWS = """list => {
  const box = list.getBoundingClientRect();
  const rows = [...list.querySelectorAll(".feed-row")].map((row) => row.getBoundingClientRect());
  const seen = rows.filter((row) => row.bottom > box.top + 1 && row.top < box.bottom - 1);
  const gaps = [seen[0].top - box.top, seen.at(-1).bottom - box.bottom];
  return gaps.every((gap) => Math.abs(gap) <= 1); // screens have whole pixels
}"""


@announcing
def test_a_burst_is_told_in_order_and_once(dashboard: Dashboard) -> None:
    dashboard.listen("metric:added", "metric:updated")
    dashboard.proxy.control("burst", count=300)
    dashboard.agrees()
    dashboard.eventually(lambda: len(dashboard.heard()), 600)
    heard = [
        (topic, payload["id"] if topic == "metric:added" else payload["metric"]["id"])
        for topic, payload in dashboard.steady(dashboard.heard)
    ]
    first = heard[0][1]
    assert heard == [
        (topic, number)
        for number in range(first, first + 300)
        for topic in ("metric:added", "metric:updated")
    ]


@announcing
def test_the_feed_ends_with_the_newest_and_begins_with_a_whole_row(dashboard: Dashboard) -> None:
    dashboard.proxy.control("burst", count=130)
    dashboard.agrees()
    feed = dashboard["logs-container"]
    dashboard.eventually(lambda: dashboard.feed()[-1]["preview"], "Request 129")
    dashboard.eventually(lambda: len(dashboard.feed()), 100)
    ids = [row["id"] for row in dashboard.steady(dashboard.feed)]
    assert ids == list(range(ids[-1] - 99, ids[-1] + 1))
    dashboard.eventually(lambda: feed.evaluate(_SHOWS_WHOLE_ROWS), True)
    dashboard.request(prompt_tokens=4000, completion_tokens=1, preview="One more")
    dashboard.eventually(lambda: dashboard.previews()[-1], "One more")
    dashboard.eventually(lambda: feed.evaluate(_SHOWS_WHOLE_ROWS), True)


@announcing
def test_a_hidden_page_writes_nothing_and_catches_up_in_one_frame(dashboard: Dashboard) -> None:
    dashboard.listen("metric:updated")
    dashboard.request(prompt_tokens=4000, completion_tokens=500)
    dashboard.agrees()
    dashboard.painted()
    dashboard.do(_COUNT_WRITES, "total-requests")
    dashboard.do(_SHOW, False)
    try:
        dashboard.proxy.control("burst", count=50)
        dashboard.eventually(lambda: len(dashboard.heard("metric:updated")), 51)
        dashboard.still(lambda: dashboard.figures()["requests"], 1)
    finally:
        dashboard.do(_SHOW, True)
    dashboard.agrees()
    dashboard.still(lambda: dashboard.page.evaluate("() => window.writes"), ["51"])


@announcing
def test_thousands_of_messages_leave_nothing_behind(dashboard: Dashboard) -> None:
    inspector = Inspector(dashboard.page)
    dashboard.proxy.control("burst", count=200)
    dashboard.agrees()
    inspector.proxies()
    dashboard.proxy.control("burst", count=200)
    dashboard.agrees()
    held, memory = inspector.proxies(), inspector.memory()["python"]
    dashboard.proxy.control("burst", count=2500)  # an announcement and its counts each
    dashboard.agrees()
    # A request or a timer may be under way; one object a hundred messages would be a leak.
    assert all(after - held[kind] < 10 for kind, after in inspector.proxies().items())
    assert inspector.memory()["python"] == memory


def test_the_benchmark_runs_and_its_figures_are_sane(browser: Browser) -> None:
    figures = throughput.measure(
        browser, BUILT_PAGE, burst=200, pairs=20, seconds=0.5, idle=0.5, many=200, settle=0.2
    )
    for name in ("burst", "pairs", "sustained"):
        measured = figures[name]
        assert 0 < measured["sent"] <= measured["seconds"] < 60
        assert 0 < measured["p50"] <= measured["p95"] <= measured["seconds"] * 1000
        assert 0 < measured["computing"] <= 1
    assert 0 <= figures["idle"]["busy"] <= 1
    for held, sizes in zip(figures["memory"]["held"], figures["memory"]["bytes"], strict=True):
        assert all(count >= 0 for count in held.values())
        assert sizes["javascript"] > 1e6
        assert sizes["python"] > 1e7
    assert "burst of 200" in throughput.table(figures)

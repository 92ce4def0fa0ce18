"""What happens on the page while an IDE works."""

from __future__ import annotations

import re
from typing import Any

import pytest
from playwright.sync_api import expect

from tests.e2e.dashboard import Dashboard
from tests.e2e.figures import WINDOW

one_version = pytest.mark.parametrize("dialect", ["2026-03-08"], indirect=True)
announcing = pytest.mark.parametrize("dialect", ["2026-02-20"], indirect=True)
correcting = pytest.mark.parametrize("dialect", ["2026-02-21", "2026-03-08"], indirect=True)


def test_a_request_changes_every_figure(dashboard: Dashboard) -> None:
    dashboard.request(prompt_tokens=4000, completion_tokens=500, preview="Explain the parser")
    dashboard.agrees()
    dashboard.shows(used=4500)

    dashboard.request(prompt_tokens=12_000, completion_tokens=1234, preview="And the lexer?")
    dashboard.agrees()
    dashboard.eventually(dashboard.previews, ["Explain the parser", "And the lexer?"])
    dashboard.eventually(lambda: [row["kind"] for row in dashboard.feed()], ["real", "real"])
    expect(dashboard["gauge"]).to_have_attribute("aria-valuenow", str(round(13_234 / 640)))


@announcing
def test_an_estimate_comes_first_and_is_compared_with_the_real_count(
    dashboard: Dashboard,
) -> None:
    dashboard.request(
        estimate=3600, prompt_tokens=4000, completion_tokens=500, preview="Explain",
        delay_ms=3000, background=True,
    )  # fmt: skip
    dashboard.eventually(lambda: [row["kind"] for row in dashboard.feed()], ["estimated"])
    dashboard.shows(used=3600)
    dashboard.eventually(dashboard.previews, ["Explain"])
    expect(dashboard["accuracy-text"]).to_have_text("—")

    dashboard.eventually(lambda: [row["kind"] for row in dashboard.feed()], ["real"])
    dashboard.agrees()
    expect(dashboard["last-estimated"]).to_have_text("3,600")
    expect(dashboard["last-real"]).to_have_text("4,500")
    expect(dashboard["accuracy-text"]).to_have_text("80.0%")
    expect(dashboard["accuracy-diff"]).to_have_text(re.compile("^[+−]900$"))
    expect(dashboard["accuracy-text"]).to_have_attribute("data-level", "fair")
    expect(dashboard["accuracy-note"]).to_be_hidden()


@announcing
def test_a_request_on_its_way_does_not_empty_the_gauge(dashboard: Dashboard) -> None:
    dashboard.listen("sources:merged")
    dashboard.request(prompt_tokens=32_000, completion_tokens=0)  # announced with an estimate of 0
    dashboard.agrees()

    def wrong() -> list[Any]:
        readings = dashboard.heard("sources:merged")
        return [
            one
            for one in readings
            if one["tokens"] != 32_000 or one["percentage"] not in (50, None)
        ]

    dashboard.still(wrong, [])


@correcting
def test_a_request_that_was_never_announced_gets_its_preview(dashboard: Dashboard) -> None:
    dashboard.listen("metric:added")
    dashboard.request(prompt_tokens=4000, completion_tokens=500, preview="Explain the parser")
    dashboard.eventually(dashboard.previews, ["Explain the parser"])
    dashboard.agrees()
    dashboard.still(lambda: len(dashboard.heard("metric:added")), 1)


@correcting
def test_where_the_proxy_keeps_no_estimate_the_page_says_so(dashboard: Dashboard) -> None:
    dashboard.request(prompt_tokens=4000, completion_tokens=500, estimate=3600)
    expect(dashboard["last-real"]).to_have_text("4,500")
    expect(dashboard["accuracy-text"]).to_have_text("—")
    expect(dashboard["accuracy-note"]).to_contain_text("keeps no estimate")


def test_a_log_that_nearly_agrees_makes_a_hybrid(dashboard: Dashboard) -> None:
    dashboard.request(prompt_tokens=20_000, completion_tokens=0)
    dashboard.proxy.control("log", source="logs", total_tokens=20_400)

    expect(dashboard["source-badge"]).to_have_text("hybrid")
    expect(dashboard["current-tokens"]).to_have_text("20,400")
    expect(dashboard["percentage-text"]).to_have_text("31.9%")

    dashboard["source-why"].click()
    expect(dashboard["source-reason"]).to_contain_text("differ by 400 tokens")
    expect(dashboard["source-candidates"].locator("tr")).to_have_count(2)
    expect(dashboard["source-candidates"].locator("tr[data-winner=true]")).to_have_count(1)


@one_version
def test_a_hybrid_ends_when_both_sources_are_stale(dashboard: Dashboard) -> None:
    dashboard.request(prompt_tokens=20_000, completion_tokens=0)
    dashboard.proxy.control("log", source="logs", total_tokens=20_400)
    expect(dashboard["source-badge"]).to_have_text("hybrid")
    dashboard["source-why"].click()
    expect(dashboard["source-reason"]).to_contain_text("Nothing is fresh", timeout=10_000)
    expect(dashboard["source-badge"]).to_have_text("proxy")
    expect(dashboard["source-badge"]).to_have_attribute("data-fresh", "false")
    expect(dashboard["current-tokens"]).to_have_text("20,000")


def test_a_source_with_a_higher_priority_wins_while_it_is_fresh(dashboard: Dashboard) -> None:
    dashboard.request(prompt_tokens=30_000, completion_tokens=0)
    dashboard.proxy.control("log", source="compile_chat", total_tokens=10_000)

    expect(dashboard["source-badge"]).to_have_text(re.compile("compile_chat$"))
    expect(dashboard["source-badge"]).to_have_attribute("data-family", "compile")
    expect(dashboard["current-tokens"]).to_have_text("10,000")
    dashboard["source-why"].click()
    expect(dashboard["source-reason"]).to_contain_text("has the higher priority (4)")


def test_alerts_rise_with_the_level_and_stay_away_once_dismissed(dashboard: Dashboard) -> None:
    alert = dashboard["alert"]

    def fill(percentage: int) -> None:
        dashboard.request(prompt_tokens=WINDOW * percentage // 100, completion_tokens=0)
        dashboard.agrees()

    fill(79)
    expect(alert).to_be_hidden()
    for percentage, level in ((80, "warning"), (90, "high"), (95, "critical")):
        fill(percentage)
        expect(alert).to_be_visible()
        expect(alert).to_have_attribute("data-level", level)
        expect(dashboard["context"]).to_have_attribute("data-level", level)
        expect(alert).to_contain_text(f"{percentage}.0%")

    alert.get_by_role("button").click()
    expect(alert).to_be_hidden()
    fill(97)
    expect(alert).to_be_hidden()  # the same level again

    fill(130)
    expect(alert).to_contain_text("Window exceeded: 130.0%")
    dashboard.shows(percentage=130)
    expect(dashboard["remaining-tokens"]).to_have_text(f"{WINDOW * 30 // 100:,}")
    expect(dashboard["context"].get_by_text("Over by")).to_be_visible()
    expect(dashboard["gauge"]).to_have_attribute("aria-valuenow", "100")


@one_version
def test_errors_of_the_provider_are_shown(dashboard: Dashboard) -> None:
    dashboard.request(prompt_tokens=70_000, error="context_limit")
    expect(dashboard.toast("context limit exceeded")).to_be_visible()
    dashboard.request(prompt_tokens=100, completion_tokens=5, error="streaming")
    expect(dashboard.toast("The answer was interrupted")).to_contain_text("streaming inconnue")


def test_a_burst_of_500_requests_ends_with_the_right_totals(dashboard: Dashboard) -> None:
    dashboard.proxy.control("burst", count=500)
    dashboard.agrees()
    dashboard.shows(requests=500)
    # The 500th: 500 + 499, and 20 + 199. Rows follow the figures a few times a second.
    dashboard.eventually(lambda: dashboard.feed()[-1]["tokens"], "1,218")
    dashboard.still(lambda: len(dashboard.feed()) <= 100, True)


@one_version
def test_who_reads_older_requests_is_not_disturbed_by_new_ones(dashboard: Dashboard) -> None:
    dashboard.work_in("A long day", metrics=60)
    feed, newest = dashboard["logs-container"], dashboard["feed-newest"]
    expect(feed.locator(".feed-row").last).to_be_in_viewport()

    feed.hover()
    dashboard.page.mouse.wheel(0, -400)
    dashboard.eventually(lambda: feed.evaluate("list => list.scrollTop > 0"), True)
    dashboard.page.mouse.wheel(0, -100_000)
    dashboard.eventually(lambda: feed.evaluate("list => list.scrollTop"), 0)
    for number in range(3):
        dashboard.request(prompt_tokens=1000 + number, completion_tokens=10)
    expect(newest).to_have_text("3 new below")
    dashboard.still(lambda: feed.evaluate("list => list.scrollTop"), 0)

    newest.click()
    expect(feed.locator(".feed-row").last).to_be_in_viewport()
    expect(newest).to_be_hidden()
    dashboard.request(prompt_tokens=2000, completion_tokens=10, preview="The very last")
    expect(feed.get_by_text("The very last")).to_be_in_viewport()
    expect(newest).to_be_hidden()


def test_the_history_is_drawn_and_curves_can_be_hidden(dashboard: Dashboard) -> None:
    expect(dashboard["history-empty"]).to_be_visible()
    dashboard.request(prompt_tokens=4000, completion_tokens=500)
    expect(dashboard["history-chart"].locator("canvas")).to_be_visible()
    expect(dashboard["history-empty"]).to_be_hidden()
    dashboard["series-prompt"].click()
    expect(dashboard["series-prompt"]).to_have_attribute("aria-pressed", "false")
    dashboard["series-prompt"].click()
    expect(dashboard["series-prompt"]).to_have_attribute("aria-pressed", "true")

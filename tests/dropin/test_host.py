"""The foreign dashboard, end to end: nobody there knows that Python keeps its sessions.

Its modules are made in the manner of the original's: circular imports, listeners that come too
late, a WebSocket that only hears its active session, and one bus. The tests share one page.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, expect

from tests.dropin.conftest import Host
from tests.proxy import ProxyServer

ORIGINAL_EVENTS = {
    "sessionChanged", "session:loaded", "metrics:loaded", "metric:added", "metric:updated",
    "memory:updated", "metrics:cleared",
}  # fmt: skip


def start_over(proxy: ProxyServer, dialect: str = "2026-02-20") -> None:
    """Give the proxy two sessions, of which the second is active and has one request."""
    metrics = [{"prompt_tokens": 700, "completion_tokens": 70, "preview": "Before"}]
    proxy.control(
        "reset",
        dialect=dialect,
        seed_sessions=[
            {"name": "One", "model": "kimi-k2", "provider": "managed:kimi-code"},
            {"name": "Two", "model": "claude-4", "active": True, "metrics": metrics},
        ],
    )


@pytest.fixture(scope="module")
def opened(browser: Browser, proxy: ProxyServer) -> Iterator[Host]:
    start_over(proxy)
    host = Host(browser.new_context(locale="en-US").new_page(), proxy.url).open()
    host.page.wait_for_function("window.connected === true")
    yield host
    assert host.watch.settle() == []
    host.page.context.close()


@pytest.fixture
def dashboard(opened: Host, proxy: ProxyServer) -> Host:
    """The dashboard, reloaded in its own way from a proxy that has started over."""
    start_over(proxy)
    opened.run("await eventBus.listeners.reload[0](); window.heard.length = 0;")
    return opened


def test_it_starts_once_and_shows_what_the_proxy_has(dashboard: Host) -> None:
    page = dashboard.page
    expect(page.locator("#requests")).to_have_text("1")
    expect(page.locator("#feed")).to_contain_text("Before: 770")
    expect(page.locator("#window")).to_have_text("of 262144")
    dashboard.still(lambda: page.evaluate("window.starts"), 1)


def test_requests_reach_the_page_through_the_hosts_own_bus(
    dashboard: Host, proxy: ProxyServer
) -> None:
    page = dashboard.page
    proxy.control(
        "request", prompt_tokens=900, completion_tokens=100, estimate=800, preview="Hello"
    )
    expect(page.locator("#feed li").last).to_have_text("Hello: 1000")
    expect(page.locator("#requests")).to_have_text("2")
    expect(page.locator("#largest")).to_have_text("1000")
    expect(page.locator("#accuracy")).to_have_text("80.0")
    expect(page.locator("#source")).to_have_text("proxy")
    proxy.control("log", source="compile_chat", prompt_tokens=60_000, total_tokens=60_000)
    expect(page.locator("#source")).to_have_text("compile_chat")
    expect(page.locator("#context")).to_have_text("60000")
    names = dashboard.steady(dashboard.heard)
    assert names.count("metric:added") == names.count("metric:updated") == 1
    assert names.index("metric:added") < names.index("metric:updated")
    assert set(names) <= ORIGINAL_EVENTS


def test_a_session_is_chosen_and_one_that_is_gone_is_told(
    dashboard: Host, proxy: ProxyServer
) -> None:
    page = dashboard.page
    sessions = {one["name"]: one["id"] for one in proxy.state()["sessions"]}
    page.select_option("#sessions", str(sessions["One"]))
    expect(page.locator("#session")).to_have_text(str(sessions["One"]))
    expect(page.locator("#provider")).to_have_text("nvidia")
    expect(page.locator("#requests")).to_have_text("0")

    dashboard.do("document.getElementById('sessions').append(new Option('Gone', 999))")
    page.select_option("#sessions", "999")
    expect(page.locator("#toast")).to_have_text("Session 999 introuvable")
    expect(page.locator("#session")).to_have_text(str(sessions["One"]))


def test_a_session_is_chosen_by_the_proxy_and_loaded(dashboard: Host, proxy: ProxyServer) -> None:
    page = dashboard.page
    start_over(proxy, "2026-03-08")
    sessions = {one["name"]: one["id"] for one in proxy.state()["sessions"]}
    dashboard.run("eventBus.emit('session:choose', argument);", sessions["One"])
    expect(page.locator("#session")).to_have_text(str(sessions["One"]))
    expect(page.locator("#requests")).to_have_text("0")
    proxy.control("request", prompt_tokens=900, completion_tokens=100, session_id=sessions["Two"])
    proxy.control("request", prompt_tokens=50, completion_tokens=5, session_id=sessions["One"])
    dashboard.run("eventBus.emit('compaction');")  # api.js asks for the session that is current
    expect(page.locator("#toast")).to_have_text(str(sessions["One"]))


def test_an_auto_session_is_followed_with_the_metrics_at_hand(
    dashboard: Host, proxy: ProxyServer
) -> None:
    """The dashboard hands on what the proxy answered: newest first. It is shown oldest first."""
    rows = [
        {"prompt_tokens": tokens, "completion_tokens": 1, "timestamp": f"2026-02-20T10:00:{tokens}"}
        for tokens in (10, 20, 30)
    ]
    proxy.control("add_session", name="Auto", model="gpt-5", active=True, metrics=rows)
    sessions = {one["name"]: one["id"] for one in proxy.state()["sessions"]}
    proxy.control("send", frame={"type": "auto_session_created"})
    page = dashboard.page
    expect(page.locator("#session")).to_have_text(str(sessions["Auto"]))
    expect(page.locator("#provider")).to_have_text("openai")
    totals = dashboard.run("return sessions.getSessionMetrics().map((one) => one.estimated_tokens)")
    assert totals == [11, 21, 31]
    changed = dashboard.answer("window.heard.find(([name]) => name === 'sessionChanged')[1]")
    assert changed["oldSession"]["name"] == "Two"
    assert [row["id"] for row in changed["newSession"]["metrics"]] == sorted(
        (row["id"] for row in changed["newSession"]["metrics"]), reverse=True
    )
    proxy.control("request", prompt_tokens=40, completion_tokens=2, estimate=41, preview="Next")
    expect(page.locator("#feed li").last).to_have_text("Next: 42")


def test_a_session_made_elsewhere_is_loaded(dashboard: Host, proxy: ProxyServer) -> None:
    proxy.control("add_session", name="Three", active=True)
    proxy.control("send", frame={"type": "new_session"})
    sessions = {one["name"]: one["id"] for one in proxy.state()["sessions"]}
    expect(dashboard.page.locator("#session")).to_have_text(str(sessions["Three"]))


def test_what_is_cleared_is_gone_from_the_page(dashboard: Host) -> None:
    page = dashboard.page
    page.get_by_role("button", name="Clear").click()
    expect(page.locator("#feed li")).to_have_count(0)
    expect(page.locator("#requests")).to_have_text("0")
    expect(page.locator("#toast")).to_have_text("Cleared")


def test_reload_tells_once(dashboard: Host, proxy: ProxyServer) -> None:
    names = dashboard.run(
        """window.heard.length = 0;
        await sessions.reloadSessionData();
        return window.heard.map(([name]) => name);"""
    )
    assert names.count("session:loaded") == 1
    assert names.count("metrics:loaded") == 1


def test_a_flood_stays_right(dashboard: Host, proxy: ProxyServer) -> None:
    proxy.control("burst", count=150, rate_per_second=300, kind="request")
    expect(dashboard.page.locator("#requests")).to_have_text("100", timeout=15_000)
    dashboard.page.wait_for_function(
        "window.heard.filter(([name]) => name === 'metric:updated').length === 150"
    )
    assert dashboard.run("return sessions.getSessionMetrics().every((one) => !one.is_estimated);")

"""The foreign dashboard, end to end: nobody there knows that Python keeps its sessions."""

from __future__ import annotations

from collections.abc import Callable

from playwright.sync_api import expect

from tests.dropin.conftest import Host
from tests.proxy import ProxyServer

Visit = Callable[[ProxyServer], Host]

ORIGINAL_EVENTS = {
    "sessionChanged", "session:loaded", "metrics:loaded", "metric:added", "metric:updated",
    "memory:updated", "metrics:cleared",
}  # fmt: skip


def opened(visit: Visit, proxy: ProxyServer) -> Host:
    """The dashboard on a proxy with two sessions, of which the second is active."""
    metrics = [{"prompt_tokens": 700, "completion_tokens": 70, "preview": "Before"}]
    proxy.control(
        "reset",
        dialect="2026-02-20",
        seed_sessions=[
            {"name": "One", "model": "kimi-k2", "provider": "managed:kimi-code"},
            {"name": "Two", "model": "claude-4", "active": True, "metrics": metrics},
        ],
    )
    host = visit(proxy).open()
    host.page.wait_for_function("window.connected === true")
    return host


def test_it_starts_once_and_shows_what_the_proxy_has(visit: Visit, proxy: ProxyServer) -> None:
    page = opened(visit, proxy).page
    expect(page.locator("#requests")).to_have_text("1")
    expect(page.locator("#feed")).to_contain_text("Before: 770")
    assert page.evaluate("window.starts") == 1


def test_requests_reach_the_page_through_the_hosts_own_bus(
    visit: Visit, proxy: ProxyServer
) -> None:
    host = opened(visit, proxy)
    page = host.page
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
    names = page.evaluate("window.heard.map(([name]) => name)")
    assert names.index("metric:added") < names.index("metric:updated")
    assert set(names) <= ORIGINAL_EVENTS
    assert names.count("session:loaded") == names.count("metrics:loaded")


def test_a_session_is_chosen_and_one_that_is_gone_is_told(visit: Visit, proxy: ProxyServer) -> None:
    host = opened(visit, proxy)
    page = host.page
    sessions = {one["name"]: one["id"] for one in proxy.state()["sessions"]}
    page.select_option("#sessions", str(sessions["One"]))
    expect(page.locator("#session")).to_have_text(str(sessions["One"]))
    expect(page.locator("#provider")).to_have_text("nvidia")
    expect(page.locator("#requests")).to_have_text("0")

    page.evaluate("document.getElementById('sessions').append(new Option('Gone', 999))")
    page.select_option("#sessions", "999")
    expect(page.locator("#toast")).to_have_text("Session 999 introuvable")
    expect(page.locator("#session")).to_have_text(str(sessions["One"]))


def test_reload_tells_once(visit: Visit, proxy: ProxyServer) -> None:
    host = opened(visit, proxy)
    names = host.run(
        """window.heard.length = 0;
        await sessions.reloadSessionData();
        return window.heard.map(([name]) => name);"""
    )
    assert names.count("session:loaded") == 1
    assert names.count("metrics:loaded") == 1


def test_a_flood_stays_right(visit: Visit, proxy: ProxyServer) -> None:
    host = opened(visit, proxy)
    proxy.control("burst", count=150, rate_per_second=300, kind="request")
    expect(host.page.locator("#requests")).to_have_text("100", timeout=15_000)
    host.page.wait_for_function(
        "window.heard.filter(([name]) => name === 'metric:updated').length === 150"
    )
    assert host.run("return sessions.getSessionMetrics().every((one) => !one.is_estimated);")

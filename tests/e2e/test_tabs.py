"""Several tabs of one browser on one proxy: one connection, one picture.

Starting Python takes each tab seconds, so three tabs stay open from test to test.
"""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from tests.e2e.conftest import CONTEXT
from tests.e2e.dashboard import Dashboard
from tests.e2e.figures import MODEL, PROVIDER, metrics_of, requests
from tests.proxy import ProxyServer

SEEDS = [
    {"name": "Looked at", "provider": PROVIDER, "model": MODEL, "metrics": requests(2)},
    {"name": "At work", "provider": PROVIDER, "model": MODEL, "metrics": requests(3)},
]

UNREACHABLE = (r"WebSocket connection to .* failed", r"net::ERR_(CONNECTION|SOCKET|EMPTY|ABORTED)")


class Tabs:
    """A browser's tabs, all on one proxy."""

    def __init__(self, browser: Browser, proxy: ProxyServer) -> None:
        self.context = browser.new_context(**CONTEXT)
        self.proxy = proxy
        self.open: list[Dashboard] = []

    def add(self, query: str = "") -> Dashboard:
        desk = Dashboard(self.context.new_page(), self.proxy).open(query).connected()
        self.open.append(desk)
        return desk

    def close(self, desk: Dashboard) -> None:
        self.open.remove(desk)
        unexpected = desk.watch.settle()
        desk.page.close(run_before_unload=False)
        assert unexpected == []

    def at_least(self, count: int) -> list[Dashboard]:
        """That many of the tabs, the one that holds the connection first."""
        while len(self.open) < count:
            self.add()
        return self.open[:count]

    def agree(self) -> None:
        """Wait until every tab shows what the proxy's own records say."""
        for desk in self.open:
            desk.connected(within=40)
            desk.agrees()
        rows = [row["id"] for row in metrics_of(self.proxy.state())]
        for desk in self.open:
            desk.eventually(lambda desk=desk: [row["id"] for row in desk.feed()], rows[-100:])


@pytest.fixture(scope="module")
def tabs(browser: Browser, built_page: Path) -> Iterator[Tabs]:
    # The oldest version tells nobody which session a person looks at.
    with ProxyServer("2026-02-20", static_dir=built_page) as proxy:
        proxy.control("reset", seed_sessions=SEEDS)
        tabs = Tabs(browser, proxy)
        yield tabs
        tabs.context.close()


@pytest.fixture(autouse=True)
def clean(tabs: Tabs) -> Iterator[None]:
    """Every tab stays clean."""
    yield
    unexpected = [complaint for desk in tabs.open for complaint in desk.watch.settle()]
    assert unexpected == []


def test_tabs_share_one_connection_and_show_the_same(tabs: Tabs) -> None:
    desks = tabs.at_least(3)
    for number in range(5):
        desks[0].request(prompt_tokens=1000 + number, completion_tokens=5, preview=f"No. {number}")
    tabs.agree()
    for desk in desks:
        desk.eventually(lambda desk=desk: desk.previews()[-1], "No. 4")
        expect(desk["ws-status-text"]).to_have_text("Connected")
    desks[0].still(lambda: tabs.proxy.state()["total_websockets"], 1)


def test_only_the_tab_that_is_connected_writes_what_is_remembered(tabs: Tabs) -> None:
    desks = tabs.at_least(3)
    for desk in desks:
        desk.do(
            """() => {
              const { setItem } = Storage.prototype;
              window.written = new Set();
              Storage.prototype.setItem = function (key, text) {
                window.written.add(key);
                setItem.call(this, key, text);
              };
            }"""
        )
    desks[1].request(prompt_tokens=2000, completion_tokens=2)
    tabs.agree()
    desks[0].eventually(lambda: written_by(desks[0]), ["kimi:default:state"])
    for desk in desks[1:]:
        desk.still(lambda desk=desk: written_by(desk), [])


def written_by(desk: Dashboard) -> list[str]:
    return desk.page.evaluate("() => [...window.written]")


def test_a_session_chosen_in_one_tab_is_followed_by_the_others(tabs: Tabs) -> None:
    desks = tabs.at_least(3)
    for desk in desks:
        desk.listen("sessionChanged", "notice")
    desks[2].choose("Looked at")
    for desk in desks:
        expect(desk["session-name"]).to_have_text("Looked at")
    expect(desks[2].toast("requests are still booked on its own")).to_be_visible()
    for desk in desks:
        told = 1 if desk is desks[2] else 0
        desk.still(lambda desk=desk: len(desk.heard("notice")), told)

    desks[1].choose("At work")
    for desk in desks:
        expect(desk["session-name"]).to_have_text("At work")
    tabs.agree()
    for desk in desks:  # each choice once: nobody answers with another
        desk.still(lambda desk=desk: chosen(desk), ["Looked at", "At work"])


def chosen(desk: Dashboard) -> list[str]:
    """The sessions that a tab changed to."""
    return [change["newSession"]["name"] for change in desk.heard("sessionChanged")]


def test_language_and_theme_are_the_same_in_every_tab(tabs: Tabs) -> None:
    desks = tabs.at_least(3)
    for number, language, connected, theme in (
        (2, "fr", "Connecté", "light"),
        (1, "en", "Connected", "dark"),
    ):
        desks[number][f"language-{language}"].click()
        desks[number]["theme-toggle"].click()
        for desk in desks:
            expect(desk["ws-status-text"]).to_have_text(connected)
            expect(desk[f"language-{language}"]).to_have_attribute("aria-pressed", "true")
            expect(desk.page.locator("html")).to_have_attribute("data-theme", theme)


def test_a_lost_connection_is_lost_and_found_by_every_tab(tabs: Tabs) -> None:
    desks = tabs.at_least(3)
    for desk in desks:
        desk.watch.expect(*UNREACHABLE)
    tabs.proxy.control("faults", ws={"refuse_next": 1, "drop_now": True})
    for desk in desks:
        expect(desk["connection"]).to_have_attribute("data-state", "reconnecting")
    desks[0].request(prompt_tokens=7000, completion_tokens=7)
    tabs.agree()
    desks[0].still(lambda: tabs.proxy.state()["open_websockets"], 1)


def test_when_the_tab_that_is_connected_is_closed_the_next_one_misses_nothing(tabs: Tabs) -> None:
    connected, *others = tabs.at_least(3)
    before = len(metrics_of(tabs.proxy.state()))
    total = tabs.proxy.state()["total_websockets"]
    with ThreadPoolExecutor() as pool:
        burst = pool.submit(tabs.proxy.control, "burst", count=40, rate_per_second=40)
        others[0].eventually(lambda: others[0].figures()["requests"] > before, True)
        tabs.close(connected)
        burst.result()
    tabs.agree()
    others[0].eventually(lambda: len(others[0].feed()), before + 40)
    others[0].still(lambda: websockets(tabs), (1, total + 1))


def websockets(tabs: Tabs) -> tuple[int, int]:
    """How many connections are open, and how many there have been."""
    state = tabs.proxy.state()
    return state["open_websockets"], state["total_websockets"]


def test_a_tab_that_the_browser_freezes_makes_room_and_catches_up_afterwards(tabs: Tabs) -> None:
    connected, other = tabs.at_least(2)
    total = tabs.proxy.state()["total_websockets"]
    # Chromium really freezes hidden tabs only, and headless it has none: just the event, then.
    connected.do("() => document.dispatchEvent(new Event('freeze'))")
    other.eventually(lambda: tabs.proxy.state()["total_websockets"], total + 1)
    other.request(prompt_tokens=8000, completion_tokens=8)
    other.connected().agrees()
    connected.do("() => document.dispatchEvent(new Event('resume'))")
    tabs.open.append(tabs.open.pop(0))  # the next one holds the connection now
    tabs.agree()
    other.still(lambda: websockets(tabs), (1, total + 1))


def test_where_tabs_cannot_agree_each_connects_by_itself(tabs: Tabs) -> None:
    tabs.at_least(1)
    shared = tabs.proxy.state()["open_websockets"]
    page = tabs.context.new_page()
    page.add_init_script("delete Navigator.prototype.locks")  # as where the origin is not secure
    alone = Dashboard(page, tabs.proxy).open().connected()
    tabs.open.append(alone)
    alone.eventually(lambda: tabs.proxy.state()["open_websockets"], shared + 1)
    alone.request(prompt_tokens=9000, completion_tokens=9)
    tabs.agree()
    tabs.close(alone)


def test_tabs_of_different_users_do_not_disturb_each_other(tabs: Tabs) -> None:
    one, other = tabs.at_least(2)
    other.open("?user=ann").connected()
    other.eventually(lambda: tabs.proxy.state()["open_websockets"], 2)
    other.choose("Looked at")
    other["language-fr"].click()
    expect(other["session-name"]).to_have_text("Looked at")
    one.request(prompt_tokens=1234, completion_tokens=5)
    one.agrees()
    expect(one["session-name"]).to_have_text("At work")
    expect(one["ws-status-text"]).to_have_text("Connected")

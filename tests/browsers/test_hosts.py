"""Where the other browsers find the page, or find it not: no network, no storage, another page."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.browsers import watched
from tests.browsers.conftest import Complaints
from tests.browsers.desk import Desk
from tests.browsers.firefox import NO_SITE_DATA, Firefox
from tests.browsers.tab import STARTING, Tab
from tests.browsers.test_page import LEFT
from tests.browsers.test_start import SEED
from tests.browsers.webkit import WebKit
from tests.dropin import site as dropin
from tests.proxy import ProxyServer

OpenTab = Callable[[], Tab]

LANGUAGE_OF_BROWSER = """() =>
  Object.getOwnPropertyDescriptor(Navigator.prototype, "language").get.call(navigator)"""
NOT_KEPT = "cannot be kept for offline use|private browsing mode"
"""What the page says of it, and Firefox."""

KEPT = "async () => Boolean((await navigator.serviceWorker.ready).active)"


def test_the_page_opens_without_any_network(
    proxy: ProxyServer, tab: OpenTab, complaints: Complaints
) -> None:
    proxy.control("reset", seed_sessions=[SEED])
    desk = Desk(tab(), proxy).open().connected()
    desk.agrees()
    before = desk.tab.steady(desk.figures)
    desk.tab.holds(KEPT)
    complaints.expect(LEFT)
    proxy.stop()
    desk.reload()
    desk.has("#connection", "data-state", "reconnecting")
    desk.tab.eventually(desk.figures, before)
    proxy.start()
    desk.tab.run("() => { dispatchEvent(new Event('online')); }")
    desk.connected(within=40)
    desk.request(prompt_tokens=6000, completion_tokens=60)
    desk.agrees()


def test_a_reload_remembers_while_the_proxy_is_away(
    proxy: ProxyServer, tab: OpenTab, complaints: Complaints
) -> None:
    with ProxyServer(cors=True) as remote:
        remote.control("reset", seed_sessions=[SEED])
        desk = Desk(tab(), remote, f"{proxy.url}/").open(f"?proxy={remote.url}").connected()
        desk.agrees()
        before = desk.tab.steady(desk.figures)
        complaints.expect(LEFT)
        remote.stop()
        desk.reload()
        desk.shows("#last-seen")
        desk.tab.eventually(desk.figures, before)
        remote.start()
        desk.connected(within=40)
        desk.shows("#last-seen", False)
        desk.request(prompt_tokens=7000, completion_tokens=70)
        desk.agrees()


def test_the_page_works_where_a_script_finds_all_site_data_blocked(
    proxy: ProxyServer, tab: OpenTab
) -> None:
    proxy.control("reset", seed_sessions=[SEED])
    desk = Desk(tab(), proxy).open("?no-site-data").connected()
    shows_live_numbers(desk)


@pytest.mark.parametrize("kind", ["firefox"], indirect=True)
def test_the_page_works_where_firefox_blocks_all_site_data(
    kind: type[Firefox], proxy: ProxyServer, tmp_path: Path
) -> None:
    proxy.control("reset", seed_sessions=[SEED])
    with kind(tmp_path, NO_SITE_DATA) as browser:
        desk = Desk(browser.tab(), proxy).open().connected()
        shows_live_numbers(desk)
        told = desk.tab.complaints()
        assert [one for one in told if not re.search(NOT_KEPT, one)] == []


def shows_live_numbers(desk: Desk) -> None:
    """Wait until the page shows what comes, and says that nothing will be remembered."""
    desk.agrees()
    desk.request(prompt_tokens=6000, completion_tokens=60)
    desk.agrees()
    blocked = "The browser’s storage is full or blocked"
    desk.tab.eventually(lambda: blocked in desk.tab.text("#toasts"), True)


@pytest.mark.parametrize("kind", ["webkit"], indirect=True)
def test_the_page_works_where_the_language_is_none(
    kind: type[WebKit], proxy: ProxyServer, tmp_path: Path
) -> None:
    proxy.control("reset", seed_sessions=[SEED])
    with kind(tmp_path, language="C.UTF-8") as browser:
        desk = Desk(browser.tab(), proxy).open().connected()
        desk.tab.holds(LANGUAGE_OF_BROWSER, wanted="C")
        desk.tab.holds("() => document.documentElement.lang", wanted="en")
        desk.agrees()
        assert desk.tab.complaints() == []


def test_another_dashboard_runs_with_the_drop_in(tab: OpenTab, tmp_path: Path) -> None:
    dropin.build(tmp_path)
    (tmp_path / watched.WATCH.name).write_bytes(watched.WATCH.read_bytes())
    watched.put_first(tmp_path / "index.html", watched.WATCH.name)
    with ProxyServer("2026-02-20", static_dir=tmp_path) as proxy:
        proxy.control("reset", seed_sessions=[SEED])
        host = Desk(tab(), proxy)
        host.tab.go(f"{proxy.url}/index.html")
        host.reads("#requests", "3", within=STARTING)
        host.tab.holds("() => window.connected === true")
        host.request(prompt_tokens=900, completion_tokens=100, preview="Hello")
        host.reads("#feed li:last-child", "Hello: 1000")
        host.reads("#requests", "4")

"""The page's host is gone a moment after the start: what comes later comes when it is back."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Browser, Route, expect

from tests.e2e.conftest import CONTEXT
from tests.e2e.dashboard import Dashboard
from tests.proxy import ProxyServer

SEED = {"name": "Away", "metrics": [{"prompt_tokens": 1200, "completion_tokens": 310}]}
LATER_FILES = re.compile(r"/static/(boot/sources-|vendor/pyodide/python_stdlib\.zip)")
TOLD = "Some files of the page did not come"
SETTLED = "() => performance.getEntriesByName('kimi:settled').length"

STACKLESS = """{
  const original = window.fetch;
  const bare = ({ message }) => {
    const error = new TypeError(message);
    delete error.stack;
    return error;
  };
  window.fetch = (...asked) => original(...asked).catch((error) => { throw bare(error); });
  Error.prepareStackTrace = (error, frames) =>
    error instanceof TypeError && error.message.includes("dynamically imported module")
      ? undefined
      : [error, ...frames].join("\\n    at ");
}"""
"""Has failed `fetch` and `import()` reject as they do in WebKit: with errors that have no stack.

Of `fetch` they lack the property itself, by which Pyodide goes.
"""


class Host:
    """Some of the page's files, which can be had or not."""

    def __init__(self, desk: Dashboard, files: re.Pattern[str]) -> None:
        self._desk = desk
        self.is_away = True
        self.refused = 0
        desk.page.route(files, self._serve)

    def _serve(self, route: Route) -> None:
        if self.is_away:
            self.refused += 1
            route.abort("connectionrefused")
        else:
            route.continue_()

    def come_back(self) -> None:
        """Answer again, and have the browser tell that the network is back."""
        self.is_away = False
        self._desk.do("() => dispatchEvent(new Event('online'))")


def a_page(browser: Browser, proxy: ProxyServer, *, stackless: bool) -> Dashboard:
    page = browser.new_context(**CONTEXT).new_page()
    if stackless:
        page.add_init_script(STACKLESS)
    desk = Dashboard(page, proxy)
    desk.watch.expect(r"request failed: .*ERR_CONNECTION_REFUSED", r"console error: .*ERR_CONN")
    return desk


@pytest.mark.parametrize("stackless", [False, True])
def test_what_follows_the_start_is_asked_for_until_it_has_come(
    browser: Browser, proxy: ProxyServer, stackless: bool
) -> None:
    proxy.control("reset", seed_sessions=[SEED])
    desk = a_page(browser, proxy, stackless=stackless)
    host = Host(desk, LATER_FILES)
    desk.open(f"?proxy={proxy.url}").connected().agrees()
    desk.eventually(lambda: host.refused >= 4, True)  # it was asked again
    host.come_back()
    desk.eventually(lambda: desk.page.evaluate(SETTLED), 1)
    desk.still(lambda: sum(line.startswith(TOLD) for line in desk.watch.console), 1)
    assert desk.watch.settle() == []
    desk.page.context.close()


@pytest.mark.parametrize("stackless", [False, True])
def test_a_demo_that_cannot_be_fetched_says_so_and_comes_later(
    browser: Browser, proxy: ProxyServer, stackless: bool
) -> None:
    desk = a_page(browser, proxy, stackless=stackless)
    host = Host(desk, LATER_FILES)
    desk.page.goto(f"{proxy.url}/?proxy=demo")
    expect(desk["boot-text"]).to_contain_text("its host does not answer")
    host.come_back()
    desk.started()
    expect(desk["demo-banner"]).to_be_visible()
    assert desk.watch.settle() == []
    desk.page.context.close()


@pytest.mark.parametrize(
    ("file", "stackless"),
    [("js/chart.js", True), ("vendor/uplot/uPlot.esm.js", False), ("uPlot.min.css", False)],
)
def test_a_chart_that_cannot_be_fetched_says_so_and_comes_later(
    browser: Browser, proxy: ProxyServer, stackless: bool, file: str
) -> None:
    proxy.control("reset", seed_sessions=[SEED])
    desk = a_page(browser, proxy, stackless=stackless)
    host = Host(desk, re.compile(re.escape(file)))
    desk.open(f"?proxy={proxy.url}").connected()
    expect(desk.toast("The chart’s files cannot be fetched")).to_have_count(1)
    host.come_back()
    expect(desk["history-chart"].locator(".uplot")).to_have_count(1)
    assert desk.watch.settle() == []
    desk.page.context.close()


def test_a_proxy_that_is_away_is_known_to_be_in_a_browser_whose_errors_have_no_stack(
    browser: Browser, proxy: ProxyServer
) -> None:
    nobody = "http://127.0.0.1:9"  # a port that browsers refuse at once
    desk = a_page(browser, proxy, stackless=True)
    desk.watch.expect(r"ERR_UNSAFE_PORT")
    desk.watch.permit(nobody)
    desk.page.goto(f"{proxy.url}/?proxy={nobody}")
    desk.started()
    desk["demo-banner"].get_by_role("button").click()
    found = desk["connect-attempts"].locator("li").filter(has_text="127.0.0.1:9")
    expect(found).to_contain_text("no answer")
    stacks = "fetch('http://127.0.0.1:9').catch((error) => 'stack' in error)"
    assert desk.answer(stacks) is False
    assert desk.watch.settle() == []
    desk.page.context.close()

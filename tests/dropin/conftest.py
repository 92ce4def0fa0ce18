"""A foreign dashboard with the drop-in, served by the stand-in proxy; it must stay clean."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page

from tests.dropin import site
from tests.e2e.watch import Watch
from tests.proxy import ProxyServer
from tests.waiting import Waiting
from tools.chromium import TEST_ARGUMENTS, executable

#: Milliseconds; starting Python is slow where much else goes on.
PATIENCE = 90_000
MODULE = "/static/js/modules/sessions.js"


class Host(Waiting):
    """One open page of the dashboard, and a watch over what it should not say."""

    def __init__(self, page: Page, url: str) -> None:
        self.page = page
        self.watch = Watch(page, url)
        self.url = url
        page.set_default_timeout(PATIENCE)

    def open(self, path: str = "/index.html") -> Host:
        """Load a page; the one of the dashboard is awaited until it has started."""
        self.page.goto(self.url + path)
        if path == "/index.html":
            self.page.locator("#status", has_text="ready").wait_for()
        return self

    def run(self, script: str, argument: object = None) -> Any:
        """Run a script that sees the drop-in as `sessions` and the host's bus as `eventBus`."""
        return self.page.evaluate(
            f"""async (argument) => {{
              const sessions = await import("{MODULE}");
              const {{ eventBus }} = await import("/static/js/modules/utils.js");
              {script}
            }}""",
            argument,
        )

    def heard(self) -> list[str]:
        """The names of the events that the host's own listeners were called with."""
        return self.page.evaluate("window.heard.map(([name]) => name)")

    def caught_up(self) -> None:
        """Wait until what was asked for has come, and what had to be done next has been done."""
        self.eventually(lambda: self.watch.under_way, [])
        self.painted()


@pytest.fixture(scope="session")
def browser_type_launch_args(browser_type_launch_args: dict[str, Any]) -> dict[str, Any]:
    chromium = executable()
    path = {"executable_path": str(chromium)} if chromium else {}
    return {**browser_type_launch_args, "args": list(TEST_ARGUMENTS), **path}


@pytest.fixture(scope="session")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The host's folder, with the drop-in."""
    folder = tmp_path_factory.mktemp("host")
    site.expose_pyodide(site.build(folder))
    return folder


@pytest.fixture(scope="session")
def proxy(installed: Path) -> Iterator[ProxyServer]:
    with ProxyServer("2026-02-20", static_dir=installed) as server:
        yield server


@pytest.fixture
def visit(browser: Browser) -> Iterator[Callable[..., Host]]:
    """Make a page of one's own: `visit(proxy)`, opened by the test."""
    made: list[Host] = []

    def make(proxy: ProxyServer) -> Host:
        made.append(Host(browser.new_context(locale="en-US").new_page(), proxy.url))
        return made[-1]

    yield make
    unexpected = [complaint for host in made for complaint in host.watch.settle()]
    for host in made:
        host.page.context.close()
    assert unexpected == []


@pytest.fixture(scope="module")
def bare(browser: Browser, proxy: ProxyServer) -> Iterator[Host]:
    """A page with the module and nothing else, for the tests of one file."""
    host = Host(browser.new_context(locale="en-US").new_page(), proxy.url).open("/bare.html")
    yield host
    assert host.watch.settle() == []
    host.page.context.close()

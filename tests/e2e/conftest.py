"""The pages, the proxies, and the rule that holds for every test: the page stays clean.

Starting Python takes the page seconds, so most tests share one page a version of the proxy
(`dashboard`). Each of them works in a session of its own, which the proxy opens and the page
follows. A test that needs a page from the beginning asks for `visit`.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Page

from tests.e2e.dashboard import Dashboard
from tests.proxy import ProxyServer
from tests.proxy.dialects import DIALECTS, LATEST
from tests.waiting import PATIENCE
from tools.chromium import TEST_ARGUMENTS, executable

BUILT_PAGE = Path(os.environ.get("DASHBOARD_DIST", Path(__file__).parents[2] / "dist"))

NO_FAULTS: dict[str, Any] = {
    "http": [],
    "ws": {"refuse_next": 0, "delay_ms": 0, "duplicate": 0, "reorder": 0, "garbage": 0},
}

Visit = Callable[..., Dashboard]


@pytest.fixture(scope="session")
def browser_type_launch_args(browser_type_launch_args: dict[str, Any]) -> dict[str, Any]:
    chromium = executable()
    path = {"executable_path": str(chromium)} if chromium else {}
    return {**browser_type_launch_args, "args": list(TEST_ARGUMENTS), **path}


@pytest.fixture(scope="session")
def built_page() -> Path:
    if not (BUILT_PAGE / "index.html").is_file():
        pytest.exit(f"There is no page in {BUILT_PAGE}: run `make dist` first.", 3)
    return BUILT_PAGE


@pytest.fixture(scope="session", params=sorted(DIALECTS))
def dialect(request: pytest.FixtureRequest) -> str:
    """A version of the proxy; a test that takes this runs once for each."""
    return str(request.param)


class Desks:
    """One proxy with one open page for each version, made when it is first needed."""

    def __init__(self, browser: Browser, built_page: Path) -> None:
        self._browser = browser
        self._built_page = built_page
        self._open: dict[str, Dashboard] = {}

    def get(self, dialect: str) -> Dashboard:
        if dialect not in self._open:
            proxy = ProxyServer(dialect, static_dir=self._built_page).start()
            page = self._browser.new_context(**CONTEXT).new_page()
            self._open[dialect] = Dashboard(page, proxy).open().connected()
        return self._open[dialect]

    def discard(self, dialect: str) -> None:
        desk = self._open.pop(dialect)
        desk.page.context.close()
        desk.proxy.stop()

    def close(self) -> None:
        for dialect in list(self._open):
            self.discard(dialect)


CONTEXT: dict[str, Any] = {
    "locale": "en-US",
    "color_scheme": "dark",
    "timezone_id": "Europe/Paris",
    "viewport": {"width": 1280, "height": 900},
    "reduced_motion": "reduce",
}


@pytest.fixture(scope="session")
def desks(browser: Browser, built_page: Path) -> Iterator[Desks]:
    desks = Desks(browser, built_page)
    yield desks
    desks.close()


@pytest.fixture
def dashboard(request: pytest.FixtureRequest, desks: Desks, dialect: str) -> Iterator[Dashboard]:
    """The shared page, in a session that is new and empty."""
    failures = request.session.testsfailed
    desk = desks.get(dialect)
    desk.work_in(f"{request.node.name}")
    yield desk
    if request.session.testsfailed > failures:
        desks.discard(dialect)  # the next test shall not suffer for it
        return
    desk.proxy.control("faults", **NO_FAULTS)
    desk.tidy()
    unexpected = desk.watch.settle()
    if unexpected:
        desks.discard(dialect)
    assert unexpected == []


class Room:
    """A context that keeps the page's large files from visit to visit, and nothing else.

    What is new in an empty browser is tried in contexts of one's own.
    """

    def __init__(self, browser: Browser) -> None:
        self._browser = browser
        self._context: BrowserContext | None = None

    def page(self) -> Page:
        if self._context is None:
            self._context = self._browser.new_context(**CONTEXT)
        return self._context.new_page()

    def tidy(self, *origins: str) -> None:
        """Close every page, and forget what those of these origins have kept."""
        if self._context is None:
            return
        cleaner = self._context.new_page()
        for page in self._context.pages:
            if page != cleaner:
                page.close()
        session = self._context.new_cdp_session(cleaner)
        for origin in origins:
            kinds = {"origin": origin, "storageTypes": "cookies,local_storage,indexeddb"}
            session.send("Storage.clearDataForOrigin", kinds)
        cleaner.close()

    def discard(self) -> None:
        if self._context is not None:
            self._context.close()
            self._context = None


@pytest.fixture(scope="session")
def room(browser: Browser) -> Iterator[Room]:
    room = Room(browser)
    yield room
    room.discard()


@pytest.fixture(scope="session")
def server(built_page: Path) -> Iterator[ProxyServer]:
    with ProxyServer(static_dir=built_page) as server:
        yield server


@pytest.fixture
def proxy(server: ProxyServer) -> ProxyServer:
    """A proxy of the latest version that serves the page; `reset` makes it another one."""
    server.start()  # the last test may have stopped it
    deadline = time.monotonic() + PATIENCE
    while server.state()["open_websockets"] and time.monotonic() < deadline:
        time.sleep(0.01)  # the pages of the last test are still on their way out
    server.control("reset", dialect=LATEST)
    return server


@pytest.fixture
def visit(request: pytest.FixtureRequest, browser: Browser, room: Room) -> Iterator[Visit]:
    """Open a page of one's own: `visit(proxy, query, url=…, script=…, **context)`.

    A script runs in it before any of the page's own.
    """
    opened: list[Dashboard] = []
    failures = request.session.testsfailed

    def open_page(
        proxy: ProxyServer,
        query: str = "",
        *,
        url: str | None = None,
        keep_offline: bool = False,
        script: str = "",
        **context: Any,
    ) -> Dashboard:
        own = browser.new_context(**{**CONTEXT, **context}) if context or keep_offline else None
        page = own.new_page() if own else room.page()
        if script:
            page.add_init_script(script)
        opened.append(Dashboard(page, proxy, url, keep_offline=keep_offline))
        return opened[-1].open(query)

    yield open_page
    unexpected = [complaint for desk in opened for complaint in desk.watch.settle()]
    room.tidy(*(desk.url for desk in opened))
    for desk in opened:
        if desk.page.is_closed():
            continue
        desk.page.context.close()
    if unexpected or request.session.testsfailed > failures:
        room.discard()
    assert unexpected == []

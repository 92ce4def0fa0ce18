"""Firefox and WebKit, one process each; the page must stay as clean there as in Chromium."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from xdist.scheduler import LoadScopeScheduling

pytest.register_assert_rewrite("tests.browsers.desk", "tests.browsers.tab")

from tests.browsers import watched  # noqa: E402
from tests.browsers.desk import Desk  # noqa: E402
from tests.browsers.firefox import Firefox  # noqa: E402
from tests.browsers.tab import Browser, Tab  # noqa: E402
from tests.browsers.webkit import WebKit  # noqa: E402
from tests.proxy import ProxyServer  # noqa: E402

BROWSERS: dict[str, type[Browser]] = {"firefox": Firefox, "webkit": WebKit}
BUILT_PAGE = Path(os.environ.get("DASHBOARD_DIST", Path(__file__).parents[2] / "dist"))


class ByBrowser(LoadScopeScheduling):
    """Has all that runs in one browser run in one process, so that it is started once."""

    def _split_scope(self, nodeid: str) -> str:
        return nodeid.rpartition("[")[2]


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> ByBrowser:
    return ByBrowser(config, log)


@pytest.fixture(scope="session", params=BROWSERS)
def kind(request: pytest.FixtureRequest) -> type[Browser]:
    """A browser that is installed; a test that takes this runs once for each."""
    kind = BROWSERS[request.param]
    if missing := kind.missing():
        pytest.skip(missing)
    return kind


@pytest.fixture(scope="session")
def engine(kind: type[Browser], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    with kind(tmp_path_factory.mktemp(kind.name)) as browser:
        yield browser


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the built page, which writes down what it complains about."""
    if not (BUILT_PAGE / "index.html").is_file():
        pytest.exit(f"There is no page in {BUILT_PAGE}: run `make dist` first.", 3)
    return watched.build(BUILT_PAGE, tmp_path_factory.mktemp("page") / "dist")


class Complaints:
    """What the tabs of a test complained about, but for what it provokes on purpose."""

    def __init__(self) -> None:
        self._tabs: list[Tab] = []
        self._expected: list[str] = []

    def watch(self, tab: Tab) -> Tab:
        self._tabs.append(tab)
        return tab

    def expect(self, *patterns: str) -> None:
        """Declare what the test at hand provokes."""
        self._expected += patterns

    def close(self, tab: Tab) -> None:
        """Close a tab before the test ends."""
        self._tabs.remove(tab)
        unexpected = self.unexpected(tab)
        tab.close()
        assert unexpected == []

    def close_all(self) -> None:
        for tab in list(self._tabs):
            self.close(tab)

    def unexpected(self, tab: Tab) -> list[str]:
        known = [re.compile(pattern) for pattern in self._expected]
        return [one for one in tab.complaints() if not any(k.search(one) for k in known)]


@pytest.fixture
def complaints() -> Complaints:
    return Complaints()


@pytest.fixture
def proxy(site: Path) -> Iterator[ProxyServer]:
    """A proxy of the latest version that serves the page."""
    with ProxyServer(static_dir=site) as server:
        yield server


@pytest.fixture
def tab(engine: Browser, complaints: Complaints) -> Iterator[Callable[[], Tab]]:
    """Open tabs of one's own; each must stay clean, and is closed at the end."""

    def open_tab() -> Tab:
        return complaints.watch(engine.tab())

    yield open_tab
    complaints.close_all()


@pytest.fixture(scope="session")
def shared(engine: Browser, site: Path) -> Iterator[Desk]:
    """A page that stays open from test to test."""
    with ProxyServer(static_dir=site) as server:
        desk = Desk(engine.tab(), server).open().connected()
        yield desk
        desk.tab.close()


@pytest.fixture
def desk(shared: Desk, complaints: Complaints) -> Iterator[Desk]:
    """The shared page, which must stay clean."""
    yield shared
    assert complaints.unexpected(shared.tab) == []

"""How the page comes up in the other browsers, whatever they have and whatever they lack."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path

from tests.browsers.conftest import Complaints
from tests.browsers.desk import Desk
from tests.browsers.tab import Tab
from tests.e2e.figures import MODEL, PROVIDER, requests
from tests.proxy import ProxyServer

OpenTab = Callable[[], Tab]

SEED = {"name": "Booting", "provider": PROVIDER, "model": MODEL, "metrics": requests(3)}
NO_API = [{"path_prefix": "/api/", "status": 404, "json": {"detail": "Not Found"}, "times": 99}]
RESTORED = "() => performance.getEntriesByName('kimi:snapshot').length"
SLOW = "Python starts without its snapshot: "
LOGGED = "(start) => window.logged.filter((line) => line.startsWith(start))"


def test_python_is_restored_from_its_snapshot(proxy: ProxyServer, tab: OpenTab) -> None:
    proxy.control("reset", seed_sessions=[SEED])
    desk = Desk(tab(), proxy).open().connected()
    desk.tab.holds(RESTORED, wanted=1)
    desk.tab.holds(LOGGED, SLOW, wanted=[])
    desk.agrees()


def test_without_its_snapshot_python_starts_plainly(
    site: Path, tmp_path: Path, tab: OpenTab, complaints: Complaints
) -> None:
    built = tmp_path / "dist"
    shutil.copytree(site, built, copy_function=os.link)
    [snapshot] = built.glob("static/boot/snapshot-*.pack")
    snapshot.unlink()
    complaints.expect("snapshot", "cannot be kept")
    with ProxyServer(static_dir=built) as proxy:
        proxy.control("reset", seed_sessions=[SEED])
        desk = Desk(tab(), proxy).open().connected()
        [line] = desk.tab.steady(lambda: desk.tab.run(LOGGED, SLOW))
        assert line == f"{SLOW}{proxy.url}/static/boot/{snapshot.name} is missing (404)."
        desk.agrees()


def test_without_a_proxy_there_is_a_demo(
    proxy: ProxyServer, tab: OpenTab, complaints: Complaints
) -> None:
    complaints.expect("localhost:8000")  # where it looks, too
    proxy.control("faults", http=NO_API)
    desk = Desk(tab(), proxy).open()
    desk.shows("#demo-banner")
    desk.reads("#ws-status-text", "Demo")
    before = desk.tab.steady(desk.requests)
    desk.tab.eventually(lambda: desk.requests() > before, True, within=40)

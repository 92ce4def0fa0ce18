"""The page on hosts as people have them: it starts, is kept, is updated, and says what is wrong."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from tests.e2e import small_site
from tests.e2e.conftest import CONTEXT, Visit
from tests.e2e.dashboard import Dashboard
from tests.e2e.figures import MODEL, PROVIDER, requests
from tests.e2e.small_site import Visitor
from tests.e2e.watch import Watch
from tests.hosts import servers
from tests.hosts.conftest import Builds, Site
from tests.proxy import ProxyServer
from tools import precache

SEED = {"name": "Hosted", "provider": PROVIDER, "model": MODEL, "metrics": requests(3)}
AWAY = (r"net::ERR_(CONNECTION|SOCKET|EMPTY|ABORTED)", r"WebSocket connection to .* failed")
DEMO = "?proxy=demo"

Nginx = Callable[..., Site]


def without(build: Path, folder: Path, pattern: str) -> Path:
    """Return a build that was not copied whole."""
    shutil.copytree(build, folder, ignore=shutil.ignore_patterns("dropin"))
    [missing] = folder.glob(pattern)
    missing.unlink()
    return folder


def from_snapshot(desk: Dashboard) -> None:
    """Assert that Python was restored, and not started in another way."""
    count = "() => performance.getEntriesByName('kimi:memory').length"
    desk.eventually(lambda: desk.answer(count), 1)


def kept_and_updated(desk: Dashboard, site: Site, second: Path) -> None:
    """Let a page be kept, open it without its host, and let a new version arrive."""
    visitor = Visitor(desk.page, desk.watch).kept()
    desk.watch.expect(*AWAY)
    desk.watch.permit("http://localhost:8000")  # where it looks when its own host is away
    with site.away():
        desk.reload()
        from_snapshot(desk)
    site.host.deploy(second)
    visitor.look_for_update()
    expect(desk["update"]).to_be_visible()


@pytest.mark.parametrize("name", servers.DOCUMENTED)
def test_a_documented_server_holds_page_and_proxy_below_one_folder(
    name: str, documented: Callable[[str], Site], proxy: ProxyServer, builds: Builds, visit: Visit
) -> None:
    site = documented(name)
    site.host.deploy(builds.first)
    proxy.control("reset", seed_sessions=[SEED])
    desk = visit(proxy, url=site.url, keep_offline=True).connected()
    desk.agrees()
    from_snapshot(desk)
    proxy.control("request", prompt_tokens=6000, completion_tokens=60, preview="Live")
    desk.agrees()
    kept_and_updated(desk, site, builds.second)


@pytest.fixture(params=["gzip_static and immutable", "single-page fallback", "http.server"])
def plain(request: pytest.FixtureRequest, builds: Builds) -> tuple[Site, Path, Path]:
    """A host of files only, with two versions for it."""
    if request.param == "http.server":
        return request.getfixturevalue("python"), builds.first, builds.second
    nginx: Nginx = request.getfixturevalue("nginx")
    if request.param == "single-page fallback":
        return nginx("app", "single page"), builds.first, builds.second
    return nginx("tools/kimi", "packed"), builds.first_packed, builds.second_packed


def test_a_host_of_files_needs_no_configuration(
    plain: tuple[Site, Path, Path], proxy: ProxyServer, visit: Visit
) -> None:
    site, first, second = plain
    site.host.deploy(first)
    desk = visit(proxy, DEMO, url=site.url, keep_offline=True)
    expect(desk["demo-banner"]).to_be_visible()
    from_snapshot(desk)
    kept_and_updated(desk, site, second)


def test_a_host_without_types_is_forgotten_once_it_is_mended(
    nginx: Nginx, proxy: ProxyServer, builds: Builds, visit: Visit, browser: Browser
) -> None:
    site = nginx("kimi", "no types", later="stock")
    site.host.deploy(builds.first)
    with browser.new_context(**CONTEXT) as context:
        page = context.new_page()
        page.goto(site.url + DEMO)
        expect(page.locator(".no-files")).to_contain_text("This page’s files did not load.")
        with site.away():
            pass  # and back again, with types
        desk = Dashboard(page, proxy, site.url, keep_offline=True)
        desk.watch.expect("Failed to load module script")  # as the browser has kept them
        desk.reload()
        from_snapshot(desk)
        Visitor(page, desk.watch).kept()
        assert desk.watch.settle() == []


def test_python_starts_plainly_where_webassembly_has_no_type(
    nginx: Nginx, proxy: ProxyServer, builds: Builds, tmp_path: Path, browser: Browser
) -> None:
    site = nginx("kimi", "few types")
    site.host.deploy(without(builds.first, tmp_path / "dist", "static/boot/snapshot-*.pack"))
    with browser.new_context(**CONTEXT) as context:
        desk = Dashboard(context.new_page(), proxy, site.url).open(DEMO)
        expect(desk["demo-banner"]).to_be_visible()
        slow = "starts without its snapshot"
        desk.eventually(lambda: sum(slow in text for text in desk.watch.console), 1)
        assert [c for c in desk.watch.settle() if "404" not in c] == []


@pytest.mark.parametrize("address", ["/bare", "/app/some/where"])
def test_a_page_whose_relative_addresses_lead_nowhere_says_what_to_do(
    address: str, nginx: Nginx, builds: Builds, browser: Browser
) -> None:
    site = nginx("app", "single page")
    site.host.deploy(builds.first)
    with browser.new_context(**CONTEXT) as context:
        page = context.new_page()
        page.goto(site.url.removesuffix("/app/") + address)
        expect(page.locator(".no-files")).to_contain_text("If the address has no slash")
        expect(page.locator(".no-files")).to_contain_text("Si l’adresse ne se termine pas")


def test_a_page_of_the_hosts_own_in_place_of_a_file_is_not_kept(
    nginx: Nginx, tmp_path: Path, browser: Browser
) -> None:
    site = nginx("app", "single page")
    site.host.deploy(small_site.build(tmp_path / "1", "1"))
    with browser.new_context(**CONTEXT) as context:
        page = context.new_page()
        page.goto(site.url)
        visitor = Visitor(page, Watch(page, site.url)).kept()
        page.reload()
        assert visitor.seen() == {"1"}

        broken = small_site.build(tmp_path / "2", "2")
        (broken / "text.txt").unlink()
        site.host.deploy(broken)
        visitor.look_for_update()
        why = {"file": "text.txt", "status": 200, "type": "text/html", "update": True}
        visitor.eventually(lambda: visitor.told()[0], ["page:not_kept", why])
        page.reload()
        assert visitor.seen() == {"1"}

        empty = tmp_path / "3"
        shutil.copytree(tmp_path / "1", empty)
        (empty / precache.WORKER).unlink()
        site.host.deploy(empty)
        page.reload()
        visitor.eventually(visitor.storage, {"caches": {}, "registrations": 0})


def test_what_cannot_be_kept_is_told_in_the_page(
    nginx: Nginx, proxy: ProxyServer, builds: Builds, tmp_path: Path, visit: Visit
) -> None:
    site = nginx("app", "single page")
    missing = "static/vendor/tiktoken/o200k_base.json.gz"
    site.host.deploy(without(builds.first, tmp_path / "dist", missing))
    desk = visit(proxy, DEMO, url=site.url, keep_offline=True, locale="fr-FR")
    desk.watch.expect("cannot be kept for offline use")
    expect(desk.toast(missing)).to_contain_text("ne peut pas être gardée pour un usage sans réseau")
    expect(desk["demo-banner"]).to_be_visible()


def test_no_file_is_left_out_by_hosts_that_publish_a_branch(builds: Builds) -> None:
    hidden = [path for path in builds.first.rglob("*") if path.name.startswith(("_", "."))]
    assert hidden == []


def test_the_service_worker_knows_the_type_of_every_file(builds: Builds) -> None:
    worker = (builds.first / precache.WORKER).read_text(encoding="utf-8")
    [table] = re.findall(r"const TYPES = \{(.*?)\};", worker, re.DOTALL)
    known = set(re.findall(r"(\w+): ", table))
    assert {Path(path).suffix[1:] for path in precache.manifest(builds.first)["files"]} <= known

"""The page without a network, and how one version of it follows another.

What versions do is tried with a page of a few lines, kept by the real scripts; only the tests
of the page itself start Python.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from tests.e2e import small_site
from tests.e2e.conftest import CONTEXT, Visit
from tests.e2e.dashboard import Dashboard
from tests.e2e.figures import MODEL, PROVIDER, requests
from tests.e2e.small_site import Host, Visitor
from tests.e2e.watch import Watch
from tests.proxy import ProxyServer
from tools import precache

SEED = {"name": "On a train", "provider": PROVIDER, "model": MODEL, "metrics": requests(3)}
FOLDER = "/static/dashboard/"
UNREACHABLE = (r"WebSocket connection to .* failed", r"net::ERR_(CONNECTION|SOCKET|EMPTY|ABORTED)")


# --- The page -----------------------------------------------------------------------


def test_the_page_opens_without_any_network_and_follows_the_host(
    built_page: Path, tmp_path: Path, visit: Visit
) -> None:
    host = Host(tmp_path / "page")
    host.deploy(built_page)
    with ProxyServer(static_dir=host.folder, static_path=FOLDER) as proxy:
        proxy.control("reset", seed_sessions=[SEED])
        desk = visit(proxy, url=f"{proxy.url}{FOLDER}", keep_offline=True).connected()
        desk.agrees()
        before = desk.steady(desk.figures)
        Visitor(desk.page, desk.watch).kept()
        desk.watch.expect(*UNREACHABLE)
        desk.watch.permit("http://localhost:8000")  # where it looks when its own host is away
        proxy.stop()

        desk.reload()
        expect(desk["connection"]).to_have_attribute("data-state", "reconnecting")
        desk.eventually(desk.figures, before)
        other = Dashboard(
            desk.page.context.new_page(), proxy, f"{proxy.url}{FOLDER}", keep_offline=True
        )
        other.watch.expect(*UNREACHABLE)
        other.open("?proxy=demo")
        expect(other["demo-banner"]).to_be_visible()

        proxy.start()
        desk.do("() => dispatchEvent(new Event('online'))")
        desk.connected(within=40)
        proxy.control("request", prompt_tokens=6000, completion_tokens=60, preview="Home again")
        desk.agrees()
        assert told(desk, "On a train") == []

        host.deploy(small_site.next_version(built_page, tmp_path / "2"))
        Visitor(desk.page, desk.watch).look_for_update()
        desk["language-fr"].click()
        expect(desk["update"]).to_contain_text("Une nouvelle version est prête.")
        desk["update"].get_by_role("button", name="Recharger").click()
        expect(desk["root"]).to_have_attribute("data-build", "2")
        desk.started().connected()
        desk.agrees()
        expect(desk["update"]).to_be_hidden()
        assert told(desk, "On a train") == []
        assert other.watch.settle() == []


def told(desk: Dashboard, secret: str) -> list[str]:
    """Return what is kept although it is no file of the page, or tells what a proxy answered."""
    kept: list[tuple[str, bool]] = desk.answer(
        """async (secret) => {
          const kept = [];
          for (const name of await caches.keys()) {
            const cache = await caches.open(name);
            for (const request of await cache.keys()) {
              const text = await (await cache.match(request)).text();
              kept.push([new URL(request.url).pathname, text.includes(secret)]);
            }
          }
          return kept;
        }""",
        secret,
    )
    assert len(kept) > 20
    own = re.compile(rf"{FOLDER}(\.content/|\.pages/|\.newest$|static/boot/[\w-]+\.pack$)")
    return [path for path, found in kept if found or not own.match(path)]


# --- Versions -------------------------------------------------------------------------


@pytest.fixture
def site(tmp_path: Path) -> Iterator[tuple[Host, ProxyServer]]:
    host = Host(tmp_path / "page")
    host.deploy(small_site.build(tmp_path / "1", "1"))
    with ProxyServer(static_dir=host.folder) as server:
        yield host, server


@pytest.fixture
def deploy(site: tuple[Host, ProxyServer], tmp_path: Path) -> Callable[..., Path]:
    """Build a version and put it on the host; `spoil` does something to it before."""

    def deploy(
        version: str, spoil: Callable[[Path], object] = lambda _: None, *, main: str = ""
    ) -> Path:
        folder = tmp_path / version
        if not folder.exists():
            small_site.build(folder, version, main=main or small_site.MAIN)
        spoil(folder)
        site[0].deploy(folder)
        return folder

    return deploy


@pytest.fixture
def context(browser: Browser) -> Iterator[BrowserContext]:
    context = browser.new_context(**CONTEXT)
    yield context
    context.close()


@pytest.fixture
def tab(
    context: BrowserContext, site: tuple[Host, ProxyServer]
) -> Iterator[Callable[..., Visitor]]:
    """Open a tab; at the end none of them may have complained."""
    watched: list[Watch] = []

    def tab(*expected: str) -> Visitor:
        page: Page = context.new_page()
        watched.append(Watch(page, site[1].url))
        watched[-1].expect(*expected)
        page.goto(f"{site[1].url}/")
        return Visitor(page, watched[-1])

    yield tab
    assert [complaint for watch in watched for complaint in watch.settle()] == []


Deploy = Callable[..., Path]
Tab = Callable[..., Visitor]


def stop_workers(context: BrowserContext, page: Page) -> None:
    """Have the browser stop the service worker, as it does when it is idle."""
    session = context.new_cdp_session(page)
    session.send("ServiceWorker.enable")
    session.send("ServiceWorker.stopAllWorkers")
    session.detach()


def test_an_open_page_keeps_its_version_and_the_next_visit_gets_the_new_one(
    tab: Tab, deploy: Deploy, context: BrowserContext
) -> None:
    first = tab().kept()
    first.page.reload()
    second = tab()
    assert first.seen() == {"1"}
    first.look_for_update()
    expect(first.page.locator("#update")).to_be_hidden()

    deploy("2")
    first.look_for_update()
    for visitor in (first, second):
        expect(visitor.page.locator("#update")).to_be_visible()
        # What the page fetches only now is its own version's, whoever serves it.
        assert visitor.seen() == {"1"}
    first.let_take_over()
    assert first.seen() == {"1"}
    stop_workers(context, first.page)
    assert second.seen() == {"1"}

    first.page.locator("#update-reload").click()
    first.page.wait_for_function("() => document.title === '2' && window.seen")
    assert first.seen() == {"2"}
    expect(first.page.locator("#update")).to_be_hidden()
    assert second.seen() == {"1"}
    assert tab().seen() == {"2"}
    second.page.locator("#update-close").click()
    expect(second.page.locator("#update")).to_be_hidden()

    # What nobody uses any more goes away at a later visit.
    deploy("3")
    first.look_for_update()
    second.page.reload()
    assert second.seen() == {"3"}
    assert first.seen() == {"2"}


def test_what_the_first_visit_brought_does_not_mix_with_the_next_version(
    tab: Tab, deploy: Deploy
) -> None:
    visitor = tab().kept()
    assert visitor.seen() == {"1"}  # from the host, whose files the browser now has as well
    deploy("2")
    visitor.look_for_update()
    expect(visitor.page.locator("#update")).to_be_visible()
    visitor.page.reload()
    assert visitor.seen() == {"2"}
    expect(visitor.page.locator("#update")).to_be_hidden()


def test_a_version_is_kept_as_long_as_a_page_uses_it(tab: Tab, deploy: Deploy) -> None:
    first = tab().kept()
    first.page.reload()
    first.seen()
    kept = first.steady(lambda: contents(first))
    assert not any(path.endswith("/python.wasm") for path in kept)  # it is in the pack
    deploy("2")
    first.look_for_update()
    first.ask("tidy")
    first.eventually(lambda: contents(first) > kept, True)
    assert first.seen() == {"1"}


def contents(visitor: Visitor) -> set[str]:
    caches = visitor.storage()["caches"].values()
    return {path for paths in caches for path in paths if path.startswith("/.content/")}


BROKEN: dict[str, Callable[[Path], object]] = {
    "another version's file": lambda build: (build / "late.js").write_text("1"),
    "a missing file": lambda build: (build / "text.txt").unlink(),
    "half a worker": lambda build: cut(build / precache.WORKER),
    "a failing worker": lambda build: (build / precache.WORKER).write_text("throw 1;"),
}


TOLD: dict[str, dict[str, object]] = {
    "another version's file": {
        "file": "late.js", "status": 200, "type": "text/javascript; charset=utf-8"
    },
    "a missing file": {"file": "text.txt", "status": 404, "type": "application/json"},
}  # fmt: skip
NOT_KEPT = "The page cannot be kept for offline use"


def cut(file: Path) -> None:
    file.write_bytes(file.read_bytes()[:-100])


def test_broken_deploys_change_nothing_and_the_next_good_one_heals_them(
    tab: Tab, deploy: Deploy
) -> None:
    visitor = tab(NOT_KEPT).kept()
    visitor.page.reload()
    for name, spoil in BROKEN.items():
        deploy(f"broken by {name}", spoil)
        visitor.look_for_update()
        if name in TOLD:
            told = ["page:not_kept", {**TOLD[name], "update": True}]
            visitor.eventually(lambda told=told: told in visitor.told(), True)
        visitor.page.reload()
        assert (name, visitor.seen()) == (name, {"1"})
        expect(visitor.page.locator("#update")).to_be_hidden()

    deploy("2")
    visitor.look_for_update()
    expect(visitor.page.locator("#update")).to_be_visible()
    visitor.page.reload()
    assert visitor.seen() == {"2"}


def test_a_first_visit_that_cannot_be_kept_says_which_file_is_to_blame(
    tab: Tab, deploy: Deploy
) -> None:
    deploy("2", lambda build: (build / "same.txt").unlink())
    visitor = tab("404", NOT_KEPT)
    why = {"file": "same.txt", "status": 404, "type": "application/json", "update": False}
    visitor.eventually(visitor.told, [["page:not_kept", why]])
    assert visitor.seen() == {"2"}
    deploy("3", lambda build: (build / precache.WORKER).unlink())
    visitor.page.reload()
    why["file"] = precache.WORKER
    visitor.eventually(visitor.told, [["page:not_kept", why]])


OF_EARLIER = """async () => {
  for (const name of await caches.keys()) {
    const cache = await caches.open(name);
    for (const request of await cache.keys()) {
      if (!request.url.includes("/.content/")) continue;
      const headers = { "content-type": "application/octet-stream" };
      await cache.put(request, new Response((await cache.match(request)).body, { headers }));
    }
  }
}"""


def test_wrong_types_that_were_kept_are_put_right_by_the_next_version(
    tab: Tab, deploy: Deploy
) -> None:
    visitor = tab().kept()
    visitor.page.reload()  # under Playwright, a page that was not kept yet would hang below
    types = {
        "bus.js": "text/javascript; charset=utf-8",
        "index.html": "text/html; charset=utf-8",
        "text.txt": "text/plain; charset=utf-8",
    }
    read = visitor.types
    visitor.eventually(lambda: {name: read()[name] for name in types}, types)
    visitor.do(OF_EARLIER)
    visitor.eventually(lambda: set(read().values()), {"application/octet-stream"})

    deploy("2")
    visitor.look_for_update()
    visitor.eventually(lambda: {name: read()[name] for name in types}, types)
    visitor.page.reload()
    assert visitor.seen() == {"2"}  # among them modules that both versions have


def test_a_version_that_cannot_start_is_left_as_soon_as_there_is_a_better_one(
    tab: Tab, deploy: Deploy
) -> None:
    visitor = tab().kept()
    visitor.page.reload()
    deploy("2", main=small_site.FAILING)
    visitor.look_for_update()
    visitor.page.reload()
    expect(visitor.page).to_have_title("2")

    deploy("3")
    visitor.page.reload()
    expect(visitor.page).to_have_title("3")  # nobody has touched anything
    assert visitor.seen() == {"3"}


def test_damaged_files_are_put_right_when_the_page_cannot_start(tab: Tab) -> None:
    visitor = tab().kept()
    visitor.page.reload()
    visitor.seen()
    visitor.do(
        """async () => {
          const [name] = await caches.keys();
          const cache = await caches.open(name);
          const [main] = (await cache.keys()).filter(({ url }) => url.endsWith("/main.js"));
          const headers = { "content-type": "text/javascript" };
          const text = 'document.getElementById("boot").dataset.state = "error";';
          await cache.put(main, new Response(text, { headers }));
        }"""
    )
    visitor.page.reload()
    visitor.page.wait_for_function("() => window.seen")
    assert visitor.seen() == {"1"}


def test_a_cache_that_was_emptied_is_filled_again(tab: Tab, site: tuple[Host, ProxyServer]) -> None:
    visitor = tab(*UNREACHABLE).kept()
    visitor.page.reload()
    before = visitor.steady(lambda: contents(visitor))
    visitor.do("async () => { for (const name of await caches.keys()) caches.delete(name); }")
    visitor.page.reload()
    assert visitor.seen() == {"1"}
    visitor.eventually(lambda: contents(visitor), before)
    site[1].stop()
    visitor.page.reload()
    assert visitor.seen() == {"1"}


@pytest.mark.parametrize("way", ["a worker that removes itself", "another page"])
def test_it_leaves_without_a_trace(
    tab: Tab, deploy: Deploy, site: tuple[Host, ProxyServer], way: str
) -> None:
    visitor = tab("404").kept()
    visitor.page.reload()
    visitor.seen()

    def spoil(build: Path) -> None:
        if way == "another page":
            (build / precache.WORKER).unlink()
        else:
            precache.turn_off(build)

    deploy("2", spoil)
    visitor.page.reload()
    expect(visitor.page).to_have_title("1")
    visitor.look_for_update()
    visitor.watch.leave()
    visitor.page.goto("about:blank")  # the last open page makes room for the newer worker
    visitor.page.goto(f"{site[1].url}/")
    visitor.eventually(visitor.storage, {"caches": {}, "registrations": 0})
    visitor.page.reload()
    expect(visitor.page).to_have_title("2")

"""The watch over the pages: what it lets pass, and what it complains of."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser

from tests.e2e.dashboard import Dashboard
from tests.proxy import ProxyServer

NEVER = {"path_prefix": "/api/", "delay_ms": 5000, "status": 200, "times": 99}


@pytest.fixture(scope="module")
def slow(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ProxyServer]:
    """A host of an empty page, which takes its time to answer questions."""
    folder = tmp_path_factory.mktemp("page")
    page = "<!doctype html><title>Empty</title><link rel=icon href=data:,>"
    (folder / "index.html").write_text(page)
    (folder / "other.html").write_text(page)
    with ProxyServer(static_dir=folder) as server:
        server.control("faults", http=[NEVER])
        yield server


@pytest.fixture
def desk(browser: Browser, slow: ProxyServer) -> Iterator[Dashboard]:
    desk = Dashboard(browser.new_page(), slow, f"{slow.url}/index.html")
    desk.page.goto(desk.url)
    yield desk
    desk.page.close()


def ask(desk: Dashboard) -> None:
    """Ask for something that does not come, and do not mind what becomes of it."""
    with desk.page.expect_request("**/api/sessions"):
        desk.do("() => { fetch('/api/sessions').catch(() => {}); }")


def reload_itself(desk: Dashboard) -> None:
    with desk.page.expect_navigation():
        desk.do("() => { location.reload(); }")


def leave_and_return(desk: Dashboard) -> None:
    desk.leave().page.goto(desk.url)


def test_leaving_in_every_way_breaks_off_requests_without_a_complaint(desk: Dashboard) -> None:
    for leave in (
        lambda: desk.page.reload(),
        lambda: desk.page.goto(desk.url.replace("index", "other")),
        lambda: leave_and_return(desk),
        lambda: reload_itself(desk),
    ):
        ask(desk)
        leave()
        desk.eventually(lambda: desk.watch.under_way, [])
    ask(desk)
    desk.page.close()
    assert desk.watch.settle() == []


def test_what_is_broken_off_while_the_page_stays_is_a_complaint(desk: Dashboard) -> None:
    desk.page.reload()
    with desk.page.expect_event("requestfailed"):
        desk.do(
            """() => {
              const stop = new AbortController();
              fetch("/api/sessions", { signal: stop.signal }).catch(() => {});
              history.pushState(null, "", "#elsewhere");
              setTimeout(() => stop.abort());
            }"""
        )
    [complaint] = desk.watch.settle()
    assert complaint.startswith("request failed: GET ")


def test_what_a_frame_loads_is_no_leaving(desk: Dashboard) -> None:
    desk.page.reload()
    with desk.page.expect_event("requestfailed"):
        desk.do(
            """() => {
              const stop = new AbortController();
              const frame = document.createElement("iframe");
              frame.src = "other.html";
              frame.addEventListener("load", () => stop.abort());
              fetch("/api/sessions", { signal: stop.signal }).catch(() => {});
              document.body.append(frame);
            }"""
        )
    [complaint] = desk.watch.settle()
    assert complaint.startswith("request failed: GET ")


def test_what_fails_before_the_page_is_left_is_a_complaint(desk: Dashboard) -> None:
    desk.page.route("**/api/sessions", lambda route: route.abort("connectionreset"))
    with desk.page.expect_event("requestfailed"):
        ask(desk)
    desk.page.reload()
    [request] = [one for one in desk.watch.settle() if one.startswith("request failed")]
    assert "ERR_CONNECTION_RESET" in request

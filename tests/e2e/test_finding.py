"""How the page finds its proxy: slow, faulty, away, late, elsewhere, or in a folder."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import expect

from sessions.search import FIRST_LIMIT
from tests.e2e.conftest import NO_FAULTS, Visit
from tests.e2e.dashboard import Dashboard
from tests.e2e.figures import MODEL, PROVIDER, requests
from tests.e2e.test_connection import UNREACHABLE
from tests.proxy import ProxyServer

SEED = {"name": "At home", "provider": PROVIDER, "model": MODEL, "metrics": requests(3)}
OTHER = {"name": "Elsewhere", "provider": PROVIDER, "model": MODEL, "metrics": requests(4)}
NO_API: dict[str, Any] = {
    "http": [{"path_prefix": "/api/", "status": 404, "json": {"detail": "Not Found"}, "times": 999}]
}
FAILING: dict[str, Any] = {
    "http": [{"path_prefix": "/api/", "status": 500, "text": "Broken", "times": 999}],
    "ws": {"refuse_next": 999},
}
USUAL = "http://localhost:8000"
LAST_PROXY = "kimi:default:last-proxy"


@pytest.fixture
def home(built_page: Path) -> Iterator[ProxyServer]:
    """A host of the page, and perhaps its proxy."""
    with ProxyServer(static_dir=built_page) as server:
        server.control("reset", seed_sessions=[SEED])
        yield server


@pytest.fixture
def remote() -> Iterator[ProxyServer]:
    """A proxy that serves no page."""
    with ProxyServer(cors=True) as server:
        server.control("reset", seed_sessions=[OTHER])
        yield server


def provoked(desk: Dashboard) -> Dashboard:
    """Let the page ask at the usual place, too, and be told of errors."""
    desk.watch.expect(*UNREACHABLE, "status of (404|500)", f"another origin: {USUAL}/api/sessions")
    return desk


def remembering(host: ProxyServer, **kept: str) -> dict[str, Any]:
    """What the browser keeps for the page of a host."""
    entries = [{"name": name, "value": value} for name, value in kept.items()]
    return {"cookies": [], "origins": [{"origin": host.url, "localStorage": entries}]}


def look_again(desk: Dashboard) -> None:
    """Come back to the page."""
    desk.do("() => dispatchEvent(new Event('focus'))")


def test_a_proxy_that_is_slow_at_the_first_visit_is_waited_for(
    home: ProxyServer, visit: Visit
) -> None:
    slow = {"path_prefix": "/api/", "delay_ms": FIRST_LIMIT * 2500, "times": 999}
    home.control("faults", http=[slow], ws={"refuse_next": 999})
    desk = provoked(visit(home))
    expect(desk["demo-text"]).to_have_text(
        f"{home.url} takes long to answer; the page waits for it and keeps trying."
    )
    expect(desk["demo-title"]).to_be_hidden()
    home.control("faults", **NO_FAULTS)
    look_again(desk)
    desk.connected(within=30).agrees()
    expect(desk["demo-banner"]).to_be_hidden()


def test_a_proxy_that_fails_at_the_first_visit_is_waited_for(
    home: ProxyServer, visit: Visit
) -> None:
    home.control("faults", **FAILING)
    desk = provoked(visit(home))
    expect(desk["demo-text"]).to_have_text(
        f"Something answers at {home.url}, but with an error; "
        "the page waits for it and keeps trying."
    )
    expect(desk["demo-title"]).to_be_hidden()
    expect(desk["current-tokens"]).to_have_text("—")
    expect(desk["connect-offer"]).to_be_hidden()
    desk["language-fr"].click()
    expect(desk["demo-text"]).to_contain_text("mais par une erreur")
    desk["language-en"].click()

    home.control("faults", **NO_FAULTS)
    look_again(desk)
    desk.connected().agrees()
    expect(desk["demo-banner"]).to_be_hidden()
    expect(desk["session-name"]).to_have_text("At home")


def test_a_proxy_that_turns_up_beside_the_demo_is_offered(home: ProxyServer, visit: Visit) -> None:
    home.control("faults", **NO_API)
    desk = provoked(visit(home))
    expect(desk["demo-text"]).to_contain_text(f"No Kimi Proxy was found at {home.url}, {USUAL}.")
    expect(desk["demo-title"]).to_be_visible()
    expect(desk["connect-offer"]).to_be_hidden()

    home.control("faults", **NO_FAULTS)

    def is_offered() -> bool:
        look_again(desk)
        return desk["connect-offer"].is_visible()

    desk.eventually(is_offered, True)
    expect(desk["demo-text"]).to_have_text(f"A Kimi Proxy answers now at {home.url}.")
    expect(desk["demo-title"]).to_be_visible()
    expect(desk["ws-status-text"]).to_have_text("Demo")  # and so it stays, until a person says so

    desk["connect-offer"].click()
    expect(desk["session-name"]).to_have_text("At home", timeout=60_000)
    desk.connected().agrees()
    expect(desk["demo-banner"]).to_be_hidden()


def test_the_last_known_proxy_is_waited_for_and_another_only_offered(
    home: ProxyServer, remote: ProxyServer, visit: Visit
) -> None:
    remote.stop()
    desk = visit(
        remote, url=f"{home.url}/", storage_state=remembering(home, **{LAST_PROXY: remote.url})
    )
    provoked(desk).watch.permit(home.url)
    expect(desk["demo-text"]).to_have_text(
        f"No Kimi Proxy answers at {remote.url}; the page keeps trying. "
        f"A Kimi Proxy answers now at {home.url}."
    )
    expect(desk["connect-offer"]).to_have_text("Change to it")
    expect(desk["current-tokens"]).to_have_text("—")

    remote.start()
    look_again(desk)
    desk.connected().agrees()
    expect(desk["session-name"]).to_have_text("Elsewhere")
    expect(desk["demo-banner"]).to_be_hidden()

    remote.stop()
    desk.reload()
    desk["connect-offer"].click()
    expect(desk["session-name"]).to_have_text("At home", timeout=60_000)
    expect(desk["demo-banner"]).to_be_hidden()
    desk.eventually(lambda: desk.answer("(key) => localStorage.getItem(key)", LAST_PROXY), home.url)


def test_no_demo_takes_the_place_of_a_proxy_that_answered_somebody_else(
    home: ProxyServer, remote: ProxyServer, visit: Visit
) -> None:
    home.control("faults", **NO_API)
    remote.stop()
    desk = visit(
        remote, "?user=Anna", url=f"{home.url}/",
        storage_state=remembering(home, **{LAST_PROXY: remote.url}),
    )  # fmt: skip
    provoked(desk).watch.permit(home.url)
    expect(desk["user-name"]).to_have_text("Anna")
    expect(desk["demo-text"]).to_contain_text(f"No Kimi Proxy answers at {remote.url}")
    expect(desk["demo-title"]).to_be_hidden()
    remote.start()
    look_again(desk)
    desk.connected().agrees()


def test_page_and_proxy_can_be_in_one_folder_of_a_host(built_page: Path, visit: Visit) -> None:
    with ProxyServer(static_dir=built_page, folder="/kimi") as proxy:
        proxy.control("reset", seed_sessions=[SEED])
        desk = visit(proxy).connected()
        desk.agrees()
        desk.request(prompt_tokens=6000, completion_tokens=60)
        desk.agrees()
        desk["connect-open"].click()
        expect(desk["connect-url"]).to_have_value(proxy.url)
        desk["connect-submit"].click()  # as a choice it works, too
        desk.page.wait_for_url(f"{proxy.url}/")
        desk.connected().agrees()


def test_an_address_with_a_path_names_a_proxy(home: ProxyServer, visit: Visit) -> None:
    home.control("faults", **NO_API)
    with ProxyServer(cors=True, folder="/kimi") as remote:
        remote.control("reset", seed_sessions=[OTHER])
        desk = visit(remote, f"?proxy={remote.url}/", url=f"{home.url}/").connected()
        desk.agrees()
        desk.request(prompt_tokens=6000, completion_tokens=60)
        desk.agrees()
        desk.still(home.requests, [])


def test_cookies_go_to_the_pages_own_origin_and_nowhere_else(
    home: ProxyServer, remote: ProxyServer, visit: Visit
) -> None:
    # Cookies know no ports: what is for one of the two servers is for the other as well.
    login = {"name": "login", "value": "granted", "domain": "127.0.0.1", "path": "/"}
    more = {"expires": -1, "httpOnly": True, "secure": False, "sameSite": "Lax"}
    kept = {"cookies": [{**login, **more}], "origins": []}
    for proxy, query, cookie in (
        (home, "", "login=granted"),
        (remote, f"?proxy={remote.url}", None),
    ):
        desk = visit(proxy, query, url=f"{home.url}/", storage_state=kept).connected()
        with desk.page.expect_request(f"{proxy.url}/api/providers") as asked:
            desk.open_sessions()
            desk["session-new"].click()
        assert asked.value.all_headers().get("cookie") == cookie

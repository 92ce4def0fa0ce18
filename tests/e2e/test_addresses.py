"""Where the page is served from, where its proxy is, and what its policy keeps out."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import expect

from tests.e2e.conftest import Visit
from tests.e2e.dashboard import Dashboard
from tests.e2e.figures import MODEL, PROVIDER, requests
from tests.proxy import ProxyServer

SEED = {"name": "Somewhere else", "provider": PROVIDER, "model": MODEL, "metrics": requests(3)}
NO_API = [{"path_prefix": "/api/", "status": 404, "json": {"detail": "Not Found"}, "times": 99}]

one_version = pytest.mark.parametrize("dialect", ["2026-03-08"], indirect=True)


@pytest.fixture
def remote() -> Iterator[ProxyServer]:
    """A proxy that serves no page, but answers pages from elsewhere."""
    with ProxyServer(cors=True) as server:
        server.control("reset", seed_sessions=[SEED])
        yield server


@pytest.fixture
def host(built_page: Path) -> Iterator[ProxyServer]:
    """A host of static files, which has nothing of a proxy."""
    with ProxyServer(static_dir=built_page) as server:
        server.control("faults", http=NO_API)
        yield server


def test_it_works_from_a_folder_of_the_proxy(built_page: Path, visit: Visit) -> None:
    with ProxyServer(static_dir=built_page, static_path="/static/dashboard/") as proxy:
        proxy.control("reset", seed_sessions=[SEED])
        desk = visit(proxy, url=f"{proxy.url}/static/dashboard/").connected()
        desk.agrees()
        proxy.control("request", prompt_tokens=6000, completion_tokens=60)
        desk.agrees()
        expect(desk["history-chart"].locator("canvas")).to_be_visible()


def test_the_address_of_the_page_names_the_proxy(
    host: ProxyServer, remote: ProxyServer, visit: Visit
) -> None:
    desk = visit(remote, f"?proxy={remote.url}", url=f"{host.url}/").connected()
    desk.agrees()
    remote.control("request", prompt_tokens=6000, completion_tokens=60)
    desk.agrees()
    desk.still(host.requests, [])


def test_a_proxy_that_was_chosen_in_the_dialog_is_remembered(
    host: ProxyServer, remote: ProxyServer, visit: Visit
) -> None:
    nobody = ProxyServer().start()
    nobody.stop()  # its port is free now
    desk = visit(remote, f"?proxy={nobody.url}", url=f"{host.url}/")
    desk.watch.expect("net::ERR_CONNECTION_REFUSED", "WebSocket connection .* failed")

    desk["connection"].get_by_role("button").click()
    found = desk["connect-attempts"].locator("li")
    expect(found).to_contain_text([nobody.url])
    expect(found).to_contain_text(["no answer"])
    expect(found).to_have_attribute("data-state", "missing")
    expect(desk["connect-url"]).to_have_value(nobody.url)

    desk["connect-url"].fill("http://not an address")
    desk["connect-submit"].click()
    expect(desk["connect-error"]).to_contain_text("Enter an address such as")
    desk["connect-url"].fill(remote.url.removeprefix("http://"))
    desk["connect-submit"].click()

    expect(desk["session-name"]).to_have_text("Somewhere else", timeout=60_000)
    desk.connected()
    expect(desk.page).to_have_url(f"{host.url}/")
    desk.reload().connected()
    desk.agrees()


def test_what_answers_but_is_no_proxy_is_told_apart(
    host: ProxyServer, remote: ProxyServer, visit: Visit
) -> None:
    remote.control("faults", http=[{"path_prefix": "/", "status": 200, "text": "Hi", "times": 99}])
    desk = visit(remote, f"?proxy={remote.url}", url=f"{host.url}/")
    desk["connection"].get_by_role("button").click()
    found = desk["connect-attempts"].locator("li")
    expect(found).to_contain_text(["answers, but is not a Kimi Proxy"])
    expect(found).to_have_attribute("data-state", "blocked")


@one_version
@pytest.mark.parametrize(
    "attack",
    [
        "() => (0, eval)('1')",
        "() => new Function('return 1')()",
        """() => {
          const script = document.createElement("script");
          script.textContent = "window.ran = true";
          document.body.append(script);
          if (!window.ran) throw new Error("It did not run.");
        }""",
        "() => fetch(argument, { mode: 'no-cors' })",
        "() => new Promise((done, failed) => {"
        " const image = new Image(); image.onload = done; image.onerror = failed;"
        " image.src = argument })",
    ],
    ids=["eval", "Function", "inline script", "fetch", "image"],
)
def test_the_policy_keeps_out_what_does_not_belong(
    dashboard: Dashboard, remote: ProxyServer, attack: str
) -> None:
    dashboard.watch.expect("Content Security Policy", remote.url)
    # What the debugger runs itself may eval; what runs later may do what the page may.
    outcome = dashboard.answer(
        f"""async (argument) => {{
          await new Promise((later) => setTimeout(later));
          try {{ await ({attack})(); return "went through"; }} catch {{ return "refused"; }}
        }}""",
        f"{remote.url}/api/sessions",
    )
    assert outcome == "refused"
    dashboard.still(remote.requests, [])

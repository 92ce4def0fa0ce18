"""The page starts in browsers that refuse or lack things, and says once what that costs."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.e2e.conftest import CONTEXT, Visit
from tests.e2e.dashboard import Dashboard
from tests.proxy import ProxyServer

SEED = {"name": "Obstacles", "metrics": [{"prompt_tokens": 1200, "completion_tokens": 310}]}

FORGETFUL = "The browser’s storage is full or blocked"
APART = "the tabs of this page cannot share a connection"
OLD = "This browser is too old for the menus of this page"


def refused(owner: str, *names: str) -> str:
    """Return a script that makes reading each of ``names`` throw, as browsers do."""
    return "".join(
        f"Object.defineProperty({owner}, '{name}', {{ configurable: true,"
        " get() { throw new DOMException('Access is denied.', 'SecurityError'); } });"
        for name in names
    )


def opening(answer: str) -> str:
    """Return a script that has every database answer so."""
    return f"IDBFactory.prototype.open = () => {{ {answer} }};"


DENIED = "new DOMException('Access is denied.', 'SecurityError')"
SITE_DATA = ("localStorage", "sessionStorage", "indexedDB", "caches")
FAILED = """const request = { error: new DOMException("It is broken.", "UnknownError") };
setTimeout(() => request.onerror?.(new Event("error")));
return request;"""
LANGUAGE = "Object.defineProperty(Navigator.prototype, 'language', {{ get: () => {} }});"

OBSTACLES: dict[str, tuple[str, str | None]] = {
    "all site data blocked": (
        refused("window", *SITE_DATA)
        + refused("Navigator.prototype", "serviceWorker", "locks")
        + f"window.BroadcastChannel = class {{ constructor() {{ throw {DENIED}; }} }};",
        FORGETFUL,
    ),
    "localStorage blocked": (refused("window", "localStorage"), FORGETFUL),
    "sessionStorage blocked": (refused("window", "sessionStorage"), FORGETFUL),
    "indexedDB blocked, a language that is none": (
        refused("window", "indexedDB") + LANGUAGE.format("'C'"),
        None,
    ),
    "caches blocked, an empty language": (
        refused("window", "caches") + LANGUAGE.format("''"),
        None,
    ),
    "a database that throws": (opening(f"throw {DENIED};"), None),
    "a database that fails": (opening(FAILED), None),
    "a database that never answers": (opening("return {};"), None),
    "no database": (
        "Object.defineProperty(window, 'indexedDB', { value: undefined, configurable: true });",
        None,
    ),
    "no BroadcastChannel": ("delete window.BroadcastChannel;", APART),
    "a BroadcastChannel that throws": (
        f"window.BroadcastChannel = class {{ constructor() {{ throw {DENIED}; }} }};",
        APART,
    ),
    "no locks": ("delete Navigator.prototype.locks;", APART),
    "locks refused": (
        f"LockManager.prototype.request = () => Promise.reject({DENIED});",
        APART,
    ),
    "serviceWorker throws, no language": (
        refused("Navigator.prototype", "serviceWorker") + LANGUAGE.format("undefined"),
        None,
    ),
    "no streaming WebAssembly": (
        "delete WebAssembly.compileStreaming; delete WebAssembly.instantiateStreaming;",
        None,
    ),
    "nothing streams": (
        "delete WebAssembly.compileStreaming; delete WebAssembly.instantiateStreaming;"
        "delete window.DecompressionStream;",
        None,
    ),
    "an older browser": (
        "delete Promise.withResolvers; delete AbortSignal.timeout; delete AbortSignal.any;"
        "delete window.requestIdleCallback; delete Response.json;"
        "delete HTMLElement.prototype.popover; delete HTMLElement.prototype.hidePopover;",
        OLD,
    ),
}


@pytest.fixture(scope="module")
def seeded(built_page: Path) -> Iterator[ProxyServer]:
    """One proxy for all: what they see of it is the same, and more with each."""
    with ProxyServer(static_dir=built_page) as proxy:
        proxy.control("reset", seed_sessions=[SEED])
        yield proxy


def named(proxy: ProxyServer) -> str:
    """Name the proxy in the address: else a slow start has the page ask at the usual one too."""
    return f"?proxy={proxy.url}"


def a_page(browser: Browser, proxy: ProxyServer, script: str, **context: object) -> Dashboard:
    page: Page = browser.new_context(**{**CONTEXT, **context}).new_page()
    page.add_init_script(script)
    return Dashboard(page, proxy)


@pytest.mark.parametrize("obstacle", OBSTACLES)
def test_the_page_is_up_and_live_and_says_once_what_is_missing(
    visit: Visit, seeded: ProxyServer, obstacle: str
) -> None:
    script, notice = OBSTACLES[obstacle]
    desk = visit(seeded, named(seeded), script=script).connected()
    if notice is not None:
        expect(desk.toast(notice)).to_have_count(1)
    desk.agrees()
    desk.request()
    desk.agrees()
    expect(desk["history-chart"].locator(".uplot")).to_have_count(1)
    expect(desk["toasts"].locator(".toast")).to_have_count(0 if notice is None else 1)


def test_a_french_person_reads_it_in_french(visit: Visit, seeded: ProxyServer) -> None:
    script = refused("window", *SITE_DATA)
    desk = visit(seeded, named(seeded), script=script, locale="fr-FR").connected()
    expect(desk.toast("Le stockage du navigateur est plein ou bloqué")).to_have_count(1)


@pytest.mark.parametrize(
    "obstacle",
    ["a database that throws", "a database that fails", "a database that never answers"],
)
def test_recordings_say_that_there_is_nowhere_to_keep_them(
    visit: Visit, seeded: ProxyServer, obstacle: str
) -> None:
    desk = visit(seeded, named(seeded), script=OBSTACLES[obstacle][0]).connected()
    desk["recordings-open"].click()
    expect(desk.toast("does not let this page keep recordings")).to_have_count(1)


def test_without_webassembly_the_page_says_how_to_allow_it(
    browser: Browser, seeded: ProxyServer
) -> None:
    desk = a_page(browser, seeded, "delete window.WebAssembly;")
    desk.page.goto(desk.url + named(seeded))
    expect(desk["boot"]).to_have_attribute("data-state", "error")
    expect(desk["boot-text"]).to_have_text(re.compile(r"needs WebAssembly.*Lockdown Mode.*Tor"))
    expect(desk["boot-reload"]).to_be_visible()
    assert desk.watch.settle() == []
    desk.page.context.close()


SLOW_LINE = {
    "offline": False,
    "latency": 20,
    "downloadThroughput": 1_200_000,
    "uploadThroughput": 1_200_000,
}


@pytest.mark.parametrize(
    ("locale", "amount"),
    [("en-US", r"^\d\.\d of \d\.\d MB$"), ("fr-FR", r"^\d,\d sur \d,\d Mo$")],
)
def test_a_long_start_shows_how_much_has_arrived(
    browser: Browser, seeded: ProxyServer, locale: str, amount: str
) -> None:
    desk = a_page(browser, seeded, "", locale=locale)
    line = desk.page.context.new_cdp_session(desk.page)
    line.send("Network.enable")
    line.send("Network.emulateNetworkConditions", SLOW_LINE)
    desk.page.goto(desk.url + named(seeded), wait_until="commit")
    expect(desk["boot-amount"]).to_have_text(re.compile(amount), timeout=60_000)
    bar = desk.page.get_by_role("progressbar", name=re.compile("Python…"))
    expect(bar).to_have_attribute("aria-valuetext", re.compile(amount))
    expect(desk["boot-amount"]).to_have_text(re.compile(r"^[4-9]\D"))  # it goes on
    line.send("Network.emulateNetworkConditions", {**SLOW_LINE, "downloadThroughput": -1})
    desk.started().connected()
    expect(desk["boot-progress"]).to_be_hidden()
    assert desk.watch.settle() == []
    desk.page.context.close()


def test_in_a_frame_of_another_site_it_can_be_looked_at_and_not_be_used(
    browser: Browser, seeded: ProxyServer, tmp_path: Path
) -> None:
    desk = a_page(browser, seeded, "")
    frame_html = f'<iframe src="{desk.url}{named(seeded)}" width="1200" height="800"></iframe>'
    (tmp_path / "index.html").write_text(f"<!doctype html><title>x</title>{frame_html}", "utf-8")
    with ProxyServer(static_dir=tmp_path) as stranger:
        desk.watch.permit(stranger.url)
        desk.watch.expect(r"favicon\.ico", r"Blocked autofocusing")  # the browser's own words
        changes: list[str] = []
        desk.page.on("request", lambda request: changes.append(request.method))
        desk.page.goto(stranger.url)
        frame = desk.page.frame_locator("iframe")
        expect(frame.locator("#frame-banner")).to_be_visible(timeout=60_000)
        expect(frame.locator("#connection")).to_have_attribute("data-state", "connected")
        expect(frame.locator("#total-requests")).to_have_text(re.compile(r"^\d+$"))
        own_window = frame.get_by_role("link", name="Open in its own window")
        expect(own_window).to_have_attribute("target", "_blank")
        switch = frame.locator("#auto-session-toggle")
        expect(switch).to_be_checked()
        switch.click()
        refusal = frame.locator(".toast", has_text="Open the page in its own window")
        expect(refusal).to_have_count(1)
        expect(switch).to_be_checked()
        assert set(changes) == {"GET"}
        assert desk.watch.settle() == []
        desk.page.context.close()

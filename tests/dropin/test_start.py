"""Starting: late listeners are called, a failure is told, and the page stays alive."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, Page, Route, expect

from tests.dropin import site
from tests.dropin.conftest import PATIENCE, Host
from tests.proxy import ProxyServer

Handle = Callable[[Route], None]
OPENED = {
    "en": "The dashboard could not start Python: ",
    "fr": "Le tableau de bord n’a pas pu démarrer Python : ",
}


@pytest.fixture(params=["en", "fr"])
def language(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def failing(browser: Browser, proxy: ProxyServer, language: str) -> Iterator[Page]:
    """A page of the dashboard in a language, to be broken and then opened by `go`."""
    page = browser.new_page()
    html = site.HOST.joinpath("index.html").read_text(encoding="utf-8")
    body = html.replace('lang="en"', f'lang="{language}"')
    page.route("**/index.html", lambda route: route.fulfill(body=body, content_type="text/html"))
    yield page
    page.close()


def go(page: Page, proxy: ProxyServer) -> list[str]:
    """Open the dashboard; return the list that its uncaught errors will be in."""
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.goto(f"{proxy.url}/index.html")
    return errors


def expect_notice(page: Page, language: str, reason: str, errors: list[str]) -> None:
    """The page says why, in its own style, over what it has; the import fails with the same."""
    notice = page.get_by_role("alert")
    expect(notice).to_have_text(OPENED[language] + reason, timeout=PATIENCE)
    expect(notice).to_have_css("background-color", "rgb(127, 29, 29)")
    expect(page.locator("h1")).to_be_visible()
    expect(page.locator("#status")).to_have_text("waiting")
    assert errors == [OPENED[language] + reason]


def missing(route: Route) -> None:
    route.fulfill(status=404, body="Not Found")


def cut_off(route: Route) -> None:
    route.abort()


def garbled(route: Route) -> None:
    route.fulfill(body=b"PK\0asm, not quite", content_type="application/octet-stream")


def never(_: Route) -> None:
    """The server has the request and says nothing."""


@pytest.mark.parametrize(
    ("file", "handle", "reasons"),
    [
        ("boot.js", missing, {
            "en": "sessions-runtime is missing or cannot be fetched.",
            "fr": "sessions-runtime est absent ou inaccessible.",
        }),
        ("pyodide.asm.js", missing, {
            "en": "pyodide.asm.js is missing or cannot be fetched.",
            "fr": "pyodide.asm.js est absent ou inaccessible.",
        }),
        ("pyodide.asm.wasm", missing, {
            "en": "pyodide.asm.wasm is missing (404).",
            "fr": "pyodide.asm.wasm est absent (404).",
        }),
        ("python_stdlib.zip", missing, {
            "en": "python_stdlib.zip is missing (404).",
            "fr": "python_stdlib.zip est absent (404).",
        }),
        ("sessions.zip", cut_off, {
            "en": "sessions.zip is missing or cannot be fetched.",
            "fr": "sessions.zip est absent ou inaccessible.",
        }),
        ("pyodide.asm.wasm", garbled, {
            "en": "pyodide.asm.wasm is damaged; copy it again.",
            "fr": "pyodide.asm.wasm est endommagé ; copiez-le à nouveau.",
        }),
        ("sessions.zip", garbled, {
            "en": "sessions.zip is damaged; copy it again.",
            "fr": "sessions.zip est endommagé ; copiez-le à nouveau.",
        }),
    ],
)  # fmt: skip
def test_a_file_that_is_missing_or_broken_is_told(
    failing: Page,
    proxy: ProxyServer,
    language: str,
    file: str,
    handle: Handle,
    reasons: dict[str, str],
) -> None:
    failing.route(f"**/{file}*", handle)
    errors = go(failing, proxy)
    expect_notice(failing, language, reasons[language], errors)


@pytest.mark.parametrize(
    ("file", "reasons"),
    [
        ("boot.js", {
            "en": "sessions-runtime does not arrive; reload the page to try again.",
            "fr": "sessions-runtime n’arrive pas ; rechargez la page pour réessayer.",
        }),
        ("pyodide.asm.wasm", {
            "en": "pyodide.asm.wasm does not arrive; reload the page to try again.",
            "fr": "pyodide.asm.wasm n’arrive pas ; rechargez la page pour réessayer.",
        }),
    ],
)  # fmt: skip
def test_a_download_that_stands_still_is_given_up_after_half_a_minute(
    failing: Page, proxy: ProxyServer, language: str, file: str, reasons: dict[str, str]
) -> None:
    failing.clock.install()
    failing.route(f"**/{file}*", never)
    arrived: list[str] = []
    failing.on("requestfinished", lambda request: arrived.append(request.url))
    errors = go(failing, proxy)
    wait_for_all_but(failing, arrived, file)
    failing.clock.run_for(15_000)  # the page's clock runs on its own too
    expect(failing.get_by_role("alert")).to_have_count(0)
    failing.clock.run_for(20_000)
    expect_notice(failing, language, reasons[language], errors)


def wait_for_all_but(page: Page, arrived: list[str], file: str) -> None:
    """Wait until everything else has come: while it does, there is progress."""
    needed = {"sessions.js"} if file == "boot.js" else LARGE - {file}
    for _ in range(PATIENCE // 50):
        if needed <= {Path(urlsplit(url).path).name for url in arrived}:
            break
        page.wait_for_timeout(50)
    page.wait_for_timeout(200)  # for the page to have read it


LARGE = {"sessions.zip", "python_stdlib.zip", "pyodide.asm.js", "pyodide.asm.wasm"}

TRICKLE = """
const { fetch } = window;
const type = { headers: { "Content-Type": "application/wasm" } };
const streams = [];
window.fetch = async (address, options) => {
  if (!String(address).includes(FILE)) return fetch(address, options);
  const answer = new Response(
    new ReadableStream({ start: (controller) => void streams.push(controller) }), type);
  Object.defineProperty(answer, "url", { value: String(address) });
  return answer;
};
window.trickle = () => streams.at(-1).enqueue(new Uint8Array([0]));
"""


@pytest.mark.parametrize("file", ["python_stdlib.zip", "pyodide.asm.wasm"])
@pytest.mark.parametrize("language", ["en"])
def test_a_slow_download_is_waited_for(failing: Page, proxy: ProxyServer, file: str) -> None:
    failing.clock.install()
    failing.add_init_script(TRICKLE.replace("FILE", repr(file)))
    arrived: list[str] = []
    failing.on("requestfinished", lambda request: arrived.append(request.url))
    go(failing, proxy)
    wait_for_all_but(failing, arrived, file)
    for _ in range(4):
        failing.clock.run_for(20_000)
        failing.evaluate("window.trickle()")
    expect(failing.get_by_role("alert")).to_have_count(0)
    failing.clock.run_for(35_000)
    expect(failing.get_by_role("alert")).to_contain_text(f"{file} does not arrive")


@pytest.mark.parametrize(
    ("language", "reason"),
    [
        ("en", "WebAssembly is switched off in this browser."),
        ("fr", "WebAssembly est désactivé dans ce navigateur."),
    ],
)
def test_webassembly_switched_off_is_told(
    failing: Page, proxy: ProxyServer, language: str, reason: str
) -> None:
    failing.add_init_script("delete globalThis.WebAssembly;")
    errors = go(failing, proxy)
    expect_notice(failing, language, reason, errors)


@pytest.mark.parametrize(
    ("language", "reason"),
    [
        (
            "en",
            "the page's Content-Security-Policy forbids WebAssembly; "
            "its script-src needs 'wasm-unsafe-eval'.",
        ),
        (
            "fr",
            "la Content-Security-Policy de la page interdit WebAssembly ; "
            "il faut 'wasm-unsafe-eval' dans script-src.",
        ),
    ],
)
def test_a_policy_against_webassembly_is_told(
    failing: Page, proxy: ProxyServer, language: str, reason: str
) -> None:
    html = site.HOST.joinpath("index.html").read_text(encoding="utf-8")
    body = html.replace(" 'wasm-unsafe-eval'", "").replace('lang="en"', f'lang="{language}"')
    failing.unroute("**/index.html")
    failing.route("**/index.html", lambda route: route.fulfill(body=body, content_type="text/html"))
    errors = go(failing, proxy)
    expect_notice(failing, language, reason, errors)


def test_every_manner_of_start_is_served_once(browser: Browser, proxy: ProxyServer) -> None:
    """Several modules wait, each in its own way, for one Python and two addresses of ours."""
    host = Host(browser.new_page(), proxy.url).open("/late.html")
    host.page.wait_for_function("window.told.length === 9")
    host.page.get_by_role("button").click()
    host.page.wait_for_function("window.told.length === 10")
    host.page.evaluate("new Promise((resume) => setTimeout(resume, 50))")
    told = host.page.evaluate("window.told")
    assert [one for one in told if one.startswith("two")] == [
        "two starts when complete",
        "two is through",
    ]
    assert [one for one in told if not one.startswith("two")] == [
        "one is through",
        "document: DOMContentLoaded on document",
        "once: DOMContentLoaded on document",
        "window: DOMContentLoaded on window",
        "object: load on other",
        "global: load on window",
        "property: load on window",
        "counted 1",
    ]
    assert host.page.evaluate("window.windows") == [1000, 2000]
    loaded = host.page.evaluate("performance.getEntriesByType('resource').map(({ name }) => name)")
    assert sum("/pyodide.asm.wasm" in address for address in loaded) == 1
    assert host.unexpected() == []
    host.page.close()


def test_it_works_in_any_folder_beside_the_hosts_modules(browser: Browser, tmp_path: Path) -> None:
    """Also where the server does not know the types of newer files."""
    modules = site.build(tmp_path / "host")
    scripts = tmp_path / "below" / "static"
    scripts.parent.mkdir()
    modules.rename(scripts)
    (tmp_path / "below" / "page.html").write_text("<!doctype html><link rel=icon href='data:,'>")
    with ProxyServer(static_dir=tmp_path, static_path="/deep") as server:
        host = Host(browser.new_page(), server.url)
        host.page.route(re.compile(r"\.(wasm|zip|json)\b"), as_text)
        host.open("/deep/below/page.html")
        address = "/deep/below/static/sessions.js"
        assert host.page.evaluate(
            f"import('{address}').then((sessions) => sessions.getCurrentMaxContext())"
        )
        assert host.unexpected() == []
        host.page.close()


def as_text(route: Route) -> None:
    answer = route.fetch()
    route.fulfill(response=answer, headers={**answer.headers, "content-type": "text/plain"})


def test_no_file_has_a_name_that_a_server_may_not_know(installed: Path) -> None:
    """A module of an unknown type is refused by browsers; data of an unknown type is not."""
    names = (path.name for path in (installed / site.MODULES).rglob("*") if path.is_file())
    known = (".js", ".wasm", ".zip", ".json", "LICENSE")
    assert [name for name in names if not name.endswith(known)] == []


def late(host: Host, script: str) -> list[object]:
    """Run a script that registers late, and return what was called a while later."""
    called: list[object] = host.run(
        f"""const called = [];
        const listener = (name) => (event) => called.push([name, event.type]);
        {script}
        await new Promise((resume) => setTimeout(resume, 30));
        return called;"""
    )
    return called


EVENT = '"DOMContentLoaded"'


def test_a_late_listener_is_called_once_and_after_the_module_that_registers(bare: Host) -> None:
    called = late(
        bare,
        f"""window.addEventListener({EVENT}, listener("window"));
        const same = listener("document");
        document.addEventListener({EVENT}, same);
        document.addEventListener({EVENT}, same, {{ once: true }});
        addEventListener({EVENT}, {{ handleEvent: listener("object") }});
        called.push("through");""",
    )
    name = "DOMContentLoaded"
    assert called == ["through", ["document", name], ["window", name], ["object", name]]


def test_a_late_listener_sees_an_event_of_the_document(bare: Host) -> None:
    called = late(
        bare,
        f"""document.addEventListener({EVENT}, function (event) {{
          called.push(this === document, event.target === document,
                      event.currentTarget === document, event instanceof Event);
        }});""",
    )
    assert called == [True, True, True, True]


def test_a_late_listener_can_be_taken_off_again(bare: Host) -> None:
    called = late(
        bare,
        f"""const [removed, kept] = [listener("removed"), listener("kept")];
        document.addEventListener({EVENT}, removed);
        document.addEventListener({EVENT}, kept, true);
        document.removeEventListener({EVENT}, removed);
        document.removeEventListener({EVENT}, kept);
        const abort = new AbortController();
        document.addEventListener({EVENT}, listener("aborted"), {{ signal: abort.signal }});
        abort.abort();
        const options = {{ signal: AbortSignal.abort() }};
        document.addEventListener({EVENT}, listener("never"), options);
        document.addEventListener({EVENT}, null);
        document.addEventListener("other", listener("other"));
        document.dispatchEvent(new Event("other"));""",
    )
    assert called == [["other", "other"], ["kept", "DOMContentLoaded"]]


def test_a_late_listener_that_throws_stops_no_other(bare: Host) -> None:
    bare.expected.append("late and broken")
    called = late(
        bare,
        f"""document.addEventListener({EVENT}, () => {{ throw new Error("late and broken"); }});
        document.addEventListener({EVENT}, listener("next"));""",
    )
    assert called == [["next", "DOMContentLoaded"]]

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


class Failing(Host):
    """A page of the dashboard, to be broken and then opened by `go`."""

    def __init__(self, page: Page, url: str) -> None:
        super().__init__(page, url)
        self.errors: list[str] = []
        self.arrived: list[str] = []
        page.on("pageerror", lambda error: self.errors.append(str(error)))
        page.on("requestfinished", lambda request: self.arrived.append(request.url))

    def go(self) -> None:
        """Open the dashboard."""
        self.page.goto(f"{self.url}/index.html")

    def expect_notice(self, language: str, reason: str) -> None:
        """The page says why, in its own style, over what it has; the import fails alike."""
        notice = self.page.get_by_role("alert")
        expect(notice).to_have_text(OPENED[language] + reason, timeout=PATIENCE)
        expect(notice).to_have_css("background-color", "rgb(127, 29, 29)")
        expect(self.page.locator("h1")).to_be_visible()
        expect(self.page.locator("#status")).to_have_text("waiting")
        self.eventually(lambda: self.errors, [OPENED[language] + reason])

    def has_all_but(self, file: str) -> None:
        """Wait until everything else has come: while it does, there is progress."""
        needed = {"sessions.js"} if file == "boot.js" else LARGE - {file}
        self.eventually(
            lambda: needed - {Path(urlsplit(url).path).name for url in self.arrived},
            set(),
            within=PATIENCE / 1000,
        )

    def has_given_up(self) -> bool:
        """Let a second pass on the page's clock; whether the page says by then that it failed."""
        self.page.clock.run_for(1000)
        return self.page.get_by_role("alert").is_visible()


@pytest.fixture
def failing(browser: Browser, proxy: ProxyServer, language: str) -> Iterator[Failing]:
    """The dashboard in a language."""
    page = browser.new_page()
    html = site.HOST.joinpath("index.html").read_text(encoding="utf-8")
    body = html.replace('lang="en"', f'lang="{language}"')
    page.route("**/index.html", lambda route: route.fulfill(body=body, content_type="text/html"))
    yield Failing(page, proxy.url)
    page.close()


def missing(route: Route) -> None:
    route.fulfill(status=404, body="Not Found")


def cut_off(route: Route) -> None:
    route.abort()


def own_page(route: Route) -> None:
    """What hosts of single-page applications answer for whatever is not there."""
    route.fulfill(body="<!doctype html>", content_type="text/html")


def garbled(route: Route) -> None:
    route.fulfill(body=b"PK\0asm, not quite", content_type="application/octet-stream")


def never(_: Route) -> None:
    """The server has the request and says nothing."""


@pytest.mark.parametrize(
    ("language", "file", "handle", "reason"),
    [
        ("en", "boot.js", missing, "sessions-runtime is missing or cannot be fetched."),
        ("fr", "boot.js", missing, "sessions-runtime est absent ou inaccessible."),
        ("en", "pyodide.asm.js", missing, "pyodide.asm.js is missing or cannot be fetched."),
        ("en", "pyodide.asm.wasm", missing, "pyodide.asm.wasm is missing (404)."),
        ("fr", "python_stdlib.zip", missing, "python_stdlib.zip est absent (404)."),
        ("en", "sessions.zip", own_page, "sessions.zip is missing (text/html)."),
        ("en", "sessions.zip", cut_off, "sessions.zip is missing or cannot be fetched."),
        ("fr", "pyodide.asm.wasm", garbled,
         "pyodide.asm.wasm est endommagé ; copiez-le à nouveau."),
        ("en", "sessions.zip", garbled, "sessions.zip is damaged; copy it again."),
    ],
)  # fmt: skip
def test_a_file_that_is_missing_or_broken_is_told(
    failing: Failing, language: str, file: str, handle: Handle, reason: str
) -> None:
    failing.page.route(f"**/{file}*", handle)
    failing.go()
    failing.expect_notice(language, reason)


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
    failing: Failing, language: str, file: str, reasons: dict[str, str]
) -> None:
    failing.page.clock.install()
    failing.page.route(f"**/{file}*", never)
    failing.go()
    failing.has_all_but(file)
    failing.page.clock.run_for(15_000)  # the page's clock runs on its own too
    expect(failing.page.get_by_role("alert")).to_have_count(0)
    failing.eventually(failing.has_given_up, True)
    failing.expect_notice(language, reasons[language])


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
def test_a_slow_download_is_waited_for(failing: Failing, file: str) -> None:
    failing.page.clock.install()
    failing.page.add_init_script(TRICKLE.replace("FILE", repr(file)))
    failing.go()
    failing.has_all_but(file)
    for _ in range(4):
        failing.page.clock.run_for(20_000)
        failing.do("window.trickle()")
        failing.painted()  # it has been read by now
    expect(failing.page.get_by_role("alert")).to_have_count(0)
    failing.eventually(failing.has_given_up, True)
    expect(failing.page.get_by_role("alert")).to_contain_text(f"{file} does not arrive")


@pytest.mark.parametrize(
    ("language", "reason"),
    [
        ("en", "WebAssembly is switched off in this browser."),
        ("fr", "WebAssembly est désactivé dans ce navigateur."),
    ],
)
def test_webassembly_switched_off_is_told(failing: Failing, language: str, reason: str) -> None:
    failing.page.add_init_script("delete globalThis.WebAssembly;")
    failing.go()
    failing.expect_notice(language, reason)


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
def test_a_policy_against_webassembly_is_told(failing: Failing, language: str, reason: str) -> None:
    html = site.HOST.joinpath("index.html").read_text(encoding="utf-8")
    body = html.replace(" 'wasm-unsafe-eval'", "").replace('lang="en"', f'lang="{language}"')
    failing.page.unroute("**/index.html")
    failing.page.route(
        "**/index.html", lambda route: route.fulfill(body=body, content_type="text/html")
    )
    failing.go()
    failing.expect_notice(language, reason)


def test_every_manner_of_start_is_served_once(browser: Browser, proxy: ProxyServer) -> None:
    """Several modules wait, each in its own way, for one Python and two addresses of ours."""
    host = Host(browser.new_page(), proxy.url).open("/late.html")
    host.page.wait_for_function("window.told.length === 9")
    host.page.get_by_role("button").click()
    host.page.wait_for_function("window.told.length === 10")
    host.caught_up()
    told = host.steady(lambda: host.page.evaluate("window.told"))
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
    host.eventually(lambda: host.page.evaluate("window.windows"), [1000, 2000])
    loaded = "performance.getEntriesByType('resource').map(({ name }) => name)"
    host.still(
        lambda: sum("/pyodide.asm.wasm" in address for address in host.page.evaluate(loaded)), 1
    )
    assert host.watch.settle() == []
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
        assert host.answer(
            f"import('{address}').then((sessions) => sessions.getCurrentMaxContext())"
        )
        assert host.watch.settle() == []
        host.page.close()


def as_text(route: Route) -> None:
    answer = route.fetch()
    route.fulfill(response=answer, headers={**answer.headers, "content-type": "text/plain"})


def test_no_file_has_a_name_that_a_server_may_not_know(installed: Path) -> None:
    """A module of an unknown type is refused by browsers; data of an unknown type is not."""
    names = (path.name for path in (installed / site.MODULES).rglob("*") if path.is_file())
    known = (".js", ".wasm", ".zip", ".json", ".txt", "LICENSE")
    assert [name for name in names if not name.endswith(known)] == []


def late(host: Host, script: str) -> list[object]:
    """Run a script that registers late, and return what was called, as often as it was.

    Whoever comes late to the window's load is called last of all, and twice is enough to see that
    the others are called once.
    """
    called: list[object] = host.run(
        f"""const called = [];
        const listener = (name) => (event) => called.push([name, event.type]);
        {script}
        for (const _ of [1, 2]) {{
          await new Promise((resume) => window.addEventListener("load", resume));
        }}
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
    bare.watch.expect("late and broken")
    called = late(
        bare,
        f"""document.addEventListener({EVENT}, () => {{ throw new Error("late and broken"); }});
        document.addEventListener({EVENT}, listener("next"));""",
    )
    assert called == [["next", "DOMContentLoaded"]]

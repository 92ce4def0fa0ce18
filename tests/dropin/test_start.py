"""Starting: late listeners are called, a failure is told, and the page stays alive."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from tests.dropin import site
from tests.dropin.conftest import Host
from tests.proxy import ProxyServer

Visit = Callable[[ProxyServer], Host]


@pytest.fixture
def own_proxy(tmp_path: Path) -> Iterator[ProxyServer]:
    """A host of one's own, for a test that breaks its files."""
    site.build(tmp_path)
    with ProxyServer(static_dir=tmp_path) as server:
        yield server


@pytest.mark.parametrize(
    ("broken", "reason"),
    [
        ("boot.js", "boot.js"),
        ("sessions.zip", "sessions.zip"),
        ("pyodide/pyodide.mjs", "boot.js"),
        ("pyodide/pyodide.asm.wasm", "pyodide.asm.wasm is missing"),
        ("pyodide/python_stdlib.zip", "python_stdlib.zip is missing"),
    ],
)
def test_a_missing_file_is_told_on_the_page(
    own_proxy: ProxyServer, tmp_path: Path, visit: Visit, broken: str, reason: str
) -> None:
    (tmp_path / "static/js/modules/sessions-runtime" / broken).unlink()
    host = visit(own_proxy)
    host.expected.append("")
    host.open("/")
    notice = host.page.get_by_role("alert")
    expect(notice).to_contain_text("The dashboard could not start Python: ")
    expect(notice).to_contain_text(reason)
    expect(host.page.locator("h1")).to_be_visible()
    assert any("could not start Python" in complaint for complaint in host.complaints)


def test_webassembly_switched_off_is_told_in_the_pages_language(
    own_proxy: ProxyServer, visit: Visit
) -> None:
    host = visit(own_proxy)
    host.expected.append("")
    host.page.add_init_script("delete globalThis.WebAssembly;")
    host.page.route(
        "**/index.html",
        lambda route: route.fulfill(
            body=site.HOST.joinpath("index.html").read_text().replace('lang="en"', 'lang="fr"'),
            content_type="text/html",
        ),
    )
    host.page.goto(own_proxy.url + "/index.html")
    expect(host.page.get_by_role("alert")).to_contain_text("n’a pas pu démarrer Python")
    expect(host.page.get_by_role("alert")).to_contain_text("WebAssembly")


def test_a_policy_against_webassembly_is_told(own_proxy: ProxyServer, visit: Visit) -> None:
    host = visit(own_proxy)
    host.expected.append("")
    host.page.route(
        "**/index.html",
        lambda route: route.fulfill(
            body=site.HOST.joinpath("index.html").read_text().replace(" 'wasm-unsafe-eval'", ""),
            content_type="text/html",
        ),
    )
    host.page.goto(own_proxy.url + "/index.html")
    expect(host.page.get_by_role("alert")).to_contain_text("Content Security Policy")


def test_it_works_in_any_folder_beside_the_hosts_modules(
    browser: Browser, tmp_path: Path, visit: Visit
) -> None:
    modules = site.build(tmp_path / "host")
    (tmp_path / "below" / "static").mkdir(parents=True)
    modules.rename(tmp_path / "below" / "static" / "scripts")
    (tmp_path / "below" / "page.html").write_text("<!doctype html><link rel=icon href='data:,'>")
    with ProxyServer(static_dir=tmp_path, static_path="/deep") as server:
        host = visit(server).open("/deep/below/page.html")
        address = "/deep/below/static/scripts/sessions.js"
        assert host.page.evaluate(
            f"import('{address}').then((sessions) => sessions.getCurrentMaxContext())"
        )


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

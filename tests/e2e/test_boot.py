"""How Python comes up: from its snapshot, and without it when anything is wrong with that."""

from __future__ import annotations

import gzip
import hashlib
import json
import os
import re
import shutil
import struct
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from playwright.sync_api import Browser, Page, Route, expect

from tests.e2e.conftest import CONTEXT, Visit
from tests.e2e.dashboard import Dashboard
from tests.proxy import ProxyServer

SLOW = "Python starts without its snapshot: "
SEED = {"name": "Booting", "metrics": [{"prompt_tokens": 1200, "completion_tokens": 310}]}
PAGE_SIZE = 4096

Head = dict[str, Any]


def run_python(desk: Dashboard, code: str) -> Any:
    """Run Python in the page, and return what it leaves in ``answer``."""
    return desk.answer(
        """code => new Promise((resolve) => {
          window.answer = (json) => resolve(JSON.parse(json));
          const script = Object.assign(document.createElement("script"), { type: "py" });
          script.textContent = `import js, json\\n${code}\\njs.answer(json.dumps(answer))`;
          document.body.append(script);
        })""",
        code,
    )


def wait_until_settled(desk: Dashboard) -> None:
    """Wait until what the snapshot lacks has been fetched, and what is large been kept."""
    settled = "() => performance.getEntriesByName('kimi:settled').length"
    desk.eventually(lambda: desk.page.evaluate(settled), 1)


def snapshot_of(built: Path) -> Path:
    [path] = built.glob("static/boot/snapshot-*.pack")
    return path


def unpacked(built: Path) -> bytes:
    return gzip.decompress(snapshot_of(built).read_bytes())


def with_other_head(snapshot: bytes, change: Callable[[Head], None]) -> bytes:
    """Return a snapshot whose JSON says something else."""
    magic, length = struct.unpack_from("<II", snapshot)
    head = json.loads(snapshot[8 : 8 + length])
    pages = snapshot[-(-(8 + length) // PAGE_SIZE) * PAGE_SIZE :]
    change(head)
    text = json.dumps(head).encode()
    opening = struct.pack("<II", magic, len(text)) + text
    return opening + bytes(-len(opening) % PAGE_SIZE) + pages


# -- without the snapshot ------------------------------------------------------------------


def is_missing(built: Path) -> None:
    snapshot_of(built).unlink()


def is_damaged(built: Path) -> None:
    content = bytearray(unpacked(built))
    content[len(content) // 2] ^= 1
    replace(snapshot_of(built), gzip.compress(content, 1))


def is_of_another_version(built: Path) -> None:
    def change(head: Head) -> None:
        head["stamp"]["sources"] = "0" * 64

    serve_as_right(built, change)


def cannot_be_restored(built: Path) -> None:
    def change(head: Head) -> None:
        head["state"] = "AAAA" + head["state"][4:]

    serve_as_right(built, change)


def serve_as_right(built: Path, change: Callable[[Head], None]) -> None:
    """Put another snapshot in place, and its digest into the page."""
    content = with_other_head(unpacked(built), change)
    before = hashlib.sha256(unpacked(built)).hexdigest()
    after = hashlib.sha256(content).hexdigest()
    snapshot_of(built).unlink()
    (built / "static" / "boot" / f"snapshot-{after[:16]}.pack").write_bytes(
        gzip.compress(content, 1)
    )
    page = (built / "index.html").read_text("utf-8")
    replace(built / "index.html", page.replace(before, after).encode())


def replace(path: Path, content: bytes) -> None:
    """Write a file anew: the old one is shared with the page that was built."""
    path.unlink()
    path.write_bytes(content)


def nothing(_: Path) -> None:
    pass


LEFT_BEHIND = (is_missing, cannot_be_restored)
"""After nothing, and after half a restoration: from there on there is one way to start."""


@pytest.mark.parametrize(
    ("trouble", "reason"),
    [
        (is_missing, r"http://.*/snapshot-\w+\.pack is missing \(404\)\."),
        (is_damaged, r"its bytes are damaged\."),
        (is_of_another_version, r"it belongs to another version of the page\."),
        (cannot_be_restored, r"Snapshot has invalid magic number"),
        (nothing, r"the last attempt hung\."),
    ],
)
def test_whatever_is_wrong_with_the_snapshot_python_starts_without(
    browser: Browser,
    built_page: Path,
    tmp_path: Path,
    trouble: Callable[[Path], None],
    reason: str,
) -> None:
    built = tmp_path / "dist"
    shutil.copytree(built_page, built, copy_function=os.link)
    trouble(built)
    with ProxyServer(static_dir=built) as proxy:
        proxy.control("reset", seed_sessions=[SEED])
        page = browser.new_context(**CONTEXT).new_page()
        desk = Dashboard(page, proxy)
        if trouble is is_missing:
            desk.watch.expect(r"console error: .*404 .*/snapshot-")
        if trouble is nothing:
            digest = hashlib.sha256(unpacked(built)).hexdigest()
            attempt = f"'kimi:boot-attempt', `${{Date.now() - 60_000}} {digest}`"
            page.add_init_script(f"localStorage.setItem({attempt})")
        page.goto(desk.url)

        def slow() -> list[bool]:
            told = [text for text in desk.watch.console if text.startswith(SLOW)]
            return [bool(re.fullmatch(re.escape(SLOW) + reason, text)) for text in told]

        desk.eventually(slow, [True])
        if trouble in LEFT_BEHIND:
            desk.started().connected().agrees()
            desk.still(slow, [True])
        assert desk.watch.settle() == []
        page.context.close()


# -- from the snapshot ----------------------------------------------------------------------


DRAW = """
import os, random, secrets, uuid
numbers = [random.random(), random.Random().random(), secrets.token_hex(), uuid.uuid4()]
answer = [*map(str, numbers), os.urandom(16).hex()]
"""


class Twice(NamedTuple):
    """A page that started from its snapshot for the second time in its browser."""

    desk: Dashboard
    first_drawn: list[str]
    requested: list[str]


@pytest.fixture(scope="module")
def twice(browser: Browser, built_page: Path) -> Iterator[Twice]:
    with ProxyServer(static_dir=built_page) as proxy:
        proxy.control("reset", seed_sessions=[SEED])
        page = browser.new_context(**CONTEXT).new_page()
        desk = Dashboard(page, proxy).open()
        wait_until_settled(desk)
        old = "cache => cache.put('static/boot/old.pack', new Response())"
        desk.do(f"caches.open('kimi-boot').then({old})")
        first = run_python(desk, DRAW)
        requested: list[str] = []
        page.on("request", lambda request: requested.append(request.url))
        desk.reload().connected()
        wait_until_settled(desk)
        yield Twice(desk, first, requested)
        assert desk.watch.settle() == []
        page.context.close()


@pytest.fixture
def desk(twice: Twice) -> Dashboard:
    return twice.desk


def test_a_reload_fetches_nothing_large_again(twice: Twice) -> None:
    assert [url for url in twice.requested if url.endswith((".pack", ".wasm"))] == []
    twice.desk.agrees()
    watch = twice.desk.watch
    twice.desk.still(lambda: [text for text in watch.console if text.startswith(SLOW)], [])


def test_what_an_older_version_kept_is_deleted(desk: Dashboard) -> None:
    read = "caches.open('kimi-boot').then(c => c.keys()).then(all => all.map(r => r.url))"

    def kept() -> list[str]:
        return sorted(url.rpartition("/")[2].partition("-")[0] for url in desk.page.evaluate(read))

    desk.eventually(kept, ["snapshot", "sources", "wasm"])


def test_no_random_number_comes_twice(twice: Twice) -> None:
    again = run_python(twice.desk, DRAW)
    assert len(again) == 5
    assert not set(again) & set(twice.first_drawn)


def test_clocks_are_those_of_this_browser(desk: Dashboard) -> None:
    now = run_python(desk, "import time\nanswer = time.time()")
    assert abs(now * 1000 - desk.answer("Date.now()")) < 60_000
    noon_in_july = "time.localtime(1_783_771_200).tm_hour"
    code = f"import time\nanswer = [{noon_in_july}, time.timezone, time.altzone, time.tzname]"
    assert run_python(desk, code) == [14, -3600, -7200, ["UTC+0100", "UTC+0200"]]


def test_the_machine_that_built_it_is_not_in_the_environment(
    desk: Dashboard, built_page: Path
) -> None:
    environment = run_python(desk, "import os\nanswer = dict(os.environ)")
    assert environment["HOME"] == "/home/pyodide"
    assert environment["_"] == "./this.program"
    assert str(Path(__file__).parents[2]).encode() not in unpacked(built_page)


def test_a_traceback_names_file_and_line_and_quotes_it(desk: Dashboard) -> None:
    code = """
import traceback
from sessions.discovery import normalise_address
try:
    normalise_address("not an address")
except Exception as error:
    answer = traceback.format_exception(error)"""
    frame = run_python(desk, code)[-2]
    source = Path(__file__).parents[2] / "py" / "sessions" / "discovery.py"
    match = re.match(r'  File "/home/pyodide/sessions/discovery.py", line (\d+), in', frame)
    assert match
    quoted = source.read_text("utf-8").splitlines()[int(match[1]) - 1].strip()
    assert quoted.startswith("raise BadInput(")
    assert quoted in frame


def test_modules_that_are_not_in_the_snapshot_can_be_imported(desk: Dashboard) -> None:
    code = "import sys\nbefore = 'colorsys' in sys.modules\nimport colorsys\n"
    code += "from pyscript import web\n"
    assert run_python(desk, code + "answer = [before, colorsys.__name__, web.__name__]") == [
        False,
        "colorsys",
        "pyscript.web",
    ]


def test_pyscripts_library_works(desk: Dashboard) -> None:
    code = "import pyscript\nanswer = [pyscript.document.title, pyscript.config['type']]"
    title, kind = run_python(desk, code)
    expect(desk.page).to_have_title(title)
    assert kind == "py"


def test_the_demo_comes_after_a_start_from_the_snapshot(proxy: ProxyServer, visit: Visit) -> None:
    desk = visit(proxy, "?proxy=demo")
    expect(desk["demo-banner"]).to_be_visible()
    # What is said of a start without the snapshot is said before the start is over.
    desk.eventually(lambda: [text for text in desk.watch.console if text.startswith(SLOW)], [])


# -- the first screen ------------------------------------------------------------------------


class Held:
    """Keeps Python from starting until it is let go."""

    def __init__(self, page: Page) -> None:
        self._page = page
        self._held: list[Route] = []
        page.route("**/static/js/interpreter.js", lambda route: self._held.append(route))

    def let_go(self) -> None:
        for route in self._held:
            route.continue_()
        self._page.unroute("**/static/js/interpreter.js")


GAUGE_LENGTH = "document.getElementById('gauge').style.getPropertyValue('--value')"


def test_what_was_seen_last_is_there_before_python_and_does_not_jump(
    proxy: ProxyServer, visit: Visit
) -> None:
    proxy.control("reset", seed_sessions=[SEED])
    desk = visit(proxy).connected()
    desk.agrees()

    def seen() -> list[Any]:
        level = desk["context"].get_attribute("data-level")
        return [desk.figures(), desk.text("session-name"), level, desk.page.evaluate(GAUGE_LENGTH)]

    before = desk.steady(seen)
    assert float(before[-1]) > 0
    desk.page.add_init_script(
        """window.shift = 0;
        new PerformanceObserver((list) => {
          for (const entry of list.getEntries()) window.shift += entry.value;
        }).observe({ type: "layout-shift", buffered: true });"""
    )
    held = Held(desk.page)
    desk.page.reload()

    expect(desk["root"]).to_have_attribute("data-seen", "last")
    expect(desk["ws-status-text"]).to_have_text("Last seen")
    desk.eventually(seen, before)
    expect(desk["boot"]).to_be_visible()  # it takes long by now

    held.let_go()
    desk.started().connected().agrees()
    expect(desk["root"]).not_to_have_attribute("data-seen", re.compile(""))
    expect(desk["ws-status-text"]).to_have_text("Connected")
    desk.still(lambda: desk.page.evaluate("window.shift") < 0.02, True)


def test_another_address_does_not_show_what_this_one_showed(
    proxy: ProxyServer, visit: Visit
) -> None:
    proxy.control("reset", seed_sessions=[SEED])
    desk = visit(proxy).connected()
    desk.agrees()
    held = Held(desk.page)
    desk.page.goto(f"{proxy.url}/?proxy={proxy.url}")
    expect(desk["boot"]).to_be_visible()
    desk.eventually(lambda: set(desk.figures().values()), {"—"})
    held.let_go()
    desk.started()


def test_a_french_browser_reads_french_before_python(browser: Browser, proxy: ProxyServer) -> None:
    page = browser.new_context(**{**CONTEXT, "locale": "fr-CA"}).new_page()
    desk = Dashboard(page, proxy)
    held = Held(page)
    page.goto(proxy.url)
    expect(desk["context-title"]).to_have_text("Fenêtre de contexte")
    expect(desk["session-search"]).to_have_attribute(
        "placeholder", "Chercher par nom, fournisseur ou modèle"
    )
    expect(desk["root"]).to_have_attribute("lang", "fr")
    expect(page.get_by_role("status").filter(has_text="Démarrage de Python…")).to_be_visible()
    held.let_go()
    desk.started()
    assert desk.watch.settle() == []
    page.context.close()

"""A page of a few lines that is kept offline by the real scripts: its versions cost nothing.

Every file of it tells which version it belongs to, so a mixture shows.
"""

from __future__ import annotations

import gzip
import os
import shutil
import zlib
from pathlib import Path
from typing import Any

from playwright.sync_api import Page

from tests.e2e.watch import Watch
from tests.waiting import Waiting
from tools import precache

ROOT = Path(__file__).parents[2]

INDEX = """<!doctype html>
<html><head><title>{version}</title><link rel="icon" href="data:,">
<script src="first.js"></script>
</head><body>
<div id="boot" data-state="loading"></div>
<div id="update" hidden><button id="update-reload">Reload</button>
<button id="update-close">Close</button></div>
<script type="module" src="main.js"></script>
</body></html>
"""

MAIN = """import { connect } from "./static/js/bus.js";
import { version } from "./module.js";
const text = async (path) => (await fetch(path)).text();
window.told = [];
connect({
  on: (_topic, handler) => setTimeout(() => handler({ phase: "connected" })),
  off() {},
  emit: (topic, json) => window.told.push([topic, JSON.parse(json)]),
});
window.seen = async () => [
  document.title, window.first, version, (await import("./late.js")).version,
  await text("text.txt"), await text("only-{version}.txt"), await text("python.wasm"),
  await new Promise((done, failed) => {
    const worker = new Worker("worker.js");
    worker.onmessage = ({ data }) => done(data);
    worker.onerror = ({ message }) => failed(new Error(`The worker failed: ${message}`));
  }),
];
"""

LONG_AGO, A_YEAR = 1_500_000_000, 31_536_000
"""When the files were changed: browsers keep old files for long without asking the host."""

PARTS = 8
"""How many parts of the page tell their version."""

FAILING = 'document.getElementById("boot").dataset.state = "error";'

WORKER = """(async () => {
  importScripts("imported.js");
  const text = await (await fetch("text.txt")).text();
  postMessage(text === imported ? text : `${imported} and ${text}`);
})();
"""


def build(folder: Path, version: str, *, main: str = MAIN) -> Path:
    """Build a version of the page."""
    files = {
        "index.html": INDEX,
        "main.js": main,
        "first.js": "window.first = '{version}';",
        "module.js": "export const version = '{version}';",
        "late.js": "export const version = '{version}';",
        "text.txt": "{version}",
        f"only-{version}.txt": "{version}",
        "imported.js": "const imported = '{version}';",
        "worker.js": WORKER,
        "python.wasm": "{version}",
        "same.txt": "the same in every version",
    }
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text.replace("{version}", version), encoding="utf-8")
    (folder / "python.pack").write_bytes(gzip.compress(version.encode()))
    scripts = folder / "static" / "js"
    scripts.mkdir(parents=True)
    for name in ("bus.js", "offline.js"):
        shutil.copyfile(ROOT / "static" / "js" / name, scripts / name)
    precache.turn_on(ROOT, folder)
    changed = LONG_AGO + zlib.crc32(version.encode()) % A_YEAR
    for path in folder.rglob("*"):
        os.utime(path, (changed, changed))
    return folder


def next_version(built_page: Path, folder: Path) -> Path:
    """Return the next version of the dashboard itself, in which one file differs."""
    shutil.copytree(built_page, folder, ignore=shutil.ignore_patterns("dropin"))
    script = folder / "static" / "js" / "early.js"
    text = script.read_text(encoding="utf-8")
    script.write_text(f"document.documentElement.dataset.build = '2';\n{text}", encoding="utf-8")
    precache.turn_on(ROOT, folder)
    return folder


class Host:
    """A folder that a server shows, and that is replaced by another in one step."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._swaps = 0

    def deploy(self, build: Path) -> None:
        """Show another build from now on."""
        self._swaps += 1
        new = self.folder.with_name(f"link-{self._swaps}")
        new.symlink_to(build, target_is_directory=True)
        new.replace(self.folder)


class Visitor(Waiting):
    """One tab with a page that is kept offline."""

    def __init__(self, page: Page, watch: Watch) -> None:
        self.page = page
        self.watch = watch

    def caught_up(self) -> None:
        """Wait until what was changed is on the screen: nobody sends this page anything."""
        self.painted()

    def kept(self) -> Visitor:
        """Wait until the page is kept in the browser."""
        self.page.evaluate("async () => { await navigator.serviceWorker.ready; }")
        return self

    def seen(self) -> set[str]:
        """Return the versions that the parts of the page belong to."""
        self.page.wait_for_function("() => window.seen")
        parts = self.page.evaluate("() => window.seen()")
        assert len(parts) == PARTS
        return set(parts)

    def told(self) -> Any:
        """Return what the bus was told since the page was opened: pairs of topic and payload."""
        return self.page.evaluate("() => window.told")

    def types(self) -> dict[str, str]:
        """Return the types of the files that the browser keeps, by their names."""
        kept: dict[str, str] = self.page.evaluate(
            """async () => {
              const types = {};
              for (const name of await caches.keys()) {
                const cache = await caches.open(name);
                for (const request of await cache.keys()) {
                  const { pathname } = new URL(request.url);
                  const type = (await cache.match(request)).headers.get("content-type");
                  if (pathname.includes("/.content/")) types[pathname.split("/").at(-1)] = type;
                }
              }
              return types;
            }"""
        )
        return kept

    def look_for_update(self) -> None:
        """Do what the browser does by itself at a visit, and wait until it has done it.

        Twice: the first may only have joined an older look that was still under way.
        """
        self.page.evaluate(
            """async () => {
              const registration = await navigator.serviceWorker.getRegistration();
              if (!registration) return; // it has left already
              for (const _ of [1, 2]) {
                try { await registration.update(); } catch { /* a broken worker is refused */ }
                const worker = registration.installing;
                while (worker?.state === "installing") {
                  await new Promise((changed) =>
                    worker.addEventListener("statechange", changed, { once: true }));
                }
              }
            }"""
        )

    def ask(self, order: str, worker: str = "active") -> Any:
        """Have a service worker do something; its answer."""
        return self.page.evaluate(
            """async ([order, worker]) => {
              const registration = await navigator.serviceWorker.ready;
              const { port1, port2 } = new MessageChannel();
              const answer = new Promise((done) => { port1.onmessage = ({ data }) => done(data); });
              registration[worker].postMessage(order, [port2]);
              return answer;
            }""",
            [order, worker],
        )

    def let_take_over(self) -> None:
        """Do what a page does when it has been open for a while; wait until it is done."""
        self.ask("takeOver", "waiting")
        self.page.evaluate(
            """async () => {
              const { active } = await navigator.serviceWorker.ready;
              while (active.state !== "activated") {
                await new Promise((changed) =>
                  active.addEventListener("statechange", changed, { once: true }));
              }
            }"""
        )
        self.eventually(
            lambda: self.page.evaluate(
                "async () => Boolean((await navigator.serviceWorker.ready).waiting)"
            ),
            False,
        )

    def storage(self) -> dict[str, Any]:
        """Return what the browser keeps: caches with their addresses, and registrations."""
        kept: dict[str, Any] = self.page.evaluate(
            """async () => {
              const caches_ = {};
              for (const name of await caches.keys()) {
                const requests = await (await caches.open(name)).keys();
                caches_[name] = requests.map((request) => new URL(request.url).pathname);
              }
              const registrations = await navigator.serviceWorker.getRegistrations();
              return { caches: caches_, registrations: registrations.length };
            }"""
        )
        return kept

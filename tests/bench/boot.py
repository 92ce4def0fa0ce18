#!/usr/bin/env python3
"""Measure how long the page takes to show live numbers, beside a stock page of the same app.

Both pages are served by the stand-in proxy and show the same session. The stock page is what
PyScript's documentation describes: its core, Pyodide as it comes, the same Python files in
``[files]`` (one zip). They are loaded in turns, in one browser on one machine: only the ratios
mean anything elsewhere. Figures are medians, in milliseconds from the start of the navigation.

- warm: a reload, with everything in the browser's caches;
- cold: an empty browser behind a line of 50 Mbit/s and 20 ms, and a host that sends gzip.
"""

from __future__ import annotations

import argparse
import gzip
import json
import shutil
import statistics
import sys
import tempfile
import time
import zipfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from math import inf
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

from tests.bench import report
from tests.e2e.figures import metrics_of
from tests.proxy.server import ProxyServer
from tools import build
from tools.chromium import ARGUMENTS, executable
from tools.screenshot import seed

LINE = {
    "offline": False,
    "latency": 20,
    "downloadThroughput": 6_250_000,
    "uploadThroughput": 6_250_000,
}
"""50 Mbit/s and 20 ms, as the browser's tools take it (bytes a second)."""

COMPRESSED = (".css", ".html", ".js", ".json", ".svg", ".wasm")
"""What hosts commonly send compressed."""

PATIENCE = 120.0
PAUSE_MS = 1500
"""What a page does after its start is not to be paid by the next visit."""

STAGES = {
    "kimi:early": "first script",
    "kimi:wasm": "WebAssembly compiled",
    "kimi:snapshot": "snapshot read",
    "kimi:module": "module created",
    "kimi:memory": "memory copied",
    "kimi:python": "Python up",
    "bench:pyscript": "PyScript up",
    "bench:started": "application started",
    "bench:live": "live numbers",
}

#: Notes the moments, in the page, before any of its own scripts. The address says how many
#: requests the proxy has by now: a smaller number is the last known one, not a live one.
WATCHER = """(() => {
  const mark = (name) => performance.getEntriesByName(name).length || performance.mark(name);
  addEventListener("kimi:started", () => mark("bench:started"));
  document.addEventListener("py:ready", () => mark("bench:pyscript"), true);
  window.shift = 0;
  new PerformanceObserver((list) => {
    for (const entry of list.getEntries()) if (!entry.hadRecentInput) window.shift += entry.value;
  }).observe({ type: "layout-shift", buffered: true });
  new MutationObserver(() => {
    const text = document.getElementById("total-requests")?.textContent ?? "";
    if (!/[0-9]/.test(text)) return;
    const name = text === location.hash.slice(1) ? "bench:live" : "bench:seen";
    if (performance.getEntriesByName(name).length) return;
    mark(name);
    requestAnimationFrame(() => setTimeout(() => mark(`${name}-painted`)));
  }).observe(document, { subtree: true, childList: true, characterData: true });
})()"""

READ = """() => ({
  ...Object.fromEntries([
    ...performance.getEntriesByType("mark"), ...performance.getEntriesByType("paint"),
  ].map((entry) => [entry.name, entry.startTime])),
  shift: window.shift,
})"""


def write_stock_page(folder: Path) -> None:
    """Write the same page as PyScript's documentation would have it."""
    config = build.read_config(build.ROOT)
    for name in build.STATIC_FOLDERS:
        target = folder / "static" / name
        shutil.copytree(build.ROOT / "static" / name, target)
    build.vendor(build.ROOT, folder / "static" / "vendor")
    with zipfile.ZipFile(folder / "app.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        for name in build.python_sources(build.ROOT):
            archive.write(build.ROOT / "py" / name, name)
    config["files"] = {"./app.zip": "./*"}
    (folder / "pyscript.json").write_text(json.dumps(config), encoding="utf-8")
    (folder / "py").mkdir()
    (folder / "py" / "start.py").write_bytes((build.ROOT / "py" / "start.py").read_bytes())
    page = (build.ROOT / "index.html").read_text(encoding="utf-8")
    page = page.replace("pyscript.toml", "pyscript.json")
    (folder / "index.html").write_text(page, encoding="utf-8")


def compress(folder: Path) -> None:
    """Lay a compressed copy beside each file that hosts compress."""
    for path in [path for path in folder.rglob("*") if path.suffix in COMPRESSED]:
        Path(f"{path}.gz").write_bytes(gzip.compress(path.read_bytes()))


def wait_for_numbers(page: Page) -> None:
    """Wait until the live numbers are there."""
    deadline = time.monotonic() + PATIENCE
    while not page.evaluate("performance.getEntriesByName('bench:live').length"):
        if time.monotonic() > deadline:
            raise SystemExit(f"boot: {page.url} showed no live numbers.")
        page.wait_for_timeout(50)


def settle(page: Page) -> dict[str, float]:
    """Wait until the live numbers are there, and for what follows; return the moments."""
    wait_for_numbers(page)
    page.wait_for_timeout(PAUSE_MS)
    marks: dict[str, float] = page.evaluate(READ)
    if marks.get("bench:seen", inf) <= marks["first-contentful-paint"]:
        marks["bench:seen-painted"] = marks["first-contentful-paint"]  # the browser's own word
    return marks


@contextmanager
def fresh(browser: Browser) -> Iterator[tuple[BrowserContext, Page]]:
    """Yield a page in an empty browser."""
    context = browser.new_context()
    page = context.new_page()
    page.add_init_script(WATCHER)
    try:
        yield context, page
    finally:
        context.close()


def visit(page: Page, server: ProxyServer) -> None:
    """Go to the page, which saw one request less when it was left."""
    page.goto("about:blank")
    server.control("request", prompt_tokens=180_000, completion_tokens=500)
    page.goto(f"{server.url}/#{len(metrics_of(server.state()))}")


def cold(browser: Browser, server: ProxyServer) -> dict[str, float]:
    """Visit for the first time, over the slow line.

    ``bytes`` is what travelled, ``bytes:live`` until there were live numbers.
    """
    with fresh(browser) as (context, page):
        line = context.new_cdp_session(page)
        total = 0

        def finished(event: Mapping[str, Any]) -> None:
            nonlocal total
            total += event["encodedDataLength"]

        line.on("Network.loadingFinished", finished)
        line.send("Network.enable")
        line.send("Network.emulateNetworkConditions", LINE)
        visit(page, server)
        wait_for_numbers(page)
        until_live = total
        marks = settle(page)
        return {**marks, "bytes:live": until_live, "bytes": total}


def medians(visits: Sequence[Mapping[str, float]]) -> dict[str, float]:
    """Return the median of every moment."""
    names = {name for visit in visits for name in visit}
    return {
        name: round(statistics.median(v[name] for v in visits if name in v), 4)
        for name in sorted(names)
    }


def measure(dist: Path, rounds: int, say: Callable[[str], None] = print) -> dict[str, Any]:
    """Visit both pages in turns; return the medians."""
    result: dict[str, Any] = {"rounds": rounds}
    with tempfile.TemporaryDirectory() as scratch, sync_playwright() as playwright:
        folders = {name: Path(scratch, name) for name in ("ours", "stock")}
        shutil.copytree(dist, folders["ours"], ignore=shutil.ignore_patterns("dropin"))
        folders["stock"].mkdir()
        write_stock_page(folders["stock"])
        for folder in folders.values():
            compress(folder)
        with (
            ProxyServer("2026-02-20", static_dir=folders["ours"]) as ours,
            ProxyServer("2026-02-20", static_dir=folders["stock"]) as stock,
        ):
            servers = {"ours": ours, "stock": stock}
            for server in servers.values():
                seed(server)
            browser = playwright.chromium.launch(
                executable_path=executable(whole=True), args=list(ARGUMENTS)
            )
            warm_visits: dict[str, list[dict[str, float]]] = {"ours": [], "stock": []}
            with fresh(browser) as (_, one), fresh(browser) as (_, other):
                pages = {"ours": one, "stock": other}
                for name, page in pages.items():
                    for _ in range(2):  # V8 keeps compiled scripts from the second visit on
                        visit(page, servers[name])
                        settle(page)
                for number in range(rounds):
                    for name, page in pages.items():
                        page.bring_to_front()
                        visit(page, servers[name])
                        warm_visits[name].append(settle(page))
                    say(f"warm {number + 1}/{rounds}")
            result["warm"] = {name: medians(visits) for name, visits in warm_visits.items()}
            cold_visits: dict[str, list[dict[str, float]]] = {"ours": [], "stock": []}
            for number in range(rounds):
                for name, server in servers.items():
                    cold_visits[name].append(cold(browser, server))
                say(f"cold {number + 1}/{rounds}")
            result["cold"] = {name: medians(visits) for name, visits in cold_visits.items()}
            browser.close()
    for kind in ("warm", "cold"):
        live = {name: result[kind][name]["bench:live"] for name in ("ours", "stock")}
        result[kind]["ratio"] = round(live["ours"] / live["stock"], 3)
    return result


def table(result: Mapping[str, Any]) -> str:
    """Lay the figures out for reading."""
    lines = [_row(f"ms, medians of {result['rounds']}", "warm", "stock", "cold", "stock")]
    columns = [result[kind][name] for kind in ("warm", "cold") for name in ("ours", "stock")]
    painted = {"first-contentful-paint": "first paint", "bench:seen-painted": "last-known numbers"}
    for mark, label in {**painted, **STAGES}.items():
        cells = [f"{column[mark]:.0f}" if mark in column else "-" for column in columns]
        lines.append(_row(label, *cells))
    for label, mark, scale in (
        ("layout shift", "shift", 1.0),
        ("megabytes until live numbers", "bytes:live", 1e-6),
        ("megabytes", "bytes", 1e-6),
    ):
        cells = [f"{column[mark] * scale:.3f}" if mark in column else "-" for column in columns]
        lines.append(_row(label, *cells))
    ratios = [str(result[kind]["ratio"]) for kind in ("warm", "cold")]
    lines.append(_row("ratio to stock", ratios[0], "", ratios[1]))
    return "\n".join(lines)


def _row(label: str, *cells: str) -> str:
    return f"{label:<30}" + "".join(f"{cell:>9}" for cell in cells)


def main() -> None:
    """Run the command."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--dist", type=Path, default=build.ROOT / "dist")
    parser.add_argument("--dry", action="store_true", help="write no results.json")
    options = parser.parse_args()
    result = measure(options.dist, options.rounds, lambda line: print(line, file=sys.stderr))
    print(table(result))
    if not options.dry:
        report.merge("boot", result)


if __name__ == "__main__":
    main()

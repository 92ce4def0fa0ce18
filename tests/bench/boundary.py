#!/usr/bin/env python3
"""Measure what a call across the border to Python costs a dashboard.

One page imports the drop-in ``sessions.js`` and a module of the same exports in plain
JavaScript, and calls both in turns, with 100 metrics in the buffer. Figures are microseconds a
call, of the best of many rounds: whatever else the machine does only ever adds. The objects that
JavaScript and Python hold of each other are counted before and after.

The start is measured beside that of Pyodide alone, in turns: how long it takes, and for how long
in all, and at once, the page could not answer (tasks of 50 ms and more). A figure is the median.
"""

from __future__ import annotations

import argparse
import json
import shutil
import statistics
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from playwright.sync_api import Browser, Page, sync_playwright

from tests.dropin import site
from tests.proxy import ProxyServer
from tools.chromium import ARGUMENTS, executable

PLAIN = Path(__file__).with_name("plain_sessions.js")
PAGE = Path(__file__).with_name("boundary.js")

#: What is started, by the module that has done so when its import is through.
STARTS = {"ours": "sessions.js", "Pyodide alone": "pyodide_alone.js"}
PYODIDE_ALONE = """
import { loadPyodide } from "./pyodide-alone/pyodide.js";
await loadPyodide({ indexURL: new URL("./pyodide-alone/", import.meta.url).href });
"""
START = """async (module) => {
  const tasks = [];
  const observer = new PerformanceObserver((list) => tasks.push(...list.getEntries()));
  observer.observe({ type: "longtask" });
  const start = performance.now();
  await import(`/static/js/modules/${module}`);
  const total = performance.now() - start;
  await new Promise((resume) => setTimeout(resume, 100));
  const durations = tasks.map(({ duration }) => duration);
  return {
    total,
    blocked: durations.reduce((one, other) => one + other, 0),
    "blocked at once": Math.max(0, ...durations),
  };
}"""


def build(folder: Path) -> None:
    """Put both modules and the measuring page into a folder."""
    modules = site.build(folder)
    site.expose_pyodide(modules)
    shutil.copytree(site.BUILT / "static" / "vendor" / "pyodide", modules / "pyodide-alone")
    (modules / STARTS["Pyodide alone"]).write_text(PYODIDE_ALONE, encoding="utf-8")
    shutil.copyfile(PLAIN, modules / PLAIN.name)
    shutil.copyfile(PAGE, modules / PAGE.name)
    (folder / "bench.html").write_text('<!doctype html>\n<link rel="icon" href="data:,">\n')


def measure(page: Page, url: str, *, calls: int, rounds: int) -> dict[str, Any]:
    """Return the figures by function, and the counts of proxies."""
    page.goto(f"{url}/bench.html")
    result: dict[str, Any] = page.evaluate(
        """async (options) => {
          const { measure } = await import("/static/js/modules/boundary.js");
          return measure(options);
        }""",
        {"calls": calls, "rounds": rounds},
    )
    return result


def measure_start(browser: Browser, url: str, *, starts: int) -> dict[str, dict[str, float]]:
    """Return milliseconds by what was started; files come from the browser's cache."""
    context = browser.new_context()
    figures: dict[str, list[dict[str, float]]] = {name: [] for name in STARTS}
    for _ in range(starts + 1):
        for name, module in STARTS.items():
            page = context.new_page()
            page.goto(f"{url}/bench.html")
            figures[name].append(page.evaluate(START, module))
            page.close()
    context.close()
    return {
        name: {key: statistics.median(one[key] for one in rows[1:]) for key in rows[0]}
        for name, rows in figures.items()
    }


def run(*, calls: int = 1000, rounds: int = 15, starts: int = 5) -> dict[str, Any]:
    """Measure everything; return the figures, ready for JSON."""
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        build(Path(folder))
        browser = playwright.chromium.launch(
            executable_path=executable(whole=True), args=list(ARGUMENTS)
        )
        with ProxyServer(static_dir=folder) as proxy:
            start = measure_start(browser, proxy.url, starts=starts)
            page = browser.new_page()
            result = measure(page, proxy.url, calls=calls, rounds=rounds)
        browser.close()
    return {**result, "start": start}


def table(result: Mapping[str, Any]) -> str:
    """Lay the figures out for reading."""
    lines = [f"{'call':<30}{'ours':>9}{'plain':>9}{'ratio':>8}   us, 100 metrics"]
    for name, figures in result["functions"].items():
        ours, plain = figures["ours"], figures["plain"]
        ratio = f"{ours / plain:.0f}" if plain else "-"
        lines.append(f"{name:<30}{ours:>9.2f}{plain:>9.2f}{ratio:>8}")
    before, after = result["before"], result["after"]
    lines.append(f"after {result['calls']} calls more:")
    lines += [f"  {kind}: {before[kind]} -> {after[kind]}" for kind in before]
    start = result["start"]
    lines.append(f"\n{'start, ms':<30}" + "".join(f"{name:>15}" for name in start))
    for key in start["ours"]:
        lines.append(f"{key:<30}" + "".join(f"{figures[key]:>15.0f}" for figures in start.values()))
    return "\n".join(lines)


def main(arguments: list[str] | None = None) -> int:
    """Run the command; return its exit code."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--calls", type=int, default=1000, help="calls a round (default: 1000)")
    parser.add_argument("--rounds", type=int, default=15, help="rounds (default: 15)")
    parser.add_argument("--starts", type=int, default=5, help="starts of each (default: 5)")
    parser.add_argument("--json", action="store_true", help="print JSON instead of a table")
    options = parser.parse_args(arguments)
    result = run(calls=options.calls, rounds=options.rounds, starts=options.starts)
    print(json.dumps(result, indent=2) if options.json else table(result))
    return 0


if __name__ == "__main__":
    sys.exit(main())

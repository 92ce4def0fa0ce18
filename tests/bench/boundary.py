#!/usr/bin/env python3
"""Measure what a call across the border to Python costs a dashboard.

One page imports the drop-in ``sessions.js`` and a module of the same exports in plain
JavaScript, and calls both in turns, with 100 metrics in the buffer. Figures are microseconds a
call, of the best of many rounds: whatever else the machine does only ever adds. The objects that
JavaScript and Python hold of each other are counted before and after.
"""

from __future__ import annotations

import argparse
import json
import shutil
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from playwright.sync_api import Page, sync_playwright

from tests.dropin import site
from tests.proxy import ProxyServer
from tools.chromium import ARGUMENTS, executable

PLAIN = Path(__file__).with_name("plain_sessions.js")
PAGE = Path(__file__).with_name("boundary.js")


def build(folder: Path) -> None:
    """Put both modules and the measuring page into a folder."""
    modules = site.build(folder)
    site.expose_pyodide(modules)
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
    return "\n".join(lines)


def main(arguments: list[str] | None = None) -> int:
    """Run the command; return its exit code."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--calls", type=int, default=1000, help="calls a round (default: 1000)")
    parser.add_argument("--rounds", type=int, default=15, help="rounds (default: 15)")
    parser.add_argument("--json", action="store_true", help="print JSON instead of a table")
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        build(Path(folder))
        browser = playwright.chromium.launch(executable_path=executable(), args=list(ARGUMENTS))
        with ProxyServer(static_dir=folder) as proxy:
            page = browser.new_page()
            result = measure(page, proxy.url, calls=options.calls, rounds=options.rounds)
        browser.close()
    print(json.dumps(result, indent=2) if options.json else table(result))
    return 0


if __name__ == "__main__":
    sys.exit(main())

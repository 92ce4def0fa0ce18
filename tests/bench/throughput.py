#!/usr/bin/env python3
"""Measure how the page keeps up with a proxy that talks a lot.

The built page is opened in Chromium before the stand-in proxy, which sends bursts, pairs of
announcement and real counts, and a steady stream. A message counts as shown when the page's own
elements say so; main thread, long tasks, memory and the objects that the two languages hold of
each other are read through the browser's instruments.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from playwright.sync_api import Browser, Page, sync_playwright

from tests.bench import report
from tests.bench.inspector import Inspector, Work
from tests.proxy import ProxyServer
from tools.chromium import ARGUMENTS, executable

DIST = Path(__file__).resolve().parents[2] / "dist"
RATE = 1000

ORIGINAL = {
    "burst": "95 s (19 ms a message)",
    "pairs": "73 s",
    "sustained": "at 200 a second 28 s behind",
}
"""The original dashboard's figures, recorded elsewhere: no part of this run."""

_RECORD_FIGURES = """() => {
  const elements = ["total-requests", "prompt-tokens"].map((id) => document.getElementById(id));
  const read = (element) => Number(element.textContent.replace(/\\D/g, ""));
  window.shown = [];
  const note = () =>
    window.shown.push([performance.timeOrigin + performance.now(), ...elements.map(read)]);
  const observer = new MutationObserver(note);
  const changes = { childList: true, characterData: true, subtree: true };
  for (const element of elements) observer.observe(element, changes);
}"""


class Stage:
    """One page before one proxy of the version that announces every request."""

    def __init__(self, browser: Browser, proxy: ProxyServer, settle: float) -> None:
        """Open the page, and wait until it follows the proxy."""
        self._proxy = proxy
        self._settle = settle
        context = browser.new_context(locale="en-US", viewport={"width": 1280, "height": 900})
        self.page: Page = context.new_page()
        self.page.goto(proxy.url)
        self.page.locator("#boot").wait_for(state="hidden", timeout=60_000)
        self.page.locator('#connection[data-state="connected"]').wait_for()
        self.page.evaluate(_RECORD_FIGURES)
        self._sessions = 0
        self.inspector = Inspector(self.page)

    def new_session(self) -> None:
        """Let the proxy go on in a session without requests, and the page follow and settle."""
        self._sessions += 1
        name = f"Bench {self._sessions}"
        session = self._proxy.control("add_session", name=name)["session"]
        self._proxy.control("send", frame={"type": "new_session", "session": session})
        self.page.locator("#session-name", has_text=name).wait_for()
        self.page.wait_for_timeout(self._settle * 1000)
        self.page.evaluate("() => { window.shown.length = 0; }")

    def flood(self, count: int, kind: str, rate: float | None = None) -> dict[str, Any]:
        """Send messages, wait until all are shown, and tell what it took.

        Returns:
            ``seconds`` until everything was right on screen and ``sent`` until everything was
            out, both from the first message; ``latencies`` of each message in milliseconds;
            and the main thread's ``work`` until then.
        """
        self.inspector.begin()
        sent = self._proxy.control("burst", count=count, kind=kind, rate_per_second=rate)
        prompt = sum(500 + number % 4000 for number in range(count)) if kind == "request" else 0
        shown = self._await([count, prompt])
        work = self.inspector.work()
        first = sent["sent_at"][0]
        done = next(at for at, *figures in reversed(shown) if figures == [count, prompt])
        for at, *figures in reversed(shown):
            if figures != [count, prompt]:
                break
            done = at
        return {
            "seconds": (done - first) / 1000,
            "sent": (sent["sent_at"][-1] - first) / 1000,
            "latencies": _latencies(sent["sent_at"], shown),
            "work": work,
        }

    def rest(self, seconds: float) -> Work:
        """Let nothing happen for a while, and tell what the main thread did."""
        self.inspector.begin()
        self.page.wait_for_timeout(seconds * 1000)
        return self.inspector.work()

    def _await(self, figures: list[int], within: float = 240) -> list[list[float]]:
        for _ in range(int(within * 5)):
            shown: list[list[float]] = self.page.evaluate("() => window.shown")
            if shown and shown[-1][1:] == figures:
                return shown
            self.page.wait_for_timeout(200)
        raise SystemExit(f"The page shows {shown[-1:]} instead of {figures}.")


def _latencies(sent_at: list[float], shown: list[list[float]]) -> list[float]:
    """Return how long each message took to the first moment that its number was on screen."""
    latencies = []
    moments = iter(shown)
    at, requests = 0.0, 0.0
    for number, sent in enumerate(sent_at, 1):
        while requests < number:
            at, requests, _ = next(moments)
        latencies.append(at - sent)
    return latencies


def _percentile(values: list[float], share: float) -> float:
    return sorted(values)[min(len(values) - 1, int(share * len(values)))]


def measure(
    browser: Browser,
    dist: Path,
    *,
    burst: int = 5000,
    pairs: int = 200,
    seconds: float = 10,
    idle: float = 20,
    many: int = 100_000,
    settle: float = 2.5,
) -> dict[str, Any]:
    """Return the figures by name.

    Args:
        browser: Chromium.
        dist: the built page.
        burst: announcements sent at once.
        pairs: pairs of announcement and real counts sent at once.
        seconds: how long a thousand messages a second are sent.
        idle: seconds without any.
        many: messages after which memory is compared with that after ``burst``.
        settle: seconds until all is quiet after a change of session: its totals are asked for
            twice. Before the rest it takes longer, until the last reading is no longer fresh.
    """
    with ProxyServer("2026-02-20", static_dir=dist) as proxy:
        stage = Stage(browser, proxy, settle)
        stage.new_session()
        stage.flood(min(burst, 300), "request")  # the chart's library is loaded, caches are warm
        results: dict[str, Any] = {}

        stage.new_session()
        flood = stage.flood(burst, "estimate")
        results["burst"] = {"messages": burst, **_figures(flood)}
        held = stage.inspector.proxies()
        memory = stage.inspector.memory()

        stage.new_session()
        results["pairs"] = {"pairs": pairs, **_figures(stage.flood(pairs, "request"))}

        stage.new_session()
        flood = stage.flood(round(RATE * seconds), "estimate", RATE)
        results["sustained"] = {"rate": RATE, "duration": seconds, **_figures(flood)}

        stage.new_session()
        stage.page.wait_for_timeout(settle * 2000)
        rest = stage.rest(idle)
        results["idle"] = {"duration": idle, "busy": rest.share, "longest": rest.longest}

        stage.new_session()
        stage.flood(many, "estimate")
        results["memory"] = {
            "messages": [burst, burst + many],
            "bytes": [memory, stage.inspector.memory()],
            "held": [held, stage.inspector.proxies()],
        }
        stage.page.context.close()
    return results


def _figures(flood: Mapping[str, Any]) -> dict[str, Any]:
    work: Work = flood["work"]
    return {
        "seconds": flood["seconds"],
        "sent": flood["sent"],
        "p50": _percentile(flood["latencies"], 0.5),
        "p95": _percentile(flood["latencies"], 0.95),
        "busy": work.share,
        "computing": work.computing / work.seconds,
        "script": work.script / work.seconds,
        "style": work.style / work.seconds,
        "layout": work.layout / work.seconds,
        "longest": work.longest,
    }


def table(results: Mapping[str, Any]) -> str:
    """Lay the figures out for reading."""
    lines = [f"{'':<40}{'measured':>26}   {'goal':<10}the original, recorded elsewhere"]

    def line(name: str, value: str, goal: str = "", original: str = "") -> None:
        lines.append(f"{name:<40}{value:>26}   {goal:<10}{original}".rstrip())

    burst, pairs, sustained = (results[name] for name in ("burst", "pairs", "sustained"))
    line(
        f"burst of {burst['messages']} until on screen",
        f"{burst['seconds']:.2f} s (sent in {burst['sent']:.2f})",
        "2 s",
        ORIGINAL["burst"],
    )
    line(
        f"{pairs['pairs']} pairs until on screen",
        f"{pairs['seconds']:.2f} s (sent in {pairs['sent']:.2f})",
        "0.3 s",
        ORIGINAL["pairs"],
    )
    line(
        f"{sustained['rate']} a second for {sustained['duration']:g} s",
        f"{sustained['seconds'] - sustained['sent']:.3f} s behind at the end",
        "",
        ORIGINAL["sustained"],
    )
    line("  from sent to shown, p50", f"{sustained['p50']:.0f} ms")
    line("  from sent to shown, p95", f"{sustained['p95']:.0f} ms", "50 ms")
    line("  main thread busy", f"{sustained['busy']:.0%}", "50 %")
    parts = ("computing", "script", "style", "layout")
    line(f"  {' / '.join(parts)}", " / ".join(f"{sustained[name]:.0%}" for name in parts))
    longest = max(results[name]["longest"] for name in ("burst", "pairs", "sustained", "idle"))
    line("longest task", f"{longest:.0f} ms" if longest else "below 50 ms", "50 ms")
    idle = results["idle"]
    line(f"main thread busy in {idle['duration']:g} s of rest", f"{idle['busy']:.2%}", "1 %")
    memory = results["memory"]
    few, many = memory["messages"]
    for kind, title in (("javascript", "JavaScript's heap"), ("python", "Python's memory")):
        before, after = (sizes[kind] / 1e6 for sizes in memory["bytes"])
        line(f"{title} after {few}", f"{before:.1f} MB")
        line(f"  after {many}", f"{after:.1f} MB", "the same")
    for kind in memory["held"][0]:
        before, after = (held[kind] for held in memory["held"])
        line(kind, f"{before} -> {after}", "the same")
    return "\n".join(lines)


def main(arguments: list[str] | None = None) -> int:
    """Run the command; return its exit code."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--dist", type=Path, default=DIST, help="the built page")
    parser.add_argument("--many", type=int, default=100_000, help="messages of the memory test")
    parser.add_argument("--idle", type=float, default=20, help="seconds of rest")
    parser.add_argument("--json", action="store_true", help="print JSON instead of a table")
    parser.add_argument("--dry", action="store_true", help="write no results.json")
    options = parser.parse_args(arguments)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=executable(whole=True), args=list(ARGUMENTS)
        )
        results = measure(browser, options.dist, many=options.many, idle=options.idle)
        browser.close()
    print(json.dumps(results, indent=2) if options.json else table(results))
    if not options.dry:
        report.merge("throughput", results)
    return 0


if __name__ == "__main__":
    sys.exit(main())

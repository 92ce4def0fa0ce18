#!/usr/bin/env python3
"""Let the dashboard live through a working day in a hurry, and compare its totals at the end.

Messages come at a steady rate, into several tabs of one browser. Tabs are reloaded in turns, and
the proxy goes away and comes back with its database. At the end every tab, and what the browser
keeps for the next visit, must hold exactly the totals that the stand-in proxy has itself.
"""

from __future__ import annotations

import argparse
import itertools
import json
import sys
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any
from urllib.error import URLError

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

from tests.proxy import ProxyServer
from tools.chromium import ARGUMENTS, executable

ROOT = Path(__file__).resolve().parents[2]

FIGURES = {
    "total_requests": "total-requests",
    "max_tokens": "max-tokens",
    "cumulative_input_tokens": "prompt-tokens",
    "cumulative_output_tokens": "completion-tokens",
}
"""The proxy's totals, and where the page shows them."""

SETTLE = 60.0
"""Seconds for the last reconnection and the last questions, once everything is quiet."""


@dataclass(frozen=True)
class Plan:
    """How long and how hard. Times are in seconds."""

    seconds: float = 1800.0
    rate: float = 20.0
    reload_every: float = 60.0
    restart_every: float = 120.0
    down_for: float = 3.0
    tabs: int = 3


class Traffic:
    """Sends requests through the proxy at a steady rate, as far as there is a proxy."""

    def __init__(self, proxy: ProxyServer, rate: float) -> None:
        self._proxy = proxy
        self._rate = rate
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="traffic")
        self.refused = 0

    def __enter__(self) -> Traffic:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._stop.is_set():
            try:
                self._proxy.control("burst", count=int(self._rate), rate_per_second=self._rate)
            except (OSError, URLError, ValueError):
                self.refused += 1  # it is being restarted
                self._stop.wait(0.2)


def shown(page: Page) -> dict[str, int] | None:
    """Read a tab's totals; None while one of them is not shown."""
    texts = page.evaluate(
        "ids => ids.map(id => document.getElementById(id).textContent)", list(FIGURES.values())
    )
    digits = ["".join(filter(str.isdigit, text)) for text in texts]
    if not all(digits):
        return None
    return dict(zip(FIGURES, map(int, digits), strict=True))


def remembered(page: Page, address: str) -> dict[str, int] | None:
    """Reckon the totals from what the browser keeps of the session shown last."""
    text = page.evaluate("() => localStorage.getItem('kimi:default:state')")
    value = json.loads(text or "{}")
    current = value.get("proxies", {}).get(address, {}).get("current")
    for entry in value.get("sessions", ()):
        if (entry["proxy"], entry["session"]["id"]) == (address, current):
            rows, earlier = entry["metrics"], entry["earlier"]
            real = [row for row in rows if not row["is_estimated"]]
            most = max((row["estimated_tokens"] for row in rows), default=0)
            return {
                "total_requests": len(rows) + earlier["requests"],
                "max_tokens": max(most, earlier["max"]),
                "cumulative_input_tokens": sum(row["prompt_tokens"] for row in real)
                + earlier["prompt"],
                "cumulative_output_tokens": sum(row["completion_tokens"] for row in real)
                + earlier["completion"],
            }
    return None


def totals(proxy: ProxyServer) -> dict[str, int]:
    """Return the proxy's own totals of its active session."""
    state = proxy.state()
    own = state["totals"][str(state["active_session_id"])]
    return {name: own[name] for name in FIGURES}


def until(
    wanted: Callable[[], Mapping[str, int]], read: Callable[[], object], page: Page
) -> tuple[object, object]:
    """Wait until something reads as wanted, or there is no hope; return both."""
    end = time.monotonic() + SETTLE
    while (got := read()) != (want := wanted()) and time.monotonic() < end:
        page.wait_for_timeout(250)
    return got, want


def go_through(plan: Plan, proxy: ProxyServer, pages: list[Page]) -> dict[str, int]:
    """Live through the plan; return how often what happened."""
    turns = itertools.cycle(pages)
    count = {"reloads": 0, "restarts": 0}
    begin = time.monotonic()
    next_reload, next_restart = begin + plan.reload_every, begin + plan.restart_every
    while (now := time.monotonic()) < begin + plan.seconds:
        if now >= next_restart:
            proxy.restart(down_for=plan.down_for)
            count["restarts"] += 1
            next_restart += plan.restart_every
        if now >= next_reload:
            next(turns).reload()
            count["reloads"] += 1
            next_reload += plan.reload_every
        pages[0].wait_for_timeout(100)
    return count


def soak(plan: Plan, browser: Browser | BrowserContext, dist: Path) -> dict[str, Any]:
    """Carry out a plan on the built page in ``dist``; return what came of it.

    ``differences`` of the result is empty when all totals agree.
    """
    context = browser.new_context() if isinstance(browser, Browser) else browser
    with ProxyServer(static_dir=dist) as host, ProxyServer(cors=True) as proxy:
        proxy.control("reset", seed_sessions=[{"name": "Soak"}])
        pages = [context.new_page() for _ in range(plan.tabs)]
        for page in pages:
            page.goto(f"{host.url}/?proxy={proxy.url}")
        with Traffic(proxy, plan.rate) as traffic:
            count = go_through(plan, proxy, pages)
        proxy.start()
        result: dict[str, Any] = {"plan": asdict(plan), **count, "refused": traffic.refused}
        differences = []
        for number, page in enumerate(pages):
            page.bring_to_front()
            got, want = until(lambda: totals(proxy), lambda page=page: shown(page), page)
            if got != want:
                differences.append({"tab": number, "shown": got, "proxy": want})
        page = pages[0]
        got, want = until(lambda: totals(proxy), lambda: remembered(page, proxy.url), page)
        if got != want:
            differences.append({"remembered": got, "proxy": want})
        result |= {"proxy": want, "differences": differences}
        for page in pages:
            page.close()
    return result


def main(arguments: list[str] | None = None) -> int:
    """Run the command; return its exit code."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    for name, default in asdict(Plan()).items():
        option = "--" + name.replace("_", "-")
        parser.add_argument(option, type=type(default), default=default, help=f"{default:g}")
    parser.add_argument("--dist", type=Path, default=ROOT / "dist", help="the built page")
    options = vars(parser.parse_args(arguments))
    dist = options.pop("dist")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=executable(whole=True), args=list(ARGUMENTS)
        )
        result = soak(Plan(**options), browser, dist)
        browser.close()
    print(json.dumps(result, indent=2))
    return 1 if result["differences"] else 0


if __name__ == "__main__":
    sys.exit(main())

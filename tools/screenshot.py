#!/usr/bin/env python3
"""Take a picture of the built dashboard at work, against the stand-in proxy.

The session shown is always the same, so that two pictures differ only by what changed in
the page. Needs `make dist` and the test tools.
"""

from __future__ import annotations

import argparse
import itertools
import sys
import time
from pathlib import Path

from playwright.sync_api import Page, sync_playwright

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from tests.proxy.server import ProxyServer
from tools import chromium

ROOT = Path(__file__).resolve().parent.parent
PROMPTS = (
    "Explain how overlapping session switches are resolved.",
    "Write a property test for the metric ring buffer.",
    "Pourquoi le pourcentage dépasse-t-il 100 % ici ?",
    "Rename the fusion module and fix every import.",
    "Add a French translation for the connection states.",
    "Review this diff: does a late answer still win?",
)
WINDOW = 262_144
READY_SECONDS = 60.0


def seed(proxy: ProxyServer, requests: int = 42) -> None:
    """Give the proxy a session that grew for a while, was compacted once, and grew again."""
    proxy.control("reset", dialect="2026-02-20")
    for name in ("Docs", "Parser: property tests"):
        proxy.control("add_session", name=name, provider="gemini", active=False, metrics=6)
    session = proxy.control(
        "add_session",
        name="Refactor the session manager",
        provider="managed:kimi-code",
        model="kimi-for-coding",
        metrics=_history(requests),
    )["session"]
    proxy.control(
        "compaction",
        session_id=session["id"],
        original_tokens=171_000,
        compacted_tokens=61_000,
    )


def _history(requests: int) -> list[dict[str, object]]:
    rows: list[dict[str, object]] = []
    total = 18_000
    for number, prompt in zip(range(requests), itertools.cycle(PROMPTS), strict=False):
        total += 3_100 + (number * 977) % 3_900
        if number == requests // 2:
            total = 61_000
        completion = 240 + (number * 389) % 1_500
        rows.append(
            {
                "prompt_tokens": total - completion,
                "completion_tokens": completion,
                "estimate": round(total * (0.9 + (number * 7 % 13) / 100)),
                "preview": prompt,
                "timestamp": _clock(requests - number),
            }
        )
    return rows


def _clock(steps_ago: int) -> str:
    moment = time.gmtime(time.time() - 95 * steps_ago)
    return time.strftime("%Y-%m-%d %H:%M:%S", moment)


def work(proxy: ProxyServer) -> None:
    """Let the last requests arrive while the page looks on: estimates, then real counts."""
    total = 176_000
    for number in range(6):
        total += 4_300
        proxy.control(
            "request",
            prompt_tokens=total - 700,
            completion_tokens=700,
            estimate=round(total * (0.93 + number / 100)),
            history_tokens=4_300,
            preview=PROMPTS[number],
            memory_tokens=6_200,
            chat_tokens=total - 6_200,
        )
    proxy.control("log", source="compile_chat", total_tokens=total + 1_900, context_length=WINDOW)


def wait_until_ready(page: Page) -> None:
    """Wait for Python to have written the first figures."""
    end = time.monotonic() + READY_SECONDS
    while time.monotonic() < end:
        text = page.evaluate("document.getElementById('total-requests').textContent")
        if any(character.isdigit() for character in text):
            return
        page.wait_for_timeout(100)
    raise SystemExit("screenshot: the page did not come up.")


def take(options: argparse.Namespace) -> None:
    """Start proxy and browser, let the page work, and write the picture."""
    with ProxyServer("2026-02-20", static_dir=options.dist) as proxy, sync_playwright() as p:
        seed(proxy)
        browser = p.chromium.launch(
            executable_path=chromium.executable(), args=list(chromium.ARGUMENTS)
        )
        page = browser.new_page(
            viewport={"width": options.width, "height": options.height},
            color_scheme=options.scheme,
            locale=options.language,
        )
        page.goto(proxy.url)
        wait_until_ready(page)
        work(proxy)
        page.wait_for_timeout(1500)
        options.out.parent.mkdir(parents=True, exist_ok=True)
        page.screenshot(path=options.out, full_page=options.full)
        browser.close()


def main() -> None:
    """Run the command."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--dist", type=Path, default=ROOT / "dist")
    parser.add_argument("--out", type=Path, default=ROOT / "docs" / "dashboard.png")
    parser.add_argument("--width", type=int, default=1440)
    parser.add_argument("--height", type=int, default=900)
    parser.add_argument("--scheme", choices=("dark", "light"), default="dark")
    parser.add_argument("--language", default="en-GB", help="en-GB, fr-FR …")
    parser.add_argument("--full", action="store_true", help="the whole page, not one screen")
    take(parser.parse_args())


if __name__ == "__main__":
    main()

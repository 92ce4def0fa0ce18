#!/usr/bin/env python3
"""Open many tabs on one proxy, and see that they share one connection and miss nothing.

Opens the tabs one after the other, lets requests through, closes the connected tab while they
flow, and waits until every tab left shows what the proxy's own records say. Prints how many
WebSockets there were and how long things took. Needs a built page in `dist/`.
"""

from __future__ import annotations

import argparse
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from playwright.sync_api import sync_playwright

from tests.e2e.dashboard import Dashboard
from tests.e2e.figures import MODEL, PROVIDER
from tests.proxy import ProxyServer
from tools.chromium import ARGUMENTS, executable

DIST = Path(__file__).resolve().parents[2] / "dist"
SEED = {"name": "Shared", "provider": PROVIDER, "model": MODEL, "metrics": []}


def sockets(proxy: ProxyServer) -> str:
    """Return how many WebSockets are open, and how many there ever were."""
    state = proxy.state()
    return f"{state['open_websockets']} open, {state['total_websockets']} in all"


def wait_for_all(desks: list[Dashboard]) -> float:
    """Return the seconds until every tab shows what the proxy's records say."""
    start = time.monotonic()
    for desk in desks:
        desk.connected(within=120).agrees()
    return time.monotonic() - start


def main(arguments: list[str] | None = None) -> int:
    """Run the command; return its exit code."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--tabs", type=int, default=10, help="how many (default: 10)")
    parser.add_argument("--requests", type=int, default=200, help="in all (default: 200)")
    parser.add_argument("--rate", type=float, default=20, help="requests a second (default: 20)")
    options = parser.parse_args(arguments)
    with sync_playwright() as playwright, ProxyServer(static_dir=DIST) as proxy:
        browser = playwright.chromium.launch(
            executable_path=executable(whole=True), args=list(ARGUMENTS)
        )
        context = browser.new_context()
        proxy.control("reset", seed_sessions=[SEED])
        start = time.monotonic()
        desks = [Dashboard(context.new_page(), proxy).open() for _ in range(options.tabs)]
        wait_for_all(desks)
        print(f"{options.tabs} tabs in {time.monotonic() - start:.1f} s: {sockets(proxy)}")
        half = options.requests // 2
        proxy.control("burst", count=half, rate_per_second=options.rate)
        print(f"{half} requests, all tabs agree {wait_for_all(desks):.1f} s later")
        with ThreadPoolExecutor() as pool:
            burst = pool.submit(proxy.control, "burst", count=half, rate_per_second=options.rate)
            desks[1].page.wait_for_timeout(half / options.rate * 500)
            desks.pop(0).page.close()
            burst.result()
        print(f"{half} more, the connected tab closed halfway: {wait_for_all(desks):.1f} s later")
        print(f"{len(desks)} tabs left: {sockets(proxy)}")
        browser.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())

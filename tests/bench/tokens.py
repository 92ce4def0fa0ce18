#!/usr/bin/env python3
"""Measure counting in the page's worker beside tiktoken on CPython, in one run.

Three sizes of prose, the best of several rounds each, in turns; what a call to the worker costs by
itself is in the worker's figures, because a person waits for it too. Then the longest task on
the page's main thread while a megabyte is counted, beside that of the same text in a bare field:
breaking its lines is the browser's own work. Needs `make dist` and the test tools.
"""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "py"))


import tiktoken
from playwright.sync_api import Page, sync_playwright

from tests.proxy import ProxyServer
from tests.tokens.corpus import prose
from tools.chromium import ARGUMENTS, executable
from tools.cpython_tokenizer import CpythonTokenizer

ROOT = Path(__file__).resolve().parents[2]
SIZES = {"50 B": 50, "1 kB": 1_000, "100 kB": 100_000}
RUNS = {"50 000 × a": "a" * 50_000, "50 000 × 中": "中" * 50_000}
ENCODINGS = ("cl100k_base", "o200k_base")

START = """async () => {
  const address = new URL("static/js/tokenizer/worker.js", document.baseURI);
  window.benchWorker = new Worker(address, { type: "module" });
}"""
ASK = """async ([encoding, text, repeat]) => {
  let best = Infinity;
  for (let round = 0; round < repeat; round += 1) {
    const start = performance.now();
    await new Promise((resolve) => {
      benchWorker.onmessage = resolve;
      benchWorker.postMessage([round, "count", encoding, [text]]);
    });
    best = Math.min(best, performance.now() - start);
  }
  return best;
}"""
LONG_TASKS = """() => {
  window.longest = 0;
  window.observer = new PerformanceObserver((list) => {
    for (const entry of list.getEntries()) longest = Math.max(longest, entry.duration);
  });
  observer.observe({ type: "longtask" });
}"""
FILL = """([id, text]) => {
  const field = document.getElementById(id);
  field.value = text;
  field.dispatchEvent(new InputEvent("input", { bubbles: true }));
}"""
BARE = """() => {
  const field = document.getElementById("count-text").cloneNode();
  field.id = "bare-text";
  field.removeAttribute("data-action");
  document.getElementById("count-text").after(field);
}"""


def on_cpython(encoding: str, text: str, repeat: int) -> float:
    """Return the milliseconds that tiktoken takes on CPython, the best of some rounds."""
    encode = tiktoken.get_encoding(encoding).encode_ordinary
    best = float("inf")
    for _ in range(repeat):
        start = time.perf_counter()
        encode(text)
        best = min(best, time.perf_counter() - start)
    return best * 1000


def speed(page: Page, rounds: int) -> dict[str, Any]:
    """Return milliseconds on both sides, and their ratio, by encoding and text."""
    page.evaluate(START)
    texts = {name: prose(size, seed=1) for name, size in SIZES.items()} | RUNS
    found: dict[str, Any] = {}
    for encoding in ENCODINGS:
        on_cpython(encoding, "warm", 1)
        page.evaluate(ASK, [encoding, "warm", 1])
        for name, text in texts.items():
            cpython = on_cpython(encoding, text, rounds)
            worker = page.evaluate(ASK, [encoding, text, rounds])
            found[f"{encoding}, {name}"] = {
                "cpython_ms": round(cpython, 4),
                "worker_ms": round(worker, 3),
                "ratio": round(worker / cpython, 1),
            }
    page.evaluate("benchWorker.terminate()")
    return found


def longest_task(page: Page, field: str, text: str, done: str | None) -> float:
    """Put a text into a field; return the longest task until it is counted, in milliseconds."""
    page.evaluate(LONG_TASKS)
    page.evaluate(FILL, [field, text])
    end = time.monotonic() + 60
    while time.monotonic() < end:
        page.wait_for_timeout(100)
        if done is None or page.locator("#count-tokens").inner_text() == done:
            break
    page.wait_for_timeout(1000)
    page.evaluate("observer.disconnect()")
    return round(float(page.evaluate("longest")), 1)


def measure(rounds: int = 7) -> dict[str, Any]:
    """Measure everything; return the figures."""
    CpythonTokenizer()  # which gives tiktoken its rank files
    megabyte = prose(1_000_000)
    with ProxyServer(static_dir=ROOT / "dist") as proxy, sync_playwright() as p:
        browser = p.chromium.launch(executable_path=executable(whole=True), args=list(ARGUMENTS))
        page = browser.new_page()
        page.goto(proxy.url)
        page.locator("#boot").wait_for(state="hidden", timeout=120_000)
        figures = {"speed": speed(page, rounds)}
        page.click("#count-open")
        page.fill("#count-text", "warm")
        page.wait_for_timeout(3000)
        tokens = len(tiktoken.get_encoding("cl100k_base").encode_ordinary(megabyte))
        counted = longest_task(page, "count-text", megabyte, f"{tokens:,}")
        page.evaluate(FILL, ["count-text", ""])
        page.evaluate(BARE)
        bare = longest_task(page, "bare-text", megabyte, None)
        figures["megabyte"] = {"longest_task_ms": counted, "bare_field_ms": bare}
        browser.close()
    return figures


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=7)
    figures = measure(parser.parse_args().rounds)
    print(f"{'':26}{'CPython ms':>12}{'worker ms':>12}{'ratio':>8}")
    for name, row in figures["speed"].items():
        print(f"{name:26}{row['cpython_ms']:12.3f}{row['worker_ms']:12.2f}{row['ratio']:8.1f}")
    megabyte = figures["megabyte"]
    print(
        f"\nlongest task while 1 MB is counted: {megabyte['longest_task_ms']:.0f} ms; "
        f"the same text in a bare field: {megabyte['bare_field_ms']:.0f} ms"
    )


if __name__ == "__main__":
    main()

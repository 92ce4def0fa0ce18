"""Counting in the page: as CPython's tiktoken counts, in a worker, and only when asked to.

One page serves all of these tests, in the order in which they stand here.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import tiktoken
from playwright.sync_api import Browser, Worker, expect

from tests.e2e.conftest import CONTEXT
from tests.e2e.dashboard import Dashboard
from tests.e2e.test_accessibility import barriers
from tests.proxy import ProxyServer
from tests.tokens.__main__ import EXPECTED
from tests.tokens.corpus import corpus, prose
from tools.cpython_tokenizer import CpythonTokenizer

TEXT = "<b>naïve</b> 👩🏽‍💻\n<|endoftext|>"

# The worker itself, asked as the page asks it; digests as `tests.tokens.corpus.digest` has them.
ASK = """async ([encoding, texts]) => {
  const address = new URL("static/js/tokenizer/worker.js", document.baseURI);
  const worker = new Worker(address, { type: "module" });
  try {
    const [, found, reason] = await new Promise((resolve, reject) => {
      worker.onmessage = (event) => resolve(event.data);
      worker.onerror = () => reject(new Error("the worker broke"));
      worker.postMessage([1, "encode", encoding, Object.values(texts)]);
    });
    if (reason) throw new Error(reason);
    const digests = await Promise.all(found.map(async (tokens) => {
      const bytes = new DataView(new ArrayBuffer(4 * tokens.length));
      tokens.forEach((token, at) => bytes.setUint32(4 * at, token, true));
      const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", bytes.buffer));
      const hex = (byte) => byte.toString(16).padStart(2, "0");
      return Array.from(digest.subarray(0, 16), hex).join("");
    }));
    return Object.fromEntries(
      Object.keys(texts).map((name, at) => [name, [found[at].length, digests[at]]]),
    );
  } finally {
    worker.terminate();
  }
}"""

REQUESTED = """() => performance.getEntriesByType("resource").map((entry) => entry.name)
  .filter((name) => /tokenizer|tiktoken|_base/.test(name))"""

KEPT = """() => JSON.stringify(
  [{ ...localStorage }, { ...sessionStorage }, history.state, location.href],
)"""


@pytest.fixture(scope="module")
def page(browser: Browser, built_page: Path) -> Iterator[Dashboard]:
    with ProxyServer(static_dir=built_page) as proxy:
        opened = browser.new_context(**CONTEXT).new_page()
        desk = Dashboard(opened, proxy).open().connected()
        desk.work_in("Counting", metrics=3)
        yield desk
        opened.context.close()


@pytest.fixture
def desk(page: Dashboard) -> Iterator[Dashboard]:
    yield page
    page.tidy()
    assert page.watch.settle() == []


def count(desk: Dashboard, text: str) -> None:
    if not desk.steady(desk["count-dialog"].is_visible):
        desk["count-open"].click()
    if len(text) < 10_000:
        desk["count-text"].fill(text)
        return
    # Typed by hand a megabyte takes the browser minutes.
    desk.do(
        """(text) => {
          const field = document.getElementById("count-text");
          field.value = text;
          field.dispatchEvent(new InputEvent("input", { bubbles: true }));
        }""",
        text,
    )


def counting(desk: Dashboard) -> list[Worker]:
    """The threads that count; another one listens to the proxy."""
    return [worker for worker in desk.page.workers if worker.url.endswith("/tokenizer/worker.js")]


def break_worker(desk: Dashboard) -> None:
    """Have the thread that counts say that it broke."""
    say = "() => { postMessage([0, null, 'memory access out of bounds']) }"
    worker = desk.steady(lambda: counting(desk)[-1])
    desk.do_in(worker, say)


def fetched(desk: Dashboard) -> tuple[list[str], int]:
    """What was fetched to count, and how many threads count."""
    return desk.page.evaluate(REQUESTED), len(counting(desk))


def test_nothing_is_fetched_before_a_text_is_typed(desk: Dashboard) -> None:
    desk.still(lambda: fetched(desk), ([], 0))
    desk["count-open"].click()
    expect(desk["count-text"]).to_be_focused()
    expect(desk["count-tokens"]).to_have_text("0")
    desk.still(lambda: fetched(desk), ([], 0))
    desk["count-text"].press_sequentially("Hello, tokens!")
    expect(desk["count-tokens"]).to_have_text("4")
    desk.still(lambda: len(counting(desk)), 1)


@pytest.mark.parametrize("encoding", ["cl100k_base", "o200k_base"])
def test_every_text_of_the_corpus_is_cut_as_cpython_does(desk: Dashboard, encoding: str) -> None:
    expected = json.loads(EXPECTED.read_text("utf-8"))[encoding]
    found = desk.answer(ASK, [encoding, corpus()])
    assert len(found) == len(expected) >= 300
    assert found == expected


def test_a_text_is_counted_and_cut_where_its_tokens_begin(desk: Dashboard) -> None:
    figures = desk.steady(desk.figures)
    room = figures["window"] - figures["used"]
    count(desk, TEXT)
    pieces = desk["count-pieces"].locator("span")
    expect(pieces.first).to_have_text("<b")
    desk.eventually(desk["count-pieces"].text_content, visible(TEXT))
    CpythonTokenizer()  # which gives tiktoken its rank files
    tokens = len(tiktoken.get_encoding("cl100k_base").encode_ordinary(TEXT))
    expect(desk["count-tokens"]).to_have_text(f"{tokens}")
    expect(desk["count-left"]).to_have_text(f"{room - tokens:,.0f}")
    expect(desk["session-name"]).to_contain_text("Counting")

    def betrayed() -> list[str]:
        kept = desk.page.evaluate(KEPT) + "".join(desk.watch.console)
        return [word for word in ("naïve", "endoftext") if word in kept]

    desk.still(betrayed, [])


def visible(text: str) -> str:
    return text.replace("\n", "↵\n").replace("\u200d", "⁂")


def test_a_request_is_counted_message_by_message(desk: Dashboard) -> None:
    body: dict[str, Any] = {
        "model": "gpt-4o",
        "messages": [
            {"role": "system", "content": "You are a coding assistant."},
            {"role": "user", "content": [{"type": "text", "text": "Look"}, {"type": "image_url"}]},
        ],
    }
    count(desk, json.dumps(body, indent=2))
    rows = desk["count-messages"].locator("tr")
    expected = [
        "1 system 10 1.9% You are a coding assistant.",
        "2 user 517 97.5% 1 image · Look",
    ]
    desk.eventually(lambda: [" ".join(text.split()) for text in rows.all_inner_texts()], expected)
    expect(desk["count-tokens"]).to_have_text(f"{10 + 517 + 3}")
    desk["count-text"].fill(json.dumps(body, indent=2).replace('"system",', '"system"'))
    expect(desk["count-flaw"]).to_have_text(
        "Line 6, column 7: a comma is missing before this. Counted as plain text."
    )
    expect(rows).to_have_count(2)
    expect(desk["count-messages-part"]).to_be_hidden()


def test_the_page_lives_on_while_a_megabyte_is_counted(desk: Dashboard) -> None:
    text = prose(1_000_000)
    tokens = json.loads(EXPECTED.read_text("utf-8"))["cl100k_base"]["prose-1MB"][0]
    count(desk, text)
    expect(desk["count-status"]).to_have_text("counting…")
    desk.proxy.control("request", prompt_tokens=40_000, completion_tokens=10, estimate=40_000)
    expect(desk["count-tokens"]).to_have_text(f"{tokens:,}")
    count(desk, "中" * 50_000)
    expect(desk["count-tokens"]).to_have_text("50,000")
    expect(desk["count-result"]).to_have_attribute("data-waiting", "false")


def test_a_worker_that_dies_is_told_and_replaced(desk: Dashboard) -> None:
    count(desk, "once")
    expect(desk["count-tokens"]).to_have_text("1")
    break_worker(desk)
    count(desk, "once more")
    expect(desk["count-tokens"]).to_have_text("2")
    desk.page.route("**/*.gz", lambda route: route.abort())
    desk.watch.expect("request failed: GET .*gz", "console error: Failed to load resource")
    desk.page.keyboard.press("Escape")
    expect(desk["count-dialog"]).to_be_hidden()
    desk["count-open"].click()
    expect(desk["count-failure"]).to_be_visible()
    expect(desk["count-again"]).to_be_visible()
    desk.page.unroute("**/*.gz")
    desk["count-again"].click()
    expect(desk["count-tokens"]).to_have_text("2")
    expect(desk["count-failure"]).to_be_hidden()


def test_closing_ends_the_worker_and_returns_the_focus(desk: Dashboard) -> None:
    desk["count-open"].focus()
    desk.page.keyboard.press("Enter")
    expect(desk["count-text"]).to_be_focused()
    expect(desk["count-tokens"]).not_to_have_text("—")
    desk.page.keyboard.press("Escape")
    expect(desk["count-open"]).to_be_focused()
    desk.eventually(lambda: len(counting(desk)), 0)


@pytest.mark.parametrize("theme", ["dark", "light"])
def test_the_dialog_is_no_barrier_and_fits_a_phone(desk: Dashboard, theme: str) -> None:
    desk.do("theme => { root.dataset.theme = theme }", theme)
    for text in ("Token by token,\n\tline by line", '[{"role": "user", "content": "Hi"}]', "[{'"):
        count(desk, text)
        expect(desk["count-result"]).to_have_attribute("data-waiting", "false")
        assert barriers(desk, "count-dialog") == []
    desk.page.keyboard.press("Escape")
    # This proxy keeps no estimates, and has no button for what they were: pressed all the same.
    desk.do("() => document.getElementById('calibration-open').click()")
    expect(desk["calibration-none"]).to_be_visible()
    assert barriers(desk, "calibration-dialog") == []
    desk.page.keyboard.press("Escape")
    count(desk, "Hi")
    desk.page.set_viewport_size({"width": 390, "height": 844})
    box = desk.box(desk["count-dialog"])
    assert box["x"] >= 0
    assert box["x"] + box["width"] <= 390
    width = "document.getElementById('count-dialog').scrollWidth"
    desk.still(lambda: desk.page.evaluate(width) <= 390, True)
    desk.page.set_viewport_size(CONTEXT["viewport"])

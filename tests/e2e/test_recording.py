"""A visit is recorded, replayed, taken along as a file, and never holds a key."""

from __future__ import annotations

import json
import re
from pathlib import Path

from playwright.sync_api import FilePayload, expect

from sessions.recording import Recording, read
from tests.e2e.conftest import Visit
from tests.e2e.dashboard import Dashboard
from tests.e2e.figures import PROVIDER
from tests.proxy import ProxyServer
from tests.proxy.dialects import DIALECTS
from tests.recordings import replay

EVERYTHING_KEPT = """async () => {
  const done = (request) => new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
  const kept = {};
  for (const { name } of await indexedDB.databases()) {
    const database = await done(indexedDB.open(name));
    for (const store of database.objectStoreNames) {
      const all = database.transaction(store).objectStore(store).getAll();
      kept[`${name}/${store}`] = await done(all);
    }
    database.close();
  }
  return kept;
}"""


def file(text: str) -> FilePayload:
    return {"name": "some.jsonl", "mimeType": "text/plain", "buffer": text.encode()}


def save(desk: Dashboard) -> str:
    """Save the newest recording as a file; its text."""
    with desk.page.expect_download() as download:
        desk["recordings-list"].locator("[data-field=save]").first.click()
    assert re.fullmatch(r"kimi-[\d-]+\.jsonl", download.value.suggested_filename)
    return Path(download.value.path()).read_text("utf-8")


def record(desk: Dashboard) -> None:
    """Record from now on: the page loads again, and says that it does."""
    desk["recordings-open"].click()
    desk["recording-toggle"].click()
    expect(desk["recording-mark"]).to_be_visible(timeout=60_000)
    desk.started().connected()


def requests(recording: Recording, at: float) -> int:
    """How many requests a replay shows at a moment."""
    return replay(recording, at).state.session_totals().total_requests


def at_the_end(desk: Dashboard) -> None:
    expect(desk["replay-play"]).to_have_attribute("data-playing", "false")
    expect(desk["replay-bar"]).not_to_have_attribute("aria-busy", "true")
    desk.eventually(lambda: desk.text("replay-position") == desk.text("replay-length"), True)


def test_a_visit_is_recorded_and_replayed(proxy: ProxyServer, visit: Visit) -> None:
    proxy.control("reset", seed_sessions=[{"name": "Recorded", "provider": PROVIDER}])
    keys = [provider.api_key for provider in DIALECTS["2026-03-08"].providers]
    desk = visit(proxy).connected()
    expect(desk["recording-mark"]).to_be_hidden()

    record(desk)
    for number in range(1, 9):
        desk.request(prompt_tokens=900 * number, completion_tokens=90, preview=f"No. {number}")
        desk.shows(requests=number)  # each at a moment of its own
    desk.agrees()
    live = desk.steady(desk.figures)
    desk.eventually(lambda: desk.previews()[-1], "No. 8")
    desk.caught_up()
    feed = desk.steady(desk.feed)
    desk["recordings-open"].click()
    desk["recording-toggle"].click()
    expect(desk["recording-mark"]).to_be_hidden()
    expect(desk.toast("The recording was stopped and kept.")).to_be_visible()
    text = save(desk)

    # What was written is what the core makes its state from, here as there; and no key is in it.
    found = read(text)
    assert requests(found, found.length) == live["requests"]
    kept = json.dumps(desk.answer(EVERYTHING_KEPT))
    assert "kimi:default:recordings/lines" in kept
    for key in keys:
        assert key not in text
        assert key not in kept

    # A file that is none changes nothing.
    desk["recordings-file"].set_input_files(files=[file(text + '{"t": 1')])
    lines = text.count("\n") + 1
    expect(desk.toast(f"Line {lines} of the recording cannot be used.")).to_be_visible()
    assert len(desk.answer(EVERYTHING_KEPT)["kimi:default:recordings/recordings"]) == 1

    # Removed here, opened from the file: the same figures at its end, fewer in its middle.
    remove = desk["recordings-list"].locator("[data-field=remove]")
    remove.click()
    remove.click()
    expect(desk["recordings-list"].locator("li")).to_have_count(0)
    desk["recordings-file"].set_input_files(files=[file(text)])
    expect(desk["replay-bar"]).to_be_visible(timeout=60_000)
    expect(desk["ws-status-text"]).to_have_text("Replay")
    before = len(proxy.requests())
    desk["replay-speed"].select_option("max")
    at_the_end(desk)
    desk.eventually(desk.figures, live)
    desk.eventually(desk.feed, feed)
    middle = min(range(0, int(found.length), 100), key=lambda at: abs(requests(found, at) - 4))
    assert 0 < requests(found, middle) < live["requests"]
    desk.do(
        """at => {
          const slider = document.getElementById("replay-slider");
          slider.value = at;
          slider.dispatchEvent(new Event("input", { bubbles: true }));
        }""",
        middle,
    )
    desk.eventually(lambda: desk.figures()["requests"], requests(found, middle))
    desk.eventually(lambda: len(desk.feed()), requests(found, middle))
    desk["replay-slider"].focus()
    desk.page.keyboard.press("End")
    desk.eventually(desk.figures, live)
    desk["compaction-run"].click()
    expect(desk.toast("This is a replay: nothing can be changed here.")).to_be_visible()
    api = [request for request in proxy.requests()[before:] if request["path"].startswith("/api")]
    assert api == []

    desk["replay-leave"].click()
    expect(desk["replay-bar"]).to_be_hidden(timeout=60_000)
    desk.started().connected()
    expect(desk["recording-mark"]).to_be_hidden()
    desk.agrees()


def test_a_tab_that_follows_another_records_what_it_hears_until_its_user_goes(
    proxy: ProxyServer, visit: Visit
) -> None:
    proxy.control("reset", seed_sessions=[{"name": "Recorded", "provider": PROVIDER}])
    leader = visit(proxy).connected()
    desk = Dashboard(leader.page.context.new_page(), proxy).open().connected()
    record(desk)
    for number in range(1, 5):
        leader.request(prompt_tokens=800 * number, completion_tokens=80)
    desk.agrees()
    live = desk.steady(desk.figures)
    desk.eventually(lambda: proxy.state()["open_websockets"], 1)  # the other tab's

    # Another user comes: what was recorded stays with the one who recorded it.
    desk["user-button"].click()
    desk["user-new"].click()
    desk["user-dialog-name"].fill("Anna")
    desk["user-dialog-submit"].click()
    expect(desk["user-name"]).to_have_text("Anna")
    expect(desk["recording-mark"]).to_be_hidden()
    leader.request(prompt_tokens=9000, completion_tokens=90)
    desk.agrees()
    desk["recordings-open"].click()
    expect(desk["recordings-list"].locator("li")).to_have_count(0)
    kept = desk.answer(EVERYTHING_KEPT)
    assert kept.get("kimi:anna:recordings/recordings", []) == []
    desk.page.keyboard.press("Escape")

    leader["recordings-open"].click()
    expect(leader["recordings-list"].locator("li")).to_have_count(1)
    found = read(save(leader))
    assert requests(found, found.length) == live["requests"] == 4
    assert found.frames > 0
    assert desk.watch.settle() == []

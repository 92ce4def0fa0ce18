"""What a reload brings back, what damage costs, and several people in one browser."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import expect

from tests.e2e.conftest import Visit
from tests.e2e.dashboard import Dashboard
from tests.e2e.figures import MODEL, PROVIDER, metrics_of, requests
from tests.e2e.test_connection import UNREACHABLE
from tests.proxy import ProxyServer

SEED: dict[str, Any] = {
    "name": "Remembered",
    "provider": PROVIDER,
    "model": MODEL,
    "metrics": requests(5),
}
SEED["metrics"][-1] |= {"memory_tokens": 400, "chat_tokens": 5600}
STATE, DAMAGED = "kimi:default:state", "kimi:default:damaged"


@pytest.fixture
def remote() -> Iterator[ProxyServer]:
    """A proxy that can go away while the page stays where it is."""
    with ProxyServer(cors=True) as server:
        server.control("reset", seed_sessions=[SEED])
        yield server


@pytest.fixture
def host(proxy: ProxyServer) -> ProxyServer:
    """A host of static files."""
    return proxy


class Away:
    """The page is left for a plain file of its origin, where the storage can be looked at."""

    def __init__(self, desk: Dashboard) -> None:
        self._desk = desk
        desk.watch.expect(r"/favicon\.ico")  # what a browser asks for beside a plain file
        desk.leave(f"{desk.url}static/js/bus.js")

    def run(self, script: str, argument: Any = None) -> Any:
        return self._desk.answer(script, argument)

    def keep(self, key: str, text: str) -> None:
        self.run("([key, text]) => localStorage.setItem(key, text)", [key, text])

    def kept(self) -> dict[str, str]:
        found: dict[str, str] = self.run("() => ({...localStorage})")
        return found


def query(proxy: ProxyServer) -> str:
    return f"?proxy={proxy.url}"


def told(desk: Dashboard, words: str) -> None:
    expect(desk.toast(words)).to_have_count(1)


def test_a_reload_brings_back_what_was_known_and_joins_it_with_what_was_missed(
    host: ProxyServer, remote: ProxyServer, visit: Visit
) -> None:
    desk = visit(remote, query(remote), url=f"{host.url}/").connected()
    desk.watch.expect(*UNREACHABLE)
    desk.agrees()
    desk.request(prompt_tokens=6000, completion_tokens=60)
    desk.agrees()
    expect(desk["memory-tokens"]).to_have_text("400")
    desk.eventually(lambda: len(desk.feed()), 6)
    before, feed = desk.steady(desk.figures), desk.steady(desk.feed)
    expect(desk["last-seen"]).to_be_hidden()

    Away(desk)
    remote.stop()
    desk.open(query(remote))
    desk.eventually(desk.figures, before)
    desk.eventually(desk.feed, feed)
    expect(desk["memory-tokens"]).to_have_text("400")
    expect(desk["session-name"]).to_have_text("Remembered")
    expect(desk["last-seen"]).to_have_text(re.compile(r"^Last seen (just now|\d+ \w+ ago)$"))
    expect(desk["connection"]).to_have_attribute("data-state", "reconnecting")
    desk["language-fr"].click()
    expect(desk["last-seen"]).to_have_text(re.compile("^Vu "))
    desk["language-en"].click()

    remote.start()
    desk.connected(within=40)
    expect(desk["last-seen"]).to_be_hidden()
    desk.agrees()

    Away(desk)
    for number in range(3):
        desk.request(prompt_tokens=7000 + number, completion_tokens=70, preview=f"Missed {number}")
    desk.open(query(remote)).connected().agrees()
    rows = metrics_of(remote.state())
    desk.eventually(lambda: [row["id"] for row in desk.feed()], [row["id"] for row in rows])


def test_damaged_full_and_blocked_storage_costs_only_the_memory(
    host: ProxyServer, remote: ProxyServer, visit: Visit
) -> None:
    desk = visit(remote, query(remote), url=f"{host.url}/").connected()
    desk.agrees()
    away = Away(desk)
    text = away.kept()[STATE]
    newer = json.dumps({**json.loads(text), "version": 99})
    for bad, words in ((text[:-40], "could not be read"), (newer, "A newer version")):
        away.keep(STATE, bad)
        desk.open(query(remote)).connected().agrees()
        told(desk, words)
        away = Away(desk)
        assert away.kept()[DAMAGED] == bad
        assert json.loads(away.kept()[STATE])["version"] == 1

    away.run(
        """() => {
          localStorage.clear();
          for (let size = 1 << 20, n = 0; size; n++) {
            try { localStorage.setItem(`junk ${n}`, "x".repeat(size)); } catch { size >>= 1; }
          }
        }"""
    )
    desk.open(query(remote)).connected().agrees()
    told(desk, "storage is full or blocked")
    away = Away(desk)
    assert STATE not in away.kept()
    away.run("() => localStorage.clear()")

    desk.page.add_init_script(
        """for (const area of ["localStorage", "sessionStorage"]) {
          const get = () => { throw new DOMException("denied", "SecurityError"); };
          Object.defineProperty(window, area, { get });
        }"""
    )
    desk.open(query(remote)).connected().agrees()
    told(desk, "storage is full or blocked")
    desk["theme-toggle"].click()
    expect(desk["root"]).to_have_attribute("data-theme", "light")


def add_user(desk: Dashboard, name: str) -> None:
    desk["user-button"].click()
    desk["user-new"].click()
    desk["user-dialog-name"].fill(name)
    desk["user-dialog-submit"].click()


def row_of(desk: Dashboard, name: str) -> Any:
    if not desk.steady(desk["user-panel"].is_visible):
        desk["user-button"].click()
    return desk["user-list"].locator(".user-row").filter(has_text=name)


def test_several_people_share_a_browser(proxy: ProxyServer, visit: Visit, tmp_path: Path) -> None:
    proxy.control("reset", seed_sessions=[SEED])
    desk = visit(proxy).connected()
    desk.agrees()
    add_user(desk, "Anna")
    expect(desk["user-name"]).to_have_text("Anna")
    expect(desk["user-dialog"]).to_be_hidden()
    desk.agrees()
    desk["language-fr"].click()
    desk["theme-toggle"].click()
    expect(desk["root"]).to_have_attribute("data-theme", "light")

    add_user(desk, " anna ")
    expect(desk["user-dialog-error"]).to_contain_text("Il y a déjà")
    desk.page.keyboard.press("Escape")
    expect(desk["user-dialog"]).to_be_hidden()

    row_of(desk, "Premier utilisateur").locator("[data-field=select]").press("Enter")
    expect(desk["root"]).to_have_attribute("lang", "en")
    expect(desk["root"]).to_have_attribute("data-theme", "dark")
    expect(desk["user-name"]).to_be_hidden()
    desk.agrees()

    desk.reload().connected()  # Anna was not chosen last
    expect(desk["root"]).to_have_attribute("lang", "en")
    desk.open("?user=Anna").connected()
    expect(desk["root"]).to_have_attribute("lang", "fr")
    expect(desk["root"]).to_have_attribute("data-theme", "light")
    desk.agrees()

    desk["user-button"].click()
    with desk.page.expect_download() as download:
        desk["user-export"].click()
    file = tmp_path / download.value.suggested_filename
    download.value.save_as(file)
    assert file.name == "kimi-user-anna.json"

    bad = tmp_path / "bad.json"
    bad.write_text(file.read_text()[:-50])
    keys = "() => Object.keys(localStorage).sort()"
    before = desk.steady(lambda: desk.page.evaluate(keys))
    desk["user-import"].set_input_files(bad)
    expect(desk.toast("Rien n’a été importé")).to_contain_text("tronqué")
    desk.still(lambda: desk.page.evaluate(keys), before)
    expect(desk["user-name"]).to_have_text("Anna")

    desk["user-import"].set_input_files(file)
    expect(desk["user-name"]).to_have_text("Anna (2)")
    desk.agrees()

    row_of(desk, "Anna (2)").locator("[data-field=delete]").click()
    expect(desk["user-delete-title"]).to_contain_text("Anna (2)")
    desk["user-delete-submit"].click()
    expect(desk["user-name"]).to_be_hidden()
    expect(desk["root"]).to_have_attribute("lang", "en")
    desk.agrees()

    def kept(prefix: str) -> list[str]:
        return [key for key in desk.page.evaluate(keys) if key.startswith(prefix)]

    desk.still(lambda: kept("kimi:anna-2:"), [])
    desk.still(lambda: bool(kept("kimi:anna:")), True)

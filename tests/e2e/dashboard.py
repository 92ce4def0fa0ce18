"""Drives the page as a person would, and reads its figures as numbers.

A test gets a :class:`Dashboard` from the fixtures `dashboard` or `visit` (`conftest.py`) and reads
it through the waiting functions of `tests/waiting.py`; `figures`, `feed`, `heard` and the other
readers are there to be handed to them: `desk.eventually(desk.previews, ["Hello"])`. It leaves the
page by `open`, `reload` or `leave` whenever it likes: what the page was asking for is broken off
then, and nobody complains.
"""

from __future__ import annotations

import json
import re
from typing import Any
from urllib.parse import parse_qs
from urllib.request import Request, urlopen

from playwright.sync_api import Locator, Page, expect

from tests.e2e.figures import MODEL, PROVIDER, expected_figures, requests
from tests.e2e.watch import Watch
from tests.proxy import ProxyServer
from tests.waiting import PATIENCE, Waiting

FIGURES = {
    "requests": "total-requests",
    "largest": "max-tokens",
    "average": "avg-tokens",
    "prompt": "prompt-tokens",
    "completion": "completion-tokens",
    "used": "current-tokens",
    "window": "max-context-display",
    "percentage": "percentage-text",
}

_LISTEN_FOR_LAST_WORD = """async () => {
  const { eventBus } = await import(new URL("static/js/bus.js", document.baseURI));
  window.lastWord = new Promise((done) => {
    const hear = () => { eventBus.off("auto-session:changed", hear); done(); };
    eventBus.on("auto-session:changed", hear);
  });
}"""

_READ_FEED = """rows => rows.map(row => {
  const field = (name) => row.querySelector(`[data-field="${name}"]`).textContent;
  return {
    id: Number(row.dataset.metricId), kind: row.dataset.kind, tokens: field("tokens"),
    source: field("source"), preview: field("preview"), time: field("time"),
  };
})"""


def number(text: str) -> float:
    """Read a number as English or French people write it."""
    digits = re.sub(r"[\s\u202f\u00a0%+]", "", text)
    if re.search(r",\d$", digits):
        digits = digits.replace(",", ".")
    return float(digits.replace(",", ""))


def call(proxy: ProxyServer, method: str, path: str, body: object = None) -> Any:
    """Use a proxy's API as somebody who has no page would."""
    request = Request(
        proxy.url + path,
        data=None if body is None else json.dumps(body).encode(),
        headers={"content-type": "application/json"},
        method=method,
    )
    with urlopen(request, timeout=10) as response:
        text = response.read().decode()
        return json.loads(text) if "json" in response.headers["content-type"] else text


class Dashboard(Waiting):
    """One open page and the proxy behind it."""

    def __init__(
        self,
        page: Page,
        proxy: ProxyServer,
        url: str | None = None,
        *,
        keep_offline: bool = False,
    ) -> None:
        """Take over a page; unless it is to be kept for offline use, nothing keeps it."""
        self.page = page
        if not keep_offline:
            page.add_init_script("delete Navigator.prototype.serviceWorker")
        self.proxy = proxy
        self.url = url or f"{proxy.url}/"
        self.watch = Watch(page, self.url, proxy.url)

    # -- coming and going -----------------------------------------------------------

    def open(self, query: str = "") -> Dashboard:
        """Visit the page and wait until it is up; `query` may name the proxy to talk to."""
        self.watch.permit(*parse_qs(query.removeprefix("?")).get("proxy", ()))
        self.page.goto(self.url + query)
        return self.started()

    def reload(self) -> Dashboard:
        """Load the page again and wait until it is up."""
        self.page.reload()
        return self.started()

    def leave(self, url: str = "about:blank") -> Dashboard:
        """Go to another address, which is no dashboard."""
        self.watch.leave()
        self.page.goto(url)
        return self

    def started(self) -> Dashboard:
        """Wait until Python has taken over."""
        expect(self["boot"]).to_have_attribute("hidden", "", timeout=60_000)
        return self

    def connected(self, within: float = PATIENCE) -> Dashboard:
        """Wait until the page says that live numbers can arrive."""
        expect(self["connection"]).to_have_attribute(
            "data-state", "connected", timeout=within * 1000
        )
        return self

    # -- reading --------------------------------------------------------------------

    def __getitem__(self, element: str) -> Locator:
        return self.page.locator(f"#{element}")

    def text(self, element: str) -> str:
        return self[element].inner_text()

    def number(self, element: str) -> float:
        return number(self.text(element))

    def figures(self) -> dict[str, float | str]:
        """Read every figure, all at one moment; what is no number stays text."""
        texts = self.page.evaluate(
            "ids => ids.map(id => document.getElementById(id).textContent)",
            list(FIGURES.values()),
        )
        return {
            name: text if text == "—" else number(text)
            for name, text in zip(FIGURES, texts, strict=True)
        }

    def feed(self) -> list[dict[str, Any]]:
        """Read the live feed, from the top."""
        return self["logs-container"].locator(".feed-row").evaluate_all(_READ_FEED)

    def previews(self) -> list[str]:
        return [row["preview"] for row in self.feed()]

    def toast(self, text: str | re.Pattern[str]) -> Locator:
        """Find a notification by its words."""
        return self["toasts"].locator(".toast").filter(has_text=text)

    # -- waiting --------------------------------------------------------------------

    def agrees(self, session_id: int | None = None) -> None:
        """Wait until every figure is what the proxy's own records make it."""

        def differences() -> dict[str, Any]:
            shown, ought = self.figures(), expected_figures(self.proxy.state(), session_id)
            return {
                name: {"shown": shown[name], "expected": ought[name]}
                for name in shown
                if shown[name] != ought[name]
            }

        self.eventually(differences, {})

    def shows(self, **wanted: float | str) -> None:
        """Wait until the figures of these names are so."""
        self.eventually(lambda: {name: self.figures()[name] for name in wanted}, wanted)

    def caught_up(self) -> None:
        """Wait until frames, requests and drawing that were on their way are dealt with.

        The proxy's last word tells what is so already: when the page has heard it, it has heard
        all that was sent before.
        """
        self.do(_LISTEN_FOR_LAST_WORD)
        enabled = self.proxy.state()["auto_session"]
        self.proxy.control("send", frame={"type": "auto_session_toggled", "enabled": enabled})
        self.do("() => window.lastWord")
        self.eventually(lambda: len(self.watch.under_way), 0)
        self.painted()

    def walk_to(self, element: Locator, key: str = "Tab", at_most: int = 200) -> None:
        """Press a key until the focus is in an element."""
        for _ in range(at_most):  # a key is pressed only when the page has dealt with the last
            if element.evaluate("element => element.contains(document.activeElement)"):
                return
            self.page.keyboard.press(key)
        raise AssertionError(f"the focus did not come to {element}")

    # -- the proxy's side -------------------------------------------------------------

    def call(self, method: str, path: str, body: object = None) -> Any:
        """Use the proxy's API as somebody else would."""
        return call(self.proxy, method, path, body)

    def work_in(self, name: str, metrics: int = 0) -> int:
        """Let the proxy go on in a new session, and the page follow; the session's id."""
        session = self._seed(name, metrics)
        self.proxy.control("send", frame={"type": "new_session", "session": session})
        expect(self["session-name"]).to_have_text(name)
        self.agrees(session["id"])
        return int(session["id"])

    def keeps(self, name: str, metrics: int = 0, **seed: Any) -> int:
        """Let the proxy have another session, which is not active; nobody is told."""
        return int(self._seed(name, metrics, active=False, **seed)["id"])

    def _seed(self, name: str, metrics: int, **seed: Any) -> dict[str, Any]:
        seed = {"provider": PROVIDER, "model": MODEL, **seed, "metrics": requests(metrics)}
        session: dict[str, Any] = self.proxy.control("add_session", name=name, **seed)["session"]
        return session

    def request(self, **chat: Any) -> int:
        """Let an IDE's request through; its id."""
        return int(self.proxy.control("request", **chat)["metric_id"])

    # -- choices ----------------------------------------------------------------------

    def use_theme(self, theme: str) -> None:
        """Press the switch until the theme is this one; the system's own makes a third."""
        for _ in range(2):
            if self.steady(lambda: self["root"].get_attribute("data-theme")) != theme:
                self["theme-toggle"].click()
        expect(self["root"]).to_have_attribute("data-theme", theme)

    # -- sessions ---------------------------------------------------------------------

    def open_sessions(self) -> None:
        """Open the panel of sessions, with a list that is up to date."""
        if not self.steady(self["session-panel"].is_visible):
            with self.page.expect_response(re.compile(r"/api/sessions$")):
                self["session-button"].click()
            expect(self["session-panel"]).to_be_visible()

    def session_row(self, name: str) -> Locator:
        exact = re.compile(f"^{re.escape(name)}$")
        return (
            self["session-list"]
            .locator(".session-row")
            .filter(has=self.page.locator('[data-field="name"]', has_text=exact))
        )

    def listed(self) -> list[str]:
        return self["session-list"].locator('[data-field="name"]').all_inner_texts()

    def choose(self, name: str) -> None:
        """Choose a session from the panel."""
        self.open_sessions()
        self.session_row(name).locator('[data-field="select"]').click()
        expect(self["session-panel"]).to_be_hidden()

    def tick(self, *names: str) -> None:
        """Mark sessions for deletion."""
        self.open_sessions()
        for name in names:
            self.session_row(name).locator('[data-field="check"]').check()

    def new_session(self, name: str, provider: str = PROVIDER, model: str = MODEL) -> None:
        """Fill in the dialog for a new session and send it off."""
        self.open_sessions()
        with self.page.expect_response(re.compile(r"/api/providers$")):
            self["session-new"].click()
        self["new-session-name"].fill(name)
        self["new-session-provider"].select_option(provider)
        self["new-session-model"].select_option(model)
        self["new-session-submit"].click()

    # -- the bus ----------------------------------------------------------------------

    def listen(self, *topics: str) -> None:
        """Have a script in the page write down what the bus delivers from now on."""
        self.page.evaluate(
            """async (topics) => {
              const { eventBus } = await import(new URL("static/js/bus.js", document.baseURI));
              for (const [topic, handler] of window.listening ?? []) eventBus.off(topic, handler);
              window.heard = [];
              window.listening = topics.map((topic) =>
                [topic, (data) => window.heard.push([topic, structuredClone(data)])]);
              for (const [topic, handler] of window.listening) eventBus.on(topic, handler);
            }""",
            list(topics),
        )

    def heard(self, topic: str | None = None) -> list[Any]:
        """What the bus delivered so far: payloads of one topic, or [topic, payload] of all."""
        every = self.page.evaluate("() => window.heard")
        return [entry for entry in every if topic is None] or [
            payload for name, payload in every if name == topic
        ]

    # -- tidying ----------------------------------------------------------------------

    def dismiss(self) -> None:
        """Close every notification: in numbers they cover what is to be clicked."""
        self.do(
            """() => {
              for (const close of document.querySelectorAll("#toasts button")) close.click();
            }"""
        )

    def tidy(self) -> None:
        """Close whatever a test left open, and listen no more."""
        self.listen()
        self.dismiss()
        self.page.evaluate(
            """() => {
              for (const dialog of document.querySelectorAll("dialog[open]")) dialog.close();
              for (const box of document.querySelectorAll("#session-list :checked")) box.click();
              for (const panel of document.querySelectorAll(":popover-open")) panel.hidePopover();
            }"""
        )

"""The dashboard in a tab of any browser."""

from __future__ import annotations

from typing import Any

from tests.browsers.tab import PATIENCE, STARTING, Tab
from tests.e2e.dashboard import FIGURES, number
from tests.e2e.figures import MODEL, PROVIDER, expected_figures, requests
from tests.proxy import ProxyServer

_TEXTS = "(ids) => ids.map((id) => document.getElementById(id).textContent)"
_SHOWN = """(selector) => {
  const element = document.querySelector(selector);
  return Boolean(element?.checkVisibility({ visibilityProperty: true }));
}"""
_ATTRIBUTE = "(selector, name) => document.querySelector(selector)?.getAttribute(name) ?? null"


class Desk:
    """One open page and the proxy behind it."""

    def __init__(self, tab: Tab, proxy: ProxyServer, url: str | None = None) -> None:
        self.tab = tab
        self.proxy = proxy
        self.url = url or f"{proxy.url}/"

    # -- coming and going -----------------------------------------------------------

    def open(self, query: str = "") -> Desk:
        """Visit the page and wait until Python has taken over."""
        self.tab.go(self.url + query)
        return self.started()

    def reload(self) -> Desk:
        """Load the page again, and wait until Python has taken over."""
        self.tab.reload()
        return self.started()

    def started(self) -> Desk:
        """Wait until Python has taken over."""
        self.has("#boot", "hidden", "", within=STARTING)
        return self

    def connected(self, within: float = PATIENCE) -> Desk:
        """Wait until the page says that live numbers can arrive."""
        self.has("#connection", "data-state", "connected", within=within)
        return self

    # -- waiting --------------------------------------------------------------------

    def has(
        self, selector: str, attribute: str, wanted: str | None, within: float = PATIENCE
    ) -> None:
        """Wait until an element has an attribute's value; None: until it has no such attribute."""
        self.tab.holds(_ATTRIBUTE, selector, attribute, wanted=wanted, within=within)

    def reads(self, selector: str, wanted: str, within: float = PATIENCE) -> None:
        """Wait until an element has a text."""
        self.tab.eventually(lambda: self.tab.text(selector).strip(), wanted, within)

    def shows(self, selector: str, wanted: bool = True, within: float = PATIENCE) -> None:
        """Wait until an element is visible, or until it is not."""
        self.tab.holds(_SHOWN, selector, wanted=wanted, within=within)

    def agrees(self, session_id: int | None = None) -> None:
        """Wait until every figure is what the proxy's own records make it."""
        self.tab.eventually(self.figures, expected_figures(self.proxy.state(), session_id))

    def requests(self) -> float:
        """Return how many requests it counts now."""
        return number(self.tab.text("#total-requests"))

    def figures(self) -> dict[str, float | str]:
        """Read every figure, all at one moment; what is no number stays text."""
        texts = self.tab.run(_TEXTS, list(FIGURES.values()))
        return {
            name: text if text == "—" else number(text)
            for name, text in zip(FIGURES, texts, strict=True)
        }

    # -- the proxy's side -------------------------------------------------------------

    def work_in(self, name: str, metrics: int = 0) -> None:
        """Let the proxy go on in a new session, and the page follow."""
        session: dict[str, Any] = self.proxy.control(
            "add_session", name=name, provider=PROVIDER, model=MODEL, metrics=requests(metrics)
        )["session"]
        self.proxy.control("send", frame={"type": "new_session", "session": session})
        self.reads("#session-name", name)
        self.agrees(session["id"])

    def connections(self) -> int:
        """Return how many WebSockets the proxy holds."""
        return int(self.proxy.state()["open_websockets"])

    def request(self, **chat: Any) -> None:
        """Let an IDE's request through."""
        self.proxy.control("request", **chat)

"""Where the proxy is: the demo banner, and the dialog that chooses another address."""

from __future__ import annotations

from collections.abc import Callable

from sessions import events
from sessions.connection import ConnectionState, Phase
from sessions.discovery import (
    DEFAULT_ADDRESS,
    DEMO,
    FOUND,
    Discovery,
    Finding,
    addresses,
    normalise_address,
)
from sessions.errors import BadInput
from sessions.preferences import PROXY, Preferences

from .desk import Desk
from .page import Action, Row

_STATES = {
    Finding.PROXY: ("ok", "connect.ok"),
    Finding.SOMETHING_ELSE: ("blocked", "connect.not_kimi"),
    Finding.NO_ANSWER: ("missing", "connect.missing"),
    Finding.TOO_SLOW: ("missing", "connect.too_slow"),
    Finding.FAULT: ("blocked", "connect.fault"),
}


class Connect:
    """Says what was found where, and lets a person choose.

    The browser holds the page to the addresses that its security policy named when it was
    loaded; choosing another one therefore loads the page again.
    """

    def __init__(
        self,
        desk: Desk,
        preferences: Preferences,
        discovery: Discovery,
        reload: Callable[[], None],
    ) -> None:
        """Show ``discovery``; ``reload`` loads the page again without a ``?proxy=``."""
        self._desk = desk
        self._preferences = preferences
        self._discovery = discovery
        self._reload = reload
        self._error = False
        self._connected = False
        desk.bus.on(events.CONNECTION_CHANGED, self._connection_changed)
        desk.bus.on(FOUND, self._found)
        desk.on_action("connect:open", self._show)
        desk.on_action("connect:submit", self._submit)
        desk.on_action("connect:demo", lambda _: self._choose(DEMO))

    def render(self) -> None:
        """Write the banner and what was found."""
        page, words, discovery = self._desk.page, self._desk.words, self._discovery
        found = discovery.is_found or not discovery.is_settled
        lost = not (discovery.is_demo or self._connected or found)
        page.property("demo-banner", "hidden", not (discovery.is_demo or lost))
        page.property("demo-title", "hidden", lost)
        page.text("demo-text", self._banner(lost))
        rows = []
        for visit in discovery.visits:
            state, key = _STATES[visit.finding]
            result = words(key)
            if visit.detail:
                result = f"{result} ({visit.detail})"
            rows.append(
                Row(visit.address, {"url": visit.address, "result": result, "@data-state": state})
            )
        page.property("connect-tried", "hidden", not rows)
        page.rows("connect-attempts", "connect-attempt", rows)
        page.property("connect-error", "hidden", not self._error)
        page.text("connect-error", words("connect.invalid_url"))

    def _banner(self, lost: bool) -> str:
        words, discovery = self._desk.words, self._discovery
        if lost:
            return words("connect.lost", url=discovery.address)
        if discovery.visits:
            return words("demo.text_at", url=addresses(discovery.visits))
        return words("demo.chosen")

    def _connection_changed(self, state: ConnectionState) -> None:
        if state.phase is Phase.CONNECTED and not self._connected:
            self._connected = True
            self._desk.renderer.touch(self)

    def _found(self, discovery: Discovery) -> None:
        self._discovery = discovery
        self._desk.renderer.touch(self)

    def _show(self, _: Action) -> None:
        address = self._discovery.address
        page = self._desk.page
        page.property("connect-url", "value", DEFAULT_ADDRESS if address == DEMO else address)
        page.open("connect-dialog")
        self._error = False
        self._desk.renderer.touch(self)

    def _submit(self, action: Action) -> None:
        try:
            address = normalise_address(action.fields.get("connect-url", ""))
        except BadInput:
            self._error = True
            self._desk.page.focus("connect-url")
            self._desk.renderer.touch(self)
            return
        self._choose(address)

    def _choose(self, address: str) -> None:
        self._preferences.set(PROXY, address)
        self._reload()

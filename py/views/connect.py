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
from sessions.preferences import LAST_PROXY, PROXY, Preferences

from .desk import Desk
from .page import Action, Row

_STATES = {
    Finding.PROXY: ("ok", "connect.ok"),
    Finding.SOMETHING_ELSE: ("blocked", "connect.not_kimi"),
    Finding.NO_ANSWER: ("missing", "connect.missing"),
    Finding.TOO_SLOW: ("missing", "connect.too_slow"),
    Finding.FAULT: ("blocked", "connect.fault"),
}

_WAITED_FOR: dict[Finding | None, str] = {
    Finding.TOO_SLOW: "connect.slow",
    Finding.FAULT: "connect.faulty",
}


class Connect:
    """Says what was found where, and lets a person choose.

    A proxy that turned up elsewhere is offered: the page goes there when a person says so.
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
        self._was_connected = False
        desk.bus.on(events.CONNECTION_CHANGED, self._connection_changed)
        desk.bus.on(FOUND, self._found)
        desk.on_action("connect:open", self._show)
        desk.on_action("connect:submit", self._submit)
        desk.on_action("connect:demo", lambda _: self._choose(DEMO))
        desk.on_action("connect:offer", lambda _: self._accept())

    def render(self) -> None:
        """Write the banner and what was found."""
        page, words, discovery = self._desk.page, self._desk.words, self._discovery
        sentences = " ".join(filter(None, (self._state(), self._offer())))
        page.property("demo-banner", "hidden", not sentences)
        page.property("demo-title", "hidden", not discovery.is_demo)
        page.text("demo-text", sentences)
        page.property("connect-offer", "hidden", discovery.offer is None)
        page.text("connect-offer", words("demo.leave" if discovery.is_demo else "connect.change"))
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

    def _state(self) -> str:
        """Say why there is no proxy to see; nothing when there is one, or may be one yet."""
        words, discovery = self._desk.words, self._discovery
        if discovery.is_demo:
            return self._why_demo()
        if discovery.is_found or not discovery.is_settled:
            return ""
        if discovery.finding in _WAITED_FOR:
            return words(_WAITED_FOR[discovery.finding], url=discovery.address)
        # A short loss is the header's to tell, as long as nothing else is there to change to.
        if self._connected or (self._was_connected and discovery.offer is None):
            return ""
        return words("connect.lost", url=discovery.address)

    def _why_demo(self) -> str:
        words, discovery = self._desk.words, self._discovery
        if discovery.offer is not None:
            return ""
        if discovery.visits:
            return words("demo.text_at", url=addresses(discovery.visits))
        return words("demo.chosen")

    def _offer(self) -> str:
        offer = self._discovery.offer
        return "" if offer is None else self._desk.words("connect.offer", url=offer)

    def _connection_changed(self, state: ConnectionState) -> None:
        connected = state.phase is Phase.CONNECTED
        if connected != self._connected:
            self._connected = connected
            self._was_connected = self._was_connected or connected
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

    def _accept(self) -> None:
        self._preferences.set(LAST_PROXY, self._discovery.offer)
        self._reload()

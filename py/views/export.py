"""Export of the session, and the proxy's request rate."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sessions import commands, events
from sessions.commands import CommandOutcome, ExportedFile
from sessions.models import Notice, as_number, as_tokens
from sessions.ports import Timer
from sessions.proxy_api import EXPORT_CSV, EXPORT_JSON, RATE_LIMIT

from .desk import Desk
from .gauge import level_of
from .toasts import explain
from .words import EMPTY

ASK_EVERY = 5.0
"""Seconds: the rate is asked for after a request, and no more often than this."""


class Export:
    """The whole session as a file, as the proxy writes it."""

    def __init__(self, desk: Desk) -> None:
        """Offer the file when it has come."""
        self._desk = desk
        desk.touch_on(
            self, events.SESSION_CHANGED, events.SESSION_UPDATED, events.CAPABILITIES_CHANGED
        )
        desk.bus.on(commands.EXPORTED, self._save)
        desk.on_action("export:csv", lambda _: desk.intend(commands.EXPORT, kind="csv"))
        desk.on_action("export:json", lambda _: desk.intend(commands.EXPORT, kind="json"))

    def render(self) -> None:
        """Offer what the proxy can export; it exports its active session only."""
        page, words = self._desk.page, self._desk.words
        session = self._desk.state.session
        none = session is None or not session.is_active
        supports = self._desk.capabilities.supports
        page.property("export-csv", "disabled", none or not supports(EXPORT_CSV))
        page.property("export-json", "disabled", none or not supports(EXPORT_JSON))
        page.property("export-note", "hidden", not none)
        page.text(
            "export-note", words("export.unsupported" if session is None else "export.inactive")
        )

    def _save(self, file: ExportedFile) -> None:
        self._desk.page.save(file.name, file.content_type, file.text)
        notice = Notice("success", "export.done", {"file": file.name})
        self._desk.bus.emit(events.NOTICE, notice)


class RateLimit:
    """Requests a minute against what the proxy allows."""

    def __init__(self, desk: Desk) -> None:
        """Ask after requests, not by the clock: an idle page asks nothing."""
        self._desk = desk
        self._rate: Mapping[str, Any] = {}
        self._wait: Timer | None = None
        self._asked = False
        self._failure: Notice | None = None
        desk.touch_on(self, events.CAPABILITIES_CHANGED)
        desk.bus.on(events.STATS_UPDATED, self._maybe_ask, needs_payload=False)
        desk.bus.on(events.SESSION_CHANGED, self._maybe_ask)
        desk.bus.on(commands.RATE_LIMIT_LOADED, self._loaded)
        desk.bus.on(commands.COMMAND_FAILED, self._command_failed)

    def render(self) -> None:
        """Write the rate, or why it is not known."""
        page, words = self._desk.page, self._desk.words
        page.property("rate-limit-note", "hidden", not self._note())
        page.text("rate-limit-note", self._note())
        current, most = self._rate.get("current_rpm"), self._rate.get("max_rpm")
        share = as_number(self._rate.get("percentage"))
        if as_tokens(current) is None or as_tokens(most) is None:
            page.text("rate-limit-text", EMPTY)
            page.style("rate-limit", "--ratio", "0")
            return
        page.text("rate-limit-text", words("rate.text", current=current, max=most))
        page.style("rate-limit", "--ratio", f"{min(1.0, (share or 0) / 100):.4f}")
        page.attribute("rate-limit", "data-level", level_of(share or 0))

    def _note(self) -> str:
        words = self._desk.words
        if not self._desk.capabilities.supports(RATE_LIMIT):
            return words("rate.unsupported")
        if self._failure is None:
            return ""
        return f"{words(self._failure.key)} {explain(words, self._failure)}"

    def _maybe_ask(self, _: object) -> None:
        if not self._desk.capabilities.supports(RATE_LIMIT):
            return
        self._asked = True
        if self._wait is None:
            self._ask()

    def _ask(self) -> None:
        self._wait = None
        if self._asked:
            self._asked = False
            self._desk.intend(commands.LOAD_RATE_LIMIT)
            self._wait = self._desk.scheduler.call_later(ASK_EVERY, self._ask)

    def _loaded(self, rate: Mapping[str, Any]) -> None:
        self._rate, self._failure = rate, None
        self._desk.renderer.touch(self)

    def _command_failed(self, outcome: CommandOutcome) -> None:
        if outcome.command == commands.LOAD_RATE_LIMIT:
            self._rate, self._failure = {}, outcome.notice
            self._desk.renderer.touch(self)

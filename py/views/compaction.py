"""Compaction: what was saved, what it would do now, and the switches for it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sessions import commands, events
from sessions.commands import CommandOutcome
from sessions.models import CompactionDone, as_flag, as_mapping, as_text, as_tokens
from sessions.proxy_api import (
    COMPACT,
    COMPACTION_PREVIEW,
    COMPACTION_STATS,
    RESERVE_TOKENS,
    TOGGLE_AUTO_COMPACTION,
)
from sessions.times import parse_timestamp

from .desk import Desk
from .header import LANGUAGE_CHANGED
from .page import Action, Row
from .toasts import explain
from .words import EMPTY


class Compaction:
    """Statistics, preview, run, automatic compaction, reserved tokens."""

    def __init__(self, desk: Desk) -> None:
        """Follow the current session's compaction."""
        self._desk = desk
        self._stats: Mapping[str, Any] = {}
        self._preview: Mapping[str, Any] | None = None
        self._running = False
        self._error = ""
        self._is_missing = False
        self._reserved = -1
        desk.touch_on(self, events.SESSION_UPDATED, events.CAPABILITIES_CHANGED)
        desk.bus.on(events.CAPABILITIES_CHANGED, self._proxy_answered)
        desk.on_lost(self._lost)
        desk.bus.on(events.SESSION_CHANGED, self._session_changed)
        desk.bus.on(events.COMPACTION_DONE, self._compacted)
        desk.bus.on(commands.COMPACTION_LOADED, self._loaded)
        desk.bus.on(commands.COMPACTION_PREVIEWED, self._previewed)
        desk.bus.on(commands.COMMAND_DONE, self._command_done)
        desk.bus.on(commands.COMMAND_FAILED, self._command_failed)
        desk.bus.on(LANGUAGE_CHANGED, lambda _: self._forget_error())
        desk.on_action("compaction:preview", lambda _: self._ask(commands.PREVIEW_COMPACTION))
        desk.on_action("compaction:run", self._run)
        desk.on_action("compaction:auto", self._set_auto)
        desk.on_action("compaction:reserved", self._reserve)

    def render(self) -> None:
        """Write statistics, switches and the preview."""
        desk, page, words = self._desk, self._desk.page, self._desk.words
        session = desk.state.session
        supports = desk.capabilities.supports
        row = as_mapping(self._stats.get("compaction"))
        known = bool(self._stats)
        last = parse_timestamp(as_text(row.get("last_compaction_at")), desk.clock)
        page.text("compaction-count", words.number(as_tokens(row.get("compaction_count"))))
        page.text("compaction-saved", words.number(as_tokens(row.get("total_tokens_saved"))))
        page.text("compaction-last", self._moment(last) if known else EMPTY)
        page.attribute(
            "compaction-last", "title", None if last is None else words.formats.moment(last)
        )
        auto = session.auto_compaction_enabled if session else None
        page.property("auto-compaction-toggle", "checked", bool(auto))
        for element, route in (
            ("auto-compaction-toggle", TOGGLE_AUTO_COMPACTION),
            ("reserved-tokens", RESERVE_TOKENS),
            ("compaction-preview-button", COMPACTION_PREVIEW),
            ("compaction-run", COMPACT),
        ):
            page.property(element, "disabled", session is None or not supports(route))
        if self._running:
            page.property("compaction-run", "disabled", True)
        reserved = session.reserved_tokens if session else 0
        if reserved != self._reserved:  # else a number being typed would be overwritten
            self._reserved = reserved
            page.property("reserved-tokens", "value", str(reserved))
        page.text("compaction-note", self._note())
        page.attribute("compaction-note", "data-kind", "error" if self._error else None)
        self._render_preview()

    def _moment(self, at: float | None) -> str:
        """The time of day is enough for today, and fits where the figure stands."""
        words = self._desk.words
        if at is None:
            return words("compaction.never")
        day = words.formats.day(at)
        today = day == words.formats.day(self._desk.clock.now())
        return words.formats.time(at)[:5] if today else day

    def _note(self) -> str:
        words = self._desk.words
        if self._error:
            return self._error
        if self._desk.state.session is None:
            return words("compaction.note.waiting")
        if not self._desk.capabilities.supports(COMPACTION_STATS):
            return words("compaction.note.unsupported")
        return words("compaction.note.running" if self._running else "compaction.note.ready")

    def _render_preview(self) -> None:
        page, words = self._desk.page, self._desk.words
        preview = self._preview
        page.property("compaction-preview", "hidden", preview is None)
        if preview is None:
            return
        plan, estimate = as_mapping(preview.get("preview")), as_mapping(preview.get("estimate"))
        rows = plan.get("messages_preview")
        messages = [as_mapping(row) for row in rows] if isinstance(rows, list) else []
        if as_flag(preview.get("can_compact")) is False:
            detail = as_text(preview.get("message"))
            page.text("compaction-preview-text", detail or words("compaction.preview.nothing"))
        else:
            text = words(
                "compaction.preview.text",
                summarised=as_tokens(plan.get("messages_to_summarize")) or 0,
                total=as_tokens(plan.get("total_messages")) or 0,
                tokens=as_tokens(estimate.get("tokens_saved")) or 0,
            )
            page.text("compaction-preview-text", text)
        page.rows(
            "compaction-preview-list",
            "compaction-preview-row",
            [
                Row(str(number), {"role": self._role(item), "preview": _text(item)})
                for number, item in enumerate(messages[:20])
            ],
        )

    def _explain(self, outcome: CommandOutcome) -> str:
        words, notice = self._desk.words, outcome.notice
        if notice is None:
            return ""
        crashed = notice.values.get("why") == "error.fault"
        if crashed and outcome.command == commands.COMPACT:
            return f"{words('compaction.note.run_fails')} {notice.detail or ''}".strip()
        return f"{words(notice.key)} {explain(words, notice)}"

    def _role(self, item: Mapping[str, Any]) -> str:
        role = as_text(item.get("role")) or "user"
        known = ("user", "assistant", "system", "tool")
        return self._desk.words(f"role.{role}") if role in known else role

    # -- what a person does -------------------------------------------------------------

    def _ask(self, command: str, **request: Any) -> None:
        self._error = ""
        self._desk.intend(command, **request)
        self._desk.renderer.touch(self)

    def _run(self, _: Action) -> None:
        self._running = True
        self._ask(commands.COMPACT, force=True)

    def _set_auto(self, action: Action) -> None:
        self._ask(commands.SET_AUTO_COMPACTION, enabled=bool(action.checked))

    def _reserve(self, action: Action) -> None:
        text = (action.value or "").strip()
        tokens = int(text) if text.isascii() and text.isdigit() else -1
        most = self._desk.state.max_context
        if 0 <= tokens <= most:
            self._ask(commands.RESERVE_TOKENS, tokens=tokens)
        else:
            self._error = self._desk.words("compaction.reserved_invalid", n=most)
            self._desk.renderer.touch(self)

    # -- what comes back ----------------------------------------------------------------

    def _session_changed(self, _: object) -> None:
        self._stats, self._preview, self._error, self._running = {}, None, "", False
        self._load()
        self._desk.renderer.touch(self)

    def _proxy_answered(self, _: object) -> None:
        """A session that is shown from memory has its figures once the proxy is back."""
        if self._is_missing:
            self._is_missing, self._error = False, ""
            self._load()

    def _lost(self) -> None:
        self._is_missing = True  # what was compacted meanwhile

    def _forget_error(self) -> None:
        self._error = ""

    def _compacted(self, done: CompactionDone) -> None:
        if not self._desk.state.is_current(done.session_id):
            return
        self._preview = None
        self._load()
        self._desk.renderer.touch(self)

    def _load(self) -> None:
        if self._desk.state.session_id is not None:
            self._desk.intend(commands.LOAD_COMPACTION)

    def _loaded(self, stats: Mapping[str, Any]) -> None:
        self._stats = stats
        self._desk.renderer.touch(self)

    def _previewed(self, preview: Mapping[str, Any]) -> None:
        self._preview = preview
        self._desk.renderer.touch(self)

    def _command_done(self, outcome: CommandOutcome) -> None:
        if outcome.command == commands.COMPACT:
            self._running = False
            self._desk.renderer.touch(self)

    def _command_failed(self, outcome: CommandOutcome) -> None:
        if outcome.notice is None:
            return
        told_here = (commands.COMPACT, commands.PREVIEW_COMPACTION, commands.LOAD_COMPACTION)
        if outcome.command in told_here:
            self._running = False
            self._preview = None
            self._error = self._explain(outcome)
            self._is_missing = outcome.command == commands.LOAD_COMPACTION
        if outcome.command == commands.RESERVE_TOKENS:
            self._reserved = -1
        if outcome.command.startswith("compaction:"):
            self._desk.renderer.touch(self)  # a switch goes back to what holds


def _text(item: Mapping[str, Any]) -> str:
    return as_text(item.get("preview")) or ""

"""Notices: short messages that go away by themselves."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sessions import commands, events
from sessions.commands import CommandOutcome
from sessions.models import Notice, SwitchFailure
from sessions.ports import Timer

from .desk import Desk
from .page import Row
from .words import Words

SHOWN = 4
SECONDS = {"error": 14.0, "warning": 10.0}
USUAL_SECONDS = 6.0

ELSEWHERE = frozenset(
    (
        commands.CREATE,
        commands.DELETE,
        commands.LOAD_PROVIDERS,
        commands.LOAD_COMPACTION,
        commands.LOAD_MEMORY,
        commands.LOAD_RATE_LIMIT,
        commands.PREVIEW_COMPACTION,
        commands.COMPACT,
    )
)
"""Commands whose failure is told where they were given."""


def headline(words: Words, notice: Notice) -> str:
    """Return a notice's sentence; one about ``count`` things has a singular and a plural."""
    count = notice.values.get("count")
    if isinstance(count, int):
        return words.count(notice.key, count)
    return words(notice.key, **notice.values)


def explain(words: Words, notice: Notice) -> str:
    """Return why something failed, in one sentence."""
    if notice.detail:
        return notice.detail
    why = notice.values.get("why")
    return words(str(why)) if why else headline(words, notice)


class Toasts:
    """Shows notices, the newest last, each for a while."""

    def __init__(self, desk: Desk) -> None:
        """Listen for everything worth a notice."""
        self._desk = desk
        self._notices: dict[str, tuple[Notice, Timer]] = {}
        self._count = 0
        desk.bus.on(events.NOTICE, self.show)
        desk.bus.on(commands.COMMAND_FAILED, self._command_failed)
        desk.bus.on(events.SWITCH_FAILED, self._switch_failed)
        desk.bus.on(events.STORAGE_DEGRADED, self._storage_degraded)
        desk.bus.on(events.PAGE_NOT_KEPT, self._page_not_kept)
        desk.on_action("toast:close", lambda action: self._close(action.row or ""))

    def render(self) -> None:
        """Write the notices."""
        self._desk.page.rows(
            "toasts",
            "toast",
            [self._row(key, notice) for key, (notice, _) in self._notices.items()],
        )

    def show(self, notice: Notice) -> None:
        """Show a notice; one that is shown already is not shown twice."""
        if any(notice == shown for shown, _ in self._notices.values()):
            return
        self._count += 1
        key = str(self._count)
        seconds = SECONDS.get(notice.kind, USUAL_SECONDS)
        timer = self._desk.scheduler.call_later(seconds, lambda: self._close(key))
        self._notices[key] = notice, timer
        while len(self._notices) > SHOWN:
            self._close(next(iter(self._notices)))
        self._desk.renderer.touch(self)

    def _row(self, key: str, notice: Notice) -> Row:
        words = self._desk.words
        message = explain(words, notice) if "why" in notice.values else notice.detail or ""
        return Row(
            key,
            {
                "@data-toast": key,
                "@data-kind": "ok" if notice.kind == "success" else notice.kind,
                "title": headline(words, notice),
                "message": message,
                "message.hidden": not message,
            },
        )

    def _close(self, key: str) -> None:
        notice, timer = self._notices.pop(key, (None, None))
        if notice is not None and timer is not None:
            timer.cancel()
            self._desk.renderer.touch(self)

    def _command_failed(self, outcome: CommandOutcome) -> None:
        if outcome.notice is not None and outcome.command not in ELSEWHERE:
            self.show(outcome.notice)

    def _switch_failed(self, failure: SwitchFailure) -> None:
        if not failure.rolled_back:
            self.show(Notice("warning", "notice.not_rolled_back", {}))

    def _storage_degraded(self, details: Mapping[str, Any]) -> None:
        self.show(Notice("warning", "notice.storage_degraded", {}))

    def _page_not_kept(self, details: Mapping[str, Any]) -> None:
        key = "notice.not_updated" if details.get("update") else "notice.not_kept"
        values = {name: details.get(name) or "—" for name in ("file", "status", "type")}
        self.show(Notice("warning", key, values))

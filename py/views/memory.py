"""Tokens spent on memories, the memories used most, and the servers that keep them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sessions import commands, events
from sessions.commands import CommandOutcome
from sessions.models import as_flag, as_mapping, as_number, as_text, as_tokens
from sessions.proxy_api import MEMORY_STATS

from .desk import Desk
from .page import Row
from .words import EMPTY

MOST_ROWS = 20


class Memory:
    """Figures of the current session, lists of the whole proxy."""

    def __init__(self, desk: Desk) -> None:
        """Follow the figures; the lists are asked for when a session comes up."""
        self._desk = desk
        self._lists: Mapping[str, Any] = {}
        self._failed = False
        self._is_outdated = False
        desk.on_lost(self._lost)
        desk.touch_on(self, events.MEMORY_UPDATED, events.CAPABILITIES_CHANGED)
        desk.bus.on(events.CAPABILITIES_CHANGED, self._proxy_answered)
        desk.bus.on(events.SESSION_CHANGED, self._session_changed)
        desk.bus.on(commands.MEMORY_LOADED, self._loaded)
        desk.bus.on(commands.COMMAND_FAILED, self._command_failed)

    def render(self) -> None:
        """Write figures and lists."""
        page, words = self._desk.page, self._desk.words
        memory = self._desk.state.memory
        none = self._desk.state.session_id is None
        page.text("memory-tokens", EMPTY if none else words.number(memory.memory_tokens))
        page.text("memory-chat-tokens", EMPTY if none else words.number(memory.chat_tokens))
        page.text("memory-ratio", EMPTY if none else words.percent(memory.memory_ratio))
        page.style("memory-bar", "--ratio", f"{min(1.0, memory.memory_ratio / 100):.4f}")
        page.rows("memory-frequent", "memory-frequent-row", self._frequent())
        page.rows("memory-servers", "memory-server-row", self._servers())
        supported = self._desk.capabilities.supports(MEMORY_STATS)
        page.property("memory-note", "hidden", supported and not self._failed)
        page.text("memory-note", words("failed.load_memory" if supported else "memory.unsupported"))

    def _frequent(self) -> list[Row]:
        words = self._desk.words
        rows = []
        for number, item in enumerate(_objects(self._lists.get("frequent"))):
            title = as_text(item.get("title")) or as_text(item.get("content_preview")) or ""
            uses = as_tokens(item.get("access_count")) or 0
            rows.append(
                Row(
                    str(number),
                    {
                        "title": title,
                        "title@title": as_text(item.get("content_preview")) or title,
                        "tokens": words("memory.row_tokens", n=as_tokens(item.get("tokens")) or 0),
                        "uses": words("memory.uses", n=uses),
                    },
                )
            )
        return rows

    def _servers(self) -> list[Row]:
        words = self._desk.words
        rows = []
        for number, item in enumerate(_objects(self._lists.get("servers"))):
            connected = bool(as_flag(item.get("connected")))
            delay = round(as_number(item.get("latency_ms")) or 0)
            state = "connected" if connected else "disconnected"
            rows.append(
                Row(
                    str(number),
                    {
                        "name": as_text(item.get("name")) or "",
                        "status": words(f"memory.server.{state}", ms=delay)
                        if connected
                        else words(f"memory.server.{state}"),
                        "@data-state": state,
                    },
                )
            )
        return rows

    def _session_changed(self, _: object) -> None:
        if self._desk.capabilities.supports(MEMORY_STATS):
            self._desk.intend(commands.LOAD_MEMORY)
        self._desk.renderer.touch(self)

    def _proxy_answered(self, _: object) -> None:
        """A session that is shown from memory has its lists once the proxy is back."""
        if self._failed or self._is_outdated:
            self._is_outdated = False
            self._session_changed(None)

    def _lost(self) -> None:
        self._is_outdated = True

    def _loaded(self, lists: Mapping[str, Any]) -> None:
        self._lists, self._failed = lists, False
        self._desk.renderer.touch(self)

    def _command_failed(self, outcome: CommandOutcome) -> None:
        if outcome.command == commands.LOAD_MEMORY:
            self._failed = True
            self._desk.renderer.touch(self)


def _objects(value: object) -> list[Mapping[str, Any]]:
    rows = value if isinstance(value, list) else []
    return [as_mapping(row) for row in rows if isinstance(row, Mapping)][:MOST_ROWS]

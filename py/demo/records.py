"""What the demo keeps of each session: its requests, compactions and memory figures."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from typing import Any

from .catalogue import find_provider
from .clocks import row_time
from .conversation import Conversation

RECENT = 100
"""Rows in ``recent_metrics``."""

COOLDOWN = 60_000.0
"""Milliseconds between two automatic compactions of a session."""


@dataclass(slots=True)
class MemoryUse:
    """Tokens of memories in a request, against those of the chat itself."""

    memory: int = 0
    chat: int = 0

    @property
    def ratio(self) -> float:
        """Share of the memories, in percent."""
        total = self.memory + self.chat
        return round(self.memory / total * 100, 2) if total else 0.0

    def to_row(self) -> dict[str, Any]:
        """Return the columns of a row."""
        return {
            "memory_tokens": self.memory,
            "chat_tokens": self.chat,
            "memory_ratio": self.ratio,
        }


@dataclass(slots=True)
class Request:
    """One request. ``tokens`` is the estimate until the real total is known.

    Attributes:
        at: when it was sent, in milliseconds since 1970.
        window: tokens of the model's context window.
    """

    id: int
    session_id: int
    at: float
    tokens: int
    window: int
    preview: str
    memory: MemoryUse
    prompt: int = 0
    completion: int = 0
    is_estimated: bool = True

    @property
    def percentage(self) -> float:
        """Share of the window, in percent; may exceed 100."""
        return self.tokens / self.window * 100

    def book(self, prompt: int, completion: int) -> None:
        """Take over the provider's real counts, as the proxy does: the estimate is lost."""
        self.tokens = prompt + completion
        self.prompt = prompt
        self.completion = completion
        self.is_estimated = False

    def to_row(self) -> dict[str, Any]:
        """Return the database row."""
        return {
            "id": self.id,
            "session_id": self.session_id,
            "timestamp": row_time(self.at),
            "estimated_tokens": self.tokens,
            "percentage": self.percentage,
            "content_preview": self.preview,
            "prompt_tokens": self.prompt,
            "completion_tokens": self.completion,
            "is_estimated": int(self.is_estimated),
            "source": "proxy",
            **self.memory.to_row(),
        }


@dataclass(frozen=True, slots=True)
class Compaction:
    """One compaction; ``reason`` is ``auto_threshold`` or ``manual``."""

    id: int
    session_id: int
    at: float
    before: int
    after: int
    messages_before: int
    messages_after: int
    preserved: int
    reason: str

    @property
    def saved(self) -> int:
        """Tokens that it freed."""
        return self.before - self.after

    @property
    def ratio(self) -> float:
        """Share that it freed, in percent."""
        return self.saved / self.before * 100 if self.before else 0.0

    @property
    def summarized(self) -> int:
        """Messages that went into the summary."""
        return max(0, self.messages_before - self.preserved)

    def to_row(self) -> dict[str, Any]:
        """Return the row of the compaction history."""
        return {
            "id": self.id,
            "session_id": self.session_id,
            "timestamp": row_time(self.at),
            "tokens_before": self.before,
            "tokens_after": self.after,
            "tokens_saved": self.saved,
            "preserved_messages": self.preserved,
            "summarized_messages": self.summarized,
            "compaction_ratio": self.ratio,
            "trigger_reason": self.reason,
        }

    def to_result(self) -> dict[str, Any]:
        """Return it as ``compaction_event`` tells it."""
        return {
            "compacted": True,
            "original_tokens": self.before,
            "compacted_tokens": self.after,
            "tokens_saved": self.saved,
            "compaction_ratio": self.ratio,
            "messages_before": self.messages_before,
            "messages_after": self.messages_after,
            "summarized_count": self.summarized,
        }


@dataclass(slots=True)
class DemoSession:
    """A session; times are milliseconds since 1970, ``threshold`` a share of the window."""

    id: int
    name: str
    provider: str
    model: str | None
    created_at: float
    conversation: Conversation
    requests: list[Request] = field(default_factory=list)
    compactions: list[Compaction] = field(default_factory=list)
    memory: MemoryUse = field(default_factory=MemoryUse)
    reserved: int = 0
    auto_compaction: bool = True
    threshold: float = 0.85
    consecutive: int = 0
    billed: int = 0
    recent_previews: deque[str] = field(default_factory=lambda: deque(maxlen=12))

    @property
    def usage(self) -> float:
        """Share of the window in use, reserved tokens included."""
        return (self.conversation.tokens + self.reserved) / self.conversation.window

    def cooldown(self, now: float) -> float:
        """Milliseconds until the next automatic compaction is allowed."""
        if not self.compactions:
            return 0.0
        return max(0.0, self.compactions[-1].at + COOLDOWN - now)

    def needs_compaction(self, now: float) -> bool:
        """Tell whether the proxy would compact before the next request."""
        full = self.usage >= self.threshold
        return self.auto_compaction and full and not self.cooldown(now)

    def add_compaction(self, compaction: Compaction) -> None:
        """Record a compaction, and how many automatic ones came in close succession."""
        if compaction.reason != "auto_threshold":
            self.consecutive = 0
        elif self.compactions and compaction.at - self.compactions[-1].at < 2 * COOLDOWN:
            self.consecutive += 1
        else:
            self.consecutive = 1
        self.compactions.append(compaction)

    def compaction_columns(self) -> dict[str, Any]:
        """Return the columns that have to do with compaction."""
        last = self.compactions[-1].at if self.compactions else None
        return {
            "reserved_tokens": self.reserved,
            "compaction_count": len(self.compactions),
            "last_compaction_at": None if last is None else row_time(last),
            "auto_compaction_enabled": int(self.auto_compaction),
            "auto_compaction_threshold": self.threshold,
            "consecutive_auto_compactions": self.consecutive,
        }

    def to_row(self, *, is_active: bool) -> dict[str, Any]:
        """Return the database row, which does not know the window."""
        return {
            "id": self.id,
            "name": self.name,
            "provider": self.provider,
            "model": self.model,
            "external_session_id": None,
            "created_at": row_time(self.created_at),
            "is_active": int(is_active),
            **self.compaction_columns(),
        }

    def to_detail(self, *, is_active: bool) -> dict[str, Any]:
        """Return the session with all that belongs to it."""
        provider = find_provider(self.provider)
        shown = {"key": self.provider, "name": self.provider, "color": "slate", "icon": "cpu"}
        row = self.to_row(is_active=is_active) | {"max_context": self.conversation.window}
        return {
            "session": row,
            "provider": provider.to_detail(is_active=is_active) if provider else shown,
            "memory": self.memory.to_row(),
            "stats": self.stats(),
            "recent_metrics": self.recent_rows(),
        }

    def recent_rows(self) -> list[dict[str, Any]]:
        """Return the last requests, newest first."""
        return [request.to_row() for request in reversed(self.requests[-RECENT:])]

    def stats(self) -> dict[str, Any]:
        """Return the proxy's own totals; estimates count as input until they are corrected."""
        tokens = [request.tokens for request in self.requests]
        total = sum(tokens)
        outputs = sum(request.completion for request in self.requests)
        inputs = total - outputs
        return {
            "total_requests": len(tokens),
            "max_tokens": max(tokens, default=None),
            "avg_tokens": round(total / len(tokens), 1) if tokens else None,
            "current_input_tokens": inputs,
            "current_output_tokens": outputs,
            "current_total_tokens": total,
            "cumulative_input_tokens": inputs,
            "cumulative_output_tokens": outputs,
            "cumulative_total_tokens": total,
        }

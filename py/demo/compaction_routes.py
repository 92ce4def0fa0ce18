"""Routes that tell of a session's compaction, configure it, and run it."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from sessions.ports import Clock

from . import frames
from .clocks import local_iso, row_time
from .http_answers import Call, Endpoint, Refused, count_field, flag_field, list_field
from .records import COOLDOWN, DemoSession
from .store import DemoStore

MIN_MESSAGES = 6
"""Messages from which compaction is worth it, unless forced."""

MOST_PRESERVED = 50
"""Exchanges that a compaction may keep at most."""

READY_PERCENTAGE = 80
MAX_CONSECUTIVE = 3
CHARACTERS_PER_TOKEN = 4

_LEVELS = (
    (95, "critical", "🚨 Contexte critique - Compaction imminente", "compact_now"),
    (85, "warning", "⚠️ Contexte élevé - Compaction recommandée", "compact_soon"),
    (70, "info", "ℹ️ Contexte en croissance", "monitor"),
)


class CompactionRoutes:
    """Works on the compaction of a store's sessions."""

    def __init__(
        self, store: DemoStore, clock: Clock, announce: Callable[[frames.Frame], None]
    ) -> None:
        """Serve ``store``; what changes is announced to every connected page."""
        self._store = store
        self._clock = clock
        self._announce = announce

    def endpoints(self) -> list[Endpoint]:
        """Return the routes."""
        base = "/api/compaction/{session_id}"
        return [
            Endpoint("POST", base, self._run),
            Endpoint("GET", f"{base}/stats", self._stats),
            Endpoint("GET", f"{base}/preview", self._preview),
            Endpoint("GET", f"{base}/auto-status", self._auto_status),
            Endpoint("GET", f"{base}/history", self._history),
            Endpoint("GET", f"{base}/history-chart", self._chart),
            Endpoint("POST", f"{base}/toggle-auto", self._toggle_auto),
            Endpoint("POST", f"{base}/reserved", self._reserve),
            Endpoint("POST", f"{base}/simulate", self._simulate),
        ]

    def _find(self, call: Call) -> DemoSession:
        session_id = call.session_id()
        session = self._store.sessions.get(session_id)
        if session is None:
            raise Refused(404, {"error": "Session non trouvée", "session_id": session_id})
        return session

    def _run(self, call: Call) -> Any:
        session = self._find(call)
        fields = call.fields()
        preserve = count_field(fields, "preserve_messages", MOST_PRESERVED, 2)
        force = flag_field(fields, "force", False)
        if not _can_compact(session, preserve, force=force):
            return {"error": "Rien à compacter pour le moment", "session_id": session.id}
        now = self._clock.now()
        compaction = self._store.compact(session, now, preserve=preserve, reason="manual")
        self._announce(frames.compaction_event(compaction, self._clock))
        return {
            "success": True,
            "message": f"Compaction effectuée: {compaction.saved} tokens économisés",
            "session_id": session.id,
            "result": compaction.to_result(),
        }

    def _stats(self, call: Call) -> Any:
        session = self._find(call)
        chat = session.conversation
        percentage = round(chat.fill * 100, 2)
        return {
            "session_id": session.id,
            "compaction": {
                "session_id": session.id,
                **session.compaction_columns(),
                "history": _history_rows(session),
                "total_tokens_saved": sum(done.saved for done in session.compactions),
            },
            "context": {
                "current_tokens": chat.tokens,
                "max_context": chat.window,
                "percentage": percentage,
                "reserved_tokens": session.reserved,
                "percentage_with_reserved": round(session.usage * 100, 2),
                "compaction_ready": percentage >= READY_PERCENTAGE,
                "threshold": READY_PERCENTAGE,
            },
        }

    def _preview(self, call: Call) -> Any:
        session = self._find(call)
        chat = session.conversation
        kept = min(4, chat.messages)
        before, after = chat.tokens, chat.compacted_size(2)
        saved = before - after
        return {
            "can_compact": _can_compact(session, 2),
            "session_id": session.id,
            "preview": {
                "messages_preview": [
                    {
                        "role": "user",
                        "preview": request.preview[:200],
                        "full_length": len(request.preview),
                    }
                    for request in session.requests[-5:]
                ],
                "total_messages": chat.messages,
                "messages_to_summarize": chat.messages - kept,
                "messages_to_preserve": kept,
            },
            "estimate": {
                "original_tokens": before,
                "compacted_tokens": after,
                "tokens_saved": saved,
                "savings_percentage": round(saved / before * 100, 1) if before else 0.0,
                "show_savings": True,
            },
            "config": {"preserved_messages": 2, "target_reduction": 0.6},
        }

    def _auto_status(self, call: Call) -> Any:
        session = self._find(call)
        chat = session.conversation
        now = self._clock.now()
        columns = session.compaction_columns()
        return {
            "session_id": session.id,
            "status": {
                "enabled": session.auto_compaction,
                "session_auto_enabled": columns["auto_compaction_enabled"],
                "threshold": session.threshold,
                "cooldown_minutes": round(COOLDOWN / 60_000),
                "cooldown_remaining_seconds": math.ceil(session.cooldown(now) / 1000),
                "max_consecutive": MAX_CONSECUTIVE,
                "consecutive_count": session.consecutive,
                "is_pending": session.needs_compaction(now),
                "last_compaction_at": columns["last_compaction_at"],
                "total_compactions": len(session.compactions),
            },
            "context": {
                "current_tokens": chat.tokens,
                "max_context": chat.window,
                "usage_ratio": round(chat.fill, 4),
                "usage_percentage": round(chat.fill * 100, 2),
            },
            "alert": _alert(session),
        }

    def _history(self, call: Call) -> Any:
        session = self._find(call)
        rows = _history_rows(session)
        return {"session_id": session.id, "history": rows, "total_entries": len(rows)}

    def _chart(self, call: Call) -> Any:
        session = self._find(call)
        done = session.compactions
        datasets = [
            {"label": "Tokens avant", "data": [compaction.before for compaction in done]},
            {"label": "Tokens après", "data": [compaction.after for compaction in done]},
        ]
        return {
            "session_id": session.id,
            "labels": [row_time(compaction.at) for compaction in done],
            "datasets": datasets if done else [],
        }

    def _toggle_auto(self, call: Call) -> Any:
        session = self._find(call)
        session.auto_compaction = enabled = flag_field(call.fields(), "enabled")
        now = self._clock.now()
        self._announce(frames.auto_compaction_toggled(session, now, self._clock))
        return {
            "success": True,
            "session_id": session.id,
            "auto_compaction_enabled": enabled,
            "message": f"Auto-compaction {'activée' if enabled else 'désactivée'}",
        }

    def _reserve(self, call: Call) -> Any:
        session = self._find(call)
        session.reserved = count_field(
            call.fields(), "reserved_tokens", session.conversation.window
        )
        self._announce(frames.reserved_tokens_updated(session))
        return {
            "success": True,
            "session_id": session.id,
            "reserved_tokens": session.reserved,
            "message": f"Tokens réservés mis à jour: {session.reserved}",
        }

    def _simulate(self, call: Call) -> Any:
        session = self._find(call)
        fields = call.fields()
        sizes = [_message_tokens(message) for message in list_field(fields, "messages")]
        kept = min(len(sizes), 2 * count_field(fields, "preserve_messages", MOST_PRESERVED, 2))
        old, recent = sizes[: len(sizes) - kept], sizes[len(sizes) - kept :]
        before = sum(sizes)
        after = sum(recent) + sum(old) // 6
        return {
            "simulated": True,
            "result": {
                "compacted": bool(old),
                "session_id": session.id,
                "original_tokens": before,
                "compacted_tokens": after,
                "tokens_saved": before - after,
                "compaction_ratio": round((before - after) / before * 100, 2) if before else 0.0,
                "messages_before": len(sizes),
                "messages_after": kept + bool(old),
                "system_preserved": 0,
                "recent_preserved": kept,
                "summarized_count": len(old),
                "timestamp": local_iso(self._clock.now(), self._clock),
                "summary_text": f"[Contexte précédent résumé] ({len(old)} messages)",
            },
        }


def _can_compact(session: DemoSession, preserve: int, *, force: bool = False) -> bool:
    chat = session.conversation
    has_enough = force or chat.messages >= MIN_MESSAGES
    return has_enough and chat.compacted_size(preserve) < chat.tokens


def _history_rows(session: DemoSession) -> list[dict[str, Any]]:
    return [compaction.to_row() for compaction in reversed(session.compactions)]


def _alert(session: DemoSession) -> dict[str, Any] | None:
    chat = session.conversation
    percentage = chat.fill * 100
    for limit, level, message, action in _LEVELS:
        if percentage >= limit:
            return {
                "level": level,
                "message": message,
                "percentage": percentage,
                "tokens": chat.tokens,
                "max_context": chat.window,
                "action_recommended": action,
            }
    return None


def _message_tokens(message: object) -> int:
    content = message.get("content") if isinstance(message, dict) else message
    return -(-len(str(content)) // CHARACTERS_PER_TOKEN)

"""The WebSocket messages, as the proxy builds them."""

from __future__ import annotations

from typing import Any

from sessions.ports import Clock

from .clocks import local_iso
from .conversation import Exchange
from .records import Compaction, DemoSession, Request

Frame = dict[str, Any]

_ALERTS = (
    (95, "critical", "#ef4444", "⚠️ CONTEXTE CRITIQUE (95%)"),
    (90, "warning", "#f97316", "⚠️ Contexte élevé (90%)"),
    (80, "caution", "#eab308", "⚡ Attention (80%)"),
)

_LOG_SOURCES = {
    "continue_logs": ("continue_logs", "Logs Continue"),
    "continue_compile_chat": ("continue_compile", "CompileChat Continue"),
    "continue_api_error": ("continue_error", "Erreur API Continue"),
    "kimi_global": ("kimi_global", "Kimi Global"),
}


def alert_for(percentage: float) -> dict[str, str] | None:
    """Return the alert that so full a window raises."""
    for limit, level, color, message in _ALERTS:
        if percentage >= limit:
            return {"level": level, "color": color, "message": message}
    return None


def init(session: DemoSession) -> Frame:
    """The greeting of a new connection."""
    return {
        "type": "init",
        "session": session.to_row(is_active=True),
        "stats": session.stats(),
        "recent_metrics": session.recent_rows(),
    }


def metric(
    session: DemoSession, request: Request, exchange: Exchange, billed: int, clock: Clock
) -> Frame:
    """A request on its way to the provider."""
    return {
        "type": "metric",
        "metric": {
            "id": request.id,
            "timestamp": local_iso(request.at, clock),
            "estimated_tokens": exchange.estimate,
            "cumulative_tokens": exchange.estimate,
            "cumulative_billing": billed,
            "delta_tokens": exchange.delta,
            "system_tokens": exchange.system,
            "history_tokens": exchange.history,
            "percentage": request.percentage,
            "content_preview": request.preview,
            "is_estimated": True,
            "source": "proxy",
        },
        "session_id": session.id,
        "session_updated": True,
        "alert": alert_for(request.percentage),
        "sanitizer": None,
        "mcp_memory": _mcp_memory(request),
    }


def _mcp_memory(request: Request) -> Frame | None:
    if not request.memory.memory:
        return None
    return {
        **_memory_figures(request),
        "segments": [],
        "has_memory": True,
    }


def _memory_figures(request: Request) -> Frame:
    use = request.memory
    return {
        "memory_tokens": use.memory,
        "chat_tokens": use.chat,
        "total_tokens": use.memory + use.chat,
        "memory_ratio": use.ratio,
        "segment_count": 1,
    }


def memory_metrics_update(request: Request, clock: Clock) -> Frame:
    """A request carried memories."""
    return {
        "type": "memory_metrics_update",
        "session_id": request.session_id,
        "timestamp": local_iso(request.at, clock),
        "memory": _memory_figures(request),
    }


def metric_updated(request: Request) -> Frame:
    """The provider's real counts for a request."""
    return {
        "type": "metric_updated",
        "metric_id": request.id,
        "session_id": request.session_id,
        "real_tokens": {
            "total": request.tokens,
            "prompt": request.prompt,
            "completion": request.completion,
            "percentage": request.percentage,
        },
        "cumulative_tokens": request.tokens,
        "cumulative_percentage": request.percentage,
        "alert": alert_for(request.percentage),
        "source": "proxy",
    }


def log_metric(
    session: DemoSession, source: str, tokens: int, completion: int, at: float, clock: Clock
) -> Frame:
    """An IDE's log file told how full the window is."""
    family, label = _LOG_SOURCES.get(source, ("kimi_session", "Session Kimi"))
    window = session.conversation.window
    return {
        "type": "log_metric",
        "source": source,
        "source_family": family,
        "source_label": label,
        "metrics": {
            "prompt_tokens": tokens - completion,
            "completion_tokens": completion,
            "tools_tokens": 0,
            "system_message_tokens": session.conversation.system,
            "total_tokens": tokens,
            "context_length": window,
            "max_context": window,
            "percentage": tokens / window * 100,
        },
        "session_id": session.id,
        "timestamp": local_iso(at, clock),
    }


def compaction_event(compaction: Compaction, clock: Clock) -> Frame:
    """A session was compacted."""
    return {
        "type": "compaction_event",
        "session_id": compaction.session_id,
        "timestamp": local_iso(compaction.at, clock),
        "history_id": compaction.id,
        "compaction": compaction.to_result(),
    }


def streaming_error(request: Request, at: float, clock: Clock) -> Frame:
    """The provider's answer broke off."""
    return {
        "type": "streaming_error",
        "session_id": request.session_id,
        "metric_id": request.id,
        "error_type": "unknown",
        "error_message": "Erreur streaming inconnue",
        "timestamp": local_iso(at, clock),
    }


def provider_context_limit_error(session: DemoSession, request: Request) -> Frame:
    """The provider refused a request that does not fit its window."""
    window = session.conversation.window
    return {
        "type": "provider_context_limit_error",
        "session_id": session.id,
        "error": f"This message exceeds context limit of {window} tokens",
        "provider": session.provider,
        "model": session.model,
        "estimated_tokens": request.tokens,
        "max_context": window,
        "message": "Le provider a rejeté la requête pour dépassement de limite de contexte",
    }


def new_session(session: DemoSession) -> Frame:
    """A session was created by hand."""
    row = session.to_row(is_active=True) | {"max_context": session.conversation.window}
    return {"type": "new_session", "session": row}


def session_activated(session: DemoSession) -> Frame:
    """Another session became the active one."""
    row = session.to_row(is_active=True)
    return {"type": "session_activated", "session_id": session.id, "session": row}


def auto_session_created(session: DemoSession) -> Frame:
    """A request for another model opened a session."""
    return {
        "type": "auto_session_created",
        "session": session.to_row(is_active=True),
        "provider": session.provider,
        "model": session.model,
        "external_session_id": None,
    }


def sessions_bulk_deleted(session_ids: list[int]) -> Frame:
    """Sessions were deleted."""
    return {
        "type": "sessions_bulk_deleted",
        "session_ids": session_ids,
        "deleted_count": len(session_ids),
    }


def auto_session_toggled(session_id: int | None, enabled: bool) -> Frame:
    """Automatic sessions were switched on or off."""
    return {"type": "auto_session_toggled", "session_id": session_id, "enabled": enabled}


def auto_compaction_toggled(session: DemoSession, at: float, clock: Clock) -> Frame:
    """A session's automatic compaction was switched on or off."""
    return {
        "type": "auto_compaction_toggled",
        "session_id": session.id,
        "enabled": session.auto_compaction,
        "timestamp": local_iso(at, clock),
    }


def reserved_tokens_updated(session: DemoSession) -> Frame:
    """A session's reserved tokens were changed."""
    return {
        "type": "reserved_tokens_updated",
        "session_id": session.id,
        "reserved_tokens": session.reserved,
    }

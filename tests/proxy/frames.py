"""WebSocket messages, built as each version builds them."""

from __future__ import annotations

import json
from typing import Any

from tests.proxy.clock import local_iso
from tests.proxy.dialects import Dialect
from tests.proxy.store import PREVIEW_LENGTH, Row, Store

Frame = dict[str, Any]

ALERTS = (
    (95, {"level": "critical", "color": "#ef4444", "message": "⚠️ CONTEXTE CRITIQUE (95%)"}),
    (90, {"level": "warning", "color": "#f97316", "message": "⚠️ Contexte élevé (90%)"}),
    (80, {"level": "caution", "color": "#eab308", "message": "⚡ Attention (80%)"}),
)
"""Alerts by the percentage from which they are raised. No recording kept the text of the middle
one: its wording and colour are a reconstruction of the recorded length."""

LOG_SOURCES = {
    "logs": ("continue_logs", "continue_logs", "Logs Continue"),
    "compile_chat": ("continue_compile_chat", "continue_compile", "CompileChat Continue"),
    "api_error": ("continue_api_error", "continue_error", "Erreur API Continue"),
    "kimi_global": ("kimi_global", "kimi_global", "Kimi Global"),
    "kimi_global_error": ("kimi_global_error", "kimi_global", "Erreur Kimi Global"),
    "kimi_session": ("kimi_session", "kimi_session", "Session Kimi"),
}
"""Plain source names with what the last version makes of them: name, family, label. Only those of
`logs` and `compile_chat` were recorded."""


def encode(frame: object) -> str:
    """A message's text on the wire."""
    return json.dumps(frame, ensure_ascii=False, separators=(",", ":"))


def alert_for(percentage: float) -> dict[str, str] | None:
    """The alert that a context this full raises."""
    return next((dict(alert) for limit, alert in ALERTS if percentage >= limit), None)


def init(store: Store) -> Frame | None:
    """The greeting of a new connection; nothing is said while no session is active."""
    session = store.active_session()
    if session is None:
        return None
    return {
        "type": "init",
        "session": session,
        "stats": store.stats(session["id"]),
        "recent_metrics": store.metrics(session["id"]),
    }


def auto_session_created(dialect: Dialect, session: Row) -> Frame:
    """A request for another model opened a session."""
    frame: Frame = {"type": "auto_session_created", "session": session}
    if not dialect.details_auto_sessions:
        return frame | {"message": f"Nouvelle session auto créée: {session['name']}"}
    frame |= {"provider": session["provider"], "model": session["model"]}
    if dialect.keeps_external_id:
        frame["external_session_id"] = session["external_session_id"]
    return frame


def metric(
    metric_id: int,
    session_id: int,
    *,
    estimate: int,
    percentage: float,
    billed: int,
    delta: int,
    system: int,
    history: int,
    preview: str,
    source: str,
    sanitizer: object,
    memory: object,
) -> Frame:
    """A request on its way to the provider; only the first version announces it."""
    return {
        "type": "metric",
        "metric": {
            "id": metric_id,
            "timestamp": local_iso(),
            "estimated_tokens": estimate,
            "cumulative_tokens": estimate,
            "cumulative_billing": billed,
            "delta_tokens": delta,
            "system_tokens": system,
            "history_tokens": history,
            "percentage": percentage,
            "content_preview": preview[:PREVIEW_LENGTH],
            "is_estimated": True,
            "source": source,
        },
        "session_id": session_id,
        "session_updated": True,
        "alert": alert_for(percentage),
        "sanitizer": sanitizer,
        "mcp_memory": memory,
    }


def mcp_memory(memory_tokens: int, chat_tokens: int, ratio: float, content: str) -> Frame:
    """The memory part of a `metric` message."""
    return {
        "memory_tokens": memory_tokens,
        "chat_tokens": chat_tokens,
        "total_tokens": memory_tokens + chat_tokens,
        "memory_ratio": ratio,
        "segments": [
            {
                "type": "memory_tag",
                "content": content,
                "tokens": memory_tokens,
                "position": [0, len(content)],
            }
        ],
        "has_memory": True,
        "segment_count": 1,
    }


def memory_metrics_update(session_id: int, memory: Frame) -> Frame:
    """The memory figures of a request, for the memory panel."""
    keys = ("memory_tokens", "chat_tokens", "total_tokens", "memory_ratio", "segment_count")
    return {
        "type": "memory_metrics_update",
        "session_id": session_id,
        "timestamp": local_iso(),
        "memory": {key: memory[key] for key in keys},
    }


def metric_updated(
    metric_id: int,
    session_id: int,
    *,
    total: int,
    prompt: int,
    completion: int,
    percentage: float,
    source: str,
) -> Frame:
    """A request's real counts."""
    return {
        "type": "metric_updated",
        "metric_id": metric_id,
        "session_id": session_id,
        "real_tokens": {
            "total": total,
            "prompt": prompt,
            "completion": completion,
            "percentage": percentage,
        },
        "cumulative_tokens": total,
        "cumulative_percentage": percentage,
        "alert": alert_for(percentage),
        "source": source,
    }


def log_metric(
    dialect: Dialect,
    session_id: int | None,
    session_context: int,
    source: str,
    tokens: dict[str, int],
    context_length: int | None,
) -> Frame:
    """A figure read from an IDE's log.

    The last version measures a line against the context that the line itself names, the others
    always against the session's.
    """
    length = context_length or session_context
    limit = length if dialect.labels_log_sources else session_context
    named: Frame = {"source": source}
    if dialect.labels_log_sources:
        name, family, label = LOG_SOURCES.get(source, (source, source, source))
        named = {"source": name, "source_family": family, "source_label": label}
    return {
        "type": "log_metric",
        **named,
        "metrics": {
            **tokens,
            "context_length": length,
            "max_context": limit,
            "percentage": tokens["total_tokens"] / limit * 100,
        },
        "session_id": session_id,
        "timestamp": local_iso(),
    }


def compaction_event(session_id: int, history_id: int, outcome: Frame) -> Frame:
    """A session's context was compacted."""
    return {
        "type": "compaction_event",
        "session_id": session_id,
        "timestamp": local_iso(),
        "history_id": history_id,
        "compaction": outcome,
    }


def provider_context_limit_error(session: Row, estimate: int, max_context: int) -> Frame:
    """The provider refused a request for its length."""
    error = {
        "error": {
            "message": f"This message exceeds context limit of {max_context} tokens",
            "type": "invalid_request_error",
        }
    }
    return {
        "type": "provider_context_limit_error",
        "session_id": session["id"],
        "error": encode(error),
        "provider": session["provider"],
        "model": session["model"],
        "estimated_tokens": estimate,
        "max_context": max_context,
        "message": "Le provider a rejeté la requête pour dépassement de limite de contexte",
    }


def streaming_error(session_id: int, metric_id: int) -> Frame:
    """A stream broke after its real counts."""
    return {
        "type": "streaming_error",
        "session_id": session_id,
        "metric_id": metric_id,
        "error_type": "unknown",
        "error_message": "Erreur streaming inconnue",
        "timestamp": local_iso(),
    }


def answer(message: Frame) -> Frame | None:
    """What the proxy replies to a message of a dashboard; to most it replies nothing."""
    kind = message.get("type")
    if kind == "memory_compress_preview":
        result: Frame = {
            "success": True,
            "current_count": 5,
            "projected_count": 3,
            "space_saved": "423 tokens",
            "preview": [
                {
                    "action": "fusionner",
                    "items": "4 petites mémoires",
                    "tokens": 423,
                    "preview": "Fusion de 4 mémoires < 300 tokens",
                }
            ],
            "compression_ratio": 423 / 1158,
            "error": None,
        }
        reply = "memory_compress_preview_response"
    elif kind == "memory_similarity_search":
        payload = message.get("payload") or {}
        result = {
            "success": True,
            "results": [],
            "total_found": 0,
            "method_used": payload.get("method", "cosine"),
            "threshold_used": payload.get("threshold", 0.5),
            "error": None,
        }
        reply = "memory_similarity_result_response"
    else:
        return None
    return {"type": reply, "requestId": message.get("requestId"), "result": result}

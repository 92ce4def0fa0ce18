"""The proxy's own HTTP routes, answering as each recorded version answers."""

from __future__ import annotations

import csv
import hashlib
import io
import json
from collections.abc import Awaitable, Callable
from typing import Any

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response

from tests.proxy.catalogue import DEFAULT_PROVIDER, FALLBACK_LOOKS, Model
from tests.proxy.clock import local_iso, local_now
from tests.proxy.state import ProxyState
from tests.proxy.store import COMPACTION_FIELDS, Row, Store
from tests.proxy.traffic import count_tokens

Handler = Callable[[Request], Awaitable[Response]]

HANDLERS: dict[tuple[str, str], Handler] = {}
"""The routes that the stand-in answers, by method and path."""

COMPACTION_THRESHOLD = 80
COMPRESSION_THRESHOLD = 85
CRITICAL_THRESHOLD = 95
MIN_MESSAGES_TO_COMPACT = 6
PRESERVED_EXCHANGES = 2
COOLDOWN_MINUTES = 5
_NO_ACTIVE_SESSION = {"error": "Aucune session active"}
_LOG_PATH = "~/.continue/logs/core.log"
_MODELS_CREATED = 1704067200


class InvalidSessionIdError(Exception):
    """A path names a session by something that is no number."""

    def __init__(self, text: str) -> None:
        """Keep what stood in the path."""
        super().__init__(text)
        self.text = text


async def invalid_session_id(_request: Request, error: Exception) -> Response:
    """Answer a bad id as the real proxy's validation does."""
    assert isinstance(error, InvalidSessionIdError)
    return JSONResponse(
        {
            "detail": [
                {
                    "type": "int_parsing",
                    "loc": ["path", "session_id"],
                    "msg": "Input should be a valid integer, unable to parse string as an integer",
                    "input": error.text,
                }
            ]
        },
        422,
    )


async def http_error(_request: Request, error: Exception) -> Response:
    """Answer a missing route or method with the real proxy's detail."""
    assert isinstance(error, HTTPException)
    return JSONResponse({"detail": error.detail}, error.status_code, headers=error.headers)


async def not_modelled(request: Request) -> Response:
    """Say so where a route exists in the real proxy but was never recorded."""
    return JSONResponse({"error": f"{request.url.path}: not part of the stand-in"}, 501)


def _on(method: str, *paths: str) -> Callable[[Handler], Handler]:
    def register(handler: Handler) -> Handler:
        for path in paths:
            HANDLERS[method, path] = handler
        return handler

    return register


def _state(request: Request) -> ProxyState:
    state: ProxyState = request.app.state.proxy
    return state


def _session_id(request: Request) -> int:
    text = request.path_params["session_id"]
    try:
        return int(text)
    except ValueError:
        raise InvalidSessionIdError(text) from None


async def _body(request: Request) -> dict[str, Any]:
    try:
        body = json.loads(await request.body() or b"{}")
    except ValueError as error:
        raise HTTPException(422, "Invalid JSON body") from error
    return body if isinstance(body, dict) else {}


def _internal_error() -> Response:
    return PlainTextResponse("Internal Server Error", 500)


def _missing_session(session_id: int) -> Response:
    return JSONResponse({"error": "Session non trouvée", "session_id": session_id}, 404)


def _with_context(store: Store, session: Row) -> Row:
    return session | {"max_context": store.max_context(session)}


# Sessions


@_on("get", "/api/sessions")
async def list_sessions(request: Request) -> Response:
    """All sessions."""
    return JSONResponse(_state(request).store.sessions())


@_on("post", "/api/sessions")
async def create_session(request: Request) -> Response:
    """Create a session, which becomes the active one."""
    state, body = _state(request), await _body(request)
    session = state.store.create_session(
        body.get("name") or f"Session {local_now('%H:%M:%S')}",
        body.get("provider") or DEFAULT_PROVIDER,
        body.get("model"),
    )
    session = _with_context(state.store, session)
    state.hub.broadcast({"type": "new_session", "session": session})
    return JSONResponse(session)


@_on("delete", "/api/sessions")
async def delete_sessions(request: Request) -> Response:
    """Delete several sessions, none of them when the active one is among them."""
    state, body = _state(request), await _body(request)
    wanted = body.get("session_ids") or []
    if not wanted:
        return JSONResponse({"error": "Aucun ID de session fourni"})
    active = state.store.active_session()
    if active is not None and active["id"] in wanted:
        return JSONResponse({"error": "Impossible de supprimer une session active"})
    deleted = [session_id for session_id in wanted if state.store.delete_session(session_id)]
    failed = [session_id for session_id in wanted if session_id not in deleted]
    if not deleted:
        return JSONResponse({"error": f"Échec suppression sessions: {failed}"})
    state.hub.broadcast(
        {"type": "sessions_bulk_deleted", "session_ids": deleted, "deleted_count": len(deleted)}
    )
    return JSONResponse({"success": True, "deleted_count": len(deleted), "failed_ids": failed})


@_on("get", "/api/sessions/active")
async def active_session(request: Request) -> Response:
    """Everything about the active session."""
    state = _state(request)
    session = state.store.active_session()
    return JSONResponse(_details(state, session) if session else _NO_ACTIVE_SESSION)


@_on("get", "/api/sessions/{session_id}")
async def session_by_id(request: Request) -> Response:
    """Everything about one session."""
    state, session_id = _state(request), _session_id(request)
    session = state.store.session(session_id)
    if session is None:
        return JSONResponse({"error": f"Session {session_id} introuvable"})
    return JSONResponse(_details(state, session))


def _details(state: ProxyState, session: Row) -> Row:
    key = session["provider"]
    provider = state.dialect.provider(key)
    if provider is not None:
        name, color, icon = provider.name, provider.color, provider.icon
    else:
        name, color, icon = FALLBACK_LOOKS.get(key, (key, "slate", "cpu"))
    described: Row = {"key": key, "name": name}
    if session["is_active"]:
        described["info"] = provider.info if provider else {}
    return {
        "session": _with_context(state.store, session),
        "provider": described | {"color": color, "icon": icon},
        "memory": state.store.memory(session["id"]),
        "stats": state.store.stats(session["id"]),
        "recent_metrics": state.store.metrics(session["id"]),
    }


@_on("delete", "/api/sessions/{session_id}")
async def delete_session(request: Request) -> Response:
    """Delete one session, unless it is the active one."""
    state, session_id = _state(request), _session_id(request)
    active = state.store.active_session()
    if active is not None and active["id"] == session_id:
        return JSONResponse({"error": "Impossible de supprimer une session active"})
    if not state.store.delete_session(session_id):
        message = f"Session {session_id} introuvable ou erreur lors de la suppression"
        return JSONResponse({"error": message})
    state.hub.broadcast({"type": "session_deleted", "session_id": session_id})
    return JSONResponse({"message": f"Session {session_id} supprimée avec succès"})


@_on("post", "/api/sessions/{session_id}/activate")
async def activate_session(request: Request) -> Response:
    """Make a session the active one."""
    state, session_id = _state(request), _session_id(request)
    active = state.store.active_session()
    if active is not None and active["id"] == session_id:
        return JSONResponse({"message": "Session déjà active", "session_id": session_id})
    session = state.store.activate(session_id)
    if session is None:
        return JSONResponse({"error": "Session non trouvée", "session_id": session_id})
    state.hub.broadcast({"type": "session_activated", "session_id": session_id, "session": session})
    return JSONResponse(
        {"message": "Session activée", "session_id": session_id, "session": session}
    )


@_on("get", "/api/sessions/auto-status")
async def auto_status(request: Request) -> Response:
    """Whether requests open sessions by themselves."""
    return JSONResponse(_auto_session(_state(request)))


@_on("post", "/api/sessions/toggle-auto")
async def toggle_auto(request: Request) -> Response:
    """Switch automatic sessions."""
    state, body = _state(request), await _body(request)
    state.auto_session = bool(body.get("enabled", True))
    status = _auto_session(state)
    state.hub.broadcast({"type": "auto_session_toggled", **status})
    return JSONResponse(status)


def _auto_session(state: ProxyState) -> Row:
    session = state.store.active_session()
    return {"enabled": state.auto_session, "session_id": session["id"] if session else None}


@_on("post", "/api/sessions/vacuum")
async def vacuum(request: Request) -> Response:
    """Shrink the database."""
    store = _state(request).store
    before = store.size_in_bytes()
    store.vacuum()
    after = store.size_in_bytes()
    return JSONResponse(
        {
            "message": "VACUUM exécuté avec succès",
            "database": {
                "path": "sessions.db",
                "size_before_bytes": before,
                "size_after_bytes": after,
                "space_saved_bytes": before - after,
                "space_saved_mb": round((before - after) / 1024**2, 2),
            },
        }
    )


@_on("get", "/api/sessions/diagnostic")
async def diagnostic(request: Request) -> Response:
    """Size and contents of the database."""
    store = _state(request).store
    sessions, size = store.sessions(), store.size_in_bytes()
    by_provider: dict[str, int] = {}
    for session in sessions:
        by_provider[session["provider"]] = by_provider.get(session["provider"], 0) + 1
    active = sum(session["is_active"] for session in sessions)
    return JSONResponse(
        {
            "database": {
                "file_size_bytes": size,
                "file_size_mb": round(size / 1024**2, 2),
                "path": "sessions.db",
            },
            "sessions": {
                "total_count": len(sessions),
                "active_count": active,
                "inactive_count": len(sessions) - active,
                "by_provider": by_provider,
            },
            "note": "Pour récupérer l'espace disque après suppressions, exécutez: VACUUM sur la"
            " base de données",
        }
    )


@_on("get", "/api/sessions/{session_id}/memory")
async def session_memory(request: Request) -> Response:
    """A session's memory figures over time."""
    store, session_id = _state(request).store, _session_id(request)
    history = [
        {key: value for key, value in row.items() if key != "session_id"}
        for row in store.memory_history(session_id)
    ]
    return JSONResponse(
        {"session_id": session_id, "current": store.memory(session_id), "history": history}
    )


# Catalogue, health, exports


@_on("get", "/api/providers")
async def providers(request: Request) -> Response:
    """The providers with their models."""
    dialect = _state(request).dialect
    return JSONResponse(
        [
            {
                "key": provider.key,
                "type": provider.type,
                "name": provider.name,
                "has_api_key": bool(provider.api_key),
                "icon": provider.icon,
                "color": provider.color,
                "models": [
                    model.row() for model in dialect.models if model.provider == provider.key
                ],
            }
            for provider in dialect.providers
        ]
    )


@_on("get", "/api/models")
async def models(request: Request) -> Response:
    """The models: rows in the last version, an OpenAI-style list before."""
    dialect = _state(request).dialect
    if dialect.lists_models_flat:
        return await all_models(request)
    return JSONResponse(_openai_list(dialect.models, owner=None))


@_on("get", "/api/models/all")
async def all_models(request: Request) -> Response:
    """The models, with the sizes of their contexts."""
    return JSONResponse([model.flat_row() for model in _state(request).dialect.models])


@_on("get", "/models")
async def openai_models(request: Request) -> Response:
    """The models as an IDE asks for them."""
    return JSONResponse(_openai_list(_state(request).dialect.models, owner="openai"))


def _openai_list(listed: tuple[Model, ...], owner: str | None) -> Row:
    data = [
        {
            "id": model.key,
            "object": "model",
            "created": _MODELS_CREATED,
            "owned_by": owner or model.provider,
        }
        for model in listed
    ]
    return {"object": "list", "data": data}


@_on("get", "/health")
async def health(request: Request) -> Response:
    """Whether the proxy and what it watches are well."""
    state = _state(request)
    session = state.store.active_session()
    watcher: Row = {"status": "running", "log_file_exists": True, "log_path": _LOG_PATH}
    if state.dialect.shows_log_sources:
        watcher |= _log_sources(state)
    return JSONResponse(
        {
            "status": "ok",
            "max_context": state.store.max_context(session),
            "active_session": session,
            "log_watcher": watcher,
            "rate_limit": state.rate(),
        }
    )


def _log_sources(state: ProxyState) -> Row:
    watched = (
        ("continue_logs", "continue", _LOG_PATH, True, state.last_log_at),
        ("kimi_global", "kimi_global", "~/.kimi/logs/kimi.log", False, None),
        ("kimi_sessions", "kimi_session", "~/.kimi/sessions", False, None),
    )
    sources = [
        {
            "source_id": source,
            "source_kind": kind,
            "path": path,
            "available": available,
            "healthy": True,
            "last_error": None,
            "last_event_at": last_event,
        }
        for source, kind, path, available, last_event in watched
    ]
    summary = {
        "total": len(sources),
        "available": sum(bool(source["available"]) for source in sources),
        "healthy": len(sources),
        "source_ids": [source["source_id"] for source in sources],
        "source_kinds": [source["source_kind"] for source in sources],
    }
    return {"sources": sources, "summary": summary}


@_on("get", "/api/rate-limit")
async def rate_limit(request: Request) -> Response:
    """Requests of the last minute."""
    rate = _state(request).rate()
    levels = ((95, "critical"), (80, "high"), (50, "elevated"), (0, "normal"))
    status = next(name for limit, name in levels if rate["percentage"] >= limit)
    return JSONResponse({"status": status, **rate})


@_on("get", "/api/export/csv")
async def export_csv(request: Request) -> Response:
    """The whole active session as a table."""
    store = _state(request).store
    session = store.active_session()
    if session is None:
        return JSONResponse(_NO_ACTIVE_SESSION)
    table = io.StringIO()
    writer = csv.writer(table)
    writer.writerow(
        (
            "Timestamp",
            "Tokens Total",
            "Pourcentage",
            "Aperçu",
            "Prompt Tokens",
            "Completion Tokens",
            "Type",
            "Source",
        )
    )
    writer.writerows(
        (
            row["timestamp"],
            row["estimated_tokens"],
            f"{row['percentage']:.2f}%",
            row["content_preview"],
            row["prompt_tokens"],
            row["completion_tokens"],
            "Estimé" if row["is_estimated"] else "Réel",
            row["source"],
        )
        for row in store.metrics(session["id"], limit=None)
    )
    name = f"session_{session['id']}_{local_now('%Y%m%d_%H%M%S')}.csv"
    return Response(
        table.getvalue(),
        media_type="text/csv",
        headers={"content-disposition": f"attachment; filename={name}"},
    )


@_on("get", "/api/export/json")
async def export_json(request: Request) -> Response:
    """The whole active session as data."""
    store = _state(request).store
    session = store.active_session()
    if session is None:
        return JSONResponse(_NO_ACTIVE_SESSION)
    return JSONResponse(
        {
            "session": session,
            "metrics": store.metrics(session["id"], limit=None),
            "exported_at": local_iso(),
        }
    )


@_on("get", "/api/cline/status")
async def cline_status(_request: Request) -> Response:
    """The last figure imported from Cline; there never is one."""
    return JSONResponse({"latest_ts": None})


@_on("get", "/api/cline/usage")
async def cline_usage(request: Request) -> Response:
    """Figures imported from Cline; there never are any."""
    query = request.query_params
    return JSONResponse(
        {"items": [], "limit": int(query.get("limit", 100)), "offset": int(query.get("offset", 0))}
    )


# Compaction and compression


def _compaction(store: Store, session: Row) -> Row:
    history = store.compactions(session["id"])
    return {
        "session_id": session["id"],
        **{key: session[key] for key in COMPACTION_FIELDS},
        "history": history,
        "total_tokens_saved": sum(entry["tokens_saved"] for entry in history),
    }


def _context_tokens(state: ProxyState, session: Row) -> int:
    return int(state.store.stats(session["id"])["current_total_tokens"])


@_on("get", "/api/compaction/{session_id}/stats")
async def compaction_stats(request: Request) -> Response:
    """How full a session is and what its compactions saved."""
    state, session_id = _state(request), _session_id(request)
    session = state.store.session(session_id)
    if session is None:
        return _missing_session(session_id)
    limit, tokens = state.store.max_context(session), _context_tokens(state, session)
    reserved = session["reserved_tokens"]
    with_reserved = round((tokens + reserved) / limit * 100, 2)
    return JSONResponse(
        {
            "session_id": session_id,
            "compaction": _compaction(state.store, session),
            "context": {
                "current_tokens": tokens,
                "max_context": limit,
                "percentage": round(tokens / limit * 100, 2),
                "reserved_tokens": reserved,
                "percentage_with_reserved": with_reserved,
                "compaction_ready": with_reserved >= COMPACTION_THRESHOLD,
                "threshold": COMPACTION_THRESHOLD,
            },
        }
    )


@_on("get", "/api/compaction/stats")
async def compaction_overview(request: Request) -> Response:
    """Compactions of all sessions together."""
    store = _state(request).store
    active = store.active_session()
    return JSONResponse(
        {
            "global": {"global": store.compaction_totals(), "sessions": []},
            "config": {
                "threshold_percentage": COMPACTION_THRESHOLD,
                "max_preserved_messages": PRESERVED_EXCHANGES,
                "min_tokens_to_compact": 500,
                "target_reduction_ratio": 0.6,
            },
            "active_session": _compaction(store, active) if active else None,
        }
    )


@_on("get", "/api/compaction/config/ui")
async def compaction_ui(_request: Request) -> Response:
    """What a dashboard shows of compaction."""
    return JSONResponse(
        {
            "show_compact_button": True,
            "manual_button_threshold": 70,
            "show_detailed_tooltips": True,
            "show_notifications": True,
            "threshold_percentage": COMPACTION_THRESHOLD,
            "critical_threshold": CRITICAL_THRESHOLD,
            "preview": {
                "preview_messages_count": 5,
                "preview_max_length": 200,
                "show_savings_estimate": True,
            },
        }
    )


@_on("get", "/api/compaction/{session_id}/history")
async def compaction_history(request: Request) -> Response:
    """A session's compactions."""
    store, session_id = _state(request).store, _session_id(request)
    if store.session(session_id) is None:
        return _missing_session(session_id)
    history = store.compactions(session_id)
    return JSONResponse(
        {"session_id": session_id, "history": history, "total_entries": len(history)}
    )


@_on("get", "/api/compaction/{session_id}/history-chart")
async def compaction_chart(request: Request) -> Response:
    """A session's compactions as a chart; only the empty one was recorded."""
    store, session_id = _state(request).store, _session_id(request)
    if store.session(session_id) is None:
        return _missing_session(session_id)
    history = store.compactions(session_id)[::-1]
    series = {"Tokens avant": "tokens_before", "Tokens après": "tokens_after"}
    datasets = [
        {"label": label, "data": [entry[key] for entry in history]}
        for label, key in series.items()
        if history
    ]
    return JSONResponse(
        {
            "session_id": session_id,
            "labels": [entry["timestamp"] for entry in history],
            "datasets": datasets,
        }
    )


@_on("get", "/api/compaction/{session_id}/preview")
async def compaction_preview(request: Request) -> Response:
    """What a compaction would summarise, rebuilt from the stored previews."""
    store, session_id = _state(request).store, _session_id(request)
    if store.session(session_id) is None:
        return _missing_session(session_id)
    messages: list[tuple[str, str]] = []
    for metric in store.metrics(session_id):
        messages.append(("user", metric["content_preview"] or "Message utilisateur"))
        if metric["completion_tokens"]:
            messages.append(("assistant", "Réponse de l'assistant..."))
    if len(messages) < MIN_MESSAGES_TO_COMPACT:
        return JSONResponse(
            {
                "can_compact": False,
                "reason": "insufficient_messages",
                "message": "Pas assez de messages pour compacter"
                f" (minimum {MIN_MESSAGES_TO_COMPACT} requis)",
                "current_messages": len(messages),
                "min_required": MIN_MESSAGES_TO_COMPACT,
            }
        )
    kept = PRESERVED_EXCHANGES * 2
    before = sum(count_tokens(text) for _, text in messages)
    after = sum(count_tokens(text) for _, text in messages[-kept:]) + before // 5
    return JSONResponse(
        {
            "can_compact": True,
            "session_id": session_id,
            "preview": {
                "messages_preview": [
                    {"role": role, "preview": text[:200], "full_length": len(text)}
                    for role, text in messages[:5]
                ],
                "total_messages": len(messages),
                "messages_to_summarize": len(messages) - kept,
                "messages_to_preserve": kept,
            },
            "estimate": {
                "original_tokens": before,
                "compacted_tokens": after,
                "tokens_saved": before - after,
                "savings_percentage": round((before - after) / before * 100, 1),
                "show_savings": True,
            },
            "config": {"preserved_messages": PRESERVED_EXCHANGES, "target_reduction": 0.6},
        }
    )


@_on("get", "/api/compaction/{session_id}/auto-status")
async def auto_compaction_status(request: Request) -> Response:
    """Whether and when a session compacts itself."""
    state, session_id = _state(request), _session_id(request)
    session = state.store.session(session_id)
    if session is None:
        return _missing_session(session_id)
    limit, tokens = state.store.max_context(session), _context_tokens(state, session)
    ratio = tokens / limit
    age = state.store.seconds_since_compaction(session)
    cooldown = 0 if age is None else max(0, int(COOLDOWN_MINUTES * 60 - age))
    enabled = bool(session["auto_compaction_enabled"])
    threshold = session["auto_compaction_threshold"]
    return JSONResponse(
        {
            "session_id": session_id,
            "status": {
                "enabled": enabled,
                "session_auto_enabled": session["auto_compaction_enabled"],
                "threshold": threshold,
                "cooldown_minutes": COOLDOWN_MINUTES,
                "cooldown_remaining_seconds": cooldown,
                "max_consecutive": 3,
                "consecutive_count": session["consecutive_auto_compactions"],
                "is_pending": False,
                "last_compaction_at": session["last_compaction_at"],
                "total_compactions": session["compaction_count"],
            },
            "context": {
                "current_tokens": tokens,
                "max_context": limit,
                "usage_ratio": round(ratio, 4),
                "usage_percentage": round(ratio * 100, 2),
            },
            "alert": _compaction_alert(tokens, limit, threshold),
        }
    )


def _compaction_alert(tokens: int, limit: int, threshold: float) -> Row | None:
    percentage = tokens / limit * 100
    if percentage >= CRITICAL_THRESHOLD:
        level, action = "critical", "compact_now"
        message = "🚨 Contexte critique - Compaction imminente"
    elif percentage >= threshold * 100:
        level, action = "warning", "prepare_compaction"
        message = "⚠️ Contexte élevé - Compaction recommandée"
    else:
        return None
    return {
        "level": level,
        "message": message,
        "percentage": percentage,
        "tokens": tokens,
        "max_context": limit,
        "action_recommended": action,
    }


@_on("post", "/api/compaction/{session_id}")
async def compact(request: Request) -> Response:
    """Compact by hand: a no-op in the first version, a failure in the others."""
    state, session_id = _state(request), _session_id(request)
    if not state.dialect.runs_compaction:
        return _internal_error()
    session = state.store.session(session_id)
    if session is None:
        return _missing_session(session_id)
    return JSONResponse(
        {
            "success": True,
            "message": "Service de compaction initialisé",
            "session_id": session_id,
            "config": {
                "max_preserved_messages": PRESERVED_EXCHANGES,
                "preserve_system_messages": True,
                "create_summary": True,
                "summary_max_length": 1000,
                "min_messages_to_compact": MIN_MESSAGES_TO_COMPACT,
                "min_tokens_to_compact": 500,
                "target_reduction_ratio": 0.6,
            },
            "current_stats": _compaction(state.store, session),
            "note": "La compaction complète nécessite l'intégration avec l'historique des messages",
        }
    )


@_on("post", "/api/compaction/{session_id}/toggle-auto")
async def toggle_auto_compaction(request: Request) -> Response:
    """Switch a session's automatic compaction."""
    state, session_id, body = _state(request), _session_id(request), await _body(request)
    if state.store.session(session_id) is None:
        return _missing_session(session_id)
    enabled = bool(body.get("enabled", True))
    state.store.set_auto_compaction(session_id, enabled)
    state.hub.broadcast(
        {
            "type": "auto_compaction_toggled",
            "session_id": session_id,
            "enabled": enabled,
            "timestamp": local_iso(),
        }
    )
    return JSONResponse(
        {
            "success": True,
            "session_id": session_id,
            "auto_compaction_enabled": enabled,
            "message": f"Auto-compaction {'activée' if enabled else 'désactivée'}",
        }
    )


@_on("post", "/api/compaction/{session_id}/reserved")
async def reserve_tokens(request: Request) -> Response:
    """Set aside a part of a session's context."""
    state, session_id, body = _state(request), _session_id(request), await _body(request)
    if state.store.session(session_id) is None:
        return _missing_session(session_id)
    tokens = int(body.get("reserved_tokens", 0))
    state.store.reserve_tokens(session_id, tokens)
    state.hub.broadcast(
        {"type": "reserved_tokens_updated", "session_id": session_id, "reserved_tokens": tokens}
    )
    return JSONResponse(
        {
            "success": True,
            "session_id": session_id,
            "reserved_tokens": tokens,
            "message": f"Tokens réservés mis à jour: {tokens}",
        }
    )


@_on("post", "/api/compaction/{session_id}/simulate")
async def simulate_compaction(request: Request) -> Response:
    """Compact the messages of the request, without storing anything."""
    state, session_id, body = _state(request), _session_id(request), await _body(request)
    if state.store.session(session_id) is None:
        return _missing_session(session_id)
    messages = body.get("messages") or []
    system = [message for message in messages if message.get("role") == "system"]
    talk = [message for message in messages if message.get("role") != "system"]
    kept = min(len(talk), int(body.get("preserve_messages", PRESERVED_EXCHANGES)) * 2)
    summarized = talk[: len(talk) - kept]
    lines = [f"- {entry.get('role')}: {str(entry.get('content'))[:100]}..." for entry in summarized]
    summary = "\n".join(
        (
            "[Contexte précédent résumé]",
            f"Historique de conversation ({len(summarized)} messages précédents):",
            *lines[-5:],
        )
    )[:1000]
    before = sum(count_tokens(str(message.get("content"))) for message in messages)
    left = [*system, *talk[len(talk) - kept :]]
    after = count_tokens(summary) + sum(count_tokens(str(entry.get("content"))) for entry in left)
    return JSONResponse(
        {
            "simulated": True,
            "result": {
                "compacted": bool(summarized),
                "session_id": session_id,
                "original_tokens": before,
                "compacted_tokens": after,
                "tokens_saved": before - after,
                "compaction_ratio": round((before - after) / before * 100, 2) if before else 0.0,
                "messages_before": len(messages),
                "messages_after": len(left) + 1,
                "system_preserved": len(system),
                "recent_preserved": kept,
                "summarized_count": len(summarized),
                "timestamp": local_iso(),
                "summary_text": summary,
            },
        }
    )


_NO_COMPRESSIONS = {
    "total_compressions": 0,
    "total_original_tokens": 0,
    "total_compressed_tokens": 0,
    "avg_compression_ratio": 0,
}


@_on("get", "/api/compress/stats")
async def compression_overview(_request: Request) -> Response:
    """Compressions of all sessions; the recorded proxy never made one."""
    return JSONResponse(
        {
            "global": _NO_COMPRESSIONS,
            "config": {
                "threshold_percentage": COMPRESSION_THRESHOLD,
                "preserve_recent_exchanges": 5,
                "summary_max_tokens": 500,
            },
        }
    )


@_on("get", "/api/compress/{session_id}/stats")
async def compression_stats(request: Request) -> Response:
    """How full a session's last request was, and whether it may be compressed."""
    store, session_id = _state(request).store, _session_id(request)
    session = store.session(session_id)
    if session is None:
        return _missing_session(session_id)
    latest, limit = store.latest_metric(session_id), store.max_context(session)
    tokens = latest["estimated_tokens"] if latest else 0
    percentage = round(tokens / limit * 100, 2)
    return JSONResponse(
        {
            "session_id": session_id,
            "compression_stats": _NO_COMPRESSIONS,
            "current_context": {
                "total_tokens": tokens,
                "max_context": limit,
                "percentage": percentage,
                "can_compress": percentage >= COMPRESSION_THRESHOLD,
            },
            "config": {
                "threshold_percentage": COMPRESSION_THRESHOLD,
                "preserve_recent_exchanges": 5,
            },
        }
    )


# Memory


def _servers() -> list[Row]:
    known = (
        ("qdrant-mcp", "qdrant", "http://127.0.0.1:6333"),
        ("context-compression-mcp", "context-compression", "http://localhost:8001"),
    )
    return [_server(name, kind, url, "phase3") for name, kind, url in known]


def _tool_servers() -> list[Row]:
    known = (
        ("task-master-mcp", "task_master", "http://localhost:8002", 14),
        ("sequential-thinking-mcp", "sequential_thinking", "http://localhost:8003", 1),
        ("fast-filesystem-mcp", "fast_filesystem", "http://localhost:8004", 25),
        ("json-query-mcp", "json_query", "http://localhost:8005", 3),
    )
    return [
        _server(name, kind, url, "phase4") | {"tools_count": tools, "tool_count": tools}
        for name, kind, url, tools in known
    ]


def _server(name: str, kind: str, url: str, phase: str) -> Row:
    return {
        "name": name,
        "type": kind,
        "url": url,
        "connected": False,
        "last_check": local_iso(),
        "latency_ms": 0.0,
        "error_count": 1,
        "capabilities": [],
        "phase": phase,
    }


@_on("get", "/api/memory/servers")
async def memory_servers(_request: Request) -> Response:
    """The memory servers, none of which is running."""
    return JSONResponse({"servers": _servers(), "all_connected": False, "timestamp": local_iso()})


@_on("get", "/api/memory/all-servers")
async def all_memory_servers(request: Request) -> Response:
    """All servers, grouped differently by every version."""
    servers, grouping = _servers(), _state(request).dialect.memory_servers
    if grouping == "phases":
        tools = _tool_servers()
        grouped: Row = {"phase3": servers, "phase4": tools, "all": [*servers, *tools]}
        total = len(servers) + len(tools)
    else:
        grouped = {grouping: servers}
        total = len(servers)
        if grouping == "all":
            grouped |= {"phase3": [], "phase4": []}
    return JSONResponse(
        {
            **grouped,
            "all_connected": False,
            "connected_count": 0,
            "total_count": total,
            "timestamp": local_iso(),
        }
    )


@_on("get", "/api/memory/stats/advanced")
async def memory_stats(request: Request) -> Response:
    """Memory figures of all sessions together."""
    state = _state(request)
    history = state.store.memory_history()
    memory = sum(row["memory_tokens"] for row in history)
    chat = sum(row["chat_tokens"] for row in history)
    ratios = [row["memory_ratio"] for row in history]
    return JSONResponse(
        {
            "basic_stats": {
                "total_memory_tokens": memory,
                "total_chat_tokens": chat,
                "total_tokens": memory + chat,
                "global_memory_ratio": round(memory / (memory + chat) * 100, 2) if history else 0,
                "average_session_ratio": round(sum(ratios) / len(ratios), 2) if ratios else 0,
                "sessions_with_memory": len({row["session_id"] for row in history}),
            },
            "advanced_stats": {
                "total_memories": state.memories,
                "frequent_memories": 0,
                "episodic_memories": 0,
                "semantic_memories": 0,
                "total_tokens": 0,
                "average_access_count": 0,
                "qdrant_connected": False,
            },
            "servers": _servers(),
            "features": {
                "qdrant_available": False,
                "compression_available": False,
                "semantic_search": False,
                "advanced_compression": False,
            },
        }
    )


_FREQUENT_MEMORIES = (
    (
        "Configuration FastAPI",
        "Configuration du serveur FastAPI avec Uvicorn, middleware CORS, et routes API",
        "configuration",
        156,
        15,
    ),
    (
        "Architecture 5 Couches",
        "Architecture en 5 couches: API → Services → Features → Proxy → Core",
        "architecture",
        234,
        12,
    ),
    (
        "Token Counting Tiktoken",
        "Utilisation de tiktoken pour le comptage précis des tokens",
        "technique",
        189,
        10,
    ),
    (
        "WebSocket Manager",
        "Gestionnaire WebSocket pour communication temps réel",
        "communication",
        267,
        8,
    ),
    ("MCP Phase 4 Integration", "Intégration des 4 serveurs MCP Phase 4", "integration", 312, 6),
)


@_on("get", "/api/memory/frequent")
async def frequent_memories(request: Request) -> Response:
    """Memories in demand; the real proxy makes them up as well."""
    query = request.query_params
    least, limit = int(query.get("min_access_count", 3)), int(query.get("limit", 10))
    memories = [
        {
            "id": f"mem_{number:03}",
            "title": title,
            "content": content,
            "content_preview": f"{content[:45]}...",
            "type": kind,
            "tokens": tokens,
            "created_at": local_iso(),
            "access_count": accesses,
            "last_accessed": local_iso(),
        }
        for number, (title, content, kind, tokens, accesses) in enumerate(_FREQUENT_MEMORIES, 1)
        if accesses >= least
    ]
    return JSONResponse(memories[:limit])


@_on("post", "/api/memory/store")
async def store_memory(request: Request) -> Response:
    """Store a memory."""
    state, body = _state(request), await _body(request)
    content = str(body.get("content", ""))
    state.memories += 1
    return JSONResponse(
        {
            "success": True,
            "memory_id": state.memories,
            "memory_type": body.get("memory_type", "episodic"),
            "content_hash": hashlib.sha256(content.encode()).hexdigest()[:16],
            "token_count": count_tokens(content),
            "embedding_id": None,
            "created_at": local_iso(),
        }
    )


@_on("post", "/api/memory/compress", "/api/memory/similarity")
async def failing_memory_call(_request: Request) -> Response:
    """Fail, as every recorded version does here."""
    return _internal_error()

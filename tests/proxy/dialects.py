"""What differs between the recorded versions of the proxy.

A dialect is named after the day of its version. Routes are kept in the order in which the real
proxy declares them, because that order decides which of two matching routes answers: it is why
`GET /api/sessions/diagnostic` works in one version and is a bad id in the next.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import chain

from tests.proxy.catalogue import (
    DEFAULT_MAX_CONTEXT,
    FIRST_MODELS,
    FIRST_PROVIDERS,
    SECOND_MODELS,
    THIRD_MODELS,
    THIRD_PROVIDERS,
    Model,
    Provider,
)

Routes = dict[str, tuple[str, ...]]

_GET = ("get",)
_POST = ("post",)

_CONTENT: Routes = {
    "/api/providers": _GET,
    "/api/export/csv": _GET,
    "/api/export/json": _GET,
    "/api/mask/{content_hash}": _GET,
    "/api/mask": _GET,
    "/api/sanitizer/stats": _GET,
    "/api/sanitizer/toggle": _POST,
}
_MEMORY: Routes = {
    "/api/memory/stats": _GET,
    "/api/memory/servers": _GET,
    "/api/memory/similarity": _POST,
    "/api/memory/compress": _POST,
    "/api/memory/store": _POST,
    "/api/memory/frequent": _GET,
    "/api/memory/cluster/{session_id}": _POST,
    "/api/memory/similar/{session_id}": _GET,
    "/api/memory/stats/advanced": _GET,
    "/api/memory/cleanup": _POST,
    "/api/memory/promote-patterns/{session_id}": _POST,
}
_MEMORY_TOOLS: Routes = {
    "/api/memory/servers/phase4": _GET,
    "/api/memory/task-master/tasks": _GET,
    "/api/memory/task-master/stats": _GET,
    "/api/memory/task-master/call": _POST,
    "/api/memory/sequential-thinking/call": _POST,
    "/api/memory/filesystem/call": _POST,
    "/api/memory/json-query/call": _POST,
    "/api/memory/tool/call": _POST,
}
_COMPACTION: Routes = {
    "/api/memory/all-servers": _GET,
    "/api/compress/{session_id}": _POST,
    "/api/compress/{session_id}/stats": _GET,
    "/api/compress/stats": _GET,
    "/api/compaction/{session_id}": _POST,
    "/api/compaction/{session_id}/stats": _GET,
    "/api/compaction/stats": _GET,
    "/api/compaction/{session_id}/history": _GET,
    "/api/compaction/{session_id}/reserved": _POST,
    "/api/compaction/{session_id}/simulate": _POST,
    "/api/compaction/{session_id}/preview": _GET,
    "/api/compaction/{session_id}/toggle-auto": _POST,
    "/api/compaction/{session_id}/auto-status": _GET,
    "/api/compaction/config/ui": _GET,
    "/api/compaction/{session_id}/history-chart": _GET,
    "/health": _GET,
    "/api/rate-limit": _GET,
}
_MODELS: Routes = {"/api/models": _GET, "/api/models/all": _GET}
_ROOT: Routes = {"/chat/completions": _POST, "/favicon.ico": _GET, "/": _GET}


def _routes(*groups: Routes) -> Routes:
    return dict(chain.from_iterable(group.items() for group in groups))


@dataclass(frozen=True)
class Dialect:
    """One version's wire: its routes, its catalogue and its habits.

    Attributes:
        announces_requests: a `metric` frame precedes the real counts.
        announces_compaction: an automatic compaction is broadcast.
        announces_context_limit: a provider's refusal for length is broadcast.
        tracks_memory: memory tokens of a request are stored and broadcast.
        renames_sessions: the first request names a session called "Session …".
        details_auto_sessions: an automatic session is announced with its provider and model,
            not with a sentence.
        keeps_external_id: sessions carry `external_session_id`.
        compares_models: an automatic session is opened for another model, not only for another
            provider.
        estimates_locally: a request's stored estimate is counted before it is forwarded; without
            it the row holds 0 until the real counts come.
        totals_from_estimates: the session's totals count estimates where real counts lack.
        counts_rate: requests are counted against the rate limit.
        knows_upstream_names: the context size is found by the provider's own model name too.
        runs_compaction: a manual compaction answers instead of failing.
        labels_log_sources: log frames carry a family and a label, and prefixed source names.
        lists_models_flat: `/api/models` answers rows instead of an OpenAI-style list.
        shows_log_sources: `/health` describes every watched log.
        memory_servers: how `/api/memory/all-servers` groups them.
    """

    name: str
    routes: Routes
    providers: tuple[Provider, ...]
    models: tuple[Model, ...]
    announces_requests: bool = False
    announces_compaction: bool = True
    announces_context_limit: bool = True
    tracks_memory: bool = False
    renames_sessions: bool = False
    details_auto_sessions: bool = True
    keeps_external_id: bool = False
    compares_models: bool = True
    estimates_locally: bool = True
    totals_from_estimates: bool = True
    counts_rate: bool = True
    knows_upstream_names: bool = False
    runs_compaction: bool = False
    labels_log_sources: bool = False
    lists_models_flat: bool = False
    shows_log_sources: bool = False
    memory_servers: str = "servers"

    @property
    def session_fields(self) -> tuple[str, ...]:
        """Columns of a session row, in the order of the answers."""
        external = ("external_session_id",) if self.keeps_external_id else ()
        return (
            "id",
            "name",
            "provider",
            "model",
            *external,
            "created_at",
            "is_active",
            "reserved_tokens",
            "compaction_count",
            "last_compaction_at",
            "auto_compaction_enabled",
            "auto_compaction_threshold",
            "consecutive_auto_compactions",
        )

    def provider(self, key: str) -> Provider | None:
        """The configured provider, None for a key that this version has no configuration for."""
        return next((provider for provider in self.providers if provider.key == key), None)

    def max_context(self, provider: str, model: str | None) -> int:
        """Context size that this version assumes for a session.

        Automatic sessions store the provider's own model name, which the first two versions do
        not find in their list: they fall back to the smallest model of the provider.
        """
        if model is None:
            return DEFAULT_MAX_CONTEXT
        for candidate in self.models:
            if candidate.key == model:
                return candidate.max_context
        own = [candidate for candidate in self.models if candidate.provider == provider]
        if self.knows_upstream_names:
            for candidate in own:
                if candidate.upstream == model:
                    return candidate.max_context
        return min((candidate.max_context for candidate in own), default=DEFAULT_MAX_CONTEXT)

    def route(self, model: str) -> tuple[str, str]:
        """Provider and provider-side name for the model that an IDE asks for."""
        for candidate in self.models:
            if model == candidate.key:
                return candidate.provider, candidate.upstream
        for candidate in self.models:
            if model == candidate.upstream or candidate.key.endswith(f"/{model}"):
                return candidate.provider, model
        return model.partition("/")[0], model

    def openapi(self) -> dict[str, object]:
        """The part of `/openapi.json` that says which routes exist."""
        return {
            "openapi": "3.1.0",
            "info": {"title": "Kimi Proxy Dashboard", "version": self.name},
            "paths": {
                path: {
                    method: {"responses": {"200": {"description": "Successful Response"}}}
                    for method in methods
                }
                for path, methods in self.routes.items()
            },
        }


_FEBRUARY_20 = Dialect(
    name="2026-02-20",
    routes=_routes(
        {
            "/api/sessions": ("get", "post"),
            "/api/sessions/active": _GET,
            "/api/sessions/{session_id}/memory": _GET,
            "/api/sessions/auto-status": _GET,
            "/api/sessions/toggle-auto": _POST,
        },
        _CONTENT,
        _MEMORY,
        _MEMORY_TOOLS,
        _COMPACTION,
        _MODELS,
        _ROOT,
    ),
    providers=FIRST_PROVIDERS,
    models=FIRST_MODELS,
    announces_requests=True,
    announces_compaction=False,
    announces_context_limit=False,
    tracks_memory=True,
    renames_sessions=True,
    details_auto_sessions=False,
    compares_models=False,
    estimates_locally=False,
    totals_from_estimates=False,
    runs_compaction=True,
    memory_servers="phases",
)

_FEBRUARY_21 = Dialect(
    name="2026-02-21",
    routes=_routes(
        {
            "/api/sessions": ("get", "post"),
            "/api/sessions/active": _GET,
            "/api/sessions/{session_id}/activate": _POST,
            "/api/sessions/auto-status": _GET,
            "/api/sessions/toggle-auto": _POST,
            "/api/sessions/{session_id}": ("delete",),
            "/api/sessions/vacuum": _POST,
            "/api/sessions/diagnostic": _GET,
        },
        _CONTENT,
        {"/api/sessions/{session_id}/memory": _GET},
        _MEMORY,
        _COMPACTION,
        _MODELS,
        _ROOT,
    ),
    providers=FIRST_PROVIDERS,
    models=SECOND_MODELS,
    counts_rate=False,
)

_MARCH_08 = Dialect(
    name="2026-03-08",
    routes=_routes(
        {
            "/api/sessions": ("get", "post", "delete"),
            "/api/sessions/active": _GET,
            "/api/sessions/auto-status": _GET,
            "/api/sessions/toggle-auto": _POST,
            "/api/sessions/{session_id}": _GET,
            "/api/sessions/{session_id}/activate": _POST,
            "/api/sessions/vacuum": _POST,
            "/api/sessions/diagnostic": _GET,
        },
        _CONTENT,
        {"/api/sessions/{session_id}/memory": _GET},
        _MEMORY,
        _COMPACTION,
        {
            "/api/mcp-gateway/{server_name}/rpc": _POST,
            "/api/cline/import": _POST,
            "/api/cline/usage": _GET,
            "/api/cline/status": _GET,
        },
        _MODELS,
        {"/models": _GET},
        _ROOT,
    ),
    providers=THIRD_PROVIDERS,
    models=THIRD_MODELS,
    keeps_external_id=True,
    knows_upstream_names=True,
    labels_log_sources=True,
    lists_models_flat=True,
    shows_log_sources=True,
    memory_servers="all",
)

DIALECTS = {dialect.name: dialect for dialect in (_FEBRUARY_20, _FEBRUARY_21, _MARCH_08)}
LATEST = _MARCH_08.name

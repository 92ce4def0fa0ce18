"""Routes that tell how the proxy is, and what it is configured for."""

from __future__ import annotations

from typing import Any

from sessions.ports import Clock

from .catalogue import DEFAULT_WINDOW, PROVIDERS, model_rows
from .http_answers import Call, Endpoint
from .store import MAX_RPM, DemoStore

_LOG_PATH = "~/.continue/logs/core.log"
_LOGS = (
    ("continue_logs", "continue", _LOG_PATH),
    ("kimi_global", "kimi_global", "~/.kimi/logs/kimi.log"),
    ("kimi_sessions", "kimi_session", "~/.kimi/sessions"),
)


class HealthRoutes:
    """Answers for the proxy as a whole."""

    def __init__(self, store: DemoStore, clock: Clock) -> None:
        """Serve ``store``."""
        self._store = store
        self._clock = clock

    def endpoints(self) -> list[Endpoint]:
        """Return the routes."""
        return [
            Endpoint("GET", "/health", self._health),
            Endpoint("GET", "/api/rate-limit", self._rate_limit),
            Endpoint("GET", "/api/providers", self._providers),
            Endpoint("GET", "/api/models", self._models),
        ]

    def _health(self, _: Call) -> Any:
        active = self._store.active
        return {
            "status": "ok",
            "max_context": active.conversation.window if active else DEFAULT_WINDOW,
            "active_session": active.to_row(is_active=True) if active else None,
            "log_watcher": _log_watcher(),
            "rate_limit": self._rate(),
        }

    def _rate_limit(self, _: Call) -> Any:
        rate = self._rate()
        percentage = rate["percentage"]
        elevated = "elevated" if percentage >= 50 else "normal"
        return {"status": "critical" if percentage >= 90 else elevated, **rate}

    def _rate(self) -> dict[str, Any]:
        rpm = self._store.requests_per_minute(self._clock.now())
        return {"current_rpm": rpm, "max_rpm": MAX_RPM, "percentage": rpm / MAX_RPM * 100}

    def _providers(self, _: Call) -> Any:
        return [provider.to_row() for provider in PROVIDERS]

    def _models(self, _: Call) -> Any:
        return model_rows()


def _log_watcher() -> dict[str, Any]:
    sources = [
        {
            "source_id": source_id,
            "source_kind": kind,
            "path": path,
            "available": True,
            "healthy": True,
            "last_error": None,
            "last_event_at": None,
        }
        for source_id, kind, path in _LOGS
    ]
    return {
        "status": "running",
        "log_file_exists": True,
        "log_path": _LOG_PATH,
        "sources": sources,
        "summary": {
            "total": len(sources),
            "available": len(sources),
            "healthy": len(sources),
            "source_ids": [source_id for source_id, _, _ in _LOGS],
            "source_kinds": [kind for _, kind, _ in _LOGS],
        },
    }

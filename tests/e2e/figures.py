"""What the page ought to show, reckoned from what the proxy stores and nothing else."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from tests.proxy.dialects import DIALECTS

#: A model that every version of the proxy knows, with a window that is soon full.
PROVIDER, MODEL, WINDOW = "nvidia", "nvidia/glm-4.7", 64_000


def requests(count: int) -> list[dict[str, Any]]:
    """Return requests to seed, one a minute; the proxy's order within a second is arbitrary."""
    begin = datetime(2026, 11, 22, 6)
    return [
        {
            "prompt_tokens": 100 * number,
            "completion_tokens": 10 * number,
            "preview": f"Request {number}",
            "timestamp": str(begin + timedelta(minutes=number)),
        }
        for number in range(1, count + 1)
    ]


def session_of(state: dict[str, Any], session_id: int | None = None) -> dict[str, Any]:
    """Return one session's row; by default the active one's."""
    wanted = state["active_session_id"] if session_id is None else session_id
    return next(session for session in state["sessions"] if session["id"] == wanted)


def metrics_of(state: dict[str, Any], session_id: int | None = None) -> list[dict[str, Any]]:
    """Return one session's requests, oldest first."""
    rows = state["metrics"][str(session_of(state, session_id)["id"])]
    return sorted(rows, key=lambda row: row["id"])


def expected_figures(state: dict[str, Any], session_id: int | None = None) -> dict[str, float]:
    """Return every figure that the page should show of a session."""
    session = session_of(state, session_id)
    metrics = metrics_of(state, session_id)
    tokens = [row["estimated_tokens"] for row in metrics]
    real = [row for row in metrics if not row["is_estimated"]]
    window = DIALECTS[state["dialect"]].max_context(session["provider"], session["model"])
    used = tokens[-1] if tokens else 0
    return {
        "requests": len(metrics),
        "largest": max(tokens, default=0),
        "average": (2 * sum(tokens) + len(tokens)) // (2 * len(tokens)) if tokens else 0,
        "prompt": sum(row["prompt_tokens"] for row in real),
        "completion": sum(row["completion_tokens"] for row in real),
        "used": used,
        "window": window,
        "percentage": one_decimal(used, window),
    }


def one_decimal(part: int, whole: int) -> float:
    """Return a share in percent, rounded half up to one decimal."""
    return (2000 * part + whole) // (2 * whole) / 10

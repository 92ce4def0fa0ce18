"""Visits that the page has recorded end where they ended then, whatever has changed since."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from sessions.recording import read
from sessions.state import SessionState
from tests.recordings import replay

VISITS = Path(__file__).parent / "visits"
NAMES = sorted(path.stem for path in VISITS.glob("*.jsonl"))


def test_there_are_visits_to_every_version() -> None:
    assert NAMES == ["2026-02-20", "2026-02-21", "2026-03-08", "demo"]


def ending(state: SessionState) -> dict[str, Any]:
    """What the page shows of a state: the figures of ``tests/visits.py``."""
    totals, fusion = state.session_totals(), state.merge_data_sources()
    assert state.session is not None
    assert fusion is not None
    share = fusion.percentage
    return {
        "session": state.session.name,
        "figures": {
            "requests": totals.total_requests,
            "largest": totals.max_tokens,
            "average": totals.avg_tokens,
            "prompt": totals.total_prompt,
            "completion": totals.total_completion,
            "used": fusion.tokens,
            "window": fusion.max_context or state.max_context,
            "percentage": fusion.tokens / state.max_context * 100 if share is None else share,
        },
        "feed": [
            {
                "id": metric.id,
                "kind": "estimated" if metric.is_estimated else "real",
                "tokens": f"{metric.shown_tokens:,}",
                "source": metric.source,
                "preview": metric.preview or "No preview",
            }
            for metric in state.metrics()
        ],
    }


@pytest.mark.parametrize("name", NAMES)
def test_a_visit_ends_where_it_ended(name: str) -> None:
    told = json.loads((VISITS / f"{name}.json").read_text(encoding="utf-8"))
    replayed = replay(read((VISITS / f"{name}.jsonl").read_text(encoding="utf-8")))
    assert replayed.errors == []
    got = ending(replayed.state)
    assert got["session"] == told["session"]
    assert got["figures"] == pytest.approx(told["figures"], abs=0.05)
    for row in told["feed"]:
        del row["time"]  # written as the browser writes times
    assert got["feed"] == told["feed"]

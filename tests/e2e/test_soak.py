"""A working day in a hurry; the whole day is `tests/bench/soak.py`."""

from __future__ import annotations

from pathlib import Path

from playwright.sync_api import Browser

from tests.bench.soak import Plan, soak
from tests.e2e.conftest import CONTEXT

SHORT = Plan(seconds=6, rate=30, reload_every=2, restart_every=3, down_for=1, tabs=3)


def test_reloads_and_restarts_lose_and_double_nothing(browser: Browser, built_page: Path) -> None:
    context = browser.new_context(**CONTEXT)
    result = soak(SHORT, context, built_page)
    context.close()
    assert result["differences"] == []
    assert result["reloads"] >= 1  # a busy machine does not get to more
    assert result["restarts"] >= 1
    assert result["proxy"]["total_requests"] >= 50

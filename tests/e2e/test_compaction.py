"""The compaction panel."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

from tests.e2e.dashboard import Dashboard
from tests.e2e.figures import session_of

one_version = pytest.mark.parametrize("dialect", ["2026-03-08"], indirect=True)
viewing = pytest.mark.parametrize("dialect", ["2026-02-20"], indirect=True)
failing = pytest.mark.parametrize("dialect", ["2026-02-21", "2026-03-08"], indirect=True)


@failing
def test_a_compaction_is_announced_and_counted(dashboard: Dashboard) -> None:
    expect(dashboard["compaction-count"]).to_have_text("0")
    dashboard.proxy.control("compaction", original_tokens=12_562, compacted_tokens=573)
    expect(dashboard.toast("Context compacted: 12,562 → 573 tokens")).to_be_visible()
    expect(dashboard["compaction-count"]).to_have_text("1")
    expect(dashboard["compaction-saved"]).to_have_text("11,989")


@viewing
def test_the_first_version_compacts_on_demand(dashboard: Dashboard) -> None:
    dashboard.proxy.control("compaction", original_tokens=2562, compacted_tokens=573)
    dashboard["compaction-run"].click()
    expect(dashboard.toast("Compaction asked for")).to_be_visible()
    expect(dashboard["compaction-count"]).to_have_text("1")
    expect(dashboard["compaction-saved"]).to_have_text("1,989")
    dashboard.eventually(
        lambda: dashboard.proxy.requests("POST", "/api/compaction/")[-1]["body"],
        {"preserve_messages": 2, "force": True},
    )


@failing
def test_a_compaction_that_fails_inside_the_proxy_is_told_in_a_sentence(
    dashboard: Dashboard,
) -> None:
    dashboard.watch.expect("status of 500")
    dashboard["compaction-run"].click()
    note = dashboard["compaction-note"]
    expect(note).to_contain_text("fails to compact on demand")
    expect(note).to_contain_text("Internal Server Error")
    expect(dashboard["compaction-run"]).to_be_enabled()


def test_a_preview_lists_what_would_be_summarised(dashboard: Dashboard) -> None:
    dashboard["compaction-preview-button"].click()
    expect(dashboard["compaction-preview-text"]).to_contain_text("Pas assez de messages")

    dashboard.work_in("Long enough", metrics=5)
    expect(dashboard["compaction-preview"]).to_be_hidden()
    dashboard["compaction-preview-button"].click()
    expect(dashboard["compaction-preview-text"]).to_contain_text(
        "6 of 10 messages would be summarised"
    )
    expect(dashboard["compaction-preview-list"].locator("li")).to_have_count(5)
    expect(dashboard["compaction-preview-list"]).to_contain_text("Request 5")


def test_automatic_compaction_is_switched_from_either_side(dashboard: Dashboard) -> None:
    def enabled() -> bool:
        return bool(session_of(dashboard.proxy.state())["auto_compaction_enabled"])

    toggle = dashboard["auto-compaction-toggle"]
    expect(toggle).to_be_checked()
    expect(dashboard["threshold-text"]).to_have_text("Compaction at 85.0%")
    dashboard.page.get_by_text("Automatic compaction").click()
    dashboard.eventually(enabled, False)
    expect(toggle).not_to_be_checked()
    expect(dashboard["threshold-legend"]).to_be_hidden()

    session_id = session_of(dashboard.proxy.state())["id"]
    dashboard.call("POST", f"/api/compaction/{session_id}/toggle-auto", {"enabled": True})
    expect(toggle).to_be_checked()
    expect(dashboard["threshold-legend"]).to_be_visible()


def test_tokens_are_reserved(dashboard: Dashboard) -> None:
    def reserved() -> int:
        return int(session_of(dashboard.proxy.state())["reserved_tokens"])

    field = dashboard["reserved-tokens"]
    field.fill("5000")
    field.press("Enter")
    dashboard.eventually(reserved, 5000)
    expect(dashboard["reserved-text"]).to_have_text("5,000 tokens reserved")

    for nonsense in ("-5", "1.5", "99999999999"):
        field.fill(nonsense)
        field.press("Enter")
        expect(dashboard["compaction-note"]).to_have_text(
            re.compile(r"^Enter a whole number of tokens from 0 to (64|262),\d{3}\.$")
        )
    dashboard.still(reserved, 5000)

    field.fill("0")
    field.press("Enter")
    dashboard.eventually(reserved, 0)
    expect(dashboard["reserved-legend"]).to_be_hidden()
    expect(dashboard["compaction-note"]).to_have_text("Ready to compact.")

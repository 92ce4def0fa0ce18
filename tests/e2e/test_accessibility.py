"""For people who use the keyboard, a screen reader, or more contrast."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Locator, expect

from tests.e2e.dashboard import Dashboard

pytestmark = pytest.mark.parametrize("dialect", ["2026-03-08"], indirect=True)

DOOMED = "Doomed"
DIALOGS: dict[str, Callable[[Dashboard], object]] = {
    "source-explain": lambda desk: desk["source-why"].click(),
    "connect-dialog": lambda desk: desk["connection"].get_by_role("button").click(),
    "new-session-dialog": lambda desk: (desk.open_sessions(), desk["session-new"].click()),
    "session-panel": lambda desk: desk.open_sessions(),
    "confirm-delete-dialog": lambda desk: (desk.tick(DOOMED), desk["session-delete"].click()),
}


def barriers(dashboard: Dashboard, part: str | None = None) -> list[str]:
    """Serious and critical findings, in a few words each."""
    context = f"#{part}" if part else None
    found = Axe().run(dashboard.page, context, {"resultTypes": ["violations"]})
    return [
        f"{violation['id']}: {node['html'][:200]}"
        for violation in found.response["violations"]
        if violation["impact"] in ("serious", "critical")
        for node in violation["nodes"]
    ]


def fill(dashboard: Dashboard) -> None:
    """Have something in every panel."""
    if DOOMED not in [session["name"] for session in dashboard.proxy.state()["sessions"]]:
        dashboard.keeps(DOOMED)
    dashboard.work_in("Busy", metrics=8)
    dashboard.proxy.control("log", source="compile_chat", total_tokens=54_000)
    dashboard.request(prompt_tokens=61_500, completion_tokens=500, estimate=60_000)
    dashboard["compaction-preview-button"].click()
    expect(dashboard["compaction-preview"]).to_be_visible()
    expect(dashboard["alert"]).to_be_visible()


@pytest.mark.parametrize("theme", ["dark", "light"])
def test_nothing_is_a_barrier(dashboard: Dashboard, theme: str) -> None:
    dashboard.use_theme(theme)
    fill(dashboard)
    found = barriers(dashboard)
    for part, open_it in DIALOGS.items():
        open_it(dashboard)
        expect(dashboard[part]).to_be_visible()
        found += barriers(dashboard, part)
        dashboard.page.keyboard.press("Escape")
        expect(dashboard[part]).to_be_hidden()
        dashboard.tidy()
    assert found == []


FOCUS_SHOWS = """element => {
  const style = getComputedStyle(element);
  return element.matches(":focus-visible")
    && (style.outlineStyle !== "none" || style.boxShadow !== "none");
}"""


def expect_focus(dashboard: Dashboard, element: Locator) -> None:
    """The focus is there, and a person can see that."""
    expect(element).to_be_focused()
    dashboard.eventually(lambda: element.evaluate(FOCUS_SHOWS), True)


def test_a_session_is_chosen_by_keyboard_alone(dashboard: Dashboard) -> None:
    chosen = dashboard.keeps("By keyboard", metrics=2)
    keyboard, button = dashboard.page.keyboard, dashboard["session-button"]
    dashboard["language-en"].focus()
    dashboard.walk_to(button, "Shift+Tab", at_most=20)
    expect_focus(dashboard, button)

    with dashboard.page.expect_response(re.compile("/api/sessions$")):
        keyboard.press("Enter")
    expect(dashboard["session-panel"]).to_be_visible()
    row = dashboard.session_row("By keyboard")
    expect(row).to_be_visible()
    dashboard.walk_to(row)
    keyboard.press("Tab")  # past the box, on the name
    expect_focus(dashboard, row.locator('[data-field="select"]'))
    keyboard.press("Enter")

    expect(dashboard["session-name"]).to_have_text("By keyboard")
    expect(dashboard["session-panel"]).to_be_hidden()
    expect(button).to_be_focused()
    dashboard.agrees(chosen)


def test_escape_closes_what_is_open_and_the_focus_returns(dashboard: Dashboard) -> None:
    keyboard = dashboard.page.keyboard
    for opener, part in (
        (dashboard["source-why"], "source-explain"),
        (dashboard["connection"].get_by_role("button"), "connect-dialog"),
        (dashboard["session-button"], "session-panel"),
    ):
        opener.focus()
        keyboard.press("Enter")
        expect(dashboard[part]).to_be_visible()
        keyboard.press("Escape")
        expect(dashboard[part]).to_be_hidden()
        expect(opener).to_be_focused()


def test_the_first_tab_leads_past_the_header(dashboard: Dashboard) -> None:
    skip = dashboard.page.locator(".skip-link")
    skip.focus()
    expect(skip).to_be_in_viewport()
    dashboard.page.keyboard.press("Enter")
    expect(dashboard["main"]).to_be_focused()

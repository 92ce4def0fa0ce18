"""Choosing, creating and deleting sessions; and what others do to them meanwhile."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from tests.e2e.dashboard import Dashboard
from tests.e2e.figures import MODEL, PROVIDER, session_of

viewing = pytest.mark.parametrize("dialect", ["2026-02-20"], indirect=True)
activating = pytest.mark.parametrize("dialect", ["2026-02-21", "2026-03-08"], indirect=True)
one_version = pytest.mark.parametrize("dialect", ["2026-03-08"], indirect=True)


@activating
def test_choosing_a_session_shows_it_and_makes_it_the_active_one(dashboard: Dashboard) -> None:
    chosen = dashboard.keeps("Chosen session", metrics=3)
    dashboard.choose("Chosen session")

    expect(dashboard["session-name"]).to_have_text("Chosen session")
    expect(dashboard["session-badge"]).to_have_text("Active")
    expect(dashboard["session-panel"]).to_be_hidden()
    dashboard.agrees(chosen)
    dashboard.eventually(lambda: len(dashboard.feed()), 3)
    dashboard.still(lambda: dashboard.proxy.state()["active_session_id"], chosen)


@viewing
def test_where_the_proxy_cannot_activate_a_session_is_only_looked_at(
    dashboard: Dashboard,
) -> None:
    active = dashboard.proxy.state()["active_session_id"]
    dashboard.keeps("Only looked at", metrics=3)
    dashboard.choose("Only looked at")

    expect(dashboard["session-name"]).to_have_text("Only looked at")
    expect(dashboard["session-badge"]).to_have_text("Inactive")
    expect(dashboard.toast("This proxy cannot activate a session")).to_be_visible()
    dashboard.still(lambda: dashboard.proxy.state()["active_session_id"], active)

    dashboard.request(prompt_tokens=700, completion_tokens=70)  # booked on the active one
    dashboard.still(lambda: dashboard.figures()["requests"], "—")  # out of reach is not none
    expect(dashboard["feed-empty"]).to_contain_text("its active session only")
    expect(dashboard["export-csv"]).to_be_disabled()

    dashboard.choose(session_of(dashboard.proxy.state())["name"])
    dashboard.agrees()
    dashboard.shows(requests=1)


@pytest.mark.parametrize("slow", ["/api/sessions/", "/api/sessions/active", "/activate"])
def test_of_two_hasty_choices_the_last_one_wins(dashboard: Dashboard, slow: str) -> None:
    too_slow, last_click = f"Too slow {slow}", f"The last click {slow}"
    first = dashboard.keeps(too_slow, metrics=2)
    last = dashboard.keeps(last_click, metrics=4)
    path = f"/api/sessions/{first}{slow}" if slow == "/activate" else slow
    dashboard.open_sessions()
    dashboard.listen("sessionChanged")
    dashboard.proxy.control("faults", http=[{"path_prefix": path, "delay_ms": 600}])
    dashboard.choose(too_slow)
    dashboard.choose(last_click)

    expect(dashboard["session-name"]).to_have_text(last_click)
    dashboard.still(lambda: dashboard.text("session-name"), last_click)  # the slow answer is here
    dashboard.still(lambda: dashboard.heard("sessionChanged")[-1]["newSession"]["name"], last_click)
    if dashboard.proxy.state()["dialect"] != "2026-02-20":
        dashboard.still(lambda: dashboard.proxy.state()["active_session_id"], last)
        dashboard.agrees(last)


@activating
def test_a_session_that_cannot_be_opened_changes_nothing(dashboard: Dashboard) -> None:
    active = dashboard.proxy.state()["active_session_id"]
    dashboard.request(prompt_tokens=900, completion_tokens=90)
    session_id = dashboard.keeps("Out of reach")
    dashboard.open_sessions()
    dashboard.watch.expect("status of 500")
    path = f"/api/sessions/{session_id}"
    fault = {"path_prefix": path, "status": 500, "json": {"error": "disk full"}}
    dashboard.proxy.control("faults", http=[fault])
    dashboard.choose("Out of reach")

    expect(dashboard.toast("The session could not be opened.")).to_contain_text("disk full")
    dashboard.agrees(active)
    dashboard.still(lambda: dashboard.proxy.state()["active_session_id"], active)


@one_version
def test_the_list_can_be_searched(dashboard: Dashboard) -> None:
    dashboard.keeps("Zebra crossing")
    dashboard.keeps("Aardvark", provider="gemini", model="gemini/gemini-2.5-pro")
    dashboard.open_sessions()
    dashboard["session-search"].fill("zebra")
    dashboard.eventually(dashboard.listed, ["Zebra crossing"])
    dashboard["session-search"].fill("GEMINI pro")
    dashboard.eventually(dashboard.listed, ["Aardvark"])
    dashboard["session-search"].fill("no such thing")
    expect(dashboard["session-list-empty"]).to_have_text("No session matches “no such thing”.")
    dashboard["session-search"].fill("")
    expect(dashboard.session_row("Zebra crossing")).to_be_visible()
    expect(dashboard.session_row("Aardvark")).to_be_visible()


def test_a_new_session_has_the_name_provider_and_model_that_were_chosen(
    dashboard: Dashboard,
) -> None:
    dashboard.new_session("Brand new", PROVIDER, MODEL)

    expect(dashboard["new-session-dialog"]).to_be_hidden()
    expect(dashboard["session-name"]).to_have_text("Brand new")
    expect(dashboard["session-provider"]).to_have_text(f"{PROVIDER} · {MODEL}")
    dashboard.agrees()
    session = session_of(dashboard.proxy.state())
    assert (session["name"], session["provider"], session["model"]) == (
        "Brand new", PROVIDER, MODEL,
    )  # fmt: skip
    dashboard.request(prompt_tokens=600, completion_tokens=60)
    dashboard.agrees()


@one_version
def test_what_is_wrong_with_a_new_session_is_said_in_its_dialog(dashboard: Dashboard) -> None:
    dashboard.new_session("   ")
    error = dashboard["new-session-error"]
    expect(error).to_have_text("Give the session a name.")
    expect(dashboard["new-session-name"]).to_be_focused()

    dashboard.watch.expect("status of 500")
    fault = {"method": "POST", "path_prefix": "/api/sessions", "status": 500}
    dashboard.proxy.control("faults", http=[{**fault, "json": {"error": "disk full"}}])
    dashboard["new-session-name"].fill("Second try")
    dashboard["new-session-submit"].click()
    expect(error).to_contain_text("disk full")
    expect(dashboard["new-session-dialog"]).to_be_visible()

    dashboard["new-session-submit"].click()  # the fault was for once
    expect(dashboard["session-name"]).to_have_text("Second try")


@activating
def test_sessions_are_deleted_after_a_question(dashboard: Dashboard) -> None:
    names = ["Old one", "Old two", "Old three"]
    ids = {name: dashboard.keeps(name) for name in names}

    def kept() -> set[int]:
        return {s["id"] for s in dashboard.proxy.state()["sessions"]} & set(ids.values())

    dashboard.tick("Old one")
    expect(dashboard["session-selected"]).to_have_text("1 selected")
    dashboard["session-delete"].click()
    expect(dashboard["confirm-delete-names"]).to_contain_text("Old one")
    dashboard["confirm-delete-dialog"].get_by_role("button", name="Cancel").click()
    expect(dashboard["confirm-delete-dialog"]).to_be_hidden()
    dashboard.still(kept, set(ids.values()))

    dashboard.open_sessions()
    dashboard["session-delete"].click()
    dashboard["confirm-delete-submit"].click()
    expect(dashboard.toast("1 session deleted")).to_be_visible()
    dashboard.still(kept, {ids["Old two"], ids["Old three"]})

    dashboard.tick("Old two", "Old three")
    expect(dashboard.session_row("Old one")).to_have_count(0)
    dashboard["session-delete"].click()
    expect(dashboard["confirm-delete-names"].locator("li")).to_have_count(2)
    dashboard["confirm-delete-submit"].click()
    expect(dashboard.toast("2 sessions deleted")).to_be_visible()
    dashboard.still(kept, set())
    dashboard.open_sessions()
    dashboard.still(lambda: set(names) & set(dashboard.listed()), set())


@activating
def test_a_refused_deletion_is_explained_in_its_dialog(dashboard: Dashboard) -> None:
    doomed = dashboard.keeps("Locked away")
    dashboard.tick("Locked away")
    dashboard["session-delete"].click()
    refusal = {"method": "DELETE", "path_prefix": "/api/sessions", "json": {"error": "Locked"}}
    dashboard.proxy.control("faults", http=[{**refusal, "status": 200}])
    dashboard["confirm-delete-submit"].click()
    expect(dashboard["confirm-delete-error"]).to_contain_text("Locked")
    sessions = [session["id"] for session in dashboard.proxy.state()["sessions"]]
    assert doomed in sessions


@activating
def test_the_active_session_cannot_be_ticked(dashboard: Dashboard) -> None:
    dashboard.open_sessions()
    active = dashboard["session-list"].locator('[data-current="true"]')
    expect(active.locator('[data-field="check"]')).to_be_disabled()
    expect(active.locator('[data-field="badge"]')).to_have_text("Active")


@viewing
def test_where_the_proxy_cannot_delete_the_page_says_so(dashboard: Dashboard) -> None:
    dashboard.keeps("Here to stay")
    dashboard.open_sessions()
    expect(dashboard.session_row("Here to stay")).to_be_visible()
    expect(dashboard.session_row("Here to stay").locator('[data-field="check"]')).to_be_hidden()
    expect(dashboard["session-delete"]).to_be_disabled()
    expect(dashboard["session-delete-note"]).to_have_text(
        "This version of the proxy cannot delete sessions."
    )


def test_the_page_follows_a_session_that_somebody_else_creates(dashboard: Dashboard) -> None:
    body = {"name": "By somebody else", "provider": PROVIDER, "model": MODEL}
    dashboard.call("POST", "/api/sessions", body)
    expect(dashboard["session-name"]).to_have_text("By somebody else")
    dashboard.agrees()


@activating
def test_the_page_follows_a_session_that_somebody_else_activates(dashboard: Dashboard) -> None:
    session_id = dashboard.keeps("Picked elsewhere", metrics=2)
    dashboard.call("POST", f"/api/sessions/{session_id}/activate")
    expect(dashboard["session-name"]).to_have_text("Picked elsewhere")
    dashboard.agrees(session_id)


@activating
def test_a_session_that_somebody_else_deletes_leaves_the_list(dashboard: Dashboard) -> None:
    session_id = dashboard.keeps("Soon gone")
    dashboard.tick("Soon gone")
    if dashboard.proxy.state()["dialect"] == "2026-02-21":
        dashboard.call("DELETE", f"/api/sessions/{session_id}")
    else:
        dashboard.call("DELETE", "/api/sessions", {"session_ids": [session_id]})
    expect(dashboard.session_row("Soon gone")).to_have_count(0)
    expect(dashboard["session-selected"]).to_have_text("None selected")


def test_the_page_follows_a_session_that_the_proxy_opens_by_itself(
    dashboard: Dashboard,
) -> None:
    dashboard.request(model="gemini/gemini-2.5-pro", prompt_tokens=800, completion_tokens=80)
    expect(dashboard.toast("The proxy opened a session")).to_be_visible()
    expect(dashboard["session-provider"]).to_contain_text("gemini")
    dashboard.agrees()
    dashboard.shows(requests=1)


def test_automatic_sessions_are_switched_from_either_side(dashboard: Dashboard) -> None:
    toggle, label = dashboard["auto-session-toggle"], dashboard.page.get_by_text("Auto-session")

    expect(toggle).to_be_checked()
    label.click()
    dashboard.eventually(lambda: dashboard.proxy.state()["auto_session"], False)
    expect(toggle).not_to_be_checked()

    dashboard.call("POST", "/api/sessions/toggle-auto", {"enabled": True})
    expect(toggle).to_be_checked()


@one_version
def test_a_switch_that_the_proxy_refuses_goes_back(dashboard: Dashboard) -> None:
    dashboard.watch.expect("status of 500")
    fault = {"path_prefix": "/api/sessions/toggle-auto", "status": 500, "text": "no"}
    dashboard.proxy.control("faults", http=[fault])
    dashboard.page.get_by_text("Auto-session").click()
    expect(dashboard.toast("Automatic sessions could not be switched.")).to_be_visible()
    expect(dashboard["auto-session-toggle"]).to_be_checked()

"""Names and previews come from anywhere: they stay text, and the page keeps its shape."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import expect

from tests.e2e.dashboard import Dashboard

pytestmark = pytest.mark.parametrize("dialect", ["2026-03-08"], indirect=True)

HTML = "<img src=x onerror=\"document.title='bad'\"><b>bold</b> &amp;"


@pytest.fixture
def phone(dashboard: Dashboard) -> Iterator[Dashboard]:
    size = dashboard.page.viewport_size
    dashboard.page.set_viewport_size({"width": 390, "height": 844})
    yield dashboard
    dashboard.page.set_viewport_size(size)


def test_html_in_names_and_previews_stays_text(dashboard: Dashboard) -> None:
    dashboard.keeps(f"Old {HTML}")
    dashboard.work_in(HTML)
    dashboard.request(prompt_tokens=500, completion_tokens=50, preview=HTML)

    dashboard.eventually(dashboard.previews, [HTML])
    expect(dashboard.page).to_have_title(re.compile(re.escape(HTML)))
    dashboard.tick(f"Old {HTML}")
    dashboard["session-delete"].click()
    expect(dashboard["confirm-delete-names"]).to_contain_text(f"Old {HTML}")
    dashboard.proxy.control("send", frame={"type": "streaming_error", "error_message": HTML})
    expect(dashboard.toast(HTML)).to_be_visible()
    expect(dashboard.page.locator("img, b")).to_have_count(0)


def test_on_a_phone_nothing_sticks_out(phone: Dashboard) -> None:
    endless = "W" * 3900  # as long as a text may get without being cut
    phone.keeps(f"X{endless}")
    phone.work_in(endless, metrics=3)
    phone.request(prompt_tokens=90_000, completion_tokens=50, preview="M" * 5000)
    phone.agrees()
    phone.proxy.control("send", frame={"type": "streaming_error", "error_message": endless})
    expect(phone.toast(endless)).to_be_visible()

    def sticks_out() -> bool:
        return phone.page.evaluate(
            "() => document.scrollingElement.scrollWidth > innerWidth || scrollX > 0"
        )

    assert phone.box(phone.toast(endless))["height"] <= 844 / 3  # the page is in reach
    phone.still(sticks_out, False)
    phone.open_sessions()
    box = phone.box(phone["session-panel"])
    assert box["x"] >= 0
    assert box["x"] + box["width"] <= 390
    phone.tick(f"X{endless}")
    phone["session-delete"].click()
    assert phone.box(phone["confirm-delete-dialog"])["width"] <= 390
    expect(phone["confirm-delete-submit"]).to_be_in_viewport()
    phone.still(sticks_out, False)

"""The page without a proxy: a demo that says that it is one."""

from __future__ import annotations

import re

from playwright.sync_api import expect

from tests.e2e.conftest import Visit
from tests.proxy import ProxyServer


def test_the_demo_is_alive_and_touches_no_proxy(proxy: ProxyServer, visit: Visit) -> None:
    desk = visit(proxy, "?proxy=demo")
    expect(desk["demo-banner"]).to_be_visible()
    expect(desk["demo-text"]).to_have_text("Nothing here comes from a real proxy.")
    expect(desk["ws-status-text"]).to_have_text("Demo")
    expect(desk["current-tokens"]).to_have_text(re.compile(r"^[\d,]+$"))
    before = desk.steady(lambda: desk.figures()["requests"])
    desk.eventually(lambda: desk.figures()["requests"] > before, True, within=30)

    name = desk.steady(lambda: desk.text("session-name"))
    desk["session-button"].click()
    other = desk.steady(lambda: next(iter({*desk.listed()} - {name})))
    desk.session_row(other).locator('[data-field="select"]').click()
    expect(desk["session-name"]).to_have_text(other)

    with desk.page.expect_download() as download:
        desk["export-json"].click()
    assert download.value.suggested_filename.endswith(".json")
    desk.eventually(lambda: desk.watch.under_way, [])
    desk.eventually(proxy.requests, [])

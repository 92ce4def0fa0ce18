"""Losing the proxy, finding it again, and frames that are not as they should be."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Route, expect

from tests.e2e.conftest import Visit
from tests.e2e.dashboard import Dashboard
from tests.e2e.figures import MODEL, PROVIDER, metrics_of, requests
from tests.proxy import ProxyServer

SEED = {"name": "Interrupted", "provider": PROVIDER, "model": MODEL, "metrics": requests(3)}

one_version = pytest.mark.parametrize("dialect", ["2026-03-08"], indirect=True)

UNREACHABLE = (r"WebSocket connection to .* failed", r"net::ERR_(CONNECTION|SOCKET|EMPTY|ABORTED)")


def test_what_was_missed_while_the_proxy_was_down_is_there_once(
    proxy: ProxyServer, visit: Visit, dialect: str
) -> None:
    proxy.control("reset", dialect=dialect, seed_sessions=[SEED])
    desk = visit(proxy).connected()
    desk.agrees()
    desk.watch.expect(*UNREACHABLE)
    expect(desk["history-chart"].locator("canvas")).to_be_visible()  # all of the page is here

    proxy.stop()
    expect(desk["ws-status-text"]).to_have_text(re.compile(r"Reconnecting in \d+ s"))
    expect(desk["connection"]).to_have_attribute("data-state", "reconnecting")
    desk.shows(requests=3)  # what is known stays

    proxy.start()
    desk.do("() => dispatchEvent(new Event('online'))")
    desk.connected(within=30)
    desk.agrees()

    proxy.control("faults", ws={"refuse_next": 1, "drop_now": True})
    for number in range(4):
        proxy.control(
            "request", prompt_tokens=5000 + number, completion_tokens=50, preview=f"Missed {number}"
        )
    desk.connected(within=30)
    desk.agrees()
    rows = metrics_of(proxy.state())
    desk.eventually(lambda: [row["id"] for row in desk.feed()], [row["id"] for row in rows])
    desk.eventually(lambda: desk.previews()[-4:], [f"Missed {number}" for number in range(4)])

    # Neither a tight loop of attempts nor two connections at once.
    desk.eventually(lambda: proxy.state()["open_websockets"], 1, within=30)
    desk.still(lambda: proxy.state()["total_websockets"] <= 4, True)


def test_it_waits_longer_from_attempt_to_attempt(proxy: ProxyServer, visit: Visit) -> None:
    desk = visit(proxy).connected()
    desk.listen("connection:changed")
    desk.watch.expect(*UNREACHABLE)
    proxy.control("faults", ws={"refuse_next": 3, "drop_now": True})

    def waits() -> list[float]:
        states = desk.heard("connection:changed")
        return [state["attempt"] for state in states if state["phase"] == "waiting"]

    desk.eventually(waits, [1, 2, 3], within=30)
    desk.do("() => dispatchEvent(new Event('online'))")  # no need to wait any more
    desk.eventually(waits, [1, 2, 3, 4], within=30)
    desk.eventually(lambda: proxy.state()["total_websockets"], 1)
    desk.do("() => dispatchEvent(new Event('online'))")
    desk.connected()
    desk.eventually(lambda: proxy.state()["total_websockets"], 2)


def test_a_thread_that_cannot_be_had_is_asked_for_again(proxy: ProxyServer, visit: Visit) -> None:
    proxy.control("reset", seed_sessions=[SEED])
    desk = visit(proxy).connected()
    asked = []

    def refuse_once(route: Route) -> None:
        asked.append(route)
        if len(asked) == 1:
            route.abort()
        else:
            route.continue_()

    desk.page.route("**/socket-worker.js", refuse_once)
    desk.watch.expect(r"socket-worker\.js", r"net::ERR_FAILED")
    desk.reload().connected(within=30)
    desk.request(prompt_tokens=4000, completion_tokens=40)
    desk.agrees()
    assert len(asked) == 2


@pytest.mark.parametrize("fault", ["duplicate", "reorder", "garbage"])
def test_frames_that_go_astray_do_no_harm(dashboard: Dashboard, fault: str) -> None:
    dashboard.proxy.control("faults", ws={fault: 6})
    for number in range(8):
        dashboard.request(
            prompt_tokens=1000 * (number + 1), completion_tokens=number, preview=f"No. {number}"
        )
    dashboard.agrees()
    dashboard.eventually(dashboard.previews, [f"No. {number}" for number in range(8)])


@one_version
def test_frames_nobody_knows_are_ignored(dashboard: Dashboard) -> None:
    for frame in ("[]", "null", '"text"', '{"type": 7}', {"type": "from_the_future", "x": 1}):
        dashboard.proxy.control("send", frame=frame)
    for broken in (
        {"type": "metric", "metric": None},
        {"type": "metric_updated", "metric_id": 5, "real_tokens": "many"},
        {"type": "new_session"},
        {"type": "log_metric", "metrics": []},
        {"type": "session_deleted", "session_id": None},
    ):
        dashboard.proxy.control("send", frame=broken)
    dashboard.request(prompt_tokens=1000, completion_tokens=10)
    dashboard.agrees()

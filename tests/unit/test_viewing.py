"""The session that is looked at is the same in every tab, on proxies that tell nobody."""

from __future__ import annotations

import asyncio
import copy

import pytest

from sessions import commands, events
from sessions.tabs import SharedSockets
from sessions.viewing import SharedView
from tests.browser import FakeBrowser
from tests.driver import run
from tests.fakes import MISSING_ROUTE, VERSIONS, FakeHttp, Rig, answer, recorded_value

OLDEST, _, NEWEST = VERSIONS
ACTIVE, OTHER, THIRD = 2, 5, 7


def proxy(version):
    """A proxy with three sessions, of which only the active one can be read whole."""
    http = FakeHttp.speaking(version)
    value = recorded_value(version, "active_busy")
    rows = []
    for session_id in (ACTIVE, OTHER, THIRD):
        row = {**value["session"], "id": session_id, "name": f"Session no. {session_id}"}
        rows.append({**row, "is_active": int(session_id == ACTIVE)})
    http.on("GET", "/api/sessions", answer(rows))
    http.on("GET", "/api/sessions/active", answer({**value, "session": rows[0]}))
    for row in rows:
        detail = {**copy.deepcopy(value), "session": row, "recent_metrics": []}
        there = answer(detail) if version == NEWEST else MISSING_ROUTE
        http.on("GET", f"/api/sessions/{row['id']}", there)
        http.on("POST", f"/api/sessions/{row['id']}/activate", MISSING_ROUTE)
        if version == NEWEST:
            body = {"message": "Session activée", "session_id": row["id"], "session": row}
            http.on("POST", f"/api/sessions/{row['id']}/activate", answer(body))
    return http


class Page:
    def __init__(self, browser, version, http=None):
        self.tab = browser.tab()
        self.rig = Rig(http or proxy(version), self._share)
        rig = self.rig
        self.view = SharedView(self.tab, rig.bus, rig.clock, self.shared, "default")
        self.posted = self.tab.channels[-1].posted
        rig.recorder.listen(events.SESSION_CHANGED, events.NOTICE)
        rig.live.start()
        self.shared.start()

    def _share(self, rig):
        self.shared = SharedSockets(
            rig.sockets, self.tab, self.tab, rig.bus, rig.clock, rig.scheduler, "default"
        )
        return self.shared

    @property
    def looks_at(self):
        return self.rig.state.session_id, self.rig.live.pinned

    def choose(self, session_id):
        self.rig.bus.emit(commands.SELECT, {"id": session_id})


class Tabs:
    def __init__(self, version=OLDEST):
        self.browser = FakeBrowser()
        self.version = version
        self.pages = []

    async def open(self):
        self.pages.append(Page(self.browser, self.version))
        await self.settle()
        return self.pages[-1]

    async def settle(self):
        busy = True
        while busy:
            busy = False
            self.browser.grant()
            for page in self.pages:
                for socket in page.rig.sockets.live:
                    if not page.shared.is_leader or page.rig.live.connection.is_connected:
                        continue
                    socket.listener.on_open()
                await page.rig.scheduler.settle()
                while page.tab.next():
                    busy = True

    def check(self, session_id, pinned):
        assert [page.looks_at for page in self.pages] == [(session_id, pinned)] * len(self.pages)
        for page in self.pages:
            page.rig.check()


def test_a_choice_is_followed_by_the_other_tabs_through_a_switch():
    async def scene():
        tabs = Tabs()
        one, two = await tabs.open(), await tabs.open()
        tabs.check(ACTIVE, None)
        for page in (one, two):
            page.rig.recorder.take()
        two.choose(OTHER)
        await tabs.settle()
        tabs.check(OTHER, OTHER)
        assert one.rig.recorder.topics() == [events.SESSION_CHANGED], "no notice: nobody asked here"
        assert len(one.rig.manager.session_history) == 2

        one.choose(ACTIVE)
        await tabs.settle()
        tabs.check(ACTIVE, None)

    run(scene())


def test_only_the_choice_is_passed_on_and_not_what_follows_from_it():
    async def scene():
        tabs = Tabs()
        one, two = await tabs.open(), await tabs.open()
        one.posted.clear()
        two.posted.clear()
        one.choose(OTHER)
        await tabs.settle()
        assert (len(one.posted), len(two.posted)) == (1, 0)

    run(scene())


@pytest.mark.parametrize("first", [0, 1])
def test_of_two_choices_the_later_one_holds_everywhere(first):
    async def scene():
        tabs = Tabs()
        pages = [await tabs.open(), await tabs.open()]
        early, late = pages[first], pages[1 - first]
        late.rig.clock.time += 5
        early.choose(OTHER)
        late.choose(THIRD)
        await tabs.settle()
        tabs.check(THIRD, THIRD)

    run(scene())


def test_choices_are_ordered_even_where_the_clock_stands_still():
    async def scene():
        tabs = Tabs()
        one, two = await tabs.open(), await tabs.open()
        for page, session_id in ((one, OTHER), (two, THIRD), (one, OTHER), (two, ACTIVE)):
            page.choose(session_id)
            await tabs.settle()
            assert {shown for shown, _ in (one.looks_at, two.looks_at)} == {session_id}

    run(scene())


def test_a_tab_that_joins_looks_where_the_others_look():
    async def scene():
        tabs = Tabs()
        one, _two = await tabs.open(), await tabs.open()
        one.choose(OTHER)
        await tabs.settle()
        for page in tabs.pages:
            page.posted.clear()
        late = await tabs.open()
        tabs.check(OTHER, OTHER)
        assert [len(page.posted) for page in tabs.pages] == [1, 0, 1], "it asks, the leader answers"

        late.rig.live.connection.restart()  # catching up leaves it there
        await tabs.settle()
        tabs.check(OTHER, OTHER)

    run(scene())


def test_a_choice_holds_until_the_proxy_goes_on_elsewhere():
    async def scene():
        tabs = Tabs()
        one, _two = await tabs.open(), await tabs.open()
        one.choose(OTHER)
        await tabs.settle()
        row = {**recorded_value(OLDEST, "active_busy")["session"], "id": ACTIVE, "is_active": 1}
        one.rig.sockets.last.say({"type": "new_session", "session": row})
        await tabs.settle()
        tabs.check(ACTIVE, None)
        await tabs.open()
        tabs.check(ACTIVE, None)

    run(scene())


def test_the_choice_of_another_tab_does_not_disturb_one_that_is_made_here():
    async def scene():
        tabs = Tabs()
        one = await tabs.open()
        one.choose(OTHER)
        one.rig.bus.emit(commands.VIEW, {"id": THIRD, "pinned": True})
        await tabs.settle()
        tabs.check(OTHER, OTHER)

    run(scene())


def test_a_choice_that_comes_while_the_page_starts_is_not_undone_by_the_start():
    async def scene():
        tabs = Tabs()
        gate = asyncio.Event()
        http = proxy(OLDEST)
        ask, held = http.request, ["/api/sessions/active"]

        async def request(method, path, body=None, *, timeout):
            if path in held:
                held.remove(path)
                await gate.wait()
            return await ask(method, path, body, timeout=timeout)

        http.request = request
        page = Page(tabs.browser, OLDEST, http)
        tabs.pages.append(page)
        await tabs.settle()
        page.rig.bus.emit(commands.VIEW, {"id": OTHER, "pinned": True})
        await tabs.settle()
        assert page.looks_at == (OTHER, OTHER)
        gate.set()
        await tabs.settle()
        tabs.check(OTHER, OTHER)

    run(scene())


def test_a_tab_that_changes_its_user_follows_the_tabs_of_that_user_only():
    async def scene():
        tabs = Tabs()
        one, two = await tabs.open(), await tabs.open()
        two.view.move("bob")
        one.choose(OTHER)
        await tabs.settle()
        assert (one.looks_at, two.looks_at) == ((OTHER, OTHER), (ACTIVE, None))
        two.view.move("default")
        await tabs.settle()
        tabs.check(OTHER, OTHER)
        assert len(two.tab.channels) == 2

    run(scene())


def test_a_choice_that_fails_here_stays_without_consequence_there():
    async def scene():
        tabs = Tabs()
        one, _two = await tabs.open(), await tabs.open()
        one.posted.clear()
        one.choose(99)
        await tabs.settle()
        tabs.check(ACTIVE, None)
        assert one.posted == []

    run(scene())


def test_a_proxy_that_tells_everybody_needs_no_word_between_tabs():
    async def scene():
        tabs = Tabs(NEWEST)
        one, _two = await tabs.open(), await tabs.open()
        one.posted.clear()
        one.choose(OTHER)
        await tabs.settle()
        assert one.looks_at == (OTHER, None)
        assert one.posted == []

    run(scene())


@pytest.mark.parametrize(
    "text", ["", "[", "null", '{"at": "x", "id": 5}', '{"at": 9e99, "id": {}}']
)
def test_what_makes_no_sense_is_ignored(text):
    async def scene():
        tabs = Tabs()
        one, two = await tabs.open(), await tabs.open()
        two.tab.channels[-1].on_text(text)
        await tabs.settle()
        tabs.check(ACTIVE, None)
        one.choose(OTHER)
        await tabs.settle()
        tabs.check(OTHER, OTHER)

    run(scene())

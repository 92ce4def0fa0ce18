"""Tabs that share one connection: who holds it, what the others hear, and who comes next."""

from __future__ import annotations

import asyncio

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from sessions import commands
from sessions.connection import LONGEST_DELAY, Phase
from sessions.tabs import ANSWER_TIMEOUT, Leadership, SharedSockets
from tests.browser import FakeBrowser
from tests.driver import run
from tests.fakes import (
    VERSIONS,
    FakeHttp,
    FakeSockets,
    Rig,
    answer,
    examples,
    recorded_value,
)
from tests.support import FakeClock, FakeScheduler, Recorder

NEWEST = VERSIONS[-1]


class Proxy:
    """A proxy with one session; every page's sockets end here."""

    def __init__(self):
        self.http = FakeHttp.speaking(NEWEST)
        self.ids = []
        self.is_up = True
        self.is_slow = False  # whoever connects waits
        self._answer()

    def request(self, pages):
        """Let an IDE's request through, and tell whoever is connected."""
        self.ids.append(len(self.ids) + 1)
        self._answer()
        frame = {
            "type": "metric_updated",
            "metric_id": self.ids[-1],
            "session_id": 2,
            "real_tokens": {"total": 100, "prompt": 90, "completion": 10, "percentage": 1},
            "cumulative_tokens": 100,
            "cumulative_percentage": 1.0,
            "source": "proxy",
        }
        for page in pages:
            for socket in page.connected:
                page.arriving.append((socket, frame))

    def _answer(self):
        value = recorded_value(NEWEST, "active_busy")
        value["session"]["id"] = 2
        value["stats"] = {}
        value["recent_metrics"] = [
            {
                "id": number,
                "session_id": 2,
                "timestamp": "2026-11-22 06:39:03",
                "estimated_tokens": 100,
                "prompt_tokens": 90,
                "completion_tokens": 10,
                "percentage": 1.0,
                "content_preview": f"question {number}",
                "is_estimated": 0,
                "source": "proxy",
            }
            for number in reversed(self.ids)
        ]
        for path in ("/api/sessions/active", "/api/sessions/2"):
            self.http.on("GET", path, answer(value))


class Page:
    """One tab with the whole core in it."""

    def __init__(self, world, name):
        self.world = world
        self.tab = world.browser.tab()
        self.rig = Rig(world.proxy.http, self._share)
        self.rig.clock.time = world.time
        self.arriving = []
        self.accepted = set()
        self.is_frozen = False
        self.name = name
        self.rig.live.start()
        self.shared.start()

    def _share(self, rig):
        self.shared = SharedSockets(
            rig.sockets, self.tab, self.tab, rig.bus, rig.clock, rig.scheduler,
            self.world.name_of(self),
        )  # fmt: skip
        return self.shared

    @property
    def phase(self):
        return self.rig.live.connection.state.phase

    @property
    def connected(self):
        return [socket for socket in self.rig.sockets.live if socket in self.accepted]

    @property
    def ids(self):
        return [metric.id for metric in self.rig.state.metrics()]

    def network(self):
        """Let the next thing of the network happen to this page; False when there is none."""
        for socket in self.rig.sockets.live:
            if socket not in self.accepted and not self.world.proxy.is_slow:
                if self.world.proxy.is_up:
                    self.accepted.add(socket)
                    socket.listener.on_open()
                else:
                    socket.drop()
                return True
        while self.arriving:
            socket, frame = self.arriving.pop(0)
            if not socket.closed:
                socket.drop() if frame is None else socket.say(frame)
                return True
        return False

    def close(self):
        """What the browser does: it tells the page first."""
        self.shared.suspend()
        self.crash()

    def crash(self):
        self.world.pages.remove(self)
        self.tab.end()
        for socket in self.rig.sockets.live:
            socket.closed = True

    def freeze(self, *, told):
        if told and not self.is_frozen:
            self.shared.suspend()
        self.is_frozen = True

    def thaw(self):
        """Go on; what the timers missed they make up for."""
        self.is_frozen = False
        self.rig.scheduler.advance((self.world.time - self.rig.clock.time) / 1000)
        self.shared.resume()


class World:
    """A browser with pages, and a proxy behind them."""

    def __init__(self):
        self.browser = FakeBrowser()
        self.proxy = Proxy()
        self.pages = []
        self.time = 1_700_000_000_000.0
        self.all = []
        self._next_name = "default"

    def name_of(self, page):
        return self._next_name

    def open(self, name="default"):
        self._next_name = name
        page = Page(self, name)
        self.pages.append(page)
        self.all.append(page)
        return page

    async def opened(self, count=1):
        """That many pages, one after the other; the first leads."""
        pages = []
        for _ in range(count):
            pages.append(self.open())
            await self.settle()
        return pages

    @property
    def awake(self):
        return [page for page in self.pages if not page.is_frozen]

    async def settle(self):
        """Let everything happen that can happen at this moment."""
        busy = True
        while busy:
            await self.tasks()
            self.browser.grant()
            busy = False
            for page in self.awake:
                while page.network() or page.tab.next():
                    busy = True

    async def tasks(self):
        while tasks := [task for page in self.all for task in page.rig.scheduler.tasks]:
            await asyncio.wait(tasks)

    async def later(self, seconds):
        await self.settle()
        while seconds > 0:
            step = min(seconds, 1.0)
            seconds -= step
            self.time += step * 1000
            for page in self.awake:
                page.rig.scheduler.advance(step)
            await self.settle()

    async def request(self, count=1):
        for _ in range(count):
            self.proxy.request(self.pages)
        await self.settle()

    def drop(self):
        """Break every connection."""
        for page in self.pages:
            page.arriving += [(socket, None) for socket in page.connected]

    def sockets(self):
        """How many connections to the proxy are open, or being opened."""
        return sum(len(page.rig.sockets.live) for page in self.pages)

    def check(self):
        """Everybody is connected, through one socket a name, and knows each request once."""
        names = {page.name for page in self.pages}
        assert self.sockets() == len(names)
        for page in self.pages:
            assert page.phase is Phase.CONNECTED
            assert page.ids == self.proxy.ids
            assert page.rig.state.session_totals().total_requests == len(self.proxy.ids)
        for page in self.all:
            page.rig.check()


# -- one connection --------------------


@pytest.mark.parametrize("count", [1, 2, 10])
def test_any_number_of_tabs_opens_one_connection(count):
    async def scene(world):
        pages = await world.opened(count)
        assert world.sockets() == 1
        assert [page.shared.is_leader for page in pages] == [True] + [False] * (count - 1)
        await world.request(20)
        world.check()

    run(scene(World()))


def test_tabs_that_open_at_the_same_moment_agree():
    async def scene(world):
        for _ in range(4):
            world.open()
        await world.settle()
        await world.request(3)
        world.check()

    run(scene(World()))


def test_a_lone_tab_passes_nothing_on():
    async def scene(world):
        (page,) = await world.opened()
        (channel,) = page.tab.channels
        channel.posted.clear()
        await world.request(5)
        assert channel.posted == []

    run(scene(World()))


def test_users_apart_have_a_connection_each_and_do_not_hear_each_other():
    async def scene(world):
        ann, bob = world.open("ann"), world.open("bob")
        await world.settle()
        assert ann.shared.is_leader
        assert bob.shared.is_leader
        ann.rig.sockets.last.say({"type": "from_the_future"})
        await world.settle()
        assert bob.rig.live.ignored == {}
        await world.request(3)
        world.check()

    run(scene(World()))


@pytest.mark.parametrize("mover", [0, 1])
def test_a_tab_that_changes_its_user_leaves_the_others_connected(mover):
    async def scene(world):
        pages = await world.opened(3)
        await world.request()
        page = pages[mover]
        page.name = "bob"
        page.shared.move("bob")
        await world.settle()
        await world.request()
        world.check()

        page.name = "default"
        page.shared.move("default")
        await world.settle()
        await world.request()
        world.check()
        assert len(page.tab.channels) == 1

    run(scene(World()))


def test_frames_reach_followers_as_they_came():
    async def scene(world):
        leader, follower = await world.opened(2)
        for text in ("no JSON", "", '{"type": "x y"}', '{"type":"z",\n"ü": "\\u2028 🙂"}'):
            leader.rig.sockets.last.say(text)
        await world.settle()
        assert follower.rig.live.ignored == leader.rig.live.ignored
        assert follower.rig.live.ignored == {"malformed": 2, "x y": 1, "z": 1}

    run(scene(World()))


def test_a_tab_that_joins_late_learns_that_the_connection_is_open():
    async def scene(world):
        await world.opened()
        await world.request(4)
        late = world.open()
        world.proxy.request(world.pages)  # at the very moment at which it joins
        await world.settle()
        assert late.phase is Phase.CONNECTED
        world.check()

    run(scene(World()))


# -- the leader goes --------------------


@pytest.mark.parametrize("how", ["close", "crash"])
def test_when_the_leader_goes_the_next_one_connects_and_nothing_is_missing(how):
    async def scene(world):
        first, *others = await world.opened(4)
        await world.request(3)
        world.proxy.request(world.pages)  # still under way to the leader
        getattr(first, how)()
        world.proxy.request(world.pages)  # nobody is connected
        await world.settle()
        assert [page.shared.is_leader for page in others] == [True, False, False]
        await world.request(3)
        world.check()

    run(scene(World()))


def test_followers_stay_connected_while_the_lead_passes_on():
    async def scene(world):
        first, _second, third = await world.opened(3)
        phases = []
        third.rig.bus.on("connection:changed", lambda state: phases.append(state.phase))
        first.close()
        await world.settle()
        assert Phase.WAITING not in phases
        assert phases[-1] is Phase.CONNECTED

    run(scene(World()))


def test_a_leader_that_is_kept_to_go_back_to_joins_again_as_a_follower():
    async def scene(world):
        first, second = await world.opened(2)
        first.freeze(told=True)
        assert first.rig.sockets.live == []
        await world.settle()
        assert second.shared.is_leader
        await world.request(3)
        first.thaw()
        await world.settle()
        assert not first.shared.is_leader
        world.check()

    run(scene(World()))


def test_a_follower_that_missed_frames_notices_by_their_numbers():
    async def scene(world):
        _leader, follower = await world.opened(2)
        world.proxy.request(world.pages)
        follower.freeze(told=False)
        await world.settle()
        follower.tab.inbox.clear()  # the browser did not keep them
        follower.thaw()
        await world.request()
        world.check()

    run(scene(World()))


def test_a_follower_that_missed_a_reconnection_notices_by_the_numbers():
    async def scene(world):
        _leader, follower = await world.opened(2)
        follower.freeze(told=False)
        world.drop()
        await world.settle()
        world.proxy.request(world.pages)
        await world.later(2)
        follower.tab.inbox.clear()
        follower.thaw()
        follower.rig.bus.emit(commands.WAKE)
        await world.settle()
        world.check()

    run(scene(World()))


# -- the proxy goes --------------------


def test_a_lost_connection_is_lost_for_all_and_found_by_all_at_once():
    async def scene(world):
        pages = await world.opened(3)
        world.proxy.is_up = False
        world.drop()
        await world.later(20)
        assert {page.phase for page in pages} == {Phase.WAITING}
        assert sum(len(page.rig.sockets.all) for page in pages[1:]) == 0
        world.proxy.request(world.pages)
        world.proxy.is_up = True
        await world.later(LONGEST_DELAY)
        world.check()

    run(scene(World()))


def test_ten_tabs_knock_no_oftener_than_one():
    def attempts(count):
        async def scene(world):
            pages = await world.opened(count)
            world.proxy.is_up = False
            world.drop()
            for _ in range(60):
                await world.later(1)
            return sum(len(page.rig.sockets.all) for page in pages)

        return run(scene(World()))

    assert attempts(10) <= 2 * attempts(1)


def test_a_leader_whose_timers_sleep_is_woken_by_a_follower_that_asks():
    async def scene(world):
        leader, follower = await world.opened(2)
        world.proxy.is_up = False
        world.drop()
        await world.settle()
        world.proxy.is_up = True
        # Time passes for both, but the leader's timers do not run.
        for page in world.pages:
            page.rig.clock.time += 90_000
        assert leader.phase is Phase.WAITING
        follower.rig.scheduler.advance(0)
        await world.settle()
        world.check()

    run(scene(World()))


def test_looking_at_a_follower_makes_the_leader_try_at_once():
    async def scene(world):
        leader, follower = await world.opened(2)
        world.proxy.is_up = False
        world.drop()
        await world.later(40)
        world.proxy.is_up = True
        assert leader.phase is Phase.WAITING
        follower.rig.bus.emit(commands.WAKE)
        await world.settle()
        world.check()

    run(scene(World()))


# -- the leader hangs --------------------


def test_nobody_waits_for_a_leader_that_hangs():
    async def scene(world):
        leader, follower = await world.opened(2)
        leader.freeze(told=False)
        late = world.open()
        await world.later(ANSWER_TIMEOUT)
        assert late.phase is Phase.CONNECTED
        world.proxy.request(world.pages)
        await world.settle()
        assert late.ids == world.proxy.ids

        follower.rig.bus.emit(commands.WAKE)
        await world.later(ANSWER_TIMEOUT)
        await world.later(ANSWER_TIMEOUT)
        assert follower.ids == world.proxy.ids

        leader.thaw()
        await world.request()
        world.check()

    run(scene(World()))


def test_a_tab_that_went_alone_shares_again_as_soon_as_the_leader_is_heard():
    async def scene(world):
        leader, follower = await world.opened(2)
        leader.is_frozen = True  # it hangs, and is not told of it
        follower.rig.bus.emit(commands.WAKE)
        await world.later(2 * ANSWER_TIMEOUT)
        assert world.sockets() == 2
        leader.is_frozen = False
        await world.settle()
        world.check()

    run(scene(World()))


def test_a_connection_that_takes_its_time_to_connect_anew_is_opened_once():
    async def scene():
        browser, recorder, clock = FakeBrowser(), Recorder(), FakeClock()
        tab, other, sockets = browser.tab(), browser.tab(), FakeSockets()
        scheduler = FakeScheduler(clock)
        shared = SharedSockets(sockets, tab, tab, recorder.bus, clock, scheduler, "name")
        recorder.listen(commands.RESTART)
        heard = []

        class Listener:
            on_open = staticmethod(lambda: heard.append("open"))
            on_text = staticmethod(heard.append)
            on_close = staticmethod(lambda: heard.append("close"))

        shared.connect(Listener)
        scheduler.advance(ANSWER_TIMEOUT)
        leader = other.open(tab.channels[0].name, lambda _: None)
        leader.post("open 5 3 ")
        tab.next()
        assert recorder.topics() == [commands.RESTART]
        sockets.last.listener.on_open()
        assert heard == ["open"]

    run(scene())


def test_nobody_gives_up_on_a_leader_that_is_still_trying():
    async def scene(world):
        world.proxy.is_slow = True
        first = world.open()
        await world.settle()
        world.open()  # asks
        await world.settle()
        third = world.open()
        world.browser.grant()
        await world.later(2 * ANSWER_TIMEOUT)
        assert world.sockets() == 1
        first.crash()
        await world.later(2 * ANSWER_TIMEOUT)
        assert world.sockets() == 1
        assert third.phase is Phase.CONNECTING
        world.proxy.is_slow = False
        await world.request()
        world.check()

    run(scene(World()))


def test_tabs_that_open_together_wait_for_the_one_that_may_connect():
    async def scene(world):
        world.proxy.is_slow = True
        for _ in range(3):
            world.open()
        await world.later(2 * ANSWER_TIMEOUT)
        assert world.sockets() == 1

    run(scene(World()))


def test_what_an_earlier_leader_still_says_is_ignored():
    async def scene(world):
        first, _second, third = await world.opened(3)
        world.proxy.request(world.pages)
        first.network()
        late = third.tab.inbox.pop()
        first.crash()
        await world.settle()
        phases = []
        third.rig.bus.on("connection:changed", lambda state: phases.append(state.phase))
        third.tab.inbox.append(late)
        await world.request()
        assert phases == []
        world.check()

    run(scene(World()))


@pytest.mark.parametrize("text", ["", "frame", "open x 1 ", "open 1 y ", "what 1 1 ", "frame 1 1"])
def test_what_makes_no_sense_is_ignored(text):
    async def scene(world):
        _leader, follower = await world.opened(2)
        (channel,) = follower.tab.channels
        channel.on_text(text)
        await world.request()
        world.check()

    run(scene(World()))


# -- leadership --------------------


def test_leadership_passes_on_when_it_is_released():
    browser, gained = FakeBrowser(), []
    one, two = (
        Leadership(browser.tab(), "name", lambda number=number: gained.append(number))
        for number in (1, 2)
    )
    one.claim()
    one.claim()
    two.claim()
    assert not one.is_leader, "the browser has not answered yet"
    _tell(browser)
    assert (one.is_leader, two.is_leader) == (True, False)
    one.release()
    one.release()
    _tell(browser)
    assert (one.is_leader, two.is_leader, gained) == (False, True, [1, 2])


def test_a_claim_taken_back_in_time_is_never_granted():
    browser = FakeBrowser()
    leadership = Leadership(browser.tab(), "name")
    leadership.claim()
    browser.grant()
    leadership.release()
    _tell(browser)
    assert not leadership.is_leader


def _tell(browser):
    browser.grant()
    for tab in browser.tabs:
        while tab.next():
            pass


# -- everything at once --------------------

NUMBER = st.integers(0, 4)
STEP = st.one_of(
    st.tuples(st.just("open")),
    st.tuples(st.just("request")),
    st.tuples(st.just("request")),
    st.tuples(st.just("deliver"), NUMBER, st.integers(1, 6)),
    st.tuples(st.just("deliver"), NUMBER, st.integers(1, 6)),
    st.tuples(st.just("settle")),
    st.tuples(st.sampled_from(["close", "crash", "thaw", "look", "online"]), NUMBER),
    st.tuples(st.just("freeze"), NUMBER, st.booleans()),
    st.tuples(st.sampled_from(["up", "down", "drop"])),
    st.tuples(st.just("later"), st.sampled_from([0.1, 1.0, 6.0, 40.0])),
)


async def do(world, step):
    kind, *rest = step
    if kind == "open":
        if len(world.pages) < 5:
            world.open()
        return
    if kind == "request":
        world.proxy.request(world.pages)
    elif kind == "settle":
        await world.settle()
    elif kind == "later":
        await world.later(rest[0])
    elif kind in ("up", "down"):
        world.proxy.is_up = kind == "up"
        if kind == "down":
            world.drop()
    elif kind == "drop":
        world.drop()
    elif rest[0] < len(world.pages):
        page = world.pages[rest[0]]
        if kind == "deliver" and not page.is_frozen:
            world.browser.grant()
            for _ in range(rest[1]):
                page.tab.next() or page.network()
                await world.tasks()
        elif kind == "freeze":
            page.freeze(told=rest[1])
        elif kind == "thaw" and page.is_frozen:
            page.thaw()
        elif kind == "close" and not page.is_frozen:
            page.close()
        elif kind == "crash":
            page.crash()
        elif kind == "look" and not page.is_frozen:
            page.rig.bus.emit(commands.WAKE)
        elif kind == "online" and not page.is_frozen:
            page.rig.bus.emit(commands.RESTART)


@examples(150)
@given(steps=st.lists(STEP, max_size=40))
@example(steps=[("close", 0), ("settle",), ("open",), ("freeze", 0, True)])
def test_whatever_happens_every_tab_ends_up_with_everything_once(steps):
    async def scene(world):
        await world.opened(2)
        for step in steps:
            await do(world, step)
        world.proxy.is_up = True
        for page in list(world.pages):
            if page.is_frozen:
                page.thaw()
        for _ in range(8):
            await world.later(LONGEST_DELAY / 2)
        await world.request(2)
        await world.later(3)
        world.check()

    run(scene(World()))

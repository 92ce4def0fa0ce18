"""Looking for the proxy while the page is open: when, where, and what becomes of it."""

from __future__ import annotations

import asyncio

import pytest

from sessions import commands, events
from sessions.connection import ConnectionState, Phase
from sessions.discovery import DEFAULT_ADDRESS, DEMO, FOUND, Discovery, Finding, plan
from sessions.errors import ProxyUnreachable
from sessions.preferences import PREFERENCES_CHANGED
from sessions.search import FIRST_LIMIT, LOST_AFTER, NO_HURRY, QUIET, REST, WAITING, Search, pause
from tests.driver import run
from tests.fakes import MISSING_ROUTE, answer, plain
from tests.support import FakeClock, Recorder

HERE, USUAL = "http://here:8080", DEFAULT_ADDRESS
PROXY, FAULT = answer([]), plain("Internal Server Error", 500)
NOBODY = ProxyUnreachable("GET /api/sessions", "No answer.")


class World(FakeClock):
    """A page that looks for its proxy; time passes as the event loop's, and costs nothing."""

    def __init__(self, **where):
        super().__init__()
        self.answers = {}
        self.delays = {}
        self.asked = []
        self.remembered = []
        self.is_seen = True
        self.recorder = Recorder()
        self.recorder.listen(FOUND, commands.WAKE)
        where = {"query": None, "remembered": None, "last_known": None, **where}
        self.search = Search(
            plan(page=f"{HERE}/", **where), self._http_for, self.recorder.bus, self, self,
            remember=self.remembered.append, is_seen=lambda: self.is_seen,
        )  # fmt: skip
        self.tasks = set()

    def now(self):
        return super().now() + asyncio.get_running_loop().time() * 1000

    def call_later(self, delay, callback):
        return asyncio.get_running_loop().call_later(delay, callback)

    def start(self, work):
        self.tasks.add(asyncio.ensure_future(work))

    def _http_for(self, address):
        world = self

        class Http:
            async def request(self, *_arguments, **_options):
                world.asked.append(address)
                await asyncio.sleep(world.delays.get(address, 0.01))
                reply = world.answers.get(address, NOBODY)
                if isinstance(reply, BaseException):
                    raise reply
                return reply

        return Http()

    async def open(self):
        """Start the page, and take what was asked for that."""
        found = await self.search.begin()
        self.search.go_on()
        return found

    def take(self):
        asked, self.asked = self.asked, []
        return asked

    def line(self, phase, attempt=0):
        state = ConnectionState(phase, attempt, None, False, HERE)
        self.recorder.bus.emit(events.CONNECTION_CHANGED, state)

    def tell(self, topic):
        self.recorder.bus.emit(topic)

    @property
    def found(self):
        return self.search.found

    def told(self, topic):
        return [payload for name, payload in self.recorder.take() if name == topic]

    def check(self):
        assert self.recorder.errors == []
        for task in self.tasks:
            assert not task.done() or task.exception() is None


def play(scene, **where):
    """Run a scene in a world of its own."""

    async def whole():
        world = World(**where)
        await scene(world)
        world.check()

    run(whole())


# -- the first visit --------------------


@pytest.mark.parametrize(
    ("reply", "seconds", "finding"),
    [(FAULT, 0.01, Finding.FAULT), (PROXY, FIRST_LIMIT * 1.5, Finding.TOO_SLOW)],
)
def test_who_is_slow_or_fails_at_the_first_visit_is_waited_for(reply, seconds, finding):
    async def scene(world):
        world.answers[HERE], world.delays[HERE] = reply, seconds
        found = await world.open()
        assert (found.address, found.finding) == (HERE, finding)
        assert world.remembered == []  # nobody knows yet whether it is a proxy
        world.answers[HERE] = PROXY
        await asyncio.sleep(WAITING[0] + FIRST_LIMIT * 1.5 + 0.1)
        assert world.found.is_found
        assert world.remembered == [HERE]
        assert world.recorder.topics() == [FOUND, commands.WAKE]

    play(scene)


def test_the_pauses_grow_and_looking_at_the_page_ends_them():
    async def scene(world):
        world.answers[HERE] = FAULT
        await world.open()
        world.take()
        await asyncio.sleep(600)
        assert 12 <= world.take().count(HERE) <= 16  # 2, 4, 8, 16, 32 seconds, then every minute
        for reason in (commands.WAKE, commands.RESTART):
            world.tell(reason)
            await asyncio.sleep(0.1)
            assert world.take() == [HERE, USUAL]
            await asyncio.sleep(WAITING[0] + 0.1)
            assert world.take() == [HERE, USUAL]  # and the pauses are short again

    play(scene)


def test_nobody_is_asked_while_nobody_sees_the_page():
    async def scene(world):
        await world.open()
        world.take()
        world.is_seen = False
        await asyncio.sleep(3600)
        assert world.take() == []
        world.is_seen = True
        world.tell(commands.WAKE)
        await asyncio.sleep(0.1)
        assert world.take() == [HERE, USUAL]
        await asyncio.sleep(QUIET[0] + 0.1)
        assert world.take() == [HERE, USUAL]

    play(scene)


def test_a_proxy_that_is_there_at_once_is_asked_once():
    async def scene(world):
        world.answers[HERE] = world.answers[USUAL] = PROXY
        assert (await world.open()).is_found
        world.line(Phase.CONNECTED)
        world.tell(commands.WAKE)
        await asyncio.sleep(3600)
        assert world.asked == [HERE]
        assert world.remembered == [HERE]
        assert world.recorder.take() == [(commands.WAKE, None)]

    play(scene)


# -- the demo --------------------


def test_a_proxy_that_turns_up_beside_the_demo_is_offered_and_not_taken():
    async def scene(world):
        assert (await world.open()).is_demo
        world.answers[USUAL] = PROXY
        await asyncio.sleep(QUIET[0] + 0.1)
        (found,) = world.told(FOUND)
        assert (found.address, found.offer) == (DEMO, USUAL)
        assert world.remembered == []
        world.take()
        await asyncio.sleep(3600)
        assert world.take() == []  # it is on the screen: there is nothing more to find

    play(scene)


def test_the_demo_looks_rarely_however_often_a_person_comes_back():
    async def scene(world):
        await world.open()
        world.take()
        for _ in range(60):
            world.tell(commands.WAKE)
            await asyncio.sleep(0.5)
        assert world.take().count(HERE) <= 30 / REST
        await asyncio.sleep(3600)
        assert world.take().count(HERE) <= 3600 / QUIET[1] + 5

    play(scene)


def test_what_another_tab_found_is_looked_for_at_once():
    async def scene(world):
        await world.open()
        await asyncio.sleep(REST)
        world.answers[USUAL] = PROXY
        world.tell(PREFERENCES_CHANGED)
        await asyncio.sleep(0.1)
        assert world.found.offer == USUAL

    play(scene)


def test_somebody_beside_the_demo_who_only_fails_is_not_offered():
    async def scene(world):
        await world.open()
        world.answers[HERE] = FAULT
        await asyncio.sleep(QUIET[0] + 0.1)
        assert world.found.is_demo
        assert world.found.offer is None
        assert [visit.finding for visit in world.found.visits] == [
            Finding.FAULT,
            Finding.NO_ANSWER,
        ]

    play(scene)


@pytest.mark.parametrize("by", ["query", "remembered"])
def test_a_chosen_demo_asks_nobody(by):
    async def scene(world):
        world.answers[HERE] = PROXY
        assert await world.open() == Discovery(DEMO, ())
        world.tell(commands.WAKE)
        await asyncio.sleep(3600)
        assert world.asked == []

    play(scene, last_known=HERE, **{by: DEMO})


# -- a proxy that answered once --------------------


@pytest.mark.parametrize("reply", [PROXY, FAULT, MISSING_ROUTE, NOBODY])
@pytest.mark.parametrize("where", [{"last_known": USUAL}, {"query": USUAL}, {"remembered": USUAL}])
def test_where_it_is_known_the_page_connects_at_once_and_stays_there(reply, where):
    async def scene(world):
        world.answers[USUAL], world.delays[USUAL] = reply, 5
        before = world.now()
        assert await world.open() == Discovery(USUAL, (), is_settled=False)
        assert (world.now(), world.asked) == (before, [])
        await asyncio.sleep(600)
        assert world.found.address == USUAL
        assert world.found.is_found == (reply is PROXY)

    play(scene, **where)


def test_the_last_known_one_is_waited_for_and_another_only_offered():
    async def scene(world):
        world.answers[HERE] = PROXY
        await world.open()
        await asyncio.sleep(NO_HURRY + 0.1)
        assert (world.found.address, world.found.offer) == (USUAL, HERE)
        assert world.found.finding is Finding.NO_ANSWER
        world.answers[USUAL] = PROXY
        world.line(Phase.CONNECTED)
        await asyncio.sleep(NO_HURRY + 0.1)
        assert world.found.is_found
        assert world.found.offer is None
        assert world.remembered == [USUAL]

    play(scene, last_known=USUAL)


def test_nobody_else_is_asked_where_the_last_known_one_answers():
    async def scene(world):
        world.answers[HERE] = world.answers[USUAL] = PROXY
        await world.open()
        await asyncio.sleep(3600)
        assert world.asked == [USUAL]

    play(scene, last_known=USUAL)


def test_a_proxy_that_is_lost_for_a_while_lets_the_page_look_for_others():
    async def scene(world):
        world.answers[HERE] = PROXY
        await world.open()
        world.take()
        world.answers = {USUAL: PROXY}
        for attempt in range(1, LOST_AFTER):
            world.line(Phase.WAITING, attempt)
        await asyncio.sleep(60)
        assert world.take() == []
        world.line(Phase.WAITING, LOST_AFTER)
        await asyncio.sleep(NO_HURRY + 0.1)
        assert (world.found.address, world.found.offer) == (HERE, USUAL)
        assert world.take() == [HERE, USUAL]

    play(scene)


def test_a_line_that_fails_alone_waits_longer_from_attempt_to_attempt_all_the_same():
    async def scene(world):
        world.answers[HERE] = world.answers[USUAL] = PROXY
        await world.open()
        world.recorder.take()
        for attempt in range(1, 20):
            world.line(Phase.WAITING, attempt)
            await asyncio.sleep(30)
        assert world.told(commands.WAKE) == []  # requests are answered: that is no news
        assert USUAL not in world.asked

    play(scene)


@pytest.mark.parametrize("by", ["query", "remembered"])
def test_a_persons_choice_is_kept_and_nothing_else_offered(by):
    async def scene(world):
        world.answers[HERE] = PROXY
        await world.open()
        await asyncio.sleep(60)
        world.line(Phase.WAITING, 9)
        await asyncio.sleep(60)
        assert (world.found.address, world.found.offer) == (USUAL, None)
        assert set(world.asked) == {USUAL}
        world.answers[USUAL] = PROXY
        world.tell(commands.WAKE)
        await asyncio.sleep(1)
        assert world.found.is_found
        assert world.remembered == []
        world.take()
        world.line(Phase.WAITING, 9)
        await asyncio.sleep(60)
        assert world.take() == []

    play(scene, **{by: USUAL})


def test_pauses_have_an_end():
    assert pause(10**6, WAITING) == WAITING[1]

"""The one way the current session changes: atomic, undone when it fails, the last call wins."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Iterable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sessions import events
from sessions.errors import (
    ProxyRefused,
    ProxyUnreachable,
    SessionNotFound,
    SwitchFailed,
    SwitchSuperseded,
)
from sessions.manager import MAX_HISTORY, SessionManager
from sessions.models import Session, SessionDetail, to_plain
from sessions.state import SessionState
from tests.driver import run, settle
from tests.support import FakeClock, Recorder

MISSING = 99
LISTENED = (
    events.SESSION_CHANGED,
    events.SWITCH_FAILED,
    events.SESSION_UPDATED,
    events.METRICS_CLEARED,
)


class Call:
    """A request on its way: the proxy carries it out, then the page hears of it."""

    def __init__(self, kind: str, session_id: Any) -> None:
        self.kind = kind
        self.session_id = session_id
        self.done = False
        self.answer: asyncio.Future[None] = asyncio.get_running_loop().create_future()


class FakeProxy:
    """A backend whose every answer waits until the test gives it.

    Like the real one it has no active session any more once it was asked to activate one
    that does not exist.
    """

    def __init__(self, active: int | None = None, *, by_hand: bool = False) -> None:
        self.active = active
        self.by_hand = by_hand
        self.activates_to_load = False
        self.can_activate = True
        self.calls: list[Call] = []
        self.asked: list[tuple[str, Any]] = []
        self.failing: set[str] = set()
        self.rows: dict[int, list[dict[str, Any]]] = {}

    async def load_session(self, session_id: Any) -> SessionDetail | None:
        await self._ask("load", session_id)
        if int(session_id) == MISSING:
            return None
        number = int(session_id)
        session = {"id": number, "model": f"kimi-{number % 2}", "max_context": number * 1000}
        return SessionDetail.from_wire(
            {"session": session, "recent_metrics": self.rows.get(number, [])}
        )

    async def activate_session(self, session_id: Any) -> bool:
        await self._ask("activate", session_id)
        if int(session_id) == MISSING:
            raise ProxyRefused("POST activate", "Session introuvable", 200)
        return self.can_activate

    async def _ask(self, kind: str, session_id: Any) -> None:
        self.asked.append((kind, session_id))
        call = Call(kind, session_id)
        if not self.by_hand:
            if kind in self.failing:
                raise ProxyUnreachable("route", "The proxy does not answer.")
            self.carry_out(call)
            return
        self.calls.append(call)
        try:
            await call.answer
        finally:
            self.calls.remove(call)

    def carry_out(self, call: Call) -> None:
        if call.kind == "activate" and self.can_activate and not call.done:
            missing = int(call.session_id) == MISSING
            self.active = None if missing else int(call.session_id)
        call.done = True

    def reply(self, call: Call) -> None:
        if not call.answer.done():
            self.carry_out(call)
            call.answer.set_result(None)

    def fail(self, call: Call) -> None:
        if not call.answer.done():
            call.answer.set_exception(ProxyUnreachable("route", "The proxy does not answer."))


class Page:
    """A manager with its state, its proxy, and everything that it told the bus."""

    def __init__(self, active: int | None = 1, *, by_hand: bool = False, **options: Any) -> None:
        self.proxy = FakeProxy(active, by_hand=by_hand)
        self.recorder = Recorder()
        self.state = SessionState(self.recorder.bus, FakeClock())
        self.manager = SessionManager(self.state, self.recorder.bus, self.proxy, **options)
        self.switches: list[tuple[int, asyncio.Task[Session]]] = []
        if active is not None:
            self.manager.adopt(SessionDetail.from_wire({"session": {"id": active, "model": "m"}}))
        self.recorder.listen(*LISTENED)

    def observable(self) -> tuple[Any, ...]:
        """All that a failed switch must leave as it was."""
        return (
            self.manager.get_active_session(),
            self.state.session_id,
            self.state.metrics(),
            self.state.max_context,
            self.state.memory,
            dict(self.manager.session_proxy_map),
            self.manager.session_history,
        )

    @property
    def current(self) -> Any:
        return self.state.session_id

    def begin(self, session_id: Any, **options: Any) -> asyncio.Task[Session]:
        work: Coroutine[Any, Any, Session] = self.manager.switch_session(session_id, **options)
        task = asyncio.get_running_loop().create_task(work)
        self.switches.append((session_id, task))
        return task

    async def answer_all(self) -> None:
        """Let the proxy answer until nobody asks any more."""
        for _ in range(100):
            await settle()
            if not self.proxy.calls:
                return
            self.proxy.reply(self.proxy.calls[0])
        raise AssertionError("It never stops asking.")

    def topics(self) -> list[str]:
        return [str(topic) for topic, _ in self.recorder.take()]


# -- one switch -------------------------------------------------------------------------


@pytest.mark.parametrize("activate", [False, True])
def test_a_switch_replaces_everything_in_one_step_and_is_announced_once(activate: bool) -> None:
    page = Page()
    page.proxy.rows[2] = [{"id": 6}, {"id": 5}]
    seen: list[tuple[Any, ...]] = []
    page.recorder.bus.on(events.SESSION_CHANGED, lambda payload: seen.append(page.observable()))
    session = run(page.manager.switch_session(2, activate=activate))
    assert session is page.manager.get_active_session()
    assert seen == [page.observable()], "handlers see the finished switch"
    assert [m.id for m in page.state.metrics()] == [5, 6]
    assert page.state.max_context == 2000
    [(topic, payload)] = page.recorder.take()
    assert topic == "sessionChanged"
    plain = to_plain(payload)
    assert plain["oldSession"]["id"] == 1
    assert plain["newSession"]["id"] == 2
    assert plain["proxyConfig"] == {
        "model": "kimi-0",
        "provider": "nvidia",
        "timeout": 30,
        "session_id": 2,
    }
    assert page.manager.get_proxy_config(session) is payload.proxy_config
    assert page.proxy.active == (2 if activate else 1)
    assert page.manager.switching_to is None


def test_ids_are_equal_as_number_and_text() -> None:
    page = Page()
    run(page.manager.switch_session("3"))
    assert page.manager.is_session_active(3)
    assert page.manager.is_session_active("3")
    assert not page.manager.is_session_active(None)
    assert not page.manager.is_session_active(33)


def test_the_old_sessions_metrics_are_there_again_after_switching_back() -> None:
    page = Page()
    page.state.add_metric({"id": 1, "estimated_tokens": 5}, 1)
    run(page.manager.switch_session(2))
    assert page.state.metrics() == ()
    run(page.manager.switch_session(1))
    assert [m.id for m in page.state.metrics()] == [1]


def test_metrics_that_the_caller_has_replace_what_is_buffered() -> None:
    page = Page()
    page.state.add_metric({"id": 1}, 2)
    given_rows = [{"id": 7, "estimated_tokens": 5}, {"id": 8, "estimated_tokens": 6}]
    session = run(page.manager.switch_session(2, given_rows))
    assert [m.id for m in page.state.metrics()] == [7, 8]
    assert [m["id"] for m in to_plain(session)["metrics"]] == [7, 8]
    assert page.state.calculate_stats().total_requests == 2
    assert given_rows == [{"id": 7, "estimated_tokens": 5}, {"id": 8, "estimated_tokens": 6}]


def test_metrics_in_the_order_of_the_proxys_answer_are_shown_oldest_first() -> None:
    """What dashboards do for an auto-session: they hand on ``recent_metrics``, newest first."""
    page = Page()
    given_rows = [{"id": 8, "estimated_tokens": 6}, {"id": 7, "estimated_tokens": 5}]
    session = run(page.manager.switch_session(2, given_rows))
    assert [m.id for m in page.state.metrics()] == [7, 8]
    assert [m["id"] for m in to_plain(session)["metrics"]] == [8, 7]


def test_metrics_that_the_caller_has_without_ids_are_taken_once() -> None:
    page = Page()
    run(page.manager.switch_session(2, [{"estimated_tokens": 5}, {"estimated_tokens": 6}]))
    assert [m.tokens for m in page.state.metrics()] == [5, 6]


def test_a_raising_handler_does_not_break_a_switch() -> None:
    page = Page()

    def fail(payload: object) -> None:
        raise RuntimeError

    page.recorder.bus.on(events.SESSION_CHANGED, fail)
    page.recorder.bus.on(events.SWITCH_FAILED, fail)
    page.recorder.listen(events.SESSION_CHANGED, events.SWITCH_FAILED)
    run(page.manager.switch_session(2))
    assert page.current == 2
    with pytest.raises(SessionNotFound):
        run(page.manager.switch_session(MISSING))
    assert page.current == 2
    assert page.topics() == ["sessionChanged"] * 2 + ["session:switch_failed"] * 2


def test_a_handler_may_switch_again() -> None:
    page = Page()
    tasks: list[asyncio.Task[Session]] = []

    def onward(payload: Any) -> None:
        if payload.new_session.id == 2:
            tasks.append(page.begin(3))

    async def scenario() -> None:
        page.recorder.bus.on(events.SESSION_CHANGED, onward)
        await page.manager.switch_session(2)
        await tasks[0]

    run(scenario())
    assert page.current == 3
    assert page.topics() == ["sessionChanged"] * 2


def test_the_proxy_config_is_never_null_whatever_the_session() -> None:
    page = Page()
    configs = []
    page.recorder.bus.on(events.SESSION_CHANGED, lambda p: configs.append(p.proxy_config))
    for number in range(2, 20):
        run(page.manager.switch_session(number))
    page.manager.adopt(SessionDetail.from_wire({"session": {"id": "a", "model": None}}))
    assert len(configs) == 19
    assert all(config is not None and config.routing.provider for config in configs)


# -- one failure ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("session_id", "failing", "error"),
    [
        (MISSING, set(), SessionNotFound),
        (2, {"load"}, SwitchFailed),
        (2, {"activate"}, SwitchFailed),
    ],
)
@pytest.mark.parametrize("activate_first", [False, True])
def test_a_failed_switch_changes_nothing_and_is_announced_once(
    session_id: int, failing: set[str], error: type[SwitchFailed], activate_first: bool
) -> None:
    page = Page()
    page.state.add_metric({"id": 1, "estimated_tokens": 5}, 1)
    page.proxy.activates_to_load = activate_first
    page.proxy.failing = failing
    page.recorder.take()
    before = page.observable()
    with pytest.raises(error) as raised:
        run(page.manager.switch_session(session_id, activate=True))
    assert page.observable() == before
    [(topic, payload)] = page.recorder.take()
    assert topic == "session:switch_failed"
    assert to_plain(payload)["sessionId"] == session_id
    assert payload.reason == str(raised.value) != ""
    assert page.manager.switching_to is None


def test_the_old_session_is_activated_again_after_a_failure() -> None:
    page = Page()
    page.proxy.activates_to_load = True
    with pytest.raises(SessionNotFound) as raised:
        run(page.manager.switch_session(MISSING, activate=True))
    assert raised.value.rolled_back
    assert page.proxy.active == 1
    page.proxy.failing = {"load"}
    with pytest.raises(SwitchFailed):
        run(page.manager.switch_session(2, activate=True))
    assert page.proxy.active == 1


def test_a_failure_before_activation_does_not_touch_the_proxys_active_session() -> None:
    page = Page()
    page.proxy.failing = {"load"}
    with pytest.raises(SwitchFailed):
        run(page.manager.switch_session(2, activate=True))
    assert page.proxy.asked == [("load", 2)]


def test_it_is_said_when_the_old_session_could_not_be_activated_again() -> None:
    async def scenario(page: Page) -> SwitchFailed:
        task = page.begin(2, activate=True)
        await settle()
        page.proxy.reply(page.proxy.calls[0])
        for _ in range(2):  # the activation, then the attempt to undo it
            await settle()
            page.proxy.carry_out(page.proxy.calls[0])
            page.proxy.fail(page.proxy.calls[0])
        with pytest.raises(SwitchFailed) as raised:
            await task
        return raised.value

    page = Page(by_hand=True)
    error = run(scenario(page))
    assert not error.rolled_back
    [(_, payload)] = page.recorder.take()
    assert not payload.rolled_back
    page.proxy.by_hand = False
    with pytest.raises(SessionNotFound) as raised:
        run(page.manager.switch_session(MISSING))
    assert raised.value.rolled_back, "a later failure makes up for it"
    assert page.proxy.active == 1


def test_without_a_session_to_return_to_the_failure_says_so() -> None:
    page = Page(active=None)
    page.proxy.activates_to_load = True
    with pytest.raises(SessionNotFound) as raised:
        run(page.manager.switch_session(MISSING, activate=True))
    assert not raised.value.rolled_back
    assert page.current is None


@pytest.mark.parametrize("steps", [0, 1], ids=["while loading", "while activating"])
@pytest.mark.parametrize("carried_out", [False, True])
def test_cancelling_a_switch_undoes_it(steps: int, carried_out: bool) -> None:
    page = Page(by_hand=True)
    before = page.observable()

    async def scenario() -> None:
        task = page.begin(2, activate=True)
        await settle()
        for _ in range(steps):
            page.proxy.reply(page.proxy.calls[0])
            await settle()
        if carried_out:
            page.proxy.carry_out(page.proxy.calls[0])
        task.cancel()
        await page.answer_all()
        with pytest.raises(asyncio.CancelledError):
            await task

    run(scenario())
    assert page.observable() == before
    assert page.proxy.active == 1
    assert page.topics() == ["session:switch_failed"]
    assert page.manager.switching_to is None


def test_cancelling_again_while_a_switch_is_undone_still_ends_it_cleanly() -> None:
    page = Page(by_hand=True)
    before = page.observable()

    async def scenario() -> None:
        task = page.begin(2, activate=True)
        await settle()
        page.proxy.reply(page.proxy.calls[0])
        await settle()
        page.proxy.fail(page.proxy.calls[0])
        await settle()
        assert page.proxy.calls[0].session_id == 1, "the old session is being activated"
        task.cancel()
        await page.answer_all()
        await asyncio.wait([task])
        assert task.cancelled() or isinstance(task.exception(), SwitchFailed)

    run(scenario())
    assert page.observable() == before
    assert page.topics() == ["session:switch_failed"]
    assert page.manager.switching_to is None


# -- several switches -------------------------------------------------------------------


@pytest.mark.parametrize("activate", [False, True])
@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
def test_the_later_of_two_switches_wins_whatever_answers_first(
    order: tuple[int, int], activate: bool
) -> None:
    page = Page(by_hand=True)

    async def scenario() -> None:
        first, second = page.begin(2, activate=activate), page.begin(3, activate=activate)
        await settle()
        assert page.manager.switching_to == 3
        calls = list(page.proxy.calls)
        for number in order:
            page.proxy.reply(calls[number])
            await settle()
        await page.answer_all()
        with pytest.raises(SwitchSuperseded):
            await first
        assert (await second).id == 3

    run(scenario())
    assert page.current == 3
    assert page.topics() == ["sessionChanged"]
    assert page.proxy.active == (3 if activate else 1)
    assert list(page.manager.session_proxy_map) == ["1", "3"]


def test_activations_never_overlap_so_that_the_last_one_stays() -> None:
    page = Page(by_hand=True)
    page.proxy.activates_to_load = True

    async def scenario() -> None:
        first, second = page.begin(2, activate=True), page.begin(3, activate=True)
        await settle()
        assert [call.session_id for call in page.proxy.calls] == [2]
        await page.answer_all()
        await asyncio.gather(first, second, return_exceptions=True)

    run(scenario())
    assert (page.current, page.proxy.active) == (3, 3)


def test_a_new_activation_waits_until_a_failed_one_is_undone() -> None:
    page = Page(by_hand=True)
    page.proxy.activates_to_load = True

    async def scenario() -> None:
        first = page.begin(2, activate=True)
        await settle()
        page.proxy.fail(page.proxy.calls[0])
        await settle()
        second = page.begin(3, activate=True)
        await settle()
        assert [call.session_id for call in page.proxy.calls] == [1]
        await page.answer_all()
        await asyncio.gather(first, second, return_exceptions=True)
        assert isinstance(first.exception(), SwitchSuperseded)

    run(scenario())
    assert (page.current, page.proxy.active) == (3, 3)
    assert page.topics() == ["sessionChanged"]


def test_a_superseded_switch_that_fails_says_nothing() -> None:
    page = Page(by_hand=True)

    async def scenario() -> None:
        first, second = page.begin(2), page.begin(3)
        await settle()
        page.proxy.fail(page.proxy.calls[0])
        await page.answer_all()
        with pytest.raises(SwitchSuperseded):
            await first
        await second

    run(scenario())
    assert page.topics() == ["sessionChanged"]


def test_when_the_later_switch_fails_the_proxy_returns_from_the_superseded_one() -> None:
    page = Page(by_hand=True)

    async def scenario() -> None:
        first = page.begin(2, activate=True)
        await settle()
        page.proxy.reply(page.proxy.calls[0])
        await settle()
        second = page.begin(MISSING, activate=True)
        await page.answer_all()
        with pytest.raises(SwitchSuperseded):
            await first
        with pytest.raises(SessionNotFound):
            await second

    run(scenario())
    assert (page.current, page.proxy.active) == (1, 1)
    assert page.topics() == ["session:switch_failed"]


def test_a_superseded_activation_does_not_leave_the_proxy_on_another_session() -> None:
    """A person chooses 2; meanwhile the proxy says that it went on to 3 by itself."""
    page = Page(by_hand=True)

    async def scenario() -> None:
        chosen = page.begin(2, activate=True)
        await settle()
        page.proxy.reply(page.proxy.calls[0])
        await settle()
        page.proxy.active = 3
        followed = page.begin(3)
        await settle()
        page.proxy.reply(page.proxy.calls[-1])
        await page.answer_all()
        with pytest.raises(SwitchSuperseded):
            await chosen
        await followed

    run(scenario())
    assert (page.current, page.proxy.active) == (3, 3)


# -- without loading --------------------------------------------------------------------


def detail(session_id: Any, **fields: Any) -> SessionDetail:
    rows = fields.pop("rows", [])
    session = {"id": session_id, "model": "gpt-4o", **fields}
    return SessionDetail.from_wire({"session": session, "recent_metrics": rows})


def test_adopting_is_a_switch_that_loads_nothing() -> None:
    page = Page()
    page.manager.adopt(detail(5, rows=[{"id": 2}, {"id": 1}]))
    assert page.proxy.asked == []
    assert page.current == 5
    assert [m.id for m in page.state.metrics()] == [1, 2]
    [(topic, payload)] = page.recorder.take()
    assert (topic, payload.old_session.id) == ("sessionChanged", 1)
    assert payload.proxy_config.routing.provider == "openai"


def test_adopting_the_current_session_only_refreshes_it() -> None:
    page = Page()
    adopted = page.manager.adopt(detail("1", name="new", rows=[{"id": 1}]))
    assert adopted.name == "new"
    assert page.topics() == ["session:updated"]
    assert [m.id for m in page.state.metrics()] == [1]


def test_leaving_has_no_session_and_is_announced_once() -> None:
    page = Page()
    page.manager.leave_session()
    page.manager.leave_session()
    assert page.manager.get_active_session() is None
    assert not page.manager.is_session_active(1)
    [(topic, payload)] = page.recorder.take()
    assert topic == "sessionChanged"
    assert to_plain(payload) == {
        "oldSession": {"id": 1, "model": "m"},
        "newSession": None,
        "proxyConfig": None,
    }
    assert page.manager.get_proxy_config(None) is None


@pytest.mark.parametrize("way", ["adopt", "leave"])
def test_a_switch_under_way_gives_in_to_adopting_and_leaving(way: str) -> None:
    page = Page(by_hand=True)

    async def scenario() -> None:
        task = page.begin(2)
        await settle()
        if way == "adopt":
            page.manager.adopt(detail(5))
        else:
            page.manager.leave_session()
        assert page.manager.switching_to is None
        await page.answer_all()
        with pytest.raises(SwitchSuperseded):
            await task

    run(scenario())
    assert page.current == (5 if way == "adopt" else None)
    assert page.topics() == ["sessionChanged"]


# -- history and cache ------------------------------------------------------------------


def test_history_and_cache_are_bounded_and_keep_the_latest() -> None:
    page = Page()
    for number in range(2, 40):
        run(page.manager.switch_session(number))
    expected = [str(number) for number in range(40 - MAX_HISTORY, 40)]
    assert MAX_HISTORY == 10
    assert [str(s.id) for s in page.manager.session_history] == expected
    assert list(page.manager.session_proxy_map) == expected


def test_history_names_each_session_once_the_latest_last() -> None:
    page = Page()
    for session_id in (2, 3, "2"):
        run(page.manager.switch_session(session_id))
    assert [s.id for s in page.manager.session_history] == [1, 3, 2]


def test_cleaning_up_never_drops_the_current_session() -> None:
    page = Page()
    for session_id in (2, 3, 1):
        run(page.manager.switch_session(session_id))
    other = Session.from_wire({"id": 7, "model": "x"})
    page.manager.update_proxy_config(other)
    assert page.manager.get_proxy_config(other) is not None
    page.manager.cleanup_old_configs(0)
    assert [s.id for s in page.manager.session_history] == [1]
    assert list(page.manager.session_proxy_map) == ["1"]
    assert page.manager.get_proxy_config(other) is None


def test_reading_a_config_keeps_it_in_the_cache() -> None:
    page = Page(max_history=2)
    sessions = [run(page.manager.switch_session(number)) for number in (2, 3)]
    page.manager.get_proxy_config(sessions[0])
    run(page.manager.switch_session(4))
    assert list(page.manager.session_proxy_map) == ["2", "4"]


def test_two_managers_share_nothing() -> None:
    one, other = Page(), Page()
    run(one.manager.switch_session(2))
    assert (one.current, other.current) == (2, 1)
    assert other.topics() == []


# -- any interleaving -------------------------------------------------------------------

SESSIONS = st.sampled_from([1, 2, 3, 4, MISSING])
SWITCHES = st.tuples(st.just("switch"), SESSIONS, st.sampled_from([True, True, False]))
ANSWERS = st.sampled_from(["reply", "reply", "reply", "reply", "fail", "lose", "carry out"])
STEPS = st.one_of(
    SWITCHES,
    st.tuples(ANSWERS, st.integers(0, 2)),
    st.tuples(ANSWERS, st.integers(0, 2)),
    st.tuples(st.sampled_from(["reply", "cancel", "adopt"]), st.integers(0, 2)),
)


class Interleaving:
    """Plays any mix of switches, answers, failures and cancellations, and judges the end."""

    def __init__(self, *, activates_to_load: bool) -> None:
        self.page = Page(by_hand=True)
        self.page.proxy.activates_to_load = activates_to_load
        self.expected = self.page.observable()
        self.proxy_agrees = True  # the page's session was activated, or is the proxy's choice
        self.changes = self.failures = self.adoptions = 0
        self.undone = True
        self.tasks: list[asyncio.Task[Session]] = []
        self.activating: dict[int, bool] = {}
        self.open_when_overtaken: set[int] = set()
        self.cancelled: set[int] = set()
        self.page.recorder.bus.on(events.SESSION_CHANGED, self.changed)
        self.page.recorder.bus.on(events.SWITCH_FAILED, self.failed)
        self.adopting = False

    def changed(self, payload: Any) -> None:
        assert payload.proxy_config is not None
        self.expected = self.page.observable()
        self.changes += 1
        self.undone = True
        latest = len(self.tasks) - 1
        self.proxy_agrees = not self.adopting and self.activating[latest]
        if self.proxy_agrees:
            assert self.page.proxy.active == payload.new_session.id

    def failed(self, payload: Any) -> None:
        self.failures += 1
        self.undone = payload.rolled_back
        if self.undone and self.proxy_agrees:
            assert self.page.proxy.active == self.page.current, "it says that it was undone"

    def overtake(self) -> None:
        self.open_when_overtaken |= {n for n, t in enumerate(self.tasks) if not t.done()}

    def step(self, action: str, *args: Any) -> None:
        page = self.page
        if action == "switch":
            session_id, activate = args
            self.overtake()
            self.activating[len(self.tasks)] = activate
            self.tasks.append(page.begin(session_id, activate=activate))
        elif action == "adopt":
            self.overtake()
            self.adopting = True
            session_id = args[0] + 1
            self.adoptions += not page.manager.is_session_active(session_id)
            page.manager.adopt(detail(session_id))
            self.adopting = False
            # The proxy itself may be anywhere now: a request may still be on its way.
            self.proxy_agrees = False
            self.expected = page.observable()
        elif action == "cancel":
            open_tasks = [n for n, task in enumerate(self.tasks) if not task.done()]
            if open_tasks:
                number = open_tasks[args[0] % len(open_tasks)]
                self.tasks[number].cancel()
                self.cancelled.add(number)
        elif page.proxy.calls:
            call = page.proxy.calls[args[0] % len(page.proxy.calls)]
            if action in ("carry out", "lose"):
                page.proxy.carry_out(call)
            if action == "reply":
                page.proxy.reply(call)
            elif action in ("fail", "lose"):
                page.proxy.fail(call)

    async def play(self, steps: Iterable[tuple[Any, ...]]) -> None:
        for step in steps:
            self.step(*step)
            await settle()
            assert self.page.observable() == self.expected, "changed without sessionChanged"
        await self.page.answer_all()
        assert all(task.done() for task in self.tasks)
        self.judge()

    def judge(self) -> None:
        page = self.page
        assert page.observable() == self.expected
        assert page.manager.switching_to is None
        assert page.recorder.errors == []
        outcomes = [self.outcome(number) for number in range(len(self.tasks))]
        assert self.changes == outcomes.count("won") + self.adoptions
        assert self.failures == outcomes.count("failed")
        for number, outcome in enumerate(outcomes):
            overtaken = number in self.open_when_overtaken
            assert (outcome == "superseded") == overtaken, f"switch {number} {outcome}"
        if self.proxy_agrees and self.undone:
            assert page.proxy.active == page.current, "page and proxy disagree"

    def outcome(self, number: int) -> str:
        task = self.tasks[number]
        if task.cancelled():
            assert number in self.cancelled
            return "superseded" if number in self.open_when_overtaken else "failed"
        error = task.exception()
        if error is None:
            return "won"
        if isinstance(error, SwitchSuperseded):
            return "superseded"
        assert isinstance(error, SwitchFailed)
        return "failed"


@settings(max_examples=settings.default.max_examples * 4)
@given(st.booleans(), st.lists(SWITCHES, min_size=1, max_size=2), st.lists(STEPS, max_size=12))
def test_whatever_the_order_the_last_switch_wins_and_failures_leave_no_trace(
    activates_to_load: bool, switches: list[tuple[Any, ...]], steps: list[tuple[Any, ...]]
) -> None:
    run(Interleaving(activates_to_load=activates_to_load).play([*switches, *steps]))

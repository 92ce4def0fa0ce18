"""The connection's state machine, driven by a virtual clock."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sessions import events
from sessions.connection import (
    CONNECT_TIMEOUT,
    FIRST_DELAY,
    LONGEST_DELAY,
    STABLE_AFTER,
    Connection,
    Phase,
    backoff,
)
from tests.fakes import FakeSockets, examples
from tests.support import FakeClock, FakeScheduler, Recorder


class Line:
    """A connection over fakes. ``chance`` 1 makes every wait its longest."""

    def __init__(self, chance=1.0):
        self.clock = FakeClock()
        self.scheduler = FakeScheduler(self.clock)
        self.sockets = FakeSockets()
        self.recorder = Recorder()
        self.recorder.listen(events.CONNECTION_CHANGED)
        self.texts = []
        self.opened = 0
        self.connection = Connection(
            self.sockets,
            self.recorder.bus,
            self.clock,
            self.scheduler,
            on_open=self._open,
            on_text=self.texts.append,
            address="http://here",
            chance=lambda: chance,
        )

    def _open(self):
        self.opened += 1

    @property
    def phase(self):
        return self.connection.state.phase

    def connect(self):
        """Start, and have the other end answer."""
        self.connection.start()
        self.sockets.last.listener.on_open()

    def phases(self):
        return [state.phase for _, state in self.recorder.take()]


# -- backoff --------------------


def test_the_wait_doubles_from_one_to_thirty_seconds():
    waits = [backoff(attempt, 1.0) for attempt in range(1, 9)]
    assert waits == [1, 2, 4, 8, 16, 30, 30, 30]


@given(st.integers(1, 10_000), st.floats(0, 1))
@examples(100)
def test_jitter_stays_in_the_upper_half_of_the_wait(attempt, chance):
    longest = backoff(attempt, 1.0)
    assert max(FIRST_DELAY, longest / 2) <= backoff(attempt, chance) <= longest <= LONGEST_DELAY


# -- life --------------------


def test_it_connects_and_says_so():
    line = Line()
    assert line.phase is Phase.CLOSED
    line.connection.start()
    assert line.phase is Phase.CONNECTING
    line.sockets.last.listener.on_open()
    assert line.connection.is_connected
    assert line.opened == 1
    assert line.phases() == [Phase.CONNECTING, Phase.CONNECTED]
    assert line.connection.state.to_wire() == {
        "phase": "connected",
        "attempt": 0,
        "retryAt": None,
        "demo": False,
        "address": "http://here",
    }


def test_starting_twice_opens_one_socket():
    line = Line()
    line.connect()
    line.connection.start()
    assert len(line.sockets.all) == 1


def test_frames_reach_the_listener():
    line = Line()
    line.connect()
    line.sockets.last.say("one")
    line.sockets.last.say("two")
    assert line.texts == ["one", "two"]


def test_a_lost_connection_waits_and_tries_again():
    line = Line()
    line.connect()
    line.sockets.last.drop()
    state = line.connection.state
    assert (state.phase, state.attempt) == (Phase.WAITING, 1)
    assert state.retry_at == line.clock.now() + 1000
    line.scheduler.advance(0.99)
    assert len(line.sockets.all) == 1
    line.scheduler.advance(0.02)
    assert line.phase is Phase.CONNECTING
    line.sockets.last.listener.on_open()
    assert line.connection.state.attempt == 0
    assert line.opened == 2


def test_each_failure_waits_longer():
    line = Line()
    line.connection.start()
    waits = []
    for _ in range(7):
        line.sockets.last.drop()
        waits += line.scheduler.pending()
        line.scheduler.advance(waits[-1])
    assert waits == [1, 2, 4, 8, 16, 30, 30]


def test_a_connection_that_breaks_within_a_minute_does_not_start_the_waits_over():
    line = Line()
    line.connection.start()
    line.sockets.last.drop()
    line.scheduler.advance(1)
    line.sockets.last.listener.on_open()
    line.scheduler.advance(STABLE_AFTER - 0.1)
    line.sockets.last.drop()
    assert line.scheduler.pending() == [2]


def test_a_connection_that_held_for_a_minute_starts_the_waits_over():
    line = Line()
    line.connection.start()
    for _ in range(4):
        line.sockets.last.drop()
        line.scheduler.advance(LONGEST_DELAY)
    line.sockets.last.listener.on_open()
    line.scheduler.advance(STABLE_AFTER)
    line.sockets.last.drop()
    assert line.scheduler.pending() == [1]


def test_an_attempt_that_takes_too_long_is_given_up():
    line = Line()
    line.connection.start()
    line.scheduler.advance(CONNECT_TIMEOUT - 0.1)
    assert line.phase is Phase.CONNECTING
    line.scheduler.advance(0.2)
    assert line.phase is Phase.WAITING
    assert line.sockets.live == []


def test_waking_tries_at_once():
    line = Line()
    line.connect()
    line.sockets.last.drop()
    line.connection.wake()
    assert line.phase is Phase.CONNECTING
    assert len(line.sockets.all) == 2
    line.scheduler.advance(5)
    assert len(line.sockets.all) == 2, "the wait that was cut short is over"


@pytest.mark.parametrize("prepare", ["closed", "connecting", "connected"])
def test_waking_changes_nothing_unless_waiting(prepare):
    line = Line()
    if prepare == "connecting":
        line.connection.start()
    elif prepare == "connected":
        line.connect()
    before = line.connection.state, len(line.sockets.all)
    line.connection.wake()
    assert (line.connection.state, len(line.sockets.all)) == before


def test_restarting_drops_the_socket_and_connects_anew():
    line = Line()
    line.connection.restart()
    assert line.sockets.all == []
    line.connect()
    line.connection.restart()
    assert len(line.sockets.live) == 1
    assert line.phase is Phase.CONNECTING


def test_stopping_is_for_good():
    line = Line()
    line.connect()
    socket = line.sockets.last
    line.connection.stop()
    assert socket.closed
    assert line.scheduler.pending() == []
    socket.say("late")
    socket.drop()
    line.connection.wake()
    line.scheduler.advance(1000)
    assert (line.phase, line.texts, len(line.sockets.all)) == (Phase.CLOSED, [], 1)


def test_a_stopped_connection_starts_again():
    line = Line()
    line.connect()
    line.connection.stop()
    line.connect()
    assert line.connection.is_connected


def test_what_an_old_socket_still_says_is_ignored():
    line = Line()
    line.connect()
    old = line.sockets.last
    old.drop()
    line.scheduler.advance(1)
    line.sockets.last.listener.on_open()
    line.recorder.take()
    old.say("late")
    old.listener.on_open()
    old.listener.on_close()
    assert line.texts == []
    assert line.recorder.events == []
    assert line.connection.is_connected
    assert line.opened == 2


def test_a_socket_that_opens_after_its_time_is_closed_and_ignored():
    line = Line()
    line.connection.start()
    late = line.sockets.last
    line.scheduler.advance(CONNECT_TIMEOUT)
    late.listener.on_open()
    assert late.closed
    assert line.phase is Phase.WAITING


def test_failing_inside_connect_is_a_failure_like_any_other():
    line = Line()
    line.sockets.refuse = True
    line.connection.start()
    assert line.phase is Phase.WAITING
    assert line.sockets.live == []
    assert line.scheduler.pending() == [1]
    line.sockets.refuse = False
    line.scheduler.advance(1)
    line.sockets.last.listener.on_open()
    assert line.connection.is_connected
    line.connection.stop()
    assert line.sockets.last.closed


@pytest.mark.parametrize("moment", [Phase.CONNECTING, Phase.CONNECTED, Phase.WAITING])
def test_a_listener_that_stops_it_on_the_spot_is_obeyed(moment):
    line = Line()

    def stop(state):
        if state.phase is moment:
            line.connection.stop()

    line.recorder.bus.on(events.CONNECTION_CHANGED, stop)
    line.connection.start()
    for socket in line.sockets.live:
        socket.listener.on_open()
    for socket in line.sockets.live:
        socket.drop()
    assert line.phase is Phase.CLOSED
    assert line.sockets.live == []
    assert line.scheduler.pending() == []


# -- any order of events --------------------

_steps = st.lists(
    st.one_of(
        st.sampled_from(["start", "stop", "wake", "restart", "refuse", "accept"]),
        st.tuples(st.sampled_from(["open", "drop", "say"]), st.integers(0, 5)),
        st.tuples(st.just("wait"), st.sampled_from([0.1, 1.0, 5.0, 15.0, 31.0, 61.0])),
    ),
    max_size=30,
)


def take(line, step):
    match step:
        case "refuse" | "accept":
            line.sockets.refuse = step == "refuse"
        case str():
            getattr(line.connection, step)()
        case ("wait", seconds):
            line.scheduler.advance(seconds)
        case (what, back) if back < len(line.sockets.all):
            socket = line.sockets.all[-1 - back]
            if what == "open":
                socket.listener.on_open()
            elif what == "drop":
                socket.drop()
            else:
                socket.say(f"{back}")


@given(_steps, st.floats(0, 1))
@examples(150)
def test_whatever_happens_there_is_one_socket_one_timer_and_a_way_on(steps, chance):
    line = Line(chance)
    for step in steps:
        take(line, step)
        assert len(line.sockets.live) <= 1
        assert len(line.scheduler.pending()) <= 1
        if line.phase is Phase.CLOSED:
            assert not line.sockets.live
            assert not line.scheduler.pending()
        elif line.phase is Phase.CONNECTED:
            assert line.sockets.live == [line.sockets.last]
        else:
            assert line.scheduler.pending(), "somebody will try again"
    # Never stuck: once the other end answers, the page is connected.
    line.sockets.refuse = False
    line.connection.start()
    for _ in range(int(LONGEST_DELAY) + 1):
        if line.sockets.live:
            line.sockets.last.listener.on_open()
        line.scheduler.advance(1)
    assert line.connection.is_connected


@given(_steps)
@examples(80)
def test_a_frame_is_heard_exactly_when_its_socket_is_the_current_one(steps):
    line = Line()
    for step in steps:
        take(line, step)
    line.texts.clear()
    for socket in line.sockets.all:
        socket.say("x")
    assert len(line.texts) == len(line.sockets.live)

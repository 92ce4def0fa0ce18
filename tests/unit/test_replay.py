"""Playing a recording: any moment of it, at any speed, and what the page hears of it."""

from __future__ import annotations

import functools
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sessions import commands, events
from sessions.events import EventBus
from sessions.recording import Recording
from sessions.replay import REPLAY_CHANGED, SPEEDS, Playback, Player, Rerun
from tests.fakes import FakeHttp, examples, frame
from tests.recordings import START, Core, Log, Studio, replay
from tests.support import FakeClock, FakeScheduler

VERSION = "2026-02-20"
REQUESTS = 30


@functools.cache
def a_recording() -> Recording:
    """One request a second, for half a minute; a compaction and a lost connection."""
    studio = Studio(FakeHttp.speaking(VERSION))

    async def watch() -> None:
        await studio.begin()
        await studio.intend(commands.LOAD_COMPACTION)
        for number in range(REQUESTS):
            announced = frame(VERSION, "metric")
            announced["metric"] = {**announced["metric"], "id": 1000 + number}
            announced["session_id"] = studio.core.state.session_id
            await studio.hear(announced, {**frame(VERSION, "streaming_error")})
            if number == 12:
                studio.sockets.last.drop()
                await studio.settle()
            await studio.later(1)
            if number == 12:
                studio.sockets.last.listener.on_open()
                await studio.settle()

    studio.visit(watch())
    return studio.recording()


class Cinema:
    """A player, the page that watches it, and a projectionist with a clock."""

    def __init__(self, recording: Recording | None = None, work: float = 0.0) -> None:
        self.recording = recording or a_recording()
        self.page = Log()
        self.clock = FakeClock(5_000_000)
        self.scheduler = FakeScheduler(self.clock)
        self.cores: list[Core] = []
        self.states: list[Playback] = []
        self.page.bus.on(REPLAY_CHANGED, self.states.append)
        self._elapsed = 0.0
        self._work = work
        self.player = Player(
            self.recording, self._build, self.page.bus, self.scheduler, self.clock,
            self.page.report, stopwatch=self._stopwatch,
        )  # fmt: skip

    def _build(self, rerun: Rerun, bus: EventBus) -> Core:
        self.cores.append(Core(rerun, bus))
        return self.cores[-1]

    def _stopwatch(self) -> float:
        self._elapsed += self._work
        return self._elapsed

    @property
    def core(self) -> Core:
        return self.cores[-1]

    @property
    def shown(self) -> int:
        return len(self.core.state.metrics())

    def wait(self, seconds: float) -> None:
        self.scheduler.advance(seconds)
        assert self.page.errors == []

    def heard(self, topic: str) -> list[Any]:
        return [payload for name, payload in self.page.heard if name == topic]


def shown_at(position: float) -> int:
    return len(replay(a_recording(), position).state.metrics())


def test_any_moment_is_the_state_as_of_then() -> None:
    cinema = Cinema()
    length = cinema.recording.length
    for position in (0.0, length, length / 2, 4000.0, length - 1, 4000.0):
        state = cinema.player.at(position)
        assert cinema.core.picture() == replay(cinema.recording, position).picture
        assert state is cinema.core.state
        assert cinema.player.now() == START + position
    assert cinema.page.errors == []


@examples(20)
@given(st.lists(st.floats(0, 40_000), min_size=1, max_size=6))
def test_the_way_there_does_not_matter(positions: list[float]) -> None:
    cinema = Cinema()
    for position in positions:
        cinema.player.at(position)
    last = min(positions[-1], cinema.recording.length)
    assert cinema.core.picture() == replay(cinema.recording, last).picture


@pytest.mark.parametrize("speed", SPEEDS)
def test_it_plays_as_fast_as_was_asked_for(speed: float) -> None:
    cinema = Cinema()
    cinema.player.set_speed(speed)
    cinema.player.begin()
    cinema.wait(1.5)
    position = cinema.player.playback.position
    assert position == pytest.approx(1500 * speed, abs=60 * speed)
    assert cinema.shown == shown_at(position) > 0
    assert cinema.player.now() == START + position
    cinema.wait(60)
    assert cinema.player.playback.position == cinema.recording.length
    assert not cinema.player.playback.is_playing
    assert cinema.scheduler.pending() == []


def test_it_stands_still_when_paused_and_goes_on_from_there() -> None:
    cinema = Cinema()
    cinema.player.begin()
    cinema.wait(3)
    cinema.player.pause()
    cinema.wait(0.1)
    there = cinema.player.playback.position
    cinema.wait(100)
    assert cinema.player.playback.position == there
    assert cinema.scheduler.pending() == []
    cinema.player.play()
    cinema.wait(2)
    assert cinema.player.playback.position == pytest.approx(there + 2000, abs=60)


def test_a_change_of_speed_does_not_jump() -> None:
    cinema = Cinema()
    cinema.player.begin()
    cinema.wait(2)
    cinema.player.set_speed(4)
    cinema.wait(1)
    assert cinema.player.playback.position == pytest.approx(6000, abs=300)


def test_at_its_end_it_begins_again() -> None:
    cinema = Cinema()
    cinema.player.at(cinema.recording.length)
    cinema.player.play()
    cinema.wait(2)
    assert cinema.player.playback.position == pytest.approx(2000, abs=60)


def test_as_fast_as_it_goes_takes_slices() -> None:
    cinema = Cinema(work=0.005)
    cinema.player.set_speed(None)
    cinema.player.begin()
    cinema.wait(0)
    assert cinema.shown == len(a_core_at_the_end().metrics())
    positions = [state.position for state in cinema.states]
    assert positions == sorted(positions)
    assert len(set(positions)) > 3


def a_core_at_the_end() -> Any:
    return replay(a_recording()).state


def test_a_long_way_is_gone_in_slices_and_shown_at_its_end() -> None:
    cinema = Cinema(work=0.005)
    cinema.player.seek(0)
    cinema.wait(0)
    cinema.page.heard.clear()
    cinema.states.clear()
    cinema.player.seek(20_000)
    cinema.wait(0)
    assert [state.is_seeking for state in cinema.states[:-1]] == [True] * (len(cinema.states) - 1)
    assert len(cinema.states) > 3
    assert {state.position for state in cinema.states} == {20_000}
    assert not cinema.states[-1].is_seeking
    assert cinema.shown == shown_at(20_000)
    # Nothing of the way was shown: one word a topic, and no passing notice.
    topics = [topic for topic, _ in cinema.page.heard]
    assert len(topics) == len(set(topics))
    assert events.NOTICE not in topics
    assert events.METRIC_ADDED not in topics
    assert cinema.heard(events.STATS_UPDATED)[-1]["totalRequests"] > 0


def test_the_last_of_many_places_asked_for_wins() -> None:
    cinema = Cinema(work=0.005)
    for position in (20_000, 3_000, 25_000, 8_000.0):
        cinema.player.seek(position)
    cinema.wait(0)
    assert cinema.player.playback.position == 8000
    assert cinema.core.picture() == replay(cinema.recording, 8000).picture


def test_going_back_takes_back_what_was_told() -> None:
    cinema = Cinema()
    cinema.player.at(20_000)
    assert cinema.heard(events.SESSION_CHANGED)
    cinema.page.heard.clear()
    cinema.player.at(0)
    cinema.player.seek(-5)
    cinema.wait(0)
    assert cinema.page.heard[0][0] == events.SESSION_CHANGED
    assert cinema.heard(events.ALERT_CHANGED)[0] is None
    assert cinema.player.playback.position == 0


def test_what_happens_while_it_plays_is_told_as_it_was() -> None:
    cinema = Cinema()
    cinema.player.begin()
    cinema.wait(40)
    assert len(cinema.heard(events.METRIC_ADDED)) >= REQUESTS - 1
    assert len(cinema.heard(events.NOTICE)) >= REQUESTS - 1
    phases = [state["phase"] for state in cinema.heard(events.CONNECTION_CHANGED)]
    assert "waiting" in phases


def test_intents_of_the_page_do_not_reach_the_replayed_core() -> None:
    cinema = Cinema()
    cinema.player.at(5000)
    before = cinema.core.picture()
    for topic in commands.INTENTS:
        cinema.page.bus.emit(topic, {"id": 1, "ids": [1]})
    assert cinema.core.picture() == before
    assert cinema.page.errors == []


def test_a_stopped_player_is_quiet() -> None:
    cinema = Cinema()
    cinema.player.begin()
    cinema.wait(1)
    cinema.player.stop()
    assert cinema.scheduler.pending() == []

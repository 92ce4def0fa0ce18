"""What a person sees of recordings and of a replay, and does with them."""

from __future__ import annotations

from typing import Any

import pytest

from sessions import shelf
from sessions.connection import ConnectionState, Phase
from sessions.recording import Recording
from sessions.replay import Player
from sessions.shelf import Entry
from tests.fakes import Room, sentence
from tests.recordings import START, Core, Studio
from views.header import Connection
from views.page import Action
from views.recordings import Recordings, duration
from views.replay import LIVE_ONLY, STEP, ReplayBar

LANGUAGES = ("en", "fr")
ONE = Entry("one", START, 83_000, 1234, 2_140_000, "http://box:8000", False)
TWO = Entry("two", START - 1, 3_723_900, 1, 10, "demo", True)


def test_a_length_of_time_reads_like_a_clock() -> None:
    assert [duration(ms) for ms in (0, 59_999, 60_000, 3_600_000)] == [
        "00:00", "00:59", "01:00", "1:00:00",
    ]  # fmt: skip


# -- recordings --------------------


def test_nothing_is_recorded_unless_asked_for() -> None:
    room = Room()
    room.add(Recordings, None, in_replay=False)
    assert not room.page.shows("recording-mark")
    assert room.page.properties["recording-toggle", "checked"] is False
    assert room.page.attributes["recordings-open", "data-recording"] == "false"
    assert room.see("recordings-open-text") == "Recordings…"


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_recording_under_way_is_marked(language: str) -> None:
    room = Room(language)
    room.add(Recordings, ONE, in_replay=False)
    assert room.page.shows("recording-mark")
    assert room.page.properties["recording-toggle", "checked"] is True
    assert room.see("recordings-open-text") == sentence("recordings.mark", language)
    [row] = room.page.lists["recordings-list"]
    assert row.fields["@data-current"] == "true"
    assert row.fields["remove.disabled"] is True
    room.emit(shelf.RECORDING_CHANGED, None)
    assert not room.page.shows("recording-mark")


def test_the_list_says_when_from_where_how_long_and_how_large() -> None:
    room = Room()
    room.add(Recordings, None, in_replay=False)
    room.emit(shelf.RECORDINGS_LISTED, (ONE, TWO))
    assert room.page.column("recordings-list", "title") == [
        "22/11 06:40 · http://box:8000", "22/11 06:39 · Demo",
    ]  # fmt: skip
    assert room.page.column("recordings-list", "detail") == [
        "01:23 · 1,234 messages · 2.1 MB", "1:02:03 · 1 message · 0.0 MB",
    ]  # fmt: skip
    room.speak("fr")
    assert room.page.column("recordings-list", "detail")[0] == (
        "01:23 · 1\u202f234 messages · 2,1 Mo"
    )


def test_each_wish_becomes_an_intent() -> None:
    room = Room()
    room.add(Recordings, None, in_replay=False)
    heard = room.intents(shelf.LIST, shelf.RECORD, shelf.PLAY, shelf.SAVE, shelf.OPEN)
    room.do("recordings:show")
    assert "recordings-dialog" in room.page.opened
    room.do("recordings:toggle", checked=True)
    room.do("recordings:play", row="one")
    room.do("recordings:save", row="one")
    room.do("recordings:file", "content")
    assert heard == [
        (shelf.LIST, {}),
        (shelf.RECORD, {"enabled": True}),
        (shelf.PLAY, {"id": "one"}),
        (shelf.SAVE, {"id": "one"}),
        (shelf.OPEN, {"text": "content"}),
    ]


def test_deleting_asks_once_more_in_its_place() -> None:
    room = Room()
    room.add(Recordings, None, in_replay=False)
    room.emit(shelf.RECORDINGS_LISTED, (ONE, TWO))
    heard = room.intents(shelf.REMOVE)
    room.do("recordings:remove", row="one")
    assert room.page.column("recordings-list", "sure.hidden") == [False, True]
    room.do("recordings:remove", row="two")
    assert room.page.column("recordings-list", "sure.hidden") == [True, False]
    assert heard == []
    room.do("recordings:remove", row="two")
    assert heard == [(shelf.REMOVE, {"id": "two"})]
    assert room.page.column("recordings-list", "sure.hidden") == [True, True]


def test_a_file_that_cannot_be_read_is_told() -> None:
    room = Room()
    room.add(Recordings, None, in_replay=False)
    notices = room.intents("notice", shelf.OPEN)
    room.do("recordings:file")
    [(topic, notice)] = notices
    assert (topic, notice.key) == ("notice", "recordings.unreadable")


# -- replay --------------------


def a_recording(**options: Any) -> Recording:
    studio = Studio(**options)

    async def watch() -> None:
        await studio.begin()
        await studio.later(10)

    studio.visit(watch())
    return studio.recording()


class Screening(Room):
    """A room in which a recording is shown."""

    def __init__(self, recording: Recording | None = None, language: str = "en") -> None:
        super().__init__(language)
        self.recording = recording or a_recording()
        self.player = Player(
            self.recording, Core, self.bus, self.scheduler, self.clock, self.recorder.errors.append
        )
        self.player.on_renewed = self.desk.look_at
        self.bar = self.add(ReplayBar, self.player, self.recording)


def test_the_bar_says_what_this_is() -> None:
    room = Screening()
    assert room.page.shows("replay-bar")
    assert room.see("replay-text") == "recorded on 22/11 06:40, from http://localhost:8000"
    assert room.page.attributes["root", "data-replay"] == "true"
    assert not room.page.shows("replay-note")
    room.speak("fr")
    assert room.see("replay-text") == "enregistré le 22/11 06:40, depuis http://localhost:8000"
    demo = Screening(a_recording(demo=True))
    assert demo.see("replay-text") == "recorded on 22/11 06:40, from the demo"


def test_play_pause_and_where_it_stands() -> None:
    room = Screening()
    room.player.begin()
    room.advance(4.04)
    assert room.page.attributes["replay-play", "data-playing"] == "true"
    assert room.page.attributes["replay-play", "aria-label"] == "Pause"
    assert room.see("replay-position") == "00:04"
    assert room.see("replay-length") == "00:10"
    assert room.page.attributes["replay-slider", "aria-valuetext"] == "00:04 of 00:10, 06:40:04"
    room.do("replay:toggle")
    assert room.page.attributes["replay-play", "aria-label"] == "Play"
    room.advance(30)
    assert room.see("replay-position") == "00:04"
    room.do("replay:toggle")
    room.advance(30)
    assert room.see("replay-position") == "00:10"
    assert room.page.attributes["replay-play", "data-playing"] == "false"


def test_the_slider_goes_to_any_moment() -> None:
    room = Screening()
    for place in ("7000", "2000"):
        room.do("replay:seek", place)
        room.advance(0)
        assert room.page.properties["replay-slider", "value"] == place
    length = room.recording.length
    end = room.page.attributes["replay-slider", "max"]
    assert 0 <= int(end) - length < STEP
    room.do("replay:seek", end)
    room.advance(0)
    assert room.player.playback.position == length
    assert room.page.properties["replay-slider", "value"] == end
    room.do("replay:seek", "2000")
    room.do("replay:seek", "nowhere")
    room.advance(0)
    assert room.player.playback.position == 2000
    assert room.desk.state is room.player.core.state


def test_the_speed_is_chosen_from_a_list() -> None:
    room = Screening(language="fr")
    choices, chosen = room.page.choices["replay-speed"]
    assert chosen == "1"
    assert [label for _, label in choices] == ["1×", "2×", "4×", "8×", "16×", "Au plus vite"]
    for value, _ in choices:
        room.do("replay:speed", value)
        assert room.player.playback.speed == (None if value == "max" else float(value))
    room.do("replay:speed", "999")
    assert room.player.playback.speed is None


def test_nothing_can_be_changed_and_the_page_says_so() -> None:
    room = Screening()
    done: list[str] = []
    rendered: list[bool] = []
    act = room.bar.guard(lambda action: done.append(action.name), lambda: rendered.append(True))
    notices = room.intents("notice")
    for name in sorted(LIVE_ONLY):
        act(Action(name))
    assert done == []
    assert len(rendered) == len(LIVE_ONLY)
    assert {notice.key for _, notice in notices} == {"replay.read_only"}
    act(Action("theme:toggle"))
    assert done == ["theme:toggle"]


def test_the_way_out_is_an_intent() -> None:
    room = Screening()
    heard = room.intents(shelf.LEAVE)
    room.do("replay:leave")
    assert heard == [(shelf.LEAVE, {})]


def test_a_recording_of_another_version_is_pointed_out() -> None:
    room = Screening()
    changed = [line.replace("auto-status", "of-old") for line in room.recording.lines]
    asked = frozenset(
        (m, p.replace("auto-status", "of-old"), n) for m, p, n in room.recording.asked
    )
    header = room.recording.header
    other = Screening(Recording(header, changed, room.recording.length, 0, 0, asked))
    other.player.at(other.recording.length)
    other.player.pause()
    other.frame()
    assert other.page.shows("replay-note")


def test_a_replay_is_never_called_connected() -> None:
    room = Room()
    for phase in Phase:
        state = ConnectionState(phase, 0, None, False, "http://box:8000")
        room.add(Connection, state, in_replay=True)
        assert room.see("ws-status-text") == "Replay"
        assert room.page.attributes["connection", "data-state"] == "replay"


def test_the_switch_is_off_in_a_replay() -> None:
    room = Room()
    room.add(Recordings, None, in_replay=True)
    assert not room.page.enabled("recording-toggle")
    assert room.see("recording-note") == sentence("replay.read_only", "en")

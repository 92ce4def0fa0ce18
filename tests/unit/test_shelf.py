"""Recordings in the browser: written while they are made, listed, opened, saved, removed."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable
from typing import Any

import pytest

from sessions import commands, events, recording, shelf
from sessions.errors import RecordingsUnavailable
from sessions.models import Notice
from sessions.recording import Header, read
from sessions.shelf import MAX_RECORDINGS, Entry, Shelf, Tape
from sessions.storage import Storage
from sessions.users import USER_CHANGED, USER_DELETED, USER_LEFT, User
from tests.driver import run, settle
from tests.fakes import FakeStore, frame
from tests.recordings import START, Core, Studio, replay
from tests.support import FakeClock, FakeScheduler, Recorder


class FakeRecordings:
    """A store in memory; ``fails`` is the reason with which every call ends."""

    def __init__(self) -> None:
        self.kept: dict[str, str] = {}
        self.lines: dict[tuple[str, int], str] = {}
        self.fails: str | None = None

    async def entries(self) -> list[str]:
        self._check()
        return list(self.kept.values())

    def put(self, name: str, entry: str, number: int, lines: str) -> Awaitable[None]:
        if self.fails is None:
            self.kept[name] = entry
            self.lines[name, number] = lines
        return self._answer()

    async def read(self, name: str) -> list[str]:
        self._check()
        return [text for (owner, _), text in sorted(self.lines.items()) if owner == name]

    async def remove(self, name: str) -> None:
        self._check()
        self.kept.pop(name, None)
        self.lines = {key: text for key, text in self.lines.items() if key[0] != name}

    async def _answer(self) -> None:
        self._check()

    def _check(self) -> None:
        if self.fails is not None:
            raise RecordingsUnavailable(self.fails)


class Cabin:
    """A shelf, its stores by user, and what it told."""

    def __init__(self) -> None:
        self.stores: dict[str, FakeRecordings] = {}
        self.ear = Recorder()
        self.bus = self.ear.bus
        self.scheduler = FakeScheduler(FakeClock())
        self.tab = FakeStore()
        self.visits: list[str | None] = []
        self.ear.listen(
            events.NOTICE, shelf.RECORDING_CHANGED, shelf.RECORDINGS_LISTED, commands.EXPORTED
        )
        self.shelf = Shelf(
            self.store_of, "ann", self.bus, Storage(self.tab, self.bus), self.scheduler,
            self.visits.append,
        )  # fmt: skip
        self.shelf.speak()

    def store_of(self, user: str) -> FakeRecordings:
        return self.stores.setdefault(user, FakeRecordings())

    @property
    def store(self) -> FakeRecordings:
        return self.stores["ann"]

    def keep(self, name: str, text: str, **fields: Any) -> None:
        entry = Entry.of(name, read(text), len(text)).to_wire() | fields
        self.store.kept[name] = json.dumps(entry)
        self.store.lines[name, 1] = text

    def intend(self, topic: str, **request: Any) -> None:
        self.tell(topic, request)

    def tell(self, topic: str, payload: object) -> None:
        async def go() -> None:
            self.bus.emit(topic, payload)
            for _ in range(20):
                await settle()

        run(go())
        assert self.scheduler.errors == []

    def heard(self, topic: str) -> list[Any]:
        return [payload for name, payload in self.ear.events if name == topic]

    def notices(self) -> list[str]:
        return [notice.key for notice in self.heard(events.NOTICE)]

    def listed(self) -> list[str]:
        return [entry.id for entry in self.heard(shelf.RECORDINGS_LISTED)[-1]]


def a_text(**options: Any) -> str:
    studio = Studio(**options)

    async def watch() -> None:
        await studio.begin()
        await studio.hear(frame("2026-02-21", "init"))
        await studio.later(2)

    studio.visit(watch())
    return studio.text


HEADER = Header("http://box:8000", False, "ann", START, 0, 1).to_line()


# -- making --------------------


def test_a_recording_is_written_once_a_second_and_can_be_replayed() -> None:
    cabin = Cabin()
    studio = Studio()
    pieces: list[int] = []

    async def watch() -> None:
        tape = await cabin.shelf.new_tape()
        assert tape is not None
        studio.recorder = recording.Recorder(
            studio.recorder._http, studio.sockets, studio.clock, studio.scheduler,
            tape.write, studio.page.report, seed=7,
        )  # fmt: skip
        studio.core = Core(studio.recorder, studio.recorder.relay(studio.page.bus))
        tape.carry(studio.recorder)
        await studio.begin()
        for _ in range(5):
            await studio.hear(frame("2026-02-21", "init"), frame("2026-02-21", "init"))
            studio.clock.time += 500
            cabin.scheduler.advance(0.5)
            await studio.settle()
            pieces.append(len(cabin.store.lines))

    studio.visit(watch())
    assert pieces == [0, 1, 1, 2, 2]
    [name] = cabin.store.kept
    text = "".join(run(cabin.store.read(name)))
    assert replay(read(text)).picture == studio.picture
    entry = Entry.from_text(cabin.store.kept[name])
    assert entry is not None
    assert (entry.frames, entry.started, entry.chars) == (10, START, len(text))
    assert cabin.notices() == ["recordings.stopped"]
    assert cabin.heard(shelf.RECORDING_CHANGED)[-1] is None
    assert cabin.heard(shelf.RECORDING_CHANGED)[0].frames == 4


def _tape(cabin: Cabin) -> tuple[Tape, Studio]:
    tape = run(cabin.shelf.new_tape())
    assert tape is not None
    studio = Studio()
    studio.recorder._write = tape.write
    tape.carry(studio.recorder)
    return tape, studio


@pytest.mark.parametrize("reason", ["recordings.quota", "recordings.blocked"])
def test_a_store_that_fails_ends_the_recording_with_a_sentence(reason: str) -> None:
    cabin = Cabin()
    cabin.tab.kept["kimi:ann:record"] = "on"
    tape, studio = _tape(cabin)

    async def write() -> None:
        tape.write("one")
        tape.flush()
        cabin.store.fails = reason
        tape.write("two")
        tape.flush()
        await settle()
        cabin.store.fails = None
        tape.write("three")
        tape.flush()
        await settle()

    run(write())
    assert not studio.recorder.is_recording
    assert cabin.notices() == [reason]
    assert list(cabin.store.lines.values()) == ["one\n"]  # no gap, and nothing after it
    assert cabin.tab.kept == {}
    assert cabin.scheduler.errors == []


def test_much_is_not_kept_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shelf, "WRITE_AT", 10)
    cabin = Cabin()
    tape, _ = _tape(cabin)

    async def write() -> None:
        tape.write("x" * 9)
        assert cabin.store.lines == {}
        tape.write("x")
        await settle()

    run(write())
    assert len(cabin.store.lines) == 1
    assert cabin.scheduler.pending() == []


def test_there_is_room_for_so_many_and_the_oldest_goes() -> None:
    cabin = Cabin()
    for number in range(MAX_RECORDINGS + 1):
        cabin.keep(f"r{number}", a_text(), started=START + number)
    assert run(cabin.shelf.new_tape()) is not None
    assert sorted(cabin.store.kept) == sorted(f"r{n}" for n in range(2, MAX_RECORDINGS + 1))
    [notice] = cabin.heard(events.NOTICE)
    assert (notice.key, notice.values) == ("recordings.dropped", {"count": 2})


def test_there_is_room_for_so_much() -> None:
    cabin = Cabin()
    cabin.keep("old", a_text(), started=START, chars=60_000_000)
    cabin.keep("new", a_text(), started=START + 1, chars=60_000_000)
    assert run(cabin.shelf.new_tape()) is not None
    assert list(cabin.store.kept) == ["new"]


def test_without_a_database_there_is_a_sentence_and_no_tape() -> None:
    cabin = Cabin()
    cabin.tab.kept["kimi:ann:record"] = "on"
    assert cabin.shelf.is_to_record
    cabin.store.fails = "recordings.blocked"
    assert run(cabin.shelf.new_tape()) is None
    assert cabin.notices() == ["recordings.blocked"]
    assert not cabin.shelf.is_to_record


def test_the_switch_loads_the_page_again_and_is_remembered_in_the_tab() -> None:
    cabin = Cabin()
    cabin.intend(shelf.RECORD, enabled=True)
    assert cabin.shelf.is_to_record
    assert cabin.visits == [None]
    tape, studio = _tape(cabin)
    cabin.intend(shelf.RECORD, enabled=False)
    assert not studio.recorder.is_recording
    assert tape.entry is None
    assert not cabin.shelf.is_to_record
    assert cabin.notices() == ["recordings.stopped"]


def test_another_user_has_other_recordings() -> None:
    cabin = Cabin()
    cabin.keep("hers", a_text())
    _, studio = _tape(cabin)
    cabin.tell(USER_LEFT, "ann")
    cabin.tell(USER_CHANGED, User("bob", "Bob"))
    assert not studio.recorder.is_recording
    cabin.intend(shelf.LIST)
    assert cabin.listed() == []
    assert cabin.stores["bob"].kept == {}
    cabin.tell(USER_DELETED, "bob")
    assert len(cabin.stores["ann"].kept) == 2  # the one that was just stopped is hers, too
    cabin.tell(USER_DELETED, "ann")
    assert (cabin.stores["ann"].kept, cabin.stores["ann"].lines) == ({}, {})


# -- keeping --------------------


def test_the_list_is_newest_first_and_passes_over_nonsense() -> None:
    cabin = Cabin()
    cabin.keep("old", a_text())
    cabin.keep("new", a_text(), started=START + 5)
    cabin.store.kept |= {"bad": "{", "odd": "[]", "part": '{"id": "x"}'}
    cabin.intend(shelf.LIST)
    assert cabin.listed() == ["new", "old"]
    cabin.intend(shelf.REMOVE, id="old")
    assert cabin.listed() == ["new"]


def test_a_recording_is_saved_as_it_was_written() -> None:
    cabin = Cabin()
    text = a_text()
    cabin.keep("it", text)
    cabin.intend(shelf.SAVE, id="it")
    [file] = cabin.heard(commands.EXPORTED)
    assert (file.name, file.text) == ("kimi-2026-11-22-074000.jsonl", text)
    cabin.intend(shelf.SAVE, id="gone")
    assert cabin.notices() == ["recordings.gone"]


def test_a_file_is_kept_and_replayed() -> None:
    cabin = Cabin()
    for number in range(MAX_RECORDINGS):
        cabin.keep(f"r{number}", a_text(), started=START - number)
    text = a_text()
    cabin.intend(shelf.OPEN, text=text)
    [name] = cabin.visits
    assert name is not None
    assert "".join(run(cabin.store.read(name))).splitlines()[1:] == text.splitlines()[1:]
    assert len(cabin.store.kept) == MAX_RECORDINGS
    assert f"r{MAX_RECORDINGS - 1}" not in cabin.store.kept
    found = run(cabin.shelf.take(name))
    assert found is not None
    assert found.lines == read(text).lines


def test_a_file_with_secrets_is_kept_without_them() -> None:
    cabin = Cabin()
    key, named = "sk-live-0123456789abcdef", "correct-horse"
    text = "\n".join(
        [
            HEADER.replace("box", f"me:{named}@box"),
            json.dumps({"t": 0, "k": "text", "s": 1, "text": json.dumps({"api_key": named})}),
            json.dumps({"t": 0, "k": "text", "s": 1, "text": f'{{"api_key": "{named}'}),
            json.dumps({"t": 0, "k": "intent", "topic": "x", "value": {"secret": named}}),
            json.dumps(
                {"t": 0, "k": "answer", "method": "GET", "path": "/x", "n": 1, "status": 200,
                 "type": "", "text": json.dumps({"note": key})}
            ),
        ]
    )  # fmt: skip
    cabin.intend(shelf.OPEN, text=text)
    kept = json.dumps(list(cabin.store.lines.values())) + json.dumps(cabin.store.kept)
    assert key not in kept
    assert named not in kept
    assert "[redacted]" in kept


@pytest.mark.parametrize("text", ["", "nonsense", HEADER + '\n{"t":0,"k":"text"}'])
def test_a_bad_file_changes_nothing_and_gets_a_sentence(text: str) -> None:
    cabin = Cabin()
    cabin.keep("it", a_text())
    before = dict(cabin.store.kept)
    cabin.intend(shelf.OPEN, text=text)
    [notice] = cabin.heard(events.NOTICE)
    assert isinstance(notice, Notice)
    assert notice.key == "recordings.bad"
    assert notice.values["line"] == 1 + text.count("\n")
    assert cabin.store.kept == before
    assert cabin.visits == []


def test_a_recording_that_cannot_be_replayed_gets_a_sentence() -> None:
    cabin = Cabin()
    assert run(cabin.shelf.take("gone")) is None
    cabin.keep("bad", a_text())
    cabin.store.lines["bad", 1] = "{"
    assert run(cabin.shelf.take("bad")) is None
    cabin.store.fails = "recordings.blocked"
    assert run(cabin.shelf.take("bad")) is None
    assert cabin.notices() == ["recordings.gone", "recordings.bad", "recordings.blocked"]


def test_playing_ends_the_recording_of_the_tab() -> None:
    cabin = Cabin()
    cabin.tab.kept["kimi:ann:record"] = "on"
    cabin.intend(shelf.PLAY, id="it")
    cabin.intend(shelf.LEAVE)
    assert cabin.visits == ["it", None]
    assert not cabin.shelf.is_to_record


def test_what_is_told_early_waits_for_the_panels() -> None:
    ear = Recorder()
    ear.listen(events.NOTICE)
    early = Shelf(
        lambda _user: FakeRecordings(), "ann", ear.bus, Storage(FakeStore(), ear.bus),
        FakeScheduler(FakeClock()), lambda _name: None,
    )  # fmt: skip
    run(early.take("gone"))
    assert ear.events == []
    early.speak()
    assert [payload.key for _, payload in ear.events] == ["recordings.gone"]


def test_a_long_recording_is_read_in_slices() -> None:
    turns = 0

    async def others() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    async def go() -> None:
        beside = asyncio.ensure_future(others())
        line = '{"t":0,"k":"start"}'
        found = await shelf.read_in_slices([HEADER, "\n".join([line] * 4000)])
        beside.cancel()
        assert len(found.lines) == 4000

    run(go())
    assert turns >= 10

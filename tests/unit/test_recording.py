"""Recordings: what is written, what is refused, and that a replay is what live was."""

from __future__ import annotations

import asyncio
import json
import random
import re
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sessions import commands, recording
from sessions.envelope import Envelope, SavedProxy, SavedSession
from sessions.errors import BadRecording, ProxyTimeout, ProxyUnreachable
from sessions.persistence import restore
from sessions.ports import HttpAnswer
from sessions.recording import MOST, Header, Recorder, read
from sessions.turns import Turns
from tests.driver import run, settle
from tests.fakes import VERSIONS, FakeHttp, answer, examples, frame, plain
from tests.fakes import recording as wire
from tests.recordings import START, Studio, replay, same_as_live


class SlowHttp:
    """Answers after a while, in an order of its own; now and then not at all."""

    def __init__(self, version: str, chance: random.Random) -> None:
        self._inner = FakeHttp.speaking(version)
        self._chance = chance

    async def request(
        self, method: str, path: str, body: str | None = None, *, timeout: float
    ) -> HttpAnswer:
        for _ in range(self._chance.randrange(12)):
            await asyncio.sleep(0)
        fate = self._chance.random()
        if fate < 0.05:
            raise ProxyTimeout(f"{method} {path}", "too slow")
        if fate < 0.1:
            raise ProxyUnreachable(f"{method} {path}", "gone")
        return await self._inner.request(method, path, body, timeout=timeout)


async def visit(studio: Studio, version: str) -> None:
    """Everything that this version sends, with intents, timers and two gaps in between."""
    await studio.begin()
    await studio.hear("no JSON at all", {"type": "unheard-of"}, {"type": 3})
    for number, (_, frames) in enumerate(sorted(wire(version)["ws"].items())):
        for message in frames:
            await studio.hear(message)
            await studio.later(0.13 * (number % 5))
    await studio.intend(commands.LOAD_MEMORY)
    await studio.intend(commands.SELECT, id=2)
    await studio.intend(commands.LOAD_COMPACTION)
    studio.sockets.last.drop()
    await studio.settle()
    await studio.later(1.7)
    studio.sockets.last.drop()
    await studio.settle()
    await studio.intend(commands.WAKE)
    studio.sockets.last.listener.on_open()
    await studio.settle()
    await studio.hear(frame(version, "init"))
    await studio.later(3)


# -- a replay is what live was --------------------


@pytest.mark.parametrize("version", VERSIONS)
def test_every_recorded_wire_gives_the_same_state_again(version: str) -> None:
    studio = Studio(FakeHttp.speaking(version))
    studio.visit(visit(studio, version))
    replayed = same_as_live(studio)
    assert replayed.state.session is not None
    assert len(replayed.heard) > 20
    assert replayed.picture == replay(studio.recording()).picture


@examples(25)
@given(
    version=st.sampled_from(VERSIONS),
    seed=st.integers(0, 1 << 30),
    steps=st.lists(
        st.tuples(
            st.sampled_from(("frame", "frame", "garbage", "later", "intend", "drop", "open")),
            st.integers(0, 40),
        ),
        max_size=40,
    ),
)
def test_whatever_comes_between_what(version: str, seed: int, steps: list[tuple[str, int]]) -> None:
    chance = random.Random(seed)
    frames = [message for many in wire(version)["ws"].values() for message in many]
    studio = Studio(SlowHttp(version, chance))

    async def play() -> None:
        studio.recorder.begin(studio.core.start)
        await settle()
        for step, number in steps:
            socket = studio.sockets.last
            if step == "frame" and not socket.closed:
                socket.say(frames[number % len(frames)])
            elif step == "garbage" and not socket.closed:
                socket.say('{"type": "metric", "api_key": "' + "x" * number)
            elif step == "later":
                studio.scheduler.advance(number / 7)
            elif step == "intend":
                topic = commands.INTENTS[number % len(commands.INTENTS)]
                studio.page.bus.emit(topic, {"id": number % 9, "ids": [number % 3]})
            elif step == "drop" and not socket.closed:
                socket.drop()
            elif step == "open" and not socket.closed:
                socket.listener.on_open()
            for _ in range(chance.randrange(9)):
                await asyncio.sleep(0)  # so that what follows may come in the middle of it

    studio.visit(play())
    # An export is not recorded, and so neither is that the proxy was found to have one.
    studio.heard = [event for event in studio.heard if not _of_an_export(event)]
    for endpoint in [name for name in studio.picture["capabilities"] if recording.EXPORTS in name]:
        del studio.picture["capabilities"][endpoint]
    same_as_live(studio)


def _of_an_export(event: tuple[str, Any]) -> bool:
    topic, payload = event
    return topic == "export:ready" or (
        topic.startswith("command:") and payload["command"] == commands.EXPORT
    )


def test_the_demo_can_be_recorded() -> None:
    studio = Studio(demo=True)

    async def watch() -> None:
        await studio.begin()
        for _ in range(180):
            await studio.later(1.1)

    studio.visit(watch())
    replayed = same_as_live(studio)
    assert replayed.state.session_totals().total_requests > 5
    phases = {payload["phase"] for topic, payload in replayed.heard if "connection" in topic}
    assert phases == {"connecting", "connected", "waiting"}  # it has dropped in between


def test_a_moment_in_the_middle_is_what_it_was_then() -> None:
    studio = Studio(FakeHttp.speaking("2026-02-20"))
    moments: list[tuple[float, dict[str, Any]]] = []

    async def watch() -> None:
        await studio.begin()
        for number in range(20):
            row = {**frame("2026-02-20", "metric")["metric"], "id": 1000 + number}
            await studio.hear({**frame("2026-02-20", "metric"), "metric": row})
            await studio.later(0.9)
            moments.append((studio.clock.time - START, studio.core.picture()))
            await studio.later(0.1)

    studio.visit(watch())
    for at, picture in moments:
        assert replay(studio.recording(), at).picture == picture


def test_what_an_earlier_visit_knew_is_a_part_of_it() -> None:
    address, version = "http://localhost:8000", "2026-02-20"
    first = Studio(FakeHttp.speaking(version), address=address)

    async def work() -> None:
        await first.begin()
        row = {**frame(version, "metric"), "session_id": first.core.state.session_id}
        await first.hear(row)

    first.visit(work())
    known = first.core.state.session
    assert known is not None
    saved = SavedSession(known, first.core.state.metrics(), memory=first.core.state.memory)
    other = SavedSession(known.updated(id=77, name="Of another proxy"))
    envelope = Envelope(
        proxies={address: SavedProxy(START - 1, known.id, pinned=True)},
        sessions=((address, saved), ("http://elsewhere", other)),
    )
    second = Studio(FakeHttp(), address=address)  # it is away now
    core = second.core

    async def watch() -> None:
        second.recorder.restore(
            envelope.text_of(address),
            lambda: restore(envelope, address, core.state, core.manager, core.live),
        )
        await second.begin()
        await second.later(2)

    second.visit(watch())
    replayed = same_as_live(second)
    assert replayed.state.session == known
    assert len(replayed.state.metrics()) == len(first.core.state.metrics()) > 0
    assert "Of another proxy" not in second.text


def test_a_core_that_asks_for_other_things_is_counted_and_goes_on() -> None:
    studio = Studio()
    studio.visit(studio.begin())
    changed = [re.sub(r"/api/sessions/auto-status", "/api/of-old", line) for line in studio.lines]
    replayed = replay(read("\n".join(changed)))
    assert replayed.divergences >= 1
    assert replayed.state.session is not None
    assert replayed.errors == []


# -- what is written --------------------


def test_a_line_is_an_object_with_a_time_and_a_kind() -> None:
    studio = Studio(address="http://me:secret@box:8000", user="ann")
    studio.visit(visit(studio, "2026-02-21"))
    header, *rows = [json.loads(line) for line in studio.lines]
    assert header == {
        "kimi": "recording", "version": 1, "app": "kimi-proxy-dashboard",
        "proxy": "http://box:8000", "demo": False, "user": "ann", "started": START,
        "offset": 3_600_000, "seed": 7,
    }  # fmt: skip
    assert {row["k"] for row in rows} == {
        "start", "open", "text", "close", "request", "answer", "timer", "intent", "end",
    }  # fmt: skip
    assert [row["t"] for row in rows] == sorted(row["t"] for row in rows)
    found = studio.recording()
    assert found.header == Header("http://box:8000", False, "ann", START, 3_600_000, 7)
    assert found.length == rows[-1]["t"]
    assert found.frames == sum(row["k"] == "text" for row in rows)
    assert found.ignored == 0


def test_exports_pass_through_unrecorded() -> None:
    studio = Studio()

    async def export() -> None:
        await studio.begin()
        await studio.intend(commands.EXPORT, kind="json")

    studio.visit(export())
    assert any(topic == commands.EXPORTED for topic, _ in studio.heard)
    rows = [json.loads(line) for line in studio.lines]
    assert [row for row in rows if "export" in row.get("path", row.get("topic", ""))] == []


def test_no_secret_is_written_whatever_carries_it() -> None:
    key, named = "sk-live-0123456789abcdef", "correct-horse-battery"
    http = FakeHttp.speaking("2026-02-21")
    http.on("GET", "/api/memory/stats/advanced", answer({"api_key": named, "note": key}))
    http.on("GET", "/api/rate-limit", plain(f"Bearer {key} was refused", 500))
    http.on("GET", "/api/providers", plain(f'{{"api_key": "{named}"', 200))
    http.on("POST", "/api/sessions", ProxyUnreachable("POST /api/sessions", f"no {key}"))
    studio = Studio(http)

    async def leak() -> None:
        await studio.begin()
        metric = {**frame("2026-02-20", "metric")}
        metric["metric"] = {**metric["metric"], "content_preview": f"use {key}", "secret": named}
        await studio.hear(metric)
        await studio.hear(f'{{"type": "metric", "api_key": "{named}')
        for topic in (commands.LOAD_MEMORY, commands.LOAD_RATE_LIMIT, commands.LOAD_PROVIDERS):
            await studio.intend(topic)
        await studio.intend(commands.CREATE, name=f"with {key}", api_key=named)

    studio.visit(leak())
    assert key not in studio.text
    assert named not in studio.text
    proxys_own = re.findall(r"sk-fake[\w-]+", wire("2026-02-21")["http"]["active_busy"]["text"])
    assert proxys_own
    assert proxys_own[0] not in studio.text
    assert studio.text.count("[redacted]") >= 4
    same_as_live(studio)


def test_what_has_no_secret_is_written_as_it_came() -> None:
    studio = Studio()
    text = '{"type":"unheard-of",   "odd": 1e2, "é": "\\u00e9", "key": [1.50]}'

    async def hear() -> None:
        await studio.begin()
        await studio.hear(text)

    studio.visit(hear())
    [row] = [row for row in map(json.loads, studio.lines[1:]) if row["k"] == "text"]
    assert row["text"] == text


@pytest.mark.parametrize("bound", ["MAX_LINES", "MAX_CHARS"])
def test_a_recording_is_bounded_and_the_page_goes_on(
    bound: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    studio = Studio()
    told: list[str | None] = []
    studio.recorder.on_stop = told.append

    async def hear() -> None:
        await studio.begin()
        monkeypatch.setattr(recording, bound, getattr(studio.recorder, bound[4:].lower()) + 3)
        for number in range(9):
            await studio.hear({"type": f"odd-{number}"})

    studio.visit(hear())
    assert told == ["recordings.full"]
    assert not studio.recorder.is_recording
    assert sum(studio.core.live.ignored.values()) == 9
    monkeypatch.undo()
    assert studio.recording().length >= 0


def test_a_stop_is_told_once_and_writes_an_end() -> None:
    studio = Studio()
    told: list[str | None] = []
    studio.recorder.on_stop = told.append
    studio.visit(studio.begin())
    studio.recorder.stop("recordings.full")
    assert told == [None]
    assert json.loads(studio.lines[-1])["k"] == "end"


def test_time_stands_still_in_a_turn_and_never_goes_back() -> None:
    studio = Studio()
    seen: list[float] = []

    async def look() -> None:
        await studio.begin()
        for moment in (500.2, 400.0, 900.0):
            studio.clock.time = START + moment
            studio.recorder.take("open", lambda: seen.append(studio.recorder.now()), s=1)
            await studio.settle()
        assert studio.recorder.now() == studio.clock.now()

    studio.visit(look())
    assert seen == [START + 500.2, START + 500.2, START + 900.0]


# -- what is refused --------------------

HEADER = Header("http://box:8000", False, "default", START, 0, 1).to_line()


@pytest.mark.parametrize(
    ("lines", "number", "problem", "field"),
    [
        ([""], 1, "header", ""),
        (["{}"], 1, "header", ""),
        (["not JSON"], 1, "json", ""),
        (["[1]"], 1, "json", ""),
        ([HEADER.replace('"version": 1', '"version": 2')], 1, "version", ""),
        ([HEADER.replace('"seed": 1', '"seed": -1')], 1, "field", "seed"),
        ([HEADER.replace('"user": "default"', '"user": 7')], 1, "field", "user"),
        ([HEADER, '{"t":0,"k":"start"}', "", '{"t":1,"k":"te'], 4, "json", ""),
        ([HEADER, '{"t":"0","k":"start"}'], 2, "field", "t"),
        ([HEADER, '{"t":NaN,"k":"start"}'], 2, "json", ""),
        ([HEADER, '{"t":-1,"k":"start"}'], 2, "order", ""),
        ([HEADER, '{"t":5,"k":"start"}', '{"t":4,"k":"end"}'], 3, "order", ""),
        ([HEADER, '{"t":0,"k":"text","s":1,"text":{}}'], 2, "field", "text"),
        ([HEADER, '{"t":0,"k":"text","s":true,"text":""}'], 2, "field", "s"),
        ([HEADER, '{"t":0,"k":"intent","topic":"x","value":[]}'], 2, "field", "value"),
        ([HEADER, '{"t":0}'], 2, "field", "k"),
        ([HEADER, "[" * 100_000], 2, "json", ""),
    ],
)
def test_a_bad_line_is_named(lines: list[str], number: int, problem: str, field: str) -> None:
    with pytest.raises(BadRecording) as caught:
        read("\n".join(lines))
    assert (caught.value.line, caught.value.problem, caught.value.field) == (
        number, problem, field,
    )  # fmt: skip


def test_too_much_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recording, "MAX_LINES", 3)
    good = [HEADER, *['{"t":0,"k":"start"}'] * 3]
    assert len(read("\n".join(good)).lines) == 3
    with pytest.raises(BadRecording, match="Line 5"):
        read("\n".join([*good, good[-1]]))


def test_whatever_chance_begins_with_can_be_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("random.randrange", lambda most: most - 1)
    studio = Studio(seed=None)
    studio.visit(studio.begin())
    assert studio.recording().header.seed == MOST - 1


def test_kinds_from_the_future_are_passed_over() -> None:
    found = read("\n".join([HEADER, '{"t":0,"k":"start"}', '{"t":9,"k":"smell","of":"tea"}']))
    assert (found.ignored, found.length, len(found.lines)) == (1, 9, 1)


@examples(60)
@given(st.text(max_size=200))
def test_any_text_is_read_or_refused(text: str) -> None:
    for candidate in (text, f"{HEADER}\n{text}"):
        with suppress(BadRecording):
            read(candidate)


# -- one input at a time --------------------


def test_an_input_that_an_input_causes_waits_for_its_turn() -> None:
    order: list[str] = []
    turns = Turns(lambda where, error: order.append(str(error)))

    async def work() -> None:
        await asyncio.sleep(0)
        order.append("work")

    def first() -> None:
        turns.take(lambda: order.append("second"))
        turns.start(work())
        order.append("first")

    turns.take(first)
    assert order == ["first", "work", "second"]


def test_a_fault_is_reported_and_stops_nothing() -> None:
    heard: list[str] = []
    turns = Turns(lambda where, error: heard.append(f"{where}: {error!r}"))

    async def fail() -> None:
        raise ValueError("in a task")

    turns.take(lambda: 1 / 0)  # type: ignore[arg-type,return-value]
    turns.take(lambda: turns.start(fail()))
    turns.take(lambda: heard.append("fine"))
    assert heard == [
        "turn: ZeroDivisionError('division by zero')",
        "task: ValueError('in a task')",
        "fine",
    ]


def test_what_was_stopped_stays_stopped() -> None:
    heard: list[str] = []
    turns = Turns(lambda where, error: heard.append(str(error)))

    async def wait() -> None:
        try:
            await turns.create_future()
        finally:
            turns.start(wait())
            heard.append("gone")

    turns.take(lambda: turns.start(wait()))
    turns.stop()
    turns.take(lambda: heard.append("never"))
    assert heard == ["gone"]


def test_work_that_nobody_asked_for_is_done_on_the_next_pass() -> None:
    heard: list[str] = []

    async def work() -> None:
        heard.append("done")

    async def outside() -> None:
        turns = Turns(lambda where, error: heard.append(str(error)))
        turns.host(asyncio.get_running_loop())
        turns.start(work())
        turns.take(lambda: heard.append("taken"))
        assert heard == []
        await settle()

    run(outside())
    assert heard == ["done", "taken"]


def test_a_recorder_is_every_port() -> None:
    """The type checker looks at py/ only; this looks at what a replay relies on."""
    for name in ("request", "connect", "now", "utc_offset", "call_later", "start"):
        assert callable(getattr(Recorder, name))

"""Whatever a proxy says, nothing escapes: it is counted or refused, and the page goes on."""

from __future__ import annotations

import asyncio
import json
import math
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sessions import commands, events
from sessions.chat import Chat, Flaw, read_chat
from sessions.envelope import Finding, parse
from sessions.errors import SessionsError
from sessions.joined import WINDOW
from sessions.live import MOST_KINDS
from sessions.models import LARGEST_EXACT, LONGEST_ID, Notice, as_id, id_key, to_plain
from sessions.persistence import Persistence, recall
from sessions.ports import HttpAnswer
from sessions.proxy_api import Deletion, ProxyApi
from sessions.recording import Header
from sessions.shelf import Entry, file_name
from sessions.storage import STATE, Storage, key_of
from sessions.texts import LONGEST_TEXT, for_file_name
from sessions.times import format_timestamp, parse_timestamp
from tests.driver import run
from tests.fakes import VERSIONS, FakeHttp, FakeStore, Rig, Room, answer, examples, recording
from tests.support import FakeClock
from views.toasts import SHOWN, Toasts

STATUSES = (200, 200, 200, 201, 404, 422, 500)
KEY = key_of("default", STATE)
TOPICS = sorted(
    {str(t) for m in (events, commands) for t in vars(m).values() if isinstance(t, events.Topic)}
    - {commands.EXPORTED}
)
INTENTS = (
    (commands.LIST, {}), (commands.SELECT, {"id": 1}), (commands.VIEW, {"id": 2}),
    (commands.CREATE, {"name": "x"}), (commands.DELETE, {"ids": [1, 2]}),
    (commands.SET_AUTO_SESSION, {"enabled": True}), (commands.EXPORT, {"kind": "csv"}),
    (commands.EXPORT, {"kind": "json"}), (commands.COMPACT, {}),
    (commands.PREVIEW_COMPACTION, {}), (commands.SET_AUTO_COMPACTION, {"enabled": True}),
    (commands.RESERVE_TOKENS, {"tokens": 5}), (commands.LOAD_COMPACTION, {}),
    (commands.LOAD_MEMORY, {}), (commands.LOAD_PROVIDERS, {}), (commands.LOAD_RATE_LIMIT, {}),
)  # fmt: skip
CALLS = (
    ProxyApi.negotiate, ProxyApi.sessions, ProxyApi.active_session, ProxyApi.auto_session,
    ProxyApi.vacuum, ProxyApi.providers, ProxyApi.models, ProxyApi.health, ProxyApi.rate_limit,
    ProxyApi.memory_stats, ProxyApi.frequent_memories, ProxyApi.memory_servers,
    lambda api: api.load_session(1), lambda api: api.load_session("a/b"),
    lambda api: api.activate_session(1), lambda api: api.create_session("a", None, None),
    lambda api: api.delete_sessions([1, "2"]), lambda api: api.set_auto_session(True),
    lambda api: api.export("csv"), lambda api: api.export("json"),
    lambda api: api.compaction_stats(1), lambda api: api.compaction_preview(1),
    lambda api: api.compaction_auto_status(1), lambda api: api.compaction_chart(1),
    lambda api: api.compaction_history(1), lambda api: api.compact(1),
    lambda api: api.set_auto_compaction(1, True), lambda api: api.reserve_tokens(1, 5),
    lambda api: api.simulate_compaction(1, []), lambda api: api.store_memory(1, "a", "episodic"),
    lambda api: api.compress_memory("a", 0.5), lambda api: api.similar_memories("a"),
)  # fmt: skip
ADDRESS = "http://localhost:8000"
OLDEST, MIDDLE, NEWEST = VERSIONS
KINDS = (
    "init", "metric", "metric_updated", "log_metric", "new_session", "session_activated",
    "auto_session_created", "session_deleted", "sessions_bulk_deleted", "auto_session_toggled",
    "auto_compaction_toggled", "reserved_tokens_updated", "compaction_event",
    "memory_metrics_update", "provider_context_limit_error", "streaming_error", "model_fallback",
    "context_warning", "compaction_alert", "unheard_of",
)  # fmt: skip
NAMES = (
    "id", "session_id", "session_ids", "metric_id", "metric", "metrics", "session", "real_tokens",
    "total", "prompt", "completion", "percentage", "total_tokens", "max_context", "source",
    "cumulative_tokens", "cumulative_percentage", "alert", "level", "message", "error_message",
    "memory", "mcp_memory", "memory_tokens", "chat_tokens", "memory_ratio", "compaction",
    "original_tokens", "enabled", "reserved_tokens", "name", "model", "provider", "created_at",
    "is_active", "estimated_tokens", "history_tokens", "delta_tokens", "prompt_tokens",
    "completion_tokens", "is_estimated", "timestamp", "content_preview", "stats", "recent_metrics",
    "total_requests", "avg_tokens", "max_tokens", "cumulative_input_tokens", "failed_ids", "error",
    "detail", "msg", "paths", "data", "key", "models", "session_updated", "type",
)  # fmt: skip
# JSON text of one value each: what Python's own writer could not write as well.
_scalars = st.one_of(
    st.sampled_from(
        [
            "1e400", "-1e400", "1e308", "-0.0", "9" * 5_000, "1" * 400, "-1", "0.5", str(2**53),
            str(2**53 - 1), str(2**63), str(-(2**63)), "true", "false", "null", "1", "2", '"2"',
            r'"\ud800"', r'"\u0000" ', r'"\u00001"', '"None"', '"x"', '""', "[]", "{}",
            '"0001-01-01T00:00:00+23:59"', '"9999-12-31T23:59:59-23:59"', '"2026-11-22 06:39:03"',
            json.dumps("long " * 1_000), json.dumps("=1+1\r\n\t"), "[" * 250 + "]" * 250,
            '"../../etc/passwd"',
        ]
    ),
    st.integers().map(str),
    st.floats(allow_nan=False, allow_infinity=False).map(repr),
    st.text(max_size=6).map(json.dumps),
)  # fmt: skip
_names = (st.sampled_from(NAMES) | st.text(max_size=4)).map(json.dumps)


def _listed(parts):
    return "[" + ",".join(parts) + "]"


def _paired(pairs):
    return "{" + ",".join(f"{name}:{value}" for name, value in pairs) + "}"


_json = st.recursive(
    _scalars,
    lambda inner: (
        st.lists(inner, max_size=4).map(_listed)
        | st.lists(st.tuples(_names, inner), max_size=9).map(_paired)
    ),
    max_leaves=25,
)


@st.composite
def _changed(draw, recorded):
    """A recorded value in which some parts are others now."""

    def change(value, depth=0):
        if depth and draw(st.integers(0, 5)) == 0:
            return draw(_json)
        if isinstance(value, dict):
            return _paired((json.dumps(k), change(v, depth + 1)) for k, v in value.items())
        if isinstance(value, list):
            return _listed(change(v, depth + 1) for v in value)
        return json.dumps(value)

    return change(draw(recorded))


_frames = _changed(
    st.sampled_from([f for v in VERSIONS for rows in recording(v)["ws"].values() for f in rows])
)
_typed = st.tuples(
    st.sampled_from(KINDS), st.lists(st.tuples(_names.filter(lambda n: n != '"type"'), _json))
).map(lambda found: _paired([('"type"', json.dumps(found[0])), *found[1]]))
_anything = _frames | _typed | _json | st.text()
_CASES = [
    (version, case, found)
    for version in VERSIONS
    for case, found in recording(version)["http"].items()
    if "json" in found["content_type"]
]


@st.composite
def _answers(draw):
    """The answers of one proxy, some of which are not what they were."""
    version = draw(st.sampled_from(VERSIONS))
    changed = _changed(
        st.sampled_from([json.loads(f["text"]) for v, _, f in _CASES if v == version])
    )
    return version, draw(
        st.lists(st.tuples(changed | _json, st.sampled_from(STATUSES)), max_size=3)
    )


class Visit(Rig):
    """A page with a memory, whose panels' events are handed to JavaScript as well."""

    def __init__(self, http):
        super().__init__(http)
        self.told = 0
        self.store = FakeStore()
        storage = Storage(self.store, self.bus)
        self.persistence = Persistence(
            storage, self.state, self.manager, self.live, self.bus, self.clock, self.scheduler
        )
        self.persistence.open(recall(storage, "default", self.clock.now()), ADDRESS)
        for topic in TOPICS:
            self.bus.on(topic, self._deliver)

    def _deliver(self, payload):
        self.told += 1
        sent = json.dumps(to_plain(payload), ensure_ascii=False, allow_nan=False)
        sent.encode("utf-8")
        assert all(len(text) <= LONGEST_TEXT for text in texts_in(json.loads(sent)))

    def is_sound(self):
        """Whatever was heard: figures are whole and finite, and everything can be kept."""
        self.check()
        for stats in (self.state.session_totals(), self.state.calculate_stats()):
            for figure in stats.to_wire().values():
                assert type(figure) is int
                assert 0 <= figure <= LARGEST_EXACT
        reading = self.state.merge_data_sources()
        assert reading is None or 0 <= reading.tokens <= LARGEST_EXACT
        for quality in self.state.quality_by_model().values():
            assert math.isfinite(quality.bias)
            assert math.isfinite(quality.spread)
        assert len(self.live.ignored) <= MOST_KINDS + 1
        self.persistence.flush()
        kept = json.dumps(json.loads(self.store.kept[KEY]), ensure_ascii=False, allow_nan=False)
        kept.encode("utf-8")
        assert self.store.kept[KEY].encode("utf-8")
        assert parse(self.store.kept[KEY], self.clock.now())[1] is Finding.WHOLE


def texts_in(value):
    if isinstance(value, str):
        yield value
    for part in (
        value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    ):
        yield from texts_in(part)


async def _next_is_right(visit):
    """A proxy that is itself again is shown right."""
    session = {"id": 4711, "name": "Good", "model": "m", "created_at": "2026-11-22 07:00:00"}
    good = answer({"session": session, "recent_metrics": [], "stats": {}})
    visit.http.on("GET", "/api/sessions/4711", good)
    visit.http.on("GET", "/api/sessions/active", good)
    visit.http.on("GET", "/api/sessions", answer([session]))
    await visit.later(40)
    await visit.hear({"type": "session_activated", "session": session})
    await visit.later(3)
    counts = {"total": 30, "prompt": 20, "completion": 10, "percentage": 1.5}
    await visit.hear(
        {"type": "metric_updated", "metric_id": 990_001, "session_id": 4711, "real_tokens": counts}
    )
    assert visit.state.session_id == 4711
    assert visit.state.session.name == "Good"
    assert visit.state.metric(990_001).tokens == 30
    assert visit.state.session_totals().total_prompt >= 20


@given(st.lists(_anything, max_size=6))
@examples(150)
def test_any_message_is_shown_or_counted_and_the_next_good_one_is_right(messages):
    async def scene():
        visit = Visit(FakeHttp.speaking(NEWEST))
        await visit.start()
        await visit.hear(*messages)
        await visit.later(3)
        visit.is_sound()
        await _next_is_right(visit)
        visit.is_sound()

    run(scene())


@given(_answers())
@examples(100)
def test_any_answer_is_used_or_refused_and_the_next_good_one_is_right(answers):
    version, changed = answers

    async def scene():
        http = FakeHttp.speaking(version)
        routes = [(found["method"], found["path"]) for v, _, found in _CASES if v == version]
        for place, (text, status) in enumerate(changed):
            for method, path in routes[place :: len(changed)]:
                http.on(method, path, HttpAnswer(status, "application/json", text))
        visit = Visit(http)
        await visit.start()
        for topic, request in INTENTS:
            await visit.intend(topic, **request)
        await visit.later(3)
        visit.is_sound()
        visit.http = visit.api._http = FakeHttp.speaking(NEWEST)
        visit.api.renegotiate()
        await _next_is_right(visit)
        visit.is_sound()

    run(scene())


@given(_json, st.sampled_from(STATUSES))
@examples(150)
def test_every_endpoint_takes_any_answer(text, status):
    class Everywhere(FakeHttp):
        async def request(self, method, path, body=None, *, timeout):
            return HttpAnswer(status, "application/json", text)

    async def scene():
        for call in CALLS:
            with suppress(SessionsError):  # anything else would be a failure
                await call(ProxyApi(Everywhere()))

    run(scene())


# -- one by one --------------------


@pytest.mark.parametrize(
    "value",
    [True, False, None, 1.5, "", "x" * (LONGEST_ID + 1), "\0" "1", "\ud800", 2**63, -(2**63),
     10**400, [], {}],
    ids=lambda value: repr(value)[:20],
)  # fmt: skip
def test_what_cannot_be_an_id(value):
    assert as_id(value) is None


def test_no_id_is_the_key_of_what_has_none():
    assert id_key(None) != id_key("None")
    assert as_id(id_key(None)) is None


def test_unknown_kinds_of_messages_are_counted_within_bounds():
    rig = Rig(FakeHttp())
    for number in range(10 * MOST_KINDS):
        rig.live.receive(json.dumps({"type": f"kind {number}"}))
    assert len(rig.live.ignored) == MOST_KINDS + 1
    assert rig.live.ignored.total() == 10 * MOST_KINDS
    assert rig.live.ignored["other"] == 9 * MOST_KINDS


@pytest.mark.parametrize("mean", ["1e308", "1e400", "9" * 5_000, "-1e308"])
def test_a_mean_that_overflows_is_none(mean):
    async def scene():
        visit = Visit(FakeHttp.speaking(NEWEST))
        text = (
            '{"session": {"id": 2, "name": "S"}, "recent_metrics": [],'
            f' "stats": {{"total_requests": {2**53 - 1}, "avg_tokens": {mean}}}}}'
        )
        visit.http.on("GET", "/api/sessions/active", HttpAnswer(200, "application/json", text))
        await visit.start()
        visit.is_sound()
        assert visit.state.session_totals().total_requests == 2**53 - 1

    run(scene())


@pytest.mark.parametrize(
    "part",
    [{"type": ["text"], "text": "a"}, {"type": {}, "text": "a"}, {"type": None}, {"type": 7}, 1.5],
)
def test_a_part_of_a_message_whose_type_is_no_text_is_left_out_of_the_count(part):
    chat = read_chat(json.dumps([{"role": "user", "content": ["hello", part]}]))
    assert isinstance(chat, Chat)
    assert chat.messages[0].texts == ("hello",)
    assert json.loads(chat.left_out["content"]) == part


def test_a_number_of_thousands_of_digits_is_no_depth():
    found = read_chat('[{"role": "user", "content": "a", "n": ' + "9" * 5_000 + "}]")
    assert isinstance(found, Chat)
    assert read_chat('[{"role": "user", "n": NaN}]') == Flaw("json-value")
    assert read_chat("[{" * 201) == Flaw("json-depth")


@pytest.mark.parametrize("text", ["0001-01-01T00:00:00+23:59", "9999-12-31T23:59:59-23:59"])
def test_the_ends_of_the_calendar_are_times(text):
    assert parse_timestamp(text, FakeClock()) is not None


@pytest.mark.parametrize("at", [1e15, -1e15, 1e300, 9e14])
def test_any_moment_can_be_written(at):
    assert len(format_timestamp(at)) == 24


def test_a_recording_of_any_time_has_a_file_name():
    header = Header("http://a", False, "default", 9e14, 9e14, 1)
    assert file_name(header) == "kimi-9999-12-31-235959.jsonl"


@pytest.mark.parametrize("text", ['{"id": 7}', '{"id": "a", "started": "x"}', "[]", "{}", '"a"'])
def test_a_description_that_is_none_is_passed_over(text):
    assert Entry.from_text(text) is None


@pytest.mark.parametrize("name", ["../../etc/passwd", "a/b\\c:d", "\ud800", "x" * 900, ".", ""])
def test_a_file_name_is_one(name):
    found = for_file_name(name)
    assert found.isascii()
    assert 0 < len(found) <= 60
    assert not set(found) & set("/\\:")
    assert not found.startswith(".")


def test_a_refusal_that_failed_for_zero_keeps_its_session():
    async def scene():
        http = FakeHttp.speaking(NEWEST)
        http.on("DELETE", "/api/sessions", answer({"failed_ids": [0, [], "1"]}))
        found = await ProxyApi(http).delete_sessions([0, 1, 2])
        assert found == Deletion((2,), {0: "", "1": ""})

    run(scene())


def test_an_overlong_message_is_a_short_notice():
    room = Room()
    room.add(Toasts)
    rig = Rig(FakeHttp())
    rig.bus.on(events.NOTICE, lambda notice: room.emit(events.NOTICE, notice))
    rig.live.receive(json.dumps({"type": "streaming_error", "message": "m" * 3_800_000}))
    rig.check()
    (row,) = room.page.lists["toasts"]
    assert len(row.fields["message"]) == LONGEST_TEXT


def test_a_flood_of_notices_leaves_no_flood_of_timers():
    room = Room()
    room.add(Toasts)
    for number in range(300):
        room.emit(events.NOTICE, Notice("error", "notice.streaming_error", {}, str(number)))
    assert [row.fields["message"] for row in room.page.lists["toasts"]] == [
        "296",
        "297",
        "298",
        "299",
    ]
    assert len(room.scheduler.pending()) == SHOWN


# -- what messages make the page ask --------------------


def _of(kind, number):
    if kind == "session_deleted":
        return {"type": kind, "session_id": 1_000 + number}
    session = {"id": 1_000 + number, "name": f"S{number}", "created_at": "2026-11-22 07:00:00"}
    return {"type": kind, "session": session}


@pytest.mark.parametrize("kind", ["session_deleted", "new_session", "session_activated"])
def test_a_flood_of_messages_costs_two_requests_of_a_kind(kind):
    async def scene():
        rig = Rig(FakeHttp.speaking(NEWEST))
        await rig.start()
        await rig.later(2)
        for number in range(300):
            session = _of("session_activated", number)["session"]
            detail = answer({"session": session, "recent_metrics": [], "stats": {}})
            rig.http.on("GET", f"/api/sessions/{session['id']}", detail)
        rig.http.calls.clear()
        await rig.hear(*(_of(kind, number) for number in range(300)))
        await rig.later(WINDOW)
        asked = rig.http.asked()
        assert 1 <= asked.count(("GET", "/api/sessions")) <= 2
        loads = [path for _, path in asked if path.startswith("/api/sessions/1")]
        assert len(loads) <= 4  # two sessions, and of each what a switch could not load
        if kind != "session_deleted":
            assert rig.state.session_id == 1_299
        rig.check()

    run(scene())


def test_messages_that_keep_coming_share_a_request_a_window():
    async def scene():
        rig = Rig(FakeHttp.speaking(NEWEST))
        await rig.start()
        await rig.later(2)
        rig.http.calls.clear()
        for number in range(100):
            await rig.hear(_of("session_deleted", number))
            await rig.later(0.02)
        await rig.later(WINDOW)
        assert 4 <= rig.http.count("GET", "/api/sessions") <= 2 / WINDOW + 2
        rig.check()

    run(scene())


def test_of_two_sessions_that_follow_each_other_the_later_is_shown():
    async def scene():
        rig = Rig(FakeHttp.speaking(NEWEST))
        await rig.start()
        for number in (1, 2):
            session = _of("session_activated", number)["session"]
            detail = answer({"session": session, "recent_metrics": [], "stats": {}})
            rig.http.on("GET", f"/api/sessions/{session['id']}", detail)
        rig.sockets.last.say(_of("session_activated", 1))
        await asyncio.sleep(0)  # its session is being loaded
        await rig.hear(_of("session_activated", 2))
        await rig.later(WINDOW)
        assert rig.state.session_id == 1_002
        rig.check()

    run(scene())

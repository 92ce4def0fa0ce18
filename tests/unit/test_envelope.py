"""Every version of the envelope is read for ever, and no text whatsoever is more than damaged."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sessions import envelope as module
from sessions.envelope import (
    MAX_SESSIONS,
    MIGRATIONS,
    VERSION,
    Envelope,
    Finding,
    SavedProxy,
    SavedSession,
    compose,
    parse,
)
from sessions.fusion import Reading
from sessions.metrics import CAPACITY
from sessions.models import MemoryMetrics, Metric, Session
from sessions.stats import Carried
from tests.fakes import SESSION, examples, metric

FIXTURES = Path(__file__).parent / "envelopes"
NOW = 1_790_000_000_000.0
ADDRESS = "http://127.0.0.1:8000"


def saved(number=3, metrics=2, **more):
    session = Session.from_wire({**SESSION, "id": number})
    rows = [
        Metric.from_wire(metric(n, 100 * n), number, session.model) for n in range(1, metrics + 1)
    ]
    return SavedSession(session, tuple(rows), **more)


def written(*sessions, proxies=None, at=NOW):
    proxies = proxies or {ADDRESS: SavedProxy(NOW - 1, 3)}
    return compose(at, proxies, [entry.to_text(ADDRESS) for entry in sessions])


FULL = saved(
    earlier=Carried(7, 6, 5, 4, 3),
    memory=MemoryMetrics.from_wire({"memory_tokens": 5, "chat_tokens": 6, "memory_ratio": 45.5}),
    proxy_reading=Reading.from_wire(
        {"tokens": 9, "percentage": 1.5, "timestamp": NOW - 9, "source": "proxy"}, "proxy"
    ),
    log_reading=Reading.from_wire(
        {"tokens": 8, "percentage": None, "timestamp": None, "source": "compile_chat"}, "logs"
    ),
)


def test_what_is_written_is_read_again():
    proxies = {ADDRESS: SavedProxy(NOW - 5, 3, pinned=True), "http://other": SavedProxy(NOW, None)}
    text = written(FULL, saved(4, 0), proxies=proxies)
    found, finding = parse(text, NOW)
    assert finding is Finding.WHOLE
    assert found == Envelope(NOW, proxies, ((ADDRESS, FULL), (ADDRESS, saved(4, 0))))


def test_reading_and_writing_again_changes_nothing():
    text = written(FULL)
    found, _ = parse(text, NOW)
    again = [entry.to_text(address) for address, entry in found.sessions]
    assert compose(found.written_at, found.proxies, again) == text


def test_every_version_ever_written_has_a_fixture_and_a_way_to_the_next():
    versions = set(range(1, VERSION + 1))
    fixtures = {int(path.stem.removeprefix("v")) for path in FIXTURES.glob("v*.json")}
    assert fixtures == versions, "add what the new version writes as tests/unit/envelopes/vN.json"
    assert set(MIGRATIONS) == versions - {VERSION}
    for version in versions:
        assert json.loads((FIXTURES / f"v{version}.json").read_text())["version"] == version


@pytest.mark.parametrize("path", sorted(FIXTURES.glob("v*.json")), ids=lambda path: path.stem)
def test_every_version_ever_written_is_read_whole(path):
    found, finding = parse(path.read_text("utf-8"), NOW)
    assert finding is Finding.WHOLE
    assert [(a, e.session.id, len(e.metrics)) for a, e in found.sessions] == [
        ("http://127.0.0.1:8000", 2, 3),
        ("http://127.0.0.1:8000", 1, 0),
        ("http://10.0.0.7:8000", 2, 1),
    ]
    first = found.of("http://127.0.0.1:8000")[0]
    assert first.session.name == "Explain the parser"
    assert [m.id for m in first.metrics] == [7, 8, 9]
    newest = first.metrics[-1]
    assert (newest.tokens, newest.initial_estimate, newest.delta_tokens) == (5200, 5000, 700)
    assert (newest.prompt_tokens, newest.completion_tokens, newest.is_estimated) == (
        5000,
        200,
        False,
    )
    assert first.earlier == Carried(6, 9000, 2500, 8000, 1000)
    assert first.memory is not None
    assert first.memory.memory_tokens == 320
    assert first.proxy_reading is not None
    assert first.proxy_reading.tokens == 5200
    assert first.log_reading is not None
    assert first.log_reading.source == "compile_chat"
    assert found.proxies["http://127.0.0.1:8000"].current == 2
    assert found.proxies["http://10.0.0.7:8000"].pinned


def test_older_versions_are_carried_forward_step_by_step(monkeypatch):
    def two(value):
        return {**value, "version": 2, "writtenAt": value["written"]}

    def three(value):
        return {**value, "version": 3}

    monkeypatch.setattr(module, "VERSION", 3)
    monkeypatch.setattr(module, "MIGRATIONS", {1: two, 2: three})
    old = {"version": 1, "written": NOW, "proxies": {}, "sessions": []}
    assert parse(json.dumps(old), NOW) == (Envelope(NOW), Finding.WHOLE)


def test_a_future_version_is_not_guessed_at():
    value = {**json.loads(written(FULL)), "version": VERSION + 1}
    assert parse(json.dumps(value), NOW) == (Envelope(), Finding.NEWER)


@pytest.mark.parametrize("version", [None, "1", 0, -1, True, 1.0, [], {}])
def test_a_version_that_is_none_is_damage(version):
    value = {**json.loads(written(FULL)), "version": version}
    assert parse(json.dumps(value), NOW) == (Envelope(), Finding.DAMAGED)


@pytest.mark.parametrize(
    "text", ["", "null", "[]", "7", '"x"', "{}", "{", "[" * 5000, "NaN", "\x00"]
)
def test_a_foreign_value_is_damage(text):
    assert parse(text, NOW) == (Envelope(), Finding.DAMAGED)


def paths(value, path=()):
    """Every place in a JSON value."""
    yield path
    if isinstance(value, dict):
        for key in value:
            yield from paths(value[key], (*path, key))
    elif isinstance(value, list):
        for number, item in enumerate(value):
            yield from paths(item, (*path, number))


def replaced(value, path, new):
    if not path:
        return new
    copy = dict(value) if isinstance(value, dict) else list(value)
    copy[path[0]] = replaced(value[path[0]], path[1:], new)
    return copy


def is_mapping(value):
    return isinstance(value, dict)


def is_list(value):
    return isinstance(value, list)


def is_number(value):
    return isinstance(value, int | float) and not isinstance(value, bool)


# What may stand at each place of the envelope's own. What the proxy said lies below these, and is
# read as leniently from the storage as it was from the proxy.
PLACES = {
    ("writtenAt",): is_number,
    ("proxies",): is_mapping,
    ("proxies", ADDRESS): is_mapping,
    ("proxies", ADDRESS, "seenAt"): is_number,
    ("proxies", ADDRESS, "current"): lambda v: v is None or is_number(v) or v == "x",
    ("proxies", ADDRESS, "pinned"): lambda v: isinstance(v, bool),
    ("sessions",): is_list,
    ("sessions", 0): is_mapping,
    ("sessions", 0, "proxy"): lambda v: v == ADDRESS,
    ("sessions", 0, "session"): is_mapping,
    ("sessions", 0, "session", "id"): lambda v: is_number(v) or v == "x",
    ("sessions", 0, "metrics"): is_list,
    ("sessions", 0, "metrics", 0): is_mapping,
    ("sessions", 0, "metrics", 0, "id"): lambda v: is_number(v) or v == "x",
    ("sessions", 0, "earlier"): is_mapping,
    ("sessions", 0, "earlier", "requests"): lambda v: is_number(v) and v >= 0,
    ("sessions", 0, "memory"): lambda v: v is None or is_mapping(v),
    ("sessions", 0, "sources"): is_mapping,
    ("sessions", 0, "sources", "proxy"): lambda v: v is None or is_mapping(v),
    ("sessions", 0, "sources", "log"): lambda v: v is None or is_mapping(v),
}


@pytest.mark.parametrize("wrong", [None, 7, -1, "x", True, [], {}, [[]], {"a": 1}])
def test_a_wrong_type_at_any_level_is_noticed_and_costs_no_more_than_it_must(wrong):
    whole = json.loads(written(FULL, saved(4, 1)))
    assert set(PLACES) <= set(paths(whole))
    for path in paths(whole):
        found, finding = parse(json.dumps(replaced(whole, path, wrong)), NOW)
        if path in PLACES and not PLACES[path](wrong):
            assert finding is Finding.DAMAGED, path
        if path[:1] == ("sessions",) and len(path) > 1:
            other = (3, 4)[1 - path[1]]
            assert other in [entry.session.id for _, entry in found.sessions], path


@given(st.data())
@examples(300)
def test_a_text_that_was_cut_off_is_damage(data):
    text = written(FULL, saved(4, 1))
    end = data.draw(st.integers(0, len(text) - 1))
    assert parse(text[:end], NOW) == (Envelope(), Finding.DAMAGED)


KEYS = st.sampled_from(
    ["version", "writtenAt", "proxies", "sessions", "proxy", "session", "metrics", "earlier",
     "memory", "sources", "log", "id", "seenAt", "current", "pinned", "requests", "tokens", "max"]
)  # fmt: skip
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.just(ADDRESS),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(KEYS | st.just(ADDRESS), inner, max_size=4)
    ),
    max_leaves=6,
)


@given(st.dictionaries(KEYS, VALUES).map(lambda value: {**value, "version": 1}) | VALUES)
@examples(100)
def test_any_json_is_read_without_a_fault_and_what_was_read_can_be_written(value):
    found, _ = parse(json.dumps(value), NOW)
    texts = [entry.to_text(address) for address, entry in found.sessions]
    again, finding = parse(compose(found.written_at, found.proxies, texts), NOW)
    assert finding is Finding.WHOLE
    assert [e.session.id for _, e in again.sessions] == [e.session.id for _, e in found.sessions]


@given(st.text() | st.binary().map(lambda raw: raw.decode("latin-1")))
@examples(200)
def test_any_text_is_read_without_a_fault(text):
    parse(text, NOW)


def test_secrets_are_dropped_on_the_way_in():
    value = json.loads(written(FULL))
    value["sessions"][0]["session"]["api_key"] = "sk-aaaaaaaaaaaaaaaa"
    value["sessions"][0]["metrics"][0]["content_preview"] = "use sk-bbbbbbbbbbbbbbbb please"
    found, _ = parse(json.dumps(value), NOW)
    text = found.sessions[0][1].to_text(ADDRESS)
    assert "sk-" not in text
    assert "api_key" not in text


def test_nothing_was_seen_later_than_now():
    later = {"tokens": 1, "percentage": 1, "timestamp": NOW + 1, "source": "proxy"}
    entry = saved(proxy_reading=Reading.from_wire(later, "proxy"))
    text = written(entry, proxies={ADDRESS: SavedProxy(NOW + 99, 3)}, at=NOW + 99)
    found, _ = parse(text, NOW)
    assert found.written_at == NOW
    assert found.proxies[ADDRESS].seen_at == NOW
    assert found.sessions[0][1].proxy_reading.timestamp is None


def test_only_so_many_sessions_and_metrics_are_read():
    many = [saved(number, 0) for number in range(MAX_SESSIONS + 5)]
    found, finding = parse(written(*many), NOW)
    assert finding is Finding.WHOLE
    assert [e.session.id for _, e in found.sessions] == list(range(MAX_SESSIONS))
    found, _ = parse(written(saved(3, CAPACITY + 7)), NOW)
    assert [m.id for m in found.sessions[0][1].metrics] == list(range(8, CAPACITY + 8))


def test_numbers_that_json_has_no_word_for_are_left_out():
    entry = saved(metrics=0)
    odd = SavedSession(entry.session.updated(extra=float("inf"), more=[float("nan")]))
    found, finding = parse(written(odd), NOW)
    assert finding is Finding.WHOLE
    assert found.sessions[0][1].session.wire["extra"] is None

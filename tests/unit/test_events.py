"""The bus: order, isolation, and changes made while an event is being delivered."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sessions.events import METRIC_ADDED, EventBus
from tests.support import Recorder


def test_handlers_run_in_order_of_registration() -> None:
    bus = Recorder().bus
    heard: list[tuple[str, object]] = []
    for name in "abc":
        bus.on("topic", lambda payload, name=name: heard.append((name, payload)))
    bus.on("other", lambda payload: heard.append(("other", payload)))
    bus.emit("topic", 1)
    assert heard == [("a", 1), ("b", 1), ("c", 1)]


def test_emitting_without_handlers_or_payload_is_harmless() -> None:
    bus = Recorder().bus
    bus.emit("nobody listens")
    heard: list[object] = []
    bus.on("topic", heard.append)
    bus.emit("topic")
    assert heard == [None]


def test_a_raising_handler_is_reported_and_the_rest_run() -> None:
    recorder = Recorder()
    heard: list[object] = []
    error = ValueError("fault of a handler")

    def fail(payload: object) -> None:
        raise error

    recorder.bus.on("topic", fail)
    recorder.bus.on("topic", heard.append)
    recorder.bus.emit("topic", 1)
    recorder.bus.emit("topic", 2)
    assert heard == [1, 2]
    assert recorder.errors == [("topic", error), ("topic", error)]


def test_a_typed_topic_and_its_plain_name_are_the_same() -> None:
    bus = Recorder().bus
    heard: list[object] = []
    bus.on("metric:added", heard.append)
    bus.emit(METRIC_ADDED, "payload")
    bus.off(METRIC_ADDED, heard.append)
    bus.emit(METRIC_ADDED, "again")
    assert heard == ["payload"]


def test_unsubscribing_oneself_during_delivery_skips_no_other() -> None:
    bus = Recorder().bus
    heard: list[str] = []
    forget: list[Callable[[], None]] = []

    def once(payload: object) -> None:
        heard.append("once")
        forget[0]()

    bus.on("topic", lambda payload: heard.append("before"))
    forget.append(bus.on("topic", once))
    bus.on("topic", lambda payload: heard.append("after"))
    bus.emit("topic")
    bus.emit("topic")
    assert heard == ["before", "once", "after", "before", "after"]


def test_a_handler_removed_during_delivery_is_not_called_any_more() -> None:
    bus = Recorder().bus
    heard: list[str] = []

    def later(payload: object) -> None:
        heard.append("later")

    bus.on("topic", lambda payload: bus.off("topic", later))
    bus.on("topic", later)
    bus.on("topic", lambda payload: heard.append("last"))
    bus.emit("topic")
    assert heard == ["last"]


def test_a_handler_added_during_delivery_hears_the_next_event() -> None:
    bus = Recorder().bus
    heard: list[object] = []

    def add(payload: object) -> None:
        if payload == 1:
            bus.on("topic", heard.append)

    bus.on("topic", add)
    bus.emit("topic", 1)
    assert heard == []
    bus.emit("topic", 2)
    assert heard == [2]


@pytest.mark.parametrize("topic", ["topic", "never used"])
def test_off_ignores_unknown_handlers(topic: str) -> None:
    bus = Recorder().bus
    heard: list[object] = []
    bus.on("topic", heard.append)
    bus.off(topic, print)
    bus.emit("topic", 1)
    assert heard == [1]


def test_a_handler_registered_twice_is_called_twice_and_removed_once_at_a_time() -> None:
    bus = Recorder().bus
    heard: list[str] = []

    def twice(payload: object) -> None:
        heard.append("twice")

    bus.on("topic", twice)
    bus.on("topic", lambda payload: heard.append("between"))
    bus.on("topic", twice)
    bus.emit("topic")
    assert heard == ["twice", "between", "twice"]
    heard.clear()
    bus.off("topic", twice)
    bus.emit("topic")
    assert heard == ["between", "twice"], "the earliest registration goes first"
    heard.clear()
    bus.off("topic", twice)
    bus.emit("topic")
    assert heard == ["between"]


def test_forgetting_twice_removes_only_its_own_registration() -> None:
    bus = Recorder().bus
    heard: list[object] = []
    forget = bus.on("topic", heard.append)
    bus.on("topic", heard.append)
    forget()
    forget()
    bus.emit("topic", 1)
    assert heard == [1]


def test_an_event_emitted_by_a_handler_is_delivered_at_once() -> None:
    bus = Recorder().bus
    heard: list[tuple[str, object]] = []

    def echo(payload: Any) -> None:
        if payload < 2:
            bus.emit("topic", payload + 1)

    bus.on("topic", echo)
    bus.on("topic", lambda payload: heard.append(("second", payload)))
    bus.emit("topic", 0)
    assert heard == [("second", 2), ("second", 1), ("second", 0)]


def test_payloads_are_needed_as_long_as_somebody_looks_at_them() -> None:
    bus = Recorder().bus
    assert not bus.needs_payload("topic")
    forget = bus.on("topic", print)
    assert bus.needs_payload("topic")
    forget()
    assert not bus.needs_payload("topic")
    bus.on("topic", print, needs_payload=False)
    assert not bus.needs_payload("topic")
    bus.on("other", print)
    bus.on("other", print)
    bus.off("other", print)
    assert bus.needs_payload("other")


class NaiveBus:
    """The same in the most obvious way: a list of entries, copied for each delivery."""

    def __init__(self, report: Callable[[str, BaseException], None]) -> None:
        self.report = report
        self.entries: list[tuple[str, Any]] = []

    def on(self, topic: str, handler: Any) -> Callable[[], None]:
        entry = (topic, handler, object())
        self.entries.append(entry)
        return lambda: self.entries.remove(entry) if entry in self.entries else None

    def off(self, topic: str, handler: Any) -> None:
        for entry in self.entries:
            if entry[:2] == (topic, handler):
                self.entries.remove(entry)
                return

    def emit(self, topic: str, payload: object = None) -> None:
        for entry in list(self.entries):
            if entry[0] == topic and entry in self.entries:
                try:
                    entry[1](payload)
                except ValueError as error:
                    self.report(topic, error)


TOPICS = st.sampled_from(["a", "b"])
HANDLERS = st.integers(0, 3)
ACTIONS = st.one_of(
    st.tuples(st.just("on"), TOPICS, HANDLERS),
    st.tuples(st.just("off"), TOPICS, HANDLERS),
    st.tuples(st.just("forget"), st.integers(0, 9)),
    st.tuples(st.just("emit"), TOPICS),
)
REACTIONS = st.lists(st.one_of(ACTIONS, st.tuples(st.just("raise"))), max_size=2)


class Player:
    """Plays a script on a bus, and logs which handler heard what, and what was reported."""

    def __init__(self, make: Callable[[Any], Any], reactions: list[list[Any]]) -> None:
        self.log: list[object] = []
        self.bus = make(lambda topic, error: self.log.append((topic, str(error))))
        self.forget: list[Callable[[], None]] = []
        self.handlers = [self.handler(n, script) for n, script in enumerate(reactions)]
        self.depth = 0
        self.emitted = 0

    def handler(self, number: int, script: list[Any]) -> Callable[[object], None]:
        def handle(payload: object) -> None:
            self.log.append((number, payload))
            self.depth += 1
            try:
                self.play(script)
            finally:
                self.depth -= 1

        return handle

    def play(self, script: list[Any]) -> None:
        for action, *args in script:
            if action == "raise":
                raise ValueError(f"at depth {self.depth}")
            if action == "on" and len(self.forget) < 20:
                self.forget.append(self.bus.on(args[0], self.handlers[args[1]]))
            elif action == "off":
                self.bus.off(args[0], self.handlers[args[1]])
            elif action == "forget" and args[0] < len(self.forget):
                self.forget[args[0]]()
            elif action == "emit" and self.depth < 3 and self.emitted < 40:
                self.emitted += 1
                self.bus.emit(args[0], self.emitted)


@given(
    st.lists(REACTIONS, min_size=4, max_size=4),
    st.lists(st.tuples(st.just("on"), TOPICS, HANDLERS), min_size=1, max_size=6),
    st.lists(ACTIONS, max_size=12),
)
def test_any_mix_of_changes_during_delivery_is_as_in_a_naive_bus(
    reactions: list[list[Any]], registrations: list[Any], script: list[Any]
) -> None:
    ours, naive = Player(EventBus, reactions), Player(NaiveBus, reactions)
    for player in (ours, naive):
        player.play([*registrations, ("emit", "a"), *script, ("emit", "a"), ("emit", "b")])
    assert ours.log == naive.log

"""Choices survive a reload; a storage that fails costs only that."""

from __future__ import annotations

import pytest

from sessions import events
from sessions.preferences import LANGUAGE, PREFIX, PROXY, THEME, Preferences
from tests.fakes import FakeStore
from tests.support import Recorder


def open_with(store):
    recorder = Recorder()
    recorder.listen(events.STORAGE_DEGRADED)
    return Preferences(store, recorder.bus), recorder


def test_a_choice_is_there_on_the_next_visit():
    store = FakeStore()
    open_with(store)[0].set(LANGUAGE, "fr")
    assert store.kept == {PREFIX + "language": "fr"}
    assert open_with(store)[0].get(LANGUAGE) == "fr"


def test_what_was_never_chosen_is_none():
    assert open_with(FakeStore())[0].get(THEME) is None


def test_a_choice_can_be_forgotten():
    store = FakeStore()
    preferences, _ = open_with(store)
    preferences.set(PROXY, "http://x")
    preferences.set(PROXY, None)
    assert preferences.get(PROXY) is None
    assert store.kept == {}


def test_choosing_the_same_again_writes_nothing():
    store = FakeStore()
    preferences, recorder = open_with(store)
    preferences.set(LANGUAGE, "fr")
    store.broken = {"set", "get"}
    preferences.set(LANGUAGE, "fr")
    assert recorder.events == []


@pytest.mark.parametrize("broken", [("get",), ("set",), ("remove",), ("get", "set", "remove")])
def test_a_storage_that_fails_is_told_once_and_the_choice_still_holds(broken):
    preferences, recorder = open_with(FakeStore(*broken))
    for value in ("fr", "en", None, "fr"):
        preferences.set(LANGUAGE, value)
        assert preferences.get(LANGUAGE) == value
    preferences.set(THEME, "dark")
    assert preferences.get(THEME) == "dark"
    assert recorder.events == [(events.STORAGE_DEGRADED, {"reason": "blocked"})]
    assert recorder.errors == []


def test_other_keys_of_the_origin_are_left_alone():
    store = FakeStore()
    store.kept["language"] = "de"
    preferences, _ = open_with(store)
    assert preferences.get(LANGUAGE) is None
    preferences.set(LANGUAGE, "fr")
    assert store.kept["language"] == "de"

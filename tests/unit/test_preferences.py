"""Choices survive a reload; a storage that fails costs only that."""

from __future__ import annotations

import pytest

from sessions import events
from sessions.preferences import (
    LANGUAGE,
    LAST_PROXY,
    NAMES,
    PROXY,
    THEME,
    Preferences,
    adopt_unowned,
    known_to_anybody,
)
from sessions.storage import Storage
from tests.fakes import FakeStore
from tests.support import Recorder


def open_with(store, user="default"):
    recorder = Recorder()
    recorder.listen(events.STORAGE_DEGRADED)
    storage = Storage(store, recorder.bus)
    storage.speak()
    return Preferences(storage, user), recorder


def test_a_choice_is_there_on_the_next_visit():
    store = FakeStore()
    open_with(store)[0].set(LANGUAGE, "fr")
    assert store.kept == {"kimi:default:language": "fr"}
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


def test_each_user_has_choices_of_their_own():
    store = FakeStore()
    preferences, _ = open_with(store, "anna")
    preferences.set(LANGUAGE, "fr")
    preferences.enter("bob")
    assert preferences.get(LANGUAGE) is None
    preferences.set(LANGUAGE, "en")
    preferences.enter("anna")
    assert preferences.get(LANGUAGE) == "fr"
    assert store.kept == {"kimi:anna:language": "fr", "kimi:bob:language": "en"}


@pytest.mark.parametrize(
    ("key", "is_mine"),
    [
        ("kimi:anna:language", True),
        (None, True),
        ("kimi:bob:language", False),
        ("kimi:anna:state", False),
        ("language", False),
    ],
)
def test_what_another_tab_chose_is_read_again(key, is_mine):
    store = FakeStore()
    preferences, _ = open_with(store, "anna")
    preferences.set(LANGUAGE, "fr")
    store.kept["kimi:anna:language"] = "en"
    assert preferences.get(LANGUAGE) == "fr"
    assert preferences.reread(key) is is_mine
    assert preferences.get(LANGUAGE) == ("en" if is_mine else "fr")


def test_what_versions_without_users_chose_is_the_first_users():
    store = FakeStore()
    store.kept = {f"kimi:{name}": f"the {name}" for name in NAMES} | {"theme": "not ours"}
    preferences, recorder = open_with(store)
    adopt_unowned(Storage(store, recorder.bus))
    assert {name: preferences.get(name) for name in NAMES} == {n: f"the {n}" for n in NAMES}
    assert set(store.kept) == {"theme", *(f"kimi:default:{name}" for name in NAMES)}


def test_an_older_version_that_came_back_for_a_while_had_the_last_word():
    store = FakeStore()
    store.kept = {"kimi:theme": "light", "kimi:default:theme": "dark"}
    adopt_unowned(Storage(store, Recorder().bus))
    assert store.kept == {"kimi:default:theme": "light"}


def test_choices_that_cannot_be_moved_stay_where_they_are():
    store = FakeStore("set")
    store.kept = {"kimi:theme": "light"}
    adopt_unowned(Storage(store, Recorder().bus))
    assert store.kept == {"kimi:theme": "light"}


def test_a_proxy_that_answered_one_user_is_known_to_one_who_knows_none():
    storage = Storage(FakeStore(), Recorder().bus)
    assert known_to_anybody(storage, ["default", "anna"]) is None
    Preferences(storage, "anna").set(LAST_PROXY, "http://x")
    Preferences(storage, "zoe").set(LAST_PROXY, "http://z")
    assert known_to_anybody(storage, ["default", "anna", "zoe"]) == "http://x"

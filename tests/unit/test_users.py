"""Who there is, who this tab belongs to, and what a damaged register costs: nothing."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sessions import events
from sessions.errors import BadUserName
from sessions.storage import DAMAGED, MAX_DAMAGED, Storage, key_of
from sessions.users import (
    CHOSEN,
    DEFAULT,
    LONGEST_NAME,
    REGISTRY,
    USERS_LISTED,
    User,
    Users,
    clean_name,
    is_id,
    parse_registry,
)
from tests.fakes import FakeStore, examples
from tests.support import Recorder


class Browser:
    """One browser; `tab` opens the page, each time in a tab of its own unless given one."""

    def __init__(self, *broken, **kept):
        self.store = FakeStore(*broken)
        self.store.kept.update(kept)
        self.recorder = Recorder()
        self.recorder.listen(events.STORAGE_DEGRADED, events.NOTICE, USERS_LISTED)

    def tab(self, asked=None, own=None):
        bus = self.recorder.bus
        self.storage = Storage(self.store, bus)
        self.storage.speak()
        users = Users(self.storage, Storage(own or FakeStore(), bus), bus, asked)
        assert self.recorder.errors == []
        return users

    def told(self):
        return [payload.key for topic, payload in self.recorder.events if topic == events.NOTICE]


def ids(users):
    return [user.id for user in users.everybody()]


def test_there_is_one_user_before_anybody_made_one():
    browser = Browser()
    users = browser.tab()
    assert users.everybody() == (User(DEFAULT, ""),)
    assert users.current == User(DEFAULT, "")
    assert browser.store.kept == {}  # looking writes nothing


def test_users_are_there_on_the_next_visit():
    browser = Browser()
    users = browser.tab()
    anna = users.create("  Anna \n Blum ")
    assert anna == User("anna-blum", "Anna Blum")
    users.choose(anna.id)
    again = browser.tab()
    assert again.current == anna
    assert ids(again) == [DEFAULT, "anna-blum"]


@pytest.mark.parametrize(
    ("names", "wanted"),
    [
        (["Zoë", "Zo?"], ["zo", "zo-2"]),
        (["用户", "ユーザー"], ["user-2", "user-3"]),
        (["Users", "user"], ["users-2", "user-2"]),
        (["DEFAULT"], ["default-2"]),
        (["x" * 40], ["x" * 32]),
    ],
)
def test_ids_can_be_read_in_an_address_and_are_never_given_twice(names, wanted):
    users = Browser().tab()
    found = [users.create(name).id for name in names]
    assert found == wanted
    assert all(is_id(identifier) for identifier in found)


def test_data_left_over_by_somebody_is_not_given_to_a_new_user():
    browser = Browser()
    browser.tab().create("Bob")
    browser.store.kept["kimi:anna:state"] = "somebody's"
    assert browser.tab().create("Anna").id == "anna-2"


@pytest.mark.parametrize("name", ["", "  \n\t", "\u0000", "x" * (LONGEST_NAME + 1)])
def test_a_text_that_is_no_name_is_refused_and_nothing_changes(name):
    browser = Browser()
    users = browser.tab()
    with pytest.raises(BadUserName):
        users.create(name)
    with pytest.raises(BadUserName):
        users.rename(DEFAULT, name)
    assert browser.store.kept == {}


def test_nobody_gets_a_name_that_somebody_has():
    users = Browser().tab()
    anna, bob = users.create("Anna"), users.create("Bob")
    with pytest.raises(BadUserName) as error:
        users.create("ANNA")
    assert error.value.key == "users.error.taken"
    with pytest.raises(BadUserName):
        users.rename(bob.id, "anna")
    assert users.rename(anna.id, "ANNA").name == "ANNA"  # one's own in other letters
    assert users.free_name("bob") == "bob (2)"
    assert users.free_name("Carl") == "Carl"


def test_a_free_name_fits():
    users = Browser().tab()
    users.create("x" * LONGEST_NAME)
    assert clean_name(users.free_name("x" * LONGEST_NAME)) == "x" * (LONGEST_NAME - 4) + " (2)"


def test_a_name_changes_and_the_data_stays():
    browser = Browser()
    users = browser.tab()
    renamed = users.rename(DEFAULT, "Me")
    assert renamed == User(DEFAULT, "Me") == users.current
    assert browser.tab().current == renamed


def test_deleting_takes_everything_of_that_user_and_nothing_else():
    browser = Browser(**{"other page": "x", "kimi:annabel:theme": "dark"})
    users = browser.tab()
    anna = users.create("Anna")
    for name in ("theme", "state", "damaged", "invented-later"):
        browser.store.kept[key_of(anna.id, name)] = "hers"
    users.delete(anna.id)
    assert anna not in users.everybody()
    assert set(browser.store.kept) == {"other page", "kimi:annabel:theme", REGISTRY}


def test_the_last_user_leaves_an_empty_first_one():
    browser = Browser(**{"kimi:default:theme": "dark"})
    users = browser.tab()
    users.rename(DEFAULT, "Me")
    users.delete(DEFAULT)
    assert users.everybody() == (User(DEFAULT, ""),)
    assert "kimi:default:theme" not in browser.store.kept


def test_a_tab_keeps_its_user_whatever_other_tabs_choose():
    browser, own = Browser(), FakeStore()
    first = browser.tab(own=own)
    anna, bob = first.create("Anna"), first.create("Bob")
    first.choose(anna.id)
    browser.tab().choose(bob.id)
    assert browser.tab(own=own).current == anna
    assert browser.tab().current == bob  # a new tab is of the one chosen last


@pytest.mark.parametrize("asked", ["anna", "Anna", " ANNA "])
def test_the_address_names_a_user_by_id_or_name(asked):
    browser = Browser()
    browser.tab().create("Anna")
    users = browser.tab(asked)
    assert users.current.id == "anna"
    assert CHOSEN not in browser.store.kept  # for this tab only
    assert browser.told() == []


def test_a_name_in_the_address_that_nobody_has_makes_a_user_and_says_so():
    browser = Browser()
    users = browser.tab("Carla")
    assert users.current == User("carla", "Carla")
    assert ids(users) == [DEFAULT, "carla"]
    assert browser.told() == ["notice.user_new"]
    assert browser.tab("carla").current == users.current


@pytest.mark.parametrize("asked", ["", "  ", None])
def test_no_name_in_the_address_is_no_question(asked):
    browser = Browser()
    assert browser.tab(asked).current.id == DEFAULT
    assert browser.told() == []


def test_a_name_in_the_address_that_cannot_be_one_is_told():
    browser = Browser()
    assert browser.tab("\u200b").current.id == DEFAULT
    assert browser.told() == ["notice.user_unknown"]


def test_a_user_who_was_deleted_in_another_tab_is_not_chosen():
    browser = Browser(**{CHOSEN: "gone"})
    users = browser.tab()
    assert users.current.id == DEFAULT
    assert users.choose("gone").id == DEFAULT


def test_what_another_tab_registered_is_kept():
    browser = Browser()
    here, there = browser.tab(), browser.tab()
    there.create("Anna")
    here.create("Bob")
    assert ids(here) == ids(there) == [DEFAULT, "anna", "bob"]


DAMAGE = [
    "", "{", "null", "[]", '"x"', "7", "{}", '{"version":1}', '{"version":2,"users":[]}',
    '{"version":1,"users":{}}', '{"version":1,"users":[]}', '{"version":1,"users":[7]}',
    '{"version":1,"users":[{"id":"../x","name":"X"}]}', "[" * 5000, '{"version":1,"users":[{}]}',
    '{"version":1,"users":[{"id":"user","name":"X"}]}', '{"version":1,"users":[{"id":"a"}]}',
]  # fmt: skip


@pytest.mark.parametrize("text", DAMAGE)
def test_a_damaged_register_is_set_aside_and_made_anew_from_what_is_kept(text):
    browser = Browser(**{REGISTRY: text, "kimi:anna:state": "hers", "kimi:x": "?", "kimi::y": "?"})
    users = browser.tab()
    assert ids(users) == [DEFAULT, "anna"]
    assert browser.told() == ["notice.users_damaged"]
    assert browser.store.kept[key_of(DEFAULT, DAMAGED)] == text
    assert parse_registry(browser.store.kept[REGISTRY])[1]
    assert browser.tab().everybody() == users.everybody()
    assert browser.told() == ["notice.users_damaged"]  # once


def test_what_can_be_read_of_a_damaged_register_is_kept():
    rows = [{"id": "anna", "name": "Anna"}, {"id": "anna", "name": "Twin"}, {"id": 3}]
    browser = Browser(**{REGISTRY: json.dumps({"version": 1, "users": rows})})
    assert browser.tab().everybody() == (User("anna", "Anna"), User(DEFAULT, ""))


def test_only_so_much_of_a_damaged_value_is_kept():
    browser = Browser(**{REGISTRY: "x" * (MAX_DAMAGED + 1)})
    browser.tab()
    assert len(browser.store.kept[key_of(DEFAULT, DAMAGED)]) == MAX_DAMAGED


NESTED = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: (
        st.lists(inner)
        | st.dictionaries(st.sampled_from(["version", "users", "id", "name"]), inner)
    ),
)


@given(st.text() | NESTED.map(json.dumps))
@examples(200)
def test_no_register_whatsoever_stops_the_page(text):
    browser = Browser(**{REGISTRY: text})
    users = browser.tab()
    assert users.current in users.everybody()
    assert all(is_id(user.id) for user in users.everybody())


EVERY_CALL = ("get", "set", "keys", "remove")


@pytest.mark.parametrize("broken", [*((call,) for call in EVERY_CALL), EVERY_CALL])
def test_a_storage_that_fails_costs_only_the_memory(broken):
    browser = Browser(*broken, **{REGISTRY: "{"})
    users = browser.tab()
    anna = users.create("Anna")
    assert anna in users.everybody()
    users.choose(anna.id)
    assert users.current == anna
    users.rename(anna.id, "Ann")
    users.delete(anna.id)
    degraded = [t for t, _ in browser.recorder.events if t == events.STORAGE_DEGRADED]
    assert len(degraded) <= 1
    assert browser.recorder.errors == []


class FullAfter(FakeStore):
    """Takes so many writes and then no more; nothing else fails."""

    def __init__(self, writes):
        super().__init__()
        self.left = writes

    def set(self, key, text):
        self.left -= 1
        if self.left < 0:
            raise OSError("full")
        super().set(key, text)


@pytest.mark.parametrize("writes", range(6))
def test_a_bad_value_is_never_lost_for_want_of_room(writes):
    browser = Browser()
    browser.store = FullAfter(writes)
    browser.store.kept[REGISTRY] = "{"
    users = browser.tab()
    users.create("Anna")
    assert ids(users) == [DEFAULT, "anna"]
    assert "{" in browser.store.kept.values()


def test_what_there_is_to_tell_waits_for_somebody_who_can_hear_it():
    recorder = Recorder()
    recorder.listen(events.STORAGE_DEGRADED)
    storage = Storage(FakeStore("get"), recorder.bus)
    assert storage.read("kimi:x") is None
    assert storage.read("kimi:x") is None
    assert recorder.events == []
    storage.speak()
    assert recorder.events == [(events.STORAGE_DEGRADED, {"reason": "blocked"})]
    storage.read("kimi:x")
    assert len(recorder.events) == 1

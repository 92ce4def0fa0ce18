"""Users come and go in an open page; whoever is here sees what is theirs, and all of it."""

from __future__ import annotations

import json

import pytest

from sessions import commands, discovery, events
from sessions.discovery import Discovery, Finding
from sessions.preferences import LANGUAGE, LAST_PROXY, PROXY, Preferences
from sessions.storage import Storage
from sessions.user_commands import (
    CREATE,
    DELETE,
    EXPORT,
    IMPORT,
    RENAME,
    SWITCH,
    USER_COMMAND,
    UserCommands,
)
from sessions.users import REGISTRY, USER_CHANGED, Users
from tests.driver import run
from tests.fakes import FakeStore
from tests.unit.test_persistence import ADDRESS, ScriptedProxy, Visit, kept

TOPICS = (USER_CHANGED, USER_COMMAND, commands.EXPORTED, events.METRICS_LOADED)


class Page(Visit):
    """The page with its users; `tab` outlives a reload."""

    def __init__(self, store, proxy, *, chosen=False, tab=None, asked=None, **options):
        self.tab = tab or FakeStore()
        self.reloads = 0
        super().__init__(store, proxy, **options)
        self.recorder.listen(*TOPICS)
        self.users = Users(self.storage, Storage(self.tab, self.bus), self.bus, asked)
        self.preferences = Preferences(self.storage, self.users.current.id)
        if chosen:
            self.preferences.set(PROXY, ADDRESS)
        self.user_commands = UserCommands(
            self.users, self.storage, self.preferences, self.persistence, self.live, self.bus,
            self.clock,
            found=Discovery(ADDRESS, (discovery.Visit(ADDRESS, Finding.PROXY),)),
            look=self._look,
            chosen=chosen,
            reload=self._reload,
            enter=lambda: None,
        )  # fmt: skip

    def _look(self):
        prefs = self.preferences
        return discovery.plan(None, prefs.get(PROXY), prefs.get(LAST_PROXY), ADDRESS)

    def _reload(self):
        self.reloads += 1

    def outcome(self):
        return self.told(USER_COMMAND)[-1]


async def opened(**options):
    store, proxy = FakeStore(), ScriptedProxy()
    proxy.session(1)
    proxy.add(1, 1, 100)
    page = Page(store, proxy, **options)
    await page.connect()
    return page


def test_a_new_user_starts_with_nothing_and_the_old_one_finds_everything_again():
    async def scene():
        page = await opened()
        page.preferences.set(LANGUAGE, "fr")
        page.http.away = True
        await page.intend(CREATE, name="Anna")
        assert page.users.current.id == "anna"
        assert page.reloads == 0
        assert page.state.session is None
        assert page.state.snapshots() == ()
        assert page.preferences.get(LANGUAGE) is None
        assert [user.id for user in page.told(USER_CHANGED)] == ["anna"]
        await page.intend(SWITCH, id="default")
        assert page.preferences.get(LANGUAGE) == "fr"
        assert page.shown()[1] == [(1, 100, 100)]
        changes = page.told(events.SESSION_CHANGED)
        assert [c.new_session and c.new_session.id for c in changes[-2:]] == [None, 1]
        page.check()

    run(scene())


def test_both_users_of_a_proxy_see_what_it_says_and_keep_it_apart():
    async def scene():
        page = await opened()
        await page.intend(CREATE, name="Anna")
        await page.later(3)
        assert page.shown()[1] == [(1, 100, 100)]
        await page.hear(page.http.counted(1, 2, 200))
        await page.later(3)
        assert [m.id for m in kept(page.store, "anna")[0].of(ADDRESS)[0].metrics] == [1, 2]
        assert [m.id for m in kept(page.store)[0].of(ADDRESS)[0].metrics] == [1]
        await page.intend(SWITCH, id="default")
        await page.later(3)
        assert page.state.session_totals().total_requests == 2
        assert page.leave()
        page.check()

    run(scene())


def test_choosing_the_user_who_is_here_does_nothing():
    async def scene():
        page = await opened()
        await page.intend(SWITCH, id="default")
        assert page.told(USER_CHANGED) == []
        await page.intend(SWITCH, id="nobody")  # deleted meanwhile: the first one is
        assert page.users.current.id == "default"

    run(scene())


@pytest.mark.parametrize(
    ("chosen", "hers", "reloads"),
    [
        (False, {}, 0),
        (False, {LAST_PROXY: ADDRESS}, 0),
        (False, {LAST_PROXY: "http://elsewhere:1"}, 1),
        (False, {PROXY: ADDRESS}, 0),
        (False, {PROXY: "http://elsewhere:1"}, 1),
        (False, {PROXY: "demo"}, 1),
        (True, {}, 1),
        (True, {PROXY: ADDRESS}, 0),
    ],
)
def test_the_page_is_loaded_again_when_the_other_users_proxy_is_another(chosen, hers, reloads):
    async def scene():
        page = await opened(chosen=chosen)
        anna = page.users.create("Anna")
        for name, value in hers.items():
            page.store.kept[f"kimi:anna:{name}"] = value
        await page.intend(SWITCH, id=anna.id)
        assert page.reloads == reloads
        again = Users(page.storage, Storage(page.tab, page.bus), page.bus)
        assert again.current == anna
        if reloads:
            assert page.told(USER_CHANGED) == []
            text = page.store.kept["kimi:default:state"]
            await page.hear(page.http.counted(1, 2, 200))
            await page.later(3)
            assert page.store.kept["kimi:default:state"] == text
            assert "kimi:anna:state" not in page.store.kept

    run(scene())


def test_a_user_who_is_deleted_leaves_nothing_and_is_not_written_again():
    async def scene():
        page = await opened()
        await page.intend(CREATE, name="Anna")
        await page.hear(page.http.counted(1, 2, 200))
        await page.later(3)
        await page.intend(DELETE, id="anna")
        assert page.users.current.id == "default"
        await page.later(3)
        page.leave()
        assert [key for key in page.store.kept if key.startswith("kimi:anna:")] == []
        assert page.state.session_totals().total_requests == 2

    run(scene())


def test_the_only_user_can_be_deleted_and_starts_anew():
    async def scene():
        page = await opened()
        page.preferences.set(LANGUAGE, "fr")
        await page.intend(DELETE, id="default")
        assert page.users.current.id == "default"
        assert page.preferences.get(LANGUAGE) is None
        await page.later(3)
        assert page.state.session_totals().total_requests == 1
        await page.intend(DELETE, id="nobody")
        page.check()

    run(scene())


def test_names_are_checked_where_they_are_given():
    async def scene():
        page = await opened()
        await page.intend(CREATE, name="Anna")
        await page.intend(CREATE, name=" anna ")
        assert page.outcome().key == "users.error.taken"
        await page.intend(RENAME, id="anna", name="")
        assert page.outcome().key == "users.error.empty"
        await page.intend(RENAME, id="anna", name="Ann")
        assert page.outcome().key is None
        assert page.users.current.name == "Ann"
        assert page.outcome().to_wire() == {"command": RENAME, "key": None, "values": {}}

    run(scene())


def test_a_user_is_exported_and_imported_beside_the_others():
    async def scene():
        page = await opened()
        page.preferences.set(LANGUAGE, "fr")
        await page.intend(RENAME, id="default", name="Anna")
        await page.intend(EXPORT)
        (file,) = page.told(commands.EXPORTED)
        assert file.name == "kimi-user-default.json"

        elsewhere = await opened()
        elsewhere.http.away = True
        await elsewhere.intend(IMPORT, text=file.text)
        assert elsewhere.outcome().key is None
        assert elsewhere.users.current.name == "Anna"
        assert elsewhere.preferences.get(LANGUAGE) == "fr"
        assert elsewhere.shown()[1] == [(1, 100, 100)]
        await elsewhere.intend(IMPORT, text=file.text)
        names = [user.name for user in elsewhere.users.everybody()]
        assert names == ["", "Anna", "Anna (2)"]
        elsewhere.check()

    run(scene())


@pytest.mark.parametrize("name", [PROXY, LAST_PROXY])
@pytest.mark.parametrize("chosen", [True, False])
def test_a_file_does_not_choose_whom_the_page_talks_to(name, chosen):
    async def scene():
        page = await opened(chosen=chosen)
        await page.intend(EXPORT)
        file = json.loads(page.told(commands.EXPORTED)[0].text)
        file["preferences"] = {LANGUAGE: "fr", name: "http://elsewhere.example:8000"}
        await page.intend(IMPORT, text=json.dumps(file))
        assert page.outcome().key is None
        assert page.preferences.get(PROXY) == (ADDRESS if chosen else None)
        assert page.preferences.get(LAST_PROXY) == (None if chosen else ADDRESS)
        assert page.preferences.get(LANGUAGE) == "fr"
        assert page.reloads == 0
        assert "elsewhere" not in str(page.http.calls)
        (notice,) = page.told(events.NOTICE)
        assert notice.key == "notice.user_imported_elsewhere"
        assert notice.values["address"] == "http://elsewhere.example:8000"
        page.check()

    run(scene())


@pytest.mark.parametrize("chosen", [True, False])
def test_a_file_that_names_the_proxy_in_use_needs_no_word_about_it(chosen):
    async def scene():
        page = await opened(chosen=chosen)
        await page.intend(EXPORT)
        file = json.loads(page.told(commands.EXPORTED)[0].text)
        file["preferences"] = {PROXY: ADDRESS}
        await page.intend(IMPORT, text=json.dumps(file))
        assert [notice.key for notice in page.told(events.NOTICE)] == ["notice.user_imported"]

    run(scene())


@pytest.mark.parametrize(
    "text", ["", "{}", "[1]", None, 7, '{"format": "kimi-proxy-dashboard/user"}']
)
def test_a_bad_file_changes_nothing(text):
    async def scene():
        page = await opened()
        before = dict(page.store.kept)
        await page.intend(IMPORT, text=text)
        assert page.outcome().key.startswith("users.file.")
        assert page.store.kept == before
        assert page.told(USER_CHANGED) == []

    run(scene())


def test_a_file_for_which_there_is_no_room_leaves_no_half_user():
    async def scene():
        page = await opened()
        await page.intend(EXPORT)
        (file,) = page.told(commands.EXPORTED)
        take = page.store.set

        def full(key, text):
            if key.endswith(":state"):
                raise OSError("full")
            take(key, text)

        page.store.set = full
        await page.intend(IMPORT, text=file.text)
        assert page.outcome().key == "users.file.no_room"
        assert [user.id for user in page.users.everybody()] == ["default"]
        assert not any(key.startswith("kimi:import") for key in page.store.kept)

    run(scene())


def test_a_user_who_is_deleted_in_another_tab_makes_room_for_the_first_one():
    async def scene():
        page = await opened()
        await page.intend(CREATE, name="Anna")
        other = Users(page.storage, Storage(FakeStore(), page.bus), page.bus)
        other.create("Bob")
        page.user_commands.changed_elsewhere(REGISTRY)
        page.user_commands.changed_elsewhere("kimi:other")
        assert page.users.current.id == "anna"
        other.delete("anna")
        page.user_commands.changed_elsewhere(REGISTRY)
        assert page.users.current.id == "default"
        await page.later(3)
        page.leave()
        assert [key for key in page.store.kept if key.startswith("kimi:anna:")] == []
        assert json.loads(page.store.kept[REGISTRY])["users"][-1]["name"] == "Bob"

    run(scene())

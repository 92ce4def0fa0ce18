"""What a person asks for, and how each request ends."""

from __future__ import annotations

import asyncio
import json

import pytest

from sessions import commands, events
from sessions.errors import ProxyTimeout, ProxyUnreachable
from tests.driver import run
from tests.fakes import VERSIONS, FakeHttp, Rig, answer, plain, recorded, recorded_value

OLDEST, MIDDLE, NEWEST = VERSIONS
ACTIVE = "/api/sessions/active"
BROKEN = plain("Internal Server Error", 500)
DOWN = ProxyUnreachable("GET /", "No answer.")

TOPICS = (
    events.NOTICE,
    events.SESSION_CHANGED,
    events.SESSION_UPDATED,
    events.SWITCH_FAILED,
    events.SESSIONS_LISTED,
    events.AUTO_SESSION_CHANGED,
    commands.COMMAND_DONE,
    commands.COMMAND_FAILED,
    commands.PROVIDERS_LISTED,
    commands.COMPACTION_LOADED,
    commands.COMPACTION_PREVIEWED,
    commands.MEMORY_LOADED,
    commands.RATE_LIMIT_LOADED,
    commands.EXPORTED,
)


async def started(version=NEWEST, session_id=2):
    """A page on that version's recorded session; compaction was recorded on another id."""
    http = FakeHttp.speaking(version)
    value = recorded_value(version, "active_busy")
    value["session"]["id"] = session_id
    http.on("GET", ACTIVE, answer(value))
    rig = Rig(http)
    await rig.start()
    await rig.later(2)  # what comes right after a load is checked once more
    http.calls.clear()
    rig.recorder.listen(*TOPICS)
    return rig


def outcome(rig):
    """How the one command ended, and why."""
    ends = [
        (topic, payload)
        for topic, payload in rig.recorder.events
        if topic in (commands.COMMAND_DONE, commands.COMMAND_FAILED)
    ]
    assert len(ends) == 1, ends
    return ends[0]


def payloads(rig, topic):
    return [payload for found, payload in rig.recorder.events if found == topic]


# -- every command ends, one way or the other --------------------

# command: (request, the route that it needs, what it tells)
EVERY = {
    commands.SELECT: ({"id": 9}, ("GET", "/api/sessions/9"), events.SESSION_CHANGED),
    commands.CREATE: ({"name": "Neuf"}, ("POST", "/api/sessions"), events.SESSION_CHANGED),
    commands.DELETE: ({"ids": [7]}, ("DELETE", "/api/sessions"), events.NOTICE),
    commands.LIST: ({}, ("GET", "/api/sessions"), events.SESSIONS_LISTED),
    commands.SET_AUTO_SESSION: (
        {"enabled": True}, ("POST", "/api/sessions/toggle-auto"), events.AUTO_SESSION_CHANGED,
    ),
    commands.EXPORT: ({"kind": "csv"}, ("GET", "/api/export/csv"), commands.EXPORTED),
    commands.COMPACT: ({"force": True}, ("POST", "/api/compaction/2"), events.NOTICE),
    commands.PREVIEW_COMPACTION: (
        {}, ("GET", "/api/compaction/2/preview"), commands.COMPACTION_PREVIEWED,
    ),
    commands.SET_AUTO_COMPACTION: (
        {"enabled": False}, ("POST", "/api/compaction/2/toggle-auto"), events.SESSION_UPDATED,
    ),
    commands.RESERVE_TOKENS: (
        {"tokens": 4000}, ("POST", "/api/compaction/2/reserved"), events.SESSION_UPDATED,
    ),
    commands.LOAD_COMPACTION: (
        {}, ("GET", "/api/compaction/2/stats"), commands.COMPACTION_LOADED,
    ),
    commands.LOAD_MEMORY: ({}, ("GET", "/api/memory/stats/advanced"), commands.MEMORY_LOADED),
    commands.LOAD_PROVIDERS: ({}, ("GET", "/api/providers"), commands.PROVIDERS_LISTED),
    commands.LOAD_RATE_LIMIT: ({}, ("GET", "/api/rate-limit"), commands.RATE_LIMIT_LOADED),
}  # fmt: skip

FAILURES = [
    (BROKEN, "error.fault"),
    (answer({"error": "Non."}), "error.refused"),
    (answer({"detail": "Not Found"}, 404), "error.unsupported"),
    (DOWN, "error.unreachable"),
    (ProxyTimeout("GET /", "Slow."), "error.timeout"),
]


def prepared(rig):
    """What the recorded proxy lacks or refuses, answered for once."""
    rig.http.on("POST", "/api/sessions/9/activate", answer({"message": "Session activée"}))
    rig.http.on("GET", "/api/sessions/5", recorded(NEWEST, "session_by_id_active"))
    rig.http.on("POST", "/api/compaction/2", answer({"success": True, "message": "Fait"}))
    toggled = answer({"auto_compaction_enabled": False})
    rig.http.on("POST", "/api/compaction/2/toggle-auto", toggled)


@pytest.mark.parametrize("command", EVERY)
def test_a_command_that_succeeds_tells_its_result_and_that_it_is_done(command):
    async def scene():
        request, _, told = EVERY[command]
        rig = await started()
        prepared(rig)
        await rig.intend(command, **request)
        topic, ended = outcome(rig)
        assert (topic, ended.command, ended.notice) == (commands.COMMAND_DONE, command, None)
        assert told in rig.recorder.topics()
        rig.check()

    run(scene())


@pytest.mark.parametrize("command", EVERY)
@pytest.mark.parametrize(("reply", "why"), FAILURES)
def test_a_command_that_fails_says_what_and_why(command, reply, why):
    async def scene():
        request, route, told = EVERY[command]
        rig = await started()
        prepared(rig)
        rig.http.on(*route, reply)
        await rig.intend(command, **request)
        if command == commands.SELECT and why in ("error.refused", "error.unsupported"):
            return  # that is how a proxy says "no such session", or that it must be asked otherwise
        topic, ended = outcome(rig)
        assert (topic, ended.command) == (commands.COMMAND_FAILED, command)
        assert ended.notice.kind == "error"
        assert ended.notice.key.startswith("failed.")
        assert ended.notice.values["why"] == why
        assert told not in rig.recorder.topics()
        assert json.dumps(ended.to_wire())
        rig.check()

    run(scene())


@pytest.mark.parametrize("request_", [None, 5, "x", [], {"ids": "2"}, {"ids": [None, {}]}])
@pytest.mark.parametrize("command", EVERY)
def test_a_request_of_the_wrong_shape_harms_nothing(command, request_):
    async def scene():
        rig = await started()
        prepared(rig)
        rig.bus.emit(command, request_)
        await rig.scheduler.settle()
        outcome(rig)
        rig.check()

    run(scene())


def test_after_stop_nothing_is_carried_out():
    async def scene():
        rig = await started()
        rig.commands.stop()
        await rig.intend(commands.LIST)
        assert rig.http.calls == []

    run(scene())


# -- choosing a session --------------------


def test_choosing_a_session_loads_it_activates_it_and_shows_it():
    async def scene():
        rig = await started()
        prepared(rig)
        await rig.intend(commands.SELECT, id="9")
        assert rig.http.asked() == [
            ("GET", "/api/sessions/9"),
            ("POST", "/api/sessions/9/activate"),
            ("GET", "/api/sessions/9"),  # it has no requests yet: asked again, once
            ("GET", "/api/sessions"),
        ]
        assert rig.state.session.id == 9
        assert rig.live.pinned is None
        assert payloads(rig, events.NOTICE) == []
        rig.check()

    run(scene())


def test_a_version_that_must_activate_to_load_is_asked_in_that_order():
    async def scene():
        rig = await started(MIDDLE)
        value = recorded_value(MIDDLE, "active_busy")
        value["session"]["id"] = 5
        rig.http.on("POST", "/api/sessions/5/activate", answer({"message": "ok"}))
        rig.http.on("GET", ACTIVE, answer(value))
        await rig.intend(commands.SELECT, id=5)
        assert rig.http.asked() == [
            ("POST", "/api/sessions/5/activate"),
            ("GET", ACTIVE),
            ("GET", "/api/sessions"),
        ]
        assert len(rig.state.metrics()) == 8
        rig.check()

    run(scene())


def test_where_no_session_can_be_activated_it_is_only_looked_at_and_that_is_said():
    async def scene():
        rig = await started(OLDEST)
        await rig.intend(commands.SELECT, id=5)
        assert rig.state.session.id == 5
        assert rig.live.pinned == 5
        (notice,) = payloads(rig, events.NOTICE)
        assert notice.key == "notice.view_only"
        assert notice.values == {"name": rig.state.session.name}
        rig.check()

    run(scene())


def test_going_back_to_the_active_session_is_no_mere_look():
    async def scene():
        rig = await started(OLDEST)
        await rig.intend(commands.SELECT, id=5)
        rig.recorder.take()
        rig.http.on("GET", "/api/sessions", answer([{"id": 5}, {"id": 2, "is_active": 1}]))
        await rig.intend(commands.SELECT, id=2)
        assert rig.state.session.id == 2
        assert rig.state.session.is_active
        assert payloads(rig, events.NOTICE) == [], "requests are booked on this very session"
        assert rig.live.pinned is None
        rig.check()

    run(scene())


def test_choosing_the_current_session_asks_nothing():
    async def scene():
        rig = await started()
        await rig.intend(commands.SELECT, id="2")
        assert rig.http.calls == []
        assert outcome(rig)[0] == commands.COMMAND_DONE

    run(scene())


def test_choosing_a_session_that_is_gone_fails_and_changes_nothing():
    async def scene():
        rig = await started()
        await rig.intend(commands.SELECT, id=99999)
        topic, ended = outcome(rig)
        assert topic == commands.COMMAND_FAILED
        assert ended.notice.values["why"] == "error.session_not_found"
        assert rig.state.session.id == 2
        assert payloads(rig, events.SWITCH_FAILED)[0].rolled_back
        rig.check()

    run(scene())


def test_an_activation_that_is_refused_is_undone_and_told_in_the_proxys_words():
    async def scene():
        rig = await started()
        rig.http.on("POST", "/api/sessions/9/activate", answer({"error": "Occupé"}))
        await rig.intend(commands.SELECT, id=9)
        _, ended = outcome(rig)
        assert (ended.notice.values["why"], ended.notice.detail) == ("error.refused", "Occupé")
        assert rig.state.session.id == 2
        assert rig.http.asked()[-1] == ("POST", "/api/sessions/2/activate")
        rig.check()

    run(scene())


def test_of_two_choices_in_a_row_the_later_one_reports():
    async def scene():
        rig = await started()
        prepared(rig)
        rig.bus.emit(commands.SELECT, {"id": 99999})
        await rig.intend(commands.SELECT, id=9)
        topic, _ = outcome(rig)
        assert topic == commands.COMMAND_DONE
        assert rig.state.session.id == 9
        rig.check()

    run(scene())


# -- creating and deleting --------------------


@pytest.mark.parametrize("version", VERSIONS)
def test_a_session_just_created_is_shown_and_listed(version):
    async def scene():
        rig = await started(version)
        value = recorded_value(version, "active_fresh")
        value["session"] |= {"id": 5, "name": "Session créée à la main"}
        rig.http.on("GET", ACTIVE, answer(value))
        rig.http.on("GET", "/api/sessions/5", answer(value))
        await rig.intend(commands.CREATE, name="  Neuf ", provider="nvidia", model="m")
        body = {"name": "Neuf", "provider": "nvidia", "model": "m"}
        assert ("POST", "/api/sessions", body) in rig.http.calls
        assert rig.state.session.id == 5
        assert payloads(rig, events.SESSIONS_LISTED)
        assert outcome(rig)[0] == commands.COMMAND_DONE
        rig.check()

    run(scene())


def test_its_announcement_by_the_proxy_does_not_show_it_twice():
    async def scene():
        rig = await started()
        value = recorded_value(NEWEST, "active_fresh")
        value["session"]["id"] = 5
        rig.http.on("GET", "/api/sessions/5", answer(value))
        rig.bus.emit(commands.CREATE, {"name": "Neuf"})
        rig.sockets.last.say({"type": "new_session", "session": {"id": 5, "name": "Neuf"}})
        await rig.scheduler.settle()
        assert rig.state.session.id == 5
        assert len(payloads(rig, events.SESSION_CHANGED)) == 1
        assert outcome(rig)[0] == commands.COMMAND_DONE
        rig.check()

    run(scene())


def test_deleted_sessions_are_forgotten_and_counted():
    async def scene():
        rig = await started()
        rig.state.add_metric({"id": 1}, 7)
        await rig.intend(commands.DELETE, ids=["7", 8])
        (notice,) = payloads(rig, events.NOTICE)
        assert (notice.key, notice.values) == ("notice.deleted", {"count": 2})
        assert rig.state.metrics(7) == ()
        assert payloads(rig, events.SESSIONS_LISTED)
        rig.check()

    run(scene())


def test_those_that_could_not_be_deleted_are_told_with_the_reason():
    async def scene():
        rig = await started(MIDDLE)
        await rig.intend(commands.DELETE, ids=[8, 2])
        deleted, kept = payloads(rig, events.NOTICE)
        assert (deleted.key, deleted.values) == ("notice.deleted", {"count": 1})
        assert (kept.key, kept.values) == ("notice.not_deleted", {"count": 1})
        assert kept.detail == "Impossible de supprimer une session active"
        rig.check()

    run(scene())


def test_when_none_was_deleted_nothing_says_that_some_were():
    async def scene():
        rig = await started()
        rig.http.on("DELETE", "/api/sessions", answer({"success": True, "failed_ids": [7]}))
        await rig.intend(commands.DELETE, ids=[7])
        keys = [notice.key for notice in payloads(rig, events.NOTICE)]
        assert keys == ["notice.not_deleted"]

    run(scene())


@pytest.mark.parametrize("version", VERSIONS)
def test_the_active_session_cannot_be_deleted(version):
    async def scene():
        rig = await started(version)
        refused = recorded(version, "bulk_delete_with_active")
        rig.http.on("DELETE", "/api/sessions", refused)
        await rig.intend(commands.DELETE, ids=[2])
        topic, ended = outcome(rig)
        assert topic == commands.COMMAND_FAILED
        expected = "error.unsupported" if version == OLDEST else "error.refused"
        assert ended.notice.values["why"] == expected
        assert rig.state.session.id == 2
        assert rig.state.metrics()
        rig.check()

    run(scene())


# -- the rest --------------------


@pytest.mark.parametrize(
    ("kind", "content_type"), [("csv", "text/csv"), ("json", "application/json")]
)
def test_the_export_becomes_a_file(kind, content_type):
    async def scene():
        rig = await started()
        await rig.intend(commands.EXPORT, kind=kind)
        (file,) = payloads(rig, commands.EXPORTED)
        assert (file.name, file.content_type) == (f"session-2.{kind}", content_type)
        assert file.to_wire()["text"] == file.text
        assert file.text

    run(scene())


def test_memories_come_in_one_piece():
    async def scene():
        rig = await started()
        await rig.intend(commands.LOAD_MEMORY)
        (lists,) = payloads(rig, commands.MEMORY_LOADED)
        assert len(lists["frequent"]) == 3
        assert lists["servers"]

    run(scene())


def test_compacting_says_so_and_brings_the_figures_up_to_date():
    async def scene():
        rig = await started()
        prepared(rig)
        await rig.intend(commands.COMPACT, preserve=5, force=True)
        body = {"preserve_messages": 5, "force": True}
        assert rig.http.calls[0] == ("POST", "/api/compaction/2", body)
        (notice,) = payloads(rig, events.NOTICE)
        assert (notice.kind, notice.detail) == ("success", "Fait")
        assert payloads(rig, commands.COMPACTION_LOADED)
        rig.http.calls.clear()
        await rig.later(1)
        assert rig.http.asked() == [("GET", "/api/sessions/2")]
        rig.check()

    run(scene())


def test_a_compaction_that_worked_is_not_failed_by_its_figures():
    async def scene():
        rig = await started()
        prepared(rig)
        rig.http.on("GET", "/api/compaction/2/stats", BROKEN)
        await rig.intend(commands.COMPACT)
        assert outcome(rig)[0] == commands.COMMAND_DONE

    run(scene())


@pytest.mark.parametrize("command", [commands.SELECT, commands.CREATE, commands.DELETE])
def test_what_worked_is_not_failed_by_the_list_that_follows(command):
    async def scene():
        rig = await started()
        prepared(rig)
        rig.http.on("GET", "/api/sessions", BROKEN)
        await rig.intend(command, **EVERY[command][0])
        assert outcome(rig)[0] == commands.COMMAND_DONE

    run(scene())


def test_what_was_switched_shows_on_the_session():
    async def scene():
        rig = await started()
        prepared(rig)
        await rig.intend(commands.SET_AUTO_COMPACTION, enabled=False)
        await rig.intend(commands.RESERVE_TOKENS, tokens=4000)
        session = rig.state.session
        assert (session.auto_compaction_enabled, session.reserved_tokens) == (False, 4000)
        assert session.max_context == 262_144

    run(scene())


def test_a_late_answer_does_not_undo_what_somebody_else_switched_since():
    async def scene():
        rig = await started()
        rig.http.on("POST", "/api/sessions/toggle-auto", answer({"enabled": False}))
        rig.recorder.take()
        rig.bus.emit(commands.SET_AUTO_SESSION, {"enabled": False})
        await asyncio.sleep(0)
        rig.sockets.last.say({"type": "auto_session_toggled", "enabled": False})
        rig.sockets.last.say({"type": "auto_session_toggled", "enabled": True})
        await rig.later(1)
        told = [
            value for topic, value in rig.recorder.take() if topic == events.AUTO_SESSION_CHANGED
        ]
        assert told == [False, True]

    run(scene())


def test_a_late_answer_does_not_undo_what_somebody_else_set_for_compaction_since():
    async def scene():
        rig = await started()
        session_id = rig.state.session_id
        path = f"/api/compaction/{session_id}/toggle-auto"
        rig.http.on("POST", path, answer({"auto_compaction_enabled": False, "enabled": False}))
        rig.bus.emit(commands.SET_AUTO_COMPACTION, {"enabled": False})
        await asyncio.sleep(0)
        for enabled in (False, True):
            frame = {"type": "auto_compaction_toggled", "session_id": session_id}
            rig.sockets.last.say({**frame, "enabled": enabled})
        await rig.later(1)
        assert rig.state.session.auto_compaction_enabled is True

    run(scene())


@pytest.mark.parametrize(
    "command",
    [
        commands.COMPACT,
        commands.PREVIEW_COMPACTION,
        commands.SET_AUTO_COMPACTION,
        commands.RESERVE_TOKENS,
    ],
)
def test_what_needs_a_session_says_that_there_is_none(command):
    async def scene():
        rig = await started()
        rig.manager.leave_session()
        rig.recorder.take()
        await rig.intend(command)
        topic, ended = outcome(rig)
        assert (topic, ended.notice.values["why"]) == (
            commands.COMMAND_FAILED,
            "error.no_session",
        )
        rig.check()

    run(scene())


def test_figures_of_a_session_that_was_left_meanwhile_are_dropped():
    async def scene():
        rig = await started()
        rig.bus.emit(commands.LOAD_COMPACTION, {})
        rig.manager.leave_session()
        await rig.scheduler.settle()
        assert payloads(rig, commands.COMPACTION_LOADED) == []

    run(scene())


def test_a_preview_of_a_session_that_was_left_meanwhile_is_dropped():
    async def scene():
        rig = await started()
        rig.bus.emit(commands.PREVIEW_COMPACTION, {})
        rig.manager.leave_session()
        await rig.scheduler.settle()
        assert payloads(rig, commands.COMPACTION_PREVIEWED) == []

    run(scene())

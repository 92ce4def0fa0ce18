"""One client for three proxy versions: every route, every dialect, every way to fail."""

from __future__ import annotations

import asyncio
import json
import re

import pytest

from sessions.errors import (
    BadAnswer,
    BrokenAnswer,
    ProxyError,
    ProxyFault,
    ProxyRefused,
    ProxyTimeout,
    ProxyUnreachable,
    RouteUnsupported,
)
from sessions.ports import HttpAnswer
from sessions.proxy_api import (
    ACTIVATE_SESSION,
    COMPACT,
    COMPACTION_STATS,
    DELETE_SESSION,
    DELETE_SESSIONS,
    OPENAPI,
    ROUTES,
    SESSION_BY_ID,
    SESSIONS,
    VACUUM,
    ProxyApi,
    read_answer,
)
from sessions.redaction import redact
from tests.driver import run
from tests.fakes import (
    MISSING_ROUTE,
    OTHER_METHOD,
    VERSIONS,
    FakeHttp,
    answer,
    plain,
    recorded,
    recorded_value,
    recording,
)

OLDEST, MIDDLE, NEWEST = VERSIONS
HTML = HttpAnswer(200, "text/html", "<!doctype html><title>Router</title>")
NONE_ACTIVE = recorded(NEWEST, "active_after_activate_missing")


def api_of(version):
    return ProxyApi(FakeHttp.speaking(version))


def path_of(version, case):
    return recording(version)["http"][case]["path"]


def id_in(version, case):
    return int(re.search(r"\d+", path_of(version, case)).group())


# -- every method --------------------

# What hands the answer through as it is, secrets dropped.
THROUGH = {
    "vacuum": lambda api, _: api.vacuum(),
    "health": lambda api, _: api.health(),
    "rate_limit": lambda api, _: api.rate_limit(),
    "compaction_stats": lambda api, i: api.compaction_stats(i),
    "compaction_preview": lambda api, i: api.compaction_preview(i),
    "compaction_auto_status": lambda api, i: api.compaction_auto_status(i),
    "compaction_history": lambda api, i: api.compaction_history(i),
    "compaction_history_chart": lambda api, i: api.compaction_chart(i),
    "compaction_run": lambda api, i: api.compact(i),
    "compaction_simulate": lambda api, i: api.simulate_compaction(i, []),
    "memory_stats_advanced": lambda api, _: api.memory_stats(),
    "memory_frequent": lambda api, _: api.frequent_memories(),
    "memory_servers": lambda api, _: api.memory_servers(),
    "memory_all_servers": lambda api, _: api.memory_servers(every=True),
    "memory_store": lambda api, i: api.store_memory(i, "text", "episodic"),
    "memory_compress": lambda api, _: api.compress_memory("text", 0.5),
    "memory_similarity": lambda api, _: api.similar_memories("metrics"),
}


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("case", THROUGH)
def test_every_route_gives_what_was_recorded_or_says_why_not(version, case):
    api = api_of(version)
    found = re.search(r"(?<=/|=)\d+", path_of(version, case))
    call = THROUGH[case](api, int(found.group()) if found else None)
    status = recorded(version, case).status
    if status == 200:
        assert run(call) == redact(recorded_value(version, case))
    else:
        with pytest.raises(RouteUnsupported if status == 404 else ProxyFault) as caught:
            run(call)
        assert caught.value.status == status


@pytest.mark.parametrize("version", VERSIONS)
def test_sessions_are_listed_newest_first(version):
    sessions = run(api_of(version).sessions())
    assert {s.id for s in sessions} == {r["id"] for r in recorded_value(version, "sessions_list")}
    ages = [(s.created_at, s.id) for s in sessions]
    assert ages == sorted(ages, reverse=True)
    assert sum(s.is_active for s in sessions) == 1


def test_a_list_row_without_an_id_is_left_out():
    http = FakeHttp()
    http.on("GET", "/api/sessions", answer([{"name": "x"}, 7, None, {"id": 2}]))
    assert [s.id for s in run(ProxyApi(http).sessions())] == [2]


@pytest.mark.parametrize("version", VERSIONS)
def test_the_active_session_comes_without_the_providers_key(version):
    detail = run(api_of(version).active_session())
    assert detail.session.id == 2
    assert detail.session.max_context in (64_000, 262_144)
    assert detail.provider_name == "🟢 NVIDIA"
    assert "sk-" not in json.dumps(detail.raw)
    assert "base_url" in detail.raw["provider"]["info"]


def test_no_active_session_is_none_and_no_error():
    http = FakeHttp()
    http.on("GET", "/api/sessions/active", NONE_ACTIVE)
    assert run(ProxyApi(http).active_session()) is None


def test_rows_of_one_second_are_put_in_the_order_of_their_ids():
    rows = recorded_value(NEWEST, "active_busy")["recent_metrics"]
    ids = [row["id"] for row in rows]
    assert ids != sorted(ids, reverse=True), "the recording shows the disorder"
    detail = run(api_of(NEWEST).active_session())
    assert [m.id for m in detail.metrics] == sorted(ids)


def test_metrics_with_word_ids_keep_the_proxys_order():
    http = FakeHttp()
    rows = [{"id": "b"}, {"id": "c"}, {"id": "a"}]
    http.on("GET", "/api/sessions/active", answer({"session": {"id": 1}, "recent_metrics": rows}))
    assert [m.id for m in run(ProxyApi(http).active_session()).metrics] == ["a", "c", "b"]


@pytest.mark.parametrize("version", VERSIONS)
def test_a_session_is_created_with_what_was_chosen(version):
    api = api_of(version)
    session = run(api.create_session("Neuf", "nvidia", "nvidia/kimi-k2.5"))
    assert (session.name, session.max_context) == ("Session créée à la main", 262_144)
    body = {"name": "Neuf", "provider": "nvidia", "model": "nvidia/kimi-k2.5"}
    assert api._http.calls == [("POST", "/api/sessions", body)]


def test_a_session_is_created_without_choices_left_empty():
    api = api_of(NEWEST)
    run(api.create_session("Neuf", "", None))
    assert api._http.calls[0][2] == {"name": "Neuf"}


@pytest.mark.parametrize("version", VERSIONS)
def test_auto_sessions_are_read_and_switched(version):
    api = api_of(version)
    assert run(api.auto_session()) is True
    assert run(api.set_auto_session(True)) is True
    api._http.on("POST", "/api/sessions/toggle-auto", recorded(version, "toggle_auto_off"))
    assert run(api.set_auto_session(False)) is False
    assert api._http.calls[-1][2] == {"enabled": False}


@pytest.mark.parametrize("version", VERSIONS)
def test_providers_and_models_are_listed(version):
    api = api_of(version)
    providers = run(api.providers())
    assert providers
    assert all(p.has_api_key for p in providers)
    assert [p.key for p in providers] == [
        row["key"] for row in recorded_value(version, "providers")
    ]
    assert all(m.max_context for p in providers for m in p.models)
    models = run(api.models())
    assert len(models) == 3
    assert all("/" in model.key for model in models)


@pytest.mark.parametrize("version", VERSIONS)
def test_the_session_is_exported_as_csv_and_as_json(version):
    api = api_of(version)
    assert run(api.export("csv")) == recorded(version, "export_csv").text
    exported = json.loads(run(api.export("json")))
    assert exported == redact(recorded_value(version, "export_json"))


@pytest.mark.parametrize("kind", ["csv", "json"])
def test_an_export_without_an_active_session_says_so(kind):
    http = FakeHttp()
    http.on("GET", f"/api/export/{kind}", NONE_ACTIVE)
    with pytest.raises(ProxyRefused, match="Aucune session active"):
        run(ProxyApi(http).export(kind))


def test_an_exported_csv_loses_the_keys_in_its_previews():
    http = FakeHttp()
    text = "Aperçu\r\nmy key is sk-abcdefghijkl\r\n"
    http.on("GET", "/api/export/csv", HttpAnswer(200, "text/csv", text))
    assert "sk-" not in run(ProxyApi(http).export("csv"))


@pytest.mark.parametrize("version", VERSIONS)
def test_compaction_switches_return_what_is_in_force(version):
    api = api_of(version)
    session_id = id_in(version, "compaction_reserved")
    assert run(api.reserve_tokens(session_id, 1)) == 4000
    assert run(api.set_auto_compaction(session_id, True)) is True
    path = path_of(version, "compaction_toggle_off")
    api._http.on("POST", path, recorded(version, "compaction_toggle_off"))
    assert run(api.set_auto_compaction(session_id, False)) is False


# -- what a version supports --------------------


EXPECTED = {
    OLDEST: {SESSION_BY_ID, ACTIVATE_SESSION, DELETE_SESSION, DELETE_SESSIONS, VACUUM},
    MIDDLE: {SESSION_BY_ID, DELETE_SESSIONS},
    NEWEST: {DELETE_SESSION},
}


@pytest.mark.parametrize("version", VERSIONS)
def test_openapi_tells_what_is_missing(version):
    capabilities = run(api_of(version).negotiate())
    assert {r for r in ROUTES if not capabilities.supports(r)} == EXPECTED[version]


def test_it_is_asked_once_however_many_ask_at_the_same_time():
    api = api_of(NEWEST)

    async def ask():
        await asyncio.gather(*(api.negotiate() for _ in range(5)))
        await api.negotiate()

    run(ask())
    assert api._http.calls == [("GET", "/openapi.json", None)]


def test_after_a_gap_it_is_asked_again():
    api = api_of(OLDEST)
    run(api.negotiate())
    api._http.on("GET", "/openapi.json", recorded(NEWEST, "openapi"))
    api.renegotiate()
    assert run(api.negotiate()).supports(SESSION_BY_ID)


@pytest.mark.parametrize("reply", [MISSING_ROUTE, HTML, answer({"paths": {}}), answer([1])])
def test_without_openapi_everything_is_worth_a_try(reply):
    api = api_of(OLDEST)
    api._http.on("GET", "/openapi.json", reply)
    capabilities = run(api.negotiate())
    assert all(capabilities.supports(route) for route in ROUTES if route != OPENAPI)


@pytest.mark.parametrize("reply", [MISSING_ROUTE, OTHER_METHOD, plain("Not Found", 404)])
def test_a_404_or_405_is_learned_and_not_asked_again(reply):
    http = FakeHttp.speaking(NEWEST)
    http.on("GET", "/openapi.json", MISSING_ROUTE)
    http.on("GET", "/api/sessions/2", reply)
    api = ProxyApi(http)
    assert run(api.load_session(2)).session.id == 2
    assert not api.capabilities.supports(SESSION_BY_ID)
    run(api.load_session(2))
    assert http.count("GET", "/api/sessions/2") == 1


def test_an_application_s_own_404_does_not_speak_against_the_route():
    api = api_of(NEWEST)
    with pytest.raises(ProxyRefused, match="Session non trouvée"):
        run(api.compaction_stats(99999))
    assert api.capabilities.supports(COMPACTION_STATS)


# -- loading a session --------------------


def test_a_session_is_loaded_by_id_where_that_exists():
    api = api_of(NEWEST)
    detail = run(api.load_session(2))
    assert (detail.session.id, len(detail.metrics)) == (2, 8)
    assert not api.activates_to_load
    assert api._http.asked() == [("GET", "/openapi.json"), ("GET", "/api/sessions/2")]


def test_a_version_that_must_activate_to_load_says_so():
    api = api_of(MIDDLE)
    run(api.negotiate())
    assert api.activates_to_load
    assert api.can_activate


@pytest.mark.parametrize("version", [OLDEST, MIDDLE])
def test_the_active_session_is_loaded_whole_where_there_is_no_route_by_id(version):
    detail = run(api_of(version).load_session("2"))
    assert detail.session.id == 2
    assert len(detail.metrics) == 8


@pytest.mark.parametrize("version", [OLDEST, MIDDLE])
def test_another_session_is_its_row_in_the_list_without_metrics(version):
    api = api_of(version)
    detail = run(api.load_session(5))
    assert detail.session.id == 5
    assert detail.metrics is None
    assert api._http.count("GET", "/api/sessions/5") == 0


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("session_id", [99999, "abc"])
def test_a_missing_session_is_none(version, session_id):
    assert run(api_of(version).load_session(session_id)) is None


def test_a_failure_while_loading_is_not_a_missing_session():
    api = api_of(NEWEST)
    api._http.on("GET", "/api/sessions/2", plain("Internal Server Error", 500))
    with pytest.raises(ProxyFault):
        run(api.load_session(2))


@pytest.mark.parametrize(
    ("session_id", "path"),
    [
        ("a/b", "a%2Fb"),
        ("../active", "..%2Factive"),
        ("x?y=1#z", "x%3Fy%3D1%23z"),
        ("é 1%", "%C3%A9%201%25"),
        (12, "12"),
    ],
)
def test_ids_cannot_leave_their_place_in_the_path(session_id, path):
    api = api_of(NEWEST)
    run(api.load_session(session_id))
    assert ("GET", f"/api/sessions/{path}") in api._http.asked()


def test_ids_cannot_leave_their_place_in_the_query():
    http = FakeHttp()
    http.on("POST", "/api/memory/store", answer({"success": True}))
    run(ProxyApi(http).store_memory("1&x=2#", "text", "episodic"))
    assert http.asked() == [("POST", "/api/memory/store?session_id=1%26x%3D2%23")]


# -- activating and deleting --------------------


@pytest.mark.parametrize("version", [MIDDLE, NEWEST])
def test_a_session_is_activated(version):
    assert run(api_of(version).activate_session(2)) is True


def test_a_version_that_cannot_activate_says_so_without_being_asked():
    api = api_of(OLDEST)
    assert run(api.activate_session(2)) is False
    assert not api.can_activate
    assert api._http.asked() == [("GET", "/openapi.json")]


def test_that_a_version_cannot_activate_is_learned_by_trying():
    http = FakeHttp()
    api = ProxyApi(http)
    assert run(api.activate_session(2)) is False
    assert run(api.activate_session(2)) is False
    assert http.count("POST", "/api/sessions/2/activate") == 1


@pytest.mark.parametrize("version", [MIDDLE, NEWEST])
def test_activating_a_missing_session_is_an_error(version):
    with pytest.raises(ProxyRefused, match="Session non trouvée"):
        run(api_of(version).activate_session(99999))


def test_sessions_are_deleted_in_one_request_where_that_exists():
    api = api_of(NEWEST)
    outcome = run(api.delete_sessions([7, 8]))
    assert (outcome.deleted, dict(outcome.refused)) == ((7, 8), {})
    assert api._http.calls[-1] == ("DELETE", "/api/sessions", {"session_ids": [7, 8]})


def test_sessions_that_stay_are_told_apart_from_those_gone():
    api = api_of(NEWEST)
    api._http.on("DELETE", "/api/sessions", answer({"success": True, "failed_ids": [7]}))
    outcome = run(api.delete_sessions(["7", 8]))
    assert outcome.deleted == (8,)
    assert list(outcome.refused) == [7]


@pytest.mark.parametrize("case", ["bulk_delete_with_active", "bulk_delete_missing"])
def test_a_refused_bulk_deletion_is_an_error_in_the_proxys_words(case):
    api = api_of(NEWEST)
    api._http.on("DELETE", "/api/sessions", recorded(NEWEST, case))
    with pytest.raises(ProxyRefused, match=r"Impossible|Échec"):
        run(api.delete_sessions([2, 7]))


def test_sessions_are_deleted_one_by_one_in_the_other_dialect():
    api = api_of(MIDDLE)
    outcome = run(api.delete_sessions([8, 2]))
    assert outcome.deleted == (8,)
    assert dict(outcome.refused) == {2: "Impossible de supprimer une session active"}
    assert api.capabilities.can_delete


def test_when_all_are_refused_one_by_one_it_is_an_error():
    with pytest.raises(ProxyRefused, match="session active"):
        run(api_of(MIDDLE).delete_sessions([2]))


def test_the_dialect_for_deleting_is_learned_by_trying():
    http = FakeHttp.speaking(MIDDLE)
    http.on("GET", "/openapi.json", MISSING_ROUTE)
    api = ProxyApi(http)
    assert run(api.delete_sessions([8])).deleted == (8,)
    run(api.delete_sessions([8]))
    assert http.count("DELETE", "/api/sessions") == 1


def test_a_version_that_cannot_delete_says_so():
    api = api_of(OLDEST)
    with pytest.raises(RouteUnsupported, match="cannot delete"):
        run(api.delete_sessions([7]))
    assert not api.capabilities.can_delete


def test_that_nothing_can_be_deleted_is_learned_by_trying():
    api = ProxyApi(FakeHttp())
    with pytest.raises(RouteUnsupported):
        run(api.delete_sessions([7]))
    assert not api.capabilities.can_delete


def test_what_was_deleted_before_a_failure_is_not_forgotten():
    api = api_of(MIDDLE)
    api._http.on("DELETE", "/api/sessions/9", plain("Internal Server Error", 500))
    outcome = run(api.delete_sessions([8, 9]))
    assert outcome.deleted == (8,)
    assert "500" in outcome.refused[9]


# -- the four dresses of failure --------------------


@pytest.mark.parametrize(
    ("reply", "error", "told"),
    [
        (answer({"error": "Session non trouvée"}, 404), ProxyRefused, "Session non trouvée"),
        (answer({"error": "no"}, 200), ProxyRefused, "no"),
        (answer({"error": {"message": "deep"}}, 400), ProxyRefused, "deep"),
        (answer({"detail": "No such thing"}, 404), ProxyRefused, "No such thing"),
        (answer({"detail": "Busy"}, 503), ProxyRefused, "Busy"),
        (recorded(NEWEST, "session_by_id_not_int"), ProxyRefused, "integer"),
        (plain("Internal Server Error", 500), ProxyFault, "Internal Server Error .500"),
        (plain("", 502), ProxyFault, "no explanation .502"),
        (answer({"odd": 1}, 500), ProxyFault, "500"),
        (MISSING_ROUTE, RouteUnsupported, "GET /api/sessions"),
        (OTHER_METHOD, RouteUnsupported, "GET /api/sessions"),
        (HttpAnswer(404, "text/html", "<h1>404</h1>"), RouteUnsupported, "GET /api/sessions"),
        (HTML, BadAnswer, "is this a Kimi Proxy"),
        (HttpAnswer(200, "application/json", ""), BrokenAnswer, "JSON"),
        (HttpAnswer(200, "application/json", '{"a": NaN}'), BrokenAnswer, "JSON"),
        (answer({"sessions": []}), BadAnswer, "list"),
        (ProxyUnreachable("GET /api/sessions", "No answer."), ProxyUnreachable, "No answer"),
        (ProxyTimeout("GET /api/sessions", "Too slow."), ProxyTimeout, "Too slow"),
    ],
)
def test_every_failure_becomes_a_typed_error_with_a_message_to_show(reply, error, told):
    http = FakeHttp()
    http.on("GET", "/api/sessions", reply)
    with pytest.raises(error, match=told) as caught:
        run(ProxyApi(http).sessions())
    assert type(caught.value) is error
    assert isinstance(caught.value, ProxyError)
    assert caught.value.route == "GET /api/sessions"


def test_a_long_failure_is_cut_and_its_keys_are_gone():
    reply = plain("sk-abcdefghijkl " + "x" * 5000, 500)
    with pytest.raises(ProxyFault) as caught:
        read_answer(COMPACT, reply)
    assert len(str(caught.value)) < 300
    assert "sk-" not in str(caught.value)


def test_a_detail_without_a_session_is_no_answer_of_a_proxy():
    http = FakeHttp()
    http.on("GET", "/api/sessions/active", answer({"session": None}))
    with pytest.raises(BadAnswer):
        run(ProxyApi(http).active_session())


def test_an_empty_error_is_no_error():
    assert read_answer(SESSIONS, answer({"error": None, "ok": 1})) == {"error": None, "ok": 1}


def test_an_error_that_is_an_object_of_unknown_shape_is_still_an_error():
    with pytest.raises(ProxyError):
        read_answer(SESSIONS, answer({"error": {"code": 7}}))

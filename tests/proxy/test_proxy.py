"""The stand-in against what the real proxy was recorded to answer, and its own controls.

Each file in `fixtures/` is one recorded scenario: every exchange with the status, the content type
and the fields of its answer, and the frames that it caused. The stand-in plays the scenario from
the beginning, so the recorded ids fit and one step's state is the next one's premise.
"""

from __future__ import annotations

import gzip
import json
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import ClientConnection, connect

from tests.proxy import ProxyServer
from tests.proxy.dialects import DIALECTS, LATEST

FIXTURES = Path(__file__).parent / "fixtures"
QUIET_S = 0.01
PATIENCE_S = 2.0

Frame = dict[str, Any]


def fields(value: object, path: str = "") -> set[str]:
    """Paths and types of everything in a JSON value, e.g. `session.id:int`."""
    if isinstance(value, dict) and value:
        return set().union(
            *(fields(part, f"{path}.{key}" if path else key) for key, part in value.items())
        )
    if isinstance(value, list) and value and all(isinstance(part, dict) for part in value):
        return set().union(*(fields(part, f"{path}[]") for part in value))
    names = {"NoneType": "null", "dict": "object"}
    name = type(value).__name__
    return {f"{path}:{names.get(name, name)}"}


class Listener:
    """A dashboard that only listens."""

    def __init__(self, socket: ClientConnection) -> None:
        self.socket = socket

    def texts(self, count: int = 0) -> list[str]:
        """At least `count` frames, and those that follow at once."""
        received: list[str] = []
        while True:
            wait = QUIET_S if len(received) >= count else PATIENCE_S
            try:
                received.append(str(self.socket.recv(timeout=wait)))
            except TimeoutError:
                return received

    def frames(self, count: int = 0) -> list[Frame]:
        """The same, decoded."""
        return [json.loads(text) for text in self.texts(count)]


@contextmanager
def listening(proxy: ProxyServer) -> Iterator[Listener]:
    with connect(proxy.ws_url, compression=None) as socket:
        yield Listener(socket)


@pytest.fixture(params=sorted(DIALECTS))
def dialect(request: pytest.FixtureRequest) -> str:
    """Every dialect in turn."""
    return str(request.param)


@pytest.fixture(scope="module")
def server() -> Iterator[ProxyServer]:
    """A running stand-in, for whatever dialect a test wants."""
    with ProxyServer() as running:
        yield running


@pytest.fixture
def proxy(server: ProxyServer, dialect: str) -> ProxyServer:
    """A stand-in that was reset to the dialect."""
    server.control("reset", dialect=dialect)
    return server


@pytest.fixture
def latest(server: ProxyServer) -> ProxyServer:
    """A stand-in that was reset to the latest dialect."""
    server.control("reset", dialect=LATEST)
    return server


# The recorded scenarios


def differences(step: Frame, answer: httpx.Response) -> list[str]:
    """What an answer gets wrong, compared with the recorded one."""
    found = []
    if answer.status_code != step["status"]:
        found.append(f"status {answer.status_code}, recorded {step['status']}")
    if answer.headers["content-type"] != step["content_type"]:
        found.append(f"type {answer.headers['content-type']}, recorded {step['content_type']}")
    if "text" in step:
        if answer.text.partition("\r\n")[0] != step["text"]:
            found.append(f"text {answer.text[:80]!r}, recorded {step['text']!r}")
        return found
    mine, recorded = fields(answer.json()), set(step["fields"])
    if mine != recorded:
        found.append(f"too much {sorted(mine - recorded)}, missing {sorted(recorded - mine)}")
    return found


def perform(step: Frame, proxy: ProxyServer, client: httpx.Client, listener: Listener) -> list[str]:
    """Carry a step of a scenario out, and tell what its answer gets wrong."""
    if "client" in step:
        listener.socket.send(json.dumps(step["client"]))
        return []
    if "orders" in step:
        for order, body in step["orders"]:
            proxy.control(order, **body)
        return []
    return differences(step, client.request(step["method"], step["path"], json=step.get("body")))


def test_recorded_scenario(proxy: ProxyServer, dialect: str) -> None:
    fixture = json.loads((FIXTURES / f"{dialect}.json").read_text(encoding="utf-8"))
    wrong: dict[str, list[str]] = {}
    seen: dict[str, set[str]] = {}
    listener: Listener | None = None
    with ExitStack() as stack:
        client = stack.enter_context(httpx.Client(base_url=proxy.url))
        for step in fixture["steps"]:
            found: list[str] = []
            if "connect" in step or listener is None:
                listener = stack.enter_context(listening(proxy))
            else:
                found += perform(step, proxy, client, listener)
            recorded = step.get("sends", [])
            frames = listener.frames(len(recorded))
            kinds = [frame["type"] for frame in frames]
            if kinds != recorded:
                found.append(f"sent {kinds}, recorded {recorded}")
            for frame in frames:
                seen.setdefault(frame["type"], set()).update(fields(frame))
            if found:
                wrong[step["case"]] = found
    assert wrong == {}
    assert seen == {kind: set(listed) for kind, listed in fixture["frames"].items()}


def test_openapi_lists_exactly_the_recorded_routes(proxy: ProxyServer, dialect: str) -> None:
    fixture = json.loads((FIXTURES / f"{dialect}.json").read_text(encoding="utf-8"))
    answer = httpx.get(f"{proxy.url}/openapi.json").json()
    assert answer["openapi"] == "3.1.0"
    assert {path: list(methods) for path, methods in answer["paths"].items()} == fixture["routes"]


# Quirks


def test_active_session_leaks_the_key_and_the_list_has_no_context(proxy: ProxyServer) -> None:
    proxy.control("add_session", name="Leaky", provider="nvidia", model="nvidia/kimi-k2.5")
    active = httpx.get(f"{proxy.url}/api/sessions/active").json()
    assert active["provider"]["info"]["api_key"].startswith("sk-fake")
    rows = httpx.get(f"{proxy.url}/api/sessions").json()
    assert [row["is_active"] for row in rows].count(1) == 1
    assert all("max_context" not in row for row in rows)


def test_activating_a_missing_session_leaves_none_active(latest: ProxyServer) -> None:
    answer = httpx.post(f"{latest.url}/api/sessions/77/activate")
    assert answer.status_code == 200
    assert answer.json() == {"error": "Session non trouvée", "session_id": 77}
    assert httpx.get(f"{latest.url}/api/sessions/active").json() == {
        "error": "Aucune session active"
    }
    assert latest.state()["active_session_id"] is None
    with listening(latest) as listener:
        assert listener.frames() == []


def test_another_sessions_details_leak_nothing(latest: ProxyServer) -> None:
    latest.control("add_session", provider="nvidia", model="nvidia/glm-5", active=False)
    provider = httpx.get(f"{latest.url}/api/sessions/2").json()["provider"]
    assert provider == {"key": "nvidia", "name": "🟢 NVIDIA", "color": "green", "icon": "gpu"}


def test_metrics_come_newest_first_and_by_id_within_a_second(latest: ProxyServer) -> None:
    moments = ("2026-01-01 10:00:00", "2026-01-01 10:00:01", "2026-01-01 10:00:01")
    latest.control("add_session", metrics=[{"timestamp": moment} for moment in moments])
    recent = httpx.get(f"{latest.url}/api/sessions/active").json()["recent_metrics"]
    assert [metric["id"] for metric in recent] == [2, 3, 1]


def test_recent_metrics_stop_at_a_hundred_and_the_exports_do_not(latest: ProxyServer) -> None:
    latest.control("add_session", metrics=130)
    assert len(httpx.get(f"{latest.url}/api/sessions/active").json()["recent_metrics"]) == 100
    assert len(httpx.get(f"{latest.url}/api/export/json").json()["metrics"]) == 130
    assert len(httpx.get(f"{latest.url}/api/export/csv").text.splitlines()) == 131


@pytest.mark.parametrize(
    ("percentage", "level"), [(79, None), (80, "caution"), (90, "warning"), (95, "critical")]
)
def test_alert_follows_the_percentage(
    latest: ProxyServer, percentage: int, level: str | None
) -> None:
    tokens = -(-percentage * 262144 // 100)
    with listening(latest) as listener:
        listener.frames(1)
        latest.control("request", prompt_tokens=tokens)
        (frame,) = listener.frames(1)
    assert (frame["alert"] or {}).get("level") == level


# Traffic


def test_request_is_estimated_then_settled(proxy: ProxyServer, dialect: str) -> None:
    with listening(proxy) as listener:
        listener.frames(1)
        proxy.control(
            "request",
            prompt_tokens=1000,
            completion_tokens=50,
            estimate=900,
            delay_ms=150,
            background=True,
        )
        (metric,) = proxy.state()["metrics"]["1"]
        assert (metric["is_estimated"], metric["estimated_tokens"]) == (1, 900)
        kinds = ["metric", "metric_updated"] if dialect == "2026-02-20" else ["metric_updated"]
        assert [frame["type"] for frame in listener.frames(len(kinds))] == kinds
    (metric,) = proxy.state()["metrics"]["1"]
    assert (metric["is_estimated"], metric["estimated_tokens"]) == (0, 1050)


def test_model_opens_a_session_only_while_automatic_sessions_are_on(latest: ProxyServer) -> None:
    httpx.post(f"{latest.url}/api/sessions/toggle-auto", json={"enabled": False})
    stays = latest.control("request", model="nvidia/glm-5", prompt_tokens=10)
    httpx.post(f"{latest.url}/api/sessions/toggle-auto", json={"enabled": True})
    opens = latest.control("request", model="nvidia/glm-5", prompt_tokens=10)
    again = latest.control("request", model="nvidia/glm-5", prompt_tokens=10)
    assert [order["session_id"] for order in (stays, opens, again)] == [1, 2, 2]


def test_log_is_sent_with_the_dialects_source(proxy: ProxyServer, dialect: str) -> None:
    with listening(proxy) as listener:
        listener.frames(1)
        proxy.control("log", source="compile_chat", total_tokens=4000)
        (frame,) = listener.frames(1)
    prefixed = dialect == "2026-03-08"
    assert frame["source"] == ("continue_compile_chat" if prefixed else "compile_chat")
    assert frame["metrics"]["total_tokens"] == 4000


def test_send_broadcasts_verbatim(latest: ProxyServer) -> None:
    with listening(latest) as one, listening(latest) as other:
        one.frames(1)
        other.frames(1)
        latest.control("send", frame={"type": "unheard_of", "n": 1})
        latest.control("send", frame="not json {")
        for listener in (one, other):
            first, second = listener.texts(2)
            assert json.loads(first) == {"type": "unheard_of", "n": 1}
            assert second == "not json {"


def test_burst_sends_every_frame_once_and_in_order(proxy: ProxyServer) -> None:
    with listening(proxy) as listener:
        listener.frames(1)
        report = proxy.control("burst", count=2000)
        updated = [
            frame["metric_id"]
            for frame in listener.frames(report["frames"])
            if frame["type"] == "metric_updated"
        ]
    assert updated == list(range(report["first_metric_id"], report["last_metric_id"] + 1))
    assert len(updated) == len(proxy.state()["metrics"]["1"]) == 2000


def test_burst_keeps_its_rate(latest: ProxyServer) -> None:
    report = latest.control("burst", count=60, rate_per_second=200)
    assert report["seconds"] >= 59 / 200


def test_compaction_shows_in_every_answer_about_it(latest: ProxyServer) -> None:
    latest.control("compaction", original_tokens=1000, compacted_tokens=250)
    base = f"{latest.url}/api/compaction/1"
    compaction = httpx.get(f"{base}/stats").json()["compaction"]
    assert (compaction["compaction_count"], compaction["total_tokens_saved"]) == (1, 750)
    assert httpx.get(f"{base}/history").json()["total_entries"] == 1
    assert len(httpx.get(f"{base}/history-chart").json()["labels"]) == 1
    status = httpx.get(f"{base}/auto-status").json()["status"]
    assert status["total_compactions"] == 1
    assert 0 < status["cooldown_remaining_seconds"] <= 300


# Faults


def test_http_fault_counts_down(latest: ProxyServer) -> None:
    latest.control(
        "faults",
        http=[
            {
                "method": "GET",
                "path_prefix": "/api/sessions",
                "status": 503,
                "text": "busy",
                "times": 2,
            },
            {"path_prefix": "/health", "json": {"error": "odd"}, "status": 200},
        ],
    )
    answers = [httpx.get(f"{latest.url}/api/sessions") for _ in range(3)]
    assert [answer.status_code for answer in answers] == [503, 503, 200]
    assert answers[0].text == "busy"
    assert httpx.get(f"{latest.url}/health").json() == {"error": "odd"}
    assert httpx.get(f"{latest.url}/health").json()["status"] == "ok"


def test_http_fault_delays_without_answering(latest: ProxyServer) -> None:
    latest.control("faults", http=[{"path_prefix": "/health", "delay_ms": 120}])
    begun = time.perf_counter()
    assert httpx.get(f"{latest.url}/health").json()["status"] == "ok"
    assert time.perf_counter() - begun >= 0.12


def test_http_fault_drops_the_connection(latest: ProxyServer) -> None:
    latest.control("faults", http=[{"path_prefix": "/health", "drop": True}])
    with pytest.raises(httpx.TransportError):
        httpx.get(f"{latest.url}/health")
    assert httpx.get(f"{latest.url}/health").status_code == 200


def test_unknown_fault_is_refused(latest: ProxyServer) -> None:
    with pytest.raises(ValueError, match="unknown fault setting: tymes"):
        latest.control("faults", http=[{"path_prefix": "/", "tymes": 3}])


def test_websocket_is_dropped_and_refused(latest: ProxyServer) -> None:
    with listening(latest) as listener:
        listener.frames(1)
        latest.control("faults", ws={"drop_now": True, "refuse_next": 1})
        with pytest.raises(ConnectionClosed):
            listener.socket.recv(timeout=PATIENCE_S)
    with pytest.raises(InvalidStatus, match="403"):
        connect(latest.ws_url).__enter__()
    with listening(latest) as listener:
        assert [frame["type"] for frame in listener.frames(1)] == ["init"]
        latest.control("faults", ws={"drop_now": 1012})
        with pytest.raises(ConnectionClosed) as closed:
            listener.socket.recv(timeout=PATIENCE_S)
    assert closed.value.rcvd is not None
    assert closed.value.rcvd.code == 1012
    assert latest.state()["total_websockets"] == 2


def test_frames_are_duplicated_swapped_and_spoilt(latest: ProxyServer) -> None:
    with listening(latest) as listener:
        listener.frames(1)

        def send(*numbers: int) -> None:
            for number in numbers:
                latest.control("send", frame=str(number))

        latest.control("faults", ws={"duplicate": 1})
        send(1, 2)
        assert listener.texts(3) == ["1", "1", "2"]
        latest.control("faults", ws={"reorder": 1})
        send(1, 2, 3)
        assert listener.texts(3) == ["2", "1", "3"]
        latest.control("faults", ws={"reorder": 1})
        send(1)
        assert listener.texts(1) == ["1"]
        latest.control("faults", ws={"garbage": 1})
        send(1, 2)
        spoilt, *rest = listener.texts(3)
        assert rest == ["1", "2"]
        with pytest.raises(ValueError, match="Unterminated"):
            json.loads(spoilt)


def test_frames_are_late_but_in_order(latest: ProxyServer) -> None:
    with listening(latest) as listener:
        listener.frames(1)
        latest.control("faults", ws={"delay_ms": 100})
        begun = time.perf_counter()
        for number in range(3):
            latest.control("send", frame=str(number))
        assert listener.texts(3) == ["0", "1", "2"]
        assert 0.1 <= time.perf_counter() - begun < 1


# The server


def test_restart_keeps_port_and_data_and_breaks_connections(latest: ProxyServer) -> None:
    latest.control("add_session", name="Kept", metrics=3)
    url = latest.url
    with listening(latest) as listener:
        listener.frames(1)
        latest.restart()
        with pytest.raises(ConnectionClosed):
            listener.socket.recv(timeout=PATIENCE_S)
    assert latest.url == url
    state = latest.state()
    assert (len(state["metrics"]["2"]), state["open_websockets"]) == (3, 0)
    with listening(latest) as listener:
        (init,) = listener.frames(1)
    assert init["session"]["name"] == "Kept"


def test_reset_changes_the_dialect_and_seeds(latest: ProxyServer) -> None:
    latest.control("request", prompt_tokens=5)
    seeds = [{"name": "Old", "metrics": 2}, {"name": "New", "provider": "gemini"}]
    latest.control("reset", dialect="2026-02-20", seed_sessions=seeds)
    state = latest.state()
    assert state["dialect"] == "2026-02-20"
    assert {session["name"] for session in state["sessions"]} == {
        "Session par défaut",
        "Old",
        "New",
    }
    assert state["active_session_id"] == 3
    assert httpx.get(f"{latest.url}/api/sessions/1").status_code == 404


def test_requests_are_remembered(latest: ProxyServer) -> None:
    httpx.post(f"{latest.url}/api/sessions", json={"name": "Mine"})
    httpx.get(f"{latest.url}/api/memory/frequent?limit=2")
    assert latest.requests("POST", "/api/sessions") == [
        {"method": "POST", "path": "/api/sessions", "query": "", "body": {"name": "Mine"}}
    ]
    assert [request["query"] for request in latest.requests("GET", "/api/memory")] == ["limit=2"]


def test_other_origins_are_answered_only_on_request() -> None:
    origin = {"origin": "http://elsewhere.test"}
    for cors, header in ((False, None), (True, "*")):
        with ProxyServer(cors=cors) as server:
            answer = httpx.get(f"{server.url}/health", headers=origin)
        assert answer.headers.get("access-control-allow-origin") == header


def test_a_ready_compressed_copy_is_sent_to_whom_can_unpack_it(tmp_path: Path) -> None:
    (tmp_path / "app.mjs").write_text("plain")
    (tmp_path / "app.mjs.gz").write_bytes(gzip.compress(b"packed"))
    with ProxyServer(static_dir=tmp_path) as server:
        for encoding, text in (("gzip", "packed"), ("identity", "plain")):
            headers = {"Accept-Encoding": encoding}
            answer = httpx.get(f"{server.url}/app.mjs", headers=headers)
            assert answer.text == text
            assert "javascript" in answer.headers["content-type"]


@pytest.mark.parametrize("static_path", ["/", "/static/dashboard/"])
def test_page_is_served_beside_the_api(tmp_path: Path, static_path: str) -> None:
    (tmp_path / "index.html").write_text("<title>Built</title>")
    with ProxyServer("2026-02-20", static_dir=tmp_path, static_path=static_path) as server:
        assert "Built" in httpx.get(f"{server.url}{static_path}").text
        missing = httpx.post(f"{server.url}/api/sessions/5/activate")
        assert (missing.status_code, missing.json()) == (404, {"detail": "Not Found"})
        refused = httpx.delete(f"{server.url}/api/sessions")
        assert (refused.status_code, refused.json()) == (405, {"detail": "Method Not Allowed"})
        with listening(server) as listener:
            assert [frame["type"] for frame in listener.frames(1)] == ["init"]

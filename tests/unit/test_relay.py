"""The relay: what passes, who may use it, and what a bad proxy or browser cannot do to it."""

from __future__ import annotations

import asyncio
import socket
import sys
import threading
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest

if sys.platform == "emscripten":
    pytest.skip("the relay runs on a person's machine only", allow_module_level=True)

import httpx
from starlette.websockets import WebSocket
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.http11 import Request
from websockets.server import ServerProtocol
from websockets.sync.client import ClientConnection, connect
from websockets.sync.server import ServerConnection, serve
from websockets.typing import Origin, Subprotocol

from tests.serving import (
    PATIENCE,
    Behaviour,
    Drip,
    RawProxy,
    answering,
    ask,
    complaints,
    dial,
    eventually,
    fetch,
    free_port,
    get,
    good_proxy,
    head,
    raw_proxy,
    relaying,
    reset,
    rest,
    silent,
)
from tools.serving.address import proxy_address
from tools.serving.http_relay import HttpRelay
from tools.serving.limits import Limits
from tools.serving.socket_relay import (
    GOING_AWAY,
    TOO_LARGE,
    TRY_AGAIN_LATER,
    Conversation,
    SocketRelay,
    short,
)

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


@pytest.fixture(autouse=True)
def quiet(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    """Nothing that a browser or a proxy does is an error in the log."""
    yield
    records = [record for when in ("setup", "call") for record in caplog.get_records(when)]
    assert complaints(records) == []


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("page")
    (folder / "index.html").write_text("<title>page</title>")
    return folder


@pytest.fixture(scope="module")
def shared_drip() -> Drip:
    return Drip()


@pytest.fixture
def drip(shared_drip: Drip) -> Drip:
    shared_drip.left.clear()
    return shared_drip


@pytest.fixture(scope="module")
def proxy(shared_drip: Drip) -> Iterator[str]:
    with good_proxy(shared_drip) as address:
        yield address


@pytest.fixture(scope="module")
def relay(folder: Path, proxy: str) -> Iterator[str]:
    with relaying(folder, proxy) as address:
        yield address


@pytest.fixture(scope="module")
def shared_raw() -> Iterator[RawProxy]:
    with raw_proxy(silent) as proxy:
        yield proxy


@pytest.fixture
def raw(shared_raw: RawProxy) -> Iterator[RawProxy]:
    """A proxy of bytes; a test says what it does."""
    shared_raw.accepted = 0
    yield shared_raw
    eventually(lambda: shared_raw.open == 0)


@pytest.fixture(scope="module")
def bare(folder: Path, shared_raw: RawProxy) -> Iterator[str]:
    """A relay to it, with the usual limits."""
    with relaying(folder, shared_raw.address) as address:
        yield address


def status(answer: bytes) -> int:
    return int(answer.split(b" ", 2)[1])


# --- What passes --------------------------------------------------------------------


@pytest.mark.parametrize("method", ["GET", "POST", "DELETE", "PATCH"])
def test_a_request_reaches_the_proxy_as_it_is(relay: str, proxy: str, method: str) -> None:
    body = '{"tokens": 3}' if method in ("POST", "PATCH") else ""
    answer = fetch(
        method,
        f"http://{relay}/api/sessions/a%2Fb?limit=2&q=%C3%A9",
        content=body or None,
        headers={"X-Asked": "yes", "Origin": f"http://{relay}", "TE": "trailers"},
    )
    assert answer.status_code == 418
    assert answer.headers["x-answer"] == "yes"
    assert "x-private" not in answer.headers
    seen = answer.json()
    assert (seen["method"], seen["body"]) == (method, body)
    assert (seen["path"], seen["query"]) == ("/api/sessions/a%2Fb", "limit=2&q=%C3%A9")
    assert seen["headers"]["host"] == proxy
    assert seen["headers"]["x-asked"] == "yes"
    assert not {"origin", "te"} & set(seen["headers"])


def test_nothing_is_added_to_a_request(relay: str) -> None:
    seen = ask(relay, get("/api/x"))
    for name in (b"accept", b"user-agent", b"content-length", b"authorization"):
        assert b'"%b"' % name not in seen


@pytest.mark.parametrize("path", ["/health", "/openapi.json"])
def test_the_other_addresses_are_relayed_too(relay: str, path: str) -> None:
    assert fetch("GET", f"http://{relay}{path}").json()["path"] == path


def test_a_body_in_chunks_passes(relay: str) -> None:
    def chunks() -> Iterator[bytes]:
        yield b"one"
        yield b"two"

    answer = fetch("POST", f"http://{relay}/api/x", content=chunks())
    assert answer.json()["body"] == "onetwo"


def test_a_stream_arrives_piece_by_piece(relay: str, drip: Drip) -> None:
    with httpx.stream("GET", f"http://{relay}/api/drip", trust_env=False) as answer:
        pieces = answer.iter_raw()
        assert next(pieces) == b"first"
        drip.allow()
        assert b"".join(pieces) == b"second"


def test_a_stream_that_nobody_reads_any_more_is_let_go(relay: str, drip: Drip) -> None:
    with httpx.stream("GET", f"http://{relay}/api/drip", trust_env=False) as answer:
        assert next(answer.iter_raw()) == b"first"
    assert drip.left.wait(PATIENCE)


@pytest.mark.parametrize(
    ("target", "seen"),
    [
        ("/api/x?q=%zz&a=|", "/api/x?q=%zz&a=|"),
        ("//api//./x/y/%2e%2e/z/", "/api/x/z/"),
        ("/api/../health", "/health"),
        ("/api/a%2fb", "/api/a%2Fb"),
        ("/api/%c3%a9", "/api/%C3%A9"),
        ("/api/x?a=//../\\", "/api/x?a=//../\\"),
    ],
)
def test_what_reaches_the_proxy_is_what_was_routed(
    raw: RawProxy, bare: str, target: str, seen: str
) -> None:
    lines: list[bytes] = []

    def behave(connection: socket.socket) -> None:
        lines.append(head(connection).split(b"\r\n")[0])
        connection.sendall(OK)

    raw.behave = behave
    assert ask(bare, get(target)).endswith(b"ok")
    assert lines == [f"GET {seen} HTTP/1.1".encode()]


@pytest.mark.parametrize(
    ("target", "code"),
    [
        ("/api/../../health", 400),
        ("/api/..%2f..%2fhealth", 400),
        ("/api/..\\health", 400),
        ("/api/%5c..%5chealth", 400),
        ("/api/x%00", 400),
        ("/api/x%0d%0aHost:%20evil", 400),
        ("http://localhost/api/x", 400),
        ("/api/x#y", 400),
        ("/api", 404),
        ("/api/../v1/models", 404),
        ("/api%2fx", 404),
        ("/health/x", 404),
        ("/API/x", 404),
    ],
)
def test_nothing_else_reaches_the_proxy(raw: RawProxy, bare: str, target: str, code: int) -> None:
    raw.behave = answering(OK)
    assert status(ask(bare, get(target))) == code
    assert raw.accepted == 0


def test_a_proxy_below_a_folder_is_asked_there(folder: Path, proxy: str) -> None:
    with relaying(folder, f"{proxy}/below/") as address:
        answer = fetch("GET", f"http://{address}/api/x?y=1").json()
    assert (answer["path"], answer["query"]) == ("/below/api/x", "y=1")


# --- Who may use it -----------------------------------------------------------------

RELAYED = ("/api/x", "/health", "/openapi.json")
OTHERS = [
    {"Origin": "http://evil.example"},
    {"Origin": "null"},
    {"Origin": "http://localhost:1"},
    {"Origin": "https://{host}"},
    {"Sec-Fetch-Site": "cross-site"},
    {"Sec-Fetch-Site": "same-site", "Sec-Fetch-Mode": "navigate"},
    {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate"},
    {"Sec-Fetch-Site": "none", "Sec-Fetch-Mode": "cors"},
    {"Sec-Fetch-Site": "none"},
    {"Sec-Fetch-Site": ""},
    {"Sec-Fetch-Site": "cross-site", "Origin": "http://{host}"},
]


def filled(headers: dict[str, str], host: str) -> dict[str, str]:
    return {name: value.format(host=host) for name, value in headers.items()}


@pytest.mark.parametrize("headers", OTHERS)
def test_another_site_cannot_use_the_relay(relay: str, headers: dict[str, str]) -> None:
    named = filled(headers, relay)
    for path in RELAYED:
        answer = fetch("GET", f"http://{relay}{path}", headers=named)
        assert answer.status_code == 403
        assert answer.headers["cross-origin-resource-policy"] == "same-origin"
    origin = Origin(named.pop("Origin")) if "Origin" in named else None
    with (
        pytest.raises(InvalidStatus, match="403"),
        connect(f"ws://{relay}/ws", origin=origin, additional_headers=named, proxy=None),
    ):
        pass


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Origin": "http://{host}"},
        {"Sec-Fetch-Site": "same-origin"},
        {"Sec-Fetch-Site": "same-origin", "Origin": "http://{host}"},
    ],
)
def test_the_own_page_and_tools_can(relay: str, headers: dict[str, str]) -> None:
    named = filled(headers, relay)
    for path in RELAYED:
        answer = fetch("GET", f"http://{relay}{path}", headers=named)
        assert answer.status_code == 418
    with connect(f"ws://{relay}/ws", additional_headers=named, proxy=None) as page:
        page.send("x")
        assert page.recv() == ": x"


def test_a_person_can_type_an_address_but_no_page_can_send_it(relay: str) -> None:
    typed = {"Sec-Fetch-Site": "none", "Sec-Fetch-Mode": "navigate"}
    with httpx.Client(base_url=f"http://{relay}", headers=typed, trust_env=False) as client:
        assert client.get("/api/x").status_code == 418
        assert client.post("/api/x").status_code == 403
        assert client.get("/").status_code == 200
    with (
        pytest.raises(InvalidStatus, match="403"),
        connect(f"ws://{relay}/ws", additional_headers=typed, proxy=None),
    ):
        pass


def test_another_site_s_link_leads_to_the_page(relay: str) -> None:
    headers = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate"}
    answer = fetch("GET", f"http://{relay}/", headers=headers)
    assert answer.status_code == 200


# --- Credentials --------------------------------------------------------------------


def test_a_name_and_password_are_sent_and_told_to_nobody(
    folder: Path, proxy: str, caplog: pytest.LogCaptureFixture
) -> None:
    with relaying(folder, f"user:s3cr%2Ft@{proxy}") as address:
        answer = fetch(
            "GET", f"http://{address}/api/x?key=s3cret", headers={"Authorization": "Bearer page"}
        )
        assert answer.json()["headers"]["authorization"] == "Basic dXNlcjpzM2NyL3Q="
        with connect(f"ws://{address}/ws?key=s3cret", proxy=None) as page:
            page.send("x")
            assert page.recv() == "key=s3cretBasic dXNlcjpzM2NyL3Q=: x"
    ours = [r.getMessage() for r in caplog.records if r.name.startswith("uvicorn")]
    # The proxy that stands in logs through the same filter.
    assert any("/api/x?…" in line for line in ours)
    assert any("/ws?…" in line for line in ours)
    assert not [line for line in ours if "s3cr" in line or "dXNl" in line]


def test_without_one_the_page_s_own_passes(relay: str) -> None:
    answer = fetch("GET", f"http://{relay}/api/x", headers={"Authorization": "Bearer page"})
    assert answer.json()["headers"]["authorization"] == "Bearer page"


# --- A proxy that is away, slow or broken -------------------------------------------


def test_a_proxy_that_is_down_is_named_at_once(folder: Path) -> None:
    proxy = f"127.0.0.1:{free_port()}"
    with relaying(folder, f"user:s3cret@{proxy}") as address:
        started = time.monotonic()
        answer = fetch("GET", f"http://{address}/api/sessions")
        assert time.monotonic() - started < 1
        assert answer.status_code == 502
        assert answer.json()["error"] == (
            f"The proxy at http://{proxy} does not answer: nothing listens there. "
            "Start it, or name another address with --proxy."
        )
        with connect(f"ws://{address}/ws", proxy=None) as page:
            sentence = f"The proxy at http://{proxy} does not answer."
            assert closing(page) == (TRY_AGAIN_LATER, sentence)


def test_a_name_that_is_not_known_is_said_so(folder: Path) -> None:
    with relaying(folder, "no-such-host.invalid") as address:
        answer = fetch("GET", f"http://{address}/api/x")
        assert answer.status_code == 502
        assert "its name is not known" in answer.json()["error"]


HELD = b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\nConnection: close\r\n\r\n"


@pytest.mark.parametrize(
    ("says", "words"),
    [
        (b"", "not HTTP, or it broke off"),
        (b"HTTP/1.1 200", "not HTTP, or it broke off"),
        (b"SSH-2.0-OpenSSH\r\n", "not HTTP, or it broke off"),
        (b"HTTP/1.1 200 OK\r\nX: " + b"x" * 200_000, "not HTTP, or it broke off"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n", "not HTTP, or it broke off"),
        (b"HTTP/1.1 101 Switching Protocols\r\n\r\n", "not HTTP, or it broke off"),
        (b"HTTP/1.1 999 Odd\r\n\r\n", "with the status 999"),
    ],
)
def test_what_is_no_answer_is_told(raw: RawProxy, bare: str, says: bytes, words: str) -> None:
    raw.behave = answering(says)
    answer = fetch("GET", f"http://{bare}/api/x")
    assert answer.status_code == 502
    assert words in answer.json()["error"]


@pytest.mark.parametrize(
    ("says", "body"),
    [
        (OK, b"ok"),
        (b"HTTP/1.0 200 OK\r\n\r\nuntil the end", b"until the end"),
        (b"HTTP/1.1 204 No Content\r\nContent-Length: 5\r\n\r\n", b""),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n", b"ok"),
        (
            b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n"
            b"Connection: Close, X-Own\r\nX-OWN: 1\r\nKeep-Alive: 9\r\n\r\n2\r\nok\r\n0\r\n\r\n",
            b"ok",
        ),
        (b"HTTP/1.1 100 Continue\r\n\r\n" + OK, b"ok"),
    ],
)
def test_each_way_to_answer_is_understood(
    raw: RawProxy, bare: str, says: bytes, body: bytes
) -> None:
    raw.behave = answering(says)
    answer = fetch("GET", f"http://{bare}/api/x")
    assert answer.content == body
    assert not {"keep-alive", "x-own", "connection"} & set(answer.headers)


@pytest.mark.parametrize(
    "begun",
    [
        b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n9\r\nhalf",
    ],
)
@pytest.mark.parametrize("end", [socket.socket.close, reset])
def test_an_answer_that_breaks_off_is_seen_to(
    raw: RawProxy, bare: str, begun: bytes, end: Behaviour
) -> None:
    read = threading.Event()

    def behave(connection: socket.socket) -> None:
        head(connection)
        connection.sendall(begun)
        assert read.wait(PATIENCE)
        end(connection)

    raw.behave = behave
    with httpx.stream("GET", f"http://{bare}/api/x", trust_env=False) as answer:
        pieces = answer.iter_raw()
        assert next(pieces) == b"half"
        read.set()
        with pytest.raises((httpx.RemoteProtocolError, httpx.ReadError)):
            next(pieces)
    raw.behave = answering(OK)
    assert ask(bare, get("/api/x")).endswith(b"ok")


# --- Browsers that go away ----------------------------------------------------------


@pytest.mark.parametrize(
    "request_bytes",
    [
        get("/api/x"),
        b"POST /api/x HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2\r\n\r\nhi",
    ],
)
@pytest.mark.parametrize("leave", [socket.socket.close, reset])
def test_a_hung_proxy_is_let_go_when_the_browser_goes(
    raw: RawProxy, bare: str, request_bytes: bytes, leave: Behaviour
) -> None:
    raw.behave = silent
    browser = dial(bare, request_bytes)
    eventually(lambda: raw.open == 1)
    leave(browser)
    eventually(lambda: raw.open == 0)


def test_a_request_behind_another_does_not_hide_that_the_browser_goes(
    raw: RawProxy, bare: str
) -> None:
    raw.behave = silent
    request = get("/api/x").replace(b"Connection: close\r\n", b"")
    browser = dial(bare, request)
    eventually(lambda: raw.open == 1)
    browser.sendall(request)  # uvicorn stops reading at it
    browser.close()
    eventually(lambda: raw.open == 0)


def test_a_stream_is_let_go_when_the_browser_resets(raw: RawProxy, bare: str) -> None:
    def behave(connection: socket.socket) -> None:
        head(connection)
        connection.sendall(HELD + b"some")
        silent(connection)

    raw.behave = behave
    browser = dial(bare, get("/api/x"))
    assert browser.recv(1) == b"H"
    reset(browser)
    eventually(lambda: raw.open == 0)


def test_a_hung_proxy_does_not_use_up_the_relay(folder: Path) -> None:
    with (
        raw_proxy(silent) as proxy,
        relaying(folder, proxy.address, upstream=8, queue=30) as address,
    ):
        for _ in range(4):
            browsers = [dial(address, get("/api/x")) for _ in range(50)]
            eventually(lambda: proxy.open == 8)
            for browser in browsers:
                browser.close()
            eventually(lambda: proxy.open == 0)
        proxy.behave = answering(OK)
        started = time.monotonic()
        assert ask(address, get("/api/x")).endswith(b"ok")
        assert time.monotonic() - started < 1


async def give_up_at_every_moment(begin: Callable[[str], Awaitable[object]]) -> int:
    """Begin to ask a hung proxy and give up, after ever more turns of the loop.

    Returns how many of its connections the proxy still has at the end.
    """
    kept = 0

    async def hang(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal kept
        kept += 1
        with suppress(ConnectionError):
            while await reader.read(1024):
                pass
        writer.close()
        kept -= 1

    async with await asyncio.start_server(hang, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        for turns in range(60):
            task = asyncio.ensure_future(begin(f"http://127.0.0.1:{port}"))
            for _ in range(turns):
                await asyncio.sleep(0)
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task
        for _ in range(100):
            await asyncio.sleep(0.01)
            if not kept:
                break
        return kept


SCOPE = {
    "type": "http",
    "method": "GET",
    "raw_path": b"/api/x",
    "query_string": b"",
    "headers": [(b"host", b"localhost")],
}


async def no_call(*_: object) -> Any:
    raise AssertionError("nothing is received or sent")


def test_a_request_can_be_given_up_at_every_moment() -> None:
    relays: list[HttpRelay] = []

    def begin(proxy: str) -> Awaitable[object]:
        if not relays:
            relays.append(HttpRelay(proxy_address(proxy), Limits(upstream=2)))
        return relays[0].relay(SCOPE, no_call, no_call, b"")

    assert asyncio.run(give_up_at_every_moment(begin)) == 0
    assert not relays[0].free.locked()


def test_a_handshake_can_be_given_up_at_every_moment() -> None:
    scope = {**SCOPE, "type": "websocket", "raw_path": b"/ws", "subprotocols": []}

    def begin(proxy: str) -> Awaitable[object]:
        relay = SocketRelay(proxy_address(proxy), Limits())
        return relay.connect(WebSocket(scope, no_call, no_call))

    assert asyncio.run(give_up_at_every_moment(begin)) == 0


def test_too_many_requests_at_once_are_told_to_wait(folder: Path) -> None:
    with (
        raw_proxy(silent) as proxy,
        relaying(folder, proxy.address, upstream=3, queue=0.1) as address,
    ):
        waiting = [dial(address, get("/api/x")) for _ in range(3)]
        eventually(lambda: proxy.open == 3)
        started = time.monotonic()
        answer = fetch("GET", f"http://{address}/api/x")
        assert time.monotonic() - started < 1
        assert (answer.status_code, answer.headers["retry-after"]) == (503, "2")
        assert answer.json()["error"] == (
            f"The proxy at http://{proxy.address} is busy with 3 requests. Try again in a moment."
        )
        for browser in waiting:
            browser.close()


def test_a_body_that_does_not_come_never_reaches_the_proxy(folder: Path) -> None:
    lengthy = b"POST /api/x HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9\r\n\r\nhalf"
    with (
        raw_proxy(answering(OK)) as proxy,
        relaying(folder, proxy.address, body=0.1) as address,
    ):
        assert status(ask(address, lengthy)) == 408
        dial(address, lengthy).close()
        assert proxy.accepted == 0


def test_a_body_that_is_too_large_never_reaches_the_proxy(folder: Path) -> None:
    with (
        raw_proxy(answering(OK)) as proxy,
        relaying(folder, proxy.address, body_bytes=2048) as address,
    ):
        for body in (b"x" * 2049, iter([b"x" * 1500, b"x" * 1500])):
            answer = fetch("POST", f"http://{address}/api/x", content=body)
            assert answer.status_code == 413
            assert answer.json()["error"] == "This request is larger than 2 KiB."
        assert proxy.accepted == 0
        answer = fetch("POST", f"http://{address}/api/x", content=b"x" * 2048)
        assert answer.status_code == 200


# --- WebSockets ---------------------------------------------------------------------


def closing(page: ClientConnection) -> tuple[int | None, str | None]:
    """Wait until the relay closes; how it did."""
    with pytest.raises(ConnectionClosed):
        page.recv(PATIENCE)
    return page.close_code, page.close_reason


@contextmanager
def conversing(
    folder: Path, talk: Callable[[ServerConnection], None], **limits: float
) -> Iterator[str]:
    """Relay to a WebSocket server; yield the relay's host and port."""
    with serve(talk, "127.0.0.1", 0, max_size=None, close_timeout=1) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            port = server.socket.getsockname()[1]
            with relaying(folder, f"127.0.0.1:{port}", **limits) as address:
                yield address
        finally:
            server.shutdown()
            thread.join(PATIENCE)


class Listener:
    """A proxy that listens until it is closed, and knows how it was."""

    def __init__(self) -> None:
        self.heard: list[str | bytes] = []
        self.closed: list[tuple[int | None, str | None]] = []

    def __call__(self, connection: ServerConnection) -> None:
        """Listen to one page."""
        with suppress(ConnectionClosed):
            while True:
                self.heard.append(connection.recv())
        self.closed.append((connection.close_code, connection.close_reason))

    def was_closed(self) -> tuple[int | None, str | None]:
        """How the only connection was closed."""
        eventually(lambda: len(self.closed) == 1)
        return self.closed[0]


def shaken(connection: socket.socket) -> ServerProtocol:
    """Do a proxy's part of the handshake on a raw connection."""
    protocol = ServerProtocol()
    protocol.receive_data(head(connection))
    [request] = protocol.events_received()
    assert isinstance(request, Request)
    protocol.send_response(protocol.accept(request))
    connection.sendall(b"".join(protocol.data_to_send()))
    return protocol


HANDSHAKE = (
    b"GET /ws HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
    b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n"
)


def test_messages_pass_both_ways(relay: str) -> None:
    with connect(f"ws://{relay}/ws?a=1", subprotocols=[Subprotocol("kimi")], proxy=None) as page:
        assert page.subprotocol == "kimi"
        page.send("hello")
        assert page.recv() == "a=1: hello"
        page.send(b"\x00\x01")
        assert page.recv() == b"\x00\x01"
        page.send(["in ", "two"])
        assert page.recv() == "a=1: in two"
        page.send("leave")
        assert closing(page) == (4001, "as you wish")


def test_the_proxy_hears_how_the_page_left(folder: Path) -> None:
    proxy = Listener()
    with conversing(folder, proxy) as address:
        with connect(f"ws://{address}/ws", proxy=None) as page:
            page.send("last words")
            page.close(3001, "bye")
        assert proxy.was_closed() == (3001, "bye")
        assert proxy.heard == ["last words"]


def test_last_words_are_passed_on_before_the_page_is_gone() -> None:
    sent = [
        {"type": "websocket.connect"},
        {"type": "websocket.receive", "text": "last words"},
        {"type": "websocket.disconnect", "code": 3001, "reason": "bye"},
    ]

    async def receive() -> dict[str, Any]:
        return sent.pop(0)

    async def listen() -> None:
        page = WebSocket({**SCOPE, "type": "websocket"}, receive, no_call)
        await page.receive()
        conversation = Conversation(page, PATIENCE)
        listening = asyncio.ensure_future(conversation.listen())
        for _ in range(20):
            await asyncio.sleep(0)
        assert not listening.done()
        assert (await conversation.said.get())["text"] == "last words"
        conversation.said.task_done()
        await listening
        assert conversation.left == (3001, "bye")

    asyncio.run(listen())


@pytest.mark.parametrize("leave", [socket.socket.close, reset])
def test_the_proxy_hears_that_the_page_is_gone(folder: Path, leave: Behaviour) -> None:
    proxy = Listener()
    with conversing(folder, proxy) as address:
        page = dial(address, HANDSHAKE)
        assert b" 101 " in head(page)
        leave(page)
        assert proxy.was_closed() == (GOING_AWAY, "")


def test_the_page_hears_that_the_proxy_is_gone(raw: RawProxy, bare: str) -> None:
    def vanish(connection: socket.socket) -> None:
        shaken(connection)
        connection.recv(1)
        reset(connection)

    raw.behave = vanish
    with connect(f"ws://{bare}/ws", proxy=None) as page:
        with suppress(ConnectionClosed):
            for _ in range(200):
                page.send("x" * 1000)
        assert closing(page) == (TRY_AGAIN_LATER, "The proxy went away.")


def test_a_proxy_may_close_while_the_page_talks(folder: Path) -> None:
    def enough(connection: ServerConnection) -> None:
        connection.recv()
        connection.send("last words")
        connection.close(4002, "enough")

    with (
        conversing(folder, enough) as address,
        connect(f"ws://{address}/ws", proxy=None) as page,
    ):
        with suppress(ConnectionClosed):
            for _ in range(200):
                page.send("x" * 1000)
        assert page.recv() == "last words"
        assert closing(page) == (4002, "enough")


def test_both_may_close_at_once(folder: Path) -> None:
    start = threading.Barrier(2)

    def talk(connection: ServerConnection) -> None:
        start.wait(PATIENCE)
        connection.close(4003)

    with conversing(folder, talk) as address:
        for _ in range(10):
            with connect(f"ws://{address}/ws", proxy=None) as page:
                start.wait(PATIENCE)
                page.close()


def test_a_message_that_is_too_large_ends_the_conversation(folder: Path) -> None:
    def shout(connection: ServerConnection) -> None:
        connection.send("x" * 2048)
        connection.send("x" * 2049)
        proxy(connection)

    proxy = Listener()
    with (
        conversing(folder, shout, message_bytes=2048) as address,
        connect(f"ws://{address}/ws", proxy=None) as page,
    ):
        assert page.recv() == "x" * 2048
        sentence = "The proxy sent a message of more than 2 KiB."
        assert closing(page) == (TOO_LARGE, sentence)
        assert proxy.was_closed()[0] == TOO_LARGE


def test_a_page_cannot_send_one_that_is_too_large(folder: Path) -> None:
    proxy = Listener()
    with (
        conversing(folder, proxy, message_bytes=2048) as address,
        connect(f"ws://{address}/ws", proxy=None) as page,
    ):
        page.send("x" * 2048)
        eventually(lambda: proxy.heard == ["x" * 2048])
        with suppress(ConnectionClosed):  # before the last frame, which is empty
            page.send(["x" * 1024, "x" * 1025])
        code, reason = closing(page)
        assert code == TOO_LARGE
        assert reason
        assert proxy.was_closed() == (code, reason)
        assert proxy.heard == ["x" * 2048]


@pytest.mark.parametrize("says", [b"\x81\x02\xc3\x28", b"\xff\xff\xff", b"GET / HTTP/1.1\r\n"])
def test_a_proxy_that_talks_nonsense_is_left(folder: Path, says: bytes) -> None:
    def babble(connection: socket.socket) -> None:
        shaken(connection)
        connection.sendall(says)
        silent(connection)

    with raw_proxy(babble) as proxy, relaying(folder, proxy.address, ping=0.1) as address:
        with connect(f"ws://{address}/ws", proxy=None) as page:
            assert closing(page) == (TRY_AGAIN_LATER, "The proxy went away.")
        eventually(lambda: proxy.open == 0)


def test_a_proxy_without_websockets_says_so(raw: RawProxy, bare: str) -> None:
    refusal = b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n"
    raw.behave = answering(refusal)
    with connect(f"ws://{bare}/ws", proxy=None) as page:
        sentence = f"The proxy at http://{raw.address} refuses with 404."
        assert closing(page) == (TRY_AGAIN_LATER, sentence)


def test_a_handshake_is_not_waited_for_without_end(folder: Path) -> None:
    with raw_proxy(silent) as proxy, relaying(folder, proxy.address, connect=0.1) as address:
        with connect(f"ws://{address}/ws", proxy=None) as page:
            sentence = f"The proxy at http://{proxy.address} does not answer."
            assert closing(page) == (TRY_AGAIN_LATER, sentence)
        eventually(lambda: proxy.open == 0)


def test_a_handshake_ends_when_the_page_goes(folder: Path) -> None:
    with raw_proxy(silent) as proxy, relaying(folder, proxy.address, connect=30) as address:
        page = dial(address, HANDSHAKE)
        eventually(lambda: proxy.open == 1)
        page.close()
        eventually(lambda: proxy.open == 0)


def test_a_proxy_that_does_not_say_goodbye_is_left(folder: Path) -> None:
    def deaf(connection: socket.socket) -> None:
        shaken(connection)
        silent(connection)

    with raw_proxy(deaf) as proxy, relaying(folder, proxy.address, stop=0.1) as address:
        with connect(f"ws://{address}/ws", proxy=None):
            eventually(lambda: proxy.open == 1)
        eventually(lambda: proxy.open == 0)


def test_a_proxy_that_is_dead_is_noticed(folder: Path) -> None:
    def dead(connection: socket.socket) -> None:
        shaken(connection)
        silent(connection)

    with (
        raw_proxy(dead) as proxy,
        relaying(folder, proxy.address, ping=0.1) as address,
        connect(f"ws://{address}/ws", proxy=None) as page,
    ):
        assert closing(page) == (TRY_AGAIN_LATER, "The proxy went away.")


def test_a_page_that_is_dead_is_noticed(folder: Path) -> None:
    proxy = Listener()
    with conversing(folder, proxy, ping=0.1) as address:
        page = dial(address, HANDSHAKE)
        assert b" 101 " in head(page)
        assert proxy.was_closed()[0] == GOING_AWAY
        assert rest(page)
        page.close()


def test_there_are_never_more_websockets_than_allowed(folder: Path) -> None:
    proxy = Listener()
    with conversing(folder, proxy, sockets=1) as address:
        with (
            connect(f"ws://{address}/ws", proxy=None),
            connect(f"ws://{address}/ws", proxy=None) as page,
        ):
            sentence = "All 1 WebSockets of this server are in use."
            assert closing(page) == (TRY_AGAIN_LATER, sentence)
        assert proxy.was_closed()
        with connect(f"ws://{address}/ws", proxy=None) as page:
            page.send("x")
            eventually(lambda: proxy.heard == ["x"])


def test_a_handshake_that_is_too_large_is_refused_quietly(relay: str) -> None:
    cookie = b"Cookie: " + b"x" * 9000 + b"\r\n\r\n"
    answer = ask(relay, HANDSHAKE.removesuffix(b"\r\n") + cookie)
    assert answer.startswith(b"HTTP/1.1 431 ")


def test_a_close_reason_is_as_long_as_a_frame_allows() -> None:
    assert short("é" * 100) == "é" * 61
    assert short("short") == "short"

"""The server: what it serves, to whom, under which path; and its command."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

if sys.platform == "emscripten":
    pytest.skip("the server runs on a person's machine only", allow_module_level=True)

import httpx
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect

from tests.serving import (
    PATIENCE,
    Drip,
    ask,
    complaints,
    dial,
    eventually,
    free_port,
    get,
    good_proxy,
    head,
    raw_proxy,
    rest,
    running,
    silent,
)
from tools import serve
from tools.serving.address import AddressError, masked, proxy_address
from tools.serving.application import application
from tools.serving.limits import Limits
from tools.serving.page import MIME_TYPES, SECURITY_HEADERS, WORKER_POLICIES
from tools.serving.paths import PathError, normal_path, routed_path
from tools.serving.server import SERVICE_RESTART

ROOT = Path(__file__).resolve().parent.parent.parent
PLAIN = "/a:b@c;d=e,f+g$h&i!j*k(l)'~"
SECRET = "s3cr%2Ft"


@pytest.fixture(autouse=True)
def quiet(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    """Nothing that happens here is an error in the log."""
    yield
    records = [record for when in ("setup", "call") for record in caplog.get_records(when)]
    assert complaints(records) == []


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("served") / "page"
    for name in ("static", ".git"):
        (folder / name).mkdir(parents=True)
    (folder / "index.html").write_text("<title>page</title>")
    for suffix in MIME_TYPES:
        (folder / f"file{suffix}").write_text(suffix)
    (folder / "static" / "a b.js").write_text("spaced")
    (folder / "static" / "index.html").write_text("inner")
    (folder.parent / "outside.txt").write_text("outside")
    (folder / ".git" / "config").write_text("hidden")
    (folder / "outside.txt").symlink_to(folder.parent / "outside.txt")
    (folder / "up").symlink_to(folder.parent)
    (folder / "shown.txt").symlink_to(folder / ".git" / "config")
    (folder / "inside.txt").symlink_to(folder / "file.js")
    return folder


@pytest.fixture(scope="module")
def address(folder: Path) -> Iterator[str]:
    with running(application(folder)) as address:
        yield address


@pytest.fixture
def client(address: str) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=f"http://{address}", trust_env=False) as client:
        yield client


# --- The folder ---------------------------------------------------------------------


def test_files_have_the_types_that_browsers_insist_on(client: httpx.Client) -> None:
    for suffix, kind in MIME_TYPES.items():
        assert client.get(f"/file{suffix}").headers["content-type"].split(";")[0] == kind
    assert client.get("/").text == "<title>page</title>"


def test_a_file_is_sent_again_only_when_it_changed(client: httpx.Client) -> None:
    first = client.get("/file.js")
    assert first.headers["cache-control"] == "no-cache"
    again = client.get("/file.js", headers={"If-None-Match": first.headers["etag"]})
    assert again.status_code == 304
    assert again.headers["cache-control"] == "no-cache"


def test_every_answer_has_the_security_headers(client: httpx.Client) -> None:
    for path in ("/", "/missing", "/file.wasm", "/a%00b"):
        headers = client.get(path).headers
        assert {name: headers[name] for name in SECURITY_HEADERS} == SECURITY_HEADERS


def test_the_workers_get_policies_of_their_own(client: httpx.Client) -> None:
    for worker, policy in WORKER_POLICIES.items():
        assert "default-src 'none'" in policy
        assert (ROOT / "static" / worker.lstrip("/")).is_file()
        for path in (f"/static{worker}", f"/static/./{worker}"):
            assert client.get(path).headers["content-security-policy"] == policy


def test_without_a_proxy_there_is_no_api(client: httpx.Client) -> None:
    assert client.get("/api/sessions").status_code == 404


@pytest.mark.parametrize("host", ["evil.example", "localhost.evil.example", "127.0.0.2", "[::1]"])
def test_a_foreign_host_name_is_refused(client: httpx.Client, host: str) -> None:
    assert client.get("/", headers={"Host": f"{host}:8080"}).status_code == 400


def status(answer: bytes) -> int:
    return int(answer.split(b" ", 2)[1])


@pytest.mark.parametrize(
    "target",
    [
        "/../outside.txt",
        "/static/../../outside.txt",
        "/%2e%2e/outside.txt",
        "/static/..%2f..%2foutside.txt",
        "/..\\outside.txt",
        "/..%5coutside.txt",
        "/file.js%00.txt",
        "/%zz",
        "/%",
        "/%ff",
        "http://localhost/file.js",
        "*",
        "/file.js?a#b",
    ],
)
def test_a_path_without_one_meaning_is_refused(address: str, target: str) -> None:
    answer = ask(address, get(target))
    assert status(answer) == 400
    assert b'{"error":"The address of this request ' in answer


@pytest.mark.parametrize(
    "target",
    [
        "/outside.txt",
        "/up/outside.txt",
        "/.git/config",
        "/%2egit/config",
        "/static/../.git/config",
        "/shown.txt",
        "/file.js/",
        "/file.js/.",
        "/static%2Findex.html",
        "//etc/passwd",
        "/etc/passwd",
        "/" + "a" * 300,
    ],
)
def test_what_is_hidden_or_outside_is_not_there(address: str, target: str) -> None:
    answer = ask(address, get(target))
    assert status(answer) == 404
    assert b"outside" not in answer
    assert b"hidden" not in answer


@pytest.mark.parametrize(
    ("target", "text"),
    [
        ("/file.js", ".js"),
        ("//static//..//file.js", ".js"),
        ("/./%66ile.js", ".js"),
        ("/inside.txt", ".js"),
        ("/static/a%20b.js", "spaced"),
        ("/static/", "inner"),
        ("/static/.", "inner"),
        ("/static/x/..", "inner"),
        ("/?x=%zz&y=[|]", "<title>page</title>"),
    ],
)
def test_each_spelling_of_a_path_is_the_same_file(address: str, target: str, text: str) -> None:
    answer = ask(address, get(target))
    assert status(answer) == 200
    assert answer.endswith(text.encode())


def test_a_folder_s_address_ends_with_a_slash(address: str) -> None:
    answer = ask(address, get("//static"))
    assert status(answer) == 307
    assert b"location: http://localhost/static/\r\n" in answer


@pytest.mark.parametrize(
    ("raw", "normal", "routed"),
    [
        ("/", "/", "/"),
        ("//", "/", "/"),
        ("/.", "/", "/"),
        ("/a/..", "/", "/"),
        ("/api//x/./y/../z", "/api/x/z", "/api/x/z"),
        ("/api/%2e/%2E%2e/health", "/health", "/health"),
        ("/api/a%2Fb", "/api/a%2Fb", "/api/a%2Fb"),
        ("/api%2fx", "/api%2Fx", "/api%2Fx"),
        ("/api/x/", "/api/x/", "/api/x/"),
        ("/api/%c3%A9|[x]", "/api/%C3%A9%7C%5Bx%5D", "/api/é|[x]"),
        ("/api/%252e%252e/x", "/api/%252e%252e/x", "/api/%2e%2e/x"),
        (
            "/a:b@c;d=e,f+g$h&i!j*k(l)'~",
            "/a:b@c;d=e,f+g$h&i!j*k(l)'~",
            "/a:b@c;d=e,f+g$h&i!j*k(l)'~",
        ),
    ],
)
def test_a_path_has_one_spelling(raw: str, normal: str, routed: str) -> None:
    assert normal_path(raw) == normal
    assert normal_path(normal) == normal
    assert routed_path(normal) == routed


@pytest.mark.parametrize(
    "raw",
    ["", "api", "/..", "/a/../..", "/a%2F..%2Fb", "/a%2F", "/a\\b", "/a%5Cb", "/%00", "/%7f", "/é"],
)
def test_what_has_none_is_an_error(raw: str) -> None:
    with pytest.raises(PathError):
        normal_path(raw)


# --- Time and room ------------------------------------------------------------------


@pytest.mark.parametrize(
    "sent",
    [
        b"",
        b"GET / HTTP/1.1\r\nHost: loc",
        b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9\r\n\r\nhalf",
    ],
)
def test_a_request_that_does_not_come_is_not_waited_for(folder: Path, sent: bytes) -> None:
    with (
        running(application(folder), Limits(head=0.1)) as address,
        dial(address, sent) as connection,
    ):
        assert until_closed(connection) < 2


def test_a_connection_without_a_request_is_not_waited_for(folder: Path) -> None:
    with running(application(folder), Limits(head=0.1)) as address:
        assert ask(address, b"") == b""


def test_a_slow_request_after_a_quick_one_is_not_waited_for(folder: Path) -> None:
    with running(application(folder), Limits(head=0.1)) as address, dial(address) as connection:
        connection.sendall(get("/file.js").replace(b"Connection: close\r\n", b""))
        assert head(connection).startswith(b"HTTP/1.1 200")
        assert connection.recv(3) == b".js"
        connection.sendall(b"GET /")
        assert until_closed(connection) < 2


def until_closed(connection: socket.socket) -> float:
    """Send a byte now and then; return the seconds until the other side has had enough.

    uvicorn forgets its own limit at each byte.
    """
    started = time.monotonic()
    while (seconds := time.monotonic() - started) < PATIENCE:
        try:
            connection.sendall(b"x")
        except OSError:
            break
        time.sleep(0.02)
    return seconds


def test_what_comes_in_time_is_served_however_long_the_connection_lasts(folder: Path) -> None:
    with running(application(folder), Limits(head=0.1)) as address:
        request = get("/file.js").replace(b"Connection: close\r\n", b"")
        with dial(address) as connection:
            for _ in range(4):
                time.sleep(0.05)  # all of them together take longer than one may
                connection.sendall(request)
                assert head(connection).startswith(b"HTTP/1.1 200")
                assert connection.recv(3) == b".js"


def test_a_head_that_never_ends_is_refused(address: str) -> None:
    endless = get("/", "X: " + "x" * Limits().head_bytes).removesuffix(b"\r\n\r\n")
    assert status(ask(address, endless)) == 400


def test_there_are_never_more_connections_than_allowed(folder: Path) -> None:
    with running(application(folder), Limits(connections=3)) as address:
        kept = [dial(address) for _ in range(3)]
        answer = ask(address, b"")
        assert status(answer) == 503
        assert b"Retry-After: 2" in answer
        assert b"Too many connections are open." in answer
        for connection in kept:
            connection.close()
        eventually(lambda: status(ask(address, get("/"))) == 200)


def test_who_reads_nothing_is_let_go(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "index.html").write_bytes(b"x" * 20_000_000)
    with (
        running(application(tmp_path), Limits(unread=0.1)) as address,
        dial(address, get("/")) as connection,
    ):
        time.sleep(0.3)
        assert len(rest(connection)) < 20_000_000


# --- The address of a proxy ---------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "url", "authorization"),
    [
        ("http://localhost:8000", "http://localhost:8000", None),
        ("https://h/below/", "https://h/below", None),
        ("http://[::1]:80/", "http://[::1]:80", None),
        ("http://user:s3cr%2Ft@h:1/x", "http://h:1/x", "Basic dXNlcjpzM2NyL3Q="),
        ("http://token@h", "http://h", "Basic dG9rZW46"),
    ],
)
def test_an_address_is_read(text: str, url: str, authorization: str | None) -> None:
    address = proxy_address(text)
    assert (address.url, address.authorization) == (url, authorization)
    assert "Basic" not in repr(address)


@pytest.mark.parametrize(
    "text",
    [
        "localhost:8000",
        "ftp://host",
        "http://",
        "http://h:99999",
        "http://h:0",
        "http://h:x",
        "http://a b",
        "http://[::1",
        "http://h/?q=1",
        "http://h/#a",
        "nonsense",
        "",
    ],
)
def test_an_address_that_makes_no_sense_is_refused(
    text: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        serve.parse([str(ROOT), "--proxy", text])
    assert f"argument --proxy: {masked(text)!r}" in capsys.readouterr().err


@pytest.mark.parametrize(
    "text",
    [
        "user:s3cret@host:8000",
        "ftp://user:s3cret@host",
        "http://user:s3cret@host:99999",
        "http://user:s3/s3cret@host",
        "http://user:1/s3cret@host",
        "http://user:1?s3cret@host",
        "http://user:1#s3cret@host",
        "http://user:s3cret@",
        "http://user:s3cret\n@host",
        "http://user:s3cret@host?key=s3cret",
        "http://host/?key=s3cret",
    ],
)
def test_a_refused_address_does_not_tell_its_password(
    text: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(AddressError) as caught:
        proxy_address(text)
    assert "s3cret" not in str(caught.value)
    with pytest.raises(SystemExit):
        serve.parse([str(ROOT), "--proxy", text])
    assert "s3cret" not in capsys.readouterr().err


# --- The command --------------------------------------------------------------------


def test_the_next_free_port_is_used_and_told() -> None:
    with serve.listen(free_port()) as first:
        taken = first.getsockname()[1]
        with serve.listen(taken) as second:
            port = second.getsockname()[1]
            assert port > taken
        with pytest.raises(serve.ServeError, match="all taken"):
            serve.listen(taken, tries=1)
        options = serve.parse([str(ROOT), "--port", str(taken)])
        lines = list(serve.announcement(options, port))
    assert lines[0] == f"Port {taken} is taken, so port {port} is used instead."
    assert lines[1].endswith(f"http://127.0.0.1:{port}/")


@pytest.mark.parametrize("port", ["0", "65536", "-1", "x", "²"])
def test_a_port_that_is_none_is_refused(port: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        serve.parse([str(ROOT), f"--port={port}"])
    assert f"{port!r} is no port: those are 1 to 65535" in capsys.readouterr().err


def test_a_folder_without_a_page_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        serve.parse([str(tmp_path)])
    assert "has no index.html: run `make dist` first" in capsys.readouterr().err


class Command:
    """The real command in a process group of its own, as a terminal starts it."""

    def __init__(self, folder: Path, *arguments: str) -> None:
        command = [sys.executable, str(ROOT / "tools" / "serve.py"), str(folder)]
        self.process = subprocess.Popen(
            [*command, f"--port={free_port()}", *arguments],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        assert self.process.stdout is not None
        self.said = ""
        while "Stop with" not in self.said:
            line = self.process.stdout.readline()
            assert line, self.process.communicate()
            self.said += line
        [self.address] = re.findall(r"http://(127\.0\.0\.1:\d+)/\n", self.said)

    def stop(self, number: int) -> tuple[int, str, float]:
        """Send its group a signal; return exit code, what it had to say, and seconds."""
        started = time.monotonic()
        os.killpg(self.process.pid, number)
        out, err = self.process.communicate(timeout=PATIENCE)
        self.said += out + err
        return self.process.returncode, self.said, time.monotonic() - started


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 0)])
def test_a_signal_ends_everything_at_once_and_quietly(
    folder: Path, tmp_path: Path, number: int, code: int
) -> None:
    (tmp_path / "index.html").write_bytes(b"x" * 20_000_000)
    drip = Drip()
    with raw_proxy(silent) as hung, good_proxy(drip) as proxy:
        command = Command(tmp_path, f"--proxy=http://{proxy}")
        busy = Command(tmp_path, f"--proxy=http://user:{SECRET}@{hung.address}", "--verbose")
        open_ones = [
            dial(command.address, get("/api/drip")),  # a stream in flight
            dial(command.address, get("/")),  # a file that nobody reads
            dial(command.address, b"GET / HT"),  # half a request
            dial(busy.address, get("/api/hung?key=s3cret")),  # a hung proxy
        ]
        with connect(f"ws://{command.address}/ws", proxy=None) as page:
            page.send("hello")
            assert page.recv() == ": hello"
            assert open_ones[0].recv(1) == b"H"
            eventually(lambda: hung.open == 1)
            for stopping in (command, busy):
                exit_code, said, seconds = stopping.stop(number)
                assert exit_code == code
                assert seconds < 3
                assert "Traceback" not in said
                assert "Cancel" not in said
                assert "ASGI" not in said
                assert "s3cr" not in said
            eventually(lambda: hung.open == 0)
            assert drip.left.wait(PATIENCE)
            with pytest.raises(ConnectionClosed):
                page.recv()
            assert (page.close_code, page.close_reason) == (
                SERVICE_RESTART,
                "The dashboard's server has stopped.",
            )
        for connection in open_ones:
            connection.close()
    assert f"Kimi Proxy: http://{hung.address} (with the name and password given)" in said
    assert '"GET /api/hung?… HTTP/1.1" 503' in said


def test_an_impatient_person_sees_no_traceback(folder: Path) -> None:
    command = Command(folder)
    for _ in range(3):
        os.killpg(command.process.pid, signal.SIGINT)
    code, said, _ = command.stop(signal.SIGINT)
    # While it is loading, or when it is done, the signal itself ends it.
    assert code in (130, -signal.SIGINT)
    assert "Traceback" not in said

"""The build, the server and set-up, and that the files they go by agree with each other."""

from __future__ import annotations

import asyncio
import gzip
import hashlib
import html
import json
import os
import re
import socket
import subprocess
import sys
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

if sys.platform == "emscripten":
    pytest.skip("the tools run on a person's machine only", allow_module_level=True)

import httpx
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route, WebSocketRoute
from starlette.websockets import WebSocket
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import connect
from websockets.typing import Origin, Subprotocol

from tools import boot, build, chromium, precache, ranks, serve, setup

ROOT = build.ROOT
VERSIONS = {"@pyscript/core": "1.2.3", "pyodide": "4.5.6", "tiktoken": "3.2.1", "uplot": "7.8.9"}
CATALOGUE = """
LANGUAGES = ("en", "fr")
CATALOGUE = {"a": ("A", "À"), "b": ("B", "B."), "c": ("C", "C."), "boot.x": ("X", "X.")}
"""
LOADER = "const load = (folder) => import(`${folder}pyodide.asm.mjs`);"
TINY = hashlib.sha256(b"YQ== 0\nYg== 1\nYWI= 7\n").hexdigest()
"""The digest of three ranks, written as tiktoken writes them."""


# --- The repository itself ----------------------------------------------------------


def test_pyscript_toml_lists_the_files_that_exist() -> None:
    assert build.read_config(ROOT)["files"] == build.files_table(ROOT), build.HINT_CONFIG


def test_both_lists_of_plugins_are_the_same() -> None:
    script = (ROOT / "static" / "js" / "micropython-off.js").read_text(encoding="utf-8")
    assert re.findall(r'"(![\w-]+)"', script) == build.read_config(ROOT)["plugins"]


def test_the_lock_files_name_no_registry() -> None:
    for lock in (ROOT / "requirements").glob("*.txt"):
        text = lock.read_text(encoding="utf-8")
        assert "://" not in text, lock
        assert "--index" not in text, lock
    packages = json.loads((ROOT / "package-lock.json").read_text(encoding="utf-8"))["packages"]
    assert [name for name, package in packages.items() if "resolved" in package] == []


def test_every_pinned_package_has_a_digest() -> None:
    for lock in (ROOT / "requirements").glob("*.txt"):
        for requirement in re.split(r"\n(?=\S)", lock.read_text(encoding="utf-8")):
            assert requirement.startswith("#") or "--hash=sha256:" in requirement, requirement


def test_node_is_as_new_as_package_json_wants() -> None:
    manifest = json.loads((ROOT / "package.json").read_text(encoding="utf-8"))
    assert manifest["engines"]["node"] == f">={setup.NODE_MINIMUM}"


@pytest.mark.parametrize(
    "tool",
    [
        "build.py",
        "chromium.py",
        "precache.py",
        "python.sh",
        "ranks.py",
        "serve.py",
        "setup.py",
    ],
)
def test_every_tool_has_a_help(tool: str) -> None:
    path = ROOT / "tools" / tool
    command = [sys.executable, str(path)] if tool.endswith(".py") else [str(path)]
    answer = subprocess.run([*command, "--help"], capture_output=True, text=True, check=True)
    assert f"usage: {tool}" in answer.stdout.replace("tools/", "")


# --- The build ----------------------------------------------------------------------


def write(path: Path, text: str = "") -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A repository with one of everything, and npm packages of a few bytes."""
    root = tmp_path / "repository"
    page = [
        build.EARLY_TAG,
        *(build.FIRST["css/page.css"].format(f"css/{name}.css") for name in "ab"),
        '</head><p data-i18n="a" data-i18n-title="b">',
        *(
            build.FIRST["js/first-screen.js"].format(name)
            for name in ("vendor/words.js", "js/l.js")
        ),
        build.SCRIPT_TAG,
    ]
    write(root / "index.html", "\n  ".join(page))
    for name in ("css/a.css", "css/b.css", "js/l.js", "js/early.js", "js/load.js"):
        write(root / "static" / name, f"/* {name} */\n")
    write(root / "py" / "views" / "catalogue.py", CATALOGUE)
    write(root / "static" / precache.WORKER, "BUILD;\n")
    write(
        root / "pyscript.toml",
        'plugins = ["!error", "!big"]\n[js_modules.main]\n"./p.js" = "page"\n\n[files]\n',
    )
    write(root / "py" / "start.py", "import sessions\n")
    write(root / "py" / "main.py", "import json\n\ndef later():\n    import sessions, re\n")
    write(root / "py" / "demo" / "__init__.py", "import csv\n")
    write(root / "py" / "sessions" / "__init__.py")
    write(root / "py" / "sessions" / "core.py", "NAME = 'core'\n")
    write(root / "py" / "sessions" / "__pycache__" / "core.py")
    for name in build.STATIC_FOLDERS:
        write(root / "static" / name / "file.txt", name)
    write(root / "tools" / "licences" / "MPL-2.0.txt", "Mozilla")
    write(root / "tools" / "licences" / "tiktoken-MIT.txt", "MIT")
    write(root / "package.json", json.dumps({"dependencies": VERSIONS}))
    for name, version in VERSIONS.items():
        folder = root / "node_modules" / name
        manifest = {"version": version, "homepage": "home", "repository": {"url": "home"}}
        write(folder / "package.json", json.dumps(manifest))
        write(folder / "LICENSE", name)
    pyscript = root / "node_modules" / "@pyscript" / "core" / "dist"
    write(pyscript / "core.js", 'export{a as b}from"./core-1.js";')
    write(
        pyscript / "core-1.js", 'import("./big-2.js"),import("./error-3.js"),import("./toml-4.js")'
    )
    write(pyscript / "error-3.js", 'import{a}from"./core-1.js"')
    for name in ("toml-4.js", "big-2.js", "never-5.js", "core.css"):
        write(pyscript / name)
    library = 'export default {"pyscript": {"web.py": "WEB = 1", "sub": {"x.py": ""}}};'
    chart = {"sources": ["../a.js", "../src/stdlib/pyscript.js"], "sourcesContent": ["", library]}
    write(pyscript / "core-1.js.map", json.dumps(chart))
    for name in build.PYODIDE_FILES:
        write(root / "node_modules" / "pyodide" / name, "{}")
    write(root / "node_modules" / "pyodide" / "pyodide.mjs", LOADER)
    write(
        root / "node_modules" / "pyodide" / "pyodide.asm.mjs",
        'const own = "pyodide.asm.mjs"; const cdn = (v) => `https://cdn/${v}/python.mjs`;',
    )
    for name in build.UPLOT_FILES:
        write(root / "node_modules" / "uplot" / "dist" / name)
    tiktoken = root / "node_modules" / "tiktoken"
    write(tiktoken / "encoders" / "tiny.json", json.dumps({"bpe_ranks": "! 0 YQ== Yg==\n! 7 YWI="}))
    monkeypatch.setattr(ranks, "DIGESTS", {"tiny": TINY})
    for name in ("tiktoken_bg.js", "tiktoken_bg.wasm"):
        write(tiktoken / "lite" / name, name)
    build.write_config(root)
    return root


def contents(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def fake_snapshot(order: Mapping[str, Any]) -> bytes:
    """What stands for a snapshot: the order itself."""
    return json.dumps({**order, "pyodide": ""}, sort_keys=True).encode()


def make(repository: Path, name: str = "dist") -> Path:
    """Build the page; its snapshot is the order for one."""
    build.dist(repository, repository / name, fake_snapshot)
    return repository / name


def packed(page: Path, kind: str) -> bytes:
    [path] = (page / "static" / "boot").glob(f"{kind}-*.pack")
    return gzip.decompress(path.read_bytes())


def test_the_built_page_has_what_it_needs_and_no_more(repository: Path) -> None:
    page = make(repository)
    boot_files = {path.relative_to(page).as_posix() for path in page.glob("static/boot/*")}
    assert len(boot_files) == 3
    assert set(contents(page)) == {
        "index.html",
        "service-worker.js",
        "static/css/file.txt",
        "static/css/page.css",
        "static/icons/file.txt",
        "static/js/early.js",
        "static/js/file.txt",
        "static/js/first-screen.js",
        *boot_files,
        *(f"static/vendor/pyodide/{name}" for name in (*build.PYODIDE_FILES, "LICENSE")),
        *(f"static/vendor/pyodide/{name}" for name in build.PYODIDE_MODULES),
        *(f"static/vendor/uplot/{name}" for name in (*build.UPLOT_FILES, "LICENSE")),
        "static/vendor/tiktoken/LICENSE",
        "static/vendor/tiktoken/tiktoken_bg.js",
        "static/vendor/tiktoken/tiktoken_bg.wasm.gz",
        "static/vendor/tiktoken/tiny.json.gz",
        "static/vendor/pyscript/LICENSE",
        "static/vendor/pyscript/core.css",
        "static/vendor/pyscript/core.js",
        "static/vendor/pyscript/core-1.js",
        "static/vendor/pyscript/error-3.js",
        "static/vendor/pyscript/toml-4.js",
    }


def test_modules_have_names_that_every_host_sends_as_scripts(repository: Path) -> None:
    folder = make(repository) / "static" / "vendor" / "pyodide"
    loader = (folder / "pyodide.js").read_text(encoding="utf-8")
    assert loader == LOADER.replace(".mjs", ".js")
    interpreter = (folder / "pyodide.asm.js").read_text(encoding="utf-8")
    assert 'own = "pyodide.asm.js"' in interpreter
    assert "`https://cdn/${v}/python.mjs`" in interpreter  # the page can reach no such host


@pytest.mark.parametrize(
    ("name", "text", "complaint"),
    [
        ("static/js/own.mjs", "", r"own\.mjs must be called \.js"),
        ("static/js/own.js", 'import("./other.mjs");', r"own\.js names \./other\.mjs"),
        ("index.html", '<a b="&quot;x.mjs&quot;">', r"index\.html names x\.mjs"),
    ],
)
def test_a_module_that_many_hosts_send_with_a_wrong_type_ends_the_build(
    repository: Path, name: str, text: str, complaint: str
) -> None:
    path = repository / name
    before = path.read_text(encoding="utf-8") if path.exists() else ""
    write(path, before + text)
    with pytest.raises(build.BuildError, match=complaint):
        make(repository)


def test_the_large_files_are_named_and_checked_by_their_content(repository: Path) -> None:
    page = make(repository)
    text = (page / "index.html").read_text(encoding="utf-8")
    [attribute] = re.findall(r'data-stamp="([^"]*)"', text)
    stamp = json.loads(html.unescape(attribute))
    assert stamp["pyodide"] == VERSIONS["pyodide"]
    for kind in ("wasm", "snapshot", "sources"):
        assert stamp[kind] == boot.digest(packed(page, kind))
        assert (page / "static" / "boot" / f"{kind}-{stamp[kind][:16]}.pack").is_file()
    assert json.loads(packed(page, "snapshot"))["stamp"] == {
        name: stamp[name] for name in ("pyodide", "wasm", "sources")
    }


def test_the_sources_travel_in_one_file(repository: Path) -> None:
    assert json.loads(packed(make(repository), "sources")) == {
        "demo/__init__.py": "import csv\n",
        "main.py": "import json\n\ndef later():\n    import sessions, re\n",
        "pyscript/sub/x.py": "",
        "pyscript/web.py": "WEB = 1",
        "sessions/__init__.py": "",
        "sessions/core.py": "NAME = 'core'\n",
        "views/catalogue.py": CATALOGUE,
    }


def test_what_is_said_before_python_is_up_comes_from_the_catalogue(repository: Path) -> None:
    build.vendor(repository, repository / "vendor")
    script = (repository / "vendor" / "words.js").read_text(encoding="utf-8")
    words = json.loads(script.removeprefix("window.kimiWords = ").removesuffix(";\n"))
    assert words == {"en": {"boot.x": "X"}, "fr": {"a": "À", "b": "B.", "boot.x": "X."}}


def test_the_first_paint_waits_for_few_files(repository: Path) -> None:
    page = make(repository)
    text = (page / "index.html").read_text(encoding="utf-8")
    assert re.findall(r'<link rel="stylesheet" href="([^"]+)">', text) == ["static/css/page.css"]
    assert re.findall(r'<script src="([^"]+)"></script>', text) == ["static/js/first-screen.js"]
    styles = (page / "static" / "css" / "page.css").read_text(encoding="utf-8")
    assert styles == "/* css/a.css */\n/* css/b.css */\n"
    script = (page / "static" / "js" / "first-screen.js").read_text(encoding="utf-8")
    assert script.startswith("window.kimiWords = ")
    assert script.endswith("/* js/l.js */\n")
    early = (page / "static" / "js" / "early.js").read_text(encoding="utf-8")
    assert early == "/* js/early.js */\n/* js/load.js */\n"


def test_files_that_do_not_stand_together_are_not_joined(repository: Path) -> None:
    page = (repository / "index.html").read_text(encoding="utf-8")
    write(repository / "index.html", page.replace('<link rel="stylesheet"', "<meta><link", 1))
    with pytest.raises(build.BuildError, match="twice or more in one place"):
        make(repository)


def test_the_snapshot_holds_all_but_what_comes_later(repository: Path) -> None:
    order = json.loads(packed(make(repository), "snapshot"))
    assert order["modules"] == [
        "json",
        "re",
        "pyscript",
        "main",
        "sessions",
        "sessions.core",
        "views.catalogue",
    ]
    assert order["scripts"] == ["page"]


def test_the_built_page_has_its_config_and_its_script_inside(repository: Path) -> None:
    text = (make(repository) / "index.html").read_text(encoding="utf-8")
    tags = re.findall(r'<script type="py" config="([^"]*)">\n([^<]*)</script>', text)
    [(config, script)] = [(json.loads(html.unescape(config)), code) for config, code in tags]
    assert config == {
        "interpreter": "./static/js/interpreter.js",
        "js_modules": {"main": {"./p.js": "page"}},
        "plugins": ["!error", "!big"],
    }
    assert script == "import sessions\n"
    assert '<link rel="modulepreload" href="static/vendor/pyscript/core-1.js">' in text


def test_without_pyscripts_library_nothing_is_built(repository: Path) -> None:
    (repository / "node_modules" / "@pyscript" / "core" / "dist" / "core-1.js.map").unlink()
    with pytest.raises(build.BuildError, match="no source map with PyScript's Python library"):
        make(repository)


def test_a_snapshot_that_cannot_be_taken_says_why(repository: Path) -> None:
    with pytest.raises(boot.BootError, match=r"could not be taken:\n(.|\n)*TypeError"):
        boot.take({"pyodide": str(repository / "node_modules" / "pyodide"), "sources": {}})


def test_two_builds_are_the_same_bytes(repository: Path) -> None:
    make(repository, "one")
    for path in repository.joinpath("py").rglob("*.py"):
        os.utime(path, (1, 1))
    make(repository, "two")
    assert contents(repository / "one") == contents(repository / "two")


def test_a_build_that_fails_leaves_the_last_one_alone(repository: Path) -> None:
    make(repository)
    before = contents(repository / "dist")
    (repository / "py" / "start.py").unlink()
    with pytest.raises(build.BuildError, match=r"start\.py is missing"):
        make(repository)
    assert contents(repository / "dist") == before
    assert [path.name for path in repository.iterdir() if path.name.startswith(".")] == []


def test_a_file_that_the_config_does_not_list_is_named(repository: Path) -> None:
    write(repository / "py" / "views" / "feed.py")
    with pytest.raises(
        build.BuildError, match=r"differ in \./py/views/feed\.py: run `make config`"
    ):
        make(repository)
    build.write_config(repository)
    make(repository)


def test_a_page_without_the_script_is_refused(repository: Path) -> None:
    write(repository / "index.html", build.EARLY_TAG)
    with pytest.raises(build.BuildError, match="exactly once"):
        make(repository)


def test_another_version_than_the_pinned_one_is_refused(repository: Path) -> None:
    write(repository / "node_modules" / "uplot" / "package.json", '{"version": "7.0.0"}')
    with pytest.raises(build.BuildError, match=r"has uplot 7\.0\.0, package\.json pins 7\.8\.9"):
        build.vendor(repository, repository / "vendor")


def test_packages_that_were_not_installed_are_named(
    repository: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (repository / "node_modules" / "pyodide").rename(repository / "elsewhere")
    assert build.main(["vendor", "--root", str(repository)]) == 1
    assert capsys.readouterr().err.startswith("build: node_modules has no pyodide: run `make")


def test_a_plugin_that_is_turned_on_brings_its_chunks(repository: Path) -> None:
    chunks = repository / "node_modules" / "@pyscript" / "core" / "dist"
    assert "big-2.js" in build.pyscript_chunks(chunks, [])
    assert "big-2.js" not in build.pyscript_chunks(chunks, ["!big"])
    assert "never-5.js" not in build.pyscript_chunks(chunks, [])


# --- The tokenizer's ranks ----------------------------------------------------------


def test_the_page_gets_the_tokenizer_compressed_and_with_its_licence(repository: Path) -> None:
    build.vendor(repository, repository / "vendor")
    folder = repository / "vendor" / "tiktoken"
    encoder = repository / "node_modules" / "tiktoken" / "encoders" / "tiny.json"
    assert gzip.decompress((folder / "tiny.json.gz").read_bytes()) == encoder.read_bytes()
    assert gzip.decompress((folder / "tiktoken_bg.wasm.gz").read_bytes()) == b"tiktoken_bg.wasm"
    assert "MIT" in (folder / "LICENSE").read_text(encoding="utf-8")


def test_ranks_that_are_not_tiktoken_s_are_refused(repository: Path) -> None:
    package = repository / "node_modules" / "tiktoken"
    write(package / "encoders" / "tiny.json", json.dumps({"bpe_ranks": "! 0 YQ== YWI="}))
    with pytest.raises(build.BuildError, match=r"tiny\.json does not hold the ranks"):
        build.vendor(repository, repository / "vendor")
    with pytest.raises(ranks.RanksError, match=r"tiny\.json does not hold the ranks"):
        ranks.fill_cache(package, repository / "cache")


def test_the_cache_is_what_tiktoken_looks_for(repository: Path) -> None:
    package, folder = repository / "node_modules" / "tiktoken", repository / "cache"
    [path] = ranks.fill_cache(package, folder).iterdir()
    assert path == ranks.cached_file(folder, "tiny")
    assert hashlib.sha256(path.read_bytes()).hexdigest() == TINY
    path.write_bytes(b"half a f")
    ranks.fill_cache(package, folder)
    assert hashlib.sha256(path.read_bytes()).hexdigest() == TINY


# --- The server ---------------------------------------------------------------------


@contextmanager
def running(app: Starlette) -> Iterator[str]:
    """Serve an application on a free port of this machine; yield its host and port."""
    listener = serve.listen(free_port())
    config = uvicorn.Config(app, log_level="critical", ws="websockets-sansio")
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, args=([listener],))
    thread.start()
    try:
        while not server.started:
            time.sleep(0.01)
        yield f"127.0.0.1:{listener.getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join()
        listener.close()


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "page"
    write(folder / "index.html", "<title>page</title>")
    for suffix in serve.MIME_TYPES:
        write(folder / f"file{suffix}", suffix)
    return folder


@pytest.fixture
def client(folder: Path) -> Iterator[httpx.Client]:
    with (
        running(serve.application(folder)) as address,
        httpx.Client(base_url=f"http://{address}", trust_env=False) as client,
    ):
        yield client


def test_files_have_the_types_that_browsers_insist_on(client: httpx.Client) -> None:
    for suffix, kind in serve.MIME_TYPES.items():
        assert client.get(f"/file{suffix}").headers["content-type"].split(";")[0] == kind
    assert client.get("/").text == "<title>page</title>"


def test_a_file_is_sent_again_only_when_it_changed(client: httpx.Client) -> None:
    first = client.get("/file.js")
    assert first.headers["cache-control"] == "no-cache"
    again = client.get("/file.js", headers={"If-None-Match": first.headers["etag"]})
    assert again.status_code == 304
    assert again.headers["cache-control"] == "no-cache"


def test_every_answer_has_the_security_headers(client: httpx.Client) -> None:
    for path in ("/", "/missing", "/file.wasm"):
        headers = client.get(path).headers
        assert {name: headers[name] for name in serve.SECURITY_HEADERS} == serve.SECURITY_HEADERS


def test_the_workers_get_policies_of_their_own(client: httpx.Client) -> None:
    for worker, policy in serve.WORKER_POLICIES.items():
        assert "default-src 'none'" in policy
        assert (ROOT / "static" / worker.lstrip("/")).is_file()
        assert client.get(f"/static{worker}").headers["content-security-policy"] == policy


def test_without_a_proxy_there_is_no_api(client: httpx.Client) -> None:
    assert client.get("/api/sessions").status_code == 404


def test_a_foreign_host_name_is_refused(client: httpx.Client) -> None:
    assert client.get("/", headers={"Host": "evil.example"}).status_code == 400


async def echo(request: Request) -> Response:
    body = (await request.body()).decode()
    return JSONResponse(
        {
            "method": request.method,
            "path": request.scope["raw_path"].decode(),
            "query": request.url.query,
            "body": body,
            "headers": dict(request.headers),
        },
        418,
        {"X-Answer": "yes", "Connection": "X-Private", "X-Private": "no"},
    )


async def socket_echo(page: WebSocket) -> None:
    await page.accept(subprotocol=next(iter(page.scope["subprotocols"]), None))
    while True:
        message = await page.receive()
        if message["type"] == "websocket.disconnect":
            return
        if message.get("text") == "leave":
            await page.close(4001, "as you wish")
            return
        if message.get("bytes") is not None:
            await page.send_bytes(message["bytes"])
        else:
            await page.send_text(f"{page.url.query}: {message['text']}")


class Drip:
    """A stream whose second piece waits until the test allows it."""

    def __init__(self) -> None:
        self.left = threading.Event()

    async def pieces(self) -> AsyncIterator[bytes]:
        self.loop = asyncio.get_running_loop()
        self.allowed = asyncio.Event()
        try:
            yield b"first"
            await self.allowed.wait()
            yield b"second"
        finally:
            self.left.set()

    def allow(self) -> None:
        self.loop.call_soon_threadsafe(self.allowed.set)

    async def answer(self, request: Request) -> Response:
        return StreamingResponse(self.pieces())


@pytest.fixture
def drip() -> Drip:
    return Drip()


@pytest.fixture
def proxy(drip: Drip) -> Iterator[str]:
    methods = ["GET", "POST", "DELETE", "PATCH"]
    app = Starlette(
        routes=[
            Route("/api/drip", drip.answer),
            Route("/api/{path:path}", echo, methods=methods),
            Route("/health", echo),
            Route("/openapi.json", echo),
            WebSocketRoute("/ws", socket_echo),
        ]
    )
    with running(app) as address:
        yield address


@pytest.fixture
def relay(folder: Path, proxy: str) -> Iterator[str]:
    with running(serve.application(folder, f"http://{proxy}")) as address:
        yield address


@pytest.mark.parametrize("method", ["GET", "POST", "DELETE", "PATCH"])
def test_a_request_reaches_the_proxy_as_it_is(relay: str, proxy: str, method: str) -> None:
    body = '{"tokens": 3}' if method in ("POST", "PATCH") else ""
    answer = httpx.request(
        method,
        f"http://{relay}/api/sessions/a%2Fb?limit=2&q=%C3%A9",
        content=body or None,
        headers={"X-Asked": "yes", "Origin": f"http://{relay}", "TE": "trailers"},
        trust_env=False,
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


@pytest.mark.parametrize("path", ["/health", "/openapi.json"])
def test_the_other_addresses_are_relayed_too(relay: str, path: str) -> None:
    assert httpx.get(f"http://{relay}{path}", trust_env=False).json()["path"] == path


def test_a_stream_arrives_piece_by_piece(relay: str, drip: Drip) -> None:
    with httpx.stream("GET", f"http://{relay}/api/drip", trust_env=False) as answer:
        pieces = answer.iter_raw()
        assert next(pieces) == b"first"
        drip.allow()
        assert b"".join(pieces) == b"second"


def test_a_stream_that_nobody_reads_any_more_is_let_go(relay: str, drip: Drip) -> None:
    with httpx.stream("GET", f"http://{relay}/api/drip", trust_env=False) as answer:
        assert next(answer.iter_raw()) == b"first"
    assert drip.left.wait(5)


def test_another_site_cannot_use_the_relay(relay: str) -> None:
    origin = Origin("http://evil.example")
    answer = httpx.post(f"http://{relay}/api/x", headers={"Origin": origin}, trust_env=False)
    assert answer.status_code == 403
    with (
        pytest.raises(InvalidStatus, match="403"),
        connect(f"ws://{relay}/ws", origin=origin, proxy=None),
    ):
        pass


def test_messages_pass_both_ways(relay: str) -> None:
    with connect(f"ws://{relay}/ws?a=1", subprotocols=[Subprotocol("kimi")], proxy=None) as ws:
        assert ws.subprotocol == "kimi"
        ws.send("hello")
        assert ws.recv() == "a=1: hello"
        ws.send(b"\x00\x01")
        assert ws.recv() == b"\x00\x01"
        ws.send("leave")
        with pytest.raises(ConnectionClosed):
            ws.recv()
        assert (ws.close_code, ws.close_reason) == (4001, "as you wish")


def test_a_proxy_that_is_down_is_named(folder: Path) -> None:
    proxy = f"http://127.0.0.1:{free_port()}"
    with running(serve.application(folder, proxy)) as address:
        answer = httpx.get(f"http://{address}/api/sessions", trust_env=False)
        assert answer.status_code == 502
        assert answer.json()["error"].startswith(f"The proxy at {proxy} does not answer: ")
        with connect(f"ws://{address}/ws", proxy=None) as ws:
            with pytest.raises(ConnectionClosed):
                ws.recv()
            assert ws.close_code == serve.TRY_AGAIN_LATER
            assert ws.close_reason == f"The proxy at {proxy} does not answer."


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


@pytest.mark.parametrize("address", ["localhost:8000", "ftp://host", "http://", "http://h/?q=1"])
def test_an_address_that_makes_no_sense_is_refused(
    address: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        serve.parse([str(ROOT), "--proxy", address])
    assert repr(address) in capsys.readouterr().err


def test_a_folder_without_a_page_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        serve.parse([str(tmp_path)])
    assert "has no index.html: run `make dist` first" in capsys.readouterr().err


# --- Set-up -------------------------------------------------------------------------


def test_a_stamp_goes_by_what_is_in_the_files(tmp_path: Path) -> None:
    lock, stamp = tmp_path / "lock", tmp_path / "stamp"
    write(lock, "one")
    assert not setup.is_done(stamp, setup.digest([lock]))
    write(stamp, setup.digest([lock]))
    os.utime(lock, (1, 1))
    assert setup.is_done(stamp, setup.digest([lock]))
    write(lock, "two")
    assert not setup.is_done(stamp, setup.digest([lock]))


def program(path: Path, script: str) -> Path:
    write(path, f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)
    return path


@pytest.mark.parametrize(
    ("script", "version"), [("echo v24.1.0", 24), ("echo nonsense", 0), ("exit 1", 0)]
)
def test_the_version_of_node_is_read(tmp_path: Path, script: str, version: int) -> None:
    assert setup.node_version(str(program(tmp_path / "node", script))) == version
    assert setup.node_version(str(tmp_path / "missing")) == 0


def test_an_old_node_is_not_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program(tmp_path / "npm", "exit 0")
    program(tmp_path / "node", "echo v18.20.0")
    monkeypatch.setenv("PATH", str(tmp_path))
    assert setup.system_node() is None
    program(tmp_path / "node", "echo v20.0.0")
    assert setup.system_node() == (tmp_path / "node", [str(tmp_path / "npm")])


def test_a_command_that_fails_is_named() -> None:
    with pytest.raises(setup.SetupError, match="`false` failed"):
        setup.run("false")


@pytest.mark.parametrize(
    ("script", "sentence"),
    [
        ("exit 1", "Python 3.11 or newer was not found"),
        (
            'case "$2" in *ensurepip*) exit 1;; *print*) echo 3.13;; esac',
            "install the package python3.13-venv",
        ),
    ],
)
def test_a_machine_without_a_usable_python_is_told_so(
    tmp_path: Path, script: str, sentence: str
) -> None:
    program(tmp_path / "python3", script)
    answer = subprocess.run(
        ["/bin/sh", str(ROOT / "tools" / "python.sh")],
        capture_output=True,
        text=True,
        env={"PATH": str(tmp_path)},
    )
    assert answer.returncode == 1
    assert sentence in answer.stderr


@pytest.fixture
def no_debian_chromium(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    monkeypatch.setattr(chromium, "DEBIAN", tmp_path / "missing")
    return lambda value: monkeypatch.setenv("CHROMIUM", value)


def test_the_chromium_that_is_named_is_used(
    tmp_path: Path, no_debian_chromium: Callable[[str], None]
) -> None:
    no_debian_chromium("")
    assert chromium.executable() is None
    named = program(tmp_path / "chromium", "exit 0")
    no_debian_chromium(str(named))
    assert chromium.executable() == named
    no_debian_chromium(str(tmp_path / "nothing"))
    with pytest.raises(chromium.ChromiumError, match="which is no program"):
        chromium.executable()

"""Hosts: real web servers, each with a folder of its own that a test fills and changes."""

from __future__ import annotations

import gzip
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.e2e.conftest import browser_type_launch_args, built_page, room, visit  # isort: skip
from tests.e2e import small_site
from tests.hosts import servers
from tests.proxy import ProxyServer
from tests.serving import free_port

__all__ = ["browser_type_launch_args", "built_page", "room", "visit"]

NGINX = """
server {{
  listen 127.0.0.1:{port};
  root {srv};
  {rules}
}}
"""

#: nginx in ways that people set it up.
RULES = {
    "stock": "",
    "packed": "gzip_static on; add_header Cache-Control 'public, max-age=31536000, immutable';",
    "single page": """
        location / { try_files $uri $uri/ /app/index.html; }
        location = /bare { try_files /app/index.html =404; }
    """,
    "no types": "types { text/html html; }",
    "few types": "types { text/html html; text/javascript js; text/css css; image/svg+xml svg; }",
}

PACKED = (".css", ".html", ".js", ".json", ".svg", ".wasm")


class Builds(NamedTuple):
    """Two versions of the built page, each also with ready-compressed copies beside the files."""

    first: Path
    second: Path
    first_packed: Path
    second_packed: Path


Serve = Callable[[], AbstractContextManager[str]]


class Site:
    """A folder on a host.

    Attributes:
        host: shows a build there.
        url: its address, with a slash at the end.
    """

    def __init__(self, serve: Serve, srv: Path, path: str) -> None:
        """Start a server that shows the folder `srv`; the page is below it."""
        (srv / path).parent.mkdir(parents=True)
        self.host = small_site.Host(srv / path)
        self._running = ExitStack()
        self.url = f"{self.start(serve)}/{path}/"

    def start(self, serve: Serve) -> str:
        """Start a server, another one or the same again; its address."""
        self._serve = serve
        return self._running.enter_context(serve())

    def stop(self) -> None:
        """Stop it."""
        self._running.close()

    @contextmanager
    def away(self) -> Iterator[None]:
        """Leave the folder without a server for a while."""
        self.stop()
        yield
        self.start(self._serve)


@pytest.fixture(scope="session")
def builds(built_page: Path, tmp_path_factory: pytest.TempPathFactory) -> Builds:
    folder = tmp_path_factory.mktemp("builds")
    second = small_site.next_version(built_page, folder / "second")
    for path in second.rglob("*"):
        os.utime(path)  # a copy has the time of its original, by which hosts tell changes
    return Builds(
        built_page,
        second,
        with_copies(built_page, folder / "first-packed"),
        with_copies(second, folder / "second-packed"),
    )


def with_copies(build: Path, folder: Path) -> Path:
    """Return a build with what people let a host send in place of its files."""
    shutil.copytree(build, folder, ignore=shutil.ignore_patterns("dropin"))
    for path in [path for path in folder.rglob("*") if path.suffix in PACKED]:
        Path(f"{path}.gz").write_bytes(gzip.compress(path.read_bytes(), 1))
    return folder


@pytest.fixture(scope="session")
def proxy() -> Iterator[ProxyServer]:
    with ProxyServer() as server:
        yield server


@pytest.fixture
def site() -> Iterator[Callable[..., Site]]:
    """Make sites, whose servers stop with the test: starting one takes no time."""
    made: list[Site] = []

    def make(serve: Serve, srv: Path, path: str) -> Site:
        made.append(Site(serve, srv, path))
        return made[-1]

    yield make
    for each in made:
        each.stop()


@pytest.fixture
def documented(
    site: Callable[..., Site], proxy: ProxyServer, tmp_path: Path
) -> Callable[[str], Site]:
    """Start a server as docs/using.md says, by the name of its block there."""

    def start(name: str) -> Site:
        run, changes = servers.DOCUMENTED[name]
        port, srv = free_port(), tmp_path / "srv"
        block = servers.adapted(servers.documented(name), changes(str(srv), port, str(proxy.port)))
        return site(lambda: run(block, port, tmp_path), srv, "kimi")

    return start


@pytest.fixture
def nginx(site: Callable[..., Site], tmp_path: Path) -> Callable[..., Site]:
    """Start an nginx that goes by one of RULES, or by another of them when it is started again."""

    def start(path: str, rule: str, later: str = "") -> Site:
        port, srv = free_port(), tmp_path / "srv"
        rules = iter([rule])

        def serve() -> AbstractContextManager[str]:
            now = RULES[next(rules, later or rule)]
            return servers.nginx(NGINX.format(port=port, srv=srv, rules=now), port, tmp_path)

        return site(serve, srv, path)

    return start


@pytest.fixture
def python(site: Callable[..., Site], tmp_path: Path) -> Site:
    """The folder that Python's own server shows."""
    port, srv = free_port(), tmp_path / "srv"
    return site(lambda: servers.python(str(srv), port, tmp_path), srv, "kimi")

"""Starts the web servers that people have, on a port of 127.0.0.1, with a config of the test's."""

from __future__ import annotations

import os
import re
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tools import servers

PATIENCE = 15.0
"""Seconds in which a server has to begin to listen."""

DOCUMENT = servers.ROOT / "docs" / "using.md"

NGINX = """
daemon off;
worker_processes 1;
pid {scratch}/nginx.pid;
{user}
events {{}}
http {{
  include {types};
  default_type application/octet-stream;
  gzip on;
  access_log off;
  client_body_temp_path {scratch}/body;
  proxy_temp_path {scratch}/proxy;
  fastcgi_temp_path {scratch}/fastcgi;
  uwsgi_temp_path {scratch}/uwsgi;
  scgi_temp_path {scratch}/scgi;
  {block}
}}
"""

CADDY = """{{
  admin off
  auto_https off
}}
{block}
"""


def documented(language: str) -> str:
    """Return the block of docs/using.md for a server."""
    text = DOCUMENT.read_text(encoding="utf-8")
    [block] = re.findall(rf"```{language}\n(.*?)```", text, re.DOTALL)
    return str(block)


def adapted(block: str, changes: dict[str, str]) -> str:
    """Put a test's own folder and ports into a documented block."""
    for old, new in changes.items():
        assert old in block, f"{DOCUMENT.name} says nothing of {old}"
        block = block.replace(old, new)
    return block


@contextmanager
def _running(command: list[str], port: int, scratch: Path) -> Iterator[str]:
    log = scratch / "log"
    environment = {**os.environ, "HOME": str(scratch)}
    with log.open("w") as out:
        process = subprocess.Popen(command, stdout=out, stderr=out, env=environment)
    try:
        deadline = time.monotonic() + PATIENCE
        while not _listens(port):
            if process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"{command[0]} does not start:\n{log.read_text()}")
            time.sleep(0.02)
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait(PATIENCE)


def _listens(port: int) -> bool:
    with socket.socket() as caller:
        return caller.connect_ex(("127.0.0.1", port)) == 0


def program(name: str) -> str:
    """Return a server's program; without it, the test is left out."""
    found = servers.executable(name)
    if found is None:
        pytest.skip(f"There is no {name} here, and set-up could not unpack Debian's.")
    return str(found)


@contextmanager
def nginx(block: str, port: int, scratch: Path) -> Iterator[str]:
    """Run nginx with Debian's types and these server blocks."""
    command = program("nginx")
    types = servers.belonging("nginx", "etc/nginx/mime.types")
    user = "user root;" if os.geteuid() == 0 else ""
    config = scratch / "nginx.conf"
    config.write_text(NGINX.format(scratch=scratch, types=types, user=user, block=block))
    arguments = ["-c", str(config), "-e", str(scratch / "error.log"), "-p", str(scratch)]
    with _running([command, *arguments], port, scratch) as url:
        yield url


@contextmanager
def caddy(block: str, port: int, scratch: Path) -> Iterator[str]:
    """Run Caddy with this site."""
    command = program("caddy")
    config = scratch / "Caddyfile"
    config.write_text(CADDY.format(block=block))
    arguments = ["run", "--config", str(config), "--adapter", "caddyfile"]
    with _running([command, *arguments], port, scratch) as url:
        yield url


@contextmanager
def lighttpd(block: str, port: int, scratch: Path) -> Iterator[str]:
    """Run lighttpd with Debian's own config and these lines."""
    command = program("lighttpd")
    stock = servers.belonging("lighttpd", "etc/lighttpd/lighttpd.conf").read_text("utf-8")
    (scratch / "added.conf").write_text(block)
    config = scratch / "lighttpd.conf"
    config.write_text(
        adapted(
            re.sub(r"(?m)^server\.(username|groupname|upload-dirs|errorlog)\s.*\n", "", stock),
            {
                "/run/lighttpd.pid": f"{scratch}/pid",
                "= 80": f"= {port}",
                'include_shell "/usr/share/lighttpd/use-ipv6.pl " + server.port': (
                    'server.bind = "127.0.0.1"'
                ),
                "/usr/share/lighttpd": str(servers.belonging("lighttpd", "usr/share/lighttpd")),
                "/etc/lighttpd/conf-enabled/*.conf": f"{scratch}/added.conf",
            },
        )
    )
    modules = str(servers.belonging("lighttpd", "usr/lib/lighttpd"))
    with _running([command, "-D", "-f", str(config), "-m", modules], port, scratch) as url:
        yield url


@contextmanager
def python(folder: str, port: int, scratch: Path) -> Iterator[str]:
    """Run Python's own server."""
    command = [sys.executable, "-m", "http.server", str(port), "--bind", "127.0.0.1"]
    with _running([*command, "--directory", folder], port, scratch) as url:
        yield url


Start = Callable[..., Any]

#: Each documented server, and what a test puts in the places of its addresses.
DOCUMENTED: dict[str, tuple[Start, Callable[[str, int, str], dict[str, str]]]] = {
    "nginx": (
        nginx,
        lambda srv, port, proxy: {
            "listen 80": f"listen 127.0.0.1:{port}", "/srv": srv, ":8000": f":{proxy}"
        },
    ),
    "caddyfile": (
        caddy,
        lambda srv, port, proxy: {":80 ": f":{port} ", "/srv": srv, ":8000": f":{proxy}"},
    ),
    "lighttpd": (
        lighttpd,
        lambda srv, _, proxy: {"/srv": srv, "8000": proxy},
    ),
}  # fmt: skip

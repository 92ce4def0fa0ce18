#!/usr/bin/env python3
"""Find the web servers that the host tests start, or unpack Debian's packages of them.

A package that is installed as usual would start serving port 80; unpacked into ``build/servers``
it is a program among our files, which any user may put there.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
FOLDER = ROOT / "build" / "servers"

#: Debian's packages of each server: the program, and what it reads. What else it needs is on
#: nearly every machine; where it is not, the server does not start and is left out.
PACKAGES = {
    "nginx": ("nginx", "nginx-common"),
    "caddy": ("caddy",),
    "lighttpd": ("lighttpd",),
}

#: How each says its version.
VERSION = {"nginx": "-v", "caddy": "version", "lighttpd": "-v"}

#: Where servers are: few people's PATH has them.
PLACES = ("usr/sbin", "usr/bin", "usr/local/sbin", "usr/local/bin")


class ServersError(Exception):
    """A server cannot be had; the message says why."""


def executable(name: str) -> Path | None:
    """Return a server's program, the machine's own before the unpacked one."""
    for root in (Path("/"), FOLDER):
        found = shutil.which(name, path=os.pathsep.join(str(root / place) for place in PLACES))
        if found is not None:
            return Path(found)
    return None


def missing() -> list[str]:
    """Return the servers that are neither installed nor unpacked."""
    return [name for name in PACKAGES if executable(name) is None]


def belonging(name: str, path: str) -> Path:
    """Return a file of a server's package, by its path on a machine that has it installed."""
    program = executable(name)
    unpacked = program is not None and program.is_relative_to(FOLDER)
    return (FOLDER if unpacked else Path("/")) / path


def unpack(name: str) -> None:
    """Unpack Debian's packages of a server.

    Raises:
        ServersError: there is no Debian to ask, or it has none.
    """
    FOLDER.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=FOLDER) as scratch:
        _run("apt-get", "download", "-q", *PACKAGES[name], folder=scratch)
        for package in Path(scratch).glob("*.deb"):
            _run("dpkg-deb", "--extract", str(package), str(FOLDER), folder=scratch)
    program = executable(name)
    if program is None:
        raise ServersError(f"Debian's package has no program called {name}.")
    try:
        _run(str(program), VERSION[name], folder=str(FOLDER))
    except ServersError:
        program.unlink()
        raise


def _run(*command: str, folder: str) -> None:
    try:
        subprocess.run(command, cwd=folder, check=True, capture_output=True, text=True)
    except OSError as error:
        raise ServersError(f"{command[0]} cannot be started: {error.strerror}.") from error
    except subprocess.CalledProcessError as error:
        raise ServersError(f"`{' '.join(command)}` failed: {error.stderr.strip()}") from error


def main(arguments: list[str] | None = None) -> int:
    """Unpack what is missing; return how many servers cannot be had."""
    argparse.ArgumentParser(description=__doc__).parse_args(arguments)
    lacking = 0
    for name in missing():
        try:
            unpack(name)
        except ServersError as error:
            lacking += 1
            print(f"servers: no {name}: {error}", file=sys.stderr)
    return lacking


if __name__ == "__main__":
    sys.exit(main())

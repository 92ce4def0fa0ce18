"""One tree makes one build, to the byte, whoever builds it, where and when."""

from __future__ import annotations

import gzip
import json
import os
import shutil
import struct
import subprocess
import sys
from pathlib import Path

import playwright
import pytest

from tests.build.differences import PAGE, differences
from tools import build

ROOT = build.ROOT
DIST = ROOT / "dist"

#: What a build is made of, below the repository.
PARTS = ("docs", "node_modules", "py", "static", "tools")
FILES = ("LICENSE", "index.html", "package.json", "package-lock.json", "pyscript.toml")

#: Another person's machine: on the other side of the earth, in another language, long ago.
ELSEWHERE = {
    "HOME": "/nonexistent",
    "LANG": "fr_FR.ISO-8859-1",
    "LC_ALL": "C",
    "PATH": os.defpath,
    "PYTHONDONTWRITEBYTECODE": "1",
    "PYTHONHASHSEED": "4711",
    "TZ": "Asia/Kathmandu",
    "USER": "somebody-else",
}
LONG_AGO = 1_000_000_000

#: Playwright brings a Node of its own, which is another version than the build's.
OTHER_NODE = Path(playwright.__file__).parent / "driver" / "node"


def copy_repository(target: Path) -> None:
    """Copy what a build is made of; the last file comes first, and all are old."""
    paths = [path for part in PARTS for path in (ROOT / part).rglob("*") if path.is_file()]
    for path in sorted([*paths, *(ROOT / name for name in FILES)], reverse=True):
        name = path.relative_to(ROOT)
        if "__pycache__" in name.parts or name.parts[:2] == ("static", "vendor"):
            continue
        copy = target / name
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, copy)
        os.utime(copy, (LONG_AGO, LONG_AGO))


@pytest.fixture(scope="module")
def second_build(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A build of the same tree, on what might be another machine."""
    root = tmp_path_factory.mktemp("elsewhere") / "a folder with a longer name, déjà vu" / "clone"
    copy_repository(root)
    node = root / ".venv" / "bin" / "node"
    node.parent.mkdir(parents=True)
    node.symlink_to(OTHER_NODE)
    for command in (("build.py", "dist"), ("dropin.py",), ("sbom.py",)):
        tool = root / "tools" / command[0]
        subprocess.run(
            [sys.executable, tool, *command[1:]],
            cwd=root.parent, env=ELSEWHERE, umask=0o077, check=True,
        )  # fmt: skip
    return root / "dist"


def test_two_builds_are_the_same_to_the_byte(second_build: Path) -> None:
    found = differences(DIST, second_build)
    assert not found, "\n".join(found)


# -- what is said of builds that differ ------------------------------------------------------


def snapshot(pages: dict[int, bytes], stamp: str) -> bytes:
    head = json.dumps({"stamp": stamp, "runs": [[page, 1] for page in pages]}).encode()
    opening = struct.pack("<II", 1, len(head)) + head
    return gzip.compress(opening.ljust(PAGE, b"\0") + b"".join(pages.values()))


def write(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)


def test_a_file_that_differs_or_lacks_is_named(tmp_path: Path) -> None:
    for build_name, extra in (("one", "a.js"), ("other", "b.js")):
        write(tmp_path / build_name / "same.txt", b"same")
        write(tmp_path / build_name / "index.html", build_name.encode())
        write(tmp_path / build_name / "static" / extra, b"")
    assert differences(tmp_path / "one", tmp_path / "other") == [
        "static/a.js is in one build only",
        "static/b.js is in one build only",
        "index.html differs, 3 and 5 bytes",
    ]


def test_of_a_snapshot_the_pages_are_named(tmp_path: Path) -> None:
    blank = bytes(PAGE)
    changed = blank[:8] + b"\1\2\3\4" + blank[12:]
    one = snapshot({1: blank, 2: blank, 3: blank}, "a")
    other = snapshot({1: blank, 2: changed, 4: blank}, "b")
    write(tmp_path / "one" / "boot" / f"snapshot-{'0' * 16}.pack", one)
    write(tmp_path / "other" / "boot" / f"snapshot-{'1' * 16}.pack", other)
    named = differences(tmp_path / "one", tmp_path / "other")
    assert named[0].startswith("boot/snapshot.pack is called snapshot-000")
    assert named[2:] == [
        "… its runs differs",
        "… its stamp differs",
        "… pages [3, 4] are in one only, 2 in all",
        "… page 2: at address 0x2008, 00000000 and 01020304",
        "… 1 pages differ in all",
    ]

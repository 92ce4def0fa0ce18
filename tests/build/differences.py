"""Says in what two builds differ: files, and pages of memory in a snapshot."""

from __future__ import annotations

import gzip
import json
import re
import struct
from collections.abc import Iterator
from pathlib import Path

PAGE = 4096

#: Files are named by what they hold: this part of their name is no part of what they are.
DIGEST = re.compile(r"-[0-9a-f]{16}(?=\.)")

#: Pages that are named; a heap that lies elsewhere differs in thousands.
SHOWN = 20


def differences(one: Path, other: Path) -> list[str]:
    """Return a sentence for each file that two builds do not have in common, to the byte."""
    files, others = files_of(one), files_of(other)
    found = [f"{name} is in one build only" for name in sorted(files.keys() ^ others.keys())]
    for name in sorted(files.keys() & others.keys()):
        found += differences_of_files(name, files[name], others[name])
    return found


def files_of(build: Path) -> dict[str, Path]:
    """Return the files of a build, by their path without digests."""
    paths = [path for path in build.rglob("*") if path.is_file()]
    return {DIGEST.sub("", path.relative_to(build).as_posix()): path for path in paths}


def differences_of_files(name: str, one: Path, other: Path) -> Iterator[str]:
    if one.name != other.name:
        yield f"{name} is called {one.name} and {other.name}"
    contents, others = one.read_bytes(), other.read_bytes()
    if contents == others:
        return
    yield f"{name} differs, {len(contents)} and {len(others)} bytes"
    if name.endswith("/snapshot.pack"):
        yield from differences_of_snapshots(gzip.decompress(contents), gzip.decompress(others))


def differences_of_snapshots(one: bytes, other: bytes) -> Iterator[str]:
    """Say which facts of two snapshots differ, and which pages of memory from which word on."""
    (head, pages), (other_head, other_pages) = taken_apart(one), taken_apart(other)
    for fact in sorted(head.keys() | other_head.keys()):
        if head.get(fact) != other_head.get(fact):
            yield f"… its {fact} differs"
    if lonely := sorted(pages.keys() ^ other_pages.keys()):
        yield f"… pages {lonely[:SHOWN]} are in one only, {len(lonely)} in all"
    common = sorted(pages.keys() & other_pages.keys())
    unlike = [page for page in common if pages[page] != other_pages[page]]
    for page in unlike[:SHOWN]:
        yield f"… {first_difference(page, pages[page], other_pages[page])}"
    if unlike:
        yield f"… {len(unlike)} pages differ in all"


def taken_apart(snapshot: bytes) -> tuple[dict[str, object], dict[int, bytes]]:
    """Return a snapshot's facts and its pages by number (the layout: ``tools/snapshot.mjs``)."""
    _, length = struct.unpack_from("<II", snapshot)
    head = json.loads(snapshot[8 : 8 + length])
    numbers = [first + more for first, count in head["runs"] for more in range(count)]
    start = -(-(8 + length) // PAGE) * PAGE
    offsets = range(start, len(snapshot), PAGE)
    pages = (snapshot[offset : offset + PAGE] for offset in offsets)
    return head, dict(zip(numbers, pages, strict=True))


def first_difference(page: int, one: bytes, other: bytes) -> str:
    start = next(at for at in range(0, PAGE, 4) if one[at : at + 4] != other[at : at + 4])
    words = f"{one[start : start + 4].hex()} and {other[start : start + 4].hex()}"
    return f"page {page}: at address {page * PAGE + start:#x}, {words}"

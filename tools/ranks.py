#!/usr/bin/env python3
"""The rank files of tiktoken's encodings, taken from its npm package and checked.

An encoding is a list of byte sequences; a sequence's place in the list, its rank, is its token.
npm's ``tiktoken`` carries the lists in a compact form. Written out as tiktoken's own rank files
they must have the SHA-256 digests that tiktoken itself asks for, so that the page and CPython
count with the same lists to the byte. Two things are made of them:

- what the page loads: the compact form and the WebAssembly module, compressed, because a static
  host may not compress them by itself;
- a cache folder for the real tiktoken on CPython, which then downloads nothing.
"""

from __future__ import annotations

import argparse
import gzip
import hashlib
import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = ROOT / "node_modules" / "tiktoken"
CACHE = ROOT / "build" / "tiktoken-cache"

#: The SHA-256 digest of each rank file, as tiktoken's own source expects it.
DIGESTS = {
    "cl100k_base": "223921b76ee99bde995b7ff738513eef100fb51d18c93597a113bcffe865b2a7",
    "o200k_base": "446a9538cb6c348e3516120d7c08b09f57c36495e2acfffe59a5bf8b0cfb1a2d",
}

#: tiktoken names a cached file by the SHA-1 of the address it would otherwise download.
ADDRESS = "https://openaipublic.blob.core.windows.net/encodings/{}.tiktoken"


class RanksError(Exception):
    """A rank file is missing or not what it should be; the message says which."""


def rank_file(compact: str) -> bytes:
    """Write ranks in tiktoken's own form: one base64 token and its rank a line.

    Args:
        compact: lines of ``! first-rank token token …``, as the npm package has them.
    """
    lines = []
    for row in compact.splitlines():
        _, first, *tokens = row.split(" ")
        lines += [f"{token} {rank}\n" for rank, token in enumerate(tokens, int(first))]
    return "".join(lines).encode("ascii")


def read_encoder(package: Path, name: str) -> tuple[bytes, bytes]:
    """Read one encoding of the npm package; return its JSON and its rank file.

    Raises:
        RanksError: it is missing, or its ranks are not tiktoken's.
    """
    path = package / "encoders" / f"{name}.json"
    try:
        text = path.read_bytes()
    except OSError as error:
        raise RanksError(f"{path} cannot be read: run `make vendor`.") from error
    encoder: Mapping[str, Any] = json.loads(text)
    ranks = rank_file(encoder["bpe_ranks"])
    if hashlib.sha256(ranks).hexdigest() != DIGESTS[name]:
        raise RanksError(f"{path} does not hold the ranks that tiktoken calls {name}.")
    return text, ranks


def compress(data: bytes) -> bytes:
    """Compress with gzip, to the same bytes every time."""
    return gzip.compress(data, 9, mtime=0)


def cached_file(folder: Path, name: str) -> Path:
    """Return where tiktoken looks for an encoding's rank file."""
    return folder / hashlib.sha1(ADDRESS.format(name).encode()).hexdigest()


def fill_cache(package: Path = PACKAGE, folder: Path = CACHE) -> Path:
    """See to it that ``folder`` holds every rank file; return it.

    Raises:
        RanksError: the npm package is not there, or is not the right one.
    """
    for name, digest in DIGESTS.items():
        path = cached_file(folder, name)
        if path.is_file() and hashlib.sha256(path.read_bytes()).hexdigest() == digest:
            continue
        folder.mkdir(parents=True, exist_ok=True)
        path.write_bytes(read_encoder(package, name)[1])
    return folder


def main(arguments: list[str] | None = None) -> int:
    """Fill the cache and print its folder; return the exit code."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--out", type=Path, default=CACHE, help="the folder (default: in build)")
    options = parser.parse_args(arguments)
    try:
        print(fill_cache(folder=options.out))
    except RanksError as error:
        print(f"ranks: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())

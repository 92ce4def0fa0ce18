#!/usr/bin/env python3
"""Make a built page work offline, or take the service worker back.

- ``on`` gives a built folder its service worker, which keeps every file of the
  folder in the browser. ``tools/build.py dist`` has done that already; do it again
  after changing a file by hand, or browsers will refuse the change.
- ``off`` puts a service worker in its place that removes itself, and all that it
  kept, from every browser that visits.
"""

from __future__ import annotations

import argparse
import gzip
import json
import re
import sys
from pathlib import Path
from typing import Any
from urllib.parse import quote

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from tools.boot import digest

ROOT = Path(__file__).resolve().parent.parent

WORKER = "service-worker.js"
OFF = ROOT / "static" / "service-worker-off.js"
PAGE = "index.html"
SCRIPT = '<script type="module" src="static/js/offline.js"></script>'

#: What the page itself does not use: folders, and what tells people of its parts.
OTHERS = ("dropin/", "licences/", "THIRD-PARTY.txt", "sbom.cdx.json")

#: A host's ready-compressed copies: the browser asks for the file, and is sent the copy.
COPIES = re.compile(r"\.(br|gz|zst)$")

#: Files that the page unpacks itself, all with gzip.
PACKED = (".gz", ".pack")


class PrecacheError(Exception):
    """The page cannot be kept offline; the message says why."""


def manifest(folder: Path) -> dict[str, Any]:
    """Return what the page consists of, to be kept whole by a browser.

    Returns:
        ``files``: the SHA-256 of each file by its path, as a browser spells it;
        ``version``: a hash of ``files``, so equal pages have equal versions;
        ``unpacked``: the SHA-256 of what is in each packed file, by that of the file.
    """
    paths = {path.relative_to(folder).as_posix(): path for path in folder.rglob("*")}
    files = {
        quote(name): digest(path.read_bytes())
        for name, path in sorted(paths.items())
        if path.is_file()
        and path.suffix  # many hosts refuse files without an ending, which are licences
        and name != WORKER
        and not name.startswith(OTHERS)
        and COPIES.sub("", name) not in paths.keys() - {name}
    }
    unpacked = {
        files[quote(name)]: digest(gzip.decompress(path.read_bytes()))
        for name, path in sorted(paths.items())
        if quote(name) in files and name.endswith(PACKED)
    }
    version = digest(json.dumps(files).encode())[:16]
    return {"version": version, "files": files, "unpacked": unpacked}


def turn_on(root: Path, folder: Path) -> None:
    """Write the service worker of a built page, and have the page use it.

    Raises:
        PrecacheError: the page has no place for the script.
    """
    page = folder / PAGE
    text = page.read_text(encoding="utf-8")
    if "</head>" not in text:
        raise PrecacheError(
            f"{page} has no </head> to put the script of the service worker before."
        )
    if SCRIPT not in text:
        page.write_text(text.replace("</head>", f"  {SCRIPT}\n</head>", 1), encoding="utf-8")
    source = (root / "static" / WORKER).read_text(encoding="utf-8")
    build = json.dumps(manifest(folder), indent=1)
    (folder / WORKER).write_text(f"const BUILD = {build};\n{source}", encoding="utf-8")


def turn_off(folder: Path) -> None:
    """Put the service worker that removes itself into a built page."""
    (folder / WORKER).write_bytes(OFF.read_bytes())


def main(arguments: list[str] | None = None) -> int:
    """Run the command; return its exit code."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("what", choices=("on", "off"), help="what to do")
    parser.add_argument(
        "folder", nargs="?", type=Path, default=Path("dist"), help="(default: dist)"
    )
    options = parser.parse_args(arguments)
    if not (options.folder / PAGE).is_file():
        print(f"precache: {options.folder} has no {PAGE}: run `make dist` first.", file=sys.stderr)
        return 1
    try:
        if options.what == "on":
            turn_on(ROOT, options.folder)
        else:
            turn_off(options.folder)
    except PrecacheError as error:
        print(f"precache: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())

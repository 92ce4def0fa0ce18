"""Makes what the built page starts Python from: ``static/boot`` and the stamp that goes with it.

Three files, each named by a digest of what it holds, each packed with gzip so that it travels
small from any static host (``static/js/load.js`` unpacks and keeps them):

- ``wasm``: Pyodide's WebAssembly;
- ``snapshot``: Python's memory with everything imported that the first screen needs;
- ``sources``: the Python files as JSON, by path, for tracebacks, the demo and the plain start.
"""

from __future__ import annotations

import ast
import gzip
import hashlib
import json
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

#: Imported when somebody asks for it, not before.
LATER = ("demo",)

#: The script that the page's tag names; everything else is imported.
SCRIPT = "start.py"

#: Seconds; it takes five on a slow machine.
PATIENCE = 180

MAKER = Path(__file__).resolve().parent / "snapshot.mjs"


class BootError(Exception):
    """The files cannot be made; the message says why."""


Take = Callable[[Mapping[str, Any]], bytes]
"""Takes the snapshot that an order describes (see ``snapshot.mjs``)."""


def fill(
    folder: Path,
    *,
    pyodide: Path,
    library: Mapping[str, str],
    sources: Mapping[str, str],
    config: Mapping[str, Any],
    take: Take,
) -> dict[str, str]:
    """Write the files into ``folder``; return the stamp that the page must carry.

    Args:
        folder: where to.
        pyodide: the npm package.
        library: PyScript's Python library, texts by path.
        sources: the application's Python files, texts by path.
        config: PyScript's config of the built page.
        take: takes the snapshot.
    """
    files = {**library, **sources}
    wasm = (pyodide / "pyodide.asm.wasm").read_bytes()
    lock = json.loads((pyodide / "pyodide-lock.json").read_text(encoding="utf-8"))
    packed_sources = json.dumps(files, ensure_ascii=False, sort_keys=True).encode()
    version = json.loads((pyodide / "package.json").read_text(encoding="utf-8"))["version"]
    stamp = {"pyodide": version, "wasm": digest(wasm), "sources": digest(packed_sources)}
    snapshot = take(
        {
            "pyodide": str(pyodide),
            "sources": files,
            "modules": modules_to_import(sources),
            "config": config,
            "scripts": list(config.get("js_modules", {}).get("main", {}).values()),
            "stamp": stamp,
            # Pyodide's list of what could be installed: nothing is, and it is 120 kB.
            "lock": {**lock, "packages": {}},
        }
    )
    stamp["snapshot"] = digest(snapshot)
    folder.mkdir(parents=True)
    for kind, content in (("wasm", wasm), ("snapshot", snapshot), ("sources", packed_sources)):
        path = folder / f"{kind}-{stamp[kind][:16]}.pack"
        path.write_bytes(gzip.compress(content, 9, mtime=0))
    return stamp


def sizes(folder: Path) -> dict[str, int]:
    """Return how many bytes of each file travel, by kind: the page tells how far it is."""
    return {path.name.partition("-")[0]: path.stat().st_size for path in folder.glob("*.pack")}


def digest(content: bytes) -> str:
    """Return the SHA-256 that names a file and is checked by the page, as hexadecimal digits."""
    return hashlib.sha256(content).hexdigest()


def pyscript_library(dist: Path) -> dict[str, str]:
    """Return PyScript's Python library, texts by path; its build keeps it in a source map.

    Raises:
        BootError: PyScript is built in another way than it was.
    """
    for chart in sorted(dist.glob("core-*.js.map")):
        content = json.loads(chart.read_text(encoding="utf-8"))
        for name, text in zip(content["sources"], content["sourcesContent"], strict=True):
            if name.endswith("/stdlib/pyscript.js"):
                tree = json.loads(text[text.index("{") : text.rindex("}") + 1])
                return dict(_flattened(tree, ""))
    raise BootError(f"{dist} has no source map with PyScript's Python library in it.")


def _flattened(tree: Mapping[str, Any], folder: str) -> list[tuple[str, str]]:
    found: list[tuple[str, str]] = []
    for name, item in tree.items():
        path = folder + name
        found += [(path, item)] if isinstance(item, str) else _flattened(item, f"{path}/")
    return found


def modules_to_import(sources: Mapping[str, str]) -> list[str]:
    """List what the snapshot shall hold: PyScript's library, the application, what it uses.

    An import inside a function counts too: the standard library is not there when the page
    starts, so whatever can be wanted early must be.
    """
    own: list[str] = []
    used: set[str] = set()
    for path, text in sorted(sources.items()):
        if path == SCRIPT or path.split("/")[0] in LATER:
            continue
        own.append(re.sub(r"(/__init__)?\.py$", "", path).replace("/", "."))
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.Import):
                used.update(alias.name for alias in node.names)
            elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
                used.add(node.module)
    standard = [name for name in used if name.split(".")[0] in sys.stdlib_module_names]
    return [*sorted(standard), "pyscript", *own]


def take(order: Mapping[str, Any]) -> bytes:
    """Take a snapshot with Node.

    Raises:
        BootError: Node is missing, or the snapshot could not be taken.
    """
    node = find_node()
    with tempfile.TemporaryDirectory() as scratch:
        out = Path(scratch, "snapshot")
        file = Path(scratch, "order.json")
        file.write_text(json.dumps({**order, "out": str(out)}), encoding="utf-8")
        command: Sequence[str] = (node, str(MAKER), str(file))
        # Without this machine's environment: Pyodide would take parts of it over.
        answer = subprocess.run(
            command, capture_output=True, text=True, env={}, timeout=PATIENCE, check=False
        )
        if answer.returncode != 0 or not out.is_file():
            raise BootError(f"The snapshot of Python could not be taken:\n{answer.stderr.strip()}")
        return out.read_bytes()


def find_node() -> str:
    """Return the Node that set-up has chosen, else the machine's own."""
    chosen = Path(__file__).resolve().parent.parent / ".venv" / "bin" / "node"
    node = str(chosen) if chosen.exists() else shutil.which("node")
    if node is None:
        raise BootError("Node is missing: run `make dist`, which sees to it.")
    return node

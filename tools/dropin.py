#!/usr/bin/env python3
"""Build the drop-in: ``sessions.js`` and its runtime, to be copied into another dashboard.

The folder holds what belongs beside the dashboard's own modules, and how to install it. It
needs a built page (``tools/build.py dist``), whose Pyodide it takes over, and Node.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import re
import shutil
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from tools import boot, build

#: Below ``py/``: what the surface imports, and nothing of the page's own.
PYTHON = (
    "browser/__init__.py",
    "browser/clock.py",
    "browser/promises.py",
    "dropin/*.py",
    "sessions/*.py",
)

#: The first moment that a zip file can express: archives are the same bytes every time.
ZIP_EPOCH = (1980, 1, 1, 0, 0, 0)

#: Put in front of Pyodide's loader: in a module, an import hides a global of the same name.
LOADER_IMPORTS = 'import { fetch, WebAssembly } from "../downloads.js";'

#: How one file of the drop-in names another; two of them are the host's.
LINK = re.compile(
    r'((?:from |import\(|URL\()"\.{1,2}/(?!api\.js|utils\.js)[\w./-]+\.(?:js|zip))(?=")'
)


def fill(root: Path, pyodide: Path, folder: Path) -> None:
    """Write the drop-in into ``folder``; ``pyodide`` is the folder of a built page."""
    shutil.copytree(
        root / "static" / "js" / "dropin",
        folder,
        copy_function=shutil.copyfile,
        ignore=shutil.ignore_patterns(".*"),
        dirs_exist_ok=True,
    )
    runtime = folder / "sessions-runtime"
    take_over(pyodide, runtime / "pyodide")
    compile_python(root, runtime / "sessions.zip")
    stamp(folder)
    build.check_modules(folder)
    shutil.copyfile(root / "docs" / "INSTALL-dropin.md", folder / "INSTALL.md")


def take_over(pyodide: Path, folder: Path) -> None:
    """Copy Pyodide; its loader gets its files through ``downloads.js``, which misses none."""
    shutil.copytree(pyodide, folder, copy_function=shutil.copyfile)
    forget_packages(folder / "pyodide-lock.json")
    loader = folder / "pyodide.js"
    text = loader.read_text(encoding="utf-8").removeprefix(build.LOADER_START)
    loader.write_text(f"{LOADER_IMPORTS}\n{text}", encoding="utf-8")


def stamp(folder: Path) -> None:
    """Name this version in every link, or a browser may put files of two versions together.

    Only ``sessions.js`` has an address that is given, and is asked for by a hard reload.
    """
    contents = [path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()]
    version = hashlib.sha256(b"".join(contents)).hexdigest()[:8]
    runtime = folder / "sessions-runtime"
    loader = runtime / "pyodide" / "pyodide.js"
    for script in (folder / "sessions.js", *runtime.glob("*.js"), loader):
        text = script.read_text(encoding="utf-8")
        script.write_text(LINK.sub(rf"\1?{version}", text), encoding="utf-8")


def forget_packages(lock: Path) -> None:
    """Empty Pyodide's list of what could be installed: here nothing is, and it is 120 kB."""
    content = json.loads(lock.read_text(encoding="utf-8"))
    lock.write_text(json.dumps({**content, "packages": {}}), encoding="utf-8")


def compile_python(root: Path, archive: Path) -> None:
    """Write the surface and the core as one zip of compiled modules."""
    pyodide = root / "node_modules" / "pyodide"
    script = Path(__file__).with_name("bytecode.mjs")
    with tempfile.TemporaryDirectory() as scratch:
        sources = Path(scratch, "sources.zip")
        pack(root, sources)
        subprocess.run([boot.find_node(), script, pyodide, sources, archive], check=True)


def pack(root: Path, archive: Path) -> None:
    """Write the surface and the core as one zip, the same bytes every time."""
    sources = sorted(path for pattern in PYTHON for path in (root / "py").glob(pattern))
    with zipfile.ZipFile(archive, "w") as out:
        for path in sources:
            entry = zipfile.ZipInfo(path.relative_to(root / "py").as_posix(), ZIP_EPOCH)
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.external_attr = 0o644 << 16
            entry.create_system = 3  # Unix, wherever it is built
            out.writestr(entry, path.read_bytes())


def main(arguments: list[str] | None = None) -> int:
    """Run the command; return its exit code."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--root", type=Path, default=build.ROOT, help="the repository")
    parser.add_argument("--out", type=Path, help="where to (default: dist/dropin)")
    options = parser.parse_args(arguments)
    root: Path = options.root.resolve()
    pyodide = root / "dist" / "static" / "vendor" / "pyodide"
    if not pyodide.is_dir():
        print(f"dropin: {pyodide} is missing: run `make dist`.", file=sys.stderr)
        return 1
    target: Path = options.out or root / "dist" / "dropin"
    shutil.rmtree(target, ignore_errors=True)
    fill(root, pyodide, target)
    return 0


if __name__ == "__main__":
    sys.exit(main())

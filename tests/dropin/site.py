"""A dashboard of somebody else with the drop-in installed, as its INSTALL.md says."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

ROOT = Path(__file__).parents[2]
HOST = Path(__file__).with_name("host")
BUILT = Path(os.environ.get("DASHBOARD_DIST", ROOT / "dist"))
DROPIN = BUILT / "dropin"
MODULES = Path("static", "js", "modules")


def build(folder: Path) -> Path:
    """Install the drop-in into a copy of the host's page; return the folder of its modules."""
    shutil.copytree(HOST, folder, dirs_exist_ok=True)
    install(folder / MODULES)
    return folder / MODULES


def install(modules: Path) -> None:
    """Copy what INSTALL.md says to copy, to beside the host's modules."""
    if not DROPIN.is_dir():
        raise SystemExit(f"There is no drop-in in {DROPIN}: run `make dist` first.")
    shutil.copyfile(DROPIN / "sessions.js", modules / "sessions.js")
    shutil.copytree(DROPIN / "sessions-runtime", modules / "sessions-runtime")


def expose_pyodide(modules: Path) -> None:
    """Let a test see the interpreter, as `pyodide` in the page, from its first proxy on."""
    loader = modules / "sessions-runtime" / "pyodide" / "pyodide.js"
    loader.rename(loader.with_name("loader.js"))
    loader.write_text(
        """import * as loader from "./loader.js";
        export async function loadPyodide(options) {
          globalThis.pyodide = await loader.loadPyodide(options);
          pyodide._module.enable_pyproxy_allocation_tracing();
          return pyodide;
        }""",
        encoding="utf-8",
    )

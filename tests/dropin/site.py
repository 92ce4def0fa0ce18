"""A dashboard of somebody else with the drop-in installed, as its INSTALL.md says."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from tools import dropin

ROOT = Path(__file__).parents[2]
HOST = Path(__file__).with_name("host")
BUILT_PAGE = Path(os.environ.get("DASHBOARD_DIST", ROOT / "dist"))


def build(folder: Path) -> Path:
    """Install the drop-in into a copy of the host's page; return the folder of its modules."""
    pyodide = BUILT_PAGE / "static" / "vendor" / "pyodide"
    if not pyodide.is_dir():
        raise SystemExit(f"There is no page in {BUILT_PAGE}: run `make dist` first.")
    shutil.copytree(HOST, folder, dirs_exist_ok=True)
    modules = folder / "static" / "js" / "modules"
    dropin.fill(ROOT, pyodide, modules)
    return modules


def expose_pyodide(modules: Path) -> None:
    """Let a test see the interpreter, as `pyodide` in the page, from its first proxy on."""
    loader = modules / "sessions-runtime" / "pyodide" / "pyodide.mjs"
    loader.rename(loader.with_name("loader.mjs"))
    loader.write_text(
        """import * as loader from "./loader.mjs";
        export async function loadPyodide(options) {
          globalThis.pyodide = await loader.loadPyodide(options);
          pyodide._module.enable_pyproxy_allocation_tracing();
          return pyodide;
        }""",
        encoding="utf-8",
    )

"""One file for the figures of every benchmark: ``results.json``, with the machine they hold for."""

from __future__ import annotations

import json
import os
import platform
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tools.chromium import executable

ROOT = Path(__file__).resolve().parents[2]
RESULTS = Path(__file__).with_name("results.json")


def merge(section: str, data: Mapping[str, Any], path: Path = RESULTS) -> None:
    """Put the figures of one benchmark into the file; those of the others stay as they are."""
    before: dict[str, Any] = {}
    if path.is_file():
        before = json.loads(path.read_text(encoding="utf-8"))
    result = {
        "machine": machine(),
        "versions": versions(),
        "sections": {**before.get("sections", {}), section: data},
    }
    text = json.dumps(result, indent=2, sort_keys=True, ensure_ascii=False)
    path.write_text(text + "\n", encoding="utf-8")


def machine() -> dict[str, Any]:
    """Return what the figures depend on, and nothing that names the machine."""
    return {"cores": os.cpu_count(), "processor": _processor(), "system": platform.system()}


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.machine()
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()


def versions() -> dict[str, str]:
    """Return the versions of the browser and of what the page is made of."""
    pinned = json.loads((ROOT / "package.json").read_text(encoding="utf-8"))["dependencies"]
    found = {name: str(version) for name, version in pinned.items()}
    browser = executable(whole=True)
    if browser is not None:
        answer = subprocess.run([str(browser), "--version"], capture_output=True, text=True)
        found["chromium"] = answer.stdout.strip()
    return found

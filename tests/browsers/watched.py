"""The built page, as it is shown to the other browsers: it writes down what it complains about.

Their drivers do not all tell what a page logs, and none can put a script before its first. So a
copy of the page is served whose first script is `watch.js`.
"""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from tools import precache

ROOT = Path(__file__).parents[2]
WATCH = Path(__file__).with_name("watch.js")
FIRST = "<head>\n"


def build(built_page: Path, folder: Path) -> Path:
    """Copy a built page, with the watch as its first script; it can be kept offline, too."""
    shutil.copytree(
        built_page, folder, copy_function=os.link, ignore=shutil.ignore_patterns("dropin")
    )
    shutil.copyfile(WATCH, folder / WATCH.name)
    put_first(folder / "index.html", WATCH.name)
    (folder / precache.WORKER).unlink()  # shared with the built page
    precache.turn_on(ROOT, folder)
    return folder


def put_first(page: Path, script: str) -> None:
    """Have a page run a script before every other."""
    text = page.read_text(encoding="utf-8")
    assert FIRST in text, f"{page} has no head to put a script into"
    page.unlink()  # shared with the built page
    page.write_text(
        text.replace(FIRST, f'{FIRST}  <script src="{script}"></script>\n', 1), encoding="utf-8"
    )

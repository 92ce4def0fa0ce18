"""INSTALL.md, step by step, on a folder of modules; and back again."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

from tests.dropin import site

ORIGINAL = "export const isOriginal = true;\n"


def test_the_folder_holds_what_the_steps_name() -> None:
    text = (site.DROPIN / "INSTALL.md").read_text(encoding="utf-8")
    steps = [line for line in text.splitlines() if re.match(r"\d\. ", line)]
    assert [line[0] for line in steps] == ["1", "2", "3"]
    assert re.findall(r"`([^`]+)`", steps[0]) == ["sessions.js", "sessions.original.js"]
    assert re.findall(r"`([^`]+)`", steps[1]) == ["sessions.js", "sessions-runtime"]
    assert {path.name for path in site.DROPIN.iterdir()} == {
        "INSTALL.md",
        "sessions.js",
        "sessions-runtime",
    }


def test_the_undo_leaves_nothing_behind(tmp_path: Path) -> None:
    ours = tmp_path / "sessions.js"
    ours.write_text(ORIGINAL, encoding="utf-8")
    kept = ours.rename(tmp_path / "sessions.original.js")
    site.install(tmp_path)
    assert ours.read_text(encoding="utf-8") != ORIGINAL

    ours.unlink()
    shutil.rmtree(tmp_path / "sessions-runtime")
    kept.rename(ours)
    assert [path.name for path in tmp_path.iterdir()] == ["sessions.js"]
    assert ours.read_text(encoding="utf-8") == ORIGINAL


def test_every_link_names_the_version_and_a_file_that_is_there() -> None:
    """Files of two versions must never meet: an address without a stamp may be an old one."""
    scripts = [site.DROPIN / "sessions.js", *site.DROPIN.glob("sessions-runtime/*.js")]
    stamps = set()
    for script in scripts:
        text = script.read_text(encoding="utf-8")
        for link in re.findall(r'"(\./[^"]+\.(?:js|zip)[^"]*)"', text):
            address, _, stamp = link.partition("?")
            if address in ("./api.js", "./utils.js"):  # the host's own
                assert stamp == ""
                continue
            assert (script.parent / address).is_file(), f"{script.name}: {link}"
            stamps.add(stamp)
    assert len(stamps) == 1
    assert "" not in stamps

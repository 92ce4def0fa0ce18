"""The list of what a browser keeps, which must be exact: a service worker refuses what is not."""

from __future__ import annotations

import gzip
import json
import re
import sys
from hashlib import sha256
from pathlib import Path

import pytest

if sys.platform == "emscripten":
    pytest.skip("the tools run on a person's machine only", allow_module_level=True)

from tools import precache

PAGE = "<html><head><title>Page</title>\n</head><body></body></html>"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "dist"
    for name, text in {
        "index.html": PAGE,
        "app.zip": "zip",
        "app.zip.br": "the same, packed by the host",
        "static/a b.txt": "a name that an address spells otherwise",
        "dropin/sessions.js": "another page's",
    }.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    for name in ("alone.gz", "boot.pack"):
        (folder / "static" / name).write_bytes(gzip.compress(name.encode()))
    return folder


def listed(folder: Path) -> dict[str, object]:
    """What the built service worker was given."""
    worker = (folder / precache.WORKER).read_text(encoding="utf-8")
    found = re.match(r"const BUILD = (\{.*?\n\});\n", worker, re.DOTALL)
    assert found is not None
    assert worker.endswith((precache.ROOT / "static" / precache.WORKER).read_text("utf-8"))
    return dict(json.loads(found[1]))


def test_every_file_of_the_page_is_listed_with_its_digest(folder: Path) -> None:
    precache.turn_on(precache.ROOT, folder)
    names = {
        "app.zip": "app.zip",
        "index.html": "index.html",
        "static/a%20b.txt": "static/a b.txt",
        "static/alone.gz": "static/alone.gz",
        "static/boot.pack": "static/boot.pack",
    }
    assert listed(folder)["files"] == {
        path: sha256((folder / name).read_bytes()).hexdigest() for path, name in names.items()
    }


def test_licences_and_bills_of_materials_are_not_kept(folder: Path) -> None:
    before = precache.manifest(folder)
    names = ("LICENSE", "static/LICENSE", "licences/MIT.txt", "THIRD-PARTY.txt", "sbom.cdx.json")
    for name in names:
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text("MIT", encoding="utf-8")
    assert precache.manifest(folder) == before


def test_what_is_in_packed_files_is_known_too(folder: Path) -> None:
    build = precache.manifest(folder)
    assert build["unpacked"] == {
        build["files"][f"static/{name}"]: sha256(name.encode()).hexdigest()
        for name in ("alone.gz", "boot.pack")
    }


def test_the_page_is_given_the_script_once(folder: Path) -> None:
    precache.turn_on(precache.ROOT, folder)
    first = listed(folder)
    precache.turn_on(precache.ROOT, folder)
    page = (folder / "index.html").read_text(encoding="utf-8")
    assert page == PAGE.replace("</head>", f"  {precache.SCRIPT}\n</head>")
    assert listed(folder) == first


def test_a_page_without_a_head_is_refused(folder: Path) -> None:
    (folder / "index.html").write_text("Hello", encoding="utf-8")
    with pytest.raises(precache.PrecacheError, match="</head>"):
        precache.turn_on(precache.ROOT, folder)


def test_the_version_changes_with_any_file_and_only_then(folder: Path) -> None:
    before = precache.manifest(folder)["version"]
    (folder / "dropin" / "sessions.js").write_text("changed", encoding="utf-8")
    (folder / "app.zip.br").write_text("packed harder", encoding="utf-8")
    (folder / "app.zip").touch()
    assert precache.manifest(folder)["version"] == before
    (folder / "app.zip").write_text("changed", encoding="utf-8")
    assert precache.manifest(folder)["version"] != before


def test_both_workers_speak_of_the_same_cache() -> None:
    on = (precache.ROOT / "static" / precache.WORKER).read_text(encoding="utf-8")
    off = precache.OFF.read_text(encoding="utf-8")
    assert re.findall(r"`kimi-[^$]*", on)[0] in off


def test_it_is_turned_off_from_the_command_line(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert precache.main(["on", str(folder)]) == 0
    assert precache.main(["off", str(folder)]) == 0
    worker = (folder / precache.WORKER).read_text(encoding="utf-8")
    assert "unregister" in worker
    assert "fetch" not in worker
    assert precache.main(["off", str(folder / "static")]) == 1
    assert "run `make dist` first" in capsys.readouterr().err

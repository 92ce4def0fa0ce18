"""The bill of materials says what is in the build, and every licence's text is there."""

from __future__ import annotations

import hashlib
import json
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator

from tools import build, sbom

ROOT = build.ROOT
DIST = ROOT / "dist"

#: Below the built folder: what others wrote, wholly or in part.
FOREIGN = ("static/vendor/*/*", "static/boot/*", "dropin/sessions-runtime/pyodide/*")


@pytest.fixture(scope="module")
def bill() -> dict[str, Any]:
    return json.loads((DIST / "sbom.cdx.json").read_text(encoding="utf-8"))


def all_components(nest: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for one in nest.get("components", ()):
        yield one
        yield from all_components(one)


def libraries(bill: dict[str, Any]) -> list[dict[str, Any]]:
    return [one for one in all_components(bill) if one["type"] == "library"]


def test_it_is_what_cyclonedx_says_it_must_be() -> None:
    text = (DIST / "sbom.cdx.json").read_text(encoding="utf-8")
    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(text) is None
    broken = text.replace('"Apache-2.0"', '"Apache 2"')
    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(broken) is not None


def test_it_names_every_pinned_package_in_its_version(bill: dict[str, Any]) -> None:
    pinned = json.loads((ROOT / "package.json").read_text(encoding="utf-8"))["dependencies"]
    assert {one["name"]: one["version"] for one in bill["components"]} == pinned
    assert all(one["purl"].endswith(f"@{one['version']}") for one in bill["components"])


def test_it_names_what_is_linked_into_pyodide(bill: dict[str, Any]) -> None:
    known = {one["name"]: one.get("version") for one in libraries(bill)}
    lock = json.loads((DIST / "static/vendor/pyodide/pyodide-lock.json").read_text("utf-8"))
    assert known["cpython"] == lock["info"]["python"]
    assert known["emscripten"] == lock["info"]["platform"].partition("_")[2].replace("_", ".")
    assert known.keys() >= {"zlib", "bzip2", "xz", "zstd", "sqlite", "libffi", "expat", "musl"}


def test_every_foreign_file_is_there_with_its_digest(bill: dict[str, Any]) -> None:
    files = {one["name"]: one["hashes"] for one in all_components(bill) if one["type"] == "file"}
    shipped = {path for pattern in FOREIGN for path in DIST.glob(pattern) if path.is_file()}
    assert files == {
        path.relative_to(DIST).as_posix(): [
            {"alg": "SHA-256", "content": hashlib.sha256(path.read_bytes()).hexdigest()}
        ]
        for path in shipped
    }


def test_every_component_is_told_with_its_licence_and_its_text(bill: dict[str, Any]) -> None:
    told = (DIST / "THIRD-PARTY.txt").read_text(encoding="utf-8")
    for one in libraries(bill):
        [licence] = one["licenses"]
        name = licence.get("expression") or licence["license"]["id"]
        title = " ".join(filter(None, [one["name"], one.get("version")]))
        [text] = re.findall(rf"^ *{re.escape(title)}: {re.escape(name)}, (\S+)$", told, re.M)
        assert len((DIST / text).read_text(encoding="utf-8")) > 90, text


def test_no_text_lies_there_for_nothing() -> None:
    told = (DIST / "THIRD-PARTY.txt").read_text(encoding="utf-8")
    texts = {f"licences/{path.name}" for path in (DIST / "licences").iterdir()}
    assert texts == set(re.findall(r"licences/\S+", told))


def test_the_page_and_the_drop_in_carry_their_licences() -> None:
    own = (ROOT / "LICENSE").read_bytes()
    for folder in (DIST, DIST / sbom.DROPIN):
        assert (folder / "LICENSE").read_bytes() == own
        assert "cpython" in (folder / "THIRD-PARTY.txt").read_text(encoding="utf-8")
        assert (folder / "licences" / "PSF-2.0.txt").is_file()


def test_the_service_worker_keeps_none_of_it() -> None:
    worker = (DIST / "service-worker.js").read_text(encoding="utf-8")
    assert [name for name in ("sbom.cdx", "THIRD-PARTY", "licences/") if name in worker] == []


def test_another_content_is_another_bill(bill: dict[str, Any], tmp_path: Path) -> None:
    shutil.copytree(DIST, tmp_path / "dist")
    (tmp_path / "dist" / "static" / "vendor" / "uplot" / "uPlot.min.css").write_text("")
    other = sbom.bill(ROOT, tmp_path / "dist", sbom.components(ROOT))
    same = sbom.bill(ROOT, DIST, sbom.components(ROOT))
    assert same["serialNumber"] == bill["serialNumber"] != other["serialNumber"]


# -- a list that is out of date ---------------------------------------------------------------


def outdated(tmp_path: Path, old: str, new: str) -> Path:
    """A repository whose list says `new` where it said `old`."""
    for name in ("node_modules", "package.json", "pyscript.toml"):
        (tmp_path / name).symlink_to(ROOT / name)
    text = (ROOT / sbom.LIST).read_text(encoding="utf-8")
    assert old in text
    (tmp_path / sbom.LIST).parent.mkdir(parents=True)
    (tmp_path / sbom.LIST).write_text(text.replace(old, new), encoding="utf-8")
    return tmp_path


@pytest.mark.parametrize(
    ("old", "new", "complaint"),
    [
        ('name = "uplot"', 'name = "chart"', "under npm, in chart, uplot"),
        ('name = "coincident"', 'name = "accident"', "under pyscript, in accident, coincident"),
        ('version = "0.21.7"', 'version = "0.22.0"', "tiktoken, in base64 0.21.7, base64 0.22.0"),
        ("expat_2.7.3", "expat_2.7.4", 'does not hold "expat_2.7.4".* knows expat 2.7.3'),
        ("static/vendor/uplot/*", "static/vendor/chart/*", "has no static/vendor/chart"),
    ],
)
def test_what_is_not_shipped_is_refused(
    tmp_path: Path, old: str, new: str, complaint: str
) -> None:
    root = outdated(tmp_path, old, new)
    with pytest.raises(sbom.SbomError, match=complaint):
        sbom.bill(root, DIST, sbom.components(root))

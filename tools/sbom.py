#!/usr/bin/env python3
"""Say what a built page contains that others wrote, and under which licences.

It adds to a built folder (``tools/build.py dist`` and ``tools/dropin.py``):

- ``sbom.cdx.json``: a bill of materials for programs, CycloneDX 1.6;
- ``THIRD-PARTY.txt``: the same for people;
- ``licences/``: the text of every licence, and ``LICENSE``, the dashboard's own.

``tools/licences/components.toml`` lists the components. Where the list and what is shipped
differ, as they will after an update, nothing is written and it says what to put right.
"""

from __future__ import annotations

import argparse
import json
import re
import shutil
import sys
import tomllib
import uuid
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import quote

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from tools import build
from tools.boot import digest

LIST = "tools/licences/components.toml"

#: How a Rust crate's source file is called in what it is compiled to.
CRATE = re.compile(rb"registry/src/[^/]+/([\w-]+)-(\d+\.\d+\.\d+)/")
NPM_NAME = re.compile(r"node_modules/((?:@[^/]+/)?[^/]+)/")

#: Files of an npm package in which what `seen` says must be found.
BINARIES = {"pyodide": "pyodide.asm.wasm", "tiktoken": "lite/tiktoken_bg.wasm"}
#: The kind of package that each table of the list holds, as package URLs call it.
KINDS = {"pyscript": "npm", "pyodide": "generic", "tiktoken": "cargo"}

#: What is copied away from the built folder, and takes its licences along.
DROPIN = "dropin/sessions-runtime"

THIRD_PARTY = """\
What this page contains that others wrote
=========================================

The page itself is under the licence in LICENSE. Below is every component that comes with it, its
version where it can be told, its licence (by its SPDX name), and where its text lies.
"""


class SbomError(Exception):
    """The list of components is not what is shipped; the message says what differs."""


class Component(NamedTuple):
    """Something that somebody else wrote, or the page itself."""

    name: str
    version: str | None
    licence: str
    text: Path
    purl: str
    files: tuple[str, ...] = ()
    parts: tuple[Component, ...] = ()

    @property
    def text_name(self) -> str:
        """Return the name of its licence's text below ``licences/``."""
        package = NPM_NAME.findall(self.text.as_posix())
        return (
            f"{package[-1].removeprefix('@').replace('/', '-')}.txt" if package else self.text.name
        )


# --- The list ------------------------------------------------------------------------


def components(root: Path) -> list[Component]:
    """Return the npm packages that are shipped, and what is inside them.

    Raises:
        SbomError: the list is not what is shipped.
    """
    listed = tomllib.loads((root / LIST).read_text(encoding="utf-8"))
    pinned = read_json(root / "package.json")["dependencies"]
    modules = root / "node_modules"
    check("npm", {entry["name"] for entry in listed["package"]}, set(pinned))
    check_pyscript(root, listed["pyscript"])
    check_crates(modules / "tiktoken" / BINARIES["tiktoken"], listed["tiktoken"])
    for name, binary in BINARIES.items():
        check_seen(modules / name / binary, listed[name])
    return [package(root, entry, pinned, listed) for entry in listed["package"]]


def package(
    root: Path, entry: Mapping[str, Any], pinned: Mapping[str, str], listed: Mapping[str, Any]
) -> Component:
    """Return one npm package and what is inside it."""
    held = entry.get("holds")
    parts = [component(root, KINDS[held], part) for part in listed[held]] if held else []
    whole = component(root, "npm", {**entry, "version": pinned[entry["name"]]})
    return whole._replace(files=tuple(entry["files"]), parts=tuple(parts))


def component(root: Path, kind: str, entry: Mapping[str, Any]) -> Component:
    """Return what one entry of the list says."""
    name, version, text = entry["name"], entry.get("version"), entry["text"]
    purl = f"pkg:{kind}/{quote(name)}" + (f"@{version}" if version else "")
    folder, file = root / "tools" / "licences", text
    if text.startswith("npm:"):
        folder, file = root / "node_modules", text.removeprefix("npm:")
    return Component(name, version, entry["licence"], folder / file, entry.get("purl", purl))


def check_pyscript(root: Path, listed: Iterable[Mapping[str, str]]) -> None:
    """Compare the list with the packages that the maps of PyScript's shipped files name."""
    names = {entry["name"] for entry in listed if "inside" not in entry}
    dist = root / "node_modules" / "@pyscript" / "core" / "dist"
    chunks = build.pyscript_chunks(dist, build.read_config(root).get("plugins", []))
    sources = [one for chunk in chunks for one in read_json(dist / f"{chunk}.map")["sources"]]
    check("pyscript", names, {NPM_NAME.findall(one)[-1] for one in sources if NPM_NAME.search(one)})


def check_crates(module: Path, listed: Iterable[Mapping[str, str]]) -> None:
    """Compare the list with the crates whose source files a WebAssembly module names."""
    names = {f"{entry['name']} {entry['version']}" for entry in listed if "purl" not in entry}
    found = {b" ".join(crate).decode() for crate in CRATE.findall(module.read_bytes())}
    check("tiktoken", names, found)


def check_seen(binary: Path, listed: Iterable[Mapping[str, str]]) -> None:
    """See to it that a binary holds what the list says is to be seen in it."""
    content = binary.read_bytes()
    for entry in listed:
        if entry.get("seen", "").encode() not in content:
            raise SbomError(
                f'{binary.name} does not hold "{entry["seen"]}", by which {LIST} knows '
                f"{entry['name']} {entry.get('version', '')}: see what it holds now."
            )


def check(table: str, listed: set[str], found: set[str]) -> None:
    """Compare names.

    Raises:
        SbomError: they differ.
    """
    if listed != found:
        names = ", ".join(sorted(listed ^ found))
        raise SbomError(f"{LIST} and what is shipped differ, under {table}, in {names}.")


def read_json(path: Path) -> Any:
    """Return what a JSON file holds."""
    return json.loads(path.read_text(encoding="utf-8"))


# --- The bill of materials --------------------------------------------------------------


def bill(root: Path, folder: Path, shipped: list[Component]) -> dict[str, Any]:
    """Return the bill of materials of a built folder, the same for the same content."""
    manifest = read_json(root / "package.json")
    own = {
        "type": "application",
        "bom-ref": manifest["name"],
        "name": manifest["name"],
        "version": manifest["version"],
        "licenses": licences(manifest["license"]),
    }
    content = {
        "$schema": "http://cyclonedx.org/schema/bom-1.6.schema.json",
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "version": 1,
        "metadata": {"component": own},
        "components": [described(each, folder) for each in shipped],
        "dependencies": [
            {"ref": manifest["name"], "dependsOn": [each.purl for each in shipped]},
            *(
                {"ref": each.purl, "dependsOn": [part.purl for part in each.parts]}
                for each in shipped
            ),
        ],
    }
    name = digest(json.dumps(content, sort_keys=True).encode())
    return {**content, "serialNumber": f"urn:uuid:{uuid.uuid5(uuid.NAMESPACE_OID, name)}"}


def described(one: Component, folder: Path) -> dict[str, Any]:
    """Return a component as CycloneDX has it; what is inside it and its files are nested."""
    nested = [described(part, folder) for part in one.parts]
    nested += [described_file(path, folder, one) for path in files_of(one, folder)]
    return {
        "type": "library",
        "bom-ref": one.purl,
        "name": one.name,
        **({"version": one.version} if one.version else {}),
        "purl": one.purl,
        "licenses": licences(one.licence),
        **({"components": nested} if nested else {}),
    }


def described_file(path: Path, folder: Path, owner: Component) -> dict[str, Any]:
    """Return a shipped file as CycloneDX has it."""
    name = path.relative_to(folder).as_posix()
    hashes = [{"alg": "SHA-256", "content": digest(path.read_bytes())}]
    return {"type": "file", "bom-ref": f"{owner.purl}#{name}", "name": name, "hashes": hashes}


def files_of(one: Component, folder: Path) -> list[Path]:
    """Return the shipped files that consist of a component, wholly or in part.

    Raises:
        SbomError: there are none where the list says so.
    """
    found: set[Path] = set()
    for pattern in one.files:
        paths = {path for path in folder.glob(pattern) if path.is_file()}
        if not paths:
            raise SbomError(f"{folder} has no {pattern}, which {LIST} names for {one.name}.")
        found |= paths
    return sorted(found)


def licences(expression: str) -> list[dict[str, Any]]:
    """Return a licence as CycloneDX has it: by id, or as an expression if it has none."""
    if " " in expression or expression.startswith("LicenseRef-"):
        return [{"expression": expression}]
    return [{"license": {"id": expression}}]


# --- For people -----------------------------------------------------------------------------


def third_party(shipped: Iterable[Component]) -> str:
    """Return the list of components for people."""
    lines = [THIRD_PARTY]
    for each in shipped:
        lines += ["", line(each), *(f"  {line(part)}" for part in each.parts)]
    return "\n".join(lines) + "\n"


def line(one: Component) -> str:
    """Return what people are told of one component."""
    title = f"{one.name} {one.version or ''}".rstrip()
    return f"{title}: {one.licence}, licences/{one.text_name}"


def write_notices(folder: Path, shipped: list[Component]) -> None:
    """Write the list for people and the texts of the licences into a folder."""
    texts = folder / "licences"
    shutil.rmtree(texts, ignore_errors=True)
    texts.mkdir()
    for one in [*shipped, *(part for each in shipped for part in each.parts)]:
        shutil.copyfile(one.text, texts / one.text_name)
    (folder / "THIRD-PARTY.txt").write_text(third_party(shipped), encoding="utf-8")


def fill(root: Path, folder: Path) -> None:
    """Write everything into a built folder; the drop-in, which travels alone, has its own part.

    Raises:
        SbomError: the list is not what is shipped.
    """
    shipped = components(root)
    content = json.dumps(bill(root, folder, shipped), indent=1, ensure_ascii=False)
    (folder / "sbom.cdx.json").write_text(f"{content}\n", encoding="utf-8")
    for place, there in (
        (folder, shipped),
        (folder / DROPIN, [one for one in shipped if one.name == "pyodide"]),
    ):
        write_notices(place, there)
        shutil.copyfile(root / "LICENSE", place / "LICENSE")


def main(arguments: list[str] | None = None) -> int:
    """Run the command; return its exit code."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--root", type=Path, default=build.ROOT, help="the repository")
    parser.add_argument("folder", nargs="?", type=Path, help="a built page (default: dist)")
    options = parser.parse_args(arguments)
    folder: Path = options.folder or options.root / "dist"
    if not (folder / DROPIN).is_dir():
        print(f"sbom: {folder / DROPIN} is missing: run `make dist`.", file=sys.stderr)
        return 1
    try:
        fill(options.root, folder)
    except SbomError as error:
        print(f"sbom: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())

#!/usr/bin/env python3
"""Build the dashboard: a folder that any static host can serve.

Three things can be built:

- ``dist``: the whole page, ready to be copied to a host. Every address in it is
  relative, so it also works below a sub-path, and nothing in it is fetched from
  another host.
- ``vendor``: only ``static/vendor``, which makes the repository's own
  ``index.html`` work from any static server, without packing anything.
- ``config``: the ``[files]`` table of ``pyscript.toml``, from what is in ``py/``.

It runs on the standard library alone and expects ``node_modules`` to hold the
versions that ``package.json`` pins (``make dist`` sees to that).
"""

from __future__ import annotations

import argparse
import html
import json
import re
import runpy
import shutil
import sys
import tempfile
import tomllib
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from tools import boot, precache, ranks

ROOT = Path(__file__).resolve().parent.parent

#: Named in messages: the two commands that put a half-made clone right.
HINT_INSTALL = "run `make vendor`, which installs what package-lock.json pins"
HINT_CONFIG = "run `make config`, which writes the table from what is in py/"

STATIC_FOLDERS = ("css", "icons", "js")

#: Pyodide's modules by the names that they are shipped under, and its other files.
PYODIDE_MODULES = {"pyodide.js": "pyodide.mjs", "pyodide.asm.js": "pyodide.asm.mjs"}
PYODIDE_FILES = ("pyodide.asm.wasm", "python_stdlib.zip", "pyodide-lock.json")
#: Put in front of Pyodide's loader, which waits for ever for WebAssembly that comes with another
#: type than its own. Whatever is no answer of a host is passed on as it is.
LOADER_START = """\
const WebAssembly = {
  __proto__: globalThis.WebAssembly,
  async instantiateStreaming(source, imports) {
    const answer = await source;
    const { instantiate, instantiateStreaming } = globalThis.WebAssembly;
    if (!(answer instanceof Response)) return instantiateStreaming(source, imports);
    const type = answer.headers.get("content-type");
    try {
      if (type === "application/wasm") return await instantiateStreaming(answer, imports);
      return await instantiate(await answer.arrayBuffer(), imports);
    } catch (error) {
      const what = `${answer.url} is no WebAssembly (status ${answer.status}, ${type})`;
      reportError(new Error(`${what}: ${error.message}`));
      throw error;
    }
  },
};
"""

UPLOT_FILES = ("uPlot.esm.js", "uPlot.min.css")
TIKTOKEN_MODULE = "tiktoken_bg.wasm"

#: PyScript loads this plugin even where it is off, to tell it so.
ALWAYS_LOADED = "error"

#: How a script names a module of its own host, which many hosts send with a type that browsers
#: refuse for scripts. PyScript's addresses on its CDN stay: the page's policy forbids them. Two
#: quotes in a row are a docstring's.
MODULE_NAME = re.compile(r"""(?<!`)(["'`](?!`|https:)[^"'`\s]*)\.mjs(?=["'`])""")

CHUNK_IMPORT = re.compile(r"""(?:\bfrom\s*|\bimport\s*\(?\s*)["'`]\./([\w.-]+\.js)["'`]""")
#: Loaded by the scripts of the page, or by PyScript: the browser hears of them at once.
PRELOADED = (
    "js/interpreter.js",
    "vendor/pyodide/pyodide.js",
    "vendor/pyodide/pyodide.asm.js",
    "js/pyscript.js",
    "js/micropython-off.js",
    "vendor/pyscript/core.js",
    "vendor/pyscript/core-*.js",
    "js/boot.js",
    "js/page.js",
    "js/bus.js",
    "js/frames.js",
    "js/socket.js",
)

NAMED_TEXT = re.compile(r'\bdata-i18n(?:-[a-z-]+)?="([^"]+)"')
SCRIPT_TAG = '<script type="py" src="py/start.py" config="pyscript.toml"></script>'
STAND_INS_TAG = '<script src="static/js/stand-ins.js"></script>\n  '
EARLY_TAG = '<script src="static/js/early.js"></script>'

#: What the first paint waits for. Files that stand next to each other in the page become one in
#: the built page, for every request takes its time, even to the browser's own cache.
FIRST = {
    "css/page.css": '<link rel="stylesheet" href="static/{}">',
    "js/first-screen.js": '<script src="static/{}"></script>',
}

PYODIDE_NOTICE = """\
Pyodide {version} ({homepage})
is distributed under the Mozilla Public License 2.0, whose text follows; its
source code is at the address above. It contains CPython, distributed under the
PSF License Agreement, Version 2.

"""
TIKTOKEN_NOTICE = """\
tiktoken {version} for WebAssembly ({repository[url]})
with the rank files of OpenAI's tiktoken, under the licence that follows.

"""


class BuildError(Exception):
    """The build cannot go on; the message says what is missing and what to do."""


# --- The repository's parts -------------------------------------------------


def python_sources(root: Path) -> list[str]:
    """List the Python files that PyScript imports, as sorted paths below ``py/``.

    The script is left out: the page names it itself, in its script tag. So is the drop-in,
    which other pages load.
    """
    folder = root / "py"
    names = sorted(
        path.relative_to(folder).as_posix()
        for path in folder.rglob("*.py")
        if "__pycache__" not in path.parts
    )
    return [name for name in names if name != boot.SCRIPT and not name.startswith("dropin/")]


def read_config(root: Path) -> dict[str, Any]:
    """Read ``pyscript.toml``."""
    return tomllib.loads(_existing(root / "pyscript.toml").read_text(encoding="utf-8"))


def files_table(root: Path) -> dict[str, str]:
    """Return the ``[files]`` table that ``pyscript.toml`` must have."""
    return {f"./py/{name}": f"./{name}" for name in python_sources(root)}


def write_config(root: Path) -> None:
    """Rewrite the ``[files]`` table, which must be the last one of ``pyscript.toml``."""
    path = _existing(root / "pyscript.toml")
    head, table, _ = path.read_text(encoding="utf-8").partition("\n[files]\n")
    if not table:
        raise BuildError(f"{path} has no [files] table to write to.")
    lines = [f'"{source}" = "{target}"\n' for source, target in files_table(root).items()]
    path.write_text(head + table + "".join(lines), encoding="utf-8")


def check_config(root: Path) -> dict[str, Any]:
    """Return the config, after checking that it lists exactly the files there are.

    Raises:
        BuildError: it lists a file that does not exist, or misses one.
    """
    config = read_config(root)
    listed = config.get("files", {})
    expected = files_table(root)
    if listed != expected:
        wrong = sorted(set(listed.items()) ^ set(expected.items()))
        names = ", ".join(source for source, _ in wrong)
        raise BuildError(f"pyscript.toml and py/ differ in {names}: {HINT_CONFIG}.")
    return config


# --- What npm brought ---------------------------------------------------------


def _package(root: Path, name: str) -> tuple[Path, dict[str, Any]]:
    """Return an npm package's folder and manifest, after checking its version."""
    pinned = json.loads(_existing(root / "package.json").read_text(encoding="utf-8"))
    wanted = pinned["dependencies"][name]
    folder = root / "node_modules" / name
    if not folder.is_dir():
        raise BuildError(f"node_modules has no {name}: {HINT_INSTALL}.")
    manifest = json.loads((folder / "package.json").read_text(encoding="utf-8"))
    if manifest["version"] != wanted:
        raise BuildError(
            f"node_modules has {name} {manifest['version']}, "
            f"package.json pins {wanted}: {HINT_INSTALL}."
        )
    return folder, manifest


def pyscript_chunks(dist: Path, plugins: list[str]) -> list[str]:
    """List the files of PyScript's build that the page can come to load.

    PyScript is split into chunks with hashed names that import each other. The
    list is what can be reached from ``core.js`` without entering a plugin that
    the config turns off (``"!py-editor"``): a plugin that is turned on later
    brings its chunks along by itself.
    """
    off = {plugin[1:] for plugin in plugins if plugin.startswith("!")}
    unused = tuple(off - {ALWAYS_LOADED})
    found: set[str] = set()
    waiting = ["core.js"]
    while waiting:
        name = waiting.pop()
        if name in found or name.startswith(unused):
            continue
        found.add(name)
        waiting += CHUNK_IMPORT.findall(_existing(dist / name).read_text(encoding="utf-8"))
    return sorted(found)


def vendor(root: Path, target: Path) -> None:
    """Fill ``target`` with what the page needs of the npm packages, and their licences."""
    _replace(target, lambda folder: _fill_vendor(root, folder))


def _fill_vendor(root: Path, folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "words.js").write_text(words_script(root), encoding="utf-8")
    plugins = read_config(root).get("plugins", [])

    package, _ = _package(root, "@pyscript/core")
    chunks = pyscript_chunks(package / "dist", plugins)
    _copy_modules(package / "dist", folder / "pyscript", {name: name for name in chunks})
    _copy(package / "dist", folder / "pyscript", ["core.css"])
    _copy(package, folder / "pyscript", ["LICENSE"])

    package, manifest = _package(root, "pyodide")
    _copy(package, folder / "pyodide", PYODIDE_FILES)
    _copy_modules(package, folder / "pyodide", PYODIDE_MODULES)
    loader = folder / "pyodide" / "pyodide.js"
    loader.write_text(LOADER_START + loader.read_text(encoding="utf-8"), encoding="utf-8")
    # The npm package says "MPL-2.0" but does not carry the text.
    notice = PYODIDE_NOTICE.format(**manifest)
    text = _existing(root / "tools" / "licences" / "MPL-2.0.txt").read_text(encoding="utf-8")
    (folder / "pyodide" / "LICENSE").write_text(notice + text, encoding="utf-8")

    package, _ = _package(root, "uplot")
    _copy(package / "dist", folder / "uplot", UPLOT_FILES)
    _copy(package, folder / "uplot", ["LICENSE"])

    package, manifest = _package(root, "tiktoken")
    _fill_tiktoken(package, folder / "tiktoken")
    notice = TIKTOKEN_NOTICE.format(**manifest)
    text = _existing(root / "tools" / "licences" / "tiktoken-MIT.txt").read_text(encoding="utf-8")
    (folder / "tiktoken" / "LICENSE").write_text(notice + text, encoding="utf-8")
    check_modules(folder)


def _fill_tiktoken(package: Path, folder: Path) -> None:
    """Write the tokenizer and its encodings, compressed: only who counts tokens loads them."""
    _copy(package / "lite", folder, ["tiktoken_bg.js"])
    module = _existing(package / "lite" / TIKTOKEN_MODULE).read_bytes()
    (folder / f"{TIKTOKEN_MODULE}.gz").write_bytes(ranks.compress(module))
    for name in ranks.DIGESTS:
        try:
            encoder, _ = ranks.read_encoder(package, name)
        except ranks.RanksError as error:
            raise BuildError(str(error)) from error
        (folder / f"{name}.json.gz").write_bytes(ranks.compress(encoder))


def words_script(root: Path) -> str:
    """Return a script with the texts that the page shows before Python is up, by language.

    They are those that ``index.html`` names, and what its scripts say of the start; English is
    in ``index.html`` itself.
    """
    catalogue = runpy.run_path(str(_existing(root / "py" / "views" / "catalogue.py")))
    page = _existing(root / "index.html").read_text(encoding="utf-8")
    named = set(NAMED_TEXT.findall(page))
    words = {
        language: {
            key: texts[column]
            for key, texts in catalogue["CATALOGUE"].items()
            if key.startswith("boot.") or (column and key in named)
        }
        for column, language in enumerate(catalogue["LANGUAGES"])
    }
    text = json.dumps(words, ensure_ascii=False, indent=1, sort_keys=True)
    return f"window.kimiWords = {text};\n"


# --- The page -------------------------------------------------------------------


def dist(root: Path, target: Path, take: boot.Take = boot.take) -> None:
    """Build the whole page into ``target``, which is replaced only when all went well.

    Args:
        root: the repository.
        target: where to.
        take: takes the snapshot of Python's memory.
    """
    config = check_config(root)
    _replace(target, lambda folder: _fill_dist(root, folder, config, take))


def _fill_dist(root: Path, folder: Path, config: dict[str, Any], take: boot.Take) -> None:
    for name in STATIC_FOLDERS:
        shutil.copytree(
            _existing(root / "static" / name),
            folder / "static" / name,
            copy_function=shutil.copyfile,
            ignore=shutil.ignore_patterns(".*", "dropin"),
        )
    static = folder / "static"
    _fill_vendor(root, static / "vendor")
    config = packed_config(config)
    pyscript, _ = _package(root, "@pyscript/core")
    pyodide, _ = _package(root, "pyodide")
    try:
        stamp = boot.fill(
            static / "boot",
            pyodide=pyodide,
            library=boot.pyscript_library(pyscript / "dist"),
            sources={
                name: (root / "py" / name).read_text(encoding="utf-8")
                for name in python_sources(root)
            },
            config=config,
            take=take,
        )
    except boot.BootError as error:
        raise BuildError(str(error)) from error
    page = packed_page(root, config, {**stamp, "sizes": boot.sizes(static / "boot")})
    for part in ("early", "load"):
        _append(static / "js" / f"{part}.js", static / "js" / "stand-ins.js")
    (static / "js" / "stand-ins.js").rename(static / "js" / "early.js")
    for name, tag in FIRST.items():
        page = join(page, static, name, tag)
    page = preloading(page, static)
    (folder / "index.html").write_text(page, encoding="utf-8")
    check_modules(folder)
    try:
        precache.turn_on(root, folder)
    except precache.PrecacheError as error:
        raise BuildError(str(error)) from error


def packed_config(config: dict[str, Any]) -> dict[str, Any]:
    """Return the built page's config: Python and its files come from ``static/boot``."""
    packed = {name: value for name, value in config.items() if name != "files"}
    return {**packed, "interpreter": "./static/js/interpreter.js"}


def packed_page(root: Path, config: dict[str, Any], stamp: dict[str, Any]) -> str:
    """Return ``index.html`` with the config and the script in it; the first script has a stamp."""
    text = html.escape(json.dumps(stamp, sort_keys=True))
    early = EARLY_TAG.replace("></", f' data-stamp="{text}"></')
    script = _existing(root / "py" / boot.SCRIPT).read_text(encoding="utf-8")
    attribute = html.escape(json.dumps(config, sort_keys=True))
    page = _existing(root / "index.html").read_text(encoding="utf-8")
    for tag, built in (
        (STAND_INS_TAG, ""),
        (EARLY_TAG, early),
        (SCRIPT_TAG, f'<script type="py" config="{attribute}">\n{script}</script>'),
    ):
        if page.count(tag) != 1:
            raise BuildError(f"index.html must say {tag} exactly once.")
        page = page.replace(tag, built)
    return page


def preloading(page: str, static: Path) -> str:
    """Have a page fetch at once what it needs: for the first paint first, then for Python."""
    script, style = "js/first-screen.js", FIRST["css/page.css"].format("css/page.css")
    modules = [
        path.relative_to(static).as_posix()
        for pattern in PRELOADED
        for path in sorted(static.glob(pattern))
    ]
    tags = [f'<link rel="preload" as="script" href="static/{script}">']
    tags += [f'<link rel="modulepreload" href="static/{name}">' for name in modules]
    return page.replace(style, "\n  ".join([style, *tags]))


def join(page: str, static: Path, name: str, tag: str) -> str:
    """Make one file of those that the page asks for with one ``tag`` right after the other.

    Args:
        page: its HTML.
        static: the folder of the files, which are replaced by the new one.
        name: the new file's.
        tag: how the page asks for a file, with ``{}`` in the place of its name.

    Returns:
        The page that asks for the new file.
    """
    one = re.escape(tag).replace(re.escape("{}"), r'([^"]+)')
    runs = re.findall(rf"(?:{one.replace('(', '(?:')}\s*){{2,}}", page)
    if len(runs) != 1:
        raise BuildError(f"index.html must say {tag} twice or more in one place.")
    names = re.findall(one, runs[0])
    for each in names:
        _append(static / each, static / name)
    return page.replace(runs[0].rstrip(), tag.format(name))


# --- Files ------------------------------------------------------------------------


def _existing(path: Path) -> Path:
    if not path.exists():
        raise BuildError(f"{path} is missing.")
    return path


def _copy(source: Path, target: Path, names: Iterable[str]) -> None:
    """Copy files by name, without their time and mode, which differ between machines."""
    target.mkdir(parents=True, exist_ok=True)
    for name in names:
        shutil.copyfile(_existing(source / name), target / name)


def _copy_modules(source: Path, target: Path, names: Mapping[str, str]) -> None:
    """Copy npm's modules, which are named in ``source`` by what they become; all become ``.js``."""
    target.mkdir(parents=True, exist_ok=True)
    for name, original in names.items():
        text = _existing(source / original).read_text(encoding="utf-8")
        (target / name).write_text(MODULE_NAME.sub(r"\1.js", text), encoding="utf-8")


def check_modules(folder: Path) -> None:
    """Make sure that no module that the page can ask for is called ``.mjs``.

    Raises:
        BuildError: a file is called so, or a script or page names one.
    """
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder)
        if path.suffix == ".mjs":
            raise BuildError(f"{name} must be called .js: stock nginx has no type for .mjs.")
        if path.suffix not in (".html", ".js"):
            continue
        found = MODULE_NAME.search(html.unescape(path.read_text(encoding="utf-8")))
        if found is not None:
            raise BuildError(f"{name} names {found[0][1:]}, which must be shipped as .js.")


def _append(source: Path, target: Path) -> None:
    """Put a file's text at the end of another's, and remove it."""
    with target.open("a", encoding="utf-8") as file:
        file.write(_existing(source).read_text(encoding="utf-8"))
    source.unlink()


def _replace(target: Path, fill: Callable[[Path], None]) -> None:
    """Fill a new folder beside ``target`` and swap the two: nobody sees half a build."""
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=f".{target.name}-", dir=target.parent) as scratch:
        new = Path(scratch, "new")
        new.mkdir()
        fill(new)
        if target.exists():
            target.rename(Path(scratch, "old"))
        new.rename(target)


# --- The command ------------------------------------------------------------------


def parse(arguments: list[str] | None = None) -> argparse.Namespace:
    """Parse the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "what",
        nargs="?",
        choices=("dist", "vendor", "config"),
        default="dist",
        help="what to build",
    )
    parser.add_argument(
        "--root", type=Path, default=ROOT, help="the repository (default: this one)"
    )
    parser.add_argument(
        "--out", type=Path, help="where to (default: dist or static/vendor in the repository)"
    )
    return parser.parse_args(arguments)


def main(arguments: list[str] | None = None) -> int:
    """Run the command; return its exit code."""
    options = parse(arguments)
    root = options.root.resolve()
    try:
        if options.what == "config":
            write_config(root)
        elif options.what == "vendor":
            vendor(root, options.out or root / "static" / "vendor")
        else:
            folder = options.out or root / "dist"
            dist(root, folder)
            print(f"{folder} is ready for any static host: it needs no server configuration.")
    except BuildError as error:
        print(f"build: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())

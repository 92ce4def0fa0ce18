"""The build and set-up, and that the files they go by agree with each other."""

from __future__ import annotations

import gzip
import hashlib
import html
import json
import os
import re
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

if sys.platform == "emscripten":
    pytest.skip("the tools run on a person's machine only", allow_module_level=True)


from tools import audit, boot, build, chromium, precache, ranks, setup

ROOT = build.ROOT
VERSIONS = {"@pyscript/core": "1.2.3", "pyodide": "4.5.6", "tiktoken": "3.2.1", "uplot": "7.8.9"}
CATALOGUE = """
LANGUAGES = ("en", "fr")
CATALOGUE = {"a": ("A", "À"), "b": ("B", "B."), "c": ("C", "C."), "boot.x": ("X", "X.")}
"""
LOADER = "const load = (folder) => import(`${folder}pyodide.asm.mjs`);"
TINY = hashlib.sha256(b"YQ== 0\nYg== 1\nYWI= 7\n").hexdigest()
"""The digest of three ranks, written as tiktoken writes them."""


# --- The repository itself ----------------------------------------------------------


def test_pyscript_toml_lists_the_files_that_exist() -> None:
    assert build.read_config(ROOT)["files"] == build.files_table(ROOT), build.HINT_CONFIG


def test_both_lists_of_plugins_are_the_same() -> None:
    script = (ROOT / "static" / "js" / "micropython-off.js").read_text(encoding="utf-8")
    assert re.findall(r'"(![\w-]+)"', script) == build.read_config(ROOT)["plugins"]


def test_the_lock_files_name_no_registry() -> None:
    for lock in (ROOT / "requirements").glob("*.txt"):
        text = lock.read_text(encoding="utf-8")
        assert "://" not in text, lock
        assert "--index" not in text, lock
    packages = json.loads((ROOT / "package-lock.json").read_text(encoding="utf-8"))["packages"]
    assert [name for name, package in packages.items() if "resolved" in package] == []


def test_every_pinned_package_has_a_digest() -> None:
    for lock in (ROOT / "requirements").glob("*.txt"):
        for requirement in re.split(r"\n(?=\S)", lock.read_text(encoding="utf-8")):
            assert requirement.startswith("#") or "--hash=sha256:" in requirement, requirement


def test_node_is_as_new_as_package_json_wants() -> None:
    manifest = json.loads((ROOT / "package.json").read_text(encoding="utf-8"))
    assert manifest["engines"]["node"] == f">={setup.NODE_MINIMUM}"


TOOLS = [
    path.name
    for path in sorted((ROOT / "tools").glob("*.*"))
    if path.suffix in (".py", ".sh") and path.read_bytes().startswith(b"#!")
]


@pytest.mark.parametrize("tool", TOOLS)
def test_every_tool_has_a_help_and_can_be_started_by_its_name(tool: str) -> None:
    path = ROOT / "tools" / tool
    assert os.access(path, os.X_OK)
    command = [sys.executable, str(path)] if tool.endswith(".py") else [str(path)]
    answer = subprocess.run([*command, "--help"], capture_output=True, text=True, check=True)
    assert f"usage: {tool}" in answer.stdout.replace("tools/", "")


# --- The build ----------------------------------------------------------------------


def write(path: Path, text: str = "") -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A repository with one of everything, and npm packages of a few bytes."""
    root = tmp_path / "repository"
    page = [
        build.STAND_INS_TAG + build.EARLY_TAG,
        *(build.FIRST["css/page.css"].format(f"css/{name}.css") for name in "ab"),
        '</head><p data-i18n="a" data-i18n-title="b">',
        *(
            build.FIRST["js/first-screen.js"].format(name)
            for name in ("vendor/words.js", "js/l.js")
        ),
        build.SCRIPT_TAG,
    ]
    write(root / "index.html", "\n  ".join(page))
    for name in (
        "css/a.css",
        "css/b.css",
        "js/l.js",
        "js/stand-ins.js",
        "js/early.js",
        "js/load.js",
    ):
        write(root / "static" / name, f"/* {name} */\n")
    write(root / "py" / "views" / "catalogue.py", CATALOGUE)
    write(root / "static" / precache.WORKER, "BUILD;\n")
    write(
        root / "pyscript.toml",
        'plugins = ["!error", "!big"]\n[js_modules.main]\n"./p.js" = "page"\n\n[files]\n',
    )
    write(root / "py" / "start.py", "import sessions\n")
    write(root / "py" / "main.py", "import json\n\ndef later():\n    import sessions, re\n")
    write(root / "py" / "demo" / "__init__.py", "import csv\n")
    write(root / "py" / "sessions" / "__init__.py")
    write(root / "py" / "sessions" / "core.py", "NAME = 'core'\n")
    write(root / "py" / "sessions" / "__pycache__" / "core.py")
    for name in build.STATIC_FOLDERS:
        write(root / "static" / name / "file.txt", name)
    write(root / "tools" / "licences" / "MPL-2.0.txt", "Mozilla")
    write(root / "tools" / "licences" / "tiktoken-MIT.txt", "MIT")
    write(root / "package.json", json.dumps({"dependencies": VERSIONS}))
    for name, version in VERSIONS.items():
        folder = root / "node_modules" / name
        manifest = {"version": version, "homepage": "home", "repository": {"url": "home"}}
        write(folder / "package.json", json.dumps(manifest))
        write(folder / "LICENSE", name)
    pyscript = root / "node_modules" / "@pyscript" / "core" / "dist"
    write(pyscript / "core.js", 'export{a as b}from"./core-1.js";')
    write(
        pyscript / "core-1.js", 'import("./big-2.js"),import("./error-3.js"),import("./toml-4.js")'
    )
    write(pyscript / "error-3.js", 'import{a}from"./core-1.js"')
    for name in ("toml-4.js", "big-2.js", "never-5.js", "core.css"):
        write(pyscript / name)
    library = 'export default {"pyscript": {"web.py": "WEB = 1", "sub": {"x.py": ""}}};'
    chart = {"sources": ["../a.js", "../src/stdlib/pyscript.js"], "sourcesContent": ["", library]}
    write(pyscript / "core-1.js.map", json.dumps(chart))
    for name in build.PYODIDE_FILES:
        write(root / "node_modules" / "pyodide" / name, "{}")
    write(root / "node_modules" / "pyodide" / "pyodide.mjs", LOADER)
    write(
        root / "node_modules" / "pyodide" / "pyodide.asm.mjs",
        'const own = "pyodide.asm.mjs"; const cdn = (v) => `https://cdn/${v}/python.mjs`;',
    )
    for name in build.UPLOT_FILES:
        write(root / "node_modules" / "uplot" / "dist" / name)
    tiktoken = root / "node_modules" / "tiktoken"
    write(tiktoken / "encoders" / "tiny.json", json.dumps({"bpe_ranks": "! 0 YQ== Yg==\n! 7 YWI="}))
    monkeypatch.setattr(ranks, "DIGESTS", {"tiny": TINY})
    for name in ("tiktoken_bg.js", "tiktoken_bg.wasm"):
        write(tiktoken / "lite" / name, name)
    build.write_config(root)
    return root


def contents(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def fake_snapshot(order: Mapping[str, Any]) -> bytes:
    """What stands for a snapshot: the order itself."""
    return json.dumps({**order, "pyodide": ""}, sort_keys=True).encode()


def make(repository: Path, name: str = "dist") -> Path:
    """Build the page; its snapshot is the order for one."""
    build.dist(repository, repository / name, fake_snapshot)
    return repository / name


def packed(page: Path, kind: str) -> bytes:
    [path] = (page / "static" / "boot").glob(f"{kind}-*.pack")
    return gzip.decompress(path.read_bytes())


def test_the_built_page_has_what_it_needs_and_no_more(repository: Path) -> None:
    page = make(repository)
    boot_files = {path.relative_to(page).as_posix() for path in page.glob("static/boot/*")}
    assert len(boot_files) == 3
    assert set(contents(page)) == {
        "index.html",
        "service-worker.js",
        "static/css/file.txt",
        "static/css/page.css",
        "static/icons/file.txt",
        "static/js/early.js",
        "static/js/file.txt",
        "static/js/first-screen.js",
        *boot_files,
        *(f"static/vendor/pyodide/{name}" for name in (*build.PYODIDE_FILES, "LICENSE")),
        *(f"static/vendor/pyodide/{name}" for name in build.PYODIDE_MODULES),
        *(f"static/vendor/uplot/{name}" for name in (*build.UPLOT_FILES, "LICENSE")),
        "static/vendor/tiktoken/LICENSE",
        "static/vendor/tiktoken/tiktoken_bg.js",
        "static/vendor/tiktoken/tiktoken_bg.wasm.gz",
        "static/vendor/tiktoken/tiny.json.gz",
        "static/vendor/pyscript/LICENSE",
        "static/vendor/pyscript/core.css",
        "static/vendor/pyscript/core.js",
        "static/vendor/pyscript/core-1.js",
        "static/vendor/pyscript/error-3.js",
        "static/vendor/pyscript/toml-4.js",
    }


def test_modules_have_names_that_every_host_sends_as_scripts(repository: Path) -> None:
    folder = make(repository) / "static" / "vendor" / "pyodide"
    loader = (folder / "pyodide.js").read_text(encoding="utf-8")
    assert loader == build.LOADER_START + LOADER.replace(".mjs", ".js")
    interpreter = (folder / "pyodide.asm.js").read_text(encoding="utf-8")
    assert 'own = "pyodide.asm.js"' in interpreter
    assert "`https://cdn/${v}/python.mjs`" in interpreter  # the page can reach no such host


@pytest.mark.parametrize(
    ("name", "text", "complaint"),
    [
        ("static/js/own.mjs", "", r"own\.mjs must be called \.js"),
        ("static/js/own.js", 'import("./other.mjs");', r"own\.js names \./other\.mjs"),
        ("index.html", '<a b="&quot;x.mjs&quot;">', r"index\.html names x\.mjs"),
    ],
)
def test_a_module_that_many_hosts_send_with_a_wrong_type_ends_the_build(
    repository: Path, name: str, text: str, complaint: str
) -> None:
    path = repository / name
    before = path.read_text(encoding="utf-8") if path.exists() else ""
    write(path, before + text)
    with pytest.raises(build.BuildError, match=complaint):
        make(repository)


def test_the_large_files_are_named_and_checked_by_their_content(repository: Path) -> None:
    page = make(repository)
    text = (page / "index.html").read_text(encoding="utf-8")
    [attribute] = re.findall(r'data-stamp="([^"]*)"', text)
    stamp = json.loads(html.unescape(attribute))
    assert stamp["pyodide"] == VERSIONS["pyodide"]
    for kind in ("wasm", "snapshot", "sources"):
        assert stamp[kind] == boot.digest(packed(page, kind))
        assert (page / "static" / "boot" / f"{kind}-{stamp[kind][:16]}.pack").is_file()
    assert json.loads(packed(page, "snapshot"))["stamp"] == {
        name: stamp[name] for name in ("pyodide", "wasm", "sources")
    }


def test_the_sources_travel_in_one_file(repository: Path) -> None:
    assert json.loads(packed(make(repository), "sources")) == {
        "demo/__init__.py": "import csv\n",
        "main.py": "import json\n\ndef later():\n    import sessions, re\n",
        "pyscript/sub/x.py": "",
        "pyscript/web.py": "WEB = 1",
        "sessions/__init__.py": "",
        "sessions/core.py": "NAME = 'core'\n",
        "views/catalogue.py": CATALOGUE,
    }


def test_what_is_said_before_python_is_up_comes_from_the_catalogue(repository: Path) -> None:
    build.vendor(repository, repository / "vendor")
    script = (repository / "vendor" / "words.js").read_text(encoding="utf-8")
    words = json.loads(script.removeprefix("window.kimiWords = ").removesuffix(";\n"))
    assert words == {"en": {"boot.x": "X"}, "fr": {"a": "À", "b": "B.", "boot.x": "X."}}


def test_the_first_paint_waits_for_few_files(repository: Path) -> None:
    page = make(repository)
    text = (page / "index.html").read_text(encoding="utf-8")
    assert re.findall(r'<link rel="stylesheet" href="([^"]+)">', text) == ["static/css/page.css"]
    assert re.findall(r'<script src="([^"]+)"></script>', text) == ["static/js/first-screen.js"]
    styles = (page / "static" / "css" / "page.css").read_text(encoding="utf-8")
    assert styles == "/* css/a.css */\n/* css/b.css */\n"
    script = (page / "static" / "js" / "first-screen.js").read_text(encoding="utf-8")
    assert script.startswith("window.kimiWords = ")
    assert script.endswith("/* js/l.js */\n")
    early = (page / "static" / "js" / "early.js").read_text(encoding="utf-8")
    assert early == "/* js/stand-ins.js */\n/* js/early.js */\n/* js/load.js */\n"


def test_files_that_do_not_stand_together_are_not_joined(repository: Path) -> None:
    page = (repository / "index.html").read_text(encoding="utf-8")
    write(repository / "index.html", page.replace('<link rel="stylesheet"', "<meta><link", 1))
    with pytest.raises(build.BuildError, match="twice or more in one place"):
        make(repository)


def test_the_snapshot_holds_all_but_what_comes_later(repository: Path) -> None:
    order = json.loads(packed(make(repository), "snapshot"))
    assert order["modules"] == [
        "json",
        "re",
        "pyscript",
        "main",
        "sessions",
        "sessions.core",
        "views.catalogue",
    ]
    assert order["scripts"] == ["page"]


def test_the_built_page_has_its_config_and_its_script_inside(repository: Path) -> None:
    text = (make(repository) / "index.html").read_text(encoding="utf-8")
    tags = re.findall(r'<script type="py" config="([^"]*)">\n([^<]*)</script>', text)
    [(config, script)] = [(json.loads(html.unescape(config)), code) for config, code in tags]
    assert config == {
        "interpreter": "./static/js/interpreter.js",
        "js_modules": {"main": {"./p.js": "page"}},
        "plugins": ["!error", "!big"],
    }
    assert script == "import sessions\n"
    assert '<link rel="modulepreload" href="static/vendor/pyscript/core-1.js">' in text


def test_without_pyscripts_library_nothing_is_built(repository: Path) -> None:
    (repository / "node_modules" / "@pyscript" / "core" / "dist" / "core-1.js.map").unlink()
    with pytest.raises(build.BuildError, match="no source map with PyScript's Python library"):
        make(repository)


def test_a_snapshot_that_cannot_be_taken_says_why(repository: Path) -> None:
    with pytest.raises(boot.BootError, match=r"could not be taken:\n(.|\n)*TypeError"):
        boot.take({"pyodide": str(repository / "node_modules" / "pyodide"), "sources": {}})


def test_two_builds_are_the_same_bytes(repository: Path) -> None:
    make(repository, "one")
    for path in repository.joinpath("py").rglob("*.py"):
        os.utime(path, (1, 1))
    make(repository, "two")
    assert contents(repository / "one") == contents(repository / "two")


def test_a_build_that_fails_leaves_the_last_one_alone(repository: Path) -> None:
    make(repository)
    before = contents(repository / "dist")
    (repository / "py" / "start.py").unlink()
    with pytest.raises(build.BuildError, match=r"start\.py is missing"):
        make(repository)
    assert contents(repository / "dist") == before
    assert [path.name for path in repository.iterdir() if path.name.startswith(".")] == []


def test_a_file_that_the_config_does_not_list_is_named(repository: Path) -> None:
    write(repository / "py" / "views" / "feed.py")
    with pytest.raises(
        build.BuildError, match=r"differ in \./py/views/feed\.py: run `make config`"
    ):
        make(repository)
    build.write_config(repository)
    make(repository)


def test_a_page_without_the_script_is_refused(repository: Path) -> None:
    write(repository / "index.html", build.EARLY_TAG)
    with pytest.raises(build.BuildError, match="exactly once"):
        make(repository)


def test_another_version_than_the_pinned_one_is_refused(repository: Path) -> None:
    write(repository / "node_modules" / "uplot" / "package.json", '{"version": "7.0.0"}')
    with pytest.raises(build.BuildError, match=r"has uplot 7\.0\.0, package\.json pins 7\.8\.9"):
        build.vendor(repository, repository / "vendor")


def test_packages_that_were_not_installed_are_named(
    repository: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (repository / "node_modules" / "pyodide").rename(repository / "elsewhere")
    assert build.main(["vendor", "--root", str(repository)]) == 1
    assert capsys.readouterr().err.startswith("build: node_modules has no pyodide: run `make")


def test_a_plugin_that_is_turned_on_brings_its_chunks(repository: Path) -> None:
    chunks = repository / "node_modules" / "@pyscript" / "core" / "dist"
    assert "big-2.js" in build.pyscript_chunks(chunks, [])
    assert "big-2.js" not in build.pyscript_chunks(chunks, ["!big"])
    assert "never-5.js" not in build.pyscript_chunks(chunks, [])


# --- The tokenizer's ranks ----------------------------------------------------------


def test_the_page_gets_the_tokenizer_compressed_and_with_its_licence(repository: Path) -> None:
    build.vendor(repository, repository / "vendor")
    folder = repository / "vendor" / "tiktoken"
    encoder = repository / "node_modules" / "tiktoken" / "encoders" / "tiny.json"
    assert gzip.decompress((folder / "tiny.json.gz").read_bytes()) == encoder.read_bytes()
    assert gzip.decompress((folder / "tiktoken_bg.wasm.gz").read_bytes()) == b"tiktoken_bg.wasm"
    assert "MIT" in (folder / "LICENSE").read_text(encoding="utf-8")


def test_ranks_that_are_not_tiktoken_s_are_refused(repository: Path) -> None:
    package = repository / "node_modules" / "tiktoken"
    write(package / "encoders" / "tiny.json", json.dumps({"bpe_ranks": "! 0 YQ== YWI="}))
    with pytest.raises(build.BuildError, match=r"tiny\.json does not hold the ranks"):
        build.vendor(repository, repository / "vendor")
    with pytest.raises(ranks.RanksError, match=r"tiny\.json does not hold the ranks"):
        ranks.fill_cache(package, repository / "cache")


def test_the_cache_is_what_tiktoken_looks_for(repository: Path) -> None:
    package, folder = repository / "node_modules" / "tiktoken", repository / "cache"
    [path] = ranks.fill_cache(package, folder).iterdir()
    assert path == ranks.cached_file(folder, "tiny")
    assert hashlib.sha256(path.read_bytes()).hexdigest() == TINY
    path.write_bytes(b"half a f")
    ranks.fill_cache(package, folder)
    assert hashlib.sha256(path.read_bytes()).hexdigest() == TINY


# --- Set-up -------------------------------------------------------------------------


def test_a_stamp_goes_by_what_is_in_the_files(tmp_path: Path) -> None:
    lock, stamp = tmp_path / "lock", tmp_path / "stamp"
    write(lock, "one")
    assert not setup.is_done(stamp, setup.digest([lock]))
    write(stamp, setup.digest([lock]))
    os.utime(lock, (1, 1))
    assert setup.is_done(stamp, setup.digest([lock]))
    write(lock, "two")
    assert not setup.is_done(stamp, setup.digest([lock]))


def program(path: Path, script: str) -> Path:
    write(path, f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)
    return path


@pytest.mark.parametrize(
    ("script", "version"), [("echo v24.1.0", 24), ("echo nonsense", 0), ("exit 1", 0)]
)
def test_the_version_of_node_is_read(tmp_path: Path, script: str, version: int) -> None:
    assert setup.node_version(str(program(tmp_path / "node", script))) == version
    assert setup.node_version(str(tmp_path / "missing")) == 0


def test_an_old_node_is_not_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program(tmp_path / "npm", "exit 0")
    program(tmp_path / "node", "echo v18.20.0")
    monkeypatch.setenv("PATH", str(tmp_path))
    assert setup.system_node() is None
    program(tmp_path / "node", "echo v20.0.0")
    assert setup.system_node() == (tmp_path / "node", [str(tmp_path / "npm")])


def test_a_command_that_fails_is_named() -> None:
    with pytest.raises(setup.SetupError, match="`false` failed"):
        setup.run("false")


@pytest.mark.parametrize(
    ("script", "sentence"),
    [
        ("exit 1", "Python 3.11 or newer was not found"),
        (
            'case "$2" in *ensurepip*) exit 1;; *print*) echo 3.13;; esac',
            "install the package python3.13-venv",
        ),
    ],
)
def test_a_machine_without_a_usable_python_is_told_so(
    tmp_path: Path, script: str, sentence: str
) -> None:
    program(tmp_path / "python3", script)
    answer = subprocess.run(
        ["/bin/sh", str(ROOT / "tools" / "python.sh")],
        capture_output=True,
        text=True,
        env={"PATH": str(tmp_path)},
    )
    assert answer.returncode == 1
    assert sentence in answer.stderr


@pytest.fixture
def no_debian_chromium(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    monkeypatch.setattr(chromium, "WHOLE", tmp_path / "whole")
    monkeypatch.setattr(chromium, "SHELL", tmp_path / "shell")
    return lambda value: monkeypatch.setenv("CHROMIUM", value)


def test_tests_prefer_the_shell_and_measurements_the_browser(
    tmp_path: Path, no_debian_chromium: Callable[[str], None]
) -> None:
    no_debian_chromium("")
    whole = program(tmp_path / "whole", "exit 0")
    assert chromium.executable() == chromium.executable(whole=True) == whole
    shell = program(tmp_path / "shell", "exit 0")
    assert chromium.executable() == shell
    assert chromium.executable(whole=True) == whole
    whole.unlink()
    assert chromium.executable(whole=True) == shell


def test_the_chromium_that_is_named_is_used(
    tmp_path: Path, no_debian_chromium: Callable[[str], None]
) -> None:
    no_debian_chromium("")
    assert chromium.executable() is None
    named = program(tmp_path / "chromium", "exit 0")
    no_debian_chromium(str(named))
    assert chromium.executable() == named
    no_debian_chromium(str(tmp_path / "nothing"))
    with pytest.raises(chromium.ChromiumError, match="which is no program"):
        chromium.executable()


# --- Known vulnerabilities ----------------------------------------------------------


def test_what_nobody_knows_is_not_called_safe() -> None:
    skipped = {"name": "h11", "skip_reason": "not found"}
    known = {"name": "idna", "version": "1.0", "vulns": []}
    report = audit.python_report(json.dumps({"dependencies": [skipped]}), "")
    assert list(audit.sentences("a.txt", report)) == [
        "a.txt: nobody answers who knows of vulnerabilities, so nothing is known."
    ]
    report = audit.python_report(json.dumps({"dependencies": [skipped, known]}), "")
    assert list(audit.sentences("a.txt", report)) == [
        "a.txt: 1 packages, vulnerabilities: none known.",
        "  Nothing is known of h11.",
    ]


def reports(*answers: audit.Report) -> Callable[[], list[tuple[str, audit.Report]]]:
    return lambda: [("a.txt", answer) for answer in answers]


def test_only_a_found_vulnerability_is_a_failure(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(audit, "audit", reports(audit.Report(), audit.Report(3)))
    assert audit.main([]) == 0
    flaws = [
        {"id": "PYSEC-1", "fix_versions": ["1.1", "2.0"]},
        {"id": "PYSEC-2", "fix_versions": []},
    ]
    bad = {"dependencies": [{"name": "idna", "version": "1.0", "vulns": flaws}]}
    node = {
        "vulnerabilities": {"uplot": {"range": "<2", "severity": "high"}},
        "metadata": {"dependencies": {"prod": 5}},
    }
    monkeypatch.setattr(
        audit,
        "audit",
        reports(
            audit.python_report(json.dumps(bad), "Found 2 known vulnerabilities"),
            audit.npm_report(json.dumps(node), ""),
        ),
    )
    capsys.readouterr()
    assert audit.main([]) == 1
    assert capsys.readouterr().out.splitlines() == [
        "a.txt: 1 packages, vulnerabilities: 2 found.",
        "  idna 1.0: PYSEC-1, mended in 1.1, 2.0",
        "  idna 1.0: PYSEC-2, mended in no version yet",
        "a.txt: 5 packages, vulnerabilities: 1 found.",
        "  uplot <2: high",
    ]


def test_no_answer_is_told_from_a_tool_that_fails() -> None:
    refused = "requests.exceptions.ProxyError: refused"
    assert audit.python_report("", refused) == audit.Report()
    with pytest.raises(audit.AuditError, match="pip-audit failed: invalid requirement"):
        audit.python_report("", "Traceback\ninvalid requirement\n")
    endpoint = "npm error audit endpoint returned an error\nnpm error A log"
    assert audit.npm_report('{"statusCode": 405}', endpoint) == audit.Report()
    with pytest.raises(audit.AuditError, match="npm audit failed: npm error code ENOLOCK"):
        audit.npm_report('{"error": {"code": "ENOLOCK"}}', "npm error code ENOLOCK")
    with pytest.raises(audit.AuditError, match="npm audit failed: it says nothing"):
        audit.npm_report("", "")

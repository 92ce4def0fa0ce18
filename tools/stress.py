#!/usr/bin/env python3
"""Run the tests again and again on a machine that is busy with something else.

A test that is green nine times out of ten says nothing the tenth time either, so this counts which
test failed how often, beside busy loops and a program that writes to the disk all the time. It ends
with 1 unless every run was green. What it starts stops by itself, also when this is killed.

    tools/stress.py --times 10 --busy 2 --fresh-clone    # `make test` in an empty folder
    tools/stress.py --times 5 --only e2e                 # a part of it, here, as the files are
"""

from __future__ import annotations

import argparse
import contextlib
import os
import re
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

ROOT = Path(__file__).resolve().parent.parent
LOGS = ROOT / "build" / "stress"

WRITTEN = 64 << 20
"""Bytes that the disk writer has on the disk at most."""

PIECE = 1 << 20
"""Bytes that it writes at once, and then waits for the disk to have."""

_SUMMARY = re.compile(r"^(?:FAILED|ERROR) ([^\s\[]+(?:\[.*?\](?= - |$))?)", re.MULTILINE)
_MAKE = re.compile(r"^make(?:\[\d+\])?: \*\*\* \[(?:\S+:\d+: )?([\w-]+)\]", re.MULTILINE)


# --- What comes of a run -----------------------------------------------------------


@dataclass(frozen=True)
class Run:
    """One run: how it ended, how many seconds it took, and which tests it names as failed."""

    code: int
    seconds: float
    failed: tuple[str, ...]

    @property
    def is_green(self) -> bool:
        """Whether the run counts: it ended well, and no test failed in it."""
        return self.code == 0 and not self.failed


def failures(output: str) -> tuple[str, ...]:
    """Return what failed: pytest's tests, or make's targets where no test is named."""
    tests = dict.fromkeys(match[1] for match in _SUMMARY.finditer(output))
    targets = dict.fromkeys(f"make {match[1]}" for match in _MAKE.finditer(output))
    return tuple(tests or targets)


def report(runs: Sequence[Run]) -> str:
    """Tell how often each test failed, the worst first, and what the runs took."""
    green = sum(run.is_green for run in runs)
    counts = Counter(name for run in runs for name in run.failed)
    times = ", ".join(f"{run.seconds:.0f}" for run in runs)
    lines = [f"{green} of {len(runs)} runs were green. Seconds: {times or 'none'}."]
    lines += [f"{count:>4} × {name}" for name, count in counts.most_common()]
    nameless = sum(not run.is_green and not run.failed for run in runs)
    return "\n".join(lines + [f"{nameless:>4} × ended badly without a name"] * bool(nameless))


# --- What is beside it -------------------------------------------------------------


def goes_on(until: float, parent: int) -> bool:
    """Tell whether load is still wanted: its time is not up, and whoever asked for it is there."""
    return time.monotonic() < until and os.getppid() == parent


def be_busy(seconds: float, parent: int) -> None:
    """Keep one core busy."""
    until = time.monotonic() + seconds
    while goes_on(until, parent):
        for _ in range(100_000):
            pass


def write(folder: Path, seconds: float, parent: int) -> None:
    """Keep the disk busy, with one file that never grows beyond a bound and is gone at the end."""
    until, path = time.monotonic() + seconds, folder / "written"
    try:
        with path.open("wb", buffering=0) as file:
            while goes_on(until, parent):
                _write_piece(file)
    finally:
        path.unlink(missing_ok=True)


def _write_piece(file: IO[bytes]) -> None:
    if file.tell() >= WRITTEN:
        file.seek(0)
    file.write(os.urandom(PIECE))
    os.fsync(file.fileno())


@contextlib.contextmanager
def load(busy: int, folder: Path, seconds: float) -> Iterator[None]:
    """Have busy loops and a disk writer beside what is done meanwhile."""
    own = os.getpid()
    calls = [f"be_busy({seconds}, {own})"] * busy
    calls += [f"write(Path({str(folder)!r}), {seconds}, {own})"] if busy else []
    code = "from pathlib import Path\nfrom tools.stress import be_busy, write\n"
    children = [subprocess.Popen([sys.executable, "-c", code + call], cwd=ROOT) for call in calls]
    try:
        yield
    finally:
        for child in children:
            child.terminate()
        for child in children:
            child.wait()


# --- Running -----------------------------------------------------------------------


def run(command: Sequence[str], folder: Path, log: Path, limit: float) -> Run:
    """Run a command in a folder; everything it says goes to ``log``, which only a red run keeps.

    It is stopped, with all that it has started, after ``limit`` seconds.
    """
    begin = time.monotonic()
    with log.open("wb") as output:
        child = subprocess.Popen(
            command,
            cwd=folder,
            stdout=output,
            stderr=subprocess.STDOUT,
            stdin=subprocess.DEVNULL,
            start_new_session=True,
        )
        try:
            code = child.wait(limit)
        except subprocess.TimeoutExpired:
            code = 124
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(child.pid, signal.SIGKILL)
            child.wait()
    result = Run(code, time.monotonic() - begin, failures(log.read_text("utf-8", "replace")))
    if result.is_green:
        log.unlink()
    return result


def clone(folder: Path) -> Path:
    """Clone what is committed into an empty folder; return where it is."""
    target = folder / "clone"
    subprocess.run(["git", "clone", "--quiet", str(ROOT), str(target)], check=True)
    return target


def stress(options: argparse.Namespace) -> list[Run]:
    """Carry out the runs that were asked for."""
    LOGS.mkdir(parents=True, exist_ok=True)
    limit = options.limit * 60
    runs: list[Run] = []
    with tempfile.TemporaryDirectory(prefix="stress-") as name:
        where = clone(Path(name)) if options.fresh_clone else ROOT
        with load(options.busy, Path(name), options.times * limit):
            for number in range(1, options.times + 1):
                log = LOGS / f"run-{number}.log"
                runs.append(run(["make", *options.only.split(",")], where, log, limit))
                verdict = "green" if runs[-1].is_green else f"red, see {log}"
                print(f"run {number}: {runs[-1].seconds:.0f} s, {verdict}", flush=True)
    return runs


def main(arguments: list[str] | None = None) -> int:
    """Run the command; return its exit code."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--times", type=int, default=10, help="how many runs")
    parser.add_argument("--busy", type=int, default=2, help="how many busy loops; 0: no load")
    parser.add_argument("--only", default="test", help="make's targets, by commas")
    parser.add_argument("--limit", type=float, default=30, help="minutes after which a run stops")
    parser.add_argument(
        "--fresh-clone", action="store_true", help="in a clone of what is committed"
    )
    runs = stress(parser.parse_args(arguments))
    print(report(runs))
    return 0 if runs and all(run.is_green for run in runs) else 1


if __name__ == "__main__":
    sys.exit(main())

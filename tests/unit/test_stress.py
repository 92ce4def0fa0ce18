"""Running the tests again and again: what is read from their output, and what is left behind."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tools import stress
from tools.stress import Run, failures, report

needs_processes = pytest.mark.skipif(
    sys.platform == "emscripten", reason="Pyodide starts no processes"
)

OUTPUT = """\
tests/e2e/test_live.py ..F                                               [ 10%]
=========================== short test summary info ============================
FAILED tests/e2e/test_live.py::test_a_burst[chromium-2026-02-20] - IndexError: list index
FAILED tests/e2e/test_x.py::test_one[a - b] - assert 1 == 2
ERROR tests/dropin/test_host.py::test_it_starts - playwright._impl._errors.Error
FAILED tests/unit/test_y.py::test_without_a_reason
========================= 2 failed, 81 passed in 9.19s =========================
make[1]: *** [Makefile:72: e2e] Error 1
make: *** [Makefile:39: test] Error 2
"""


def test_pytests_summary_is_read() -> None:
    assert failures(OUTPUT) == (
        "tests/e2e/test_live.py::test_a_burst[chromium-2026-02-20]",
        "tests/e2e/test_x.py::test_one[a - b]",
        "tests/dropin/test_host.py::test_it_starts",
        "tests/unit/test_y.py::test_without_a_reason",
    )


def test_where_no_test_is_named_the_target_is() -> None:
    assert failures("make[1]: *** [Makefile:58: lint] Error 1\n") == ("make lint",)
    assert failures("make: *** [types] Error 2\n") == ("make types",)
    assert failures("all is well\n") == ()


def test_the_report_counts_and_the_worst_comes_first() -> None:
    runs = [
        Run(0, 400.4, ()),
        Run(2, 500.0, ("b", "a")),
        Run(2, 450.0, ("a",)),
        Run(124, 1800.0, ()),
    ]
    assert report(runs).splitlines() == [
        "1 of 4 runs were green. Seconds: 400, 500, 450, 1800.",
        "   2 × a",
        "   1 × b",
        "   1 × ended badly without a name",
    ]


def test_a_run_that_ends_well_but_names_a_failure_is_not_green() -> None:
    assert not Run(0, 1.0, ("a",)).is_green
    assert not Run(1, 1.0, ()).is_green


@needs_processes
def test_a_run_is_stopped_with_all_it_started(tmp_path: Path) -> None:
    log, left = tmp_path / "log", tmp_path / "left"
    script = f"(sleep 1; touch {left}) & echo FAILED x; sleep 60"
    result = stress.run(["sh", "-c", script], tmp_path, log, limit=0.2)
    assert result.code == 124
    assert result.failed == ("x",)
    assert log.read_text() == "FAILED x\n"
    time.sleep(1.2)
    assert not left.exists()


@needs_processes
def test_a_green_run_leaves_no_log(tmp_path: Path) -> None:
    log = tmp_path / "log"
    assert stress.run(["echo", "2 passed"], tmp_path, log, limit=10).is_green
    assert not log.exists()


@needs_processes
def test_the_load_ends_and_takes_its_file_along(tmp_path: Path) -> None:
    with stress.load(1, tmp_path, seconds=60):
        for _ in range(200):
            if (tmp_path / "written").exists():
                break
            time.sleep(0.05)
        assert (tmp_path / "written").exists()


def test_the_writer_stays_within_its_bound_and_deletes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stress, "WRITTEN", 4096)
    monkeypatch.setattr(stress, "PIECE", 1024)
    sizes = []
    turns = iter(range(20))

    def goes_on(_until: float, _parent: int) -> bool:
        sizes.append((tmp_path / "written").stat().st_size)
        return next(turns, None) is not None

    monkeypatch.setattr(stress, "goes_on", goes_on)
    stress.write(tmp_path, 60, os.getppid())
    assert max(sizes) == 4096
    assert list(tmp_path.iterdir()) == []


def test_load_stops_without_whoever_asked_for_it() -> None:
    later = time.monotonic() + 60
    assert stress.goes_on(later, os.getppid())
    assert not stress.goes_on(later, os.getppid() + 1)
    assert not stress.goes_on(time.monotonic() - 1, os.getppid())


@needs_processes
def test_it_ends_with_one_unless_all_is_green(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stress, "LOGS", tmp_path / "logs")
    monkeypatch.setattr(stress, "run", lambda *_: Run(2, 1.0, ("a",)))
    assert stress.main(["--times", "2", "--busy", "0"]) == 1
    monkeypatch.setattr(stress, "run", lambda *_: Run(0, 1.0, ()))
    assert stress.main(["--times", "2", "--busy", "0"]) == 0
    assert stress.main(["--times", "0", "--busy", "0"]) == 1


@needs_processes
def test_its_help_is_told() -> None:
    told = subprocess.run(
        [sys.executable, stress.__file__, "--help"], capture_output=True, text=True, check=True
    )
    assert "--fresh-clone" in told.stdout

#!/usr/bin/env python3
"""Ask the registries whether a version that the lock files pin is known to be vulnerable.

A found vulnerability is a failure. That nobody answers, as on a machine whose registry
is a mirror without that service, is none: then nothing is known, and a sentence says so.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from tools import setup

#: Seconds after which a tool that asks is given up.
PATIENCE = 300

#: What the tools' complaints contain when it was the network.
NETWORK = ("requests.exceptions.", "Could not connect", "not redirecting", "ServiceError")


class AuditError(Exception):
    """A tool failed otherwise than for want of an answer; the message says how."""


@dataclass
class Report:
    """What is known of one lock file.

    Attributes:
        asked: how many packages somebody knew about.
        unknown: the packages that nobody knew about.
        found: a line for each vulnerability.
    """

    asked: int = 0
    unknown: list[str] = field(default_factory=list)
    found: list[str] = field(default_factory=list)


def python_report(output: str, complaints: str) -> Report:
    """Read what pip-audit says as JSON, and on its standard error.

    It calls packages that its service does not know free of vulnerabilities: they are
    counted as unknown here.

    Raises:
        AuditError: it failed.
    """
    try:
        packages = json.loads(output)["dependencies"]
    except (ValueError, KeyError, TypeError) as error:
        if any(word in complaints for word in NETWORK):
            return Report()
        raise AuditError(f"pip-audit failed: {last_line(complaints)}") from error
    report = Report()
    for package in packages:
        if "skip_reason" in package:
            report.unknown.append(package["name"])
            continue
        report.asked += 1
        report.found += [
            f"{package['name']} {package['version']}: {flaw['id']}, "
            f"mended in {', '.join(flaw['fix_versions']) or 'no version yet'}"
            for flaw in package["vulns"]
        ]
    return report


def npm_report(output: str, complaints: str) -> Report:
    """Read what ``npm audit`` says as JSON, and on its standard error.

    Raises:
        AuditError: it failed.
    """
    try:
        answer: dict[str, Any] = json.loads(output)
    except ValueError as error:
        raise AuditError(f"npm audit failed: {last_line(complaints)}") from error
    if "vulnerabilities" in answer:
        found = [
            f"{name} {flaw['range']}: {flaw['severity']}"
            for name, flaw in answer["vulnerabilities"].items()
        ]
        return Report(answer["metadata"]["dependencies"]["prod"], found=found)
    if "audit endpoint returned an error" in complaints:
        return Report()
    raise AuditError(f"npm audit failed: {last_line(complaints)}")


def last_line(complaints: str) -> str:
    """Return the last line of a tool's complaints, which says the most."""
    return (complaints.strip().splitlines() or ["it says nothing"])[-1]


def sentences(name: str, report: Report) -> Iterable[str]:
    """Yield what there is to say about one lock file."""
    if not report.asked:
        yield f"{name}: nobody answers who knows of vulnerabilities, so nothing is known."
        return
    verdict = f"{len(report.found)} found" if report.found else "none known"
    yield f"{name}: {report.asked} packages, vulnerabilities: {verdict}."
    yield from (f"  {line}" for line in report.found)
    if report.unknown:
        yield f"  Nothing is known of {', '.join(report.unknown)}."


# --- The command --------------------------------------------------------------------


def ask(*command: str | Path) -> tuple[str, str]:
    """Run a tool that asks a registry; return its output and its complaints.

    Raises:
        AuditError: it cannot be run or does not end.
    """
    words = [str(word) for word in command]
    try:
        answer = subprocess.run(
            words, cwd=setup.ROOT, capture_output=True, text=True, timeout=PATIENCE
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise AuditError(f"`{words[0]}` failed: {error}") from error
    return answer.stdout, answer.stderr


def audit() -> Iterable[tuple[str, Report]]:
    """Yield the report on each lock file, one after the other.

    Raises:
        AuditError: a tool failed.
    """
    pip_audit: list[str | Path] = [
        setup.venv_python(), "-m", "pip_audit", "--require-hashes", "--disable-pip",
        "--progress-spinner", "off", "--format", "json",
    ]  # fmt: skip
    for lock in sorted(setup.LOCKS.glob("*.txt")):
        yield str(lock.relative_to(setup.ROOT)), python_report(*ask(*pip_audit, "-r", lock))
    npm = setup.install_node()
    yield "package-lock.json", npm_report(*ask(*npm, "audit", "--omit=dev", "--json"))


def main(arguments: list[str] | None = None) -> int:
    """Run the command; return 1 when a vulnerability was found or a tool failed."""
    argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    ).parse_args(arguments)
    found = 0
    try:
        for name, report in audit():
            print(*sentences(name, report), sep="\n", flush=True)
            found += len(report.found)
    except (AuditError, setup.SetupError) as error:
        print(f"audit: {error}", file=sys.stderr)
        return 1
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())

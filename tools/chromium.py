#!/usr/bin/env python3
"""Say which Chromium the tests in the page use.

Prints its path: the one that ``$CHROMIUM`` names, else Debian's. Prints nothing
where neither is there: Playwright then starts the one it installs itself.

Of Debian's two, tests take the headless shell, as Playwright does by itself: it is the same
engine without a browser around it, and starts a page with half the work. What measures
takes the one that people have.
"""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

WHOLE = Path("/usr/bin/chromium")
SHELL = Path("/usr/bin/chromium-headless-shell")

#: What lets Chromium run headless as root, and keeps it from talking to anybody.
ARGUMENTS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)

TEST_ARGUMENTS = (*ARGUMENTS, "--js-flags=--liftoff-only")
"""For tests: they leave a page before WebAssembly that is optimised beside it would pay."""


class ChromiumError(Exception):
    """``$CHROMIUM`` names something that cannot be run."""


def executable(*, whole: bool = False) -> Path | None:
    """Return the Chromium to start, or None for Playwright's own.

    Args:
        whole: prefer the browser that people have, with its windows and profiles.

    Raises:
        ChromiumError: ``$CHROMIUM`` is set to something that cannot be run.
    """
    named = os.environ.get("CHROMIUM")
    if named:
        if not os.access(named, os.X_OK):
            raise ChromiumError(f"CHROMIUM is set to {named}, which is no program.")
        return Path(named)
    places = (WHOLE, SHELL) if whole else (SHELL, WHOLE)
    return next((place for place in places if os.access(place, os.X_OK)), None)


def main(arguments: list[str] | None = None) -> int:
    """Run the command; return its exit code."""
    argparse.ArgumentParser(description=__doc__).parse_args(arguments)
    try:
        print(executable() or "")
    except ChromiumError as error:
        print(f"chromium: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())

"""How tests read a page: never once where it has to become something first.

A page that is right a moment later is right, and one read a moment too early says nothing. So no
test reads a page directly (`tests/unit/test_no_single_reads.py` sees to it); it says what it
waits for:

- `expect(locator).to_…` of Playwright, for one element;
- `eventually(read, wanted)`, for everything else: `read` is called until it returns `wanted`;
- `steady(read)`, for a value to be compared with a later one, or for geometry: what two frames
  in a row leave as it is; `box(element)` for an element's place on the screen;
- `still(read, wanted)`, where nothing must have happened: it waits until the page has taken in
  all that was on its way, and only then looks;
- `do(script)`, to have a script do something: it tells nothing;
- `answer(script)`, for a script that brings about itself what it tells, or waits for it.
"""

from __future__ import annotations

import time
from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Any, TypedDict, TypeVar

from playwright.sync_api import Error, Locator, Page, Worker, expect

PATIENCE = 15.0
"""Seconds: a busy machine needs some, a quick one never waits that long."""

NOT_YET = (Error, LookupError, ValueError)
"""How reading fails where there is nothing to read yet: no element, no row, no number."""

expect.set_options(timeout=PATIENCE * 1000)

T = TypeVar("T")

_TWO_FRAMES = """() => new Promise((done) =>
  requestAnimationFrame(() => requestAnimationFrame(() => done())))"""


class Box(TypedDict):
    """Where an element is, in CSS pixels from the top left of the window."""

    x: float
    y: float
    width: float
    height: float


class Waiting(ABC):
    """What a test may ask of one open page."""

    page: Page

    @abstractmethod
    def caught_up(self) -> None:
        """Wait until the page has dealt with everything that was on its way to it."""

    def eventually(
        self, read: Callable[[], object], wanted: object, within: float = PATIENCE
    ) -> None:
        """Wait until something reads as wanted; `within` is in seconds."""
        deadline = time.monotonic() + within
        while (got := _attempt(read)) != wanted and time.monotonic() < deadline:
            self.page.wait_for_timeout(30)
        assert got == wanted

    def steady(self, read: Callable[[], T], within: float = PATIENCE) -> T:
        """Return what is read once two frames in a row have left it as it is."""
        deadline = time.monotonic() + within
        before = _attempt(read)
        while True:
            self.painted()
            now = _attempt(read)
            if now == before and not isinstance(now, Exception):
                return now
            assert time.monotonic() < deadline, f"it does not come to rest: {before!r}, {now!r}"
            before = now

    def still(self, read: Callable[[], object], wanted: object) -> None:
        """Assert that something reads as wanted after the page has taken in all there was."""
        self.caught_up()
        assert self.steady(read) == wanted

    def box(self, element: Locator) -> Box:
        """Wait until an element is visible and rests where it is; its place."""
        expect(element).to_be_visible()
        found: Box | None = self.steady(element.bounding_box)
        assert found is not None, "it has gone again"
        return found

    def painted(self) -> None:
        """Wait for two frames: what changed before is on the screen then."""
        self.page.evaluate(_TWO_FRAMES)

    def do(self, script: str, argument: object = None) -> None:
        """Have a script do something in the page."""
        self.page.evaluate(script, argument)

    def do_in(self, worker: Worker, script: str) -> None:
        """Have a script do something in one of the page's workers."""
        worker.evaluate(script)

    def answer(self, script: str, argument: object = None) -> Any:
        """Return what a script tells that it brings about itself, or has waited for."""
        return self.page.evaluate(script, argument)


def _attempt(read: Callable[[], T]) -> Any:
    try:
        return read()
    except NOT_YET as error:
        return error

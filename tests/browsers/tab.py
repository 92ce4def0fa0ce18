"""A browser and its tabs as a test sees them; how each is driven is its own affair.

No test reads a page once where it has to become something first: it says what it waits for.
"""

from __future__ import annotations

import time
from abc import ABC, abstractmethod
from collections.abc import Callable
from pathlib import Path
from typing import Any, Self

PATIENCE = 20.0
"""Seconds: a busy machine needs some, a quick one never waits that long."""

STARTING = 90.0
"""Seconds that Python may take to start where much else goes on."""

_PAUSE = 0.03
"""Seconds between two looks at a page."""

# Where to press an element so that it is this one that is hit, in CSS pixels of the window.
_WHERE = """(selector) => {
  const element = document.querySelector(selector);
  if (!element) throw new Error(`There is no ${selector}.`);
  if (element.disabled) throw new Error(`${selector} is disabled.`);
  element.scrollIntoView({ block: "center", inline: "nearest", behavior: "instant" });
  const { x, y, width, height } = element.getBoundingClientRect();
  const point = [Math.floor(x + width / 2), Math.floor(y + height / 2)];
  const hit = document.elementFromPoint(...point);
  if (!width || !height || !hit || !(element.contains(hit) || element.labels?.[0]?.contains(hit)))
    throw new Error(`${selector} cannot be pressed.`);
  return point;
}"""


class TabError(Exception):
    """The browser could not do what it was asked: no such element, or the page was just left."""


NOT_YET = (TabError, LookupError, ValueError)
"""How reading fails where there is nothing to read yet: no page, no element, no number."""


class Tab(ABC):
    """One open tab."""

    @abstractmethod
    def go(self, url: str) -> None:
        """Visit an address and wait until its document is loaded."""

    @abstractmethod
    def reload(self) -> None:
        """Load the page again, as its button does, and wait until its document is loaded."""

    @abstractmethod
    def run(self, script: str, *arguments: Any) -> Any:
        """Call a JavaScript function with some JSON; what it returns, awaited.

        Raises:
            TabError: it threw, or the page was left meanwhile.
        """

    @abstractmethod
    def resize(self, width: int, height: int) -> None:
        """Make the page's window this large, in CSS pixels."""

    @abstractmethod
    def picture(self) -> bytes:
        """Return what the window shows, as PNG."""

    @abstractmethod
    def close(self) -> None:
        """Close the tab, as a person would."""

    @abstractmethod
    def complaints(self) -> list[str]:
        """Return the errors and warnings of the page since this was last asked."""

    @abstractmethod
    def _press(self, x: int, y: int) -> None:
        """Move the mouse to a point of the window and press its button once."""

    @abstractmethod
    def _type(self, text: str) -> None:
        """Press the keys of a text, wherever the focus is."""

    def press(self, selector: str) -> None:
        """Press an element with the mouse, once it is there, visible and at rest."""
        x, y = self.steady(lambda: self.run(_WHERE, selector))
        self._press(x, y)

    def type(self, selector: str, text: str) -> None:
        """Press a field and type a text into it."""
        self.press(selector)
        self._type(text)

    def text(self, selector: str) -> str:
        """Return an element's text."""
        text: str = self.run("(selector) => document.querySelector(selector).textContent", selector)
        return text

    def eventually(
        self, read: Callable[[], object], wanted: object, within: float = PATIENCE
    ) -> None:
        """Wait until something reads as wanted; `within` is in seconds."""
        deadline = time.monotonic() + within
        while (got := _attempt(read)) != wanted and time.monotonic() < deadline:
            time.sleep(_PAUSE)
        assert got == wanted

    def steady(self, read: Callable[[], Any], within: float = PATIENCE) -> Any:
        """Return what is read once it reads the same twice, with two frames between."""
        deadline = time.monotonic() + within
        before = _attempt(read)
        while True:
            time.sleep(_PAUSE)
            now = _attempt(read)
            if now == before and not isinstance(now, Exception):
                return now
            assert time.monotonic() < deadline, f"it does not come to rest: {before!r}, {now!r}"
            before = now

    def holds(
        self, script: str, *arguments: Any, wanted: object = True, within: float = PATIENCE
    ) -> None:
        """Wait until a function of the page returns what is wanted."""
        self.eventually(lambda: self.run(script, *arguments), wanted, within)


class Browser(ABC):
    """A running browser. Every origin has its own storage; tabs of one origin share it."""

    name: str

    @classmethod
    @abstractmethod
    def missing(cls) -> str | None:
        """Say in one sentence what is not installed; None where nothing is missing."""

    @abstractmethod
    def __init__(self, folder: Path) -> None:
        """Start; whatever the browser writes goes into a folder."""

    @abstractmethod
    def tab(self) -> Tab:
        """Open a tab."""

    @abstractmethod
    def close(self) -> None:
        """End the browser and everything that was started for it."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _attempt(read: Callable[[], object]) -> Any:
    try:
        return read()
    except NOT_YET as error:
        return error


def wait_for(read: Callable[[], Any], what: str, within: float = STARTING) -> Any:
    """Return what is read as soon as it is something; raise TimeoutError when it stays nothing."""
    deadline = time.monotonic() + within
    while not (found := read()):
        if time.monotonic() > deadline:
            raise TimeoutError(f"{what} did not come within {within:.0f} s")
        time.sleep(_PAUSE)
    return found

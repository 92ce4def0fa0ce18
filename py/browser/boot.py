"""How Python came up: from nothing, or from a snapshot of its memory (``tools/snapshot.mjs``).

Only the built page's first script has ``static/js/load.js`` in it: others start from nothing.
"""

from __future__ import annotations

import random
import time
from collections.abc import Iterator
from contextlib import contextmanager

import js

from browser.page import BrowserPage
from browser.promises import settled
from browser.scheduler import BrowserScheduler, Frames
from sessions import events
from sessions.connection import ConnectionState, Phase
from sessions.events import EventBus

PATIENCE = 0.8
"""Seconds to wait for something to show."""

SHORT_PATIENCE = 0.15
"""Seconds to wait for the proxy's word when there is something remembered to show."""


def wake() -> None:
    """Part with what the snapshot froze: random numbers, and the zone of the build."""
    random.seed()
    # What time.tzset() does, which Pyodide's Python lacks.
    year = time.localtime().tm_year
    noons = [time.mktime((year, month, 1, 12, 0, 0, 0, 0, -1)) for month in (1, 7)]
    winter, summer = sorted(map(time.localtime, noons), key=lambda noon: noon.tm_gmtoff)
    time.timezone, time.altzone = -winter.tm_gmtoff, -summer.tm_gmtoff
    time.tzname = (time.strftime("UTC%z", winter), time.strftime("UTC%z", summer))
    time.daylight = int(time.timezone != time.altzone)


def announce_start() -> None:
    """Tell the page's JavaScript that Python has taken over."""
    js.dispatchEvent(js.Event.new("kimi:started"))


async def sources_at_hand() -> None:
    """Wait until modules can be imported that the snapshot does not hold, as the demo's."""
    boot = getattr(js, "kimiBoot", None)
    if boot is not None:
        await settled(boot, "complete")


class Opening:
    """Holds the first frame back until there is something to show in it.

    Until then the page shows its last figures, or dashes (``static/js/last-seen.js``): dashes
    written over figures would be a flicker, and two frames where one will do.
    """

    def __init__(
        self, page: BrowserPage, frames: Frames, bus: EventBus, scheduler: BrowserScheduler
    ) -> None:
        """Open when a session is loaded, when none can be, or when it takes too long."""
        self._page = page
        self._frames = frames
        self._open = False
        self._scheduler = scheduler
        self._remembering = False
        for topic in (events.SESSION_CHANGED, events.METRICS_LOADED, events.METRICS_CLEARED):
            bus.on(topic, self._loaded)
        bus.on(events.CONNECTION_CHANGED, self._connection_changed)
        scheduler.call_later(PATIENCE, self.open)

    @contextmanager
    def remembering(self) -> Iterator[None]:
        """What is loaded meanwhile is on the screen already: news of it may be at hand."""
        self._remembering = True
        try:
            yield
        finally:
            self._remembering = False

    def request(self) -> None:
        """Ask for a frame: it comes when the page is open."""
        if self._open:
            self._frames.request()

    def open(self) -> None:
        """Show from now on what Python knows."""
        if not self._open:
            self._open = True
            self._page.property("boot", "hidden", True)
            self._page.attribute("root", "data-seen", None)
            self._frames.request()

    def _loaded(self, _payload: object) -> None:
        if self._remembering:
            self._scheduler.call_later(SHORT_PATIENCE, self.open)
        else:
            self.open()

    def _connection_changed(self, state: ConnectionState) -> None:
        if state.phase is Phase.WAITING:
            self.open()

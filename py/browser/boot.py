"""How Python came up: from nothing, or from a snapshot of its memory (``tools/snapshot.mjs``).

A page without the built page's ``static/js/load.js`` always starts from nothing.
"""

from __future__ import annotations

import random
import time

import js


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
        await boot.complete()

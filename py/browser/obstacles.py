"""What this browser lacks, or refuses to this page, as ``static/js/stand-ins.js`` found it."""

from __future__ import annotations

import js

from sessions import events
from sessions.events import EventBus
from sessions.models import Notice
from sessions.storage import Storage


def can_share_between_tabs() -> bool:
    """Tell whether tabs can agree who connects; only pages from a secure origin have locks."""
    return bool(getattr(js.navigator, "locks", None)) and not _lacks("tabs")


def is_framed_by_a_stranger() -> bool:
    """Tell whether a page of another origin shows this one in a frame."""
    return bool(getattr(js, "kimiFramed", False))


def say_what_is_missing(storage: Storage, bus: EventBus) -> None:
    """Tell, once, what a person has to do without here, the worst of it only."""
    if _lacks("storage"):
        storage.degrade("The browser does not let this page keep anything.")
    elif _lacks("popover"):
        bus.emit(events.NOTICE, Notice("warning", "notice.old_browser", {}))
    elif _lacks("tabs"):
        say_that_tabs_are_apart(bus)


def say_that_tabs_are_apart(bus: EventBus) -> None:
    """Tell that each tab connects by itself, unless something worse was told."""
    if not _lacks("storage"):
        bus.emit(events.NOTICE, Notice("info", "notice.tabs_apart", {}))


def _lacks(name: str) -> bool:
    return name in getattr(js, "kimiLacks", ())

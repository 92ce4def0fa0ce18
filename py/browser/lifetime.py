"""What the browser tells a page of its life: shown, hidden, left, frozen; and of other tabs."""

from __future__ import annotations

from typing import Any

import js
from pyodide.ffi.wrappers import add_event_listener

from sessions import commands
from sessions.events import EventBus
from sessions.persistence import Persistence
from sessions.preferences import PREFERENCES_CHANGED, Preferences
from sessions.tabs import SharedSockets
from sessions.user_commands import UserCommands


def share_between_tabs(shared: SharedSockets) -> None:
    """Take part for as long as the page is there: it may be frozen, or kept to go back to."""

    def shown(event: Any) -> None:
        if event.persisted:
            shared.resume()

    add_event_listener(js.window, "pagehide", lambda _event: shared.suspend())
    add_event_listener(js.window, "pageshow", shown)
    add_event_listener(js.document, "freeze", lambda _event: shared.suspend())
    add_event_listener(js.document, "resume", lambda _event: shared.resume())
    shared.start()


def follow_other_tabs(preferences: Preferences, bus: EventBus) -> None:
    """Choose what was chosen in another tab of the same user."""

    def stored(event: Any) -> None:
        if preferences.reread(event.key or None):  # null is not None
            bus.emit(PREFERENCES_CHANGED)

    add_event_listener(js.window, "storage", stored)


def wake_when_it_helps(bus: EventBus) -> None:
    """Reconnect at once when the network is back or the person looks again.

    A socket that outlived the network's absence may be dead without knowing: it is renewed.
    """

    def seen(_event: Any) -> None:
        if not js.document.hidden:
            bus.emit(commands.WAKE)

    add_event_listener(js.window, "online", lambda _event: bus.emit(commands.RESTART))
    add_event_listener(js.window, "focus", seen)
    add_event_listener(js.document, "visibilitychange", seen)


def remember_to_the_end(persistence: Persistence) -> None:
    """Write what is left to write when the page goes, or may go without another word."""

    def hidden(_event: Any) -> None:
        if js.document.hidden:
            persistence.flush()

    add_event_listener(js.window, "pagehide", lambda _event: persistence.flush())
    add_event_listener(js.document, "visibilitychange", hidden)


def notice_other_tabs(persistence: Persistence, user_commands: UserCommands) -> None:
    """Keep in mind what other tabs write: state of other proxies, and who there is."""

    def stored(event: Any) -> None:
        key = event.key or None  # null is not None
        persistence.changed_elsewhere(key)
        user_commands.changed_elsewhere(key)

    add_event_listener(js.window, "storage", stored)

"""The page in a frame of another origin's page: to be looked at, not to be clicked in.

Whoever shows the page in a frame could lay something over it, and have a person click what they
do not see. A static host cannot always forbid that (``frame-ancestors`` needs a header).
"""

from __future__ import annotations

from collections.abc import Callable

from sessions import events
from sessions.models import Notice

from .desk import Desk
from .page import Action

REFUSED = frozenset(
    (
        *("session:select", "session:create", "session:delete-confirm", "auto-session:toggle"),
        *("compaction:run", "compaction:auto", "connect:submit", "connect:demo"),
        *("user:delete-confirm", "user:import", "user:export", "recordings:remove"),
        *("recordings:toggle", "recordings:file", "export:csv", "export:json"),
    )
)
"""What changes something at the proxy, or in this browser, or takes something out of it."""


class FrameBar:
    """Says that the page is in a frame, and offers a window of its own."""

    def __init__(self, desk: Desk) -> None:
        """Write through ``desk``."""
        self._desk = desk

    def guard(
        self, act: Callable[[Action], None], show_all: Callable[[], None]
    ) -> Callable[[Action], None]:
        """Return ``act`` for a page in which nothing may be changed.

        ``show_all`` renders everything: a switch that was turned goes back to what it was.
        """

        def screened(action: Action) -> None:
            if action.name in REFUSED:
                self._desk.bus.emit(events.NOTICE, Notice("warning", "frame.refused", {}))
                show_all()
            else:
                act(action)

        return screened

    def render(self) -> None:
        """Write the bar."""
        self._desk.page.property("frame-banner", "hidden", False)

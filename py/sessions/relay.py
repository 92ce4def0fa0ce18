"""A bus of the core's own, in front of the page's.

A core that is recorded or replayed takes in one input at a time. What people and panels ask
for is an input, too: it arrives on the page's bus, and reaches the core's in its turn.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from . import commands, events
from .events import ErrorReporter, EventBus
from .models import SessionChanged
from .state import SessionState

NOTHING_YET: Mapping[str, Any] = {
    events.SESSION_CHANGED: SessionChanged(None, None, None),
    events.SESSIONS_LISTED: (),
    events.AUTO_SESSION_CHANGED: None,
    events.ALERT_CHANGED: None,
    commands.MEMORY_LOADED: {},
    commands.COMPACTION_LOADED: {},
    commands.RATE_LIMIT_LOADED: {},
}
"""What each of these topics would say of a page that has heard nothing yet."""

LASTING = frozenset(
    (
        *NOTHING_YET,
        events.SESSION_UPDATED,
        events.MEMORY_UPDATED,
        events.CONNECTION_CHANGED,
        events.CAPABILITIES_CHANGED,
        commands.COMPACTION_PREVIEWED,
    )
)
"""Topics whose last word still holds; the others tell of a moment."""


class Relay(EventBus):
    """A core's own bus; the page hears what it says, but for silent stretches."""

    def __init__(self, page: EventBus, report: ErrorReporter) -> None:
        """Hand everything on to ``page``, except while :attr:`silent`."""
        super().__init__(report)
        self._page = page
        self.silent = False
        self._last: dict[str, Any] = {}

    def emit(self, topic: Any, payload: Any = None) -> None:
        """Deliver to the core; then hand on, or remember what will still be true afterwards."""
        super().emit(topic, payload)
        if not self.silent:
            self._page.emit(topic, payload)
        elif topic in LASTING:
            self._last.pop(topic, None)  # the order is that of the last words
            self._last[topic] = payload

    def intend(self, topic: str, request: Any) -> None:
        """Deliver to the core alone what somebody asked for."""
        super().emit(topic, request)

    def needs_payload(self, topic: str) -> bool:
        """Tell whether anybody looks at payloads right now."""
        return super().needs_payload(topic) or (not self.silent and self._page.needs_payload(topic))

    def speak(self, state: SessionState, *, afresh: bool) -> None:
        """End a silent stretch: tell the page what holds now.

        Args:
            state: the core's state.
            afresh: whether what the page was told before no longer counts.
        """
        self.silent = False
        told, self._last = self._last, {}
        for topic, payload in ({**NOTHING_YET, **told} if afresh else told).items():
            self._page.emit(topic, payload)
        self._page.emit(events.METRICS_LOADED, state.metrics())
        self._page.emit(events.STATS_UPDATED, state.session_totals())
        self._page.emit(events.SOURCES_MERGED, state.merge_data_sources())

"""How old the figures are while the proxy is away."""

from __future__ import annotations

from collections.abc import Callable

from sessions import events
from sessions.connection import ConnectionState, Phase
from sessions.ports import Timer

from .desk import Desk


class LastSeen:
    """Stands beside the connection's state as long as what is shown may be out of date."""

    def __init__(
        self, desk: Desk, state: ConnectionState, seen_at: Callable[[], float | None]
    ) -> None:
        """Follow the connection; ``seen_at()`` is when the proxy was last heard of."""
        self._desk = desk
        self._state = state
        self._seen_at = seen_at
        self._tick: Timer | None = None
        desk.bus.on(events.CONNECTION_CHANGED, self._changed)
        desk.touch_on(self, events.SESSION_CHANGED)

    def render(self) -> None:
        """Write the age of what is shown, and look again when it has grown."""
        desk = self._desk
        seen_at = self._seen_at()
        away = self._state.phase is not Phase.CONNECTED and not self._state.demo
        shown = away and seen_at is not None and desk.state.session is not None
        desk.page.property("last-seen", "hidden", not shown)
        desk.page.attribute("main", "data-stale", "true" if shown else None)
        if not shown or seen_at is None:
            return
        age = max(0.0, desk.clock.now() - seen_at)
        desk.page.text("last-seen", desk.words("connection.last_seen", age=desk.words.ago(age)))
        if self._tick is None:
            self._tick = desk.scheduler.call_later(1.0 if age < 60_000 else 20.0, self._ticked)

    def _changed(self, state: ConnectionState) -> None:
        self._state = state
        self._desk.renderer.touch(self)

    def _ticked(self) -> None:
        self._tick = None
        self._desk.renderer.touch(self)

"""The session that a person looks at, the same in all tabs of one user on one proxy.

Most proxies tell every dashboard which session is active, and the tabs follow that. One that
cannot activate sessions tells nobody what a person chose: then the tab says so to the others.
Only a person's choice is passed on, never what follows from it, and of two choices the later
one holds everywhere, in whatever order they are heard.
"""

from __future__ import annotations

import json

from .commands import SESSION_VIEWED, VIEW, ViewedSession
from .events import SESSION_CHANGED, SWITCH_FAILED, EventBus
from .models import SessionChanged, SwitchFailure, as_flag, as_id, as_mapping, as_number, same_id
from .ports import Channels, Clock
from .redaction import parse_json
from .tabs import SharedSockets


class SharedView:
    """Passes choices on, and asks for those of the other tabs to be followed."""

    def __init__(
        self, channels: Channels, bus: EventBus, clock: Clock, shared: SharedSockets, name: str
    ) -> None:
        """Agree with the tabs that give the same ``name``; the leader tells those that join."""
        self._channels = channels
        self._bus = bus
        self._clock = clock
        self._shared = shared
        self._enter(name)
        bus.on(SESSION_VIEWED, self._chosen)
        bus.on(SESSION_CHANGED, self._session_changed)
        bus.on(SWITCH_FAILED, self._switch_failed)

    def _enter(self, name: str) -> None:
        self._view: ViewedSession | None = None
        # When the choice that holds was made, in milliseconds since 1970; choices made at
        # one moment, or after the clock was set back, are put in order by counting on.
        self._chosen_at = 0.0
        self._channel = self._channels.open(f"{name} view", self._heard)
        self._channel.post('{"ask": true}')

    def move(self, name: str) -> None:
        """Agree with the tabs of another name from now on: those of another user."""
        self._channel.close()
        self._enter(name)

    # -- this tab -------------------------------------------------------------------------

    def _chosen(self, view: ViewedSession) -> None:
        self._view = view
        self._chosen_at = max(self._clock.now(), self._chosen_at + 1)
        self._tell(view)

    def _session_changed(self, change: SessionChanged) -> None:
        new = change.new_session
        if self._view is not None and (new is None or not same_id(new.id, self._view.id)):
            self._view = None  # the proxy went on elsewhere, and tells everybody

    def _switch_failed(self, failure: SwitchFailure) -> None:
        if self._view is not None and same_id(failure.session_id, self._view.id):
            self._view = None

    def _tell(self, view: ViewedSession) -> None:
        self._channel.post(json.dumps({"at": self._chosen_at, **view.to_wire()}))

    # -- the others -------------------------------------------------------------------------

    def _heard(self, text: str) -> None:
        try:
            message = as_mapping(parse_json(text))
        except ValueError:
            return  # no word of ours
        at, session_id = as_number(message.get("at")), as_id(message.get("id"))
        if message.get("ask"):
            if self._shared.is_leader and self._view is not None:
                self._tell(self._view)
        elif at is not None and session_id is not None and at > self._chosen_at:
            self._chosen_at = at
            self._view = ViewedSession(session_id, bool(as_flag(message.get("pinned"))))
            self._bus.emit(VIEW, self._view.to_wire())

"""What every panel works with, in one place."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from math import inf
from typing import Any

from sessions.connection import ConnectionState, Phase
from sessions.core import Core
from sessions.events import CONNECTION_CHANGED, EventBus
from sessions.ports import Clock, Scheduler
from sessions.proxy_api import Capabilities
from sessions.state import SessionState

from .page import Action, Page, Panel, Renderer
from .words import Words

ActionHandler = Callable[[Action], None]


@dataclass
class Desk:
    """The bus, the state to read, the page to write, and the words to say it in."""

    bus: EventBus
    state: SessionState
    page: Page
    renderer: Renderer
    words: Words
    clock: Clock
    scheduler: Scheduler
    capabilities: Capabilities
    _actions: dict[str, list[ActionHandler]] = field(default_factory=dict)
    _followers: dict[str, list[Panel]] = field(default_factory=dict)

    def look_at(self, core: Core) -> None:
        """Read another core's state from now on."""
        self.state, self.capabilities = core.state, core.capabilities

    def touch_on(self, panel: Panel, *topics: str) -> None:
        """Render ``panel`` again whenever one of the topics is emitted, many times a frame even."""
        for topic in topics:
            if topic not in self._followers:
                self._followers[topic] = []
                touch = self._toucher(self._followers[topic])
                self.bus.on(topic, touch, needs_payload=False)
            self._followers[topic].append(panel)

    def _toucher(self, panels: list[Panel]) -> Callable[[object], None]:
        """Return a handler that touches panels once a frame, however often it is called."""
        renderer = self.renderer
        touched_in = -1

        def touch(_payload: object) -> None:
            nonlocal touched_in
            if touched_in != renderer.frames:
                touched_in = renderer.frames
                for panel in panels:
                    renderer.touch(panel)

        return touch

    def on_action(self, name: str, handler: ActionHandler) -> None:
        """Call ``handler`` when a person does ``name`` (an element's ``data-action``)."""
        self._actions.setdefault(name, []).append(handler)

    def touch_slowly_on(self, panel: Panel, topic: str, *, every: float) -> Callable[[], None]:
        """Render a panel that costs much when the topic is emitted, but not too often.

        Args:
            panel: what shows something else then.
            topic: its last time is never missed.
            every: seconds between two renderings on that account.

        Returns:
            What does the same without the topic.
        """
        touched_at = -inf
        waiting = False

        def touch() -> None:
            nonlocal touched_at, waiting
            touched_at, waiting = self.clock.now(), False
            self.renderer.touch(panel, costly=True)

        def heard(_payload: object = None) -> None:
            nonlocal waiting
            if waiting:
                return
            left = every - (self.clock.now() - touched_at) / 1000
            if 0 < left <= every:  # else it is due, or the clock was set back
                waiting = True
                self.scheduler.call_later(left, touch)
            else:
                touch()

        self.bus.on(topic, heard, needs_payload=False)
        return heard

    def on_lost(self, handler: Callable[[], None]) -> None:
        """Call ``handler`` whenever the connection is lost: what was read may change unheard."""
        connected = False

        def changed(state: ConnectionState) -> None:
            nonlocal connected
            was_connected, connected = connected, state.phase is Phase.CONNECTED
            if was_connected and not connected:
                handler()

        self.bus.on(CONNECTION_CHANGED, changed)

    def intend(self, topic: str, **request: Any) -> None:
        """Emit an intent for the core to carry out."""
        self.bus.emit(topic, request)

    def act(self, action: Action) -> None:
        """Hand a person's action to whoever asked for it."""
        for handler in self._actions.get(action.name, ()):
            handler(action)

"""What every panel works with, in one place."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from sessions.events import EventBus
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

    def touch_on(self, panel: Panel, *topics: str) -> None:
        """Render ``panel`` again whenever one of the topics is emitted."""
        for topic in topics:
            self.bus.on(topic, lambda _payload: self.renderer.touch(panel))

    def on_action(self, name: str, handler: ActionHandler) -> None:
        """Call ``handler`` when a person does ``name`` (an element's ``data-action``)."""
        self._actions.setdefault(name, []).append(handler)

    def intend(self, topic: str, **request: Any) -> None:
        """Emit an intent for the core to carry out."""
        self.bus.emit(topic, request)

    def act(self, action: Action) -> None:
        """Hand a person's action to whoever asked for it."""
        for handler in self._actions.get(action.name, ()):
            handler(action)

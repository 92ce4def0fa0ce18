"""The demo's WebSocket: it greets, it tells, and now and then the connection drops."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from functools import partial
from typing import Protocol

from sessions.ports import Scheduler, Socket, SocketListener

from .frames import Frame
from .timers import Timers

DROP_AFTER = (120.0, 180.0)
"""Seconds for which a connection holds."""

REFUSAL_CHANCE = 0.5
"""Chance that the first attempt after a drop fails, too."""

REFUSAL_DELAY = 0.3
"""Seconds until such an attempt fails."""


class Watched(Protocol):
    """What goes on only while somebody is connected."""

    def start(self) -> None:
        """The first socket is up."""

    def stop(self) -> None:
        """The last socket is gone."""


class _Line:
    """One socket, as the page holds it."""

    def __init__(self, exchange: DemoSockets, scheduler: Scheduler, listener: SocketListener):
        self.listener = listener
        self.timers = Timers(scheduler)
        self._exchange = exchange

    def send(self, text: str) -> None:
        """Take in a frame; the proxy has no answer to anything that a dashboard says."""

    def close(self) -> None:
        self.timers.clear()
        self._exchange.hang_up(self)


class DemoSockets:
    """All sockets of the demo, and when they drop."""

    def __init__(
        self,
        scheduler: Scheduler,
        rng: random.Random,
        greeting: Callable[[], Frame | None],
    ) -> None:
        """Prepare; ``greeting`` is asked for the first frame of each connection."""
        self.watched: Watched | None = None
        """Started with the first connection, stopped with the last."""
        self._scheduler = scheduler
        self._rng = rng
        self._greeting = greeting
        self._timers = Timers(scheduler)
        self._open: list[_Line] = []
        self._refuses_next = False

    def connect(self, listener: SocketListener) -> Socket:
        """Start connecting; the listener hears the outcome later, never within this call."""
        line = _Line(self, self._scheduler, listener)
        if self._refuses_next:
            self._refuses_next = False
            line.timers.later(REFUSAL_DELAY, listener.on_close)
        else:
            line.timers.later(0, lambda: self._pick_up(line))
        return line

    def broadcast(self, frame: Frame) -> None:
        """Tell every connected page."""
        text = json.dumps(frame, ensure_ascii=False)
        for line in tuple(self._open):
            self._tell(line, text)

    def broadcast_soon(self, frame: Frame) -> None:
        """Tell every connected page once the caller, an HTTP request, has its answer."""
        text = json.dumps(frame, ensure_ascii=False)
        for line in self._open:
            line.timers.later(0, partial(self._tell, line, text))

    def hang_up(self, line: _Line) -> None:
        """A page closed its socket."""
        if line in self._open:
            self._open.remove(line)
            self._stop_when_empty()

    def _pick_up(self, line: _Line) -> None:
        self._open.append(line)
        if len(self._open) == 1:
            self._timers.later(self._rng.uniform(*DROP_AFTER), self._drop)
            if self.watched is not None:
                self.watched.start()
        line.listener.on_open()
        greeting = self._greeting()
        if greeting is not None:
            self._tell(line, json.dumps(greeting, ensure_ascii=False))

    def _tell(self, line: _Line, text: str) -> None:
        if line in self._open:
            line.listener.on_text(text)

    def _drop(self) -> None:
        """Lose every connection, as when the proxy restarts."""
        self._refuses_next = self._rng.random() < REFUSAL_CHANCE
        lost, self._open = self._open, []
        self._stop_when_empty()
        for line in lost:
            line.timers.clear()
            line.listener.on_close()

    def _stop_when_empty(self) -> None:
        if not self._open:
            self._timers.clear()
            if self.watched is not None:
                self.watched.stop()

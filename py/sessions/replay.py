"""Replays a recording: the same core, run from what was heard instead of from a proxy."""

from __future__ import annotations

import asyncio
import json
import random
import time
from collections import Counter
from collections.abc import Callable, Coroutine, Mapping
from dataclasses import dataclass
from typing import Any

from . import events
from .core import Core
from .errors import ProxyTimeout, ProxyUnreachable
from .events import EventBus
from .ports import Clock, HttpAnswer, Scheduler, Socket, SocketListener, Timer
from .recording import EXPORTS, Call, Recording
from .redaction import redact_text
from .relay import Relay
from .state import SessionState
from .turns import Report, Turns

SPEEDS = (1.0, 2.0, 4.0, 8.0, 16.0)
"""How many times faster than it happened; beyond them there is "as fast as it goes"."""

TICK = 0.05
"""Seconds between two steps of a replay that plays."""

SLICE = 0.012
"""Seconds of work at a stretch, so that the page stays quick while much is replayed."""

LOOK_EVERY = 8
"""Inputs between two looks at the stopwatch."""


class _Timer:
    """A timer that the core has set; it runs when the recording says so."""

    def __init__(self, delay: float, callback: Callable[[], None]) -> None:
        self.delay = delay
        self.callback = callback
        self.is_pending = True

    def cancel(self) -> None:
        self.is_pending = False


class _Socket:
    """A socket that nobody listens to at its other end."""

    def send(self, text: str) -> None:
        """Drop a frame; the proxy has no answer to anything that a dashboard says."""

    def close(self) -> None:
        """Do nothing: what it still said was recorded, and its listener ignores it."""


class Rerun:
    """Runs through a recording once, forwards.

    Implements the ports ``Http``, ``Sockets``, ``Clock`` and ``Scheduler`` for the core, which
    is driven by the recorded inputs and by nothing else. A core that asks for other things
    than the recorded one did (a newer version, say) gets what fits best, and it is counted.
    """

    def __init__(
        self, recording: Recording, intend: Callable[[str, Any], None], report: Report
    ) -> None:
        """Prepare to replay ``recording``; ``intend(topic, request)`` hears its intents."""
        self.header = recording.header
        self.chance = random.Random(recording.header.seed).random
        """The chance that the recorded core had."""
        self._core: Core | None = None
        self.divergences = 0
        """How often the core did not do what the recorded one did."""
        self._lines = recording.lines
        self._asked_then = recording.asked
        self._intend = intend
        self._turns = Turns(report)
        self._next = 0
        self._row: Mapping[str, Any] | None = None
        self._at = 0.0
        self._asked: Counter[tuple[str, str]] = Counter()
        self._open: dict[Call, asyncio.Future[HttpAnswer]] = {}
        self._early: dict[Call, Mapping[str, Any]] = {}
        self._listeners: list[SocketListener] = []
        self._timers: dict[int, _Timer] = {}
        self._timers_made = 0

    # -- running ----------------------------------------------------------------------

    def drive(self, core: Core) -> None:
        """Start ``core``, which uses these ports, where the recorded one was started."""
        self._core = core

    @property
    def position(self) -> float:
        """Milliseconds since the recording's start."""
        return self._at

    def advance(self, to: float, enough: Callable[[], bool] = lambda: False) -> bool:
        """Let the core hear everything up to ``to``, a position in milliseconds.

        Returns:
            False when ``enough()`` said to stop before that.
        """
        done = 0
        while (row := self._peek()) is not None and row["t"] <= to:
            if done >= LOOK_EVERY:
                done = 0
                if enough():
                    return False
            done += 1
            self._row = None
            self._next += 1
            self._at = max(self._at, row["t"])
            self._turns.take(lambda row=row: self._deliver(row))  # type: ignore[misc]
        self._at = max(self._at, to)
        return True

    def stop(self) -> None:
        """Drop the core; it hears nothing any more."""
        self._turns.stop()

    def _peek(self) -> Mapping[str, Any] | None:
        if self._row is None and self._next < len(self._lines):
            self._row = json.loads(self._lines[self._next])
        return self._row

    # -- ports ------------------------------------------------------------------------

    def now(self) -> float:
        """Milliseconds since 1970, as of the replay's position."""
        return self.header.started + self._at

    def utc_offset(self, at: float) -> float:
        """Milliseconds by which local time was ahead of UTC where it was recorded."""
        return self.header.offset

    def start(self, work: Coroutine[Any, Any, object]) -> None:
        """Run a coroutine of the core to its end."""
        self._turns.start(work)

    def call_later(self, delay: float, callback: Callable[[], None]) -> Timer:
        """Note that the core has set a timer."""
        self._timers_made += 1
        timer = self._timers[self._timers_made] = _Timer(delay, callback)
        return timer

    def connect(self, listener: SocketListener) -> Socket:
        """Note that the core has opened a socket."""
        self._listeners.append(listener)
        return _Socket()

    async def request(
        self, method: str, path: str, body: str | None = None, *, timeout: float
    ) -> HttpAnswer:
        """Wait for the answer that was given then, if one was."""
        if path.startswith(EXPORTS):
            raise ProxyUnreachable(f"{method} {path}", "A recording cannot be exported from.")
        route = method, redact_text(path)
        self._asked[route] += 1
        call = (*route, self._asked[route])
        if call not in self._asked_then:
            self.divergences += 1
            raise ProxyUnreachable(f"{method} {path}", "This was never asked in the recording.")
        early = self._early.pop(call, None)
        if early is not None:
            return _answer_in(early)
        waiting: asyncio.Future[HttpAnswer] = self._turns.create_future()
        self._open[call] = waiting
        return await waiting

    # -- inputs -----------------------------------------------------------------------

    def _deliver(self, row: Mapping[str, Any]) -> None:
        kind = row["k"]
        if kind == "text":
            if listener := self._listener(row["s"]):
                listener.on_text(row["text"])
        elif kind == "open":
            if listener := self._listener(row["s"]):
                listener.on_open()
        elif kind == "close":
            if listener := self._listener(row["s"]):
                listener.on_close()
        elif kind in ("answer", "failure"):
            self._answer(row)
        elif kind == "timer":
            self._ring(row["n"], row["delay"])
        elif kind == "intent":
            self._intend(row["topic"], row["value"])
        elif kind == "restore" and self._core is not None:
            self._core.restore(row["state"])
        elif kind == "start" and self._core is not None:
            self._core.start()

    def _listener(self, number: int) -> SocketListener | None:
        if 0 < number <= len(self._listeners):
            return self._listeners[number - 1]
        self.divergences += 1
        return self._listeners[-1] if self._listeners else None

    def _answer(self, row: Mapping[str, Any]) -> None:
        call = row["method"], row["path"], row["n"]
        waiting = self._open.pop(call, None)
        if waiting is None:
            self.divergences += 1
            self._early[call] = row  # a core that asks later than the recorded one did
            return
        if waiting.done():
            return
        try:
            waiting.set_result(_answer_in(row))
        except ProxyUnreachable as error:
            waiting.set_exception(error)

    def _ring(self, number: int, delay: float) -> None:
        timer = self._timers.pop(number, None)
        if timer is None or not timer.is_pending or timer.delay != delay:
            self.divergences += 1
            alike = (n for n, t in self._timers.items() if t.is_pending and t.delay == delay)
            timer = self._timers.pop(next(alike, 0), None)
        if timer is not None:
            timer.is_pending = False
            timer.callback()


def _answer_in(row: Mapping[str, Any]) -> HttpAnswer:
    if row["k"] == "answer":
        return HttpAnswer(row["status"], row["type"], row["text"])
    error = ProxyTimeout if row["error"] == "timeout" else ProxyUnreachable
    raise error(f"{row['method']} {row['path']}", row["message"])


@dataclass(frozen=True, slots=True)
class Playback:
    """Where a replay stands.

    Attributes:
        position: milliseconds since the recording's start.
        length: milliseconds from its start to its end.
        is_playing: whether it goes on by itself.
        speed: how many times faster than it happened; None: as fast as it goes.
        is_seeking: whether it is still on the way to ``position``.
        divergences: how often the core did not do what the recorded one did.
    """

    position: float
    length: float
    is_playing: bool
    speed: float | None
    is_seeking: bool
    divergences: int

    def to_wire(self) -> dict[str, Any]:
        """Return the JSON object."""
        return {
            "position": self.position,
            "length": self.length,
            "isPlaying": self.is_playing,
            "speed": self.speed,
            "isSeeking": self.is_seeking,
            "divergences": self.divergences,
        }


REPLAY_CHANGED: events.Topic[Playback] = events.Topic("replay:changed")


class Player:
    """Plays a recording on the page: pause, speed, and any moment of it.

    The way back leads through the start: the core is made anew and hears everything up to the
    moment asked for, in slices, with nothing shown on the way. Implements the port ``Clock``
    for the page.
    """

    def __init__(
        self,
        recording: Recording,
        build: Callable[[Rerun, EventBus], Core],
        page: EventBus,
        scheduler: Scheduler,
        clock: Clock,
        report: Report,
        *,
        stopwatch: Callable[[], float] = time.perf_counter,
    ) -> None:
        """Prepare to play; :meth:`begin` shows the start.

        Args:
            recording: what to play.
            build: makes a core on the ports and the bus that it is given.
            page: the page's bus.
            scheduler: the page's timers.
            clock: the time that passes while it plays.
            report: is told of errors.
            stopwatch: measures, in seconds, how long a slice of work takes.
        """
        self._recording = recording
        self._build = build
        self._page = page
        self._scheduler = scheduler
        self._clock = clock
        self._report = report
        self._stopwatch = stopwatch
        self.on_renewed: Callable[[Core], None] = lambda core: None
        """Called with a core that takes the place of another one, once it can be shown."""
        self._afresh = True
        self._target: float | None = None
        self._playing = False
        self._speed: float | None = 1.0
        # Where the recording stood, and when, since it plays at this speed.
        self._from, self._since = 0.0, 0.0
        self._timer: Timer | None = None
        self._make()

    @property
    def core(self) -> Core:
        """The core that is driven now."""
        return self._core

    def now(self) -> float:
        """Milliseconds since 1970, as of the replay's position: stands still while paused."""
        return self._rerun.now()

    def utc_offset(self, at: float) -> float:
        """Milliseconds by which local time was ahead of UTC where it was recorded."""
        return self._rerun.utc_offset(at)

    @property
    def playback(self) -> Playback:
        """Where the replay stands."""
        seeking = self._target is not None
        return Playback(
            position=self._rerun.position if self._target is None else self._target,
            length=self._recording.length,
            is_playing=self._playing,
            speed=self._speed,
            is_seeking=seeking,
            divergences=self._rerun.divergences,
        )

    # -- what a person does -------------------------------------------------------------

    def begin(self) -> None:
        """Show the first moment, and play."""
        self.seek(0.0)
        self.play()

    def play(self) -> None:
        """Go on from here; from the start when this is the end."""
        if self.playback.position >= self._recording.length:
            self.seek(0.0)
        self._playing = True
        self._anchor()
        self._next_step()

    def pause(self) -> None:
        """Stand still."""
        self._playing = False
        self._tell()

    def set_speed(self, speed: float | None) -> None:
        """Play so many times faster than it happened; None: as fast as it goes."""
        self._speed = speed
        self._anchor()
        self._tell()

    def seek(self, position: float) -> None:
        """Show the state as of ``position``, milliseconds since the recording's start."""
        position = min(max(0.0, position), self._recording.length)
        if position < self._rerun.position:
            self._renew()
        self._relay.silent = True
        self._target = position
        self._next_step()

    def at(self, position: float) -> SessionState:
        """Return the state as of ``position``, at once, however long that takes."""
        self.seek(position)
        while self._target is not None:
            self._rerun.advance(self._target)
            self._arrive()
        return self._core.state

    def stop(self) -> None:
        """Play no more."""
        self._playing = False
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        self._rerun.stop()

    # -- inside -----------------------------------------------------------------------

    def _renew(self) -> None:
        self._relay.silent = True
        self._rerun.stop()
        self._make()

    def _make(self) -> None:
        self._relay = Relay(self._page, self._report)
        self._relay.silent = True
        self._rerun = Rerun(self._recording, self._relay.intend, self._report)
        self._core = self._build(self._rerun, self._relay)
        self._rerun.drive(self._core)
        self._afresh = True

    def _anchor(self) -> None:
        self._from, self._since = self.playback.position, self._clock.now()

    def _next_step(self, delay: float = 0.0) -> None:
        if self._timer is None:
            self._timer = self._scheduler.call_later(delay, self._step)
        self._tell()

    def _step(self) -> None:
        self._timer = None
        until = self._stopwatch() + SLICE

        def enough() -> bool:
            return self._stopwatch() >= until

        if self._target is not None:
            if self._rerun.advance(self._target, enough):
                self._arrive()
        elif self._playing:
            self._play_on(enough)
        if self._target is not None:
            self._next_step()
        elif self._playing:
            self._next_step(0.0 if self._speed is None else TICK)
        else:
            self._tell()

    def _play_on(self, enough: Callable[[], bool]) -> None:
        length = self._recording.length
        to = length
        if self._speed is not None:
            to = min(length, self._from + (self._clock.now() - self._since) * self._speed)
        if not self._rerun.advance(to, enough):
            self._anchor()  # the machine is slower than the speed asked for
        if self._rerun.position >= length:
            self._playing = False
        self._page.emit(events.SOURCES_MERGED, self._core.state.merge_data_sources())

    def _arrive(self) -> None:
        self._target = None
        afresh, self._afresh = self._afresh, False
        if afresh:
            self.on_renewed(self._core)
        self._relay.speak(self._core.state, afresh=afresh)
        self._anchor()

    def _tell(self) -> None:
        self._page.emit(REPLAY_CHANGED, self.playback)

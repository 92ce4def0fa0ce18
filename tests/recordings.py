"""A core that is recorded over fakes, and cores that are replayed from what was written."""

from __future__ import annotations

from collections.abc import Coroutine
from dataclasses import dataclass, field
from typing import Any

from demo.proxy import DemoProxy
from sessions import commands, core, events
from sessions.events import EventBus
from sessions.models import to_plain
from sessions.ports import Http
from sessions.recording import Recorder, Recording, read
from sessions.replay import Rerun
from sessions.state import SessionState
from tests.driver import run, settle
from tests.fakes import FakeHttp, FakeSockets
from tests.support import FakeClock, FakeScheduler

TOPICS = sorted(
    {
        str(value)
        for module in (events, commands)
        for value in vars(module).values()
        if isinstance(value, events.Topic)
    }
)
"""Everything that the core tells."""

START = 1_795_329_600_000.0


@dataclass
class Log:
    """A page's bus, and everything that it heard, as plain values."""

    errors: list[tuple[str, BaseException]] = field(default_factory=list)
    heard: list[tuple[str, Any]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.bus = EventBus(self.report)
        for topic in TOPICS:
            self.bus.on(topic, lambda payload, topic=topic: self._hear(topic, payload))

    def _hear(self, topic: str, payload: object) -> None:
        self.heard.append((topic, to_plain(payload)))

    def report(self, where: str, error: BaseException) -> None:
        self.errors.append((where, error))


class Core(core.Core):
    """The core, as the page wires it, and a look into it."""

    def __init__(self, ports: Recorder | Rerun, bus: EventBus) -> None:
        header = ports.header
        super().__init__(
            ports, ports, ports, ports, bus,
            address=header.address, demo=header.demo, chance=ports.chance,
        )  # fmt: skip

    def picture(self) -> dict[str, Any]:
        """Everything that the core knows, down to what it keeps to itself."""
        state, manager, live = self.state, self.manager, self.live
        rings = state._buffers
        return {
            "session": to_plain(state.session),
            "session_id": state.session_id,
            "out_of_reach": state.is_out_of_reach,
            "max_context": state.max_context,
            "memory": to_plain(state.memory),
            "metrics": {key: list(ring) for key, ring in rings.items()},
            "order": list(rings),
            "stats": {key: ring.stats.stats() for key, ring in rings.items()},
            "totals": {key: ring.stats.session_totals() for key, ring in rings.items()},
            "accuracy": state.calculate_accuracy(),
            "quality": dict(state.quality_by_model()),
            "readings": (state.proxy_reading, state.log_reading, dict(state._readings)),
            "early": dict(state._pending),
            "history": list(manager.session_history),
            "configs": dict(manager.session_proxy_map),
            "switching_to": manager.switching_to,
            "connection": live.connection.state,
            "pinned": live.pinned,
            "ignored": dict(live.ignored),
            "behind": (live._is_behind, live._retries, live._reloading.is_running, live._read_id),
            "heard_at": (live._heard_at, live._loaded_at),
            "capabilities": dict(self.api.capabilities.known),
        }


class Studio:
    """A recorded core; a test plays the proxy and moves the clock."""

    def __init__(self, http: Http | None = None, *, demo: bool = False, **options: Any) -> None:
        self.clock = FakeClock(START, offset=3_600_000)
        self.scheduler = FakeScheduler(self.clock)
        self.sockets = FakeSockets()
        self.lines: list[str] = []
        self.picture: dict[str, Any] = {}
        self.heard: list[tuple[str, Any]] = []
        self.page = Log()
        proxy = DemoProxy(self.clock, self.scheduler) if demo else None
        self.recorder = Recorder(
            proxy or http or FakeHttp.speaking("2026-02-21"), proxy or self.sockets,
            self.clock, self.scheduler, self.lines.append, self.page.report,
            **{"address": "http://localhost:8000", "demo": demo, "seed": 7, **options},
        )  # fmt: skip
        self.core = Core(self.recorder, self.recorder.relay(self.page.bus))

    async def begin(self) -> None:
        """Start, connect, and load what there is."""
        self.recorder.begin(self.core.start)
        await settle()
        if self.sockets.all:
            self.sockets.last.listener.on_open()
        await self.settle()

    def visit(self, work: Coroutine[Any, Any, object]) -> None:
        """Run a visit to its end; what the core knew and had told then is kept."""

        async def to_the_end() -> None:
            await work
            self.picture, self.heard = self.core.picture(), self.page.heard[:]
            self.recorder.stop()
            self.recorder.close()
            await settle()

        run(to_the_end())

    async def settle(self) -> None:
        for _ in range(5):
            await settle()

    async def hear(self, *messages: object) -> None:
        for message in messages:
            self.sockets.last.say(message)
        await self.settle()

    async def later(self, seconds: float) -> None:
        self.scheduler.advance(seconds)
        await self.settle()

    async def intend(self, topic: str, **request: Any) -> None:
        self.page.bus.emit(topic, request)
        await self.settle()

    @property
    def text(self) -> str:
        return "\n".join([*self.lines, ""])

    def recording(self) -> Recording:
        return read(self.text)


@dataclass
class Replayed:
    """Where a replay ended, and what it told on the way."""

    state: SessionState
    picture: dict[str, Any]
    heard: list[tuple[str, Any]]
    errors: list[tuple[str, BaseException]]
    divergences: int


def replay(recording: Recording, to: float | None = None) -> Replayed:
    """Run through a recording, or up to a moment of it."""
    page = Log()
    rerun = Rerun(recording, page.bus.emit, page.report)
    core = Core(rerun, page.bus)
    rerun.drive(core)
    rerun.advance(recording.length if to is None else to)
    replayed = Replayed(core.state, core.picture(), page.heard[:], page.errors, rerun.divergences)
    rerun.stop()
    return replayed


def same_as_live(studio: Studio) -> Replayed:
    """Check that a replay ends where live did, by the same steps."""
    replayed = replay(studio.recording())
    assert studio.page.errors == []
    assert replayed.errors == []
    assert replayed.picture == studio.picture
    assert replayed.heard == studio.heard
    assert replayed.divergences == 0
    return replayed

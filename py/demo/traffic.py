"""The demo's developer at work: one request after the other, as long as somebody watches."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from sessions.ports import Clock, Scheduler

from . import frames
from .catalogue import DEFAULT_PROVIDER, PROVIDERS
from .clocks import local_time
from .conversation import Exchange
from .records import DemoSession, MemoryUse, Request
from .scenario import relive_request
from .store import DemoStore
from .texts import PASTED_LOG, PASTED_TREE
from .timers import Timers

PAUSE = (1.5, 4.0)
ANSWER = (0.6, 2.0)
"""Seconds between two requests, and until the real counts of one are known."""

MISSED_PAUSE = (0.3, 1.2)
MOST_MISSED = 40
"""Seconds between two requests while nobody watches, and how many of them there are at most.
They come faster than the watched ones, so that a drop of a second leaves something to fetch."""

SWITCH_AFTER = 90_000.0
"""Milliseconds that a session stays active at least before the developer leaves it."""

MOST_SESSIONS = 12
"""With so many sessions, the developer goes back to an old one instead of starting another."""

SWITCH_CHANCE = 0.004
SWITCH_CHANCE_COMPACTED = 0.08
BREAK_CHANCE = 0.012
MEMORY_CHANCE = 0.12
LOG_CHANCE = 0.4
LOG_APART_CHANCE = 0.25
PASTE_CHANCE = 0.15
PASTE_TOO_MUCH_CHANCE = 0.008
"""Chances of what may happen at a request: leaving the session (more so once it was
compacted), an answer that breaks off, memories in the prompt, a log that tells of it (and is
far from the proxy's count), a pasted file when the window is nearly full, one too large."""

NEARLY_FULL = 0.76
PASTED_TO = (0.87, 0.975)
"""Share of the window from which a pasted file may fill it up, and how far it then does: this
is what raises the higher alerts before the proxy compacts."""

FULL = 0.93
"""Share of the window from which the developer begins a new chat when a request is refused,
as happens without automatic compaction."""


class Outcome(StrEnum):
    """What becomes of a request."""

    ANSWERED = "answered"
    BROKEN_OFF = "broken off"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class InFlight:
    """A request whose answer is on its way."""

    session: DemoSession
    request: Request
    exchange: Exchange
    outcome: Outcome


@dataclass(frozen=True, slots=True)
class Paste:
    """A file in a prompt: its share of the window, and the prompt."""

    share: float
    prompt: str


class Traffic:
    """Sends requests in the active session, and announces what the proxy would."""

    def __init__(
        self,
        store: DemoStore,
        clock: Clock,
        scheduler: Scheduler,
        announce: Callable[[frames.Frame], None],
    ) -> None:
        """Prepare; nothing happens before :meth:`start`."""
        self._store = store
        self._rng = store.rng
        self._clock = clock
        self._announce = announce
        self._timers = Timers(scheduler)
        self._in_flight: InFlight | None = None
        self._stopped_at: float | None = None

    def start(self) -> None:
        """Let what was missed have happened, and go on from there."""
        if self._stopped_at is not None:
            self._catch_up(self._stopped_at, self._clock.now())
        self._timers.later(self._rng.uniform(0.8, 1.6), self._send)

    def stop(self) -> None:
        """Do nothing more; the answer that is on its way arrives unannounced."""
        self._timers.clear()
        if self._in_flight is not None:
            self._settle(self._in_flight)
        self._stopped_at = self._clock.now()

    # -- one request --------------------------------------------------------------------

    def _send(self) -> None:
        pause = self._rng.uniform(*PAUSE)
        self._timers.later(pause, self._send)
        now = self._clock.now()
        session = self._choose_session(now)
        if session is None:
            return
        if session.needs_compaction(now):
            compaction = self._store.compact(session, now, reason="auto_threshold")
            self._announce(frames.compaction_event(compaction, self._clock))
        self._in_flight = sent = self._launch(session, now)
        shortest, longest = ANSWER
        delay = self._rng.uniform(shortest, min(longest, pause - 0.2))
        self._timers.later(delay, lambda: self._finish(sent))

    def _launch(self, session: DemoSession, now: float) -> InFlight:
        billed = session.billed
        paste = self._choose_paste(session)
        exchange = session.conversation.plan(paste.share if paste else None)
        memory = self._choose_memory(exchange)
        prompt = paste.prompt if paste else None
        request = self._store.add_request(session, exchange, now, prompt, memory)
        self._announce(frames.metric(session, request, exchange, billed, self._clock))
        if memory is not None:
            self._announce(frames.memory_metrics_update(request, self._clock))
        return InFlight(session, request, exchange, self._choose_outcome(session, exchange))

    def _finish(self, sent: InFlight) -> None:
        self._settle(sent)
        session, request = sent.session, sent.request
        if session.id not in self._store.sessions:
            return
        if sent.outcome is Outcome.REFUSED:
            self._announce(frames.provider_context_limit_error(session, request))
            self._log_soon(session, "continue_api_error", request.tokens, 0)
            return
        self._announce(frames.metric_updated(request))
        if sent.outcome is Outcome.BROKEN_OFF:
            self._announce(frames.streaming_error(request, self._clock.now(), self._clock))
            self._log_soon(session, "continue_api_error", request.tokens, request.completion)
        elif self._rng.random() < LOG_CHANCE:
            self._log_about(session, request)

    def _settle(self, sent: InFlight) -> None:
        """Record what became of a request."""
        if self._in_flight is sent:
            self._in_flight = None
        if sent.outcome is not Outcome.REFUSED:
            self._store.book(sent.session, sent.request, sent.exchange)
        elif sent.session.conversation.fill > FULL:
            sent.session.conversation.start_over()

    # -- what the logs say --------------------------------------------------------------

    def _log_about(self, session: DemoSession, request: Request) -> None:
        sources = ["continue_logs", "continue_logs", "continue_compile_chat"]
        if "kimi" in (session.model or ""):
            sources += ["kimi_global", f"kimi_session_{session.id:04x}"]
        apart = self._rng.random() < LOG_APART_CHANCE
        factor = self._rng.uniform(0.55, 0.8) if apart else self._rng.uniform(0.97, 1.06)
        tokens = round(request.tokens * factor)
        source = self._rng.choice(sources)
        self._log_soon(session, source, tokens, min(tokens, request.completion))

    def _log_soon(self, session: DemoSession, source: str, tokens: int, completion: int) -> None:
        def tell() -> None:
            if session.id in self._store.sessions:
                now = self._clock.now()
                frame = frames.log_metric(session, source, tokens, completion, now, self._clock)
                self._announce(frame)

        self._timers.later(self._rng.uniform(0.2, 1.2), tell)

    # -- choices ------------------------------------------------------------------------

    def _choose_session(self, now: float) -> DemoSession | None:
        """Return the session to work in: as a rule the active one."""
        active = self._store.active
        if not self._store.auto_session:
            return active
        if active is None:
            return self._begin_session(None, now)
        if now - self._store.activated_at < SWITCH_AFTER:
            return active
        compacted = active.compactions
        is_done = bool(compacted) and compacted[-1].at > self._store.activated_at
        chance = SWITCH_CHANCE_COMPACTED if is_done else SWITCH_CHANCE
        if self._rng.random() >= chance:
            return active
        if len(self._store.sessions) < MOST_SESSIONS:
            return self._begin_session(active, now)
        return self._return_to_session(active, now)

    def _begin_session(self, active: DemoSession | None, now: float) -> DemoSession:
        left = active.provider if active else DEFAULT_PROVIDER
        provider = self._rng.choice([p for p in PROVIDERS if p.key not in (left, DEFAULT_PROVIDER)])
        name = f"Session {provider.key.capitalize()} {local_time(now, self._clock)}"
        model = self._rng.choice(provider.models).upstream
        fill = self._rng.uniform(0.02, 0.1)
        session = self._store.create(name, provider.key, model, now, fill)
        self._announce(frames.auto_session_created(session))
        return session

    def _return_to_session(self, active: DemoSession, now: float) -> DemoSession:
        others = [s for s in self._store.sessions.values() if s is not active]
        session = self._rng.choice(others)
        self._store.activate(session.id, now)
        self._announce(frames.session_activated(session))
        return session

    def _choose_paste(self, session: DemoSession) -> Paste | None:
        fill = session.conversation.fill
        chance = self._rng.random()
        if fill > 0.4 and chance < PASTE_TOO_MUCH_CHANCE:
            return Paste(self._rng.uniform(0.7, 1.0), PASTED_TREE)
        if NEARLY_FULL <= fill < session.threshold and chance < PASTE_CHANCE:
            return Paste(self._rng.uniform(*PASTED_TO) - fill, PASTED_LOG)
        return None

    def _choose_memory(self, exchange: Exchange) -> MemoryUse | None:
        if self._rng.random() >= MEMORY_CHANCE:
            return None
        memory = min(exchange.estimate // 2, self._rng.randint(300, 2_400))
        return MemoryUse(memory, exchange.estimate - memory)

    def _choose_outcome(self, session: DemoSession, exchange: Exchange) -> Outcome:
        if exchange.prompt > session.conversation.window:
            return Outcome.REFUSED
        broken = self._rng.random() < BREAK_CHANCE
        return Outcome.BROKEN_OFF if broken else Outcome.ANSWERED

    # -- while nobody watched -----------------------------------------------------------

    def _catch_up(self, since: float, now: float) -> None:
        """Let the requests of a gap have happened; of a long one, the last of them."""
        session = self._store.active
        longest = MOST_MISSED * MISSED_PAUSE[0] * 1000
        at = max(since, now - longest) + self._rng.uniform(*MISSED_PAUSE) * 1000
        while session is not None and at < now:
            relive_request(self._store, session, at)
            at += self._rng.uniform(*MISSED_PAUSE) * 1000

"""The demo's database: all sessions, which one is active, and the ids in use."""

from __future__ import annotations

import itertools
import random
from collections import deque

from .catalogue import find_model
from .conversation import Conversation, Exchange
from .records import Compaction, DemoSession, MemoryUse, Request
from .texts import PROMPTS

MAX_RPM = 40
"""Requests that the proxy's rate limit allows in a minute."""


class DemoStore:
    """Sessions with their requests. Times are milliseconds since 1970."""

    def __init__(self, rng: random.Random) -> None:
        """Start empty; ``rng`` decides how conversations grow."""
        self.rng = rng
        self.sessions: dict[int, DemoSession] = {}
        self.active_id: int | None = None
        self.activated_at = 0.0
        self.auto_session = True
        self._session_ids = itertools.count(1)
        self._request_ids = itertools.count(1)
        self._compaction_ids = itertools.count(1)
        self._sent: deque[float] = deque(maxlen=4 * MAX_RPM)

    @property
    def active(self) -> DemoSession | None:
        """The session that requests are booked on, or None."""
        return None if self.active_id is None else self.sessions.get(self.active_id)

    def newest_first(self) -> list[DemoSession]:
        """Return all sessions, newest first."""
        return sorted(self.sessions.values(), key=lambda s: (s.created_at, s.id), reverse=True)

    def create(
        self, name: str, provider: str, model: str | None, at: float, fill: float = 0.0
    ) -> DemoSession:
        """Create a session, which becomes the active one."""
        conversation = Conversation(find_model(model), self.rng, fill)
        session = DemoSession(next(self._session_ids), name, provider, model, at, conversation)
        self.sessions[session.id] = session
        self.activate(session.id, at)
        return session

    def activate(self, session_id: int, at: float) -> DemoSession | None:
        """Make a session the active one; with an unknown id, none is active any more."""
        known = self.sessions.get(session_id)
        self.active_id = None if known is None else session_id
        self.activated_at = at
        return known

    def delete(self, session_id: int) -> bool:
        """Forget a session; False when there is none of that id."""
        return self.sessions.pop(session_id, None) is not None

    def add_request(
        self,
        session: DemoSession,
        exchange: Exchange,
        at: float,
        preview: str | None = None,
        memory: MemoryUse | None = None,
    ) -> Request:
        """Record a request as the proxy does before it forwards it: with an estimate."""
        request = Request(
            next(self._request_ids),
            session.id,
            at,
            exchange.estimate,
            session.conversation.window,
            self.pick_preview(session) if preview is None else preview,
            memory or MemoryUse(),
        )
        session.requests.append(request)
        if memory is not None:
            session.memory = memory
        self._sent.append(at)
        return request

    def book(self, session: DemoSession, request: Request, exchange: Exchange) -> None:
        """Record the real counts of a request, and its answer in the conversation."""
        request.book(exchange.prompt, exchange.completion)
        session.billed += exchange.total
        session.conversation.append(exchange)

    def compact(
        self, session: DemoSession, at: float, *, preserve: int = 2, reason: str
    ) -> Compaction:
        """Compact a session and record it."""
        chat = session.conversation
        before, messages_before = chat.tokens, chat.messages
        chat.compact(preserve)
        compaction = Compaction(
            next(self._compaction_ids),
            session.id,
            at,
            before,
            min(before, chat.tokens),
            messages_before,
            chat.messages,
            min(messages_before, 2 * preserve),
            reason,
        )
        session.add_compaction(compaction)
        return compaction

    def requests_per_minute(self, now: float) -> int:
        """Return how many requests were sent within the last minute."""
        return sum(1 for at in self._sent if now - 60_000 < at <= now)

    def pick_preview(self, session: DemoSession) -> str:
        """Return a prompt that this session has not had lately."""
        chosen = self.rng.choice(PROMPTS)
        while chosen in session.recent_previews:
            chosen = self.rng.choice(PROMPTS)
        session.recent_previews.append(chosen)
        return chosen

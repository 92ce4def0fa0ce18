"""What has happened before the page opens: five sessions of the last days."""

from __future__ import annotations

from typing import NamedTuple

from .records import DemoSession
from .store import DemoStore

HOUR = 3_600_000.0


class PastSession(NamedTuple):
    """A session that is there from the start.

    Attributes:
        hours_ago: when its last request was sent.
        requests: how many it has seen.
        fill: share of the window in use before the first of them: an IDE's open files.
        pause: seconds between two requests, on average.
    """

    name: str
    provider: str
    model: str
    hours_ago: float
    requests: int
    fill: float
    pause: float


PAST = (
    PastSession(
        "Traduction des libellés – français, Español, Čeština, 日本語",
        "mistral",
        "mistral-large-2411",
        73.0,
        58,
        0.05,
        70,
    ),
    PastSession(
        "Audit of the whole monorepo: dependency graph, dead code, licence headers, and a "
        "migration plan from Python 3.9 to 3.13 that leaves the public API as it is",
        "gemini",
        "gemini-2.5-pro",
        47.0,
        139,
        0.02,
        95,
    ),
    PastSession(
        'Fix: names like <b>bold</b> & "quotes" in the exports',
        "openai",
        "gpt-4.1-mini",
        25.0,
        34,
        0.01,
        45,
    ),
    PastSession(
        "Réécriture du gestionnaire de sessions – étape 2",
        "anthropic",
        "claude-sonnet-4-5",
        3.0,
        112,
        0.08,
        60,
    ),
    PastSession(
        "WebSocket: reconnexion et rattrapage des métriques",
        "nvidia",
        "moonshotai/kimi-k2.5",
        0.001,
        96,
        0.28,
        14,
    ),
)
"""Oldest first, one after the other, so that ids rise with time; the last is the active one."""


def populate(store: DemoStore, now: float) -> None:
    """Fill an empty store with the sessions of the last days."""
    for past in PAST:
        pauses = [store.rng.uniform(0.4, 1.6) * past.pause * 1000 for _ in range(past.requests)]
        at = now - past.hours_ago * HOUR - sum(pauses)
        session = store.create(past.name, past.provider, past.model, at, past.fill)
        for pause in pauses:
            at += pause
            relive_request(store, session, at)
    store.activated_at = now


def relive_request(store: DemoStore, session: DemoSession, at: float) -> None:
    """Let a request and its answer have happened at a moment that is past, unannounced."""
    if session.needs_compaction(at):
        store.compact(session, at, reason="auto_threshold")
    exchange = session.conversation.plan()
    if exchange.prompt > session.conversation.window:
        session.conversation.start_over()
        return
    request = store.add_request(session, exchange, at)
    store.book(session, request, exchange)

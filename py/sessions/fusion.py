"""Which source to believe: the proxy's count or what the logs say, and why.

Two readings compete: the last one from the proxy and the last one from a log. Rules:

- a reading is fresh for :data:`FRESH_FOR` milliseconds; only fresh ones compete;
- the higher priority wins; on equal priority the proxy stays;
- two fresh readings that differ a little (less than a fifth of their mean, yet more than
  100 tokens) are one truth seen twice: the larger is taken, as ``hybrid``;
- with nothing fresh the last known proxy reading stands, else the last log reading.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from .models import as_number, as_text, as_tokens

FRESH_FOR = 5_000.0
"""Milliseconds for which a reading counts as current."""

HYBRID_RATIO = 0.2
HYBRID_TOKENS = 100

_PRIORITIES = {
    "compile_chat": 4,
    "continue_compile_chat": 4,
    "api_error": 3,
    "continue_api_error": 3,
    "kimi_global_error": 3,
    "proxy": 2,
    "kimi_global": 2,
}


def priority_of(source: str) -> int:
    """Return how much a source is trusted, 4 (most) to 1."""
    known = _PRIORITIES.get(source)
    if known is not None:
        return known
    return 2 if source.startswith("kimi_session") else 1


class Reading(NamedTuple):
    """How full the context window is according to one source.

    Attributes:
        tokens: tokens in the context window.
        percentage: of the window, as the source computed it.
        timestamp: when it was read, in milliseconds since 1970; None: never fresh.
        max_context: the window's size in tokens, when the source names it.
    """

    tokens: int
    percentage: float | None
    timestamp: float | None
    source: str
    max_context: int | None
    wire: Mapping[str, Any]

    @classmethod
    def from_wire(cls, data: Mapping[str, Any], default_source: str) -> Reading:
        """Read ``{tokens, percentage, timestamp, source?}``; an absent count is 0."""
        get = data.get
        return cls(
            as_tokens(get("tokens")) or 0,
            as_number(get("percentage")),
            as_number(get("timestamp")),
            as_text(get("source")) or default_source,
            as_tokens(get("max_context")) or None,
            data,
        )

    def age(self, now: float) -> float | None:
        """Milliseconds since it was read, or None when that is unknown."""
        return None if self.timestamp is None else now - self.timestamp

    def is_fresh(self, now: float) -> bool:
        """Tell whether it counts as current."""
        return self.timestamp is not None and now - self.timestamp < FRESH_FOR

    def to_wire(self) -> dict[str, Any]:
        """Return the JSON object with the name of its source."""
        return {**self.wire, "source": self.source}


class Fusion(NamedTuple):
    """The outcome, and everything needed to explain it.

    Attributes:
        source: the winner's name, or ``hybrid``.
        reason: ``hybrid``, ``priority``, ``tie``, ``only-fresh`` or ``last-known``.
        winner: the reading that was believed; None when both were, as a hybrid.
        proxy: the proxy's reading, or None.
        log: the log's reading, or None.
        at: when the comparison was made, in milliseconds since 1970.
    """

    tokens: int
    percentage: float | None
    source: str
    reason: str
    winner: Reading | None
    max_context: int | None
    proxy: Reading | None
    log: Reading | None
    at: float

    @property
    def is_fresh(self) -> bool:
        """False when the number is only the last one known."""
        return self.reason != "last-known"

    def to_wire(self) -> dict[str, Any]:
        """Return what existing dashboards expect of the merged data."""
        if self.winner is not None:
            return self.winner.to_wire()
        return {"tokens": self.tokens, "percentage": self.percentage, "source": self.source}


def merge(proxy: Reading | None, log: Reading | None, now: float) -> Fusion | None:
    """Decide between two readings at the moment ``now``; None when there is neither."""

    def decide(winner: Reading, reason: str) -> Fusion:
        return Fusion(
            winner.tokens, winner.percentage, winner.source, reason, winner,
            winner.max_context, proxy, log, now,
        )  # fmt: skip

    proxy_fresh = proxy is not None and proxy.is_fresh(now)
    log_fresh = log is not None and log.is_fresh(now)
    if proxy and log and proxy_fresh and log_fresh:
        difference = abs(proxy.tokens - log.tokens)
        mean = (proxy.tokens + log.tokens) / 2
        if mean > 0 and difference / mean < HYBRID_RATIO and difference > HYBRID_TOKENS:
            larger = proxy if proxy.tokens > log.tokens else log
            shares = [p for p in (proxy.percentage, log.percentage) if p is not None]
            return Fusion(
                larger.tokens, max(shares, default=None), "hybrid", "hybrid", None,
                larger.max_context, proxy, log, now,
            )  # fmt: skip
        ours, theirs = priority_of(proxy.source), priority_of(log.source)
        if ours == theirs:
            return decide(proxy, "tie")
        return decide(proxy if ours > theirs else log, "priority")
    if proxy and proxy_fresh:
        return decide(proxy, "only-fresh")
    if log and log_fresh:
        return decide(log, "only-fresh")
    last = proxy or log
    return decide(last, "last-known") if last else None

"""When the context window will overflow, if the session goes on as it has."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise

from .models import Metric
from .stats import quantile

WINDOW = 12
"""Requests looked at: the pace of the last few turns, not of the whole day."""

DROP = 0.6
"""A request below this share of the one before follows a compaction or a new chat."""

FEWEST = 3
"""Requests needed before a pace can be told."""


@dataclass(frozen=True, slots=True)
class Forecast:
    """How long the window will last.

    Attributes:
        requests: requests until it is full; 0 when it is full already.
        growth: tokens that a request typically adds.
    """

    requests: int
    growth: float


def forecast(metrics: Sequence[Metric], used: int, limit: int) -> Forecast | None:
    """Tell when ``limit`` tokens will be reached.

    Args:
        metrics: the session's requests, oldest first.
        used: tokens in the window now.
        limit: tokens at which it overflows (less what is reserved).

    Returns:
        None while there are too few requests, or when they do not grow.
    """
    run = _since_last_drop(metrics[-WINDOW:])
    if len(run) < FEWEST:
        return None
    growth = _median(b.shown_tokens - a.shown_tokens for a, b in pairwise(run))
    if growth <= 0:
        return None
    requests = max(0, -(-(limit - used) // max(1, round(growth))))
    return Forecast(requests, growth)


def _since_last_drop(metrics: Sequence[Metric]) -> Sequence[Metric]:
    start = 0
    for index in range(1, len(metrics)):
        if metrics[index].shown_tokens < DROP * metrics[index - 1].shown_tokens:
            start = index
    return metrics[start:]


def _median(values: Iterable[float]) -> float:
    return quantile(sorted(values), 0.5)

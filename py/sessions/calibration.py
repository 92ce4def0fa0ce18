"""Why the proxy's estimates are off, and what a request will probably cost after all.

The proxy estimates with OpenAI's encoding, whatever the model; it counts role and content, and
neither tool definitions nor the answer. How far that is from the provider's count depends on the
model and on how it is used, but for one model it hardly changes from request to request: the
median of the last ratios corrects the next estimate. The median, because one request that was
cut off or answered from a cache says nothing about the next.

A corrected estimate is a guess with a range. It stands beside the estimate and never enters
statistics, accuracy or the gauge.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import islice

from .models import Metric
from .stats import EstimateQuality, estimate_quality, quantile, ratio_of, round_half_up

ENOUGH = 5
"""Requests with both counts that it takes before an estimate is corrected."""

REMEMBERED = 20
"""The newest requests of a model that are looked at. Back-tests (``tests/bench/calibration.py``):
fewer follow a change sooner, more are steadier; with 20 a steady bias costs nothing yet."""


@dataclass(frozen=True, slots=True)
class CalibratedEstimate:
    """What a request will probably cost, in tokens: half of the known ones lie in the range."""

    tokens: int
    low: int
    high: int


@dataclass(frozen=True, slots=True)
class Calibration:
    """How far the provider's counts of one model were from the proxy's estimates.

    Attributes:
        ratios: real / estimated of each request, the oldest first.
        quality: their median, spread and number.
        low: the quarter of the ratios below which a ratio is unusual.
        high: the same above.
    """

    model: str
    ratios: tuple[float, ...]
    quality: EstimateQuality
    low: float
    high: float

    @property
    def is_enough(self) -> bool:
        """True when there are enough requests to correct an estimate by."""
        return len(self.ratios) >= ENOUGH

    def apply(self, estimate: int) -> CalibratedEstimate | None:
        """Correct an estimate (tokens); None while too little is known."""
        if not self.is_enough:
            return None
        return CalibratedEstimate(
            round_half_up(estimate * self.quality.bias),
            round_half_up(estimate * self.low),
            round_half_up(estimate * self.high),
        )


def calibrate(model: str, newest_first: Iterable[Metric]) -> Calibration | None:
    """Learn from a model's requests; None when none of them has both counts.

    Args:
        model: the model's name.
        newest_first: requests; those of other models are passed over.
    """
    usable = (m for m in newest_first if m.model == model and ratio_of(m) is not None)
    rows = list(islice(usable, REMEMBERED))[::-1]
    quality = estimate_quality(rows)
    if quality is None:
        return None
    ratios = tuple(ratio for row in rows if (ratio := ratio_of(row)) is not None)
    ordered = sorted(ratios)
    return Calibration(model, ratios, quality, quantile(ordered, 0.25), quantile(ordered, 0.75))


def probable(metric: Metric, newest_first: Iterable[Metric]) -> CalibratedEstimate | None:
    """Return what a request that is not counted yet will probably cost; None when unknown.

    Args:
        metric: the request.
        newest_first: requests to learn from; those of other models are passed over.
    """
    if not metric.is_estimated or not metric.initial_estimate or not metric.model:
        return None
    known = calibrate(metric.model, newest_first)
    return known.apply(metric.initial_estimate) if known else None

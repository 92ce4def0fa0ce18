"""Running statistics over a session's metrics, and how good the estimates were."""

from __future__ import annotations

import heapq
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from .models import LARGEST_EXACT, Metric, Wire, as_number, as_tokens


def round_half_up(value: float) -> int:
    """Round as JavaScript's ``Math.round`` does: 2.5 becomes 3, -2.5 becomes -2."""
    whole = math.floor(value)
    return whole + (value - whole >= 0.5)


def to_fixed(value: float, digits: int) -> str:
    """Write a number as JavaScript's ``toFixed`` does: 6.25 becomes 6.3, not 6.2."""
    numerator, denominator = value.as_integer_ratio()
    scaled = (2 * numerator * 10**digits + denominator) // (2 * denominator)
    return f"{scaled / 10**digits:.{digits}f}"


def mean_half_up(total: int, count: int) -> int:
    """Return ``total / count``, exactly rounded half up; 0 for nothing."""
    return (2 * total + count) // (2 * count) if count else 0


@dataclass(frozen=True, slots=True)
class Stats:
    """Figures over requests. All but ``total_requests`` are tokens."""

    total_requests: int = 0
    max_tokens: int = 0
    avg_tokens: int = 0
    total_prompt: int = 0
    total_completion: int = 0

    def to_wire(self) -> dict[str, Any]:
        """Return the JSON object, as existing dashboards know it."""
        return {
            "totalRequests": self.total_requests,
            "maxTokens": self.max_tokens,
            "avgTokens": self.avg_tokens,
            "totalPrompt": self.total_prompt,
            "totalCompletion": self.total_completion,
        }


class Carried(NamedTuple):
    """What a session had before the metrics that are buffered. All but ``requests`` are tokens."""

    requests: int = 0
    tokens: int = 0
    max: int = 0
    prompt: int = 0
    completion: int = 0


class RunningStats:
    """Statistics that follow a buffer of metrics change by change.

    Sums are integers and so exact; what is told of them ends where JavaScript's numbers do. The
    maximum comes from a heap whose outdated entries are dropped when they surface: reading is
    O(1), a change O(log n) for the at most 100 metrics of a buffer. What a full buffer evicts is
    carried on, so that the session's totals keep counting (:meth:`session_totals`).
    """

    def __init__(self) -> None:
        """Start with nothing."""
        self.clear()

    def clear(self) -> None:
        """Forget everything, the carried totals too."""
        self._count = self._tokens = self._prompt = self._completion = 0
        self._heap: list[int] = []  # negated, for heapq gives the smallest
        self._alive: dict[int, int] = {}
        self._carried_count = self._carried_tokens = self._carried_max = 0
        self._carried_prompt = self._carried_completion = 0

    def add(self, metric: Metric) -> None:
        """Count a new metric."""
        self._count += 1
        self._tokens += metric.tokens
        if not metric.is_estimated:
            self._prompt += metric.prompt_tokens
            self._completion += metric.completion_tokens
        self._alive[metric.tokens] = self._alive.get(metric.tokens, 0) + 1
        heapq.heappush(self._heap, -metric.tokens)
        if len(self._heap) > 4 * self._count + 16:
            self._heap = [-tokens for tokens in self._alive]
            heapq.heapify(self._heap)

    def remove(self, metric: Metric) -> None:
        """Stop counting a metric that was added before."""
        self._count -= 1
        self._tokens -= metric.tokens
        if not metric.is_estimated:
            self._prompt -= metric.prompt_tokens
            self._completion -= metric.completion_tokens
        left = self._alive[metric.tokens] - 1
        if left:
            self._alive[metric.tokens] = left
        else:
            del self._alive[metric.tokens]

    def correct(self, old: Metric, new: Metric) -> None:
        """Count ``new`` in place of ``old``."""
        self.remove(old)
        self.add(new)

    def evict(self, metric: Metric) -> None:
        """Stop counting a metric that leaves the buffer, but keep it in the session's totals."""
        self.remove(metric)
        self._carried_count += 1
        self._carried_tokens += metric.tokens
        self._carried_max = max(self._carried_max, metric.tokens)
        if not metric.is_estimated:
            self._carried_prompt += metric.prompt_tokens
            self._carried_completion += metric.completion_tokens

    @property
    def carried(self) -> Carried:
        """What is counted of the session beyond the buffer."""
        return Carried(
            *(
                min(figure, LARGEST_EXACT)
                for figure in (
                    self._carried_count,
                    self._carried_tokens,
                    self._carried_max,
                    self._carried_prompt,
                    self._carried_completion,
                )
            )
        )

    def carry(self, carried: Carried) -> None:
        """Count this beyond the buffer, in place of what was."""
        self._carried_count, self._carried_tokens, self._carried_max = carried[:3]
        self._carried_prompt, self._carried_completion = carried[3:]

    def carry_server_totals(self, totals: Wire) -> None:
        """Take the proxy's own totals of a session as the truth about what is not buffered.

        The proxy remembers every request, its answers list only some of the newest. Only an
        answer given while nothing was under way tells exactly; who calls this sees to that.

        Args:
            totals: ``stats`` of the proxy's answer; they include what is buffered.
        """
        count = as_tokens(totals.get("total_requests"))
        if count is None:
            return
        if count <= self._count:
            # All of it is buffered, and counted better: some proxies book estimates as real.
            self._carried_count = self._carried_tokens = self._carried_max = 0
            self._carried_prompt = self._carried_completion = 0
            return
        mean = as_number(totals.get("avg_tokens")) or 0.0
        prompt = as_tokens(totals.get("cumulative_input_tokens")) or 0
        completion = as_tokens(totals.get("cumulative_output_tokens")) or 0
        self._carried_count = count - self._count
        self._carried_tokens = max(0, (as_tokens(mean * count) or 0) - self._tokens)
        self._carried_max = as_tokens(totals.get("max_tokens")) or 0
        self._carried_prompt = max(0, prompt - self._prompt)
        self._carried_completion = max(0, completion - self._completion)

    @property
    def has_earlier(self) -> bool:
        """True when the session has requests that are not in the buffer."""
        return self._carried_count > 0

    def stats(self) -> Stats:
        """Return the figures over the buffer."""
        return Stats(
            total_requests=self._count,
            max_tokens=self._max(),
            avg_tokens=mean_half_up(self._tokens, self._count),
            total_prompt=min(self._prompt, LARGEST_EXACT),
            total_completion=min(self._completion, LARGEST_EXACT),
        )

    def session_totals(self) -> Stats:
        """Return the figures over the whole session, evicted metrics included."""
        count = min(self._count + self._carried_count, LARGEST_EXACT)
        return Stats(
            total_requests=count,
            max_tokens=max(self._max(), self._carried_max),
            avg_tokens=mean_half_up(self._tokens + self._carried_tokens, count),
            total_prompt=min(self._prompt + self._carried_prompt, LARGEST_EXACT),
            total_completion=min(self._completion + self._carried_completion, LARGEST_EXACT),
        )

    def _max(self) -> int:
        while self._heap and -self._heap[0] not in self._alive:
            heapq.heappop(self._heap)
        return -self._heap[0] if self._heap else 0


@dataclass(frozen=True, slots=True)
class Accuracy:
    """How close the estimate of one request came.

    ``accuracy`` is in percent, at least 0; ``diff`` is real minus estimated, in tokens.
    """

    estimated: int
    real: int
    accuracy: float

    @property
    def diff(self) -> int:
        """Tokens by which the request was larger than estimated; negative: smaller."""
        return self.real - self.estimated

    @property
    def colour(self) -> str:
        """The class that existing dashboards colour the figure with."""
        if self.accuracy < 70:
            return "text-red-400"
        return "text-yellow-400" if self.accuracy < 85 else "text-green-400"

    def to_wire(self) -> dict[str, Any]:
        """Return the JSON object, as existing dashboards know it."""
        return {
            "estimated": self.estimated,
            "real": self.real,
            "accuracy": self.accuracy,
            "diff": self.diff,
            "diffText": f"+{self.diff}" if self.diff > 0 else str(self.diff),
            "accuracyColor": self.colour,
            "formattedAccuracy": to_fixed(self.accuracy, 1),
        }


def accuracy_of(metric: Metric) -> Accuracy | None:
    """Compare a metric's original estimate with its real count; None without both."""
    if metric.is_estimated or metric.initial_estimate is None or metric.tokens <= 0:
        return None
    estimated, real = metric.initial_estimate, metric.tokens
    return Accuracy(estimated, real, max(0.0, (1 - abs(estimated - real) / real) * 100))


def last_accuracy(metrics: Iterable[Metric]) -> Accuracy | None:
    """Return the accuracy of the newest metric that has one (``metrics``: oldest first)."""
    for metric in reversed(tuple(metrics)):
        accuracy = accuracy_of(metric)
        if accuracy is not None:
            return accuracy
    return None


@dataclass(frozen=True, slots=True)
class EstimateQuality:
    """How the estimates of one model relate to the real counts.

    Attributes:
        bias: median of real / estimated: 1.2 means estimates are typically a sixth too low.
        spread: width of the middle half of those ratios (interquartile range).
        count: requests with both an estimate and a real count.
    """

    bias: float
    spread: float
    count: int


def ratio_of(metric: Metric) -> float | None:
    """Return real / estimated of one request; None without both counts."""
    if metric.is_estimated or not metric.initial_estimate or metric.tokens <= 0:
        return None
    return metric.tokens / metric.initial_estimate


def ratios_by_model(metrics: Iterable[Metric]) -> Mapping[str | None, Sequence[float]]:
    """Return real / estimated of every metric that has both counts, by model."""
    ratios: dict[str | None, list[float]] = {}
    for metric in metrics:
        ratio = ratio_of(metric)
        if ratio is not None:
            ratios.setdefault(metric.model, []).append(ratio)
    return ratios


def quality_of(ratios: Iterable[float]) -> EstimateQuality | None:
    """Return bias and spread over ratios of real to estimated counts; None without any."""
    ordered = sorted(ratios)
    if not ordered:
        return None
    spread = quantile(ordered, 0.75) - quantile(ordered, 0.25)
    return EstimateQuality(quantile(ordered, 0.5), spread, len(ordered))


def estimate_quality(metrics: Iterable[Metric]) -> EstimateQuality | None:
    """Return bias and spread over all metrics that have both counts; None without any."""
    return quality_of(ratio for row in metrics if (ratio := ratio_of(row)) is not None)


def quality_by_model(
    sessions: Iterable[Mapping[str | None, Sequence[float]]],
) -> Mapping[str, EstimateQuality]:
    """Return the quality of estimates for each model that has any, over many sessions' ratios."""
    by_model: dict[str, list[float]] = {}
    for session in sessions:
        for model, ratios in session.items():
            if model:
                by_model.setdefault(model, []).extend(ratios)
    found = ((model, quality_of(ratios)) for model, ratios in by_model.items())
    return {model: quality for model, quality in found if quality is not None}


def quantile(ordered: list[float], share: float) -> float:
    """Linear interpolation between the closest ranks of a sorted, non-empty list."""
    position = share * (len(ordered) - 1)
    low = math.floor(position)
    high = min(low + 1, len(ordered) - 1)
    return ordered[low] + (ordered[high] - ordered[low]) * (position - low)

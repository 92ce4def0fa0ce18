"""A session's requests: a bounded buffer, what each added, and which were mostly resends."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from .models import NO_ID, Metric, MetricId, Noise, id_key
from .stats import Carried, RunningStats, ratios_by_model

CAPACITY = 100
"""Metrics kept a session; the oldest goes first."""

NOISE_TOTAL = 10_000
NOISE_RATIO = 0.7


def delta_after(previous: Metric | None, metric: Metric) -> int:
    """Return how many tokens a request added to the context.

    For the first request of a session it is the whole estimate. Later the proxy's own
    positive value stands, else it is what the total grew by, never below 0.
    """
    if previous is None:
        return metric.shown_tokens
    return metric.delta_tokens or max(0, metric.tokens - previous.tokens)


def noise_in(metric: Metric) -> Noise | None:
    """Tell whether a large request was mostly context that had been sent before."""
    total, delta = metric.tokens, metric.delta_tokens
    if total <= NOISE_TOTAL or delta is None:
        return None
    ratio = (total - delta) / total
    if ratio <= NOISE_RATIO:
        return None
    return Noise(metric, total, delta, ratio, metric.system_tokens, metric.history_tokens)


class MetricRing:
    """The last metrics of one session, by id and in order, with their running statistics.

    A metric without an id is kept, but never found again.
    """

    def __init__(self, capacity: int = CAPACITY) -> None:
        """Create an empty buffer for at most ``capacity`` metrics."""
        self._capacity = capacity
        # Insertion order is the order of the requests; replacing a value keeps its place.
        self._by_key: dict[str, Metric] = {}
        self._anonymous = 0
        self._view: tuple[Metric, ...] | None = ()
        self._ratios: tuple[object, Mapping[str | None, Sequence[float]]] | None = None
        self._computed_after: dict[str, str | None] = {}
        # The highest number that came: a lower one is late.
        self._newest: int | None = None
        self.stats = RunningStats()

    def __len__(self) -> int:
        """Return how many metrics are kept."""
        return len(self._by_key)

    def __iter__(self) -> Iterator[Metric]:
        """Iterate from the oldest to the newest."""
        return iter(self.view())

    def view(self) -> tuple[Metric, ...]:
        """Return all metrics, oldest first; the same tuple until something changes."""
        if self._view is None:
            self._view = tuple(self._by_key.values())
        return self._view

    def ratios(self) -> Mapping[str | None, Sequence[float]]:
        """Return real / estimated of every metric that has both counts, by model."""
        view = self.view()
        if self._ratios is None or self._ratios[0] is not view:
            self._ratios = view, ratios_by_model(view)
        return self._ratios[1]

    def get(self, metric_id: MetricId | None) -> Metric | None:
        """Return the metric of that id, or None."""
        return None if metric_id is None else self._by_key.get(id_key(metric_id))

    def last(self) -> Metric | None:
        """Return the newest metric, or None."""
        if not self._by_key:
            return None
        return self._by_key[next(reversed(self._by_key))]

    def append(self, metric: Metric) -> bool:
        """Add a metric whose id is not in the buffer yet; the oldest leaves a full one.

        A late one (the proxy numbers its metrics upwards) takes its place in the order.

        Returns:
            False when there is no place for it, because it is older than all of a full
            buffer. It has come and gone then, or it was missed: only the proxy's totals
            can tell.
        """
        number = _number_of(metric)
        late = number is not None and self._newest is not None and number < self._newest
        if late and self._is_before_all(metric):
            return False
        self._push(metric)
        if late:
            self._sort()
        return True

    def replace(self, metric: Metric) -> None:
        """Put a newer version in the place of the metric with the same id."""
        key = id_key(metric.id)
        self.stats.correct(self._by_key[key], metric)
        self._by_key[key] = metric
        self._view = None
        self._note_number(metric)  # an id that came as text may come as a number now

    def reset(self, metrics: Iterable[Metric]) -> None:
        """Start again with these metrics, oldest first; their order is taken as it is."""
        self.clear()
        for metric in metrics:
            known = self.get(metric.id)
            if known is None:
                self._push(metric)
            else:
                self.replace(known.merged(metric))

    def restore(self, metrics: Iterable[Metric], carried: Carried) -> None:
        """Start again with what this buffer once held, oldest first."""
        self.reset(metrics)
        self.stats.carry(carried)
        previous: Metric | None = None
        for metric in self.view():
            # A delta that is what would be computed now is computed anew when an earlier
            # request turns up after all.
            if metric.delta_tokens == delta_after(previous, metric._replace(delta_tokens=None)):
                self.note_delta(metric, previous)
            previous = metric

    def merge(self, metrics: Iterable[Metric]) -> None:
        """Take in what the proxy reports (oldest first): known ids are completed, not doubled.

        New metrics find their place by id when all ids are numbers, as the proxy counts
        them up; else they come last. One that is older than all of a full buffer has been
        evicted before, and stays out.
        """
        for metric in metrics:
            known = self.get(metric.id)
            if known is None:
                self.append(metric)
            else:
                merged = known.merged(metric)
                if merged != known:
                    self.replace(merged)

    def _push(self, metric: Metric) -> None:
        while len(self._by_key) >= self._capacity:
            oldest = next(iter(self._by_key))
            self.stats.evict(self._by_key.pop(oldest))
            self._computed_after.pop(oldest, None)
        self._by_key[self._key_of(metric)] = metric
        self.stats.add(metric)
        self._view = None
        self._note_number(metric)

    def _note_number(self, metric: Metric) -> None:
        number = _number_of(metric)
        if number is not None:
            self._newest = number if self._newest is None else max(self._newest, number)

    def _key_of(self, metric: Metric) -> str:
        if metric.id is not None:
            return id_key(metric.id)
        self._anonymous += 1
        return f"{NO_ID}{self._anonymous}"

    def _is_before_all(self, metric: Metric) -> bool:
        """Tell whether a metric is older than all of a full buffer."""
        if len(self._by_key) < self._capacity:
            return False
        oldest = _number_of(next(iter(self._by_key.values())))
        number = _number_of(metric)
        return oldest is not None and number is not None and number < oldest

    def _sort(self) -> None:
        if all(_number_of(metric) is not None for metric in self._by_key.values()):
            ordered = sorted(self._by_key.items(), key=lambda item: _number_of(item[1]) or 0)
            self._by_key = dict(ordered)

    def fill_deltas(self) -> None:
        """Compute what each request added where nobody has said so yet.

        And again where it was computed before an earlier request turned up. The oldest
        one's is known only when no earlier request was left out.
        """
        previous: Metric | None = None
        for metric in self.view():
            if self._needs_delta(metric, previous) and metric.id is not None:
                metric = metric.with_delta(
                    delta_after(previous, metric._replace(delta_tokens=None))
                )
                self._by_key[id_key(metric.id)] = metric
                self._view = None
                self.note_delta(metric, previous)
            previous = metric

    def note_delta(self, metric: Metric, previous: Metric | None) -> None:
        """Remember after which metric a delta was computed here: another may come between."""
        if metric.id is not None:
            known = None if previous is None or previous.id is None else id_key(previous.id)
            self._computed_after[id_key(metric.id)] = known

    def _needs_delta(self, metric: Metric, previous: Metric | None) -> bool:
        if previous is None:
            return metric.delta_tokens is None and not self.stats.has_earlier
        if metric.delta_tokens is None:
            return True
        key = id_key(metric.id)
        if key not in self._computed_after or previous.id is None:
            return False
        return self._computed_after[key] != id_key(previous.id)

    def clear(self) -> None:
        """Forget everything."""
        self._by_key.clear()
        self.stats.clear()
        self._computed_after.clear()
        self._view = ()
        self._newest = None


def _number_of(metric: Metric) -> int | None:
    return metric.id if isinstance(metric.id, int) else None

"""The one place where the current session, its metrics, memory and sources are kept.

Everything that the page shows is read from here. Who changes the current session is the
:class:`~sessions.manager.SessionManager`; nobody else calls :meth:`SessionState.enter`.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable, Iterator, Mapping
from itertools import chain
from typing import Any, NamedTuple

from . import events
from .envelope import SavedSession
from .errors import BadInput
from .fusion import Fusion, Reading, merge
from .metrics import MetricRing, delta_after, noise_in
from .models import (
    DEFAULT_MAX_CONTEXT,
    MemoryMetrics,
    Metric,
    MetricId,
    MetricUpdated,
    Notice,
    RealTokens,
    Session,
    SessionDetail,
    SessionId,
    Wire,
    as_id,
    as_number,
    as_tokens,
    id_key,
    same_id,
)
from .ports import Clock
from .stats import Accuracy, Carried, EstimateQuality, Stats, last_accuracy, quality_of
from .stats import quality_by_model as group_quality_by_model

ANEW = 60.0
"""Seconds in which all sessions of a database are seen that has taken another's place."""

MAX_BUFFERS = 20
"""Sessions whose metrics are kept in memory; the one unused for longest goes first."""

MAX_PENDING = 200
"""Real counts kept for metrics that have not been announced yet."""


class Snapshot(NamedTuple):
    """What is buffered of the session whose id reads ``key``; metrics are oldest first."""

    key: str
    metrics: tuple[Metric, ...]
    earlier: Carried
    proxy_reading: Reading | None
    log_reading: Reading | None


_EarlyCounts = tuple[RealTokens, int | None, float | None]


class SessionState:
    """Current session, metrics of each session, memory, and the two sources of truth."""

    def __init__(self, bus: events.EventBus, clock: Clock) -> None:
        """Start with no session."""
        self._bus = bus
        self._clock = clock
        self._session: Session | None = None
        self._session_id: SessionId | None = None
        self._max_context = DEFAULT_MAX_CONTEXT
        self._out_of_reach = False
        self._memory = MemoryMetrics()
        self._buffers: OrderedDict[str, MetricRing] = OrderedDict()
        self._readings: dict[str, tuple[Reading | None, Reading | None]] = {}
        self._proxy_reading: Reading | None = None
        self._log_reading: Reading | None = None
        self._pending: OrderedDict[tuple[str, str], _EarlyCounts] = OrderedDict()
        self._births: dict[str, str] = {}
        self._told_anew_at = float("-inf")

    # -- the current session ---------------------------------------------------------

    @property
    def session(self) -> Session | None:
        """The current session, or None."""
        return self._session

    @property
    def session_id(self) -> SessionId | None:
        """Id of the current session, or None."""
        return self._session_id

    @property
    def is_out_of_reach(self) -> bool:
        """True when the proxy cannot show the current session's requests, and none are known."""
        return self._out_of_reach and not len(self._peek(None))

    @property
    def max_context(self) -> int:
        """Tokens of the current context window."""
        return self._max_context

    @property
    def memory(self) -> MemoryMetrics:
        """Memory figures of the current session."""
        return self._memory

    @property
    def proxy_reading(self) -> Reading | None:
        """The last reading from the proxy, or None."""
        return self._proxy_reading

    @property
    def log_reading(self) -> Reading | None:
        """The last reading from a log, or None."""
        return self._log_reading

    def is_current(self, session_id: object) -> bool:
        """Tell whether that session is the current one; ``"3"`` is 3."""
        return same_id(self._session_id, session_id)

    def set_session_id(self, session_id: SessionId | None) -> None:
        """Name the current session when only its id is known.

        Dashboards that load their sessions themselves do this; the page never does.
        """
        if self.is_current(session_id):
            return
        self._leave()
        self._session = None
        self._session_id = session_id

    def set_max_context(self, tokens: int | None) -> None:
        """Set the size of the context window; None means the default."""
        self._max_context = tokens or DEFAULT_MAX_CONTEXT

    def enter(
        self,
        session: Session | None,
        detail: SessionDetail | None = None,
        *,
        replace: bool = False,
    ) -> None:
        """Make ``session`` current, with its metrics, window size and memory, in one step.

        Metrics given by ``detail`` join the session's own buffer, by id; without them the
        buffer is shown as it was left. With ``replace`` they take the buffer's place.
        """
        changed = not same_id(self._session_id, session.id if session else None)
        if session is not None and not self.recognise(session):
            changed = True
            self._session_id = None  # nothing of it is worth keeping under that id
        if changed:
            self._leave()
        self._session = session
        self._session_id = session.id if session else None
        self.set_max_context(session.max_context if session else None)
        if changed:
            self._memory = MemoryMetrics()
            proxy, log = self._readings.get(id_key(self._session_id), (None, None))
            self._proxy_reading, self._log_reading = proxy, log
        self._out_of_reach = detail is not None and detail.metrics is None
        if session is None or detail is None:
            return
        if detail.memory is not None:
            self._memory = detail.memory
        ring = self._buffer(session.id)
        if replace:
            ring.clear()
        self._take_in(ring, detail, totals=True)

    def refresh(self, detail: SessionDetail, *, totals: bool = True) -> bool:
        """Take in what the proxy reports about a session, current or not; by id, no doubles.

        Args:
            detail: the report.
            totals: whether its statistics of the whole session are to be believed. They are
                not while requests arrive: some may be counted in them whose announcement is
                still under way, and would be counted twice.

        Returns:
            Whether anything changed. If so, and the session is current, ``metrics:loaded``
            and ``stats:updated`` were emitted.
        """
        self.recognise(detail.session)
        ring = self._buffer(detail.session.id)
        before = ring.view(), ring.stats.session_totals()
        self._take_in(ring, detail, totals=totals)
        current = self.is_current(detail.session.id)
        if current and self._session is not None:
            self.update_session(self._session.merged(detail.session))
        if current and detail.memory is not None and detail.memory != self._memory:
            self._memory = detail.memory
            self._bus.emit(events.MEMORY_UPDATED, self._memory)
        if current and detail.metrics is not None:
            self._out_of_reach = False
        changed = before != (ring.view(), ring.stats.session_totals())
        if current and changed:
            self._bus.emit(events.METRICS_LOADED, ring.view())
            self._emit_stats(ring)
        return changed

    def update_session(self, session: Session) -> None:
        """Replace the current session's fields by newer ones; its identity stays."""
        if not self.is_current(session.id) or session == self._session:
            return
        self._session = session
        self.set_max_context(session.max_context)
        self._bus.emit(events.SESSION_UPDATED, session)

    def forget(self, session_id: object) -> None:
        """Drop all that is kept of a session that was deleted; not of the current one."""
        if not self.is_current(session_id):
            self._buffers.pop(id_key(session_id), None)
            self._readings.pop(id_key(session_id), None)
            self._births.pop(id_key(session_id), None)

    def is_same(self, session: Session) -> bool:
        """Tell whether that is the session known by its id, or one of which nothing is known.

        A proxy whose database began anew gives the same ids to other sessions; they were
        created at another time.
        """
        known = self._births.get(id_key(session.id))
        return known is None or session.created_at is None or known == session.created_at

    def recognise(self, session: Session) -> bool:
        """Drop what is kept of another session that had the same id.

        Returns:
            True when it is the same, or none was known.
        """
        same = self.is_same(session)
        key = id_key(session.id)
        if not same:
            self.tell_anew()
            self._buffers.pop(key, None)
            self._readings.pop(key, None)
            for early in [early for early in self._pending if early[0] == key]:
                del self._pending[early]
            if self.is_current(session.id):
                self._proxy_reading = self._log_reading = None
        if session.created_at is not None:
            self._births[key] = session.created_at
        return same

    def tell_anew(self) -> None:
        """Say that ids have begun anew; once, for all sessions of which that is found out."""
        now = self._clock.now()
        if not 0 <= now - self._told_anew_at < ANEW * 1000:
            self._told_anew_at = now
            self._bus.emit(events.NOTICE, Notice("warning", "notice.other_database", {}))

    def snapshots(self) -> tuple[Snapshot, ...]:
        """Return what is buffered of each session, the one used last at the end."""
        current = id_key(self._session_id)
        own = (self._proxy_reading, self._log_reading)
        return tuple(
            Snapshot(
                key,
                ring.view(),
                ring.stats.carried,
                *(own if key == current else self._readings.get(key, (None, None))),
            )
            for key, ring in self._buffers.items()
        )

    def start_over(self, sessions: Iterable[SavedSession] = ()) -> None:
        """Forget everything, and buffer what is remembered of sessions, used last first.

        No session is current then, and nothing is emitted: the
        :class:`~sessions.manager.SessionManager` goes on.
        """
        self._session, self._session_id = None, None
        self._memory, self._max_context = MemoryMetrics(), DEFAULT_MAX_CONTEXT
        self._proxy_reading = self._log_reading = None
        self._out_of_reach = False
        for kept in (self._buffers, self._readings, self._pending, self._births):
            kept.clear()
        for saved in reversed(tuple(sessions)):
            key = id_key(saved.session.id)
            self.recognise(saved.session)
            self._buffer(saved.session.id).restore(saved.metrics, saved.earlier)
            self._readings[key] = (saved.proxy_reading, saved.log_reading)

    def load_session_data(self, data: Mapping[str, Any]) -> None:
        """Show a session from the proxy's answer, as a dashboard does when it starts.

        Emits ``session:loaded`` (the answer), ``memory:updated`` when it has memory
        figures, and ``metrics:loaded`` (oldest first). The caller's lists are not changed.

        Raises:
            BadInput: when there is no session in the answer.
        """
        detail = SessionDetail.from_wire(data)
        self.enter(detail.session, detail, replace=True)
        self.announce_load(detail, data)

    def announce_load(self, detail: SessionDetail, answer: Wire | None = None) -> None:
        """Tell that the current session's data have come: answer, memory, metrics."""
        self._bus.emit(events.SESSION_LOADED, detail.raw if answer is None else answer)
        if detail.memory is not None:
            self._bus.emit(events.MEMORY_UPDATED, self._memory)
        ring = self._buffer(detail.session.id)
        self._bus.emit(events.METRICS_LOADED, ring.view())
        self._emit_stats(ring)

    # -- metrics ----------------------------------------------------------------------

    def metrics(self, session_id: SessionId | None = None) -> tuple[Metric, ...]:
        """Return a session's metrics (default: the current one's), oldest first."""
        return self._peek(session_id).view()

    def metric(
        self, metric_id: MetricId | None, session_id: SessionId | None = None
    ) -> Metric | None:
        """Return one metric of a session (default: the current one), or None."""
        return self._peek(session_id).get(metric_id)

    def add_metric(self, data: object, session_id: SessionId | None = None) -> Metric:
        """Take in a measured request.

        It goes to the buffer of its own session; events are emitted only when that is the
        current one: ``memory:updated`` when it carries memory figures, ``metric:added``,
        ``metric:noise`` when it was mostly resent context. An id seen before completes the
        metric in place (``metric:updated`` then, and no double count). Real counts that
        came early are applied.

        Args:
            data: the metric as it came from the wire.
            session_id: its session; default: the one it names, else the current one. When
                there is no current session yet, this one becomes it.

        Raises:
            BadInput: when it is not an object.
        """
        if type(data) is not dict and not isinstance(data, Mapping):
            raise BadInput("A metric must be a JSON object.")
        owner = session_id
        if owner is None:
            owner = as_id(data.get("session_id"))
        if owner is None:
            owner = self._session_id
        if self._session_id is None and owner is not None:
            self._session_id = owner
        current = owner is None or self.is_current(owner)
        model = self._session.model if current and self._session else None
        metric = Metric.from_wire(data, owner, model)
        if current:
            self._note_memory(data)
        ring = self._buffer(owner)
        known = ring.get(metric.id)
        if known is not None:
            return self._complete(ring, known, metric, current=current)
        previous = ring.last()
        delta = delta_after(previous, metric)
        if delta != metric.delta_tokens:
            metric = metric.with_delta(delta)
            ring.note_delta(metric, previous)
        placed = ring.append(metric)
        if current:
            self._bus.emit(events.METRIC_ADDED, metric)
            noise = noise_in(metric)
            if noise is not None:
                self._bus.emit(events.METRIC_NOISE, noise)
            self._emit_stats(ring)
        else:
            self._note_kept(owner)
        early = self._take_early(owner, metric.id)
        if early is not None and placed:
            metric = self._correct(ring, metric, *early, current=current)
        return metric

    def update_metric_with_real_tokens(
        self,
        metric_id: MetricId,
        real_tokens: object,
        *,
        session_id: SessionId | None = None,
        cumulative_tokens: int | None = None,
        cumulative_percentage: float | None = None,
    ) -> Metric | None:
        """Correct a metric by the provider's counts, and emit ``metric:updated``.

        Counts for a metric that is not known yet are kept and applied when it comes.

        Args:
            metric_id: the metric.
            real_tokens: ``{total, prompt, completion, percentage}`` in tokens and percent.
            session_id: its session; default: the current one.
            cumulative_tokens: tokens now in the context window, as the proxy counts.
            cumulative_percentage: the same in percent of the window.

        Returns:
            The corrected metric; None when the id is not known.

        Raises:
            BadInput: when the counts cannot be read.
        """
        real = RealTokens.from_wire(real_tokens)
        owner = self._session_id if session_id is None else session_id
        ring = self._peek(owner)
        metric = ring.get(metric_id)
        if metric is None:
            key = (id_key(owner), id_key(metric_id))
            self._pending[key] = (real, cumulative_tokens, cumulative_percentage)
            self._pending.move_to_end(key)
            while len(self._pending) > MAX_PENDING:
                self._pending.popitem(last=False)
            return None
        return self._correct(
            ring, metric, real, cumulative_tokens, cumulative_percentage,
            current=self.is_current(owner),
        )  # fmt: skip

    def clear_metrics(self) -> None:
        """Forget the current session's metrics and what its sources last said."""
        ring = self._peek(None)
        ring.clear()
        self._proxy_reading = self._log_reading = None
        self._bus.emit(events.METRICS_CLEARED)
        self._emit_stats(ring)

    # -- figures ----------------------------------------------------------------------

    def calculate_stats(self) -> Stats:
        """Return the figures over the current session's buffered metrics."""
        return self._peek(None).stats.stats()

    def session_totals(self) -> Stats:
        """Return the figures over the whole current session, older requests included."""
        return self._peek(None).stats.session_totals()

    def calculate_accuracy(self) -> Accuracy | None:
        """Compare the newest real count with its original estimate; None without both."""
        return last_accuracy(self.metrics())

    def estimate_quality(self) -> EstimateQuality | None:
        """Return how estimates relate to real counts over the current session."""
        return quality_of(chain.from_iterable(self._peek(None).ratios().values()))

    def quality_by_model(self) -> Mapping[str, EstimateQuality]:
        """Return the same for each model, over every session in memory."""
        return group_quality_by_model(ring.ratios() for ring in self._buffers.values())

    def newest_metrics(self) -> Iterator[Metric]:
        """Yield the requests of every session in memory, the newest of each first.

        The session in use comes first, then the one before it, and so on.
        """
        for ring in reversed(self._buffers.values()):
            yield from reversed(tuple(ring))

    # -- memory and sources -----------------------------------------------------------

    def set_memory_metrics(self, data: object) -> None:
        """Replace the memory figures and emit ``memory:updated``."""
        self._memory = MemoryMetrics.from_wire(data)
        self._bus.emit(events.MEMORY_UPDATED, self._memory)

    def set_last_proxy_data(self, data: Mapping[str, Any] | None) -> None:
        """Remember what the proxy says: ``{tokens, percentage, timestamp}``."""
        self._proxy_reading = Reading.from_wire(data, "proxy") if data is not None else None

    def set_last_log_data(self, data: Mapping[str, Any] | None) -> None:
        """Remember what a log says: ``{tokens, percentage, timestamp, source}``."""
        self._log_reading = Reading.from_wire(data, "logs") if data is not None else None

    def merge_data_sources(self) -> Fusion | None:
        """Decide between the two sources as of now."""
        return merge(self._proxy_reading, self._log_reading, self._clock.now())

    def announce_sources(self) -> None:
        """Emit ``sources:merged`` with the outcome as of now."""
        wanted = self._bus.needs_payload(events.SOURCES_MERGED)
        self._bus.emit(events.SOURCES_MERGED, self.merge_data_sources() if wanted else None)

    # -- inside -----------------------------------------------------------------------

    def _leave(self) -> None:
        if self._session_id is not None:
            key = id_key(self._session_id)
            self._readings[key] = (self._proxy_reading, self._log_reading)
            while len(self._readings) > MAX_BUFFERS:
                del self._readings[next(iter(self._readings))]
        self._proxy_reading = self._log_reading = None

    def _peek(self, session_id: SessionId | None) -> MetricRing:
        """Return a session's buffer without creating one for a session nobody has seen."""
        key = id_key(self._session_id if session_id is None else session_id)
        ring = self._buffers.get(key)
        return MetricRing() if ring is None else ring

    def _buffer(self, session_id: SessionId | None) -> MetricRing:
        key = id_key(session_id)
        ring = self._buffers.get(key)
        if ring is None:
            ring = self._buffers[key] = MetricRing()
            for other in list(self._buffers):
                if len(self._buffers) <= MAX_BUFFERS:
                    break
                if other not in (key, id_key(self._session_id)):
                    del self._buffers[other]
                    self._readings.pop(other, None)
                    self._births.pop(other, None)
        self._buffers.move_to_end(key)
        return ring

    def _take_in(self, ring: MetricRing, detail: SessionDetail, *, totals: bool) -> None:
        reported = detail.metrics or ()
        if len(ring):
            ring.merge(reported)
        else:
            ring.reset(reported)
        for metric in reported:
            known = ring.get(metric.id)
            early = self._take_early(detail.session.id, metric.id) if known else None
            if known is not None and early is not None:
                ring.replace(known.with_real(early[0]))
        if totals:
            ring.stats.carry_server_totals(detail.totals)
        ring.fill_deltas()

    def _take_early(
        self, session_id: SessionId | None, metric_id: MetricId | None
    ) -> _EarlyCounts | None:
        """Return the real counts that came before their metric, if any did.

        They may have come when no session was known yet.
        """
        if not self._pending or metric_id is None:
            return None
        for owner in (session_id, None):
            early = self._pending.pop((id_key(owner), id_key(metric_id)), None)
            if early is not None:
                return early
        return None

    def _complete(
        self, ring: MetricRing, known: Metric, report: Metric, *, current: bool
    ) -> Metric:
        merged = known.merged(report)
        if merged == known:
            return known
        ring.replace(merged)
        if current:
            real = RealTokens(
                merged.tokens, merged.prompt_tokens, merged.completion_tokens,
                merged.percentage, _real_wire(merged),
            )  # fmt: skip
            self._bus.emit(events.METRIC_UPDATED, MetricUpdated(merged, real, None, None))
            self._emit_stats(ring)
        else:
            self._note_kept(known.session_id)
        return merged

    def _correct(
        self,
        ring: MetricRing,
        metric: Metric,
        real: RealTokens,
        cumulative_tokens: int | None,
        cumulative_percentage: float | None,
        *,
        current: bool,
    ) -> Metric:
        corrected = metric.with_real(real)
        if corrected == metric:
            return metric
        ring.replace(corrected)
        if current:
            self._bus.emit(
                events.METRIC_UPDATED,
                MetricUpdated(corrected, real, cumulative_tokens, cumulative_percentage),
            )
            self._emit_stats(ring)
        else:
            self._note_kept(metric.session_id)
        return corrected

    def _note_memory(self, data: Wire) -> None:
        if as_tokens(data.get("memory_tokens")) is None or "chat_tokens" not in data:
            return
        if as_number(data.get("memory_ratio")) is None:
            return
        self.set_memory_metrics(data)

    def _note_kept(self, session_id: SessionId | None) -> None:
        self._bus.emit(events.METRICS_KEPT, {"session_id": session_id})

    def _emit_stats(self, ring: MetricRing) -> None:
        wanted = self._bus.needs_payload(events.STATS_UPDATED)
        self._bus.emit(events.STATS_UPDATED, ring.stats.session_totals() if wanted else None)


def _real_wire(metric: Metric) -> dict[str, Any]:
    return {
        "total": metric.tokens,
        "prompt": metric.prompt_tokens,
        "completion": metric.completion_tokens,
        "percentage": metric.percentage,
    }

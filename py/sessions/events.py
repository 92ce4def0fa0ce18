"""Topic names, their payloads, and the bus that carries them.

One bus serves the page: panels, the core and JavaScript all register on it, and handlers
run in the order of their registration. A topic is a string (JavaScript uses it as such)
that also carries the type of its payload, so that a type checker knows what a handler gets.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Mapping

    from .connection import ConnectionState
    from .fusion import Fusion
    from .models import (
        Alert,
        CompactionDone,
        MemoryMetrics,
        Metric,
        MetricUpdated,
        Noise,
        Notice,
        Session,
        SessionChanged,
        SwitchFailure,
    )
    from .proxy_api import Capabilities
    from .stats import Stats

P = TypeVar("P")
Handler = Callable[[Any], object]
ErrorReporter = Callable[[str, BaseException], None]


class Topic(str, Generic[P]):
    """The name of an event; ``P`` is the type of its payload."""

    __slots__ = ()


# The names that dashboards already listen to. They never change.
SESSION_CHANGED: Topic[SessionChanged] = Topic("sessionChanged")
SESSION_LOADED: Topic[Mapping[str, Any]] = Topic("session:loaded")
METRICS_LOADED: Topic[tuple[Metric, ...]] = Topic("metrics:loaded")
METRIC_ADDED: Topic[Metric] = Topic("metric:added")
METRIC_UPDATED: Topic[MetricUpdated] = Topic("metric:updated")
MEMORY_UPDATED: Topic[MemoryMetrics] = Topic("memory:updated")
METRICS_CLEARED: Topic[None] = Topic("metrics:cleared")

# What this dashboard adds.
SWITCH_FAILED: Topic[SwitchFailure] = Topic("session:switch_failed")
METRIC_NOISE: Topic[Noise] = Topic("metric:noise")
STATS_UPDATED: Topic[Stats] = Topic("stats:updated")
SOURCES_MERGED: Topic[Fusion | None] = Topic("sources:merged")
STORAGE_DEGRADED: Topic[Mapping[str, Any]] = Topic("storage:degraded")
CONNECTION_CHANGED: Topic[ConnectionState] = Topic("connection:changed")
SESSION_UPDATED: Topic[Session] = Topic("session:updated")
METRICS_KEPT: Topic[Mapping[str, Any]] = Topic("metrics:kept")
"""Something changed in the buffer of a session that is not shown: ``{session_id}``."""
SESSIONS_LISTED: Topic[tuple[Session, ...]] = Topic("sessions:listed")
AUTO_SESSION_CHANGED: Topic[bool] = Topic("auto-session:changed")
CAPABILITIES_CHANGED: Topic[Capabilities] = Topic("capabilities:changed")
COMPACTION_DONE: Topic[CompactionDone] = Topic("compaction:done")
ALERT_CHANGED: Topic[Alert | None] = Topic("alert:changed")
NOTICE: Topic[Notice] = Topic("notice")
PAGE_NOT_KEPT: Topic[Mapping[str, Any]] = Topic("page:not_kept")
"""The host has a version of the page that is not whole: ``{file, status, type, update}``."""


class _Subscription:
    """One registration. ``active`` goes False when it is removed, even in mid-delivery."""

    __slots__ = ("active", "handler", "needs_payload")

    def __init__(self, handler: Handler, needs_payload: bool) -> None:
        self.handler = handler
        self.needs_payload = needs_payload
        self.active = True


class EventBus:
    """Delivers events to handlers, each isolated from the others.

    A handler that raises is reported and the rest still run. Subscribing or unsubscribing
    during a delivery takes effect at once for removals (a removed handler is not called
    any more) and from the next event on for additions.

    Example:
        >>> bus = EventBus(print)
        >>> forget = bus.on("hello", lambda name: print("hello", name))
        >>> bus.emit("hello", "you")
        hello you
        >>> forget()
        >>> bus.emit("hello", "again")
    """

    def __init__(self, report: ErrorReporter) -> None:
        """Create a bus; ``report(topic, error)`` is told of every handler that raises."""
        self._report = report
        # Tuples, replaced as a whole on every change: a delivery under way keeps the one
        # it began with, and emitting allocates nothing.
        self._subscriptions: dict[str, tuple[_Subscription, ...]] = {}
        self._looked_at: set[str] = set()

    def on(
        self,
        topic: Topic[P] | str,
        handler: Callable[[P], object],
        *,
        needs_payload: bool = True,
    ) -> Callable[[], None]:
        """Call ``handler(payload)`` at every ``topic``; the result of this call undoes it.

        With ``needs_payload`` False the handler only wants to know *that* something happened:
        a payload that is costly to make may be None for it.
        """
        subscription = _Subscription(handler, needs_payload)
        self._subscriptions[topic] = (*self._subscriptions.get(topic, ()), subscription)
        if needs_payload:
            self._looked_at.add(topic)

        def forget() -> None:
            self._remove(topic, subscription)

        return forget

    def off(self, topic: str, handler: Handler) -> None:
        """Remove the earliest registration of ``handler``; unknown handlers are ignored."""
        for subscription in self._subscriptions.get(topic, ()):
            if subscription.handler == handler:
                self._remove(topic, subscription)
                return

    def emit(self, topic: Topic[P] | str, payload: P | None = None) -> None:
        """Deliver ``payload`` to every handler of ``topic``, in order of registration."""
        for subscription in self._subscriptions.get(topic, ()):
            if not subscription.active:
                continue
            try:
                subscription.handler(payload)
            except Exception as error:  # one handler's fault must not reach the others
                self._report(topic, error)

    def needs_payload(self, topic: str) -> bool:
        """Tell whether anybody looks at payloads, so that costly ones are not made for nobody."""
        return topic in self._looked_at

    def _remove(self, topic: str, subscription: _Subscription) -> None:
        subscription.active = False
        left = tuple(s for s in self._subscriptions.get(topic, ()) if s is not subscription)
        if left:
            self._subscriptions[topic] = left
        else:
            self._subscriptions.pop(topic, None)
        if not any(one.needs_payload for one in left):
            self._looked_at.discard(topic)

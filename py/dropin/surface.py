"""The core behind ``sessions.js``, for dashboards that bring a page of their own.

JavaScript calls the functions of :class:`Dropin`, one call for one of its own. What crosses is
text (JSON), numbers and ids, never an object of the other language: nothing has to be freed, and
whoever gets a value owns it. JavaScript keeps what it was told until something changes.
"""

from __future__ import annotations

import json
import operator
from collections.abc import Awaitable, Callable, Coroutine
from itertools import compress, count, islice
from typing import Any

from sessions import events
from sessions.errors import BadInput, SessionNotFound, SessionsError
from sessions.events import EventBus
from sessions.fusion import FRESH_FOR
from sessions.manager import SessionManager
from sessions.models import (
    Metric,
    MetricUpdated,
    Session,
    SessionId,
    Wire,
    as_id,
    as_mapping,
    as_number,
    as_text,
    as_tokens,
    to_plain,
)
from sessions.ports import Clock, Http
from sessions.proxy_api import ProxyApi
from sessions.redaction import loads_redacted, parse_json
from sessions.state import SessionState

ANNOUNCED = (
    events.SESSION_CHANGED,
    events.SESSION_LOADED,
    events.METRICS_LOADED,
    events.METRIC_ADDED,
    events.METRIC_UPDATED,
    events.MEMORY_UPDATED,
    events.METRICS_CLEARED,
)
"""What a dashboard's own bus hears: the names that it knows, and no others."""

SHARED = 0
"""The number of the manager that has the module's own state."""

Deliver = Callable[..., object]
Report = Callable[[str, BaseException], None]

_dump = json.JSONEncoder(separators=(",", ":"), allow_nan=False).encode


class Dropin:
    """The functions that ``sessions.js`` calls. Nonsense is ignored, as dashboards expect."""

    def __init__(self, deliver: Deliver, report: Report, http: Http, clock: Clock) -> None:
        """Tell ``deliver(event, json)`` what happens; an event may come without a payload."""
        self._deliver = deliver
        self._clock = clock
        self._bus = EventBus(report)
        for topic in ANNOUNCED:
            self._bus.on(topic, self._announcer(topic))
        self._api = ProxyApi(http)
        self._state = SessionState(self._bus, clock)
        self._managers = {SHARED: SessionManager(self._state, self._bus, self._api)}
        self._last_number = SHARED
        # What metrics() answered for last: a metric never changes, another takes its place.
        self._handed_over: tuple[Metric, ...] = ()
        # A corrected metric is told twice, as event and as result: its text is made once.
        self._written: Metric | None = None
        self._text = ""

    # -- metrics ----------------------------------------------------------------------

    def add_metric(self, metric: str, session_id: object = None) -> None:
        """Take in a measured request."""
        data = _object(metric)
        if data is not None:
            self._state.add_metric(data, as_id(session_id))

    def update_metric(
        self,
        metric_id: object,
        real_tokens: str,
        cumulative_tokens: object = None,
        cumulative_percentage: object = None,
    ) -> str | None:
        """Correct a metric by real counts; return it, or None when it is not known."""
        known_id = as_id(metric_id)
        real = _object(real_tokens)
        if known_id is None or real is None or as_tokens(real.get("total")) is None:
            return None
        metric = self._state.update_metric_with_real_tokens(
            known_id,
            real,
            cumulative_tokens=as_tokens(cumulative_tokens),
            cumulative_percentage=as_number(cumulative_percentage),
        )
        return None if metric is None else self._write_metric(metric)

    def metrics(self) -> str:
        """Return the current session's metrics, told by their difference from the last time.

        ``[start, end, changed, added]``: of the last answer the entries from ``start`` to
        before ``end`` are still there, ``changed`` has ``[place, metric]`` for those of them
        that are others now, and ``added`` is what follows.
        """
        before, now = self._handed_over, self._state.metrics()
        self._handed_over = now
        start = next((place for place, one in enumerate(before) if now and one is now[0]), 0)
        kept = min(len(before) - start, len(now))
        pairs = map(operator.is_not, islice(before, start, None), now)
        changed = ",".join(
            f"[{place},{self._write_metric(now[place])}]" for place in compress(count(), pairs)
        )
        added = ",".join(map(self._write_metric, now[kept:]))
        return f"[{start},{start + kept},[{changed}],[{added}]]"

    def clear_metrics(self) -> None:
        """Forget the current session's metrics and sources."""
        self._state.clear_metrics()

    def stats(self) -> str:
        """Return the figures over the current session's metrics."""
        return _dump(self._state.calculate_stats().to_wire())

    def accuracy(self) -> str:
        """Return how close the last estimate came, or null."""
        return _write(self._state.calculate_accuracy())

    # -- the current session ----------------------------------------------------------

    def current(self) -> str:
        """Return everything that is told by a getter, in one answer."""
        proxy, log = self._state.proxy_reading, self._state.log_reading
        return _write(
            {
                "sessionId": self._state.session_id,
                "maxContext": self._state.max_context,
                "memory": self._state.memory,
                "proxy": None if proxy is None else proxy.wire,
                "log": None if log is None else log.wire,
            }
        )

    def load_session_data(self, answer: str) -> bool:
        """Show a session from the proxy's answer; return False when there is none in it."""
        try:
            self._state.load_session_data(as_mapping(loads_redacted(answer)))
        except (BadInput, ValueError):
            return False
        return True

    def set_session_id(self, session_id: object = None) -> None:
        """Name the current session."""
        self._state.set_session_id(as_id(session_id))

    def set_max_context(self, tokens: object = None) -> None:
        """Set the size of the context window."""
        self._state.set_max_context(as_tokens(tokens))

    def set_memory(self, figures: str) -> None:
        """Replace the memory figures."""
        data = _object(figures)
        if data is not None:
            self._state.set_memory_metrics(data)

    # -- sources ----------------------------------------------------------------------

    def set_proxy_data(self, reading: str) -> None:
        """Remember what the proxy says; anything but an object forgets it."""
        self._state.set_last_proxy_data(_object(reading))

    def set_log_data(self, reading: str) -> None:
        """Remember what a log says; anything but an object forgets it."""
        self._state.set_last_log_data(_object(reading))

    def merged(self) -> str:
        """Return ``[from, until, merged]``: which source to believe, and when that holds.

        The moments are in milliseconds since 1970. An ``until`` of null means that time alone
        does not change the answer.
        """
        now = self._clock.now()
        readings = (self._state.proxy_reading, self._state.log_reading)
        ends = [
            reading.timestamp + FRESH_FOR
            for reading in readings
            if reading is not None and reading.timestamp is not None and reading.is_fresh(now)
        ]
        return _write([now, min(ends, default=None), self._state.merge_data_sources()])

    # -- managers ---------------------------------------------------------------------

    def open_manager(self) -> int:
        """Make a manager with a state of its own; return its number."""
        self._last_number += 1
        state = SessionState(self._bus, self._clock)
        self._managers[self._last_number] = SessionManager(state, self._bus, self._api)
        return self._last_number

    def close_manager(self, number: int) -> None:
        """Forget a manager that JavaScript does not hold any more."""
        self._managers.pop(number, None)

    def manager_state(self, number: int) -> str:
        """Return a manager's readable members; its configs as pairs, for a Map."""
        manager = self._managers[number]
        configs = manager.session_proxy_map.values()
        return _write(
            {
                "activeSession": manager.get_active_session(),
                "sessionHistory": manager.session_history,
                "sessionProxyMap": [[config.session_id, config] for config in configs],
            }
        )

    def is_session_active(self, number: int, session_id: object = None) -> bool:
        """Tell whether that session is a manager's current one."""
        return self._managers[number].is_session_active(session_id)

    def get_proxy_config(self, number: int, session: str) -> str:
        """Return a session's cached config, or null."""
        known = _session(session)
        return _write(self._managers[number].get_proxy_config(known))

    def update_proxy_config(self, number: int, session: str) -> str:
        """Build and cache a session's config; null when it is not a session."""
        known = _session(session)
        return _write(known and self._managers[number].update_proxy_config(known))

    def cleanup_old_configs(self, number: int, max_history: object = None) -> None:
        """Shrink a manager's history and cache."""
        self._managers[number].cleanup_old_configs(as_tokens(max_history))

    def extract_provider(self, model: object = None) -> str:
        """Guess the provider from a model's name."""
        return self._managers[SHARED].extract_provider(as_text(model))

    def get_timeout(self, provider: object = None) -> int:
        """Return how many seconds a provider is given."""
        return self._managers[SHARED].get_timeout_for_provider(as_text(provider))

    def switch_session(
        self, number: int, session_id: object, metrics: str
    ) -> Coroutine[Any, Any, str]:
        """Make a session a manager's current one; ``metrics`` may be null."""
        rows = _parse(metrics)
        known = [row for row in rows if isinstance(row, dict)] if isinstance(rows, list) else None
        manager = self._managers[number]

        async def switch(wanted: SessionId) -> object:
            return await manager.switch_session(wanted, known)

        return _outcome(session_id, switch)

    def load_session(self, number: int, session_id: object) -> Coroutine[Any, Any, str]:
        """Fetch a session; null when there is none."""
        manager = self._managers[number]

        async def load(wanted: SessionId) -> object:
            detail = await manager.load_session(wanted)
            return None if detail is None else detail.session

        return _outcome(session_id, load)

    # -- inside -----------------------------------------------------------------------

    def _announcer(self, topic: str) -> Callable[[object], None]:
        def announce(payload: object) -> None:
            if payload is None:
                self._deliver(topic)
            else:
                self._deliver(topic, self._write_payload(payload))

        return announce

    def _write_payload(self, payload: object) -> str:
        if isinstance(payload, Metric):
            return self._write_metric(payload)
        if isinstance(payload, MetricUpdated):
            rest = {
                "realTokens": payload.real_tokens.wire,
                "cumulativeTokens": payload.cumulative_tokens,
                "cumulativePercentage": payload.cumulative_percentage,
            }
            return f'{{"metric":{self._write_metric(payload.metric)},{_dump(rest)[1:]}'
        return _write(payload)

    def _write_metric(self, metric: Metric) -> str:
        if metric is not self._written:
            self._text = _dump(metric.wire)
            self._written = metric
        return self._text


def _parse(text: str) -> Any:
    """Read JSON; what is nested too deep to be meant counts as null."""
    try:
        return parse_json(text)
    except ValueError:
        return None


def _object(text: str) -> Wire | None:
    value = _parse(text)
    return value if isinstance(value, dict) else None


def _session(text: str) -> Session | None:
    try:
        return Session.from_wire(_parse(text))
    except BadInput:
        return None


def _write(value: object) -> str:
    return _dump(to_plain(value))


async def _outcome(session_id: object, work: Callable[[SessionId], Awaitable[object]]) -> str:
    """Return what became of a piece of work, as ``{value}`` or ``{error, message}``."""
    try:
        wanted = as_id(session_id)
        if wanted is None:
            raise SessionNotFound(session_id)
        return _write({"value": await work(wanted)})
    except SessionsError as error:
        return _dump({"error": type(error).__name__, "message": str(error)})

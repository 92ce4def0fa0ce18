"""The things the dashboard talks about, and their parsers from the wire.

All are immutable: whoever holds one may keep it, and a changed one is a new object. Each
keeps the JSON object it came from (``wire``), so that fields nobody here knows about
survive a round trip.

What comes with every message is a named tuple: a frozen dataclass sets its fields one by one,
which takes eight times as long in the browser.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from .errors import BadInput

SessionId = int | str
MetricId = int | str
Wire = Mapping[str, Any]

DEFAULT_MAX_CONTEXT = 262_144
"""Tokens of a context window when the proxy does not say."""

LARGEST_EXACT = 2**53 - 1
"""The largest integer that JavaScript, and so the proxy's JSON, can carry exactly."""

_LARGEST_ID = 2**63 - 1
"""SQLite numbers its rows no further."""

LONGEST_ID = 200
"""Characters of an id that is a text."""

NO_ID = "\0"
"""The key of what has no id; no id from outside can be this."""


def to_plain(value: Any) -> Any:
    """Turn a payload into plain dicts, lists and scalars, sharing nothing mutable with it.

    Numbers that JSON has no word for (infinity) become None.
    """
    if isinstance(value, str):
        return str(value)
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if value is None or isinstance(value, int):
        return value
    convert = getattr(value, "to_wire", None)
    if convert is not None:
        return to_plain(convert())
    if isinstance(value, Mapping):
        return {str(name): to_plain(item) for name, item in value.items()}
    if isinstance(value, Sequence):
        return [to_plain(item) for item in value]
    raise BadInput(f"{type(value).__name__} cannot be handed to JavaScript.")


def id_key(identifier: object) -> str:
    """Return the form under which ids are compared: ``"3"`` is 3; None is like no id."""
    return NO_ID if identifier is None else str(identifier)


def same_id(one: object, other: object) -> bool:
    """Tell whether two ids name the same thing; None names nothing."""
    if one is None or other is None:
        return False
    return one == other if type(one) is type(other) else str(one) == str(other)


def as_id(value: object) -> int | str | None:
    """Return ``value`` when it can be an id, else None.

    An id is a whole number of 64 bits, or a text of at most :data:`LONGEST_ID` characters that
    can be printed: it is shown, stored, and sent in addresses.
    """
    if type(value) is int:  # nearly always
        return value if -_LARGEST_ID <= value <= _LARGEST_ID else None
    is_id = isinstance(value, str) and 0 < len(value) <= LONGEST_ID and value.isprintable()
    return value if is_id else None  # type: ignore[return-value]


def as_tokens(value: object) -> int | None:
    """Read a count of tokens: a finite number of at least 0, rounded half up; else None."""
    if type(value) is int:  # nearly always, and asked a dozen times a metric
        return value if 0 <= value <= LARGEST_EXACT else None
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    if isinstance(value, float):
        if not math.isfinite(value):
            return None
        whole = math.floor(value)
        value = whole + (value - whole >= 0.5)
    return value if 0 <= value <= LARGEST_EXACT else None


def as_number(value: object) -> float | None:
    """Read a finite number, else None."""
    if type(value) is float:
        return value if math.isfinite(value) else None
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        number = float(value)
    except OverflowError:
        return None
    return number if math.isfinite(number) else None


def as_text(value: object) -> str | None:
    """Read a text, else None."""
    return value if isinstance(value, str) else None


def as_flag(value: object) -> bool | None:
    """Read a flag: SQLite's 0 and 1 count as well as JSON's true and false; else None."""
    if value is True or value is False:
        return value
    return bool(value) if isinstance(value, int) and value in (0, 1) else None


def as_mapping(value: object) -> Wire:
    """Return ``value`` when it is a JSON object, else an empty one."""
    return value if type(value) is dict or isinstance(value, Mapping) else {}


@dataclass(frozen=True, slots=True)
class Session:
    """One session of the proxy: a model, and the requests sent to it.

    Attributes:
        max_context: tokens of the context window; None when the answer did not say
            (list rows and WebSocket messages do not).
        auto_compaction_threshold: share of the window (0 to 1) at which the proxy compacts.
        wire: the whole JSON object, unknown fields included.
    """

    id: SessionId
    name: str
    provider: str | None
    model: str | None
    created_at: str | None
    is_active: bool
    max_context: int | None
    reserved_tokens: int
    auto_compaction_enabled: bool | None
    auto_compaction_threshold: float | None
    compaction_count: int
    wire: Wire

    @classmethod
    def from_wire(cls, data: object) -> Session:
        """Read a session.

        Raises:
            BadInput: when it is not an object with an id.
        """
        row = as_mapping(data)
        identifier = as_id(row.get("id"))
        if identifier is None:
            raise BadInput("A session without an id cannot be used.")
        return cls(
            id=identifier,
            name=as_text(row.get("name")) or f"Session {identifier}",
            provider=as_text(row.get("provider")) or None,
            model=as_text(row.get("model")) or None,
            created_at=as_text(row.get("created_at")),
            is_active=bool(as_flag(row.get("is_active"))),
            max_context=as_tokens(row.get("max_context")) or None,
            reserved_tokens=as_tokens(row.get("reserved_tokens")) or 0,
            auto_compaction_enabled=as_flag(row.get("auto_compaction_enabled")),
            auto_compaction_threshold=as_number(row.get("auto_compaction_threshold")),
            compaction_count=as_tokens(row.get("compaction_count")) or 0,
            wire=row,
        )

    def updated(self, **fields: Any) -> Session:
        """Return this session with some wire fields changed."""
        return Session.from_wire({**self.wire, **fields})

    def merged(self, newer: Session) -> Session:
        """Return ``newer``, completed by what only this one knows (such as ``max_context``)."""
        known = {name: value for name, value in newer.wire.items() if value is not None}
        return Session.from_wire({**newer.wire, **self.wire, **known})

    def to_wire(self) -> dict[str, Any]:
        """Return the JSON object."""
        return dict(self.wire)


class RealTokens(NamedTuple):
    """What the provider counted for one request. ``total`` need not be the sum."""

    total: int
    prompt: int
    completion: int
    percentage: float | None
    wire: Wire

    @classmethod
    def from_wire(cls, data: object) -> RealTokens:
        """Read ``real_tokens``.

        Raises:
            BadInput: when there is no usable total.
        """
        row = as_mapping(data)
        total = as_tokens(row.get("total"))
        if total is None:
            raise BadInput("Real token counts without a total cannot be used.")
        return cls(
            total,
            as_tokens(row.get("prompt")) or 0,
            as_tokens(row.get("completion")) or 0,
            as_number(row.get("percentage")),
            row,
        )

    def to_wire(self) -> dict[str, Any]:
        """Return the JSON object."""
        return dict(self.wire)


@dataclass(frozen=True, slots=True)
class MemoryMetrics:
    """Tokens spent on memories against those of the chat itself.

    ``memory_ratio`` is in percent, as the proxy sends it.
    """

    memory_tokens: int = 0
    chat_tokens: int = 0
    memory_ratio: float = 0
    has_memory: bool = False

    @classmethod
    def from_wire(cls, data: object) -> MemoryMetrics:
        """Read memory figures; absent ones are 0.

        There is memory when it holds at least one token, whatever a flag may say.
        """
        row = as_mapping(data)
        tokens = as_tokens(row.get("memory_tokens")) or 0
        return cls(
            memory_tokens=tokens,
            chat_tokens=as_tokens(row.get("chat_tokens")) or 0,
            memory_ratio=as_number(row.get("memory_ratio")) or 0,
            has_memory=tokens > 0,
        )

    def to_wire(self) -> dict[str, Any]:
        """Return the JSON object."""
        return {
            "memory_tokens": self.memory_tokens,
            "chat_tokens": self.chat_tokens,
            "memory_ratio": self.memory_ratio,
            "has_memory": self.has_memory,
        }


class Metric(NamedTuple):
    """One request as it was measured. All counts are tokens.

    What every request is asked for is read once; the rest is read from ``wire`` on demand.

    Attributes:
        tokens: what counts for the request: the real total once known, else the estimate
            (``estimated_tokens`` on the wire, which the proxy overwrites likewise).
        initial_estimate: the proxy's estimate from before the real counts came; None when
            it was never seen, for then no accuracy can be computed.
        delta_tokens: what the request added to the context; None until it was computed.
        is_estimated: True until the provider's real counts are known.
        model: the model of the session at that time, for statistics by model.
    """

    id: MetricId | None
    session_id: SessionId | None
    tokens: int
    initial_estimate: int | None
    delta_tokens: int | None
    prompt_tokens: int
    completion_tokens: int
    is_estimated: bool
    model: str | None
    wire: Wire

    @classmethod
    def from_wire(
        cls, data: object, session_id: SessionId | None = None, model: str | None = None
    ) -> Metric:
        """Read a metric.

        The estimate is ``estimated_tokens``. One recorded proxy version announces 0 there
        and has the estimate of the whole prompt in ``history_tokens``: then that is it.

        Raises:
            BadInput: when it is not an object.
        """
        if type(data) is not dict and not isinstance(data, Mapping):
            raise BadInput("A metric must be a JSON object.")
        get = data.get
        is_estimated = as_flag(get("is_estimated")) is not False
        tokens = as_tokens(get("estimated_tokens")) or 0
        known = as_tokens(get("initial_estimate"))
        if known is None and is_estimated:
            known = tokens or as_tokens(get("history_tokens")) or None
        return cls(
            as_id(get("id")),
            session_id if session_id is not None else as_id(get("session_id")),
            tokens,
            known,
            as_tokens(get("delta_tokens")),
            as_tokens(get("prompt_tokens")) or 0,
            as_tokens(get("completion_tokens")) or 0,
            is_estimated,
            as_text(get("model")) or model,
            data,
        )

    @property
    def timestamp(self) -> str | None:
        """When it was sent, in the proxy's words."""
        return as_text(self.wire.get("timestamp"))

    @property
    def percentage(self) -> float | None:
        """Percentage of the context window."""
        return as_number(self.wire.get("percentage"))

    @property
    def source(self) -> str:
        """Who counted it."""
        return as_text(self.wire.get("source")) or "proxy"

    @property
    def preview(self) -> str:
        """The beginning of the prompt."""
        return as_text(self.wire.get("content_preview")) or ""

    @property
    def system_tokens(self) -> int | None:
        """Tokens of the system prompt, when known."""
        return as_tokens(self.wire.get("system_tokens"))

    @property
    def history_tokens(self) -> int | None:
        """Tokens of earlier turns, when known."""
        return as_tokens(self.wire.get("history_tokens"))

    @property
    def cumulative_tokens(self) -> int | None:
        """Tokens in the context window after it, as the proxy counts."""
        return as_tokens(self.wire.get("cumulative_tokens"))

    @property
    def shown_tokens(self) -> int:
        """Tokens to show: the count, or the estimate where the count is still missing."""
        return self.tokens or self.initial_estimate or 0

    def with_delta(self, delta: int) -> Metric:
        """Return this metric with its computed delta."""
        (
            number, session_id, tokens, estimate, _,
            prompt, completion, is_estimated, model, wire,
        ) = self  # fmt: skip
        return Metric(
            number, session_id, tokens, estimate, delta,
            prompt, completion, is_estimated, model, {**wire, "delta_tokens": delta},
        )  # fmt: skip

    def with_real(self, real: RealTokens) -> Metric:
        """Return this metric corrected by the provider's counts; the estimate is kept apart."""
        number, session_id, _, estimate, delta, _, _, _, model, wire = self
        wire = {
            **wire,
            "estimated_tokens": real.total,
            "percentage": real.wire.get("percentage"),
            "is_estimated": False,
            "prompt_tokens": real.prompt,
            "completion_tokens": real.completion,
        }
        if estimate is not None:
            wire["initial_estimate"] = estimate
        return Metric(
            number, session_id, real.total, estimate, delta,
            real.prompt, real.completion, False, model, wire,
        )  # fmt: skip

    def merged(self, other: Metric) -> Metric:
        """Return this metric completed by another report of the same request.

        Real counts beat estimates, an estimate once known is never lost, and a field that
        the other report leaves empty keeps its value.
        """
        newer = other if self.is_estimated or not other.is_estimated else self
        older = self if newer is other else other
        wire = {**older.wire, **{k: v for k, v in newer.wire.items() if v not in (None, "")}}
        estimate = self.initial_estimate
        if estimate is None:
            estimate = other.initial_estimate
        # Both rows may carry the clock of a different author; the first one seen is kept,
        # so that a row does not change its time when its details arrive.
        if self.timestamp is not None:
            wire["timestamp"] = self.timestamp
        if self.delta_tokens is not None:
            wire["delta_tokens"] = self.delta_tokens
        merged = Metric.from_wire(wire, self.session_id, self.model or other.model)
        if merged.initial_estimate == estimate:
            return merged
        wire["initial_estimate"] = estimate
        return Metric.from_wire(wire, self.session_id, merged.model)

    def to_wire(self) -> dict[str, Any]:
        """Return the JSON object, as existing dashboards know it."""
        return dict(self.wire)


class MetricUpdated(NamedTuple):
    """Payload of ``metric:updated``."""

    metric: Metric
    real_tokens: RealTokens
    cumulative_tokens: int | None
    cumulative_percentage: float | None

    def to_wire(self) -> dict[str, Any]:
        """Return the JSON object."""
        return {
            "metric": self.metric.to_wire(),
            "realTokens": self.real_tokens.to_wire(),
            "cumulativeTokens": self.cumulative_tokens,
            "cumulativePercentage": self.cumulative_percentage,
        }


class Noise(NamedTuple):
    """Payload of ``metric:noise``: most of a request was resent context, not new text.

    Attributes:
        total: tokens of the request.
        delta: tokens that are new in it.
        ratio: share (0 to 1) that was sent before.
        system_tokens: tokens of the system prompt, when known.
        history_tokens: tokens of earlier turns, when known.
    """

    metric: Metric
    total: int
    delta: int
    ratio: float
    system_tokens: int | None
    history_tokens: int | None

    def to_wire(self) -> dict[str, Any]:
        """Return the JSON object."""
        return {
            "metric": self.metric.to_wire(),
            "total": self.total,
            "delta": self.delta,
            "ratio": self.ratio,
            "systemTokens": self.system_tokens,
            "historyTokens": self.history_tokens,
        }


@dataclass(frozen=True, slots=True, weakref_slot=True)
class Routing:
    """Where requests of a model go. ``timeout`` is in seconds."""

    model: str | None
    provider: str
    timeout: int


@dataclass(frozen=True, slots=True)
class ProxyConfig:
    """How requests of one session are routed. Never holds an API key.

    Sessions with the same model and provider hold the same ``routing``.
    """

    session_id: SessionId
    routing: Routing

    def to_wire(self) -> dict[str, Any]:
        """Return the JSON object."""
        return {
            "model": self.routing.model,
            "provider": self.routing.provider,
            "timeout": self.routing.timeout,
            "session_id": self.session_id,
        }


@dataclass(frozen=True, slots=True)
class SessionChanged:
    """Payload of ``sessionChanged``. ``new_session`` is None when no session is left."""

    old_session: Session | None
    new_session: Session | None
    proxy_config: ProxyConfig | None

    def to_wire(self) -> dict[str, Any]:
        """Return the JSON object."""
        return {
            "oldSession": self.old_session and self.old_session.to_wire(),
            "newSession": self.new_session and self.new_session.to_wire(),
            "proxyConfig": self.proxy_config and self.proxy_config.to_wire(),
        }


@dataclass(frozen=True, slots=True)
class SwitchFailure:
    """Payload of ``session:switch_failed``."""

    session_id: object
    reason: str
    rolled_back: bool

    def to_wire(self) -> dict[str, Any]:
        """Return the JSON object."""
        return {
            "sessionId": as_id(self.session_id),
            "reason": self.reason,
            "rolledBack": self.rolled_back,
        }


@dataclass(frozen=True, slots=True)
class SessionDetail:
    """A session with what the proxy knows of it.

    Attributes:
        metrics: oldest first.
        memory: None when the answer did not say.
        totals: the proxy's own statistics of the whole session, as it sent them.
        raw: the whole answer (secrets dropped), for ``session:loaded``.
    """

    session: Session
    metrics: tuple[Metric, ...] | None
    memory: MemoryMetrics | None
    totals: Wire
    provider_name: str | None
    raw: Wire

    @classmethod
    def from_wire(cls, data: object) -> SessionDetail:
        """Read ``{session, provider, memory, stats, recent_metrics}``.

        ``recent_metrics`` comes newest first and is turned round; the caller's list is not
        touched. Rows that are not objects are left out.

        Raises:
            BadInput: when there is no session in it.
        """
        answer = as_mapping(data)
        session = Session.from_wire(answer.get("session"))
        rows = answer.get("recent_metrics")
        metrics = None
        if isinstance(rows, Sequence) and not isinstance(rows, str):
            metrics = tuple(
                Metric.from_wire(row, session.id, session.model)
                for row in reversed(rows)
                if isinstance(row, Mapping)
            )
        memory = answer.get("memory")
        return cls(
            session=session,
            metrics=metrics,
            memory=MemoryMetrics.from_wire(memory) if isinstance(memory, Mapping) else None,
            totals=as_mapping(answer.get("stats")),
            provider_name=as_text(as_mapping(answer.get("provider")).get("name")),
            raw=answer,
        )


@dataclass(frozen=True, slots=True)
class Alert:
    """The proxy's warning that the context window fills up.

    ``level`` and ``message`` are the proxy's own words.
    """

    level: str
    message: str
    percentage: float | None

    def to_wire(self) -> dict[str, Any]:
        """Return the JSON object."""
        return {"level": self.level, "message": self.message, "percentage": self.percentage}


@dataclass(frozen=True, slots=True)
class CompactionDone:
    """The proxy compacted a session. Counts are tokens; ``ratio`` is the share saved in %."""

    session_id: SessionId | None
    tokens_before: int
    tokens_after: int
    tokens_saved: int
    ratio: float | None

    @classmethod
    def from_wire(cls, data: object) -> CompactionDone:
        """Read a ``compaction_event`` message; absent counts are 0."""
        frame = as_mapping(data)
        row = as_mapping(frame.get("compaction"))
        return cls(
            session_id=as_id(frame.get("session_id")),
            tokens_before=as_tokens(row.get("original_tokens")) or 0,
            tokens_after=as_tokens(row.get("compacted_tokens")) or 0,
            tokens_saved=as_tokens(row.get("tokens_saved")) or 0,
            ratio=as_number(row.get("compaction_ratio")),
        )

    def to_wire(self) -> dict[str, Any]:
        """Return the JSON object."""
        return {
            "sessionId": self.session_id,
            "tokensBefore": self.tokens_before,
            "tokensAfter": self.tokens_after,
            "tokensSaved": self.tokens_saved,
            "ratio": self.ratio,
        }


@dataclass(frozen=True, slots=True)
class Notice:
    """Something the person should read once.

    Attributes:
        kind: ``info``, ``success``, ``warning`` or ``error``.
        key: the catalogue's key of the sentence; the page translates it.
        values: what the sentence is filled with.
        detail: a sentence that came from elsewhere (the proxy), shown as it is.
    """

    kind: str
    key: str
    values: Mapping[str, str | int | float]
    detail: str | None = None

    def to_wire(self) -> dict[str, Any]:
        """Return the JSON object."""
        return {
            "kind": self.kind,
            "key": self.key,
            "values": dict(self.values),
            "detail": self.detail,
        }

"""Every endpoint of Kimi Proxy, and what each version of it supports.

Three versions are known, and no two have the same routes. What a proxy supports is found
out once a connection: from its own ``/openapi.json`` where it has one, else by trying (a
404 or 405 is an answer, not a fault). Callers ask for a thing ("load this session") and
this module finds the way that the version at hand offers.

Failures come in four dresses: an HTTP status with ``{"error"}`` or ``{"detail"}``, a status
with plain text, HTTP 200 with ``{"error"}``, and no answer. One place, :func:`read_answer`,
turns all of them into the typed errors of :mod:`sessions.errors`.
"""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from .errors import (
    BadAnswer,
    BadInput,
    BrokenAnswer,
    ProxyError,
    ProxyFault,
    ProxyRefused,
    RouteUnsupported,
)
from .models import (
    Session,
    SessionDetail,
    SessionId,
    Wire,
    as_flag,
    as_id,
    as_mapping,
    as_text,
    as_tokens,
    same_id,
)
from .ports import Http, HttpAnswer
from .redaction import loads_redacted, loads_whole, redact_text
from .spreadsheet import defused
from .texts import cut

TIMEOUT = 10.0
"""Seconds for an ordinary request: the proxy answers from its own database."""

SLOW_TIMEOUT = 120.0
"""Seconds for what the proxy has to ask a model for (compaction, compression)."""


class Route(NamedTuple):
    """An endpoint; ``path`` may contain one ``{}`` for a session id."""

    method: str
    path: str

    def __str__(self) -> str:
        """Return it as people write it: ``GET /api/sessions``."""
        return f"{self.method} {self.path.replace('{}', '{id}')}"


SESSIONS = Route("GET", "/api/sessions")
ACTIVE_SESSION = Route("GET", "/api/sessions/active")
SESSION_BY_ID = Route("GET", "/api/sessions/{}")
CREATE_SESSION = Route("POST", "/api/sessions")
ACTIVATE_SESSION = Route("POST", "/api/sessions/{}/activate")
DELETE_SESSION = Route("DELETE", "/api/sessions/{}")
DELETE_SESSIONS = Route("DELETE", "/api/sessions")
AUTO_STATUS = Route("GET", "/api/sessions/auto-status")
TOGGLE_AUTO = Route("POST", "/api/sessions/toggle-auto")
VACUUM = Route("POST", "/api/sessions/vacuum")
PROVIDERS = Route("GET", "/api/providers")
MODELS = Route("GET", "/api/models")
EXPORT_CSV = Route("GET", "/api/export/csv")
EXPORT_JSON = Route("GET", "/api/export/json")
HEALTH = Route("GET", "/health")
RATE_LIMIT = Route("GET", "/api/rate-limit")
COMPACTION_STATS = Route("GET", "/api/compaction/{}/stats")
COMPACTION_PREVIEW = Route("GET", "/api/compaction/{}/preview")
COMPACTION_AUTO_STATUS = Route("GET", "/api/compaction/{}/auto-status")
COMPACTION_CHART = Route("GET", "/api/compaction/{}/history-chart")
COMPACTION_HISTORY = Route("GET", "/api/compaction/{}/history")
COMPACT = Route("POST", "/api/compaction/{}")
TOGGLE_AUTO_COMPACTION = Route("POST", "/api/compaction/{}/toggle-auto")
RESERVE_TOKENS = Route("POST", "/api/compaction/{}/reserved")
SIMULATE_COMPACTION = Route("POST", "/api/compaction/{}/simulate")
MEMORY_STATS = Route("GET", "/api/memory/stats/advanced")
FREQUENT_MEMORIES = Route("GET", "/api/memory/frequent")
MEMORY_SERVERS = Route("GET", "/api/memory/servers")
ALL_MEMORY_SERVERS = Route("GET", "/api/memory/all-servers")
STORE_MEMORY = Route("POST", "/api/memory/store")
COMPRESS_MEMORY = Route("POST", "/api/memory/compress")
SIMILAR_MEMORIES = Route("POST", "/api/memory/similarity")
OPENAPI = Route("GET", "/openapi.json")

ROUTES = tuple(value for value in dict(globals()).values() if isinstance(value, Route))

_PLAIN = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.")
_PARAMETER = re.compile(r"\{[^{}]*\}")


@dataclass
class Capabilities:
    """What the proxy at hand supports, as far as it is known."""

    known: dict[Route, bool] = field(default_factory=dict)

    def supports(self, route: Route) -> bool:
        """Tell whether a route is there; True as long as nothing speaks against it."""
        return self.known.get(route, True)

    @property
    def can_delete(self) -> bool:
        """True unless the proxy is known to have no way to delete a session."""
        return self.supports(DELETE_SESSIONS) or self.supports(DELETE_SESSION)

    def learn_from_openapi(self, document: object) -> bool:
        """Take over what ``/openapi.json`` lists; False when it is not such a document."""
        paths = as_mapping(document).get("paths")
        if not isinstance(paths, Mapping) or not paths:
            return False
        listed = {
            (method.upper(), _PARAMETER.sub("{}", path))
            for path, methods in paths.items()
            if isinstance(methods, Mapping)
            for method in methods
        }
        self.known = {route: tuple(route) in listed for route in ROUTES if route != OPENAPI}
        return True

    def to_wire(self) -> dict[str, bool]:
        """Return what is known, by route."""
        return {str(route): there for route, there in self.known.items()}


def read_answer(
    route: Route, answer: HttpAnswer, load: Callable[[str], Any] = loads_redacted
) -> Any:
    """Return an answer's JSON value (as ``load`` reads it), or raise what went wrong.

    Raises:
        RouteUnsupported: 404 or 405 because there is no such route.
        ProxyRefused: any answer with an error sentence in it.
        ProxyFault: a 5xx answer in plain text.
        BadAnswer: an answer that is not JSON; BrokenAnswer if it is said to be.
    """
    value: Any = None
    is_json = True
    try:
        value = load(answer.text)
    except ValueError:
        is_json = False
    message = _error_sentence(value)
    if answer.status in (404, 405) and _is_missing_route(value):
        raise RouteUnsupported(str(route), f"This proxy has no {route}.", answer.status)
    if message is not None and (answer.status >= 400 or as_mapping(value).get("error")):
        raise ProxyRefused(str(route), cut(message), answer.status)
    if answer.status >= 400:
        text = redact_text(answer.text.strip())[:200] or "no explanation"
        raise ProxyFault(str(route), f"{text} ({answer.status})", answer.status)
    if not is_json:
        kind = BrokenAnswer if "json" in answer.content_type.lower() else BadAnswer
        raise kind(
            str(route), f"{route} did not answer with JSON: is this a Kimi Proxy?", answer.status
        )
    return value


def _is_missing_route(value: object) -> bool:
    """FastAPI's own words; an error of the application itself uses ``error``."""
    if not isinstance(value, Mapping):
        return True
    return value.get("detail") in ("Not Found", "Method Not Allowed") or not value


def _error_sentence(value: object) -> str | None:
    """Find the sentence in ``{"error": …}`` or ``{"detail": …}``."""
    body = as_mapping(value)
    for name in ("error", "detail"):
        found = body.get(name)
        if isinstance(found, str) and found:
            return found
        if isinstance(found, Mapping):
            inner = as_text(found.get("message"))
            if inner:
                return inner
        if isinstance(found, Sequence) and not isinstance(found, str) and found:
            parts = [as_text(as_mapping(item).get("msg")) or str(item) for item in found]
            return "; ".join(parts)
        if found:
            return str(found)
    return None


@dataclass(frozen=True, slots=True)
class Model:
    """A model that a provider offers. ``max_context`` is in tokens."""

    key: str
    name: str
    max_context: int | None

    def to_wire(self) -> dict[str, Any]:
        """Return the JSON object."""
        return {"key": self.key, "name": self.name, "maxContext": self.max_context}


@dataclass(frozen=True, slots=True)
class Provider:
    """A provider that the proxy is configured for."""

    key: str
    name: str
    has_api_key: bool
    models: tuple[Model, ...]

    def to_wire(self) -> dict[str, Any]:
        """Return the JSON object."""
        return {
            "key": self.key,
            "name": self.name,
            "hasApiKey": self.has_api_key,
            "models": [model.to_wire() for model in self.models],
        }


@dataclass(frozen=True, slots=True)
class Deletion:
    """What became of a request to delete sessions: ids gone, and why the others stayed."""

    deleted: tuple[SessionId, ...]
    refused: Mapping[SessionId, str]


class ProxyApi:
    """One client for all of Kimi Proxy.

    Every method raises a :class:`~sessions.errors.ProxyError` when it cannot do its work.
    """

    def __init__(self, http: Http) -> None:
        """Speak to the proxy behind ``http``."""
        self._http = http
        self._negotiated = False
        self._negotiation = asyncio.Lock()
        self.capabilities = Capabilities()

    # -- sessions ---------------------------------------------------------------------

    async def negotiate(self) -> Capabilities:
        """Find out, once, what this proxy supports; the rest is learned by trying.

        Asking first keeps requests for routes that are not there, which browsers report as
        errors, out of the console.
        """
        async with self._negotiation:
            if not self._negotiated:
                try:
                    document = await self._call(OPENAPI, timeout=5.0)
                except (RouteUnsupported, ProxyFault, ProxyRefused, BadAnswer):
                    document = None
                self.capabilities.learn_from_openapi(document)
                self._negotiated = True
        return self.capabilities

    def renegotiate(self) -> None:
        """Forget what is known: after a gap another version may be answering."""
        self._negotiated = False
        self.capabilities.known.clear()

    async def sessions(self) -> tuple[Session, ...]:
        """List all sessions, newest first; those of the same second by their number.

        Rows without an id are left out.
        """
        rows = await self._call(SESSIONS)
        found = []
        for row in _rows(SESSIONS, rows):
            try:
                found.append(Session.from_wire(row))
            except BadInput:
                continue
        return tuple(sorted(found, key=_age, reverse=True))

    async def active_session(self) -> SessionDetail | None:
        """Return the session that requests are booked on, or None when there is none."""
        try:
            return self._detail(ACTIVE_SESSION, await self._call(ACTIVE_SESSION))
        except ProxyRefused as refused:
            if refused.status == 200:
                return None
            raise

    @property
    def activates_to_load(self) -> bool:
        """True when a session can only be read by making it the active one."""
        supports = self.capabilities.supports
        return not supports(SESSION_BY_ID) and supports(ACTIVATE_SESSION)

    async def load_session(self, session_id: SessionId) -> SessionDetail | None:
        """Return a session, or None when the proxy does not know it.

        Where the proxy cannot be asked by id, the active session is read if it is the one,
        else its row in the list: without metrics, for they are out of reach.
        """
        await self.negotiate()
        if self.capabilities.supports(SESSION_BY_ID):
            try:
                answer = await self._call(SESSION_BY_ID, session_id)
                return self._detail(SESSION_BY_ID, answer)
            except RouteUnsupported:
                pass  # learned by _call; the other ways follow
            except ProxyRefused as refused:
                # 200 with an error: no such id. 422: not an id that this proxy could have.
                if refused.status in (200, 404, 422):
                    return None
                raise
        active = await self.active_session()
        if active is not None and same_id(active.session.id, session_id):
            return active
        for session in await self.sessions():
            if same_id(session.id, session_id):
                return SessionDetail.from_wire({"session": session.to_wire()})
        return None

    @property
    def can_activate(self) -> bool:
        """True unless this proxy is known to have no way to choose the active session."""
        return self.capabilities.supports(ACTIVATE_SESSION)

    async def activate_session(self, session_id: SessionId) -> bool:
        """Make a session the active one; False where this proxy cannot.

        Asking for an id that does not exist leaves the proxy with no active session at all:
        who gets an error here must activate the old one again.
        """
        await self.negotiate()
        if not self.can_activate:
            return False
        try:
            await self._call(ACTIVATE_SESSION, session_id)
        except RouteUnsupported:
            return False
        return True

    async def create_session(self, name: str, provider: str | None, model: str | None) -> Session:
        """Create a session; the proxy makes it the active one."""
        body: dict[str, Any] = {"name": name}
        if provider:
            body["provider"] = provider
        if model:
            body["model"] = model
        answer = await self._call(CREATE_SESSION, body=body)
        try:
            return Session.from_wire(answer)
        except BadInput as error:
            raise BadAnswer(str(CREATE_SESSION), str(error)) from error

    async def delete_sessions(self, session_ids: Sequence[SessionId]) -> Deletion:
        """Delete sessions, in the dialect that this proxy speaks.

        Raises:
            RouteUnsupported: when it cannot delete at all.
            ProxyRefused: when it refuses all of them (the active session among them).
        """
        await self.negotiate()
        if self.capabilities.supports(DELETE_SESSIONS):
            try:
                answer = await self._call(DELETE_SESSIONS, body={"session_ids": list(session_ids)})
            except RouteUnsupported:
                pass  # learned by _call; the other dialect follows
            else:
                failed = as_mapping(answer).get("failed_ids")
                named = [as_id(i) for i in failed] if isinstance(failed, list) else []
                kept = [i for i in named if i is not None]
                deleted = [i for i in session_ids if not any(same_id(i, k) for k in kept)]
                return Deletion(tuple(deleted), dict.fromkeys(kept, ""))
        if not self.capabilities.supports(DELETE_SESSION):
            raise RouteUnsupported(str(DELETE_SESSION), "This proxy cannot delete sessions.")
        gone: list[SessionId] = []
        refused: dict[SessionId, str] = {}
        for session_id in session_ids:
            try:
                await self._call(DELETE_SESSION, session_id)
                gone.append(session_id)
            except ProxyRefused as error:
                refused[session_id] = str(error)
            except ProxyError as error:
                if not gone:
                    raise
                refused[session_id] = str(error)  # what is gone is gone, and is to be told
        if not gone and refused:
            raise ProxyRefused(str(DELETE_SESSION), next(iter(refused.values())), 200)
        return Deletion(tuple(gone), refused)

    async def auto_session(self) -> bool:
        """Tell whether the proxy starts a session of its own when the model changes."""
        return bool(as_flag(as_mapping(await self._call(AUTO_STATUS)).get("enabled")))

    async def set_auto_session(self, enabled: bool) -> bool:
        """Switch automatic sessions on or off; return what is now in force."""
        answer = as_mapping(await self._call(TOGGLE_AUTO, body={"enabled": enabled}))
        return bool(as_flag(answer.get("enabled")))

    async def vacuum(self) -> Wire:
        """Let the proxy compact its database; return the sizes before and after."""
        return as_mapping(await self._call(VACUUM, timeout=SLOW_TIMEOUT))

    # -- providers --------------------------------------------------------------------

    async def providers(self) -> tuple[Provider, ...]:
        """List the providers and the models that each offers."""
        found = []
        for row in _rows(PROVIDERS, await self._call(PROVIDERS)):
            key = as_text(row.get("key"))
            if key:
                models = row.get("models")
                found.append(
                    Provider(
                        key=key,
                        name=as_text(row.get("name")) or key,
                        has_api_key=bool(as_flag(row.get("has_api_key"))),
                        models=_models(models if isinstance(models, list) else []),
                    )
                )
        return tuple(found)

    async def models(self) -> tuple[Model, ...]:
        """List all models. One version wraps the list as ``{"object", "data"}``."""
        answer = await self._call(MODELS)
        if isinstance(answer, Mapping):
            answer = answer.get("data")
        return _models(_rows(MODELS, answer))

    # -- whole session, health --------------------------------------------------------

    async def export(self, kind: str) -> str:
        """Return the whole active session as ``csv`` or ``json`` text, secrets dropped.

        A CSV's cells can be opened as a spreadsheet: see :mod:`sessions.spreadsheet`.
        """
        if kind == "json":
            value = await self._call(EXPORT_JSON, timeout=SLOW_TIMEOUT, load=loads_whole)
            return json.dumps(value, ensure_ascii=False, indent=2)
        answer = await self._send(EXPORT_CSV, timeout=SLOW_TIMEOUT)
        if answer.status >= 400 or "json" in answer.content_type:
            read_answer(EXPORT_CSV, answer)
            raise BadAnswer(str(EXPORT_CSV), "The proxy did not answer with a CSV file.")
        return defused(redact_text(answer.text))

    async def health(self) -> Wire:
        """Return the proxy's state, its log watcher and its rate limit."""
        return as_mapping(await self._call(HEALTH))

    async def rate_limit(self) -> Wire:
        """Return ``{status, current_rpm, max_rpm, percentage}`` (requests a minute)."""
        return as_mapping(await self._call(RATE_LIMIT))

    # -- compaction -------------------------------------------------------------------

    async def compaction_stats(self, session_id: SessionId) -> Wire:
        """Return how often a session was compacted and how full it is."""
        return as_mapping(await self._call(COMPACTION_STATS, session_id))

    async def compaction_preview(self, session_id: SessionId) -> Wire:
        """Return what compacting now would keep, summarise and save."""
        return as_mapping(await self._call(COMPACTION_PREVIEW, session_id))

    async def compaction_auto_status(self, session_id: SessionId) -> Wire:
        """Return the automatic compaction's threshold, cooldown and state."""
        return as_mapping(await self._call(COMPACTION_AUTO_STATUS, session_id))

    async def compaction_chart(self, session_id: SessionId) -> Wire:
        """Return the compactions so far as chart data."""
        return as_mapping(await self._call(COMPACTION_CHART, session_id))

    async def compaction_history(self, session_id: SessionId) -> Wire:
        """Return the compactions so far."""
        return as_mapping(await self._call(COMPACTION_HISTORY, session_id))

    async def compact(
        self, session_id: SessionId, *, preserve_messages: int = 2, force: bool = False
    ) -> Wire:
        """Compact a session now, keeping the last ``preserve_messages`` exchanges."""
        body = {"preserve_messages": preserve_messages, "force": force}
        answer = await self._call(COMPACT, session_id, body=body, timeout=SLOW_TIMEOUT)
        return as_mapping(answer)

    async def set_auto_compaction(self, session_id: SessionId, enabled: bool) -> bool:
        """Switch automatic compaction on or off; return what is now in force."""
        body = {"enabled": enabled}
        answer = as_mapping(await self._call(TOGGLE_AUTO_COMPACTION, session_id, body=body))
        now = as_flag(answer.get("auto_compaction_enabled"))
        return enabled if now is None else now

    async def reserve_tokens(self, session_id: SessionId, tokens: int) -> int:
        """Reserve room for the answer in a session's window; return what is reserved."""
        body = {"reserved_tokens": tokens}
        answer = as_mapping(await self._call(RESERVE_TOKENS, session_id, body=body))
        now = as_tokens(answer.get("reserved_tokens"))
        return tokens if now is None else now

    async def simulate_compaction(self, session_id: SessionId, messages: Sequence[Any]) -> Wire:
        """Return what compacting these chat messages would give, without doing it."""
        body = {"messages": list(messages)}
        answer = await self._call(SIMULATE_COMPACTION, session_id, body=body, timeout=SLOW_TIMEOUT)
        return as_mapping(answer)

    # -- memory -----------------------------------------------------------------------

    async def memory_stats(self) -> Wire:
        """Return how many memories there are, their tokens, and which servers keep them."""
        return as_mapping(await self._call(MEMORY_STATS))

    async def frequent_memories(self, min_access_count: int = 3, limit: int = 10) -> list[Wire]:
        """List the memories used most."""
        query = f"?min_access_count={min_access_count}&limit={limit}"
        answer = await self._call(FREQUENT_MEMORIES, query=query)
        return _rows(FREQUENT_MEMORIES, answer)

    async def memory_servers(self, *, every: bool = False) -> Wire:
        """Return the memory servers and whether they are connected."""
        return as_mapping(await self._call(ALL_MEMORY_SERVERS if every else MEMORY_SERVERS))

    async def store_memory(self, session_id: SessionId, content: str, kind: str) -> Wire:
        """Keep a text as a memory of a session; ``kind``: episodic, semantic or frequent."""
        body = {"content": content, "memory_type": kind, "metadata": {"source": "manual"}}
        query = f"?session_id={_quote(session_id)}"
        return as_mapping(await self._call(STORE_MEMORY, body=body, query=query))

    async def compress_memory(self, content: str, target_ratio: float) -> Wire:
        """Compress a text to a share (0 to 1) of its tokens."""
        body = {"content": content, "algorithm": "context_aware", "target_ratio": target_ratio}
        return as_mapping(await self._call(COMPRESS_MEMORY, body=body, timeout=SLOW_TIMEOUT))

    async def similar_memories(self, query: str, limit: int = 5) -> Wire:
        """Search the memories for what resembles a text."""
        body = {"query": query, "limit": limit, "score_threshold": 0.7}
        return as_mapping(await self._call(SIMILAR_MEMORIES, body=body))

    # -- inside -----------------------------------------------------------------------

    async def _send(
        self,
        route: Route,
        session_id: SessionId | None = None,
        *,
        body: Mapping[str, Any] | None = None,
        query: str = "",
        timeout: float = TIMEOUT,
    ) -> HttpAnswer:
        path = route.path
        if session_id is not None:
            path = path.replace("{}", _quote(session_id))
        text = json.dumps(body, ensure_ascii=False) if body is not None else None
        return await self._http.request(route.method, path + query, text, timeout=timeout)

    async def _call(
        self,
        route: Route,
        session_id: SessionId | None = None,
        *,
        body: Mapping[str, Any] | None = None,
        query: str = "",
        timeout: float = TIMEOUT,
        load: Callable[[str], Any] = loads_redacted,
    ) -> Any:
        answer = await self._send(route, session_id, body=body, query=query, timeout=timeout)
        try:
            value = read_answer(route, answer, load)
        except RouteUnsupported:
            self.capabilities.known[route] = False
            raise
        self.capabilities.known[route] = True
        return value

    def _detail(self, route: Route, answer: object) -> SessionDetail:
        answer = _newest_first(answer)
        try:
            return SessionDetail.from_wire(answer)
        except BadInput as error:
            raise BadAnswer(str(route), str(error)) from error


def _quote(session_id: SessionId) -> str:
    """Make an id safe in a path; ids are numbers, or words that somebody typed."""
    return "".join(
        chr(byte) if chr(byte) in _PLAIN else f"%{byte:02X}" for byte in str(session_id).encode()
    )


def _newest_first(answer: object) -> object:
    """Put rows of the same second in the order of their ids.

    The proxy orders by a time of whole seconds only, so that two requests within one second
    come in any order, and the newest may not be first.
    """
    body = as_mapping(answer)
    rows = body.get("recent_metrics")
    if not isinstance(rows, list):
        return answer
    numbered = [row for row in rows if isinstance(row, Mapping) and type(row.get("id")) is int]
    if len(numbered) < len(rows):
        return answer
    return {**body, "recent_metrics": sorted(rows, key=lambda row: row["id"], reverse=True)}


def _age(session: Session) -> tuple[str, int]:
    number = session.id if isinstance(session.id, int) else 0
    return session.created_at or "", number


def _rows(route: Route, answer: object) -> list[Wire]:
    if not isinstance(answer, list):
        raise BadAnswer(str(route), f"{route} did not answer with a list.")
    return [row for row in answer if isinstance(row, Mapping)]


def _models(rows: Iterable[Any]) -> tuple[Model, ...]:
    found = []
    for row in rows:
        item = as_mapping(row)
        key = as_text(item.get("key")) or as_text(item.get("id"))
        if key:
            name = as_text(item.get("name")) or key
            found.append(Model(key, name, as_tokens(item.get("max_context_size")) or None))
    return tuple(found)

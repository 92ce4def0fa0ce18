"""What reaches the proxy from the other side: an IDE's requests, its logs, compactions."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any, Literal, Self

from tests.proxy import frames
from tests.proxy.clock import local_iso, local_now
from tests.proxy.state import ProxyState
from tests.proxy.store import Row, memory_ratio

_CHARS_PER_TOKEN = 4
_TITLE_LENGTH = 50
_BURST_SLICE_S = 0.01
_BURST_BATCH = 100

BurstKind = Literal["request", "estimate", "log"]


def count_tokens(text: str) -> int:
    """A rough count, good enough where the real proxy asks its tokenizer."""
    return -(-len(text) // _CHARS_PER_TOKEN)


@dataclass
class ChatRequest:
    """One request of an IDE, as a test orders it.

    Attributes:
        session_id: the session it belongs to; without it, the model or the active one decides.
        model: what the IDE asks for; it may open an automatic session.
        prompt_tokens: real count of the prompt.
        completion_tokens: real count of the answer.
        total_tokens: real total, where it is not the sum of the two.
        estimate: count before forwarding; by default the prompt's, or 0 where the version stores
            no estimate.
        system_tokens: system part of the announced request.
        history_tokens: conversation part of the announced request.
        preview: the user's text.
        memory_tokens: tokens that came from memory.
        chat_tokens: tokens that did not.
        source: what counted the request.
        sanitizer: what was masked, sent as it is.
        only_estimate: the real counts never come.
        error: `context_limit` (refused, no real counts) or `streaming` (broken afterwards).
        delay_ms: time between the request and its real counts.
        background: answer the order at once and let the real counts come later.
    """

    session_id: int | None = None
    model: str | None = None
    prompt_tokens: int = 0
    completion_tokens: int = 0
    total_tokens: int | None = None
    estimate: int | None = None
    system_tokens: int = 0
    history_tokens: int | None = None
    preview: str = ""
    memory_tokens: int = 0
    chat_tokens: int | None = None
    source: str = "proxy"
    sanitizer: Any = None
    only_estimate: bool = False
    error: Literal["context_limit", "streaming"] | None = None
    delay_ms: float = 0
    background: bool = False

    @classmethod
    def parse(cls, body: Mapping[str, Any]) -> Self:
        """Build a request from a control request, refusing words that it does not know."""
        unknown = body.keys() - {entry.name for entry in fields(cls)}
        if unknown:
            raise ValueError(f"unknown request setting: {', '.join(sorted(unknown))}")
        return cls(**body)

    @property
    def total(self) -> int:
        """The provider's total."""
        if self.total_tokens is not None:
            return self.total_tokens
        return self.prompt_tokens + self.completion_tokens


class Traffic:
    """Simulates what the real proxy forwards and reads."""

    def __init__(self, state: ProxyState) -> None:
        """Send into this proxy."""
        self.state = state
        self._settling: set[asyncio.Task[None]] = set()

    async def request(self, chat: ChatRequest) -> Row:
        """Let a request through, with everything that the version stores and sends for it."""
        session = self._session_for(chat)
        self.state.count_request()
        metric_id = self._estimate(chat, session)
        settled = asyncio.create_task(self._settle(chat, session, metric_id))
        self._settling.add(settled)
        settled.add_done_callback(self._settling.discard)
        if not chat.background:
            await settled
        return {"metric_id": metric_id, "session_id": session["id"]}

    def forget(self) -> None:
        """Let no answer come any more to the requests that still wait for one."""
        for task in self._settling:
            task.cancel()

    def log(self, source: str, body: Mapping[str, Any]) -> None:
        """Read a line of an IDE's log."""
        tokens = {
            key: int(body.get(key, 0))
            for key in (
                "prompt_tokens",
                "completion_tokens",
                "tools_tokens",
                "system_message_tokens",
            )
        }
        tokens["total_tokens"] = int(body.get("total_tokens", sum(tokens.values())))
        session = self.state.store.active_session()
        self.state.last_log_at = local_iso()
        self.state.hub.broadcast(
            frames.log_metric(
                self.state.dialect,
                body.get("session_id", session["id"] if session else None),
                self.state.store.max_context(session),
                source,
                tokens,
                body.get("context_length"),
            )
        )

    def compact(self, body: Mapping[str, Any]) -> Row:
        """Compact a session as the proxy does by itself when its context fills up."""
        session = self._known_session(body.get("session_id"))
        before = int(body.get("original_tokens", 2562))
        after = int(body.get("compacted_tokens", 573))
        messages = int(body.get("messages_before", 21))
        kept = int(body.get("messages_after", 5))
        outcome = {
            "compacted": True,
            "original_tokens": before,
            "compacted_tokens": after,
            "tokens_saved": before - after,
            "compaction_ratio": (before - after) / before * 100,
            "messages_before": messages,
            "messages_after": kept,
            "summarized_count": messages - (kept - 1),
        }
        reason = str(body.get("reason", "auto_threshold"))
        history_id = self.state.store.add_compaction(session["id"], outcome, reason)
        if self.state.dialect.announces_compaction:
            self.state.hub.broadcast(frames.compaction_event(session["id"], history_id, outcome))
        return {"session_id": session["id"], "history_id": history_id}

    async def burst(
        self, count: int, rate_per_second: float | None, kind: BurstKind, session_id: int | None
    ) -> Row:
        """Send many frames, as fast as possible or at a rate, and wait until they are out."""
        session = self._known_session(session_id)
        begun = time.perf_counter()
        frames_before = self.state.hub.frames_sent
        first_id = last_id = None
        sent_at: list[float] = []
        done = 0
        while done < count:
            due = count
            if rate_per_second:
                due = min(count, 1 + int((time.perf_counter() - begun) * rate_per_second))
            due = min(due, done + _BURST_BATCH)
            if kind != "log":
                self.state.store.begin()
            for number in range(done, due):
                sent_at.append(time.time() * 1000)
                metric_id = self._burst_one(number, kind, session)
                first_id = metric_id if first_id is None else first_id
                last_id = metric_id
            if kind != "log":
                self.state.store.commit()
            idle = due == done or rate_per_second
            done = due
            await asyncio.sleep(_BURST_SLICE_S if idle and done < count else 0)
        await self.state.hub.drained()
        return {
            "count": count,
            "frames": self.state.hub.frames_sent - frames_before,
            "first_metric_id": first_id,
            "last_metric_id": last_id,
            "seconds": time.perf_counter() - begun,
            "sent_at": sent_at,
        }

    async def live(self) -> None:
        """Make up the day of somebody who works with an IDE, without an end."""
        context = 1200
        while True:
            await asyncio.sleep(random.uniform(0.6, 2.4))
            switches = random.random() < 0.06
            model = random.choice(self.state.dialect.models).key if switches else None
            session = self.state.store.active_session()
            limit = self.state.store.max_context(session)
            context += random.randint(150, max(400, limit // 40))
            if context > limit * 0.97:
                self.compact({"original_tokens": context, "compacted_tokens": context // 4})
                context //= 4
            prompt, completion = context, random.randint(20, 900)
            await self.request(
                ChatRequest(
                    model=model,
                    prompt_tokens=prompt,
                    completion_tokens=completion,
                    estimate=int(prompt * random.uniform(0.82, 1.12)),
                    system_tokens=random.randint(40, 900),
                    preview=random.choice(_LIVE_PREVIEWS),
                    memory_tokens=random.choice((0, 0, 0, random.randint(40, 400))),
                    only_estimate=random.random() < 0.05,
                    delay_ms=random.uniform(100, 900),
                )
            )
            if random.random() < 0.3:
                self.log(
                    random.choice(("logs", "compile_chat", "api_error")),
                    {
                        "prompt_tokens": int(prompt * random.uniform(0.9, 1.1)),
                        "completion_tokens": completion,
                    },
                )

    def _known_session(self, session_id: int | None) -> Row:
        store = self.state.store
        session = store.active_session() if session_id is None else store.session(session_id)
        if session is None:
            raise LookupError(f"no such session: {session_id or 'none is active'}")
        return session

    def _session_for(self, chat: ChatRequest) -> Row:
        dialect, store = self.state.dialect, self.state.store
        if chat.session_id is not None or chat.model is None:
            return self._known_session(chat.session_id)
        provider, model = dialect.route(chat.model)
        active = store.active_session()
        if active is not None:
            same = active["provider"] == provider and (
                not dialect.compares_models or active["model"] == model
            )
            if same or not self.state.auto_session:
                return active
        name = f"Session {provider.partition(':')[0].capitalize()} {local_now('%H:%M:%S')}"
        session = store.create_session(name, provider, model)
        self.state.hub.broadcast(frames.auto_session_created(dialect, session))
        return session

    def _estimate(self, chat: ChatRequest, session: Row) -> int:
        """Store a request before its answer, and announce it where the version does."""
        dialect, store = self.state.dialect, self.state.store
        session_id = session["id"]
        counted = chat.prompt_tokens or count_tokens(chat.preview)
        estimate = chat.estimate
        if estimate is None:
            estimate = counted if dialect.estimates_locally else 0
        percentage = estimate / store.max_context(session) * 100
        billed = store.billed_tokens(session_id) if dialect.announces_requests else 0
        memory_tokens = chat_tokens = 0
        if dialect.tracks_memory:
            memory_tokens = chat.memory_tokens
            chat_tokens = counted if chat.chat_tokens is None else chat.chat_tokens
        metric_id = store.add_metric(
            session_id,
            estimate=estimate,
            percentage=percentage,
            preview=chat.preview,
            source=chat.source,
            memory_tokens=memory_tokens,
            chat_tokens=chat_tokens,
        )
        if not dialect.announces_requests:
            return metric_id
        if dialect.renames_sessions and chat.preview and session["name"].startswith("Session "):
            title = chat.preview[:_TITLE_LENGTH]
            store.rename(session_id, title + "..." * (len(chat.preview) > _TITLE_LENGTH))
        memory = None
        if memory_tokens:
            memory = frames.mcp_memory(
                memory_tokens, chat_tokens, memory_ratio(memory_tokens, chat_tokens), chat.preview
            )
        history = counted if chat.history_tokens is None else chat.history_tokens
        self.state.hub.broadcast(
            frames.metric(
                metric_id,
                session_id,
                estimate=estimate,
                percentage=percentage,
                billed=billed,
                delta=history,
                system=chat.system_tokens,
                history=history,
                preview=chat.preview,
                source=chat.source,
                sanitizer=chat.sanitizer,
                memory=memory,
            )
        )
        if memory is not None:
            self.state.hub.broadcast(frames.memory_metrics_update(session_id, memory))
        return metric_id

    async def _settle(self, chat: ChatRequest, session: Row, metric_id: int) -> None:
        """Let the answer come: its real counts, or whatever went wrong."""
        if chat.delay_ms:
            await asyncio.sleep(chat.delay_ms / 1000)
        store, session_id = self.state.store, session["id"]
        max_context = store.max_context(session)
        if chat.error == "context_limit" and self.state.dialect.announces_context_limit:
            estimate = chat.estimate or chat.prompt_tokens or count_tokens(chat.preview)
            self.state.hub.broadcast(
                frames.provider_context_limit_error(session, estimate, max_context)
            )
        if chat.only_estimate or chat.error == "context_limit":
            return
        percentage = chat.total / max_context * 100
        counts = {
            "total": chat.total,
            "prompt": chat.prompt_tokens,
            "completion": chat.completion_tokens,
        }
        store.settle_metric(metric_id, **counts, percentage=percentage)
        self.state.hub.broadcast(
            frames.metric_updated(
                metric_id, session_id, **counts, percentage=percentage, source=chat.source
            )
        )
        if chat.error == "streaming":
            self.state.hub.broadcast(frames.streaming_error(session_id, metric_id))

    def _burst_one(self, number: int, kind: BurstKind, session: Row) -> int | None:
        prompt, completion = 500 + number % 4000, 20 + number % 300
        if kind == "log":
            self.log("logs", {"prompt_tokens": prompt, "completion_tokens": completion})
            return None
        store, hub, dialect = self.state.store, self.state.hub, self.state.dialect
        session_id, limit = session["id"], store.max_context(session)
        preview = f"Request {number}"
        percentage = prompt / limit * 100
        metric_id = store.add_metric(
            session_id, estimate=prompt, percentage=percentage, preview=preview
        )
        if dialect.announces_requests:
            hub.broadcast(
                frames.metric(
                    metric_id,
                    session_id,
                    estimate=prompt,
                    percentage=percentage,
                    billed=0,
                    delta=prompt,
                    system=0,
                    history=prompt,
                    preview=preview,
                    source="proxy",
                    sanitizer=None,
                    memory=None,
                )
            )
        if kind == "request":
            total = prompt + completion
            percentage = total / limit * 100
            counts = {"total": total, "prompt": prompt, "completion": completion}
            store.settle_metric(metric_id, **counts, percentage=percentage)
            hub.broadcast(
                frames.metric_updated(
                    metric_id, session_id, **counts, percentage=percentage, source="proxy"
                )
            )
        return metric_id


_LIVE_PREVIEWS = (
    "Explain how the proxy counts tokens for a streaming request.",
    "Refactor the session manager so that metrics are keyed by session id.",
    "Why does this test fail only on Fridays?",
    "Write a migration that keeps the old rows readable.",
    "Rename this module and fix every import.",
    "@file server.log what happened at 06:39?",
)

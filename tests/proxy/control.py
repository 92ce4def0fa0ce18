"""The stand-in's own routes below `/__control`: what a test orders and what it can look at."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from typing import Any, get_args

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from tests.proxy.catalogue import DEFAULT_PROVIDER
from tests.proxy.clock import row_time
from tests.proxy.state import ProxyState
from tests.proxy.store import Row
from tests.proxy.traffic import BurstKind, ChatRequest, Traffic

PREFIX = "/__control"

Order = Callable[[dict[str, Any]], Awaitable[Row]]


class Control:
    """Carries out what tests order."""

    def __init__(self, state: ProxyState, traffic: Traffic) -> None:
        """Control this proxy."""
        self.state = state
        self.traffic = traffic

    def routes(self) -> list[Route]:
        """The control routes, relative to their prefix."""
        orders: dict[str, Order] = {
            "request": self.request,
            "log": self.log,
            "send": self.send,
            "burst": self.burst,
            "compaction": self.compaction,
            "add_session": self.add_session,
            "faults": self.faults,
            "reset": self.reset,
        }
        return [
            Route("/state", self._show_state, methods=["GET"]),
            *(
                Route(f"/{name}", _endpoint(order), methods=["POST"])
                for name, order in orders.items()
            ),
        ]

    async def request(self, body: dict[str, Any]) -> Row:
        """Simulate an IDE's request."""
        return await self.traffic.request(ChatRequest.parse(body))

    async def log(self, body: dict[str, Any]) -> Row:
        """Simulate a line of an IDE's log."""
        self.traffic.log(str(body.get("source", "logs")), body)
        return {}

    async def send(self, body: dict[str, Any]) -> Row:
        """Broadcast a frame as it is: a string verbatim, anything else as JSON."""
        frame = body["frame"]
        text = frame if isinstance(frame, str) else json.dumps(frame, ensure_ascii=False)
        self.state.hub.broadcast_text(text)
        return {}

    async def burst(self, body: dict[str, Any]) -> Row:
        """Send many frames."""
        kind = body.get("kind", "request")
        if kind not in get_args(BurstKind):
            raise ValueError(f"unknown kind of burst: {kind}")
        return await self.traffic.burst(
            int(body["count"]), body.get("rate_per_second"), kind, body.get("session_id")
        )

    async def compaction(self, body: dict[str, Any]) -> Row:
        """Simulate an automatic compaction."""
        return self.traffic.compact(body)

    async def add_session(self, body: dict[str, Any]) -> Row:
        """Insert a session with metrics, telling nobody, as if it had been there before."""
        return self._seed(body)

    async def faults(self, body: dict[str, Any]) -> Row:
        """Set faults; a part that is not named stays as it is."""
        if "http" in body:
            self.state.faults.set_http(body["http"])
        sockets = dict(body.get("ws", {}))
        drop = sockets.pop("drop_now", False)
        self.state.faults.ws.update(sockets)
        if drop:
            await self.state.hub.drop_all(None if drop is True else int(drop))
        return {}

    async def reset(self, body: dict[str, Any]) -> Row:
        """Start over, in the same or another dialect, with the sessions that the body lists."""
        self.traffic.forget()
        self.state.reset(body.get("dialect"))
        return {"sessions": [self._seed(seed) for seed in body.get("seed_sessions", [])]}

    async def _show_state(self, _request: Request) -> Response:
        store, hub = self.state.store, self.state.hub
        sessions = store.sessions()
        active = store.active_session()
        return JSONResponse(
            {
                "dialect": self.state.dialect.name,
                "auto_session": self.state.auto_session,
                "active_session_id": active["id"] if active else None,
                "sessions": sessions,
                "metrics": {
                    str(session["id"]): store.metrics(session["id"], limit=None)
                    for session in sessions
                },
                "totals": {str(session["id"]): store.stats(session["id"]) for session in sessions},
                "open_websockets": hub.open_connections,
                "total_websockets": hub.total_connections,
                "frames_sent": hub.frames_sent,
                "requests": self.state.requests,
            }
        )

    def _seed(self, body: dict[str, Any]) -> Row:
        store = self.state.store
        session = store.create_session(
            body.get("name", "Session"),
            body.get("provider", DEFAULT_PROVIDER),
            body.get("model"),
            created_at=body.get("created_at"),
            active=body.get("active", True),
        )
        listed = body.get("metrics", [])
        metrics = [{} for _ in range(listed)] if isinstance(listed, int) else listed
        store.begin()
        metric_ids = [
            self._seed_metric(session, number, metric) for number, metric in enumerate(metrics, 1)
        ]
        store.commit()
        return {"session": session, "metric_ids": metric_ids}

    def _seed_metric(self, session: Row, number: int, metric: dict[str, Any]) -> int:
        store = self.state.store
        limit = store.max_context(session)
        prompt = int(metric.get("prompt_tokens", 100 * number))
        completion = int(metric.get("completion_tokens", 10 * number))
        total = int(metric.get("total_tokens", prompt + completion))
        estimate = int(metric.get("estimate", prompt))
        metric_id = store.add_metric(
            session["id"],
            estimate=estimate,
            percentage=estimate / limit * 100,
            preview=metric.get("preview", f"Request {number}"),
            source=metric.get("source", "proxy"),
            memory_tokens=int(metric.get("memory_tokens", 0)),
            chat_tokens=int(metric.get("chat_tokens", 0)),
            timestamp=metric.get("timestamp", row_time()),
        )
        if not metric.get("only_estimate", False):
            store.settle_metric(
                metric_id,
                total=total,
                prompt=prompt,
                completion=completion,
                percentage=total / limit * 100,
            )
        return metric_id


def _endpoint(order: Order) -> Callable[[Request], Awaitable[Response]]:
    async def endpoint(request: Request) -> Response:
        try:
            body = json.loads(await request.body() or b"{}")
            return JSONResponse({"ok": True, **await order(body)})
        except (LookupError, TypeError, ValueError) as error:
            return JSONResponse({"ok": False, "error": f"{type(error).__name__}: {error}"}, 400)

    return endpoint

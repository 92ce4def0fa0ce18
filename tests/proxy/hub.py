"""The open dashboards: who is connected, what is sent to them, and how it goes wrong on order."""

from __future__ import annotations

import asyncio
import contextlib
import json
import time
from collections.abc import Callable

from starlette.websockets import WebSocket, WebSocketDisconnect

from tests.proxy import frames
from tests.proxy.faults import Faults
from tests.proxy.transports import abort

_GARBAGE = '{"type": "metric_upd'
_REORDER_PATIENCE_S = 0.25


class Dashboard:
    """One open WebSocket with the frames that wait for it."""

    def __init__(self, websocket: WebSocket, faults: Faults) -> None:
        """Start to send what will be queued."""
        self.websocket = websocket
        self._faults = faults
        self._waiting: asyncio.Queue[tuple[float, str]] = asyncio.Queue()
        self._sender = asyncio.create_task(self._send_waiting())

    def queue(self, text: str) -> None:
        """Send a frame after those that wait already."""
        due = time.monotonic() + self._faults.ws.delay_ms / 1000
        self._waiting.put_nowait((due, text))

    async def drained(self) -> None:
        """Wait until nothing waits, or until the connection is gone."""
        waiting = asyncio.create_task(self._waiting.join())
        await asyncio.wait({waiting, self._sender}, return_when=asyncio.FIRST_COMPLETED)
        waiting.cancel()

    def stop(self) -> None:
        """Send nothing any more."""
        self._sender.cancel()

    async def _send_waiting(self) -> None:
        with contextlib.suppress(WebSocketDisconnect, RuntimeError):
            while True:
                due, text = await self._waiting.get()
                early = due - time.monotonic()
                if early > 0:
                    await asyncio.sleep(early)
                await self.websocket.send_text(text)
                self._waiting.task_done()


class Hub:
    """All open dashboards of one proxy."""

    def __init__(self, faults: Faults) -> None:
        """Begin with nobody connected."""
        self.faults = faults
        self.total_connections = 0
        self.frames_sent = 0
        self._dashboards: list[Dashboard] = []
        self._held: str | None = None

    def reset(self) -> None:
        """Count anew, from the connections that are open."""
        self.total_connections = len(self._dashboards)
        self.frames_sent = 0
        self._held = None

    @property
    def open_connections(self) -> int:
        """WebSockets that are open now."""
        return len(self._dashboards)

    async def serve(
        self, websocket: WebSocket, greeting: Callable[[], frames.Frame | None]
    ) -> None:
        """Greet a dashboard, answer its messages and keep it until it leaves."""
        if self.faults.ws.use("refuse_next"):
            await websocket.close()
            return
        await websocket.accept()
        dashboard = Dashboard(websocket, self.faults)
        self._dashboards.append(dashboard)
        self.total_connections += 1
        try:
            greet = greeting()
            if greet is not None:
                dashboard.queue(frames.encode(greet))
            while True:
                self._reply(dashboard, await websocket.receive_text())
        except WebSocketDisconnect:
            pass
        finally:
            dashboard.stop()
            self._dashboards.remove(dashboard)

    def broadcast(self, frame: frames.Frame) -> None:
        """Send a message to every dashboard."""
        self.broadcast_text(frames.encode(frame))

    def broadcast_text(self, text: str) -> None:
        """Send a text to every dashboard, subject to the faults in force."""
        if self._held is not None:
            first, self._held = self._held, None
            self._queue(text)
            self._queue(first)
        elif self._dashboards and self.faults.ws.use("reorder"):
            self._held = text
            asyncio.get_running_loop().call_later(_REORDER_PATIENCE_S, self._release)
        else:
            self._queue(text)

    async def drained(self) -> None:
        """Wait until every frame has been handed to the network."""
        await asyncio.gather(*(dashboard.drained() for dashboard in self._dashboards))

    async def drop_all(self, code: int | None = None) -> None:
        """Close every connection with a code, or break it when there is none."""
        for dashboard in list(self._dashboards):
            if code is None:
                abort(dashboard.websocket.scope)
            else:
                with contextlib.suppress(RuntimeError):
                    await dashboard.websocket.close(code)

    def _release(self) -> None:
        if self._held is not None:
            text, self._held = self._held, None
            self._queue(text)

    def _queue(self, text: str) -> None:
        copies = [text]
        if self._dashboards and self.faults.ws.use("garbage"):
            copies.insert(0, _GARBAGE)
        if self._dashboards and self.faults.ws.use("duplicate"):
            copies.append(text)
        self.frames_sent += len(copies)
        for dashboard in self._dashboards:
            for copy in copies:
                dashboard.queue(copy)

    def _reply(self, dashboard: Dashboard, text: str) -> None:
        try:
            message = json.loads(text)
        except ValueError:
            return
        reply = frames.answer(message) if isinstance(message, dict) else None
        if reply is not None:
            dashboard.queue(frames.encode(reply))

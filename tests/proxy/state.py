"""Everything a stand-in knows, apart from the server that currently serves it."""

from __future__ import annotations

import time
from collections import deque
from typing import Any

from tests.proxy.dialects import DIALECTS, Dialect
from tests.proxy.faults import Faults
from tests.proxy.hub import Hub
from tests.proxy.store import Row, Store

MAX_RPM = 40
_MINUTE_S = 60.0


class ProxyState:
    """One proxy's data, connections and faults; it outlives a restart of its server."""

    def __init__(self, dialect: str) -> None:
        """Begin as a freshly installed proxy of a dialect."""
        self.faults = Faults()
        self.hub = Hub(self.faults)
        self.dialect: Dialect = DIALECTS[dialect]
        self.store = Store(self.dialect)
        self._begin()

    def _begin(self) -> None:
        self.auto_session = True
        self.memories = 0
        self.last_log_at: str | None = None
        self.requests: list[Row] = []
        self._request_times: deque[float] = deque(maxlen=MAX_RPM * 25)

    def reset(self, dialect: str | None = None) -> None:
        """Forget everything but the open connections."""
        self.dialect = DIALECTS[dialect] if dialect else self.dialect
        self.store.close()
        self.store = Store(self.dialect)
        self.faults.clear()
        self.hub.reset()
        self._begin()

    def log_request(self, method: str, path: str, query: str, body: Any) -> None:
        """Remember a request for the tests to look at."""
        self.requests.append({"method": method, "path": path, "query": query, "body": body})

    def count_request(self) -> None:
        """Count one of an IDE's requests against the rate limit."""
        if self.dialect.counts_rate:
            self._request_times.append(time.monotonic())

    def rate(self) -> Row:
        """Requests of the last minute against what the provider allows."""
        oldest = time.monotonic() - _MINUTE_S
        current = sum(moment >= oldest for moment in self._request_times)
        return {
            "current_rpm": current,
            "max_rpm": MAX_RPM,
            "percentage": round(current / MAX_RPM * 100, 1),
        }

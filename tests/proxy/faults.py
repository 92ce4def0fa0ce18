"""Faults that a test can order: of single requests and of the WebSocket."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields
from typing import Any, Self


@dataclass
class HttpFault:
    """What happens to the next `times` requests of a method below a path.

    A fault with only a delay lets the request through afterwards.
    """

    path_prefix: str = "/"
    method: str = "*"
    status: int | None = None
    text: str | None = None
    json: Any = None
    delay_ms: float = 0
    drop: bool = False
    times: int = 1

    @classmethod
    def parse(cls, body: Mapping[str, Any]) -> Self:
        """Build a fault from a control request, refusing words that it does not know."""
        return cls(**_known(cls, body))

    @property
    def answers(self) -> bool:
        """Whether the request never reaches the proxy."""
        return self.status is not None or self.text is not None or self.json is not None

    def matches(self, method: str, path: str) -> bool:
        """Whether the fault is for this request."""
        return (
            self.times > 0
            and self.method.upper() in ("*", method)
            and path.startswith(self.path_prefix)
        )


@dataclass
class WebSocketFaults:
    """What happens to the next frames and connections.

    Attributes:
        refuse_next: handshakes that are refused with a 403.
        delay_ms: every frame is sent this much later, in order.
        duplicate: frames that are sent twice.
        reorder: pairs of frames that swap places.
        garbage: frames that come after one that is no JSON.
    """

    refuse_next: int = 0
    delay_ms: float = 0
    duplicate: int = 0
    reorder: int = 0
    garbage: int = 0

    def update(self, body: Mapping[str, Any]) -> None:
        """Take the values that a control request names and leave the others."""
        for name, value in _known(type(self), body).items():
            setattr(self, name, value)

    def use(self, name: str) -> bool:
        """Use one of a counted fault up; False when none is left."""
        left = getattr(self, name)
        if left <= 0:
            return False
        setattr(self, name, left - 1)
        return True


@dataclass
class Faults:
    """All faults that are in force."""

    http: list[HttpFault] = field(default_factory=list)
    ws: WebSocketFaults = field(default_factory=WebSocketFaults)

    def clear(self) -> None:
        """Let everything go well again."""
        self.http = []
        self.ws = WebSocketFaults()

    def set_http(self, bodies: Iterable[Mapping[str, Any]]) -> None:
        """Replace the faults of requests."""
        self.http = [HttpFault.parse(body) for body in bodies]

    def take(self, method: str, path: str) -> HttpFault | None:
        """The fault of this request, counted down; None for a request that goes well."""
        for fault in self.http:
            if fault.matches(method, path):
                fault.times -= 1
                return fault
        return None


def _known(cls: type, body: Mapping[str, Any]) -> dict[str, Any]:
    unknown = body.keys() - {entry.name for entry in fields(cls)}
    if unknown:
        raise ValueError(f"unknown fault setting: {', '.join(sorted(unknown))}")
    return dict(body)

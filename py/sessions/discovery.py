"""Where the page finds its proxy, and what it found at each place it looked."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from .errors import (
    BadAnswer,
    BadInput,
    ProxyError,
    ProxyTimeout,
    ProxyUnreachable,
    RouteUnsupported,
)
from .events import Topic
from .ports import Http
from .proxy_api import ProxyApi

DEFAULT_ADDRESS = "http://localhost:8000"
"""Where Kimi Proxy listens unless told otherwise."""

DEMO = "demo"
"""The address that stands for the built-in demo."""


_ADDRESS = re.compile(
    r"""(?: (?P<scheme> https? | wss? ) :// )?
        (?P<rest> (?: [a-z0-9] [a-z0-9._-]* | \[ [0-9a-f:.]+ \] ) (?: : (?P<port> [0-9]{1,5} ) )?
            (?: / [a-z0-9._~/-]* )? )""",
    re.IGNORECASE | re.VERBOSE | re.ASCII,
)


class Finding(StrEnum):
    """What answered at an address."""

    PROXY = "proxy"
    SOMETHING_ELSE = "something-else"
    NO_ANSWER = "no-answer"
    TOO_SLOW = "too-slow"
    FAULT = "fault"


@dataclass(frozen=True, slots=True)
class Visit:
    """One address that was tried; ``detail`` is the other side's own words, if any."""

    address: str
    finding: Finding
    detail: str | None = None


@dataclass(frozen=True, slots=True)
class Plan:
    """Where to look.

    Attributes:
        candidates: addresses in the order of trying.
        chosen: True when a person named the one candidate: it is kept, answer or not.
        last_known: an address that answered on an earlier visit: rather waited for than
            replaced by the demo.
    """

    candidates: tuple[str, ...]
    chosen: bool
    last_known: str | None

    @property
    def expected(self) -> str | None:
        """Where the proxy most likely is, before anybody has looked; None: no idea."""
        return self.candidates[0] if self.chosen else self.last_known


@dataclass(frozen=True, slots=True)
class Discovery:
    """Where the page connects, and what it saw on the way. ``demo`` when nothing was found.

    ``is_settled`` is False while the page goes by what it remembers, and still looks.
    """

    address: str
    visits: tuple[Visit, ...]
    is_settled: bool = True

    @property
    def is_found(self) -> bool:
        """True when a proxy answered at the address."""
        return any(
            visit.address == self.address and visit.finding is Finding.PROXY
            for visit in self.visits
        )

    @property
    def is_demo(self) -> bool:
        """True when the built-in demo stands in for a proxy."""
        return self.address == DEMO

    def to_wire(self) -> dict[str, Any]:
        """Return the JSON object."""
        visits = [
            {"address": visit.address, "finding": str(visit.finding), "detail": visit.detail}
            for visit in self.visits
        ]
        return {"address": self.address, "visits": visits, "isSettled": self.is_settled}


FOUND: Topic[Discovery] = Topic("proxy:found")
"""The search for the proxy has ended where the page, going by what it remembered, began."""


def normalise_address(text: str) -> str:
    """Return an address as ``scheme://host:port[/path]``, from what a person typed.

    Example:
        >>> normalise_address(" localhost:8000/ ")
        'http://localhost:8000'

    Raises:
        BadInput: when no proxy can be reached under such an address.
    """
    address = text.strip().rstrip("/").strip()
    if address == DEMO:
        return DEMO
    parts = _ADDRESS.fullmatch(address)
    port = int(parts["port"] or 80) if parts else 0
    if parts is None or not 0 < port < 65_536:
        raise BadInput(f"“{text.strip()}” is not an address such as {DEFAULT_ADDRESS}.")
    scheme = (parts["scheme"] or "http").lower()
    scheme = {"ws": "http", "wss": "https"}.get(scheme, scheme)
    return f"{scheme}://{parts['rest']}"


def plan(
    query: str | None, remembered: str | None, last_known: str | None, origin: str | None
) -> Plan:
    """Decide where to look: what a person chose, else this origin, else the usual place.

    Args:
        query: the ``proxy`` parameter of the page's address.
        remembered: the address chosen in the dialog on an earlier visit.
        last_known: the address that answered last time.
        origin: the page's own origin, or None when it has none that could be a proxy.
    """
    for choice in (query, remembered):
        if choice:
            try:
                return Plan((normalise_address(choice),), True, None)
            except BadInput:
                continue
    usual = [origin, DEFAULT_ADDRESS]
    candidates = tuple(dict.fromkeys(address for address in usual if address))
    return Plan(candidates, False, last_known if last_known != DEMO else None)


async def visit(address: str, http: Http) -> Visit:
    """Ask one address whether a Kimi Proxy answers there."""
    try:
        await ProxyApi(http).sessions()
    except ProxyTimeout:
        return Visit(address, Finding.TOO_SLOW)
    except ProxyUnreachable:
        return Visit(address, Finding.NO_ANSWER)
    except RouteUnsupported:
        return Visit(address, Finding.SOMETHING_ELSE)
    except ProxyError as error:
        finding = Finding.FAULT if (error.status or 0) >= 500 else Finding.SOMETHING_ELSE
        return Visit(address, finding, None if isinstance(error, BadAnswer) else str(error))
    return Visit(address, Finding.PROXY)


async def discover(where: Plan, http_for: Callable[[str], Http]) -> Discovery:
    """Try the candidates in order and settle on one address."""
    visits: list[Visit] = []
    for address in where.candidates:
        if address == DEMO:
            return Discovery(DEMO, ())
        visits.append(await visit(address, http_for(address)))
        if visits[-1].finding is Finding.PROXY:
            return Discovery(address, tuple(visits))
    if where.chosen:
        return Discovery(where.candidates[0], tuple(visits))
    return Discovery(where.last_known or DEMO, tuple(visits))


def addresses(visits: Sequence[Visit]) -> str:
    """Return the tried addresses as one text."""
    return ", ".join(visit.address for visit in visits)

"""Where the page finds its proxy, and what it found at each place it looked."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from .errors import (
    BadAnswer,
    BadInput,
    BrokenAnswer,
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

HEAD_START = 0.5
"""Seconds for which an address is asked alone before the next one is asked as well."""

_ADDRESS = re.compile(
    r"""(?: (?P<scheme> https? | wss? ) :// )?
        (?P<rest> (?: [a-z0-9] [a-z0-9._-]* | \[ [0-9a-f:.]+ \] ) (?: : (?P<port> [0-9]{1,5} ) )?
            (?: / (?: [a-z0-9._~/!$&'()*+,;=:@-] | % [0-9a-f]{2} )* )? )""",
    re.IGNORECASE | re.VERBOSE | re.ASCII,
)

_PAGE = re.compile(r"(?P<origin> https?://[^/?#]+ ) (?P<folder> [^?#]* /)", re.VERBOSE)


class Finding(StrEnum):
    """What answered at an address."""

    PROXY = "proxy"
    SOMETHING_ELSE = "something-else"
    NO_ANSWER = "no-answer"
    TOO_SLOW = "too-slow"
    FAULT = "fault"

    @property
    def is_somebody(self) -> bool:
        """True when it may be a proxy that is slow or failing just now."""
        return self in (Finding.TOO_SLOW, Finding.FAULT)


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
        last_known: an address that answered on an earlier visit: waited for, and replaced
            neither by another proxy nor by the demo.
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
    """Where the page connects, and what it saw on the way. ``demo`` when nobody was there.

    Attributes:
        address: where the page connects, for as long as it is open.
        visits: what was found at the last look.
        is_settled: False while the page goes by what it knows, and has still to look.
        offer: another address, where a proxy answers while none does at ``address``.
    """

    address: str
    visits: tuple[Visit, ...]
    is_settled: bool = True
    offer: str | None = None

    @property
    def finding(self) -> Finding | None:
        """What was found at the address itself; None when nobody has looked."""
        found = (visit.finding for visit in self.visits if visit.address == self.address)
        return next(found, None)

    @property
    def is_found(self) -> bool:
        """True when a proxy answered at the address."""
        return self.finding is Finding.PROXY

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
        return {
            "address": self.address,
            "visits": visits,
            "isSettled": self.is_settled,
            "offer": self.offer,
        }


FOUND: Topic[Discovery] = Topic("proxy:found")
"""The page has looked for its proxy again."""


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


def beside(page: str | None) -> tuple[str, ...]:
    """Return where the host of a page may have its proxy: in the page's folder, at its root.

    Kimi Proxy serves its own files below ``/static/``: a page in there belongs to the proxy
    above.

    Example:
        >>> beside("http://host/kimi/index.html?user=Anna")
        ('http://host/kimi', 'http://host')
        >>> beside("http://host/static/dashboard/")
        ('http://host',)
    """
    parts = _PAGE.match(page or "")
    if parts is None:
        return ()
    origin, folder = parts["origin"], parts["folder"].partition("/static/")[0].rstrip("/")
    return (origin + folder, origin) if folder else (origin,)


def plan(
    query: str | None, remembered: str | None, last_known: str | None, page: str | None
) -> Plan:
    """Decide where to look: what a person chose, else beside the page, else the usual place.

    Args:
        query: the ``proxy`` parameter of the page's address.
        remembered: the address chosen in the dialog on an earlier visit.
        last_known: the address that answered last time.
        page: the page's own address.
    """
    for choice in (query, remembered):
        if choice:
            try:
                return Plan((normalise_address(choice),), True, None)
            except BadInput:
                continue
    candidates = tuple(dict.fromkeys((*beside(page), DEFAULT_ADDRESS)))
    return Plan(candidates, False, last_known if last_known != DEMO else None)


async def visit(address: str, http: Http, limit: float) -> Visit:
    """Ask one address whether a Kimi Proxy answers there within ``limit`` seconds."""
    try:
        async with asyncio.timeout(limit):
            await ProxyApi(http).sessions()
    except (TimeoutError, ProxyTimeout):
        return Visit(address, Finding.TOO_SLOW)
    except ProxyUnreachable as error:
        began = error.status is not None
        return Visit(address, Finding.FAULT if began else Finding.NO_ANSWER)
    except RouteUnsupported:
        return Visit(address, Finding.SOMETHING_ELSE)
    except ProxyError as error:
        return Visit(address, _judge(error), None if isinstance(error, BadAnswer) else str(error))
    return Visit(address, Finding.PROXY)


_PASSING = (408, 425, 429)
"""Statuses below 500 that say: not now."""


def _judge(error: ProxyError) -> Finding:
    """Tell a proxy that fails from what never was one."""
    status = error.status or 0
    fails = isinstance(error, BrokenAnswer) or status >= 500 or status in _PASSING
    return Finding.FAULT if fails else Finding.SOMETHING_ELSE


async def look(
    candidates: Sequence[str], ask: Callable[[str], Awaitable[Visit]]
) -> tuple[Visit, ...]:
    """Ask addresses in order, until it is sure which of them is the first with a proxy.

    Each is asked alone for :data:`HEAD_START`: where the first one answers, nobody else is
    asked. One that is silent holds the others up no longer, but it still comes before them.
    """
    asked: list[asyncio.Future[Visit]] = []
    visits: list[Visit] = []
    try:
        for address in candidates:
            asked.append(asyncio.ensure_future(ask(address)))
            await asyncio.wait(asked[-1:], timeout=HEAD_START)
            if any(question.done() and _is_proxy(question.result()) for question in asked):
                break
        for question in asked:
            visits.append(await question)
            if _is_proxy(visits[-1]):
                break
    finally:
        for question in asked:
            question.cancel()
        await asyncio.gather(*asked, return_exceptions=True)
    return tuple(visits)


def _is_proxy(visit: Visit) -> bool:
    return visit.finding is Finding.PROXY


def proxy_among(visits: Sequence[Visit]) -> str | None:
    """Return the first address where a proxy answered."""
    return next((visit.address for visit in visits if _is_proxy(visit)), None)


def settle(visits: Sequence[Visit]) -> Discovery:
    """Decide where to connect, with nothing to go by but what was found.

    A proxy is taken; else somebody who may be one is waited for; the demo is for when there
    is nobody.
    """
    somebody = next((visit.address for visit in visits if visit.finding.is_somebody), None)
    return Discovery(proxy_among(visits) or somebody or DEMO, tuple(visits))


def addresses(visits: Sequence[Visit]) -> str:
    """Return the tried addresses as one text."""
    return ", ".join(visit.address for visit in visits)

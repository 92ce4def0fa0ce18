"""What the core needs from its surroundings, as protocols.

The browser package implements them with ``fetch``, ``WebSocket`` and ``localStorage``, the
demo with objects in memory, the tests with fakes and a virtual clock.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol


@dataclass(frozen=True, slots=True)
class HttpAnswer:
    """An HTTP answer as it arrived: nothing parsed, nothing judged."""

    status: int
    content_type: str
    text: str


class Http(Protocol):
    """Sends one request to the proxy.

    Cancelling the awaiting task aborts the request.
    """

    async def request(
        self, method: str, path: str, body: str | None = None, *, timeout: float
    ) -> HttpAnswer:
        """Send ``body`` (JSON text) to ``path``.

        Args:
            method: HTTP method, upper case.
            path: path and query below the proxy's address, beginning with ``/``.
            body: JSON text, or None.
            timeout: seconds to wait for the whole answer.

        Raises:
            ProxyUnreachable: when there was no answer.
            ProxyTimeout: when it did not come in time.
        """
        ...


class SocketListener(Protocol):
    """Hears what happens to one socket. Nothing is called after ``on_close``."""

    def on_open(self) -> None:
        """The socket is connected."""

    def on_text(self, text: str) -> None:
        """A text frame arrived."""

    def on_close(self) -> None:
        """The socket is gone, or could never be opened."""


class Socket(Protocol):
    """One WebSocket connection."""

    def send(self, text: str) -> None:
        """Send a text frame."""

    def close(self) -> None:
        """Close it; the listener hears nothing more."""


class Sockets(Protocol):
    """Opens WebSocket connections to the proxy's ``/ws``."""

    def connect(self, listener: SocketListener) -> Socket:
        """Start connecting; the listener hears the outcome."""
        ...


class Claim(Protocol):
    """A lock that was asked for, whether it has been granted yet or not."""

    def release(self) -> None:
        """Give it back, or stop waiting for it; ``granted`` is not called any more."""


class Locks(Protocol):
    """Locks among the tabs of one browser; a tab that goes away, however, gives its back."""

    def request(self, name: str, granted: Callable[[], None]) -> Claim:
        """Wait for the exclusive lock ``name``; call ``granted()``, later, once it is held."""
        ...


class Channel(Protocol):
    """A line to the other tabs that opened the same name; what one posts, all others hear."""

    def post(self, text: str) -> None:
        """Tell the others."""

    def close(self) -> None:
        """Hear and tell nothing more."""


class Channels(Protocol):
    """Opens channels between the tabs of one browser."""

    def open(self, name: str, on_text: Callable[[str], None]) -> Channel:
        """Open ``name``; ``on_text`` hears what others post, each tab's posts in their order."""
        ...


class Store(Protocol):
    """Text kept from visit to visit. An implementation may raise ``OSError``."""

    def get(self, key: str) -> str | None:
        """Return the text under ``key``, or None."""
        ...

    def set(self, key: str, text: str) -> None:
        """Keep ``text`` under ``key``."""

    def remove(self, key: str) -> None:
        """Forget ``key``; unknown keys are ignored."""

    def keys(self) -> Iterable[str]:
        """Return every key that is there, other pages' of the same origin included."""
        ...


class Clock(Protocol):
    """The time of day."""

    def now(self) -> float:
        """Milliseconds since 1970, UTC: what JavaScript calls ``Date.now()``."""
        ...

    def utc_offset(self, at: float) -> float:
        """Milliseconds by which local time is ahead of UTC at the moment ``at``."""
        ...


class Timer(Protocol):
    """A pending call."""

    def cancel(self) -> None:
        """Drop it; harmless when it has already run."""


class Scheduler(Protocol):
    """Runs things later, and owns the tasks that it starts."""

    def call_later(self, delay: float, callback: Callable[[], None]) -> Timer:
        """Call ``callback()`` after ``delay`` seconds."""
        ...

    def start(self, work: Coroutine[Any, Any, object]) -> None:
        """Run a coroutine to its end; an error that escapes it is reported, not lost."""


class Tokenizer(Protocol):
    """Turns text into tokens; every text is ordinary text, whatever stands in it.

    Each count may raise ``TokenizerFailed``; the next one starts anew.
    """

    async def encode(self, encoding: str, texts: Sequence[str]) -> Sequence[Sequence[int]]:
        """Return the tokens of each text."""
        ...

    async def count(self, encoding: str, texts: Sequence[str]) -> Sequence[int]:
        """Return how many tokens each text has."""
        ...

    async def widths(self, encoding: str, text: str) -> Sequence[int]:
        """Return the length in bytes (of UTF-8) of each of a text's tokens, in order."""
        ...

    def release(self) -> None:
        """Give back what counting holds; whoever still waits gets ``TokenizerFailed``."""

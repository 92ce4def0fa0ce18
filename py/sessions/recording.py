"""Recordings: everything that the core heard during a visit, as JSON lines.

The first line is the header; every other one is an input, in the order in which the core took
them in, with the milliseconds since the start. What the core does follows from its inputs
alone (see :mod:`sessions.turns`), so that the same lines always give the same state.

Secrets are dropped before a line is written, and the core is handed what was written.

======== ================================================================================
``k``    what it tells, besides ``t``
======== ================================================================================
restore  the core was given what an earlier visit knew: ``state``, an envelope
start    the core began
open     the ``s``-th WebSocket is up
text     …a ``text`` frame came
close    …it is gone
request  the core sent the ``n``-th ``method`` ``path``
answer   …and was answered: ``status``, ``type``, ``text``
failure  …or not: ``error`` is ``timeout`` or ``unreachable``, ``message`` a sentence
timer    the ``n``-th timer, of ``delay`` seconds, ran
intent   a person, or a panel, asked for something: ``topic``, ``value``
end      the recording was stopped
======== ================================================================================
"""

from __future__ import annotations

import asyncio
import json
import random
import re
from collections import Counter
from collections.abc import Callable, Coroutine, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from .commands import EXPORT, INTENTS
from .errors import BadRecording, ProxyTimeout
from .events import EventBus
from .live import LARGEST_FRAME
from .models import as_mapping
from .ports import Clock, Http, HttpAnswer, Scheduler, Socket, SocketListener, Sockets, Timer
from .redaction import parse_json, redact, redact_json, redact_text
from .relay import Relay
from .texts import cut
from .turns import Report, Turns

FORMAT = 1
"""The version of the format; a reader refuses a later one."""

APP = "kimi-proxy-dashboard"

MAX_LINES = 100_000
MAX_CHARS = 32_000_000
"""Bounds of one recording."""

MOST = 1 << 30
"""No number in a recording that counts something is as large, and no seed is."""

LONGEST_EXPLANATION = 200
"""Characters kept of an answer in plain text: as many as are ever shown of it."""

EXPORTS = "/api/export/"
"""Where a whole session is fetched for a file. It changes nothing here, and is not recorded."""

_CREDENTIALS = re.compile(r"(?<=//)[^/@]*@")


@dataclass(frozen=True, slots=True)
class Header:
    """Where and when a recording was made.

    Attributes:
        address: the proxy's address, without credentials.
        demo: whether it was the built-in demo.
        user: whose page it was.
        started: milliseconds since 1970.
        offset: milliseconds by which local time was ahead of UTC.
        seed: where the chance in the waits between two attempts to connect began.
    """

    address: str
    demo: bool
    user: str
    started: float
    offset: float
    seed: int

    def to_line(self) -> str:
        """Return the first line of the recording."""
        line = {
            "kimi": "recording",
            "version": FORMAT,
            "app": APP,
            "proxy": self.address,
            "demo": self.demo,
            "user": self.user,
            "started": self.started,
            "offset": self.offset,
            "seed": self.seed,
        }
        return json.dumps(line, ensure_ascii=False)

    @classmethod
    def from_line(cls, line: str) -> Header:
        """Read the first line.

        Raises:
            BadRecording: when it is no header, or one of a later version.
        """
        row = _parse(1, line)
        if row.get("kimi") != "recording" or not _is_number(row.get("version")):
            raise BadRecording(1, "header")
        if row["version"] != FORMAT:
            raise BadRecording(1, "version")
        for name, check in _HEADER.items():
            if not check(row.get(name)):
                raise BadRecording(1, "field", name)
        return cls(
            cut(_CREDENTIALS.sub("", row["proxy"])), row["demo"], cut(row["user"]), row["started"],
            row["offset"], row["seed"],
        )  # fmt: skip


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < 1e15


def _is_count(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value < MOST


def _is_text(value: object) -> bool:
    return isinstance(value, str)


Check = Callable[[object], bool]

_HEADER: dict[str, Check] = {
    "proxy": _is_text,
    "demo": lambda value: isinstance(value, bool),
    "user": _is_text,
    "started": _is_number,
    "offset": _is_number,
    "seed": _is_count,
}
_CALL: dict[str, Check] = {"method": _is_text, "path": _is_text, "n": _is_count}
_KINDS: dict[str, dict[str, Check]] = {
    "restore": {"state": _is_text},
    "start": {},
    "open": {"s": _is_count},
    "text": {"s": _is_count, "text": _is_text},
    "close": {"s": _is_count},
    "request": _CALL,
    "answer": {**_CALL, "status": _is_count, "type": _is_text, "text": _is_text},
    "failure": {
        **_CALL,
        "error": lambda value: value in ("timeout", "unreachable"),
        "message": _is_text,
    },
    "timer": {"n": _is_count, "delay": _is_number},
    "intent": {"topic": _is_text, "value": lambda value: isinstance(value, Mapping)},
    "end": {},
}


def _parse(number: int, line: str) -> dict[str, Any]:
    try:
        row = parse_json(line)
    except ValueError:
        raise BadRecording(number, "json") from None
    if not isinstance(row, dict):
        raise BadRecording(number, "json")
    return row


Call = tuple[str, str, int]
"""Method, path, and which of the requests with both."""


@dataclass(frozen=True, slots=True)
class Recording:
    """A recording that was read and found good.

    Attributes:
        header: where and when it was made.
        lines: its inputs, as text.
        length: milliseconds from its start to its last line.
        frames: how many WebSocket messages it has.
        ignored: how many lines are of a kind that is not known here.
        asked: the requests that were sent, answered or not.
    """

    header: Header
    lines: Sequence[str]
    length: float
    frames: int
    ignored: int
    asked: frozenset[Call]


class Reader:
    """Reads a recording line by line, so that a long one need not be read in one go."""

    def __init__(self) -> None:
        self._header: Header | None = None
        self._lines: list[str] = []
        self._number = 0
        self._chars = 0
        self._length = 0.0
        self._frames = 0
        self._ignored = 0
        self._asked: set[Call] = set()

    def feed(self, lines: Iterable[str]) -> None:
        """Take in the next lines; empty ones are passed over.

        Raises:
            BadRecording: at the first line that cannot be used.
        """
        for line in lines:
            self._number += 1
            if not line.strip():
                continue
            self._chars += len(line)
            if self._chars > MAX_CHARS or len(self._lines) >= MAX_LINES:
                raise BadRecording(self._number, "large")
            if self._header is None:
                self._header = Header.from_line(line)
            else:
                self._feed(line)

    def finish(self) -> Recording:
        """Return what was read.

        Raises:
            BadRecording: when there was nothing to read.
        """
        if self._header is None:
            raise BadRecording(1, "header")
        return Recording(
            self._header, self._lines, self._length, self._frames, self._ignored,
            frozenset(self._asked),
        )  # fmt: skip

    def _feed(self, line: str) -> None:
        row = _parse(self._number, line)
        kind, at = row.get("k"), row.get("t")
        if not _is_number(at):
            raise BadRecording(self._number, "field", "t")
        if row["t"] < self._length:
            raise BadRecording(self._number, "order")
        if not isinstance(kind, str):
            raise BadRecording(self._number, "field", "k")
        self._length = row["t"]
        checks = _KINDS.get(kind)
        if checks is None:
            self._ignored += 1
            return
        for name, check in checks.items():
            if not check(row.get(name)):
                raise BadRecording(self._number, "field", name)
        if kind == "text":
            self._frames += 1
        elif kind == "request":
            self._asked.add((row["method"], row["path"], row["n"]))
        self._lines.append(_without_secrets(row, line))


def _without_secrets(row: dict[str, Any], line: str) -> str:
    """Return a line that anybody may have written, without what this page would not write."""
    if row["k"] == "restore":
        clean = {"state": clean_frame(row["state"])}
    elif row["k"] == "text":
        clean = {"text": clean_frame(row["text"])}
    elif row["k"] == "answer":
        answer = clean_answer(HttpAnswer(row["status"], row["type"], row["text"]))
        clean = {"text": answer.text}
    elif row["k"] == "failure":
        clean = {"message": redact_text(row["message"])}
    elif row["k"] == "intent":
        clean = {"value": redact(row["value"])}
    else:
        return line
    return (
        line if all(row[name] == value for name, value in clean.items()) else _encode(row | clean)
    )


def read(text: str) -> Recording:
    """Read a whole recording.

    Raises:
        BadRecording: when it cannot be used; nothing of it is, then.
    """
    reader = Reader()
    reader.feed(text.split("\n"))
    return reader.finish()


class _Timer:
    """A timer of the core; its firing is an input."""

    def __init__(self, callback: Callable[[], None]) -> None:
        self.callback = callback
        self.cancelled = False
        self.inner: Timer | None = None

    def cancel(self) -> None:
        self.cancelled = True
        if self.inner is not None:
            self.inner.cancel()


class _Ear:
    """Hears one socket, writes down what it said, and hands it on."""

    def __init__(self, recorder: Recorder, number: int, listener: SocketListener) -> None:
        self._recorder = recorder
        self._number = number
        self._listener = listener

    def on_open(self) -> None:
        self._recorder.take("open", self._listener.on_open, s=self._number)

    def on_text(self, text: str) -> None:
        self._recorder.take_text(self._number, text, self._listener.on_text)

    def on_close(self) -> None:
        self._recorder.take("close", self._listener.on_close, s=self._number)


class Recorder:
    """Stands between the core and its surroundings, and writes down what the core hears.

    Implements the ports ``Http``, ``Sockets``, ``Clock`` and ``Scheduler``. When it stops
    recording, it goes on handing everything through.
    """

    def __init__(
        self,
        http: Http,
        sockets: Sockets,
        clock: Clock,
        scheduler: Scheduler,
        write: Callable[[str], None],
        report: Report,
        *,
        address: str = "",
        demo: bool = False,
        user: str = "default",
        seed: int | None = None,
    ) -> None:
        """Begin a recording: its header is written at once.

        Args:
            http: reaches the proxy.
            sockets: reach the proxy.
            clock: the time of day.
            scheduler: runs timers.
            write: is given every line, without its end.
            report: is told of what escapes the core's tasks.
            address: the proxy's address.
            demo: whether it is the built-in demo.
            user: whose page it is.
            seed: where chance begins; by default somewhere.
        """
        self._http = http
        self._sockets = sockets
        self._clock = clock
        self._scheduler = scheduler
        self._write = write
        self._report = report
        self._turns = Turns(report)
        started = float(round(clock.now()))
        self.header = Header(
            address=_CREDENTIALS.sub("", address),
            demo=demo,
            user=user,
            started=started,
            offset=clock.utc_offset(started),
            seed=random.randrange(MOST) if seed is None else seed,
        )
        self.chance = random.Random(self.header.seed).random
        """Chance for the waits between two attempts to connect, the same in a replay."""
        self.on_stop: Callable[[str | None], None] = lambda reason: None
        """Called once, when nothing is written any more, with the reason of a stop that
        nobody asked for."""
        self.is_recording = True
        self.lines = self.chars = self.frames = 0
        """What was written: lines, their characters, and the WebSocket messages in them."""
        self.elapsed: float = 0
        """Milliseconds from the start to the last input."""
        self._now = started
        self._host: asyncio.AbstractEventLoop | None = None
        self._asked: Counter[tuple[str, str]] = Counter()
        self._sockets_made = self._timers_made = 0
        self._put(self.header.to_line())

    # -- life -------------------------------------------------------------------------

    def begin(self, start: Callable[[], None]) -> None:
        """Start the core, on the event loop that is running now."""
        self._settle_in()
        self.take("start", start)

    def restore(self, text: str, restore: Callable[[], object]) -> None:
        """Let the core have, soon, what an earlier visit knew; before :meth:`begin`.

        Args:
            text: it, as an envelope's text.
            restore: does it.
        """
        self._settle_in()
        self.take("restore", restore, state=redact_json(text))

    def _settle_in(self) -> None:
        self._host = asyncio.get_running_loop()
        self._turns.host(self._host)

    def stop(self, reason: str | None = None) -> None:
        """Write no more; ``reason`` is the key of a sentence that says why."""
        if self.is_recording:
            self._heard("end")
            if self.is_recording:
                self._end(reason)

    def close(self) -> None:
        """Hand nothing on any more: the core that was recorded is given up."""
        self._turns.stop()

    def relay(self, page: EventBus) -> Relay:
        """Return the core's bus: what is asked for on the page's reaches it as an input."""
        core = Relay(page, self._report)
        for topic in INTENTS:
            page.on(topic, partial(self._take_intent, core, topic))
        return core

    # -- ports ------------------------------------------------------------------------

    def now(self) -> float:
        """Milliseconds since 1970: while an input is taken in, the moment when it came."""
        return self._now if self._turns.under_way else self._clock.now()

    def utc_offset(self, at: float) -> float:
        """Milliseconds by which local time is ahead of UTC at the moment ``at``."""
        return self._clock.utc_offset(at)

    def start(self, work: Coroutine[Any, Any, object]) -> None:
        """Run a coroutine of the core to its end."""
        self._turns.start(work)

    def call_later(self, delay: float, callback: Callable[[], None]) -> Timer:
        """Call ``callback()`` after ``delay`` seconds."""
        timer = _Timer(callback)
        self._timers_made += 1
        number = self._timers_made

        def due() -> None:
            self._turns.take(run)

        def run() -> None:
            if not timer.cancelled:
                self._heard("timer", n=number, delay=delay)
                timer.callback()

        timer.inner = self._scheduler.call_later(delay, due)
        return timer

    def connect(self, listener: SocketListener) -> Socket:
        """Start connecting."""
        self._sockets_made += 1
        return self._sockets.connect(_Ear(self, self._sockets_made, listener))

    async def request(
        self, method: str, path: str, body: str | None = None, *, timeout: float
    ) -> HttpAnswer:
        """Send a request; its answer is an input."""
        recorded = not path.startswith(EXPORTS)
        route = method, redact_text(path)
        self._asked[route] += recorded
        call = {"method": route[0], "path": route[1], "n": self._asked[route]}
        if recorded:
            self._note("request", **call)
        assert self._host is not None, "nothing is asked before the core has begun"
        answered: asyncio.Future[HttpAnswer] = self._turns.create_future()
        # On the page's own loop: what a request does on its way is no part of the core.
        asking = self._host.create_task(self._http.request(method, path, body, timeout=timeout))

        def come(done: asyncio.Task[HttpAnswer]) -> None:
            if not done.cancelled():
                self._turns.take(take)

        def take() -> None:
            error = asking.exception()
            if error is None:
                answer = clean_answer(asking.result()) if recorded else asking.result()
            if answered.done():
                return  # nobody waits for it any more
            if not recorded:
                self._tick()
            elif error is None:
                self._heard(
                    "answer", **call, status=answer.status, type=answer.content_type,
                    text=answer.text,
                )  # fmt: skip
            else:
                kind = "timeout" if isinstance(error, ProxyTimeout) else "unreachable"
                self._heard("failure", **call, error=kind, message=redact_text(str(error)))
            if error is None:
                answered.set_result(answer)
            else:
                answered.set_exception(error)

        asking.add_done_callback(come)
        try:
            return await answered
        finally:
            asking.cancel()

    # -- inputs -----------------------------------------------------------------------

    def take(self, kind: str, deliver: Callable[[], object], **fields: Any) -> None:
        """Write an input down and hand it on."""

        def run() -> None:
            self._heard(kind, **fields)
            deliver()

        self._turns.take(run)

    def take_text(self, number: int, text: str, deliver: Callable[[str], None]) -> None:
        """Write a frame down and hand it on."""

        def run() -> None:
            clean = clean_frame(text)
            self._tick()
            if self.is_recording:
                self.frames += 1
                # Put together by hand: this is done a thousand times a second.
                self._put(f'{{"t":{self.elapsed},"k":"text","s":{number},"text":{_quote(clean)}}}')
            deliver(clean)

        self._turns.take(run)

    # -- inside -----------------------------------------------------------------------

    def _take_intent(self, core: Relay, topic: str, request: object) -> None:
        value = as_mapping(request)

        def run() -> None:
            if topic == EXPORT:
                self._tick()
            else:
                self._heard("intent", topic=topic, value=redact(dict(value)))
            core.intend(topic, value)

        self._turns.take(run)

    def _tick(self) -> None:
        """Let a turn's time stand still, and never go back."""
        elapsed = max(self.elapsed, round(self._clock.now() - self.header.started, 1))
        self.elapsed = int(elapsed) if elapsed == int(elapsed) else elapsed
        self._now = self.header.started + self.elapsed

    def _heard(self, kind: str, **fields: Any) -> None:
        self._tick()
        self._note(kind, **fields)

    def _note(self, kind: str, **fields: Any) -> None:
        if self.is_recording:
            self._put(_encode({"t": self.elapsed, "k": kind, **fields}))

    def _put(self, line: str) -> None:
        self.lines += 1
        self.chars += len(line) + 1
        self._write(line)
        if self.lines >= MAX_LINES or self.chars >= MAX_CHARS:
            self._end("recordings.full")

    def _end(self, reason: str | None) -> None:
        self.is_recording = False
        self.on_stop(reason)


_quote = json.JSONEncoder(ensure_ascii=False).encode
_encode = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), default=str).encode


def clean_frame(text: str) -> str:
    """Return a frame without secrets; nothing of one that cannot be understood anyway."""
    if len(text) > LARGEST_FRAME:
        return ""
    try:
        return redact_json(text)
    except ValueError:
        return ""


def clean_answer(answer: HttpAnswer) -> HttpAnswer:
    """Return an answer without secrets; of a suspicious one in plain text, what is shown of it."""
    try:
        text = redact_json(answer.text)
    except ValueError:
        refused = answer.status >= 400
        text = redact_text(answer.text.strip())[:LONGEST_EXPLANATION] if refused else ""
    return HttpAnswer(answer.status, answer.content_type, text)

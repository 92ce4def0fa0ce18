"""The recordings that are kept in this browser: made, listed, opened, saved, removed."""

from __future__ import annotations

import asyncio
import json
import random
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any, Protocol

from . import commands, events
from .commands import ExportedFile
from .errors import BadRecording, RecordingsUnavailable
from .models import Notice, as_flag, as_mapping, as_number, as_text, as_tokens
from .ports import Scheduler, Timer
from .recording import MAX_CHARS, Header, Reader, Recorder, Recording
from .redaction import parse_json
from .storage import Storage, key_of
from .times import format_timestamp
from .users import USER_CHANGED, USER_DELETED, USER_LEFT, User

MAX_RECORDINGS = 10
MAX_TOTAL = 100_000_000
"""Recordings of one user, and their characters, that are kept; the oldest go first."""

WRITE_EVERY = 1.0
"""Seconds between two writes to the browser's database."""

WRITE_AT = 1_000_000
"""Characters that are not kept waiting."""

LINES_AT_A_STRETCH = 400
"""Lines read before the page gets its turn."""

LIST = "recordings:list"
REMOVE = "recordings:remove"
SAVE = "recordings:save"
OPEN = "recordings:open"
PLAY = "recordings:play"
LEAVE = "recordings:leave"
RECORD = "recordings:record"

WANTED = "record"
"""The name under which a tab remembers that it is to record."""


@dataclass(frozen=True, slots=True)
class Entry:
    """What is known of a recording without reading it.

    Attributes:
        id: what it is called in the store.
        started: milliseconds since 1970.
        length: milliseconds.
        frames: how many WebSocket messages it has.
        chars: its size.
        address: the proxy's address.
        demo: whether it was the built-in demo.
    """

    id: str
    started: float
    length: float
    frames: int
    chars: int
    address: str
    demo: bool

    def to_wire(self) -> dict[str, Any]:
        """Return the JSON object."""
        return {
            "id": self.id,
            "started": self.started,
            "length": self.length,
            "frames": self.frames,
            "chars": self.chars,
            "address": self.address,
            "demo": self.demo,
        }

    @classmethod
    def of(cls, name: str, recording: Recording, chars: int) -> Entry:
        """Describe a recording that was read."""
        header = recording.header
        return cls(
            name, header.started, recording.length, recording.frames, chars,
            header.address, header.demo,
        )  # fmt: skip

    @classmethod
    def from_text(cls, text: str) -> Entry | None:
        """Read an entry; None when it is none."""
        try:
            row = as_mapping(parse_json(text))
        except ValueError:
            return None
        name, address = as_text(row.get("id")), as_text(row.get("address"))
        started, length = as_number(row.get("started")), as_number(row.get("length"))
        frames, chars = as_tokens(row.get("frames")), as_tokens(row.get("chars"))
        demo = as_flag(row.get("demo"))
        if (
            name is None or address is None or started is None or length is None
            or frames is None or chars is None or demo is None
        ):  # fmt: skip
            return None
        return cls(name, started, length, frames, chars, address, demo)


class RecordingStore(Protocol):
    """Keeps recordings. Every call may raise ``RecordingsUnavailable``."""

    async def entries(self) -> list[str]:
        """Return what was put beside each recording."""
        ...

    def put(self, name: str, entry: str, number: int, lines: str) -> Awaitable[None]:
        """Write a recording's entry and its ``number``-th lines, begun before this returns."""
        ...

    async def read(self, name: str) -> list[str]:
        """Return a recording's lines, in the pieces in which they were written."""
        ...

    async def remove(self, name: str) -> None:
        """Forget a recording; one that is not there is ignored."""


RECORDING_CHANGED: events.Topic[Entry] = events.Topic("recording:changed")
"""More of the recording under way was written. None: none is under way."""
RECORDINGS_LISTED: events.Topic[tuple[Entry, ...]] = events.Topic("recordings:listed")


class Tape:
    """Writes one recording to the store, at most once a second."""

    def __init__(
        self,
        store: RecordingStore,
        bus: events.EventBus,
        scheduler: Scheduler,
        stopped: Callable[[str | None], None],
    ) -> None:
        """Write to ``store``; ``stopped(reason)`` hears of the recording's end."""
        self._store = store
        self._bus = bus
        self._scheduler = scheduler
        self._name = f"{random.randrange(1 << 48):012x}"
        self._lines: list[str] = []
        self._chars = 0
        self._number = 0
        self._timer: Timer | None = None
        self._failed = False
        self._stopped = stopped
        self._recorder: Recorder | None = None

    def carry(self, recorder: Recorder | None) -> None:
        """Be the tape of ``recorder`` from now on, or of none any more."""
        self._recorder = recorder
        if recorder is not None:
            recorder.on_stop = self._stopped

    def stop(self, reason: str | None = None) -> None:
        """Record no more."""
        if self._recorder is not None:
            self._recorder.stop(reason)

    @property
    def entry(self) -> Entry | None:
        """What is recorded so far; None when nothing is being recorded."""
        recorder = self._recorder
        if recorder is None:
            return None
        header = recorder.header
        return Entry(
            self._name, header.started, recorder.elapsed, recorder.frames, recorder.chars,
            header.address, header.demo,
        )  # fmt: skip

    def write(self, line: str) -> None:
        """Take a line; it is written soon."""
        if self._failed:
            return  # with a piece missing, nothing that follows can be replayed
        self._lines.append(line)
        self._chars += len(line)
        if self._chars >= WRITE_AT:
            self.flush()
        elif self._timer is None:
            self._timer = self._scheduler.call_later(WRITE_EVERY, self.flush)

    def flush(self) -> None:
        """Write what is waiting, as when the page goes away."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        entry = self.entry
        if entry is None or not self._lines:
            return
        text, self._lines, self._chars = "\n".join([*self._lines, ""]), [], 0
        self._number += 1
        written = self._store.put(self._name, json.dumps(entry.to_wire()), self._number, text)
        self._scheduler.start(self._see(written))
        if self._recorder is not None and self._recorder.is_recording:
            self._bus.emit(RECORDING_CHANGED, entry)

    async def _see(self, written: Awaitable[None]) -> None:
        try:
            await written
        except RecordingsUnavailable as error:
            self._failed = True
            self._lines.clear()
            self.stop(error.reason)


class Shelf:
    """Carries out what a person wants done with recordings."""

    def __init__(
        self,
        store_of: Callable[[str], RecordingStore],
        user: str,
        bus: events.EventBus,
        tab: Storage,
        scheduler: Scheduler,
        visit: Callable[[str | None], None],
    ) -> None:
        """Serve the intents that arrive on ``bus``.

        Args:
            store_of: returns what keeps a user's recordings.
            user: who uses the page now.
            bus: hears intents, tells outcomes.
            tab: remembers, as long as the tab lives, that it is to record.
            scheduler: runs tasks.
            visit: loads the page again, to replay the recording of that name, or None.
        """
        self._store_of = store_of
        self._store = store_of(user)
        self._user = user
        self._bus = bus
        self._tab = tab
        self._scheduler = scheduler
        self._visit = visit
        self._tape: Tape | None = None
        # What there is to tell before there is a panel that could show it.
        self._untold: list[Notice] | None = []
        work: dict[str, Callable[[str, str], Coroutine[Any, Any, None]]] = {
            LIST: lambda _name, _text: self._list(),
            REMOVE: lambda name, _text: self._remove(name),
            SAVE: lambda name, _text: self._save(name),
            OPEN: lambda _name, text: self._open(text),
        }
        for topic, do in work.items():
            bus.on(topic, self._runner(do))
        bus.on(PLAY, lambda request: self._play(as_text(as_mapping(request).get("id"))))
        bus.on(LEAVE, lambda _: self._visit(None))
        bus.on(
            RECORD, lambda request: self._record(enabled=bool(as_mapping(request).get("enabled")))
        )
        bus.on(USER_LEFT, lambda _: self._record(enabled=False))
        bus.on(USER_CHANGED, self._enter)
        bus.on(USER_DELETED, lambda user: self._scheduler.start(self._clear(user)))

    def speak(self) -> None:
        """Tell from now on what there is to tell, beginning with what has waited."""
        untold, self._untold = self._untold, None
        for notice in untold or ():
            self._bus.emit(events.NOTICE, notice)

    def _tell(self, notice: Notice) -> None:
        if self._untold is None:
            self._bus.emit(events.NOTICE, notice)
        else:
            self._untold.append(notice)

    def _enter(self, user: User) -> None:
        """Go on with the recordings of another user."""
        self._user, self._store = user.id, self._store_of(user.id)
        self._bus.emit(LIST)

    async def _clear(self, user: str) -> None:
        """Remove every recording of a user who is no more."""
        store = self._store_of(user)
        try:
            for entry in _described(await store.entries()):
                await store.remove(entry.id)
        except RecordingsUnavailable as error:
            self._tell(Notice("error", error.reason, {}))

    # -- recording --------------------------------------------------------------------

    @property
    def is_to_record(self) -> bool:
        """Whether a person wanted this tab to record when the page was loaded."""
        return self._tab.read(key_of(self._user, WANTED)) is not None

    def _remember(self, wanted: bool) -> None:
        if wanted:
            self._tab.write(key_of(self._user, WANTED), "on")
        else:
            self._tab.remove(key_of(self._user, WANTED))

    async def new_tape(self) -> Tape | None:
        """Make room for a recording and begin it; None, and a notice, when that is not possible."""
        try:
            entries = await self._entries()
            dropped = 0
            while len(entries) >= MAX_RECORDINGS or (
                entries and sum(entry.chars for entry in entries) > MAX_TOTAL - MAX_CHARS
            ):
                await self._store.remove(entries.pop().id)
                dropped += 1
        except RecordingsUnavailable as error:
            self._remember(False)
            self._tell(Notice("error", error.reason, {}))
            return None
        if dropped:
            notice = Notice("info", "recordings.dropped", {"count": dropped})
            self._tell(notice)
        self._tape = Tape(self._store, self._bus, self._scheduler, self._stopped)
        return self._tape

    def flush(self) -> None:
        """Write what is waiting, as when the page goes away."""
        if self._tape is not None:
            self._tape.flush()

    def _record(self, *, enabled: bool) -> None:
        if enabled:
            # A recording holds everything from the start: so the page starts again.
            self._remember(True)
            self._visit(None)
        elif self._tape is not None:
            self._tape.stop()

    def _stopped(self, reason: str | None) -> None:
        self._remember(False)
        self.flush()
        if self._tape is not None:
            self._tape.carry(None)
        kind, key = ("warning", reason) if reason else ("success", "recordings.stopped")
        self._bus.emit(RECORDING_CHANGED, None)
        self._tell(Notice(kind, key, {}))
        if reason is None:
            self._bus.emit(LIST)

    # -- replaying --------------------------------------------------------------------

    async def take(self, name: str) -> Recording | None:
        """Read a recording to be replayed; None, and a notice, when that is not possible."""
        try:
            pieces = await self._store.read(name)
            if not pieces:
                raise RecordingsUnavailable("recordings.gone")
            return await read_in_slices(pieces)
        except RecordingsUnavailable as error:
            self._tell(Notice("error", error.reason, {}))
        except BadRecording as error:
            self._tell(refusal(error))
        return None

    def _play(self, name: str | None) -> None:
        self._remember(False)
        self._visit(name)

    # -- the others -------------------------------------------------------------------

    def _runner(
        self, do: Callable[[str, str], Coroutine[Any, Any, None]]
    ) -> Callable[[object], None]:
        async def run(name: str, text: str) -> None:
            try:
                await do(name, text)
            except RecordingsUnavailable as error:
                self._tell(Notice("error", error.reason, {}))
            except BadRecording as error:
                self._tell(refusal(error))

        def hear(request: object) -> None:
            fields = as_mapping(request)
            name, text = as_text(fields.get("id")), as_text(fields.get("text"))
            self._scheduler.start(run(name or "", text or ""))

        return hear

    async def _entries(self) -> list[Entry]:
        """Return what there is, the newest first."""
        entries = _described(await self._store.entries())
        return sorted(entries, key=lambda entry: entry.started, reverse=True)

    async def _list(self) -> None:
        self._bus.emit(RECORDINGS_LISTED, tuple(await self._entries()))

    async def _remove(self, name: str) -> None:
        await self._store.remove(name)
        await self._list()

    async def _save(self, name: str) -> None:
        self.flush()
        pieces = await self._store.read(name)
        if not pieces:
            raise RecordingsUnavailable("recordings.gone")
        header = Header.from_line(pieces[0].partition("\n")[0])
        file = ExportedFile(file_name(header), "application/x-ndjson", "".join(pieces))
        self._bus.emit(commands.EXPORTED, file)

    async def _open(self, text: str) -> None:
        recording = await read_in_slices([text])
        entries = await self._entries()
        for entry in entries[MAX_RECORDINGS - 1 :]:
            await self._store.remove(entry.id)
        name = f"{random.randrange(1 << 48):012x}"
        whole = "\n".join([recording.header.to_line(), *recording.lines, ""])
        entry = Entry.of(name, recording, len(whole))
        await self._store.put(name, json.dumps(entry.to_wire()), 1, whole)
        self._play(name)


def _described(texts: Sequence[str]) -> list[Entry]:
    found = [Entry.from_text(text) for text in texts]
    return [entry for entry in found if entry is not None]


async def read_in_slices(pieces: Sequence[str]) -> Recording:
    """Read a recording, letting the page have its turn now and then.

    Raises:
        BadRecording: when it cannot be used.
    """
    reader = Reader()
    for piece in pieces:
        lines = iter(piece.removesuffix("\n").split("\n"))
        while batch := list(islice(lines, LINES_AT_A_STRETCH)):
            reader.feed(batch)
            await asyncio.sleep(0)
    return reader.finish()


def refusal(error: BadRecording) -> Notice:
    """Return the sentence that says which line is wrong, and how."""
    return Notice(
        "error", "recordings.bad", {"line": error.line, "why": f"recordings.bad.{error.problem}"}
    )


def file_name(header: Header) -> str:
    """Return what a recording's file is called, after its beginning in local time."""
    moment = format_timestamp(header.started + header.offset)
    return f"kimi-{moment[:10]}-{moment[11:19].replace(':', '')}.jsonl"

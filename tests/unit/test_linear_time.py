"""Whatever somebody writes, reading it takes a time that grows as its length does.

How fast that is depends on the machine and is asserted nowhere: what is compared is the time
for a text of 1 MB with that for one of 100 kB. With a square law the one would be a hundred
times the other.
"""

from __future__ import annotations

import csv
import gc
import io
import json
import time
from collections.abc import Callable
from contextlib import suppress

import pytest

from sessions.chat import read_chat
from sessions.discovery import normalise_address
from sessions.envelope import parse
from sessions.errors import SessionsError
from sessions.models import Metric, Notice, Session, as_id
from sessions.ports import HttpAnswer
from sessions.proxy_api import SESSIONS, Capabilities, read_answer
from sessions.recording import clean_answer, clean_frame, read
from sessions.redaction import (
    is_secret_name,
    loads_redacted,
    loads_whole,
    parse_json,
    redact_json,
    redact_text,
)
from sessions.routing import extract_provider
from sessions.spreadsheet import defused
from sessions.texts import cut, folded, for_file_name, may_hide_ascii, well_formed
from sessions.times import parse_timestamp
from sessions.tokens import encoding_name_for_model, pieces
from sessions.user_files import parse_user_file
from sessions.users import clean_name, find, parse_registry
from tests.fakes import FakeHttp, Rig, Room
from tests.support import FakeClock
from views.count import visible
from views.feed import Feed
from views.sessions_panel import SessionList, plain_name
from views.toasts import Toasts

SHORT, LONG = 100_000, 1_000_000
MOST = 20
"""Times that ten times the length may take; beyond that it is no longer linear."""

NEGLIGIBLE = 0.06
"""Seconds for the short text, with whose square nothing has grown then: that would be ten
thousand million steps."""

SUSPICIOUS = 1.0
"""Seconds for the short text from which on a shorter one is looked at first: after a square law
the long text would take minutes."""

ATTEMPTS = 4

RUNS = {
    "brackets": "[",
    "objects": '{"a":',
    "quotes": '"',
    "escaped quotes": '\\"',
    "backslashes": "\\",
    "spaces": " ",
    "no-break spaces": "\u00a0",
    "line breaks": "\n",
    "carriage returns": "\r\t",
    "digits": "7",
    "letters": "a",
    "humps": "aB",
    "accents": "é",
    "combining marks": "e\u0301\u0323",
    "lone surrogates": "\ud800",
    "escaped surrogates": "\\ud83d",
    "emoji": "😀",
    "full width": "ＡＰＩ",
    "sk": "sk-",
    "sk, apart": "sk-a ",
    "bearer": "Bearer ",
    "begin": "-----BEGIN",
    "credentials": "://a:",
    "at signs": "//a@",
    "authorization": "authorization",
    "authorization, apart": "authorization: ",
    "tokens": "token=",
    "token and quotes": "token\"'",
    "web tokens": "eyJ-",
    "web tokens, dotted": "eyJaaaaaaaaaa.",
    "amazon": "AKIA",
    "braces": "{",
    "parameters": "{a}",
    "semicolons": ";\"'",
    "formulas": "=",
    "slashes": "/",
    "dots": "a.",
    "commas": ",",
}


def _symbols(length: int) -> str:
    """Characters no two of which are the same, as far as there are so many."""
    return "".join(chr(0x2190 + number % 0xB000) for number in range(length))


def _long(unit: str, length: int) -> str:
    return unit * (length // len(unit))


TEXTS: dict[str, Callable[[int], str]] = {
    **{
        name: (lambda length, unit=unit: _long(unit, length))  # type: ignore[misc]
        for name, unit in RUNS.items()
    },
    "symbols": _symbols,
    "a request that was cut off": lambda length: (
        '{"messages":' + "[{}," * 300 + '{"role":"user","content":"' + '\\"it\\" ' * (length // 7)
    ),
    "a list that was cut off": lambda length: '[[],{"a":[' + '"x",' * (length // 4),
    "deep, and then a string": lambda length: "[" * 201 + '"' + '\\"' * (length // 2),
    "shut and cut off": lambda length: "[]{}" * (length // 8) + '"' + "\\\\" * (length // 4),
    "one value a line": lambda length: '{"role":"user"}\n' * (length // 16) + "{",
    "trailing commas": lambda length: '{"a":1' + "," * length,
    "quoted cells": lambda length: '"a;=1",' * (length // 7),
}


def _attempt(call: Callable[[str], object]) -> Callable[[str], object]:
    def run(text: str) -> None:
        with suppress(ValueError, SessionsError):  # to refuse it is an answer, too
            call(text)

    return run


def _quoted(text: str) -> str:
    return json.dumps(text)


def _answered(text: str) -> object:
    return read_answer(SESSIONS, HttpAnswer(500, "text/plain", text))


def _received(text: str) -> None:
    Rig(FakeHttp()).live.receive(text)


def _told(text: str) -> None:
    rig = Rig(FakeHttp())
    rig.live.receive(f'{{"type": "streaming_error", "message": {_quoted(text)}}}')
    rig.live.receive(f'{{"type": {_quoted(text)}}}')
    assert not rig.recorder.errors


def _notified(text: str) -> None:
    room = Room()
    room.add(Toasts).show(Notice("error", "notice.streaming_error", {}, text))
    room.frame()


def _fed(text: str) -> None:
    room = Room()
    room.add(Feed)
    room.enter([{"id": 1, "content_preview": text, "source": text, "timestamp": text}])


def _listed(text: str) -> None:
    room = Room()
    panel = room.add(SessionList)
    panel._listed((Session.from_wire({"id": 1, "name": text, "model": text}),))
    room.do("session:search", text[:200])


def _imported(text: str) -> None:
    parse_user_file(
        '{"format": "kimi-proxy-dashboard/user", "version": 1, "user": {"name": ""},'
        f' "preferences": {{"proxy": {_quoted(text)}}}, "state": {{}}}}',
        0.0,
    )


def _recorded(text: str) -> None:
    text = text[: len(text) // 5]  # it comes five times
    head = {
        "kimi": "recording", "version": 1, "proxy": text, "demo": False, "user": text,
        "started": 0, "offset": 0, "seed": 0,
    }  # fmt: skip
    lines = (
        {"k": "text", "t": 0, "s": 1, "text": text},
        {"k": "answer", "t": 0, "method": "GET", "path": text, "n": 1, "status": 500, "type": "",
         "text": text},
        {"k": "intent", "t": 0, "topic": text, "value": {text: text}},
    )  # fmt: skip
    read("\n".join(json.dumps(row) for row in (head, *lines)))


def _described(text: str) -> None:
    Capabilities().learn_from_openapi({"paths": {text: {text: {}}}})


def _table(text: str) -> str:
    found = io.StringIO()
    csv.writer(found).writerow([text])
    return found.getvalue()


READERS: dict[str, Callable[[str], object]] = {
    "redaction": redact_text,
    "names": is_secret_name,
    "JSON": parse_json,
    "JSON, redacted": loads_redacted,
    "JSON, redacted and whole": loads_whole,
    "JSON, kept as text": redact_json,
    "a text in JSON": lambda text: loads_redacted(_quoted(text)),
    "a name in JSON": lambda text: loads_redacted(f"{{{_quoted(text)}: 1}}"),
    "chat": read_chat,
    "a chat's message": lambda text: read_chat(f'[{{"role": "user", "content": {_quoted(text)}}}]'),
    "an answer": _answered,
    "a frame": _received,
    "a frame's words": _told,
    "what is documented": _described,
    "a session": lambda text: Session.from_wire({"id": 1, "name": text, "created_at": text}),
    "a request": lambda text: Metric.from_wire({"id": text, "content_preview": text}),
    "an id": as_id,
    "a session list": _listed,
    "a feed": _fed,
    "a notice": _notified,
    "a provider": plain_name,
    "a model": extract_provider,
    "a model's encoding": encoding_name_for_model,
    "a time": lambda text: parse_timestamp(text, FakeClock()),
    "an address": normalise_address,
    "a table": defused,
    "a cell": lambda text: defused(_table(text)),
    "a state": lambda text: parse(text, 0.0),
    "a user's file": lambda text: parse_user_file(text, 0.0),
    "a user's choices": _imported,
    "the register of users": parse_registry,
    "a user's name": clean_name,
    "a user in the address": lambda text: find((), text),
    "a recording": read,
    "a recording's parts": _recorded,
    "a recorded frame": clean_frame,
    "a recorded answer": lambda text: clean_answer(HttpAnswer(500, "text/plain", text)),
    "half characters": well_formed,
    "what looks like ASCII": lambda text: (folded(text), may_hide_ascii(text)),
    "a cut": cut,
    "a file's name": for_file_name,
    "white space": visible,
    "tokens": lambda text: pieces(text[::10], [1] * (len(text) // 10) if text.isascii() else []),
}


def _seconds(call: Callable[[], object]) -> float:
    # Collecting garbage costs by what everything else holds, not by the text.
    gc.disable()
    try:
        began = time.process_time()
        call()
        return time.process_time() - began
    finally:
        gc.enable()


def _in_proportion(read: Callable[[str], object], short: str, long: str) -> bool:
    """Compare the best times so far, until they are in proportion or no attempt is left."""
    least_short = least_long = float("inf")
    for _ in range(ATTEMPTS):
        least_short = min(least_short, _seconds(lambda: read(short)))
        least_long = min(least_long, _seconds(lambda: read(long)))
        if least_long <= MOST * least_short:
            return True
    return False


def _is_linear(read: Callable[[str], object], text: Callable[[int], str]) -> bool:
    short = text(SHORT)
    took = _seconds(lambda: read(short))
    if took < NEGLIGIBLE:
        return True
    if took > SUSPICIOUS and not _in_proportion(read, text(SHORT // 10), short):
        return False
    return _in_proportion(read, short, text(LONG))


@pytest.mark.processor
@pytest.mark.parametrize("reader", READERS)
def test_reading_takes_a_time_in_proportion_to_the_length(reader):
    read = _attempt(READERS[reader])
    curved = [name for name, text in TEXTS.items() if not _is_linear(read, text)]
    assert curved == []

"""Reads a chat that somebody pasted, in any of the forms in which people have one.

A list of messages, an object with ``messages``, a whole request body, one message, or one
message a line. What the proxy does not count (tool calls, tool definitions …) is kept apart.
Nothing of it is stored anywhere.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from .models import as_text
from .redaction import NestedTooDeep, parse_json

PREVIEW = 120
"""Characters of a message that are shown to recognise it by."""

# A chat begins like this, and a template, a link or a snippet of code hardly ever.
_OPENING = re.compile(r"""\s*(?:\{\s*["'“”]|\[\s*\{)""")
_IMAGES = frozenset({"image", "image_url", "input_image"})
_TEXTS = frozenset({"text", "input_text", "output_text"})
_COUNTED = frozenset({"role", "content"})
# Parts of a request body that reach the model and are not messages.
_BESIDE = ("system", "instructions", "tools", "functions", "response_format")


@dataclass(frozen=True, slots=True)
class ChatMessage:
    """One message. ``texts`` are its contents in order; ``images`` how many pictures it has."""

    role: str
    texts: tuple[str, ...]
    images: int

    @property
    def preview(self) -> str:
        """The beginning of what it says, on one line."""
        start = " ".join(text[: 2 * PREVIEW] for text in self.texts[:8])
        return " ".join(start.split())[:PREVIEW]


@dataclass(frozen=True, slots=True)
class Chat:
    """Messages, and what else is in the request: JSON text by name."""

    messages: tuple[ChatMessage, ...]
    left_out: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Flaw:
    """Why a text that looks like a chat is none.

    Attributes:
        reason: ``json-…`` when it is no JSON, else what it lacks: the catalogue's key is
            ``count.flaw.`` and this.
        line: where, counted from 1; 0 when the place says nothing.
        column: characters into that line, counted from 1.
        number: the message that is meant, counted from 1; 0 for none.
    """

    reason: str
    line: int = 0
    column: int = 0
    number: int = 0


def read_chat(text: str) -> Chat | Flaw | None:
    """Read a pasted text as a chat; None when it does not even look like one."""
    if not _OPENING.match(text):
        return None
    try:
        value = parse_json(text)
    except json.JSONDecodeError as error:
        lines = _read_lines(text)
        if lines is None:
            return _locate(text, error)
        value = lines
    except NestedTooDeep:
        return Flaw("json-depth")
    except ValueError:
        return Flaw("json-value")  # NaN or an infinity, which is no JSON
    return chat_of(value)


def _read_lines(text: str) -> list[Any] | None:
    """Read one JSON object a line, as logs and training files have them."""
    rows = [row for row in text.splitlines() if row.strip()]
    if len(rows) < 2:
        return None
    try:
        values = [parse_json(row) for row in rows]
    except ValueError:
        return None
    return values if all(isinstance(value, dict) for value in values) else None


def chat_of(value: Any) -> Chat | Flaw:
    """Read parsed JSON as a chat; say what it lacks when it is none."""
    left_out: dict[str, list[Any]] = {}
    if isinstance(value, dict) and "messages" in value:
        for name in _BESIDE:
            if value.get(name):
                left_out[name] = [value[name]]
        value = value["messages"]
    elif isinstance(value, dict) and "role" in value:
        value = [value]
    if not isinstance(value, list):
        return Flaw("no-messages")
    messages = []
    for number, row in enumerate(value, 1):
        if not isinstance(row, dict):
            return Flaw("not-an-object", number=number)
        if "role" not in row:
            return Flaw("no-role", number=number)
        messages.append(_message(row, left_out))
    return Chat(tuple(messages), {name: _compact(found) for name, found in left_out.items()})


def _message(row: dict[str, Any], left_out: dict[str, list[Any]]) -> ChatMessage:
    for name, value in row.items():
        if name not in _COUNTED and value:
            left_out.setdefault(name, []).append(value)
    texts, images = [], 0
    content = row.get("content")
    for part in content if isinstance(content, list) else [content]:
        if isinstance(part, str):
            texts.append(part)
        elif isinstance(part, dict) and as_text(part.get("type")) in _IMAGES:
            images += 1
        elif (
            isinstance(part, dict)
            and as_text(part.get("type", "text")) in _TEXTS
            and isinstance(part.get("text"), str)
        ):
            texts.append(part["text"])
        elif part is not None:
            left_out.setdefault("content", []).append(part)
    role = row["role"]
    return ChatMessage(role if isinstance(role, str) else "", tuple(texts), images)


def _compact(found: list[Any]) -> str:
    value = found[0] if len(found) == 1 else found
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def _locate(text: str, error: json.JSONDecodeError) -> Flaw:
    """Say what is wrong where, in words that hold for every version of Python's parser."""
    at = error.pos
    reason = _reason(text, at, error.msg)
    if reason == "json-trailing-comma":
        at = text.rindex(",", 0, at + 1)
    line = text.count("\n", 0, at) + 1
    return Flaw(reason, line, at - text.rfind("\n", 0, at))


def _reason(text: str, at: int, message: str) -> str:
    rest = text[at:].lstrip()
    if message.startswith("Unterminated string"):
        return "json-string"
    if message.startswith("Invalid control character"):
        return "json-line-break"
    if message.startswith("Invalid \\"):
        return "json-escape"
    if not rest:
        return "json-end"
    before = text[:at].rstrip()
    if rest[0] in "'‘’“”":
        return "json-quotes"
    if (before.endswith(",") and rest[0] in "]}") or (
        rest[0] == "," and rest[1:].lstrip()[:1] in "]}"
    ):
        return "json-trailing-comma"
    if message.startswith("Extra data"):
        return "json-extra"
    if "',' delimiter" in message:
        return "json-comma"
    if "':' delimiter" in message:
        return "json-colon"
    if "property name" in message:
        return "json-quotes"
    return "json-value"

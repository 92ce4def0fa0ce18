"""How the proxy reads requests and dresses its answers and errors."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sessions.ports import HttpAnswer
from sessions.redaction import parse_json


class Refused(Exception):
    """A request that is answered with an error status."""

    def __init__(self, status: int, payload: Any) -> None:
        super().__init__(status, payload)
        self.answer = json_answer(payload, status)


@dataclass(frozen=True, slots=True)
class Call:
    """A request on its way to a handler; ``segments`` fill the route's placeholders."""

    segments: Sequence[str]
    query: Mapping[str, str]
    body: str | None

    def session_id(self) -> int:
        """Return the id in the path.

        Raises:
            Refused: when it is not a number.
        """
        return whole_number(self.segments[0], ["path", "session_id"])

    def query_number(self, name: str, default: int | None = None) -> int:
        """Return a number of the query.

        Raises:
            Refused: when it is not a number, or missing without a default.
        """
        text = self.query.get(name)
        if text is not None:
            return whole_number(text, ["query", name])
        if default is None:
            raise unprocessable("missing", ["query", name], "Field required", None)
        return default

    def fields(self) -> dict[str, Any]:
        """Return the body's JSON object.

        Raises:
            Refused: when it is not one.
        """
        if not self.body:
            raise unprocessable("missing", ["body"], "Field required", None)
        try:
            value = parse_json(self.body)
        except ValueError:
            raise unprocessable("json_invalid", ["body", 0], "JSON decode error", {}) from None
        if not isinstance(value, dict):
            message = "Input should be a valid dictionary"
            raise unprocessable("dict_type", ["body"], message, value)
        return value


Handler = Callable[[Call], Any]
"""Answers a call with a JSON value, or with an :class:`HttpAnswer` of its own."""


@dataclass(frozen=True, slots=True)
class Endpoint:
    """A route of the demo; ``{session_id}`` in its path stands for any segment."""

    method: str
    path: str
    handler: Handler


def json_answer(value: Any, status: int = 200) -> HttpAnswer:
    """Return a JSON answer."""
    return HttpAnswer(status, "application/json", json.dumps(value, ensure_ascii=False))


def text_answer(text: str, content_type: str, status: int = 200) -> HttpAnswer:
    """Return an answer that is not JSON."""
    return HttpAnswer(status, f"{content_type}; charset=utf-8", text)


def unprocessable(kind: str, where: list[str | int], message: str, given: Any) -> Refused:
    """Return the error for a value that the proxy cannot use."""
    return Refused(422, {"detail": [{"type": kind, "loc": where, "msg": message, "input": given}]})


def whole_number(text: str, where: list[str | int]) -> int:
    """Read a number of a path or query.

    Raises:
        Refused: when it is not one.
    """
    digits = text.removeprefix("-")
    if digits.isascii() and digits.isdigit() and len(digits) < 19:
        return int(text)
    message = "Input should be a valid integer, unable to parse string as an integer"
    raise unprocessable("int_parsing", where, message, text)


def flag_field(fields: Mapping[str, Any], name: str, default: bool | None = None) -> bool:
    """Read a flag of a body.

    Raises:
        Refused: when it is not one, or missing without a default.
    """
    value = _field(fields, name, default)
    if isinstance(value, bool):
        return value
    raise unprocessable("bool_type", ["body", name], "Input should be a valid boolean", value)


def count_field(fields: Mapping[str, Any], name: str, most: int, default: int | None = None) -> int:
    """Read a count of a body: a whole number from 0 to ``most``.

    Raises:
        Refused: when it is not one, or missing without a default.
    """
    value = _field(fields, name, default)
    if isinstance(value, bool) or not isinstance(value, int):
        raise unprocessable("int_type", ["body", name], "Input should be a valid integer", value)
    if value < 0:
        message = "Input should be greater than or equal to 0"
        raise unprocessable("greater_than_equal", ["body", name], message, value)
    if value > most:
        message = f"Input should be less than or equal to {most}"
        raise unprocessable("less_than_equal", ["body", name], message, value)
    return value


def text_field(fields: Mapping[str, Any], name: str, default: str | None = None) -> str:
    """Read a text of a body.

    Raises:
        Refused: when it is not one, or missing without a default.
    """
    value = _field(fields, name, default)
    if isinstance(value, str):
        return value
    raise unprocessable("string_type", ["body", name], "Input should be a valid string", value)


def list_field(fields: Mapping[str, Any], name: str) -> list[Any]:
    """Read a list of a body.

    Raises:
        Refused: when it is not one, or missing.
    """
    value = _field(fields, name, None)
    if isinstance(value, list):
        return value
    raise unprocessable("list_type", ["body", name], "Input should be a valid list", value)


def _field(fields: Mapping[str, Any], name: str, default: Any) -> Any:
    if name in fields:
        return fields[name]
    if default is None:
        raise unprocessable("missing", ["body", name], "Field required", dict(fields))
    return default

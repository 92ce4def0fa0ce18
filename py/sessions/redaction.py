"""Keeps secrets out: they are dropped from every answer and frame before anything reads it.

``GET /api/sessions/active`` of every known proxy version carries the provider's API key,
and a prompt's preview may quote one. Neither may reach state, storage, bus, log or export,
so this stands at the only two doors: HTTP answers and WebSocket frames.
"""

from __future__ import annotations

import json
import re
from functools import lru_cache
from typing import Any

REDACTED = "[redacted]"

_SECRET_NAME = re.compile(
    r"""(?:^|[_\-.]) (?: x[_-]?api[_-]?key | api[_-]?key | apikey | secret | passwd | password
        | authorization | proxy[_-]authorization | credentials? | bearer
        | (?:access|api|auth|id|refresh|session)[_-]?token | private[_-]?key | client[_-]?secret
        | cookie | set[_-]?cookie )s? (?:$|[_\-.]) | ^token$""",
    re.IGNORECASE | re.VERBOSE,
)
# camelCase names are split before the pattern above looks at them.
_HUMP = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
# Texts that are keys whatever the field is called: sk-…, Bearer …, Google, GitHub, AWS, JWT.
_SECRET_TEXT = re.compile(
    r"""\b(?: (?:sk|pk|rk)-[A-Za-z0-9_\-]{8,} | nvapi-[A-Za-z0-9_\-]{8,} | AIza[A-Za-z0-9_\-]{30,}
        | gh[pousr]_[A-Za-z0-9]{20,} | (?:AKIA[A-Z0-9]{16})+
        | (?<![A-Za-z0-9_\-])eyJ[A-Za-z0-9_\-]{10,}\.[A-Za-z0-9_\-]{10,}\.[A-Za-z0-9_\-]{5,} )
      | (?<=Bearer\ )[A-Za-z0-9._~+/\-]{8,}""",
    re.VERBOSE,
)
# Texts that are keys because of what stands before them: `x-api-key: …`, `password=…`. Prompts are
# full of code and figures: without a letter and a digit near its beginning it is no key. How far
# they may be is bounded, for long texts must not take long.
_SECRET_PAIR = re.compile(
    r"""(\b(?: (?:x[_-]?)?api[_-]?key | (?:client[_-]?)?secret | passw(?:or)?d | authorization
          | (?:(?:access|api|auth|id|refresh|session)[_-]?)?token )
        ["'`]* \s*[:=]\s* ["'`]*
        (?: (?:bearer|basic)\s+
          | (?= [^\s"'`,;()\[\]<>]{0,40}?[0-9] ) (?= [^\s"'`,;()\[\]<>]{0,40}?[A-Za-z] ) ))
      [^\s"'`,;()\[\]<>]{6,}""",
    re.IGNORECASE | re.VERBOSE,
)
# One cheap look at the raw text, in lower case, decides whether a walk through the parsed value
# is needed. It is a list of words because one pattern of them costs thirty times as much.
_SUSPICIONS = (
    *("key", "secret", "passw", "authoriz", "credential", "bearer", "cookie"),
    *('token"', "token:", "token=", "token ", "token'", "token`", "token\\"),
    *("access_tokens", "accesstokens", "api_tokens", "auth_tokens", "refresh_tokens"),
    *("sk-", "pk-", "rk-", "nvapi-", "aiza", "ghp_", "gho_", "ghu_", "ghs_", "ghr_"),
    *("akia", "eyj", "\\u"),
)


def _is_suspicious(text: str) -> bool:
    lowered = text.lower()
    for word in _SUSPICIONS:  # noqa: SIM110 - any() of a generator takes a third longer
        if word in lowered:
            return True
    return False


@lru_cache(maxsize=512)  # the same few names come with every message
def is_secret_name(name: str) -> bool:
    """Tell whether a field of this name holds a secret (``api_key``, ``Authorization`` …)."""
    return _SECRET_NAME.search(_HUMP.sub("_", name)) is not None


def redact_text(text: str) -> str:
    """Replace everything that looks like a key by ``[redacted]``."""
    clean = _SECRET_TEXT.sub(REDACTED, text)
    if clean != text:  # right behind a key there may stand one of another kind
        clean = _SECRET_TEXT.sub(REDACTED, clean)
    return _SECRET_PAIR.sub(rf"\1{REDACTED}", clean)


def redact(value: Any) -> Any:
    """Return a copy of a JSON value without secret fields, and without keys in texts and names.

    A boolean such as ``has_api_key`` says something about a secret without being one: kept.
    """
    if isinstance(value, dict):
        return {
            redact_text(name) if isinstance(name, str) else name: redact(item)
            for name, item in value.items()
            if isinstance(item, bool) or not (isinstance(name, str) and is_secret_name(name))
        }
    if isinstance(value, list):
        return [redact(item) for item in value]
    if isinstance(value, str):
        return redact_text(value)
    return value


def _refuse_constant(name: str) -> Any:
    raise ValueError(f"{name} is not JSON")


_decoder = json.JSONDecoder(parse_constant=_refuse_constant)


def _decode(text: str) -> Any:
    # The decoder's own decode() looks for white space around the value, which costs as much
    # again as a short message; proxies send none.
    if text[:1] == "{" and text[-1:] == "}":
        value, end = _decoder.raw_decode(text)
        if end == len(text):
            return value
    return _decoder.decode(text)


DEEPEST = 200
"""Levels of nesting; a proxy's deepest answer has six. Inside Pyodide a parser that runs out of
stack takes the whole interpreter down, so that depth is looked at before anything is parsed."""

_STRING = re.compile(r'"(?:[^"\\]|\\.)*"', re.DOTALL)
_BRACKET = re.compile(r"[\[\]{}]")


def _is_too_deep(text: str) -> bool:
    if text.count("[") + text.count("{") <= DEEPEST:
        return False
    depth = 0
    for bracket in _BRACKET.finditer(_STRING.sub("", text)):
        depth += 1 if bracket.group() in "[{" else -1
        if depth > DEEPEST:
            return True
    return False


def parse_json(text: str) -> Any:
    """Parse JSON text that somebody else wrote.

    Raises:
        ValueError: when it is not JSON, or nested too deep to be meant.
    """
    if _is_too_deep(text):
        raise ValueError("nested too deep")
    return _decode(text)


def loads_redacted(text: str) -> Any:
    """Parse JSON text, dropping secrets on the way.

    Raises:
        ValueError: when it is not JSON, or nested too deep to be a proxy's answer.
    """
    value = parse_json(text)
    return redact(value) if _is_suspicious(text) else value


def redact_json(text: str) -> str:
    """Return JSON text without secrets, to be kept as text: usually the very text given.

    What holds nothing suspicious is returned unparsed, JSON or not.

    Raises:
        ValueError: when it is suspicious and no JSON: nobody can say what in it is secret.
    """
    if not _is_suspicious(text):
        return text
    value = parse_json(text)
    clean = redact(value)
    return text if clean == value else json.dumps(clean)

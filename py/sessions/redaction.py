"""Keeps secrets out: they are dropped from every answer and frame before anything reads it.

``GET /api/sessions/active`` of every known proxy version carries the provider's API key,
and a prompt's preview may quote one. Neither may reach state, storage, bus, log or export,
so this stands at the only two doors: HTTP answers and WebSocket frames.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Callable
from functools import lru_cache
from typing import Any

from .texts import LONGEST_TEXT, cut, folded, may_hide_ascii, well_formed

REDACTED = "[redacted]"

# All patterns look at ASCII only: what else may stand for it is folded before (sessions.texts).
_SECRET_NAME = re.compile(
    r"""(?:^|[_\-.]) (?: x[_-]?api[_-]?key | api[_-]?key | apikey | secret | passwd | password
        | authorization | proxy[_-]authorization | credentials? | bearer
        | (?:access|api|auth|id|refresh|session)[_-]?token | private[_-]?key | client[_-]?secret
        | cookie | set[_-]?cookie )s? (?:$|[_\-.]) | ^token$""",
    re.IGNORECASE | re.VERBOSE | re.ASCII,
)
# camelCase names are split before the pattern above looks at them.
_HUMP = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
# Texts that are keys whatever the field is called: sk-…, Bearer …, Google, GitHub, AWS, JWT.
_SECRET_TEXT = re.compile(
    r"""(?P<key> \b(?: (?:sk|pk|rk)-[A-Za-z0-9_\-]{8,} | nvapi-[A-Za-z0-9_\-]{8,}
        | AIza[A-Za-z0-9_\-]{30,} | gh[pousr]_[A-Za-z0-9]{20,} | (?:AKIA[A-Z0-9]{16})+
        | (?<![A-Za-z0-9_\-])eyJ[A-Za-z0-9_\-]{10,}\.[A-Za-z0-9_\-]{10,}\.[A-Za-z0-9_\-]{5,} )
      | (?<=Bearer\ )[A-Za-z0-9._~+/\-]{8,} )""",
    re.VERBOSE | re.ASCII,
)
# Texts that are keys because of what stands before them: `x-api-key: …`, `password=…`. Prompts are
# full of code and figures: without a letter and a digit near its beginning it is no key. How far
# they may be is bounded, for long texts must not take long.
_SECRET_PAIR = re.compile(
    r"""\b(?: (?:x[_-]?)?api[_-]?key | (?:client[_-]?)?secret | passw(?:or)?d | authorization
          | (?:(?:access|api|auth|id|refresh|session)[_-]?)?token )
        ["'`]* \s*[:=]\s* ["'`]*
        (?: (?:bearer|basic)\s+
          | (?= [^\s"'`,;()\[\]<>]{0,40}?[0-9] ) (?= [^\s"'`,;()\[\]<>]{0,40}?[A-Za-z] ) )
      (?P<key> [^\s"'`,;()\[\]<>]{6,} )""",
    re.IGNORECASE | re.VERBOSE | re.ASCII,
)
# One cheap look at the raw text, in lower case, decides whether a walk through the parsed value
# is needed: whatever the patterns above find holds one of these, or "token" without an "s" behind
# it. It is a list of words because one pattern of them costs thirty times as much.
_SUSPICIONS = (
    *("key", "secret", "passw", "authoriz", "credential", "bearer", "cookie"),
    *("sk-", "pk-", "rk-", "nvapi-", "aiza", "ghp_", "gho_", "ghu_", "ghs_", "ghr_"),
    *("akia", "eyj", "\\u"),
)
# Every message counts tokens, so that the word alone says nothing.
_SECRET_TOKENS = tuple(
    f"{owner}{joint}"
    for owner in ("access", "api", "auth", "id", "refresh", "session")
    for joint in ("", "_", "-")
)

_LONGEST_CACHED = 100
"""Characters of a name worth remembering; a hostile one of megabytes would be kept for good."""


def _is_suspicious(text: str) -> bool:
    if may_hide_ascii(text):
        return True
    lowered = text.lower()
    for word in _SUSPICIONS:
        if word in lowered:
            return True
    before = lowered.split("tokens")
    if lowered.count("token") >= len(before):
        return True
    before.pop()
    for part in before:  # noqa: SIM110 - any() of a generator takes a third longer
        if _owns_secrets(part[-8:]):
            return True
    return False


@lru_cache(maxsize=512)  # most are "prompt_", "system_" and the like
def _owns_secrets(before: str) -> bool:
    return before.endswith(_SECRET_TOKENS)


def is_secret_name(name: str) -> bool:
    """Tell whether a field of this name holds a secret (``api_key``, ``Authorization`` …)."""
    return _is_known_secret(name) if len(name) <= _LONGEST_CACHED else _names_secret(name)


def _names_secret(name: str) -> bool:
    return _SECRET_NAME.search(_HUMP.sub("_", folded(name))) is not None


_is_known_secret = lru_cache(maxsize=512)(_names_secret)  # the same few come with every message


def redact_text(text: str) -> str:
    """Replace everything that looks like a key by ``[redacted]``."""
    plain = folded(text)  # every character keeps its place
    clean, plain = _without(_SECRET_TEXT, text, plain)
    if clean is not text:  # right behind a key there may stand one of another kind
        clean, plain = _without(_SECRET_TEXT, clean, plain)
    return _without(_SECRET_PAIR, clean, plain)[0]


def _without(pattern: re.Pattern[str], text: str, plain: str) -> tuple[str, str]:
    """Return both texts without the keys that a pattern finds in the plain one."""
    spans = [found.span("key") for found in pattern.finditer(plain)]
    return (_replaced(text, spans), _replaced(plain, spans)) if spans else (text, plain)


def _replaced(text: str, spans: list[tuple[int, int]]) -> str:
    pieces, end = [], 0
    for start, stop in spans:
        pieces.append(text[end:start])
        end = stop
    return REDACTED.join((*pieces, text[end:]))


def redact(value: Any) -> Any:
    """Return a copy of a JSON value without secret fields, and without keys in texts and names.

    A boolean such as ``has_api_key`` says something about a secret without being one: kept.
    """
    return _walk(value, redact_text)


def _walk(value: Any, clean: Callable[[str], str]) -> Any:
    if isinstance(value, dict):
        return {
            clean(name) if isinstance(name, str) else name: _walk(item, clean)
            for name, item in value.items()
            if isinstance(item, bool) or not (isinstance(name, str) and is_secret_name(name))
        }
    if isinstance(value, list):
        return [_walk(item, clean) for item in value]
    return clean(value) if isinstance(value, str) else value


def _redact_and_cut(text: str) -> str:
    return cut(redact_text(text))


def _refuse_constant(name: str) -> Any:
    raise ValueError(f"{name} is not JSON")


def _finite(text: str) -> float | None:
    """Read a number; one too large for a float is as good as none, and could not be written."""
    number = float(text)
    return number if -_LARGEST <= number <= _LARGEST else None


def _whole(text: str) -> int | None:
    """Read a whole number, but none of thousands of digits, which Python refuses to write."""
    return int(text) if len(text) <= 309 else None


_LARGEST = sys.float_info.max
_decoder = json.JSONDecoder(parse_constant=_refuse_constant, parse_float=_finite)
# It calls Python for every number, which costs a message as much as all the rest.
_careful_decoder = json.JSONDecoder(
    parse_constant=_refuse_constant, parse_float=_finite, parse_int=_whole
)


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


class NestedTooDeep(ValueError):
    """A JSON text has more levels than :data:`DEEPEST`."""


# A string that is cut off counts as one up to the end: looked for again from every quote in it,
# its end would take a time that grows with the square of its length.
_STRING = re.compile(r'"(?:[^"\\]|\\.)*+"?', re.DOTALL)
_BRACKET = re.compile(r"[\[\]{}]")
_SURROGATE_ESCAPE = re.compile(r"\\u[dD][89a-fA-F]")
# The escape of a surrogate, alone or as a pair; any other escape, so that `\\\\ud800` is none.
_ESCAPE = re.compile(
    r"\\(?:u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}"
    r"|(?P<lone>u[dD][89a-fA-F][0-9a-fA-F]{2})|.)",
    re.DOTALL,
)


def _is_too_deep(text: str) -> bool:
    if text.count("[") + text.count("{") <= DEEPEST:
        return False
    depth = 0
    for bracket in _BRACKET.finditer(_STRING.sub("", text)):
        depth += 1 if bracket.group() in "[{" else -1
        if depth > DEEPEST:
            return True
    return False


def _well_formed_json(text: str) -> str:
    """Replace lone surrogates, written out or escaped; every character keeps its place."""
    if _SURROGATE_ESCAPE.search(text):
        text = _ESCAPE.sub(lambda e: r"\ufffd" if e["lone"] else e[0], text)
    return well_formed(text)


def parse_json(text: str) -> Any:
    """Parse JSON text that somebody else wrote, into a value that can be written again.

    Lone surrogates become U+FFFD, and numbers beyond the largest float become None.

    Raises:
        JSONDecodeError: when it is not JSON, with the place in ``text``.
        NestedTooDeep: when it is nested too deep to be meant.
        ValueError: when it holds NaN or an infinity; the two above are ValueErrors as well.
    """
    if _is_too_deep(text):
        raise NestedTooDeep("nested too deep")
    text = _well_formed_json(text)
    try:
        return _decode(text)
    except json.JSONDecodeError:
        raise
    except ValueError:
        return _careful_decoder.decode(text)  # a number of thousands of digits, or no JSON


def loads_whole(text: str) -> Any:
    """Parse JSON text, dropping secrets on the way; texts in it keep their whole length.

    Raises:
        ValueError: as :func:`parse_json`.
    """
    value = parse_json(text)
    return redact(value) if _is_suspicious(text) else value


def loads_redacted(text: str) -> Any:
    """Parse JSON text, dropping secrets and the ends of overlong texts on the way.

    Raises:
        ValueError: as :func:`parse_json`.
    """
    if len(text) <= LONGEST_TEXT:
        return loads_whole(text)
    return _walk(parse_json(text), _redact_and_cut)


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

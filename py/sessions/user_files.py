"""One user's data as a file, to take along to another browser or to keep.

What comes in is somebody else's text: it is checked as a whole before anything of it is used.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from .discovery import DEMO, normalise_address
from .envelope import Envelope, Finding, compose, parse
from .errors import BadInput, BadUserFile, BadUserName
from .models import as_mapping, as_text
from .preferences import LANGUAGE, LAST_PROXY, NAMES, PROXY, THEME
from .redaction import loads_redacted, redact
from .times import format_timestamp
from .users import clean_name

FORMAT = "kimi-proxy-dashboard/user"
VERSION = 1

LARGEST_FILE = 4_000_000
"""Characters; what the page remembers of a user is never nearly as long."""

_ALLOWED = {THEME: ("dark", "light"), LANGUAGE: ("en", "fr")}


@dataclass(frozen=True, slots=True)
class UserFile:
    """What a file holds of a user. ``name`` is empty when the user never had one."""

    name: str
    preferences: Mapping[str, str]
    state: Envelope

    def state_text(self) -> str:
        """Return the state as it lies in the storage."""
        texts = [saved.to_text(address) for address, saved in self.state.sessions]
        return compose(self.state.written_at, self.state.proxies, texts)

    def to_text(self, at: float) -> str:
        """Return the file's text; ``at`` is now, in milliseconds since 1970."""
        value = {
            "format": FORMAT,
            "version": VERSION,
            "exportedAt": format_timestamp(at),
            "user": {"name": self.name},
            "preferences": dict(self.preferences),
            "state": json.loads(self.state_text()),
        }
        return json.dumps(redact(value), ensure_ascii=False, indent=1) + "\n"


def parse_user_file(text: str, now: float) -> UserFile:
    """Read a file that :meth:`UserFile.to_text` wrote.

    Raises:
        BadUserFile: when it is anything else, in whole or in part.
    """
    if len(text) > LARGEST_FILE:
        raise BadUserFile("users.file.large", "The file is too large to be a user's data.")
    try:
        value = as_mapping(loads_redacted(text))
    except ValueError as error:
        message = "The file is not JSON, or it was cut off."
        raise BadUserFile("users.file.no_json", message) from error
    if value.get("format") != FORMAT:
        raise BadUserFile("users.file.foreign", "The file was not exported by this dashboard.")
    version = value.get("version")
    if isinstance(version, bool) or not isinstance(version, int) or version < 1:
        raise _damaged("version")
    if version > VERSION:
        raise _newer()
    return UserFile(
        _name(value.get("user")),
        _preferences(value.get("preferences")),
        _state(value.get("state"), now),
    )


def _damaged(part: str) -> BadUserFile:
    return BadUserFile("users.file.damaged", f"The file is damaged: {part}.", part=part)


def _newer() -> BadUserFile:
    return BadUserFile("users.file.newer", "A newer version of this page wrote the file.")


def _name(value: object) -> str:
    name = as_text(as_mapping(value).get("name"))
    if name is None:
        raise _damaged("user")
    try:
        return clean_name(name) if name else ""
    except BadUserName as error:
        raise _damaged("user") from error


def _preferences(value: object) -> dict[str, str]:
    if not isinstance(value, Mapping):
        raise _damaged("preferences")
    found = {}
    for name in NAMES:
        choice = value.get(name)
        if choice is None:
            continue
        if not isinstance(choice, str) or not _is_choice(name, choice):
            raise _damaged(f"preferences.{name}")
        found[name] = choice
    return found


def _is_choice(name: str, choice: str) -> bool:
    if name in _ALLOWED:
        return choice in _ALLOWED[name]
    try:
        address = normalise_address(choice)
    except BadInput:
        return False
    return name == PROXY or (name == LAST_PROXY and address != DEMO)


def _state(value: Any, now: float) -> Envelope:
    try:
        envelope, finding = parse(json.dumps(value, ensure_ascii=False, allow_nan=False), now)
    except ValueError as error:
        raise _damaged("state") from error
    if finding is Finding.NEWER:
        raise _newer()
    if finding is not Finding.WHOLE:
        raise _damaged("state")
    return envelope

"""One spelling for each path, so that what is routed is what is served or passed on."""

from __future__ import annotations

import re
from urllib.parse import quote, unquote_to_bytes

from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Receive, Scope, Send

#: What a segment may hold without percent-encoding (RFC 3986, 3.3).
PLAIN = "!$&'()*+,;=:@-._~"

#: A request's target: visible characters, every % with its two digits, no fragment.
TARGET = re.compile(r"/(?:[^\x00-\x20\x7f-\U0010ffff#%\\]|%[0-9A-Fa-f]{2})*")
QUERY = re.compile(rb"[^\x00-\x20\x7f-\xff#]*")

#: Nothing that a path means has these in a name; some servers take \ for /.
FORBIDDEN = re.compile(r"[\x00-\x1f\x7f\\]")

DOTS = (".", "..")


class PathError(ValueError):
    """A path has no one meaning, or leads out of the root."""


def normal_path(raw: str) -> str:
    """Return a percent-encoded path without ``//``, ``/./`` and ``/../``, however encoded.

    A slash that is encoded, ``%2F``, stays part of its segment.

    Raises:
        PathError: it leads out of the root, or different servers would read it differently.
    """
    if not TARGET.fullmatch(raw):
        raise PathError("is not a path")
    kept: list[str] = []
    names = [decoded(segment) for segment in raw.split("/")[1:]]
    for name in names:
        if name == "..":
            if not kept:
                raise PathError("leads out of the root")
            kept.pop()
        elif name and name != ".":
            kept.append(quote(name, safe=PLAIN))
    is_folder = bool(kept) and (not names[-1] or names[-1] in DOTS)
    return "/" + "/".join(kept) + ("/" if is_folder else "")


def decoded(segment: str) -> str:
    """Return the name that a segment stands for.

    Raises:
        PathError: it is not text, or could be taken for several segments.
    """
    try:
        name = unquote_to_bytes(segment).decode("utf-8")
    except UnicodeDecodeError:
        raise PathError("is not UTF-8") from None
    parts = name.split("/")
    if FORBIDDEN.search(name) or (len(parts) > 1 and any(p in ("", *DOTS) for p in parts)):
        raise PathError("is ambiguous")
    return name


def routed_path(normal: str) -> str:
    """Return a normal path decoded for routing; an encoded slash separates nothing."""
    segments = (unquote_to_bytes(segment).decode("utf-8") for segment in normal.split("/"))
    return "/".join(segment.replace("/", "%2F") for segment in segments)


class NormalPaths:
    """Gives every request the normal spelling of its path; answers 400 where there is none."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the call on; the scope is changed in place, for those around this one too."""
        if scope["type"] in ("http", "websocket"):
            try:
                normalise(scope)
            except PathError as error:
                sentence = f"The address of this request {error}."
                await JSONResponse({"error": sentence}, 400)(scope, receive, send)
                return
        await self.app(scope, receive, send)


def normalise(scope: Scope) -> None:
    """Change the path of a scope to its normal spelling.

    Raises:
        PathError: it has none.
    """
    if not QUERY.fullmatch(scope["query_string"]):
        raise PathError("is not a path")
    normal = normal_path(scope["raw_path"].decode("latin-1"))
    scope["path"], scope["raw_path"] = routed_path(normal), normal.encode("ascii")

"""The proxy's address as it was given, and what of it may be shown."""

from __future__ import annotations

import re
from base64 import b64encode
from dataclasses import dataclass, field
from urllib.parse import SplitResult, unquote, urlsplit

#: A name, an IPv4 or, in brackets, an IPv6 address.
HOST = re.compile(r"[A-Za-z0-9._-]+|[0-9A-Fa-f:.]*:[0-9A-Fa-f:.]*")

#: What an address consists of; anything else in it has to be percent-encoded.
ADDRESS = re.compile(r"[\x21-\x7e]+")


class AddressError(ValueError):
    """An address cannot be used; the message names it without what could be secret."""


@dataclass(frozen=True)
class ProxyAddress:
    """Where the proxy is.

    Attributes:
        url: its address without a slash at its end and without name and password,
            fit to be shown.
        authorization: what is sent as ``Authorization`` header, if the address
            brought a name or a password; never shown.
    """

    url: str
    authorization: str | None = field(default=None, repr=False)

    @property
    def websocket(self) -> str:
        """The same address for WebSockets."""
        return "ws" + self.url.removeprefix("http")


def masked(text: str) -> str:
    """Return an address without name, password and query, however broken it is."""
    return re.sub(r"\?.*", "?…", re.sub(r".*@", "…@", text, flags=re.S), flags=re.S)


def proxy_address(text: str) -> ProxyAddress:
    """Read an address such as ``http://127.0.0.1:8000`` or ``https://name:password@host/below``.

    Raises:
        AddressError: it is none, or has parts that an address to relay to cannot have.
    """
    parts = address_parts(text)
    if parts.query or parts.fragment or text.endswith(("?", "#")):
        raise AddressError(f"{masked(text)!r} must end before its query")
    if "@" in parts.path:
        raise AddressError(f"{masked(text)!r} has a password with a / in it: write it as %2F")
    userinfo, _, host = parts.netloc.rpartition("@")
    url = f"{parts.scheme}://{host}{parts.path}".rstrip("/")
    return ProxyAddress(url, basic(userinfo) if userinfo else None)


def address_parts(text: str) -> SplitResult:
    """Split an address.

    Raises:
        AddressError: it has no scheme, host or port that can be used.
    """
    wrong = AddressError(f"{masked(text)!r} is no address like http://127.0.0.1:8000")
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError:
        # urlsplit's own message repeats the address as it is.
        raise wrong from None
    usable = parts.scheme in ("http", "https") and HOST.fullmatch(parts.hostname or "")
    if not usable or port == 0 or not ADDRESS.fullmatch(text):
        raise wrong
    return parts


def basic(userinfo: str) -> str:
    """Return the header value for a percent-encoded ``name:password``."""
    name, _, password = userinfo.partition(":")
    credentials = f"{unquote(name)}:{unquote(password)}"
    return f"Basic {b64encode(credentials.encode()).decode()}"

"""The page's address: what it asks for, and how it changes."""

from __future__ import annotations

import js


def asked_for(name: str) -> str | None:
    """Return what the page's address says under a name."""
    return js.URLSearchParams.new(js.location.search).get(name) or None  # null is not None


def forget_asked_user() -> None:
    """Take the user out of the page's address: another one was chosen since."""
    address = js.URL.new(js.location.href)
    if address.searchParams.has("user"):
        address.searchParams.delete("user")
        js.history.replaceState(None, "", address.href)


def reload_without_choice() -> None:
    """Load the page again; what its address says about the proxy no longer counts."""
    address = js.URL.new(js.location.href)
    address.searchParams.delete("proxy")
    js.location.replace(address.href)


def visit_replay(name: str | None) -> None:
    """Load the page again, to replay the recording of that name; None: to show what is live."""
    address = js.URL.new(js.location.href)
    if name is None:
        address.searchParams.delete("replay")
    else:
        address.searchParams.set("replay", name)
    if address.href == js.location.href:
        js.location.reload()
    else:
        js.location.assign(address.href)

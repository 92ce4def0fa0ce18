"""Errors as notices: each kind of failure has one sentence, in the page's language."""

from __future__ import annotations

from .errors import (
    BadAnswer,
    NoSession,
    ProxyFault,
    ProxyRefused,
    ProxyTimeout,
    ProxyUnreachable,
    RouteUnsupported,
    SessionNotFound,
)
from .models import Notice

_KEYS: tuple[tuple[type[Exception], str], ...] = (
    (ProxyTimeout, "error.timeout"),
    (ProxyUnreachable, "error.unreachable"),
    (RouteUnsupported, "error.unsupported"),
    (ProxyRefused, "error.refused"),
    (ProxyFault, "error.fault"),
    (BadAnswer, "error.bad_answer"),
    (SessionNotFound, "error.session_not_found"),
    (NoSession, "error.no_session"),
)


def notice_for(error: Exception, what: str, kind: str = "error") -> Notice:
    """Return the notice for a failure.

    Args:
        error: what went wrong.
        what: the catalogue's key of what was being done ("The session was not deleted.").
        kind: how serious it is.

    The proxy's own sentence, when there is one, becomes the detail; otherwise the detail is
    the catalogue's sentence for that kind of error, named by ``values["why"]``.
    """
    why = next((key for cls, key in _KEYS if isinstance(error, cls)), "error.other")
    own_words = isinstance(error, ProxyRefused | ProxyFault) or why == "error.other"
    return Notice(kind, what, {"why": why}, str(error) if own_words else None)

"""Promises of JavaScript, awaited in the one way that always comes to an end."""

from __future__ import annotations

from typing import Any

import js
from pyodide.ffi import JsException, to_js


async def settled(promise: Any) -> Any:
    """Wait until a promise is settled; return what it brings.

    Pyodide takes for an error only what has a message and a stack. Whoever awaits a promise that
    rejects with anything else waits for ever: WebKit's failed ``fetch`` and ``import()`` have no
    stack, and a script may reject with a text. JavaScript's own ``Promise.allSettled`` never
    rejects, so what a promise rejected with arrives as a value and is made an error here.

    Raises:
        JsException: the promise was rejected.
    """
    outcomes = await js.Promise.allSettled(to_js([promise]))
    if outcomes[0].status == "fulfilled":
        return outcomes[0].value
    raise as_error(outcomes[0].reason)


def as_error(reason: Any) -> JsException:
    """Return what a promise rejected with as an error with message, name and stack."""
    if isinstance(reason, JsException):
        return reason
    message = getattr(reason, "message", None)
    error: JsException = js.Error.new(str(reason if message is None else message))
    error.name = getattr(reason, "name", None) or "Error"
    return error

"""Promises of JavaScript, awaited in the one way that always comes to an end."""

from __future__ import annotations

from typing import Any

import js
from pyodide.ffi import JsException, to_js


async def settled(owner: Any, name: str, *arguments: Any) -> Any:
    """Call an object's function that makes a promise; wait for it, and return what it brings.

    Pyodide takes for an error only what has a message and a stack. Whoever awaits a promise that
    rejects with anything else waits for ever: WebKit's failed ``fetch`` and ``import()`` have no
    stack, and a script may reject with a text. Even a promise that Python only gets hold of has
    Pyodide listening to it, and failing. So JavaScript's own functions call it and wait for it
    here: ``map`` keeps the promise in an array, and ``Promise.allSettled`` never rejects. What it
    was rejected with arrives as a value, and is made an error then.

    Args:
        owner: a JavaScript object.
        name: of its function, which ``map`` gives three more arguments than these.
        arguments: what it is called with; what JavaScript keeps of Python's has to be a proxy.

    Raises:
        JsException: the promise was rejected, or the function threw.
    """
    function = getattr(owner, name).bind(owner, *arguments)
    outcomes = await js.Promise.allSettled(to_js([None]).map(function))
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

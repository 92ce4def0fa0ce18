"""Joins JavaScript to the bus: its handlers and Python's stand in one registry."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import js
from pyodide.ffi import create_proxy, to_js

from sessions.events import EventBus
from sessions.models import to_plain
from sessions.redaction import parse_json


class JsRegistry:
    """What ``static/js/bus.js`` calls: ``on``, ``off`` and ``emit`` for JavaScript."""

    def __init__(self, bus: EventBus, module: Any) -> None:
        """Register JavaScript's handlers on ``bus``."""
        self._bus = bus
        self._deliver = module.deliver
        self._handlers: list[tuple[str, Any, Callable[[], None]]] = []
        # The JSON of the payload being delivered: several handlers share one conversion,
        # and each still parses an object of its own.
        self._payload: object = None
        self._json = "null"
        functions = {"on": self.on, "off": self.off, "emit": self.emit}
        proxies = {name: create_proxy(function) for name, function in functions.items()}
        module.connect(to_js(proxies, dict_converter=js.Object.fromEntries))

    def on(self, topic: str, callback: Any) -> None:
        """Call a JavaScript function with a plain object at every ``topic``."""
        callback = callback.copy() if hasattr(callback, "copy") else callback

        def handler(payload: object) -> None:
            self._deliver(callback, self._as_json(payload))

        self._handlers.append((topic, callback, self._bus.on(topic, handler)))

    def off(self, topic: str, callback: Any) -> None:
        """Forget the earliest registration of a JavaScript function."""
        for entry in self._handlers:
            if entry[0] == topic and entry[1] == callback:
                entry[2]()
                self._handlers.remove(entry)
                if hasattr(entry[1], "destroy"):
                    entry[1].destroy()
                return

    def emit(self, topic: str, text: str) -> None:
        """Emit what JavaScript sends, as plain Python values."""
        self._bus.emit(topic, parse_json(text))

    def _as_json(self, payload: object) -> str:
        if payload is None:
            return "null"
        if payload is not self._payload:
            self._json = json.dumps(to_plain(payload), ensure_ascii=False)
            self._payload = payload
        return self._json

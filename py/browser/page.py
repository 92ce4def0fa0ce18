"""The page itself: collects what panels write during a frame, and hands it over in one call."""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from pyodide.ffi import create_proxy

from views.page import Action, Row


class BrowserPage:
    """Implements :class:`views.page.Page`. Writes what changed, and only that."""

    def __init__(self, module: Any) -> None:
        """Write through ``module``, the JavaScript of ``static/js/page.js``."""
        self._module = module
        self._apply = module.apply
        self._operations: list[list[Any]] = []
        self._written: dict[tuple[str, str], object] = {}
        self._rows: dict[str, Mapping[str, Mapping[str, object]]] = {}

    def text(self, element: str, value: str) -> None:
        """Set an element's text."""
        self._write(element, "", value)

    def attribute(self, element: str, name: str, value: str | None) -> None:
        """Set an attribute; None removes it."""
        self._write(element, f"@{name}", value)

    def style(self, element: str, name: str, value: str) -> None:
        """Set a CSS custom property (``--value``)."""
        self._write(element, name, value)

    def property(self, element: str, name: str, value: str | bool) -> None:
        """Set a property such as ``hidden``, ``disabled``, ``checked`` or ``value``."""
        if name in ("checked", "value"):  # a person changes these as well
            self._operations.append(["write", element, f".{name}", value])
        else:
            self._write(element, f".{name}", value)

    def rows(
        self, container: str, template: str, rows: Sequence[Row], *, recycle: bool = False
    ) -> None:
        """Make a list show exactly these rows, reusing those whose key is there already."""
        known = self._rows.get(container, {})
        wanted = {row.key: row.fields for row in rows}
        moved = list(wanted) != list(known)
        # In their order: when all rows give way to others, none of them has to move.
        free = deque(key for key in known if key not in wanted) if recycle and moved else None
        changes = []
        for key, fields in wanted.items():
            before = known.get(key)
            if before is fields:
                continue
            old = None
            if before is None and free:
                old = free.popleft()
                before = known[old]
            if before is None:
                changes.append([key, None, fields])
                continue
            new = {name: value for name, value in fields.items() if before.get(name) != value}
            if new or old is not None:
                changes.append([key, old, new])
        if changes or moved:
            order = list(wanted) if moved else None
            self._operations.append(["rows", container, template, order, changes])
            self._rows[container] = wanted

    def options(self, select: str, options: Sequence[tuple[str, str]], selected: str) -> None:
        """Fill a ``<select>`` with (value, label) pairs."""
        self._operations.append(["options", select, list(options), selected])

    def open(self, element: str) -> None:
        """Open a dialog."""
        self._operations.append(["open", element])

    def close(self, element: str) -> None:
        """Close a dialog or a popover."""
        self._operations.append(["close", element])

    def focus(self, element: str) -> None:
        """Move the keyboard's focus."""
        self._operations.append(["focus", element])

    def follow(self, container: str) -> None:
        """Keep a list's newest row in view while its reader is at the end."""
        self._operations.append(["follow", container])

    def to_end(self, container: str) -> None:
        """Go to a list's newest row and follow it again."""
        self._operations.append(["toEnd", container])

    def value(self, element: str) -> str:
        """Return what a person has typed into a field."""
        return str(self._module.read(element))

    def translate(self, language: str, texts: Mapping[str, str]) -> None:
        """Put every fixed text of the page into a language."""
        self._written.clear()
        self._operations.append(["translate", language, dict(texts)])

    def flush(self) -> None:
        """Carry out what was collected."""
        if self._operations:
            operations, self._operations = self._operations, []
            self._apply(json.dumps(operations, ensure_ascii=False, separators=(",", ":")))

    def listen(self, handler: Callable[[Action], None]) -> None:
        """Call ``handler`` for everything a person does, for as long as the page lives."""

        def heard(text: str) -> None:
            handler(Action.from_wire(json.loads(text)))

        self._module.listen(create_proxy(heard))

    def save(self, name: str, content_type: str, text: str) -> None:
        """Offer a text as a file to keep."""
        self._module.save(name, content_type, text)

    def _write(self, element: str, name: str, value: object) -> None:
        key = (element, name)
        if key not in self._written or self._written[key] != value:
            self._written[key] = value
            self._operations.append(["write", element, name, value])

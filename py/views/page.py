"""The page as panels see it, and what a person does to it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from sessions.models import as_mapping, as_text


@dataclass(frozen=True, slots=True)
class Row:
    """One row of a list.

    Attributes:
        key: what it is recognised by when the list changes.
        fields: what stands in it: ``name`` is a field's text, ``name@attribute`` and
            ``name.property`` its attributes and properties; the empty name is the row.
    """

    key: str
    fields: Mapping[str, str | bool | None]


@dataclass(frozen=True, slots=True)
class Action:
    """Something a person did.

    Attributes:
        name: the element's ``data-action``.
        value: the element's value, if it has one.
        checked: its state, for switches and boxes.
        row: the id of the row it stands in, if any.
        fields: the fields of its form, by id.
        details: anything else.
    """

    name: str
    value: str | None = None
    checked: bool | None = None
    row: str | None = None
    fields: Mapping[str, str] = field(default_factory=dict)
    details: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def from_wire(cls, data: Mapping[str, Any]) -> Action:
        """Read what the page's JavaScript reports."""
        checked = data.get("checked")
        return cls(
            name=as_text(data.get("action")) or "",
            value=as_text(data.get("value")),
            checked=checked if isinstance(checked, bool) else None,
            row=as_text(data.get("row")),
            fields={k: v for k, v in as_mapping(data.get("fields")).items() if isinstance(v, str)},
            details=data,
        )


class Page(Protocol):
    """Writes to the page. Nothing appears before :meth:`flush`, once a frame."""

    def text(self, element: str, value: str) -> None:
        """Set an element's text."""

    def attribute(self, element: str, name: str, value: str | None) -> None:
        """Set an attribute; None removes it."""

    def style(self, element: str, name: str, value: str) -> None:
        """Set a CSS custom property (``--value``)."""

    def property(self, element: str, name: str, value: str | bool) -> None:
        """Set a property such as ``hidden``, ``disabled``, ``checked`` or ``value``."""

    def rows(
        self, container: str, template: str, rows: Sequence[Row], *, recycle: bool = False
    ) -> None:
        """Make a list show exactly these rows, reusing those whose key is there already.

        With ``recycle`` a new row is written over one that is not wanted any more. That is for
        rows that hold nothing of a person's: no focus, no tick.
        """

    def options(self, select: str, options: Sequence[tuple[str, str]], selected: str) -> None:
        """Fill a ``<select>`` with (value, label) pairs."""

    def open(self, element: str) -> None:
        """Open a dialog."""

    def close(self, element: str) -> None:
        """Close a dialog or a popover."""

    def focus(self, element: str) -> None:
        """Move the keyboard's focus."""

    def follow(self, container: str) -> None:
        """Keep a list's newest row in view while its reader is at the end."""

    def to_end(self, container: str) -> None:
        """Go to a list's newest row and follow it again."""

    def value(self, element: str) -> str:
        """Return what a person has typed into a field."""
        ...

    def translate(self, language: str, texts: Mapping[str, str]) -> None:
        """Put every fixed text of the page into a language."""

    def flush(self) -> None:
        """Carry out what was collected."""

    def save(self, name: str, content_type: str, text: str) -> None:
        """Offer a text as a file to keep."""


class Panel(Protocol):
    """A part of the page."""

    def render(self) -> None:
        """Write what the panel should show now."""


class Renderer:
    """Renders what changed, once a frame, in one call to the page."""

    def __init__(
        self,
        page: Page,
        request_frame: Callable[[], None],
        report: Callable[[str, BaseException], None],
    ) -> None:
        """Render to ``page`` whenever the frame that was requested comes."""
        self._page = page
        self._request_frame = request_frame
        self._report = report
        self._dirty: dict[Panel, bool] = {}  # and whether it may wait
        self.frames = 0
        """Frames begun so far: what was touched in an earlier one has been rendered."""

    def touch(self, panel: Panel, *, costly: bool = False) -> None:
        """Have a panel rendered in the next frame; of costly ones there is one a frame."""
        self._dirty[panel] = costly and self._dirty.get(panel, True)
        self._request_frame()

    def frame(self) -> None:
        """Render every panel that was touched."""
        self.frames += 1
        dirty, self._dirty = self._dirty, {}
        is_full = False
        for panel, costly in dirty.items():
            if costly and is_full:
                self.touch(panel, costly=True)
                continue
            is_full = is_full or costly
            try:
                panel.render()
            except Exception as error:  # one panel's fault must not blank the others
                self._report(type(panel).__name__, error)
        self._page.flush()

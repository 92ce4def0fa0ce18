"""Recordings: the switch, the list, and the mark that says that one is under way."""

from __future__ import annotations

from collections.abc import Sequence

from sessions import events, shelf
from sessions.models import Notice
from sessions.shelf import Entry

from .desk import Desk
from .page import Action, Row

MEGABYTE = 1_000_000


def duration(milliseconds: float) -> str:
    """Return a length of time as people read it off a clock.

    Example:
        >>> duration(3_723_900)
        '1:02:03'
    """
    seconds = int(milliseconds // 1000)
    hours, minutes = seconds // 3600, seconds // 60 % 60
    rest = f"{minutes:02d}:{seconds % 60:02d}"
    return f"{hours}:{rest}" if hours else rest


class Recordings:
    """The dialog of recordings, and the button that opens it."""

    def __init__(self, desk: Desk, current: Entry | None, *, in_replay: bool) -> None:
        """Show what is kept; ``current`` is the recording under way, if one is."""
        self._desk = desk
        self._current = current
        self._in_replay = in_replay
        self._entries: tuple[Entry, ...] = ()
        self._doubted = ""
        desk.bus.on(shelf.RECORDING_CHANGED, self._changed)
        desk.bus.on(shelf.RECORDINGS_LISTED, self._listed)
        desk.on_action("recordings:show", self._show)
        desk.on_action("recordings:toggle", self._toggle)
        desk.on_action("recordings:play", lambda a: desk.intend(shelf.PLAY, id=a.row))
        desk.on_action("recordings:save", lambda a: desk.intend(shelf.SAVE, id=a.row))
        desk.on_action("recordings:remove", self._remove)
        desk.on_action("recordings:file", self._open)

    def render(self) -> None:
        """Write the mark, the switch and the list."""
        page, words = self._desk.page, self._desk.words
        recording = self._current is not None
        page.property("recording-mark", "hidden", not recording)
        page.attribute("recordings-open", "data-recording", "true" if recording else "false")
        page.text(
            "recordings-open-text", words("recordings.mark" if recording else "recordings.open")
        )
        page.property("recording-toggle", "checked", recording)
        page.property("recording-toggle", "disabled", self._in_replay)
        page.text(
            "recording-note", words("replay.read_only" if self._in_replay else "recordings.note")
        )
        page.rows("recordings-list", "recording-row", [self._row(e) for e in self._shown()])

    def _shown(self) -> Sequence[Entry]:
        kept = self._entries
        if self._current is None:
            return kept
        return [self._current, *(entry for entry in kept if entry.id != self._current.id)]

    def _row(self, entry: Entry) -> Row:
        words = self._desk.words
        moment = words.formats.moment(entry.started)
        current = self._current is not None and entry.id == self._current.id
        doubted = entry.id == self._doubted
        size = words.formats.decimal(entry.chars / MEGABYTE, 1)
        place = words("connection.demo") if entry.demo else entry.address
        detail = words(
            "recordings.detail",
            length=duration(entry.length),
            frames=words.count("recordings.frames", entry.frames),
            size=words("recordings.size", size=size),
        )
        return Row(
            entry.id,
            {
                "@data-row": entry.id,
                "@data-current": "true" if current else "false",
                "title": f"{moment} · {place}",
                "badge": words("recordings.current"),
                "badge.hidden": not current,
                "detail": detail,
                "play@aria-label": words("recordings.play", moment=moment),
                "play@title": words("recordings.play", moment=moment),
                "save@aria-label": words("recordings.save", moment=moment),
                "save@title": words("recordings.save", moment=moment),
                "remove@aria-label": words(
                    "recordings.sure" if doubted else "recordings.remove", moment=moment
                ),
                "remove@title": words("recordings.remove", moment=moment),
                "remove.disabled": current,
                "sure": words("recordings.sure"),
                "sure.hidden": not doubted,
            },
        )

    # -- what a person does -------------------------------------------------------------

    def _show(self, _: Action) -> None:
        self._doubted = ""
        self._desk.page.open("recordings-dialog")
        self._desk.intend(shelf.LIST)
        self._desk.renderer.touch(self)

    def _toggle(self, action: Action) -> None:
        self._desk.intend(shelf.RECORD, enabled=bool(action.checked))
        self._desk.renderer.touch(self)

    def _remove(self, action: Action) -> None:
        """Ask once more, in the button itself."""
        if self._doubted == action.row:
            self._doubted = ""
            self._desk.intend(shelf.REMOVE, id=action.row)
        else:
            self._doubted = action.row or ""
        self._desk.renderer.touch(self)

    def _open(self, action: Action) -> None:
        if action.value is not None:
            self._desk.intend(shelf.OPEN, text=action.value)
        else:
            self._desk.bus.emit(events.NOTICE, Notice("error", "recordings.unreadable", {}))

    # -- what comes back ----------------------------------------------------------------

    def _changed(self, current: Entry | None) -> None:
        self._current = current
        self._desk.renderer.touch(self)

    def _listed(self, entries: Sequence[Entry]) -> None:
        self._entries = tuple(entries)
        self._desk.renderer.touch(self)

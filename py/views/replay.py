"""The bar under a replay: what it is, play and pause, speed, any moment, and the way out."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from math import ceil, inf

from sessions import events, shelf
from sessions.models import Notice
from sessions.recording import Recording
from sessions.replay import REPLAY_CHANGED, SPEEDS, Playback, Player

from .desk import Desk
from .header import LANGUAGE_CHANGED
from .page import Action
from .recordings import duration

FASTEST = "max"

MOVE_EVERY = 300
"""Milliseconds between two moves of the slider while a replay plays."""

STEP = 100
"""Milliseconds by which the slider moves, as ``index.html`` has it."""

LIVE_ONLY = frozenset(
    (
        *("session:new", "session:select", "session:check", "session:delete", "session:create"),
        *("session:delete-confirm", "auto-session:toggle", "connect:open", "connect:submit"),
        *("compaction:preview", "compaction:run", "compaction:auto", "compaction:reserved"),
        *("export:csv", "export:json", "user:select", "user:new", "user:edit", "user:name"),
        *("user:delete", "user:delete-confirm", "user:export", "user:import"),
    )
)
"""What a person can do to a proxy. In a replay there is none."""


class ReplayBar:
    """Drives the player. Says plainly that nothing on the page is live."""

    def __init__(self, desk: Desk, player: Player, recording: Recording) -> None:
        """Show where ``player`` stands."""
        self._desk = desk
        self._player = player
        self._header = recording.header
        self._refill = True
        self._shown = player.playback
        desk.bus.on(REPLAY_CHANGED, self._changed)
        desk.bus.on(LANGUAGE_CHANGED, self._speak)
        desk.on_action("replay:toggle", self._toggle)
        desk.on_action("replay:seek", self._seek)
        desk.on_action("replay:speed", self._set_speed)
        desk.on_action("replay:leave", lambda _: desk.intend(shelf.LEAVE))
        desk.page.attribute("root", "data-replay", "true")

    def guard(
        self, act: Callable[[Action], None], show_all: Callable[[], None]
    ) -> Callable[[Action], None]:
        """Return ``act`` for a page on which nothing can be changed.

        ``show_all`` renders everything: a switch that was turned goes back to what it was.
        """

        def screened(action: Action) -> None:
            if action.name in LIVE_ONLY:
                self._desk.bus.emit(events.NOTICE, Notice("info", "replay.read_only", {}))
                show_all()
            else:
                act(action)

        return screened

    def render(self) -> None:
        """Write the bar."""
        page, words, header = self._desk.page, self._desk.words, self._header
        now = self._shown = self._player.playback
        moment = words.formats.moment(header.started)
        page.property("replay-bar", "hidden", False)
        page.text(
            "replay-text",
            words("replay.from_demo", moment=moment)
            if header.demo
            else words("replay.from", moment=moment, address=header.address),
        )
        page.property("replay-note", "hidden", not now.divergences)
        page.text("replay-note", words("replay.differs"))
        page.attribute("replay-play", "data-playing", "true" if now.is_playing else "false")
        page.attribute(
            "replay-play", "aria-label", words("replay.pause" if now.is_playing else "replay.play")
        )
        page.text("replay-position", duration(now.position))
        page.text("replay-length", duration(now.length))
        page.attribute("replay-bar", "aria-busy", "true" if now.is_seeking else None)
        # It moves in steps, and its last one has to lead to the very end.
        end = ceil(now.length / STEP) * STEP
        value = end if now.position >= now.length else now.position
        page.attribute("replay-slider", "max", f"{end}")
        page.property("replay-slider", "value", f"{value:.0f}")
        page.attribute("replay-slider", "aria-valuetext", self._place(now))
        if self._refill:
            self._refill = False
            choices = [(f"{speed:g}", words("replay.times", n=speed)) for speed in SPEEDS]
            choices.append((FASTEST, words("replay.fastest")))
            chosen = FASTEST if now.speed is None else f"{now.speed:g}"
            page.options("replay-speed", choices, chosen)

    def _changed(self, now: Playback) -> None:
        """Show every change, but the mere passing of time only a few times a second.

        What is replayed has frames of its own, and room to glide between them.
        """
        passing = replace(now, position=self._shown.position) == self._shown and now.is_playing
        passed = (now.position - self._shown.position) / (now.speed or inf)
        if not passing or now.speed is None or abs(passed) >= MOVE_EVERY:
            self._desk.renderer.touch(self)

    def _place(self, now: Playback) -> str:
        words = self._desk.words
        at = words.formats.time(self._header.started + now.position)
        return words(
            "replay.position",
            position=duration(now.position),
            length=duration(now.length),
            time=at,
        )

    def _toggle(self, _: Action) -> None:
        if self._player.playback.is_playing:
            self._player.pause()
        else:
            self._player.play()

    def _seek(self, action: Action) -> None:
        text = action.value or ""
        if text.isdecimal():
            self._player.seek(float(text))

    def _set_speed(self, action: Action) -> None:
        speeds: dict[str, float | None] = {f"{speed:g}": speed for speed in SPEEDS}
        speeds[FASTEST] = None
        if action.value in speeds:
            self._player.set_speed(speeds[action.value])

    def _speak(self, _: object) -> None:
        self._refill = True
        self._desk.renderer.touch(self)

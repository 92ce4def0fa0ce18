"""Connection state, current session, automatic sessions, language and theme."""

from __future__ import annotations

from sessions import commands, events
from sessions.connection import ConnectionState, Phase
from sessions.ports import Timer
from sessions.preferences import LANGUAGE, PREFERENCES_CHANGED, THEME, Preferences
from sessions.proxy_api import TOGGLE_AUTO
from sessions.users import USER_CHANGED

from .catalogue import LANGUAGES
from .desk import Desk
from .page import Action
from .words import EMPTY, best_language

THEME_CHANGED: events.Topic[str] = events.Topic("page:theme")
LANGUAGE_CHANGED: events.Topic[str] = events.Topic("page:language")


class Connection:
    """Says in words and colour whether live numbers can arrive."""

    def __init__(self, desk: Desk, state: ConnectionState, *, in_replay: bool = False) -> None:
        """Show ``state``, and every later one; in a replay nothing is ever live."""
        self._desk = desk
        self._state = state
        self._in_replay = in_replay
        self._tick: Timer | None = None
        desk.bus.on(events.CONNECTION_CHANGED, self._changed)

    def render(self) -> None:
        """Write the state; count down while waiting for the next attempt."""
        desk, state = self._desk, self._state
        name = {
            Phase.CONNECTING: "reconnecting" if state.attempt else "connecting",
            Phase.CONNECTED: "demo" if state.demo else "connected",
            Phase.WAITING: "reconnecting",
            Phase.CLOSED: "offline",
        }[state.phase]
        if self._in_replay:
            name = "replay"
            text = desk.words("connection.replay")
        elif state.phase is Phase.WAITING and state.retry_at is not None:
            left = max(0.0, state.retry_at - desk.clock.now()) / 1000
            text = desk.words("connection.reconnecting", seconds=max(1, round(left)))
            if self._tick is None and left > 1:
                self._tick = desk.scheduler.call_later(1.0, self._ticked)
        elif name == "reconnecting":
            text = desk.words("connection.connecting")
        else:
            text = desk.words(f"connection.{name}")
        desk.page.attribute("connection", "data-state", name)
        desk.page.text("ws-status-text", text)
        desk.page.attribute("connection", "title", state.address if not state.demo else None)

    def _changed(self, state: ConnectionState) -> None:
        self._state = state
        self._desk.renderer.touch(self)

    def _ticked(self) -> None:
        self._tick = None
        self._desk.renderer.touch(self)


class CurrentSession:
    """Name, provider and model of the session whose numbers are shown."""

    def __init__(self, desk: Desk) -> None:
        """Follow the current session."""
        self._desk = desk
        desk.touch_on(self, events.SESSION_CHANGED, events.SESSION_UPDATED, events.SESSIONS_LISTED)

    def render(self) -> None:
        """Write the session."""
        desk, session = self._desk, self._desk.state.session
        page = desk.page
        page.property("session-badge", "hidden", session is None)
        if session is None:
            page.text("session-name", desk.words("session.none"))
            page.text("session-provider", EMPTY)
            return
        page.text("session-name", session.name)
        page.attribute("session-name", "title", session.name)
        detail = " · ".join(part for part in (session.provider, session.model) if part)
        page.text("session-provider", detail or EMPTY)
        badge = "active" if session.is_active else "inactive"
        page.text("session-badge", desk.words(f"session.badge.{badge}"))
        page.attribute("session-badge", "data-state", badge)


class AutoSession:
    """The switch that lets the proxy open sessions by itself."""

    def __init__(self, desk: Desk) -> None:
        """Show the proxy's setting and change it on demand."""
        self._desk = desk
        self._enabled: bool | None = None
        desk.bus.on(events.AUTO_SESSION_CHANGED, self._changed)
        desk.touch_on(self, events.CAPABILITIES_CHANGED, commands.COMMAND_FAILED)
        desk.on_action("auto-session:toggle", self._toggle)

    def render(self) -> None:
        """Write the setting; an unknown one cannot be changed."""
        page = self._desk.page
        unsupported = not self._desk.capabilities.supports(TOGGLE_AUTO)
        page.property("auto-session-toggle", "checked", bool(self._enabled))
        page.property("auto-session-toggle", "disabled", self._enabled is None or unsupported)
        note = "unsupported" if unsupported else "auto_session.help"
        page.text("auto-session-note", self._desk.words(note))

    def _changed(self, enabled: bool) -> None:
        self._enabled = enabled
        self._desk.renderer.touch(self)

    def _toggle(self, action: Action) -> None:
        self._desk.intend(commands.SET_AUTO_SESSION, enabled=bool(action.checked))


class Appearance:
    """Language and theme, remembered in this browser."""

    def __init__(
        self, desk: Desk, preferences: Preferences, *, dark: bool, language: str | None = None
    ) -> None:
        """Begin with what was remembered; ``dark`` and ``language`` are the system's."""
        self._desk = desk
        self._preferences = preferences
        self._system_dark, self._system_language = dark, best_language(language)
        self._dark = {"dark": True, "light": False}.get(preferences.get(THEME) or "", dark)
        self._translate()
        desk.on_action("language:set", self._set_language)
        desk.on_action("theme:toggle", self._toggle_theme)
        desk.bus.on(PREFERENCES_CHANGED, self._follow)
        desk.bus.on(USER_CHANGED, self._start_over)

    def render(self) -> None:
        """Mark the language in force."""
        desk = self._desk
        for language in LANGUAGES:
            pressed = "true" if language == desk.words.language else "false"
            desk.page.attribute(f"language-{language}", "aria-pressed", pressed)

    def _translate(self) -> None:
        """Translate the fixed texts, before panels write theirs over some of them."""
        self._desk.page.translate(self._desk.words.language, self._desk.words.all())

    def _set_language(self, action: Action) -> None:
        self._speak(action.value or "")
        self._preferences.set(LANGUAGE, self._desk.words.language)

    def _toggle_theme(self, _: Action) -> None:
        self._paint(dark=not self._dark)
        self._preferences.set(THEME, "dark" if self._dark else "light")

    def _follow(self, _: object) -> None:
        self._speak(self._preferences.get(LANGUAGE) or "")
        theme = self._preferences.get(THEME)
        if theme in ("dark", "light"):
            self._paint(dark=theme == "dark")

    def _start_over(self, _: object) -> None:
        """Another user is here: what the one before chose holds no longer."""
        self._speak(best_language(self._preferences.get(LANGUAGE) or self._system_language))
        theme = self._preferences.get(THEME) or ""
        self._paint(dark={"dark": True, "light": False}.get(theme, self._system_dark))

    def _speak(self, language: str) -> None:
        if language in LANGUAGES and language != self._desk.words.language:
            self._desk.words.speak(language)
            self._translate()
            self._desk.bus.emit(LANGUAGE_CHANGED, language)

    def _paint(self, *, dark: bool) -> None:
        if dark != self._dark:
            self._dark = dark
            theme = "dark" if dark else "light"
            self._desk.page.attribute("root", "data-theme", theme)
            self._desk.page.flush()
            self._desk.bus.emit(THEME_CHANGED, theme)

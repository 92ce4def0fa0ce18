"""How full the context window is, by which source, and when it will overflow."""

from __future__ import annotations

from sessions import events
from sessions.forecast import forecast
from sessions.fusion import FRESH_FOR, Fusion, Reading, priority_of
from sessions.models import Alert
from sessions.ports import Timer

from .desk import Desk
from .page import Action, Row
from .words import EMPTY

LEVELS = ("ok", "warning", "high", "critical", "over")

PROXY_LEVELS = {"caution": "warning", "warning": "high", "critical": "critical"}
"""What the proxy calls the bands at 80, 90 and 95 %."""


def level_of(percentage: float) -> str:
    """Return the band that a percentage of the window falls into."""
    if percentage > 100:
        return "over"
    for level, floor in (("critical", 95.0), ("high", 90.0), ("warning", 80.0)):
        if percentage >= floor:
            return level
    return "ok"


def family_of(source: str) -> str:
    """Return the group a source belongs to, by which its badge is coloured."""
    if source == "hybrid":
        return "hybrid"
    if "compile" in source:
        return "compile"
    if source.endswith("_error"):
        return "error"
    return "proxy" if priority_of(source) == 2 else "logs"


class ContextGauge:
    """The gauge, its figures, the alert beside it, and the badge of the winning source."""

    def __init__(self, desk: Desk) -> None:
        """Follow the current session's window."""
        self._desk = desk
        self._alert: Alert | None = None
        self._alerted = "ok"
        self._dismissed = "ok"
        self._freshness: Timer | None = None
        desk.touch_on(
            self,
            events.SOURCES_MERGED,
            events.SESSION_UPDATED,
            events.STATS_UPDATED,
            events.METRICS_LOADED,
        )
        desk.bus.on(events.SESSION_CHANGED, self._session_changed)
        desk.bus.on(events.ALERT_CHANGED, self._alert_changed)
        desk.on_action("alert:dismiss", self._dismiss)

    def render(self) -> None:
        """Write gauge, figures, alert and badge."""
        fusion = self._desk.state.merge_data_sources()
        self._render_marks(fusion)
        state = self._desk.state
        if fusion is None and (state.session is None or state.is_out_of_reach):
            self._render_nothing()
        else:
            self._render_use(fusion)
        self._render_source(fusion)
        self._watch_freshness(fusion)

    # -- parts ------------------------------------------------------------------------

    def _render_nothing(self) -> None:
        page = self._desk.page
        for element in ("percentage-text", "current-tokens", "max-context-display"):
            page.text(element, EMPTY)
        page.text("remaining-tokens", EMPTY)
        page.text("forecast-text", EMPTY)
        page.text("page-title", "Kimi Proxy")
        page.attribute("gauge", "aria-valuenow", "0")
        page.attribute("gauge", "aria-valuetext", EMPTY)
        page.attribute("context", "data-level", "none")
        page.style("gauge", "--value", "0")
        page.property("alert", "hidden", True)

    def _render_use(self, fusion: Fusion | None) -> None:
        desk, page, words = self._desk, self._desk.page, self._desk.words
        used = fusion.tokens if fusion else 0
        limit = self._limit(fusion)
        share = fusion.percentage if fusion else None
        percentage = used / limit * 100 if share is None else share
        level = level_of(percentage)
        page.text("percentage-text", words.percent(percentage))
        page.text("current-tokens", words.number(used))
        page.text("max-context-display", words.number(limit))
        page.text("remaining-tokens", words.number(abs(limit - used)))
        page.text("forecast-text", self._forecast(used, limit))
        page.attribute("context", "data-level", level)
        page.style("gauge", "--value", f"{percentage / 100:.4f}")
        page.attribute("gauge", "aria-valuenow", str(min(100, round(percentage))))
        meter = words(
            "context.meter", percentage=words.percent(percentage), current=used, max=limit
        )
        page.attribute("gauge", "aria-valuetext", meter)
        session = desk.state.session
        title = words.percent(percentage) + (f" · {session.name}" if session else "")
        page.text("page-title", f"{title} — Kimi Proxy")
        self._render_alert(level, percentage)

    def _render_marks(self, fusion: Fusion | None) -> None:
        desk, page, session = self._desk, self._desk.page, self._desk.state.session
        limit = self._limit(fusion)
        reserved = session.reserved_tokens if session else 0
        threshold = session.auto_compaction_threshold if session else None
        if session is None or session.auto_compaction_enabled is False:
            threshold = None
        page.property("reserved-legend", "hidden", not reserved)
        page.property("threshold-legend", "hidden", threshold is None)
        page.style("gauge", "--reserved", f"{min(1.0, reserved / limit):.4f}")
        page.style("gauge", "--threshold", f"{threshold or 0:.4f}")
        if reserved:
            page.text("reserved-text", desk.words("context.reserved", n=reserved))
        if threshold is not None:
            share = desk.words.percent(threshold * 100)
            page.text("threshold-text", desk.words("context.threshold", percentage=share))

    def _render_alert(self, level: str, percentage: float) -> None:
        page, words = self._desk.page, self._desk.words
        if self._alert is not None:
            # The proxy may know of more than the last request.
            level = max(level, PROXY_LEVELS.get(self._alert.level, level), key=LEVELS.index)
        self._alerted = level
        if level == "ok":
            self._dismissed = "ok"
        hidden = LEVELS.index(level) <= LEVELS.index(self._dismissed)
        page.property("alert", "hidden", hidden)
        if not hidden:
            page.attribute("alert", "data-level", level)
            share = words.percent(percentage)
            page.text("alert-title", words(f"alert.{level}.title", percentage=share))
            page.text("alert-message", words(f"alert.{level}.message"))

    def _render_source(self, fusion: Fusion | None) -> None:
        page = self._desk.page
        if fusion is None:
            page.text("source-badge", EMPTY)
            page.attribute("source-badge", "data-family", "none")
            page.attribute("source-badge", "data-fresh", None)
            return
        page.text("source-badge", fusion.source)
        page.attribute("source-badge", "data-family", family_of(fusion.source))
        page.attribute("source-badge", "data-fresh", "true" if fusion.is_fresh else "false")

    def _forecast(self, used: int, limit: int) -> str:
        desk = self._desk
        session = desk.state.session
        room = limit - (session.reserved_tokens if session else 0)
        if used >= limit:
            return desk.words("forecast.over")
        found = forecast(desk.state.metrics(), used, room)
        if found is None:
            known = len(desk.state.metrics()) >= 3
            return desk.words("forecast.steady" if known else "forecast.unknown")
        return desk.words.count("forecast", found.requests)

    def _limit(self, fusion: Fusion | None) -> int:
        """The window's size: the source's own, when it names one."""
        if fusion is not None and fusion.max_context:
            return fusion.max_context
        return self._desk.state.max_context

    # -- changes ----------------------------------------------------------------------

    def _session_changed(self, _: object) -> None:
        self._alert = None
        self._dismissed = "ok"
        self._desk.renderer.touch(self)

    def _alert_changed(self, alert: Alert | None) -> None:
        self._alert = alert
        self._desk.renderer.touch(self)

    def _dismiss(self, _: Action) -> None:
        """Hide the alert until the next level is reached."""
        self._dismissed = self._alerted
        self._desk.renderer.touch(self)

    def _watch_freshness(self, fusion: Fusion | None) -> None:
        """Look again when a reading stops being fresh: the winner may change."""
        if self._freshness is not None or fusion is None or not fusion.is_fresh:
            return
        fresh = [r for r in (fusion.proxy, fusion.log) if r and r.is_fresh(fusion.at)]
        oldest = max(reading.age(fusion.at) or 0.0 for reading in fresh)
        delay = (FRESH_FOR - oldest) / 1000 + 0.01
        self._freshness = self._desk.scheduler.call_later(delay, self._expire)

    def _expire(self) -> None:
        self._freshness = None
        self._desk.state.announce_sources()


class SourceExplanation:
    """The dialog that says why the number is what it is."""

    def __init__(self, desk: Desk) -> None:
        """Open on demand, and stay true while open."""
        self._desk = desk
        self._open = False
        self._tick: Timer | None = None
        desk.touch_on(self, events.SOURCES_MERGED)
        desk.on_action("source:explain", self._show)
        desk.on_action("dialog:close", self._hide)

    def render(self) -> None:
        """Write both candidates and the reason."""
        if not self._open:
            return
        desk, words = self._desk, self._desk.words
        fusion = desk.state.merge_data_sources()
        readings = (
            [r for r in (fusion.proxy, fusion.log) if r is not None] if fusion is not None else []
        )
        rows = [self._row(reading, fusion) for reading in readings if fusion is not None]
        desk.page.rows("source-candidates", "source-candidate-row", rows)
        desk.page.text(
            "source-reason", self._reason(fusion) if fusion else words("source.explain.none")
        )
        if self._tick is None:
            self._tick = desk.scheduler.call_later(1.0, self._ticked)

    def _row(self, reading: Reading, fusion: Fusion) -> Row:
        words = self._desk.words
        hybrid = fusion.winner is None and reading.tokens == fusion.tokens
        wins = reading is fusion.winner or hybrid
        fresh = reading.is_fresh(fusion.at)
        verdict = "source.wins" if wins else "source.fresh" if fresh else "source.stale"
        age = reading.age(fusion.at)
        return Row(
            "proxy" if reading is fusion.proxy else "log",
            {
                "source": reading.source,
                "source@data-family": family_of(reading.source),
                "verdict": words(verdict),
                "tokens": words.number(reading.tokens),
                "percentage": words.percent(reading.percentage),
                "age": EMPTY if age is None else words.ago(age),
                "priority": words.number(priority_of(reading.source)),
                "@data-winner": "true" if wins else "false",
                "@data-fresh": "true" if fresh else "false",
            },
        )

    def _reason(self, fusion: Fusion) -> str:
        words = self._desk.words
        if fusion.reason == "hybrid" and fusion.proxy and fusion.log:
            return words("source.reason.hybrid", diff=abs(fusion.proxy.tokens - fusion.log.tokens))
        winner = fusion.winner
        age = winner.age(fusion.at) if winner else None
        told = EMPTY if age is None else words.ago(age)
        priority = priority_of(fusion.source)
        key = {
            "priority": "source.reason.priority",
            "tie": "source.reason.tie",
            "only-fresh": "source.reason.only_fresh",
            "last-known": "source.reason.stale",
        }[fusion.reason]
        return words(key, source=fusion.source, age=told, priority=priority)

    def _show(self, _: Action) -> None:
        self._open = True
        self._desk.page.open("source-explain")
        self._desk.renderer.touch(self)

    def _hide(self, action: Action) -> None:
        if action.value != "source-explain":
            return
        self._open = False
        if self._tick is not None:
            self._tick.cancel()
            self._tick = None

    def _ticked(self) -> None:
        self._tick = None
        self._desk.renderer.touch(self)

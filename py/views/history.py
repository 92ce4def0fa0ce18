"""The chart of the session's requests."""

from __future__ import annotations

from collections.abc import Coroutine, Mapping, Sequence
from math import nan
from typing import Any, Protocol

from sessions import commands, events
from sessions.errors import ChartMissing
from sessions.models import Metric, Notice
from sessions.times import parse_timestamp

from .desk import Desk
from .header import LANGUAGE_CHANGED, THEME_CHANGED
from .page import Action

SERIES = ("total", "prompt", "completion")

DRAW_EVERY = 0.2
"""Seconds between two drawings: one costs as much as all the figures together."""


FIRST_PAUSE, LONGEST_PAUSE = 2.0, 60.0
"""Seconds after which a library that did not come is asked for again: at first, and at most."""


class Chart(Protocol):
    """Draws three curves over the requests."""

    def load(self) -> Coroutine[Any, Any, None]:
        """Fetch the library; draw nothing before this is done.

        Raises:
            ChartMissing: it did not come; asking again may work.
        """
        ...

    def draw(
        self,
        times: Sequence[float],
        total: Sequence[float],
        prompt: Sequence[float],
        completion: Sequence[float],
    ) -> None:
        """Show one point a request; NaN is a gap. Times in milliseconds since 1970."""

    def toggle(self, series: str, shown: bool) -> None:
        """Show or hide one curve."""

    def speak(self, language: str, labels: Mapping[str, str]) -> None:
        """Use a language for numbers, times and names."""

    def repaint(self) -> None:
        """Draw again, in the colours that now hold."""


class History:
    """Total, prompt and completion tokens of the buffered requests, one point each."""

    def __init__(self, desk: Desk, chart: Chart) -> None:
        """Draw through ``chart``, which is loaded with the first request."""
        self._desk = desk
        self._chart = chart
        self._loading = self._ready = False
        self._missing = False
        self._pause = FIRST_PAUSE
        self._shown = dict.fromkeys(SERIES, True)
        self._drawn: Sequence[Metric] | None = None
        self._times: dict[str | None, float] = {}
        desk.touch_on(self, events.SESSION_CHANGED)
        desk.touch_slowly_on(self, events.STATS_UPDATED, every=DRAW_EVERY)
        desk.bus.on(LANGUAGE_CHANGED, lambda _: self._speak())
        desk.bus.on(THEME_CHANGED, self._repaint)
        desk.bus.on(commands.RESTART, lambda _: self._try_again())
        desk.on_action("history:toggle-series", self._toggle)

    def render(self) -> None:
        """Draw what is buffered; load the library when there is something to draw."""
        desk, page = self._desk, self._desk.page
        metrics = desk.state.metrics()
        page.property("history-empty", "hidden", bool(metrics))
        page.property("history-chart", "hidden", not metrics)
        for series, shown in self._shown.items():
            page.attribute(f"series-{series}", "aria-pressed", "true" if shown else "false")
        if metrics:
            summary = desk.words(
                "history.summary",
                n=len(metrics),
                first=metrics[0].shown_tokens,
                last=metrics[-1].shown_tokens,
                max=max(metric.shown_tokens for metric in metrics),
            )
            page.text("history-summary", summary)
        if not self._ready:
            if metrics and not self._loading:
                self._loading = True
                desk.scheduler.start(self._load())
            return
        if metrics is not self._drawn:
            self._drawn = metrics
            self._draw(metrics)

    def _draw(self, metrics: Sequence[Metric]) -> None:
        stamps = [metric.timestamp for metric in metrics]
        known = {stamp: self._times.get(stamp) or self._time(stamp) for stamp in stamps}
        self._times = known
        self._chart.draw(
            [known[stamp] for stamp in stamps],
            [m.shown_tokens for m in metrics],
            [nan if m.is_estimated else m.prompt_tokens for m in metrics],
            [nan if m.is_estimated else m.completion_tokens for m in metrics],
        )

    def _time(self, timestamp: str | None) -> float:
        at = parse_timestamp(timestamp, self._desk.clock)
        return nan if at is None else at

    async def _load(self) -> None:
        try:
            await self._chart.load()
        except ChartMissing:
            self._miss()
            return
        self._ready = True
        self._speak()
        for series, shown in self._shown.items():
            self._chart.toggle(series, shown)
        self._desk.renderer.touch(self)

    def _miss(self) -> None:
        """Say once that the library did not come, and ask for it again later."""
        if self._pause == FIRST_PAUSE:
            self._desk.bus.emit(events.NOTICE, Notice("warning", "notice.chart_missing", {}))
        self._missing = True
        self._desk.scheduler.call_later(self._pause, self._try_again)
        self._pause = min(2 * self._pause, LONGEST_PAUSE)

    def _try_again(self) -> None:
        if self._missing:
            self._missing = False
            self._desk.scheduler.start(self._load())

    def _repaint(self, _theme: str) -> None:
        if self._ready:
            self._chart.repaint()

    def _speak(self) -> None:
        if self._ready:
            words = self._desk.words
            self._chart.speak(
                words.language, {series: words(f"history.{series}") for series in SERIES}
            )

    def _toggle(self, action: Action) -> None:
        series = action.value or ""
        if series in self._shown:
            self._shown[series] = not self._shown[series]
            if self._ready:
                self._chart.toggle(series, self._shown[series])
            self._desk.renderer.touch(self)

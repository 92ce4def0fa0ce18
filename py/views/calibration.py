"""Why the estimates were off: the ratio of real to estimated, by model and over time."""

from __future__ import annotations

from collections.abc import Sequence

from sessions import events
from sessions.calibration import ENOUGH, REMEMBERED, Calibration, calibrate, probable

from .desk import Desk
from .header import LANGUAGE_CHANGED
from .page import Action, Row
from .words import EMPTY

DIALOG = "calibration-dialog"

LEARN_EVERY = 0.2
"""Seconds: to learn, all requests that are in memory are looked through."""

WIDTH, HEIGHT = 100, 24
"""The drawing's own units; the page scales it."""


class CalibratedEstimates:
    """What the newest request will probably cost, and the dialog that explains why."""

    def __init__(self, desk: Desk) -> None:
        """Follow the requests; the dialog is written while it is open."""
        self._desk = desk
        self._open = False
        desk.touch_on(self, events.SESSION_CHANGED, events.METRICS_LOADED)
        desk.touch_slowly_on(self, events.STATS_UPDATED, every=LEARN_EVERY)
        desk.bus.on(LANGUAGE_CHANGED, lambda _: desk.renderer.touch(self))
        desk.on_action("calibration:open", self._show)
        desk.on_action("dialog:close", self._hide)

    def render(self) -> None:
        """Write the newest request's corrected estimate; nothing once it is counted."""
        self._render_newest()
        if self._open:
            self._render_models()

    def _render_newest(self) -> None:
        page = self._desk.page
        text, title = self._newest()
        page.text("calibrated-text", text)
        page.attribute("calibrated-text", "title", title)

    def _newest(self) -> tuple[str, str | None]:
        desk, words = self._desk, self._desk.words
        metrics = desk.state.metrics()
        newest = metrics[-1] if metrics else None
        likely = probable(newest, desk.state.newest_metrics()) if newest else None
        if newest is None or likely is None:
            return "", None
        title = words(
            "calibration.newest_title",
            estimate=newest.initial_estimate or 0, low=likely.low, high=likely.high,
        )  # fmt: skip
        return words("calibration.newest", n=likely.tokens), title

    def _render_models(self) -> None:
        page, words, state = self._desk.page, self._desk.words, self._desk.state
        rows = []
        for model in state.quality_by_model():
            known = calibrate(model, state.newest_metrics())
            if known is not None:
                rows.append(self._row(known))
        page.rows("calibration-models", "calibration-row", rows)
        page.property("calibration-table", "hidden", not rows)
        page.property("calibration-none", "hidden", bool(rows))
        page.text("calibration-rule", words("calibration.rule", n=ENOUGH, last=REMEMBERED))

    def _row(self, known: Calibration) -> Row:
        words = self._desk.words
        ratio = words.formats.decimal
        quality = known.quality
        many = quality.count > 1
        if not known.is_enough:
            verdict = words("calibration.too_few")
        elif known.low <= 1 <= known.high:
            verdict = words("calibration.right")
        else:
            key = "calibration.too_low" if quality.bias > 1 else "calibration.too_high"
            off = abs(1 - 1 / quality.bias) * 100
            verdict = words(key, percentage=words.percent(off))
        return Row(
            known.model,
            {
                "model": known.model,
                "model@title": known.model,
                "verdict": verdict,
                "median": "×" + ratio(quality.bias, 2),
                "range": f"{ratio(known.low, 2)}–{ratio(known.high, 2)}" if many else EMPTY,
                "count": words.number(quality.count),
                "trend@d": trend(known.ratios),
            },
        )

    def _show(self, _: Action) -> None:
        self._open = True
        self._desk.page.open(DIALOG)
        self._desk.renderer.touch(self)

    def _hide(self, action: Action) -> None:
        if action.value == DIALOG:
            self._open = False


def trend(ratios: Sequence[float]) -> str:
    """Return an SVG path through the ratios, and a line where real and estimated are equal."""
    low, high = min(1.0, *ratios), max(1.0, *ratios)
    span = high - low or 1.0
    step = WIDTH / max(1, len(ratios) - 1)

    def height(ratio: float) -> float:
        return 1 + (HEIGHT - 2) * (high - ratio) / span

    points = [f"{number * step:.1f} {height(ratio):.1f}" for number, ratio in enumerate(ratios)]
    line = "L".join(points if len(points) > 1 else [*points, f"{WIDTH} {points[0].split()[1]}"])
    return f"M0 {height(1.0):.1f}H{WIDTH}M{line}"

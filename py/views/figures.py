"""Key figures of the session, and how good its estimates are."""

from __future__ import annotations

from sessions import events
from sessions.stats import EstimateQuality

from .desk import Desk
from .page import Row
from .words import EMPTY


class Figures:
    """Requests, largest, average, prompt and completion tokens of the whole session."""

    def __init__(self, desk: Desk) -> None:
        """Follow the statistics."""
        self._desk = desk
        desk.touch_on(self, events.STATS_UPDATED, events.SESSION_CHANGED)

    def render(self) -> None:
        """Write the figures."""
        page, words = self._desk.page, self._desk.words
        totals = self._desk.state.session_totals()
        none = self._desk.state.session_id is None or self._desk.state.is_out_of_reach
        for element, value in (
            ("total-requests", totals.total_requests),
            ("max-tokens", totals.max_tokens),
            ("avg-tokens", totals.avg_tokens),
            ("prompt-tokens", totals.total_prompt),
            ("completion-tokens", totals.total_completion),
        ):
            page.text(element, EMPTY if none else words.number(value))


class EstimateAccuracy:
    """The last estimate against its real count; bias and spread by session and model."""

    def __init__(self, desk: Desk) -> None:
        """Follow the corrections."""
        self._desk = desk
        desk.touch_on(self, events.STATS_UPDATED, events.SESSION_CHANGED)

    def render(self) -> None:
        """Write the comparison; a dash where one of the two counts is not known."""
        desk, page, words = self._desk, self._desk.page, self._desk.words
        accuracy = desk.state.calculate_accuracy()
        if accuracy is None:
            for element in ("accuracy-text", "last-estimated", "accuracy-diff"):
                page.text(element, EMPTY)
            real = self._last_real()
            page.text("last-real", EMPTY if real is None else words.number(real))
            # Newer proxies send no estimate: say so, rather than leave a riddle.
            page.property("accuracy-note", "hidden", real is None)
            page.text("accuracy-note", words("accuracy.no_estimate"))
            page.attribute("accuracy-text", "data-level", "none")
        else:
            level = (
                "poor" if accuracy.accuracy < 70 else "fair" if accuracy.accuracy < 85 else "good"
            )
            page.property("accuracy-note", "hidden", True)
            sign = "+" if accuracy.diff > 0 else "−" if accuracy.diff < 0 else ""
            page.text("accuracy-text", words.percent(accuracy.accuracy))
            page.attribute("accuracy-text", "data-level", level)
            page.text("last-estimated", words.number(accuracy.estimated))
            page.text("last-real", words.number(accuracy.real))
            page.text("accuracy-diff", sign + words.number(abs(accuracy.diff)))
        session = self._cells(desk.state.estimate_quality())
        for name, text in session.items():
            page.text(f"accuracy-{name}", text)
        rows = [
            Row(model, {"model": model, "model@title": model, **self._cells(quality)})
            for model, quality in desk.state.quality_by_model().items()
        ]
        page.rows("accuracy-models", "accuracy-model-row", rows)

    def _last_real(self) -> int | None:
        real = [metric for metric in self._desk.state.metrics() if not metric.is_estimated]
        return real[-1].tokens if real else None

    def _cells(self, quality: EstimateQuality | None) -> dict[str, str]:
        if quality is None:
            return {"bias": EMPTY, "spread": EMPTY, "count": EMPTY}
        words = self._desk.words
        half = quality.spread / 2 * 100
        return {
            "bias": "×" + words.formats.decimal(quality.bias, 2),
            "spread": "±" + words.formats.percent(half) if quality.count > 1 else EMPTY,
            "count": words.number(quality.count),
        }

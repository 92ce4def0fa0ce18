"""The live feed: every request as it comes, the newest last."""

from __future__ import annotations

from collections.abc import Sequence

from sessions import events
from sessions.calibration import probable
from sessions.metrics import noise_in
from sessions.models import Metric
from sessions.times import parse_timestamp

from .desk import Desk
from .gauge import family_of
from .header import LANGUAGE_CHANGED
from .page import Action, Row
from .words import EMPTY

LIST = "logs-container"
LONGEST_PREVIEW = 300

READ_EVERY = 0.2
"""Seconds: nobody reads faster, and rows cost more than all the figures."""

MOST_CHANGES = 16
"""Rows written in one frame, the newest first; the others wait until no new ones come. In a
flood those that would be gone before anybody could see them are never written."""

MOST_AT_FIRST = 40
"""Rows written when other requests are loaded: they fill the list, lest it jump when the rest
come."""


def added_by(metric: Metric, previous: Metric | None) -> int | None:
    """Return the tokens that a request added to the context; None when nobody knows.

    The oldest proxy calls the whole prompt new (``delta_tokens`` equals ``history_tokens``):
    what the context grew by says more.
    """
    told = metric.delta_tokens
    if previous is not None and told and told == metric.history_tokens:
        return max(0, metric.shown_tokens - previous.shown_tokens)
    return told


class Feed:
    """One row a request. Follows the newest unless its reader has scrolled away."""

    def __init__(self, desk: Desk) -> None:
        """Follow the current session's metrics."""
        self._desk = desk
        # Rows by metric: metrics are immutable, so an unchanged one needs no second look.
        self._made: dict[str, tuple[Metric, Row]] = {}
        self._following = True
        self._seen = 0
        self._newest: Metric | None = None
        self._loaded = True
        desk.page.follow(LIST)
        desk.bus.on(events.METRICS_LOADED, self._load, needs_payload=False)
        self._touch_soon = desk.touch_slowly_on(self, events.STATS_UPDATED, every=READ_EVERY)
        desk.bus.on(events.SESSION_CHANGED, self._to_newest)
        desk.bus.on(LANGUAGE_CHANGED, self._write_anew)
        desk.on_action("list:follow", self._scrolled)
        desk.on_action("feed:newest", self._to_newest)

    def render(self) -> None:
        """Write the rows, and how many came below what is being read."""
        desk, page, words = self._desk, self._desk.page, self._desk.words
        metrics = desk.state.metrics()
        total = desk.state.session_totals().total_requests
        self._make_rows(metrics, total)
        page.rows(LIST, "feed-row", [row for _, row in self._made.values()], recycle=True)
        page.text("feed-count", words.count("feed.requests", total) if total else "")
        if self._following:
            self._seen = total
        new = max(0, total - self._seen)
        page.property("feed-newest", "hidden", not new)
        out_of_reach = desk.state.is_out_of_reach
        page.text("feed-empty", words("feed.out_of_reach" if out_of_reach else "feed.empty"))
        if new:
            page.text("feed-newest-text", words.count("feed.newest", new))

    def _make_rows(self, metrics: Sequence[Metric], total: int) -> None:
        """Make the rows that are missing or out of date; leave the rest for another frame."""
        before = self._made
        keys = [
            str(metric.id) if metric.id is not None else f"\0{number}"
            for number, metric in enumerate(metrics)
        ]
        stale = []
        made: dict[str, tuple[Metric, Row]] = {}
        for place, key in enumerate(keys):
            known = before.get(key)
            if known is None or known[0] is not metrics[place]:
                stale.append(place)
        most = MOST_AT_FIRST if self._loaded else MOST_CHANGES
        self._loaded = False
        late, due = stale[:-most], stale[-most:]
        for place in due:
            metric, previous = metrics[place], metrics[place - 1] if place else None
            first = previous is None and total == len(metrics)
            new = metric.shown_tokens if first else added_by(metric, previous)
            made[keys[place]] = metric, self._row(keys[place], metric, new)
        rows = ((key, made.get(key) or before.get(key)) for key in keys)
        self._made = {key: row for key, row in rows if row is not None}
        newest = metrics[-1] if metrics else None
        if late and newest is self._newest:
            self._desk.renderer.touch(self)
        elif late:
            self._touch_soon()
        self._newest = newest

    def _row(self, key: str, metric: Metric, new: int | None) -> Row:
        words = self._desk.words
        at = parse_timestamp(metric.timestamp, self._desk.clock)
        kind = "estimated" if metric.is_estimated else "real"
        total = metric.shown_tokens
        noise = noise_in(metric)
        likely = probable(metric, self._desk.state.newest_metrics())
        return Row(
            key,
            {
                "@data-metric-id": key,
                "@data-kind": kind,
                "@data-noise": "true" if noise else None,
                "@title": words("feed.noise", ratio=words.percent(noise.ratio * 100))
                if noise
                else None,
                "time": EMPTY if at is None else words.formats.time(at),
                "tokens": words.number(total),
                "new": EMPTY if new is None else f"+{words.number(new)}",
                "history": EMPTY if new is None else words.number(max(0, total - new)),
                "kind": words(f"feed.kind.{kind}"),
                "kind@data-kind": kind,
                "kind@title": words(f"feed.kind.{kind}_title"),
                "source": metric.source,
                "source@data-family": family_of(metric.source),
                "preview": metric.preview[:LONGEST_PREVIEW] or words("feed.no_preview"),
                "preview@title": metric.preview[:LONGEST_PREVIEW] or None,
                # Beside the figures, not among them: nothing is added up from it.
                "preview@data-probable": words("feed.probable", n=likely.tokens)
                if likely
                else None,
                "preview@data-empty": None if metric.preview else "true",
            },
        )

    def _load(self, _: object) -> None:
        self._loaded = True
        self._desk.renderer.touch(self)

    def _write_anew(self, _: object) -> None:
        self._made.clear()
        self._loaded = True

    def _scrolled(self, action: Action) -> None:
        if action.details.get("list") == LIST:
            self._following = bool(action.details.get("following"))
            self._desk.renderer.touch(self)

    def _to_newest(self, _: object) -> None:
        self._following = True
        self._desk.page.to_end(LIST)
        self._desk.renderer.touch(self)

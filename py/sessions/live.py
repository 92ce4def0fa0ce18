"""What the proxy says over its WebSocket, turned into calls on the core.

Known versions differ: the oldest announces each request (``metric``) and corrects it later
(``metric_updated``); newer ones only ever send the correction, for an id nobody has heard
of. Such a correction makes the metric here, and one debounced request for the session fills
in its preview and estimate. After a reconnect whatever was missed is fetched and joined by
id. Frames that cannot be understood are counted and ignored; nothing a proxy sends can stop
the page.
"""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from . import events
from .connection import Connection
from .errors import BadFrame, BadInput, ProxyError, SessionsError, SwitchFailed, SwitchSuperseded
from .joined import Joined
from .manager import SessionManager
from .models import (
    Alert,
    CompactionDone,
    Metric,
    MetricId,
    Notice,
    Session,
    SessionDetail,
    SessionId,
    Wire,
    as_flag,
    as_id,
    as_mapping,
    as_number,
    as_text,
    as_tokens,
    same_id,
)
from .notices import notice_for
from .ports import Clock, Scheduler, Sockets, Timer
from .proxy_api import ProxyApi
from .redaction import loads_redacted
from .state import SessionState
from .times import format_timestamp

REFRESH_DELAY = 0.4
"""Seconds between the first metric that lacks its details and the request that gets them:
a burst of them costs one request."""

QUIET = 1_000.0
"""Milliseconds without a request after which the proxy's own totals can be trusted: before,
they may count requests whose announcement is still under way."""

RETRY_DELAYS = (1.0, 2.0, 4.0, 8.0, 15.0, 30.0)
"""Seconds between attempts to catch up while the proxy's HTTP side fails."""

MOST_KINDS = 50
"""Unknown types of frames that are counted one by one; the rest are counted together."""

LARGEST_FRAME = 4_000_000
"""Characters; a frame beyond this is no dashboard message and is not parsed."""


async def list_sessions(api: ProxyApi, state: SessionState, bus: events.EventBus) -> None:
    """Ask for the list of sessions; what it says of the current one is taken over."""
    sessions = await api.sessions()
    current = state.session
    for row in sessions:
        if not state.is_same(row):
            state.tell_anew()
            state.forget(row.id)
        elif current is not None and state.is_current(row.id):
            state.update_session(current.merged(row))
    bus.emit(events.SESSIONS_LISTED, sessions)


class Live:
    """Follows one proxy: starts, listens, catches up, and follows its active session."""

    def __init__(
        self,
        api: ProxyApi,
        sockets: Sockets,
        state: SessionState,
        manager: SessionManager,
        bus: events.EventBus,
        clock: Clock,
        scheduler: Scheduler,
        *,
        address: str = "",
        demo: bool = False,
        chance: Callable[[], float] = random.random,
    ) -> None:
        """Prepare to follow the proxy behind ``api`` and ``sockets``."""
        self._api = api
        self._state = state
        self._manager = manager
        self._bus = bus
        self._clock = clock
        self._scheduler = scheduler
        self.connection = Connection(
            sockets,
            bus,
            clock,
            scheduler,
            on_open=self._on_open,
            on_text=self.receive,
            address=address,
            demo=demo,
            chance=chance,
        )
        self.pinned: SessionId | None = None
        """A session that a person looks at although requests are booked on another one,
        as on a proxy that cannot activate sessions."""
        self.ignored: Counter[str] = Counter()
        """Frames that were ignored, by reason: ``malformed``, their unknown type, or ``other``."""
        self._refresh_timer: Timer | None = None
        self._settle_timer: Timer | None = None
        self._heard_at = -QUIET
        self._loaded_at = -QUIET
        self._retry_timer: Timer | None = None
        self._retries = 0
        self._reloading = Joined(clock, scheduler, self._catch_up)
        self._refreshing = Joined(clock, scheduler, self._refresh_current)
        self._listing = Joined(clock, scheduler, self._list_again)
        self._following = Joined(clock, scheduler, self._follow_latest)
        self._latest: Session | None = None
        self._read_id: MetricId | None = None
        self._alerted = False
        self._opened_before = False
        self._is_behind = False
        self._handlers: dict[str, Callable[[Wire], None]] = {
            "init": self._on_init,
            "metric": self._on_metric,
            "metric_updated": self._on_metric_updated,
            "log_metric": self._on_log_metric,
            "new_session": self._on_session_active,
            "session_activated": self._on_session_active,
            "auto_session_created": self._on_auto_session,
            "session_deleted": self._on_sessions_deleted,
            "sessions_bulk_deleted": self._on_sessions_deleted,
            "auto_session_toggled": self._on_auto_session_toggled,
            "auto_compaction_toggled": self._on_auto_compaction_toggled,
            "reserved_tokens_updated": self._on_reserved_tokens,
            "compaction_event": self._on_compaction,
            "memory_metrics_update": self._on_memory,
            "provider_context_limit_error": self._on_message("notice.context_limit", "error"),
            "streaming_error": self._on_message("notice.streaming_error", "error"),
            "model_fallback": self._on_message("notice.model_fallback", "warning"),
            "context_warning": self._on_message("notice.context_warning", "warning"),
            "compaction_alert": self._on_message("notice.compaction_alert", "warning"),
        }

    # -- life -------------------------------------------------------------------------

    def start(self) -> None:
        """Open the connection and load what there is, both at once."""
        self.connection.start()
        self._reloading.ask(urgent=True)

    def stop(self) -> None:
        """Close the connection; nothing is heard or fetched any more."""
        self.connection.stop()
        self._cancel_timers()

    def catch_up(self) -> None:
        """Load everything anew, as after a gap."""
        self._read_id = None
        self._reloading.ask(urgent=True)

    def catch_up_soon(self) -> None:
        """Fetch the current session's details shortly, once for many calls."""
        if self._refresh_timer is None:
            self._refresh_timer = self._scheduler.call_later(REFRESH_DELAY, self._refresh)

    # -- frames -----------------------------------------------------------------------

    def receive(self, text: str) -> None:
        """Take in one text frame. Never raises: what cannot be used is counted."""
        try:
            frame = self._parse(text)
            kind = frame["type"]
            handler = self._handlers.get(kind)
            if handler is None:
                self._ignore(kind[:40])
                return
            handler(frame)
        except BadInput:
            self._ignore("malformed")

    def _ignore(self, reason: str) -> None:
        is_counted = reason in self.ignored or len(self.ignored) < MOST_KINDS
        self.ignored[reason if is_counted else "other"] += 1

    @staticmethod
    def _parse(text: str) -> Wire:
        if len(text) > LARGEST_FRAME:
            raise BadFrame("The frame is too large.")
        try:
            frame = loads_redacted(text)
        except ValueError as error:
            raise BadFrame("The frame is not JSON.") from error
        if type(frame) is not dict or type(frame.get("type")) is not str:
            raise BadFrame("The frame has no type.")
        return frame

    def _on_init(self, frame: Wire) -> None:
        detail = SessionDetail.from_wire(frame)
        if self._state.is_current(detail.session.id) and self._state.is_same(detail.session):
            self._state.refresh(detail, totals=False)
        elif not self._reloading.is_running and self.pinned is None:
            self._follow(detail.session)

    def _on_metric(self, frame: Wire) -> None:
        session_id = _session_id(frame)
        row = frame.get("metric")
        if type(row) is not dict or as_id(row.get("id")) is None:
            raise BadFrame("A metric without an id cannot be counted.")
        self._ensure_session(session_id)
        metric = self._state.add_metric(row, session_id)
        if not self._is_current(session_id):
            return
        self._heard(metric, session_id)
        if self._may_be_renamed(frame):
            self.catch_up_soon()
        tokens = metric.cumulative_tokens or metric.shown_tokens
        # The oldest version announces a request with 0 % and counts it afterwards.
        share = as_number(row.get("cumulative_percentage")) or metric.percentage or None
        if tokens:
            self._read_proxy(metric, tokens, share)
        self._note_alert(frame, share)
        memory = frame.get("mcp_memory")
        if type(memory) is dict:
            self._state.set_memory_metrics(memory)

    def _on_metric_updated(self, frame: Wire) -> None:
        session_id = _session_id(frame)
        metric_id = as_id(frame.get("metric_id"))
        if metric_id is None:
            raise BadFrame("Real counts without a metric's id cannot be booked.")
        self._ensure_session(session_id)
        cumulative = as_tokens(frame.get("cumulative_tokens"))
        share = as_number(frame.get("cumulative_percentage"))
        metric = self._state.update_metric_with_real_tokens(
            metric_id,
            frame.get("real_tokens"),
            session_id=session_id,
            cumulative_tokens=cumulative,
            cumulative_percentage=share,
        )
        if metric is None:
            metric = self._make_metric(metric_id, session_id, frame)
        if not self._is_current(session_id):
            return
        self._heard(metric, session_id)
        used = cumulative or metric.tokens
        self._read_proxy(metric, used, metric.percentage if share is None else share)
        self._note_alert(frame, share)

    def _make_metric(
        self, metric_id: int | str, session_id: SessionId | None, frame: Wire
    ) -> Metric:
        real = as_mapping(frame.get("real_tokens"))
        metric = self._state.add_metric(
            {
                "id": metric_id,
                "timestamp": format_timestamp(self._clock.now()),
                "estimated_tokens": real.get("total"),
                "prompt_tokens": real.get("prompt"),
                "completion_tokens": real.get("completion"),
                "percentage": real.get("percentage"),
                "is_estimated": False,
                "source": as_text(frame.get("source")) or "proxy",
            },
            session_id,
        )
        if self._is_current(session_id):
            self.catch_up_soon()
        return metric

    def _on_log_metric(self, frame: Wire) -> None:
        row = as_mapping(frame.get("metrics"))
        tokens = as_tokens(row.get("total_tokens"))
        if tokens is None:
            raise BadFrame("A log reading without a total cannot be used.")
        if not self._is_current(_session_id(frame)):
            return
        self._state.set_last_log_data(
            {
                "tokens": tokens,
                "percentage": as_number(row.get("percentage")),
                "timestamp": self._clock.now(),
                "source": as_text(frame.get("source")) or "logs",
                "max_context": as_tokens(row.get("max_context")),
            }
        )
        self._state.announce_sources()

    def _on_session_active(self, frame: Wire) -> None:
        session = Session.from_wire(frame.get("session"))
        self.pinned = None
        self._follow(session)

    def _on_auto_session(self, frame: Wire) -> None:
        session = Session.from_wire(frame.get("session"))
        self.pinned = None
        self._follow(session)
        self._bus.emit(events.NOTICE, Notice("info", "notice.auto_session", {"name": session.name}))

    def _on_sessions_deleted(self, frame: Wire) -> None:
        ids = frame.get("session_ids")
        gone = [as_id(i) for i in ids] if isinstance(ids, list) else [_session_id(frame)]
        lost_current = False
        for session_id in gone:
            lost_current = lost_current or self._state.is_current(session_id)
            self._state.forget(session_id)
        self._listing.ask()
        if lost_current:
            self.pinned = None
            self._reloading.ask()

    def _on_auto_session_toggled(self, frame: Wire) -> None:
        enabled = as_flag(frame.get("enabled"))
        if enabled is None:
            raise BadFrame("The state of automatic sessions is missing.")
        self._bus.emit(events.AUTO_SESSION_CHANGED, enabled)

    def _on_auto_compaction_toggled(self, frame: Wire) -> None:
        self._change_current(frame, auto_compaction_enabled=frame.get("enabled"))

    def _on_reserved_tokens(self, frame: Wire) -> None:
        self._change_current(frame, reserved_tokens=frame.get("reserved_tokens"))

    def _on_compaction(self, frame: Wire) -> None:
        done = CompactionDone.from_wire(frame)
        self._bus.emit(events.COMPACTION_DONE, done)
        if self._is_current(done.session_id):
            values = {"before": done.tokens_before, "after": done.tokens_after}
            self._bus.emit(events.NOTICE, Notice("success", "notice.compacted", values))

    def _on_memory(self, frame: Wire) -> None:
        if self._is_current(_session_id(frame)):
            self._state.set_memory_metrics(frame.get("memory"))

    def _on_message(self, key: str, kind: str) -> Callable[[Wire], None]:
        def show(frame: Wire) -> None:
            detail = as_text(frame.get("message")) or as_text(frame.get("error_message"))
            self._bus.emit(events.NOTICE, Notice(kind, key, {}, detail))

        return show

    # -- helpers of the handlers --------------------------------------------------------

    def _is_current(self, session_id: SessionId | None) -> bool:
        return session_id is None or self._state.is_current(session_id)

    def _ensure_session(self, session_id: SessionId | None) -> None:
        """Follow a session that works although none is shown yet."""
        unknown = self._state.session_id is None and session_id is not None
        if unknown and not self._reloading.is_running:
            self._reloading.ask()

    def _may_be_renamed(self, frame: Wire) -> bool:
        """The oldest version names a session after its first prompt, and sends no word of it."""
        session = self._state.session
        return (
            bool(frame.get("session_updated"))
            and session is not None
            and session.name.startswith("Session ")
        )

    def _heard(self, metric: Metric, session_id: SessionId | None) -> None:
        """Note that the current session had a request; see to exact totals where it is in doubt.

        It is in doubt right after a load (the answer may include it), and when it came so
        late that the buffer had no place for it.
        """
        self._heard_at = self._clock.now()
        if self._settle_timer is not None:
            return
        if (
            self._heard_at - self._loaded_at < QUIET
            or self._state.metric(metric.id, session_id) is None
        ):
            self._settle_later()

    def _settle_later(self) -> None:
        if self._settle_timer is None:
            self._settle_timer = self._scheduler.call_later(QUIET / 1000, self._settle)

    def _settle(self) -> None:
        """Once it is quiet, let the proxy's own totals put the count right."""
        self._settle_timer = None
        left = QUIET - (self._clock.now() - self._heard_at)
        if left > 0:
            self._settle_timer = self._scheduler.call_later(left / 1000, self._settle)
        else:
            self._refreshing.ask(urgent=True)

    def _change_current(self, frame: Wire, **fields: Any) -> None:
        session = self._state.session
        if session is not None and self._is_current(_session_id(frame)):
            self._state.update_session(session.updated(**fields))

    def _read_proxy(self, metric: Metric, tokens: int, percentage: float | None) -> None:
        self._read_id = metric.id
        self._state.set_last_proxy_data(
            {
                "tokens": tokens,
                "percentage": percentage,
                "timestamp": self._clock.now(),
                "source": metric.source,
            }
        )
        self._state.announce_sources()

    def _note_alert(self, frame: Wire, percentage: float | None) -> None:
        row = frame.get("alert")
        alert = None
        if type(row) is dict:
            level = as_text(row.get("level")) or "warning"
            alert = Alert(level, as_text(row.get("message")) or "", percentage)
        if alert is not None or self._alerted:
            self._alerted = alert is not None
            self._bus.emit(events.ALERT_CHANGED, alert)

    async def reload_session_data(self) -> None:
        """Load the proxy's active session anew, as when the page starts.

        Raises:
            ProxyError: when the proxy could not be asked; nothing changed then.
        """
        active = await self._api.active_session()
        if active is None:
            self._manager.leave_session()
        else:
            self._manager.reload(active)

    # -- catching up --------------------------------------------------------------------

    def _on_open(self) -> None:
        # `init` greets every connection, without requests. Those of a gap are fetched; when
        # the page starts, its first answers may just miss what came before the connection.
        if self._opened_before or self._is_behind or not self._reloading.is_running:
            self._api.renegotiate()
            self._reloading.ask(urgent=True)  # what is being fetched may be older than the gap
        else:
            self._settle_later()
        self._opened_before = True

    async def _catch_up(self) -> None:
        self._loaded_at = self._clock.now()
        try:
            await asyncio.gather(
                self._list_sessions(), self._load_current(), self._ask_auto(), self._negotiate()
            )
            self._retries = 0
            self._is_behind = False
            if self._heard_at >= self._loaded_at:
                self._settle_later()  # the answer may be older than what was heard meanwhile
            self._loaded_at = self._clock.now()
        except ProxyError as error:
            self._is_behind = True
            delay = RETRY_DELAYS[min(self._retries, len(RETRY_DELAYS) - 1)]
            self._retries += 1
            if self._retries == 1 and self.connection.is_connected:
                self._bus.emit(events.NOTICE, notice_for(error, "notice.load_failed"))
            self._retry_timer = self._scheduler.call_later(delay, self._retry)

    def _retry(self) -> None:
        self._retry_timer = None
        if self.connection.is_connected:
            self._reloading.ask(urgent=True)

    async def _negotiate(self) -> None:
        capabilities = await self._api.negotiate()
        self._bus.emit(events.CAPABILITIES_CHANGED, capabilities)

    async def _list_sessions(self) -> None:
        await list_sessions(self._api, self._state, self._bus)

    async def _list_again(self) -> None:
        """Show what somebody else changed; the list is asked for again when it is opened."""
        with suppress(ProxyError):
            await self._list_sessions()

    async def _ask_auto(self) -> None:
        try:
            self._bus.emit(events.AUTO_SESSION_CHANGED, await self._api.auto_session())
        except SessionsError as error:
            if not isinstance(error, ProxyError) or error.status is None:
                raise

    async def _load_current(self) -> None:
        if self.pinned is not None:
            detail = await self._api.load_session(self.pinned)
            known = detail is not None and self._state.is_same(detail.session)
            if detail is not None and known and self._state.is_current(self.pinned):
                self._state.refresh(detail)
                self._read_newest()
                return
            self.pinned = None
        active = await self._api.active_session()
        if self._manager.switching_to is not None or self.pinned is not None:
            return  # a person has chosen another one since
        if active is None:
            self._manager.leave_session()
        else:
            self._manager.adopt(active)
            self._read_newest()

    def _read_newest(self) -> None:
        """Let the newest known request say how full the window is, until news arrive.

        After a gap that request may be one that no frame told of.
        """
        metrics = self._state.metrics()
        newest = metrics[-1] if metrics else None
        if newest is None or same_id(newest.id, self._read_id):
            return
        begins, self._read_id = self._read_id is None, newest.id
        reading = self._state.proxy_reading
        if begins and reading is not None and reading.tokens == newest.shown_tokens:
            return  # it was restored, and knows how old it is
        self._state.set_last_proxy_data(
            {"tokens": newest.shown_tokens, "percentage": newest.percentage, "timestamp": None}
        )
        self._state.announce_sources()

    def _follow(self, session: Session) -> None:
        """Show the session that the proxy now books requests on."""
        self._listing.ask()
        if self._following.is_running:
            # What is being loaded is no longer the latest; this one comes after it.
            self._latest = session
            self._following.ask()
        elif not self._recognised(session) and self._manager.switching_to is None:
            # During a switch of our own this is most likely its echo, and a person's latest
            # choice must not lose against the echo of an earlier one.
            self._latest = session
            self._following.ask()

    def _recognised(self, session: Session) -> bool:
        """Take over what is told of the session that is shown; False when it is another one."""
        known = self._state.is_current(session.id) and self._state.is_same(session)
        if not known or self._state.session is None:
            return False
        self._state.update_session(self._state.session.merged(session))
        self._latest = None
        return True

    async def _follow_latest(self) -> None:
        session, self._latest = self._latest, None
        if session is None or self.pinned is not None or self._manager.switching_to is not None:
            return
        if not self._recognised(session):
            await self._switch(session.id)

    async def _switch(self, session_id: SessionId) -> None:
        try:
            await self._manager.switch_session(session_id)
        except (SwitchSuperseded, SwitchFailed):
            return  # superseded: a later one is under way; failed: the bus was told
        await self.after_switch()

    async def after_switch(self) -> None:
        """Complete what a switch could not load, and read the new session's fill level."""
        self._loaded_at = self._clock.now()
        self._read_id = None
        self._read_newest()
        if not self._state.metrics():
            await self._refresh_current()

    def _refresh(self) -> None:
        self._refresh_timer = None
        self._refreshing.ask(urgent=True)

    async def _refresh_current(self) -> None:
        session_id = self._state.session_id
        if session_id is None:
            return
        heard_at = self._heard_at
        quiet = self._clock.now() - heard_at >= QUIET
        try:
            detail = await self._api.load_session(session_id)
        except ProxyError:
            return  # only details are missing; the next metric asks again
        if detail is not None and not self._state.is_same(detail.session):
            self._reloading.ask()
        elif detail is not None and detail.metrics is not None:
            undisturbed = self._heard_at == heard_at
            self._state.refresh(detail, totals=quiet and undisturbed)
            if quiet and not undisturbed:
                self._settle_later()  # the doubt that there was is still there
            self._read_newest()

    def _cancel_timers(self) -> None:
        for timer in (self._refresh_timer, self._retry_timer, self._settle_timer):
            if timer is not None:
                timer.cancel()
        self._refresh_timer = self._retry_timer = self._settle_timer = None
        for joined in (self._reloading, self._refreshing, self._listing, self._following):
            joined.cancel()


def _session_id(frame: Wire) -> SessionId | None:
    return as_id(frame.get("session_id"))

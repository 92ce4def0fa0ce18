"""Composition root: the only module that knows all the others.

Finds the proxy (or the demo), wires the core to it, the panels to the core, and all of them
to the page.
"""

from __future__ import annotations

import traceback
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import js
from pyodide.ffi.wrappers import add_event_listener

from browser import boot
from browser.address import (
    asked_for,
    forget_asked_user,
    reload_without_choice,
    visit_replay,
)
from browser.boot import Opening
from browser.bus import JsRegistry
from browser.channel import BrowserChannels
from browser.chart import UplotChart
from browser.clock import BrowserClock
from browser.formats import IntlFormats
from browser.http import FetchHttp
from browser.lifetime import (
    follow_other_tabs,
    notice_other_tabs,
    remember_to_the_end,
    share_between_tabs,
    wake_when_it_helps,
)
from browser.locks import WebLocks
from browser.obstacles import (
    can_share_between_tabs,
    is_framed_by_a_stranger,
    say_that_tabs_are_apart,
    say_what_is_missing,
)
from browser.page import BrowserPage
from browser.recordings import IndexedRecordings
from browser.scheduler import BrowserScheduler, Frames
from browser.sockets import BrowserSockets
from browser.storage import WebStorage
from browser.tokens import WorkerTokenizer
from sessions import discovery, events
from sessions.core import Core
from sessions.discovery import Discovery, Plan
from sessions.events import EventBus
from sessions.manager import set_session_manager
from sessions.persistence import Persistence, Recollection, recall
from sessions.ports import Clock, Http, Sockets
from sessions.preferences import (
    LANGUAGE,
    LAST_PROXY,
    PROXY,
    Preferences,
    adopt_unowned,
    known_to_anybody,
)
from sessions.recording import Recorder, Recording
from sessions.replay import Player, Rerun
from sessions.search import Search
from sessions.shelf import Shelf, Tape
from sessions.storage import Storage
from sessions.tabs import SharedSockets
from sessions.user_commands import UserCommands
from sessions.users import USER_CHANGED, User, Users
from sessions.viewing import SharedView
from views.calibration import CalibratedEstimates
from views.compaction import Compaction
from views.connect import Connect
from views.count import Count
from views.desk import ActionHandler, Desk
from views.export import Export, RateLimit
from views.feed import Feed
from views.figures import EstimateAccuracy, Figures
from views.frame import FrameBar
from views.gauge import ContextGauge, SourceExplanation
from views.header import LANGUAGE_CHANGED, Appearance, AutoSession, Connection, CurrentSession
from views.history import History
from views.last_seen import LastSeen
from views.memory import Memory
from views.page import Panel, Renderer
from views.recordings import Recordings
from views.replay import ReplayBar
from views.sessions_panel import NewSession, SessionList
from views.toasts import Toasts
from views.users import UserMenu
from views.words import Words


def report(where: str, error: BaseException) -> None:
    """Log an error that nobody handled, with its cause; the page goes on."""
    try:
        text = "".join(traceback.format_exception(error))
    except Exception:  # the sources that a traceback quotes may still be on their way
        text = repr(error)
    js.console.error(f"{where}: {text}")


def where_to_look(preferences: Preferences, storage: Storage, users: Users) -> Plan:
    """Decide where the proxy may be."""
    last = preferences.get(LAST_PROXY) or known_to_anybody(
        storage, [user.id for user in users.everybody()]
    )
    return discovery.plan(asked_for("proxy"), preferences.get(PROXY), last, js.document.baseURI)


async def ports_of(
    found: Discovery, clock: BrowserClock, scheduler: BrowserScheduler, page_module: Any
) -> tuple[Http, Sockets]:
    """Return HTTP and WebSocket to what was found."""
    if found.is_demo:
        await boot.sources_at_hand()
        from demo.proxy import DemoProxy  # only who sees the demo pays for it

        proxy = DemoProxy(clock, scheduler)
        return proxy, proxy
    return FetchHttp(found.address), BrowserSockets(page_module, found.address, report)


@dataclass(frozen=True)
class Stage:
    """What the page shows: a core, the time that it goes by, and how it begins.

    In a replay there are a recording and a player, and nothing that was found.
    """

    core: Core
    clock: Clock
    begin: Callable[[], None]
    found: Discovery | None = None
    recording: Recording | None = None
    player: Player | None = None
    recorder: Recorder | None = None
    tape: Tape | None = None
    shared: SharedSockets | None = None


def play(
    recording: Recording, bus: EventBus, clock: BrowserClock, scheduler: BrowserScheduler
) -> Stage:
    """Show a recording instead of a proxy."""

    def build(rerun: Rerun, core_bus: EventBus) -> Core:
        header = rerun.header
        return Core(
            rerun, rerun, rerun, rerun, core_bus,
            address=header.address, demo=header.demo, chance=rerun.chance,
        )  # fmt: skip

    player = Player(recording, build, bus, scheduler, clock, report)
    return Stage(player.core, player, player.begin, recording=recording, player=player)


async def follow(
    found: Discovery,
    user: User,
    tape: Tape | None,
    bus: EventBus,
    clock: BrowserClock,
    scheduler: BrowserScheduler,
    page_module: Any,
) -> Stage:
    """Show what goes on at a proxy, and record it if there is a tape."""
    http, sockets = await ports_of(found, clock, scheduler, page_module)
    shared = None
    if can_share_between_tabs() and not found.is_demo:
        locks = WebLocks(scheduler, lambda: say_that_tabs_are_apart(bus))
        sockets = shared = SharedSockets(
            sockets, locks, BrowserChannels(), bus, clock, scheduler, group_of(user, found)
        )  # fmt: skip
        view = SharedView(BrowserChannels(), bus, clock, shared, group_of(user, found))
        follow_user(bus, found, shared, view)
    address, demo = found.address, found.is_demo
    if tape is None:
        core = Core(http, sockets, clock, scheduler, bus, address=address, demo=demo)
        return Stage(core, clock, core.start, found, shared=shared)
    recorder = Recorder(
        http, sockets, clock, scheduler, tape.write, report,
        address=address, demo=demo, user=user.id,
    )  # fmt: skip
    core = Core(
        recorder, recorder, recorder, recorder, recorder.relay(bus),
        address=address, demo=demo, chance=recorder.chance,
    )  # fmt: skip
    tape.carry(recorder)
    return Stage(
        core,
        clock,
        lambda: recorder.begin(core.start),
        found,
        recorder=recorder,
        tape=tape,
        shared=shared,
    )


def build_panels(
    desk: Desk,
    stage: Stage,
    persistence: Persistence | None,
    users: Users,
    preferences: Preferences,
    chart: UplotChart,
) -> list[Panel]:
    """Make every panel, the one that translates the page first."""
    dark = bool(js.matchMedia("(prefers-color-scheme: dark)").matches)
    replay = stage.player is not None
    connection = stage.core.live.connection.state
    panels: list[Panel] = [
        Appearance(desk, preferences, dark=dark, language=js.navigator.language),
        Connection(desk, connection, in_replay=replay),
        UserMenu(desk, users),
        CurrentSession(desk),
        AutoSession(desk),
        SessionList(desk),
        NewSession(desk),
        ContextGauge(desk),
        SourceExplanation(desk),
        Figures(desk),
        EstimateAccuracy(desk),
        History(desk, chart),
        Feed(desk),
        Memory(desk),
        Compaction(desk),
        Export(desk),
        RateLimit(desk),
        Count(desk, WorkerTokenizer()),
        CalibratedEstimates(desk),
        Recordings(desk, stage.tape.entry if stage.tape else None, in_replay=replay),
        Toasts(desk),
    ]
    if persistence is not None:
        panels.append(LastSeen(desk, connection, lambda: persistence.seen_at))
    if stage.found is not None:
        panels.append(Connect(desk, preferences, stage.found, reload_without_choice))
    return panels


def group_of(user: User, found: Discovery) -> str:
    """Name the tabs that share a connection: those of one user on one proxy."""
    return f"kimi:{user.id} {found.address}"


def follow_user(bus: EventBus, found: Discovery, *shared: SharedSockets | SharedView) -> None:
    """Share with the tabs of whoever uses this one now."""

    def changed(user: User) -> None:
        for part in shared:
            part.move(group_of(user, found))

    bus.on(USER_CHANGED, changed)


def open_memory(
    persistence: Persistence, remembered: Recollection, stage: Stage, opening: Opening
) -> None:
    """Show what is remembered of the proxy, unless it is a demo: that is made up at every visit."""
    found, recorder = stage.found, stage.recorder
    if found is None or found.is_demo:
        return
    address = found.address

    def show() -> None:
        with opening.remembering():
            persistence.open(remembered, address)

    if recorder is None:
        show()
    else:
        recorder.restore(remembered.envelope.text_of(address), show)


async def start(scheduler: BrowserScheduler, page_module: Any) -> None:
    """Bring the page to life; ``page_module`` is ``static/js/page.js``."""
    boot.wake()
    clock = BrowserClock()
    bus = EventBus(report)
    JsRegistry(bus, page_module.bus)
    storage, tab = (
        Storage(WebStorage("localStorage"), bus),
        Storage(WebStorage("sessionStorage"), bus),
    )
    adopt_unowned(storage)
    users = Users(storage, tab, bus, asked_for("user"))
    preferences = Preferences(storage, users.current.id)
    words = Words(preferences.get(LANGUAGE) or js.navigator.language, IntlFormats)
    user = users.current
    shelf = Shelf(IndexedRecordings, user.id, bus, tab, scheduler, visit_replay)
    name = asked_for("replay")
    recording = await shelf.take(name) if name else None
    where = where_to_look(preferences, storage, users)
    search = Search(
        where, FetchHttp, bus, scheduler, clock,
        remember=lambda address: preferences.set(LAST_PROXY, address),
        is_seen=lambda: not js.document.hidden,
    )  # fmt: skip
    remembered = recall(storage, user.id, clock.now())
    if recording is not None:
        stage = play(recording, bus, clock, scheduler)
    else:
        found = await search.begin()
        tape = await shelf.new_tape() if shelf.is_to_record else None
        stage = await follow(found, user, tape, bus, clock, scheduler, page_module)
    core, shared = stage.core, stage.shared
    set_session_manager(core.manager)
    persistence = None
    if stage.found is not None:  # of what is past, nothing is to be remembered
        persistence = Persistence(
            storage, core.state, core.manager, core.live, bus, clock, scheduler,
            may_write=lambda: shared is None or shared.is_leader,
        )  # fmt: skip
        user_commands = UserCommands(
            users, storage, preferences, persistence, core.live, bus, clock,
            found=stage.found,
            look=lambda: where_to_look(preferences, storage, users),
            chosen=where.chosen,
            reload=lambda: js.location.reload(),
            enter=forget_asked_user,
        )  # fmt: skip
        remember_to_the_end(persistence)
        notice_other_tabs(persistence, user_commands)

    page = BrowserPage(page_module)
    frames = Frames(page_module, lambda: renderer.frame())
    opening = Opening(page, frames, bus, scheduler)
    renderer = Renderer(page, opening.request, report)
    desk = Desk(bus, core.state, page, renderer, words, stage.clock, scheduler, core.capabilities)
    chart = UplotChart(page_module, "history-chart")
    panels = build_panels(desk, stage, persistence, users, preferences, chart)

    def show_all(_payload: object = None) -> None:
        for panel in panels:
            renderer.touch(panel)

    act: ActionHandler = desk.act
    if stage.player is not None and stage.recording is not None:
        stage.player.on_renewed = desk.look_at
        bar = ReplayBar(desk, stage.player, stage.recording)
        panels.append(bar)
        act = bar.guard(act, show_all)
    if is_framed_by_a_stranger():
        frame_bar = FrameBar(desk)
        panels.append(frame_bar)
        act = frame_bar.guard(act, show_all)
    page.listen(act)
    bus.on(LANGUAGE_CHANGED, show_all)
    if persistence is not None:
        open_memory(persistence, remembered, stage, opening)
    say_what_is_missing(storage, bus)
    storage.speak()
    shelf.speak()
    show_all()
    follow_other_tabs(preferences, bus)
    boot.announce_start()
    wake_when_it_helps(bus)
    add_event_listener(js.window, "pagehide", lambda _event: shelf.flush())
    stage.begin()
    if shared is not None:
        share_between_tabs(shared)
    bus.emit(events.CONNECTION_CHANGED, core.live.connection.state)
    if stage.found is not None:
        search.go_on()


async def try_to_start(scheduler: BrowserScheduler, page_module: Any) -> None:
    """Start, or let the page say why it cannot."""
    try:
        await start(scheduler, page_module)
    except Exception as error:
        report("start", error)
        js.reportError(js.Error.new(str(error)))


def run(page_module: Any) -> None:
    """Start the dashboard in this page."""
    scheduler = BrowserScheduler(report)
    scheduler.start(try_to_start(scheduler, page_module))

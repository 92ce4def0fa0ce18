"""What a person sees, panel by panel, in both languages."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sessions import commands, events
from sessions.commands import CommandOutcome, ExportedFile
from sessions.connection import ConnectionState, Phase
from sessions.discovery import DEMO, FOUND, Discovery, Finding, Visit
from sessions.models import Alert, CompactionDone, Notice, Session, SwitchFailure
from sessions.preferences import (
    LANGUAGE,
    LAST_PROXY,
    PREFERENCES_CHANGED,
    PROXY,
    THEME,
    Preferences,
)
from sessions.proxy_api import (
    COMPACT,
    COMPACTION_STATS,
    DELETE_SESSION,
    DELETE_SESSIONS,
    EXPORT_CSV,
    MEMORY_STATS,
    RATE_LIMIT,
    TOGGLE_AUTO,
    Model,
    Provider,
)
from sessions.storage import Storage
from sessions.user_commands import (
    CREATE,
    DELETE,
    RENAME,
    SWITCH,
    USER_COMMAND,
    UserOutcome,
)
from sessions.user_commands import EXPORT as EXPORT_USER
from sessions.user_commands import IMPORT as IMPORT_USER
from sessions.users import USER_CHANGED, User, Users
from tests.driver import run
from tests.fakes import (
    NOON,
    SESSION,
    VERSIONS,
    FakeChart,
    FakePage,
    FakeStore,
    Room,
    examples,
    metric,
    recorded_value,
    sentence,
)
from views.compaction import Compaction
from views.connect import Connect
from views.export import ASK_EVERY, Export, RateLimit
from views.feed import LIST, MOST_AT_FIRST, MOST_CHANGES, READ_EVERY, Feed
from views.figures import EstimateAccuracy, Figures
from views.frame import FrameBar
from views.gauge import ContextGauge, SourceExplanation, family_of, level_of
from views.header import Appearance, AutoSession, Connection, CurrentSession
from views.history import FIRST_PAUSE, History
from views.last_seen import LastSeen
from views.memory import Memory
from views.page import Action, Renderer
from views.sessions_panel import NewSession, SessionList, plain_name
from views.toasts import SHOWN, USUAL_SECONDS, Toasts
from views.users import UserMenu
from views.words import EMPTY

NBSP, THIN = "\u00a0", "\u202f"
FAILED = Notice("error", "failed.list", {"why": "error.refused"}, "Non.")


def done(command):
    return CommandOutcome(command)


def failed(command, key="failed.list", detail="Non."):
    return CommandOutcome(command, Notice("error", key, {"why": "error.refused"}, detail))


def preferences_of(room, store=None):
    return Preferences(Storage(store or FakeStore(), room.bus))


# -- the renderer --------------------


class Counting:
    def __init__(self, error=None):
        self.renders = 0
        self.error = error

    def render(self):
        self.renders += 1
        if self.error:
            raise self.error


def test_a_panel_that_raises_does_not_blank_the_others():
    page, reports = FakePage(), []
    renderer = Renderer(page, lambda: None, lambda where, error: reports.append((where, error)))
    error = ValueError("broken")
    panels = [Counting(), Counting(error), Counting()]
    for panel in panels:
        renderer.touch(panel)
    renderer.frame()
    assert [panel.renders for panel in panels] == [1, 1, 1]
    assert reports == [("Counting", error)]
    assert page.flushes == 1


def test_a_panel_touched_often_is_rendered_once_a_frame():
    requests = []
    renderer = Renderer(FakePage(), lambda: requests.append(1), print)
    panel = Counting()
    for _ in range(5):
        renderer.touch(panel)
    renderer.frame()
    renderer.frame()
    assert panel.renders == 1
    assert requests


def test_a_topic_touches_its_panels_once_a_frame():
    room, panel, other = Room(), Counting(), Counting()
    room.desk.touch_on(panel, "one", "two")
    room.desk.touch_on(other, "two")
    for _ in range(3):
        room.bus.emit("one")
        room.bus.emit("two")
    room.frame()
    assert (panel.renders, other.renders) == (1, 1)
    room.emit("one")
    assert (panel.renders, other.renders) == (2, 1)


def test_what_a_panel_hears_while_it_renders_is_for_the_next_frame():
    room = Room()

    class Echo(Counting):
        def render(self):
            super().render()
            if self.renders == 1:
                room.bus.emit("topic")

    panel = Echo()
    room.desk.touch_on(panel, "topic")
    room.emit("topic")
    assert panel.renders == 2


def test_a_costly_panel_waits_but_is_never_left_behind():
    room, panel = Room(), Counting()
    room.desk.touch_slowly_on(panel, "topic", every=0.1)
    room.emit("topic")
    assert panel.renders == 1, "the first is told at once"
    for _ in range(5):
        room.emit("topic")
    room.advance(0.09)
    assert panel.renders == 1
    room.advance(0.02)
    assert panel.renders == 2, "the last is told, too"
    room.advance(5)
    assert panel.renders == 2, "nothing happened since"
    room.clock.time -= 3_600_000
    room.emit("topic")
    assert panel.renders == 3, "a clock that was set back delays nothing"


def test_a_frame_has_room_for_one_costly_panel():
    renderer = Renderer(FakePage(), lambda: None, pytest.fail)
    costly, cheap = [Counting(), Counting(), Counting()], Counting()
    for panel in costly:
        renderer.touch(panel, costly=True)
    renderer.touch(cheap)
    seen = []
    for _ in range(4):
        renderer.frame()
        seen.append([*(panel.renders for panel in costly), cheap.renders])
    assert seen == [[1, 0, 0, 1], [1, 1, 0, 1], [1, 1, 1, 1], [1, 1, 1, 1]]


def test_a_costly_panel_that_is_wanted_now_does_not_wait():
    renderer = Renderer(FakePage(), lambda: None, pytest.fail)
    first, second = Counting(), Counting()
    renderer.touch(first, costly=True)
    renderer.touch(second, costly=True)
    renderer.touch(second)
    renderer.touch(second, costly=True)
    renderer.frame()
    assert [first.renders, second.renders] == [1, 1]


def test_an_action_is_read_whatever_the_page_reports():
    assert Action.from_wire({}) == Action("")
    odd = Action.from_wire({"action": 5, "value": 1, "checked": "x", "row": 2, "fields": [1]})
    assert (odd.name, odd.value, odd.checked, odd.row, odd.fields) == ("", None, None, None, {})


# -- the gauge --------------------


@pytest.mark.parametrize(
    ("share", "level"),
    [
        (0, "ok"), (79.9, "ok"), (80, "warning"), (89.9, "warning"), (90, "high"), (94.9, "high"),
        (95, "critical"), (100, "critical"), (100.1, "over"), (150, "over"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("language", ["en", "fr"])
def test_the_gauge_shows_the_level_and_raises_its_alert(share, level, language):
    room = Room(language)
    room.add(ContextGauge)
    room.enter()
    room.read(int(share * 1000), share)
    text = room.words.percent(share)
    assert level_of(share) == level
    assert room.see("percentage-text") == text
    assert room.page.attributes["context", "data-level"] == level
    assert room.page.styles["gauge", "--value"] == f"{share / 100:.4f}"
    assert room.page.shows("alert") == (level != "ok")
    if level != "ok":
        assert text in room.see("alert-title")
        assert room.see("alert-message") == sentence(f"alert.{level}.message", language)
    assert room.page.attributes["gauge", "aria-valuenow"] == str(min(100, round(share)))
    assert room.see("page-title") == f"{text} · Parser — Kimi Proxy"


def test_figures_of_the_window_in_english_and_french():
    room = Room()
    room.add(ContextGauge)
    room.enter()
    room.read(78_040, 78.04)
    assert room.see("percentage-text") == "78.0%"
    assert room.see("current-tokens") == "78,040"
    assert room.see("max-context-display") == "100,000"
    assert room.see("remaining-tokens") == "21,960"
    room.speak("fr")
    assert room.see("percentage-text") == f"78,0{NBSP}%"
    assert room.see("current-tokens") == f"78{THIN}040"
    meter = f"78,0{NBSP}% utilisés{NBSP}: 78{THIN}040 tokens sur 100{THIN}000"
    assert room.page.attributes["gauge", "aria-valuetext"] == meter


def test_beyond_the_window_the_excess_is_shown():
    room = Room()
    room.add(ContextGauge)
    room.enter()
    room.read(150_000, 150)
    assert room.see("remaining-tokens") == "50,000"
    assert room.see("forecast-text") == sentence("forecast.over", "en")


def test_without_a_percentage_it_is_computed_from_the_window():
    room = Room()
    room.add(ContextGauge)
    room.enter()
    room.read(25_000)
    assert room.see("percentage-text") == "25.0%"


def test_a_log_that_names_its_window_is_measured_against_it():
    room = Room()
    room.add(ContextGauge)
    room.enter()
    reading = {"tokens": 32_000, "timestamp": room.clock.now(), "max_context": 64_000}
    room.state.set_last_log_data(reading)
    room.state.announce_sources()
    room.frame()
    assert room.see("max-context-display") == "64,000"
    assert room.see("percentage-text") == "50.0%"
    assert room.page.attributes["source-badge", "data-family"] == "logs"


def test_without_a_session_there_are_dashes_and_no_alert():
    room = Room()
    room.add(ContextGauge)
    for element in (
        "percentage-text", "current-tokens", "max-context-display", "remaining-tokens",
        "forecast-text", "source-badge",
    ):  # fmt: skip
        assert room.see(element) == EMPTY
    assert room.page.attributes["context", "data-level"] == "none"
    assert not room.page.shows("alert")


def test_after_the_last_session_is_gone_nothing_of_it_is_left():
    room = Room()
    room.add(ContextGauge)
    room.enter(reserved_tokens=5000)
    room.read(96_000, 96)
    room.manager.leave_session()
    room.frame()
    assert room.see("percentage-text") == EMPTY
    assert not room.page.shows("alert")
    assert not room.page.shows("reserved-legend")
    assert room.see("page-title") == "Kimi Proxy"
    assert room.page.attributes["gauge", "aria-valuenow"] == "0"
    assert room.page.attributes["gauge", "aria-valuetext"] == EMPTY


def test_a_fresh_session_is_empty_not_unknown():
    room = Room()
    room.add(ContextGauge)
    room.enter()
    assert room.see("percentage-text") == "0.0%"
    assert room.see("current-tokens") == "0"
    assert room.see("forecast-text") == sentence("forecast.unknown", "en")


def test_reserved_tokens_and_the_threshold_are_marked():
    room = Room("fr")
    room.add(ContextGauge)
    room.enter(reserved_tokens=4000)
    assert room.page.styles["gauge", "--reserved"] == "0.0400"
    assert room.page.styles["gauge", "--threshold"] == "0.8500"
    assert room.see("reserved-text") == f"4{THIN}000 tokens réservés"
    assert room.see("threshold-text") == f"Compactage à 85,0{NBSP}%"
    assert room.page.shows("reserved-legend")
    assert room.page.shows("threshold-legend")


@pytest.mark.parametrize(
    "fields", [{"auto_compaction_enabled": 0}, {"auto_compaction_threshold": None}]
)
def test_without_automatic_compaction_there_is_no_threshold(fields):
    room = Room()
    room.add(ContextGauge)
    room.enter(**fields)
    assert not room.page.shows("threshold-legend")
    assert not room.page.shows("reserved-legend")


def test_a_dismissed_alert_stays_away_until_the_next_level():
    room = Room()
    room.add(ContextGauge)
    room.enter()
    room.read(82_000, 82)
    assert room.page.shows("alert")
    room.do("alert:dismiss")
    assert not room.page.shows("alert")
    room.read(85_000, 85)
    assert not room.page.shows("alert")
    room.read(91_000, 91)
    assert room.page.shows("alert")
    room.do("alert:dismiss")
    room.read(50_000, 50)
    room.read(91_000, 91)
    assert room.page.shows("alert"), "it went away and came back"


def test_another_session_has_an_alert_of_its_own():
    room = Room()
    room.add(ContextGauge)
    room.enter()
    room.read(82_000, 82)
    room.do("alert:dismiss")
    room.enter(id=4)
    room.read(82_000, 82)
    assert room.page.shows("alert")


@pytest.mark.parametrize(
    ("told", "level"), [("caution", "warning"), ("warning", "high"), ("critical", "critical")]
)
def test_the_proxys_own_alert_counts_even_when_the_number_is_lower(told, level):
    room = Room()
    room.add(ContextGauge)
    room.enter()
    room.read(10_000, 10)
    room.emit(events.ALERT_CHANGED, Alert(told, "Attention", 82.0))
    assert room.page.shows("alert")
    assert room.page.attributes["alert", "data-level"] == level
    room.emit(events.ALERT_CHANGED, None)
    assert not room.page.shows("alert")


def test_an_alert_of_unknown_level_changes_nothing():
    room = Room()
    room.add(ContextGauge)
    room.enter()
    room.read(10_000, 10)
    room.emit(events.ALERT_CHANGED, Alert("purple", "?", None))
    assert not room.page.shows("alert")


def test_a_reading_grows_stale_by_itself():
    room = Room()
    room.add(ContextGauge)
    room.enter()
    room.read(10_000, 10)
    assert room.page.attributes["source-badge", "data-fresh"] == "true"
    room.advance(4.9)
    assert room.page.attributes["source-badge", "data-fresh"] == "true"
    room.advance(0.2)
    assert room.page.attributes["source-badge", "data-fresh"] == "false"
    assert room.see("source-badge") == "proxy"
    assert room.scheduler.pending() == []


@pytest.mark.parametrize(
    ("limit", "en", "fr"),
    [
        (
            104_000,
            "≈ 100 requests left at this pace",
            "≈ 100 requêtes avant saturation à ce rythme",
        ),
        (5000, "≈ 1 request left at this pace", "≈ 1 requête avant saturation à ce rythme"),
    ],
)
def test_the_forecast_counts_requests(limit, en, fr):
    room = Room()
    room.add(ContextGauge)
    room.enter([metric(n, 1000 * n) for n in range(1, 5)], max_context=limit)
    room.read(4000)
    assert room.see("forecast-text") == en
    room.speak("fr")
    assert room.see("forecast-text") == fr


def test_no_request_left_is_not_one_request_left():
    room = Room("fr")
    room.add(ContextGauge)
    room.enter([metric(n, 1000 * n) for n in range(1, 5)], max_context=5000, reserved_tokens=1500)
    room.read(4000)
    assert "1 requête" not in room.see("forecast-text")


@pytest.mark.parametrize(
    ("source", "family"),
    [
        ("hybrid", "hybrid"), ("compile_chat", "compile"), ("continue_compile_chat", "compile"),
        ("api_error", "error"), ("kimi_global_error", "error"), ("proxy", "proxy"),
        ("kimi_global", "proxy"), ("kimi_session_1", "proxy"), ("logs", "logs"), ("?", "logs"),
    ],
)  # fmt: skip
def test_sources_are_coloured_by_family(source, family):
    assert family_of(source) == family


# -- why this number --------------------


def explained(language="en", proxy=None, log=None):
    room = Room(language)
    room.add(SourceExplanation)
    room.enter()
    now = room.clock.now()
    if proxy:
        room.state.set_last_proxy_data({"timestamp": now, **proxy})
    if log:
        room.state.set_last_log_data({"timestamp": now, **log})
    room.do("source:explain")
    return room


def test_it_is_explained_only_when_asked():
    room = Room()
    room.add(SourceExplanation)
    assert "source-explain" not in room.page.opened
    assert "source-candidates" not in room.page.lists
    assert room.scheduler.pending() == []


def test_nothing_reported_is_said_in_words():
    room = explained("fr")
    assert "source-explain" in room.page.opened
    assert room.see("source-reason") == sentence("source.explain.none", "fr")
    assert room.page.lists["source-candidates"] == []


def test_the_better_source_wins_and_the_page_says_why():
    room = explained(
        proxy={"tokens": 1000, "percentage": 1.0},
        log={"tokens": 9000, "percentage": 9.0, "source": "compile_chat"},
    )
    assert room.see("source-reason") == (
        "compile_chat is shown: it is fresh (just now) and has the higher priority (4)."
    )
    column = room.page.column
    assert column("source-candidates", "source") == ["proxy", "compile_chat"]
    assert column("source-candidates", "verdict") == ["fresh", "shown"]
    assert column("source-candidates", "tokens") == ["1,000", "9,000"]
    assert column("source-candidates", "percentage") == ["1.0%", "9.0%"]
    assert column("source-candidates", "@data-winner") == ["false", "true"]


def test_two_that_nearly_agree_make_a_hybrid():
    room = explained("fr", proxy={"tokens": 10_000}, log={"tokens": 11_000})
    assert f"1{THIN}000 tokens" in room.see("source-reason")
    assert room.page.column("source-candidates", "@data-winner") == ["false", "true"]
    assert room.page.column("source-candidates", "verdict") == ["fraîche", "affichée"]


@pytest.mark.parametrize("language", ["en", "fr"])
def test_of_two_equally_trusted_the_proxy_stays(language):
    room = explained(
        language, proxy={"tokens": 10_000}, log={"tokens": 500, "source": "kimi_global"}
    )
    assert room.see("source-reason").count("proxy") == 1
    assert "kimi_global" not in room.see("source-reason")


def test_while_it_is_open_the_ages_go_on_and_when_closed_they_rest():
    room = explained(proxy={"tokens": 10_000})
    assert room.page.column("source-candidates", "age") == ["just now"]
    for _ in range(7):
        room.advance(1)
    assert room.page.column("source-candidates", "age") == ["7 s ago"]
    assert room.page.column("source-candidates", "verdict") == ["shown"]
    assert room.see("source-reason").startswith("Nothing is fresh")
    room.do("dialog:close", "source-explain")
    assert room.scheduler.pending() == []


def test_a_value_without_a_time_has_no_age():
    room = explained(proxy={"tokens": 10_000, "timestamp": None})
    assert room.page.column("source-candidates", "age") == [EMPTY]
    assert "— old" not in room.see("source-reason"), "an unknown age is not told as one"


# -- figures and accuracy --------------------

FIGURES = ("total-requests", "max-tokens", "avg-tokens", "prompt-tokens", "completion-tokens")


def test_figures_of_the_session():
    room = Room()
    room.add(Figures)
    assert [room.see(element) for element in FIGURES] == [EMPTY] * 5
    room.enter()
    assert [room.see(element) for element in FIGURES] == ["0"] * 5
    room.state.add_metric(metric(1, 1000))
    room.state.add_metric(metric(2, 4001))
    real = {"total": 5000, "prompt": 4500, "completion": 500}
    room.state.update_metric_with_real_tokens(2, real)
    room.frame()
    assert [room.see(element) for element in FIGURES] == ["2", "5,000", "3,000", "4,500", "500"]
    room.manager.leave_session()
    room.frame()
    assert [room.see(element) for element in FIGURES] == [EMPTY] * 5


def test_accuracy_is_a_dash_until_there_is_a_real_count():
    room = Room()
    room.add(EstimateAccuracy)
    room.enter([metric(1, 1000)])
    for element in ("accuracy-text", "last-estimated", "last-real", "accuracy-diff"):
        assert room.see(element) == EMPTY
    assert room.page.attributes["accuracy-text", "data-level"] == "none"
    assert room.page.lists["accuracy-models"] == []


def test_a_real_count_without_an_estimate_is_shown_alone():
    room = Room()
    room.add(EstimateAccuracy)
    room.enter([metric(1, 1000, is_estimated=False)])
    assert room.see("last-real") == "1,000"
    assert room.see("last-estimated") == EMPTY
    assert room.see("accuracy-text") == EMPTY


@pytest.mark.parametrize(
    ("real", "percent", "level", "diff"),
    [
        (1000, "100.0%", "good", "0"),
        (1100, "90.9%", "good", "+100"),
        (800, "75.0%", "fair", "−200"),
        (2000, "50.0%", "poor", "+1,000"),
        (300, "0.0%", "poor", "−700"),
    ],
)
def test_the_last_estimate_is_compared_with_its_real_count(real, percent, level, diff):
    room = Room()
    room.add(EstimateAccuracy)
    room.enter([metric(1, 1000)])
    room.state.update_metric_with_real_tokens(1, {"total": real, "prompt": 1, "completion": 1})
    room.frame()
    assert room.see("accuracy-text") == percent
    assert room.page.attributes["accuracy-text", "data-level"] == level
    assert room.see("accuracy-diff") == diff
    assert (room.see("last-estimated"), room.see("last-real")) == ("1,000", f"{real:,}")


def test_bias_and_spread_by_session_and_model_in_french():
    room = Room("fr")
    room.add(EstimateAccuracy)
    room.enter([metric(n, 1000) for n in range(1, 5)])
    for n, total in enumerate((1000, 1200, 1400, 1600), start=1):
        room.state.update_metric_with_real_tokens(n, {"total": total})
    room.frame()
    assert room.see("accuracy-bias") == "×1,30"
    assert room.see("accuracy-spread") == f"±15,0{NBSP}%"
    assert room.see("accuracy-count") == "4"
    assert room.page.column("accuracy-models", "model") == ["nvidia/kimi-k2.5"]
    assert room.page.column("accuracy-models", "bias") == ["×1,30"]


# -- the history --------------------


def test_the_chart_is_loaded_with_the_first_request_and_then_draws():
    async def scene():
        room, chart = Room(), FakeChart()
        room.add(History, chart)
        await room.scheduler.settle()
        assert chart.loads == 0
        assert room.page.shows("history-empty")
        assert not room.page.shows("history-chart")
        room.enter([metric(1, 1000), metric(2, 3000, is_estimated=False, prompt_tokens=5)])
        await room.scheduler.settle()
        room.frame()
        assert (chart.loads, len(chart.drawn)) == (1, 1)
        times, total, prompt, completion = chart.drawn[0]
        assert total == [1000, 3000]
        assert times[1] - times[0] == 1000
        assert str(prompt) == "[nan, 5]"
        assert str(completion) == "[nan, 0]"
        assert room.page.shows("history-chart")
        assert room.see("history-summary") == (
            "2 requests, from 1,000 to 3,000 tokens; largest 3,000."
        )
        room.emit(events.STATS_UPDATED)
        assert len(chart.drawn) == 1, "nothing changed"
        room.speak("fr")
        assert chart.labels["completion"] == "Réponse"
        room.emit("page:theme", "dark")
        assert chart.repaints == 1
        room.manager.leave_session()
        room.frame()
        assert room.page.shows("history-empty")

    run(scene())


def test_curves_are_shown_and_hidden():
    async def scene():
        room, chart = Room(), FakeChart()
        room.add(History, chart)
        room.enter([metric(1)])
        await room.scheduler.settle()
        room.do("history:toggle-series", "prompt")
        assert chart.hidden == {"prompt"}
        assert room.page.attributes["series-prompt", "aria-pressed"] == "false"
        room.do("history:toggle-series", "prompt")
        assert chart.hidden == set()
        room.do("history:toggle-series", "nonsense")
        assert chart.hidden == set()

    run(scene())


def test_a_curve_hidden_while_the_chart_is_loading_stays_hidden():
    async def scene():
        room, chart = Room(), FakeChart()
        room.add(History, chart)
        room.enter([metric(1)])
        room.do("history:toggle-series", "prompt")
        await room.scheduler.settle()
        room.frame()
        assert chart.hidden == {"prompt"}

    run(scene())


def test_a_chart_that_did_not_come_is_said_once_and_asked_for_again():
    async def scene():
        room, chart = Room(), FakeChart()
        chart.missing = 3
        room.add(History, chart)
        notices = []
        room.bus.on(events.NOTICE, notices.append)
        room.enter([metric(1)])
        await room.scheduler.settle()
        assert chart.loads == 1
        room.scheduler.advance(FIRST_PAUSE)
        await room.scheduler.settle()
        assert chart.loads == 2
        room.emit(commands.RESTART)  # the network is back
        await room.scheduler.settle()
        assert chart.loads == 3
        room.scheduler.advance(2 * FIRST_PAUSE)
        await room.scheduler.settle()
        room.frame()
        assert (chart.loads, len(chart.drawn)) == (4, 1)
        room.emit(commands.RESTART)
        await room.scheduler.settle()
        assert chart.loads == 4
        assert [notice.key for notice in notices] == ["notice.chart_missing"]
        assert room.scheduler.errors == []

    run(scene())


# -- the feed --------------------


def test_each_request_is_a_row():
    room = Room()
    room.add(Feed)
    room.enter([metric(1, 1000), metric(2, 3500, is_estimated=False, delta_tokens=2500)])
    column = room.page.column
    assert room.page.followed[0] == LIST
    assert column(LIST, "time") == ["06:00:01", "06:00:02"]
    assert column(LIST, "tokens") == ["1,000", "3,500"]
    assert column(LIST, "new") == ["+1,000", "+2,500"]
    assert column(LIST, "history") == ["0", "1,000"]
    assert column(LIST, "kind") == ["EST", "REAL"]
    assert column(LIST, "@data-kind") == ["estimated", "real"]
    assert column(LIST, "preview") == ["request 1", "request 2"]
    assert room.see("feed-count") == "2 requests"
    room.speak("fr")
    assert column(LIST, "kind") == ["EST", "RÉEL"]
    assert column(LIST, "tokens") == [f"1{THIN}000", f"3{THIN}500"]
    assert room.see("feed-count") == "2 requêtes"


def test_html_in_a_preview_is_text():
    room = Room()
    room.add(Feed)
    attack = '<img src=x onerror="alert(1)"></span>&amp;'
    room.enter([metric(1, content_preview=attack)])
    assert room.page.column(LIST, "preview") == [attack]
    assert not [name for name in room.page.lists[LIST][0].fields if "html" in name.lower()]


def test_a_long_preview_is_cut_and_an_empty_one_said():
    room = Room("fr")
    room.add(Feed)
    room.enter([metric(1, content_preview="x" * 5000), metric(2, content_preview="")])
    assert room.page.column(LIST, "preview") == ["x" * 300, "Sans aperçu"]
    assert room.page.column(LIST, "preview@data-empty") == [None, "true"]


def test_a_correction_changes_its_row_and_only_that():
    room = Room()
    room.add(Feed)
    room.enter([metric(1), metric(2)])
    before = room.page.lists[LIST]
    room.state.update_metric_with_real_tokens(2, {"total": 7777})
    room.frame()
    after = room.page.lists[LIST]
    assert after[0] is before[0]
    assert (after[1].key, after[1].fields["tokens"], after[1].fields["kind"]) == (
        "2", "7,777", "REAL",
    )  # fmt: skip


def test_mostly_resent_context_is_marked():
    room = Room()
    room.add(Feed)
    room.enter()
    room.state.add_metric(metric(1, 40_000))
    room.state.add_metric(metric(2, 42_000))
    room.frame()
    assert room.page.column(LIST, "@data-noise") == [None, "true"]
    assert "95.2%" in room.page.column(LIST, "@title")[1]


def test_a_hundred_rows_are_kept_and_all_are_counted():
    room = Room()
    room.add(Feed)
    room.enter()
    for n in range(1, 131):
        room.state.add_metric(metric(n))
    room.advance(2 * READ_EVERY)
    rows = room.page.lists[LIST]
    assert (len(rows), rows[0].key, rows[-1].key) == (100, "31", "130")
    assert room.see("feed-count") == "130 requests"


def test_a_flood_is_written_newest_first_and_completed_when_it_is_over():
    room = Room()
    room.add(Feed)
    room.enter()
    room.advance(1)
    for n in range(1, 151):
        room.state.add_metric(metric(n))
    room.renderer.frame()
    shown = [row.key for row in room.page.lists[LIST]]
    newest = [str(n) for n in range(151 - MOST_CHANGES, 151)]
    assert shown == newest
    room.renderer.frame()
    assert [row.key for row in room.page.lists[LIST]] == newest, "more may be on their way"
    room.advance(READ_EVERY)
    assert [row.key for row in room.page.lists[LIST]] == [str(n) for n in range(51, 151)]


def test_requests_that_are_loaded_fill_the_list_at_once():
    room = Room()
    room.add(Feed)
    rows = [metric(n) for n in range(100, 0, -1)]
    room.state.load_session_data({"session": SESSION, "recent_metrics": rows})
    room.renderer.frame()
    assert len(room.page.lists[LIST]) == MOST_AT_FIRST
    room.advance(READ_EVERY)
    assert len(room.page.lists[LIST]) == 100


def test_a_row_that_waits_for_its_turn_stays_as_it_was():
    room = Room()
    room.add(Feed)
    room.enter([metric(n, 5000) for n in range(1, 41)])
    room.advance(1)
    for n in range(1, 41):
        room.state.update_metric_with_real_tokens(n, {"total": 7000})
    room.renderer.frame()
    tokens = room.page.column(LIST, "tokens")
    assert tokens == ["5,000"] * (40 - MOST_CHANGES) + ["7,000"] * MOST_CHANGES
    room.advance(READ_EVERY)
    assert room.page.column(LIST, "tokens") == ["7,000"] * 40


def test_requests_without_an_id_have_rows_as_well():
    room = Room()
    room.add(Feed)
    room.enter()
    for _ in range(3):
        room.state.add_metric({"estimated_tokens": 5})
    room.frame()
    assert len(room.page.lists[LIST]) == 3
    assert room.page.column(LIST, "time") == [EMPTY] * 3


def scroll(room, following):
    room.do("list:follow", details={"list": LIST, "following": following})


def test_what_comes_below_is_counted_while_its_reader_is_elsewhere():
    room = Room()
    room.add(Feed)
    room.enter([metric(1)])
    assert not room.page.shows("feed-newest")
    scroll(room, False)
    room.state.add_metric(metric(2))
    room.frame()
    assert room.page.shows("feed-newest")
    assert room.see("feed-newest-text") == "1 new below"
    room.state.add_metric(metric(3))
    room.speak("fr")
    assert room.see("feed-newest-text") == "2 nouvelles plus bas"
    scroll(room, True)
    assert not room.page.shows("feed-newest")


def test_one_press_goes_to_the_newest():
    room = Room()
    room.add(Feed)
    room.enter([metric(1)])
    scroll(room, False)
    room.state.add_metric(metric(2))
    room.frame()
    room.page.followed.clear()
    room.do("feed:newest")
    assert room.page.followed == [LIST]
    assert not room.page.shows("feed-newest")


def test_new_rows_are_counted_beyond_the_hundred():
    room = Room()
    room.add(Feed)
    room.enter([metric(n) for n in range(1, 101)])
    scroll(room, False)
    for n in range(101, 104):
        room.state.add_metric(metric(n))
    room.advance(READ_EVERY)
    assert room.see("feed-newest-text") == "3 new below"


def test_another_sessions_rows_are_not_new_ones():
    room = Room()
    room.add(Feed)
    room.enter([metric(1)])
    scroll(room, False)
    room.enter([metric(n) for n in range(10, 40)], id=4)
    assert not room.page.shows("feed-newest")


def test_another_list_that_is_scrolled_does_not_matter():
    room = Room()
    room.add(Feed)
    room.enter([metric(1)])
    room.do("list:follow", details={"list": "other", "following": False})
    room.state.add_metric(metric(2))
    room.frame()
    assert not room.page.shows("feed-newest")


# -- the list of sessions --------------------

ROWS = [
    {**SESSION, "id": 3, "name": "Parser"},
    {
        **SESSION,
        "id": 2,
        "name": "Docs <b>",
        "provider": "openai",
        "model": "gpt-5",
        "is_active": 0,
    },
    {**SESSION, "id": 1, "name": "Été", "provider": None, "model": None, "is_active": 0},
]


def listed(language="en"):
    room = Room(language)
    room.add(SessionList)
    room.enter()
    room.emit(events.SESSIONS_LISTED, tuple(Session.from_wire(row) for row in ROWS))
    return room


def test_every_session_is_a_row():
    room = listed()
    column = room.page.column
    assert column("session-list", "name") == ["Parser", "Docs <b>", "Été"]
    assert column("session-list", "provider")[1:] == ["openai · gpt-5", EMPTY]
    assert column("session-list", "created")[0] == "22/11 06:39"
    assert column("session-list", "@data-current") == ["true", "false", "false"]
    assert column("session-list", "badge.hidden") == [False, True, True]
    assert column("session-list", "check.disabled") == [True, False, False]
    assert room.see("session-count") == "3"


@pytest.mark.parametrize(
    ("query", "found"),
    [("", 3), ("docs", 1), ("  DOCS ", 1), ("gpt open", 1), ("ÉTÉ", 1), ("kimi", 1), ("zz", 0)],
)
def test_the_list_can_be_searched(query, found):
    room = listed()
    room.do("session:search", query)
    assert len(room.page.lists["session-list"]) == found


def test_nothing_found_and_nothing_there_are_told_apart():
    room = listed("fr")
    room.do("session:search", "zz")
    assert room.see("session-list-empty") == f"Aucune session ne correspond à «{THIN}zz{THIN}»."
    room.emit(events.SESSIONS_LISTED, ())
    assert room.see("session-list-empty") == sentence("sessions.empty", "fr")


def test_opening_the_panel_asks_for_the_list():
    room = listed()
    heard = room.intents(commands.LIST)
    room.do("session:toggle-panel")
    assert heard == [(commands.LIST, {})]


def test_choosing_a_row_asks_for_its_session_and_closes_the_panel():
    room = listed()
    heard = room.intents(commands.SELECT)
    room.page.open("session-panel")
    room.do("session:select", row="2")
    room.do("session:select", row="nonsense")
    assert heard == [(commands.SELECT, {"id": 2})]
    assert "session-panel" not in room.page.opened


def test_ticked_sessions_are_counted_and_can_be_deleted():
    room = listed()
    assert room.see("session-selected") == "None selected"
    assert not room.page.enabled("session-delete")
    room.do("session:check", row="2", checked=True)
    room.do("session:check", row="1", checked=True)
    assert room.see("session-selected") == "2 selected"
    assert room.page.enabled("session-delete")
    room.do("session:check", row="1", checked=False)
    assert room.see("session-selected") == "1 selected"
    assert room.page.column("session-list", "check.checked") == [False, True, False]


def test_deleting_asks_first_names_them_and_then_does_it():
    room = listed()
    heard = room.intents(commands.DELETE)
    room.do("session:check", row="2", checked=True)
    room.do("session:delete")
    assert "confirm-delete-dialog" in room.page.opened
    assert room.page.column("confirm-delete-names", "name") == ["Docs <b>"]
    assert room.page.column("confirm-delete-names", "detail") == ["gpt-5"]
    assert heard == []
    room.do("session:delete-confirm")
    assert heard == [(commands.DELETE, {"ids": [2]})]
    assert not room.page.enabled("confirm-delete-submit")
    room.emit(commands.COMMAND_DONE, done(commands.DELETE))
    assert "confirm-delete-dialog" not in room.page.opened
    assert room.see("session-selected") == "None selected"


def test_a_refused_deletion_is_told_in_its_dialog_and_can_be_tried_again():
    room = listed()
    room.do("session:check", row="2", checked=True)
    room.do("session:delete")
    room.do("session:delete-confirm")
    refused = "Impossible de supprimer une session active"
    room.emit(commands.COMMAND_FAILED, failed(commands.DELETE, detail=refused))
    assert "confirm-delete-dialog" in room.page.opened
    assert room.page.shows("confirm-delete-error")
    assert room.see("confirm-delete-error") == refused
    assert room.page.enabled("confirm-delete-submit")
    room.do("session:delete")
    assert not room.page.shows("confirm-delete-error")


def test_without_a_tick_nothing_is_asked():
    room = listed()
    room.do("session:delete")
    assert "confirm-delete-dialog" not in room.page.opened


def test_a_tick_goes_with_its_session():
    room = listed()
    room.do("session:check", row="2", checked=True)
    room.do("session:check", row="1", checked=True)
    now_active = [{**ROWS[1], "is_active": 1}]
    room.emit(events.SESSIONS_LISTED, tuple(Session.from_wire(row) for row in now_active))
    assert room.see("session-selected") == "None selected"


def test_a_proxy_that_cannot_delete_is_said_so():
    room = listed("fr")
    assert not room.page.shows("session-delete-note")
    room.do("session:check", row="2", checked=True)
    room.capabilities.known |= {DELETE_SESSION: False, DELETE_SESSIONS: False}
    room.emit(events.CAPABILITIES_CHANGED)
    assert not room.page.enabled("session-delete")
    assert room.page.shows("session-delete-note")
    assert room.see("session-delete-note") == sentence("sessions.delete_unsupported", "fr")


# -- a new session --------------------

PROVIDERS = (
    Provider("kimi", "🌙 Kimi Code", True, (Model("kimi/k2", "Kimi K2", 262_144),)),
    Provider("open", "🔷 Open", False, (Model("open/a", "A", 1000), Model("open/b", "B", None))),
)


def asked_for_new(language="en"):
    room = Room(language)
    room.add(NewSession)
    heard = room.intents(commands.CREATE, commands.LOAD_PROVIDERS)
    room.do("session:new")
    room.emit(commands.PROVIDERS_LISTED, PROVIDERS)
    return room, heard


def create(room, name="Neuf"):
    fields = {
        "new-session-name": name,
        "new-session-provider": "kimi",
        "new-session-model": "kimi/k2",
    }
    room.do("session:create", fields=fields)


def test_the_dialog_opens_and_offers_what_the_proxy_has():
    room, heard = asked_for_new("fr")
    assert heard == [(commands.LOAD_PROVIDERS, {})]
    assert "new-session-dialog" in room.page.opened
    choices, selected = room.page.choices["new-session-provider"]
    assert choices == [("kimi", "Kimi Code"), ("open", "Open (pas de clé d’API sur le proxy)")]
    assert selected == "kimi"
    assert room.page.choices["new-session-model"] == ([("kimi/k2", "Kimi K2")], "kimi/k2")
    assert room.see("new-session-window") == f"262{THIN}144 tokens de contexte"


def test_the_models_follow_the_provider_and_the_window_the_model():
    room, _ = asked_for_new()
    room.do("session:provider", "open")
    assert room.page.choices["new-session-model"] == ([("open/a", "A"), ("open/b", "B")], "open/a")
    assert room.see("new-session-window") == "1,000 tokens of context"
    room.do("session:model", "open/b")
    assert room.see("new-session-window") == ""


def test_a_session_needs_a_name():
    room, heard = asked_for_new()
    heard.clear()
    create(room, "   ")
    assert heard == []
    assert room.see("new-session-error") == "Give the session a name."
    assert room.page.shows("new-session-error")
    assert room.page.focused == "new-session-name"


def test_creating_a_session_asks_once_and_closes_when_done():
    room, heard = asked_for_new()
    heard.clear()
    create(room, "  Neuf ")
    request = {"name": "Neuf", "provider": "kimi", "model": "kimi/k2"}
    assert heard == [(commands.CREATE, request)]
    assert not room.page.enabled("new-session-submit")
    room.emit(commands.COMMAND_DONE, done(commands.CREATE))
    assert "new-session-dialog" not in room.page.opened
    assert room.page.enabled("new-session-submit")


@pytest.mark.parametrize("command", [commands.CREATE, commands.LOAD_PROVIDERS])
def test_what_fails_is_told_in_the_dialog_and_can_be_tried_again(command):
    room, _ = asked_for_new()
    create(room)
    room.emit(commands.COMMAND_FAILED, failed(command, detail="Le modèle est inconnu"))
    assert room.see("new-session-error") == "Le modèle est inconnu"
    assert room.page.shows("new-session-error")
    assert room.page.enabled("new-session-submit")
    assert "new-session-dialog" in room.page.opened
    room.do("session:new")
    assert not room.page.shows("new-session-error")


def test_failures_of_other_commands_are_not_told_there():
    room, _ = asked_for_new()
    room.emit(commands.COMMAND_FAILED, failed(commands.DELETE))
    room.emit(commands.COMMAND_DONE, done(commands.LIST))
    assert not room.page.shows("new-session-error")
    assert "new-session-dialog" in room.page.opened


@pytest.mark.parametrize("version", VERSIONS)
def test_recorded_providers_lose_their_emoji(version):
    for row in recorded_value(version, "providers"):
        name = plain_name(row["name"])
        assert name
        assert name[0].isalnum()
        assert row["name"].endswith(name)


@pytest.mark.parametrize("name", ["🌙", "(beta) X", "7B", ""])
def test_a_name_is_never_lost_with_its_emoji(name):
    assert plain_name(name) == name


# -- header --------------------


def state(phase, attempt=0, retry_at=None, demo=False):
    return ConnectionState(phase, attempt, retry_at, demo, "http://localhost:8000")


@pytest.mark.parametrize(
    ("shown", "name", "en", "fr"),
    [
        (state(Phase.CONNECTING), "connecting", "Connecting", "Connexion…"),
        (state(Phase.CONNECTING, 2), "reconnecting", "Connecting", "Connexion…"),
        (state(Phase.CONNECTED), "connected", "Connected", "Connecté"),
        (state(Phase.CONNECTED, demo=True), "demo", "Demo", "Démo"),
        (state(Phase.CLOSED), "offline", "Offline", "Hors ligne"),
    ],
)
def test_the_connection_is_told_in_words_and_colour(shown, name, en, fr):
    room = Room()
    room.add(Connection, state(Phase.CLOSED))
    room.emit(events.CONNECTION_CHANGED, shown)
    assert room.page.attributes["connection", "data-state"] == name
    assert room.see("ws-status-text") == en
    room.speak("fr")
    assert room.see("ws-status-text") == fr


def test_the_wait_for_the_next_attempt_is_counted_down():
    room = Room("fr")
    room.add(Connection, state(Phase.CLOSED))
    room.emit(events.CONNECTION_CHANGED, state(Phase.WAITING, 3, room.clock.now() + 8000))
    assert room.see("ws-status-text") == "Reconnexion dans 8 s"
    room.advance(1)
    room.advance(1)
    assert room.see("ws-status-text") == "Reconnexion dans 6 s"
    room.emit(events.CONNECTION_CHANGED, state(Phase.CONNECTED))
    room.advance(2)
    assert room.see("ws-status-text") == "Connecté"
    assert room.scheduler.pending() == []


def test_the_current_session_is_named():
    room = Room()
    room.add(CurrentSession)
    assert room.see("session-name") == "No session"
    assert not room.page.shows("session-badge")
    room.enter()
    assert room.see("session-name") == "Parser"
    assert room.see("session-provider") == "nvidia · nvidia/kimi-k2.5"
    assert room.see("session-badge") == "Active"
    room.state.update_session(room.state.session.updated(name="Autre", is_active=0))
    room.frame()
    assert room.see("session-name") == "Autre"
    assert room.see("session-badge") == "Inactive"


def test_automatic_sessions_can_be_switched_once_the_setting_is_known():
    room = Room()
    room.add(AutoSession)
    heard = room.intents(commands.SET_AUTO_SESSION)
    assert not room.page.enabled("auto-session-toggle")
    room.emit(events.AUTO_SESSION_CHANGED, True)
    assert room.page.enabled("auto-session-toggle")
    assert room.page.properties["auto-session-toggle", "checked"] is True
    room.do("auto-session:toggle", checked=False)
    assert heard == [(commands.SET_AUTO_SESSION, {"enabled": False})]
    room.page.property("auto-session-toggle", "checked", False)  # as the person left it
    room.emit(commands.COMMAND_FAILED, failed(commands.SET_AUTO_SESSION))
    assert room.page.properties["auto-session-toggle", "checked"] is True
    room.capabilities.known[TOGGLE_AUTO] = False
    room.emit(events.CAPABILITIES_CHANGED)
    assert not room.page.enabled("auto-session-toggle")
    assert room.see("auto-session-note") == sentence("unsupported", "en")


def test_the_language_is_changed_and_remembered():
    room, store = Room(), FakeStore()
    preferences = preferences_of(room, store)
    appearance = room.add(Appearance, preferences, dark=False)
    heard = room.intents("page:language")
    room.do("language:set", "fr")
    assert heard == [("page:language", "fr")]
    assert preferences.get(LANGUAGE) == "fr"
    room.renderer.touch(appearance)
    room.frame()
    assert room.page.language == "fr"
    assert room.see("context-title") == "Fenêtre de contexte"
    assert room.page.attributes["language-fr", "aria-pressed"] == "true"
    assert room.page.attributes["language-en", "aria-pressed"] == "false"
    room.do("language:set", "fr")
    assert len(heard) == 1


@pytest.mark.parametrize(
    ("remembered", "dark", "first"),
    [
        (None, True, "light"),
        (None, False, "dark"),
        ("dark", False, "light"),
        ("odd", True, "light"),
    ],
)
def test_the_theme_is_changed_and_remembered(remembered, dark, first):
    room, store = Room(), FakeStore()
    preferences = preferences_of(room, store)
    preferences.set(THEME, remembered)
    room.add(Appearance, preferences, dark=dark)
    heard = room.intents("page:theme")
    room.do("theme:toggle")
    assert room.page.attributes["root", "data-theme"] == first
    assert preferences.get(THEME) == first
    room.do("theme:toggle")
    assert preferences.get(THEME) == {"dark": "light", "light": "dark"}[first]
    assert len(heard) == 2


def test_language_and_theme_of_another_tab_are_followed_but_not_chosen_again():
    room, store = Room(), FakeStore()
    preferences = preferences_of(room, store)
    room.add(Appearance, preferences, dark=False)
    heard = room.intents("page:language", "page:theme")
    chosen = {"kimi:default:language": "fr", "kimi:default:theme": "dark"}
    store.kept |= chosen
    store.broken.add("set")
    for key in chosen:
        assert preferences.reread(key)
        room.emit(PREFERENCES_CHANGED)
    assert heard == [("page:language", "fr"), ("page:theme", "dark")]
    assert room.page.attributes["root", "data-theme"] == "dark"
    assert room.page.language == "fr"

    store.kept.clear()
    assert preferences.reread(None)
    room.emit(PREFERENCES_CHANGED)
    assert len(heard) == 2, "what is shown stays until somebody chooses"


# -- memory --------------------


def test_memory_figures_and_lists():
    room = Room("fr")
    heard = room.intents(commands.LOAD_MEMORY)
    room.add(Memory)
    room.enter()
    assert heard == [(commands.LOAD_MEMORY, {})]
    memory = {"memory_tokens": 1200, "chat_tokens": 800, "memory_ratio": 60.0}
    room.state.set_memory_metrics(memory)
    room.frame()
    assert room.see("memory-tokens") == f"1{THIN}200"
    assert room.see("memory-ratio") == f"60,0{NBSP}%"
    assert room.page.styles["memory-bar", "--ratio"] == "0.6000"
    room.emit(
        commands.MEMORY_LOADED,
        {
            "frequent": [{"title": "<i>", "tokens": 156, "access_count": 15}, None, {}],
            "servers": [{"name": "a", "connected": True, "latency_ms": 12.4}, {"name": "b"}],
        },
    )
    assert room.page.column("memory-frequent", "title") == ["<i>", ""]
    assert room.page.column("memory-frequent", "uses") == ["15×", "0×"]
    assert room.page.column("memory-servers", "status") == ["connecté · 12 ms", "injoignable"]
    assert not room.page.shows("memory-note")


@pytest.mark.parametrize("version", VERSIONS)
def test_recorded_memories_are_shown(version):
    room = Room()
    room.add(Memory)
    stats = recorded_value(version, "memory_stats_advanced")
    frequent = recorded_value(version, "memory_frequent")
    room.emit(commands.MEMORY_LOADED, {**stats, "frequent": frequent})
    assert room.page.column("memory-frequent", "title")[0] == "Configuration FastAPI"
    assert room.page.lists["memory-servers"]


def test_memories_that_cannot_be_loaded_are_said_so():
    room = Room()
    room.add(Memory)
    room.emit(commands.COMMAND_FAILED, failed(commands.LOAD_MEMORY))
    assert room.page.shows("memory-note")
    room.emit(commands.MEMORY_LOADED, {})
    assert not room.page.shows("memory-note")


def test_a_proxy_without_memories_is_not_asked_and_that_is_said():
    room = Room()
    heard = room.intents(commands.LOAD_MEMORY)
    room.capabilities.known[MEMORY_STATS] = False
    room.add(Memory)
    room.enter()
    assert heard == []
    assert room.page.shows("memory-note")


# -- compaction --------------------


def compacting(language="en", **session):
    room = Room(language)
    room.add(Compaction)
    room.enter(**session)
    return room


CONTROLS = (
    "auto-compaction-toggle", "reserved-tokens", "compaction-preview-button", "compaction-run",
)  # fmt: skip


def test_without_a_session_nothing_can_be_compacted():
    room = Room("fr")
    room.add(Compaction)
    assert not any(room.page.enabled(element) for element in CONTROLS)
    assert room.see("compaction-note") == sentence("compaction.note.waiting", "fr")


def test_with_a_session_its_figures_are_asked_for_and_shown():
    room = Room()
    heard = room.intents(commands.LOAD_COMPACTION)
    room.add(Compaction)
    room.enter(reserved_tokens=4000)
    assert heard == [(commands.LOAD_COMPACTION, {})]
    assert all(room.page.enabled(element) for element in CONTROLS)
    assert room.see("compaction-note") == "Ready to compact."
    assert room.see("compaction-last") == EMPTY
    assert room.page.properties["auto-compaction-toggle", "checked"] is True
    assert room.page.properties["reserved-tokens", "value"] == "4000"
    figures = {"compaction_count": 2, "total_tokens_saved": 1989}
    room.emit(commands.COMPACTION_LOADED, {"compaction": figures})
    assert room.see("compaction-count") == "2"
    assert room.see("compaction-saved") == "1,989"
    assert room.see("compaction-last") == "never"
    figures["last_compaction_at"] = "2026-11-22 06:39:17"
    room.emit(commands.COMPACTION_LOADED, {"compaction": figures})
    assert room.see("compaction-last") == "06:39"
    assert room.page.attributes["compaction-last", "title"] == "22/11 06:39"
    figures["last_compaction_at"] = "2026-11-20 06:39:17"
    room.emit(commands.COMPACTION_LOADED, {"compaction": figures})
    assert room.see("compaction-last") == "20/11"


def test_a_version_without_compaction_is_said_so():
    room = compacting()
    room.capabilities.known |= {COMPACT: False, COMPACTION_STATS: False}
    room.emit(events.CAPABILITIES_CHANGED)
    assert not room.page.enabled("compaction-run")
    assert room.see("compaction-note") == sentence("compaction.note.unsupported", "en")


def test_the_preview_says_what_would_be_summarised():
    room = compacting("fr")
    heard = room.intents(commands.PREVIEW_COMPACTION)
    room.do("compaction:preview")
    assert heard == [(commands.PREVIEW_COMPACTION, {})]
    assert not room.page.shows("compaction-preview")
    room.emit(commands.COMPACTION_PREVIEWED, recorded_value(VERSIONS[2], "compaction_preview"))
    assert room.page.shows("compaction-preview")
    assert room.see("compaction-preview-text") == (
        f"30 messages sur 34 seraient résumés{NBSP}: environ 331 tokens gagnés."
    )
    roles = room.page.column("compaction-preview-list", "role")
    assert roles == ["utilisateur", "assistant", "utilisateur"]
    room.emit(events.COMPACTION_DONE, CompactionDone(99, 0, 0, 0, None))
    assert room.page.shows("compaction-preview"), "another session was compacted"
    done = CompactionDone(room.state.session_id, 0, 0, 0, None)
    room.emit(events.COMPACTION_DONE, done)
    assert not room.page.shows("compaction-preview")


@pytest.mark.parametrize(("message", "shown"), [("Trop peu.", "Trop peu."), (None, None)])
def test_a_preview_of_nothing_says_why(message, shown):
    room = compacting()
    room.emit(commands.COMPACTION_PREVIEWED, {"can_compact": False, "message": message})
    expected = shown or sentence("compaction.preview.nothing", "en")
    assert room.see("compaction-preview-text") == expected


def test_a_preview_belongs_to_its_session():
    room = compacting()
    room.emit(commands.COMPACTION_PREVIEWED, {"can_compact": True})
    room.enter(id=4)
    assert not room.page.shows("compaction-preview")


def test_compacting_takes_its_time_and_ends():
    room = compacting()
    heard = room.intents(commands.COMPACT)
    room.do("compaction:run")
    assert heard == [(commands.COMPACT, {"force": True})]
    assert room.see("compaction-note") == "Compacting…"
    assert not room.page.enabled("compaction-run")
    room.emit(commands.COMMAND_DONE, done(commands.COMPACT))
    assert room.see("compaction-note") == "Ready to compact."
    assert room.page.enabled("compaction-run")


@pytest.mark.parametrize("command", [commands.COMPACT, commands.PREVIEW_COMPACTION])
def test_what_fails_is_told_in_the_note(command):
    room = compacting()
    room.do("compaction:run")
    room.emit(commands.COMMAND_FAILED, failed(command, "failed.compact", "Internal Server Error"))
    assert room.see("compaction-note") == "The compaction failed. Internal Server Error"
    assert room.page.attributes["compaction-note", "data-kind"] == "error"
    room.do("compaction:preview")
    assert room.page.attributes["compaction-note", "data-kind"] is None


@pytest.mark.parametrize("value", ["-1", "1.5", "many", "", "99999999999", "１２", "1e3"])
def test_an_impossible_reservation_is_refused_with_a_reason(value):
    room = compacting("fr")
    heard = room.intents(commands.RESERVE_TOKENS)
    room.do("compaction:reserved", value)
    assert heard == []
    limit = f"100{THIN}000"
    assert room.see("compaction-note") == f"Entrez un nombre entier de tokens, de 0 à {limit}."
    assert room.page.attributes["compaction-note", "data-kind"] == "error"


@pytest.mark.parametrize("value", ["0", " 4000 ", "100000"])
def test_a_possible_reservation_is_asked_for(value):
    room = compacting()
    heard = room.intents(commands.RESERVE_TOKENS)
    room.do("compaction:reserved", value)
    assert heard == [(commands.RESERVE_TOKENS, {"tokens": int(value)})]


@pytest.mark.parametrize(
    ("command", "element", "name", "value"),
    [
        (commands.SET_AUTO_COMPACTION, "auto-compaction-toggle", "checked", True),
        (commands.RESERVE_TOKENS, "reserved-tokens", "value", "0"),
    ],
)
def test_a_switch_that_failed_goes_back_to_what_holds(command, element, name, value):
    room = compacting()
    room.do("compaction:auto", checked=False)
    room.page.property(element, name, "as the person left it")
    room.emit(commands.COMMAND_FAILED, failed(command))
    assert room.page.properties[element, name] == value


# -- export and rate --------------------


def test_a_session_can_be_exported():
    room = Room()
    room.add(Export)
    heard = room.intents(commands.EXPORT)
    room.bus.on(events.NOTICE, lambda notice: heard.append(notice.values))
    assert not room.page.enabled("export-csv")
    assert room.page.shows("export-note")
    room.enter()
    assert room.page.enabled("export-csv")
    assert not room.page.shows("export-note")
    room.do("export:csv")
    room.do("export:json")
    assert heard == [(commands.EXPORT, {"kind": "csv"}), (commands.EXPORT, {"kind": "json"})]
    room.emit(commands.EXPORTED, ExportedFile("session-3.csv", "text/csv", "a,b"))
    assert room.page.files == [("session-3.csv", "text/csv", "a,b")]
    assert heard[-1] == {"file": "session-3.csv"}
    room.capabilities.known[EXPORT_CSV] = False
    room.emit(events.CAPABILITIES_CHANGED)
    assert not room.page.enabled("export-csv")
    assert room.page.enabled("export-json")


def test_the_rate_is_asked_for_after_a_request_and_at_most_every_five_seconds():
    room = Room()
    room.add(RateLimit)
    heard = room.intents(commands.LOAD_RATE_LIMIT)
    room.advance(60)
    assert heard == [], "an idle page asks nothing"
    room.enter()
    for n in range(1, 51):
        room.state.add_metric(metric(n))
        room.advance(0.2)
    assert len(heard) == 1 + int(50 * 0.2 / ASK_EVERY)
    room.advance(60)
    assert len(heard) <= 4
    settled = len(heard)
    room.advance(600)
    assert len(heard) == settled
    room.state.add_metric(metric(99))
    assert len(heard) == settled + 1


def test_the_rate_is_shown_against_its_limit():
    room = Room("fr")
    room.add(RateLimit)
    assert room.see("rate-limit-text") == EMPTY
    room.emit(commands.RATE_LIMIT_LOADED, {"current_rpm": 36, "max_rpm": 40, "percentage": 90.0})
    assert room.see("rate-limit-text") == "36 sur 40 req/min"
    assert room.page.attributes["rate-limit", "data-level"] == "high"
    assert room.page.styles["rate-limit", "--ratio"] == "0.9000"
    room.emit(commands.RATE_LIMIT_LOADED, {"status": "?"})
    assert room.see("rate-limit-text") == EMPTY


def test_a_proxy_without_a_rate_is_not_asked():
    room = Room("fr")
    room.add(RateLimit)
    assert not room.page.shows("rate-limit-note")
    heard = room.intents(commands.LOAD_RATE_LIMIT)
    room.capabilities.known[RATE_LIMIT] = False
    room.enter()
    assert heard == []
    room.emit(events.CAPABILITIES_CHANGED, room.capabilities)
    assert room.page.shows("rate-limit-note")
    assert room.see("rate-limit-note") == sentence("rate.unsupported", "fr")


def test_a_rate_that_could_not_be_read_says_why_until_it_can():
    room = Room()
    room.add(RateLimit)
    room.emit(commands.RATE_LIMIT_LOADED, {"current_rpm": 36, "max_rpm": 40, "percentage": 90.0})
    room.emit(
        commands.COMMAND_FAILED,
        failed(commands.LOAD_RATE_LIMIT, "failed.load_rate_limit", "No <b>quota</b>."),
    )
    assert room.see("rate-limit-text") == EMPTY
    assert room.page.styles["rate-limit", "--ratio"] == "0"
    assert room.page.shows("rate-limit-note")
    assert room.see("rate-limit-note") == ("The request rate could not be loaded. No <b>quota</b>.")
    room.emit(commands.COMMAND_FAILED, failed(commands.LOAD_MEMORY))
    room.emit(commands.RATE_LIMIT_LOADED, {"current_rpm": 1, "max_rpm": 40, "percentage": 2.5})
    assert not room.page.shows("rate-limit-note")


# -- notices --------------------


def toasting(language="en"):
    room = Room(language)
    room.add(Toasts)
    return room


def titles(room):
    return room.page.column("toasts", "title")


def test_a_notice_is_shown_for_a_while():
    room = toasting()
    room.emit(events.NOTICE, Notice("success", "notice.deleted", {"count": 2}))
    assert titles(room) == ["2 sessions deleted"]
    assert room.page.column("toasts", "@data-kind") == ["ok"]
    assert room.page.column("toasts", "message.hidden") == [True]
    room.advance(USUAL_SECONDS - 0.1)
    assert len(titles(room)) == 1
    room.advance(0.2)
    assert titles(room) == []


def test_an_error_stays_longer_and_says_why_in_the_page_s_language():
    room = toasting("fr")
    notice = Notice("error", "failed.list", {"why": "error.unreachable"})
    room.emit(commands.COMMAND_FAILED, CommandOutcome(commands.LIST, notice))
    assert titles(room) == [sentence("failed.list", "fr")]
    assert room.page.column("toasts", "message") == [sentence("error.unreachable", "fr")]
    room.advance(USUAL_SECONDS + 1)
    assert len(titles(room)) == 1
    room.advance(10)
    assert titles(room) == []


def test_the_same_notice_is_not_shown_twice():
    room = toasting()
    for _ in range(5):
        room.emit(events.NOTICE, FAILED)
    assert len(titles(room)) == 1
    room.advance(20)
    room.emit(events.NOTICE, FAILED)
    assert len(titles(room)) == 1, "but again once it has gone"


def test_only_the_newest_notices_are_kept():
    room = toasting()
    for n in range(1, SHOWN + 4):
        room.emit(events.NOTICE, Notice("info", "notice.auto_session", {"name": f"S{n}"}))
    assert [title[-2:] for title in titles(room)] == [f"S{n}" for n in range(4, SHOWN + 4)]


def test_a_notice_can_be_closed():
    room = toasting()
    room.emit(events.NOTICE, FAILED)
    room.do("toast:close", row=room.page.lists["toasts"][0].key)
    room.do("toast:close", row="nonsense")
    assert titles(room) == []
    room.advance(60)
    assert titles(room) == []


def test_what_is_told_where_it_was_asked_is_not_told_here():
    room = toasting()
    for command in (commands.CREATE, commands.DELETE, commands.COMPACT, commands.LOAD_MEMORY):
        room.emit(commands.COMMAND_FAILED, failed(command))
    assert titles(room) == []


def test_a_proxy_and_a_page_that_may_disagree_are_told():
    room = toasting()
    room.emit(events.SWITCH_FAILED, SwitchFailure(3, "no", True))
    assert titles(room) == []
    room.emit(events.SWITCH_FAILED, SwitchFailure(3, "no", False))
    assert titles(room) == [sentence("notice.not_rolled_back", "en")]


def test_a_storage_that_fails_is_told():
    room = toasting("fr")
    room.emit(events.STORAGE_DEGRADED, {"reason": "full"})
    assert titles(room) == [sentence("notice.storage_degraded", "fr")]


def test_shown_notices_change_their_language():
    room = toasting()
    room.emit(events.NOTICE, Notice("success", "notice.deleted", {"count": 2}))
    room.speak("fr")
    assert titles(room) == ["2 sessions supprimées"]


# -- where the proxy is --------------------


def connecting(found, language="en", store=None):
    room = Room(language)
    reloads = []
    room.choices = preferences = preferences_of(room, store)
    room.add(Connect, preferences, found, lambda: reloads.append(preferences.get(PROXY)))
    return room, reloads


NOWHERE = Discovery(
    DEMO,
    (
        Visit("http://here", Finding.SOMETHING_ELSE, "Interdit"),
        Visit("http://localhost:8000", Finding.NO_ANSWER),
    ),
)


def test_the_demo_says_what_was_tried_and_found():
    room, _ = connecting(NOWHERE, "fr")
    assert room.page.shows("demo-banner")
    assert room.see("demo-text").endswith("à l’adresse http://here, http://localhost:8000.")
    assert room.page.shows("connect-tried")
    assert room.page.column("connect-attempts", "result") == [
        "répond, mais n’est pas un Kimi Proxy (Interdit)",
        "pas de réponse",
    ]


@pytest.mark.parametrize("finding", Finding)
def test_every_finding_has_words(finding):
    room, _ = connecting(Discovery("http://x", (Visit("http://x", finding),)))
    assert room.page.column("connect-attempts", "result")[0]
    lost = finding is not Finding.PROXY
    assert room.page.shows("demo-banner") == lost
    if finding.is_somebody:
        assert room.see("demo-text").endswith("; the page waits for it and keeps trying.")
    elif lost:
        assert room.see("demo-text").startswith("No Kimi Proxy answers at http://x")
    assert not room.page.shows("demo-title")
    assert not room.page.shows("connect-offer")


def line(phase):
    return ConnectionState(phase, 0, None, False, "http://x")


@pytest.mark.parametrize("finding", Finding)
def test_a_line_that_is_up_takes_back_that_nobody_answers_but_not_that_requests_fail(finding):
    room, _ = connecting(Discovery("http://x", (Visit("http://x", finding),)))
    room.emit(events.CONNECTION_CHANGED, line(Phase.CONNECTED))
    assert room.page.shows("demo-banner") == finding.is_somebody
    room.emit(events.CONNECTION_CHANGED, line(Phase.WAITING))
    assert room.page.shows("demo-banner") == finding.is_somebody  # the header says it


@pytest.mark.parametrize(
    ("found", "language", "text", "button"),
    [
        (
            Discovery(DEMO, (Visit("http://x", Finding.NO_ANSWER),), offer="http://y"),
            "en", "A Kimi Proxy answers now at http://y.", "Show it",
        ),
        (
            Discovery("http://x", (Visit("http://x", Finding.NO_ANSWER),), offer="http://y"),
            "fr",
            "Aucun Kimi Proxy ne répond à http://x\u00a0; la page réessaie. "
            "Un Kimi Proxy répond maintenant à http://y.",
            "Passer à celui-ci",
        ),
    ],
)  # fmt: skip
def test_a_proxy_that_turned_up_is_offered_and_taken_when_a_person_says_so(
    found, language, text, button
):
    room, reloads = connecting(replace(found, offer=None), language)
    room.emit(events.CONNECTION_CHANGED, line(Phase.CONNECTED))
    room.emit(events.CONNECTION_CHANGED, line(Phase.WAITING))
    room.emit(FOUND, found)
    assert room.see("demo-text") == text
    assert room.see("connect-offer") == button
    assert room.page.shows("connect-offer")
    assert room.page.shows("demo-title") == found.is_demo
    room.do("connect:offer")
    assert reloads == [None]  # not as a choice: that would be kept whatever comes
    assert room.choices.get(LAST_PROXY) == "http://y"


def test_a_chosen_demo_is_not_said_to_be_a_failure():
    room, _ = connecting(Discovery(DEMO, ()))
    assert room.see("demo-text") == sentence("demo.chosen", "en")
    assert not room.page.shows("connect-tried")


@pytest.mark.parametrize(
    ("found", "offered"),
    [(NOWHERE, "http://localhost:8000"), (Discovery("http://x", ()), "http://x")],
)
def test_the_dialog_begins_with_the_address_at_hand(found, offered):
    room, _ = connecting(found)
    room.do("connect:open")
    assert "connect-dialog" in room.page.opened
    assert room.page.properties["connect-url", "value"] == offered
    assert not room.page.shows("connect-error")


def test_an_invalid_address_is_refused_and_can_be_put_right():
    room, reloads = connecting(NOWHERE)
    room.do("connect:open")
    room.do("connect:submit", fields={"connect-url": "not an address"})
    assert room.page.shows("connect-error")
    assert room.see("connect-error") == sentence("connect.invalid_url", "en")
    assert room.page.focused == "connect-url"
    assert reloads == []
    room.do("connect:submit", fields={"connect-url": " localhost:9000/ "})
    assert reloads == ["http://localhost:9000"]


def test_a_new_visit_to_the_dialog_forgets_the_error():
    room, _ = connecting(NOWHERE)
    room.do("connect:submit", fields={})
    assert room.page.shows("connect-error")
    room.do("connect:open")
    assert not room.page.shows("connect-error")


def test_the_demo_can_be_chosen():
    room, reloads = connecting(Discovery("http://x", ()))
    room.do("connect:demo")
    assert reloads == [DEMO]


# -- anything at all --------------------

_FIELDS = (
    "compaction preview estimate messages_preview role last_compaction_at frequent servers title "
    "connected latency_ms name current_rpm max_rpm percentage can_compact total_tokens_saved "
    "tokens access_count"
)
_odd = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(sorted(_FIELDS.split(" "))), inner, max_size=6)
    ),
    max_leaves=12,
)


@given(_odd.filter(lambda value: isinstance(value, dict)), st.sampled_from(["en", "fr"]))
@examples(150)
def test_no_answer_of_a_proxy_breaks_a_panel(answer, language):
    room = Room(language)
    for panel in (Compaction, Memory, RateLimit):
        room.add(panel)
    room.enter()
    for topic in (
        commands.COMPACTION_LOADED,
        commands.COMPACTION_PREVIEWED,
        commands.MEMORY_LOADED,
        commands.RATE_LIMIT_LOADED,
    ):
        room.emit(topic, answer)
    assert room.recorder.errors == []


# -- how old the figures are --------------------


def seen(room, phase=Phase.WAITING, at=NOON - 180_000, demo=False):
    state = ConnectionState(phase, 0, None, demo, "http://x")
    return room.add(LastSeen, state, lambda: at)


@pytest.mark.parametrize(
    ("language", "text"), [("en", "Last seen 3 min ago"), ("fr", "Vu il y a 3 min")]
)
def test_while_the_proxy_is_away_the_figures_say_how_old_they_are(language, text):
    room = Room(language)
    room.enter()
    seen(room)
    assert room.page.properties["last-seen", "hidden"] is False
    assert room.see("last-seen") == text
    assert room.page.attributes["main", "data-stale"] == "true"
    room.advance(7200)
    assert room.see("last-seen") == text.replace("3 min", "2 h")
    room.advance(7 * 86_400)
    assert "7" in room.see("last-seen")


@pytest.mark.parametrize(
    "case", [{"phase": Phase.CONNECTED}, {"at": None}, {"demo": True}], ids=str
)
def test_figures_that_are_live_or_never_were_have_no_age(case):
    room = Room()
    room.enter()
    seen(room, **case)
    assert room.page.properties["last-seen", "hidden"] is True


def test_with_nothing_to_show_nothing_is_old():
    room = Room()
    seen(room)
    assert room.page.properties["last-seen", "hidden"] is True


def test_the_age_goes_when_the_proxy_is_back():
    room = Room()
    room.enter()
    seen(room)
    room.emit(
        events.CONNECTION_CHANGED, ConnectionState(Phase.CONNECTED, 0, None, False, "http://x")
    )
    assert room.page.properties["last-seen", "hidden"] is True
    assert room.page.attributes["main", "data-stale"] is None
    room.advance(60)
    assert room.page.properties["last-seen", "hidden"] is True


def test_while_the_proxy_is_looked_for_nobody_says_that_it_is_lost():
    room = Room()
    room.add(Connect, preferences_of(room), Discovery("http://x", (), False), lambda: None)
    assert room.page.properties["demo-banner", "hidden"] is True
    room.emit(FOUND, Discovery("http://x", (Visit("http://x", Finding.NO_ANSWER),)))
    assert room.page.properties["demo-banner", "hidden"] is False
    assert "http://x" in room.see("demo-text")


def room_with_lists():
    """A session's room, and what its lists will have asked for."""
    room = Room()
    room.add(Memory)
    room.add(Compaction)
    room.enter()
    return room, room.intents(commands.LOAD_MEMORY, commands.LOAD_COMPACTION)


def test_what_could_not_be_loaded_while_the_proxy_was_away_is_loaded_when_it_answers():
    room, asked = room_with_lists()
    room.emit(events.CAPABILITIES_CHANGED, room.capabilities)
    assert asked == []
    room.emit(commands.COMMAND_FAILED, failed(commands.LOAD_MEMORY))
    room.emit(commands.COMMAND_FAILED, failed(commands.LOAD_COMPACTION))
    assert room.page.attributes["compaction-note", "data-kind"] == "error"
    room.emit(events.CAPABILITIES_CHANGED, room.capabilities)
    assert [topic for topic, _ in asked] == [commands.LOAD_MEMORY, commands.LOAD_COMPACTION]
    assert room.page.attributes["compaction-note", "data-kind"] is None


# -- users --------------------


def menu(language="en", *names):
    room = Room(language)
    storage = Storage(FakeStore(), room.bus)
    users = Users(storage, Storage(FakeStore(), room.bus), room.bus)
    for name in names:
        users.create(name)
    room.add(UserMenu, users)
    return room, users


def test_the_menu_lists_who_there_is_and_marks_who_is_here():
    room, users = menu("en", "Anna")
    rows = room.page.lists["user-list"]
    assert [row.fields["name"] for row in rows] == ["First user", "Anna"]
    assert [row.fields["@data-current"] for row in rows] == ["true", "false"]
    assert room.page.properties["user-name", "hidden"] is True
    users.choose("anna")
    users.announce()
    room.frame()
    assert room.see("user-name") == "Anna"
    assert room.page.properties["user-name", "hidden"] is False


def test_another_user_is_chosen_by_row():
    room, _ = menu("en", "Anna")
    asked = room.intents(SWITCH)
    room.do("user:select", row="anna")
    assert asked == [(SWITCH, {"id": "anna"})]


def test_a_user_is_created_in_a_dialog_that_says_what_is_wrong_with_a_name():
    room, _ = menu("fr")
    asked = room.intents(CREATE)
    room.do("user:new")
    assert "user-dialog" in room.page.opened
    assert room.see("user-dialog-title") == "Nouvel utilisateur"
    room.do("user:name", fields={"user-dialog-name": "Anna"})
    assert asked == [(CREATE, {"name": "Anna"})]
    room.emit(USER_COMMAND, UserOutcome(CREATE, "users.error.taken", {"name": "Anna"}))
    assert "Anna" in room.see("user-dialog-error")
    assert room.page.properties["user-dialog-error", "hidden"] is False
    assert room.page.focused == "user-dialog-name"
    room.emit(USER_COMMAND, UserOutcome(CREATE))
    assert "user-dialog" not in room.page.opened
    room.do("user:new")
    assert room.page.properties["user-dialog-error", "hidden"] is True


def test_a_user_is_renamed_in_the_same_dialog():
    room, _ = menu("en", "Anna")
    asked = room.intents(RENAME)
    room.do("user:edit", row="anna")
    assert room.page.properties["user-dialog-name", "value"] == "Anna"
    assert room.see("user-dialog-submit") == "Rename"
    room.do("user:name", fields={"user-dialog-name": "Ann"})
    assert asked == [(RENAME, {"id": "anna", "name": "Ann"})]


def test_a_user_is_deleted_only_after_a_second_word():
    room, _ = menu("en", "Anna")
    asked = room.intents(DELETE)
    room.do("user:delete", row="nobody")
    assert "user-delete-dialog" not in room.page.opened
    room.do("user:delete", row="anna")
    assert "user-delete-dialog" in room.page.opened
    assert room.see("user-delete-title") == "Delete “Anna”?"
    assert asked == []
    room.do("user:delete-confirm")
    assert asked == [(DELETE, {"id": "anna"})]
    assert "user-delete-dialog" not in room.page.opened


def test_files_go_out_and_in_and_a_bad_one_is_explained():
    room, _ = menu()
    room.recorder.listen(events.NOTICE)
    asked = room.intents(EXPORT_USER, IMPORT_USER)
    room.do("user:export")
    room.do("user:import", "{}")
    assert asked == [(EXPORT_USER, {}), (IMPORT_USER, {"text": "{}"})]
    room.emit(USER_COMMAND, UserOutcome(IMPORT_USER, "users.file.damaged", {"part": "state"}))
    ((_, notice),) = room.recorder.events
    assert notice.key == "failed.import_user"
    assert "state" in notice.detail


def test_another_user_brings_another_language_and_theme_or_the_systems():
    room = Room("fr")
    store = FakeStore()
    store.kept = {"kimi:default:language": "fr", "kimi:default:theme": "light"}
    preferences = preferences_of(room, store)
    room.add(Appearance, preferences, dark=True, language="en-GB")
    preferences.enter("anna")
    room.emit(USER_CHANGED, User("anna", "Anna"))
    assert room.words.language == "en"
    assert room.page.attributes["root", "data-theme"] == "dark"
    preferences.enter("default")
    room.emit(USER_CHANGED, User("default", ""))
    assert room.words.language == "fr"
    assert room.page.attributes["root", "data-theme"] == "light"


def test_after_a_gap_the_lists_of_the_session_are_read_again():
    room, asked = room_with_lists()

    def connect(phase):
        room.emit(events.CONNECTION_CHANGED, ConnectionState(phase, 0, None, False, "http://x"))

    connect(Phase.CONNECTING)
    connect(Phase.CONNECTED)
    room.emit(events.CAPABILITIES_CHANGED, room.capabilities)
    assert asked == [], "nothing was missed so far"
    connect(Phase.WAITING)
    connect(Phase.CONNECTING)
    connect(Phase.CONNECTED)
    assert asked == [], "the proxy has not answered yet"
    room.emit(events.CAPABILITIES_CHANGED, room.capabilities)
    assert sorted(topic for topic, _ in asked) == [commands.LOAD_COMPACTION, commands.LOAD_MEMORY]
    room.emit(events.CAPABILITIES_CHANGED, room.capabilities)
    assert len(asked) == 2


# -- in a frame of another site --------------------


def test_in_a_strangers_frame_nothing_can_be_changed():
    room = Room()
    bar = room.add(FrameBar)
    done: list[str] = []
    shown: list[None] = []
    act = bar.guard(lambda action: done.append(action.name), lambda: shown.append(None))
    notices = []
    room.bus.on(events.NOTICE, notices.append)
    assert room.page.shows("frame-banner")
    act(Action("theme:toggle"))
    for name in ("session:delete-confirm", "session:select", "compaction:run"):
        act(Action(name))
    assert done == ["theme:toggle"]
    assert [notice.key for notice in notices] == ["frame.refused"] * 3
    assert len(shown) == 3, "a switch that was turned goes back"

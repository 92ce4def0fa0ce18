"""What a session's data tell when they come, and when they cannot come."""

from __future__ import annotations

from typing import Any

import pytest

from sessions import events
from sessions.errors import NoSession
from sessions.manager import SessionManager, get_session_manager, set_session_manager
from sessions.models import SessionDetail
from sessions.state import SessionState
from tests.driver import run
from tests.support import FakeClock, Recorder


def detail(session_id: int, *rows: dict[str, Any], **more: Any) -> SessionDetail:
    answer = {"session": {"id": session_id, "name": "S"}, "recent_metrics": list(rows), **more}
    return SessionDetail.from_wire(answer)


def row(number: int, tokens: int) -> dict[str, Any]:
    return {"id": number, "estimated_tokens": tokens, "is_estimated": 0, "prompt_tokens": tokens}


class Answers:
    activates_to_load = False

    def __init__(self, answer: SessionDetail) -> None:
        self.answer = answer

    async def load_session(self, session_id: object) -> SessionDetail:
        return self.answer

    async def activate_session(self, session_id: object) -> bool:
        return True


def page(
    answer: SessionDetail, *, announce_loads: bool = True
) -> tuple[Recorder, SessionState, SessionManager]:
    recorder = Recorder()
    recorder.listen(
        events.SESSION_CHANGED,
        events.SESSION_LOADED,
        events.MEMORY_UPDATED,
        events.METRICS_LOADED,
    )
    state = SessionState(recorder.bus, FakeClock())
    manager = SessionManager(state, recorder.bus, Answers(answer), announce_loads=announce_loads)
    return recorder, state, manager


MEMORY = {"memory_tokens": 7, "chat_tokens": 3, "memory_ratio": 70}


def test_a_switch_is_announced_first_and_then_what_it_loaded() -> None:
    recorder, _, manager = page(detail(1, row(2, 20), row(1, 10), memory=MEMORY))
    run(manager.switch_session(1))
    assert recorder.topics() == [
        "sessionChanged",
        "session:loaded",
        "memory:updated",
        "metrics:loaded",
    ]
    assert [metric.id for metric in recorder.events[-1][1]] == [1, 2]


def test_metrics_that_the_caller_brought_are_not_announced_as_loaded() -> None:
    recorder, _, manager = page(detail(1))
    run(manager.switch_session(1, [row(1, 10)]))
    assert recorder.topics() == ["sessionChanged"]


def test_a_dashboard_of_the_original_hears_only_that_the_session_changed() -> None:
    answer = detail(1, row(1, 10), memory=MEMORY)
    recorder, state, manager = page(answer, announce_loads=False)
    run(manager.switch_session(1))
    assert recorder.topics() == ["sessionChanged"]
    assert len(state.metrics()) == 1


def test_reloading_another_session_forgets_what_was_buffered_of_it() -> None:
    _, state, manager = page(detail(1, row(1, 10)))
    state.refresh(detail(2, row(7, 70)))
    run(manager.switch_session(1))
    manager.reload(detail(2, row(8, 80)))
    assert [metric.id for metric in state.metrics()] == [8]


def test_reloading_shows_just_what_the_proxy_has() -> None:
    recorder, state, manager = page(detail(1, row(1, 10)))
    run(manager.switch_session(1))
    recorder.take()
    manager.reload(detail(1, row(5, 50)))
    assert [metric.id for metric in state.metrics()] == [5]
    assert recorder.topics() == ["session:loaded", "metrics:loaded"]


def test_newer_memory_figures_are_taken_over() -> None:
    recorder, state, manager = page(detail(1, memory=MEMORY))
    run(manager.switch_session(1))
    recorder.take()
    state.refresh(detail(1, memory={**MEMORY, "memory_tokens": 9}))
    assert state.memory.memory_tokens == 9
    assert recorder.topics() == ["memory:updated"]


def test_an_earlier_request_that_turns_up_puts_the_next_delta_right() -> None:
    _, state, manager = page(detail(1))
    run(manager.switch_session(1))
    state.add_metric(row(2, 300), 1)
    assert state.metric(2).delta_tokens == 300
    state.refresh(detail(1, row(2, 300), row(1, 250)))
    assert [metric.delta_tokens for metric in state.metrics()] == [250, 50]


def test_a_session_whose_requests_cannot_be_read_is_out_of_reach_until_one_is_known() -> None:
    only_a_row = SessionDetail.from_wire({"session": {"id": 1, "name": "S"}})
    _, state, manager = page(only_a_row)
    run(manager.switch_session(1))
    assert state.is_out_of_reach
    state.add_metric(row(1, 10), 1)
    assert not state.is_out_of_reach


def test_the_page_has_one_manager() -> None:
    _, _, manager = page(detail(1))
    with pytest.raises(NoSession):
        get_session_manager()
    set_session_manager(manager)
    assert get_session_manager() is manager
    set_session_manager(None)

"""What the drop-in tells JavaScript of the metrics: differences, from which a copy is kept."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from dropin.surface import Dropin
from tests.support import FakeClock


class NoProxy:
    """Metrics come from the dashboard; nothing is asked for."""

    async def request(self, *_: object, **__: object) -> Any:
        raise AssertionError


class Mirror:
    """The side of JavaScript: what ``sessions.js`` makes of the answers."""

    def __init__(self) -> None:
        self.told: list[tuple[str, ...]] = []
        self.dropin = Dropin(
            lambda *event: self.told.append(event), lambda *_: None, NoProxy(), FakeClock()
        )
        self.rows: list[Any] = []
        self.crossed = 0
        self.last_id = 0

    def add(self, session_id: int) -> None:
        self.last_id += 1
        self.dropin.add_metric(json.dumps({"id": self.last_id}), session_id)

    def correct(self, age: int, total: int) -> None:
        real = {"total": total, "prompt": total, "completion": 0}
        self.dropin.update_metric(self.last_id - age, json.dumps(real))

    def ask(self) -> None:
        start, end, changed, added = json.loads(self.dropin.metrics())
        self.rows = self.rows[start:end]
        for place, row in changed:
            self.rows[place] = row
        self.rows += added
        self.crossed = len(changed) + len(added)


STEPS = st.one_of(
    st.tuples(st.just("add"), st.sampled_from([1, 1, 1, 2])),
    st.tuples(st.just("fill"), st.integers(1, 230)),
    st.tuples(st.just("correct"), st.integers(0, 110)),
    st.tuples(st.just("go"), st.sampled_from([1, 2, None])),
    st.tuples(st.just("clear"), st.none()),
    st.tuples(st.just("ask"), st.none()),
)


@given(st.lists(STEPS, max_size=30))
def test_the_copy_is_what_a_first_question_would_have_told(steps: list[tuple[str, Any]]) -> None:
    mirror = Mirror()
    for number, (step, value) in enumerate(steps):
        if step == "add":
            mirror.add(value)
        elif step == "fill":
            for _ in range(value):
                mirror.add(1)
        elif step == "correct":
            mirror.correct(value, number + 1)
        elif step == "go":
            mirror.dropin.set_session_id(value)
        elif step == "clear":
            mirror.dropin.clear_metrics()
        else:
            mirror.ask()
    mirror.ask()
    mirror.dropin._handed_over = ()
    _, _, _, rows = json.loads(mirror.dropin.metrics())
    assert mirror.rows == rows


def test_only_what_has_changed_crosses() -> None:
    mirror = Mirror()
    for _ in range(100):
        mirror.add(1)
    mirror.ask()
    assert mirror.crossed == 100
    mirror.ask()
    assert mirror.crossed == 0
    mirror.add(1)
    mirror.ask()
    assert mirror.crossed == 1
    mirror.correct(50, 7)
    mirror.correct(0, 8)
    mirror.ask()
    assert mirror.crossed == 2

"""No test of a page reads it once where it should wait, or waits for a fixed time."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.single_reads import faults

pytestmark = pytest.mark.sources

TESTS = Path(__file__).parents[1]
PARTS = ("e2e", "dropin", "browsers", "hosts")
FILES = [path for part in PARTS for path in (TESTS / part).glob("test_*.py")]


@pytest.mark.parametrize("path", FILES, ids=lambda path: f"{path.parent.name}/{path.name}")
def test_every_reading_is_waited_for(path: Path) -> None:
    found = faults(path.read_text("utf-8"))
    assert [f"{path.name}:{fault.line}: {fault.what}" for fault in found] == []


@pytest.mark.parametrize(
    "line",
    [
        "assert desk['name'].inner_text() == 'x'",
        "assert desk.feed()[-1]['tokens'] == '1,218'",
        "before = desk.figures()",
        "box = desk['dialog'].bounding_box()",
        "assert page.url == 'x'",
        "assert 'x' in desk.watch.console",
        "before = visitor.storage()",
        "assert page.title() == 'x'",
        "assert desk.number('total') == 4",
        "assert rows.count() == 4",
        "if panel.is_visible(): panel.click()",
        "assert page.evaluate('() => window.seen') == 1",
        "desk.eventually(desk.figures, desk.figures())",
        "desk.steady(desk.figures())",
        "assert proxy.state()['open_websockets'] == 1",
        "page.wait_for_timeout(200)",
        "time.sleep(1)",
        "desk.do('new Promise((resume) => setTimeout(resume, 50))')",
        "def read(): return desk.figures()\nassert read() == 1",
        "def read(): return desk.figures()\ndesk.eventually(read, 1)\nassert read() == 1",
    ],
)
def test_a_single_reading_is_found(line: str) -> None:
    assert len(faults(line)) >= 1


@pytest.mark.parametrize(
    "line",
    [
        "desk.eventually(desk.figures, {})",
        "desk.eventually(lambda: desk.feed()[-1]['tokens'], '1,218')",
        "before = desk.steady(desk.figures)",
        "desk.still(lambda: desk.heard('x'), [])",
        "def read(): return desk.figures()\ndesk.eventually(read, 1)",
        "def read(one): return one.figures()\ndesk.eventually(lambda: read(desk), 1)",
        "class A:\n  def has(self): return self.p.is_visible()\nA().eventually(A().has, True)",
        "def a(): return b()\ndef b(): return desk.figures()\ndesk.eventually(a, 1)",
        "assert names.count('x') == 1",
        "value = response.text()",
        "session = session_of(proxy.state())['name']",
        "desk.do('() => setTimeout(go)')",
    ],
)
def test_a_reading_that_is_waited_for_passes(line: str) -> None:
    assert faults(line) == []

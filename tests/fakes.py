"""Fakes of the page and of the proxy, and recorded answers of three proxy versions."""

from __future__ import annotations

import asyncio
import copy
import functools
import json
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

from hypothesis import settings

from sessions.commands import Commands
from sessions.errors import ChartMissing
from sessions.live import Live
from sessions.manager import SessionManager
from sessions.models import SessionDetail
from sessions.ports import Http, HttpAnswer, SocketListener, Sockets
from sessions.proxy_api import Capabilities, ProxyApi
from sessions.state import SessionState
from tests.support import FakeClock, FakeScheduler, Recorder
from views.catalogue import CATALOGUE
from views.desk import Desk
from views.page import Action, Panel, Renderer, Row
from views.words import Words

ROOT = Path(__file__).parent.parent
VERSIONS = ("2026-02-20", "2026-02-21", "2026-03-08")


def examples(count: int) -> settings:
    """Settings of a property test; a profile that looks at few examples still does."""
    return settings(max_examples=min(count, 3 * settings().max_examples))


# -- recorded answers --------------------


@functools.cache
def recording(version: str) -> Mapping[str, Any]:
    path = ROOT / "tests/unit/wire" / f"{version}.json"
    return json.loads(path.read_text("utf-8"))


def recorded(version: str, case: str) -> HttpAnswer:
    found = recording(version)["http"][case]
    return HttpAnswer(found["status"], found["content_type"], found["text"])


def recorded_value(version: str, case: str) -> Any:
    return json.loads(recorded(version, case).text)


def frame(version: str, kind: str, number: int = 0) -> dict[str, Any]:
    """A WebSocket message as that version sent it; the caller may change it."""
    return copy.deepcopy(recording(version)["ws"][kind][number])


def answer(value: Any, status: int = 200) -> HttpAnswer:
    return HttpAnswer(status, "application/json", json.dumps(value, ensure_ascii=False))


def plain(text: str, status: int) -> HttpAnswer:
    return HttpAnswer(status, "text/plain; charset=utf-8", text)


MISSING_ROUTE = answer({"detail": "Not Found"}, 404)
OTHER_METHOD = answer({"detail": "Method Not Allowed"}, 405)

# Where several cases were recorded on one route, these are not the one it usually gives.
_SPECIAL = frozenset(
    (
        "activate_already_active",
        "active_after_activate_missing",
        "active_fresh",
        "bulk_delete_missing",
        "bulk_delete_with_active",
        "compaction_toggle_off",
        "export_json_no_active",
        "toggle_auto_off",
    )
)

Reply = HttpAnswer | BaseException


class FakeHttp:
    """Answers from a table and remembers what was asked."""

    def __init__(self) -> None:
        self.calls: list[tuple[str, str, Any]] = []
        self._replies: dict[tuple[str, str], list[Reply]] = {}

    @classmethod
    def speaking(cls, version: str) -> FakeHttp:
        """A proxy of that version."""
        http = cls()
        for case, found in recording(version)["http"].items():
            if case not in _SPECIAL:
                http.on(found["method"], found["path"], recorded(version, case))
        return http

    def on(self, method: str, path: str, *replies: Reply) -> None:
        """Answer so from now on, one after the other; the last reply stays."""
        self._replies[method, path] = list(replies)

    async def request(
        self, method: str, path: str, body: str | None = None, *, timeout: float
    ) -> HttpAnswer:
        self.calls.append((method, path, json.loads(body) if body is not None else None))
        await asyncio.sleep(0)
        replies = self._replies.get((method, path))
        if replies is None:
            replies = self._replies.get((method, path.partition("?")[0]), [MISSING_ROUTE])
        reply = replies.pop(0) if len(replies) > 1 else replies[0]
        if isinstance(reply, BaseException):
            raise reply
        return reply

    def asked(self) -> list[tuple[str, str]]:
        return [(method, path) for method, path, _ in self.calls]

    def count(self, method: str, path: str) -> int:
        return self.asked().count((method, path))


class FakeSocket:
    """One connection; the test plays the other end."""

    def __init__(self, listener: SocketListener) -> None:
        self.listener = listener
        self.sent: list[str] = []
        self.closed = False

    def send(self, text: str) -> None:
        self.sent.append(text)

    def close(self) -> None:
        self.closed = True

    def say(self, message: object) -> None:
        self.listener.on_text(message if isinstance(message, str) else json.dumps(message))

    def drop(self) -> None:
        self.closed = True
        self.listener.on_close()


class FakeSockets:
    """Hands out sockets; with ``refuse`` they fail before ``connect`` returns."""

    def __init__(self) -> None:
        self.all: list[FakeSocket] = []
        self.refuse = False

    def connect(self, listener: SocketListener) -> FakeSocket:
        socket = FakeSocket(listener)
        self.all.append(socket)
        if self.refuse:
            socket.drop()
        return socket

    @property
    def last(self) -> FakeSocket:
        return self.all[-1]

    @property
    def live(self) -> list[FakeSocket]:
        return [socket for socket in self.all if not socket.closed]


class FakeStore:
    """Storage in memory; ``broken`` names the calls that raise."""

    def __init__(self, *broken: str) -> None:
        self.kept: dict[str, str] = {}
        self.broken = set(broken)

    def _check(self, call: str) -> None:
        if call in self.broken:
            raise OSError("blocked")

    def get(self, key: str) -> str | None:
        self._check("get")
        return self.kept.get(key)

    def set(self, key: str, text: str) -> None:
        self._check("set")
        self.kept[key] = text

    def remove(self, key: str) -> None:
        self._check("remove")
        self.kept.pop(key, None)

    def keys(self) -> list[str]:
        self._check("keys")
        return list(self.kept)


class Rig:
    """The whole core over fakes, wired as the page wires it."""

    def __init__(
        self, http: Http, share: Callable[[Rig], Sockets] = lambda rig: rig.sockets
    ) -> None:
        """Over what ``share`` makes of the rig's own sockets."""
        self.http = http
        self.clock = FakeClock()
        self.scheduler = FakeScheduler(self.clock)
        self.recorder = Recorder()
        self.bus = self.recorder.bus
        self.sockets = FakeSockets()
        self.api = ProxyApi(http)
        self.state = SessionState(self.bus, self.clock)
        self.manager = SessionManager(self.state, self.bus, self.api)
        self.live = Live(
            self.api, share(self), self.state, self.manager, self.bus, self.clock, self.scheduler
        )
        self.commands = Commands(
            self.api, self.state, self.manager, self.live, self.bus, self.scheduler
        )

    async def start(self) -> None:
        """Start, connect, and load what there is."""
        self.live.start()
        self.sockets.last.listener.on_open()
        await self.scheduler.settle()

    async def hear(self, *messages: object) -> None:
        for message in messages:
            self.sockets.last.say(message)
        await self.scheduler.settle()

    async def later(self, seconds: float) -> None:
        self.scheduler.advance(seconds)
        await self.scheduler.settle()

    async def intend(self, topic: str, **request: Any) -> None:
        self.bus.emit(topic, request)
        await self.scheduler.settle()

    def check(self) -> None:
        """Nothing raised where nobody looks."""
        assert self.recorder.errors == []
        assert self.scheduler.errors == []


# -- the page --------------------

VOID = frozenset(("meta", "link", "input", "br", "hr", "img", "use", "path", "circle"))
I18N = {
    "data-i18n": None,
    "data-i18n-aria-label": "aria-label",
    "data-i18n-placeholder": "placeholder",
    "data-i18n-title": "title",
}


class Skeleton(HTMLParser):
    """What index.html has: ids, templates with their fields, and translated texts."""

    def __init__(self) -> None:
        super().__init__()
        self.ids: dict[str, dict[str, str | None]] = {}
        self.texts: dict[str, str] = {}
        self.templates: dict[str, set[str]] = {}
        # (catalogue key, attribute or None for the text, what stands there)
        self.translated: list[tuple[str, str | None, str]] = []
        self.translated_ids: dict[str, str] = {}
        self._open: list[tuple[str, dict[str, str | None], list[str]]] = []
        self._template: str | None = None

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = dict(attrs)
        if tag == "template":
            self._template = found["id"] or ""
            self.templates[self._template] = {""}
        elif self._template is not None and "data-field" in found:
            self.templates[self._template].add(found["data-field"] or "")
        elif found.get("id"):
            self.ids[found["id"] or ""] = found
        for name, target in I18N.items():
            if target is not None and name in found:
                self.translated.append((found[name] or "", target, found.get(target) or ""))
        if tag not in VOID:
            self._open.append((tag, found, []))

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        if tag not in VOID:
            self._open.pop()

    def handle_data(self, data: str) -> None:
        if self._open:
            self._open[-1][2].append(data)

    def handle_endtag(self, tag: str) -> None:
        name, attributes, texts = self._open.pop()
        assert name == tag, f"<{name}> is closed by </{tag}>"
        if tag == "template":
            self._template = None
        text = "".join(texts)
        if identifier := attributes.get("id"):
            self.texts[identifier] = text.strip()
        if key := attributes.get("data-i18n"):
            self.translated.append((key, None, text))
            if identifier:
                self.translated_ids[identifier] = key


@functools.cache
def skeleton() -> Skeleton:
    parser = Skeleton()
    parser.feed((ROOT / "index.html").read_text("utf-8"))
    return parser


class FakePage:
    """Keeps what panels wrote, and refuses what index.html has no place for."""

    def __init__(self) -> None:
        self._skeleton = skeleton()
        self.texts = dict(self._skeleton.texts)
        self.attributes: dict[tuple[str, str], str | None] = {}
        self.styles: dict[tuple[str, str], str] = {}
        self.properties: dict[tuple[str, str], str | bool] = {}
        self.lists: dict[str, list[Row]] = {}
        self.choices: dict[str, tuple[list[tuple[str, str]], str]] = {}
        self.opened: set[str] = set()
        self.focused: str | None = None
        self.typed: dict[str, str] = {}
        self.followed: list[str] = []
        self.files: list[tuple[str, str, str]] = []
        self.flushes = 0
        self.language = "en"

    def _know(self, element: str) -> None:
        assert element in self._skeleton.ids, f"index.html has no #{element}"

    def text(self, element: str, value: str) -> None:
        self._know(element)
        assert type(value) is str
        self.texts[element] = value

    def attribute(self, element: str, name: str, value: str | None) -> None:
        self._know(element)
        assert value is None or type(value) is str
        self.attributes[element, name] = value

    def style(self, element: str, name: str, value: str) -> None:
        self._know(element)
        assert name.startswith("--")
        self.styles[element, name] = value

    def property(self, element: str, name: str, value: str | bool) -> None:
        self._know(element)
        self.properties[element, name] = value

    def rows(
        self, container: str, template: str, rows: Sequence[Row], *, recycle: bool = False
    ) -> None:
        self._know(container)
        fields = self._skeleton.templates[template]
        for row in rows:
            for name in row.fields:
                base = name.partition("@")[0].partition(".")[0]
                assert base in fields, f"#{template} has no field {base!r}"
        assert len({row.key for row in rows}) == len(rows), f"#{container} has a key twice"
        self.lists[container] = list(rows)

    def options(self, select: str, options: Sequence[tuple[str, str]], selected: str) -> None:
        self._know(select)
        self.choices[select] = (list(options), selected)

    def open(self, element: str) -> None:
        self._know(element)
        self.opened.add(element)

    def close(self, element: str) -> None:
        self._know(element)
        self.opened.discard(element)

    def focus(self, element: str) -> None:
        self._know(element)
        self.focused = element

    def follow(self, container: str) -> None:
        self._know(container)
        self.followed.append(container)

    def to_end(self, container: str) -> None:
        self.follow(container)

    def value(self, element: str) -> str:
        self._know(element)
        return self.typed.get(element, "")

    def translate(self, language: str, texts: Mapping[str, str]) -> None:
        self.language = language
        for element, key in self._skeleton.translated_ids.items():
            self.texts[element] = texts[key]

    def flush(self) -> None:
        self.flushes += 1

    def save(self, name: str, content_type: str, text: str) -> None:
        self.files.append((name, content_type, text))

    # -- what a test asks ----------------------------------------------------------------

    def shows(self, element: str) -> bool:
        """Whether a person sees the element, as far as its own ``hidden`` says."""
        hidden = "hidden" in self._skeleton.ids[element]
        return not self.properties.get((element, "hidden"), hidden)

    def enabled(self, element: str) -> bool:
        disabled = "disabled" in self._skeleton.ids[element]
        return not self.properties.get((element, "disabled"), disabled)

    def column(self, container: str, field: str) -> list[str | bool | None]:
        return [row.fields.get(field) for row in self.lists.get(container, [])]


class FakeFormats:
    """Numbers as both languages write them; times in UTC."""

    def __init__(self, language: str) -> None:
        self._french = language == "fr"

    def number(self, value: float) -> str:
        return f"{value:,.0f}".replace(",", "\u202f" if self._french else ",")

    def decimal(self, value: float, digits: int) -> str:
        text = f"{value:.{digits}f}"
        return text.replace(".", ",") if self._french else text

    def percent(self, value: float) -> str:
        return self.decimal(value, 1) + ("\u00a0%" if self._french else "%")

    def time(self, at: float) -> str:
        return f"{datetime.fromtimestamp(at / 1000, UTC):%H:%M:%S}"

    def moment(self, at: float) -> str:
        return f"{datetime.fromtimestamp(at / 1000, UTC):%d/%m %H:%M}"

    def day(self, at: float) -> str:
        return f"{datetime.fromtimestamp(at / 1000, UTC):%d/%m}"


class FakeChart:
    """Remembers what was drawn."""

    def __init__(self) -> None:
        self.loads = 0
        self.missing = 0
        self.repaints = 0
        self.drawn: list[tuple[Sequence[float], ...]] = []
        self.hidden: set[str] = set()
        self.labels: Mapping[str, str] = {}

    async def load(self) -> None:
        self.loads += 1
        if self.loads <= self.missing:
            raise ChartMissing("It did not come.")

    def draw(self, *curves: Sequence[float]) -> None:
        self.drawn.append(curves)

    def toggle(self, series: str, shown: bool) -> None:
        (self.hidden.discard if shown else self.hidden.add)(series)

    def speak(self, language: str, labels: Mapping[str, str]) -> None:
        self.labels = labels

    def repaint(self) -> None:
        self.repaints += 1


NOON = datetime(2026, 11, 22, 12, tzinfo=UTC).timestamp() * 1000
"""Some hours after what was recorded."""

SESSION = {
    "id": 3,
    "name": "Parser",
    "provider": "nvidia",
    "model": "nvidia/kimi-k2.5",
    "created_at": "2026-11-22 06:39:03",
    "is_active": 1,
    "max_context": 100_000,
    "reserved_tokens": 0,
    "auto_compaction_enabled": 1,
    "auto_compaction_threshold": 0.85,
}


def metric(number: int, tokens: int = 1000, **more: Any) -> dict[str, Any]:
    """A metric as the proxy sends it, estimated unless told otherwise."""
    return {
        "id": number,
        "timestamp": f"2026-11-22 06:{number // 60 % 60:02d}:{number % 60:02d}",
        "estimated_tokens": tokens,
        "percentage": tokens / 1000,
        "content_preview": f"request {number}",
        "is_estimated": True,
        "source": "proxy",
        **more,
    }


class Room:
    """A desk over a real state, a page to look at, and a person who does things."""

    def __init__(self, language: str = "en") -> None:
        self.clock = FakeClock(NOON)
        self.scheduler = FakeScheduler(self.clock)
        self.recorder = Recorder()
        self.bus = self.recorder.bus
        self.state = SessionState(self.bus, self.clock)
        self.manager = SessionManager(self.state, self.bus, ProxyApi(FakeHttp()))
        self.page = FakePage()
        self.errors: list[tuple[str, BaseException]] = []
        self.awaits_frame = False
        self.renderer = Renderer(
            self.page, self._await_frame, lambda where, error: self.errors.append((where, error))
        )
        self.capabilities = Capabilities()
        self.words = Words(language, FakeFormats)
        self.desk = Desk(
            self.bus, self.state, self.page, self.renderer, self.words, self.clock,
            self.scheduler, self.capabilities,
        )  # fmt: skip
        self.panels: list[Panel] = []

    def add(self, make: Callable[..., Any], *more: Any, **options: Any) -> Any:
        """Put a panel on the page, and render it."""
        panel = make(self.desk, *more, **options)
        self.panels.append(panel)
        self.renderer.touch(panel)
        self.frame()
        return panel

    def enter(self, rows: Sequence[Mapping[str, Any]] = (), **fields: Any) -> None:
        """Make a session current, with these metrics (oldest first)."""
        raw = {"session": {**SESSION, **fields}, "recent_metrics": list(reversed(rows))}
        self.manager.adopt(SessionDetail.from_wire(raw))
        self.frame()

    def read(self, tokens: int, percentage: float | None = None, **more: Any) -> None:
        """Let the proxy say how full the window is."""
        self.state.set_last_proxy_data(
            {"tokens": tokens, "percentage": percentage, "timestamp": self.clock.now(), **more}
        )
        self.state.announce_sources()
        self.frame()

    def emit(self, topic: str, payload: Any = None) -> None:
        self.bus.emit(topic, payload)
        self.frame()

    def do(self, name: str, value: str | None = None, **more: Any) -> None:
        """What a person does."""
        self.desk.act(Action(name, value, **more))
        self.frame()

    def speak(self, language: str) -> None:
        """Change the language and render everything again, as the page does."""
        self.words.speak(language)
        self.bus.emit("page:language", self.words.language)
        for panel in self.panels:
            self.renderer.touch(panel)
        self.frame()

    def _await_frame(self) -> None:
        self.awaits_frame = True

    def frame(self) -> None:
        """Render, for as many frames as the panels ask for."""
        self.awaits_frame = True
        while self.awaits_frame:
            self.awaits_frame = False
            self.renderer.frame()
        assert self.errors == []

    def advance(self, seconds: float) -> None:
        self.scheduler.advance(seconds)
        self.frame()

    def intents(self, *topics: str) -> list[tuple[str, Any]]:
        """Record these intents from now on."""
        heard: list[tuple[str, Any]] = []
        for topic in topics:
            self.bus.on(topic, lambda request, topic=topic: heard.append((topic, request)))
        return heard

    def see(self, element: str) -> str:
        return self.page.texts[element]


def sentence(key: str, language: str) -> str:
    return CATALOGUE[key][("en", "fr").index(language)]

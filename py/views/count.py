"""What a text or a chat would cost, counted as it is typed.

The text stays in its field: it is read from there, counted, and neither kept nor logged.
"""

from __future__ import annotations

from dataclasses import dataclass

from sessions import events
from sessions.calibration import calibrate
from sessions.chat import Chat, Flaw, read_chat
from sessions.errors import TokenizerFailed, UnknownModel
from sessions.ports import Timer, Tokenizer
from sessions.tokens import (
    ENCODINGS,
    PROXY_ENCODING,
    ChatCount,
    Encodings,
    Piece,
    encoding_name_for_model,
)

from .desk import Desk
from .gauge import level_of
from .header import LANGUAGE_CHANGED
from .page import Action, Row
from .words import EMPTY

DIALOG = "count-dialog"
TEXT = "count-text"

PAUSE = 0.2
"""Seconds without a keystroke after which the text is counted."""

PATIENCE = 1.0
"""Seconds after which a count of what has been changed since is given up."""

LONG = 100_000
"""Characters from which on it is said that the counting goes on."""

LONGEST_COLOURED = 1_500
"""Characters of a text whose tokens are shown one by one."""

MOST_ROWS = 200
"""Messages that are listed."""

HUES = 5
"""Colours that tokens take in turn."""

# White space and control characters have no ink of their own.
_VISIBLE = {code: chr(0x2400 + code) for code in range(0x20)} | {
    0x09: "→\t", 0x0A: "↵\n", 0x0D: "␍", 0x7F: "␡", 0xA0: "⍽", 0x200B: "⁂", 0x200C: "⁂",
    0x200D: "⁂", 0x2028: "↵\n", 0x2029: "↵\n", 0xFEFF: "⁂",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Counted:
    """What is known about the text that was counted last.

    Attributes:
        characters: its length in Unicode characters.
        chat: what its messages cost; None for a plain text.
        flaw: why what looks like a chat is counted as plain text.
        pieces: its tokens one by one; None when it is too long, or a chat.
    """

    tokens: int
    characters: int
    chat: ChatCount | None = None
    flaw: Flaw | None = None
    pieces: tuple[Piece, ...] | None = None


NOTHING = Counted(0, 0)


class Count:
    """The dialog that counts. Nothing is loaded before there is a text to count."""

    def __init__(self, desk: Desk, tokenizer: Tokenizer) -> None:
        """Count with ``tokenizer``, beside the current session's window."""
        self._desk = desk
        self._tokenizer = tokenizer
        self._encodings = Encodings(tokenizer)
        self._open = False
        self._chosen: str | None = None
        self._counted: Counted | None = NOTHING
        self._failure: str | None = None
        self._retried = False
        self._pause: Timer | None = None
        self._busy_since: float | None = None
        self._is_long = False
        self._latest = 0
        self._changed = False
        self._language = ""
        desk.touch_on(self, events.SOURCES_MERGED, events.SESSION_UPDATED, events.STATS_UPDATED)
        desk.bus.on(events.SESSION_CHANGED, self._session_changed)
        desk.bus.on(LANGUAGE_CHANGED, self._touch)
        desk.on_action("count:open", self._show)
        desk.on_action("count:type", self._typed)
        desk.on_action("count:encoding", self._choose)
        desk.on_action("count:again", self._again)
        desk.on_action("dialog:close", self._hide)

    # -- what is shown ------------------------------------------------------------------

    def render(self) -> None:
        """Write the count, its share of the window, and its parts."""
        if not self._open:
            return
        counted = self._counted
        self._render_encoding()
        self._render_figures(counted)
        self._render_remarks(counted)
        self._render_messages(counted.chat if counted else None)
        self._render_pieces(counted)

    def _render_encoding(self) -> None:
        page, words, model = self._desk.page, self._desk.words, self._model
        if self._language != words.language:
            self._language = words.language
            options = [(name, words(f"count.encoding.{name}")) for name in ENCODINGS]
            page.options("count-encoding", options, self._encoding)
        page.property("count-encoding", "value", self._encoding)
        own = self._own_encoding
        if model is None:
            note = words("count.model.none")
        elif own is None:
            note = words("count.model.unknown", model=model)
        elif own == self._encoding:
            note = words("count.model.same", model=model)
        else:
            note = words("count.model.differs", model=model, encoding=own)
        page.text("count-model-note", note)

    def _render_figures(self, counted: Counted | None) -> None:
        page, words = self._desk.page, self._desk.words
        state = self._desk.state
        waiting = counted is None or self._busy_since is not None
        page.attribute("count-result", "data-waiting", "true" if waiting else "false")
        fusion = state.merge_data_sources()
        limit = (fusion.max_context if fusion else None) or state.max_context
        page.text("count-window", words("count.of_window", n=limit))
        if counted is None:
            for element in ("count-tokens", "count-share", "count-characters", "count-left"):
                page.text(element, EMPTY)
            page.style("count-result", "--ratio", "0")
            return
        share = counted.tokens / limit * 100
        page.text("count-tokens", words.number(counted.tokens))
        page.text("count-share", words.percent(share))
        page.text("count-characters", words.number(counted.characters))
        page.style("count-result", "--ratio", f"{min(1.0, share / 100):.4f}")
        # A chat is a whole request; a text comes on top of what the session has sent already.
        used = 0 if counted.chat or fusion is None else fusion.tokens
        left = limit - used - counted.tokens
        page.text("count-left-label", words("count.left" if left >= 0 else "count.over"))
        page.text("count-left", words.number(abs(left)))
        if counted.chat:
            why = words("count.left.chat")
        elif used:
            why = words("count.left.text", used=used)
        else:
            why = words("count.left.empty")
        page.text("count-left-note", why)
        level = level_of((limit - left) / limit * 100)
        page.attribute("count-result", "data-level", "none" if level == "ok" else level)
        self._render_likely(counted.tokens)

    def _render_likely(self, tokens: int) -> None:
        """Say what the provider will probably count, going by this model's earlier requests."""
        page, words, model = self._desk.page, self._desk.words, self._model
        known = None
        if model and tokens and self._encoding == PROXY_ENCODING:
            known = calibrate(model, self._desk.state.newest_metrics())
        likely = known.apply(tokens) if known else None
        page.property("count-likely", "hidden", likely is None)
        if likely is not None:
            text = words("count.likely", n=likely.tokens, low=likely.low, high=likely.high)
            page.text("count-likely", text)

    def _render_remarks(self, counted: Counted | None) -> None:
        page, words = self._desk.page, self._desk.words
        page.property("count-failure", "hidden", self._failure is None)
        if self._failure is not None:
            key = "count.failed" if counted is None else "count.restarted"
            page.text("count-failure-text", words(key))
            page.attribute("count-failure-text", "title", self._failure)
            page.property("count-again", "hidden", counted is not None)
        flaw = counted.flaw if counted else None
        page.property("count-flaw", "hidden", flaw is None)
        page.attribute(TEXT, "aria-invalid", "true" if flaw else None)
        if flaw is not None:
            page.text("count-flaw", self._said(flaw))
        status = ""
        if self._busy_since is not None and (self._is_long or counted is None):
            status = words("count.waiting")
        elif counted and counted.chat:
            status = words.count("count.read", len(counted.chat.messages))
        page.text("count-status", status)

    def _said(self, flaw: Flaw) -> str:
        words = self._desk.words
        if flaw.number:
            what = words(f"count.flaw.{flaw.reason}", number=flaw.number)
        else:
            what = words(f"count.flaw.{flaw.reason}")
        if flaw.line:
            what = words("count.flaw.at", line=flaw.line, column=flaw.column, what=what)
        return f"{what} {words('count.flaw.as_text')}"

    def _render_messages(self, chat: ChatCount | None) -> None:
        page, words = self._desk.page, self._desk.words
        page.property("count-messages-part", "hidden", chat is None)
        if chat is None:
            return
        rows = []
        for number, message in enumerate(chat.messages[:MOST_ROWS], 1):
            share = message.tokens / chat.tokens
            images = words.count("count.images", message.images) if message.images else ""
            preview = " · ".join(part for part in (images, message.preview) if part)
            rows.append(
                Row(
                    str(number),
                    {
                        "number": words.number(number),
                        "role": message.role or EMPTY,
                        "tokens": words.number(message.tokens),
                        "share": words.percent(share * 100),
                        "preview": preview or words("count.empty_message"),
                        "preview@data-empty": None if preview else "true",
                    },
                )
            )
        page.rows("count-messages", "count-message-row", rows)
        more = len(chat.messages) - len(rows)
        page.property("count-more", "hidden", not more)
        if more:
            page.text("count-more", words.count("count.more", more))
        page.property("count-left-out", "hidden", not chat.left_out)
        if chat.left_out:
            names = ", ".join(name for name, _ in chat.left_out)
            tokens = sum(tokens for _, tokens in chat.left_out)
            page.text("count-left-out", words("count.left_out", names=names, n=tokens))

    def _render_pieces(self, counted: Counted | None) -> None:
        page, words = self._desk.page, self._desk.words
        found = counted.pieces if counted else None
        page.property("count-pieces-part", "hidden", not found)
        rows = []
        for number, piece in enumerate(found or ()):
            tokens = words.count("count.piece", piece.tokens) if piece.tokens > 1 else None
            fields = {"": visible(piece.text), "@data-hue": str(number % HUES), "@title": tokens}
            rows.append(Row(str(number), fields))
        page.rows("count-pieces", "count-piece", rows)

    # -- what a person does -------------------------------------------------------------

    def _show(self, _: Action) -> None:
        self._open = True
        self._language = ""
        self._desk.page.open(DIALOG)
        self._begin()

    def _hide(self, action: Action) -> None:
        if action.value == DIALOG:
            self._open = False
            self._latest += 1
            self._busy_since = self._counted = None
            self._tokenizer.release()

    def _typed(self, _: Action) -> None:
        if self._pause is not None:
            self._pause.cancel()
        self._pause = self._desk.scheduler.call_later(PAUSE, self._begin)

    def _choose(self, action: Action) -> None:
        self._chosen = action.value if action.value in ENCODINGS else None
        self._begin()

    def _again(self, _: Action) -> None:
        self._begin()

    def _session_changed(self, _: object) -> None:
        self._chosen = None
        if self._open:
            self._begin()

    def _touch(self, _: object) -> None:
        self._desk.renderer.touch(self)

    # -- counting -----------------------------------------------------------------------

    @property
    def _model(self) -> str | None:
        session = self._desk.state.session
        return session.model if session else None

    @property
    def _own_encoding(self) -> str | None:
        """The encoding of the session's model, as far as anybody knows."""
        try:
            return encoding_name_for_model(self._model or "")
        except UnknownModel:
            return None

    @property
    def _encoding(self) -> str:
        return self._chosen or self._own_encoding or PROXY_ENCODING

    def _begin(self) -> None:
        """Count what the field holds now; one count at a time, and only the latest matters."""
        self._pause, self._retried, self._failure = None, False, None
        if self._busy_since is not None:
            self._changed = True
            if self._desk.clock.now() - self._busy_since > PATIENCE * 1000:
                self._tokenizer.release()
            return
        self._start()

    def _start(self) -> None:
        self._latest += 1
        self._changed = False
        text = self._desk.page.value(TEXT)
        if not text:
            self._counted = NOTHING
        else:
            self._busy_since = self._desk.clock.now()
            self._is_long = len(text) > LONG
            if self._counted is NOTHING:
                self._counted = None
            self._desk.scheduler.start(self._count(self._latest, text))
        self._desk.renderer.touch(self)

    async def _count(self, number: int, text: str) -> None:
        try:
            counted = await self._result(text)
        except TokenizerFailed as error:
            self._ended(number, None, str(error))
        else:
            self._ended(number, counted, None)

    async def _result(self, text: str) -> Counted:
        encoding = self._encodings.get_encoding(self._encoding)
        found = read_chat(text)
        if isinstance(found, Chat):
            chat = await encoding.count_messages(found)
            return Counted(chat.tokens, len(text), chat=chat)
        if len(text) > LONGEST_COLOURED:
            return Counted(await encoding.count(text), len(text), flaw=found)
        pieces = tuple(await encoding.pieces(text))
        tokens = sum(piece.tokens for piece in pieces)
        return Counted(tokens, len(text), flaw=found, pieces=pieces)

    def _ended(self, number: int, counted: Counted | None, failure: str | None) -> None:
        if number != self._latest:
            return  # the dialog was closed meanwhile
        self._busy_since = None
        if self._changed:
            self._start()
            return
        self._counted = counted
        if failure is not None:
            self._failure = failure
            if not self._retried:
                self._retried = True
                self._start()
                return
        self._desk.renderer.touch(self)


def visible(text: str) -> str:
    """Return a text with signs for what has no ink of its own."""
    return text.translate(_VISIBLE)

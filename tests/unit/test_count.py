"""The dialog that counts: what a person pastes, and what it says about it."""

from __future__ import annotations

import asyncio
import json

import pytest

from sessions.errors import TokenizerFailed
from sessions.tokens import CL100K, O200K
from tests.driver import run
from tests.fakes import Room, sentence
from views.count import DIALOG, LONGEST_COLOURED, MOST_ROWS, PATIENCE, PAUSE, TEXT, Count, visible
from views.words import EMPTY

CHAT = [
    {"role": "system", "content": "Be brief."},
    {"role": "user", "content": [{"type": "text", "text": "Look"}, {"type": "image_url"}]},
    {"role": "assistant", "content": None, "tool_calls": [{"id": "c1"}]},
]


class Tokenizer:
    """Its tokens are bytes. ``hold`` lets counts wait until ``go``; ``fail`` breaks that many."""

    def __init__(self):
        self.asked = []
        self.fail = 0
        self.released = 0
        self.hold = False
        self._waiting = []

    async def encode(self, encoding, texts):
        self.asked.append((encoding, list(texts)))
        if self.hold:
            self._waiting.append(asyncio.get_running_loop().create_future())
            await self._waiting[-1]
        if self.fail:
            self.fail -= 1
            raise TokenizerFailed("out of memory")
        return [list(text.encode("utf-8", "replace")) for text in texts]

    async def count(self, encoding, texts):
        return [len(tokens) for tokens in await self.encode(encoding, texts)]

    async def widths(self, encoding, text):
        [tokens] = await self.encode(encoding, [text])
        return [1] * len(tokens)

    def release(self):
        self.released += 1
        waiting, self._waiting = self._waiting, []
        for each in waiting:
            each.set_exception(TokenizerFailed("stopped"))

    def go(self):
        waiting, self._waiting = self._waiting, []
        for each in waiting:
            each.set_result(None)


class Desk:
    """A room with the dialog in it, and a person who types."""

    def __init__(self, language="en", **session):
        self.room = Room(language)
        self.tokenizer = Tokenizer()
        self.room.add(Count, self.tokenizer)
        self.room.enter(**session)
        self.page = self.room.page

    async def settle(self):
        await self.room.scheduler.settle()
        assert self.room.scheduler.errors == []
        self.room.frame()

    async def open(self, text=""):
        self.page.typed[TEXT] = text
        self.room.do("count:open")
        await self.settle()
        return self

    async def type(self, text):
        self.page.typed[TEXT] = text
        self.room.do("count:type", "")
        self.room.advance(PAUSE)
        await self.settle()

    def see(self, element):
        return self.room.see(element)


def opened(text="", language="en", **session):
    async def go():
        return await Desk(language, **session).open(text)

    return run(go())


def test_nothing_is_counted_before_somebody_wants_it():
    desk = opened()
    desk.room.read(10_000)
    assert desk.tokenizer.asked == []
    assert DIALOG in desk.page.opened
    assert (desk.see("count-tokens"), desk.see("count-share")) == ("0", "0.0%")


def test_while_it_is_closed_it_does_nothing():
    desk = Desk()
    before = dict(desk.page.texts)
    desk.room.read(10_000)
    assert desk.page.texts == before


def test_a_text_comes_on_top_of_what_the_session_holds():
    async def go():
        desk = Desk()
        desk.room.read(60_000)
        await desk.open()
        await desk.type("x" * 10_000)
        return desk

    desk = run(go())
    assert desk.see("count-tokens") == "10,000"
    assert desk.see("count-share") == "10.0%"
    assert desk.see("count-characters") == "10,000"
    assert desk.see("count-window") == "of the window of 100,000 tokens"
    assert (desk.see("count-left-label"), desk.see("count-left")) == ("Left after it", "30,000")
    assert desk.see("count-left-note") == "On top of the 60,000 tokens that this session holds now."
    assert desk.page.attributes["count-result", "data-level"] == "none"
    assert desk.page.styles["count-result", "--ratio"] == "0.1000"
    assert not desk.page.shows("count-pieces-part")
    assert not desk.page.shows("count-messages-part")


def test_what_does_not_fit_is_said():
    async def go():
        desk = Desk("fr")
        desk.room.read(95_000)
        await desk.open("x" * 10_000)
        return desk

    desk = run(go())
    assert (desk.see("count-left-label"), desk.see("count-left")) == ("Dépassement", "5\u202f000")
    assert desk.page.attributes["count-result", "data-level"] == "over"


def test_a_chat_is_taken_as_the_whole_request():
    async def go():
        desk = Desk()
        desk.room.read(60_000)
        return await desk.open(json.dumps({"messages": CHAT, "tools": [1]}))

    desk = run(go())
    total = (3 + 6 + 9) + (3 + 4 + 4 + 512) + (3 + 9) + 3
    assert desk.see("count-tokens") == str(total)
    assert desk.see("count-left") == f"{100_000 - total:,}"
    assert desk.see("count-left-note") == sentence("count.left.chat", "en")
    assert desk.see("count-status") == "in 3 messages"
    assert desk.page.shows("count-messages-part")
    assert desk.page.column("count-messages", "role") == ["system", "user", "assistant"]
    assert desk.page.column("count-messages", "tokens") == ["18", "523", "12"]
    assert desk.page.column("count-messages", "preview") == [
        "Be brief.", "1 image · Look", "Nothing that counts",
    ]  # fmt: skip
    assert desk.page.shows("count-left-out")
    assert desk.see("count-left-out").startswith(
        "The proxy’s estimate leaves out tools, tool_calls: about "
    )
    assert not desk.page.shows("count-more")


def test_a_very_long_chat_is_listed_in_part():
    rows = [{"role": "user", "content": "x"}] * (MOST_ROWS + 2)
    desk = opened(json.dumps(rows))
    assert len(desk.page.lists["count-messages"]) == MOST_ROWS
    assert desk.page.shows("count-more")
    assert desk.see("count-more") == "and 2 more messages"


@pytest.mark.parametrize(
    ("text", "language", "told"),
    [
        ('[{"role": "user" "content": 1}]', "en", "Line 1, column 18: a comma is missing before"),
        ('[{"role": "user" "content": 1}]', "fr", "Ligne 1, colonne 18\u00a0: il manque une"),
        ('[{"content": "x"}]', "en", "Message 1 has no role."),
        ('{"error": 1}', "en", "This JSON has no messages."),
    ],
)
def test_a_chat_that_cannot_be_read_is_counted_as_text_and_told(text, language, told):
    desk = opened(text, language)
    assert desk.page.shows("count-flaw")
    assert desk.see("count-flaw").startswith(told)
    assert desk.see("count-flaw").endswith(sentence("count.flaw.as_text", language))
    assert desk.page.attributes[TEXT, "aria-invalid"] == "true"
    assert desk.see("count-tokens") == str(len(text))


def test_the_flaw_goes_when_it_is_mended():
    async def go():
        desk = await Desk().open('[{"role": "user"')
        assert desk.page.shows("count-flaw")
        await desk.type('[{"role": "user"}]')
        return desk

    desk = run(go())
    assert not desk.page.shows("count-flaw")
    assert desk.page.attributes[TEXT, "aria-invalid"] is None


def test_a_short_text_is_shown_token_by_token():
    desk = opened("é\n")
    assert desk.page.shows("count-pieces-part")
    assert desk.page.column("count-pieces", "") == ["é", "↵\n"]
    assert desk.page.column("count-pieces", "@title") == ["2 tokens", None]
    assert desk.page.column("count-pieces", "@data-hue") == ["0", "1"]
    long = opened("x" * (LONGEST_COLOURED + 1))
    assert not long.page.shows("count-pieces-part")


def test_signs_without_ink_get_some():
    assert visible("a\tb\r\n\x00\x1b") == "a→\tb␍↵\n␀␛"


@pytest.mark.parametrize(
    ("model", "encoding", "note"),
    [
        ("openai/gpt-4o", O200K, "openai/gpt-4o uses this encoding."),
        ("gpt-4", CL100K, "gpt-4 uses this encoding."),
        ("nvidia/kimi-k2.5", CL100K, "nvidia/kimi-k2.5 has a tokenizer of its own"),
        (None, CL100K, "No session is open"),
    ],
)
def test_the_encoding_is_the_session_s_model_s(model, encoding, note):
    desk = opened("x", model=model)
    assert [asked for asked, _ in desk.tokenizer.asked] == [encoding]
    assert desk.page.properties["count-encoding", "value"] == encoding
    assert desk.see("count-model-note").startswith(note)


def test_another_encoding_can_be_chosen_until_the_session_changes():
    async def go():
        desk = await Desk(model="gpt-4o").open("x")
        desk.room.do("count:encoding", CL100K)
        await desk.settle()
        assert desk.see("count-model-note") == "gpt-4o itself uses o200k_base."
        desk.room.enter(id=4, model="gpt-4o")
        await desk.settle()
        return desk

    desk = run(go())
    assert [asked for asked, _ in desk.tokenizer.asked] == [O200K, CL100K, O200K]


def test_typing_is_counted_once_it_pauses():
    async def go():
        desk = await Desk().open()
        for end in range(1, 6):
            desk.page.typed[TEXT] = "Hello"[:end]
            desk.room.do("count:type", "")
            desk.room.advance(PAUSE / 2)
            await desk.settle()
        assert desk.tokenizer.asked == []
        desk.room.advance(PAUSE)
        await desk.settle()
        return desk

    desk = run(go())
    assert desk.tokenizer.asked == [(CL100K, ["Hello"])]
    assert desk.see("count-tokens") == "5"


def test_a_stale_count_is_never_shown():
    async def go():
        desk = await Desk().open()
        desk.tokenizer.hold = True
        await desk.type("first")
        assert desk.see("count-tokens") == EMPTY
        assert desk.see("count-status") == "counting…"
        await desk.type("the second")
        assert len(desk.tokenizer.asked) == 1, "one at a time"
        desk.tokenizer.go()
        await desk.settle()
        assert desk.see("count-tokens") == EMPTY
        desk.tokenizer.go()
        await desk.settle()
        return desk

    desk = run(go())
    assert [texts for _, texts in desk.tokenizer.asked] == [["first"], ["the second"]]
    assert desk.see("count-tokens") == "10"
    assert not desk.page.shows("count-failure")


def test_a_long_count_of_what_was_changed_since_is_given_up():
    async def go():
        desk = await Desk().open()
        desk.tokenizer.hold = True
        await desk.type("x" * 5000)
        desk.room.advance(PATIENCE)
        desk.tokenizer.hold = False
        await desk.type("short")
        return desk

    desk = run(go())
    assert desk.tokenizer.released == 1
    assert desk.see("count-tokens") == "5"
    assert not desk.page.shows("count-failure")


def test_a_tokenizer_that_stops_is_started_again_and_told():
    async def go():
        desk = await Desk().open()
        desk.tokenizer.fail = 1
        await desk.type("Hello")
        return desk

    desk = run(go())
    assert desk.see("count-tokens") == "5"
    assert desk.page.shows("count-failure")
    assert desk.see("count-failure-text") == sentence("count.restarted", "en")
    assert desk.page.attributes["count-failure-text", "title"] == "out of memory"
    assert not desk.page.shows("count-again")


def test_a_tokenizer_that_does_not_start_can_be_asked_again():
    async def go():
        desk = await Desk().open()
        desk.tokenizer.fail = 2
        await desk.type("Hello")
        assert desk.see("count-tokens") == EMPTY
        assert desk.see("count-failure-text") == sentence("count.failed", "en")
        assert desk.page.shows("count-again")
        assert len(desk.tokenizer.asked) == 2
        desk.room.do("count:again")
        await desk.settle()
        return desk

    desk = run(go())
    assert desk.see("count-tokens") == "5"
    assert not desk.page.shows("count-failure")


def test_closing_gives_the_memory_back_and_opening_counts_again():
    async def go():
        desk = await Desk().open("Hello")
        desk.tokenizer.hold = True
        await desk.type("Hello!")
        desk.room.do("dialog:close", DIALOG)
        await desk.settle()
        assert desk.tokenizer.released == 1
        desk.tokenizer.hold = False
        await desk.open("Hello!!")
        return desk

    desk = run(go())
    assert desk.see("count-tokens") == "7"
    assert not desk.page.shows("count-failure")


def test_another_dialog_s_closing_is_none_of_its_business():
    desk = opened("Hello")
    desk.room.do("dialog:close", "connect-dialog")
    assert desk.tokenizer.released == 0


def test_a_language_changes_everything_that_is_said():
    async def go():
        desk = await Desk(model="gpt-4o").open(json.dumps(CHAT))
        desk.room.speak("fr")
        return desk

    desk = run(go())
    assert desk.see("count-status") == "dans 3 messages"
    assert desk.see("count-model-note") == "gpt-4o utilise cet encodage."
    labels = [label for _, label in desk.page.choices["count-encoding"][0]]
    assert labels == [sentence(f"count.encoding.{name}", "fr") for name in (CL100K, O200K)]


def test_what_is_pasted_reaches_neither_bus_nor_storage():
    async def go():
        desk = Desk()
        heard = []
        for topic in ("count:type", "count:open", "stats:updated", "sources:merged"):
            desk.room.bus.on(topic, lambda payload: heard.append(payload))
        await desk.open("my secret text")
        await desk.type("my other secret")
        return desk, heard

    desk, heard = run(go())
    assert "secret" not in repr(heard)
    assert desk.page.files == []

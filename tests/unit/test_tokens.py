"""Counting tokens: the proxy's arithmetic, and where tokens begin. Real counts: tests/tokens."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sessions.chat import Chat, ChatMessage
from sessions.errors import UnknownEncoding, UnknownModel
from sessions.tokens import (
    CL100K,
    ENCODINGS,
    O200K,
    Encodings,
    Piece,
    encoding_name_for_model,
    pieces,
    tally,
    texts_of,
)
from tests.driver import run


class Bytes:
    """A tokenizer whose tokens are bytes, and which remembers what it was asked."""

    def __init__(self):
        self.asked = []

    async def encode(self, encoding, texts):
        self.asked.append((encoding, list(texts)))
        return [list(text.encode()) for text in texts]

    async def count(self, encoding, texts):
        return [len(tokens) for tokens in await self.encode(encoding, texts)]

    async def widths(self, encoding, text):
        [tokens] = await self.encode(encoding, [text])
        return [1] * len(tokens)


@pytest.mark.parametrize(
    ("model", "encoding"),
    [
        ("gpt-4o", O200K), ("gpt-4o-2024-05-13", O200K), ("openai/gpt-4.1-mini", O200K),
        ("gpt-5-nano", O200K), ("o3", O200K), ("gpt-4", CL100K), ("gpt-4-32k", CL100K),
        ("gpt-3.5-turbo-0125", CL100K), ("router/openai/gpt-4", CL100K),
    ],
)  # fmt: skip
def test_a_model_s_encoding_is_found_by_its_name(model, encoding):
    assert encoding_name_for_model(model) == encoding
    assert Encodings(Bytes()).encoding_for_model(model).name == encoding


@pytest.mark.parametrize("model", ["nvidia/kimi-k2.5", "claude-opus-4", "", "gpt", "gpt-2"])
def test_a_model_whose_encoding_is_not_known_is_no_guess(model):
    with pytest.raises(UnknownModel, match=model or None):
        encoding_name_for_model(model)


def test_only_encodings_that_are_there_can_be_had():
    for name in ENCODINGS:
        assert Encodings(Bytes()).get_encoding(name).name == name
    with pytest.raises(UnknownEncoding, match="p50k_base"):
        Encodings(Bytes()).get_encoding("p50k_base")


def test_the_words_are_tiktoken_s():
    tokenizer = Bytes()
    encoding = Encodings(tokenizer).get_encoding(O200K)
    assert run(encoding.encode("Aé")) == [65, 195, 169]
    assert run(encoding.count("Aé")) == 3
    assert run(encoding.pieces("Aé")) == [Piece("A", 1), Piece("é", 2)]
    assert {encoding for encoding, _ in tokenizer.asked} == {O200K}


def test_a_chat_costs_what_its_messages_and_the_reply_cost():
    chat = Chat(
        (
            ChatMessage("system", ("12345",), 0),
            ChatMessage("user", ("1234", "123"), 2),
            ChatMessage("assistant", (), 0),
        ),
        {"tools": "[{}]"},
    )
    count = run(Encodings(Bytes()).get_encoding(CL100K).count_messages(chat))
    assert [message.tokens for message in count.messages] == [3 + 6 + 5, 3 + 4 + 7 + 1024, 3 + 9]
    assert [message.images for message in count.messages] == [0, 2, 0]
    assert count.tokens == 14 + 1038 + 12 + 3
    assert count.left_out == (("tools", 4),)


def test_nothing_costs_nothing():
    assert tally(Chat((), {}), []).tokens == 0
    assert pieces("", []) == []


@given(
    st.lists(
        st.builds(
            ChatMessage, st.text(), st.lists(st.text()).map(tuple), st.integers(0, 5)
        )
    ),
    st.dictionaries(st.text(), st.text()),
)  # fmt: skip
def test_every_text_of_a_chat_is_counted_once(messages, left_out):
    chat = Chat(tuple(messages), left_out)
    texts = texts_of(chat)
    count = tally(chat, map(len, texts))
    images = sum(message.images for message in messages)
    beside = sum(map(len, left_out.values()))
    assert count.tokens == (
        sum(map(len, texts)) - beside + 3 * len(messages) + 512 * images + (3 if messages else 0)
    )
    assert sum(tokens for _, tokens in count.left_out) == beside


@given(st.text(), st.lists(st.integers(1, 9)))
def test_pieces_put_together_are_the_text(text, cuts):
    whole = text.encode("utf-8", "replace")
    widths, left = [], len(whole)
    for cut in cuts:
        if left:
            widths.append(min(cut, left))
            left -= widths[-1]
    widths += [1] * left
    found = pieces(text, widths)
    assert "".join(piece.text for piece in found) == text
    assert sum(piece.tokens for piece in found) == len(widths)
    assert all(piece.text for piece in found)


def test_half_a_surrogate_pair_counts_as_the_sign_that_replaces_it():
    assert pieces("a\ud800b", [1, 3, 1]) == [Piece("a", 1), Piece("\ud800", 1), Piece("b", 1)]

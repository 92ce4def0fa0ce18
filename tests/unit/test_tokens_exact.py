"""The corpus and the proxy's own counts, with CPython's tiktoken; the page's: tests/e2e."""

from __future__ import annotations

import json
import sys

import pytest

if sys.platform == "emscripten":
    pytest.skip("there is no tiktoken for Pyodide to be had", allow_module_level=True)

import tiktoken.model

from sessions.chat import read_chat
from sessions.errors import UnknownModel
from sessions.tokens import (
    CL100K,
    ENCODINGS,
    PROXY_ENCODING,
    Encodings,
    encoding_name_for_model,
    pieces,
)
from tests.driver import run
from tests.tokens.__main__ import EXPECTED
from tests.tokens.corpus import corpus, digest
from tools.cpython_tokenizer import CpythonTokenizer


@pytest.fixture(scope="module")
def tokenizer():
    return CpythonTokenizer()


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_every_text_of_the_corpus_is_cut_as_written_down(tokenizer, encoding):
    texts = corpus()
    expected = json.loads(EXPECTED.read_text("utf-8"))[encoding]
    assert len(texts) >= 300
    tokens = run(tokenizer.encode(encoding, list(texts.values())))
    found = {name: [len(t), digest(t)] for name, t in zip(texts, tokens, strict=True)}
    assert found == expected


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_the_pieces_are_where_tiktoken_says_tokens_begin(tokenizer, encoding):
    known = tiktoken.get_encoding(encoding)
    for name, text in corpus().items():
        if len(text) > 2000:
            continue
        tokens = known.encode_ordinary(text)
        decoded, offsets = known.decode_with_offsets(tokens)
        assert decoded == text
        found = pieces(text, run(tokenizer.widths(encoding, text)))
        at, starts = 0, []
        for piece in found:
            starts.append(at)
            at += len(piece.text)
        assert set(starts) <= set(offsets), name
        assert sum(piece.tokens for piece in found) == len(tokens), name
        assert "".join(piece.text for piece in found) == text, name


def test_the_table_of_models_is_tiktoken_s():
    known = {**tiktoken.model.MODEL_TO_ENCODING, **tiktoken.model.MODEL_PREFIX_TO_ENCODING}
    for model, encoding in known.items():
        if encoding in ENCODINGS:
            assert encoding_name_for_model(model) == encoding
        else:
            with pytest.raises(UnknownModel):
                encoding_name_for_model(model)


# Requests that were sent through a proxy, and what it made of them. It splits a request into
# system prompt and history, and adds the 3 of the reply to both.
SYSTEM = {"role": "system", "content": "You are a coding assistant."}
QUESTION = (
    "Question 0: refactor the session manager so that metrics are keyed by session id. "
    "Please keep the public API stable. "
)
FACT = "The dashboard keeps the last fifty metrics of the active session in memory. "
RECORDED = [
    ([SYSTEM], 13),
    (
        [
            {
                "role": "user",
                "content": "Explain how the proxy counts tokens for a streaming request.",
            }
        ],
        19,
    ),
    ([{"role": "user", "content": QUESTION}], 32),
    (
        [
            {
                "role": "user",
                "content": f"Use this. <mcp-memory>{FACT * 8}</mcp-memory> Summarise the memory.",
            }
        ],
        137,
    ),
]


@pytest.mark.parametrize(("messages", "tokens"), RECORDED)
def test_a_chat_costs_what_the_proxy_said_it_does(tokenizer, messages, tokens):
    encoding = Encodings(tokenizer).get_encoding(PROXY_ENCODING)
    assert run(encoding.count_messages(read_chat(json.dumps(messages)))).tokens == tokens


def test_the_other_encoding_would_not_say_the_same(tokenizer):
    assert PROXY_ENCODING == CL100K
    [other] = set(ENCODINGS) - {CL100K}
    encoding = Encodings(tokenizer).get_encoding(other)
    counts = [
        run(encoding.count_messages(read_chat(json.dumps(messages)))).tokens
        for messages, _ in RECORDED
    ]
    assert counts != [tokens for _, tokens in RECORDED]

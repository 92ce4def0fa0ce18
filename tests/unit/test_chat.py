"""What people paste as a chat, and what they get wrong in it."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sessions.chat import PREVIEW, Chat, ChatMessage, Flaw, read_chat
from sessions.redaction import DEEPEST

HELLO = {"role": "user", "content": "Hello"}
SAID = ChatMessage("user", ("Hello",), 0)


def read(value):
    return read_chat(json.dumps(value, ensure_ascii=False))


@pytest.mark.parametrize(
    "value",
    [
        [HELLO],
        HELLO,
        {"messages": [HELLO]},
        {"model": "gpt-4o", "messages": [HELLO], "temperature": 0, "stream": True},
    ],
)
def test_a_chat_is_read_in_whatever_form_it_comes(value):
    assert read(value) == Chat((SAID,), {})


def test_one_message_a_line_is_a_chat_too():
    rows = "\n\n".join(json.dumps(HELLO) for _ in range(3)) + "\n"
    assert read_chat(rows) == Chat((SAID, SAID, SAID), {})


@pytest.mark.parametrize(
    "text",
    [
        "", "  ", "Hello", "[link](https://example.org)", "{% if x %}", "{{ name }}", "[ ] todo",
        "[1, 2, 3]", "{ x: 1 }", '"quoted"', "42", "null",
    ],
)  # fmt: skip
def test_other_texts_are_left_to_be_texts(text):
    assert read_chat(text) is None


@pytest.mark.parametrize(
    ("content", "texts", "images"),
    [
        (None, (), 0),
        ("", ("",), 0),
        ([], (), 0),
        ([{"type": "text", "text": "Look"}], ("Look",), 0),
        (["a", {"text": "b"}], ("a", "b"), 0),
        (
            [{"type": "text", "text": "Look"}, {"type": "image_url", "image_url": {}}],
            ("Look",), 1,
        ),
        ([{"type": "input_image"}, {"type": "image", "source": {}}], (), 2),
    ],
)  # fmt: skip
def test_contents_of_every_kind(content, texts, images):
    assert read([{"role": "user", "content": content}]) == Chat(
        (ChatMessage("user", texts, images),), {}
    )


def test_what_the_proxy_does_not_count_is_kept_apart():
    call = {"id": "c1", "function": {"name": "ls", "arguments": "{}"}}
    tools = [{"type": "function", "function": {"name": "ls"}}]
    chat = read(
        {
            "model": "gpt-4o",
            "tools": tools,
            "system": "Be brief.",
            "messages": [
                {"role": "assistant", "content": None, "tool_calls": [call], "refusal": None},
                {"role": "tool", "content": "a.py", "tool_call_id": "c1"},
                {"role": "user", "content": [{"type": "input_audio", "data": "…"}, 7]},
            ],
        }
    )
    assert [message.texts for message in chat.messages] == [(), ("a.py",), ()]
    found = {name: json.loads(text) for name, text in chat.left_out.items()}
    assert found == {
        "system": "Be brief.",
        "tools": tools,
        "tool_calls": [call],
        "tool_call_id": "c1",
        "content": [{"type": "input_audio", "data": "…"}, 7],
    }


@pytest.mark.parametrize(
    ("value", "flaw"),
    [
        ({"error": "none"}, Flaw("no-messages")),
        ({"messages": "Hello"}, Flaw("no-messages")),
        ({"messages": {"role": "user"}}, Flaw("no-messages")),
        ([{"content": "Hello"}], Flaw("no-role", number=1)),
        ([HELLO, "Hello"], Flaw("not-an-object", number=2)),
    ],
)
def test_json_that_is_no_chat_says_what_it_lacks(value, flaw):
    assert read(value) == flaw


def test_an_empty_list_of_messages_is_an_empty_chat():
    assert read({"messages": []}) == Chat((), {})


@pytest.mark.parametrize(
    ("text", "flaw"),
    [
        ('[{"role": "user", "content": "Hi"}', Flaw("json-end", 1, 35)),
        ('[{"role": "user",\n  "content": "Hi"},\n]', Flaw("json-trailing-comma", 2, 19)),
        ('[{"role": "user", "content": "Hi",}]', Flaw("json-trailing-comma", 1, 34)),
        ("[{'role': 'user'}]", Flaw("json-quotes", 1, 3)),
        ("[{\"role\": 'user'}]", Flaw("json-quotes", 1, 11)),
        ("[{“role”: “user”}]", Flaw("json-quotes", 1, 3)),
        ('[{"role": “user”}]', Flaw("json-quotes", 1, 11)),
        ('[{"role": "user" "content": "Hi"}]', Flaw("json-comma", 1, 18)),
        ('[{"role": "user"}\n {"role": "user"}]', Flaw("json-comma", 2, 2)),
        ('[{"role" "user"}]', Flaw("json-colon", 1, 10)),
        ('[{"role": user}]', Flaw("json-value", 1, 11)),
        ('[{"role": "user", "content": None}]', Flaw("json-value", 1, 30)),
        ('[{"role": "user", content: "Hi"}]', Flaw("json-quotes", 1, 19)),
        ('[{"role": "user", "content": "Hi]', Flaw("json-string", 1, 30)),
        ('[{"role": "user", "content": "two\nlines"}]', Flaw("json-line-break", 1, 34)),
        ('[{"role": "user", "content": "C:\\path"}]', Flaw("json-escape", 1, 33)),
        ('[{"role": "user"}] thanks', Flaw("json-extra", 1, 20)),
        ('{"é😀": 1,\n\n "b" 2}', Flaw("json-colon", 3, 6)),
        ("[{" + '"a":[' * DEEPEST, Flaw("json-depth")),
    ],
)
def test_broken_json_says_where_and_what_is_wrong(text, flaw):
    assert read_chat(text) == flaw


def test_a_message_is_recognised_by_its_beginning():
    text = "  One\n\ttwo   " + "three " * 100
    [message] = read([{"role": "user", "content": text}]).messages
    assert message.preview.startswith("One two three")
    assert len(message.preview) <= PREVIEW


messages = st.fixed_dictionaries(
    {"role": st.text()},
    optional={
        "content": st.none()
        | st.text()
        | st.lists(st.text() | st.fixed_dictionaries({"type": st.just("text"), "text": st.text()})),
        "name": st.text(),
    },
)


@given(st.lists(messages, min_size=1), st.sampled_from([None, 0, 2]))
def test_every_chat_is_read_however_it_is_laid_out(rows, indent):
    chat = read_chat(json.dumps({"messages": rows}, indent=indent))
    assert isinstance(chat, Chat)
    assert [message.role for message in chat.messages] == [row["role"] for row in rows]


@given(st.text(alphabet="[]{}\",:'\\ \n\tabtrue019é", max_size=60))
def test_nothing_that_is_pasted_breaks_the_reading(text):
    for pasted in (text, "[{" + text, '{"' + text):
        flaw = read_chat(pasted)
        if isinstance(flaw, Flaw) and flaw.line:
            lines = pasted.split("\n")
            assert flaw.line <= len(lines)
            assert 1 <= flaw.column <= len(lines[flaw.line - 1]) + 1

"""No secret passes the two doors: HTTP answers and WebSocket frames."""

from __future__ import annotations

import itertools
import json
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sessions.redaction import (
    REDACTED,
    is_secret_name,
    loads_redacted,
    loads_whole,
    parse_json,
    redact,
    redact_json,
    redact_text,
)
from sessions.texts import LONGEST_TEXT
from tests.fakes import VERSIONS, examples, recording

JWT = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NSJ9.abcdefghijklmnop"
KEY = re.compile(r"\bsk-")


@pytest.mark.parametrize(
    "name",
    [
        "api_key", "apiKey", "api-key", "apikey", "API_KEY", "APIKey", "openai_api_key",
        "openaiApiKey", "x-api-key", "X-Api-Key", "api_keys", "Authorization", "authorization",
        "Proxy-Authorization", "proxyAuthorization", "access_token", "accessToken",
        "access-token", "refreshToken", "auth_token", "authToken", "id_token", "session_token",
        "api_token", "apiToken", "token", "client_secret", "clientSecret", "secret", "password",
        "passwd", "private_key", "cookie", "Set-Cookie", "credentials", "bearer",
    ],
)  # fmt: skip
def test_names_of_secrets_are_dropped_wherever_they_stand(name):
    assert is_secret_name(name)
    text = json.dumps({"kept": 1, name: "abc", "deep": [{name: {"more": "abc"}, "kept": 2}]})
    assert loads_redacted(text) == {"kept": 1, "deep": [{"kept": 2}]}


@pytest.mark.parametrize(
    "name",
    [
        "total_tokens", "max_tokens", "prompt_tokens", "completion_tokens", "memory_tokens",
        "real_tokens", "reserved_tokens", "estimated_tokens", "cumulative_tokens", "delta_tokens",
        "tools_tokens", "system_message_tokens", "tokens", "tokens_saved", "token_count",
        "totalTokens", "max-tokens", "key", "keywords", "monkey", "secretary", "session_id",
        "total_tokens_saved",
    ],
)  # fmt: skip
def test_counts_of_tokens_and_harmless_names_are_kept(name):
    assert loads_redacted(json.dumps({"api_key": "x", name: 12})) == {name: 12}


def test_a_flag_about_a_secret_is_kept():
    assert loads_redacted('{"has_api_key": true, "api_key": "x"}') == {"has_api_key": True}
    assert loads_redacted('{"has_api_key": false}') == {"has_api_key": False}


@pytest.mark.parametrize(
    ("secret", "left"),
    [
        ("sk-abcdefghijkl", f"before {REDACTED} after"),
        ("sk-proj-Ab12_cd34-ef56", f"before {REDACTED} after"),
        ("nvapi-abcdefghijkl", f"before {REDACTED} after"),
        ("Bearer abc.def-123456", f"before Bearer {REDACTED} after"),
        ("ghp_" + "a" * 36, f"before {REDACTED} after"),
        ("AKIAABCDEFGHIJKLMNOP", f"before {REDACTED} after"),
        (JWT, f"before {REDACTED} after"),
    ],
)
def test_keys_inside_texts_are_replaced(secret, left):
    text = f"before {secret} after"
    assert redact_text(text) == left
    assert loads_redacted(json.dumps({"content_preview": text})) == {"content_preview": left}


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("curl -H 'x-api-key: f00-bar'", f"curl -H 'x-api-key: {REDACTED}'"),
        ("PASSWORD=hunter2!", f"PASSWORD={REDACTED}"),
        ('{"token": "abc123def"}', f'{{"token": "{REDACTED}"}}'),
        ("client_secret = c0rrect-horse-battery", f"client_secret = {REDACTED}"),
        ("use `access_token`: `a8f9c0d1e2b3a4`", f"use `access_token`: `{REDACTED}`"),
        ("Authorization: Basic dXNlcjpwYXNz", f"Authorization: Basic {REDACTED}"),
        ("AKIAABCDEFGHIJKLMNOPsk-abcdefghijkl", f"{REDACTED}{REDACTED}"),
    ],
)
def test_keys_are_known_by_what_stands_before_them(text, left):
    assert redact_text(text) == left
    assert redact_text(left) == left
    assert loads_redacted(json.dumps({"content_preview": text})) == {"content_preview": left}


@pytest.mark.parametrize("before", ["\n", "\t", "\r\n", "é ", "\\", '"', "/"])
@pytest.mark.parametrize("secret", ["sk-abcdefghijklmnop", JWT])
@pytest.mark.parametrize("ascii_only", [True, False])
def test_keys_are_found_after_what_json_escapes(before, secret, ascii_only):
    text = json.dumps({"content_preview": f"here:{before}{secret}"}, ensure_ascii=ascii_only)
    assert secret not in str(loads_redacted(text))


@pytest.mark.parametrize(
    "text",
    [
        "a task-oriented disk-encryption",
        "risk-management-plan",
        "sk-1",
        "The password: required",
        "token: string",
        "tokens = 128000",
        "api key: none yet",
    ],
)
def test_ordinary_words_are_no_keys(text):
    assert redact_text(text) == text


@pytest.mark.parametrize(
    ("text", "holds_keys"),
    [
        ("token=abcdef," * 80_000, False),
        ("&api_key=<" * 100_000, False),
        ("a.token=b,c.secret=d;" * 50_000, False),
        ("token=" + "a" * 1_000_000, False),
        ("token:" + " " * 1_000_000, False),
        ("eyJ-" * 250_000, False),
        (("AKIA" + "B" * 16) * 50_000, True),
    ],
    ids=lambda value: str(value)[:12],
)
def test_a_megabyte_comes_to_its_end(text, holds_keys):
    # Each of these once took minutes: a pattern may look at a character only so many times.
    assert (redact_text(text) == text) is not holds_keys


@pytest.mark.parametrize("text", ["NaN", "[Infinity]", '{"a": -Infinity}', "", "{", "<html>"])
def test_what_is_not_json_is_refused(text):
    with pytest.raises(ValueError, match=r"."):
        loads_redacted(text)


@pytest.mark.parametrize("depth", [400, 600, 900, 100_000])
@pytest.mark.parametrize(("start", "end"), [('{"monkey":', "}"), ("[", "]")])
def test_deep_nesting_is_read_or_refused_but_never_overflows(depth, start, end):
    text = start * depth + '"cookie"' + end * depth
    try:
        loads_redacted(text)
    except ValueError:
        return
    assert depth < 100_000


@pytest.mark.parametrize("version", VERSIONS)
def test_no_recorded_answer_or_message_keeps_its_keys(version):
    seen = 0
    for case, found in recording(version)["http"].items():
        if "json" in found["content_type"]:
            seen += KEY.search(found["text"]) is not None
            assert not KEY.search(json.dumps(loads_redacted(found["text"]))), case
    for kind, messages in recording(version)["ws"].items():
        for message in messages:
            assert not KEY.search(json.dumps(loads_redacted(json.dumps(message)))), kind
    assert seen, "the recording holds fake keys to drop"


@pytest.mark.parametrize("version", VERSIONS)
def test_a_recorded_answer_loses_nothing_else(version):
    text = recording(version)["http"]["active_busy"]["text"]
    expected = json.loads(text)
    del expected["provider"]["info"]["api_key"]
    assert loads_redacted(text) == expected


_safe_text = st.text(alphabet="abcdefgh ijtuvwxyz_é\n", max_size=12)
_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False)
    | _safe_text,
    lambda inner: st.lists(inner, max_size=4)
    | st.dictionaries(_safe_text.filter(lambda n: not is_secret_name(n)), inner, max_size=4),
    max_leaves=20,
)  # fmt: skip


@given(_values)
@examples(150)
def test_whatever_holds_no_secret_comes_through_unchanged(value):
    assert redact(value) == value
    assert loads_redacted(json.dumps(value)) == value


@given(_values, st.sampled_from(["api_key", "Authorization", "accessToken"]), _values)
@examples(100)
def test_only_the_secret_field_is_lost(value, name, secret):
    found = loads_redacted(json.dumps({"value": value, name: secret}))
    kept = {name: secret} if isinstance(secret, bool) else {}
    assert found == {"value": value, **kept}


def test_a_key_that_stands_where_a_name_should_is_dropped():
    found = loads_redacted('{"used": {"sk-abcdefgh12345678": 3, "model": 1}}')
    assert found == {"used": {REDACTED: 3, "model": 1}}


# -- the quick look, and the patterns --------------------

_OWNERS = ("", "x", "open_ai", "my", "client", "proxy", "access", "api", "auth", "id", "refresh",
           "session", "private", "set", "prompt", "total")  # fmt: skip
_WORDS = ("api_key", "apiKey", "APIKey", "api-key", "apikey", "token", "tokens", "secret",
          "secrets", "password", "passwd", "authorization", "credentials", "bearer", "cookie",
          "key", "keys", "tokenSet")  # fmt: skip
_KEYS = ("sk-abcdefgh12345678", "pk-abcdefgh12345678", "rk-abcdefgh12345678", "nvapi-12345678ab",
         "AIza" + "a1" * 16, "ghp_" + "a1" * 10, "ghs_" + "a1" * 10, "AKIAABCDEFGHIJKLMNOP", JWT,
         "hunter2!", "12", "required")  # fmt: skip
_BETWEEN = (": ", ":", "=", " = ", "\u00a0: ", "\u202f:\u202f", "：", "＝", "\": \"", "`: `", " ",
            "\n", "\\", "\u3000", " : Bearer ", "∶")  # fmt: skip
_LOOKALIKES = {"i": "İı", "s": "ſ", "k": "\u212a"}


@st.composite
def _spelt(draw, words):
    """A word as somebody may have written it."""
    word = draw(st.sampled_from(words))
    ways = st.sampled_from(("", "", "upper", "lower", "title", "full", "alike"))
    way = draw(ways)
    if way == "full":
        return "".join(chr(ord(c) + 0xFEE0) if "!" <= c <= "~" else c for c in word)
    if way == "alike":
        picks = draw(st.randoms(use_true_random=False))
        return "".join(picks.choice(_LOOKALIKES.get(c.lower(), "") + c) for c in word)
    return getattr(word, way)() if way else word


_names = st.builds(
    "".join, st.tuples(_spelt(_OWNERS), st.sampled_from(("", "_", "-", ".", " ")), _spelt(_WORDS))
)
_hidden = st.builds(
    "".join,
    st.tuples(
        st.sampled_from(("", "é", "my ", "x", '"', "\n")), _names, st.sampled_from(_BETWEEN),
        _spelt(_KEYS), st.sampled_from(("", "'", " s", "ſ", "tokens", ", max_tokens=3")),
    ),
)  # fmt: skip
_typed = st.recursive(
    _hidden | _names | st.integers(0, 9) | st.booleans() | st.none() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(_names | _hidden | st.text(max_size=5), inner, max_size=3)
    ),
    max_leaves=6,
)


@st.composite
def _json_of(draw, values):
    """A value as JSON text, in any of the ways in which JSON can be written."""
    text = json.dumps(draw(values), ensure_ascii=draw(st.booleans()))
    if draw(st.booleans()):  # any character may be written as an escape
        picks = draw(st.randoms(use_true_random=False))
        letters = re.compile(r"(?<!\\)(?:\\\\)*[A-Za-z_]")
        text = letters.sub(lambda m: _escaped(m[0]) if picks.random() < 0.1 else m[0], text)
    return text


def _escaped(found):
    return found if found[0] == "\\" else f"\\u{ord(found):04x}"


def _is_json(text):
    try:
        json.loads(text)
    except ValueError:
        return False
    return True


@pytest.mark.parametrize("word", _WORDS)
def test_the_quick_look_sees_every_name_that_is_secret(word):
    # One name and nothing else: in a larger value something else may draw the eye.
    for owner, joint, way in itertools.product(
        _OWNERS, ("", "_", "-", "."), (str, str.upper, str.title, str.swapcase)
    ):
        name = way(f"{owner}{joint}{word}")
        left = {} if is_secret_name(name) else {name: 7}
        assert loads_redacted(json.dumps({name: 7})) == left, name


@pytest.mark.parametrize("key", _KEYS)
@pytest.mark.parametrize("word", _WORDS)
def test_the_quick_look_sees_every_text_that_is_secret(word, key):
    for between, owner in itertools.product(_BETWEEN, ("", "client_", "access_", "id-")):
        for end in ("", " of 3 tokens"):
            text = f"{owner}{word}{between}{key}{end}"
            assert loads_redacted(json.dumps([text])) == [redact_text(text)], text


@given(_json_of(st.lists(_hidden, min_size=1, max_size=1) | _typed).filter(_is_json))
@examples(250)
def test_the_quick_look_misses_nothing_that_the_patterns_would_find(text):
    expected = redact(parse_json(text))
    assert loads_redacted(text) == expected
    assert json.loads(redact_json(text)) in (expected, redact(json.loads(text)))
    assert redact(expected) == expected


@pytest.mark.parametrize(
    "name",
    [
        "authTokens", "auth-tokens", "id_tokens", "idTokens", "sessionTokens", "api-tokens",
        "apiTokenSet", "ſecret", "ＡＰＩ＿ＫＥＹ", "to\u212aen", "ap\u0131_\u212aey", "APİ_KEY",
        "ap\u0130Key", "credent\u0131als",
    ],
)  # fmt: skip
@pytest.mark.parametrize("ascii_only", [True, False])
def test_names_of_secrets_are_known_however_they_are_written(name, ascii_only):
    text = json.dumps({name: "abc", "max_tokens": 1}, ensure_ascii=ascii_only)
    assert is_secret_name(name)
    assert loads_redacted(text) == {"max_tokens": 1}


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("mot de passe\u00a0: non, password\u00a0: hunter22", f"password\u00a0: {REDACTED}"),
        ("token\u202f:\u202fabc123def", f"token\u202f:\u202f{REDACTED}"),
        ("ｔｏｋｅｎ：ａｂｃ１２３ｄｅｆ", f"ｔｏｋｅｎ：{REDACTED}"),
        ("ſecret = c0rrect-horse", f"ſecret = {REDACTED}"),
    ],
)
def test_keys_are_found_through_typography(text, left):
    assert redact_text(text).endswith(left)
    assert loads_redacted(json.dumps([text], ensure_ascii=False)) == [redact_text(text)]


def test_an_overlong_text_is_cut_and_an_export_is_not():
    text = json.dumps({"message": "a" * 3_800_000, "n" * 9_000: 1, "deep": [["b" * 9_000]]})
    found = loads_redacted(text)
    assert [len(name) for name in found] == [7, LONGEST_TEXT, 4]
    assert len(found["message"]) == len(found["deep"][0][0]) == LONGEST_TEXT
    assert found["message"].endswith("a…")
    assert len(loads_whole(text)["message"]) == 3_800_000


def test_a_key_at_the_place_of_the_cut_leaves_nothing_of_itself():
    text = " " * (LONGEST_TEXT - 10) + "sk-abcdefgh12345678" + " " * 100
    assert "sk-" not in loads_redacted(json.dumps([text]))[0]


# -- what JSON can say, and nobody can write again --------------------


@pytest.mark.parametrize(
    ("text", "value"),
    [
        (r'"\ud800"', "\ufffd"),
        (r'"\uDfff\ud83d"', "\ufffd\ufffd"),
        (r'"\ud83d\ude00 \\ud800"', "😀 \\ud800"),
        (r'"\\\ud800"', "\\\ufffd"),
        ('"\ud800é"', "\ufffdé"),
        (r'{"\ud800": 1}', {"\ufffd": 1}),
        ("[1e400, -1e400, 1.5]", [None, None, 1.5]),
        ('{"a": ' + "9" * 5_000 + ', "b": 1}', {"a": None, "b": 1}),
    ],
)
def test_what_is_read_can_be_written_again(text, value):
    assert loads_redacted(text) == value
    json.dumps(loads_redacted(text), ensure_ascii=False, allow_nan=False).encode("utf-8")


def test_the_place_of_a_fault_is_that_in_the_text_as_it_came():
    with pytest.raises(json.JSONDecodeError) as caught:
        parse_json(r'["\ud800\ud800", oops]')
    assert caught.value.pos == len(r'["\ud800\ud800", ')

"""A user's data as a file: out and in again, and nothing of a file that is not just that."""

from __future__ import annotations

import json
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sessions.envelope import parse
from sessions.errors import BadUserFile
from sessions.preferences import LANGUAGE, LAST_PROXY, PROXY, THEME
from sessions.user_files import FORMAT, LARGEST_FILE, VERSION, UserFile, parse_user_file
from tests.fakes import examples
from tests.unit.test_envelope import FIXTURES, NOW, paths, replaced

CHOICES = {THEME: "dark", LANGUAGE: "fr", PROXY: "http://10.0.0.7:8000", LAST_PROXY: "http://x:1"}


def envelope():
    return parse((FIXTURES / "v1.json").read_text("utf-8"), NOW)[0]


FILE = UserFile("Anna", CHOICES, envelope())


def key_of(text):
    with pytest.raises(BadUserFile) as caught:
        parse_user_file(text, NOW)
    return caught.value.key


def test_what_is_exported_is_imported():
    assert parse_user_file(FILE.to_text(NOW), NOW) == FILE
    nothing = UserFile("", {}, parse("{}", NOW)[0])
    assert parse_user_file(nothing.to_text(NOW), NOW) == nothing


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("", "users.file.no_json"),
        (FILE.to_text(NOW)[:-30], "users.file.no_json"),
        ("[" * 9000, "users.file.no_json"),
        ("[]", "users.file.foreign"),
        ("7", "users.file.foreign"),
        ('{"version": 1, "sessions": []}', "users.file.foreign"),
        (json.dumps({"format": FORMAT}), "users.file.damaged"),
        (json.dumps({"format": FORMAT, "version": VERSION + 1}), "users.file.newer"),
        (" " * (LARGEST_FILE + 1), "users.file.large"),
    ],
)
def test_what_is_no_such_file_is_refused_with_the_reason(text, key):
    assert key_of(text) == key


@pytest.mark.parametrize(
    ("path", "wrong", "key"),
    [
        (("version",), True, "damaged"),
        (("version",), "1", "damaged"),
        (("user",), None, "damaged"),
        (("user", "name"), 7, "damaged"),
        (("user", "name"), "x" * 41, "damaged"),
        (("preferences",), [], "damaged"),
        (("preferences", THEME), "pink", "damaged"),
        (("preferences", LANGUAGE), "xx", "damaged"),
        (("preferences", LANGUAGE), {}, "damaged"),
        (("preferences", PROXY), "javascript:alert(1)", "damaged"),
        (("preferences", LAST_PROXY), "demo", "damaged"),
        (("state",), None, "damaged"),
        (("state", "version"), 99, "newer"),
        (("state", "sessions", 0, "metrics", 1), "x", "damaged"),
    ],
)
def test_a_file_with_one_bad_part_is_refused_as_a_whole(path, wrong, key):
    value = replaced(json.loads(FILE.to_text(NOW)), path, wrong)
    assert key_of(json.dumps(value)) == f"users.file.{key}"


def test_choices_that_this_version_does_not_know_are_left_out():
    value = json.loads(FILE.to_text(NOW))
    value["preferences"]["from-the-future"] = "x"
    assert parse_user_file(json.dumps(value), NOW).preferences == CHOICES


@given(st.data())
@examples(150)
def test_whatever_is_done_to_a_file_it_is_read_or_refused(data):
    value = json.loads(FILE.to_text(NOW))
    places = list(paths(value))
    simple = st.none() | st.booleans() | st.floats() | st.text()
    wrong = data.draw(simple | st.just([]) | st.just({}))
    changed = replaced(value, places[data.draw(st.integers(0, len(places) - 1))], wrong)
    with suppress(BadUserFile):
        parse_user_file(json.dumps(changed), NOW)


def test_secrets_are_in_no_file_that_goes_out_or_comes_in():
    value = json.loads(FILE.to_text(NOW))
    value["state"]["sessions"][0]["session"]["api_key"] = "sk-aaaaaaaaaaaaaaaa"
    value["state"]["sessions"][0]["metrics"][0]["content_preview"] = "sk-bbbbbbbbbbbbbbbb"
    value["user"]["name"] = "sk-cccccccccccccccc"
    read = parse_user_file(json.dumps(value), NOW)
    assert "sk-" not in read.state_text() + read.name
    spilt = UserFile("sk-dddddddddddddddd", CHOICES, envelope())
    assert "sk-" not in spilt.to_text(NOW)

"""Where the page looks for its proxy, and what it makes of what it finds."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from sessions.discovery import (
    DEFAULT_ADDRESS,
    DEMO,
    Discovery,
    Finding,
    Plan,
    Visit,
    addresses,
    discover,
    normalise_address,
    plan,
    visit,
)
from sessions.errors import BadInput, ProxyTimeout, ProxyUnreachable
from sessions.ports import HttpAnswer
from tests.driver import run
from tests.fakes import MISSING_ROUTE, VERSIONS, FakeHttp, answer, examples, plain

HERE = "http://here:8080"
THERE = "http://there:9000"
DOWN = ProxyUnreachable("GET /api/sessions", "No answer.")


def saying(reply):
    http = FakeHttp()
    http.on("GET", "/api/sessions", reply)
    return http


# -- addresses --------------------


@pytest.mark.parametrize(
    ("typed", "address"),
    [
        ("localhost:8000", "http://localhost:8000"),
        ("  http://localhost:8000/ ", "http://localhost:8000"),
        ("https://proxy.example/kimi///", "https://proxy.example/kimi"),
        ("HTTP://Host:80", "http://Host:80"),
        ("ws://host:1", "http://host:1"),
        ("wss://host", "https://host"),
        ("[::1]:8000", "http://[::1]:8000"),
        ("127.0.0.1", "http://127.0.0.1"),
        ("demo", DEMO),
        (" demo/ ", DEMO),
    ],
)
def test_what_a_person_types_becomes_an_address(typed, address):
    assert normalise_address(typed) == address


@pytest.mark.parametrize(
    "typed",
    [
        "", "   ", "/", "//", "http://", "https://", "http:///path", "ftp://host", "file:///etc",
        "javascript:alert(1)", "host name", "user@host", "user:pw@host:1", "host?x=1", "host#x",
        "<b>", "host\\path", 'ho"st', "a\nb", "a\tb", "localhost:port", "localhost:99999", ":8000",
    ],
)  # fmt: skip
def test_what_cannot_be_an_address_is_refused(typed):
    with pytest.raises(BadInput, match="is not an address"):
        normalise_address(typed)


@given(st.text(max_size=20) | st.from_regex(r" ?(https?|wss?)?(://)?[a-z:\d/ \[\]\xa0]{0,12}"))
@example("localhost\xa0/")
@examples(150)
def test_an_address_made_normal_stays_as_it_is(typed):
    try:
        address = normalise_address(typed)
    except BadInput:
        return
    assert normalise_address(address) == address
    assert address == DEMO or address.startswith(("http://", "https://"))
    assert address == address.strip()


# -- the plan --------------------


@pytest.mark.parametrize(
    ("given_", "expected"),
    [
        (("there:9000", HERE, HERE, HERE), Plan((THERE,), True, None)),
        ((None, "there:9000", HERE, HERE), Plan((THERE,), True, None)),
        (("demo", THERE, None, None), Plan((DEMO,), True, None)),
        ((None, "demo", THERE, HERE), Plan((DEMO,), True, None)),
        (("not an address", THERE, None, HERE), Plan((THERE,), True, None)),
        (("", "", None, HERE), Plan((HERE, DEFAULT_ADDRESS), False, None)),
        ((None, "ftp://x", None, HERE), Plan((HERE, DEFAULT_ADDRESS), False, None)),
        ((None, None, None, None), Plan((DEFAULT_ADDRESS,), False, None)),
        ((None, None, None, DEFAULT_ADDRESS), Plan((DEFAULT_ADDRESS,), False, None)),
        ((None, None, THERE, HERE), Plan((HERE, DEFAULT_ADDRESS), False, THERE)),
        ((None, None, DEMO, HERE), Plan((HERE, DEFAULT_ADDRESS), False, None)),
    ],
)
def test_a_choice_comes_before_this_origin_and_that_before_the_usual_place(given_, expected):
    assert plan(*given_) == expected


# -- visits --------------------


@pytest.mark.parametrize("version", VERSIONS)
def test_every_version_of_the_proxy_is_recognised(version):
    assert run(visit(HERE, FakeHttp.speaking(version))) == Visit(HERE, Finding.PROXY)


@pytest.mark.parametrize(
    ("reply", "finding", "detail"),
    [
        (answer([]), Finding.PROXY, None),
        (DOWN, Finding.NO_ANSWER, None),
        (ProxyTimeout("GET /", "Slow."), Finding.TOO_SLOW, None),
        (MISSING_ROUTE, Finding.SOMETHING_ELSE, None),
        (HttpAnswer(404, "text/html", "<h1>404</h1>"), Finding.SOMETHING_ELSE, None),
        (answer({"error": "Base verrouillée"}, 500), Finding.FAULT, "Base verrouillée"),
        (answer({"error": "Interdit"}, 403), Finding.SOMETHING_ELSE, "Interdit"),
    ],
)
def test_what_answers_is_told_apart(reply, finding, detail):
    assert run(visit(HERE, saying(reply))) == Visit(HERE, finding, detail)


@pytest.mark.parametrize(
    ("reply", "finding"),
    [
        (HttpAnswer(200, "text/html", "<!doctype html>"), Finding.SOMETHING_ELSE),
        (answer({"hello": 1}), Finding.SOMETHING_ELSE),
        (plain("Internal Server Error", 500), Finding.FAULT),
    ],
)
def test_a_visit_adds_no_words_of_our_own(reply, finding):
    found = run(visit(HERE, saying(reply)))
    assert found.finding is finding
    told = found.detail or ""
    assert "did not answer" not in told, "English in a French page"
    assert "The proxy failed" not in told, "English in a French page"


# -- the decision --------------------


def settle_on(where, **answers):
    """Discover, with these hosts answering as a proxy or otherwise."""
    seen = []

    def http_for(address):
        seen.append(address)
        return saying(answers.get(address.split("//")[1].split(":")[0], DOWN))

    return run(discover(where, http_for)), seen


def test_the_first_that_is_a_proxy_is_taken_and_the_rest_left_alone():
    found, seen = settle_on(Plan((HERE, THERE), False, None), here=answer([]), there=answer([]))
    assert (found.address, found.is_demo, seen) == (HERE, False, [HERE])


def test_the_next_candidate_is_tried_when_one_is_something_else():
    found, seen = settle_on(Plan((HERE, THERE), False, None), here=MISSING_ROUTE, there=answer([]))
    assert found.address == THERE
    assert [v.finding for v in found.visits] == [Finding.SOMETHING_ELSE, Finding.PROXY]
    assert seen == [HERE, THERE]


def test_with_nothing_found_the_demo_stands_in_and_tells_what_was_tried():
    found, _ = settle_on(Plan((HERE, THERE), False, None))
    assert found.is_demo
    assert addresses(found.visits) == f"{HERE}, {THERE}"


def test_a_proxy_known_from_last_time_is_waited_for_rather_than_replaced_by_the_demo():
    found, _ = settle_on(Plan((HERE,), False, THERE))
    assert found.address == THERE
    assert not found.is_demo


@pytest.mark.parametrize("reply", [DOWN, MISSING_ROUTE, plain("no", 500), answer([])])
def test_a_chosen_address_is_kept_whatever_answers(reply):
    found, _ = settle_on(Plan((THERE,), True, None), there=reply)
    assert found.address == THERE
    assert len(found.visits) == 1


def test_a_chosen_demo_asks_nobody():
    found, seen = settle_on(Plan((DEMO,), True, None))
    assert (found, seen) == (Discovery(DEMO, ()), [])

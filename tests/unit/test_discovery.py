"""Where the page looks for its proxy, and what it makes of what it finds."""

from __future__ import annotations

import asyncio

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
    beside,
    look,
    normalise_address,
    plan,
    settle,
    visit,
)
from sessions.errors import BadInput, ProxyTimeout, ProxyUnreachable
from sessions.ports import HttpAnswer
from tests.driver import run
from tests.fakes import MISSING_ROUTE, VERSIONS, FakeHttp, answer, examples, plain

HERE = "http://here:8080"
THERE = "http://there:9000"
LIMIT = 5.0
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
        ("host/kimi", "http://host/kimi"),
        ("http://host/my%20proxy/~a+b;c=1,2@x:y", "http://host/my%20proxy/~a+b;c=1,2@x:y"),
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
        "host/a b", "host/%zz", "host/<b>", "host/;'\"", "host/é",
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
        (("there:9000", HERE, HERE, HERE + "/"), Plan((THERE,), True, None)),
        ((None, "there:9000", HERE, HERE + "/"), Plan((THERE,), True, None)),
        (("demo", THERE, None, None), Plan((DEMO,), True, None)),
        ((None, "demo", THERE, HERE + "/"), Plan((DEMO,), True, None)),
        (("not an address", THERE, None, HERE + "/"), Plan((THERE,), True, None)),
        (("", "", None, HERE + "/"), Plan((HERE, DEFAULT_ADDRESS), False, None)),
        ((None, "ftp://x", None, HERE + "/"), Plan((HERE, DEFAULT_ADDRESS), False, None)),
        ((None, None, None, None), Plan((DEFAULT_ADDRESS,), False, None)),
        (
            (None, None, None, DEFAULT_ADDRESS + "/index.html"),
            Plan((DEFAULT_ADDRESS,), False, None),
        ),
        ((None, None, THERE, HERE + "/"), Plan((HERE, DEFAULT_ADDRESS), False, THERE)),
        ((None, None, DEMO, HERE + "/"), Plan((HERE, DEFAULT_ADDRESS), False, None)),
        (
            (None, None, None, HERE + "/kimi/"),
            Plan((HERE + "/kimi", HERE, DEFAULT_ADDRESS), False, None),
        ),
    ],
)
def test_a_choice_comes_before_what_is_beside_the_page_and_that_before_the_usual_place(
    given_, expected
):
    assert plan(*given_) == expected


@pytest.mark.parametrize(
    ("page", "places"),
    [
        ("http://host/", ("http://host",)),
        ("http://host/index.html", ("http://host",)),
        ("http://host//", ("http://host",)),
        ("http://host/?proxy=a/b", ("http://host",)),
        ("http://host:1/kimi/", ("http://host:1/kimi", "http://host:1")),
        ("https://host/a/kimi/index.html#b/c", ("https://host/a/kimi", "https://host")),
        ("http://host/kimi", ("http://host",)),
        ("http://host/static/dashboard/", ("http://host",)),
        ("http://host/kimi/static/dashboard/?x", ("http://host/kimi", "http://host")),
        ("http://host/ecstatic/", ("http://host/ecstatic", "http://host")),
        ("http://[::1]:8/my%20kimi/?x", ("http://[::1]:8/my%20kimi", "http://[::1]:8")),
        ("file:///home/anna/dist/index.html", ()),
        ("about:blank", ()),
        (None, ()),
    ],
)
def test_the_host_of_a_page_may_have_the_proxy_in_its_folder_or_at_its_root(page, places):
    assert beside(page) == places


# -- visits --------------------


@pytest.mark.parametrize("version", VERSIONS)
def test_every_version_of_the_proxy_is_recognised(version):
    assert run(visit(HERE, FakeHttp.speaking(version), LIMIT)) == Visit(HERE, Finding.PROXY)


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
        (answer({"error": "Doucement"}, 429), Finding.FAULT, "Doucement"),
        (HttpAnswer(200, "application/json", '[{"id": 1, "na'), Finding.FAULT, None),
        (HttpAnswer(200, "text/plain", "Hi"), Finding.SOMETHING_ELSE, None),
        (ProxyUnreachable("GET /", "It broke off.", 200), Finding.FAULT, None),
    ],
)
def test_what_answers_is_told_apart(reply, finding, detail):
    assert run(visit(HERE, saying(reply), LIMIT)) == Visit(HERE, finding, detail)


def test_an_answer_has_only_so_much_time():
    class Silent:
        async def request(self, *_arguments, **_options):
            await asyncio.sleep(60)

    assert run(visit(HERE, Silent(), LIMIT)) == Visit(HERE, Finding.TOO_SLOW)


@pytest.mark.parametrize(
    ("reply", "finding"),
    [
        (HttpAnswer(200, "text/html", "<!doctype html>"), Finding.SOMETHING_ELSE),
        (answer({"hello": 1}), Finding.SOMETHING_ELSE),
        (plain("Internal Server Error", 500), Finding.FAULT),
    ],
)
def test_a_visit_adds_no_words_of_our_own(reply, finding):
    found = run(visit(HERE, saying(reply), LIMIT))
    assert found.finding is finding
    told = found.detail or ""
    assert "did not answer" not in told, "English in a French page"
    assert "The proxy failed" not in told, "English in a French page"


# -- the decision --------------------


class Place:
    """What asks addresses, each of which answers as told after some seconds."""

    def __init__(self, **answers):
        self.answers = answers
        self.asked = []
        self.given_up = []

    async def __call__(self, address):
        self.asked.append(address)
        finding, seconds = self.answers.get(address.split("//")[1].split(":")[0], (NOBODY, 0.01))
        try:
            await asyncio.sleep(seconds)
        except asyncio.CancelledError:
            self.given_up.append(address)
            raise
        return Visit(address, finding)


NOBODY = Finding.NO_ANSWER
ELSE = Finding.SOMETHING_ELSE
USUAL = "http://usual:8000"


def first(**answers):
    """Look at three places; where the page connects, who was asked, and the seconds it took."""
    place = Place(**answers)

    async def scene():
        loop = asyncio.get_running_loop()
        before = loop.time()
        return settle(await look((HERE, THERE, USUAL), place)), loop.time() - before

    found, seconds = run(scene())
    return found, place, seconds


def test_where_the_first_is_a_proxy_nobody_else_is_asked():
    found, place, seconds = first(here=(Finding.PROXY, 0.2), there=(Finding.PROXY, 0.01))
    assert (found.address, place.asked) == (HERE, [HERE])
    assert seconds == pytest.approx(0.2)


def test_the_next_is_asked_as_soon_as_one_is_none():
    found, place, seconds = first(here=(ELSE, 0.1), there=(Finding.PROXY, 0.1))
    assert (found.address, place.asked) == (THERE, [HERE, THERE])
    assert [v.finding for v in found.visits] == [ELSE, Finding.PROXY]
    assert seconds == pytest.approx(0.2)


def test_one_that_is_slow_comes_first_all_the_same():
    found, place, seconds = first(here=(Finding.PROXY, 2), there=(Finding.PROXY, 0.1))
    assert (found.address, place.asked) == (HERE, [HERE, THERE])
    assert seconds == pytest.approx(2)


def test_what_is_silent_is_waited_for_beside_the_others_and_not_after_them():
    found, place, seconds = first(here=(Finding.TOO_SLOW, 3), there=(ELSE, 1), usual=(ELSE, 1))
    assert place.asked == [HERE, THERE, USUAL]
    assert seconds == pytest.approx(3)
    assert found.address == HERE
    found, _, seconds = first(here=(Finding.TOO_SLOW, 3), there=(ELSE, 1), usual=(Finding.PROXY, 1))
    assert (found.address, seconds) == (USUAL, pytest.approx(3))


def test_who_need_not_be_heard_any_more_is_given_up():
    found, place, _ = first(
        here=(Finding.TOO_SLOW, 1.2), there=(Finding.PROXY, 0.8), usual=(Finding.PROXY, 9)
    )
    assert found.address == THERE
    assert place.given_up == [USUAL]


@pytest.mark.parametrize("finding", [Finding.TOO_SLOW, Finding.FAULT])
def test_somebody_who_may_be_a_proxy_is_waited_for_and_no_demo_shown(finding):
    found, _, _ = first(there=(finding, 0.1))
    assert found.address == THERE
    assert found.finding is finding
    found, _, _ = first(here=(finding, 0.1), usual=(Finding.PROXY, 0.1))
    assert found.address == USUAL


def test_with_nobody_there_the_demo_stands_in_and_tells_what_was_tried():
    found, _, _ = first(there=(ELSE, 0.1))
    assert found.is_demo
    assert addresses(found.visits) == f"{HERE}, {THERE}, {USUAL}"


def test_what_was_found_can_be_sent_to_scripts():
    found = Discovery(DEMO, (Visit(HERE, NOBODY),), offer=THERE)
    assert found.to_wire() == {
        "address": DEMO,
        "visits": [{"address": HERE, "finding": "no-answer", "detail": None}],
        "isSettled": True,
        "offer": THERE,
    }

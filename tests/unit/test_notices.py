"""Every kind of failure has a sentence in the page's language."""

from __future__ import annotations

import inspect

import pytest

from sessions import errors
from sessions.errors import ProxyFault, ProxyRefused, ProxyTimeout, SessionsError
from sessions.notices import notice_for
from sessions.proxy_api import COMPACT, read_answer
from tests.fakes import FakeFormats, plain
from views.catalogue import CATALOGUE, LANGUAGES
from views.toasts import explain, headline
from views.words import Words

MADE = {
    "SwitchFailed": (3, "It failed."),
    "SessionNotFound": (3,),
    "SwitchSuperseded": (3,),
    "NoSession": ("There is none.",),
    "BadInput": ("Not so.",),
    "BadFrame": ("Not so.",),
    "TokenizerFailed": ("It stopped.",),
    "UnknownEncoding": ("p50k_base",),
    "UnknownModel": ("kimi",),
    "BadUserInput": ("users.error.empty", "A user needs a name."),
    "BadRecording": (3, "json"),
    "RecordingsUnavailable": ("recordings.gone",),
    "BadUserName": ("users.error.empty", "A user needs a name."),
    "BadUserFile": ("users.file.foreign", "Not ours."),
}
CLASSES = [c for _, c in inspect.getmembers(errors, inspect.isclass) if c is not SessionsError]


def made(cls):
    return cls(*MADE.get(cls.__name__, ("GET /api/sessions", "Words of its own.", 500)))


@pytest.mark.parametrize("cls", CLASSES)
@pytest.mark.parametrize("language", LANGUAGES)
def test_every_error_can_be_explained(cls, language):
    notice = notice_for(made(cls), "failed.list")
    assert (notice.kind, notice.key) == ("error", "failed.list")
    assert notice.values["why"] in CATALOGUE
    words = Words(language, FakeFormats)
    assert headline(words, notice) == CATALOGUE["failed.list"][LANGUAGES.index(language)]
    assert explain(words, notice)


def test_the_closer_kind_of_error_is_named():
    assert notice_for(ProxyTimeout("r", "m"), "failed.list").values["why"] == "error.timeout"


def test_the_proxys_own_sentence_is_shown_as_it_is():
    notice = notice_for(ProxyRefused("r", "Session introuvable", 200), "failed.select")
    assert explain(Words("en", FakeFormats), notice) == "Session introuvable"


@pytest.mark.parametrize("cls", CLASSES)
def test_what_is_not_the_proxys_sentence_is_said_in_the_page_s_language(cls):
    notice = notice_for(made(cls), "failed.list")
    why = notice.values["why"]
    if cls in (ProxyRefused, ProxyFault) or why == "error.other":
        return
    assert explain(Words("fr", FakeFormats), notice) == CATALOGUE[why][1]


def test_a_plain_text_failure_is_shown_without_words_of_our_own():
    with pytest.raises(ProxyFault) as caught:
        read_answer(COMPACT, plain("Internal Server Error", 500))
    told = explain(Words("fr", FakeFormats), notice_for(caught.value, "failed.compact"))
    assert "Internal Server Error" in told
    assert "The proxy failed" not in told, "English in a French page"


def test_how_serious_it_is_can_be_chosen():
    assert notice_for(made(errors.NoSession), "failed.list", "warning").kind == "warning"

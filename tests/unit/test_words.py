"""Both languages say everything, and the page, the panels and the catalogue agree."""

from __future__ import annotations

import ast
import functools
import re
import string

import pytest

from tests.fakes import ROOT, FakeFormats, skeleton
from views.catalogue import CATALOGUE, LANGUAGES
from views.words import EMPTY, Words, best_language


def words(language):
    return Words(language, FakeFormats)


# -- speaking --------------------


@pytest.mark.parametrize(
    ("wanted", "language"),
    [
        ("fr", "fr"), ("fr-CA", "fr"), ("FR", "fr"), ("en-GB", "en"), ("de", "en"), ("", "en"),
        (None, "en"),
    ],
)  # fmt: skip
def test_the_closest_language_is_spoken(wanted, language):
    assert best_language(wanted) == language


@pytest.mark.parametrize(
    ("language", "n", "text"),
    [
        ("en", 0, "0 requests"),
        ("en", 1, "1 request"),
        ("en", 2, "2 requests"),
        ("en", 1234, "1,234 requests"),
        ("fr", 0, "0 requête"),
        ("fr", 1, "1 requête"),
        ("fr", 2, "2 requêtes"),
        ("fr", 1234, "1\u202f234 requêtes"),
    ],
)
def test_counted_things_have_a_singular_and_a_plural(language, n, text):
    assert words(language).count("feed.requests", n) == text


@pytest.mark.parametrize("key", sorted({k[:-4] for k in CATALOGUE if k.endswith(".one")}))
@pytest.mark.parametrize("language", LANGUAGES)
def test_every_count_says_its_number(key, language):
    for n in (0, 1, 2, 31):
        assert str(n) in words(language).count(key, n)


def test_numbers_in_a_sentence_are_written_in_its_language():
    assert words("en")("context.reserved", n=12345) == "12,345 tokens reserved"
    assert words("fr")("context.reserved", n=12345) == "12\u202f345 tokens réservés"


def test_what_stands_in_a_sentence_is_no_template():
    assert "{name.x}" in words("en")("notice.auto_session", name="{name.x}")


@pytest.mark.parametrize("language", LANGUAGES)
def test_an_unknown_figure_is_a_dash(language):
    assert words(language).number(None) == words(language).percent(None) == EMPTY


@pytest.mark.parametrize(
    ("age", "en", "fr"),
    [
        (-50, "just now", "à l’instant"),
        (1999, "just now", "à l’instant"),
        (2000, "2 s ago", "il y a 2 s"),
        (59_999, "59 s ago", "il y a 59 s"),
        (60_000, "1 min ago", "il y a 1 min"),
        (3_600_000, "1 h ago", "il y a 1 h"),
    ],
)
def test_how_long_ago_something_was(age, en, fr):
    assert (words("en").ago(age), words("fr").ago(age)) == (en, fr)


def test_the_language_can_change():
    one = words("en")
    one.speak("fr")
    assert (one("dialog.cancel"), one.all()["dialog.cancel"]) == ("Annuler", "Annuler")


# -- the catalogue --------------------


def placeholders(text):
    return sorted(name for _, name, _, _ in string.Formatter().parse(text) if name is not None)


def says_the_same(key):
    english, french = (placeholders(text) for text in CATALOGUE[key])
    if key.endswith((".one", ".other")):
        return {*english, *french} <= {"n"}
    return english == french


def test_both_languages_say_the_same_things():
    assert [key for key in CATALOGUE if not says_the_same(key)] == []
    for key, texts in CATALOGUE.items():
        assert len(texts) == len(LANGUAGES), key
        assert all(text and text == text.strip() for text in texts), key


def test_french_keeps_its_signs_on_the_line():
    loose = re.compile(r" [:;!?%»]|« |'|\.\.\.")
    assert [key for key, texts in CATALOGUE.items() if loose.search(texts[1])] == []


def test_the_catalogue_is_sorted():
    assert list(CATALOGUE) == sorted(CATALOGUE)


def test_every_singular_has_a_plural():
    one = {key[:-4] for key in CATALOGUE if key.endswith(".one")}
    other = {key[:-6] for key in CATALOGUE if key.endswith(".other")}
    assert one == other - {"error"}  # error.other is no plural


# -- index.html --------------------


def test_the_html_says_what_the_catalogue_says():
    found = skeleton().translated
    assert len(found) > 100
    assert [entry for entry in found if CATALOGUE[entry[0]][0] != entry[2]] == []


def test_who_gets_no_script_reads_both_languages():
    html = (ROOT / "index.html").read_text("utf-8")
    assert f'<p lang="fr">{CATALOGUE["app.no_files"][1]}</p>' in html


# -- the code --------------------


@functools.cache
def sources():
    """The modules that speak to the page, parsed; the catalogue itself is not among them."""
    files = [ROOT / "py/main.py"]
    for folder in ("views", "sessions", "browser"):
        files += sorted((ROOT / "py" / folder).glob("*.py"))
    return {
        f"{file.parent.name}/{file.name}": ast.parse(file.read_text("utf-8"))
        for file in files
        if file.name != "catalogue.py"
    }


def nodes(kind):
    return [
        (name, node)
        for name, tree in sources().items()
        for node in ast.walk(tree)
        if isinstance(node, kind)
    ]


def pattern(node):
    """What a string in the code can be: itself, or for an f-string anything in its gaps."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return re.escape(node.value)
    if isinstance(node, ast.JoinedStr):
        return "".join(
            re.escape(part.value) if isinstance(part, ast.Constant) else r"[^.\s]+"
            for part in node.values
        )
    return None


def called(node):
    """The name of what a call calls: ``f(…)``, ``x.f(…)``."""
    return getattr(node.func, "id", None) or getattr(node.func, "attr", None)


def keys_said():
    """(where, pattern) of every key that the code asks the catalogue for, plurals expanded."""
    found = []
    for where, call in nodes(ast.Call):
        name, args = called(call), call.args
        key = None
        if name == "words" and args:
            key = args[0]
        elif name == "count" and args and "words" in ast.unparse(call.func):
            key = ast.JoinedStr([args[0], ast.Constant(".other")])
            text = pattern(args[0])
            if text is not None:
                found += [(where, text + r"\.one"), (where, text + r"\.other")]
            continue
        elif name in ("Notice", "notice_for", "_on_message"):
            key = args[0 if name == "_on_message" else 1] if len(args) > 1 else None
            text = pattern(key) if key is not None else None
            if text is not None:
                found.append((where, f"{text}(\\.one|\\.other)?"))
            continue
        text = pattern(key) if key is not None else None
        if text is not None:
            found.append((where, text))
    return found


@pytest.mark.sources
def test_every_key_that_the_code_asks_for_exists():
    said = keys_said()
    assert len(said) > 60
    missing = [entry for entry in said if not any(re.fullmatch(entry[1], key) for key in CATALOGUE)]
    assert missing == []


@pytest.mark.sources
def test_every_sentence_is_given_what_it_has_room_for():
    wrong = []
    for where, call in nodes(ast.Call):
        if called(call) != "words" or not call.args or any(k.arg is None for k in call.keywords):
            continue
        key = getattr(call.args[0], "value", None)
        given = {keyword.arg for keyword in call.keywords}
        if key in CATALOGUE and given != {*placeholders(CATALOGUE[key][0])}:
            wrong.append((where, call.lineno, key))
    assert wrong == []


@pytest.mark.sources
def test_every_key_of_the_catalogue_is_used():
    texts = {text for _, node in nodes((ast.Constant, ast.JoinedStr)) if (text := pattern(node))}
    patterns = [re.compile(text) for text in texts if re.match(r"[a-z_]+(\\\.|$)", text)]
    used = {key for key, _, _ in skeleton().translated}
    used |= {text.replace("\\", "") for text in texts}
    for script in (ROOT / "static" / "js").glob("*.js"):
        used.update(re.findall(r'words\["([a-z_.]+)"\]', script.read_text("utf-8")))
    dead = [
        key
        for key in CATALOGUE
        if not {key, key.removesuffix(".one"), key.removesuffix(".other")} & used
        and not any(known.fullmatch(key) for known in patterns)
    ]
    assert not dead, "\n".join(dead)


WRITERS = {"text", "attribute", "style", "property", "rows", "options", "open", "close", "focus",
           "follow", "to_end"}  # fmt: skip


def page_calls():
    for where, call in nodes(ast.Call):
        func = call.func
        if not isinstance(func, ast.Attribute) or func.attr not in WRITERS or not call.args:
            continue
        if re.search(r"(^|\.)page$", ast.unparse(func.value)):
            yield where, func.attr, call


@pytest.mark.sources
def test_everything_that_the_panels_write_to_exists():
    ids = skeleton().ids
    unknown, seen = [], 0
    for where, _, call in page_calls():
        text = pattern(call.args[0])
        seen += text is not None
        if text is not None and not any(re.fullmatch(text, element) for element in ids):
            unknown.append((where, call.lineno, text))
    assert unknown == []
    assert seen > 100


@pytest.mark.sources
def test_every_template_that_the_panels_use_exists():
    used = {call.args[1].value for _, name, call in page_calls() if name == "rows"}
    assert used == set(skeleton().templates)


@pytest.mark.sources
def test_every_action_of_the_html_is_handled_and_every_handled_action_exists():
    handled = {call.args[0].value for _, call in nodes(ast.Call) if called(call) == "on_action"}
    html = (ROOT / "index.html").read_text("utf-8")
    offered = set(re.findall(r'data-action="([^"]+)"', html)) | {"list:follow"}
    assert offered - handled - {"dialog:close"} == set()
    assert handled - offered == set()

"""What is saved as CSV opens as text and numbers, whoever wrote the cells."""

from __future__ import annotations

import csv
import io
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sessions.spreadsheet import defused
from tests.fakes import VERSIONS, examples, recording

# What a spreadsheet would take for a formula, said in another way than the code says it.
FORMULA = re.compile(r"\A[\t\r]|(?:\A|[;\t\r\n])[ \"\ufeff]*[=+\-@＝＋－＠]")
NUMBER = re.compile(r"[+-]?[0-9.]+(?:[eE][+-]?[0-9]+)?")
SPITEFUL = st.text(alphabet="=+-@\t\r\n;, '\"1a\ufeff＝", max_size=12)


def cells(text):
    return list(csv.reader(io.StringIO(text, newline="")))


def table(*rows, **options):
    found = io.StringIO()
    csv.writer(found, **options).writerows(rows)
    return found.getvalue()


@pytest.mark.parametrize(
    ("cell", "safe"),
    [
        ("=1+1", "'=1+1"),
        ("+1+1", "'+1+1"),
        ("-1+1", "'-1+1"),
        ("@SUM(A1)", "'@SUM(A1)"),
        ("\tx", "'\tx"),
        ("\rx", "'\rx"),
        ("  =1+1", "  '=1+1"),
        ('"=1+1', "\"'=1+1"),
        ("'=1+1", "''=1+1"),
        ("\ufeff=1", "\ufeff'=1"),
        ("＝1+1", "'＝1+1"),
        ("a;=1+1", "a;'=1+1"),
        ('a;"=1+1', "a;\"'=1+1"),
        ("a\n=1+1", "a\n'=1+1"),
        ("=cmd|' /C calc'!A0", "'=cmd|' /C calc'!A0"),
        ("-", "'-"),
    ],
)
def test_a_cell_is_no_formula(cell, safe):
    assert cells(defused(table([1, cell, 2]))) == [["1", safe, "2"]]


@pytest.mark.parametrize("cell", ["-5", "+5", "-1.5", "-.5", "+1e10", "-1.5E-3", "0", "12", "1.0"])
def test_numbers_stay_numbers(cell):
    assert cells(defused(table([cell]))) == [[cell]]


@pytest.mark.parametrize("cell", ["", "a=b", "2026-11-22 06:39:03", "x - y", "a@b.org", "é; ok"])
def test_other_cells_stay_as_they_are(cell):
    assert cells(defused(table(["x", cell]))) == [["x", cell]]


@pytest.mark.parametrize("version", VERSIONS)
def test_a_recorded_table_keeps_its_rows(version):
    tables = [f["text"] for f in recording(version)["http"].values() if "csv" in f["content_type"]]
    assert tables
    for text in tables:
        assert cells(defused(text)) == cells(text)
        assert defused(text).count("\r\n") == text.count("\r\n")


@given(st.lists(st.lists(SPITEFUL | st.text(max_size=9), min_size=1, max_size=3), max_size=3))
@examples(200)
def test_any_table_keeps_its_shape_and_is_harmless(rows):
    text = defused(table(*rows))
    found = cells(text)
    assert [len(row) for row in found] == [len(row) for row in cells(table(*rows))]
    for row in found:
        for cell in row:
            assert NUMBER.fullmatch(cell) or not FORMULA.search(cell)
    assert defused(text).replace("'", "") == text.replace("'", "")


@given(st.text())
@examples(200)
def test_any_text_at_all_is_taken(text):
    defused(text)

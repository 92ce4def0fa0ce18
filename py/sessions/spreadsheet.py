"""CSV that a spreadsheet opens as text and numbers, and never as formulas.

What stands in a cell may come from whoever wrote a prompt. A spreadsheet takes a cell that begins
with ``=`` and the like for a formula, which can start programs and send data away. Such a cell
gets an apostrophe in front, as OWASP advises: then it is shown as it was written. That goes for
the beginning of a cell, and for what would be one where the separator is another (``;`` in French)
or where a line ends inside quotes. Numbers stay numbers.
"""

from __future__ import annotations

import csv
import io
import re

LARGEST_CELL = 2**31 - 1
"""Characters: the module's own limit of 131 072 is too small for a prompt."""

_NUMBER = re.compile(r"[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?")
_QUOTES = "\"'`“”‘’«»"
# A run of separators, blanks and quotes is taken whole, formula or not, so that no character is
# looked at twice.
_START = re.compile(
    rf"(?P<before>(?:\A|[;\t\r\n])[\s\ufeff;{_QUOTES}]*+)(?P<sign>[=+\-@＝＋－＠])?"
)


def defused(table: str) -> str:
    """Return a CSV text in which no cell is a formula; else its cells are as they were."""
    found = io.StringIO()
    end = "\r\n" if "\r\n" in table else "\n"
    before = csv.field_size_limit(LARGEST_CELL)
    try:
        rows = csv.reader(io.StringIO(table, newline=""))
        safe = ([_defused_cell(cell) for cell in row] for row in rows)
        csv.writer(found, lineterminator=end).writerows(safe)
    finally:
        csv.field_size_limit(before)
    return found.getvalue()


def _defused_cell(cell: str) -> str:
    if _NUMBER.fullmatch(cell):
        return cell
    return ("'" if cell[:1] in ("\t", "\r") else "") + _START.sub(_mark, cell)


def _mark(found: re.Match[str]) -> str:
    before, sign = found["before"], found["sign"]
    return f"{before}'{sign}" if sign else before

"""Texts that somebody else wrote, made fit to be shown, kept and compared."""

from __future__ import annotations

import re

LONGEST_TEXT = 4_000
"""Characters of one outside text that the page takes in: more than anybody reads in a list, a
notice or a name, and little enough to be written many times a second."""

LONGEST_WORD = 60
"""Characters of an outside text that go into the name of a file."""

_SURROGATE = re.compile("[\ud800-\udfff]")
# What people and word processors write in the place of an ASCII character: four letters that are
# others only by case, the spaces that French typography and others know, and the full-width forms.
_ASCII_OF = {
    **dict.fromkeys(map(ord, "\x85\xa0\u1680\u180e\u2028\u2029\u202f\u205f\u3000\ufeff"), " "),
    **dict.fromkeys(range(0x2000, 0x200B), " "),
    **{code: chr(code - 0xFEE0) for code in range(0xFF01, 0xFF5F)},
    **{ord(other): letter for other, letter in zip("İıſ\u212a∶﹕", "iisk::", strict=True)},
}
_ALIKE = re.compile(f"[{''.join(map(chr, _ASCII_OF))}]")
# Of those, the ones that stand for what a word is made of: none of them is in Latin-1.
_ALIKE_IN_WORDS = re.compile("[İıſ\u212a\uff0d\uff10-\uff19\uff21-\uff3a\uff3f\uff41-\uff5a]")
_NOT_IN_A_FILE_NAME = re.compile(r"[^A-Za-z0-9._-]+")


def cut(text: str) -> str:
    """Return a text of at most :data:`LONGEST_TEXT` characters; an ellipsis says it was longer."""
    return text if len(text) <= LONGEST_TEXT else text[: LONGEST_TEXT - 1] + "…"


def well_formed(text: str) -> str:
    """Replace lone surrogates, which no file and no request can hold, by U+FFFD, one for one."""
    try:
        text.encode("utf-8")  # ten times as fast as a pattern, and most texts have none
    except UnicodeEncodeError:
        return _SURROGATE.sub("\ufffd", text)
    return text


def folded(text: str) -> str:
    """Return a text with ASCII in the place of what looks like it, character for character."""
    return text if text.isascii() or not _ALIKE.search(text) else text.translate(_ASCII_OF)


def may_hide_ascii(text: str) -> bool:
    """Tell whether folding would put a letter, a digit, ``-`` or ``_`` into a text: cheaply."""
    if text.isascii():
        return False
    # A pattern that looks at every character costs a message a fifth of all its time.
    try:
        text.encode("latin-1")
    except UnicodeEncodeError:
        return _ALIKE_IN_WORDS.search(text) is not None
    return False


def for_file_name(text: str) -> str:
    """Return as much of a text as every file system takes in the name of a file.

    Example:
        >>> for_file_name("../my session")
        'my-session'
    """
    return _NOT_IN_A_FILE_NAME.sub("-", text[:LONGEST_WORD]).strip(".-") or "none"

"""Sentences, numbers and times in the language of the person."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Protocol

from .catalogue import CATALOGUE, LANGUAGES

EMPTY = "—"
"""What stands where a figure is not known."""


class Formats(Protocol):
    """Numbers and times as people of one language write them."""

    def number(self, value: float) -> str:
        """Return a count with its thousands apart."""
        ...

    def decimal(self, value: float, digits: int) -> str:
        """Return a number with exactly ``digits`` decimals."""
        ...

    def percent(self, value: float) -> str:
        """Return a percentage (78.04 → ``78.0%``)."""
        ...

    def time(self, at: float) -> str:
        """Return the time of day, to the second, of ``at`` (milliseconds since 1970)."""
        ...

    def moment(self, at: float) -> str:
        """Return day and time of ``at`` (milliseconds since 1970)."""
        ...

    def day(self, at: float) -> str:
        """Return day and month of ``at`` (milliseconds since 1970)."""
        ...


def best_language(wanted: str | None) -> str:
    """Return the language of the catalogue that suits a language tag (``fr-CA`` → ``fr``)."""
    tag = (wanted or "").lower().split("-")[0]
    return tag if tag in LANGUAGES else LANGUAGES[0]


class Words:
    """Says things in one language at a time.

    Example:
        >>> words("context.of")
        'of'
    """

    def __init__(self, language: str, formats_for: Callable[[str], Formats]) -> None:
        """Speak ``language``; ``formats_for(language)`` formats its numbers."""
        self._formats_for = formats_for
        self.language = ""
        self.formats: Formats
        self.speak(language)

    def speak(self, language: str) -> None:
        """Change the language."""
        self.language = best_language(language)
        self.formats = self._formats_for(self.language)
        self._column = LANGUAGES.index(self.language)

    def __call__(self, key: str, **values: object) -> str:
        """Return the sentence ``key``; counts in ``values`` are written as numbers."""
        sentence = CATALOGUE[key][self._column]
        if not values:
            return sentence
        return sentence.format_map({name: self._write(value) for name, value in values.items()})

    def count(self, key: str, n: int, **values: object) -> str:
        """Return the singular or plural form of a sentence about ``n`` things."""
        # French counts 0 as singular, English as plural.
        singular = n < 2 if self.language == "fr" else n == 1
        return self(f"{key}.one" if singular else f"{key}.other", n=n, **values)

    def number(self, value: float | None) -> str:
        """Return a count, or a dash."""
        return EMPTY if value is None else self.formats.number(value)

    def percent(self, value: float | None) -> str:
        """Return a percentage, or a dash."""
        return EMPTY if value is None else self.formats.percent(value)

    def ago(self, milliseconds: float) -> str:
        """Return how long ago something was."""
        seconds = int(max(0, milliseconds) // 1000)
        if seconds < 2:
            return self("time.now")
        if seconds < 60:
            return self("time.seconds_ago", n=seconds)
        if seconds < 3600:
            return self("time.minutes_ago", n=seconds // 60)
        if seconds < 2 * 86_400:
            return self("time.hours_ago", n=seconds // 3600)
        return self("time.days_ago", n=seconds // 86_400)

    def all(self) -> Mapping[str, str]:
        """Return the whole catalogue in this language."""
        return {key: texts[self._column] for key, texts in CATALOGUE.items()}

    def _write(self, value: object) -> str:
        if isinstance(value, int | float) and not isinstance(value, bool):
            return self.formats.number(value)
        return str(value)

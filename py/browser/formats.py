"""Numbers and times as people of a language write them, by the browser's Intl."""

from __future__ import annotations

from typing import Any

import js
from pyodide.ffi import to_js

MOST_TIMES = 500
"""Seconds whose texts are kept: requests come in crowds, and a row asks more than once."""


def _options(**options: Any) -> Any:
    return to_js(options, dict_converter=js.Object.fromEntries)


class IntlFormats:
    """Implements :class:`views.words.Formats`. Formatters are made once a language."""

    def __init__(self, language: str) -> None:
        """Prepare the formatters of ``language`` (``en``, ``fr``)."""
        number, date = js.Intl.NumberFormat.new, js.Intl.DateTimeFormat.new
        self._decimals: dict[int, Any] = {}
        self._times: dict[int, str] = {}
        self._language = language
        self._number = number(language).format
        self._thousands = self._find_thousands()
        self._percent = number(
            language,
            _options(style="percent", minimumFractionDigits=1, maximumFractionDigits=1),
        ).format
        self._time = date(
            language, _options(hour="2-digit", minute="2-digit", second="2-digit", hourCycle="h23")
        ).format
        self._moment = date(
            language,
            _options(
                day="numeric", month="short", hour="2-digit", minute="2-digit", hourCycle="h23"
            ),
        ).format
        self._day = date(language, _options(day="numeric", month="short")).format

    def number(self, value: float) -> str:
        """Return a count with its thousands apart."""
        if self._thousands is not None and type(value) is int:
            return f"{value:,}".replace(",", self._thousands)
        return str(self._number(value))

    def decimal(self, value: float, digits: int) -> str:
        """Return a number with exactly ``digits`` decimals."""
        formatter = self._decimals.get(digits)
        if formatter is None:
            options = _options(minimumFractionDigits=digits, maximumFractionDigits=digits)
            formatter = js.Intl.NumberFormat.new(self._language, options).format
            self._decimals[digits] = formatter
        return str(formatter(value))

    def percent(self, value: float) -> str:
        """Return a percentage (78.04 → ``78.0%``)."""
        return str(self._percent(value / 100))

    def time(self, at: float) -> str:
        """Return the time of day, to the second, of ``at`` (milliseconds since 1970)."""
        second = int(at // 1000)
        text = self._times.get(second)
        if text is None:
            if len(self._times) >= MOST_TIMES:
                self._times.clear()
            text = self._times[second] = str(self._time(second * 1000))
        return text

    def moment(self, at: float) -> str:
        """Return day and time of ``at`` (milliseconds since 1970)."""
        return str(self._moment(at))

    def day(self, at: float) -> str:
        """Return day and month of ``at`` (milliseconds since 1970)."""
        return str(self._day(at))

    def _find_thousands(self) -> str | None:
        """Return what stands between thousands; None where counts are not written so simply.

        Python then writes counts itself, which is worth it: every row has several.
        """
        separator = str(self._number(1111)).replace("1", "")
        plain = all(
            str(self._number(count)) == f"{count:,}".replace(",", separator)
            for count in (-1, 0, 1111, 1234567890)
        )
        return separator if plain else None

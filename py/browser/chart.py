"""The history chart: uPlot, loaded when there is something to draw."""

from __future__ import annotations

from array import array
from collections.abc import Coroutine, Mapping, Sequence
from typing import Any

import js
from pyodide.ffi import JsException, to_js

from browser.promises import settled
from sessions.errors import ChartMissing


def _typed(values: Sequence[float]) -> Any:
    return to_js(array("d", values))


class UplotChart:
    """Implements :class:`views.history.Chart`."""

    def __init__(self, module: Any, element: str) -> None:
        """Draw into ``element``, through ``static/js/page.js``."""
        self._module = module
        self._element = element
        self._chart: Any = None

    def load(self) -> Coroutine[Any, Any, None]:
        """Fetch the library; draw nothing before this is done.

        Raises:
            ChartMissing: it did not come; asking again may work.
        """

        async def fetch() -> None:
            try:
                self._chart = await settled(self._module, "loadChart", self._element)
            except JsException as error:
                raise ChartMissing("The chart's files could not be fetched.") from error

        return fetch()

    def draw(
        self,
        times: Sequence[float],
        total: Sequence[float],
        prompt: Sequence[float],
        completion: Sequence[float],
    ) -> None:
        """Show one point a request; NaN is a gap. Times in milliseconds since 1970."""
        self._chart.update(_typed(times), _typed(total), _typed(prompt), _typed(completion))

    def toggle(self, series: str, shown: bool) -> None:
        """Show or hide one curve."""
        self._chart.toggle(series, shown)

    def speak(self, language: str, labels: Mapping[str, str]) -> None:
        """Use a language for numbers, times and names."""
        self._chart.speak(language, to_js(dict(labels), dict_converter=js.Object.fromEntries))

    def repaint(self) -> None:
        """Draw again, in the colours that now hold."""
        self._chart.rebuild()

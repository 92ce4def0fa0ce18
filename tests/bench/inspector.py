"""Looks into an open page from outside: what its main thread did, and what it holds."""

from __future__ import annotations

from dataclasses import dataclass

from playwright.sync_api import CDPSession, Page

_RECORD_LONG_TASKS = """() => {
  window.longTasks = [];
  new PerformanceObserver((list) => {
    for (const task of list.getEntries()) window.longTasks.push([task.startTime, task.duration]);
  }).observe({ type: "longtask" });
}"""

_FIND_PYODIDE = """async () => {
  if (window.pyodide) return;
  const files = performance.getEntriesByType("resource").map((entry) => entry.name);
  const { whenDefined } = await import(files.find((name) => name.endsWith("/core.js")));
  window.pyodide = (await whenDefined("py")).interpreter;
  // From here on it knows each proxy by the place that made it.
  window.pyodide._module.enable_pyproxy_allocation_tracing();
}"""

_COUNT_PROXIES = """() => {
  pyodide.runPython("import gc; gc.collect()");
  const { _module } = pyodide;
  return [_module._hiwire_num_refs(), _module.pyproxy_alloc_map.size];
}"""


@dataclass(frozen=True, slots=True)
class Work:
    """What a main thread did over a while. Seconds; ``longest`` in milliseconds.

    Attributes:
        seconds: how long the while was.
        busy: of it, with a task at hand. On a machine that has other work, too, a task may wait
            for a processor.
        computing: of it, with a processor at work.
        script: computing in JavaScript and Python.
        style: computing styles.
        layout: computing the layout.
        longest: the longest task over 50 ms, which is what browsers report; 0 for none.
    """

    seconds: float
    busy: float
    computing: float
    script: float
    style: float
    layout: float
    longest: float

    @property
    def share(self) -> float:
        """Part of the time that the thread was busy, from 0 to 1."""
        return self.busy / self.seconds


class Inspector:
    """Measures one page through the browser's own instruments."""

    def __init__(self, page: Page) -> None:
        """Begin to watch a page; its loading is not to be measured."""
        self._page = page
        self._client = page.context.new_cdp_session(page)
        self._client.send("Performance.enable", {"timeDomain": "threadTicks"})
        self._wall_clock = page.context.new_cdp_session(page)
        self._wall_clock.send("Performance.enable", {"timeDomain": "timeTicks"})
        page.evaluate(_RECORD_LONG_TASKS)
        self._before = self._counters()

    def begin(self) -> None:
        """Start to measure the main thread."""
        self._page.evaluate("() => { window.longTasks.length = 0; }")
        self._before = self._counters()

    def work(self) -> Work:
        """Return what the main thread has done since :meth:`begin`."""
        before, after = self._before, self._counters()
        passed = {name: after[name] - before[name] for name in after}
        tasks = self._page.evaluate("() => window.longTasks")
        return Work(
            seconds=passed["Timestamp"],
            busy=passed["busy"],
            computing=passed["TaskDuration"],
            script=passed["ScriptDuration"],
            style=passed["RecalcStyleDuration"],
            layout=passed["LayoutDuration"],
            longest=max((duration for _, duration in tasks), default=0.0),
        )

    def memory(self) -> dict[str, int]:
        """Return bytes of JavaScript's heap and of Python's memory, after a collection."""
        self._page.evaluate(_FIND_PYODIDE)
        self._client.send("HeapProfiler.collectGarbage")
        used = self._client.send("Runtime.getHeapUsage")["usedSize"]
        size = self._page.evaluate("() => pyodide._module.HEAP8.length")
        return {"javascript": int(used), "python": int(size)}

    def proxies(self) -> dict[str, int]:
        """Count what the two languages hold of each other, after a collection.

        Python's objects are counted from the first call on: they cost more from then on.
        """
        self._page.evaluate(_FIND_PYODIDE)
        self._client.send("HeapProfiler.collectGarbage")
        of_javascript, of_python = self._page.evaluate(_COUNT_PROXIES)
        return {
            "JavaScript's objects held by Python": int(of_javascript),
            "Python's new objects held by JavaScript": int(of_python),
        }

    def _counters(self) -> dict[str, float]:
        def read(client: CDPSession) -> dict[str, float]:
            metrics = client.send("Performance.getMetrics")["metrics"]
            return {metric["name"]: metric["value"] for metric in metrics}

        wall = read(self._wall_clock)
        return {**read(self._client), "busy": wall["TaskDuration"], "Timestamp": wall["Timestamp"]}

"""Web Locks: of all tabs of one origin, one holds a name's lock."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import js
from pyodide.ffi import JsException, create_proxy, to_js

from browser.promises import settled
from sessions.ports import Scheduler


class BrowserClaim:
    """Implements :class:`sessions.ports.Claim`; destroys its proxy when the claim has ended."""

    def __init__(
        self,
        name: str,
        granted: Callable[[], None],
        refused: Callable[[], None],
        scheduler: Scheduler,
    ) -> None:
        """Wait for the lock ``name``, in a task of ``scheduler``.

        A browser that refuses it leaves nobody to agree with: then it is as good as granted.
        """
        self._granted = granted
        self._refused = refused
        self._released = False
        self._abort = js.AbortController.new()
        self._hold: Any = None
        scheduler.start(self._wait(name))

    def release(self) -> None:
        """Give it back, or stop waiting for it."""
        self._released = True
        if self._hold is not None:
            self._hold.resolve(None)
        else:
            self._abort.abort()

    async def _wait(self, name: str) -> None:
        proxy = create_proxy(self._take)
        options = to_js({"signal": self._abort.signal}, dict_converter=js.Object.fromEntries)
        try:
            await settled(js.navigator.locks, "request", name, options, proxy)
        except JsException:
            if not self._released:  # else it was told to stop waiting, and says so
                self._refused()
                self._granted()
        finally:
            proxy.destroy()

    def _take(self, _lock: Any) -> Any:
        # The lock is held for as long as what is returned here is pending.
        self._hold = js.Promise.withResolvers()
        if self._released:
            self._hold.resolve(None)
        else:
            self._granted()
        return self._hold.promise


class WebLocks:
    """Implements :class:`sessions.ports.Locks`."""

    def __init__(self, scheduler: Scheduler, on_refusal: Callable[[], None]) -> None:
        """Wait for locks in tasks of ``scheduler``; a browser that has none is told of once."""
        self._scheduler = scheduler
        self._on_refusal = on_refusal
        self._was_refused = False

    def request(self, name: str, granted: Callable[[], None]) -> BrowserClaim:
        """Wait for the exclusive lock ``name``."""
        return BrowserClaim(name, granted, self._refused, self._scheduler)

    def _refused(self) -> None:
        if not self._was_refused:
            self._was_refused = True
            self._on_refusal()

"""Recordings in the browser's database (IndexedDB), one database a user."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import js
from pyodide.ffi import JsException, create_proxy, to_js

from sessions.errors import RecordingsUnavailable

ENTRIES, LINES = "recordings", "lines"

PATIENCE = 5.0
"""Seconds after which a database that has not been opened never will be."""


class IndexedRecordings:
    """Implements :class:`sessions.shelf.RecordingStore`."""

    def __init__(self, user: str) -> None:
        """Keep the recordings of one user."""
        self._name = f"kimi:{user}:recordings"
        # The page's own loop: while a recorded core takes something in, another one runs.
        self._loop = asyncio.get_event_loop()
        self._database: Any = None

    async def entries(self) -> list[str]:
        """Return what was put beside each recording."""
        database = await self._open()
        request = _begin(database, "readonly").objectStore(ENTRIES).getAll()
        found: list[str] = (await self._settled(request, "onsuccess", "onerror")).to_py()
        return found

    def put(self, name: str, entry: str, number: int, lines: str) -> Awaitable[None]:
        """Write a recording's entry and its ``number``-th lines, begun before this returns."""
        if self._database is None:
            return self._put_when_open(name, entry, number, lines)
        return self._put(name, entry, number, lines)

    async def read(self, name: str) -> list[str]:
        """Return a recording's lines, in the pieces in which they were written."""
        database = await self._open()
        request = _begin(database, "readonly").objectStore(LINES).getAll(_all_of(name))
        found: list[str] = (await self._settled(request, "onsuccess", "onerror")).to_py()
        return found

    async def remove(self, name: str) -> None:
        """Forget a recording."""
        transaction = _begin(await self._open(), "readwrite")
        transaction.objectStore(ENTRIES).delete(name)
        transaction.objectStore(LINES).delete(_all_of(name))
        await self._settled(transaction, "oncomplete", "onabort")

    async def _put_when_open(self, name: str, entry: str, number: int, lines: str) -> None:
        await self._open()
        await self._put(name, entry, number, lines)

    def _put(self, name: str, entry: str, number: int, lines: str) -> Awaitable[None]:
        try:
            transaction = _begin(self._database, "readwrite")
            transaction.objectStore(ENTRIES).put(entry, name)
            transaction.objectStore(LINES).put(lines, to_js([name, number]))
        except RecordingsUnavailable as error:
            return _failed(error)
        return self._settled(transaction, "oncomplete", "onabort")

    async def _open(self) -> Any:
        if self._database is None:
            try:
                request = js.indexedDB.open(self._name, 1)
            except (JsException, AttributeError) as error:
                raise RecordingsUnavailable("recordings.blocked") from error
            upgrade = create_proxy(_make_stores)
            request.onupgradeneeded = upgrade
            try:
                self._database = await self._answered_in_time(
                    self._settled(request, "onsuccess", "onerror")
                )
            finally:
                request.onupgradeneeded = None
                upgrade.destroy()
        return self._database

    def _answered_in_time(self, future: asyncio.Future[Any]) -> asyncio.Future[Any]:
        """Return a future that fails when the browser does not answer at all."""

        def give_up() -> None:
            if not future.done():
                future.set_exception(RecordingsUnavailable("recordings.blocked"))

        self._loop.call_later(PATIENCE, give_up)
        return future

    def _settled(self, target: Any, good: str, bad: str) -> asyncio.Future[Any]:
        """Return a future of a request's result, or of a transaction's end."""
        future: asyncio.Future[Any] = self._loop.create_future()

        def finish(settle: Callable[[], None]) -> None:
            for event, proxy in proxies.items():
                setattr(target, event, None)
                proxy.destroy()
            if not future.done():
                settle()

        def succeed(_event: Any) -> None:
            finish(lambda: future.set_result(getattr(target, "result", None)))

        def fail(_event: Any) -> None:
            error = getattr(target, "error", None)
            full = error is not None and error.name == "QuotaExceededError"
            reason = "recordings.quota" if full else "recordings.blocked"
            finish(lambda: future.set_exception(RecordingsUnavailable(reason)))

        proxies = {good: create_proxy(succeed), bad: create_proxy(fail)}
        for event, proxy in proxies.items():
            setattr(target, event, proxy)
        return future


def _make_stores(event: Any) -> None:
    database = event.target.result
    database.createObjectStore(ENTRIES)
    database.createObjectStore(LINES)


def _begin(database: Any, mode: str) -> Any:
    try:
        return database.transaction(to_js([ENTRIES, LINES]), mode)
    except JsException as error:  # closed by the browser, or with a store missing
        raise RecordingsUnavailable("recordings.blocked") from error


def _all_of(name: str) -> Any:
    # A list sorts behind every number: the range holds all pieces of one recording.
    return js.IDBKeyRange.bound(to_js([name, 0]), to_js([name, []]))


async def _failed(error: RecordingsUnavailable) -> None:
    raise error

"""Tokens are counted in a worker, which is started when the first text is to be counted."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

import js
from pyodide.ffi import JsException, create_proxy, to_js

from sessions.errors import TokenizerFailed

WORKER = "static/js/tokenizer/worker.js"


class WorkerTokenizer:
    """Implements :class:`sessions.ports.Tokenizer` with ``static/js/tokenizer/worker.js``."""

    def __init__(self) -> None:
        """Load nothing yet."""
        self._worker: Any = None
        self._proxies: list[Any] = []
        self._waiting: dict[int, asyncio.Future[Any]] = {}
        self._asked = 0

    async def encode(self, encoding: str, texts: Sequence[str]) -> list[list[int]]:
        """Return the tokens of each text."""
        return await self._ask("encode", encoding, texts)

    async def count(self, encoding: str, texts: Sequence[str]) -> list[int]:
        """Return how many tokens each text has."""
        return await self._ask("count", encoding, texts)

    async def widths(self, encoding: str, text: str) -> list[int]:
        """Return the length in bytes of each of a text's tokens."""
        return await self._ask("widths", encoding, [text])

    def release(self) -> None:
        """End the worker, which cannot be interrupted otherwise; whoever still waits is told."""
        self._stop("The counting was stopped.")

    async def _ask(self, operation: str, encoding: str, texts: Sequence[str]) -> Any:
        if self._worker is None:
            self._start()
        self._asked += 1
        number = self._asked
        answer = self._waiting[number] = asyncio.get_running_loop().create_future()
        self._worker.postMessage(to_js([number, operation, encoding, list(texts)]))
        try:
            return await answer
        finally:
            self._waiting.pop(number, None)

    def _start(self) -> None:
        address = js.URL.new(WORKER, js.document.baseURI)
        try:
            self._worker = js.Worker.new(address, type="module")
        except (JsException, AttributeError) as error:
            raise TokenizerFailed("This browser does not let the page start a worker.") from error
        self._proxies = [create_proxy(self._answered), create_proxy(self._broken)]
        self._worker.onmessage, self._worker.onerror = self._proxies
        self._worker.onmessageerror = self._proxies[1]

    def _answered(self, event: Any) -> None:
        number, result, *reason = event.data.to_py()
        if reason:
            self._stop(f"The tokenizer stopped: {reason[0]}")
            return
        answer = self._waiting.get(number)
        if answer is not None and not answer.done():
            answer.set_result(result)

    def _broken(self, event: Any) -> None:
        event.preventDefault()
        reason = getattr(event, "message", None) or "it could not be loaded"
        self._stop(f"The tokenizer stopped: {reason}")

    def _stop(self, why: str) -> None:
        """Throw the worker away; the next call starts another."""
        if self._worker is None:
            return
        self._worker.onmessage = self._worker.onerror = self._worker.onmessageerror = None
        self._worker.terminate()
        self._worker = None
        for proxy in self._proxies:
            proxy.destroy()
        self._proxies = []
        waiting, self._waiting = self._waiting, {}
        for answer in waiting.values():
            if not answer.done():
                answer.set_exception(TokenizerFailed(why))

"""Runs a stand-in beside a test: on a free port, in a thread, restartable with its data."""

from __future__ import annotations

import json
import socket
import threading
import time
from pathlib import Path
from types import TracebackType
from typing import Any, Self
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import uvicorn

from tests.proxy.app import Options, build_app
from tests.proxy.control import PREFIX
from tests.proxy.dialects import LATEST
from tests.proxy.state import ProxyState
from tests.proxy.transports import BreakableProtocol

_START_TIMEOUT_S = 10.0
_CONTROL_TIMEOUT_S = 120.0


def uvicorn_config(state: ProxyState, options: Options, **settings: Any) -> uvicorn.Config:
    """The server's settings, alike for tests and for the command line."""
    return uvicorn.Config(
        build_app(state, options),
        http=BreakableProtocol,
        ws="websockets-sansio",
        ws_per_message_deflate=False,
        timeout_graceful_shutdown=1,
        **settings,
    )


class ProxyServer:
    """A running stand-in.

    Used as a context manager it starts on entry and stops on exit. `url` stays the same over a
    restart, and so does everything that the proxy stores.
    """

    def __init__(
        self,
        dialect: str = LATEST,
        *,
        port: int = 0,
        cors: bool = False,
        static_dir: Path | str | None = None,
        static_path: str = "/",
        live: bool = False,
        folder: str = "",
    ) -> None:
        """Prepare a stand-in; a port of 0 is replaced by a free one on the first start.

        With a `folder` such as `/kimi` everything that it serves is below that.
        """
        self.port = port
        self._state = ProxyState(dialect)
        self._options = Options(
            cors=cors,
            static_dir=Path(static_dir) if static_dir is not None else None,
            static_path=static_path,
            live=live,
            folder=folder,
        )
        self._server: uvicorn.Server | None = None
        self._thread: threading.Thread | None = None

    @property
    def url(self) -> str:
        """Where the proxy answers, without a slash at the end."""
        return f"http://127.0.0.1:{self.port}{self._options.folder}"

    @property
    def ws_url(self) -> str:
        """Where the proxy's WebSocket answers."""
        return f"ws://127.0.0.1:{self.port}{self._options.folder}/ws"

    def start(self) -> Self:
        """Serve; nothing happens when the server is running already."""
        if self._server is not None:
            return self
        listener = _listen(self.port)
        self.port = listener.getsockname()[1]
        self._server = server = uvicorn.Server(
            uvicorn_config(self._state, self._options, log_level="warning")
        )
        self._thread = threading.Thread(
            target=server.run, kwargs={"sockets": [listener]}, name="proxy", daemon=True
        )
        self._thread.start()
        deadline = time.monotonic() + _START_TIMEOUT_S
        while not server.started:
            if not self._thread.is_alive() or time.monotonic() > deadline:
                raise RuntimeError("the stand-in proxy did not start")
            time.sleep(0.005)
        return self

    def stop(self) -> None:
        """Close every connection and the port; the data stays for another start."""
        if self._server is None or self._thread is None:
            return
        self._server.should_exit = True
        self._thread.join()
        self._server = self._thread = None

    def restart(self, *, down_for: float = 0.0) -> None:
        """Stop, stay away for some seconds, and come back on the same port with the same data."""
        self.stop()
        time.sleep(down_for)
        self.start()

    def control(self, path: str, **body: Any) -> dict[str, Any]:
        """Give an order to the running proxy, e.g. `control("request", prompt_tokens=10)`."""
        return self._call("POST", path, body)

    def state(self) -> dict[str, Any]:
        """What the proxy stores, who is connected, and which requests have come."""
        return self._call("GET", "state", None)

    def requests(self, method: str | None = None, path: str = "") -> list[dict[str, Any]]:
        """The requests that have come, of one method and below one path if wanted."""
        return [
            request
            for request in self.state()["requests"]
            if method in (None, request["method"]) and request["path"].startswith(path)
        ]

    def __enter__(self) -> Self:
        """Start."""
        return self.start()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Stop."""
        self.stop()

    def _call(self, method: str, path: str, body: dict[str, Any] | None) -> dict[str, Any]:
        request = Request(
            f"{self.url}{PREFIX}/{path.strip('/')}",
            data=None if body is None else json.dumps(body).encode(),
            headers={"content-type": "application/json"},
            method=method,
        )
        try:
            with urlopen(request, timeout=_CONTROL_TIMEOUT_S) as response:
                answer: dict[str, Any] = json.load(response)
        except HTTPError as error:
            raise ValueError(f"{path}: {error.read().decode()}") from error
        return answer


def _listen(port: int) -> socket.socket:
    # asyncio switches Nagle's delay off only for sockets that name their protocol.
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind(("127.0.0.1", port))
    return listener

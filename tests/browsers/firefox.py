"""Firefox, driven by WebDriver BiDi, which it speaks itself: JSON over a WebSocket."""

from __future__ import annotations

import base64
import itertools
import json
import os
import shutil
import subprocess
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from websockets.sync.client import connect

from tests.browsers.tab import Browser, Tab, TabError, wait_for

NAMES = ("firefox-esr", "firefox")

PREFERENCES: dict[str, Any] = {
    "app.normandy.enabled": False,
    "app.update.disabledForTesting": True,
    "browser.shell.checkDefaultBrowser": False,
    "browser.startup.page": 0,
    "browser.newtabpage.enabled": False,
    "datareporting.policy.dataSubmissionEnabled": False,
    "extensions.update.enabled": False,
    "intl.accept_languages": "en-US, en",
    "network.captive-portal-service.enabled": False,
    "network.connectivity-service.enabled": False,
    "services.settings.server": "data:,#remote-settings-dummy/v1",
    "toolkit.telemetry.enabled": False,
    "ui.prefersReducedMotion": 1,
    "ui.systemUsesDarkTheme": 1,
}
"""What keeps it from talking to anybody, and makes it look alike everywhere."""

NO_SITE_DATA = {"network.cookie.cookieBehavior": 2}
"""As its settings have it: block all cookies, and with them every storage."""

EVENTS = ["log.entryAdded", "browsingContext.downloadWillBegin"]
LEVELS = ("error", "warn")


class Firefox(Browser):
    """A headless Firefox."""

    name = "firefox"

    @classmethod
    def missing(cls) -> str | None:
        return None if _program() else "Firefox is not installed (Debian's package: firefox-esr)."

    def __init__(self, folder: Path, preferences: dict[str, Any] | None = None) -> None:
        """Start with a profile of its own, and with some preferences besides the usual ones."""
        lines = [
            f"user_pref({json.dumps(name)}, {json.dumps(value)});\n"
            for name, value in {**PREFERENCES, **(preferences or {})}.items()
        ]
        (folder / "user.js").write_text("".join(lines), encoding="utf-8")
        program = _program()
        assert program is not None, self.missing()
        self._process = subprocess.Popen(
            [
                program,
                "--headless",
                "--no-remote",
                "--profile",
                folder,
                "--remote-debugging-port=0",
            ],
            env={**os.environ, "HOME": str(folder), "MOZ_CRASHREPORTER_DISABLE": "1"},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        self._stack = ExitStack()
        self._tabs: dict[str, FirefoxTab] = {}
        self._numbers = itertools.count(1)
        port = wait_for(lambda: _port(folder), "Firefox's port")
        self._socket = self._stack.enter_context(
            connect(f"ws://127.0.0.1:{port}/session", max_size=None, proxy=None)
        )
        self.send("session.new", capabilities={})
        self.send("session.subscribe", events=EVENTS)

    def tab(self) -> FirefoxTab:
        # A window of its own: a tab that is behind another draws nothing.
        context = self.send("browsingContext.create", type="window")["context"]
        self._tabs[context] = FirefoxTab(self, context)
        return self._tabs[context]

    def close(self) -> None:
        try:
            self.send("browser.close")
            self._process.wait(20)
        finally:
            self._stack.close()
            self._process.kill()
            self._process.wait()

    def send(self, method: str, **parameters: Any) -> dict[str, Any]:
        """Give an order and wait for its answer; what is told meanwhile goes to its tab.

        Raises:
            TabError: the browser refused.
        """
        number = next(self._numbers)
        self._socket.send(json.dumps({"id": number, "method": method, "params": parameters}))
        while True:
            message = json.loads(self._socket.recv())
            if message.get("id") != number:
                self._hear(message)
            elif "result" in message:
                result: dict[str, Any] = message["result"]
                return result
            else:
                raise TabError(f"{method}: {message['error']}: {message['message']}")

    def _hear(self, event: dict[str, Any]) -> None:
        about = event.get("params", {})
        tab = self._tabs.get(about.get("context") or about.get("source", {}).get("context"))
        if tab is not None:
            tab.hear(event["method"], about)


class FirefoxTab(Tab):
    """One tab of Firefox: a browsing context."""

    def __init__(self, browser: Firefox, context: str) -> None:
        self._browser = browser
        self._context = context
        self._complaints: list[str] = []

    def go(self, url: str) -> None:
        self._send("browsingContext.navigate", url=url, wait="complete")

    def reload(self) -> None:
        self._send("browsingContext.reload", wait="complete")

    def run(self, script: str, *arguments: Any) -> Any:
        told = self._browser.send(
            "script.callFunction",
            functionDeclaration=(
                "async (given) => JSON.stringify("
                f"[(await ({script})(...JSON.parse(given))) ?? null])"
            ),
            arguments=[{"type": "string", "value": json.dumps(arguments)}],
            awaitPromise=True,
            target={"context": self._context},
        )
        if told["type"] != "success":
            raise TabError(told["exceptionDetails"]["text"])
        return json.loads(told["result"]["value"])[0]

    def resize(self, width: int, height: int) -> None:
        self._send("browsingContext.setViewport", viewport={"width": width, "height": height})

    def picture(self) -> bytes:
        return base64.b64decode(self._send("browsingContext.captureScreenshot")["data"])

    def close(self) -> None:
        self._send("browsingContext.close", promptUnload=False)

    def complaints(self) -> list[str]:
        self._browser.send("session.status")  # what was said before has arrived with the answer
        complaints, self._complaints = self._complaints, []
        return complaints

    def hear(self, event: str, about: dict[str, Any]) -> None:
        """Take in what the browser tells of this tab."""
        if event == "log.entryAdded" and about["level"] in LEVELS:
            self._complaints.append(f"{about['type']} {about['level']}: {about['text']}")

    def _press(self, x: int, y: int) -> None:
        self._act(
            {
                "type": "pointer",
                "id": "mouse",
                "actions": [
                    {"type": "pointerMove", "x": x, "y": y},
                    {"type": "pointerDown", "button": 0},
                    {"type": "pointerUp", "button": 0},
                ],
            }
        )

    def _type(self, text: str) -> None:
        keys = [{"type": kind, "value": key} for key in text for kind in ("keyDown", "keyUp")]
        self._act({"type": "key", "id": "keyboard", "actions": keys})

    def _act(self, *actions: dict[str, Any]) -> None:
        self._send("input.performActions", actions=list(actions))

    def _send(self, method: str, **parameters: Any) -> dict[str, Any]:
        return self._browser.send(method, context=self._context, **parameters)


def _program() -> str | None:
    return next((path for path in map(shutil.which, NAMES) if path), None)


def _port(folder: Path) -> int | None:
    """Return the port that Firefox wrote down, None before it has."""
    try:
        text = (folder / "WebDriverBiDiServer.json").read_text(encoding="utf-8")
        return int(json.loads(text)["ws_port"])
    except (FileNotFoundError, ValueError):
        return None

"""WebKit (WebKitGTK's little browser), driven by its own WebDriver on a screen of its own.

Its WebDriver tells nothing of what a page complains about, so the page that is served writes it
down itself (`watched.py`).
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from selenium.common.exceptions import WebDriverException
from selenium.webdriver import Remote
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.actions.action_builder import ActionBuilder
from selenium.webdriver.remote.client_config import ClientConfig
from selenium.webdriver.remote.remote_connection import RemoteConnection
from selenium.webdriver.webkitgtk.options import Options
from selenium.webdriver.webkitgtk.service import Service

from tests.browsers.tab import Browser, Tab, TabError

DRIVER, SCREEN = "WebKitWebDriver", "Xvfb"

_CALL = """const [given, done] = arguments;
(async () => (%s)(...JSON.parse(given)))().then(
  (value) => done(JSON.stringify({ value: value ?? null })),
  (error) => done(JSON.stringify({ error: String(error) })),
);"""


class WebKit(Browser):
    """WebKitGTK's MiniBrowser."""

    name = "webkit"

    @classmethod
    def missing(cls) -> str | None:
        if shutil.which(DRIVER) and shutil.which(SCREEN):
            return None
        return "WebKit is not installed (Debian's packages: webkit2gtk-driver and xvfb)."

    def __init__(self, folder: Path, language: str = "en_US.UTF-8") -> None:
        """Start in a language, as the environment names it: "C" is one, too."""
        with ExitStack() as stack:
            screen = stack.enter_context(_screen())
            service = Service(shutil.which(DRIVER), env=_environment(folder, screen.name, language))
            service.start()
            stack.callback(service.stop)
            connection = RemoteConnection(client_config=ClientConfig(service.service_url))
            self.driver = Remote(command_executor=connection, options=Options())
            stack.callback(self.driver.quit)
            self._idle = self.driver.current_window_handle
            self._stack = stack.pop_all()

    def tab(self) -> WebKitTab:
        self.driver.switch_to.new_window("window")  # a tab that is behind another draws nothing
        return WebKitTab(self.driver, self.driver.current_window_handle, self._idle)

    def close(self) -> None:
        self._stack.close()


class WebKitTab(Tab):
    """One tab of WebKit: a window handle, to which the driver is switched for each order."""

    def __init__(self, driver: Remote, handle: str, idle: str) -> None:
        self._driver = driver
        self._handle = handle
        self._idle = idle

    def go(self, url: str) -> None:
        self._switch().get(url)

    def reload(self) -> None:
        self._switch().refresh()

    def run(self, script: str, *arguments: Any) -> Any:
        try:
            text = self._switch().execute_async_script(_CALL % script, json.dumps(arguments))
        except WebDriverException as error:
            raise TabError(str(error)) from error
        told = json.loads(text)
        if "error" in told:
            raise TabError(told["error"])
        return told["value"]

    def resize(self, width: int, height: int) -> None:
        driver = self._switch()
        bars = height - self.run("() => innerHeight - outerHeight") - height
        driver.set_window_rect(width=width, height=height + bars)

    def picture(self) -> bytes:
        return self._switch().get_screenshot_as_png()

    def close(self) -> None:
        self._switch().close()
        self._driver.switch_to.window(self._idle)

    def complaints(self) -> list[str]:
        complaints: list[str] = self.run("() => window.complaints?.splice(0) ?? []")
        return complaints

    def _press(self, x: int, y: int) -> None:
        actions = ActionBuilder(self._switch())
        actions.pointer_action.move_to_location(x, y).click()
        actions.perform()

    def _type(self, text: str) -> None:
        ActionChains(self._switch()).send_keys(text).perform()

    def _switch(self) -> Remote:
        self._driver.switch_to.window(self._handle)
        return self._driver


def _environment(folder: Path, screen: str, language: str) -> dict[str, str]:
    return {
        **os.environ,
        "DISPLAY": screen,
        "HOME": str(folder),
        "LANG": language,
        "LANGUAGE": "",
        "LC_ALL": "",
        "WEBKIT_DISABLE_COMPOSITING_MODE": "1",
    }


class _screen:
    """A screen that nobody looks at; X picks its number."""

    def __enter__(self) -> _screen:
        read, write = os.pipe()
        self._process = subprocess.Popen(
            [
                SCREEN,
                "-displayfd",
                str(write),
                "-screen",
                "0",
                "1600x2400x24",
                "-nolisten",
                "tcp",
                "-terminate",
            ],
            pass_fds=[write],
            stderr=subprocess.DEVNULL,
        )
        os.close(write)
        with open(read, encoding="ascii") as told:
            self.name = f":{told.readline().strip()}"
        return self

    def __exit__(self, *_: object) -> None:
        self._process.terminate()
        self._process.wait()

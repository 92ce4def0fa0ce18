"""A browser with tabs: locks and channels between them, driven by hand."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable


class FakeClaim:
    def __init__(self, tab: FakeTab, name: str, granted: Callable[[], None]) -> None:
        self.tab = tab
        self.name = name
        self.granted = granted

    def release(self) -> None:
        self.tab.browser.waiting[self.name].remove(self)


class FakeChannel:
    def __init__(self, tab: FakeTab, name: str, on_text: Callable[[str], None]) -> None:
        self.tab = tab
        self.name = name
        self.on_text = on_text
        self.posted: list[str] = []

    def post(self, text: str) -> None:
        self.posted.append(text)
        for tab in self.tab.browser.tabs:
            for channel in tab.channels:
                if channel.name == self.name and channel is not self:
                    tab.inbox.append((channel, text))

    def close(self) -> None:
        self.tab.channels.remove(self)


class FakeTab:
    """One tab's end of locks and channels. Whatever it is to be told waits in its inbox."""

    def __init__(self, browser: FakeBrowser) -> None:
        self.browser = browser
        self.channels: list[FakeChannel] = []
        self.inbox: deque[tuple[FakeChannel | FakeClaim, str]] = deque()

    def request(self, name: str, granted: Callable[[], None]) -> FakeClaim:
        claim = FakeClaim(self, name, granted)
        self.browser.waiting.setdefault(name, []).append(claim)
        return claim

    def open(self, name: str, on_text: Callable[[str], None]) -> FakeChannel:
        self.channels.append(FakeChannel(self, name, on_text))
        return self.channels[-1]

    def next(self) -> bool:
        """Tell the tab the next thing; False when there is none."""
        if not self.inbox:
            return False
        to, text = self.inbox.popleft()
        if isinstance(to, FakeChannel):
            to.on_text(text)
        elif to in self.browser.waiting[to.name]:
            to.granted()
        return True

    def end(self) -> None:
        """Go away without a word; the browser gives its locks back."""
        self.browser.tabs.remove(self)
        self.channels.clear()
        self.inbox.clear()
        for claims in self.browser.waiting.values():
            claims[:] = [claim for claim in claims if claim.tab is not self]


class FakeBrowser:
    """Grants each lock to the one that asked first."""

    def __init__(self) -> None:
        self.tabs: list[FakeTab] = []
        self.waiting: dict[str, list[FakeClaim]] = {}
        self._holders: dict[str, FakeClaim] = {}

    def tab(self) -> FakeTab:
        self.tabs.append(FakeTab(self))
        return self.tabs[-1]

    def grant(self) -> None:
        """Hand over every lock that somebody waits for and nobody holds."""
        for name, claims in self.waiting.items():
            if claims and self._holders.get(name) is not claims[0]:
                self._holders[name] = claims[0]
                claims[0].tab.inbox.append((claims[0], ""))

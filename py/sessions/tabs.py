"""Several tabs of one user on one proxy share one WebSocket.

One tab, the holder of a lock, leads: it alone connects, and passes every frame on to the
others over a channel, numbered and unread. The others follow: the sockets handed out there
are fed by the channel. When the leader goes, for whatever reason, the lock passes on; the next
leader connects, and everybody catches up over HTTP, as after any gap. A follower that finds a
number missing (its tab was frozen, say) connects anew and so catches up as well.

Nothing here waits for a timer to pass a frame on: browsers slow down the timers of a tab that
nobody looks at, and the leader often is one.
"""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum

from .commands import RESTART, WAKE
from .connection import ConnectionState
from .events import CONNECTION_CHANGED, EventBus
from .ports import (
    Channels,
    Claim,
    Clock,
    Locks,
    Scheduler,
    Socket,
    SocketListener,
    Sockets,
    Timer,
)

ANSWER_TIMEOUT = 5.0
"""Seconds that a leader may take to answer. A tab that hangs keeps its lock: whoever gets no
answer connects by itself until the leader is heard again."""

WORDING = 1
"""Version of what the tabs say to each other. Tabs that were opened before and after an update
of the page share nothing unless it is the same."""


class Leadership:
    """Whether this tab is the one, of those that claim the same name, to do something."""

    def __init__(self, locks: Locks, name: str, gained: Callable[[], None] = lambda: None) -> None:
        """Lead those of ``name`` once claimed; ``gained()`` is called when the turn comes."""
        self._locks = locks
        self._name = name
        self._gained = gained
        self._claim: Claim | None = None
        self.is_leader = False

    def claim(self) -> None:
        """Lead as soon as nobody else does."""
        if self._claim is None:
            self._claim = self._locks.request(self._name, self._granted)

    def release(self) -> None:
        """Let another tab lead."""
        self.is_leader = False
        if self._claim is not None:
            self._claim.release()
            self._claim = None

    def _granted(self) -> None:
        self.is_leader = True
        self._gained()


class _Word(StrEnum):
    """What tabs say. A message is the word, the leader's term, a number, and a text."""

    ASK = "ask"
    """A follower connects: how does it stand?"""
    LOOK = "look"
    """A person looks at a follower: how does it stand, and do try now."""
    TRYING = "trying"
    OPEN = "open"
    CLOSED = "closed"
    FRAME = "frame"


def _parse(message: str) -> tuple[_Word, int, int, str] | None:
    """Take a message apart; None for what this wording has no meaning for."""
    try:
        word, term, number, text = message.split(" ", 3)
        return _Word(word), int(term), int(number), text
    except ValueError:
        return None


class _Line:
    """What a tab was given to hear the proxy by, whoever it hears it from."""

    def __init__(self, tabs: SharedSockets, listener: SocketListener) -> None:
        self._tabs = tabs
        self._listener = listener
        self._socket: Socket | None = None
        self.is_open = False

    def connect(self, sockets: Sockets) -> None:
        """Hear the proxy itself."""
        self._socket = sockets.connect(self)

    def on_open(self) -> None:
        self.is_open = True
        self._listener.on_open()

    def on_text(self, text: str) -> None:
        self._listener.on_text(text)

    def on_close(self) -> None:
        self.drop()

    def drop(self) -> None:
        self.close()
        self._listener.on_close()

    def send(self, text: str) -> None:
        """Send it, or drop it without a socket: no proxy answers what a dashboard says."""
        if self._socket is not None:
            self._socket.send(text)

    def close(self) -> None:
        if self._socket is not None:
            self._socket.close()
        self._tabs.ended(self)


class _Leading(_Line):
    """The leader's: a real socket, whose frames others hear too."""

    def on_open(self) -> None:
        self.is_open = True
        self._tabs.opened()
        self._listener.on_open()

    def on_text(self, text: str) -> None:
        self._tabs.forward(text)
        self._listener.on_text(text)


class _Following(_Line):
    """A follower's, fed by the leader; a real socket only while no leader answers."""

    def __init__(self, tabs: SharedSockets, listener: SocketListener, scheduler: Scheduler) -> None:
        super().__init__(tabs, listener)
        self._scheduler = scheduler
        self._timer: Timer | None = None

    @property
    def is_alone(self) -> bool:
        """True when it has given up on the leader."""
        return self._socket is not None

    def expect_answer(self, otherwise: Callable[[], None]) -> None:
        """Do ``otherwise`` unless the leader is heard in time."""
        self.answered()
        self._timer = self._scheduler.call_later(ANSWER_TIMEOUT, otherwise)

    def answered(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def close(self) -> None:
        self.answered()
        super().close()


class SharedSockets:
    """Implements :class:`sessions.ports.Sockets`: of all tabs that share a name, one connects.

    Serves one connection. What that has to do it is asked to on the bus, as by a person.
    """

    def __init__(
        self,
        sockets: Sockets,
        locks: Locks,
        channels: Channels,
        bus: EventBus,
        clock: Clock,
        scheduler: Scheduler,
        name: str,
    ) -> None:
        """Share ``sockets`` with the tabs that give the same ``name``."""
        self._sockets = sockets
        self._locks = locks
        self._channels = channels
        self._bus = bus
        self._clock = clock
        self._scheduler = scheduler
        self._line: _Leading | _Following | None = None
        self._retry_at: float | None = None
        self._enter(name)
        bus.on(CONNECTION_CHANGED, self._note_retry)
        bus.on(WAKE, lambda _: self._look())

    def _enter(self, name: str) -> None:
        name = f"{name} {WORDING}"
        self._leadership = Leadership(self._locks, name, self._gained)
        self._channel = self._channels.open(name, self._heard)
        self._is_followed = False
        # Leaderships follow each other and so do their terms: milliseconds since 1970, or one
        # more than the last where the clock was set back. What an earlier leader still says
        # when a later one has been heard is ignored.
        self._term = 0
        self._number = -1

    @property
    def is_leader(self) -> bool:
        """Whether this tab holds the connection that all of them share."""
        return self._leadership.is_leader

    # -- life -------------------------------------------------------------------------

    def start(self) -> None:
        """Be one of those who may lead."""
        self._leadership.claim()

    def move(self, name: str) -> None:
        """Leave these tabs, and share with those of another name: those of another user."""
        self._leadership.release()  # first: that the socket closes is no news for the others
        self._channel.close()
        self._enter(name)
        self.resume()

    def suspend(self) -> None:
        """Make room: the page is being left, or frozen, and may never be told more."""
        self._leadership.release()
        if self._line is not None:
            self._line.drop()

    def resume(self) -> None:
        """Take part again: the page was brought back."""
        self._leadership.claim()
        self._again()

    def connect(self, listener: SocketListener) -> Socket:
        """Start connecting; the listener hears the outcome."""
        line: _Leading | _Following
        if self.is_leader:
            line = self._line = _Leading(self, listener)
            self._say(_Word.TRYING)
            line.connect(self._sockets)
        else:
            line = self._line = _Following(self, listener, self._scheduler)
            self._say(_Word.ASK)
            line.expect_answer(lambda: line.connect(self._sockets))
        return line

    # -- what this tab's own socket reports ---------------------------------------------

    def opened(self) -> None:
        """This tab leads and is connected."""
        self._number += 1
        self._say(_Word.OPEN)

    def forward(self, text: str) -> None:
        """This tab leads and a frame came."""
        self._number += 1
        if self._is_followed:  # to post costs several times what a frame costs otherwise
            self._say(_Word.FRAME, text)

    def ended(self, line: _Line) -> None:
        """A socket of this tab is gone."""
        if line is self._line:
            self._line = None
            if self.is_leader and isinstance(line, _Leading):
                self._say(_Word.CLOSED)

    # -- what other tabs say --------------------------------------------------------------

    def _heard(self, message: str) -> None:
        parsed = _parse(message)
        if parsed is None:
            return
        word, term, number, text = parsed
        if word in (_Word.ASK, _Word.LOOK):
            self._is_followed = True
            if self.is_leader:
                if term > self._term:  # its last leader's clock was ahead, and would outrank this
                    self._term = term + 1
                self._answer(urgent=word is _Word.LOOK)
        elif self.is_leader:
            return
        elif term >= self._term:
            self._hear_leader(word, term, number, text)
        elif word is _Word.OPEN:
            self._say(_Word.ASK)  # a leader that went, or one that must learn of later terms

    def _answer(self, *, urgent: bool) -> None:
        if self._line is None:
            due = self._retry_at
            if urgent or (due is not None and due <= self._clock.now()):
                self._bus.emit(WAKE)
        if self._line is None:
            self._say(_Word.CLOSED)
        else:
            self._say(_Word.OPEN if self._line.is_open else _Word.TRYING)

    def _hear_leader(self, word: _Word, term: int, number: int, text: str) -> None:
        if term > self._term:
            self._term, self._number = term, -1
        line = self._line
        if isinstance(line, _Following):
            line.answered()
        if word is _Word.OPEN:
            self._keep_up(number)
        elif word is _Word.FRAME:
            self._keep_up(number, text)
        elif word is _Word.CLOSED and line is not None:
            line.drop()

    def _keep_up(self, number: int, frame: str | None = None) -> None:
        """Be connected, having heard everything up to ``number``, of which ``frame`` is last."""
        line = self._line
        in_step = self._number + (frame is not None) == number
        self._number = number
        if not isinstance(line, _Following) or line.is_alone or (line.is_open and not in_step):
            self._again()
            if line is self._line:
                return  # it takes a while until that is heard, and then catches up anyway
            line = self._line
        if not isinstance(line, _Following):
            return  # nobody connects any more
        if not line.is_open:
            line.answered()
            line.on_open()
        if frame is not None and line is self._line:
            line.on_text(frame)

    # -- inside -----------------------------------------------------------------------

    def _gained(self) -> None:
        self._term = max(round(self._clock.now()), self._term + 1)
        self._number = 0
        self._again()

    def _again(self) -> None:
        """Connect anew, at once; whatever was missed is fetched then."""
        self._bus.emit(RESTART)

    def _note_retry(self, state: ConnectionState) -> None:
        self._retry_at = state.retry_at

    def _look(self) -> None:
        """A person looks at this tab: see whether the leader is still there, and connected."""
        line = self._line
        if self.is_leader:
            return
        self._say(_Word.LOOK)
        if isinstance(line, _Following) and line.is_open and not line.is_alone:
            line.expect_answer(self._again)

    def _say(self, word: _Word, text: str = "") -> None:
        self._channel.post(f"{word} {self._term} {self._number} {text}")

"""Every error the core raises on purpose.

::

    SessionsError
    ├── SwitchFailed              a session switch was rolled back
    │   └── SessionNotFound       …because the proxy does not know the session
    ├── SwitchSuperseded          a later switch took over; nothing happened
    ├── NoSession                 the command needs a current session, and there is none
    ├── BadInput                  a value is not what the contract says
    │   ├── BadFrame              …and it came over the WebSocket
    │   ├── BadUserName           …and it was to be the name of a user
    │   └── BadRecording          …and it stands in a recording
    ├── RecordingsUnavailable     the browser does not keep, or give, a recording
    ├── ChartMissing              the chart's files did not come
    ├── TokenizerFailed           the counting of tokens could not start, or stopped
    ├── UnknownEncoding           no such encoding is shipped
    ├── UnknownModel              nobody says which encoding a model has
    └── ProxyError                a request to Kimi Proxy failed
        ├── ProxyUnreachable      no answer at all
        │   └── ProxyTimeout      …within the time allowed
        ├── RouteUnsupported      this proxy version lacks the route (404 or 405)
        ├── ProxyRefused          an answer that carries an error sentence
        ├── ProxyFault            a 5xx answer in plain text
        └── BadAnswer             an answer that is not what the contract says
            └── BrokenAnswer      …because it is no JSON although it is said to be

Each message is a sentence that the person in front of the page can act on.
"""

from __future__ import annotations


class SessionsError(Exception):
    """Base of all errors raised by the core."""


class SwitchFailed(SessionsError):
    """A switch failed and was rolled back: the previous session is still current.

    Attributes:
        session_id: the session that was asked for.
        rolled_back: False when the proxy could not be told to activate the previous
            session again, so that proxy and page may now disagree.
    """

    def __init__(self, session_id: object, reason: str, *, rolled_back: bool = True) -> None:
        super().__init__(reason)
        self.session_id = session_id
        self.rolled_back = rolled_back


class SessionNotFound(SwitchFailed):
    """The proxy does not know the session that was asked for."""

    def __init__(self, session_id: object, *, rolled_back: bool = True) -> None:
        super().__init__(
            session_id, f"Session {session_id} was not found.", rolled_back=rolled_back
        )


class SwitchSuperseded(SessionsError):
    """A later switch took over before this one finished; it changed nothing."""

    def __init__(self, session_id: object) -> None:
        super().__init__(f"The switch to session {session_id} was overtaken by a later one.")
        self.session_id = session_id


class NoSession(SessionsError):
    """A command that works on the current session was given while there is none."""


class BadInput(SessionsError):
    """A value does not have the shape that the contract asks for."""


class BadFrame(BadInput):
    """A WebSocket frame that cannot be understood; it is counted and ignored."""


class RecordingsUnavailable(SessionsError):
    """The browser's database did not do what it was asked for.

    Attributes:
        reason: the key of the sentence that says why: ``recordings.blocked``,
            ``recordings.quota`` or ``recordings.gone``.
    """

    def __init__(self, reason: str) -> None:
        super().__init__(f"The browser's database failed ({reason}).")
        self.reason = reason


class ChartMissing(SessionsError):
    """The files of the chart could not be fetched; asking for them again may work."""


class TokenizerFailed(SessionsError):
    """The tokenizer could not be loaded, or stopped; asking it again starts it anew."""


class UnknownEncoding(SessionsError):
    """An encoding was asked for that the dashboard does not have."""

    def __init__(self, name: str) -> None:
        super().__init__(f"There is no encoding called {name} here.")
        self.name = name


class UnknownModel(SessionsError):
    """A model whose encoding is not public, such as every model that is not OpenAI's."""

    def __init__(self, model: str) -> None:
        super().__init__(f"Nobody publishes which encoding {model} has.")
        self.model = model


class BadUserInput(BadInput):
    """A value that a person gave; why it will not do is said in the page's language.

    Attributes:
        key: the catalogue's key of the sentence that says why.
        values: what the sentence is filled with.
    """

    def __init__(self, key: str, message: str, **values: str | int) -> None:
        super().__init__(message)
        self.key = key
        self.values = values


class BadUserName(BadUserInput):
    """A text that cannot be the name of a user."""


class BadUserFile(BadUserInput):
    """A text that is not the file of a user's data that it should be."""


class BadRecording(BadInput):
    """A recording that cannot be replayed; nothing of it is used.

    Attributes:
        line: the number of the line that is wrong, from 1.
        problem: ``json``, ``header``, ``version``, ``field``, ``order`` or ``large``.
        field: the name of the field that is wrong or missing, if it is one.
    """

    def __init__(self, line: int, problem: str, field: str = "") -> None:
        what = f"{problem} {field}".strip()
        super().__init__(f"Line {line} of the recording cannot be used ({what}).")
        self.line = line
        self.problem = problem
        self.field = field


class ProxyError(SessionsError):
    """A request to Kimi Proxy failed.

    Attributes:
        route: method and path, for example ``GET /api/sessions``.
        status: the HTTP status, or None when there was no answer.
    """

    def __init__(self, route: str, message: str, status: int | None = None) -> None:
        super().__init__(message)
        self.route = route
        self.status = status


class ProxyUnreachable(ProxyError):
    """The proxy did not answer: not running, wrong address, or blocked by the browser.

    It has a ``status`` when an answer began and broke off.
    """


class ProxyTimeout(ProxyUnreachable):
    """The proxy did not answer within the time allowed."""


class RouteUnsupported(ProxyError):
    """This version of the proxy has no such route (404 or 405)."""


class ProxyRefused(ProxyError):
    """The proxy answered with an error sentence of its own, whatever the HTTP status."""


class ProxyFault(ProxyError):
    """The proxy failed inside: a 5xx answer without a JSON error."""


class BadAnswer(ProxyError):
    """The proxy's answer is not JSON, or not of the shape that the contract asks for."""


class BrokenAnswer(BadAnswer):
    """The answer is not the JSON that its header announces: the proxy, or its host, fails."""

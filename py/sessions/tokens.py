"""Counting tokens exactly, in the words of OpenAI's ``tiktoken``.

The counting itself is somebody else's: a :class:`~sessions.ports.Tokenizer` (tiktoken on
CPython, its WebAssembly build in a worker of the page). Here is what goes around it: which
encoding a model has, what the proxy adds for a chat, and where in a text its tokens begin.

Everything that counts is asynchronous, because in the page the counting happens elsewhere.

Example::

    encodings = Encodings(tokenizer)
    await encodings.encoding_for_model("gpt-4o").count("How many tokens?")   # 4
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from .chat import Chat, ChatMessage
from .errors import UnknownEncoding, UnknownModel
from .ports import Tokenizer

CL100K = "cl100k_base"
O200K = "o200k_base"
ENCODINGS = (CL100K, O200K)

PROXY_ENCODING = CL100K
"""What the proxy estimates every model with, whatever its own tokenizer is: the recorded splits
of system prompt and history add up with this encoding, and not with the other."""

TOKENS_PER_MESSAGE = 3
"""What the proxy adds for each message, as OpenAI's chat format does."""

TOKENS_FOR_REPLY = 3
"""What the proxy adds once, for the answer's opening."""

TOKENS_PER_IMAGE = 512
"""What the proxy counts for an image, whatever its size."""

# tiktoken's own table, as far as it concerns the two encodings: whole names, then beginnings.
_MODELS = {
    **dict.fromkeys(("o1", "o3", "o4-mini", "gpt-5", "gpt-4.1", "gpt-4o"), O200K),
    **dict.fromkeys(("gpt-4", "gpt-3.5-turbo", "gpt-3.5", "gpt-35-turbo"), CL100K),
    **dict.fromkeys(("davinci-002", "babbage-002", "text-embedding-ada-002"), CL100K),
    **dict.fromkeys(("text-embedding-3-small", "text-embedding-3-large"), CL100K),
}
_BEGINNINGS = {
    **dict.fromkeys(("o1-", "o3-", "o4-mini-", "gpt-5", "gpt-4.5-", "gpt-4.1-"), O200K),
    **dict.fromkeys(("chatgpt-4o-", "gpt-4o-", "ft:gpt-4o"), O200K),
    **dict.fromkeys(("gpt-4-", "gpt-3.5-turbo-", "gpt-35-turbo-"), CL100K),
    **dict.fromkeys(("ft:gpt-4", "ft:gpt-3.5-turbo"), CL100K),
    **dict.fromkeys(("ft:davinci-002", "ft:babbage-002"), CL100K),
}


def encoding_name_for_model(model: str) -> str:
    """Return the name of the encoding that a model uses.

    A provider in front (``openai/gpt-4o``) is not part of the name.

    Raises:
        UnknownModel: the model is not one of OpenAI's, or has another encoding.
    """
    name = model.rpartition("/")[2]
    known = _MODELS.get(name)
    if known is None:
        known = next((e for start, e in _BEGINNINGS.items() if name.startswith(start)), None)
    if known is None:
        raise UnknownModel(model)
    return known


@dataclass(frozen=True, slots=True)
class MessageCount:
    """What one message of a chat costs, as the proxy counts.

    Attributes:
        tokens: role, content and images, and the three tokens that each message has on top.
        images: pictures in it, of 512 tokens each.
    """

    role: str
    tokens: int
    images: int
    preview: str


@dataclass(frozen=True, slots=True)
class ChatCount:
    """What a chat costs, as the proxy counts: the sum of its messages and 3 for the reply.

    Attributes:
        left_out: what is in the request and not in that estimate (tool definitions, tool
            calls …), by name, with its tokens as JSON text: roughly what the provider may add.
    """

    messages: tuple[MessageCount, ...]
    left_out: tuple[tuple[str, int], ...]

    @property
    def tokens(self) -> int:
        """Tokens of the whole chat; a chat without messages has none."""
        if not self.messages:
            return 0
        return sum(message.tokens for message in self.messages) + TOKENS_FOR_REPLY


def texts_of(chat: Chat) -> list[str]:
    """Return every text to count for a chat, in the order that :func:`tally` expects."""
    texts = [text for message in chat.messages for text in (message.role, *message.texts)]
    return texts + list(chat.left_out.values())


def tally(chat: Chat, counts: Iterable[int]) -> ChatCount:
    """Add up a chat from the tokens of its texts, in the order of :func:`texts_of`."""
    rest = iter(counts)

    def of(message: ChatMessage) -> MessageCount:
        texts = sum(next(rest) for _ in (message.role, *message.texts))
        tokens = TOKENS_PER_MESSAGE + texts + TOKENS_PER_IMAGE * message.images
        return MessageCount(message.role, tokens, message.images, message.preview)

    messages = tuple(of(message) for message in chat.messages)
    return ChatCount(messages, tuple((name, next(rest)) for name in chat.left_out))


@dataclass(frozen=True, slots=True)
class Piece:
    """A stretch of a text that is one token, or several that share a character.

    A character outside the common ones is often made of more than one token.
    """

    text: str
    tokens: int


def pieces(text: str, widths: Iterable[int]) -> list[Piece]:
    """Cut a text where its tokens begin.

    Args:
        text: what was encoded.
        widths: the length in bytes (of UTF-8) of each token, in order.
    """
    found: list[Piece] = []
    start = end = tokens = missing = 0
    for width in widths:
        missing += width
        tokens += 1
        while missing > 0:
            missing -= _bytes_of(text[end])
            end += 1
        if missing == 0:
            found.append(Piece(text[start:end], tokens))
            start, tokens = end, 0
    return found


def _bytes_of(character: str) -> int:
    """Return how many bytes a character has; half a surrogate pair counts as U+FFFD."""
    code = ord(character)
    return 1 if code < 0x80 else 2 if code < 0x800 else 3 if code < 0x10000 else 4


class Encoding:
    """One encoding: turns text into tokens.

    Text is always ordinary text: ``<|endoftext|>`` in it is what a person typed, and no signal.
    """

    def __init__(self, name: str, tokenizer: Tokenizer) -> None:
        """Count with ``tokenizer``."""
        self.name = name
        self._tokenizer = tokenizer

    async def encode(self, text: str) -> Sequence[int]:
        """Return the tokens of a text.

        Raises:
            TokenizerFailed: it could not be loaded, or stopped; asking again starts it anew.
        """
        [tokens] = await self._tokenizer.encode(self.name, [text])
        return tokens

    async def count(self, text: str) -> int:
        """Return how many tokens a text has.

        Raises:
            TokenizerFailed: see :meth:`encode`.
        """
        [tokens] = await self._tokenizer.count(self.name, [text])
        return tokens

    async def count_messages(self, chat: Chat) -> ChatCount:
        """Return what a chat costs, as the proxy counts it.

        Raises:
            TokenizerFailed: see :meth:`encode`.
        """
        return tally(chat, await self._tokenizer.count(self.name, texts_of(chat)))

    async def pieces(self, text: str) -> list[Piece]:
        """Return a text, cut where its tokens begin.

        Raises:
            TokenizerFailed: see :meth:`encode`.
        """
        return pieces(text, await self._tokenizer.widths(self.name, text))


class Encodings:
    """Hands out encodings, by their own name or by a model's."""

    def __init__(self, tokenizer: Tokenizer) -> None:
        """Count with ``tokenizer``."""
        self._tokenizer = tokenizer

    def get_encoding(self, name: str) -> Encoding:
        """Return the encoding called ``name``.

        Raises:
            UnknownEncoding: it is none of :data:`ENCODINGS`.
        """
        if name not in ENCODINGS:
            raise UnknownEncoding(name)
        return Encoding(name, self._tokenizer)

    def encoding_for_model(self, model: str) -> Encoding:
        """Return the encoding that a model uses.

        Raises:
            UnknownModel: see :func:`encoding_name_for_model`.
        """
        return self.get_encoding(encoding_name_for_model(model))

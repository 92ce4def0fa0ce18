"""How the context of one chat grows, request by request, and how compaction shrinks it.

The proxy resends the whole conversation with every request, so a request's tokens are the
context's. Two counts run side by side: the proxy's estimate, made with one tokenizer for
all models, and what the model's own tokenizer makes of the same text (``ratio`` times as
many).
"""

from __future__ import annotations

import random
from dataclasses import dataclass

from .catalogue import DemoModel

GROWTH = 0.0095
"""Share of the window that a request adds on average: full after some three to four minutes."""

RATIO_NOISE = 0.004
RATIO_LIMITS = (1.01, 1.3)
"""How much real per estimated tokens vary from request to request, and their limits."""

KEPT_BY_COMPACTION = 0.1
KEPT_PER_MESSAGE = 0.015
"""Share of the window that a summary takes, and each message that is kept beside it."""


@dataclass(frozen=True, slots=True)
class Exchange:
    """One request and its answer. The first three and ``estimate`` are the proxy's estimates.

    Attributes:
        system: tokens of the system prompt.
        history: tokens of earlier turns.
        delta: tokens that are new in this request.
        prompt: real tokens of the whole prompt.
        completion: real tokens of the answer.
    """

    system: int
    history: int
    delta: int
    prompt: int
    completion: int

    @property
    def estimate(self) -> int:
        """What the proxy takes the prompt for before it forwards it."""
        return self.system + self.history + self.delta

    @property
    def total(self) -> int:
        """Real tokens of prompt and answer."""
        return self.prompt + self.completion


class Conversation:
    """The context of one session."""

    def __init__(self, model: DemoModel, rng: random.Random, fill: float = 0.0) -> None:
        """Start a conversation that fills a share of the window already."""
        self.window = model.window
        self._rng = rng
        self._bias = model.bias
        self._ratio = model.bias
        self.system = rng.randint(1_800, 4_200)
        self.history = max(0, round(fill * self.window / model.bias) - self.system)
        self.messages = 0

    @property
    def tokens(self) -> int:
        """Real tokens in the window after the last answer."""
        if self.messages == 0 and self.history == 0:
            return 0
        return round((self.system + self.history) * self._ratio)

    @property
    def fill(self) -> float:
        """Share of the window in use, 0 to 1."""
        return self.tokens / self.window

    def plan(self, paste: float | None = None) -> Exchange:
        """Return the next request and its answer, without having sent it.

        Args:
            paste: share of the window that the request adds, when it carries a whole file.
        """
        rng = self._rng
        growth = rng.gammavariate(2.0, GROWTH / 2) if paste is None else paste
        completion = rng.randint(60, max(400, min(1_400, self.window // 150)))
        delta = max(rng.randint(9, 40), round((growth * self.window - completion) / self._bias))
        low, high = RATIO_LIMITS
        ratio = min(high, max(low, self._bias * rng.gauss(1, RATIO_NOISE)))
        prompt = round((self.system + self.history + delta) * ratio)
        return Exchange(self.system, self.history, delta, prompt, completion)

    def append(self, exchange: Exchange) -> None:
        """Make an answered exchange part of the context."""
        self._ratio = exchange.prompt / exchange.estimate
        self.history += exchange.delta + round(exchange.completion / self._ratio)
        self.messages += 2

    def compacted_size(self, preserve: int) -> int:
        """Return the real tokens that compaction would leave."""
        share = KEPT_BY_COMPACTION + KEPT_PER_MESSAGE * preserve
        smallest = round(self.system * self._ratio)
        return min(self.tokens, max(smallest, round(share * self.window)))

    def compact(self, preserve: int) -> None:
        """Replace all but the last ``preserve`` exchanges by a summary."""
        self.history = max(0, round(self.compacted_size(preserve) / self._ratio) - self.system)
        self.messages = min(self.messages, 2 * preserve) + 1

    def start_over(self) -> None:
        """Begin a new chat in the same session."""
        self.history = 0
        self.messages = 0

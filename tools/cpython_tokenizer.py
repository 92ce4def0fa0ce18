"""The real tiktoken behind the core's port, for tests and benchmarks on CPython."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

import tiktoken

from tools.ranks import CACHE, fill_cache


class CpythonTokenizer:
    """Implements :class:`sessions.ports.Tokenizer` with CPython's tiktoken, offline.

    Every text is ordinary text: ``<|endoftext|>`` is seven tokens and no control token.
    """

    def __init__(self, cache: Path = CACHE) -> None:
        """Read rank files from ``cache``, which is filled first where it is not."""
        # tiktoken would download what it does not find there.
        os.environ["TIKTOKEN_CACHE_DIR"] = str(fill_cache(folder=cache))

    async def encode(self, encoding: str, texts: Sequence[str]) -> list[list[int]]:
        """Return the tokens of each text."""
        encode = tiktoken.get_encoding(encoding).encode_ordinary
        return [encode(text) for text in texts]

    async def count(self, encoding: str, texts: Sequence[str]) -> list[int]:
        """Return how many tokens each text has."""
        return [len(tokens) for tokens in await self.encode(encoding, texts)]

    async def widths(self, encoding: str, text: str) -> list[int]:
        """Return the length in bytes of each of a text's tokens."""
        known = tiktoken.get_encoding(encoding)
        return [len(known.decode_single_token_bytes(t)) for t in known.encode_ordinary(text)]

    def release(self) -> None:
        """Do nothing: the encodings are shared by the whole process."""

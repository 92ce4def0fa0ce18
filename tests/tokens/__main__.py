"""Writes ``expected.json``: what CPython's tiktoken makes of every text of the corpus."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

from tests.tokens.corpus import corpus, digest
from tools.cpython_tokenizer import CpythonTokenizer
from tools.ranks import DIGESTS

EXPECTED = Path(__file__).with_name("expected.json")


async def main() -> None:
    texts = corpus()
    found: dict[str, dict[str, list[int | str]]] = {}
    for encoding in DIGESTS:
        tokens = await CpythonTokenizer().encode(encoding, list(texts.values()))
        found[encoding] = {
            name: [len(each), digest(each)] for name, each in zip(texts, tokens, strict=True)
        }
    EXPECTED.write_text(json.dumps(found, ensure_ascii=False, indent=0) + "\n", encoding="utf-8")


if __name__ == "__main__":
    asyncio.run(main())

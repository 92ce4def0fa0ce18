#!/usr/bin/env python3
"""Back-test of the corrected estimates: would they have been closer than the proxy's own?

Every request is predicted from those before it, and compared with its real count. Three sources,
which say different things:

- *recorded*: announcements and counts of a real proxy, as far as the repository has both of one
  request. Its provider was a stand-in, and there are too few to learn from: listed, not judged.
- *demo*: the demo's conversations; each model has a bias that the demo's author made up.
- *made up here*: sequences with a bias that is known, drifts, jumps, is none, or is a constant
  number of tokens (tool definitions), to see where correcting helps and where it harms.

Nothing is asserted.
"""

from __future__ import annotations

import json
import random
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from statistics import fmean
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "py"))


from demo.catalogue import PROVIDERS
from demo.conversation import Conversation
from sessions.calibration import ENOUGH, calibrate
from sessions.models import Metric

ROOT = Path(__file__).resolve().parents[2]
Pair = tuple[int, int]
MODEL = "model"


def recorded() -> list[Pair]:
    """Return (estimate, real) of every request whose two messages are both in the recordings."""
    pairs = []
    for path in sorted((ROOT / "tests/unit/wire").glob("*.json")):
        messages = json.loads(path.read_text("utf-8"))["ws"]
        real = {m["metric_id"]: m["real_tokens"]["total"] for m in messages["metric_updated"]}
        for message in messages.get("metric", ()):
            metric = Metric.from_wire(message["metric"])
            if metric.id in real and metric.initial_estimate:
                pairs.append((metric.initial_estimate, int(real[metric.id])))
    return pairs


def demo(bias_of: Any, seed: int) -> list[Pair]:
    """Return the requests of one of the demo's conversations."""
    chat = Conversation(bias_of, random.Random(seed), fill=0.05)
    pairs = []
    for _ in range(100):
        if chat.fill > 0.85:
            chat.compact(4)
        exchange = chat.plan()
        chat.append(exchange)
        pairs.append((exchange.estimate, exchange.total))
    return pairs


def made_up(real_of: Callable[[int, int, random.Random], float]) -> list[Pair]:
    """Return a session that grows and is compacted; ``real_of(estimate, number, dice)``."""
    dice = random.Random(11)
    pairs, estimate = [], 2_000
    for number in range(120):
        estimate = 4_000 if estimate > 120_000 else estimate + dice.randint(200, 5_000)
        pairs.append((estimate, max(1, round(real_of(estimate, number, dice)))))
    return pairs


MADE_UP: dict[str, Callable[[int, int, random.Random], float]] = {
    "bias 1.12": lambda e, n, d: e * 1.12 * d.gauss(1, 0.02),
    "no bias": lambda e, n, d: e * d.gauss(1, 0.02),
    "drifts 1.0 to 1.3": lambda e, n, d: e * (1 + 0.3 * n / 120) * d.gauss(1, 0.02),
    "jumps to 1.3 half-way": lambda e, n, d: e * (1.3 if n >= 60 else 1) * d.gauss(1, 0.02),
    "one in ten cut off": lambda e, n, d: e * (0.2 if d.random() < 0.1 else 1.1),
    "12 000 tokens of tools": lambda e, n, d: (e + 12_000) * d.gauss(1, 0.01),
}


def metrics(pairs: Sequence[Pair]) -> list[Metric]:
    """Return the pairs as requests that were estimated and then counted."""
    return [
        Metric.from_wire(
            {
                "id": number, "model": MODEL, "is_estimated": 0,
                "initial_estimate": estimate, "estimated_tokens": real,
            }
        )
        for number, (estimate, real) in enumerate(pairs, 1)
    ]  # fmt: skip


def replay(pairs: Sequence[Pair]) -> Iterator[tuple[int, int, int]]:
    """Yield (real, raw, corrected) of every request that could have been corrected."""
    rows = metrics(pairs)
    for number, (estimate, real) in enumerate(pairs):
        known = calibrate(MODEL, reversed(rows[:number]))
        likely = known.apply(estimate) if known else None
        if likely is not None:
            yield real, estimate, likely.tokens


def judge(pairs: Sequence[Pair]) -> dict[str, float]:
    """Return the mean absolute errors, in tokens and in % of the real counts."""
    found = list(replay(pairs))
    real = fmean(real for real, _, _ in found)
    raw = fmean(abs(raw - real) for real, raw, _ in found)
    corrected = fmean(abs(likely - real) for real, _, likely in found)
    return {
        "requests": len(found),
        "raw": round(raw, 1),
        "corrected": round(corrected, 1),
        "raw_percent": round(raw / real * 100, 2),
        "corrected_percent": round(corrected / real * 100, 2),
    }


def measure() -> dict[str, Any]:
    """Back-test every source; return the figures by source."""
    models = [model for provider in PROVIDERS for model in provider.models]
    sources = {
        f"demo: {model.key} (bias {model.bias})": demo(model, seed)
        for seed, model in enumerate(models[:4])
    } | {f"made up: {name}": made_up(real_of) for name, real_of in MADE_UP.items()}
    return {
        "recorded_pairs": recorded(),
        "needed": ENOUGH,
        "sources": {name: judge(pairs) for name, pairs in sources.items()},
    }


def main() -> None:
    """Measure and print."""
    figures = measure()
    pairs = figures["recorded_pairs"]
    print(f"recorded: {len(pairs)} requests with both counts, {figures['needed']} are needed")
    for estimate, real in pairs:
        print(f"  estimated {estimate}, real {real}")
    print(f"\n{'mean absolute error, tokens (% of real)':44}{'n':>5}{'raw':>18}{'corrected':>18}")
    for name, row in figures["sources"].items():
        raw = f"{row['raw']:,.0f} ({row['raw_percent']:.1f} %)"
        corrected = f"{row['corrected']:,.0f} ({row['corrected_percent']:.1f} %)"
        print(f"{name:44}{row['requests']:5}{raw:>18}{corrected:>18}")


if __name__ == "__main__":
    main()

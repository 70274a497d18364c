"""Tokens per second of the policy's own draws against `transformers.generate`, on the same model object.

Run: .venv/bin/python tests/perf/live_throughput.py [ROUNDS] [MAX_TOKENS]
Both draw 16 answers of the demo model, 4 to each of 4 prompts, at temperature 1 and from the same seeds, so the
tokens are the same: first until each ends by itself, then all of one length, where no row can leave early. One
process, in alternating order; loading and a warm-up are left out. Prints each round and the medians' ratios, by the
clock and by the processor's time, which other work on the machine disturbs less (goal: at least 1.5).
"""

from __future__ import annotations

import statistics
import sys
import time
from collections.abc import Callable, Sequence
from types import SimpleNamespace
from typing import Any

from herl.engine.base import Answer, EngineOptions, Request
from herl.engine.transformers import TransformersEngine
from herl.item import Completion, Message, Sampling
from herl.train.live import LiveSampler

PROMPTS = [
    "Write a story about a dog.",
    "Name three colours and say what each of them means to you.",
    "What is the sea? Answer in two sentences, without commas.",
    "List five birds.",
]


def requests(max_tokens: int) -> list[Request]:
    """Four answers to each prompt."""
    return [
        Request(f"{at}-{seed}", 0, (Message("user", prompt),), Sampling(1.0, max_tokens=max_tokens, seed=4 * at + seed))
        for at, prompt in enumerate(PROMPTS)
        for seed in range(4)
    ]


def measured(draw: Callable[[], Sequence[Answer]]) -> tuple[int, float, float]:
    """Tokens drawn, seconds by the clock, seconds of the processor."""
    clock, processor = time.perf_counter(), time.process_time()
    results = [answer.result for answer in draw()]
    took = time.perf_counter() - clock, time.process_time() - processor
    tokens = sum(result.usage.completion_tokens for result in results if isinstance(result, Completion))
    return tokens, *took


def compare(name: str, sampler: LiveSampler, engine: TransformersEngine, rounds: int, max_tokens: int) -> None:
    """Print rounds of both, and their medians' ratios."""
    ways: dict[str, Callable[[], Sequence[Answer]]] = {
        "live": lambda: [*sampler.draw(once(requests(max_tokens)))],
        "generate": lambda: [*engine.generate(requests(max_tokens))],
    }
    speeds: dict[str, list[tuple[float, float]]] = {way: [] for way in ways}
    for number in range(rounds):
        for way in sorted(ways, reverse=bool(number % 2)):
            tokens, clock, processor = measured(ways[way])
            speeds[way].append((tokens / clock, tokens / processor))
            print(f"{name:8} {way:8} {tokens:5} tokens  {tokens / clock:6.1f}/s  {tokens / processor:6.1f}/processor-s")
    live, generate = (
        [statistics.median(column) for column in zip(*speeds[way], strict=True)] for way in ("live", "generate")
    )
    print(f"{name:8} live is {live[0] / generate[0]:.2f} times as quick, {live[1] / generate[1]:.2f} by processor time")


def once(asked: Sequence[Request]) -> Any:
    """A `take` that gives all at once."""
    fresh = [asked]
    return lambda *, idle: fresh.pop() if fresh else []


def main() -> None:
    """Load, warm up, compare."""
    rounds, max_tokens = (int(given) for given in [*sys.argv[1:], "3", "96"][:2])
    with TransformersEngine("demo", EngineOptions(device="cpu", extra={"dtype": "float32"})) as engine:
        list(engine.generate([]))
        policy: Any = SimpleNamespace(
            model=engine._model, tokenizer=engine._tokenizer, device="cpu", context=engine._context()
        )
        sampler = LiveSampler(policy, "demo")
        list(sampler.draw(once(requests(2))))
        list(engine.generate(requests(2)))
        compare("natural", sampler, engine, rounds, max_tokens)
        ends = engine._model.generation_config.eos_token_id
        engine._model.generation_config.eos_token_id = []
        sampler._ends = frozenset()
        compare("forced", sampler, engine, rounds, max_tokens)
        engine._model.generation_config.eos_token_id = ends


if __name__ == "__main__":
    main()

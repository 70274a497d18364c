"""Tokens per second of HeRL's vLLM engine against a bare `LLM.chat`, on the same model object.

Run: .venv/bin/python tests/perf/vllm_throughput.py [ROUNDS] [MAX_TOKENS]
Both answer the demo benchmark's prompts greedily, in one process and in alternating order; loading and one
warm-up are left out. Prints each round and the medians' ratio (goal: at least 0.95).
"""

from __future__ import annotations

import statistics
import sys
import time
from typing import Any

from herl.benchmarks import get
from herl.engine.base import EngineOptions, Request
from herl.engine.vllm import VLLMEngine
from herl.item import Completion, Sampling
from herl.resources import Store


def with_herl(engine: VLLMEngine, requests: list[Request]) -> int:
    """Tokens that HeRL's engine generates for all requests."""
    results = [answer.result for answer in engine.generate(requests)]
    return sum(result.usage.completion_tokens for result in results if isinstance(result, Completion))


def with_chat(engine: VLLMEngine, requests: list[Request]) -> int:
    """Tokens that `LLM.chat` generates for the same requests."""
    from vllm import SamplingParams

    llm: Any = engine._llm
    conversations = [[message.as_dict() for message in request.messages] for request in requests]
    parameters = SamplingParams(temperature=0, max_tokens=requests[0].sampling.max_tokens)
    outputs = llm.chat(conversations, parameters, use_tqdm=False)
    return sum(len(output.outputs[0].token_ids) for output in outputs)


def main() -> None:
    """Measure and print."""
    rounds, max_tokens = (int(given) for given in (*sys.argv[1:], *("5", "128")[len(sys.argv) - 1 :]))
    requests = [
        Request(item.id, 0, item.messages, Sampling(max_tokens=max_tokens)) for item in get("demo").load(Store())
    ]
    speeds: dict[str, list[float]] = {"herl": [], "chat": []}
    ways = {"herl": with_herl, "chat": with_chat}
    with VLLMEngine("demo", EngineOptions()) as engine:
        with_herl(engine, requests)
        with_chat(engine, requests)
        for number in range(rounds):
            order = list(ways) if number % 2 == 0 else list(ways)[::-1]
            for name in order:
                start = time.perf_counter()
                tokens = ways[name](engine, requests)
                speeds[name].append(tokens / (time.perf_counter() - start))
                print(f"round {number + 1}: {name} {tokens} tokens, {speeds[name][-1]:.1f} tokens/s", flush=True)
    herl, chat = (statistics.median(speeds[name]) for name in ("herl", "chat"))
    print(f"median: herl {herl:.1f}, LLM.chat {chat:.1f} tokens/s; ratio {herl / chat:.3f} (goal at least 0.95)")


if __name__ == "__main__":
    main()

"""What is asked, turn by turn: requests for answers, and the model's own words in later turns."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from herl.benchmarks.base import Benchmark
from herl.benchmarks.settings import Settings
from herl.engine.base import Continuation, Request
from herl.errors import UsageError
from herl.item import Item, Message, draw_seed

Said = Mapping[tuple[str, int], str]
"""(item id, sample) -> what the model answered."""


def rounds(items: Sequence[Item]) -> list[list[Item]]:
    """Items by their place in their conversation: first turns, then those that follow them, and so on.

    Raises:
        UsageError: an item follows one that comes after it, or that is not there.
    """
    depth: dict[str, int] = {}
    found: list[list[Item]] = []
    for item in items:
        if item.follows and item.follows not in depth:
            raise UsageError(f"item {item.id} follows '{item.follows}', which does not come before it")
        depth[item.id] = depth[item.follows] + 1 if item.follows else 0
        if depth[item.id] == len(found):
            found.append([])
        found[depth[item.id]].append(item)
    return found


def conversation(
    item: Item, sample: int, by_id: Mapping[str, Item], said: Said, system: str
) -> tuple[Message, ...] | None:
    """All messages that lead to an item's answer; None when an earlier turn has no answer.

    Args:
        item: The item.
        sample: Which answer to it.
        by_id: All items.
        said: The answers there are.
        system: A system message of the user's in place of the item's own, "" for none.
    """
    if not item.follows:
        return with_system(item.messages, system)
    earlier = conversation(by_id[item.follows], sample, by_id, said, system)
    answer = said.get((item.follows, sample))
    if earlier is None or answer is None:
        return None
    return (*earlier, Message("assistant", answer), *item.messages)


def requests_for(
    benchmark: Benchmark, items: Iterable[Item], settings: Settings, by_id: Mapping[str, Item], said: Said
) -> Iterator[Request]:
    """One request per sample and item, each with its own seed; none where an earlier turn has no answer."""
    asked = list(items)
    for sample in range(settings.samples):
        for item in asked:
            messages = conversation(item, sample, by_id, said, settings.system)
            if messages is None:
                continue
            sampling = settings.sampling(benchmark.sampling, item)
            seed = draw_seed(settings.seed, item.id, sample, "answer")
            yield Request(item.id, sample, messages, replace(sampling, seed=seed), continuations(item, settings.system))


def continuations(item: Item, system: str) -> tuple[Continuation, ...]:
    """The texts whose likelihood is asked for, of an item that has them.

    Args:
        item: Its `facts["continuations"]` hold {messages, text} of each.
        system: A system message of the user's in place of the conversations' own, "" for none.
    """
    return tuple(
        Continuation(with_system([Message(**message) for message in each["messages"]], system), each["text"])
        for each in item.facts.get("continuations", ())
    )


def with_system(messages: Sequence[Message], system: str) -> tuple[Message, ...]:
    """A conversation with a system message of the user's in place of its own; "" for none leaves it as it is."""
    if not system or not messages:
        return tuple(messages)
    return (Message("system", system), *(message for message in messages if message.role != "system"))


def prompt_hash(messages: Iterable[Message]) -> str:
    """16 hex digits that tell one conversation from another; the `prompt_hash` of a row."""
    return digest([message.as_dict() for message in messages])[:16]


def answer_hash(answer: str) -> str:
    """16 hex digits that tell one answer from another; the `answer` of a row of verdicts.jsonl."""
    return digest(answer)[:16]


def digest(value: Any) -> str:
    """sha256 of plain JSON values, 64 hex digits."""
    text = json.dumps(value, sort_keys=True, ensure_ascii=False)
    return hashlib.sha256(text.encode(errors="surrogatepass")).hexdigest()

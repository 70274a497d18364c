"""Whether prompts of ours say what benchmark prompts say: words in a row that both have."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from herl.benchmarks import get
from herl.errors import UsageError
from herl.item import Item
from herl.resources import Store

LENGTH = 8
"""Words in a row that count as an overlap; 13 is usual for training texts, which are longer."""

BENCHMARKS = ("ifeval", "ifbench", "muldimif")
"""What the prompts are compared with."""


@dataclass(frozen=True, slots=True)
class Hit:
    """Words in a row that a prompt shares with a benchmark's.

    Args:
        item: The prompt's id.
        benchmark: Whose prompt it is.
        other: That prompt's id.
        words: The words that both have, in small letters.
    """

    item: str
    benchmark: str
    other: str
    words: str


@dataclass(frozen=True, slots=True)
class Overlap:
    """What a comparison found.

    Args:
        compared: Benchmark -> how many of its prompts were looked at.
        missing: Benchmarks whose data are not at hand.
        hits: One for each prompt and benchmark prompt that share words.
    """

    compared: dict[str, int]
    missing: tuple[str, ...]
    hits: tuple[Hit, ...]


def overlap(items: Sequence[Item], store: Store) -> Overlap:
    """Compare prompts with those of the benchmarks whose data are at hand; nothing is fetched.

    Args:
        items: The prompts.
        store: Where the benchmarks' data may be.
    """
    compared: dict[str, int] = {}
    missing: list[str] = []
    known: dict[str, tuple[str, str]] = {}
    for name in BENCHMARKS:
        theirs = _items(name, store)
        if theirs is None:
            missing.append(name)
            continue
        compared[name] = len(theirs)
        for item in theirs:
            for words in _runs(item):
                known.setdefault(words, (name, item.id))
    return Overlap(compared, tuple(missing), tuple(_hits(items, known)))


def _items(name: str, store: Store) -> Sequence[Item] | None:
    benchmark = get(name)
    try:
        return benchmark.load(store) if all(store.has(source) for source in benchmark.sources) else None
    except UsageError:
        return None


def _hits(items: Sequence[Item], known: dict[str, tuple[str, str]]) -> Iterator[Hit]:
    for item in items:
        seen = set()
        for words in _runs(item):
            found = known.get(words)
            if found and found not in seen:
                seen.add(found)
                yield Hit(item.id, *found, words)


def _runs(item: Item) -> Iterator[str]:
    words = [word for message in item.messages for word in re.findall(r"\w+", message.content.lower())]
    for start in range(len(words) - LENGTH + 1):
        yield " ".join(words[start : start + LENGTH])

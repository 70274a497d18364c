"""A benchmark with its items, ready to be answered."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, Protocol

from herl.benchmarks.base import Benchmark
from herl.benchmarks.conversation import digest, rounds
from herl.benchmarks.settings import Settings
from herl.errors import UsageError
from herl.item import Item
from herl.resources import Store


class Progress(Protocol):
    """Told about each finished row."""

    def advance(self, tokens: int = 0) -> None:
        """One more row, with this many generated tokens."""
        ...


Watch = Callable[[str, int, int], AbstractContextManager[Progress]]
"""(what, rows in all, rows there already) -> what shows progress while rows come in."""


class _Silent:
    def advance(self, tokens: int = 0) -> None:
        """Say nothing."""


@contextmanager
def silent(what: str, total: int, done: int) -> Iterator[Progress]:
    """A `Watch` that shows nothing."""
    yield _Silent()


@dataclass(frozen=True)
class Work:
    """A benchmark with its items.

    Args:
        benchmark: The benchmark.
        items: The items asked, in the benchmark's order.
        total: How many items the full set has.
        notes: What every report must say.
        facts: Version, data digest and sampling, for `Run.pin`.
        store: Where its data come from.
    """

    benchmark: Benchmark
    items: Sequence[Item]
    total: int
    notes: Sequence[str]
    facts: Mapping[str, Any]
    store: Store

    @cached_property
    def by_id(self) -> Mapping[str, Item]:
        """Item id -> item."""
        return {item.id: item for item in self.items}

    @property
    def graded_at_once(self) -> bool:
        """Whether each answer can be graded as soon as it is there, by code."""
        return self.benchmark.judge is None and self.benchmark.score_all is None


def load(benchmark: Benchmark, store: Store, settings: Settings) -> Work:
    """Load a benchmark's items.

    Raises:
        UsageError: data are missing or damaged.
    """
    everything = benchmark.load(store)
    if not everything:
        raise UsageError(f"benchmark '{benchmark.name}' has no items")
    rounds(everything)  # a dialogue in the wrong order is refused before anything is asked
    items = everything[: settings.limit]
    facts: dict[str, Any] = {
        "version": benchmark.version,
        "data_sha256": digest([_decisive(item) for item in everything]),
        "items": len(items),
        "sampling": settings.sampling(benchmark.sampling).as_dict(),
    }
    if benchmark.judge:
        facts["judge_prompt"] = f"{benchmark.judge.name}/{benchmark.judge.version}"
    return Work(benchmark, items, len(everything), (), facts, store)


def prepare(benchmark: Benchmark, store: Store, settings: Settings) -> Work:
    """Load a benchmark's items and all that its checks need, before any answer is paid for.

    Raises:
        UsageError: data are missing or damaged.
    """
    return replace(load(benchmark, store, settings), notes=benchmark.prepare(store))


def _decisive(item: Item) -> list[Any]:
    """What is asked and what decides it."""
    facts = [dict(item.facts), item.follows] if item.facts or item.follows else []
    return [item.id, [message.as_dict() for message in item.messages], [_rule(c) for c in item.rubric.criteria], *facts]


def _rule(criterion: Any) -> list[Any]:
    # A check is named by its arguments, and its wording may be improved; for a judge the wording is the rule.
    decided_by = [criterion.check.id, dict(criterion.check.kwargs)] if criterion.check else criterion.text
    return [criterion.id, decided_by, criterion.weight]

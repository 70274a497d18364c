"""A benchmark is a value: what it is, how its items are loaded, and what decides them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from herl.grader import Grader
from herl.item import Item
from herl.resources import DataSource, Store
from herl.rubric import Rule


class Level(StrEnum):
    """What a metric averages over: items, or all criteria of all items pooled (micro mean)."""

    ITEM = "item"
    CRITERION = "criterion"


@dataclass(frozen=True, slots=True)
class Metric:
    """One number of a benchmark.

    Args:
        name: lm-eval's name where it has one, such as "prompt_level_strict_acc".
        label: A short heading for tables.
        grader: Which of the benchmark's graders it reads, such as "strict".
        level: Mean over items, or over all criteria pooled.
        rule: How an item's verdicts add up, for an item-level metric.
    """

    name: str
    label: str
    grader: str
    level: Level
    rule: Rule = Rule.WEIGHTED_MEAN


@dataclass(frozen=True, slots=True)
class Parity:
    """A replay of upstream's verdicts.

    Args:
        checked: Verdicts compared.
        agreed: Verdicts that equal upstream's.
        explained: Reason -> how many differ for it: documented deviations.
        unexplained: One line for each other difference.
    """

    checked: int
    agreed: int
    explained: Mapping[str, int]
    unexplained: Sequence[str]


def nothing_to_prepare(store: Store) -> Sequence[str]:
    """The `prepare` of a benchmark that needs nothing but its rows."""
    return ()


@dataclass(frozen=True, kw_only=True)
class Benchmark:
    """All that the framework knows of a benchmark; it owns everything else.

    Args:
        name: What `-b` takes.
        version: Raised when scoring changes; rows of another version are never mixed.
        title: One line for `herl list`.
        description: A paragraph for `herl describe`.
        paper: Citation or address.
        licence: Of the data.
        upstream: Repository and commit whose verdicts are reproduced.
        source: The data, None for a benchmark that ships its own.
        metrics: What is computed, in table order.
        primary: The metric that stands for the benchmark in a leaderboard.
        graders: Grader name -> grader; the first is also the reward.
        load: Reads the items.
        prepare: Runs before anything is generated: loads or finds what the checks need, and returns
            notes that every report must carry.
        max_tokens: Longest answer unless the user says otherwise.
        deviations: Where verdicts differ from upstream's on purpose.
        parity: Replays upstream's verdicts, None where upstream published none.
        tags: For `herl list`.
        size: How many items the full set has, so that `herl list` need not read them; None if unknown.
    """

    name: str
    version: str
    title: str
    description: str
    paper: str
    licence: str
    upstream: str
    source: DataSource | None
    metrics: tuple[Metric, ...]
    primary: str
    graders: Mapping[str, Grader]
    load: Callable[[Store], Sequence[Item]]
    prepare: Callable[[Store], Sequence[str]] = nothing_to_prepare
    max_tokens: int = 1280
    deviations: tuple[str, ...] = ()
    parity: Callable[[Store], Parity] | None = None
    tags: tuple[str, ...] = field(default=())
    size: int | None = None

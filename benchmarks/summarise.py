"""Adds a benchmark's rows up to its result: metrics with intervals, breakdowns, what went wrong."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from herl.benchmarks.base import Benchmark, Level, Metric
from herl.item import Item
from herl.rows import Row
from herl.stats import bootstrap_ratio

if TYPE_CHECKING:
    from herl.benchmarks.evaluate import Work


def summarise(work: Work, rows: Sequence[Row], *, model: str, samples: int, seed: int) -> dict[str, Any]:
    """The contents of result.json.

    Items are the unit that intervals resample, so several samples of an item and the criteria of one
    prompt stay together.

    Args:
        work: The benchmark and the items asked.
        rows: Its graded rows, at most one per item and sample.
        model: The model's name for tables.
        samples: Answers asked per item.
        seed: Of the bootstrap.

    Returns:
        Plain JSON values; a metric without any graded row has value None.
    """
    benchmark, asked = work.benchmark, len(work.items) * samples
    verdicts = [verdict for row in rows for each in row["verdicts"].values() for verdict in each]
    return {
        "benchmark": benchmark.name,
        "version": benchmark.version,
        "model": model,
        "primary": benchmark.primary,
        "n": len(work.items),
        "total": work.total,
        "samples": samples,
        "rows": len(rows),
        "complete": len(rows) == asked,
        "metrics": {metric.name: _metric(metric, rows, seed) for metric in benchmark.metrics},
        "coverage": _share(verdict is not None for verdict in verdicts),
        "truncated": _share(row["status"] == "truncated" for row in rows),
        "errors": sum(row["status"] == "error" for row in rows),
        "unanswered": sum(row["status"] == "unanswered" for row in rows),
        "by_tag": _by_tag(benchmark, work.items, rows),
        "parity": {"upstream": benchmark.upstream, "deviations": list(benchmark.deviations)},
        "notes": list(work.notes),
        "tokens": {
            "prompt": sum(row["usage"]["prompt_tokens"] for row in rows),
            "completion": sum(row["usage"]["completion_tokens"] for row in rows),
        },
    }


def _metric(metric: Metric, rows: Sequence[Row], seed: int) -> dict[str, Any]:
    sums: dict[str, tuple[float, int]] = defaultdict(lambda: (0.0, 0))
    for row in rows:
        for value in _values(metric, row):
            total, count = sums[row["id"]]
            sums[row["id"]] = (total + value, count + 1)
    n = sum(count for _, count in sums.values())
    found: dict[str, Any] = {"label": metric.label, "n": n, "value": None, "ci_low": None, "ci_high": None}
    if n:
        totals, counts = zip(*sums.values(), strict=True)
        interval = bootstrap_ratio(totals, counts, seed=seed)
        found |= {"value": interval.value, "ci_low": interval.low, "ci_high": interval.high}
    return found


def _values(metric: Metric, row: Row) -> Iterator[float]:
    """A row's contributions to a metric; abstentions contribute nothing."""
    if metric.level is Level.CRITERION:
        yield from (float(verdict) for verdict in row["verdicts"][metric.grader] if verdict is not None)
    elif row["scores"][metric.name] is not None:
        yield row["scores"][metric.name]


def _by_tag(benchmark: Benchmark, items: Sequence[Item], rows: Sequence[Row]) -> dict[str, Any]:
    """Share of criteria met: group of tags -> tag -> grader -> {value, n}."""
    tags_of = {item.id: [_tags(item, criterion.tags) for criterion in item.rubric.criteria] for item in items}
    met: dict[tuple[str, str, str], list[bool]] = defaultdict(list)
    for row in rows:
        for grader in benchmark.graders:
            for tags, verdict in zip(tags_of[row["id"]], row["verdicts"][grader], strict=True):
                if verdict is not None:
                    for group, tag in tags:
                        met[group, tag, grader].append(verdict)
    found: dict[str, Any] = {}
    for (group, tag, grader), verdicts in sorted(met.items(), key=lambda pair: pair[0][:2]):
        cell = {"value": sum(verdicts) / len(verdicts), "n": len(verdicts)}
        found.setdefault(group, {}).setdefault(tag, {})[grader] = cell
    return found


def _tags(item: Item, criterion_tags: Sequence[str]) -> list[tuple[str, str]]:
    pairs = [tag.partition(":")[::2] for tag in criterion_tags]
    return [*pairs, *item.tags.items()]


def _share(flags: Iterator[bool]) -> float:
    values = list(flags)
    return sum(values) / len(values) if values else 0.0

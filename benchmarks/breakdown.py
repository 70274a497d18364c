"""Tables by category: a metric for each tag of a group."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import Any

from herl.benchmarks.base import Benchmark, Level, Metric
from herl.benchmarks.graded import JUDGE, Graded
from herl.benchmarks.pool import Pool
from herl.item import Item
from herl.rubric import Criterion


def by_tag(benchmark: Benchmark, graded: Sequence[Graded], seed: int = 0) -> dict[str, Any]:
    """A benchmark's tables by category.

    Args:
        benchmark: Its `breakdowns` say which; without them, the share of criteria met by each tag there is.
        graded: Its graded answers.
        seed: Of the bootstrap deviations, which judged benchmarks have.

    Returns:
        Group of tags -> tag -> metric (or grader, without breakdowns) -> {value, n} and, judged, {deviation}.
    """
    found: dict[str, Any] = {}
    for group, tags in tag_pools(benchmark, graded).items():
        for tag, pools in tags.items():
            for key, pool in pools.items():
                cell: dict[str, Any] = {"value": pool.value(), "n": pool.n}
                if benchmark.judge:
                    cell["deviation"] = pool.deviation(seed)
                found.setdefault(group, {}).setdefault(tag, {})[key] = cell
    return found


def tag_pools(benchmark: Benchmark, graded: Sequence[Graded]) -> dict[str, dict[str, dict[str, Pool]]]:
    """What the tables are made of: group of tags -> tag -> metric (or grader) -> its values, where there are any.

    Args:
        benchmark: Its `breakdowns` say which; without them, the share of criteria met by each tag there is.
        graded: Its graded answers.
    """
    metrics = {metric.name: metric for metric in benchmark.metrics}
    wanted = [(each.group, each.metric, metrics[each.metric], each.level) for each in benchmark.breakdowns]
    if not wanted:
        groups = sorted({group for each in graded for group, _ in _all_tags(each.item)})
        graders = [JUDGE] if benchmark.judge else benchmark.graders
        shares = [(name, Metric(name, name, name, Level.CRITERION)) for name in graders]
        wanted = [(group, name, metric, None) for group in groups for name, metric in shares]
    found: dict[str, dict[str, dict[str, Pool]]] = {}
    for group, key, metric, level in wanted:
        for tag, pool in sorted(_pools(group, metric, level, graded).items()):
            if pool.n:
                found.setdefault(group, {}).setdefault(tag, {})[key] = pool
    return found


def _pools(group: str, metric: Metric, level: Level | None, graded: Sequence[Graded]) -> dict[str, Pool]:
    pools: dict[str, Pool] = defaultdict(lambda: Pool(metric, level))
    for each in graded:
        if group in each.item.tags:
            pools[each.item.tags[group]].add(each)
            continue
        for tag, criteria in _criteria_by_tag(each.item, group).items():
            pools[tag].add(each, criteria)
    return pools


def _criteria_by_tag(item: Item, group: str) -> dict[str, list[Criterion]]:
    found: dict[str, list[Criterion]] = defaultdict(list)
    for criterion in item.rubric.criteria:
        for name, _, tag in (each.partition(":") for each in dict.fromkeys(criterion.tags)):
            if name == group:
                found[tag].append(criterion)
    return found


def _all_tags(item: Item) -> list[tuple[str, str]]:
    own = [tag.partition(":")[::2] for criterion in item.rubric.criteria for tag in criterion.tags]
    return [*own, *item.tags.items()]

"""Rows of samples.jsonl: the answer that each item had after each round of each arm, with its final score."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from herl.benchmarks.base import Benchmark
from herl.benchmarks.graded import checked_row, judged_row
from herl.files import write_atomically
from herl.item import Item
from herl.rows import Row
from herl.selfimprove.jury import Ruled
from herl.selfimprove.trial import Attempt, Step, Stop

_SCORED = ("scores", "verdicts")


@dataclass(frozen=True, slots=True)
class Stage:
    """How a round of an arm left an item.

    Args:
        arm: The arm.
        item: The item, with its whole rubric.
        step: The round.
        hidden: The ids of the criteria that the critic did not see.
        stop: Why the item left the arm with this round, None when it did not.
    """

    arm: str
    item: Item
    step: Step
    hidden: tuple[str, ...]
    stop: Stop | None = None


def stage_rows(benchmark: Benchmark, stages: Iterable[Stage], ruled: Mapping[tuple[str, str], Ruled]) -> Iterator[Row]:
    """The rows of stages.

    Args:
        benchmark: Says how verdicts are scored.
        stages: What to write, in the rows' order.
        ruled: (item id, answer) -> what the judges made of it, for a judged benchmark.

    Yields:
        One row each; an answer that stays the best for several rounds has the same scores in all of them.
    """
    scored: dict[tuple[str, str], Mapping[str, Any]] = {}
    for stage in stages:
        kept = stage.step.kept
        key = (stage.item.id, kept.text)
        if key not in scored:
            scored[key] = _scored(benchmark, stage.item, kept, ruled)
        yield _row(stage, scored[key])


def write_stages(path: Path, rows: Sequence[Row]) -> None:
    """Replace samples.jsonl: unlike what was bought, these rows can be made again."""
    write_atomically(path, "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows))


def _scored(
    benchmark: Benchmark, item: Item, kept: Attempt, ruled: Mapping[tuple[str, str], Ruled]
) -> Mapping[str, Any]:
    """The final scores and verdicts of an answer, as `herl eval` would write them."""
    answer = {key: value for key, value in kept.row.items() if key not in ("arm", "round")}
    if benchmark.judge is None:
        row = checked_row(benchmark, item, answer)
    else:
        found = ruled[item.id, kept.text]
        row = judged_row(benchmark, item, answer, found.verdicts, found.said)
    return {key: row[key] for key in (*_SCORED, "error") if key in row}


def _row(stage: Stage, scored: Mapping[str, Any]) -> Row:
    step, kept = stage.step, stage.step.kept
    return {
        "id": stage.item.id,
        "sample": 0,
        "arm": stage.arm,
        "round": step.round,
        "candidate_arm": kept.arm,
        "candidate_round": kept.round,
        "candidate": kept.candidate,
        "changed": step.changed,
        "response": kept.text,
        "finish_reason": kept.row["finish_reason"],
        "usage": kept.row["usage"],
        "spent": asdict(step.spent),
        "hidden": list(stage.hidden),
        "stop": stage.stop,
        **scored,
        "status": kept.row["status"],
    }

"""What an experiment's rows say of one item: its last answer, and how it came about."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from herl.benchmarks.graded import read_graded
from herl.item import Item
from herl.rows import Row
from herl.selfimprove.trial import BASE, LOOP


def final_answers(rows: Iterable[Row]) -> dict[str, str]:
    """Item id -> the answer that the loop ended with, in the rows' order.

    Args:
        rows: Of samples.jsonl, as they were written.
    """
    return {row["id"]: str(row["response"]) for row in rows if row["arm"] in (BASE, LOOP)}


def history_of(item: Item, rows: Iterable[Row], metric: str) -> list[dict[str, Any]]:
    """How an item's answer came about: the plain one, then each round of the loop.

    Args:
        item: The item, with its whole rubric.
        rows: Of samples.jsonl, as they were written.
        metric: Whose score is told.

    Returns:
        {round, changed, score, met, tokens, answer, stop} each, in plain JSON values: `answer` is the best so far,
        `met` says of each criterion's id whether the final grader finds it met (None where it could not tell), and
        `tokens` are all that were spent so far.
    """
    own = [row for row in rows if row["id"] == item.id and row["arm"] in (BASE, LOOP)]
    last = {row["round"]: row for row in own}  # an item that never took part has a row of the loop's with round 0
    return [_entry(item, row, metric) for row in last.values()]


def _entry(item: Item, row: Row, metric: str) -> dict[str, Any]:
    verdicts = next(iter(read_graded(item, row).verdicts.values()))
    pairs = zip(item.rubric.criteria, verdicts, strict=True)
    return {
        "round": row["round"],
        "changed": row["changed"],
        "score": row["scores"].get(metric),
        "met": {each.id: None if verdict.value is None else each.is_met(verdict.value) for each, verdict in pairs},
        "tokens": row["spent"],
        "answer": row["response"],
        "stop": row["stop"],
    }

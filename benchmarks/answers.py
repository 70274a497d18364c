"""Answers of a run beside what was asked and what was found, for people who want to see for themselves."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from herl.errors import UsageError
from herl.item import Item
from herl.report.read import benchmarks_of
from herl.rows import Row, read_rows
from herl.run import bench_folder

if TYPE_CHECKING:
    from herl.benchmarks.base import Benchmark
    from herl.resources import Store

Only = Literal["wrong", "truncated", "ungraded"]


@dataclass(frozen=True, slots=True)
class Shown:
    """One answer.

    Args:
        benchmark: The benchmark's name.
        row: Its row of samples.jsonl.
        item: What was asked; None when the benchmark's data are not at hand.
    """

    benchmark: str
    row: Row
    item: Item | None

    def criteria(self) -> list[tuple[str, dict[str, bool | None]]]:
        """What each criterion asks, and each grader's verdict on it: met, unmet, or None for ungraded."""
        by_grader: Mapping[str, list[bool | None]] = self.row["verdicts"]
        found = [dict(zip(by_grader, each, strict=True)) for each in zip(*by_grader.values(), strict=True)]
        if self.item is None:
            return [(f"criterion {number}", verdicts) for number, verdicts in enumerate(found, 1)]
        texts = [criterion.text for criterion in self.item.rubric.criteria]
        return list(zip(texts, found, strict=True))

    def as_dict(self) -> dict[str, Any]:
        """The row with its prompt and its criteria in words, for `--json`."""
        messages = [message.as_dict() for message in self.item.messages] if self.item else None
        criteria = [{"text": text, **verdicts} for text, verdicts in self.criteria()]
        return {"benchmark": self.benchmark, "messages": messages, "criteria": criteria, **self.row}


def select(
    run: Path, store: Store, only: Only | None = None, item_id: str | None = None
) -> tuple[list[Shown], list[str]]:
    """Answers of a run, in the order in which they were finished.

    Args:
        run: The run directory; it may be unfinished.
        store: Where prompts and criteria are read from.
        only: Wrong (not all criteria met), truncated, or ungraded (some criterion without a verdict).
        item_id: Only this item's.

    Returns:
        The answers, and one line about each benchmark whose data are not at hand.

    Raises:
        UsageError: the run is damaged, or has no answer to `item_id`.
    """
    from herl.benchmarks import get

    shown: list[Shown] = []
    problems = []
    for name in benchmarks_of(run):
        benchmark = get(name)
        rows = read_rows(bench_folder(run, name) / "samples.jsonl")
        items: dict[str, Item] = {}
        if benchmark.source and not store.has(benchmark.source):
            problems.append(
                f"prompts are left out: {name}'s data are not at hand (--data-dir, or herl data pull {name})"
            )
        else:
            items = {item.id: item for item in benchmark.load(store)}
        shown += [Shown(name, row, items.get(row["id"])) for row in rows if _is_wanted(benchmark, row, only)]
    if item_id is not None:
        shown = [each for each in shown if each.row["id"] == item_id]
        if not shown:
            what = f"{only} answer" if only else "answer"
            raise UsageError(f"run '{run.name}' has no {what} to item '{item_id}'")
    return shown, problems


def _is_wanted(benchmark: Benchmark, row: Row, only: Only | None) -> bool:
    if only == "wrong":
        score = row["scores"][benchmark.primary]
        return score is not None and score < 1
    if only == "truncated":
        return bool(row["status"] == "truncated")
    if only == "ungraded":
        return any(verdict is None for verdicts in row["verdicts"].values() for verdict in verdicts)
    return True

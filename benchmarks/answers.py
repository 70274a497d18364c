"""Answers of a run beside what was asked and what was found, for people who want to see for themselves."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from herl.errors import UsageError
from herl.item import Item, Message
from herl.report.read import benchmarks_of
from herl.rows import Row, read_rows
from herl.run import bench_folder, read_record

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
        item: The item; None when the data that it was asked from are not at hand.
        messages: What was asked, the run's system message included; empty without the item.
    """

    benchmark: str
    row: Row
    item: Item | None = None
    messages: Sequence[Message] = ()

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
        messages = [message.as_dict() for message in self.messages] if self.item else None
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
        The answers, and one line about each benchmark whose data are not at hand, or not those of the run.

    Raises:
        UsageError: the run is damaged, or has no answer to `item_id`.
    """
    from herl.benchmarks import get

    shown: list[Shown] = []
    problems = []
    names = benchmarks_of(run)
    system = read_record(run / "run.json")["config"].get("system")
    before = (Message("system", system),) if system else ()
    for name in names:
        benchmark = get(name)
        rows = [
            row
            for row in read_rows(bench_folder(run, name) / "samples.jsonl")
            if item_id in (None, row["id"]) and _is_wanted(benchmark, row, only)
        ]
        if benchmark.source and not store.has(benchmark.source):
            shown += [Shown(name, row) for row in rows]
            problems.append(
                f"prompts are left out: {name}'s data are not at hand (--data-dir, or herl data pull {name})"
            )
            continue
        items = {item.id: item for item in benchmark.load(store)}
        found = [_beside(name, row, items.get(row["id"]), before) for row in rows]
        shown += found
        if strangers := sum(each.item is None for each in found):
            whose = f"{name}'s data here are not those that were asked (--data-dir)"
            problems.append(f"{strangers} of {len(found)} answers are shown without their prompts: {whose}")
    if item_id is not None and not shown:
        what = f"{only} answer" if only else "answer"
        raise UsageError(f"run '{run.resolve().name}' has no {what} to item '{item_id}'")
    return shown, problems


def _beside(benchmark: str, row: Row, item: Item | None, before: Sequence[Message]) -> Shown:
    """An answer with its item, if that is what was asked: other data may give another prompt the same id."""
    from herl.benchmarks.evaluate import prompt_hash

    if item is None:
        return Shown(benchmark, row)
    messages = (*before, *item.messages)
    asked = row.get("prompt_hash") == prompt_hash(messages)
    graded = all(len(verdicts) == len(item.rubric.criteria) for verdicts in row["verdicts"].values())
    return Shown(benchmark, row, item, messages) if asked and graded else Shown(benchmark, row)


def _is_wanted(benchmark: Benchmark, row: Row, only: Only | None) -> bool:
    if only == "wrong":
        score = row["scores"][benchmark.primary]
        return score is not None and score < 1
    if only == "truncated":
        return bool(row["status"] == "truncated")
    if only == "ungraded":
        return any(verdict is None for verdicts in row["verdicts"].values() for verdict in verdicts)
    return True

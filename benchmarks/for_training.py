"""An evaluation's answers with their grades, as training data are made of them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from herl.benchmarks.base import Benchmark
from herl.benchmarks.conversation import conversation, prompt_hash
from herl.benchmarks.graded import JUDGE, in_order, read_graded
from herl.benchmarks.settings import Settings
from herl.benchmarks.work import Work
from herl.item import Item, Message
from herl.rows import Row, read_rows
from herl.rubric import Verdict
from herl.training_data import Answer, Asked


def evaluation_answers(work: Work, folder: Path, settings: Settings) -> list[Asked]:
    """The items of an evaluation, with the answers that were graded.

    Args:
        work: The benchmark and its items.
        folder: Where the rows are.
        settings: How it was asked.

    Returns:
        One entry for each item, in their order.

    Raises:
        UsageError: the rows are damaged.
    """
    rows = in_order(read_rows(folder / "samples.jsonl"), work.items)
    said = {(row["id"], row["sample"]): str(row["response"]) for row in rows}
    answers: dict[str, list[Answer]] = {item.id: [] for item in work.items}
    for row in rows:
        item = work.by_id[row["id"]]
        prompt = conversation(item, row["sample"], work.by_id, said, settings.system)
        if prompt is not None and row["prompt_hash"] == prompt_hash(prompt):  # not one to an earlier turn's old answer
            answers[item.id].append(answer_of(item, prompt, row, verdicts_of(work.benchmark, item, row)))
    return [
        Asked(item, conversation(item, 0, work.by_id, said, settings.system), answers[item.id]) for item in work.items
    ]


def verdicts_of(benchmark: Benchmark, item: Item, row: Row) -> Sequence[Verdict]:
    """A row's verdicts on the whole rubric: the judges', or those of the grader that is also the reward."""
    return read_graded(item, row).verdicts[JUDGE if benchmark.judge else next(iter(benchmark.graders))]


def answer_of(item: Item, prompt: tuple[Message, ...], row: Row, verdicts: Sequence[Verdict], drawn: int = 0) -> Answer:
    """The answer that a row holds.

    Args:
        item: What was asked.
        prompt: The conversation that was asked at first.
        row: Of samples.jsonl or attempts.jsonl.
        verdicts: One per criterion.
        drawn: In which round of an experiment.
    """
    return Answer(
        prompt=prompt,
        text=str(row["response"]),
        finish_reason=row["finish_reason"],
        grade=item.rubric.grade(verdicts),
        round=drawn,
        tokens=int(row["usage"]["completion_tokens"]),
    )

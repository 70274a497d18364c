"""An evaluation's rows as answers to train on: whole rubric, plain conversation, what the rows hold."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from made_benchmarks import answer, benchmark, item, verdict, work

from herl.benchmarks.base import Benchmark
from herl.benchmarks.conversation import conversation, prompt_hash
from herl.benchmarks.for_training import evaluation_answers
from herl.benchmarks.graded import checked_row, judged_row
from herl.benchmarks.settings import Settings
from herl.grader import CheckGrader
from herl.item import Item
from herl.rows import Row
from herl.rubric import Check, Criterion

WORDS = [Criterion(word, f"It says {word}.", check=Check("says", {"word": word})) for word in ("yes", "sir")]
FIRST, NEXT = item("first", *WORDS), item("next", *WORDS, follows="first")
STRICT = CheckGrader({"says": lambda text, word: word in text})
LOOSE = CheckGrader({"says": lambda text, word: True})
JUDGED = item("j", Criterion("kind", "It is kind.", 3.0), Criterion("rude", "It is rude.", -1.0))


def checked() -> Benchmark:
    return benchmark([FIRST, NEXT], (), judge=None, graders={"strict": STRICT, "loose": LOOSE})


def sample(made: Benchmark, asked: Item, text: str, number: int, before: str = "", **changes: Any) -> Row:
    """A row of samples.jsonl for an answer that code graded, `before` being the answer to the turn before."""
    said = {("first", number): before}
    prompt = conversation(asked, number, {"first": FIRST, "next": NEXT}, said, changes.pop("system", ""))
    assert prompt is not None
    row = answer(asked.id, text, number) | {"finish_reason": "stop", "prompt_hash": prompt_hash(prompt)} | changes
    return checked_row(made, asked, row)


def written(folder: Path, *rows: Row) -> Path:
    (folder / "samples.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    return folder


def test_the_grader_that_is_the_reward_decides_by_the_whole_rubric(tmp_path: Path) -> None:
    made = checked()
    written(tmp_path, sample(made, FIRST, "yes", 0), sample(made, FIRST, "yes sir", 1, finish_reason="length"))
    first, second = evaluation_answers(work(made), tmp_path, Settings(samples=2))
    assert [(each.text, each.score, each.finish_reason) for each in first.answers] == [
        ("yes", 0.5, "stop"),
        ("yes sir", 1.0, "length"),
    ]
    assert (first.prompt, first.answers[0].prompt, first.answers[0].tokens) == (FIRST.messages, FIRST.messages, 2)
    assert [message.content for message in second.prompt or ()] == ["Say first.", "yes", "Say next."]
    assert second.answers == []


def test_a_later_turn_answers_the_conversation_of_its_own_sample(tmp_path: Path) -> None:
    made = checked()
    rows = [sample(made, FIRST, text, number, system="Be brief.") for number, text in enumerate(("yes", "no"))]
    rows += [sample(made, NEXT, "sir", number, text, system="Be brief.") for number, text in enumerate(("yes", "no"))]
    _, second = evaluation_answers(work(made), written(tmp_path, *rows), Settings(samples=2, system="Be brief."))
    said = [[message.content for message in each.prompt] for each in second.answers]
    assert said == [["Be brief.", "Say first.", text, "Say next."] for text in ("yes", "no")]


def test_an_answer_to_another_conversation_is_none(tmp_path: Path) -> None:
    made = checked()
    rows = [sample(made, FIRST, "asked anew", 0), sample(made, NEXT, "sir", 0, "deleted by hand")]
    first, second = evaluation_answers(work(made), written(tmp_path, *rows), Settings())
    assert (len(first.answers), len(second.answers)) == (1, 0)


def test_of_an_answer_that_was_asked_again_the_last_row_counts(tmp_path: Path) -> None:
    made = checked()
    written(tmp_path, sample(made, FIRST, "no", 0), sample(made, FIRST, "yes sir", 0))
    first, _ = evaluation_answers(work(made), tmp_path, Settings())
    assert [each.text for each in first.answers] == ["yes sir"]


def test_judges_verdicts_add_up_by_the_rubric_and_abstentions_stay(tmp_path: Path) -> None:
    made = benchmark([JUDGED])
    rows = []
    for number, values in enumerate([(1.0, 1.0), (1.0, None)]):
        pairs = zip(JUDGED.rubric.criteria, values, strict=True)
        row = answer("j", f"Answer {number}.", number)
        row |= {"finish_reason": "stop", "prompt_hash": prompt_hash(JUDGED.messages)}
        rows.append(judged_row(made, JUDGED, row, [verdict(criterion, value) for criterion, value in pairs], {}))
    [asked] = evaluation_answers(work(made), written(tmp_path, *rows), Settings(samples=2))
    assert [each.grade.coverage for each in asked.answers] == [1.0, 0.5]
    assert asked.answers[0].score == 2 / 3


def test_without_rows_there_are_items_without_answers(tmp_path: Path) -> None:
    found = evaluation_answers(work(checked()), tmp_path, Settings())
    assert [(each.item.id, each.prompt is None, list(each.answers)) for each in found] == [
        ("first", False, []),
        ("next", True, []),
    ]

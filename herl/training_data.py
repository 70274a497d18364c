"""Training data from graded answers: best answers, better and worse pairs, prompts with rubrics.

The rows are those of docs/training-data.md, which `herl train` and TRL read.
"""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

from herl.errors import UsageError
from herl.files import disk_errors, write_atomically
from herl.item import FinishReason, Item, Message
from herl.prompts import row_of
from herl.rubric import Grade, Rule

Form = Literal["sft", "dpo", "rl"]

MIN_MARGIN = 0.1
_ROUNDING = 1e-9  # 0.6 - 0.5 is a margin of 0.1

Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Answer:
    """One answer to an item, with its grade.

    Args:
        prompt: The conversation that it is an answer to: what was asked at first, not the hindsight that a
            revision saw.
        text: The answer, without its thinking.
        finish_reason: How it ended.
        grade: What the verdicts on the whole rubric add up to.
        round: When it was drawn: 0 for a plain answer.
        tokens: Generated for it.
    """

    prompt: tuple[Message, ...]
    text: str
    finish_reason: FinishReason
    grade: Grade
    round: int = 0
    tokens: int = 0

    @property
    def score(self) -> float:
        """Its score; only a graded answer has one."""
        assert self.grade.score is not None
        return self.grade.score

    @property
    def is_finished(self) -> bool:
        """Whether it came to its end; one that was cut off would teach a model to stop in mid-sentence."""
        return self.finish_reason == "stop"


@dataclass(frozen=True, slots=True)
class Asked:
    """An item of a run, and all answers to it.

    Args:
        item: The item, with the whole rubric.
        prompt: The conversation that was asked at first; None while an earlier turn of it has no answer.
        answers: In any order.
    """

    item: Item
    prompt: tuple[Message, ...] | None
    answers: Sequence[Answer] = ()


@dataclass
class TrainingData:
    """Rows, and what became of the rest.

    Attributes:
        rows: One for each item that has one, in the items' order.
        items: How many items were looked at.
        answers: How many answers were.
        items_left_out: Why items have no row -> how many.
        answers_left_out: Why answers were not considered -> how many.
        advice: How to get more rows, "" when nothing is left out by choice.
    """

    rows: list[Row] = field(default_factory=list)
    items: int = 0
    answers: int = 0
    items_left_out: Counter[str] = field(default_factory=Counter)
    answers_left_out: Counter[str] = field(default_factory=Counter)
    advice: str = ""

    def add(self, row: Row) -> None:
        """Take a row, unless it holds half a character, which would keep readers from the whole file."""
        if _is_unicode(json.dumps(row, ensure_ascii=False)):
            self.rows.append(row)
        else:
            self.items_left_out["not valid Unicode"] += 1


def best_answers(asked: Iterable[Asked], min_score: float | None = None) -> TrainingData:
    """The best answer to each item, for supervised fine-tuning.

    Of several equally good ones it is the earliest, and of those the one with the fewest tokens. Answers that were
    cut off are never taken.

    Args:
        asked: The items.
        min_score: The least score; None takes only answers that meet all criteria (and no pitfall).

    Returns:
        Rows {id, prompt, completion, score}.

    Raises:
        UsageError: `min_score` is no finite number.
    """
    if min_score is not None and not math.isfinite(min_score):
        raise UsageError(f"--min-score must be a finite number, not {min_score}")
    lacking = "no answer meets all criteria" if min_score is None else f"no answer scores {min_score:g} or more"
    data = TrainingData()
    missed: list[float] = []
    for each, answers in _with_usable(asked, data):
        finished = [answer for answer in answers if answer.is_finished]
        good = [answer for answer in finished if _is_good(each.item, answer, min_score)]
        if good:
            best = min(good, key=_from_the_best)
            completion = [Message("assistant", best.text).as_dict()]
            data.add({"id": each.item.id, "prompt": _plain(best), "completion": completion, "score": best.score})
        elif finished:
            missed.append(max(answer.score for answer in finished))
            data.items_left_out[lacking] += 1
        else:
            data.items_left_out["no graded answer that is finished"] += 1
    if missed and (highest := _floored(max(missed))) > 0:
        data.advice = f"--min-score {highest} would take the best answer of those items."
    return data


def preference_pairs(asked: Iterable[Asked], min_margin: float = MIN_MARGIN) -> TrainingData:
    """The best and the worst answer to each item, for preference optimisation.

    Both answer the same conversation. An answer that was cut off is never the better one; it may be the worse one
    where no finished answer is as bad. Ties are decided as in `best_answers`.

    Args:
        asked: The items.
        min_margin: The least difference of their scores, above 0.

    Returns:
        Rows {id, prompt, chosen, rejected, margin, score_chosen, score_rejected}.

    Raises:
        UsageError: `min_margin` is not above 0.
    """
    if not 0 < min_margin < math.inf:
        raise UsageError(f"--min-margin must be above 0, not {min_margin}", "Equal answers teach no preference.")
    data = TrainingData()
    missed: list[float] = []
    for each, answers in _with_usable(asked, data):
        pairs = list(_pairs(answers))
        if not pairs:
            data.items_left_out["no finished answer with another to compare"] += 1
            continue
        chosen, rejected = max(pairs, key=_margin)
        if (margin := _margin((chosen, rejected))) < min_margin - _ROUNDING:
            missed.append(margin)
            data.items_left_out[f"no two answers differ by {min_margin:g}"] += 1
            continue
        row = {
            "id": each.item.id,
            "prompt": _plain(chosen),
            "chosen": [Message("assistant", chosen.text).as_dict()],
            "rejected": [Message("assistant", rejected.text).as_dict()],
            "margin": margin,
            "score_chosen": chosen.score,
            "score_rejected": rejected.score,
        }
        data.add(row)
    if missed and (widest := _floored(max(missed))) > 0:
        data.advice = f"--min-margin {widest} would take the widest margin of those items."
    elif missed:
        data.advice = "Their answers score alike: draw more, with --samples or --controls."
    elif data.answers and not data.rows:
        data.advice = "A pair needs two answers: draw more, with --samples or --controls."
    return data


def prompts_with_rubrics(asked: Iterable[Asked]) -> TrainingData:
    """The prompt of each item with its whole rubric, for reinforcement learning.

    Returns:
        Rows that `herl.prompts.read_prompts` reads. An item that follows another has the model's earlier answers
        in its prompt.
    """
    data = TrainingData()
    for each in asked:
        data.items += 1
        if each.prompt is None:
            data.items_left_out["an earlier turn has no answer"] += 1
        else:
            data.add(row_of(replace(each.item, messages=each.prompt, follows="")))
    return data


def write_rows(path: Path, rows: Iterable[Row]) -> None:
    """Write rows as JSONL, as a whole or not at all.

    Raises:
        HerlError: the file cannot be written.
    """
    with disk_errors(path.parent):
        path.parent.mkdir(parents=True, exist_ok=True)
    write_atomically(path, "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows))


def _with_usable(asked: Iterable[Asked], data: TrainingData) -> Iterator[tuple[Asked, list[Answer]]]:
    """Each item with those of its answers that can be compared, the earliest first; the others are counted."""
    for each in asked:
        data.items += 1
        data.answers += len(each.answers)
        usable: dict[tuple[tuple[Message, ...], str], Answer] = {}
        for answer in sorted(each.answers, key=lambda answer: answer.round):
            if fault := _fault(answer):
                data.answers_left_out[fault] += 1
            elif usable.setdefault((answer.prompt, answer.text), answer) is not answer:
                data.answers_left_out["the same text as another"] += 1
        yield each, list(usable.values())
    if data.items and not data.answers:
        data.advice = "It has no graded answers yet: its own command continues it."


def _fault(answer: Answer) -> str:
    """Why an answer cannot be used, "" when it can."""
    if answer.finish_reason not in ("stop", "length") or not answer.text.strip():
        return "no answer, or a blank one"
    if answer.grade.full_score is None:
        return "not fully graded"
    return "" if _is_unicode(answer.text) else "not valid Unicode"


def _is_unicode(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _is_good(item: Item, answer: Answer, min_score: float | None) -> bool:
    if min_score is None:
        return item.rubric.grade(answer.grade.verdicts, Rule.ALL_MET).score == 1
    return answer.score >= min_score - _ROUNDING


def _pairs(answers: Sequence[Answer]) -> Iterator[tuple[Answer, Answer]]:
    """The best and the worst answer to each conversation that has two."""
    for prompt in dict.fromkeys(answer.prompt for answer in answers):
        alike = [answer for answer in answers if answer.prompt == prompt]
        if finished := [answer for answer in alike if answer.is_finished]:
            chosen, rejected = min(finished, key=_from_the_best), min(alike, key=_from_the_worst)
            if len(alike) > 1:
                yield chosen, rejected


def _margin(pair: tuple[Answer, Answer]) -> float:
    return round(pair[0].score - pair[1].score, 10)


def _floored(value: float) -> float:
    """Three decimals that are not above the value, for people to type."""
    return math.floor(value * 1000 + _ROUNDING) / 1000


def _from_the_best(answer: Answer) -> tuple[float, int, int]:
    return -answer.score, answer.round, answer.tokens


def _from_the_worst(answer: Answer) -> tuple[float, bool, int, int]:
    return answer.score, not answer.is_finished, answer.round, answer.tokens


def _plain(answer: Answer) -> list[dict[str, str]]:
    return [message.as_dict() for message in answer.prompt]

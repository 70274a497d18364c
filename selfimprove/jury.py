"""Judges over many answers at once: each of their rulings is on the disk before anything is made of it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from typing import Any

from herl.benchmarks.conversation import answer_hash
from herl.benchmarks.graded import read_verdict
from herl.benchmarks.judging import verdict_row
from herl.benchmarks.work import Watch, silent
from herl.item import Item, Message, Usage
from herl.judge.judge import Judge
from herl.judge.panel import Panel, combine
from herl.judge.prompt import Question
from herl.rubric import Criterion, Outcome, Verdict
from herl.selfimprove.journal import Journal
from herl.selfimprove.turns import load

Known = Callable[[Item, str], Mapping[str, Verdict]]
"""(item, answer) -> criterion id -> verdict, for what no judge need decide."""

_Place = tuple[str, str, str, tuple[str, ...]]
"""A question's place among the journal's rulings."""


@dataclass(frozen=True, slots=True)
class Case:
    """An answer to be graded.

    Args:
        item: What was asked, with the criteria that may be told to whoever grades.
        messages: The conversation as the model saw it.
        answer: The answer, without its thinking.
    """

    item: Item
    messages: tuple[Message, ...]
    answer: str


@dataclass(frozen=True, slots=True)
class Ruled:
    """What judges made of a case.

    Args:
        verdicts: One per criterion, in the rubric's order.
        said: Criterion id -> judge -> its verdict, for what several judges decided.
        usage: Tokens of all questions that it took, whoever asked them first.
        lacking: Why verdicts are missing that may come when the run is continued.
    """

    verdicts: tuple[Verdict, ...]
    said: Mapping[str, Mapping[str, Verdict]] = field(default_factory=dict)
    usage: Usage = field(default_factory=Usage)
    lacking: tuple[str, ...] = ()


@dataclass(frozen=True)
class Seat:
    """One judge.

    Args:
        name: What rows call it.
        label: What people are told that it is called.
        judge: Who is asked.
    """

    name: str
    label: str
    judge: Judge


class Jury:
    """One judge, or a panel.

    Args:
        seats: The judges.
        journal: What they ruled, and where their rulings go.
        known: Decides what no judge need be asked: criteria with a check, blank answers.
        panel: How several judges' verdicts become one.
        watch: Shows progress.
    """

    def __init__(
        self,
        seats: Sequence[Seat],
        journal: Journal,
        known: Known,
        panel: Panel = Panel.MEAN,
        watch: Watch = silent,
    ) -> None:
        self._seats = seats
        self._journal = journal
        self._known = known
        self._panel = panel
        self._watch = watch

    def rule(self, cases: Sequence[Case], arm: str) -> list[Ruled]:
        """Rule on all cases, each judge on all of them in one batch.

        Args:
            cases: Answers; equal ones are asked about once.
            arm: For which arm of the experiment, for the record of time.

        Raises:
            HerlError: a judge's engine cannot go on; what was ruled by then is kept.
        """
        known = [self._known(case.item, case.answer) for case in cases]
        for seat in self._seats:
            self._ask(seat, [(case, found) for case, found in zip(cases, known, strict=True)], arm)
        return [self._ruled(case, found) for case, found in zip(cases, known, strict=True)]

    def _ask(self, seat: Seat, cases: Iterable[tuple[Case, Mapping[str, Verdict]]], arm: str) -> None:
        asked = {
            _place(seat.name, question): question
            for case, known in cases
            for question in _open(seat.judge, case, known)
        }
        pending = {place: question for place, question in asked.items() if self._is_missing(place)}
        if not pending:
            return
        load(seat.judge.engine)
        before = seat.judge.generated
        with (
            self._watch(f"{arm}: verdicts by {seat.label}", len(asked), len(asked) - len(pending)) as progress,
            self._journal.timed(arm, "critic") as meter,
            closing(seat.judge.decide(list(pending.values()))) as rulings,
        ):
            for ruling in rulings:
                self._journal.add_ruling(verdict_row(seat.name, ruling))
                meter.tokens = seat.judge.generated - before
                progress.advance(ruling.usage.completion_tokens)

    def _is_missing(self, place: _Place) -> bool:
        row = self._journal.rulings.get(place)
        return row is None or any(each["outcome"] == Outcome.TRANSPORT for each in row["verdicts"])

    def _ruled(self, case: Case, known: Mapping[str, Verdict]) -> Ruled:
        verdicts = dict(known)
        said: dict[str, dict[str, Verdict]] = {}
        usage, lacking = Usage(), []
        for seat in self._seats:
            for question in _open(seat.judge, case, known):
                row = self._journal.rulings[_place(seat.name, question)]
                used = row["usage"]
                usage = Usage(
                    usage.prompt_tokens + used["prompt_tokens"], usage.completion_tokens + used["completion_tokens"]
                )
                for criterion, verdict in _read(question.criteria, row):
                    said.setdefault(criterion.id, {})[seat.label] = verdict
                    if verdict.outcome is Outcome.TRANSPORT:
                        lacking.append(f"{seat.name}: {verdict.evidence}")
        by_id = {criterion.id: criterion for criterion in case.item.rubric.criteria}
        several = len(self._seats) > 1
        for name, each in said.items():
            verdicts[name] = combine(by_id[name], each, self._panel) if several else next(iter(each.values()))
        ordered = tuple(verdicts[name] for name in by_id)
        return Ruled(ordered, said if several else {}, usage, tuple(lacking))


def _open(judge: Judge, case: Case, known: Mapping[str, Verdict]) -> list[Question]:
    """What is left to ask a judge about a case."""
    if all(criterion.id in known for criterion in case.item.rubric.criteria):
        return []
    return judge.questions(case.item, 0, case.messages, case.answer)


def _place(judge: str, question: Question) -> _Place:
    criteria = tuple(criterion.id for criterion in question.criteria)
    return judge, question.item.id, answer_hash(question.answer), criteria


def _read(criteria: Sequence[Criterion], row: Mapping[str, Any]) -> list[tuple[Criterion, Verdict]]:
    return [(each, read_verdict(each, found)) for each, found in zip(criteria, row["verdicts"], strict=True)]

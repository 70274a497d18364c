"""Graders turn (item, answer) into one verdict per criterion."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from dataclasses import replace
from typing import TYPE_CHECKING, Protocol

from herl.errors import UsageError, nearest
from herl.item import Item
from herl.rubric import Criterion, Outcome, Rubric, Verdict

if TYPE_CHECKING:
    from herl.judge.judge import Judge

CheckFunction = Callable[..., bool]
"""`check(answer, **kwargs) -> bool`; pure, and total: any text gets an answer."""


class Grader(Protocol):
    """What decides the criteria of an item."""

    def verdicts(self, item: Item, answer: str) -> tuple[Verdict, ...]:
        """One verdict per criterion of `item.rubric`, in its order."""
        ...


def as_is(answer: str) -> Sequence[str]:
    """The answer alone: a strict reading."""
    return (answer,)


class CheckGrader:
    """Decides criteria by code.

    A criterion is met when its check holds for any non-blank variant of the answer, so a blank answer
    meets nothing. A check that raises has a bug: its criterion is left ungraded, visibly, and the run goes on.

    Args:
        checks: Check id -> function.
        variants: Readings of an answer that a check may be tried on; `as_is` for strict grading.
    """

    def __init__(self, checks: Mapping[str, CheckFunction], variants: Callable[[str], Sequence[str]] = as_is) -> None:
        self._checks = checks
        self._variants = variants

    def verdicts(self, item: Item, answer: str) -> tuple[Verdict, ...]:
        """Run every criterion's check on the answer.

        Raises:
            UsageError: a criterion has no check, or names one that is not in the table.
        """
        texts = [text for text in self._variants(answer) if text.strip()]
        found = []
        for criterion in item.rubric.criteria:
            if criterion.check is None:
                raise UsageError(f"item {item.id}: criterion {criterion.id!r} has no check, a judge must decide it")
            found.append(_decide(criterion, self._function(item, criterion.check.id), texts))
        return tuple(found)

    def _function(self, item: Item, name: str) -> CheckFunction:
        try:
            return self._checks[name]
        except KeyError:
            raise UsageError(f"item {item.id}: unknown check {name!r}", nearest(name, list(self._checks))) from None


class JudgeGrader:
    """Decides criteria by an LLM judge, and those that have a check by code.

    As for checks, a blank answer meets nothing, and the judge is not asked about it. The conversation that the
    judge sees is the item's own.

    Args:
        judge: Who is asked. The grader does not close it.
        checks: Decides the criteria with a check; None for rubrics without any.
    """

    def __init__(self, judge: Judge, checks: Grader | None = None) -> None:
        self._judge = judge
        self._checks: Grader = checks or CheckGrader({})

    @property
    def judge(self) -> Judge:
        """Who is asked."""
        return self._judge

    def verdicts(self, item: Item, answer: str) -> tuple[Verdict, ...]:
        """The verdicts on one answer; for many answers `verdicts_of_all` keeps the judge busy.

        Raises:
            UsageError: as `CheckGrader.verdicts`, for a criterion with a check.
            HerlError: the judge's engine cannot go on.
        """
        return self.verdicts_of_all([(item, answer)])[0]

    def verdicts_of_all(self, answers: Sequence[tuple[Item, str]]) -> list[tuple[Verdict, ...]]:
        """The verdicts on many answers, asked for all at once.

        Args:
            answers: Items with an answer each; an item may come more than once.

        Returns:
            For each answer one verdict per criterion, in the rubric's order.

        Raises:
            HerlError: as `verdicts`.
        """
        found = [self.without_judge(item, answer) for item, answer in answers]
        questions = [
            question
            for number, (item, answer) in enumerate(answers)
            if answer.strip()
            for question in self._judge.questions(item, number, item.messages, answer)
        ]
        with closing(self._judge.decide(questions)) as rulings:
            for ruling in rulings:
                found[ruling.question.sample] |= {verdict.criterion: verdict for verdict in ruling.verdicts}
        return [
            tuple(verdicts[criterion.id] for criterion in item.rubric.criteria)
            for (item, _), verdicts in zip(answers, found, strict=True)
        ]

    def without_judge(self, item: Item, answer: str) -> dict[str, Verdict]:
        """Criterion id -> verdict, for what code decides; for a blank answer, all.

        Raises:
            UsageError: as `CheckGrader.verdicts`, for a criterion with a check.
        """
        checked = tuple(criterion for criterion in item.rubric.criteria if criterion.check)
        found = self._checks.verdicts(replace(item, rubric=Rubric(checked)), answer) if checked else ()
        rest = () if answer.strip() else [each for each in item.rubric.criteria if each.check is None]
        blank = [Verdict(each.id, Outcome.SCORED, 0.0, "the answer is blank") for each in rest]
        return {verdict.criterion: verdict for verdict in (*found, *blank)}


def _decide(criterion: Criterion, check: CheckFunction, texts: Sequence[str]) -> Verdict:
    assert criterion.check is not None
    try:
        return Verdict.scored(criterion, any(check(text, **criterion.check.kwargs) for text in texts))
    except Exception as error:  # a plug-in's check may raise anything; one answer must not end the run
        reason = f"check {criterion.check.id} raised {type(error).__name__}: {error}"
        return Verdict.abstained(criterion, Outcome.CHECK_ERROR, reason)

"""Graders turn (item, answer) into one verdict per criterion."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Protocol

from herl.errors import UsageError, nearest
from herl.item import Item
from herl.rubric import Criterion, Outcome, Verdict

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


def _decide(criterion: Criterion, check: CheckFunction, texts: Sequence[str]) -> Verdict:
    assert criterion.check is not None
    try:
        return Verdict.scored(criterion, any(check(text, **criterion.check.kwargs) for text in texts))
    except Exception as error:  # a plug-in's check may raise anything; one answer must not end the run
        reason = f"check {criterion.check.id} raised {type(error).__name__}: {error}"
        return Verdict.abstained(criterion, Outcome.CHECK_ERROR, reason)

"""Graders turn (item, answer) into one verdict per criterion."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Protocol

from herl.errors import UsageError, nearest
from herl.item import Item
from herl.rubric import Verdict

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
    meets nothing.

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
            check, kwargs = self._function(item, criterion.check.id), criterion.check.kwargs
            found.append(Verdict.scored(criterion, any(check(text, **kwargs) for text in texts)))
        return tuple(found)

    def _function(self, item: Item, name: str) -> CheckFunction:
        try:
            return self._checks[name]
        except KeyError:
            raise UsageError(f"item {item.id}: unknown check {name!r}", nearest(name, list(self._checks))) from None

"""Criteria decided by code."""

from __future__ import annotations

import pytest

from herl.errors import UsageError
from herl.grader import CheckFunction, CheckGrader
from herl.item import Item, Message
from herl.rubric import Check, Criterion, Outcome, Rubric


def item_with(*checks: Check | None) -> Item:
    criteria = tuple(Criterion(str(n), "text", check=check) for n, check in enumerate(checks))
    return Item("i", (Message("user", "hi"),), Rubric(criteria))


def short(text: str, most: int) -> bool:
    return len(text) <= most


def broken(text: str) -> bool:
    raise ZeroDivisionError(text)


CHECKS: dict[str, CheckFunction] = {"short": short, "broken": broken}


def test_each_criterion_gets_its_own_verdict_in_order() -> None:
    item = item_with(Check("short", {"most": 3}), Check("short", {"most": 10}))
    assert [v.value for v in CheckGrader(CHECKS).verdicts(item, "hello")] == [0.0, 1.0]


def test_a_blank_answer_meets_nothing() -> None:
    item = item_with(Check("short", {"most": 3}))
    assert [v.value for v in CheckGrader(CHECKS).verdicts(item, " \n")] == [0.0]


def test_a_criterion_is_met_when_any_variant_meets_it() -> None:
    grader = CheckGrader(CHECKS, variants=lambda answer: (answer, answer[:2]))
    item = item_with(Check("short", {"most": 3}))
    assert [v.value for v in grader.verdicts(item, "hello")] == [1.0]


def test_a_check_that_raises_leaves_its_criterion_ungraded_and_the_others_graded() -> None:
    item = item_with(Check("broken"), Check("short", {"most": 9}))
    first, second = CheckGrader(CHECKS).verdicts(item, "hello")
    assert first.outcome is Outcome.CHECK_ERROR
    assert "broken raised ZeroDivisionError" in first.evidence
    assert second.value == 1.0


def test_an_unknown_check_is_named_with_its_nearest_neighbour() -> None:
    with pytest.raises(UsageError) as raised:
        CheckGrader(CHECKS).verdicts(item_with(Check("shrt")), "hello")
    assert "'shrt'" in raised.value.message
    assert "'short'" in raised.value.hint


def test_a_criterion_without_a_check_needs_a_judge() -> None:
    with pytest.raises(UsageError, match="judge"):
        CheckGrader(CHECKS).verdicts(item_with(None), "hello")

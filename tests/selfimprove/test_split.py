"""What a critic may see: a seeded share of each rubric stays hidden, and facts are never shown."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from made_benchmarks import item
from made_rubrics import items

from herl.item import Item
from herl.rubric import Check, Criterion, Rule
from herl.selfimprove.split import hidden_criteria, seen_by_critic, seen_by_oracle

TEN = item("q", *(Criterion(str(number), f"It has {number}.") for number in range(10)))


@settings(max_examples=25)
@given(items(), st.floats(0, 1, exclude_max=True), st.integers(0, 9))
def test_some_are_hidden_and_some_are_seen(asked: Item, share: float, seed: int) -> None:
    names = [criterion.id for criterion in asked.rubric.criteria]
    hidden = hidden_criteria(asked, share, seed)
    assert list(hidden) == [name for name in names if name in hidden], "in the rubric's order"
    if share and len(names) > 1:
        assert 1 <= len(hidden) < len(names)
        assert abs(len(hidden) - share * len(names)) <= 0.5 or len(hidden) in (1, len(names) - 1)
    else:
        assert not hidden


@pytest.mark.parametrize(("share", "count"), [(0.3, 3), (0.01, 1), (0.99, 9), (0.5, 5)])
def test_the_share_is_that_of_each_rubric(share: float, count: int) -> None:
    assert len(hidden_criteria(TEN, share, 1)) == count


def test_what_is_hidden_depends_on_seed_and_item_and_not_on_the_criterias_order() -> None:
    turned = item("q", *reversed(TEN.rubric.criteria))
    assert set(hidden_criteria(turned, 0.3, 1)) == set(hidden_criteria(TEN, 0.3, 1))
    assert len({hidden_criteria(TEN, 0.3, seed) for seed in range(20)}) > 5
    others = {hidden_criteria(item(str(number), *TEN.rubric.criteria), 0.3, 1) for number in range(20)}
    assert len(others) > 5


@settings(max_examples=25)
@given(items(), st.floats(0, 1, exclude_max=True))
def test_a_critic_sees_texts_alone(asked: Item, share: float) -> None:
    hidden = hidden_criteria(asked, share, 0)
    seen = seen_by_critic(asked, hidden)
    shown = [criterion for criterion in asked.rubric.criteria if criterion.id not in hidden]
    assert [(each.id, each.text, each.weight, each.scale) for each in seen.rubric.criteria] == [
        (each.id, each.text, each.weight, each.scale) for each in shown
    ]
    assert all(each.check is None for each in seen.rubric.criteria)
    assert (seen.facts, seen.messages, seen.rubric.rule) == ({}, asked.messages, asked.rubric.rule)


def test_an_oracle_decides_as_the_benchmark_does_what_it_may_see() -> None:
    checked, told = Criterion("a", "No commas.", check=Check("no_comma")), Criterion("b", "It is kind.")
    asked = item("q", checked, told)
    asked = Item("q", asked.messages, type(asked.rubric)((checked, told), Rule.ALL_MET), facts={"reference": "x"})
    seen = seen_by_oracle(asked, ("b",))
    assert (seen.rubric.criteria, seen.rubric.rule, seen.facts) == ((checked,), Rule.ALL_MET, {"reference": "x"})

"""Advantages: what the variants divide by, and that no signal and no grade mean exactly no gradient."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from herl.train.advantage import Variant, advantages, has_signal

VARIANTS: list[Variant] = ["grpo", "dr_grpo", "dapo"]
SCORES = st.floats(-2, 2).map(lambda score: round(score, 3))
GROUPS = st.lists(st.none() | SCORES, max_size=9)


def test_grpo_is_the_references_formula() -> None:
    rewards = np.array([0.0, 0.25, 1.0, 0.5])
    wanted = (rewards - rewards.mean()) / (rewards.std(ddof=1) + 1e-6)
    assert advantages(rewards.tolist(), "grpo") == pytest.approx(wanted.tolist(), abs=1e-12)


def test_the_small_number_beside_the_deviation_is_a_millionth() -> None:
    # Half of the spread is 5e-7 here, the deviation sqrt(2) times that.
    assert advantages([0.0, 1e-6])[1] == pytest.approx(0.5 / (0.5**0.5 + 1), rel=1e-6)


def test_dr_grpo_takes_the_mean_away_and_nothing_else() -> None:
    assert advantages([0.0, 0.25, 1.0, 0.75], "dr_grpo") == [-0.5, -0.25, 0.5, 0.25]


def test_dapo_normalises_as_grpo_does() -> None:
    assert advantages([0.0, 0.25, 1.0], "dapo") == advantages([0.0, 0.25, 1.0], "grpo")


@pytest.mark.parametrize("variant", VARIANTS)
@pytest.mark.parametrize("score", [0.0, 1.0, 0.1, 1 / 3, -0.7])
@pytest.mark.parametrize("size", [2, 3, 7, 8])
def test_equal_rewards_give_exactly_nothing(variant: Variant, score: float, size: int) -> None:
    assert advantages([score] * size, variant) == [0.0] * size


@pytest.mark.parametrize("variant", VARIANTS)
def test_rewards_that_differ_by_rounding_only_are_equal(variant: Variant) -> None:
    assert 0.1 + 0.2 != 0.3
    assert advantages([0.1 + 0.2, 0.3, 0.3], variant) == [0.0, 0.0, 0.0]


@pytest.mark.parametrize("variant", VARIANTS)
def test_the_smallest_bonus_is_a_signal(variant: Variant) -> None:
    low, high = advantages([0.0, 0.0 + 0.001 * 0.01], variant)
    assert low < 0 < high


@pytest.mark.parametrize("variant", VARIANTS)
def test_an_abstention_gets_none_and_is_outside_the_baseline(variant: Variant) -> None:
    found = advantages([1.0, None, 0.0, None, 0.25], variant)
    assert [found[1], found[3]] == [0.0, 0.0]
    assert [found[0], found[2], found[4]] == advantages([1.0, 0.0, 0.25], variant)


@pytest.mark.parametrize("scores", [[], [0.5], [None, None], [None, 0.5, None], [1.0, 1.0, None]])
def test_without_two_different_rewards_there_is_no_signal(scores: list[float | None]) -> None:
    assert not has_signal(scores)
    assert advantages(scores) == [0.0] * len(scores)


@pytest.mark.parametrize("variant", VARIANTS)
@settings(max_examples=40)
@given(scores=GROUPS)
def test_they_cancel_out_and_keep_the_order_of_the_rewards(scores: list[float | None], variant: Variant) -> None:
    found = advantages(scores, variant)
    assert sum(found) == pytest.approx(0, abs=1e-9)
    assert any(found) == has_signal(scores)
    pairs = sorted((score, advantage) for score, advantage in zip(scores, found, strict=True) if score is not None)
    assert [advantage for _, advantage in pairs] == sorted(advantage for _, advantage in pairs)


@pytest.mark.parametrize("variant", VARIANTS)
@settings(max_examples=40)
@given(data=st.data())
def test_members_in_another_order_get_the_very_same(data: st.DataObject, variant: Variant) -> None:
    scores = data.draw(GROUPS)
    order = data.draw(st.permutations(range(len(scores))))
    found = advantages(scores, variant)
    assert advantages([scores[each] for each in order], variant) == [found[each] for each in order]


@given(GROUPS, st.floats(1, 10), st.floats(-3, 3))
def test_grpo_knows_no_unit_and_no_zero_point(scores: list[float | None], unit: float, zero: float) -> None:
    assume(has_signal(scores))
    moved = [None if score is None else score * unit + zero for score in scores]
    # The millionth beside the deviation does have a unit: it is at most a part in a hundred here.
    assert advantages(moved) == pytest.approx(advantages(scores), rel=0.02, abs=1e-6)


@given(GROUPS)
def test_grpo_gives_a_group_the_deviation_one(scores: list[float | None]) -> None:
    assume(has_signal(scores))
    known = [each for each, score in zip(advantages(scores), scores, strict=True) if score is not None]
    assert sum(each**2 for each in known) / (len(known) - 1) == pytest.approx(1, rel=0.01)

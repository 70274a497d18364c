"""Exploration by hindsight, rule by rule (method.md, sections 2.3, 2.6, 3 and 15)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from herl.train.advantage import advantages
from herl.train.explore import Member, Mix, accepted, failures, mixed, replaced, with_bonus

SCORES = st.sampled_from([0.0, 0.25, 0.5, 2 / 3, 0.9, 1.0])
GROUPS = st.lists(st.none() | SCORES, max_size=9)
MIXES: list[Mix] = ["replace", "append"]


@st.composite
def explored(draw: st.DrawFn) -> tuple[list[float | None], dict[int, float | None]]:
    """A group and the rewards of some revisions, of which some are abstentions."""
    scores = draw(GROUPS)
    numbers = [number for number, score in enumerate(scores) if score is not None]
    revised = draw(st.lists(st.sampled_from(numbers), unique=True)) if numbers else []
    return scores, {number: draw(st.none() | SCORES) for number in revised}


def chosen(scores: Sequence[float | None], met: Sequence[int] | None = None, **options: Any) -> list[int]:
    options.setdefault("eligible", [True] * len(scores))
    return failures(scores, met or [0] * len(scores), **options)


# --- which answers are revised


def test_the_two_best_failures_are_revised() -> None:
    assert chosen([0.0, 0.5, 0.25, 0.75]) == [3, 1]


def test_of_equal_rewards_that_which_meets_most_is_revised_then_that_which_came_first() -> None:
    assert chosen([0.5, 0.5, 0.5, 0.5], [1, 2, 2, 1], top_k=3) == [1, 2, 0]


def test_the_reward_counts_before_the_criteria_met() -> None:
    assert chosen([0.5, 0.25], [1, 9], top_k=1) == [0]


@pytest.mark.parametrize("which", ["top_k", "ties"])
@pytest.mark.parametrize("scores", [[0.0, 1.0], [1.0, None], [1.5, 0.0]])
def test_a_solved_group_is_never_revised(scores: list[float | None], which: str) -> None:
    assert chosen(scores, which=which) == []


def test_solved_is_from_the_threshold_on() -> None:
    assert chosen([0.8, 0.5], threshold=0.8) == []
    assert chosen([0.79, 0.5], threshold=0.8) == [0, 1]


def test_an_answer_that_needs_no_guidance_may_solve_its_group_all_the_same() -> None:
    assert chosen([1.0, 0.5], eligible=[False, True]) == []


@pytest.mark.parametrize("which", ["top_k", "ties"])
def test_an_abstention_is_no_failure(which: str) -> None:
    assert chosen([None, 0.0, None], which=which) == [1]
    assert chosen([None, None], which=which) == []


@pytest.mark.parametrize("which", ["top_k", "ties"])
def test_where_nothing_is_known_to_be_unmet_there_is_nothing_to_revise_for(which: str) -> None:
    assert chosen([0.5, 0.5], eligible=[False, True], which=which) == [1]


def test_ties_are_all_that_are_as_good_as_the_best_those_that_meet_most_first() -> None:
    assert chosen([0.5, 0.25, 0.5 + 5e-7, 0.5], [1, 9, 1, 2], which="ties") == [3, 0, 2]


def test_more_than_a_millionth_below_the_best_is_no_tie() -> None:
    assert chosen([0.5, 0.5 - 2e-6], which="ties") == [0]


def test_ties_end_at_sixteen() -> None:
    assert chosen([0.0] * 20, list(range(20)), which="ties") == list(range(19, 3, -1))


@given(GROUPS, st.data())
def test_whatever_is_revised_is_a_known_failure_that_can_be_told_something(
    scores: list[float | None], data: st.DataObject
) -> None:
    size = len(scores)
    met = data.draw(st.lists(st.integers(0, 3), min_size=size, max_size=size))
    eligible = data.draw(st.lists(st.booleans(), min_size=size, max_size=size))
    top_k, which = data.draw(st.integers(1, 4)), data.draw(st.sampled_from(["top_k", "ties"]))
    found = chosen(scores, met, eligible=eligible, threshold=0.9, which=which, top_k=top_k)
    picked = [scores[number] for number in found]
    assert all(score is not None and score < 0.9 for score in picked)
    assert all(eligible[number] for number in found)
    assert len(set(found)) == len(found)
    if which == "top_k":
        left = [scores[number] for number in range(size) if eligible[number] and number not in found]
        assert len(found) <= top_k
        assert not found or all(score is None or score <= min(s for s in picked if s is not None) for score in left)


# --- the bonus


def test_the_bonus_is_a_share_of_what_revision_gained() -> None:
    assert with_bonus([0.5, 0.25], {0: 1.0}, 0.05) == [pytest.approx(0.525), 0.25]


def test_the_bonus_is_a_malus_where_the_revision_is_worse() -> None:
    assert with_bonus([0.5], {0: 0.1}, 0.05) == [pytest.approx(0.48)]


@given(SCORES, SCORES, st.floats(0, 1))
def test_the_reward_with_its_bonus_lies_between_answer_and_revision(score: float, revised: float, alpha: float) -> None:
    (found,) = with_bonus([score], {0: revised}, alpha)
    assert found == pytest.approx((1 - alpha) * score + alpha * revised)


def test_a_revision_that_nobody_could_grade_earns_nothing() -> None:
    assert with_bonus([0.5, 0.5], {0: None}, 0.5) == [0.5, 0.5]


def test_an_abstention_stays_one_whatever_its_revision() -> None:
    assert with_bonus([None, 0.5], {0: 1.0}, 0.5) == [None, 0.5]


def test_the_bonus_alone_can_give_a_group_its_signal() -> None:
    rewards = [member.reward for member in mixed([0.0, 0.0, 0.0], {1: -0.5}, alpha=0.05)]
    assert advantages(rewards)[1] < 0 < advantages(rewards)[0]


# --- which revision is accepted


def test_the_best_revision_is_accepted() -> None:
    assert accepted([0.5, 0.25], {0: 0.6, 1: 0.9}) == 1


def test_as_good_as_the_best_answer_is_good_enough() -> None:
    assert accepted([0.5, 0.25], {1: 0.5}) == 1


def test_worse_than_the_best_answer_is_not_accepted_though_better_than_its_own_draft() -> None:
    assert accepted([0.5, 0.25], {1: 0.49}) is None


def test_of_equally_good_revisions_that_of_the_first_answer_is_accepted() -> None:
    assert accepted([0.5, 0.5, 0.5], {2: 0.9, 1: 0.9, 0: 0.6}) == 1


@pytest.mark.parametrize("revisions", [{}, {0: None}])
def test_without_a_graded_revision_none_is_accepted(revisions: dict[int, float | None]) -> None:
    assert accepted([0.5, 0.25], revisions) is None


def test_abstained_answers_set_no_bar() -> None:
    assert accepted([None, 0.25], {1: 0.3}) == 1
    assert accepted([None, None], {}) is None
    assert accepted([None], {0: 1.0}) is None


def test_the_bar_is_the_best_answer_before_its_bonus() -> None:
    # Its malus takes the first answer to 0.3, below the second one's revision.
    found = mixed([0.5, 0.2], {0: 0.1, 1: 0.4}, alpha=0.5)
    assert [member.reward for member in found] == pytest.approx([0.3, 0.3])
    assert not any(member.guided for member in found)


# --- who makes room


def test_the_lowest_reward_makes_room() -> None:
    assert replaced([0.5, 0.0, 0.25], 3) == 1


def test_the_seed_decides_between_equally_low_ones() -> None:
    found = {replaced([0.5, 0.0, 0.0, 0.25, 5e-7], seed) for seed in range(60)}
    assert found == {1, 2, 4}
    assert len({replaced([0.5, 0.0, 0.0, 0.25, 0.0], 7) for _ in range(5)}) == 1


def test_an_abstention_goes_first() -> None:
    assert {replaced([0.5, None, 0.0, None], seed) for seed in range(40)} == {1, 3}


def test_where_all_are_equal_the_first_stays() -> None:
    assert {replaced([0.5, 0.5, 0.5], seed) for seed in range(40)} == {1, 2}


def test_of_equally_low_ones_that_which_earned_a_bonus_stays() -> None:
    assert {replaced([0.0, 0.0, 0.0, 0.0], seed, revised=[0, 2]) for seed in range(40)} == {1, 3}
    assert replaced([0.0, 0.0], 1, revised=[0, 1]) == 1


def test_a_lower_reward_goes_before_a_higher_one_without_a_bonus() -> None:
    assert replaced([0.0, 0.5, 0.9], 1, revised=[0]) == 0


@pytest.mark.parametrize("scores", [[], [0.5]])
def test_nobody_makes_room_where_there_is_only_the_best(scores: list[float | None]) -> None:
    assert replaced(scores, 1) is None


@given(GROUPS, st.integers(0, 2**64), st.sets(st.integers(0, 8)))
def test_the_best_answer_never_makes_room(scores: list[float | None], seed: int, revised: set[int]) -> None:
    slot = replaced(scores, seed, revised=revised)
    known = [score for score in scores if score is not None]
    if slot is None:
        assert len(scores) < 2
        return
    assert scores[slot] is None or scores.index(max(known)) != slot
    assert scores[slot] is None or None not in scores
    left = [score for number, score in enumerate(scores) if number != slot and score is not None]
    assert max(left, default=None) == max(known, default=None)


# --- the group that is trained on


def test_replacing_puts_the_revision_in_the_place_of_the_lowest() -> None:
    assert mixed([0.5, 0.0, 0.25], {0: 1.0}, alpha=0.0) == [
        Member(0, False, 0.5),
        Member(0, True, 1.0),
        Member(2, False, 0.25),
    ]


def test_appending_puts_it_behind_the_answers() -> None:
    assert mixed([0.5, 0.0], {0: 1.0}, alpha=0.0, mix="append") == [
        Member(0, False, 0.5),
        Member(1, False, 0.0),
        Member(0, True, 1.0),
    ]


def test_a_revisions_own_reward_has_no_bonus() -> None:
    guided = next(member for member in mixed([0.5, 0.0], {0: 0.75}, alpha=0.5) if member.guided)
    assert guided.reward == 0.75


@pytest.mark.parametrize("mix", MIXES)
def test_without_an_acceptable_revision_the_group_stays_but_for_its_bonuses(mix: Mix) -> None:
    scores = [0.5, 0.25, None]
    revisions = {0: 0.4, 1: 0.45}
    wanted = with_bonus(scores, revisions, 0.05)
    assert mixed(scores, revisions, mix=mix) == [Member(n, False, reward) for n, reward in enumerate(wanted)]
    assert wanted != scores


def test_the_lowest_before_its_bonus_makes_room() -> None:
    # With its bonus the last answer has 0.55.
    assert mixed([0.9, 0.2, 0.1], {2: 1.0}, alpha=0.5)[2] == Member(2, True, 1.0)


def test_a_lone_answer_is_not_replaced() -> None:
    assert mixed([0.5], {0: 1.0}, alpha=0.0) == [Member(0, False, 0.5)]
    assert mixed([0.5], {0: 1.0}, alpha=0.0, mix="append")[1] == Member(0, True, 1.0)


def test_the_same_seed_mixes_the_same_way_and_others_differ() -> None:
    scores, revisions = [0.5] * 6, {0: 1.0}
    made = [mixed(scores, revisions, seed=seed) for seed in range(30)]
    assert made == [mixed(scores, revisions, seed=seed) for seed in range(30)]
    places = {next(place for place, member in enumerate(each) if member.guided) for each in made}
    assert places == {1, 2, 3, 4, 5}


def test_the_answers_that_earned_a_bonus_are_not_those_that_make_room() -> None:
    for seed in range(30):
        found = mixed([0.0, 0.0, 0.0], {0: 0.5, 1: 0.5}, seed=seed)
        assert [member.guided for member in found] == [False, False, True]


def test_an_answer_whose_revision_nobody_could_grade_may_make_room() -> None:
    found = [mixed([0.0, 0.0, 0.0], {0: 0.5, 1: None}, seed=seed) for seed in range(30)]
    assert any(each[1].guided for each in found) and any(each[2].guided for each in found)


@pytest.mark.parametrize("mix", MIXES)
@settings(max_examples=40)
@given(group=explored(), alpha=st.floats(0, 1), seed=st.integers(0, 2**64))
def test_mixing_loses_no_best_answer_and_adds_one_revision_at_most(
    group: tuple[list[float | None], dict[int, float | None]], alpha: float, seed: int, mix: Mix
) -> None:
    scores, revisions = group
    found = mixed(scores, revisions, alpha=alpha, mix=mix, seed=seed)
    guided = [member for member in found if member.guided]
    plain = [member for member in found if not member.guided]
    winner = accepted(scores, revisions)
    assert len(guided) <= (winner is not None)
    assert all(each.number == winner and each.reward == revisions[each.number] for each in guided)
    rewards = with_bonus(scores, revisions, alpha)
    assert all(each.reward == rewards[each.number] for each in plain)
    assert len(found) == len(scores) + (mix == "append" and winner is not None)
    assert len(plain) == len(scores) - (mix == "replace" and len(guided))
    known = [score for score in scores if score is not None]
    if known:
        assert scores.index(max(known)) in [each.number for each in plain]


@pytest.mark.parametrize("mix", MIXES)
@settings(max_examples=40)
@given(scores=GROUPS, alpha=st.floats(0, 1))
def test_without_hindsight_the_group_is_its_answers_to_the_bit(
    scores: list[float | None], alpha: float, mix: Mix
) -> None:
    found = mixed(scores, {}, alpha=alpha, mix=mix)
    assert found == [Member(number, False, score) for number, score in enumerate(scores)]


@settings(max_examples=40)
@given(explored())
def test_without_a_bonus_rewards_stay_to_the_bit(group: tuple[list[float | None], dict[int, float | None]]) -> None:
    scores, revisions = group
    assert with_bonus(scores, revisions, 0.0) == scores

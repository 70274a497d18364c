"""The one formula for a score: what it gives, and what an abstention may never do to it."""

from __future__ import annotations

from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from herl.rubric import Criterion, Outcome, Rubric, Rule, Verdict

REASONS = [outcome for outcome in Outcome if outcome is not Outcome.SCORED]
VALUES = st.floats(0, 1, allow_nan=False)
POSITIVE = st.floats(0.1, 10)


def rubric_of(*weights: float, rule: Rule = Rule.WEIGHTED_MEAN) -> Rubric:
    return Rubric(tuple(Criterion(str(n), f"criterion {n}", weight=w) for n, w in enumerate(weights)), rule)


def verdicts_on(rubric: Rubric, values: list[float | None]) -> list[Verdict]:
    return [
        Verdict.abstained(criterion, Outcome.REFUSAL) if value is None else Verdict.scored(criterion, value)
        for criterion, value in zip(rubric.criteria, values, strict=True)
    ]


def score(rubric: Rubric, values: list[float | None]) -> float | None:
    return rubric.grade(verdicts_on(rubric, values)).score


@st.composite
def graded(draw: st.DrawFn, weights: st.SearchStrategy[float] = POSITIVE) -> tuple[Rubric, list[float | None]]:
    chosen = draw(st.lists(weights, min_size=1, max_size=5))
    values = draw(st.lists(st.none() | VALUES, min_size=len(chosen), max_size=len(chosen)))
    return rubric_of(*chosen, rule=draw(st.sampled_from(Rule))), values


SIGNED = POSITIVE | POSITIVE.map(lambda weight: -weight)


def test_the_score_is_the_weighted_mean_of_the_values() -> None:
    assert score(rubric_of(1, 3), [1, 0.5]) == pytest.approx(2.5 / 4)


def test_a_met_pitfall_costs_its_weight_and_can_make_the_score_negative() -> None:
    assert score(rubric_of(4, -2), [1, 1]) == pytest.approx(0.5)
    assert score(rubric_of(1, -2), [0, 1]) == pytest.approx(-2)


def test_clipping_cuts_a_negative_score_to_zero() -> None:
    assert score(rubric_of(1, -2, rule=Rule.CLIPPED), [0, 1]) == 0


def test_a_rubric_of_pitfalls_only_is_one_when_none_is_met_and_zero_when_all_are() -> None:
    assert score(rubric_of(-1, -3), [0, 0]) == 1
    assert score(rubric_of(-1, -3), [1, 0]) == pytest.approx(0.75)
    assert score(rubric_of(-1, -3), [1, 1]) == 0


def test_all_met_wants_every_criterion_met_and_every_pitfall_not_met() -> None:
    rubric = rubric_of(1, 1, -1, rule=Rule.ALL_MET)
    assert score(rubric, [1, 1, 0]) == 1
    assert score(rubric, [1, 0.9, 0]) == 0
    assert score(rubric, [1, 1, 1]) == 0


def test_points_are_the_raw_weighted_sum() -> None:
    assert score(rubric_of(5, 3, -2, rule=Rule.POINTS), [1, 0, 1]) == 3


def test_an_ordinal_criterion_maps_its_scale_to_zero_and_one_and_has_its_own_bar() -> None:
    usable = Criterion("usable", "of 1 to 5", scale=(1, 5), met_from=4)
    assert [usable.value_of(raw) for raw in (1, 3, 5)] == [0, 0.5, 1]
    assert [usable.is_met(usable.value_of(raw)) for raw in (3, 4, 5)] == [False, True, True]
    with pytest.raises(ValueError, match="outside"):
        Verdict.scored(usable, 6)


def test_without_a_bar_only_the_top_of_the_scale_counts_as_met() -> None:
    plain = Criterion("plain", "of 1 to 10", scale=(1, 10))
    assert [plain.is_met(plain.value_of(raw)) for raw in (9, 10)] == [False, True]


@given(graded())
def test_without_pitfalls_a_score_lies_between_zero_and_one(case: tuple[Rubric, list[float | None]]) -> None:
    rubric, values = case
    found = rubric.grade(verdicts_on(rubric, values), Rule.WEIGHTED_MEAN)
    assert found.score is None or 0 <= found.score <= 1 + 1e-12


@given(graded(SIGNED), st.data())
def test_a_better_value_never_lowers_the_score(case: tuple[Rubric, list[float | None]], data: st.DataObject) -> None:
    rubric, values = case
    place = data.draw(st.integers(0, len(values) - 1))
    if values[place] is None:
        return
    other = data.draw(VALUES)
    changed = [*values[:place], other, *values[place + 1 :]]
    before, after = score(rubric, values), score(rubric, changed)
    assert (before is None) == (after is None)
    if before is not None and after is not None:
        improvement = (other - (values[place] or 0.0)) * rubric.criteria[place].weight
        assert (after - before) * (1 if improvement >= 0 else -1) >= -1e-9


@given(graded(SIGNED))
def test_the_score_lies_within_its_interval(case: tuple[Rubric, list[float | None]]) -> None:
    rubric, values = case
    found = rubric.grade(verdicts_on(rubric, values))
    assert found.low <= found.high
    assert found.score is None or found.low <= found.score <= found.high


@given(graded(SIGNED))
def test_both_ends_of_the_interval_are_reached_by_some_completion_of_the_missing_verdicts(
    case: tuple[Rubric, list[float | None]],
) -> None:
    rubric, values = case
    found = rubric.grade(verdicts_on(rubric, values))
    choices = [[0.0, 1.0] if value is None else [value] for value in values]
    reached = [score(rubric, list(completion)) for completion in product(*choices)]
    known = [each for each in reached if each is not None]
    assert min(known) == pytest.approx(found.low)
    assert max(known) == pytest.approx(found.high)


@given(graded(SIGNED))
def test_with_every_verdict_there_is_no_interval(case: tuple[Rubric, list[float | None]]) -> None:
    rubric, values = case
    found = rubric.grade(verdicts_on(rubric, [0.5 if value is None else value for value in values]))
    assert found.low == found.high == found.score
    assert found.coverage == 1


@given(st.lists(st.tuples(POSITIVE, st.none() | VALUES), min_size=1, max_size=5), st.sampled_from(REASONS))
def test_an_abstention_counts_as_left_out_not_as_unmet(
    pairs: list[tuple[float, float | None]], reason: Outcome
) -> None:
    rubric = rubric_of(*(weight for weight, _ in pairs))
    verdicts = [
        Verdict.abstained(c, reason) if v is None else Verdict.scored(c, v)
        for c, (_, v) in zip(rubric.criteria, pairs, strict=True)
    ]
    kept = [(weight, value) for weight, value in pairs if value is not None]
    found = rubric.grade(verdicts).score
    if not kept:
        assert found is None
    else:
        alone = rubric_of(*(weight for weight, _ in kept))
        assert found == pytest.approx(score(alone, [value for _, value in kept]))


@given(graded(SIGNED))
def test_nothing_left_to_score_is_no_score(case: tuple[Rubric, list[float | None]]) -> None:
    rubric, values = case
    found = rubric.grade(verdicts_on(rubric, [None] * len(values)))
    assert found.score is None
    assert found.coverage == 0


def test_pitfalls_alone_do_not_score_an_answer_whose_merits_are_unknown() -> None:
    found = rubric_of(1, -1).grade(verdicts_on(rubric_of(1, -1), [None, 0]))
    assert found.score is None
    assert (found.low, found.high) == (0, 1)


def test_verdicts_come_back_in_the_rubrics_order() -> None:
    rubric = rubric_of(1, 1)
    first, second = verdicts_on(rubric, [1, 0])
    assert rubric.grade([second, first]).verdicts == (first, second)


def test_verdicts_must_match_the_criteria() -> None:
    rubric = rubric_of(1, 1)
    one, two = verdicts_on(rubric, [1, 0])
    for wrong in ([one], [one, one], [one, two, two]):
        with pytest.raises(ValueError, match="do not match"):
            rubric.grade(wrong)


@pytest.mark.parametrize("weight", [0.0, float("nan"), float("inf")])
def test_a_weight_must_be_a_finite_number_other_than_zero(weight: float) -> None:
    with pytest.raises(ValueError, match="weight"):
        Criterion("x", "x", weight=weight)


def test_an_empty_rubric_and_repeated_ids_are_refused() -> None:
    with pytest.raises(ValueError, match="at least one"):
        Rubric(())
    with pytest.raises(ValueError, match="unique"):
        Rubric((Criterion("a", "x"), Criterion("a", "y")))


def test_a_verdict_has_a_value_exactly_when_it_is_scored() -> None:
    with pytest.raises(ValueError, match="lies in"):
        Verdict("a", Outcome.SCORED, None)
    with pytest.raises(ValueError, match="no value"):
        Verdict("a", Outcome.PARSE_ERROR, 0.0)

"""Intervals: what they claim, checked by simulation and against scipy."""

from __future__ import annotations

from itertools import pairwise
from random import Random
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import ArrayLike
from scipy.stats import binomtest, bootstrap  # type: ignore[import-untyped]

from herl.stats import Interval, bootstrap_deviation, bootstrap_difference, bootstrap_ratio

units = st.lists(
    st.integers(1, 4).flatmap(lambda bottom: st.tuples(st.integers(0, bottom), st.just(bottom))),
    min_size=1,
    max_size=60,
)


def interval(numerators: ArrayLike, denominators: ArrayLike, seed: int = 0, resamples: int = 2000) -> Interval:
    return bootstrap_ratio(np.asarray(numerators).tolist(), np.asarray(denominators).tolist(), seed, resamples)


def columns(pairs: list[tuple[int, int]]) -> tuple[list[int], list[int]]:
    return [top for top, _ in pairs], [bottom for _, bottom in pairs]


def covers(found: Interval, truth: float) -> bool:
    return found.low <= truth <= found.high


def test_the_value_is_the_ratio_of_the_sums() -> None:
    assert interval([1, 0, 3], [1, 2, 5], seed=0).value == pytest.approx(4 / 8)


@pytest.mark.parametrize(("n", "share"), [(100, 0.3), (541, 0.77), (300, 0.5)])
def test_a_95_per_cent_interval_covers_the_truth_in_93_to_97_per_cent_of_samples(n: int, share: float) -> None:
    random = np.random.default_rng(7)
    trials = 1000
    hits = sum(
        covers(interval(random.random(n) < share, np.ones(n), seed=trial, resamples=400), share)
        for trial in range(trials)
    )
    assert 0.93 <= hits / trials <= 0.97


def test_criteria_of_one_prompt_stay_together_so_clustered_verdicts_still_cover() -> None:
    """Verdicts within a prompt agree completely here: treating them as independent would cover about 80 %."""
    random = np.random.default_rng(11)
    trials, n, share = 1000, 150, 0.6
    hits = naive_hits = 0
    for trial in range(trials):
        sizes = random.integers(1, 4, n)
        met = (random.random(n) < share) * sizes
        hits += covers(interval(met, sizes, seed=trial, resamples=400), share)
        flat = np.repeat(met > 0, sizes)
        naive_hits += covers(interval(flat, np.ones(len(flat)), seed=trial, resamples=400), share)
    assert 0.93 <= hits / trials <= 0.97
    assert naive_hits / trials < 0.90


def test_the_interval_is_scipys_percentile_interval_up_to_resampling_noise() -> None:
    random = np.random.default_rng(3)
    top, bottom = random.random(200), np.ones(200)
    ours = interval(top, bottom, seed=1, resamples=20_000)
    theirs = bootstrap((top,), np.mean, method="percentile", n_resamples=20_000, rng=5).confidence_interval
    assert (ours.low, ours.high) == pytest.approx((theirs.low, theirs.high), abs=1e-3)


def test_a_ratio_of_sums_is_resampled_as_scipy_resamples_pairs() -> None:
    random = np.random.default_rng(4)
    bottom = random.integers(1, 4, 300)
    top = random.binomial(bottom, 0.7)
    ours = interval(top, bottom, seed=1, resamples=20_000)
    theirs = bootstrap(
        (top, bottom),
        lambda t, b, axis: t.sum(axis=axis) / b.sum(axis=axis),
        paired=True, vectorized=True, method="percentile", n_resamples=20_000, rng=6,
    ).confidence_interval  # fmt: skip
    assert (ours.low, ours.high) == pytest.approx((theirs.low, theirs.high), abs=2e-3)


@pytest.mark.parametrize("n", [1, 2, 40, 541])
@pytest.mark.parametrize("met", [0, 1])
def test_all_met_or_none_met_gives_the_exact_interval_and_never_certainty(n: int, met: int) -> None:
    found = interval([met] * n, [1] * n, seed=0)
    exact = binomtest(met * n, n).proportion_ci(method="exact")
    assert (found.value, found.low, found.high) == pytest.approx((met, exact.low, exact.high))
    assert found.high > found.low


def test_units_that_are_all_alike_in_between_do_not_give_certainty_either() -> None:
    found = interval([1] * 30, [2] * 30, seed=0)
    assert found.low < 0.5 < found.high
    assert found.high - found.low > 0.1


def test_many_continuous_units_are_resampled_in_blocks_with_the_usual_width() -> None:
    random = np.random.default_rng(9)
    top = random.random(10_000)
    found = interval(top, np.ones(10_000), seed=0, resamples=300)
    standard_error = top.std() / 100
    assert found.high - found.low == pytest.approx(2 * 1.96 * standard_error, rel=0.15)


@given(units)
@settings(max_examples=50, deadline=None)
def test_the_value_lies_in_its_interval_and_the_interval_in_0_to_1(pairs: list[tuple[int, int]]) -> None:
    found = interval(*columns(pairs), resamples=50)
    assert 0 <= found.low <= found.value <= found.high <= 1


@given(units, st.randoms(use_true_random=False))
@settings(max_examples=30, deadline=None)
def test_the_order_of_units_changes_nothing(pairs: list[tuple[int, int]], random: Random) -> None:
    shuffled = random.sample(pairs, len(pairs))
    assert interval(*columns(pairs), seed=5, resamples=50) == interval(*columns(shuffled), seed=5, resamples=50)


def test_another_seed_draws_other_resamples() -> None:
    top = np.random.default_rng(0).random(50)
    assert interval(top, np.ones(50), seed=1) != interval(top, np.ones(50), seed=2)


def test_a_unit_without_a_denominator_is_left_out() -> None:
    assert interval([1, 0, 0, 1], [1, 0, 1, 1], seed=0) == interval([1, 0, 1], [1, 1, 1], seed=0)


@pytest.mark.parametrize(
    ("numerators", "denominators"),
    [([], []), ([0], [0]), ([1], [1, 1]), ([2], [1]), ([-1], [1]), ([float("nan")], [1])],
)
def test_what_has_no_interval_is_refused(numerators: list[float], denominators: list[float]) -> None:
    with pytest.raises(ValueError):
        interval(numerators, denominators, seed=0)


scores = st.lists(st.sampled_from([-1.5, -0.25, 0.0, 0.3, 1.0]), min_size=1, max_size=30)


def within(values: list[float], bounds: tuple[float, float], seed: int = 0) -> Interval:
    return bootstrap_ratio(values, [1.0] * len(values), seed, 200, bounds=bounds)


@given(scores)
@settings(max_examples=50)
def test_within_wider_bounds_values_below_0_have_intervals_too(values: list[float]) -> None:
    found = within(values, (-1.5, 1.0))
    assert -1.5 <= found.low <= found.value <= found.high <= 1.0
    assert found.value == pytest.approx(float(np.mean(values)))


def test_what_hides_from_alike_units_reaches_to_the_bounds() -> None:
    narrow, wide = within([0.5] * 20, (0.1, 1.0)), within([0.5] * 20, (-1.0, 2.0))
    assert 0.1 < narrow.low < 0.5 < narrow.high < 1.0
    assert wide.low < narrow.low and narrow.high < wide.high
    assert within([0.1] * 20, (0.1, 1.0)).low == pytest.approx(0.1)


def test_units_that_differ_by_their_rounding_only_are_alike() -> None:
    alike = within([0.1 + 0.2, 0.3] * 10, (0.0, 1.0))
    assert alike.high - alike.low > 0.1


@pytest.mark.parametrize("values", [[1.1], [0.5, -0.1]])
def test_a_unit_outside_the_bounds_is_refused(values: list[float]) -> None:
    with pytest.raises(ValueError, match="must lie within"):
        within(values, (0.0, 1.0))


def test_a_sum_that_misses_a_bound_by_rounding_is_within_it() -> None:
    assert bootstrap_ratio([sum([0.1] * 10)], [1.0], 0).value == pytest.approx(1.0)


def test_the_deviation_is_the_standard_error_of_the_mean() -> None:
    values = np.random.default_rng(2).random(500)
    expected = values.std() / np.sqrt(500)
    assert bootstrap_deviation(values.tolist(), [1] * 500, seed=0, resamples=4000) == pytest.approx(expected, rel=0.05)


def test_the_deviation_of_a_ratio_is_scipys() -> None:
    random = np.random.default_rng(4)
    bottom = random.integers(1, 5, 200)
    top = random.binomial(bottom, 0.6)
    ours = bootstrap_deviation(top.tolist(), bottom.tolist(), seed=0, resamples=20_000)
    theirs = bootstrap(
        (top, bottom), lambda t, b, axis: t.sum(axis=axis) / b.sum(axis=axis),
        paired=True, vectorized=True, method="percentile", n_resamples=20_000, rng=6,
    ).standard_error  # fmt: skip
    assert ours == pytest.approx(theirs, rel=0.03)


def test_the_deviation_is_of_clipped_means_as_healthbench_has_it() -> None:
    values = [-1.0, -1.0, -1.0, 0.5]
    free, clipped = (bootstrap_deviation(values, [1] * 4, seed=0, clip=clip) for clip in (None, (0.0, 1.0)))
    assert 0 < clipped < free


def test_one_unit_or_units_that_are_all_alike_do_not_deviate() -> None:
    assert bootstrap_deviation([0.7], [1], seed=0) == pytest.approx(0, abs=1e-12)
    assert bootstrap_deviation([0.5] * 9, [1] * 9, seed=0) == pytest.approx(0, abs=1e-12)


@given(scores, st.randoms(use_true_random=False))
@settings(max_examples=30)
def test_the_order_of_units_does_not_change_their_deviation(values: list[float], random: Random) -> None:
    shuffled = random.sample(values, len(values))
    ones = [1.0] * len(values)
    assert bootstrap_deviation(values, ones, 3, 100) == bootstrap_deviation(shuffled, ones, 3, 100)


@pytest.mark.parametrize(("numerators", "denominators"), [([], []), ([1], [1, 1]), ([1], [0]), ([1, 1], [1, -1])])
def test_what_has_no_deviation_is_refused(numerators: list[float], denominators: list[float]) -> None:
    with pytest.raises(ValueError, match="no deviation"):
        bootstrap_deviation(numerators, denominators, seed=0)


def pairs(numerators: ArrayLike, denominators: ArrayLike) -> list[tuple[float, float]]:
    return list(zip(np.asarray(numerators).tolist(), np.asarray(denominators).tolist(), strict=True))


def difference(before: ArrayLike, after: ArrayLike, seed: int = 0, resamples: int = 2000, **changes: Any) -> Interval:
    """The difference of two means over the same units."""
    ones = np.ones(len(np.asarray(before)))
    return bootstrap_difference(pairs(before, ones), pairs(after, ones), seed, resamples, **changes)


def right_and_wrong(up: int, down: int, n: int) -> tuple[list[int], list[int]]:
    """n units of which some turn from wrong to right, some from right to wrong; the others stay as they are."""
    stay = [number % 2 for number in range(n - up - down)]
    return [0] * up + [1] * down + stay, [1] * up + [0] * down + stay


def test_the_difference_is_that_of_the_two_ratios_of_sums() -> None:
    found = bootstrap_difference([(1, 1), (0, 2), (3, 4)], [(1, 2), (2, 2), (3, 3)], seed=0)
    assert found.value == pytest.approx(6 / 7 - 4 / 7)
    assert found.low < found.value < found.high


@pytest.mark.parametrize(("n", "up", "down"), [(200, 0.2, 0.1), (541, 0.08, 0.03), (100, 0.15, 0.15)])
def test_a_95_per_cent_interval_of_a_gain_covers_the_truth_in_93_to_97_per_cent_of_samples(
    n: int, up: float, down: float
) -> None:
    random = np.random.default_rng(21)
    trials, hits = 800, 0
    for trial in range(trials):
        draw, base = random.random(n), random.random(n) < 0.5
        before = np.where(draw < up, 0, np.where(draw < up + down, 1, base))
        after = np.where(draw < up, 1, np.where(draw < up + down, 0, base))
        hits += covers(difference(before, after, seed=trial, resamples=400), up - down)
    assert 0.93 <= hits / trials <= 0.97


def test_the_gain_of_pooled_criteria_covers_though_those_of_a_prompt_change_together() -> None:
    """Prompts of one to four criteria that are all met or all unmet, and change all at once."""
    random = np.random.default_rng(22)
    trials, n, hits = 600, 150, 0
    for trial in range(trials):
        sizes = random.integers(1, 5, n)
        before, change = random.random(n) < 0.5, random.random(n) < 0.4
        after = np.where(change, random.random(n) < 0.7, before)
        found = bootstrap_difference(pairs(before * sizes, sizes), pairs(after * sizes, sizes), trial, resamples=400)
        hits += covers(found, 0.4 * (0.7 - 0.5))
    assert 0.93 <= hits / trials <= 0.97


def test_pairing_takes_out_what_both_sides_share() -> None:
    random = np.random.default_rng(23)
    hard = random.random(300)
    before, after = 0.8 * hard, 0.8 * hard + 0.05 + 0.02 * random.random(300)
    paired, apart = difference(before, after), interval(after, np.ones(300))
    assert paired.high - paired.low < (apart.high - apart.low) / 10
    assert paired.low > 0


def test_the_interval_of_a_difference_is_scipys_of_paired_samples() -> None:
    random = np.random.default_rng(24)
    sizes, others = random.integers(1, 4, 250), random.integers(1, 4, 250)
    before, after = random.binomial(sizes, 0.5), random.binomial(others, 0.6)
    ours = bootstrap_difference(pairs(before, sizes), pairs(after, others), seed=1, resamples=20_000)
    theirs = bootstrap(
        (before, sizes, after, others),
        lambda a, m, b, n, axis: b.sum(axis=axis) / n.sum(axis=axis) - a.sum(axis=axis) / m.sum(axis=axis),
        paired=True, vectorized=True, method="percentile", n_resamples=20_000, rng=6,
    ).confidence_interval  # fmt: skip
    assert (ours.low, ours.high) == pytest.approx((theirs.low, theirs.high), abs=2e-3)


@pytest.mark.parametrize("n", [1, 2, 40, 541])
def test_where_nothing_changed_the_interval_is_what_can_hide_from_so_many_units(n: int) -> None:
    same = [number % 2 for number in range(n)]
    found = difference(same, same)
    most = binomtest(0, n).proportion_ci(method="exact").high
    assert (found.low, found.value, found.high) == pytest.approx((-most, 0.0, most))


def test_units_that_all_changed_alike_do_not_give_certainty_either() -> None:
    found = difference(np.zeros(40), np.full(40, 0.3))
    hidden = binomtest(0, 40).proportion_ci(method="exact").high
    assert found.value == pytest.approx(0.3)
    assert (found.low, found.high) == pytest.approx((0.3 - hidden * 1.3, 0.3 + hidden * 0.7))


@pytest.mark.parametrize("n", [8, 40, 541])
@pytest.mark.parametrize("changed", [1, 2, 3, 4, 5, 6])
def test_a_direction_is_claimed_only_if_a_sign_test_of_the_changed_units_could_claim_it(n: int, changed: int) -> None:
    could = binomtest(changed, changed).pvalue <= 0.05
    gain, loss = (difference(*right_and_wrong(*way, n)) for way in ((changed, 0), (0, changed)))
    assert (gain.low > 0, loss.high < 0) == (could, could)


def test_few_changes_leave_room_for_more_than_they_show() -> None:
    """One more unit that got better never lets the interval end lower."""
    ends = [difference(*right_and_wrong(up, 0, 40)) for up in range(10)]
    assert all(first.high < second.high for first, second in pairwise(ends))
    assert ends[1].low < 0 < ends[1].value


def test_where_few_units_change_chance_shows_a_difference_in_fewer_than_one_of_20_samples() -> None:
    random = np.random.default_rng(25)
    trials, claims = 600, 0
    for trial in range(trials):
        up, down = random.multinomial(200, [0.01, 0.01, 0.98])[:2]
        found = difference(*right_and_wrong(up, down, 200), seed=trial, resamples=400)
        claims += not covers(found, 0.0)
    assert claims / trials < 0.05


def test_each_side_of_a_clipped_metric_is_cut_before_they_are_compared() -> None:
    before, after = [-1.0, -1.0, 0.4, 0.5] * 10, [-1.0, 0.5, 0.5, 0.8] * 10
    clipped = difference(before, after, bounds=(-1.0, 1.0), clip=(0.0, 1.0))
    free = difference(before, after, bounds=(-1.0, 1.0))
    assert clipped.value == pytest.approx(np.mean(after)) and free.value == pytest.approx(0.475)
    assert 0 <= clipped.low <= clipped.value <= clipped.high < free.high


def test_what_can_hide_behind_a_clipped_mean_is_cut_too() -> None:
    same = difference([-0.9] * 40, [-0.9] * 40, bounds=(-1.0, 1.0), clip=(0.0, 1.0))
    assert (same.low, same.value, same.high) == (0.0, 0.0, 0.0)  # far below 0: whatever hides, the mean stays 0
    near = difference([0.0] * 40, [0.0] * 40, bounds=(-1.0, 1.0), clip=(0.0, 1.0))
    assert near.low < 0 < near.high


def test_a_unit_with_nothing_to_say_on_one_side_is_left_out_of_both() -> None:
    whole = bootstrap_difference([(1, 1), (0, 1), (1, 2)], [(1, 1), (1, 1), (2, 2)], seed=0)
    more = bootstrap_difference(
        [(1, 1), (0, 0), (0, 1), (1, 2), (1, 1)], [(1, 1), (1, 1), (1, 1), (2, 2), (0, 0)], seed=0
    )
    assert more == whole


either_size = st.tuples(st.integers(0, 3), st.integers(0, 3))
compared = either_size.flatmap(
    lambda sizes: st.tuples(*(st.tuples(st.integers(0, size), st.just(size)) for size in sizes))
)


@given(st.lists(compared, max_size=40), st.randoms(use_true_random=False), st.sampled_from([None, (0.2, 0.8)]))
@settings(max_examples=60)
def test_a_difference_lies_in_its_interval_in_any_order_and_turns_round_with_its_sides(
    units: list[Any], random: Random, clip: tuple[float, float] | None
) -> None:
    def compare(before: list[Any], after: list[Any]) -> Interval:
        return bootstrap_difference(before, after, seed=1, resamples=50, clip=clip)

    before, after = [unit[0] for unit in units], [unit[1] for unit in units]
    if not any(first[1] and second[1] for first, second in units):
        with pytest.raises(ValueError, match="no difference"):
            compare(before, after)
        return
    found, shuffled = compare(before, after), random.sample(units, len(units))
    assert -1 <= found.low <= found.value <= found.high <= 1
    assert found == compare([unit[0] for unit in shuffled], [unit[1] for unit in shuffled])
    assert compare(after, before).value == -found.value


@pytest.mark.parametrize(
    ("before", "after"),
    [([], []), ([(1, 1)], []), ([(0, 0)], [(1, 1)]), ([(2, 1)], [(1, 1)]), ([(1, 1)], [(float("nan"), 1)])],
)
def test_what_has_no_difference_is_refused(before: list[Any], after: list[Any]) -> None:
    with pytest.raises(ValueError):
        bootstrap_difference(before, after, seed=0)

"""Intervals: what they claim, checked by simulation and against scipy."""

from __future__ import annotations

from random import Random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import ArrayLike
from scipy.stats import binomtest, bootstrap  # type: ignore[import-untyped]

from herl.stats import Interval, bootstrap_ratio

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

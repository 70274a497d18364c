"""Batches: every epoch takes each row at most once, in an order that only the seed and the epoch decide."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from herl.errors import UsageError
from herl.train.batches import Batches


@given(st.integers(1, 60), st.integers(1, 60), st.integers(0, 5), st.integers(1, 4))
def test_an_epoch_takes_no_row_twice_and_leaves_out_less_than_a_step(
    n: int, per_step: int, seed: int, epoch: int
) -> None:
    if n < per_step:
        return
    batches = Batches(n, per_step, seed)
    first = (epoch - 1) * batches.steps_per_epoch + 1
    taken = [row for step in range(first, first + batches.steps_per_epoch) for row in batches.of(step)]
    assert len(taken) == len(set(taken)) == batches.steps_per_epoch * per_step
    assert set(taken) <= set(range(n)) and n - len(taken) < per_step


def test_a_step_needs_no_memory_of_the_steps_before_it() -> None:
    walked = [Batches(10, 3, 7).of(step) for step in range(1, 12)]
    assert [Batches(10, 3, 7).of(step) for step in reversed(range(1, 12))] == walked[::-1]


def test_epochs_and_seeds_have_orders_of_their_own() -> None:
    orders = {Batches(50, 50, seed).of(step) for seed in (0, 1) for step in (1, 2)}
    assert len(orders) == 4
    # The order of a released version stays: a run that goes on takes the rows that it would have taken.
    assert Batches(8, 8, 0).of(1) == (1, 7, 6, 2, 5, 4, 0, 3)


@pytest.mark.parametrize(("n", "hint"), [(3, "at most 3"), (0, "data.train")])
def test_more_rows_a_step_than_there_are_is_refused_with_what_to_change(n: int, hint: str) -> None:
    with pytest.raises(UsageError, match=f"a step takes 4 rows, and there are only {n} to train on") as raised:
        Batches(n, 4, 0)
    assert hint in raised.value.hint

"""Seeds of draws."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from herl.item import draw_seed


@given(st.integers(), st.text(), st.integers(0), st.text())
def test_a_draws_seed_fits_every_engine_and_depends_on_nothing_else(
    run_seed: int, item: str, sample: int, purpose: str
) -> None:
    seed = draw_seed(run_seed, item, sample, purpose)
    assert 0 <= seed < 2**31
    assert seed == draw_seed(run_seed, item, sample, purpose)


def test_half_a_character_in_an_id_has_its_seed_too() -> None:
    assert draw_seed(0, "\ud83d", 0, "answer") != draw_seed(0, "\ud83e", 0, "answer")


def test_runs_items_samples_and_purposes_draw_differently() -> None:
    seeds = {
        draw_seed(run, item, sample, purpose)
        for run in (0, 1)
        for item in ("1", "11")
        for sample in (0, 1)
        for purpose in ("answer", "revision-1")
    }
    assert len(seeds) == 16


def test_seeds_stay_the_same_between_versions() -> None:
    assert draw_seed(0, "1000", 0, "answer") == 1050850169

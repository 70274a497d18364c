"""Rows are shared out among packs; each token sees its own prompt and response only."""

from __future__ import annotations

from collections import Counter

import torch
from hypothesis import given
from hypothesis import strategies as st

from herl.train.packing import Layout, Pack, lay_out, pack
from herl.train.policy import Sequence_

TOKENS = st.integers(0, 9)
PROMPTS = st.lists(TOKENS, min_size=1, max_size=4).map(tuple)
ROWS = st.lists(st.tuples(PROMPTS, st.lists(TOKENS, max_size=6).map(tuple)), min_size=1, max_size=12)
BUDGETS = st.integers(1, 30)


def a_row(prompt: int, response: int, first: int = 0) -> Sequence_:
    return (first, *range(1, prompt)), tuple(range(response))


def length(rows: list[Sequence_], packed: Pack) -> int:
    return lay_out(rows, packed, "cpu").ids.shape[1]


def ancestors(layout: Layout, at: int) -> list[int]:
    return layout.mask()[0, 0, at].nonzero().flatten().tolist()


@given(ROWS, BUDGETS)
def test_every_row_with_a_response_is_in_one_pack(rows: list[Sequence_], budget: int) -> None:
    packs = pack(rows, budget)
    assert Counter(row for packed in packs for row in packed.rows) == Counter(
        number for number, (_, response) in enumerate(rows) if response
    )


@given(ROWS, BUDGETS)
def test_a_pack_is_as_long_as_it_says_and_over_the_budget_only_where_one_row_is(
    rows: list[Sequence_], budget: int
) -> None:
    for packed in pack(rows, budget):
        assert packed.tokens == length(rows, packed)
        assert packed.tokens <= budget or len(packed.rows) == 1


@given(ROWS, BUDGETS)
def test_a_trained_token_is_predicted_from_its_own_row_alone(rows: list[Sequence_], budget: int) -> None:
    for packed in pack(rows, budget):
        layout = lay_out(rows, packed, "cpu")
        ids, positions = layout.ids[0].tolist(), layout.positions[0].tolist()
        seen: Counter[tuple[int, int]] = Counter()
        for source, target, row, time in zip(
            layout.sources.tolist(), layout.targets.tolist(), layout.row.tolist(), layout.time.tolist(), strict=True
        ):
            prompt, response = rows[row]
            before = ancestors(layout, source)
            assert tuple(ids[at] for at in before) == prompt + response[:time]
            assert [positions[at] for at in before] == list(range(len(before)))
            assert target == response[time]
            seen[row, time] += 1
        assert seen == Counter((row, time) for row in packed.rows for time in range(len(rows[row][1])))


@given(ROWS, st.randoms(use_true_random=False))
def test_rows_that_must_be_together_are(rows: list[Sequence_], random: object) -> None:
    pairs = [(at, at + 1) for at in range(0, len(rows) - 1, 2)]
    packs = pack(rows, 5, pairs)
    home = {row: number for number, packed in enumerate(packs) for row in packed.rows}
    for first, second in pairs:
        if rows[first][1] and rows[second][1]:
            assert home[first] == home[second]


def test_a_prompt_is_read_once_for_all_its_responses() -> None:
    rows = [a_row(10, 5), a_row(10, 4), a_row(10, 3)]
    (packed,) = pack(rows, 100)
    assert packed.tokens == 10 + 4 + 3 + 2


def test_rows_of_one_prompt_that_stand_apart_in_the_batch_share_it() -> None:
    rows = [a_row(10, 5), a_row(3, 4, first=7), a_row(10, 3)]
    (packed,) = pack(rows, 100)
    assert packed.rows == (0, 2, 1)
    assert packed.tokens == 10 + 4 + 2 + 3 + 3


def test_a_group_over_the_budget_is_read_in_parts_each_with_the_prompt() -> None:
    rows = [a_row(10, 6) for _ in range(5)]
    packs = pack(rows, 20)
    assert [(packed.rows, packed.tokens) for packed in packs] == [((0, 1), 20), ((2, 3), 20), ((4,), 15)]


def test_short_groups_fill_what_long_ones_leave() -> None:
    rows = [a_row(5, 4, first=1), a_row(10, 6, first=2), a_row(2, 3, first=3)]
    assert [packed.rows for packed in pack(rows, 20)] == [(1, 2), (0,)]


def test_a_pair_with_one_prompt_shares_it_with_the_next_pair() -> None:
    rows = [a_row(10, 5), a_row(10, 4), a_row(10, 3), a_row(10, 2)]
    (packed,) = pack(rows, 100, [(0, 1), (2, 3)])
    assert packed.tokens == 10 + 4 + 3 + 2 + 1


def test_a_window_hides_what_is_further_back_in_the_own_row() -> None:
    rows = [a_row(4, 3), a_row(4, 3)]
    layout = lay_out(rows, Pack((0, 1), 8), "cpu")
    mask = layout.mask(window=3)[0, 0]
    # The second response's first token stands at place 6: it sees itself and the prompt's last two.
    assert mask[6].nonzero().flatten().tolist() == [2, 3, 6]
    assert torch.equal(layout.mask(window=100), layout.mask())


def test_one_token_responses_need_no_more_than_their_prompt() -> None:
    rows: list[Sequence_] = [((1, 2), (3,)), ((1, 2), (4,))]
    (packed,) = pack(rows, 100)
    layout = lay_out(rows, packed, "cpu")
    assert layout.ids.tolist() == [[1, 2]]
    assert layout.sources.tolist() == [1, 1] and layout.targets.tolist() == [3, 4]


@given(ROWS, BUDGETS)
def test_the_stretches_of_a_pack_are_its_prompts_and_responses(rows: list[Sequence_], budget: int) -> None:
    for packed in pack(rows, budget):
        layout = lay_out(rows, packed, "cpu")
        assert sum(map(sum, layout.trees)) == packed.tokens
        assert all(length > 0 for tree in layout.trees for length in tree)
        seen = torch.zeros(packed.tokens, packed.tokens, dtype=torch.bool)
        at = 0
        for trunk, *branches in layout.trees:
            start = at
            seen[at : at + trunk, at : at + trunk] = True
            at += trunk
            for branch in branches:
                seen[at : at + branch, start : start + trunk] = True
                seen[at : at + branch, at : at + branch] = True
                at += branch
        assert torch.equal(seen.tril(), layout.mask()[0, 0])

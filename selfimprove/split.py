"""What of a rubric the critic and the hindsight may see."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from herl.item import Item, draw_seed
from herl.rubric import Criterion, Rubric


def hidden_criteria(item: Item, share: float, seed: int) -> tuple[str, ...]:
    """The ids of the criteria that stay hidden: a share of them, drawn for each item by itself.

    At least one where the item has two or more, and never all; none of a single one.

    Args:
        item: The item.
        share: Which share, [0, 1).
        seed: The run's.

    Returns:
        Ids, in the rubric's order.
    """
    criteria = item.rubric.criteria
    if not share or len(criteria) < 2:
        return ()
    count = min(max(round(share * len(criteria)), 1), len(criteria) - 1)
    ranked = sorted(criteria, key=lambda criterion: draw_seed(seed, item.id, 0, f"hidden-{criterion.id}"))
    drawn = {criterion.id for criterion in ranked[:count]}
    return tuple(criterion.id for criterion in criteria if criterion.id in drawn)


def seen_by_critic(item: Item, hidden: Sequence[str]) -> Item:
    """An item as a critic may see it: the visible criteria as texts to judge, no reference answer or other facts."""
    shown = _visible(item, hidden)
    return replace(item, rubric=Rubric(tuple(replace(each, check=None) for each in shown), item.rubric.rule), facts={})


def seen_by_oracle(item: Item, hidden: Sequence[str]) -> Item:
    """An item as its own grader sees it, without the hidden criteria."""
    return replace(item, rubric=Rubric(_visible(item, hidden), item.rubric.rule))


def _visible(item: Item, hidden: Sequence[str]) -> tuple[Criterion, ...]:
    return tuple(criterion for criterion in item.rubric.criteria if criterion.id not in hidden)

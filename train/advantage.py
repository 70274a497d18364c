"""How much better each answer of a group is than its group: the weight of its gradient.

GRPO (arXiv:2402.03300) divides by the group's spread, Dr. GRPO (arXiv:2503.20783) does not, DAPO (arXiv:2503.14476)
does as GRPO does. Pure functions of plain numbers.
"""

from __future__ import annotations

from collections.abc import Sequence
from statistics import fmean, stdev
from typing import Literal

Variant = Literal["grpo", "dr_grpo", "dapo"]

_ALIKE = 1e-9  # rewards closer than this differ by their rounding only
_EPSILON = 1e-6  # as the reference: it keeps a group of almost equal rewards from exploding


def advantages(scores: Sequence[float | None], variant: Variant = "grpo") -> list[float]:
    """The advantage of each member of a group, which all tokens of its answer share.

    Args:
        scores: The members' rewards; None for an abstention, which has no part in mean and spread and gets no
            gradient.
        variant: "grpo" and "dapo" divide by the sample deviation (n - 1) + 1e-6, "dr_grpo" does not.

    Returns:
        One per member: 0 for abstentions, and exactly 0 for all where the group has no signal: fewer than two
        rewards, or equal ones.
    """
    known = [score for score in scores if score is not None]
    if not has_signal(scores):
        return [0.0] * len(scores)
    mean = fmean(known)
    scale = 1.0 if variant == "dr_grpo" else stdev(known) + _EPSILON
    return [0.0 if score is None else (score - mean) / scale for score in scores]


def has_signal(scores: Sequence[float | None]) -> bool:
    """Whether a group's rewards differ, so that there is something to learn from it.

    Args:
        scores: The members' rewards; None for an abstention.
    """
    known = [score for score in scores if score is not None]
    return len(known) > 1 and max(known) - min(known) > _ALIKE

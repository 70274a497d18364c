"""Which rows a step takes: a function of the step alone, so that a resumed run needs no cursor."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from random import Random

from herl.errors import UsageError
from herl.item import draw_seed


@dataclass(frozen=True, slots=True)
class Batches:
    """Every epoch goes through the rows in an order of its own.

    No row comes twice in a step. What is left over at an epoch's end is left out of that epoch.

    Args:
        n: How many rows there are.
        per_step: How many a step takes.
        seed: The run's seed.

    Raises:
        UsageError: there are fewer rows than a step takes.
    """

    n: int
    per_step: int
    seed: int

    def __post_init__(self) -> None:
        if self.n < self.per_step:
            raise UsageError(
                f"a step takes {self.per_step:,} rows, and there are only {self.n:,} to train on",
                f"Take at most {self.n:,}." if self.n else "Look at data.train: nothing of it can be trained on.",
            )

    @property
    def steps_per_epoch(self) -> int:
        """How many steps an epoch has."""
        return self.n // self.per_step

    def of(self, step: int) -> tuple[int, ...]:
        """The rows of a step.

        Args:
            step: From 1.

        Returns:
            Their indices, `per_step` different ones.
        """
        epoch, place = divmod(step - 1, self.steps_per_epoch)
        order = _order(self.n, self.seed, epoch)
        return order[place * self.per_step : (place + 1) * self.per_step]


@lru_cache(maxsize=2)
def _order(n: int, seed: int, epoch: int) -> tuple[int, ...]:
    """The order of an epoch, from 0."""
    order = list(range(n))
    Random(draw_seed(seed, "", epoch, "order of the epoch")).shuffle(order)
    return tuple(order)

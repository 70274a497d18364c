"""What a method does in a step: the part of a run that differs between SFT, DPO, RLVR and HeRL."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from herl.errors import UsageError
from herl.item import Item, Sampling
from herl.train.batches import Batches
from herl.train.experience import Group
from herl.train.loop import Training, roll_out, take_step
from herl.train.measure import Numbers, of_experience
from herl.train.rollout import Asking

SAMPLES_STEP = 0
"""Under which step the journal keeps what is drawn before the first one."""


class Course(Protocol):
    """A method on its way through the data.

    Attributes:
        drawn: Tokens that were generated for it before the first step, those of the journal too.
    """

    drawn: int

    def step(self, step: int) -> Numbers:
        """Take a step.

        Args:
            step: Its number, from 1.

        Returns:
            Its metrics, without times.
        """
        ...


@dataclass
class Exploration:
    """RLVR and HeRL.

    Args:
        training: What a step works with.
        items: The prompts.
        batches: Which of them a step takes.
        drawn: Nothing.
    """

    training: Training
    items: Sequence[Item]
    batches: Batches
    drawn: int = 0

    def step(self, step: int) -> Numbers:
        """Roll out, revise, mix, update."""
        experience = take_step(self.training, step, [self.items[index] for index in self.batches.of(step)])
        return of_experience(experience, self.training.config, revises=self.training.method == "herl")


def used_rows(batches: Batches, steps: int) -> list[int]:
    """The rows that a run of so many steps comes by, in their order: in a long run all, in a short one few."""
    through = min(steps, batches.steps_per_epoch)
    seen = {index for step in range(1, through + 1) for index in batches.of(step)}
    if steps > through:  # what one epoch leaves out another may take
        seen |= {index for step in range(through + 1, steps + 1) for index in batches.of(step)}
    return sorted(seen)


def sampled_groups(training: Training, items: Sequence[Item], count: int) -> list[Group]:
    """Answers of the model that the run starts from, graded; drawn once, and kept in the journal.

    Args:
        training: What draws and grades.
        items: The prompts.
        count: Answers to each.

    Raises:
        UsageError: some are not there, and the policy is not the starting model any more.
    """
    config = training.config
    sampling = Sampling(temperature=config.rollout.temperature, max_tokens=config.rollout.max_tokens)
    how = Asking(SAMPLES_STEP, "rollout", count, sampling, config.seed, config.loss.reward)
    known = training.journal.of(SAMPLES_STEP).draws
    lacking = sum(how.key(item, number) not in known for item in items for number in range(count))
    if lacking and training.version:
        raise UsageError(
            f"{lacking} answers of the starting model are not there, and the run has left that model",
            "Keep the run's length as it was, or start another run.",
        )
    return roll_out(training, items, how)


def tokens_of(groups: Sequence[Group]) -> int:
    """How many tokens were generated for some groups."""
    return sum(rollout.completion.usage.completion_tokens for group in groups for rollout in group.rollouts)

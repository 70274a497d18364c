"""A training run on its way: step after step, measured, kept and told."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from herl.errors import IncompleteError
from herl.resources import Store
from herl.run import Run
from herl.train.checkpoint import Checkpoint, Checkpoints
from herl.train.course import Course
from herl.train.evaluate import benchmarks, held_out
from herl.train.exported import check_export
from herl.train.loop import Training
from herl.train.materials import Materials
from herl.train.measure import Numbers, of_clocks
from herl.train.metrics import Metrics
from herl.train.plan import evaluated_steps
from herl.train.screen import Screen

_MOST_DROPPED = 3


@dataclass
class Counters:
    """What is counted over the whole run; a checkpoint keeps it.

    Args:
        version: How many updates the policy has seen.
        tokens: Generated so far.
        dropped: Steps whose update was dropped.
        in_a_row: The last so many of them were.
    """

    version: int = 0
    tokens: int = 0
    dropped: int = 0
    in_a_row: int = 0


@dataclass
class Going:
    """A run on its way.

    Args:
        run: Where it is kept.
        store: Where data come from.
        training: What a step works with.
        materials: What it works on.
        checkpoints: Of the run.
        metrics: Of the run.
        screen: Shows it.
        counters: Over the whole run.
        latest: The checkpoint that it goes on from, and then the last that it wrote; None before the first.
    """

    run: Run
    store: Store
    training: Training
    materials: Materials
    checkpoints: Checkpoints
    metrics: Metrics
    screen: Screen
    counters: Counters
    latest: Checkpoint | None = None
    _is_idle: bool = field(init=False, default=False)

    def through(self, course: Course) -> Checkpoint:
        """Take all steps that are left.

        Returns:
            The checkpoint of the last one.

        Raises:
            IncompleteError: the update was dropped in three steps in a row.
        """
        steps, done = self.materials.steps, self.latest.step if self.latest else 0
        measured = evaluated_steps(self.training.config, steps)
        if not done:
            self._begin(course)
        for step in range(done + 1, steps + 1):
            self.screen.phase("train")
            numbers = course.step(step)
            self._count(numbers)
            if step in measured:
                self.screen.phase("evaluate")
                numbers |= self._measured(step)
            self._log(step, numbers)
            self._refuse_more_drops(step)
            if step % self.training.config.checkpoint.every == 0 or step == steps:
                self._save(step, numbers.get("held_out/score"))
        assert self.latest is not None, "the last step is saved"
        return self.latest

    def _begin(self, course: Course) -> None:
        """Count what was drawn for the course, and measure the model that it begins with."""
        numbers: Numbers = {"tokens/generated": course.drawn} if course.drawn else {}
        self._count(numbers)
        if numbers := numbers | self._measured(0):
            self._log(0, numbers)

    def _measured(self, step: int) -> Numbers:
        numbers: Numbers = {}
        if self.materials.held_out:
            numbers |= held_out(self.training, self.materials.held_out, step)
        if self.training.config.evaluate.benchmarks:
            numbers |= benchmarks(self.training, self.run, self.store, step)
        return numbers

    def _count(self, numbers: Numbers) -> None:
        counters, dropped = self.counters, bool(numbers.get("update/dropped"))
        counters.version = self.training.version
        counters.tokens += int(numbers.get("tokens/generated") or 0)
        counters.dropped += dropped
        counters.in_a_row = counters.in_a_row + 1 if dropped else 0
        if "tokens/generated" in numbers:
            numbers["tokens/total"] = counters.tokens

    def _log(self, step: int, numbers: Numbers) -> None:
        training = self.training
        forward = int(numbers.get("tokens/forward") or 0)
        numbers |= of_clocks(training.clock.take(), training.drawn_tokens, forward)
        training.drawn_tokens = 0
        self.metrics.log(step, numbers)
        self.screen.step(step, numbers)
        idle = bool(step) and not numbers["tokens/trained"]
        if idle and not self._is_idle:  # what goes on for long is told once
            self.screen.note(f"step {step}: nothing to learn from, so there was no update")
        self._is_idle = idle

    def _refuse_more_drops(self, step: int) -> None:
        if self.counters.in_a_row >= _MOST_DROPPED:
            raise IncompleteError(
                f"loss or gradient was not finite in {_MOST_DROPPED} steps in a row, the last of them step {step}",
                f"What was drawn is in {self.run.path / 'journal'}. Lower optimizer.learning_rate or loss.clip_high, "
                "and begin another run.",
            )

    def _save(self, step: int, score: float | None) -> None:
        training = self.training
        self.screen.phase("save")
        with training.clock("save"):
            inspect = None if self.latest else self._inspect
            self.latest = self.checkpoints.save(step, training.policy, score, vars(self.counters), inspect)
            training.journal.slim(self.checkpoints.covered)

    def _inspect(self, first: Path) -> None:
        """See whether the first checkpoint is the policy, for all that will load it."""
        check_export(self.training.policy, first)
        self.training.published = None  # whatever the sampler makes of the folder, it is given its weights again
        self.training.sampler.try_export(self.training.policy, first)

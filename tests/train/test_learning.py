"""Whether training teaches: SFT, DPO, RLVR where it can, and HeRL where RLVR cannot.

All runs are whole runs of `herl.api.train`. The seeds of the comparison are those of the reinforcement learning: the
fine-tuned model that both methods start from is made once.

HeRL's settings are the defaults (guidance in full, two revisions of each group, replace, ratio same_context, gamma 1,
bonus 0.05) but for two. The learning rate is 1e-3 for both methods: a model this small would not move at 1e-6. And a
revision is trained under the bare prompt (context original) instead of under its hindsight. With the default it must
carry over from one prompt to the other through what they share in the weights. That happens here too, but not
reliably: of starts that hit the goal with a chance of 1e-9 to 1e-5, 9 of 15 runs at 2e-3 to 3e-3 had learnt it within
25 to 40 steps; where the chance was 1e-4, 6 of 6. In a run that had not, plain words were pushed down until other
useless ones came up. As the test has it, 9 of 9 seeds end above 0.9.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean
from typing import Any

import pytest
from learner import GOAL, SEEN, chance, guidance, item, save_learner, settings, write_data

from herl.api import Trained, train
from herl.train.config import Config, Method
from herl.train.metrics import read_metrics
from herl.train.policy import Policy

EXAMPLES, BATCH = 4800, 32
STEPS = 25
RATE = 1e-3


@dataclass(frozen=True)
class Start:
    """Where all methods start from.

    Args:
        folder: Of data and runs.
        tuned: The run that fine-tuned the random model.
    """

    folder: Path
    tuned: Trained

    def config(self, data: str, **sections: Any) -> Config:
        """Settings of a run from the fine-tuned model."""
        return settings(self.tuned.result["checkpoint"], self.folder, data, **sections)

    def go(self, method: Method, name: str, config: Config) -> Trained:
        """One go at a run."""
        return train(method, config, run=name, runs_dir=self.folder / "runs")

    def explore(self, method: Method, seed: int, steps: int, data: str = "train") -> Trained:
        """One go at RLVR or HeRL."""
        config = self.config(
            data, seed=seed, steps=steps, hindsight={"context": "original"}, optimizer={"learning_rate": RATE}
        )
        return self.go(method, f"{method}-{data}-{seed}", config)


@pytest.fixture(scope="module")
def start(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Start]:
    folder = tmp_path_factory.mktemp("learning")
    write_data(folder, examples=EXAMPLES)
    config = settings(
        save_learner(folder / "random"),
        folder,
        "sft",
        steps=EXAMPLES // BATCH,
        sft={"batch_size": BATCH},
        optimizer={"learning_rate": 5e-3, "schedule": "cosine", "warmup_steps": 5},
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HERL_CACHE", str(folder / "cache"))
        yield Start(folder, train("sft", config, run="sft", runs_dir=folder / "runs"))


@pytest.fixture(scope="module")
def tuned(start: Start) -> Iterator[Policy]:
    """The fine-tuned model."""
    with Policy(start.config("sft"), 1) as policy:
        yield policy


def rows(run: Trained) -> list[dict[str, Any]]:
    """The metrics of a run's steps."""
    return [row for step, row in read_metrics(run.path / "metrics.jsonl").items() if step]


def rewards(run: Trained) -> list[float]:
    """Mean reward of the plain rollouts, step by step."""
    return [row["reward/mean"] for row in rows(run)]


def test_fine_tuning_lowers_its_loss(start: Start) -> None:
    losses = [row["loss"] for row in rows(start.tuned)]
    # Plain words are drawn at random: three of 24 cost log(24 * 23 * 22) / 4 a token, the end among them.
    assert losses[0] > 6
    assert fmean(losses[-10:]) < math.log(24 * 23 * 22) / 4 + 0.1


def test_the_fine_tuned_model_follows_guidance_and_never_hits_the_goal_without(tuned: Policy) -> None:
    guided = fmean(chance(tuned, guidance(place, GOAL, "ember fjord cedar")) for place in SEEN)
    plain = fmean(chance(tuned, item(place).messages) for place in SEEN)
    assert 0.2 < guided < 0.7
    assert plain < 1e-6  # a run of RLVR here draws a few thousand answers


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_hindsight_finds_a_goal_that_sampling_never_hits_for_the_same_generated_tokens(start: Start, seed: int) -> None:
    herl = start.explore("herl", seed, STEPS)
    rlvr = _until(start, seed, herl.result["tokens"])

    assert rlvr.result["tokens"] >= herl.result["tokens"]
    assert fmean(rewards(herl)[-3:]) > 0.6
    assert herl.result["held_out"]["before"] == 0
    assert herl.result["held_out"]["after"] > 0.6
    # It stays where it was for want of any signal.
    assert not any(rewards(rlvr))
    assert not any(row["groups/with_signal"] for row in rows(rlvr))
    assert rlvr.result["held_out"]["after"] == 0

    first = rows(herl)[0]
    assert first["hindsight/attempted"] == 2 * len(SEEN)  # the two best of each group's answers
    assert first["hindsight/gain"] > 0
    weights = [row["guided/weight"] for row in rows(herl) if "guided/weight" in row]
    gamma = start.config("train").hindsight.gamma
    assert weights == pytest.approx([gamma / (1 + gamma) ** 2] * len(weights), rel=1e-3)


def test_rlvr_learns_a_goal_that_sampling_hits(start: Start) -> None:
    learnt = rewards(start.explore("rlvr", 1, 20, "easy"))
    assert 0 < learnt[0] < 0.4
    assert fmean(learnt[-3:]) > 0.6


def test_preferences_widen_their_margin(start: Start) -> None:
    config = start.config("dpo", steps=4, dpo={"batch_size": len(SEEN)}, optimizer={"learning_rate": 1e-3})
    margins = [row["dpo/margin"] for row in rows(start.go("dpo", "dpo", config))]
    assert margins[0] == pytest.approx(0, abs=1e-4)  # the policy is the reference still
    assert margins == sorted(margins)
    assert margins[-1] > 0.1


def _until(start: Start, seed: int, tokens: int) -> Trained:
    """RLVR, continued until it has generated at least so many tokens."""
    steps = STEPS
    while (run := start.explore("rlvr", seed, steps)).result["tokens"] < tokens:
        steps = max(steps + 1, math.ceil(steps * tokens / run.result["tokens"]))
    return run

"""Draws, grades, metrics and policies that tests of the trainer's files are made of."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

from herl.item import Completion, Usage
from herl.rubric import Grade, Outcome, Verdict
from herl.train.experience import Key, Purpose


def key(step: int = 1, item: str = "q", purpose: Purpose = "rollout", number: int = 0) -> Key:
    """A draw's name."""
    return Key(step, item, purpose, number)


def completion(**changes: Any) -> Completion:
    """An answer with all that one may have."""
    known: dict[str, Any] = {
        "text": "The Rhine.",
        "finish_reason": "stop",
        "prompt_ids": (1, 2, 3),
        "token_ids": (4, 5),
        "logprobs": (-0.1, -2.3456789012345678),
        "usage": Usage(3, 2),
        "seed": 7,
        "model": "demo",
        "weight_version": 11,
    }
    return Completion(**{**known, **changes})


def grade(score: float | None, *verdicts: Verdict, evidence: str = "") -> Grade:
    """A grade with that score, by default of one criterion, "c"."""
    if not verdicts:
        verdicts = (Verdict("c", Outcome.SCORED, score, evidence),)
    return Grade(verdicts, score, 0.0, 1.0, 1.0)


class MadePolicy:
    """Saves a little Hugging Face folder whose weights are `value`; what a policy's checkpoints need and no more."""

    def __init__(self, value: float = 0.0) -> None:
        self.value = value

    def save(self, folder: Path) -> None:
        """Weights and a config."""
        import torch
        from safetensors.torch import save_file

        save_file({"weight": torch.full((8,), self.value)}, folder / "model.safetensors")
        (folder / "config.json").write_text("{}")

    def state(self) -> dict[str, Any]:
        """As an optimizer's: nested, tensors and plain values."""
        import torch

        moments = {"exp_avg": torch.full((8,), self.value / 3), "step": 3}
        return {"optimizer": [moments], "betas": (0.9, 0.999), "adapters": None}


def rows(steps: int = 40, *, gain: float = 0.3, every: int = 10, hindsight: bool = True) -> dict[int, dict[str, Any]]:
    """Metrics of a run that gets better, noisily but always the same."""
    found: dict[int, dict[str, Any]] = {0: {"held_out/score": 0.2}}
    total = 0
    for step in range(1, steps + 1):
        grown = gain * (1 - math.exp(-3 * step / steps))
        drawn = 1000 + 37 * (step * 7 % 11)
        total += drawn
        found[step] = {
            "reward/mean": 0.2 + grown + 0.05 * math.sin(step * 2.399),
            "groups/with_signal": 0.7,
            "tokens/generated": drawn,
            "tokens/total": total,
            "speed/generated": 200 + 10 * math.cos(step * 1.7),
            "time/update": 3.0,
        }
        if hindsight:
            found[step]["hindsight/hit_rate"] = 0.3 + 0.1 * math.sin(step)
        if step % every == 0:
            found[step]["held_out/score"] = 0.2 + 0.8 * grown
    return found


def write_training_run(runs_dir: Path, name: str, metrics: dict[int, dict[str, Any]], **config: Any) -> Path:
    """A training run's folder with its record and its metrics.

    Args:
        runs_dir: Where runs live.
        name: The run's.
        metrics: Step -> values.
        config: Settings beside the usual ones.
    """
    folder = runs_dir / name
    folder.mkdir(parents=True)
    settings = {"kind": "train", "method": "herl", "model": "demo", "seed": 0, **config}
    record = {
        "schema": 1, "name": name, "command": ["herl", "train", "herl", "demo"], "created": "2026-11-21T00:00:00+00:00",
        "fresh": False, "config": settings, "seed": 0, "model": {"name": "demo", "fingerprint": "f"},
        "benchmarks": {}, "versions": {}, "git": "", "sessions": [{"started": "2026-11-21", "seconds": 60.0}],
    }  # fmt: skip
    (folder / "run.json").write_text(json.dumps(record))
    lines = [json.dumps({"step": step, **values}) + "\n" for step, values in metrics.items()]
    (folder / "metrics.jsonl").write_text("".join(lines))
    return folder

"""Experiments that are really run, on models that a script plays in memory."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from improving import Quiet, Said, Scripted

from herl.benchmarks.base import Benchmark
from herl.benchmarks.settings import Settings
from herl.engine.base import Request
from herl.resources import Store
from herl.run import Run
from herl.selfimprove.build import Cast
from herl.selfimprove.session import Choices, conduct
from herl.selfimprove.settings import ORACLE, LoopSettings


def conducted(
    runs: Path,
    benchmark: Benchmark,
    script: Callable[[Request], Said],
    name: str = "r",
    cast: Callable[[Scripted], Cast] = lambda policy: Cast(policy, None, None),
    **choices: Any,
) -> Path:
    """Run an experiment to its end.

    Args:
        runs: Where runs are.
        benchmark: What is asked.
        script: Plays the model that answers.
        name: The run's name.
        cast: The models, given the one that answers; by default an oracle is the critic.
        choices: Fields of `Choices`.

    Returns:
        The run's folder.
    """
    policy = Scripted(script)
    fields: dict[str, Any] = {"critic": ORACLE, "answers": Settings(), "loop": LoopSettings(), **choices}
    chosen = Choices(policy.model, benchmark, **fields)
    with Run(runs, name, chosen.as_config()) as run:
        conduct(chosen, run, Store(), Quiet, cast=cast(policy))
        return run.path

"""Experiments on scripted models whose words depend on what they are shown alone."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from improving import (
    SEED,
    Quiet,
    Said,
    Scripted,
    answers_in,
    coin,
    compares,
    is_better,
    is_met,
    prompt_of,
    varied,
)
from made_benchmarks import benchmark, item, work

from herl.benchmarks.base import Benchmark
from herl.benchmarks.judging import Bench as Judges
from herl.benchmarks.settings import JudgeSettings, Settings
from herl.cache import CompletionCache
from herl.engine.base import Request
from herl.item import Item
from herl.rows import Row
from herl.rubric import Criterion
from herl.selfimprove.build import Cast, build
from herl.selfimprove.experiment import Outcome, run_experiment
from herl.selfimprove.journal import Journal
from herl.selfimprove.settings import LoopSettings
from herl.selfimprove.stages import stage_rows

CRITERIA = tuple(Criterion(name, f"It is {name}.", weight) for name, weight in (("short", 1), ("kind", 2), ("true", 1)))


def judged_items(count: int) -> list[Item]:
    return [item(f"q{number}", *CRITERIA) for number in range(count)]


def judges_by_chance(request: Request) -> str:
    """A judge or critic whose verdicts depend on what it is shown alone."""
    prompt = prompt_of(request)
    drawn = coin(prompt)
    return is_better(["first", "second", "tie"][drawn % 3]) if compares(prompt) else is_met(drawn % 3 > 0)


def prefers_by_chance(request: Request) -> str:
    """A judge by chance that, of two answers, prefers one whatever their order."""
    prompt = prompt_of(request)
    if not compares(prompt):
        return judges_by_chance(request)
    first, second = (coin(answer) for answer in answers_in(prompt))
    return is_better("first" if first > second else "second")


@dataclass
class Stand:
    """An experiment on scripted models; every `run` continues it.

    Args:
        cache: Where completions are kept; they are not read.
        benchmark: What is asked.
        policy: Who answers.
        critic: Who criticises; the policy itself where it is the same, an oracle where it is None.
        judges: Who gives the final score.
        answers: How plain answers are drawn.
        journal: What was bought.
    """

    cache: Path
    benchmark: Benchmark
    policy: Scripted
    critic: Scripted | None = None
    judges: Sequence[Scripted] = ()
    answers: Settings = field(default_factory=lambda: Settings(seed=SEED))
    journal: Journal = field(default_factory=Journal)

    def run(self, **loop: Any) -> Outcome:
        settings = JudgeSettings(models=tuple(judge.model for judge in self.judges))
        bench = Judges(settings, self.judges) if self.judges else None
        cast = Cast(self.policy, self.critic, bench)
        with CompletionCache(self.cache, read=False) as cache:
            made = LoopSettings(**loop)
            experiment = build(work(self.benchmark), cast, self.answers, made, self.journal, cache, Quiet)
            return run_experiment(experiment)

    def rows(self, **loop: Any) -> list[Row]:
        outcome = self.run(**loop)
        assert not outcome.failures
        return list(stage_rows(self.benchmark, outcome.stages, outcome.ruled))


def model(script: Callable[[Request], Said], name: str) -> Scripted:
    return Scripted(script, f"http://scripted/v1#{name}")


def judged(tmp_path: Path, count: int = 3, **changes: Any) -> Stand:
    """A judged benchmark with a critic and a judge of its own."""
    fields: dict[str, Any] = {
        "policy": model(varied, "policy"),
        "critic": model(prefers_by_chance, "critic"),
        "judges": [model(judges_by_chance, "judge")],
    }
    return Stand(tmp_path / "cache", benchmark(judged_items(count)), **{**fields, **changes})


def of(rows: Iterable[Row], arm: str) -> list[Row]:
    return [row for row in rows if row["arm"] == arm]

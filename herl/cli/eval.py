"""`herl eval`: answer benchmarks with a model and score the answers."""

from __future__ import annotations

import sys
from typing import Annotated, Any

import typer

from herl.cli.finish import MinScore, finish, print_plans
from herl.cli.options import (
    DEFAULT_RUNS_DIR,
    AllowCode,
    AllowSelfJudge,
    AsJson,
    BenchmarkList,
    Concurrency,
    DataDir,
    Device,
    DryRun,
    EngineKind,
    Fresh,
    JudgeCalls,
    JudgeExamples,
    JudgePanel,
    Judges,
    Limit,
    MaxRetries,
    MaxTokens,
    MinJudgeCoverage,
    ModelOrAnswers,
    Prices,
    RunsDir,
    Seed,
    Settings,
    System,
    Temperature,
    TopP,
)
from herl.cli.output import stdout_reserved
from herl.cli.settings import read_judges, read_settings

EXAMPLE = "herl eval -m demo -b demo"


def run(
    model: ModelOrAnswers,
    benchmarks: BenchmarkList,
    limit: Limit = None,
    samples: Annotated[int, typer.Option(min=1, metavar="K", help="Answers per item.")] = 1,
    name: Annotated[
        str | None,
        typer.Option(
            "--run", metavar="NAME", help="The run's name and resume key; by default made of model and benchmarks."
        ),
    ] = None,
    runs_dir: RunsDir = DEFAULT_RUNS_DIR,
    data_dir: DataDir = None,
    engine: EngineKind = None,
    device: Device = "auto",
    temperature: Temperature = None,
    top_p: TopP = None,
    max_tokens: MaxTokens = None,
    seed: Seed = 0,
    system: System = "",
    set_: Settings = None,
    concurrency: Concurrency = 16,
    max_retries: MaxRetries = 5,
    allow_missing: Annotated[
        bool, typer.Option("--allow-missing", help="replay: count items without an answer as unanswered.")
    ] = False,
    fresh: Fresh = False,
    judge: Judges = None,
    panel: JudgePanel = "mean",
    judge_calls: JudgeCalls = None,
    judge_examples: JudgeExamples = None,
    allow_self_judge: AllowSelfJudge = False,
    min_judge_coverage: MinJudgeCoverage = 0.95,
    price: Prices = None,
    allow_code: AllowCode = False,
    dry_run: DryRun = False,
    min_score: MinScore = None,
    as_json: AsJson = False,
) -> None:
    """Answer benchmarks with a model and score the answers. The same command again continues."""
    from herl.api import evaluate, plan
    from herl.benchmarks.settings import Settings as Answers
    from herl.engine.base import EngineOptions
    from herl.report.progress import Progress

    chosen = read_settings(set_)
    common: dict[str, Any] = {
        "settings": Answers(limit, samples, temperature, top_p, max_tokens, seed, system),
        "judges": read_judges(
            judge,
            panel=panel,
            calls=judge_calls,
            examples=judge_examples,
            allow_self=allow_self_judge,
            min_coverage=min_judge_coverage,
            prices=price,
            sampling=chosen.judge,
        ),
        "options": chosen.options,
        "allow_code": allow_code,
        "run": name,
        "runs_dir": runs_dir,
        "data_dir": data_dir,
        "allow_missing": allow_missing,
        "fresh": fresh,
    }
    names = [each.strip() for each in benchmarks.split(",") if each.strip()]
    if dry_run:
        with stdout_reserved():
            plans = plan(model, names, **common)
        print_plans(plans, as_json=as_json)
        return
    with stdout_reserved():
        done = evaluate(
            model,
            names,
            engine_options=EngineOptions(engine, device, concurrency, max_retries, chosen.engine),
            watch=Progress,
            command=["herl", *sys.argv[1:]],
            **common,
        )
    finish(done, as_json=as_json, min_score=min_score)

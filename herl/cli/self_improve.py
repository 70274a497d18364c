"""`herl self-improve`: revise answers by feedback on their rubrics, and say whether that is worth its tokens."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, ClassVar, Literal

import typer

from herl.cli.improved import finish, finish_prompt, show_draft
from herl.cli.options import (
    DEFAULT_RUNS_DIR,
    AllowSelfJudge,
    AsJson,
    Concurrency,
    CriticSettings,
    DataDir,
    Device,
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
    Model,
    Prices,
    RunsDir,
    Seed,
    System,
    Temperature,
    TopP,
    complete_benchmarks,
)
from herl.cli.output import stdout_reserved
from herl.cli.settings import read_controls, read_judges, read_settings
from herl.cli.verb import Verb

EXAMPLE = "herl self-improve -m demo -b demo --critic oracle --controls"

_LOOP, _CONTROLS = "Loop", "Controls"


class Command(Verb):
    """Takes --controls without a value for all of them."""

    bare: ClassVar = {"--controls": "all"}


def _complete_critics() -> list[str]:
    return ["oracle", "self", "demo"]


def _complete_controls(incomplete: str) -> Iterator[str]:
    from herl.selfimprove.settings import CONTROLS

    given, comma, _ = incomplete.rpartition(",")
    names = CONTROLS if given else ("all", *CONTROLS)
    return (given + comma + name for name in names if name not in given.split(","))


def run(
    model: Model,
    benchmark: Annotated[
        str | None,
        typer.Option(
            "--benchmark",
            "-b",
            metavar="NAME",
            help="Improve the answers to a benchmark (see: herl list).",
            autocompletion=complete_benchmarks,
            show_default=False,
        ),
    ] = None,
    input_: Annotated[
        Path | None,
        typer.Option(
            "--input",
            metavar="FILE.jsonl",
            help="Or to your own prompts: rows {prompt, rubric}.",
            show_default=False,
        ),
    ] = None,
    prompt: Annotated[
        str | None, typer.Option("--prompt", metavar="TEXT", help="Or to one prompt.", show_default=False)
    ] = None,
    rubric: Annotated[
        Path | None,
        typer.Option(
            "--rubric",
            metavar="FILE.yaml",
            help="What a good answer to the --prompt does; without it the critic drafts one.",
            show_default=False,
        ),
    ] = None,
    critic: Annotated[
        str,
        typer.Option(
            "--critic",
            metavar="CRITIC",
            help="Who gives feedback: self, a model, or oracle, the benchmark's own grader.",
            autocompletion=_complete_critics,
            rich_help_panel=_LOOP,
        ),
    ] = "self",
    rounds: Annotated[
        int, typer.Option("--rounds", min=1, metavar="R", help="Most rounds of revision.", rich_help_panel=_LOOP)
    ] = 2,
    revisions: Annotated[
        int, typer.Option("--revisions", min=1, metavar="K", help="Revisions in a round.", rich_help_panel=_LOOP)
    ] = 1,
    patience: Annotated[
        int,
        typer.Option(
            "--patience", min=1, metavar="P", help="Stop after P rounds without a better one.", rich_help_panel=_LOOP
        ),
    ] = 2,
    form: Annotated[
        Literal["full", "brief"],
        typer.Option(
            "--form", help="Tell the model its draft and all verdicts, or what is unmet only.", rich_help_panel=_LOOP
        ),
    ] = "full",
    accept: Annotated[
        Literal["verdicts", "preference"] | None,
        typer.Option(
            "--accept",
            help="A revision is better if the critic's verdicts say so (an oracle's do), or if the critic prefers it "
            "in both orders (others by default).",
            show_default=False,
            rich_help_panel=_LOOP,
        ),
    ] = None,
    hidden: Annotated[
        float,
        typer.Option(
            "--hidden",
            min=0,
            max=1,
            metavar="X",
            help="Share of each rubric that the loop never sees, to show over-fitting.",
            rich_help_panel=_LOOP,
        ),
    ] = 0.0,
    budget: Annotated[
        int | None,
        typer.Option(
            "--budget",
            min=1,
            metavar="N",
            help="Most tokens for an item, by model and critic.",
            show_default=False,
            rich_help_panel=_LOOP,
        ),
    ] = None,
    revision_temperature: Annotated[
        float,
        typer.Option("--revision-temperature", metavar="T", help="Of revisions and controls.", rich_help_panel=_LOOP),
    ] = 0.7,
    controls: Annotated[
        str | None,
        typer.Option(
            "--controls",
            metavar="[NAMES]",
            help="What the same tokens do without the loop: best-of-n, resample, self-refine, with commas between "
            "them; all of them without names.",
            autocompletion=_complete_controls,
            show_default=False,
            rich_help_panel=_CONTROLS,
        ),
    ] = None,
    limit: Limit = None,
    name: Annotated[
        str | None,
        typer.Option(
            "--run",
            metavar="NAME",
            help="The run's name and resume key; by default made of model, what is asked and critic.",
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
    set_: CriticSettings = None,
    concurrency: Concurrency = 16,
    max_retries: MaxRetries = 5,
    fresh: Fresh = False,
    judge: Judges = None,
    panel: JudgePanel = "mean",
    judge_calls: JudgeCalls = None,
    judge_examples: JudgeExamples = None,
    allow_self_judge: AllowSelfJudge = False,
    min_judge_coverage: MinJudgeCoverage = 0.95,
    price: Prices = None,
    as_json: AsJson = False,
) -> None:
    """Revise answers by feedback on their rubrics, and say what it gained. The same command again continues."""
    from herl.api import self_improve
    from herl.benchmarks.settings import Settings as Answers
    from herl.engine.base import EngineOptions
    from herl.report.progress import Progress
    from herl.selfimprove.settings import LoopSettings

    chosen = read_settings(set_, has_critic=True)
    judges = read_judges(
        judge,
        panel=panel,
        calls=judge_calls,
        examples=judge_examples,
        allow_self=allow_self_judge,
        min_coverage=min_judge_coverage,
        prices=price,
        sampling=chosen.judge,
    )
    loop = LoopSettings(
        rounds=rounds,
        revisions=revisions,
        patience=patience,
        form=form,
        accept=accept,
        hidden=hidden,
        budget=budget,
        temperature=revision_temperature,
        controls=() if controls is None else read_controls(controls),
    )
    with stdout_reserved():
        done = self_improve(
            model,
            benchmark,
            input=input_,
            prompt=prompt,
            rubric=rubric,
            critic=critic,
            loop=loop,
            settings=Answers(limit, 1, temperature, top_p, max_tokens, seed, system),
            judges=judges,
            critic_sampling=chosen.critic,
            options=chosen.options,
            engine_options=EngineOptions(engine, device, concurrency, max_retries, chosen.engine),
            run=name,
            runs_dir=runs_dir,
            data_dir=data_dir,
            fresh=fresh,
            watch=Progress,
            on_draft=show_draft,
            command=["herl", *sys.argv[1:]],
        )
    if prompt is None:
        finish(done, as_json=as_json)
    else:
        finish_prompt(done, as_json=as_json)

"""Options and arguments that several verbs share, with their shell completion."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Literal

import typer

DEFAULT_RUNS_DIR = Path("runs")
MODEL_PANEL = "Model"
JUDGE_PANEL = "Judges"


def complete_benchmarks(incomplete: str) -> Iterator[str]:
    """Completions of `-b`, which takes names with commas between them."""
    from herl.benchmarks import names

    given, comma, _ = incomplete.rpartition(",")
    return (given + comma + name for name in names() if name not in given.split(","))


def complete_runs(ctx: typer.Context) -> list[str]:
    """Completions of RUN: the runs below `--runs-dir`."""
    from herl.report.read import run_names

    return run_names(ctx.params.get("runs_dir") or DEFAULT_RUNS_DIR)


RunsDir = Annotated[
    Path,
    typer.Option("--runs-dir", envvar="HERL_RUNS_DIR", metavar="DIR", help="The folder that holds the runs."),
]
DataDir = Annotated[
    Path | None,
    typer.Option(
        "--data-dir",
        envvar="HERL_DATA",
        metavar="DIR",
        help="Read data from this folder; nothing is fetched.",
        show_default=False,
    ),
]
AsJson = Annotated[
    bool, typer.Option("--json", envvar="HERL_JSON", help="One JSON document on stdout, all else on stderr.")
]
Limit = Annotated[
    int | None,
    typer.Option("--limit", "-n", min=1, metavar="N", help="Only the first N.", show_default=False),
]
Model = Annotated[
    str,
    typer.Option(
        "--model", "-m", metavar="MODEL", help="demo, a path, a hub id, http://host:port/v1#name or openai:name."
    ),
]
ModelOrAnswers = Annotated[
    str,
    typer.Option(
        "--model",
        "-m",
        metavar="MODEL",
        help="demo, a path, a hub id, http://host:port/v1#name, openai:name, or replay:FILE.jsonl.",
    ),
]
EngineKind = Annotated[
    Literal["vllm", "transformers"] | None,
    typer.Option(
        "--engine",
        help="For local models; vllm where it is installed.",
        show_default=False,
        rich_help_panel=MODEL_PANEL,
    ),
]
Device = Annotated[
    Literal["auto", "cpu", "cuda"],
    typer.Option("--device", help="Where a local model runs.", rich_help_panel=MODEL_PANEL),
]
Temperature = Annotated[
    float | None,
    typer.Option(
        "--temperature",
        min=0,
        metavar="T",
        help="0 is greedy; by default the benchmark's.",
        show_default=False,
        rich_help_panel=MODEL_PANEL,
    ),
]
TopP = Annotated[
    float | None,
    typer.Option(
        "--top-p",
        metavar="P",
        help="Nucleus mass; by default the benchmark's.",
        show_default=False,
        rich_help_panel=MODEL_PANEL,
    ),
]
MaxTokens = Annotated[
    int | None,
    typer.Option(
        "--max-tokens",
        min=1,
        metavar="N",
        help="Longest answer; by default the benchmark's.",
        show_default=False,
        rich_help_panel=MODEL_PANEL,
    ),
]
Seed = Annotated[
    int, typer.Option("--seed", min=0, metavar="S", help="Seed of every draw.", rich_help_panel=MODEL_PANEL)
]
System = Annotated[
    str,
    typer.Option("--system", metavar="TEXT", help="A system message.", show_default=False, rich_help_panel=MODEL_PANEL),
]
MaxRetries = Annotated[
    int,
    typer.Option(
        "--max-retries", min=0, metavar="N", help="Tries after the first at a server.", rich_help_panel=MODEL_PANEL
    ),
]
Fresh = Annotated[bool, typer.Option("--fresh", help="Start over: delete the run, ask for every answer anew.")]
BenchmarkList = Annotated[
    str,
    typer.Option(
        "--benchmark",
        "-b",
        metavar="NAME[,NAME...]",
        help="What to run (see: herl list).",
        autocompletion=complete_benchmarks,
    ),
]
Settings = Annotated[
    list[str] | None,
    typer.Option(
        "--set",
        metavar="KEY=VALUE",
        help="A benchmark's option (ifbench.checkers=paper), the judge's sampling (judge.temperature=0), or an "
        "engine's setting (vllm.tensor_parallel_size=2).",
        show_default=False,
    ),
]
CriticSettings = Annotated[
    list[str] | None,
    typer.Option(
        "--set",
        metavar="KEY=VALUE",
        help="A benchmark's option (ifbench.checkers=paper), the critic's or the judge's sampling "
        "(critic.max_tokens=256), or an engine's setting (vllm.tensor_parallel_size=2).",
        show_default=False,
    ),
]
Judges = Annotated[
    list[str] | None,
    typer.Option(
        "--judge",
        metavar="MODEL",
        help="Who judges, for benchmarks that code cannot decide; several are a panel.",
        show_default=False,
        rich_help_panel=JUDGE_PANEL,
    ),
]
JudgePanel = Annotated[
    Literal["mean", "majority"],
    typer.Option("--panel", help="How several judges' verdicts become one.", rich_help_panel=JUDGE_PANEL),
]
JudgeCalls = Annotated[
    Literal["criterion", "item"] | None,
    typer.Option(
        "--judge-calls",
        help="One call for each criterion, or one for all of an item's; by default the benchmark's protocol.",
        show_default=False,
        rich_help_panel=JUDGE_PANEL,
    ),
]
JudgeExamples = Annotated[
    Path | None,
    typer.Option(
        "--judge-examples",
        metavar="FILE",
        help="Judgements labelled by people, shown to the judge: rows {prompt, answer, criterion, verdict}.",
        show_default=False,
        rich_help_panel=JUDGE_PANEL,
    ),
]
AllowSelfJudge = Annotated[
    bool,
    typer.Option("--allow-self-judge", help="Let a model judge its own answers.", rich_help_panel=JUDGE_PANEL),
]
MinJudgeCoverage = Annotated[
    float,
    typer.Option(
        "--min-judge-coverage",
        metavar="X",
        min=0,
        max=1,
        help="Exit with code 4 when judges decide a smaller share of the criteria.",
        rich_help_panel=JUDGE_PANEL,
    ),
]
Prices = Annotated[
    list[str] | None,
    typer.Option(
        "--price",
        metavar="IN,OUT",
        help="What a million of the judge's prompt and reply tokens cost; once, or once for each --judge.",
        show_default=False,
        rich_help_panel=JUDGE_PANEL,
    ),
]
AllowCode = Annotated[
    bool,
    typer.Option("--allow-code", help="lm:humaneval: run the code that the model writes, in a sandbox."),
]
Concurrency = Annotated[
    int,
    typer.Option(
        "--concurrency",
        "-j",
        min=1,
        metavar="N",
        help="Requests in flight at a server.",
        rich_help_panel=MODEL_PANEL,
    ),
]
DryRun = Annotated[
    bool, typer.Option("--dry-run", help="Say how many calls and tokens the run needs, and ask for nothing.")
]
RunNames = Annotated[
    list[str],
    typer.Argument(metavar="RUN...", help="Names of runs.", autocompletion=complete_runs, show_default=False),
]
RunName = Annotated[
    str, typer.Argument(metavar="RUN", help="Name of a run.", autocompletion=complete_runs, show_default=False)
]
BenchmarkName = Annotated[
    str,
    typer.Argument(metavar="NAME", help="A benchmark.", autocompletion=complete_benchmarks, show_default=False),
]
BenchmarkNames = Annotated[
    list[str] | None,
    typer.Argument(metavar="[NAME...]", help="Benchmarks; all of them without.", autocompletion=complete_benchmarks),
]

"""Options and arguments that several verbs share, with their shell completion."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import typer

DEFAULT_RUNS_DIR = Path("runs")


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

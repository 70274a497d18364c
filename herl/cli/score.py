"""`herl score`: score answers that were made elsewhere."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from herl.cli.finish import MinScore, finish
from herl.cli.options import DEFAULT_RUNS_DIR, AsJson, DataDir, RunsDir, complete_benchmarks
from herl.cli.output import stdout_reserved

EXAMPLE = "herl score answers.jsonl -b ifeval"


def run(
    answers: Annotated[
        Path, typer.Argument(metavar="FILE.jsonl", help="Rows {id | key | prompt, response}.", show_default=False)
    ],
    benchmark: Annotated[
        str,
        typer.Option("--benchmark", "-b", metavar="NAME", help="What was asked.", autocompletion=complete_benchmarks),
    ],
    name: Annotated[
        str | None, typer.Option("--run", metavar="NAME", help="The run's name; by default file and benchmark.")
    ] = None,
    runs_dir: RunsDir = DEFAULT_RUNS_DIR,
    data_dir: DataDir = None,
    allow_missing: Annotated[
        bool, typer.Option("--allow-missing", help="Count items without an answer as unanswered.")
    ] = False,
    fresh: Annotated[bool, typer.Option("--fresh", help="Start the run over.")] = False,
    min_score: MinScore = None,
    as_json: AsJson = False,
) -> None:
    """Score a file of answers as a benchmark's own scorer would."""
    from herl.api import score
    from herl.report.progress import Progress

    with stdout_reserved():
        done = score(
            answers,
            benchmark,
            run=name,
            runs_dir=runs_dir,
            data_dir=data_dir,
            allow_missing=allow_missing,
            fresh=fresh,
            watch=Progress,
            command=["herl", *sys.argv[1:]],
        )
    finish(done, as_json=as_json, min_score=min_score)

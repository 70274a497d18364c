"""How `eval` and `score` end: the table, the paths, the gate."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from herl.cli.output import make_console, print_json, say
from herl.errors import EXIT_GATE

if TYPE_CHECKING:
    from herl.api import Evaluation

MinScore = Annotated[
    float | None,
    typer.Option(
        "--min-score",
        min=0,
        max=1,
        metavar="X",
        help="Exit with code 3 when a benchmark's primary metric (0 to 1) is lower.",
        show_default=False,
    ),
]


def finish(done: Evaluation, *, as_json: bool, min_score: float | None) -> None:
    """Print a finished run, and fail if its score is too low.

    Raises:
        typer.Exit: with code 3 below `min_score`.
    """
    if as_json:
        print_json({"run": done.path.name, "path": str(done.path), "results": list(done.results)})
    else:
        _print_table(done)
    too_low = []
    for result in done.results:
        value = result["metrics"][result["primary"]]["value"]
        if min_score is not None and (value is None or value < min_score):
            too_low.append(f"{result['benchmark']} {result['primary']} is {value}, below --min-score {min_score}")
    for line in too_low:
        say(line)
    if too_low:
        raise typer.Exit(EXIT_GATE)


def _print_table(done: Evaluation) -> None:
    from herl.report import terminal_table
    from herl.report.read import read_run

    console = make_console()
    console.print(terminal_table(read_run(done.path)), crop=False)
    for name in ("summary.md", "summary.csv"):
        console.print(str(done.path / name))
    if done.resumed:
        say("This run was finished already; --fresh starts it over.")

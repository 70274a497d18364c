"""`herl report`: a leaderboard of finished runs."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from herl.cli.options import DEFAULT_RUNS_DIR, AsJson, RunNames, RunsDir
from herl.cli.output import make_console, print_json, say
from herl.errors import EXIT_INCOMPLETE, UsageError

EXAMPLE = "herl report small-ifeval large-ifeval --format md --out leaderboard.md"


def run(
    runs: RunNames,
    format: Annotated[
        Literal["md", "csv"] | None,
        typer.Option(help="Markdown, or CSV with one value per row; without, a table for the terminal."),
    ] = None,
    out: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write here; .md or .csv tells the format.", show_default=False)
    ] = None,
    runs_dir: RunsDir = DEFAULT_RUNS_DIR,
    as_json: AsJson = False,
) -> None:
    """Put runs side by side in a leaderboard.

    Runs that cannot be read are named and left out. The exit code is 1 when a run is left out or incomplete.
    """
    from herl.files import write_atomically
    from herl.report import leaderboard, read_runs, terminal_table

    results, problems = read_runs(runs_dir, runs)
    for problem in problems:
        say(problem)
    if out and results:
        write_atomically(out, leaderboard(results, format or _format_of(out)))
        say(f"wrote {out}")
    if as_json:
        print_json({"results": [{"run": each.run, **each.document} for each in results], "left_out": problems})
    elif format and not out:
        print(leaderboard(results, format), end="")
    elif not out:
        make_console().print(terminal_table(results), crop=False)
    if problems or not all(result.complete for result in results):
        raise typer.Exit(EXIT_INCOMPLETE)


def _format_of(out: Path) -> Literal["md", "csv"]:
    if out.suffix == ".csv":
        return "csv"
    if out.suffix in (".md", ".markdown"):
        return "md"
    raise UsageError(f"--out {out} does not tell the format", "Name it .md or .csv, or give --format.")

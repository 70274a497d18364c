"""`herl report`: a leaderboard of finished runs, and the reports of experiments."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from herl.cli.options import DEFAULT_RUNS_DIR, AsJson, RunNames, RunsDir
from herl.cli.output import make_console, print_json, say
from herl.errors import EXIT_INCOMPLETE, UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from herl.report import Result
    from herl.selfimprove.report import Report

EXAMPLE = "herl report small-ifeval large-ifeval --format md --out leaderboard.md"

_PLOTS = (".png", ".svg")


def run(
    runs: RunNames,
    format: Annotated[
        Literal["md", "csv"] | None,
        typer.Option(help="Markdown, or CSV with one value per row; without, a table for the terminal."),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="Write here; .md or .csv tells the format. An experiment's plot is a .png or .svg.",
            show_default=False,
        ),
    ] = None,
    runs_dir: RunsDir = DEFAULT_RUNS_DIR,
    as_json: AsJson = False,
) -> None:
    """Put runs side by side in a leaderboard. Experiments of self-improve follow, each by itself.

    Runs that cannot be read are named and left out. The exit code is 1 when a run is left out or incomplete.
    """
    from herl.files import write_atomically
    from herl.report import read_runs, terminal_table
    from herl.report.read import find_run, is_experiment
    from herl.selfimprove.report import read_reports, terminal

    experiments = [name for name in runs if is_experiment(find_run(runs_dir, name))]
    results, problems = read_runs(runs_dir, [name for name in runs if name not in experiments])
    reports, damaged = read_reports(runs_dir, experiments)
    problems += damaged
    for problem in problems:
        say(problem)
    if out and (results or reports):
        write_atomically(out, _file(results, reports, format, out))
        say(f"wrote {out}")
    if as_json:
        print_json(
            {
                "results": [{"run": each.run, **each.document} for each in results],
                "experiments": [{"run": each.run, **each.result} for each in reports],
                "left_out": problems,
            }
        )
    elif format and not out:
        print(_text(results, reports, format), end="")
    elif not out:
        console = make_console()
        if results or not reports:
            console.print(terminal_table(results), crop=False)
        for report in reports:
            console.print(terminal(report), crop=False)
    if problems or not all(each.complete for each in results) or not all(each.is_complete for each in reports):
        raise typer.Exit(EXIT_INCOMPLETE)


def _file(
    results: Sequence[Result], reports: Sequence[Report], format: Literal["md", "csv"] | None, out: Path
) -> str | bytes:
    """The contents of `--out`."""
    if format is None and out.suffix in _PLOTS:
        return _plot(results, reports, "png" if out.suffix == ".png" else "svg")
    return _text(results, reports, format or _format_of(out))


def _text(results: Sequence[Result], reports: Sequence[Report], format: Literal["md", "csv"]) -> str:
    from herl.report import leaderboard
    from herl.selfimprove.report import markdown
    from herl.selfimprove.tidy import tidy

    if format == "md":
        boards = [leaderboard(results, format)] if results or not reports else []
        return "\n".join([*boards, *map(markdown, reports)])
    if results and reports:
        raise UsageError(
            "evaluations and experiments have different columns", "Write the CSV of either by itself, or --format md."
        )
    return tidy([(each.run, each.result) for each in reports]) if reports else leaderboard(results, format)


def _plot(results: Sequence[Result], reports: Sequence[Report], kind: Literal["png", "svg"]) -> bytes:
    from herl.selfimprove.plot import draw, why_no_plot

    if results or len(reports) != 1:
        raise UsageError("a plot shows one experiment of herl self-improve", "Name that run alone, or --out a .md.")
    if trouble := why_no_plot():
        raise UsageError(f"a plot cannot be drawn: {trouble}")
    return draw(reports[0].result, reports[0].title, kind)


def _format_of(out: Path) -> Literal["md", "csv"]:
    if out.suffix == ".csv":
        return "csv"
    if out.suffix in (".md", ".markdown"):
        return "md"
    raise UsageError(
        f"--out {out} does not tell the format",
        "Name it .md or .csv (or .svg or .png, for an experiment's plot), or give --format.",
    )

"""`herl parity`: replay upstream's verdicts and compare."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

import typer

from herl.cli.options import AsJson, BenchmarkNames, DataDir
from herl.cli.output import print_json, print_table, say, stdout_reserved
from herl.errors import EXIT_COVERAGE, UsageError

if TYPE_CHECKING:
    from herl.benchmarks.base import Benchmark, Parity

EXAMPLE = "herl parity ifeval --data-dir data"


def run(names: BenchmarkNames = None, data_dir: DataDir = None, as_json: AsJson = False) -> None:
    """Score what upstream has scored, and compare verdicts.

    The exit code is 4 when a difference has no known reason.
    """
    from herl.resources import Store

    if data_dir and not data_dir.is_dir():
        raise UsageError(f"--data-dir {data_dir} is not a folder")
    store = Store(data_dir)
    with stdout_reserved():
        found = {each.name: each.parity(store) for each in _with_parity(names) if each.parity}
    if as_json:
        print_json([{"benchmark": name, **asdict(parity)} for name, parity in found.items()])
    else:
        print_table(
            ["benchmark", "checked", "agreed", "explained", "unexplained"],
            [
                [name, *map(str, (each.checked, each.agreed, sum(each.explained.values()), len(each.unexplained)))]
                for name, each in found.items()
            ],
        )
        _explain(found)
    if any(parity.unexplained for parity in found.values()):
        raise typer.Exit(EXIT_COVERAGE)


def _with_parity(names: list[str] | None) -> list[Benchmark]:
    from herl import benchmarks

    chosen = [benchmarks.get(name) for name in names or benchmarks.names()]
    for benchmark in chosen:
        if names and benchmark.parity is None:
            raise UsageError(f"upstream published no verdicts for '{benchmark.name}'")
    return [benchmark for benchmark in chosen if benchmark.parity]


def _explain(found: dict[str, Parity]) -> None:
    for name, parity in found.items():
        for reason, count in parity.explained.items():
            say(f"{name}: {count} differ on purpose: {reason}")
        for line in parity.unexplained:
            say(f"{name}: unexplained: {line}")

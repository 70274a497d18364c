"""`herl data`: where benchmark data comes from, fetching it, checking it."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated

import typer

from herl.cli.options import AsJson, BenchmarkNames, DataDir, complete_benchmarks
from herl.cli.output import print_json, print_table, say, stdout_reserved
from herl.errors import EXIT_COVERAGE, UsageError, nearest

if TYPE_CHECKING:
    from herl.benchmarks.base import Benchmark
    from herl.resources import DataSource

_NLTK = "nltk"


def where(names: BenchmarkNames = None, data_dir: DataDir = None, as_json: AsJson = False) -> None:
    """Say what would be read from where, and whether it is there."""
    from herl.nltk_data import PACKAGES, find
    from herl.resources import Store

    store = Store(data_dir)
    rows = [
        {"name": each.name, "place": store.describe(source), "there": store.has(source)}
        for each, source in _with_data(names)
    ]
    for package in PACKAGES if not names or _NLTK in names else ():
        folder = find(package, store)
        rows.append({"name": f"nltk {package}", "place": str(folder or "not found"), "there": folder is not None})
    if as_json:
        print_json(rows)
    else:
        print_table(
            ["data", "there", "place"],
            [[str(row["name"]), "yes" if row["there"] else "no", str(row["place"])] for row in rows],
        )


def pull(
    names: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[NAME...]",
            help="Benchmarks, or nltk; all of them without.",
            autocompletion=complete_benchmarks,
            show_default=False,
        ),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Fetch data from the hub, and NLTK's, so that everything works offline afterwards."""
    from herl.nltk_data import PACKAGES
    from herl.nltk_data import pull as pull_nltk
    from herl.resources import Store

    pulled: dict[str, str] = {}
    with stdout_reserved():
        for package in PACKAGES if not names or _NLTK in names else ():
            pulled[f"nltk {package}"] = str(pull_nltk(package))
        for benchmark, source in _with_data(names):
            say(f"fetching {benchmark.name} …")
            count = len(Store().rows(source))
            pulled[benchmark.name] = f"{count} rows of {Store().describe(source)}"
    if as_json:
        print_json(pulled)
    else:
        print_table(["data", "fetched"], pulled.items())


def verify(names: BenchmarkNames = None, data_dir: DataDir = None, as_json: AsJson = False) -> None:
    """Compare data with the official digests.

    The exit code is 4 when something differs.
    """
    from herl.resources import Store, rows_digest

    store = Store(data_dir)
    with stdout_reserved():
        found = {each.name: (rows_digest(store.rows(source)), source.digest) for each, source in _with_digest(names)}
    verdicts = {name: digest == official for name, (digest, official) in found.items()}
    if as_json:
        print_json(
            [
                {"name": name, "sha256": digest, "official": official, "equal": verdicts[name]}
                for name, (digest, official) in found.items()
            ]
        )
    else:
        print_table(
            ["data", "verdict", "sha256"],
            [[name, "equal" if verdicts[name] else "DIFFERS", digest] for name, (digest, _) in found.items()],
        )
    if not all(verdicts.values()):
        say("Data that differ are not what published scores were measured on.")
        raise typer.Exit(EXIT_COVERAGE)


def _with_data(names: list[str] | None) -> list[tuple[Benchmark, DataSource]]:
    """The benchmarks of these names that do not ship their own data."""
    from herl import benchmarks

    asked = [name for name in names or benchmarks.names() if name != _NLTK]
    chosen = [benchmarks.get(name) for name in asked]
    return [(benchmark, benchmark.source) for benchmark in chosen if benchmark.source]


def _with_digest(names: list[str] | None) -> list[tuple[Benchmark, DataSource]]:
    """The benchmarks of these names whose rows have an official digest.

    Raises:
        UsageError: there is none for some name.
    """
    chosen = [(benchmark, source) for benchmark, source in _with_data(names) if source.digest]
    for name in names or ():
        if name not in [benchmark.name for benchmark, _ in chosen]:
            known = [benchmark.name for benchmark, _ in _with_digest(None)]
            raise UsageError(f"there is no official digest to verify '{name}' with", nearest(name, known))
    return chosen


VERBS: dict[str, tuple[Callable[..., None], str]] = {
    "where": (where, "herl data where ifeval --data-dir data"),
    "pull": (pull, "herl data pull ifeval nltk"),
    "verify": (verify, "herl data verify ifeval --data-dir data"),
}
"""Verb -> what it runs, and an example for its help."""

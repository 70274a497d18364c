"""`herl data`: where the data of benchmarks and of training come from, fetching them, checking them."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import partial
from pathlib import PurePath
from typing import TYPE_CHECKING, Annotated, NamedTuple

import typer

from herl.cli import make_if
from herl.cli.options import AsJson, BenchmarkNames, DataDir, complete_benchmarks
from herl.cli.output import print_json, print_table, say, stdout_reserved
from herl.errors import EXIT_COVERAGE, EXIT_INCOMPLETE, UsageError, nearest

if TYPE_CHECKING:
    from herl.benchmarks.base import Benchmark
    from herl.resources import DataSource, Store

_NLTK = "nltk"


class _Piece(NamedTuple):
    """One file of a benchmark, and what it is called in tables."""

    name: str
    source: DataSource


def where(names: BenchmarkNames = None, data_dir: DataDir = None, as_json: AsJson = False) -> None:
    """Say what would be read from where, and whether it is there."""
    from herl.nltk_data import PACKAGES, find
    from herl.resources import Store

    store = Store(data_dir)
    rows = [
        {"name": piece.name, "place": store.describe(piece.source), "there": store.has(piece.source)}
        for piece in _pieces(names)
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
            help="Benchmarks, training sets, or nltk; all of them without.",
            autocompletion=complete_benchmarks,
            show_default=False,
        ),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Fetch data from the hub or its own address, and NLTK's, so that everything works offline afterwards.

    What cannot be fetched does not keep the rest away; the exit code is then 1.
    """
    from herl.nltk_data import PACKAGES
    from herl.nltk_data import pull as pull_nltk

    packages = PACKAGES if not names or _NLTK in names else ()
    jobs: dict[str, Callable[[], object]] = {f"nltk {package}": partial(pull_nltk, package) for package in packages}
    jobs |= {piece.name: partial(_fetch, piece.source) for piece in _pieces(names)}
    pulled: dict[str, str] = {}
    with stdout_reserved():
        for name, job in jobs.items():
            say(f"fetching {name} …")
            try:
                pulled[name] = str(job())
            except UsageError as error:
                if len(jobs) == 1:
                    raise
                say(f"{name}: {error.message}. {error.hint}")
    if as_json:
        print_json(pulled)
    else:
        print_table(["data", "fetched"], pulled.items())
    if len(pulled) < len(jobs):
        raise typer.Exit(EXIT_INCOMPLETE)


def _fetch(source: DataSource) -> str:
    """Fetch one file; what came, in words."""
    from herl.download import origin_of
    from herl.resources import Store

    count = len(Store().rows(source))
    came = f"{count} rows of {Store().describe(source)}"
    if source.url:
        origin = json.loads(origin_of(source.cached).read_text())
        came += f", sha256 {origin['sha256']}{'' if origin['checked'] else ' (no official one to compare with)'}"
    return came


def verify(names: BenchmarkNames = None, data_dir: DataDir = None, as_json: AsJson = False) -> None:
    """Compare data with the official digests.

    The exit code is 4 when something differs.
    """
    from herl.resources import Store

    store = Store(data_dir)
    found: dict[str, tuple[str, str]] = {}
    with stdout_reserved():
        for piece in _with_digest(names):
            if names or store.has(piece.source):
                found[piece.name] = _digests(store, piece.source)
            else:
                say(f"{piece.name}: not there, not verified")
    if not found:
        raise UsageError("there are no data to verify", "herl data pull fetches them; or --data-dir FOLDER.")
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
        say("What differs is not the official data. A file is compared byte by byte: a converted copy differs too.")
        raise typer.Exit(EXIT_COVERAGE)


def _digests(store: Store, source: DataSource) -> tuple[str, str]:
    """What the data has, and what it should have: of its rows where that is known, else of its file."""
    from herl.download import file_sha256
    from herl.resources import rows_digest

    if source.digest:
        return rows_digest(store.rows(source)), source.digest
    return file_sha256(store.file(source)), source.sha256


def _pieces(names: list[str] | None) -> list[_Piece]:
    """The files of these benchmarks and training sets, of all splits, each once; none of those that ship their own."""
    from herl import benchmarks
    from herl.train.sources import FILES

    asked = [name for name in names or (*benchmarks.names(), *FILES) if name != _NLTK]
    pieces: dict[DataSource, _Piece] = {}
    for benchmark in (each for name in asked if name not in FILES for each in _with_splits(benchmarks.get(name))):
        for source in benchmark.sources:
            more = "" if source is benchmark.source else f" ({PurePath(source.local).stem})"
            pieces.setdefault(source, _Piece(benchmark.name + more, source))
    for name in (each for each in asked if each in FILES):
        for split, source in FILES[name].items():
            pieces.setdefault(source, _Piece(name if len(FILES[name]) == 1 else f"{name}:{split}", source))
    return list(pieces.values())


def _with_splits(benchmark: Benchmark) -> list[Benchmark]:
    if benchmark.configure is None or ":" in benchmark.name:
        return [benchmark]
    return [benchmark, *(benchmark.configure(split, {}) for split in benchmark.splits)]


def _with_digest(names: list[str] | None) -> list[_Piece]:
    """The files of these benchmarks that have an official digest.

    Raises:
        UsageError: a name has none.
    """
    for name in names or ():
        if not any(_is_known(piece) for piece in _pieces([name])):
            known = sorted({piece.name for piece in _pieces(None) if _is_known(piece)})
            raise UsageError(f"there is no official digest to verify '{name}' with", nearest(name, known))
    return [piece for piece in _pieces(names) if _is_known(piece)]


def _is_known(piece: _Piece) -> bool:
    return bool(piece.source.digest or piece.source.sha256)


VERBS: dict[str, tuple[Callable[..., None], str]] = {
    "where": (where, "herl data where ifeval --data-dir data"),
    "pull": (pull, "herl data pull ifeval nltk"),
    "verify": (verify, "herl data verify ifeval --data-dir data"),
    "make-if": (make_if.make_if, make_if.EXAMPLE),
}
"""Verb -> what it runs, and an example for its help."""

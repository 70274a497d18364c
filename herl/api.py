"""HeRL from Python: what the command line does, as functions."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from herl.engine.address import without_secrets
from herl.engine.base import Engine, EngineOptions
from herl.errors import HerlError, IncompleteError, UsageError
from herl.models import label, slug
from herl.resources import Store
from herl.run import Run

if TYPE_CHECKING:
    from herl.benchmarks.base import Benchmark
    from herl.benchmarks.evaluate import Progress, Settings, Watch, Work


@dataclass(frozen=True, slots=True)
class Evaluation:
    """A finished run.

    Args:
        path: The run directory.
        results: One result per benchmark, as in its result.json.
        resumed: True when every answer was there already.
    """

    path: Path
    results: Sequence[Mapping[str, Any]]
    resumed: bool


def evaluate(
    model: str,
    benchmarks: Sequence[str],
    *,
    settings: Settings | None = None,
    engine_options: EngineOptions | None = None,
    run: str | None = None,
    runs_dir: Path = Path("runs"),
    data_dir: Path | None = None,
    allow_missing: bool = False,
    fresh: bool = False,
    watch: Watch | None = None,
    command: Sequence[str] = (),
) -> Evaluation:
    """Answer benchmarks with a model and score the answers; the same call again continues or returns at once.

    Args:
        model: A model string (design.md, section 4), such as "demo", a path, or "replay:answers.jsonl".
        benchmarks: Names, such as ["ifeval"].
        settings: How to ask; the benchmarks' defaults, greedy, when None.
        engine_options: How to run the model.
        run: The run's name, which is its resume key; made of model and benchmarks when None.
        runs_dir: Where runs live.
        data_dir: Folder of data files; the hub when None.
        allow_missing: Count items without a recorded answer as unanswered instead of refusing.
        fresh: Start over, and buy every answer anew.
        watch: Shows progress; silent when None.
        command: The command line, for the record.

    Returns:
        The run and its results.

    Raises:
        UsageError: wrong names, settings or data; nothing was generated.
        IncompleteError: some answers could not be had; the rest is safe, and the same call asks for them again.
    """
    from herl.benchmarks import get
    from herl.benchmarks.evaluate import Settings
    from herl.engine import open_engine

    settings = settings or Settings()
    if not benchmarks:
        raise UsageError("name at least one benchmark", "herl list shows them.")
    chosen = [get(name) for name in dict.fromkeys(benchmarks)]
    name = run or slug(f"{label(model)}-{'-'.join(benchmark.name for benchmark in chosen)}")
    with open_engine(model, engine_options or EngineOptions()) as engine:
        config = {
            "model": engine.model,
            "benchmarks": [benchmark.name for benchmark in chosen],
            **asdict(settings),
            "allow_missing": allow_missing,
        }
        with Run(runs_dir, name, config, fresh=fresh) as opened:
            store = Store(data_dir)
            if finished := _finished(opened, engine, chosen, store, settings):
                return Evaluation(opened.path, finished, resumed=True)
            works = _prepare(opened, engine, chosen, store, settings, allow_missing)
            opened.begin([without_secrets(argument) for argument in command])
            return _evaluate(opened, engine, works, settings, fresh, watch or _silent)


def score(answers: Path, benchmark: str, **options: Any) -> Evaluation:
    """Score answers that were made elsewhere.

    Args:
        answers: JSONL rows {id | key | prompt, response}.
        benchmark: The benchmark they answer.
        options: As for `evaluate`.

    Returns:
        The run and its result.
    """
    return evaluate(f"replay:{answers}", [benchmark], **options)


def load_run(name: str, runs_dir: Path = Path("runs")) -> Evaluation:
    """Read a run that is on the disk.

    Args:
        name: The run's name.
        runs_dir: Where runs live.

    Returns:
        The run and its results so far.

    Raises:
        UsageError: there is no such run, it has no results yet, or it is damaged.
    """
    from herl.report import read_run
    from herl.report.read import find_run

    path = find_run(runs_dir, name)
    return Evaluation(path, [result.document for result in read_run(path)], resumed=True)


def _prepare(
    run: Run,
    engine: Engine,
    chosen: Sequence[Benchmark],
    store: Store,
    settings: Settings,
    allow_missing: bool,
) -> list[Work]:
    """All that can go wrong before the first answer goes wrong here, while the run is still as it was."""
    from herl.benchmarks.evaluate import prepare
    from herl.engine.replay import ReplayEngine

    works = [prepare(benchmark, store, settings) for benchmark in chosen]
    for work in works:
        if isinstance(engine, ReplayEngine):
            engine.check(work.items, settings.samples, whole=settings.limit is None, allow_missing=allow_missing)
        run.pin(work.benchmark.name, {**work.facts, "notes": list(work.notes)})
    run.pin_model(engine.fingerprint)
    return works


def _evaluate(
    run: Run, engine: Engine, works: Sequence[Work], settings: Settings, fresh: bool, watch: Watch
) -> Evaluation:
    from herl.benchmarks.evaluate import answer_and_grade, conclude
    from herl.cache import CompletionCache
    from herl.engine.replay import ReplayEngine
    from herl.report import write_summary

    failures: Counter[str] = Counter()
    with CompletionCache(read=not fresh) as cache, _session(run):
        for work in works:
            kept = None if isinstance(engine, ReplayEngine) else cache  # a file need not be kept twice
            failures += answer_and_grade(work, engine, run, settings, kept, watch)
    results = [conclude(work, run, settings) for work in works]
    write_summary(run.path)
    if failures:
        raise _incomplete(run, results, failures)
    return Evaluation(run.path, results, resumed=False)


def _finished(
    run: Run, engine: Engine, chosen: Sequence[Benchmark], store: Store, settings: Settings
) -> list[Mapping[str, Any]] | None:
    """The results of a run in which nothing is left to do, None otherwise.

    Raises:
        UsageError: the model or the data are not those that gave these results.
    """
    from herl.benchmarks.evaluate import has_all_rows, load
    from herl.report import read_run, write_summary

    if run.is_new:
        return None
    try:
        results = read_run(run.path)
    except UsageError:
        return None  # missing or damaged: they are added up from the rows again
    for benchmark, result in zip(chosen, results, strict=True):
        if result.version != benchmark.version or not result.complete or not has_all_rows(run, result.document):
            return None
        if benchmark.source is None or store.has(benchmark.source):
            run.pin(benchmark.name, load(benchmark, store, settings).facts)
    try:
        run.pin_model(engine.fingerprint)
    except UsageError:
        raise
    except HerlError:
        pass  # a server that is down now can have no say in answers that it gave before
    if not all((run.path / name).exists() for name in ("summary.md", "summary.csv")):
        write_summary(run.path)
    return [result.document for result in results]


@contextmanager
def _session(run: Run) -> Iterator[None]:
    """Record the sitting in run.json however it ends."""
    started, begin = datetime.now(UTC), time.monotonic()
    try:
        yield
    finally:
        run.add_session(started, time.monotonic() - begin)


def _incomplete(run: Run, results: Sequence[Mapping[str, Any]], failures: Counter[str]) -> IncompleteError:
    reasons = "; ".join(f"{reason} ({count})" for reason, count in failures.most_common(3))
    done, asked = sum(r["rows"] for r in results), sum(r["n"] * r["samples"] for r in results)
    return IncompleteError(
        f"{asked - done} of {asked} answers could not be had: {reasons}",
        f"{done} are safe in {run.path}; the same command asks for the rest.",
    )


class _Silent:
    def advance(self, tokens: int = 0) -> None:
        """Say nothing."""


@contextmanager
def _silent(benchmark: str, total: int, done: int) -> Iterator[Progress]:
    yield _Silent()

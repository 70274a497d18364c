"""What a run holds for training: its items, and every answer to them that was graded or that code can grade."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any

from herl.benchmarks import get
from herl.benchmarks.base import Benchmark
from herl.benchmarks.conversation import conversation, prompt_hash
from herl.benchmarks.for_training import answer_of, evaluation_answers, verdicts_of
from herl.benchmarks.own_prompts import kept_prompts
from herl.benchmarks.settings import Settings
from herl.benchmarks.work import Work, load, prepare
from herl.errors import UsageError
from herl.item import Item
from herl.report.read import benchmarks_of, is_experiment
from herl.resources import Store
from herl.rows import Row, read_rows
from herl.rubric import Verdict
from herl.run import bench_folder, read_record
from herl.selfimprove.controls import BEST_OF_N, SELF_REFINE
from herl.selfimprove.journal import ATTEMPT
from herl.selfimprove.settings import SELF
from herl.selfimprove.trial import BASE, LOOP
from herl.training_data import Asked

_ARMS = (BASE, LOOP, BEST_OF_N, SELF_REFINE)  # resample shows answers of best-of-n, the others hold no answers
_PLAIN = (0, 0, 0)

Attempts = dict[tuple[int, int, int], Row]
"""(round, the arm's place in `_ARMS`, candidate) -> row."""


@dataclass
class Held:
    """What a run holds.

    Attributes:
        asked: Its items with their answers, benchmark by benchmark; in a run of several the ids begin with the
            benchmark's name.
        graded_by: Benchmark -> who graded, in words.
        left_out: Benchmarks that have no rubrics.
    """

    asked: list[Asked] = field(default_factory=list)
    graded_by: dict[str, str] = field(default_factory=dict)
    left_out: list[str] = field(default_factory=list)


def read_answers(path: Path, store: Store) -> Held:
    """Read a run of `herl eval`, `herl score` or `herl self-improve`, finished or not.

    Args:
        path: Its folder.
        store: Where the data of its benchmarks come from.

    Raises:
        UsageError: data are missing, or are not those of the run; or the run is damaged.
    """
    record = read_record(path / "run.json")
    config = record["config"]
    settings = Settings(**{each.name: config[each.name] for each in fields(Settings) if each.name in config})
    is_one = is_experiment(path)
    names = [str(config.get("benchmark"))] if is_one else benchmarks_of(path)
    found = Held()
    for name in names:
        benchmark = _benchmark(path, name, config)
        if benchmark is None:
            found.left_out.append(name)
            continue
        work = prepare(benchmark, store, settings) if is_one else load(benchmark, store, settings)
        _check_unchanged(path, work, record["benchmarks"].get(name, {}))
        read = experiment_answers if is_one else evaluation_answers
        asked = read(work, bench_folder(path, name), settings)
        found.asked += asked if len(names) == 1 else [_of(name, each) for each in asked]
        found.graded_by[name] = _grader(benchmark, config)
    return found


def experiment_answers(work: Work, folder: Path, settings: Settings) -> list[Asked]:
    """The items of an experiment, with the answers that every arm drew; where judges decide, with those it kept.

    Args:
        work: The benchmark and its items, prepared: code grades the answers here, with the first of its graders.
        folder: Where the rows are.
        settings: How plain answers were drawn.

    Returns:
        One entry for each item, in their order.

    Raises:
        UsageError: the rows are damaged.
    """
    drawn = _drawn(read_rows(folder / "attempts.jsonl", ATTEMPT))
    base = {name: attempts[_PLAIN] for name, attempts in drawn.items() if _PLAIN in attempts}
    said = {(name, 0): str(row["response"]) for name, row in base.items()}
    graded = _kept(read_rows(folder / "samples.jsonl")) if work.benchmark.judge else drawn
    found = []
    for item in work.items:
        prompt = conversation(item, 0, work.by_id, said, settings.system)
        answers = []
        if prompt is not None and item.id in base and base[item.id]["prompt_hash"] == prompt_hash(prompt):
            for (number, _, _), row in sorted(graded.get(item.id, {}).items()):
                answers.append(answer_of(item, prompt, row, _verdicts(work, item, row), number))
        found.append(Asked(item, prompt, answers))
    return found


def _drawn(rows: Iterable[Row]) -> dict[str, Attempts]:
    """Item id -> its attempts, the last of each place."""
    found: dict[str, Attempts] = {}
    for row in rows:
        if row["arm"] in _ARMS:
            found.setdefault(row["id"], {})[row["round"], _ARMS.index(row["arm"]), row["sample"]] = row
    return found


def _kept(rows: Iterable[Row]) -> dict[str, Attempts]:
    """The same of the answers that samples.jsonl holds, where one is kept for several rounds."""
    names = {"arm": "candidate_arm", "round": "candidate_round", "sample": "candidate"}
    return _drawn({**row, **{key: row[name] for key, name in names.items()}} for row in rows)


def _verdicts(work: Work, item: Item, row: Row) -> Sequence[Verdict]:
    if work.benchmark.judge:
        return verdicts_of(work.benchmark, item, row)
    return next(iter(work.benchmark.graders.values())).verdicts(item, str(row["response"]))


def _benchmark(path: Path, name: str, config: Mapping[str, Any]) -> Benchmark | None:
    """What a run was on, configured as it was; None where another library scores, and there is no rubric."""
    if name.startswith("lm:"):
        return None
    if own := kept_prompts(bench_folder(path, name), name):
        return own
    options = config.get("options", {})
    benchmark = get(name, options if is_experiment(path) else options.get(name.partition(":")[0]))
    return benchmark if benchmark.score_all is None else None


def _check_unchanged(path: Path, work: Work, pinned: Mapping[str, Any]) -> None:
    """Refuse rows of another version of the benchmark or of other data: they would meet the wrong prompts."""
    for key in ("version", "data_sha256"):
        if key in pinned and pinned[key] != work.facts[key]:
            what = "version" if key == "version" else "data"
            raise UsageError(
                f"run '{path.resolve().name}' was made with another {what} of {work.benchmark.name} than is here",
                f"Now it is {work.facts[key]!s:.12}, then it was {pinned[key]!s:.12}: run it again under another name.",
            )


def _of(benchmark: str, asked: Asked) -> Asked:
    """An item by a name that none of the run's other benchmarks has."""
    return replace(asked, item=replace(asked.item, id=f"{benchmark}/{asked.item.id}"))


def _grader(benchmark: Benchmark, config: Mapping[str, Any]) -> str:
    """Who graded, in words: the model that answered may have graded itself."""
    if benchmark.judge is None:
        return "code"
    if judges := config.get("judges"):
        return " + ".join(judges)
    critic = config["critic"]
    return f"its own critic {config['model'] if critic == SELF else critic}"

"""Stage B: do revisions of a model succeed? The same failed answers, revised in both forms and plainly asked again."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean

from herl.benchmarks.own_prompts import benchmark_of_prompts
from herl.engine import open_engine
from herl.engine.base import EngineOptions, Request
from herl.grader import Grader
from herl.hindsight import Form, hindsight
from herl.item import Completion, Item, Message, Sampling, draw_seed
from herl.resources import Store
from herl.rows import Fields, Row, RowWriter
from herl.stats import Interval, bootstrap_difference, bootstrap_ratio

ROW: Fields = {"model": str, "id": str, "way": str, "temperature": float, "number": int, "text": str}
WAYS = ("plain", "full", "brief")
TEMPERATURES = (0.3, 1.0)
METRICS = ("share of constraints met", "all constraints met")

Cell = tuple[str, str, float]
"""Model, way, temperature."""


@dataclass(frozen=True, slots=True)
class Size:
    """How much is measured.

    Args:
        failures: Failed answers at most.
        samples: Answers to each, in each way.
        max_tokens: Of an answer.
    """

    failures: int
    samples: int
    max_tokens: int


def measure(path: Path, models: Mapping[str, str], items: Sequence[Item], size: Size) -> list[Row]:
    """Draw what the file does not hold yet, and keep every answer as soon as it is there.

    The drafts are failed answers of the first model, for all models: so they revise the same.

    Args:
        path: Rows of `ROW`, with `share` and `tokens`.
        models: What it is called -> its model string.
        items: Held-out prompts, whose checks take their arguments as they are.
        size: How much.

    Returns:
        All rows.
    """
    benchmark = benchmark_of_prompts("make-if", items, judged=False)
    benchmark.prepare(Store())
    grader = benchmark.graders["strict"]
    first, *_ = models
    with RowWriter(path, ROW) as kept:
        plain = {Request(item.id, 0, item.messages, _sampling(item, "draft", 1.0, 0, size)): "draft" for item in items}
        _draw(kept, first, models[first], plain, items, grader)
        drafts = {row["id"]: row["text"] for row in kept.rows if row["way"] == "draft" and row["share"] < 1}
        failed = [item for item in items if item.id in drafts][: size.failures]
        for name, model in models.items():
            asked = {
                Request(item.id, number, messages, _sampling(item, way, temperature, number, size)): way
                for item in failed
                for way, messages in _ways(item, drafts[item.id], grader).items()
                for temperature in TEMPERATURES
                for number in range(size.samples)
            }
            _draw(kept, name, model, asked, items, grader)
        return list(kept.rows)


def _ways(item: Item, draft: str, grader: Grader) -> dict[str, tuple[Message, ...]]:
    verdicts = grader.verdicts(item, draft)
    return {
        "plain": item.messages,
        "full": hindsight(item.messages, item.rubric, draft, verdicts, "full"),
        "brief": hindsight(item.messages, item.rubric, draft, verdicts, "brief"),
    }


def _sampling(item: Item, way: str, temperature: float, number: int, size: Size) -> Sampling:
    seed = draw_seed(0, item.id, number, f"{way} at {temperature}")
    return Sampling(temperature=temperature, max_tokens=size.max_tokens, seed=seed)


def _draw(
    kept: RowWriter, name: str, model: str, asked: Mapping[Request, str], items: Sequence[Item], grader: Grader
) -> None:
    """Draw and grade the answers that are not there."""
    known = {(row["model"], row["id"], row["way"], row["temperature"], row["number"]) for row in kept.rows}
    lacking = [
        request
        for request, way in asked.items()
        if (name, request.item_id, way, request.sampling.temperature, request.sample) not in known
    ]
    if not lacking:
        return
    by_id = {item.id: item for item in items}
    with open_engine(model, EngineOptions(engine="transformers", device="auto")) as engine:
        for answer in engine.generate(lacking):
            request, completion = answer.request, answer.result
            assert isinstance(completion, Completion)
            item = by_id[request.item_id]
            score = item.rubric.grade(grader.verdicts(item, completion.text)).score
            row: Row = {
                "model": name,
                "id": item.id,
                "way": asked[request],
                "temperature": request.sampling.temperature,
                "number": request.sample,
                "share": score or 0.0,
                "tokens": completion.usage.completion_tokens,
                "text": completion.text,
            }
            kept.append(row)
            kept.rows.append(row)


def table(rows: Sequence[Row], models: Sequence[str]) -> str:
    """Means with 95 % intervals over prompts, and what was gained over plain resampling, paired by prompt."""
    found = _by_cell(rows)
    lines = [
        "| model | temperature | asked | share of constraints met | over plain | all constraints met | over plain |",
        "|---|---:|---|---:|---:|---:|---:|",
    ]
    for model in models:
        for temperature in TEMPERATURES:
            plain = found[model, "plain", temperature]
            for way in WAYS:
                cells = [model, str(temperature), way]
                for metric in range(len(METRICS)):
                    values = [each[metric] for each in found[model, way, temperature]]
                    cells.append(shown(mean(values)))
                    cells.append("–" if way == "plain" else shown(gain([each[metric] for each in plain], values)))
                lines.append(f"| {' | '.join(cells)} |")
    before, after = models
    lines += ["", f"From {before} to {after}, paired by prompt:", ""]
    lines += ["| temperature | asked | share of constraints met | all constraints met |", "|---:|---|---:|---:|"]
    for temperature in TEMPERATURES:
        for way in WAYS:
            old, new = found[before, way, temperature], found[after, way, temperature]
            gains = [shown(gain([a[at] for a in old], [b[at] for b in new])) for at in range(len(METRICS))]
            lines.append(f"| {temperature} | {way} | {' | '.join(gains)} |")
    return "\n".join(lines)


def better_form(rows: Sequence[Row], model: str) -> Form:
    """The form whose revisions at temperature 1 met more; `brief`, which costs fewer tokens, where both met as much."""
    found = _by_cell(rows)
    full, brief = (fmean(share for share, _ in found[model, way, 1.0]) for way in ("full", "brief"))
    return "full" if full > brief else "brief"


def _by_cell(rows: Sequence[Row]) -> dict[Cell, list[tuple[float, float]]]:
    """For each cell the prompts' two metrics, means over samples, in the prompts' order."""
    shares: dict[Cell, dict[str, list[float]]] = {}
    for row in rows:
        if row["way"] != "draft":
            cell = (row["model"], row["way"], row["temperature"])
            shares.setdefault(cell, {}).setdefault(row["id"], []).append(row["share"])
    return {
        cell: [(fmean(each), fmean(share == 1 for share in each)) for _, each in sorted(by_id.items())]
        for cell, by_id in shares.items()
    }


def mean(values: Sequence[float]) -> Interval:
    """The mean with its interval over prompts."""
    return bootstrap_ratio(values, [1.0] * len(values), seed=0)


def gain(before: Sequence[float], after: Sequence[float]) -> Interval:
    """The difference of two means over the same prompts, with its interval."""
    return bootstrap_difference([(each, 1.0) for each in before], [(each, 1.0) for each in after], seed=0)


def shown(interval: Interval) -> str:
    """As 0.213 [0.180, 0.246], for Markdown."""
    return f"{interval.value:.3f} \\[{interval.low:.3f}, {interval.high:.3f}\\]"

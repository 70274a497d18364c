"""Stage D: what the runs came to, as Markdown, CSV and a picture."""

from __future__ import annotations

import csv
import io
import json
import os
import platform
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from statistics import fmean

from revision_success import gain, mean, shown, table

from herl.files import write_atomically
from herl.item import Item
from herl.rows import Row
from herl.run import read_record
from herl.train import journal
from herl.train.curves import smooth
from herl.train.metrics import read_metrics

_COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00")  # Okabe and Ito's
_NOVELTIES = {"topic": "new topics", "type": "new types of constraints too"}


@dataclass(frozen=True)
class Source:
    """What is reported.

    Args:
        runs: The folder of all runs.
        names: (method, seed) -> the run's name.
        items: The held-out prompts.
        answers: Rows of stage B.
        models: Its models, before and after SFT.
        form: The guidance of stage C.
        tokens: That each run was to generate.
        reading: A file with the text on top, written by hand.
    """

    runs: Path
    names: Mapping[tuple[str, int], str]
    items: Sequence[Item]
    answers: Sequence[Row]
    models: tuple[str, str]
    form: str
    tokens: int
    reading: Path

    @cached_property
    def trained(self) -> dict[tuple[str, int], Trained]:
        """The runs."""
        return {key: Trained(self.runs / name) for key, name in self.names.items()}

    @property
    def methods(self) -> list[str]:
        """In their order."""
        return list(dict.fromkeys(method for method, _ in self.names))

    @property
    def seeds(self) -> list[int]:
        """In their order."""
        return list(dict.fromkeys(seed for _, seed in self.names))

    def scores(self, method: str, end: bool, novelty: str = "", seed: int | None = None) -> list[float]:
        """Held-out scores by prompt, each the mean over seeds.

        Args:
            method: Whose.
            end: After the last step, else before the first.
            novelty: Only prompts that are new in this.
            seed: Only this one's.
        """
        seeds = self.seeds if seed is None else [seed]
        found = [self.trained[method, each].held_out(-1 if end else 0) for each in seeds]
        asked = [item.id for item in self.items if novelty in ("", item.tags["novelty"])]
        return [fmean(scores[id] for scores in found) for id in asked]


class Trained:
    """One run.

    Args:
        folder: Where it is.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.rows = read_metrics(folder / "metrics.jsonl")
        self.measured = [step for step, row in self.rows.items() if row.get("held_out/score") is not None]

    def held_out(self, at: int) -> dict[str, float]:
        """Prompt -> score, at the measurement with this number; an abstention is 0."""
        scores = journal.read(self.folder / "journal", self.measured[at]).scores
        return {key.item_id: score or 0.0 for key, score in scores.items() if key.purpose == "held-out"}

    def tokens(self, step: int) -> int:
        """Generated in training up to a step."""
        return int(self.rows[step].get("tokens/total") or 0)

    def mean_of(self, metric: str) -> float | None:
        """Over the steps that know it."""
        values = [row[metric] for row in self.rows.values() if row.get(metric) is not None]
        return fmean(values) if values else None


def write(path: Path, source: Source) -> None:
    """Write PATH.md, PATH.csv and PATH.svg."""
    write_atomically(path.with_suffix(".svg"), _picture(source))
    write_atomically(path.with_suffix(".csv"), _tidy(source))
    write_atomically(path.with_suffix(".md"), _markdown(path.name, source))


def _markdown(name: str, source: Source) -> str:
    reading = source.reading.read_text().strip() if source.reading.is_file() else "*Not read yet.*"
    before = source.models[0]
    parts = [
        "# SmolLM2-135M-Instruct (4-bit) trained on make-if: RLVR, naive HE, HE, HeRL",
        reading,
        f"![curves]({name}.svg)",
        "## Held-out score",
        f"Mean share of constraints met on {len(source.items)} held-out prompts, one greedy answer each, before and "
        f"after training with about {source.tokens:,} generated tokens a run, revisions counted; means over "
        f"{len(source.seeds)} seeds. \\[ \\] are 95 % intervals over prompts (paired bootstrap); with so few seeds "
        "there is none over seeds, so each seed's gain stands beside.",
        _scores(source),
        "The same for prompts with new topics only, and for those with a type of constraint that training never has:",
        _by_novelty(source),
        "## What the runs were like",
        _courses(source),
        "## Revision success",
        f"Answers of {before} at temperature 1 that failed, revised by each model in both forms, and the prompt "
        "plainly asked again. Means over the samples of a prompt, \\[ \\] 95 % intervals over prompts. Stage C "
        f"revises with form **{source.form}**: the one that met more at temperature 1 after SFT, or brief where "
        "neither did.",
        table(source.answers, source.models),
        "## How it was made",
        _making(source),
    ]
    return "\n\n".join(parts) + "\n"


def _scores(source: Source) -> str:
    lines = [
        "| method | before | after | gain | gain of each seed | over RLVR | all met, before → after |",
        "|---|---:|---:|---:|---:|---:|---:|",
    ]
    base = source.scores("rlvr", end=True)
    for method in source.methods:
        before, after = source.scores(method, end=False), source.scores(method, end=True)
        ends = {seed: [fmean(source.scores(method, end, seed=seed)) for end in (False, True)] for seed in source.seeds}
        solved = " → ".join(f"{_solved(source, method, at):.3f}" for at in (0, -1))
        over = "–" if method == "rlvr" else shown(gain(base, after))
        seeds = ", ".join(f"{last - first:+.3f}" for first, last in ends.values())
        cells = [method, f"{fmean(before):.3f}", shown(mean(after)), shown(gain(before, after)), seeds, over, solved]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def _solved(source: Source, method: str, at: int) -> float:
    return fmean(score == 1 for s in source.seeds for score in source.trained[method, s].held_out(at).values())


def _by_novelty(source: Source) -> str:
    there = {key: text for key, text in _NOVELTIES.items() if any(item.tags["novelty"] == key for item in source.items)}
    lines = ["| method | novelty | prompts | before | after | gain |", "|---|---|---:|---:|---:|---:|"]
    for method in source.methods:
        for novelty, text in there.items():
            before, after = (source.scores(method, end, novelty) for end in (False, True))
            cells = [method, text, str(len(before)), f"{fmean(before):.3f}", f"{fmean(after):.3f}"]
            lines.append(f"| {' | '.join([*cells, shown(gain(before, after))])} |")
    return "\n".join(lines)


def _courses(source: Source) -> str:
    metrics = ("reward/mean", "groups/with_signal", "hindsight/hit_rate", "hindsight/gain", "truncated")
    lines = [
        "| run | steps | tokens generated | reward | groups with signal | hits | gain of a revision | cut off |",
        "|---|---:|---:|---:|---:|---:|---:|---:|",
    ]
    for key, name in source.names.items():
        run = source.trained[key]
        last = max(run.rows)
        means = [run.mean_of(metric) for metric in metrics]
        cells = [name, str(last), f"{run.tokens(last):,}", *("–" if m is None else f"{m:.3f}" for m in means)]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def _making(source: Source) -> str:
    record = read_record(source.runs / "start" / "run.json")
    times = [json.loads(line) for line in (source.runs / "times.jsonl").read_text().splitlines()]
    hours, cores = (sum(row[name] for row in times) / 3600 for name in ("seconds", "core_seconds"))
    versions = ", ".join(f"{name} {version}" for name, version in record["versions"].items())
    return (
        "`python results/train-demo/train_demo.py`, with the settings [sft.toml](train-demo/sft.toml) and "
        "[rl.toml](train-demo/rl.toml); [train_demo.py](train-demo/train_demo.py) says what its stages do.\n\n"
        f"- {hours:.1f} hours by the clock, {cores:.1f} of one core; {os.cpu_count()} cores, {platform.machine()}; "
        "goes that were killed are not counted.\n"
        f"- {versions}; git {record['git']}.\n"
        "- SFT's examples have the forms full and brief; the drafts-only guidance of naive_he_prompt was never "
        "fine-tuned on."
    )


def _tidy(source: Source) -> str:
    file = io.StringIO()
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow(("part", "method", "seed", "step", "tokens", "metric", "value"))
    for (method, seed), run in source.trained.items():
        for at, step in enumerate(run.measured):
            scores = run.held_out(at)
            for item in source.items:
                metric = f"{item.tags['novelty']} {item.id}"
                writer.writerow(("held-out", method, seed, step, run.tokens(step), metric, scores[item.id]))
        for step, row in run.rows.items():
            known = ((name, value) for name, value in row.items() if value is not None)
            writer.writerows(("training", method, seed, step, run.tokens(step), name, float(v)) for name, v in known)
    for each in source.answers:
        what = f"{each['model']}, {each['way']}, {each['temperature']}"
        writer.writerow(("revision", what, each["number"], "", each["tokens"], each["id"], each["share"]))
    return file.getvalue()


def _picture(source: Source) -> bytes:
    import matplotlib
    from matplotlib.figure import Figure

    file = io.BytesIO()
    with matplotlib.rc_context():
        matplotlib.rcdefaults()
        matplotlib.rcParams.update({"svg.hashsalt": "herl"})
        figure = Figure(figsize=(10, 4), layout="constrained")
        axes = figure.subplots(1, 2)
        for colour, method in zip(_COLOURS, source.methods, strict=False):
            for number, seed in enumerate(source.seeds):
                run = source.trained[method, seed]
                line, label = ("-", "--", ":")[number % 3], method if not number else None
                tokens = [run.tokens(step) for step in run.measured]
                scores = [run.rows[step]["held_out/score"] for step in run.measured]
                axes[0].plot(tokens, scores, line, color=colour, marker="o", markersize=4, label=label)
                taken = [step for step, row in run.rows.items() if row.get("reward/mean") is not None]
                rewards = smooth([run.rows[step]["reward/mean"] for step in taken])
                axes[1].plot([run.tokens(step) for step in taken], rewards, line, color=colour)
        for axis, title in zip(axes, ("held-out score", "reward of the plain rollouts, smoothed"), strict=True):
            axis.set_title(title, loc="left", fontsize=10)
            axis.set_xlabel("tokens generated", fontsize=9)
            axis.grid(alpha=0.3)
            axis.spines[["top", "right"]].set_visible(False)
        figure.legend(loc="outside lower center", ncols=len(source.methods), frameon=False)
        figure.savefig(file, format="svg", metadata={"Date": None})
    return file.getvalue()

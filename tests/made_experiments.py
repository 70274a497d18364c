"""Experiments made by hand: rows of samples.jsonl as a loop and its controls could have left them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from random import Random
from typing import Any

from made_benchmarks import benchmark, item, row

from herl.benchmarks.base import Benchmark, Level, Metric
from herl.benchmarks.graded import checked_row
from herl.grader import CheckGrader
from herl.item import Item
from herl.rows import Row
from herl.rubric import Check, Criterion, Rule
from herl.selfimprove.summary import About

ALL_MET = Metric("all_met", "all met", "strict", Level.ITEM, Rule.ALL_MET)
SHARE = Metric("share", "share met", "strict", Level.CRITERION)
SCORE = Metric("score", "score", "judge", Level.ITEM, clip=True)
MET = Metric("met", "met", "judge", Level.CRITERION)

CONTROLS = ("best-of-n", "resample", "self-refine")
Values = Sequence[float | None]


def checked_items(count: int) -> list[Item]:
    """Items that ask for up to three words, each a criterion of the kind of its first letter."""
    words = ("apple", "bread", "apricot")
    return [item(f"c{number}", *(_says(word) for word in words[: 1 + number % 3])) for number in range(count)]


def judged_items(count: int) -> list[Item]:
    """Items with two things to do and, every second one, a pitfall."""
    kind = Criterion("kind", "It is kind.", 2.0, tags=("axis:tone",))
    right = Criterion("right", "It is right.", 1.0, tags=("axis:truth",))
    rude = Criterion("rude", "It is rude.", -2.0, tags=("axis:tone",))
    return [item(f"j{number}", *((kind, right, rude) if number % 2 else (kind, right))) for number in range(count)]


def checked(items: Sequence[Item]) -> Benchmark:
    """A benchmark that code decides: right where every word is said."""
    grader = CheckGrader({"says": lambda text, word: word in text})
    return benchmark(items, (ALL_MET, SHARE), judge=None, graders={"strict": grader})


def judged(items: Sequence[Item], metrics: Sequence[Metric] = (SCORE, MET)) -> Benchmark:
    """A benchmark whose mean is clipped, as HealthBench's is, with pooled criteria beside it."""
    return benchmark(items, metrics)


def about(**changes: Any) -> About:
    """An experiment by an oracle, with all controls."""
    settings = {"rounds": 3, "revisions": 1, "hidden": 0.0, "controls": list(CONTROLS), **changes.pop("settings", {})}
    fields: dict[str, Any] = {"model": "small", "critic": "oracle", "critic_name": "oracle", "accept": "verdicts"}
    return About(**{**fields, "settings": settings, "seed": 3, **changes})


def stage(made: Benchmark, asked: Item, arm: str, number: int, values: Values, **changes: Any) -> Row:
    """The row of an item after a round; `values` are its criteria's, `changes` replace fields."""
    if made.judge:
        found = row(asked, *values, of=made)
    else:
        said = [c.id for c, value in zip(asked.rubric.criteria, values, strict=True) if value]
        found = checked_row(made, asked, {"id": asked.id, "response": f"I say {' '.join(said)}.", "status": "ok"})
    fields = {
        "sample": 0,
        "arm": arm,
        "round": number,
        "candidate_arm": arm,
        "candidate_round": number,
        "candidate": 0,
        "changed": False,
        "hidden": [],
        "stop": None,
        "spent": {"generated": 10, "critic": 0, "prompt": 5},
    }
    return {**found, **fields, **changes}


def experiment(made: Benchmark, items: Sequence[Item], seed: int = 0, rounds: int = 3) -> list[Row]:
    """All rows of an experiment in which everything happens that can: items leave early, win, lose and stay."""
    random = Random(seed)
    rows: list[Row] = []
    for asked in items:
        hidden = [asked.rubric.criteria[-1].id] if len(asked.rubric.criteria) > 2 else []
        spent = _spent(random)
        values, status = _values(made, asked, random), random.choice(["ok", "ok", "truncated"])
        common: dict[str, Any] = {"hidden": hidden, "status": status}
        rows.append(stage(made, asked, "base", 0, values, spent=spent, **common))
        for arm in ("loop", *CONTROLS):
            last = random.randint(0, rounds)
            if arm == "loop" and not last:
                rows.append(stage(made, asked, arm, 0, values, spent=_add(spent, random), stop="all_met", **common))
            rows += _arm(made, asked, arm, last, (values, spent, common), random)
    return rows


def _arm(
    made: Benchmark,
    asked: Item,
    arm: str,
    last: int,
    base: tuple[Values, Mapping[str, int], Mapping[str, Any]],
    random: Random,
) -> list[Row]:
    values, spent, common = base
    rows = []
    for number in range(1, last + 1):
        spent = _add(spent, random)
        changed = random.random() < 0.6
        values = _values(made, asked, random) if changed else values
        stop = random.choice(["no_better", "rounds"]) if arm == "loop" and number == last else None
        if arm != "resample" or number == last:
            rows.append(stage(made, asked, arm, number, values, changed=changed, spent=spent, stop=stop, **common))
    return rows


def _says(word: str) -> Criterion:
    return Criterion(word, f"It says {word}.", check=Check("says", {"word": word}), tags=(f"letter:{word[0]}",))


def _values(made: Benchmark, asked: Item, random: Random) -> list[float | None]:
    choices: list[float | None] = [0.0, 1.0, 1.0, 0.5, None] if made.judge else [0.0, 1.0, 1.0]
    return [random.choice(choices) for _ in asked.rubric.criteria]


def _spent(random: Random) -> dict[str, int]:
    return {"generated": random.randint(1, 50), "critic": 0, "prompt": random.randint(1, 20)}


def _add(spent: Mapping[str, int], random: Random) -> dict[str, int]:
    return {kind: count + random.randint(0, 30) for kind, count in spent.items()}

"""Adds an experiment's rows up to its result."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from herl.benchmarks.work import Work
from herl.rows import Row
from herl.rubric import Outcome, Rule
from herl.selfimprove.clock import seconds_of
from herl.selfimprove.controls import BEST_OF_N, SELF_REFINE
from herl.selfimprove.gains import Tables
from herl.selfimprove.reading import notes_on, reading
from herl.selfimprove.settings import ORACLE
from herl.selfimprove.state import State, last_state, states_of
from herl.selfimprove.trial import LOOP


@dataclass(frozen=True, slots=True)
class About:
    """What was run.

    Args:
        model: The model's name for tables.
        critic: "oracle", "self" or "model".
        critic_name: What tables call the critic.
        accept: "verdicts" or "preference".
        settings: The loop's, as run.json has them; "controls" is read here.
        seed: Of the bootstrap.
        stamps: What every report must say of the critic and the judge.
        rulings: The critic's rows of verdicts.jsonl; none for an oracle.
        preferences: Its rows of preferences.jsonl.
        attempts: Rows of attempts.jsonl.
    """

    model: str
    critic: str
    critic_name: str
    accept: str
    settings: Mapping[str, Any]
    seed: int = 0
    stamps: Sequence[str] = ()
    rulings: Sequence[Row] = ()
    preferences: Sequence[Row] = ()
    attempts: Sequence[Row] = ()


def summarise_experiment(
    work: Work, rows: Iterable[Row], timing: Iterable[Row], about: About, judged: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    """The contents of result.json.

    Every item counts in every stage: one that left an arm, or never took part in it, with the answer that it had.
    Gains are paired over items, and so are comparisons with the controls.

    Args:
        work: The benchmark and the items asked.
        rows: Of samples.jsonl: the answer that each item had after each round that it took part in.
        timing: Of timing.jsonl.
        about: What was run.
        judged: Who judged the final scores, and what came of it (`account_of`); None where code decides.

    Returns:
        Plain JSON values; but for "seconds" they are the same whenever the rows are.
    """
    benchmark, rows = work.benchmark, list(rows)
    controls = [str(name) for name in about.settings["controls"]]
    states = states_of(work, rows, controls)
    base, loop = states[0], last_state(states, LOOP)
    ends = {name: last_state(states, name) for name in controls}
    tables = Tables(benchmark, base, about.seed)
    stages = [tables.stage(state) for state in states]
    last = {stage["arm"]: stage for stage in stages}
    stops = _stops(work, rows)
    result: dict[str, Any] = {
        "kind": "self-improve",
        "benchmark": benchmark.name,
        "version": benchmark.version,
        "model": about.model,
        "critic": {"kind": about.critic, "name": about.critic_name, **_said(about)},
        "accept": about.accept,
        "settings": dict(about.settings),
        "stamps": _stamps(about, judged),
        "primary": benchmark.primary,
        "is_share": tables.primary.rule is not Rule.POINTS,
        "n": len(work.items),
        "total": work.total,
        "rows": len(rows),
        "complete": len(base.rows) == sum(stops.values()) == len(work.items),
        "stages": stages,
        "loop": last[LOOP],
        "controls": {name: last[name] | tables.against(state, loop) for name, state in ends.items()},
        "by_tag": tables.by_tag(loop),
        "hidden": tables.hidden(loop),
        "stops": stops,
        "drawn": _drawn(work, about.attempts),
        "truncated": {"base": _truncated(base), "final": _truncated(loop)},
        "coverage": {"base": _coverage(base), "final": _coverage(loop)},
        "errors": sum(row["status"] == "error" for row in base.rows),
        "tokens": {arm: stage["tokens"] for arm, stage in last.items()},
        "parity": {"upstream": benchmark.upstream, "deviations": list(benchmark.deviations)},
        "seconds": seconds_of(states, timing),
    }
    said = [*about.stamps, *work.notes, *benchmark.remark(result["loop"]["metrics"])]
    if judged is not None:
        result["judge"] = dict(judged)
        said += judged["notes"]
    return {**result, "notes": notes_on(result, said), "reading": reading(result)}


def distinct_answers(rows: Iterable[Row]) -> list[Row]:
    """The first row of each answer that was kept at some time: what the final judges were asked about."""
    found: dict[tuple[str, str], Row] = {}
    for row in rows:
        found.setdefault((row["id"], row["response"]), row)
    return list(found.values())


def _stamps(about: About, judged: Mapping[str, Any] | None) -> list[str]:
    """What stands before everything that is shown of the experiment: the beginnings of notes that say why."""
    oracle = ["ORACLE"] if about.critic == ORACLE else []
    itself = ["SELF-JUDGED"] if judged is not None and judged["self_judged"] else []
    return [*oracle, *(stamp.partition(":")[0] for stamp in about.stamps), *itself]


def _stops(work: Work, rows: Iterable[Row]) -> dict[str, int]:
    """Why items left the loop: reason -> how many."""
    reasons = {row["id"]: row["stop"] for row in rows if row["arm"] == LOOP and row["stop"] and row["id"] in work.by_id}
    return dict(sorted(Counter(map(str, reasons.values())).items()))


def _drawn(work: Work, attempts: Iterable[Row]) -> dict[str, dict[str, Any]]:
    """What became of the texts that were to replace plain answers.

    Returns:
        Arm -> {texts, faults: reason -> how many are no answers, the commonest first, truncated: the share cut off}.
    """
    by_arm: dict[str, list[Row]] = {arm: [] for arm in (LOOP, BEST_OF_N, SELF_REFINE)}
    for row in attempts:
        if row["id"] in work.by_id and row["arm"] in by_arm:
            by_arm[row["arm"]].append(row)
    found = {}
    for arm, rows in by_arm.items():
        if rows:
            faults = Counter(fault for row in rows if (fault := _fault(row)))
            cut = sum(row["finish_reason"] == "length" for row in rows)
            ordered = dict(sorted(faults.items(), key=lambda each: (-each[1], each[0])))
            found[arm] = {"texts": len(rows), "faults": ordered, "truncated": cut / len(rows)}
    return found


def _fault(row: Row) -> str:
    """Why a text is no answer, "" when it is one."""
    if row["finish_reason"] == "content_filter":
        return "stopped by a content filter"
    if row["finish_reason"] not in ("stop", "length"):
        return str(row.get("error") or row["finish_reason"])
    return "" if str(row["response"]).strip() else "blank"


def _said(about: About) -> dict[str, Any]:
    """How often the critic gave a usable reply, None where it is not asked in this way."""
    outcomes = [verdict["outcome"] for row in about.rulings for verdict in row["verdicts"]]
    compared = [row["outcome"] for row in about.preferences]
    return {
        "coverage": _scored(outcomes),
        "outcomes": dict(sorted(Counter(outcomes).items())),
        "comparisons": _scored(compared),
        "turned": _turned(about.preferences),
    }


def _turned(preferences: Iterable[Row]) -> float | None:
    """The share of pairs of which the critic liked the same place in both orders; None without pairs.

    A pair is decided only where both orders are; ties are of no place.
    """
    by_pair: dict[tuple[str, str, str], float] = {
        (row["id"], row["first"], row["second"]): row["value"] for row in preferences if row["value"] is not None
    }
    pairs = [
        (value, by_pair[name, second, first])
        for (name, first, second), value in by_pair.items()
        if first < second and (name, second, first) in by_pair
    ]
    return sum(there == back != 0.5 for there, back in pairs) / len(pairs) if pairs else None


def _scored(outcomes: Sequence[str]) -> float | None:
    return sum(outcome == Outcome.SCORED for outcome in outcomes) / len(outcomes) if outcomes else None


def _coverage(state: State) -> float:
    """The share of criteria that the final grader decided."""
    verdicts = [verdict for each in state.graded for kind in each.verdicts.values() for verdict in kind]
    return sum(verdict.value is not None for verdict in verdicts) / len(verdicts) if verdicts else 1.0


def _truncated(state: State) -> float:
    return sum(row["status"] == "truncated" for row in state.rows) / len(state.rows) if state.rows else 0.0

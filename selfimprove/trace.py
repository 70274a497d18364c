"""What became of single items, attempt by attempt, for people who want to see for themselves."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from herl.benchmarks.answers import Decision, Only, Shown, beside, is_wanted
from herl.benchmarks.conversation import answer_hash
from herl.benchmarks.graded import checked_row, read_verdict
from herl.benchmarks.own_prompts import kept_prompts
from herl.errors import UsageError
from herl.rows import Row, read_rows
from herl.run import bench_folder, read_record
from herl.selfimprove.controls import BEST_OF_N, FEEDBACK, RESAMPLE, SELF_REFINE
from herl.selfimprove.journal import ATTEMPT, PREFERENCE, RULING
from herl.selfimprove.trial import BASE, LOOP

if TYPE_CHECKING:
    from herl.benchmarks.base import Benchmark
    from herl.item import Item, Message
    from herl.resources import Store

_ARMS = (BASE, LOOP, BEST_OF_N, RESAMPLE, FEEDBACK, SELF_REFINE)
_CRITIC = "critic"
_SAID = {0.0: "first", 0.5: "neither", 1.0: "second"}


@dataclass(frozen=True, slots=True)
class Comparison:
    """What the critic said of an attempt and an earlier answer, in one order.

    Args:
        place: Where the attempt stood, "first" or "second".
        better: "first", "second" or "neither"; why there is no answer otherwise.
        evidence: The critic's reason.
    """

    place: str
    better: str
    evidence: str

    @property
    def likes_it(self) -> bool:
        """Whether the critic found the attempt the better one."""
        return self.better == self.place


@dataclass(frozen=True, slots=True)
class Try:
    """One generated text.

    Args:
        shown: Its row of attempts.jsonl, with final scores and verdicts where it has them.
        kept: Whether it was taken in place of the best answer so far; None where that is not the question: for a
            plain answer, for feedback, and while the experiment is not finished.
        is_resampled: Whether it is the draw that plain resampling shows.
        hidden: Ids of the criteria that the critic did not see.
        ruled: What the critic said, and of an answer without final verdicts the judges.
        compared: What the critic said of it beside earlier answers.
    """

    shown: Shown
    kept: bool | None
    is_resampled: bool = False
    hidden: frozenset[str] = frozenset()
    ruled: Sequence[Decision] = ()
    compared: Sequence[Comparison] = ()

    @property
    def row(self) -> Row:
        """The row."""
        return self.shown.row

    def decisions(self) -> list[Decision]:
        """What each criterion asks and what the final grader found, and which ones were hidden from the critic."""
        found = self.shown.decisions()
        if self.shown.item is None:
            return found
        ids = [criterion.id for criterion in self.shown.item.rubric.criteria]
        return [
            replace(each, details=", ".join(filter(None, [each.details, "hidden"]))) if name in self.hidden else each
            for name, each in zip(ids, found, strict=False)
        ]

    def as_dict(self) -> dict[str, Any]:
        """Plain values, for `--json`."""
        return {
            **self.row,
            "kept": self.kept,
            "resampled": self.is_resampled,
            "criteria": [{"text": each.text, **each.met} for each in self.decisions()],
            "ruled": [{"text": each.text, **each.met, "evidence": each.evidence} for each in self.ruled],
            "compared": [
                {"place": each.place, "better": each.better, "evidence": each.evidence} for each in self.compared
            ],
        }


@dataclass(frozen=True, slots=True)
class Trace:
    """One item.

    Args:
        benchmark: The benchmark's name.
        id: The item's.
        messages: What was asked, the run's system message included; empty where that is not at hand.
        tries: What was generated: the plain answer, the loop's by their rounds, the controls'.
        stop: Why the item left the loop; None while the experiment is not finished.
        spent: Arm -> {generated, critic, prompt}: the tokens that the item took in it, the plain answer's among them.
    """

    benchmark: str
    id: str
    messages: Sequence[Message]
    tries: Sequence[Try]
    stop: str | None
    spent: Mapping[str, Mapping[str, int]]

    def as_dict(self) -> dict[str, Any]:
        """Plain values, for `--json`."""
        return {
            "benchmark": self.benchmark,
            "id": self.id,
            "messages": [message.as_dict() for message in self.messages] or None,
            "stop": self.stop,
            "spent": dict(self.spent),
            "attempts": [each.as_dict() for each in self.tries],
        }


def traces(
    run: Path, store: Store, only: Only | None = None, item_id: str | None = None
) -> tuple[list[Trace], list[str]]:
    """Items of an experiment.

    Args:
        run: The run directory; the experiment may be unfinished.
        store: Where prompts and criteria are read from.
        only: Only items whose last answer of the loop is wrong, truncated or ungraded, as `herl show` knows them.
        item_id: Only this item.

    Returns:
        The items, and a line about each thing that cannot be shown.

    Raises:
        UsageError: the run is damaged, or has no attempt at `item_id`.
    """
    config = read_record(run / "run.json")["config"]
    name = str(config.get("benchmark"))
    folder = bench_folder(run, name)
    stages = _by_item(read_rows(folder / "samples.jsonl"))
    attempts = _by_item(_latest(read_rows(folder / "attempts.jsonl", ATTEMPT)))
    problems = [] if stages else ["the experiment is not finished: what was kept is known at its end"]
    benchmark, items, trouble = _asked(run, config, store)
    if trouble:
        problems.append(f"prompts are left out: {trouble}")
    grading, untold = _grader(benchmark, store)
    if untold:
        problems.append(f"answers that were never kept are shown without verdicts: {untold}")
    said = {(each, 0): str(row["response"]) for each, rows in attempts.items() for row in rows if row["arm"] == BASE}
    teller = _Teller(name, grading, items, said, str(config.get("system") or ""), _Critic(folder))
    found = []
    for each in [item_id] if item_id is not None else stages or attempts:
        if each not in attempts:
            continue
        last = [row for row in stages.get(each, []) if row["arm"] in (BASE, LOOP)][-1:]
        if only is None or any(is_wanted(benchmark.primary if benchmark else "", row, only) for row in last):
            found.append(teller.trace(attempts[each], stages.get(each, [])))
    if item_id is not None and not found:
        what = f"{only} answer" if only else "answer"
        raise UsageError(f"run '{run.resolve().name}' has no {what} to item '{item_id}'")
    if strangers := sum(not each.messages for each in found) * bool(items):
        whose = f"{name}'s data here are not those that were asked (--data-dir)"
        problems.append(f"{strangers} of {len(found)} items are shown without their prompts: {whose}")
    return found, problems


class _Critic:
    """What critics and judges said in a run.

    Args:
        folder: Where the rows are.
    """

    def __init__(self, folder: Path) -> None:
        self._rulings: dict[tuple[str, str], dict[tuple[str, str], Mapping[str, Any]]] = {}
        for row in read_rows(folder / "verdicts.jsonl", RULING):
            place = self._rulings.setdefault((row["id"], row["answer"]), {})
            place.update({(row["judge"], verdict["criterion"]): verdict for verdict in row["verdicts"]})
        self._pairs: dict[tuple[str, str, str], Row] = {
            (row["id"], row["first"], row["second"]): row for row in read_rows(folder / "preferences.jsonl", PREFERENCE)
        }

    def ruled(self, item: Item, answer: str, is_graded: bool) -> Iterator[Decision]:
        """What was said of an answer; what judges said only where that is not among its final verdicts."""
        criteria = {criterion.id: criterion for criterion in item.rubric.criteria}
        for (judge, name), found in self._rulings.get((item.id, answer_hash(answer)), {}).items():
            is_critic = judge.startswith(f"{_CRITIC}:")
            if name in criteria and (is_critic or not is_graded):
                verdict = read_verdict(criteria[name], found)
                met = None if verdict.value is None else criteria[name].is_met(verdict.value)
                why = str(verdict.outcome) if verdict.value is None else ""
                label = _CRITIC if is_critic else "judge"
                yield Decision(criteria[name].text, {label: met}, criteria[name].is_pitfall, why, verdict.evidence)

    def compared(self, item_id: str, answer: str, earlier: Iterable[str]) -> Iterator[Comparison]:
        """What was said of an answer beside earlier ones."""
        for other in dict.fromkeys(earlier):
            this, that = answer_hash(answer), answer_hash(other)
            for place, key in (("second", (item_id, that, this)), ("first", (item_id, this, that))):
                if (row := self._pairs.get(key)) and this != that:
                    yield Comparison(place, _SAID.get(row["value"], str(row["outcome"])), str(row.get("evidence", "")))


@dataclass(frozen=True, slots=True)
class _Teller:
    """Tells what became of an item; its fields are what all items of a run share."""

    name: str
    grading: Benchmark | None
    items: Mapping[str, Item]
    said: Mapping[tuple[str, int], str]
    system: str
    critic: _Critic

    def trace(self, attempts: Sequence[Row], stages: Sequence[Row]) -> Trace:
        ordered = sorted(attempts, key=_place)
        graded = {row["response"]: row for row in stages}
        by_round = {(row["arm"], row["round"]): row for row in stages}
        resampled = [_candidate(row) for row in stages if row["arm"] == RESAMPLE]
        rows = [self._with_verdicts(row, graded.get(row["response"])) for row in ordered]
        shown = [beside(self.name, row, self.items, self.said, self.system) for row in rows if row["arm"] == BASE]
        item, messages = (shown[0].item, shown[0].messages) if shown else (None, ())
        hidden = frozenset(name for row in stages[:1] for name in row["hidden"])
        tries: list[Try] = []
        for row in rows:
            own = Shown(self.name, row, item, messages)
            if row["arm"] == FEEDBACK:
                tries.append(Try(own, None))
                continue
            text = row["response"]
            earlier = [each.row["response"] for each in tries if each.row["arm"] in (BASE, row["arm"])]
            tries.append(
                Try(
                    own,
                    _is_kept(row, by_round.get((row["arm"], row["round"]))),
                    _attempt(row) in resampled,
                    hidden,
                    list(self.critic.ruled(item, text, bool(row["verdicts"]))) if item else [],
                    list(self.critic.compared(row["id"], text, earlier)),
                )
            )
        stop = next((row["stop"] for row in stages if row["stop"]), None)
        return Trace(self.name, ordered[0]["id"], messages, tries, stop, {row["arm"]: row["spent"] for row in stages})

    def _with_verdicts(self, row: Row, graded: Row | None) -> Row:
        """An attempt with its final verdicts; what was never kept has some only where code decides."""
        if row["arm"] == FEEDBACK:
            return {**row, "scores": {}, "verdicts": {}}
        if graded is not None:
            return {**row, **{key: graded[key] for key in ("scores", "verdicts", "error") if key in graded}}
        item = self.items.get(row["id"])
        if self.grading is None or item is None:
            return {**row, "scores": {}, "verdicts": {}}
        return checked_row(self.grading, item, row)


def _asked(run: Path, config: Mapping[str, Any], store: Store) -> tuple[Benchmark | None, Mapping[str, Item], str]:
    """What the experiment was on, its items by their ids, and why there are none."""
    from herl.benchmarks import get

    name = str(config.get("benchmark"))
    try:
        benchmark = kept_prompts(bench_folder(run, name), name) or get(name, config.get("options"))
        if benchmark.source and not store.has(benchmark.source):
            return benchmark, {}, f"{name}'s data are not at hand (--data-dir, or herl data pull {name})"
        return benchmark, {item.id: item for item in benchmark.load(store)}, ""
    except UsageError as error:
        return None, {}, error.message


def _grader(benchmark: Benchmark | None, store: Store) -> tuple[Benchmark | None, str]:
    """The benchmark, ready to grade answers that nobody graded, where code can; and why it is not."""
    if benchmark is None or benchmark.judge is not None:
        return None, ""
    try:
        benchmark.prepare(store)
    except UsageError as error:
        return None, error.message
    return benchmark, ""


def _is_kept(row: Row, stage: Row | None) -> bool | None:
    if stage is None or row["arm"] == BASE:
        return None
    return _candidate(stage) == _attempt(row)


def _attempt(row: Row) -> tuple[str, int, int]:
    return row["arm"], row["round"], row["sample"]


def _candidate(stage: Row) -> tuple[str, int, int]:
    """Which attempt a row of samples.jsonl holds."""
    return stage["candidate_arm"], stage["candidate_round"], stage["candidate"]


def _latest(rows: Iterable[Row]) -> Iterable[Row]:
    """The last row of each place."""
    return {(row["id"], row["arm"], row["round"], row["sample"]): row for row in rows}.values()


def _by_item(rows: Iterable[Row]) -> dict[str, list[Row]]:
    found: dict[str, list[Row]] = {}
    for row in rows:
        found.setdefault(row["id"], []).append(row)
    return found


def _place(row: Row) -> tuple[int, int, int, int]:
    """Arm by arm, round by round; feedback stands before the answer that followed it."""
    at = _ARMS.index(row["arm"]) if row["arm"] in _ARMS else len(_ARMS)
    return min(at, _ARMS.index(FEEDBACK)), row["round"], at, row["sample"]

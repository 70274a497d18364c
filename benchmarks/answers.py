"""Answers of a run beside what was asked and what was found, for people who want to see for themselves."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from herl.benchmarks.conversation import Said, conversation, prompt_hash
from herl.benchmarks.graded import JUDGE, latest
from herl.errors import UsageError
from herl.item import Item, Message
from herl.report.read import benchmarks_of
from herl.rows import ANSWER, Row, read_rows
from herl.run import bench_folder, read_record

if TYPE_CHECKING:
    from herl.resources import Store

Only = Literal["wrong", "truncated", "ungraded"]


@dataclass(frozen=True, slots=True)
class Decision:
    """A criterion in words, and what was found.

    Args:
        text: What it asks.
        met: Grader -> met, unmet, or None for ungraded.
        is_pitfall: Met is bad.
        details: A judge's mark, why it gave none, the criterion's points; "" for code.
        evidence: The judge's reason.
    """

    text: str
    met: Mapping[str, bool | None]
    is_pitfall: bool = False
    details: str = ""
    evidence: str = ""


@dataclass(frozen=True, slots=True)
class Shown:
    """One answer.

    Args:
        benchmark: The benchmark's name.
        row: Its row of samples.jsonl.
        item: The item; None when the data that it was asked from are not at hand.
        messages: What was asked, the run's system message included; empty without the item.
    """

    benchmark: str
    row: Row
    item: Item | None = None
    messages: Sequence[Message] = ()

    def decisions(self) -> list[Decision]:
        """What each criterion asks, and what was found."""
        if isinstance(self.row["verdicts"], list):
            return [self._judged(number, each) for number, each in enumerate(self.row["verdicts"])]
        by_grader: Mapping[str, list[bool | None]] = self.row["verdicts"]
        each_criterion = enumerate(zip(*by_grader.values(), strict=True))
        return [Decision(self._text(at), dict(zip(by_grader, found, strict=True))) for at, found in each_criterion]

    def likelihoods(self) -> list[tuple[Mapping[str, Any], str]]:
        """The likelihoods that were asked for, each with its text; "" where the item is not at hand."""
        found = self.row.get("likelihoods", [])
        asked = self.item.facts.get("continuations", ()) if self.item else ()
        texts = [repr(each["text"]) for each in asked] or [""] * len(found)
        return [*zip(found, texts, strict=False)]  # none for a prompt that could not be read

    def as_dict(self) -> dict[str, Any]:
        """The row with its prompt and its criteria in words, for `--json`."""
        messages = [message.as_dict() for message in self.messages] if self.item else None
        criteria = [{"text": each.text, **each.met} for each in self.decisions()]
        return {"benchmark": self.benchmark, "messages": messages, "criteria": criteria, **self.row}

    def _judged(self, at: int, found: Mapping[str, Any]) -> Decision:
        value, scale = found["value"], self.item.rubric.criteria[at].scale if self.item else None
        words = [found["outcome"]] if value is None else [f"{value:g} of {scale[1]:g}"] if scale else []
        said = found.get("judges", {}).items()
        words += [f"{name}: {each if isinstance(each, str) else f'{each:g}'}" for name, each in said]
        if found["weight"] != 1:
            words.append(f"{found['weight']:+g} points")
        is_pitfall = found["weight"] < 0
        return Decision(self._text(at), {JUDGE: found["met"]}, is_pitfall, ", ".join(words), found["evidence"])

    def _text(self, at: int) -> str:
        return self.item.rubric.criteria[at].text if self.item else f"criterion {at + 1}"


def select(
    run: Path, store: Store, only: Only | None = None, item_id: str | None = None
) -> tuple[list[Shown], list[str]]:
    """Answers of a run, in the order in which they were finished.

    Args:
        run: The run directory; it may be unfinished.
        store: Where prompts and criteria are read from.
        only: Wrong (a criterion not met, or a pitfall met), truncated, or ungraded (some criterion without a
            verdict).
        item_id: Only this item's.

    Returns:
        The answers, and one line about each benchmark whose data are not at hand or not those of the run, or
        whose answers wait for a judge.

    Raises:
        UsageError: the run is damaged, or has no answer to `item_id`.
    """
    shown: list[Shown] = []
    problems = []
    config = read_record(run / "run.json")["config"]
    options = config.get("options", {})
    for name in benchmarks_of(run):
        primary, items, trouble = items_of(name, options.get(name.partition(":")[0]), store)
        folder = bench_folder(run, name)
        everything = list(latest(read_rows(folder / "samples.jsonl")).values())
        waiting = len(latest(read_rows(folder / "answers.jsonl", ANSWER))) - len(everything)
        if waiting > 0:
            problems.append(f"{waiting} answers to {name} are not graded yet: the command that made the run goes on")
        rows = [row for row in everything if item_id in (None, row["id"]) and is_wanted(primary, row, only)]
        if trouble:
            shown += [Shown(name, row) for row in rows]
            problems.append(f"prompts are left out: {trouble}")
            continue
        said = {key: str(row["response"]) for key, row in latest(everything).items()}
        found = [beside(name, row, items, said, config.get("system") or "") for row in rows]
        shown += found
        if strangers := sum(each.item is None for each in found):
            whose = f"{name}'s data here are not those that were asked (--data-dir)"
            problems.append(f"{strangers} of {len(found)} answers are shown without their prompts: {whose}")
    if item_id is not None and not shown:
        what = f"{only} answer" if only else "answer"
        raise UsageError(f"run '{run.resolve().name}' has no {what} to item '{item_id}'")
    return shown, problems


def items_of(name: str, options: Mapping[str, str] | None, store: Store) -> tuple[str, Mapping[str, Item], str]:
    """A benchmark's primary metric, its items by their ids, and why there are none."""
    from herl.benchmarks import get

    primary = ""
    try:
        benchmark = get(name, options)
        primary = benchmark.primary
        if benchmark.source and not store.has(benchmark.source):
            return primary, {}, f"{name}'s data are not at hand (--data-dir, or herl data pull {name})"
        return primary, {item.id: item for item in benchmark.load(store)}, ""
    except UsageError as error:  # also a task of lm-eval in a file of the user's, which the run does not name
        return primary, {}, error.message


def beside(benchmark: str, row: Row, items: Mapping[str, Item], said: Said, system: str) -> Shown:
    """An answer with its item, if that is what was asked: other data may give another prompt the same id."""
    item = items.get(row["id"])
    messages = conversation(item, row["sample"], items, said, system) if item else None
    if item is None or messages is None or row.get("prompt_hash") != prompt_hash(messages):
        return Shown(benchmark, row)
    verdicts = row["verdicts"]
    lists = [verdicts] if isinstance(verdicts, list) else verdicts.values()
    graded = all(len(each) == len(item.rubric.criteria) for each in lists)
    return Shown(benchmark, row, item, messages) if graded else Shown(benchmark, row)


def is_wanted(primary: str, row: Row, only: Only | None) -> bool:
    """Whether `only` lets a row of samples.jsonl pass; `primary` is the benchmark's metric, "" for the first."""
    if only == "wrong" and isinstance(row["verdicts"], list):
        return any(each["met"] is (each["weight"] < 0) for each in row["verdicts"])
    if only == "wrong":
        score = row["scores"].get(primary or next(iter(row["scores"]), ""))
        return score is not None and score < 1
    if only == "truncated":
        return bool(row["status"] == "truncated")
    if only == "ungraded":
        if isinstance(row["verdicts"], list):
            return any(verdict["value"] is None for verdict in row["verdicts"])
        return any(verdict is None for verdicts in row["verdicts"].values() for verdict in verdicts)
    return True

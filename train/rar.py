"""RaR-Medicine: medical questions with weighted rubrics, from Rubrics as Rewards (arXiv:2507.17746).

Rows {question, reference_answer, question_source, rubric: [{title, description, weight}]}. Descriptions begin with a
label: "Essential Criteria:" (weight 5), "Important" (3, 4), "Optional" (1, 2), "Pitfall" (-1, -2). A pitfall becomes
what its text says (`polarity_of`), never what its sign says: where it names the fault, a criterion of negative weight;
where it names the avoidance, one of positive weight. One that could be either is left out of the rubric, and counted.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from herl.errors import UsageError
from herl.item import Item, Message
from herl.prompts import REFERENCE
from herl.resources import DataSource, Row
from herl.rubric import Criterion, Rubric
from herl.train.loaded import Example, Loaded
from herl.train.polarity import Polarity, polarity_of

SPLITS = ("train", "val", "test")
_PITFALL = "pitfall"
_LABEL = re.compile(r"\s*(\w{1,20})\s+criteri(?:a|on)\s*:\s*", re.IGNORECASE)


def source(split: str) -> DataSource:
    """Where a split is read from. Nobody has published the full hash of a commit, so it is the main branch."""
    return DataSource(local=f"rar_medicine/{split}.jsonl", hub="ScaleAI/RaR-Medicine", revision="main", split=split)


def items(rows: Sequence[Row], split: str) -> Loaded[Item]:
    """Turn rows into items; all their criteria are for a judge.

    Args:
        rows: As in the data set, nulls already dropped.
        split: Which split they are of.

    Raises:
        UsageError: a row is not in the format; its number and the fault are named.
    """
    found = Loaded[Item]("rar-medicine")
    for number, row in enumerate(rows, 1):
        question, reference = _texts(row, split, number)
        criteria = tuple(_criteria(row, _place(split, number), found))
        if not criteria:
            found.skip("nothing is left of the rubric", f"row {number}")
            continue
        tags = {"source": str(row["question_source"])} if row.get("question_source") else {}
        facts = {REFERENCE: reference} if reference else {}
        name = f"rar-{split}-{number}"
        found.rows.append(Item(name, (Message("user", question),), Rubric(criteria), tags, facts))
    return found


def examples(rows: Sequence[Row], split: str) -> Loaded[Example]:
    """Turn rows into examples: the reference answer is the completion.

    Raises:
        UsageError: a row is not in the format; its number and the fault are named.
    """
    found = Loaded[Example]("rar-medicine")
    for number, row in enumerate(rows, 1):
        question, reference = _texts(row, split, number)
        if reference:
            found.rows.append(Example(f"rar-{split}-{number}", (Message("user", question),), reference))
        else:
            found.skip("no reference answer", f"row {number}")
    return found


def _place(split: str, number: int) -> str:
    return f"rar-medicine ({split}), row {number}"


def _texts(row: Row, split: str, number: int) -> tuple[str, str]:
    question, reference = row.get("question"), row.get("reference_answer", "")
    if not isinstance(question, str) or not question.strip():
        raise UsageError(f"{_place(split, number)}: the field 'question' must be a text that is not blank")
    if not isinstance(reference, str):
        raise UsageError(f"{_place(split, number)}: the field 'reference_answer' must be a text")
    return question, reference.strip()


def _criteria(row: Row, place: str, found: Loaded[Item]) -> Iterable[Criterion]:
    for number, entry in enumerate(_entries(row, place), 1):
        weight, text = entry.get("weight"), entry.get("description")
        if isinstance(weight, bool) or not isinstance(weight, int | float) or not isinstance(text, str):
            raise UsageError(f"{place}: entry {number} of the rubric must be {{title, description, weight}}")
        label = _LABEL.match(text)
        kind = label[1].lower() if label else _PITFALL if weight < 0 else "criterion"
        text = text[label.end() :].strip() if label else text.strip()
        if not text or not weight:
            found.counts["criteria left out: no text or no weight"] += 1
            continue
        signed = float(weight)
        if kind == _PITFALL or weight < 0:
            polarity = polarity_of(text)
            found.counts[f"pitfalls that {polarity.value}{_LEFT_OUT[polarity]}"] += 1
            if polarity is Polarity.UNDECIDED:
                continue
            signed = -abs(weight) if polarity is Polarity.FAULT else abs(weight)
        yield Criterion(str(number), text, float(signed), tags=(f"category:{kind}",))


_LEFT_OUT = {
    Polarity.FAULT: ": weight below 0",
    Polarity.AVOIDANCE: ": weight above 0",
    Polarity.UNDECIDED: ": left out of their rubrics",
}


def _entries(row: Row, place: str) -> Sequence[Mapping[str, Any]]:
    """The rubric of a row: a list, or, in files made for other trainers, the same as JSON text."""
    entries = row.get("rubric")
    if isinstance(entries, str):
        try:
            entries = json.loads(entries)
        except (ValueError, RecursionError):
            entries = None
    if not isinstance(entries, list | tuple) or not all(isinstance(entry, Mapping) for entry in entries):
        raise UsageError(f"{place}: the field 'rubric' must be a list of {{title, description, weight}}")
    return entries

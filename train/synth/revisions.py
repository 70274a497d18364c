"""Examples of revision, made by rule: a draft that a known edit spoilt, what checkers say of it, and the good text."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from random import Random
from typing import Any, Literal

from herl.benchmarks.own_prompts import benchmark_of_prompts
from herl.grader import Grader
from herl.hindsight import Form, diagnose, hindsight
from herl.item import Item, Message, draw_seed
from herl.resources import Store
from herl.rubric import Rule, Verdict
from herl.train.synth.kind import Spoiling
from herl.train.synth.make import Made, made_prompts
from herl.train.synth.page import Page, render
from herl.train.synth.scene import Split
from herl.train.synth.writer import Written, write

_TRIES = 12
"""Edits of one text that are tried: some change nothing, or too much."""
_MOST = 2
"""Constraints that a draft may fail."""
_TWO = 0.35
"""How often two are broken rather than one."""


@dataclass(frozen=True, slots=True)
class Revision:
    """A draft and the text that it should become.

    Args:
        made: The prompt.
        draft: Fails one or two constraints.
        verdicts: What the checkers say of the draft.
        good: Meets all constraints.
    """

    made: Made
    draft: str
    verdicts: tuple[Verdict, ...]
    good: str


class Checked:
    """Writes and checks texts with the graders that train and evaluate.

    Args:
        made: The prompts.
        store: Where NLTK's data may be.

    Raises:
        UsageError: NLTK's data are missing.
    """

    def __init__(self, made: Sequence[Made], store: Store) -> None:
        items = [each.item for each in made]
        benchmark = benchmark_of_prompts("make-if", items, judged=False)
        benchmark.prepare(store)
        self._grader: Grader = benchmark.graders["strict"]
        # With arguments as the checks take them.
        self._items: dict[str, Item] = {item.id: item for item in benchmark.load(store)}

    def verdicts(self, made: Made, text: str) -> tuple[Verdict, ...]:
        """What the checks of a prompt say of a text."""
        return self._grader.verdicts(self._items[made.item.id], text)

    def passes(self, made: Made, text: str) -> bool:
        """Whether a text meets every constraint of a prompt."""
        return made.item.rubric.grade(self.verdicts(made, text), Rule.ALL_MET).score == 1

    def written(self, made: Made, rng: Random) -> Written | None:
        """A text that meets every constraint of a prompt, or None where none is found."""
        return write(made, rng, lambda text: self.passes(made, text))


def examples(
    n: int,
    seed: int,
    split: Split = "train",
    types: Sequence[str] | None = None,
    constraints: tuple[int, int] = (1, 3),
    form: Form | Literal["both"] = "full",
    store: Store | None = None,
) -> list[dict[str, Any]]:
    """Rows for supervised fine-tuning that teach to revise: to keep what was good and to mend what was unmet.

    For each prompt a text is written that meets every constraint. A known edit breaks one or two of them; the
    checkers say which, and the hindsight prompt of the project tells it. The completion is the text before the edit.

    Args:
        n: How many.
        seed: Decides all that is drawn.
        split: As in `herl.train.synth.make.prompts`, like the next two.
        types: Names of kinds of constraints or of families.
        constraints: How many a prompt has, at least and at most.
        form: How much the hindsight prompt tells; "both" is full and brief by turns.
        store: Where NLTK's data may be.

    Returns:
        Rows {id, prompt, completion, score}; prompt and completion are lists of messages, the score is 1.

    Raises:
        UsageError: as `prompts`, or NLTK's data are missing.
    """
    forms: tuple[Form, ...] = ("full", "brief") if form == "both" else (form,)
    rows: list[dict[str, Any]] = []
    used = 0
    while len(rows) < n:
        # A prompt in some thousands gives no example; the ones behind it take its place.
        made = made_prompts(used + n - len(rows), seed, split, types, constraints)[used:]
        used += len(made)
        for revision in revisions(made, seed, store or Store()):
            rows.append(_row(revision, forms[len(rows) % len(forms)]))
    return rows


def revisions(made: Sequence[Made], seed: int, store: Store) -> Iterator[Revision]:
    """A revision for each prompt, but for the few where none is found.

    Args:
        made: The prompts.
        seed: Decides all that is drawn.
        store: Where NLTK's data may be.

    Raises:
        UsageError: NLTK's data are missing.
    """
    checked = Checked(made, store)
    for each in made:
        revision = _revision(each, checked, Random(draw_seed(seed, each.item.id, 0, "revision")))
        if revision is not None:
            yield revision


def _revision(made: Made, checked: Checked, rng: Random) -> Revision | None:
    written = checked.written(made, rng)
    if written is None:
        return None
    for number in range(_TRIES):
        draft = render(_spoilt(made, written, number, rng))
        verdicts = checked.verdicts(made, draft)
        unmet = len(diagnose(made.item.rubric, verdicts).unmet)
        if draft.strip() and 1 <= unmet <= _MOST:
            return Revision(made, draft, verdicts, written.text)
    return None


def _spoilt(made: Made, written: Written, number: int, rng: Random) -> Page:
    """The page with one constraint broken, or two in the first tries, by ever stronger edits."""
    page = written.page
    are_two = len(made.constraints) > 1 and number < _TRIES // 2 and rng.random() < _TWO
    for constraint in rng.sample(made.constraints, 1 + are_two):
        spoiling = Spoiling(
            rng, made.scene, constraint.asked.arguments, written.more, 1 + number // len(made.constraints)
        )
        page = constraint.kind.edit(page, spoiling)
    return page


def _row(revision: Revision, form: Form) -> dict[str, Any]:
    item = revision.made.item
    asked = hindsight(item.messages, item.rubric, revision.draft, revision.verdicts, form)
    return {
        "id": item.id,
        "prompt": [message.as_dict() for message in asked],
        "completion": [Message("assistant", revision.good).as_dict()],
        "score": 1.0,
    }

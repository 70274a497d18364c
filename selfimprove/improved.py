"""What an improver hands back: the best answer, with the rounds that led to it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from herl.engine.base import Failure
from herl.item import FinishReason, Usage
from herl.rows import Row
from herl.rubric import Verdict
from herl.selfimprove.journal import Journal
from herl.selfimprove.trial import Spent, Trial

FAILED = "failed"
"""Why an answer was not improved any further where something could not be had; otherwise it is a `Stop`."""

Said = Mapping[tuple[str, str], tuple[Verdict, ...]]
"""(item id, answer) -> the verdicts on it, one per criterion."""


@dataclass(frozen=True, slots=True)
class Round:
    """How a round left an answer.

    Args:
        number: 0 for the plain answer.
        attempts: The texts that were drawn in it.
        kept: The best answer so far.
        verdicts: On the one that was kept, one per criterion, in the rubric's order; None where nobody needed any:
            a critic that compares answers does not grade the last one.
        accepted: Whether one of the attempts was kept.
    """

    number: int
    attempts: tuple[str, ...]
    kept: str
    verdicts: tuple[Verdict, ...] | None
    accepted: bool


@dataclass(frozen=True, slots=True)
class Improved:
    """What became of an ask.

    Args:
        answer: The best answer, without its thinking; "" where there is none.
        finish_reason: The answer's own; "error" where there is none.
        stop: Why it was not improved any further: a `Stop`, or "failed".
        history: The plain answer, and every round of revision; empty where no answer could be had now.
        spent: All tokens that it took. Graders that are not judges do not tell theirs.
        failure: Why there is no answer, or no further revision, where something went wrong.
    """

    answer: str
    finish_reason: FinishReason
    stop: str
    history: tuple[Round, ...]
    spent: Spent
    failure: Failure | None = None

    @property
    def rounds(self) -> int:
        """Rounds in which revisions were drawn."""
        return max(len(self.history) - 1, 0)

    @property
    def usage(self) -> Usage:
        """Tokens read and written, by the model and its critic together."""
        return Usage(self.spent.prompt, self.spent.written)


def unanswered(failure: Failure) -> Improved:
    """What becomes of an ask whose plain answer could not be had now."""
    return Improved("", "error", FAILED, (), Spent(), failure)


def improved(trials: Iterable[Trial], journal: Journal, said: Said, broken: Failure | None) -> dict[str, Improved]:
    """What became of asks that have an answer.

    Args:
        trials: As the loop left them.
        journal: All that was bought for them.
        said: What the critic said of their answers.
        broken: What ended the loop for all that were still in it; None when it came to its end.

    Returns:
        Item id -> what became of it.
    """
    drawn, spent = _drawn(journal), _spent(journal)
    found = {}
    for trial in trials:
        row, failure = trial.best.row, None
        if trial.stop is None:
            failure = Failure(trial.waiting) if trial.waiting else broken
        elif row.get("error"):
            failure = Failure(row["error"])
        found[trial.id] = Improved(
            answer=trial.best.text,
            finish_reason=row["finish_reason"],
            stop=FAILED if trial.stop is None else trial.stop.value,
            history=_history(trial, drawn[trial.id], said),
            spent=spent[trial.id],
            failure=failure,
        )
    return found


def _history(trial: Trial, drawn: Mapping[int, Sequence[str]], said: Said) -> tuple[Round, ...]:
    (before,) = drawn[0]
    left = {0: before, **{step.round: step.kept.text for step in trial.steps}}
    rounds = []
    for number, texts in sorted(drawn.items()):
        kept = left.get(number, trial.best.text)  # a round that broke off may have found a better one by then
        accepted = number == 0 or kept != before
        rounds.append(Round(number, tuple(texts), kept, said.get((trial.id, kept)), accepted))
        before = kept
    return tuple(rounds)


def _drawn(journal: Journal) -> dict[str, dict[int, list[str]]]:
    """Item id -> round -> what was drawn in it, by candidate; 0 is the plain answer's."""
    found: dict[str, dict[int, list[str]]] = defaultdict(lambda: defaultdict(list))
    for (_, name, number, _), row in sorted(journal.attempts.items(), key=lambda entry: entry[0]):
        found[name][number].append(row["response"])
    return found


def _spent(journal: Journal) -> dict[str, Spent]:
    """Item id -> all that it took, what a broken round bought included."""
    found: dict[str, Spent] = defaultdict(Spent)
    for row in journal.attempts.values():
        found[row["id"]] = found[row["id"]].with_answer(_usage(row))
    for row in [*journal.rulings.values(), *journal.preferences.values()]:
        found[row["id"]] = found[row["id"]].with_critic(_usage(row))
    return found


def _usage(row: Row) -> Usage:
    return Usage(row["usage"]["prompt_tokens"], row["usage"]["completion_tokens"])

"""What a user decides about the loop and its controls."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from typing import Any, Literal, get_args

from herl.errors import UsageError, nearest

Form = Literal["full", "brief"]
"""The forms of hindsight (`herl.hindsight.Form`) that the loop offers; the other is an ablation of training."""

Accept = Literal["verdicts", "preference"]
"""How the critic tells that a revision is better: by its verdicts on both, or by comparing the two in both orders."""

_FORMS, _ACCEPTS = get_args(Form), get_args(Accept)

ORACLE, SELF = "oracle", "self"
CONTROLS = ("best-of-n", "resample", "self-refine")


@dataclass(frozen=True, slots=True)
class LoopSettings:
    """How answers are revised, and what the loop is compared with.

    Args:
        rounds: Most rounds of revision, R.
        revisions: Revisions drawn in a round, K.
        patience: An item leaves the loop after so many rounds in a row without a better answer, P.
        form: Of the hindsight.
        accept: What makes a revision better; None for "verdicts" with an oracle and "preference" otherwise.
        hidden: The share of each rubric's criteria that critic and hindsight never see, [0, 1).
        budget: Most tokens generated for an item, the plain answer and the critic's words among them; None for
            as many as the rounds take.
        temperature: Of revisions and of all that the controls draw.
        controls: Names of `CONTROLS`.

    Raises:
        UsageError: a value that makes no sense, or two that contradict each other.
    """

    rounds: int = 2
    revisions: int = 1
    patience: int = 2
    form: Form = "full"
    accept: Accept | None = None
    hidden: float = 0.0
    budget: int | None = None
    temperature: float = 0.7
    controls: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        for flag, value in (("--rounds", self.rounds), ("--revisions", self.revisions), ("--patience", self.patience)):
            if not _is_count(value):
                raise UsageError(f"{flag} must be a whole number from 1, not {value}")
        if self.budget is not None and not _is_count(self.budget):
            raise UsageError(f"--budget must be a whole number from 1, not {self.budget}")
        for flag, word, known in (("--form", self.form, _FORMS), ("--accept", self.accept, (None, *_ACCEPTS))):
            if word not in known:
                raise UsageError(f"unknown {flag} '{word}'", nearest(str(word), [each for each in known if each]))
        if not 0 <= self.hidden < 1:
            raise UsageError(f"--hidden must be from 0 to below 1, not {self.hidden}")
        if not 0 < self.temperature < math.inf:
            raise UsageError(
                f"--revision-temperature must be above 0, not {self.temperature}",
                "At temperature 0 the same question gets the same answer again and again.",
            )
        if isinstance(self.controls, str):
            raise UsageError("controls are several names, not one text", f"Write ('{self.controls}',).")
        for name in self.controls:
            if name not in CONTROLS:
                raise UsageError(f"unknown control '{name}'", nearest(name, [*CONTROLS, "all"]))
        if len(set(self.controls)) < len(self.controls):
            raise UsageError("a control is named twice")

    def acceptance(self, critic: str) -> Accept:
        """What makes a revision better, for a critic ("oracle", "self" or a model).

        Raises:
            UsageError: preference is asked of an oracle, which only gives verdicts.
        """
        if critic != ORACLE:
            return self.accept or "preference"
        if self.accept == "preference":
            raise UsageError(
                "an oracle gives verdicts, it does not compare answers",
                "Leave --accept out, or take --critic self or a model.",
            )
        return "verdicts"

    def as_config(self) -> dict[str, Any]:
        """Plain values, for run.json."""
        return {**asdict(self), "controls": list(self.controls)}


def _is_count(value: object) -> bool:
    return isinstance(value, int) and value >= 1

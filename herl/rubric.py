"""Criteria, verdicts and grades, and the one formula that adds verdicts up to a score.

Nothing else in the project computes a score from verdicts: benchmark scorers, rewards and critiques
all call `Rubric.grade`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any


class Outcome(StrEnum):
    """Whether a criterion was decided, or why it was not. An abstention is never a zero."""

    SCORED = "scored"
    CANNOT_TELL = "cannot_tell"
    PARSE_ERROR = "parse_error"
    REFUSAL = "refusal"
    TRUNCATED = "truncated"
    TRANSPORT = "transport"
    CHECK_ERROR = "check_error"


class Rule(StrEnum):
    """How verdicts become one number.

    `WEIGHTED_MEAN` is Σ w·value / Σ positive w. `CLIPPED` is the same, cut to [0, 1]. `ALL_MET` is 1
    when every criterion is satisfied (a pitfall is satisfied when it is not met), else 0. `POINTS` is
    the raw Σ w·value.
    """

    WEIGHTED_MEAN = "weighted_mean"
    CLIPPED = "clipped"
    ALL_MET = "all_met"
    POINTS = "points"


@dataclass(frozen=True, slots=True)
class Check:
    """The code that decides a criterion: an id in a benchmark's table of checks, and its arguments."""

    id: str
    kwargs: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Criterion:
    """One thing that a good answer does, or, as a pitfall, must not do.

    Args:
        id: Unique within its rubric.
        text: What is asked, in words.
        weight: Its share of the score. Negative makes it a pitfall: *met* is bad, whatever the text
            sounds like, so a loader must turn a text phrased as avoidance into a positive criterion.
        check: The code that decides it; None leaves it to a judge.
        scale: Lowest and highest value of an ordinal criterion, such as (1, 10); None is met or not.
        met_from: The lowest value, in the units of `scale` (0 to 1 without one), that counts as met.
        tags: Names that break results down, such as "tier0:keywords".

    Raises:
        ValueError: a zero or non-finite weight, an empty scale, or a `met_from` outside the scale.
    """

    id: str
    text: str
    weight: float = 1.0
    check: Check | None = None
    scale: tuple[float, float] | None = None
    met_from: float | None = None
    tags: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if self.weight == 0 or self.weight != self.weight or abs(self.weight) == float("inf"):
            raise ValueError(f"criterion {self.id!r}: the weight must be a finite number other than 0")
        low, high = self.scale or (0.0, 1.0)
        if not low < high:
            raise ValueError(f"criterion {self.id!r}: scale {self.scale} must rise")
        if self.met_from is not None and not low <= self.met_from <= high:
            raise ValueError(f"criterion {self.id!r}: met_from {self.met_from} is outside its scale")

    @property
    def is_pitfall(self) -> bool:
        """True when meeting the criterion is bad."""
        return self.weight < 0

    def value_of(self, raw: float) -> float:
        """Map a raw value on the criterion's scale to [0, 1].

        Raises:
            ValueError: `raw` lies outside the scale.
        """
        low, high = self.scale or (0.0, 1.0)
        if not low <= raw <= high:
            raise ValueError(f"criterion {self.id!r}: value {raw} is outside {low}..{high}")
        return (raw - low) / (high - low)

    def is_met(self, value: float) -> bool:
        """Whether a value in [0, 1] counts as met (by default only the top of the scale does)."""
        return value >= (1.0 if self.met_from is None else self.value_of(self.met_from))


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a grader found for one criterion.

    Args:
        criterion: The criterion's id.
        outcome: Scored, or the reason for abstaining.
        value: In [0, 1] when scored, None otherwise.
        evidence: The grader's words, for people and for hindsight.

    Raises:
        ValueError: a scored verdict without a value in [0, 1], or an abstention with a value.
    """

    criterion: str
    outcome: Outcome
    value: float | None = None
    evidence: str = ""

    def __post_init__(self) -> None:
        if self.outcome is Outcome.SCORED:
            if self.value is None or not 0.0 <= self.value <= 1.0:
                raise ValueError(f"verdict on {self.criterion!r}: a scored value lies in [0, 1]")
        elif self.value is not None:
            raise ValueError(f"verdict on {self.criterion!r}: an abstention has no value")

    @staticmethod
    def scored(criterion: Criterion, raw: float | bool, evidence: str = "") -> Verdict:
        """A decided verdict; `raw` is on the criterion's own scale."""
        return Verdict(criterion.id, Outcome.SCORED, criterion.value_of(float(raw)), evidence)

    @staticmethod
    def abstained(criterion: Criterion, reason: Outcome, evidence: str = "") -> Verdict:
        """A verdict that could not be had, and why."""
        return Verdict(criterion.id, reason, None, evidence)


@dataclass(frozen=True, slots=True)
class Grade:
    """A rubric's verdicts and what they add up to.

    Args:
        verdicts: One per criterion, in the rubric's order.
        score: Over the scored verdicts; None when there is nothing to score.
        low: The score if every missing verdict turned out worst, by the sign of its weight.
        high: The score if every missing verdict turned out best.
        coverage: The share of criteria with a verdict, 0 to 1.
    """

    verdicts: tuple[Verdict, ...]
    score: float | None
    low: float
    high: float
    coverage: float

    @property
    def full_score(self) -> float | None:
        """The score where every criterion has a verdict, else None: what training may learn from.

        Were a part of the verdicts enough, a judge that abstains on the hard criteria would be a reward.
        """
        return self.score if self.coverage == 1 else None


@dataclass(frozen=True, slots=True)
class Rubric:
    """The criteria of one item and the rule that adds them up.

    Raises:
        ValueError: no criteria, or two with the same id.
    """

    criteria: tuple[Criterion, ...]
    rule: Rule = Rule.WEIGHTED_MEAN

    def __post_init__(self) -> None:
        if not self.criteria:
            raise ValueError("a rubric needs at least one criterion")
        if len({criterion.id for criterion in self.criteria}) < len(self.criteria):
            raise ValueError("criterion ids must be unique within a rubric")

    def grade(self, verdicts: Sequence[Verdict], rule: Rule | None = None) -> Grade:
        """Add up verdicts: the only formula for a score in the project.

        Abstentions are left out of the score: numerator and denominator run over the scored criteria.
        With pitfalls that can fall outside what the whole rubric can still reach, so the result is cut
        to [low, high]. A rubric of pitfalls only scores 1 + Σ w·value / Σ |w|. A rubric with positive
        criteria of which none was scored has no score.

        Args:
            verdicts: One per criterion, in any order.
            rule: Another rule than the rubric's own.

        Returns:
            The grade, its verdicts in the rubric's order.

        Raises:
            ValueError: a criterion without a verdict, or a verdict on something else.
        """
        by_id = {verdict.criterion: verdict for verdict in verdicts}
        ids = [criterion.id for criterion in self.criteria]
        if len(verdicts) != len(ids) or set(by_id) != set(ids):
            raise ValueError(f"verdicts on {sorted(by_id)} do not match the criteria {sorted(ids)}")
        ordered = tuple(by_id[name] for name in ids)
        values = [verdict.value for verdict in ordered]
        rule = rule or self.rule

        worst = [float(c.is_pitfall) if v is None else v for c, v in zip(self.criteria, values, strict=True)]
        best = [float(not c.is_pitfall) if v is None else v for c, v in zip(self.criteria, values, strict=True)]
        low, high = (_add_up(self.criteria, filled, rule) for filled in (worst, best))

        kept = [(c, v) for c, v in zip(self.criteria, values, strict=True) if v is not None]
        pitfalls_only = all(criterion.is_pitfall for criterion in self.criteria)
        score = None
        if any(pitfalls_only or not criterion.is_pitfall for criterion, _ in kept):
            left = _add_up([c for c, _ in kept], [v for _, v in kept], rule)
            score = min(max(left, low), high)
        return Grade(ordered, score, low, high, len(kept) / len(ids))


def _add_up(criteria: Sequence[Criterion], values: Sequence[float], rule: Rule) -> float:
    pairs = list(zip(criteria, values, strict=True))
    if rule is Rule.ALL_MET:
        return float(all(c.is_met(v) != c.is_pitfall for c, v in pairs))
    points = sum(c.weight * v for c, v in pairs)
    if rule is Rule.POINTS:
        return points
    positive = sum(c.weight for c in criteria if c.weight > 0)
    score = points / positive if positive else 1.0 + points / -sum(c.weight for c in criteria)
    return min(max(score, 0.0), 1.0) if rule is Rule.CLIPPED else score

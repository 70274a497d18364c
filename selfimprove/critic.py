"""Who gives the loop its feedback: the benchmark's own grader, the model itself, or another model."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from herl.selfimprove.jury import Case, Jury, Ruled
from herl.selfimprove.preference import Comparer, Preferred
from herl.selfimprove.settings import Accept


@dataclass(frozen=True)
class Critic:
    """What the loop knows of its critic.

    Args:
        jury: Gives verdicts.
        accept: What makes a revision better.
        comparer: Compares answers; None where verdicts decide.
        longest_verdict: Most tokens of one reply, 0 where code decides.
        calls_per_item: One call decides all of an item's criteria.
        longest_comparison: Most tokens of one reply of the comparer's.
    """

    jury: Jury
    accept: Accept = "verdicts"
    comparer: Comparer | None = None
    longest_verdict: int = 0
    calls_per_item: bool = False
    longest_comparison: int = 0

    def rule(self, cases: Sequence[Case], arm: str) -> list[Ruled]:
        """Verdicts on the visible criteria of answers; see `Jury.rule`."""
        return self.jury.rule(cases, arm) if cases else []

    def compare(self, pairs: Sequence[tuple[Case, str]], arm: str) -> list[Preferred]:
        """Whether challengers are better than the best so far; see `Comparer.compare`."""
        assert self.comparer is not None
        return self.comparer.compare(pairs, arm) if pairs else []

    def longest_assessment(self, criteria: int) -> int:
        """Most tokens of the verdicts on one answer, without retries."""
        return self.longest_verdict * (1 if self.calls_per_item else criteria)

    def longest_choice(self, criteria: int, revisions: int) -> int:
        """Most tokens that choosing among some revisions can take, without retries."""
        if self.accept == "preference":
            return revisions * 2 * self.longest_comparison
        return revisions * self.longest_assessment(criteria)

"""The tables of an experiment: each stage against the plain answers, the loop against its controls."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from herl.benchmarks.base import Benchmark, Level, Metric
from herl.benchmarks.breakdown import tag_pools
from herl.benchmarks.pool import Pool
from herl.benchmarks.summarise import metrics_of
from herl.selfimprove.controls import BEST_OF_N, RESAMPLE
from herl.selfimprove.state import State
from herl.selfimprove.trial import BASE

BETTER, WORSE, NOT_SHOWN = "better", "worse", "no difference shown"
"""What the interval of the loop minus a control says."""

_ROUNDING = 1e-9  # scores that differ by less are the same


@dataclass(frozen=True)
class Tables:
    """Makes the tables of a benchmark.

    Args:
        benchmark: The benchmark.
        base: The plain answers.
        seed: Of the bootstrap.
    """

    benchmark: Benchmark
    base: State
    seed: int

    def stage(self, state: State) -> dict[str, Any]:
        """How a state compares with the plain answers.

        Returns:
            {arm, round, n, metrics, gain, improved, unchanged, regressed, undecided, took_part, changed, tokens}.
            An item improved or regressed by the primary metric's score of its answer; it is undecided where one of
            the two answers has none.
        """
        is_base = state.arm == BASE
        return {
            "arm": state.arm,
            "round": state.round,
            "n": len(state.rows),
            "metrics": metrics_of(self.benchmark, state.graded, self.seed),
            "gain": {} if is_base else {metric.name: self._gain(metric, state) for metric in self.benchmark.metrics},
            **self._moves(state),
            "took_part": len(state.own),
            "changed": sum(bool(row["changed"]) for row in state.own),
            "tokens": self.tokens(state),
        }

    def tokens(self, state: State) -> dict[str, Any]:
        """What a state took, the plain answers included.

        Returns:
            Totals of {generated, critic, prompt} and, as "written", of the first two; their means per item, and
            "multiple": the tokens written as a multiple of the plain answers'.
        """
        totals = {kind: state.spent(kind) for kind in ("generated", "critic", "prompt")} | {"written": state.written}
        n, plain = len(state.rows), self.base.written
        means = {kind: total / n if n else None for kind, total in totals.items()}
        return {**totals, "mean": means, "multiple": state.written / plain if plain else None}

    def against(self, state: State, loop: State) -> dict[str, Any]:
        """How the loop compares with a control.

        Returns:
            "draws": answers per item that the control had, the plain one among them, None for self-refine, whose
            answers are no draws; and "against": the loop minus the control by the primary metric,
            {value, ci_low, ci_high, n, token_ratio, verdict}; the ratio is the control's tokens by the loop's.
        """
        against = _compared(_pool(self.primary, state), _pool(self.primary, loop), self.seed)
        low, high = against["ci_low"], against["ci_high"]
        verdict = NOT_SHOWN
        if low is not None and low > 0:
            verdict = BETTER
        elif high is not None and high < 0:
            verdict = WORSE
        drawn = [row["round"] for row in state.rows if row["arm"] == state.arm]
        draws = 1 + sum(drawn) / len(state.rows) if state.rows and state.arm in (BEST_OF_N, RESAMPLE) else None
        ratio = state.written / loop.written if loop.written else None
        return {"draws": draws, "against": {**against, "token_ratio": ratio, "verdict": verdict}}

    def by_tag(self, final: State) -> dict[str, dict[str, Any]]:
        """Group of tags -> tag -> {base, final, gain, n}: the benchmark's tables by category, one metric each.

        The metric is the primary one where a group has it. Intervals are those of each tag by itself: among twenty
        tags, one that leaves out the truth is to be expected.
        """
        old, new = (tag_pools(self.benchmark, state.graded) for state in (self.base, final))
        found: dict[str, dict[str, Any]] = {}
        for group in dict.fromkeys([*old, *new]):
            before, after = old.get(group, {}), new.get(group, {})
            key = self._key([*before.values(), *after.values()])
            found[group] = {
                tag: self._cell(before.get(tag, {}).get(key), after.get(tag, {}).get(key))
                for tag in sorted({*before, *after})
            }
        return found

    def hidden(self, final: State) -> dict[str, Any] | None:
        """The share of criteria met among those that the critic saw and among those that it did not.

        Only items that hide something count, so that both are about the same answers.

        Returns:
            {visible, hidden: {base, final, gain, n}, items_without_hidden}; None when nothing is hidden.
        """
        hidden = {row["id"]: set(row["hidden"]) for row in self.base.rows}
        if not any(hidden.values()):
            return None
        metric = Metric("met", "met", self.primary.grader, Level.CRITERION)
        cells = {}
        for name, is_hidden in (("visible", False), ("hidden", True)):
            sides = []
            for state in (self.base, final):
                pool = Pool(metric)
                for each in state.graded:
                    if own := hidden[each.item.id]:
                        pool.add(each, [c for c in each.item.rubric.criteria if (c.id in own) == is_hidden])
                sides.append(pool)
            cells[name] = self._cell(*sides)
        return {**cells, "items_without_hidden": sum(not each for each in hidden.values())}

    @property
    def primary(self) -> Metric:
        """The metric that stands for the benchmark."""
        return next(metric for metric in self.benchmark.metrics if metric.name == self.benchmark.primary)

    @cached_property
    def _before(self) -> Mapping[str, Pool]:
        """Metric -> its values on the plain answers."""
        return {metric.name: _pool(metric, self.base) for metric in self.benchmark.metrics}

    def _gain(self, metric: Metric, state: State) -> dict[str, Any]:
        return _compared(self._before[metric.name], _pool(metric, state), self.seed)

    def _moves(self, state: State) -> dict[str, int]:
        """How many items have a better, an equal and a worse answer than the plain one."""
        before, after = _scores(self._before[self.primary.name]), _scores(_pool(self.primary, state))
        gains = [after[name] - score for name, score in before.items() if name in after]
        improved = sum(gain > _ROUNDING for gain in gains)
        regressed = sum(gain < -_ROUNDING for gain in gains)
        return {
            "improved": improved,
            "unchanged": len(gains) - improved - regressed,
            "regressed": regressed,
            "undecided": len(state.rows) - len(gains),
        }

    def _key(self, tags: Sequence[Mapping[str, Pool]]) -> str:
        """Which of a group's metrics, or graders, stands for it."""
        keys = list(dict.fromkeys(key for pools in tags for key in pools))
        return next((key for key in (self.primary.name, self.primary.grader) if key in keys), keys[0])

    def _cell(self, before: Pool | None, after: Pool | None) -> dict[str, Any]:
        nothing = {"value": None, "ci_low": None, "ci_high": None, "n": 0}
        return {
            "base": before.value() if before and before.n else None,
            "final": after.value() if after and after.n else None,
            "gain": _compared(before, after, self.seed) if before and after else nothing,
            "n": after.n if after else 0,
        }


def _pool(metric: Metric, state: State) -> Pool:
    pool = Pool(metric)
    for each in state.graded:
        pool.add(each)
    return pool


def _compared(before: Pool, after: Pool, seed: int) -> dict[str, Any]:
    """What a metric gained, over `n` items that have a value on both sides."""
    found = after.gain_over(before, seed)
    if found is None:
        return {"value": None, "ci_low": None, "ci_high": None, "n": 0}
    n = len(before.units.keys() & after.units.keys())
    return {"value": found.value, "ci_low": found.low, "ci_high": found.high, "n": n}


def _scores(pool: Pool) -> dict[str, float]:
    return {name: total / count for name, (total, count) in pool.units.items()}

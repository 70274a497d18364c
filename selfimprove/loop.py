"""Rounds of revision: all items advance together, every round is one batch, and finished items leave it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from herl.benchmarks.work import Watch
from herl.engine.base import Failure
from herl.hindsight import diagnose, hindsight
from herl.item import Message, draw_seed
from herl.rubric import Verdict
from herl.selfimprove.author import Author, Draft
from herl.selfimprove.critic import Critic
from herl.selfimprove.jury import Case
from herl.selfimprove.settings import LoopSettings
from herl.selfimprove.trial import LOOP, Attempt, Stop, Task, Trial

_ROUNDING = 1e-9  # marks of 1 and 7 on scales to 10 add up to a little less than marks of 2 and 6


@dataclass(frozen=True)
class Bench:
    """What an arm works with.

    Args:
        author: Draws answers.
        critic: Says what is unmet, and what is better.
        settings: How.
        seed: The run's.
        watch: Shows progress.
    """

    author: Author
    critic: Critic
    settings: LoopSettings
    seed: int
    watch: Watch

    def draft(
        self, arm: str, trial: Trial, number: int, candidate: int, messages: Sequence[Message], purpose: str
    ) -> Draft:
        """An answer to draw for an item, at the temperature of revisions."""
        seed = draw_seed(self.seed, trial.id, candidate, purpose)
        sampling = replace(trial.task.sampling, temperature=self.settings.temperature, seed=seed)
        return Draft(arm, trial.id, number, candidate, tuple(messages), sampling)

    def write(self, title: str, drafts: Mapping[str, Sequence[Draft]], trials: Sequence[Trial]) -> Written:
        """Draw answers for items, in one batch; an item for which one cannot be had now has to wait.

        Args:
            title: For people who wait.
            drafts: Item id -> what to draw.
            trials: The items.

        Returns:
            Item id -> attempts in the drafts' order, for the items that have them all.
        """
        everything = [draft for each in drafts.values() for draft in each]
        if not everything:
            return {}
        with self.watch(title, len(everything), 0) as progress:
            found = self.author.write(everything, progress.advance)
        written: dict[str, list[Attempt]] = {}
        for trial in trials:
            results = [found[draft] for draft in drafts.get(trial.id, ())]
            failed = [result.reason for result in results if isinstance(result, Failure)]
            if failed:
                trial.waiting = failed[0]
            elif results:
                written[trial.id] = [result for result in results if isinstance(result, Attempt)]
        return written


Written = dict[str, list[Attempt]]
"""Item id -> its new attempts."""


def run_loop(trials: Sequence[Trial], bench: Bench) -> None:
    """Revise until every item has stopped or must wait.

    Args:
        trials: Items with their plain answers; they are changed.
        bench: What to work with.

    Raises:
        HerlError: an engine cannot go on; what was bought by then is kept.
    """
    for trial in trials:
        if trial.best.row["finish_reason"] not in ("stop", "length"):
            trial.stop = Stop.NO_ANSWER
    for number in range(1, bench.settings.rounds + 1):
        _assess([trial for trial in _in(trials) if _fits(trial, _assessment(trial, bench), bench)], bench, LOOP)
        for trial in _in(trials):
            trial.stop = _why_stop(trial, bench)
        if not (taking_part := _in(trials)):
            break
        drafts = {trial.id: _revisions(trial, number, bench) for trial in taking_part}
        written = bench.write(f"round {number}", drafts, taking_part)
        choose([trial for trial in taking_part if trial.id in written], written, number, bench, LOOP)
    for trial in _in(trials):
        trial.stop = _met_or_abstained(trial) or (
            Stop.NO_BETTER if trial.barren >= bench.settings.patience else Stop.ROUNDS
        )
    for trial in trials:
        if trial.stop:
            trial.close_books()


def choose(trials: Sequence[Trial], written: Written, number: int, bench: Bench, arm: str) -> None:
    """End a round: take each item's best new attempt where it is better than the best so far.

    Args:
        trials: The items that drew something.
        written: What they drew.
        number: Of the round.
        bench: What to work with.
        arm: Which arm they are in.
    """
    for trial in trials:
        for attempt in written[trial.id]:
            trial.drew(attempt)
    untried = {trial.id: _untried(trial, written[trial.id]) for trial in trials}
    by_rule = _by_preference if bench.critic.accept == "preference" else _by_verdicts
    changed = by_rule([trial for trial in trials if untried[trial.id]], untried, bench, arm)
    for trial in trials:
        if not trial.waiting:
            trial.finish_round(number, trial.id in changed)


def longest_round(task: Task, settings: LoopSettings, critic: Critic) -> int:
    """The most tokens that a round of an item can take, without a critic's retries.

    Args:
        task: The item.
        settings: How many revisions.
        critic: What it may say; verdicts on the answer that is revised are not counted.
    """
    criteria = len(task.item.rubric.criteria)
    return settings.revisions * task.sampling.max_tokens + critic.longest_choice(criteria, settings.revisions)


def longest_start(task: Task, settings: LoopSettings, critic: Critic) -> int:
    """The most tokens that an item's plain answer and its first round can take, as `longest_round` counts."""
    assessment = critic.longest_assessment(len(task.item.rubric.criteria))
    return task.sampling.max_tokens + assessment + longest_round(task, settings, critic)


def _in(trials: Sequence[Trial]) -> list[Trial]:
    return [trial for trial in trials if trial.is_active]


def _assess(trials: Sequence[Trial], bench: Bench, arm: str) -> None:
    """Get the critic's verdicts on the best answers that have none yet."""
    pending = [trial for trial in trials if trial.verdicts is None]
    for trial, ruled in zip(pending, bench.critic.rule([case(trial) for trial in pending], arm), strict=True):
        if ruled.lacking:
            trial.waiting = ruled.lacking[0]
            continue
        trial.spent = trial.spent.with_critic(ruled.usage)
        trial.verdicts = ruled.verdicts


def _assessment(trial: Trial, bench: Bench) -> int:
    """The most tokens of the verdicts that the next round begins with."""
    known = trial.verdicts is not None
    return 0 if known else bench.critic.longest_assessment(len(trial.task.item.rubric.criteria))


def _why_stop(trial: Trial, bench: Bench) -> Stop | None:
    """Why an item leaves before the next round, None when it goes on."""
    if found := _met_or_abstained(trial):
        return found
    if trial.barren >= bench.settings.patience:
        return Stop.NO_BETTER
    need = longest_round(trial.task, bench.settings, bench.critic)
    return None if trial.verdicts is not None and _fits(trial, need, bench) else Stop.BUDGET


def _met_or_abstained(trial: Trial) -> Stop | None:
    if trial.verdicts is None:
        return None
    found = diagnose(trial.task.item.rubric, trial.verdicts)
    if found.unmet:
        return None
    return Stop.ABSTAINED if found.undecided else Stop.ALL_MET


def _fits(trial: Trial, need: int, bench: Bench) -> bool:
    budget = bench.settings.budget
    return budget is None or trial.spent.written + need <= budget


def _revisions(trial: Trial, number: int, bench: Bench) -> list[Draft]:
    assert trial.verdicts is not None
    task, form = trial.task, bench.settings.form
    messages = hindsight(task.messages, task.item.rubric, trial.best.text, trial.verdicts, form)
    return [
        bench.draft(LOOP, trial, number, candidate, messages, f"revision-{number}")
        for candidate in range(bench.settings.revisions)
    ]


def case(trial: Trial, attempt: Attempt | None = None) -> Case:
    """An item's answer, its best one unless another is given, as the critic sees it."""
    return Case(trial.task.item, trial.task.messages, (attempt or trial.best).text)


def _untried(trial: Trial, attempts: Sequence[Attempt]) -> list[Attempt]:
    """Attempts that may be better: not a refusal, an error or a blank, nor a text that was tried before.

    Such a text was no better than an answer that was no better than the best so far.
    """
    found = []
    for attempt in attempts:
        if attempt.is_answer and attempt.text not in trial.tried:
            trial.tried.add(attempt.text)
            found.append(attempt)
    return found


def _by_verdicts(trials: Sequence[Trial], untried: Written, bench: Bench, arm: str) -> set[str]:
    """Take the attempt with the best grade, where it is surely better; returns the items that have a new best."""
    _assess(trials, bench, arm)
    graded = [trial for trial in trials if trial.verdicts is not None and not trial.waiting]
    pairs = [(trial, attempt) for trial in graded for attempt in untried[trial.id]]
    better: dict[str, tuple[float, Attempt, Sequence[Verdict]]] = {}
    for (trial, attempt), ruled in zip(pairs, bench.critic.rule([case(*pair) for pair in pairs], arm), strict=True):
        if ruled.lacking:
            trial.waiting = ruled.lacking[0]
            continue
        trial.weighed(ruled.usage)
        assert trial.verdicts is not None
        rubric = trial.task.item.rubric
        # Better whatever the verdicts that are missing would have been.
        low, bar = rubric.grade(ruled.verdicts).low, rubric.grade(trial.verdicts).high
        if low > max(bar, better[trial.id][0] if trial.id in better else bar) + _ROUNDING:
            better[trial.id] = (low, attempt, ruled.verdicts)
    changed = {trial.id: trial for trial in graded if trial.id in better and not trial.waiting}
    for name, trial in changed.items():
        _, attempt, verdicts = better[name]
        trial.keep(attempt, verdicts)
    return set(changed)


def _by_preference(trials: Sequence[Trial], untried: Written, bench: Bench, arm: str) -> set[str]:
    """Take every attempt that is preferred to the best so far, one after the other; returns the items changed."""
    changed: set[str] = set()
    for place in range(max((len(untried[trial.id]) for trial in trials), default=0)):
        duels = [trial for trial in trials if place < len(untried[trial.id]) and not trial.waiting]
        pairs = [(case(trial), untried[trial.id][place].text) for trial in duels]
        for trial, found in zip(duels, bench.critic.compare(pairs, arm), strict=True):
            if found.lacking:
                trial.waiting = found.lacking[0]
                continue
            trial.weighed(found.usage)
            if found.challenger:
                trial.keep(untried[trial.id][place], None)
                changed.add(trial.id)
    return changed

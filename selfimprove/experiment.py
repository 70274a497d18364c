"""The experiment: plain answers, the loop, the controls, and the final score of all that was kept."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from herl.benchmarks.conversation import Said, conversation, rounds
from herl.benchmarks.settings import Settings
from herl.benchmarks.work import Work
from herl.engine.base import Failure
from herl.item import Item, Message, draw_seed
from herl.selfimprove import controls
from herl.selfimprove.author import Draft
from herl.selfimprove.jury import Case, Jury, Ruled
from herl.selfimprove.loop import Bench, run_loop
from herl.selfimprove.split import hidden_criteria, seen_by_critic, seen_by_oracle
from herl.selfimprove.stages import Stage
from herl.selfimprove.trial import BASE, LOOP, Attempt, Spent, Step, Task, Trial

FINAL = "final"
"""What the record of time calls the final grading."""


@dataclass(frozen=True)
class Experiment:
    """All that one experiment works with.

    Args:
        work: The benchmark and its items.
        answers: How plain answers are drawn.
        bench: The author, the critic and the settings of the loop.
        is_oracle: The critic is the benchmark's own grader.
        final: The judges of the final score; None where code decides.
    """

    work: Work
    answers: Settings
    bench: Bench
    is_oracle: bool
    final: Jury | None


@dataclass(frozen=True)
class Outcome:
    """What an experiment came to.

    Args:
        stages: How every round of every arm left every item, in the rows' order.
        ruled: (item id, answer) -> what the final judges made of it.
        failures: Why something could not be had now: reason -> how many.
    """

    stages: Sequence[Stage]
    ruled: Mapping[tuple[str, str], Ruled] = field(default_factory=dict)
    failures: Counter[str] = field(default_factory=Counter)


def tasks_of(experiment: Experiment, messages: Mapping[str, tuple[Message, ...]]) -> dict[str, Task]:
    """The items as the loop may see them.

    Args:
        experiment: The experiment.
        messages: Item id -> its whole conversation, for the items for which that is known.

    Returns:
        Item id -> task, for the same items.
    """
    seen = seen_by_oracle if experiment.is_oracle else seen_by_critic
    found = {}
    for item in experiment.work.items:
        if item.id in messages:
            sampling = experiment.answers.sampling(experiment.work.benchmark.sampling, item)
            found[item.id] = Task(seen(item, _hidden(experiment, item)), messages[item.id], sampling)
    return found


def run_experiment(experiment: Experiment) -> Outcome:
    """Go through all of it; what is there already is not bought again.

    Returns:
        Without stages where something could not be had, and a continued run may have it.

    Raises:
        HerlError: an engine cannot go on; what was bought by then is kept.
    """
    base, messages, failures = answer_plainly(experiment)
    tasks = tasks_of(experiment, messages)
    loop = _trials(tasks, base)
    run_loop(loop, experiment.bench)
    failures += _waiting(loop)
    if failures:  # what controls may spend rests on all that the loop spent
        return Outcome((), failures=failures)
    stages = [Stage(BASE, item, Step(0, base[item.id], False, _plain(base[item.id])), _hidden(experiment, item))
              for item in experiment.work.items]  # fmt: skip
    stages += _stages(experiment, LOOP, loop)
    for arm, trials in _run_controls(experiment, loop).items():
        failures += _waiting(trials)
        stages += _stages(experiment, arm, trials)
    if failures:
        return Outcome((), failures=failures)
    ruled = _final(experiment, stages, messages)
    lacking = Counter(reason for each in ruled.values() for reason in each.lacking)
    return Outcome(() if lacking else stages, ruled, lacking)


def answer_plainly(
    experiment: Experiment,
) -> tuple[dict[str, Attempt], dict[str, tuple[Message, ...]], Counter[str]]:
    """The plain answers, drawn as `herl eval` draws them; in a dialogue they are what was said before.

    Returns:
        Item id -> attempt, item id -> the conversation that it answers, and why answers are missing.
    """
    work, bench = experiment.work, experiment.bench
    base: dict[str, Attempt] = {}
    asked: dict[str, tuple[Message, ...]] = {}
    failures: Counter[str] = Counter()
    for turn in rounds(work.items):
        said: Said = {(name, 0): attempt.text for name, attempt in base.items()}
        drafts = [draft for item in turn if (draft := _draft(experiment, item, said))]
        with bench.watch(work.benchmark.name, len(drafts), 0) as progress:
            written = bench.author.write(drafts, progress.advance)
        for draft, result in written.items():
            if isinstance(result, Failure):
                failures[result.reason] += 1
            else:
                base[draft.item_id], asked[draft.item_id] = result, draft.messages
    ordered = {item.id: base[item.id] for item in work.items if item.id in base}
    return ordered, asked, failures


def _draft(experiment: Experiment, item: Item, said: Said) -> Draft | None:
    work, answers = experiment.work, experiment.answers
    messages = conversation(item, 0, work.by_id, said, answers.system)
    if messages is None:
        return None
    sampling = answers.sampling(work.benchmark.sampling, item)
    seed = draw_seed(answers.seed, item.id, 0, "answer")
    return Draft(BASE, item.id, 0, 0, messages, replace(sampling, seed=seed))


def _trials(tasks: Mapping[str, Task], base: Mapping[str, Attempt]) -> list[Trial]:
    return [Trial(tasks[name], attempt, _plain(attempt)) for name, attempt in base.items()]


def _plain(attempt: Attempt) -> Spent:
    return Spent().with_answer(attempt.usage)


def _run_controls(experiment: Experiment, loop: Sequence[Trial]) -> dict[str, list[Trial]]:
    """Arm -> its items, each with the tokens that the loop took for it."""
    bench, wanted = experiment.bench, experiment.bench.settings.controls
    allowed = controls.allowances(loop)
    base = {trial.id: bench.author.there(BASE, trial.id, 0) for trial in loop}
    tasks = {trial.id: trial.task for trial in loop}
    found: dict[str, list[Trial]] = {}
    if controls.BEST_OF_N in wanted or controls.RESAMPLE in wanted:
        drawn = _trials(tasks, base)
        controls.run_best_of_n(drawn, allowed, bench)
        if controls.BEST_OF_N in wanted:
            found[controls.BEST_OF_N] = drawn
        if controls.RESAMPLE in wanted:
            found[controls.RESAMPLE] = [controls.resampled(trial, bench) for trial in drawn if trial.steps]
    if controls.SELF_REFINE in wanted:
        found[controls.SELF_REFINE] = _trials(tasks, base)
        controls.run_self_refine(found[controls.SELF_REFINE], allowed, bench)
    return found


def _stages(experiment: Experiment, arm: str, trials: Sequence[Trial]) -> list[Stage]:
    found = []
    for trial in trials:
        item = experiment.work.by_id[trial.id]
        hidden = _hidden(experiment, item)
        for step in trial.steps:
            found.append(Stage(arm, item, step, hidden, trial.stop if step is trial.steps[-1] else None))
    return found


def _hidden(experiment: Experiment, item: Item) -> tuple[str, ...]:
    return hidden_criteria(item, experiment.bench.settings.hidden, experiment.answers.seed)


def _final(
    experiment: Experiment, stages: Sequence[Stage], messages: Mapping[str, tuple[Message, ...]]
) -> dict[tuple[str, str], Ruled]:
    """The final judges' verdicts on every answer that was kept at some time."""
    if experiment.final is None:
        return {}
    cases = {
        (stage.item.id, stage.step.kept.text): Case(stage.item, messages[stage.item.id], stage.step.kept.text)
        for stage in stages
    }
    return dict(zip(cases, experiment.final.rule(list(cases.values()), FINAL), strict=True))


def _waiting(trials: Sequence[Trial]) -> Counter[str]:
    return Counter(trial.waiting for trial in trials if trial.waiting)

"""The loop inside a service: an answer, revised against a rubric, with how it came about."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace
from threading import Lock
from typing import Any, NamedTuple

from herl.benchmarks.conversation import digest
from herl.benchmarks.work import silent
from herl.engine.address import without_secrets
from herl.engine.base import Engine, Failure
from herl.errors import HerlError, IncompleteError, UsageError
from herl.grader import CheckGrader, Grader, JudgeGrader
from herl.item import Item, Message, Sampling, draw_seed
from herl.models import is_remote
from herl.prompts import messages_of
from herl.rubric import Rubric, Verdict
from herl.rubric_file import parse_rubric
from herl.selfimprove.author import Author, Draft
from herl.selfimprove.critic import Critic
from herl.selfimprove.improved import Improved, improved, unanswered
from herl.selfimprove.journal import Journal
from herl.selfimprove.jury import Case, Jury, Known, Ruled, Seat
from herl.selfimprove.loop import Bench, longest_start, run_loop
from herl.selfimprove.preference import Comparer, PreferencePrompt
from herl.selfimprove.settings import ORACLE, LoopSettings
from herl.selfimprove.trial import BASE, Spent, Task, Trial

Conversation = str | Sequence[Message | Mapping[str, Any]]
"""What the user says, or a list of messages {role, content} of which the last is the user's."""

Criteria = Rubric | Sequence[Any] | Mapping[str, Any]
"""A rubric, a list of texts, or whatever else `parse_rubric` reads."""


class Ask(NamedTuple):
    """What an improver is asked.

    Args:
        messages: The conversation.
        rubric: What a good answer does.
        sampling: How the plain answer is drawn, its seed included; None as the improver does.
    """

    messages: Conversation
    rubric: Criteria
    sampling: Sampling | None = None


class Improver:
    """Answers, and revises the answer until its rubric is met or revising does not help: the loop of
    `herl self-improve`, with nothing written to a disk.

    A revision takes the place of the best answer so far only where it is better. Whatever fails once there is an
    answer leaves the best so far. The same ask gets the same answer, in whatever company it is asked, as far as the
    engine keeps to its seeds.

    Threads may share an improver. With models behind servers their calls run side by side; with a local model, one
    after the other, and two improvers in different threads must not share one. Checks and graders of a user's own
    are asked by one thread at a time. A judge with a cache belongs to one thread, and so does its improver.

    Args:
        engine: The model that answers. The improver does not close it.
        grader: What says which criteria are unmet: code (`CheckGrader`), a judge (`JudgeGrader`), or a grader of your
            own. A judge compares answers, unless `settings.accept` is "verdicts"; others only give verdicts.
        settings: How answers are revised.
        sampling: How plain answers are drawn; revisions are drawn so at the settings' temperature.
        seed: What all draws are derived from.

    Raises:
        UsageError: settings that are about experiments (hidden criteria, controls), or preference asked of a grader
            that only gives verdicts.

    Attributes:
        is_concurrent: Whether calls in several threads run side by side: all models are behind servers.
    """

    def __init__(
        self,
        engine: Engine,
        grader: Grader,
        *,
        settings: LoopSettings | None = None,
        sampling: Sampling | None = None,
        seed: int = 0,
    ) -> None:
        self._engine = engine
        self._grader = grader
        self._settings = settings or LoopSettings()
        self._sampling = sampling or Sampling()
        self._seed = seed
        self._judge = grader.judge if isinstance(grader, JudgeGrader) else None
        self._accept = self._settings.acceptance("model" if self._judge else ORACLE)
        self._checking = Lock()
        if self._settings.hidden or self._settings.controls:
            raise UsageError("hidden criteria and controls belong to experiments", "Leave them out: herl self-improve.")
        models = [engine.model, *([self._judge.engine.model] if self._judge else [])]
        self.is_concurrent = all(is_remote(model) for model in models)
        self._turn: AbstractContextManager[Any] = nullcontext() if self.is_concurrent else Lock()

    def improve(
        self, messages: Conversation, rubric: Criteria, rounds: int | None = None, sampling: Sampling | None = None
    ) -> Improved:
        """Answer one conversation.

        Args:
            messages: The conversation.
            rubric: What a good answer does.
            rounds: Most rounds of revision; None for the settings'.
            sampling: How the plain answer is drawn, its seed included; None as the improver does.

        Raises:
            UsageError: messages or rubric make no sense, or the budget is too small; nothing was asked.
            IncompleteError: the plain answer could not be had.
            HerlError: the model cannot be asked at all.
        """
        (found,) = self.improve_all([Ask(messages, rubric, sampling)], rounds)
        if not found.history:
            assert found.failure is not None
            raise IncompleteError(found.failure.reason, "Ask again later.", found.failure.status)
        return found

    def improve_all(
        self, asks: Sequence[Ask | tuple[Conversation, Criteria]], rounds: int | None = None
    ) -> list[Improved]:
        """Answer many conversations, which advance together: every round is one batch.

        Args:
            asks: What is asked; tuples (messages, rubric) will do.
            rounds: Most rounds of revision; None for the settings'.

        Returns:
            One per ask, in their order. Where no answer could be had now, its history is empty.

        Raises:
            UsageError: messages or rubric make no sense, or the budget is too small; nothing was asked.
            HerlError: the model cannot be asked at all.
        """
        settings = self._settings if rounds is None else replace(self._settings, rounds=rounds)
        several = len(asks) > 1
        tasks = [self._task(Ask(*ask), f"ask {number}" if several else "the ask") for number, ask in enumerate(asks, 1)]
        said: dict[tuple[str, str], tuple[Verdict, ...]] = {}
        with self._turn, Journal() as journal:
            bench = self._bench(journal, settings, said)
            _check_budget(tasks, bench)
            trials, found = _answer_plainly({task.item.id: task for task in tasks}, bench)
            broken: Failure | None = None
            try:
                run_loop(trials, bench)
            except HerlError as error:  # the answers are there, only no better ones
                broken = Failure(error.message, error.status)
        found |= improved(trials, journal, said, broken)
        return [found[task.item.id] for task in tasks]

    def _task(self, ask: Ask, where: str) -> Task:
        """An ask as the loop sees it."""
        turns = ask.messages
        if not isinstance(turns, str):
            turns = [turn.as_dict() if isinstance(turn, Message) else turn for turn in turns]
        messages = messages_of(turns, where)
        rubric = ask.rubric if isinstance(ask.rubric, Rubric) else parse_rubric(ask.rubric, where)
        sampling = ask.sampling or self._sampling
        # Named after its content, so that neither its place nor its company decides what is drawn for it.
        name = digest([[turn.as_dict() for turn in messages], repr(rubric), sampling.as_dict()])[:16]
        if not ask.sampling:
            sampling = replace(sampling, seed=draw_seed(self._seed, name, 0, "answer"))
        item = Item(name, messages, rubric)
        if isinstance(self._grader, CheckGrader | JudgeGrader):
            self._known(item, "")  # refuses a check that there is not, before anything is asked
        return Task(item, messages, sampling)

    def _bench(
        self, journal: Journal, settings: LoopSettings, said: dict[tuple[str, str], tuple[Verdict, ...]]
    ) -> Bench:
        """What works on the asks of one call; `said` receives the critic's verdicts."""
        author = Author(self._engine, journal)
        if self._judge is None:
            critic = Critic(_Remembering([], journal, self._known, said))
            return Bench(author, critic, settings, self._seed, silent)
        name = f"critic:{without_secrets(self._judge.engine.model)}"
        longest = self._judge.sampling.max_tokens
        critic = Critic(
            _Remembering([Seat(name, name, self._judge)], journal, self._known, said),
            self._accept,
            Comparer(name, self._judge.asked_with(PreferencePrompt()), journal),
            longest_verdict=longest,
            calls_per_item=self._judge.prompt.per_item,
            longest_comparison=longest,
        )
        return Bench(author, critic, settings, self._seed, silent)

    def _known(self, item: Item, answer: str) -> Mapping[str, Verdict]:
        with self._checking:
            if isinstance(self._grader, JudgeGrader):
                return self._grader.without_judge(item, answer)
            return {verdict.criterion: verdict for verdict in self._grader.verdicts(item, answer)}


class _Remembering(Jury):
    """A jury whose verdicts on every answer are kept: the loop keeps those on the best alone."""

    def __init__(
        self, seats: Sequence[Seat], journal: Journal, known: Known, said: dict[tuple[str, str], tuple[Verdict, ...]]
    ) -> None:
        super().__init__(seats, journal, known)
        self._said = said

    def rule(self, cases: Sequence[Case], arm: str) -> list[Ruled]:
        """As `Jury.rule`."""
        found = super().rule(cases, arm)
        for case, ruled in zip(cases, found, strict=True):
            if not ruled.lacking:
                self._said[case.item.id, case.answer] = ruled.verdicts
        return found


def _answer_plainly(tasks: Mapping[str, Task], bench: Bench) -> tuple[list[Trial], dict[str, Improved]]:
    """Draw plain answers.

    Returns:
        What the loop can go on with, and item id -> outcome where there is nothing to go on with.
    """
    trials, found = [], {}
    drafts = [Draft(BASE, name, 0, 0, task.messages, task.sampling) for name, task in tasks.items()]
    for draft, result in bench.author.write(drafts).items():
        if isinstance(result, Failure):
            found[draft.item_id] = unanswered(result)
        else:
            trials.append(Trial(tasks[draft.item_id], result, Spent().with_answer(result.usage)))
    return trials, found


def _check_budget(tasks: Iterable[Task], bench: Bench) -> None:
    need = max((longest_start(task, bench.settings, bench.critic) for task in tasks), default=0)
    if bench.settings.budget is not None and bench.settings.budget < need:
        raise UsageError(
            f"a budget of {bench.settings.budget} tokens is too small for one round: an ask may need {need}",
            f"Give {need} or more, or let answers be shorter.",
        )

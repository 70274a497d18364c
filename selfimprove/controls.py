"""What the loop is compared with: the same tokens spent on plain answers, or on feedback without a rubric."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean, variance

from herl.item import Message
from herl.judge.fence import guarded
from herl.selfimprove.author import Draft
from herl.selfimprove.loop import Bench, choose
from herl.selfimprove.trial import BASE, Spent, Step, Trial

BEST_OF_N, RESAMPLE, SELF_REFINE = "best-of-n", "resample", "self-refine"
FEEDBACK = "self-refine-feedback"
MOST_DRAWS = 64

Draw = Callable[[Sequence[Trial], int, Bench], dict[str, list[Draft]]]
"""(items, number of the draw, bench) -> item id -> the answer to draw; items that lack something are marked."""

_CRITICISE = """\
{instruction}

---
The draft below was written in answer to the request above.

The draft:
<draft>
{draft}
</draft>

Do not answer the request. Say what is good and what is bad about the draft, and what should be changed, so that \
its author can improve it. Be specific and brief."""

_REFINE = """\
{instruction}

---
The draft below was written in answer to the request above, and a reader said what could be better.

The draft:
<draft>
{draft}
</draft>

What the reader said:
<feedback>
{feedback}
</feedback>

Write the answer to the request anew, improved by what the reader said. Reply with the new answer only."""


@dataclass(frozen=True, slots=True)
class Allowance:
    """What a control may spend on an item, and what the loop tells of the price of a draw.

    Args:
        budget: Tokens that the loop wrote for it.
        answer: Tokens of an answer.
        variance: Of these.
        choice: Tokens that the critic takes to weigh an answer.
    """

    budget: int
    answer: float
    variance: float
    choice: float

    def threshold(self, draw: float, texts: int) -> float:
        """From how many tokens left on another draw brings items closer to their budgets, on average.

        Draws that are made until a budget is used up exceed it by E[d²] / 2 E[d] on average: by half a draw where
        all are equally long, and by more the more they differ, for it is the long ones that exceed it.

        Args:
            draw: What a draw is expected to take.
            texts: How many texts it is.
        """
        return max(draw + texts * self.variance / draw if draw else 0.0, 1.0) / 2


def allowances(loop: Sequence[Trial]) -> dict[str, Allowance]:
    """Item id -> what a control may spend on it.

    How far an item's answers differ in length is hard to tell from a few; it is taken to be the same share of their
    mean for all items. Where none drew anything, weighing an answer is taken to cost what the verdicts on the plain
    ones did.

    Args:
        loop: The items after the loop.
    """
    drawn = [trial.lengths for trial in loop if len(trial.lengths) > 1 and any(trial.lengths)]
    shares = [len(lengths) * variance(lengths) / fmean(lengths) ** 2 for lengths in drawn]
    share = sum(shares) / sum(map(len, drawn)) if drawn else 0.0
    weighed = sum(len(trial.lengths) - 1 for trial in loop)
    told = sum(trial.weighing if weighed else trial.spent.critic for trial in loop)
    usual = told / (weighed or len(loop)) if loop else 0.0
    found = {}
    for trial in loop:
        answer, attempts = fmean(trial.lengths), len(trial.lengths) - 1
        choice = trial.weighing / attempts if attempts else usual
        found[trial.id] = Allowance(trial.spent.written, answer, share * answer**2, choice)
    return found


def run_best_of_n(trials: Sequence[Trial], allowed: Mapping[str, Allowance], bench: Bench) -> None:
    """Draw plain answers, and keep the one that the critic finds best.

    Args:
        trials: Items with their plain answers; they are changed.
        allowed: Item id -> what may be spent on it.
        bench: What to work with.
    """
    _spend(trials, allowed, bench, BEST_OF_N, 1, _plain)


def run_self_refine(trials: Sequence[Trial], allowed: Mapping[str, Allowance], bench: Bench) -> None:
    """Have the model criticise its answer without a rubric and write it anew; the critic accepts as in the loop.

    After Self-Refine (Madaan et al., arXiv:2303.17651), which keeps the last answer; keeping the best one here
    leaves the rubric in the feedback as the only difference from the loop.

    Args:
        trials: As for `run_best_of_n`.
        allowed: Likewise.
        bench: Likewise.
    """
    _spend(trials, allowed, bench, SELF_REFINE, 2, _refined)


def resampled(trial: Trial, bench: Bench) -> Trial:
    """An item with the last plain answer that best-of-n drew for it, unchosen.

    Args:
        trial: The item, after `run_best_of_n`; it drew at least one.
        bench: What it worked with.

    Returns:
        A trial whose one step took the tokens of all the draws, and none of the critic's.
    """
    last = trial.steps[-1].round
    base = bench.author.there(BASE, trial.id, 0)
    drawn = [bench.author.there(BEST_OF_N, trial.id, number) for number in range(1, last + 1)]
    spent = Spent().with_answer(base.usage)
    for attempt in drawn:
        spent = spent.with_answer(attempt.usage)
    return Trial(trial.task, drawn[-1], spent, steps=[Step(last, drawn[-1], True, spent)])


def _spend(
    trials: Sequence[Trial], allowed: Mapping[str, Allowance], bench: Bench, arm: str, texts: int, draw: Draw
) -> None:
    """Draw again and again, one more for every item in a batch, until each has spent what the loop spent.

    The last draw of an item is made when that brings it closer to its budget than leaving it would, so that over
    many items the tokens are equal; a draw is `texts` texts.
    """
    for number in range(1, MOST_DRAWS + 1):
        taking_part = [
            trial for trial in trials if trial.is_active and _has_room(trial, number, texts, allowed[trial.id], bench)
        ]
        if not taking_part:
            return
        drafts = draw(taking_part, number, bench)
        written = bench.write(f"{arm}, draw {number}", drafts, taking_part)
        choose([trial for trial in taking_part if trial.id in written], written, number, bench, arm)


def _has_room(trial: Trial, number: int, texts: int, allowed: Allowance, bench: Bench) -> bool:
    """Whether another draw comes closer to the item's budget than none, its price told by the loop and by its own."""
    if number > len(trial.steps) + 1:  # it left before
        return False
    expected = texts * allowed.answer + allowed.choice
    first = allowed.choice if bench.critic.accept == "verdicts" else 0.0  # the plain answer is weighed then, too
    if number > 1:
        own = trial.spent.written - trial.lengths[0] - first
        expected, first = (expected + own) / number, 0.0
    return allowed.budget - trial.spent.written >= allowed.threshold(expected + first, texts)


def _plain(trials: Sequence[Trial], number: int, bench: Bench) -> dict[str, list[Draft]]:
    """The plain request again, each time with another seed."""
    return {
        trial.id: [bench.draft(BEST_OF_N, trial, number, 0, trial.task.messages, f"answer-{number}")]
        for trial in trials
    }


def _refined(trials: Sequence[Trial], number: int, bench: Bench) -> dict[str, list[Draft]]:
    """Requests for answers improved by feedback, which is drawn first."""
    asked = {
        trial.id: [bench.draft(FEEDBACK, trial, number, 0, _asking(trial, _CRITICISE), f"feedback-{number}")]
        for trial in trials
    }
    feedback = bench.write(f"self-refine, feedback {number}", asked, trials)
    drafts: dict[str, list[Draft]] = {}
    for trial in trials:
        if trial.id not in feedback:
            continue
        (said,) = feedback[trial.id]
        trial.spent = trial.spent.with_answer(said.usage)
        messages = _asking(trial, _REFINE, feedback=guarded(said.text, "feedback"))
        drafts[trial.id] = [bench.draft(SELF_REFINE, trial, number, 0, messages, f"refined-{number}")]
    return drafts


def _asking(trial: Trial, template: str, **parts: str) -> tuple[Message, ...]:
    *before, request = trial.task.messages
    draft = guarded(trial.best.text, "draft")
    return (*before, Message("user", template.format(instruction=request.content, draft=draft, **parts)))

"""Verdicts on a failed answer become guidance for the next attempt: the one hindsight prompt of the project.

`herl self-improve` asks with it, and training rolls out revisions under it, so a trained policy meets at test
time the very prompt that it was trained on. After HeRL (arXiv:2603.20046): the instruction, the criteria that were
met and those that were not, and the failed answer; no score, no reference answer, and none of the judge's words,
which may quote a reference.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from herl.item import Message
from herl.judge.fence import guarded, neutralise
from herl.rubric import Criterion, Rubric, Verdict

Form = Literal["full", "brief", "draft"]
"""`full`: the draft, what it met and what it did not; `brief`: what was not met only; `draft`: the draft only, an
ablation of training (one reading of "naive hindsight experience")."""

_FULL = """\
{instruction}

---
The draft below was written in answer to the request above. {state}
{met}{unmet}
The draft:
<draft>
{draft}
</draft>

Write the answer to the request anew. Meet every criterion that the draft misses and keep what it does well. \
Add no facts that you are not sure of. Reply with the new answer only, without remarks about the draft or the \
criteria."""

_BRIEF = """\
{instruction}

---
An earlier answer to the request above fell short of these criteria:
{unmet}

Answer the request so that they are met. Reply with the answer only."""

_DRAFT = """\
{instruction}

---
The draft below was written in answer to the request above. {state}

The draft:
<draft>
{draft}
</draft>

Write the answer to the request anew, so that it does all that the request asks, and keep what the draft does well. \
Add no facts that you are not sure of. Reply with the new answer only, without remarks about the draft."""


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """What verdicts say of an answer's criteria, in the rubric's order.

    Args:
        met: Satisfied: met, or for a pitfall avoided.
        unmet: Not satisfied.
        undecided: Without a verdict; hindsight says nothing of them.
    """

    met: tuple[Criterion, ...]
    unmet: tuple[Criterion, ...]
    undecided: tuple[Criterion, ...]


def diagnose(rubric: Rubric, verdicts: Sequence[Verdict]) -> Diagnosis:
    """Sort a rubric's criteria by what an answer made of them.

    Args:
        rubric: The criteria.
        verdicts: One per criterion, in any order.

    Raises:
        ValueError: a criterion without a verdict, or a verdict on something else.
    """
    found: dict[bool | None, list[Criterion]] = {True: [], False: [], None: []}
    graded = rubric.grade(verdicts).verdicts
    for criterion, verdict in zip(rubric.criteria, graded, strict=True):
        good = None if verdict.value is None else criterion.is_met(verdict.value) != criterion.is_pitfall
        found[good].append(criterion)
    return Diagnosis(tuple(found[True]), tuple(found[False]), tuple(found[None]))


def hindsight(
    messages: Sequence[Message], rubric: Rubric, draft: str, verdicts: Sequence[Verdict], form: Form = "full"
) -> tuple[Message, ...]:
    """The conversation that asks for a better answer than a failed one.

    Its last turn is the request with the guidance behind it; everything before it, a system message too, stays as
    it was. Engines apply the chat template to it as to any other conversation. A pitfall counts as unmet when the
    draft has the fault, and is worded as something to avoid.

    Args:
        messages: The conversation that the draft answers; its last turn is the user's.
        rubric: The criteria that may be told.
        draft: The failed answer, without its thinking.
        verdicts: One per criterion, in any order.
        form: How much is told.

    Raises:
        ValueError: there is nothing to revise for, because no criterion is known to be unmet, whatever the form; the
            last turn is not the user's; or verdicts and criteria do not match.
    """
    if not messages or messages[-1].role != "user":
        raise ValueError("the last turn of the conversation must be the user's")
    found = diagnose(rubric, verdicts)
    if not found.unmet:
        raise ValueError("no criterion is known to be unmet: there is nothing to revise for")
    *before, request = messages
    if form == "brief":
        text = _BRIEF.format(instruction=request.content, unmet=_listed(found.unmet))
        return (*before, Message("user", text))
    if form == "draft":
        state = "It does not yet do all that was asked." if draft.strip() else "It is empty."
        text = _DRAFT.format(instruction=request.content, state=state, draft=guarded(draft, "draft"))
        return (*before, Message("user", text))
    text = _FULL.format(
        instruction=request.content,
        state="It was checked against the request's criteria." if draft.strip() else "It is empty.",
        met=f"\nCriteria that the draft meets:\n{_listed(found.met)}\n" if found.met else "",
        unmet=f"\nCriteria that the draft misses:\n{_listed(found.unmet)}\n",
        draft=guarded(draft, "draft"),
    )
    return (*before, Message("user", text))


def _listed(criteria: Sequence[Criterion]) -> str:
    return "\n".join(f"- {_worded(criterion)}" for criterion in criteria)


def _worded(criterion: Criterion) -> str:
    text = " ".join(neutralise(criterion.text).split())
    return f"Avoid this fault: {text}" if criterion.is_pitfall else text

"""Prompts whose every criterion code can decide, from our own topics, tasks and wordings."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from random import Random
from typing import Any

from herl.benchmarks.ifbench import training
from herl.benchmarks.muldimif.arguments import cleaned
from herl.errors import UsageError
from herl.item import Item, Message, draw_seed
from herl.rubric import Check, Criterion, Rubric
from herl.train.synth.kind import Asked, Draw, Kind
from herl.train.synth.kinds import HELD_OUT, family, kinds_of
from herl.train.synth.plan import Plan
from herl.train.synth.scene import Scene, Split, tasks_for, topics
from herl.train.synth.wordings import WORDINGS

_TRIES = 400
"""Draws in a row that may bring nothing new before the prompts are called exhausted."""


@dataclass(frozen=True, slots=True)
class Constraint:
    """One constraint of a prompt.

    Args:
        kind: What it is.
        asked: With its arguments.
        wording: As the prompt says it.
    """

    kind: Kind
    asked: Asked
    wording: str


@dataclass(frozen=True, slots=True)
class Made:
    """A prompt with what it was made from, which a writer needs.

    Args:
        item: The prompt with its rubric; criterion n belongs to constraint n.
        scene: What it is about.
        plan: What its constraints settle.
        constraints: In the order of the rubric.
    """

    item: Item
    scene: Scene
    plan: Plan
    constraints: tuple[Constraint, ...]


def prompts(
    n: int,
    seed: int,
    split: Split = "train",
    types: Sequence[str] | None = None,
    constraints: tuple[int, int] = (1, 3),
) -> list[Item]:
    """Prompts with their rubrics, the same for the same arguments; the first ones of more are the same too.

    Args:
        n: How many.
        seed: Decides all that is drawn.
        split: Topics of one split are never in the other. The held-out split also has kinds of constraints that no
            training prompt has; its tag "novelty" says which prompts do ("type") and which do not ("topic").
        types: Names of kinds of constraints or of families ("ifeval", "iftrain", "muldimif"); all without.
        constraints: How many constraints a prompt has, at least and at most.

    Returns:
        Items with the tags split, novelty, field, topic, task, types and constraints.

    Raises:
        UsageError: an unknown type, numbers that make no sense, or fewer distinct prompts than asked for.
    """
    return [made.item for made in made_prompts(n, seed, split, types, constraints)]


def made_prompts(
    n: int,
    seed: int,
    split: Split = "train",
    types: Sequence[str] | None = None,
    constraints: tuple[int, int] = (1, 3),
) -> list[Made]:
    """As `prompts`, with what each was made from.

    Raises:
        UsageError: as `prompts` says.
    """
    low, high = constraints
    if n < 1 or not 1 <= low <= high:
        raise UsageError("there must be at least one prompt, and at least one constraint in each")
    found = list(islice(_distinct(seed, split, kinds_of(split, types), constraints), n))
    if len(found) < n:
        raise UsageError(
            f"there are only {len(found)} distinct prompts of these types with so many constraints, not {n}",
            "Ask for fewer, for more types, or for other numbers of constraints.",
        )
    return found


def _distinct(seed: int, split: Split, kinds: Sequence[Kind], constraints: tuple[int, int]) -> Iterator[Made]:
    """Prompts one by one, none twice: other words for the same constraints on the same topic are no other prompt."""
    seen: set[Any] = set()
    attempt, in_vain = 0, 0
    while in_vain < _TRIES:
        rng = Random(draw_seed(seed, split, attempt, "make-if"))
        attempt += 1
        made = _drawn(rng, f"make-if-{split}-{seed}-{len(seen)}", split, kinds, constraints)
        key = made and _meaning(made)
        if made is None or key in seen:
            in_vain += 1
            continue
        in_vain = 0
        seen.add(key)
        yield made


def _meaning(made: Made) -> Any:
    asked = sorted((each.kind.name, repr(sorted(each.asked.arguments.items()))) for each in made.constraints)
    alone = made.constraints[0].kind.alone
    return tuple(asked) if alone else (made.scene.task.name, made.scene.topic.name, tuple(asked))


def _drawn(rng: Random, name: str, split: Split, kinds: Sequence[Kind], constraints: tuple[int, int]) -> Made | None:
    topic = rng.choice(topics(split))
    task = rng.choice(tasks_for(topic))
    scene = Scene(task, topic, rng.choice(task.requests).replace("{t}", topic.name))
    wanted = rng.randint(*constraints)
    plan, found = Plan(), list[Constraint]()
    for kind in _in_order(rng, kinds, split):
        if len(found) == wanted:
            break
        if kind.alone and (found or wanted > 1):
            continue
        constraint = _constraint(rng, scene, plan, kind)
        if constraint is None:
            continue
        plan = constraint.asked.plan
        found.append(constraint)
        if kind.alone:
            break
    if len(found) < wanted:
        return None
    return Made(_item(rng, name, split, scene, found), scene, plan, tuple(found))


def _in_order(rng: Random, kinds: Sequence[Kind], split: Split) -> Sequence[Kind]:
    """The kinds in random order; every other held-out prompt has the kinds of training only."""
    seen = [kind for kind in kinds if kind.name not in HELD_OUT]
    unseen = [kind for kind in kinds if kind.name in HELD_OUT]
    rng.shuffle(seen)
    if split == "train" or not unseen or (seen and rng.random() < 0.5):
        return seen
    first = unseen.pop(rng.randrange(len(unseen)))
    rest = seen + unseen
    rng.shuffle(rest)
    return [first, *rest]


def _constraint(rng: Random, scene: Scene, plan: Plan, kind: Kind) -> Constraint | None:
    if kind.questions_only and not scene.task.is_question:
        return None
    if not plan.allows(kind.claims, kind.bars):
        return None
    asked = kind.draw(Draw(rng, scene, plan))
    if asked is None:
        return None
    settled = replace(asked.plan, claimed=plan.claimed | set(kind.claims), barred=plan.barred | set(kind.bars))
    if not settled.is_possible():
        return None
    return Constraint(kind, replace(asked, plan=settled), _worded(rng, kind, asked))


def _worded(rng: Random, kind: Kind, asked: Asked) -> str:
    key = f"{kind.name}|{asked.variant}" if asked.variant else kind.name
    text = rng.choice(WORDINGS[key])
    for name, value in {**asked.arguments, **asked.fields}.items():
        text = text.replace(f"{{{name}}}", str(value))
    return text


def _item(rng: Random, name: str, split: Split, scene: Scene, found: Sequence[Constraint]) -> Item:
    names = [each.kind.name for each in found]
    is_alone = found[0].kind.alone
    tags: Mapping[str, str] = {
        "split": split,
        "novelty": "" if split == "train" else "type" if set(names) & HELD_OUT else "topic",
        "field": scene.topic.field,
        "topic": scene.topic.name,
        "task": "copy" if is_alone else scene.task.name,
        "types": ", ".join(sorted(names)),
        "constraints": str(len(names)),
    }
    return Item(
        id=name,
        messages=(Message("user", _prompt(rng, scene, found)),),
        rubric=Rubric(tuple(_criterion(number, each) for number, each in enumerate(found))),
        tags={key: value for key, value in tags.items() if value},
    )


def _prompt(rng: Random, scene: Scene, found: Sequence[Constraint]) -> str:
    wordings = [each.wording for each in found]
    if found[0].kind.alone:
        return wordings[0]
    match rng.randrange(5):
        case 0 if len(wordings) > 1:
            return "\n".join([scene.request, "", *(f"- {wording}" for wording in wordings)])
        case 1:
            return f"{scene.request}\n\n{' '.join(wordings)}"
    return " ".join([scene.request, *wordings])


def _criterion(number: int, constraint: Constraint) -> Criterion:
    kind, arguments = constraint.kind, constraint.asked.arguments
    if family(kind.name) != "muldimif":
        return training.criterion(number, kind.check or kind.name, arguments)
    tags = ("tier0:muldimif", f"tier1:{kind.name}")
    return Criterion(str(number), constraint.wording, check=cleaned(Check(kind.check, arguments)), tags=tags)

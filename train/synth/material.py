"""The sentences that a text on a prompt's topic may be made of."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from random import Random

from herl.train.synth.kind import GENERAL_WORDS
from herl.train.synth.languages import FOREIGN
from herl.train.synth.plan import Mention, Plan
from herl.train.synth.scene import Scene
from herl.train.synth.sentences import BANKS, OF_FIELD, SHORT

CAPITALS = "CAPITALS"
"""In place of a mark: a word in capitals."""

_PROPER = "Maria"
_FACTUAL = ("prose", "advice", "opinion")
"""Genres that sentences about a field fit into."""
_STATED = {"begun", "ended", "each_begun", "each_ended", "exclaimed"}
"""Wishes that make no good question of one."""
_BLANKS = (
    "Ask [name] for more details.",
    "Come to [place] and see for yourself.",
    "Send your questions to [address].",
    "It all began on [date].",
    "The next meeting is at [time].",
    "Call [number] if you need help.",
    "My cousin from [town] agrees.",
    "That was in [year].",
)
_PLACED = {
    2: "The {w} can change everything.",
    3: "Only the {w} can change everything.",
    4: "In fact the {w} can change everything.",
    5: "More than once the {w} changed everything.",
}
"""Number of a word in its sentence -> a sentence with the word there."""


@dataclass(frozen=True, slots=True)
class Material:
    """Sentences for one text.

    Args:
        needed: Those that the constraints want, in any order.
        fillers: Others that break no constraint, in the order in which they are taken.
        placed: The sentence that must stand at a place, with its number from 0.
    """

    needed: tuple[str, ...]
    fillers: tuple[str, ...]
    placed: tuple[int, str] | None = None


def gather(scene: Scene, plan: Plan, rng: Random) -> Material | None:
    """What a text may be made of, None where a word that must occur finds no sentence."""
    if code := plan.wishes.get("language"):
        foreign = [sentence for sentence in FOREIGN[code] if is_allowed(sentence, plan)]
        return Material((), tuple(rng.sample(foreign, len(foreign))))
    templates = [*BANKS[scene.task.genre], *(OF_FIELD[scene.topic.field] if scene.task.genre in _FACTUAL else ())]
    needed: list[str] = []
    for mention in plan.mentions:
        found = dict(_with_word(mention, templates, scene, plan, rng))
        if len(found) < mention.times:
            return None
        needed += found.values()
        templates = [each for each in templates if each not in found]
    needed += rng.sample([each for each in _BLANKS if is_allowed(each, plan)], int(plan.wishes.get("placeholders", 0)))
    placed = None
    if "placed" in plan.wishes:
        word, number, place = plan.wishes["placed"]
        placed = (number - 1, _PLACED[place].replace("{w}", word))
    counted = {mention.word for mention in plan.mentions if mention.capped}
    fillers = [
        sentence
        for sentence in _fillers(templates, scene, rng, plan)
        if sentence not in needed and not any(word in sentence.lower() for word in counted)
    ]
    return Material(tuple(needed), tuple(fillers), placed)


def is_allowed(sentence: str, plan: Plan) -> bool:
    """Whether a sentence holds nothing that must not occur, and is short enough."""
    lowered = sentence.lower()
    return (
        not any(avoided in lowered for avoided in plan.avoided)
        and (plan.longest is None or len(sentence.split()) <= plan.longest)
        and not ("quiet" in plan.wishes and re.search(r"\b[A-Z]+\b", sentence))
        and not ("?" in sentence and plan.wishes.keys() & _STATED)
    )


def _with_word(
    mention: Mention, templates: Sequence[str], scene: Scene, plan: Plan, rng: Random
) -> Iterator[tuple[str, str]]:
    """Patterns with a sentence of each that holds the word once, as many as it must occur."""
    others = _others(mention.word, scene, plan)
    usable = [each for each in templates if "{w}" in each and (others or "{v}" not in each)]
    left = mention.times
    for template in [*rng.sample(usable, len(usable)), *SHORT]:
        if left == 0:
            return
        sentence = filled(template, scene, mention.word, rng.choice(others) if others else "")
        if is_allowed(sentence, plan) and sentence.lower().count(mention.word) == 1:
            left -= 1
            yield template, sentence


def _others(word: str, scene: Scene, plan: Plan) -> Sequence[str]:
    asked = [mention.word for mention in plan.mentions]
    return [
        other
        for other in scene.topic.words
        if not any(other in each or each in other for each in [word, *asked]) and other not in plan.avoided
    ]


def _fillers(templates: Sequence[str], scene: Scene, rng: Random, plan: Plan) -> Iterator[str]:
    """Each template once, then again with other words; those about the topic itself lead."""
    words = [*scene.topic.words, *GENERAL_WORDS[scene.topic.field][:2]]
    seen: set[str] = set()
    for turn in range(2):
        order = rng.sample(templates, len(templates))
        if turn == 0:
            order.sort(key=lambda template: "{t}" not in template and rng.random() < 0.5)
        for template in order:
            first, second = rng.sample(words[: 3 if turn == 0 else None], 2)
            sentence = filled(template, scene, first, second)
            if sentence not in seen and is_allowed(sentence, plan):
                seen.add(sentence)
                yield sentence


def filled(template: str, scene: Scene, word: str, other: str) -> str:
    """A sentence about the topic and one or two nouns that have to do with it."""
    name = scene.topic.name
    for blank, value in (("{t}", name), ("{w}", word), ("{v}", other)):
        template = template.replace(blank, value)
    return template[0].upper() + template[1:]


def after(word: str, sentence: str) -> str:
    """The sentence with a word before it."""
    return f"{word} {sentence if sentence.startswith(_PROPER) else sentence[0].lower() + sentence[1:]}"


def before(word: str, sentence: str, *, bare: bool = False) -> str:
    """The sentence with a word at its end, and without a full stop if it is to be bare."""
    return f"{sentence[:-1]} {word}{'' if bare else sentence[-1]}"


def emphasised(mark: str, sentence: str) -> str:
    """The sentence with one of its nouns between marks, or in capitals."""
    found = re.search(r"\b[Tt]he (\w+)", sentence) or re.search(r"(\w+)\W*$", sentence)
    if found is None:
        return sentence
    start, end = found.span(1)
    word = sentence[start:end].upper() if mark == CAPITALS else f"{mark}{sentence[start:end]}{mark}"
    return sentence[:start] + word + sentence[end:]

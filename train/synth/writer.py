"""Writes a text that meets every constraint of a prompt: proof that it can be done, and the target of revisions."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import pairwise
from random import Random

from herl.train.synth.make import Made
from herl.train.synth.material import CAPITALS, Material, after, before, emphasised, gather, is_allowed
from herl.train.synth.page import Page, render
from herl.train.synth.plan import Plan
from herl.train.synth.scene import Scene

_ATTEMPTS = 6
"""How often other sentences are tried."""
_SPREAD = 9
"""How many more or fewer sentences are tried."""
_WORDS = 8.5
"""Words of a sentence, on the average."""
_TOPIC_FIRST = 0.5
"""How often a text opens with its topic, and comes to the details after it."""
_ORDINALS = ("First", "Second", "Third", "Fourth", "Fifth", "Sixth")

_SETTLED = frozenset({"first", "last", "every", "layout", "json", "language", "exact", "answer", "quotation", "count"})
"""Slots that leave no room for what letters and dialogues have around their sentences."""


@dataclass(frozen=True, slots=True)
class Written:
    """A text that meets all constraints.

    Args:
        page: Its parts.
        text: The page as a text.
        more: Sentences that it does not hold and could.
    """

    page: Page
    text: str
    more: tuple[str, ...]


def write(made: Made, rng: Random, passes: Callable[[str], bool]) -> Written | None:
    """A text that meets all constraints of a prompt.

    Sentences are chosen so that they break none, and laid out as the constraints say. How many there are is found
    by trying: what a constraint counts (words, letters, marks) depends on the layout too.

    Args:
        made: The prompt.
        rng: Every choice comes from it.
        passes: Whether a text meets all of them.

    Returns:
        The text, or None where none was found.
    """
    for attempt in range(_ATTEMPTS):
        material = gather(made.scene, made.plan, rng)
        if material is None:
            continue
        for count in _counts(made.plan, material, rng):
            page = _page(made.scene, made.plan, material, count, Random(rng.random()))
            # A greeting, and the like, may be what is too much.
            if page is not None and attempt < _ATTEMPTS // 2:
                page = _in_genre(made.scene, made.plan, page)
            if page is not None and passes(text := render(page)):
                said = _letters(text)
                more = [each for each in material.fillers if _letters(each) not in said]
                return Written(page, text, tuple(more))
    return None


def _counts(plan: Plan, material: Material, rng: Random) -> Iterator[int]:
    """Numbers of sentences to try, the likeliest first."""
    low = max(plan.needed(), len(material.needed), int(plan.words.low / _WORDS))
    high = min(
        plan.sentences.high or 99, int((plan.words.high or 999) / _WORDS), len(material.fillers) + len(material.needed)
    )
    first = min(max(low, rng.randint(3, 6)), max(high, low))
    for distance in range(_SPREAD):
        yield first + distance
        if distance and first - distance >= 1:
            yield first - distance


def _page(scene: Scene, plan: Plan, material: Material, count: int, rng: Random) -> Page | None:
    """A page of so many sentences, or None where that is too few or too many."""
    wanted = count - len(material.needed) - (material.placed is not None)
    if not 0 <= wanted <= len(material.fillers):
        return None
    sentences = [*material.needed, *material.fillers[:wanted]]
    rng.shuffle(sentences)
    if rng.random() < _TOPIC_FIRST:
        sentences.sort(key=lambda sentence: scene.topic.name not in sentence)
    if material.placed is not None:
        place, sentence = material.placed
        if place > len(sentences):
            return None
        sentences.insert(place, sentence)
    page = _in_list(plan, sentences) if plan.bullets else _in_parts(plan, sentences)
    return page and _finished(plan, page, material, rng)


def _in_parts(plan: Plan, sentences: Sequence[str]) -> Page | None:
    count, parts = len(sentences), max(plan.parts, 1)
    if count < parts:
        return None
    edges = [round(number * count / parts) for number in range(parts + 1)]
    return Page(**plan.page, parts=tuple(tuple(sentences[start:end]) for start, end in pairwise(edges)))


def _in_list(plan: Plan, sentences: Sequence[str]) -> Page | None:
    """The last sentences as a list or a table, below the others; or a list of all."""
    above = len(sentences) - plan.bullets
    if "no_intro" in plan.wishes:
        return Page(**plan.page, bullets=tuple(sentences)) if above >= 0 else None
    if above < 1:
        return None
    parts, items = (tuple(sentences[:above]),), tuple(sentences[above:])
    if "table" in plan.wishes:
        rows = zip(_ORDINALS, items, strict=False)
        return Page(**plan.page, parts=parts, table=(("Point", "Note"), *rows))
    return Page(**plan.page, parts=parts, bullets=items)


def _finished(plan: Plan, page: Page, material: Material, rng: Random) -> Page:
    wishes = plan.wishes
    for wish, mark in (("capitals", CAPITALS), ("highlights", "*"), ("bold", "**")):
        page = _some_changed(page, wishes.get(wish, 0), partial(emphasised, mark), rng)
    if phrase := wishes.get("phrase"):
        page = _some_changed(page, 1, partial(before, phrase), rng)
    if "each_begun" in wishes:
        page = page.each(partial(after, wishes["each_begun"]))
    if "each_ended" in wishes:
        page = page.each(partial(before, wishes["each_ended"]))
    if "begun" in wishes:
        number, word = wishes["begun"]
        page = _at(page, number, 0, partial(after, word))
    if "ended" in wishes:
        page = _at(page, -1, -1, partial(before, wishes["ended"], bare="bare_end" in wishes))
    if "exclaimed" in wishes:
        page = _at(page, -1, -1, lambda sentence: sentence[:-1] + "!")
    if marker := wishes.get("postscript"):
        unused = [each for each in material.fillers if each not in page.sentences()]
        page = replace(page, postscript=f"{marker} {unused[-1] if unused else 'See you soon.'}")
    return page


def _some_changed(page: Page, count: int, change: Callable[[str], str], rng: Random) -> Page:
    """The page with so many of its sentences changed, or all where there are fewer."""
    sentences = page.sentences()
    chosen = set(rng.sample(sentences, min(count, len(sentences))))
    return page.each(lambda sentence: change(sentence) if sentence in chosen else sentence)


def _at(page: Page, part: int, place: int, change: Callable[[str], str]) -> Page:
    """The page with one sentence changed: of a part, else of the list below it where it comes last."""
    if place == -1 and page.bullets:
        *others, last = page.bullets
        return replace(page, bullets=(*others, change(last)))
    parts = [list(each) for each in page.parts]
    parts[part][place] = change(parts[part][place])
    return replace(page, parts=tuple(tuple(each) for each in parts))


def _in_genre(scene: Scene, plan: Plan, page: Page) -> Page:
    """Greetings for letters, lines for poems, speakers for dialogues, where the constraints leave room for them."""
    if plan.claimed & _SETTLED or plan.barred & {"lines"}:
        return page
    match scene.task.genre:
        case "letter" if "comma" not in plan.claimed and is_allowed("Dear friend warm wishes", plan):
            return replace(page, greeting="Dear friend,", signoff="" if page.postscript else "Warm wishes")
        case "poem":
            return replace(page, joiner="\n")
        case "talk" if is_allowed("Anna Ben", plan) and page.case != "title":
            return replace(page, joiner="\n", speakers=True)
    return page


def _letters(text: str) -> str:
    return re.sub(r"[\W_]", "", text.lower())

"""Writes a text that meets every constraint of a prompt: proof that it can be done, and the target of revisions."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from random import Random
from typing import Any

from herl.train.synth.make import Made
from herl.train.synth.material import Material, after, before, emphasised, gather, is_allowed
from herl.train.synth.page import Page, render
from herl.train.synth.plan import Plan
from herl.train.synth.scene import Scene

_ATTEMPTS = 6
"""How often other sentences are tried."""
_SPREAD = 9
"""How many more or fewer sentences are tried."""
_WORDS = 8.5
"""Words of a sentence, on the average."""

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
    parts_needed = max(plan.parts, 1)
    sentences = list(material.needed)
    placed = material.placed is not None
    wanted = count - len(sentences) - placed
    if wanted < 0 or wanted > len(material.fillers):
        return None
    sentences += material.fillers[:wanted]
    rng.shuffle(sentences)
    # A text opens with its topic rather than with a detail.
    sentences.sort(key=lambda sentence: scene.topic.name not in sentence) if not rng.randrange(2) else None
    if material.placed is not None:
        place, sentence = material.placed
        if place > len(sentences):
            return None
        sentences.insert(place, sentence)
    page = _laid_out(plan, sentences, parts_needed)
    return page and _finished(plan, page, material, rng)


def _laid_out(plan: Plan, sentences: Sequence[str], parts: int) -> Page | None:
    """The sentences in paragraphs, in a list or in a table."""
    count = len(sentences)
    page = Page(**plan.page)
    if plan.bullets:
        intro = 0 if "no_intro" in plan.wishes else 1
        if count < plan.bullets + intro:
            return None
        above, items = sentences[: count - plan.bullets], tuple(sentences[count - plan.bullets :])
        if "no_intro" in plan.wishes:
            return replace(page, bullets=tuple(sentences))
        page = replace(page, parts=(tuple(above),))
        if "table" in plan.wishes:
            rows = tuple((_ORDINALS[number], item) for number, item in enumerate(items))
            return replace(page, table=(("Point", "Note"), *rows))
        return replace(page, bullets=items)
    if count < parts:
        return None
    edges = [round(number * count / parts) for number in range(parts + 1)]
    return replace(page, parts=tuple(tuple(sentences[a:b]) for a, b in pairwise(edges)))


_ORDINALS = ("First", "Second", "Third", "Fourth", "Fifth", "Sixth")


def _finished(plan: Plan, page: Page, material: Material, rng: Random) -> Page:
    wishes = plan.wishes
    page = _emphasised(page, wishes, rng)
    if phrase := wishes.get("phrase"):
        page = _one_changed(page, lambda sentence: before(phrase, sentence), rng)
    if "each_begun" in wishes:
        page = page.each(lambda sentence: after(wishes["each_begun"], sentence))
    if "each_ended" in wishes:
        page = page.each(lambda sentence: before(wishes["each_ended"], sentence))
    if "begun" in wishes:
        number, word = wishes["begun"]
        page = _at(page, number, 0, lambda sentence: after(word, sentence))
    if "ended" in wishes:
        page = _at(page, -1, -1, lambda sentence: before(wishes["ended"], sentence, bare="bare_end" in wishes))
    if "exclaimed" in wishes:
        page = _at(page, -1, -1, lambda sentence: sentence[:-1] + "!")
    if marker := wishes.get("postscript"):
        unused = [each for each in material.fillers if each not in page.sentences()]
        page = replace(page, postscript=f"{marker} {unused[-1] if unused else 'See you soon.'}")
    return page


def _emphasised(page: Page, wishes: Any, rng: Random) -> Page:
    for wish, mark in (("capitals", "A"), ("highlights", "*"), ("bold", "**")):
        number = int(wishes.get(wish, 0))
        chosen = set(rng.sample(page.sentences(), min(number, len(page.sentences()))))
        page = page.each(
            lambda sentence, chosen=chosen, mark=mark: emphasised(sentence, mark) if sentence in chosen else sentence  # type: ignore[misc]
        )
    return page


def _one_changed(page: Page, change: Callable[[str], str], rng: Random) -> Page:
    chosen = rng.choice(page.sentences())
    return page.each(lambda sentence: change(sentence) if sentence == chosen else sentence)


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

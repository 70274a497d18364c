"""Small changes that break a constraint: sentences too many or too few, a mark that is missing, a word too much."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from herl.train.synth.kind import Edit, Spoiling
from herl.train.synth.material import after
from herl.train.synth.page import Page


def without(**fields: Any) -> Edit:
    """An edit that sets these fields of the page."""
    return lambda page, spoiling: replace(page, **fields)


def with_more(page: Page, sentences: Sequence[str]) -> Page:
    """The page with sentences behind those of its last part, or behind its list where it has nothing else."""
    if not page.parts:
        return replace(page, bullets=(*page.bullets, *sentences))
    *before, last = page.parts
    return replace(page, parts=(*before, (*last, *sentences)))


def longer(page: Page, spoiling: Spoiling) -> Page:
    """Adds sentences: half as many again, and at least three; more from try to try."""
    return with_more(page, spoiling.more[: max(3, len(page.sentences()) // 2) * spoiling.strength])


def much_longer(page: Page, spoiling: Spoiling) -> Page:
    """Adds as many sentences as there are, and at least six; more from try to try."""
    return with_more(page, spoiling.more[: max(6, len(page.sentences())) * spoiling.strength])


def shorter(page: Page, spoiling: Spoiling) -> Page:
    """Keeps one sentence of each part, and from the second try on of the first part only."""
    if not page.parts:
        return replace(page, bullets=page.bullets[:1])
    parts = tuple(part[:1] for part in page.parts)
    if spoiling.strength == 1:
        return replace(page, parts=parts)
    return replace(page, parts=parts[:1], heads=page.heads[:1], bullets=page.bullets[:1], table=page.table[:2])


def lengthen_or_shorten(page: Page, spoiling: Spoiling) -> Page:
    """Adds sentences where there is an upper bound, else cuts."""
    return longer(page, spoiling) if _is_upper(spoiling) else shorter(page, spoiling)


def far_off(page: Page, spoiling: Spoiling) -> Page:
    """As `lengthen_or_shorten`, by more."""
    return much_longer(page, spoiling) if _is_upper(spoiling) else shorter(page, spoiling)


def _is_upper(spoiling: Spoiling) -> bool:
    if "relation" in spoiling.arguments:
        return bool(spoiling.arguments["relation"] == "less than")
    bounds = ("at_least" in spoiling.arguments, "at_most" in spoiling.arguments)
    return spoiling.rng.random() < 0.5 if all(bounds) else bounds[1] or "N" in spoiling.arguments


def drop_part(page: Page, spoiling: Spoiling) -> Page:
    """Joins the last two parts, or puts a part of its own behind a single one."""
    if len(page.parts) == 1:
        return replace(page, parts=(*page.parts, tuple(spoiling.more[:2])))
    *before, last_but_one, last = page.parts
    return replace(page, parts=(*before, last_but_one + last), heads=page.heads[:-1])


def drop_bullet(page: Page, spoiling: Spoiling) -> Page:
    """Leaves an item out, or adds one."""
    if len(page.bullets) > 1 and spoiling.rng.random() < 0.6:
        return replace(page, bullets=page.bullets[:-1])
    return replace(page, bullets=(*page.bullets, *spoiling.more[:1]))


def replace_word(*names: str) -> Edit:
    """An edit that takes one of the words that must occur out of all sentences.

    Args:
        names: The arguments that hold the words.
    """

    def edit(page: Page, spoiling: Spoiling) -> Page:
        words = [word for name in names for word in _listed(spoiling.arguments.get(name))]
        return page.each(replaced(spoiling.rng.choice(words), spoiling))

    return edit


_VAGUE = ("rest", "next part", "other side", "whole of it")
"""What may stand in a noun's place, behind "the"."""


def replaced(word: str, spoiling: Spoiling) -> Callable[[str], str]:
    """What puts something vague in the place of a word, wherever it occurs in a sentence."""
    vague = spoiling.rng.choice(_VAGUE)
    return lambda sentence: re.sub(re.escape(word), vague, sentence, flags=re.IGNORECASE)


def add_word(*names: str, times: int = 1) -> Edit:
    """An edit that puts a sentence with one of the words into the text.

    Args:
        names: The arguments that hold the words.
        times: How often.
    """

    def edit(page: Page, spoiling: Spoiling) -> Page:
        words = [word for name in names for word in _listed(spoiling.arguments.get(name))]
        word = spoiling.rng.choice(words)
        return with_more(page, [_sentence_with(word, number, spoiling) for number in range(times)])

    return edit


_WITH_STYLE = {
    "very": "All of this is very easy to see.",
    "really": "People really care about this.",
    "great": "That would be a great start.",
    "good": "That would be a good start.",
    "important": "It is important to know all of this.",
    "amazing": "The result can be amazing in the end.",
    "nice": "That would be a nice start.",
    "just": "This is just the start.",
    "things": "Many other things come later.",
    "interesting": "All of this is interesting to read.",
}
_WITH_NOUN = (
    "Of course the {word} should not be left out.",
    "One more word about the {word} may help.",
    "Then there is still the {word} to think of.",
    "Others would begin with the {word} instead.",
    "It all comes back to the {word} in the end.",
)


def _sentence_with(word: str, number: int, spoiling: Spoiling) -> str:
    if word in _WITH_STYLE:
        return _WITH_STYLE[word]
    return _WITH_NOUN[(spoiling.rng.randrange(len(_WITH_NOUN)) + number) % len(_WITH_NOUN)].replace("{word}", word)


def in_sentences(change: Callable[[str], str], share: float = 1.0) -> Edit:
    """An edit that changes sentences.

    Args:
        change: What becomes of a sentence.
        share: How many of them are changed, at random; at least the last one that the change has an effect on.
    """

    def edit(page: Page, spoiling: Spoiling) -> Page:
        touched = [sentence for sentence in page.sentences() if change(sentence) != sentence]
        chosen = {sentence for sentence in touched if spoiling.rng.random() < share} | set(touched[-1:])
        return page.each(lambda sentence: change(sentence) if sentence in chosen else sentence)

    return edit


def with_comma(sentence: str) -> str:
    """The sentence with a word before it that takes a comma."""
    return after("Of course,", sentence)


def _listed(value: Any) -> list[str]:
    return [value] if isinstance(value, str) else list(value or ())

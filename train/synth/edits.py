"""Small changes that break a constraint: sentences too many or too few, a mark that is missing, a word too much."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from herl.train.synth.kind import Edit, Spoiling
from herl.train.synth.page import Page


def without(**fields: Any) -> Edit:
    """An edit that sets these fields of the page."""
    return lambda page, spoiling: replace(page, **fields)


def longer(page: Page, spoiling: Spoiling) -> Page:
    """Adds sentences: half as many again, and at least three."""
    count = max(3, len(page.sentences()) // 2, int(spoiling.arguments.get("enough", 0)))
    if not page.parts:
        return page
    *before, last = page.parts
    return replace(page, parts=(*before, (*last, *spoiling.more[:count])))


def much_longer(page: Page, spoiling: Spoiling) -> Page:
    """Adds as many sentences as there are, and at least six."""
    count = max(6, len(page.sentences()))
    *before, last = page.parts
    return replace(page, parts=(*before, (*last, *spoiling.more[:count])))


def shorter(page: Page, spoiling: Spoiling) -> Page:
    """Keeps one sentence of each part."""
    return replace(page, parts=tuple(part[:1] for part in page.parts))


def shortest(page: Page, spoiling: Spoiling) -> Page:
    """Keeps one sentence."""
    return replace(page, parts=(page.parts[0][:1],), heads=page.heads[:1])


def lengthen_or_shorten(page: Page, spoiling: Spoiling) -> Page:
    """Adds sentences where there is an upper bound, else cuts."""
    return longer(page, spoiling) if _is_upper(spoiling) else shortest(page, spoiling)


def far_off(page: Page, spoiling: Spoiling) -> Page:
    """As `lengthen_or_shorten`, by more."""
    return much_longer(page, spoiling) if _is_upper(spoiling) else shortest(page, spoiling)


def _is_upper(spoiling: Spoiling) -> bool:
    relation = next(
        (spoiling.arguments[name] for name in ("relation", "let_relation") if name in spoiling.arguments), ""
    )
    if relation:
        return bool(relation == "less than")
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
        word = spoiling.rng.choice(words)
        return page.each(lambda sentence: re.sub(re.escape(word), "rest", sentence, flags=re.IGNORECASE))

    return edit


def add_word(*names: str, times: int = 1) -> Edit:
    """An edit that puts a sentence with one of the words into the text.

    Args:
        names: The arguments that hold the words.
        times: How often.
    """

    def edit(page: Page, spoiling: Spoiling) -> Page:
        words = [word for name in names for word in _listed(spoiling.arguments.get(name))]
        word = spoiling.rng.choice(words)
        more = [_sentence_with(word, number, spoiling) for number in range(times)]
        *before, last = page.parts
        return replace(page, parts=(*before, (*last, *more)))

    return edit


_WITH_STYLE = {
    "very": "All of this is very easy to see.",
    "really": "People really care about this.",
    "great": "That would be a great start.",
    "good": "That would be a good start.",
    "important": "All of this is important.",
    "amazing": "The result can be amazing.",
    "nice": "That would be a nice start.",
    "just": "This is just the start.",
    "things": "Many other things come later.",
    "interesting": "All of this is interesting.",
}
_WITH_NOUN = (
    "Of course the {word} should not be left out.",
    "One more word about the {word} may help.",
    "Then there is still the {word} to think of.",
    "Others would begin with the {word} instead.",
    "In the end it all comes back to the {word}.",
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
    """The sentence with a comma and a remark in it."""
    before, _, last = sentence.rpartition(" ")
    return f"{before}, of course, {last}" if before else sentence


def _listed(value: Any) -> list[str]:
    return [value] if isinstance(value, str) else list(value or ())

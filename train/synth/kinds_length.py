"""Kinds of constraints on how long the answer is."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from herl.train.synth.edits import far_off, lengthen_or_shorten, much_longer
from herl.train.synth.kind import Asked, Draw, Kind

_LETTERS_OF_A_WORD = (4, 6)
"""Letters that a word of ours has on the average, at least and at most."""


def _words(draw: Draw) -> Asked | None:
    if draw.is_heads():
        number = draw.number(25, 90, 5)
        return Asked({"relation": "at least", "num_words": number}, draw.with_words(number), "at least")
    number = draw.number(30, 110, 5)
    return Asked({"relation": "less than", "num_words": number}, draw.with_words(0, number - 1), "less than")


def _sentences(draw: Draw) -> Asked | None:
    if draw.is_heads():
        number = draw.number(3, 7)
        return Asked({"relation": "at least", "num_sentences": number}, draw.with_sentences(number), "at least")
    number = draw.number(3, 8)
    return Asked({"relation": "less than", "num_sentences": number}, draw.with_sentences(0, number - 1), "less than")


def _letters(draw: Draw) -> Asked | None:
    shortest, longest = _LETTERS_OF_A_WORD
    if draw.is_heads():
        number = draw.number(100, 400, 20)
        return Asked({"relation": "at least", "N": number}, draw.with_words(number // shortest), "at least")
    number = draw.number(160, 500, 20)
    return Asked({"relation": "less than", "N": number}, draw.with_words(0, number // longest), "less than")


def _small_words(draw: Draw) -> Asked | None:
    number = draw.number(25, 80, 5)
    return Asked({"N": number}, draw.with_words(0, number))


def _range_of_words(draw: Draw) -> Asked | None:
    low = draw.number(20, 70, 5)
    high = low + draw.number(20, 40, 5)
    return Asked({"at_least": low, "at_most": high}, draw.with_words(low, high))


def _range_of_sentences(draw: Draw) -> Asked | None:
    low = draw.number(2, 6)
    high = low + draw.number(0, 2)
    variant = "exactly" if low == high else ""
    return Asked({"at_least": low, "at_most": high}, draw.with_sentences(low, high), variant)


def _characters(draw: Draw) -> Asked | None:
    number = draw.number(250, 700, 50)
    return Asked({"at_most": number}, draw.with_words(0, number // 7))


def _one_line(draw: Draw) -> Asked | None:
    number = draw.number(20, 60, 5)
    arguments: dict[str, Any] = {"words_at_most": number, "one_line": True}
    return Asked(arguments, draw.with_words(0, number))


KINDS: Sequence[Kind] = (
    Kind("length_constraints:number_words", _words, far_off, ("words",)),
    Kind("length_constraints:number_sentences", _sentences, lengthen_or_shorten, ("sentences",)),
    Kind("letters:letter_counting", _letters, far_off, ("words",)),
    Kind("count:lowercase_counting", _small_words, much_longer, ("words",), ("case", "language")),
    Kind("muldimif:words", _range_of_words, far_off, ("words",), (), "words"),
    Kind(
        "muldimif:sentences",
        _range_of_sentences,
        lengthen_or_shorten,
        ("sentences",),
        ("postscript", "numbers"),
        "sentences",
    ),
    Kind("muldimif:characters", _characters, much_longer, ("words",), (), "length"),
    Kind("muldimif:one_line", _one_line, much_longer, ("words",), ("layout", "title", "postscript", "lines"), "length"),
)
"""All of them."""

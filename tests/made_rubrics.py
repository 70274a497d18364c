"""Rubrics and items of every kind that a file can hold, for property tests."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from herl.item import Item, Message
from herl.rubric import Check, Criterion, Rubric, Rule

TEXTS = st.text(min_size=1, max_size=30).filter(str.strip)
NUMBERS = st.floats(-1e9, 1e9).filter(bool)
VALUES = st.recursive(
    st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)
SCALES = st.tuples(st.integers(-5, 5), st.integers(6, 100)).map(lambda ends: (float(ends[0]), float(ends[1])))


@st.composite
def rubrics(draw: st.DrawFn) -> Rubric:
    """Criteria with any field that they can have, some with the number as id."""
    names = draw(st.lists(TEXTS, min_size=1, max_size=5, unique=True))
    found = []
    for number, name in enumerate(names, 1):
        scale = draw(st.none() | SCALES)
        low, high = scale or (0.0, 1.0)
        fields: dict[str, Any] = {
            "weight": draw(st.just(1.0) | NUMBERS),
            "check": draw(st.none() | st.builds(Check, TEXTS, st.dictionaries(TEXTS, VALUES, max_size=3))),
            "scale": scale,
            "met_from": draw(st.none() | st.floats(low, high)),
            "tags": tuple(draw(st.lists(TEXTS, max_size=2))),
        }
        is_numbered = str(number) not in names and draw(st.booleans())
        found.append(Criterion(str(number) if is_numbered else name, draw(TEXTS), **fields))
    return Rubric(tuple(found), draw(st.sampled_from(Rule)))


@st.composite
def items(draw: st.DrawFn) -> Item:
    """Conversations that end with the user's words, with a rubric and, some of them, tags and a reference answer."""
    turns = st.builds(Message, st.sampled_from(["system", "user", "assistant"]), st.text(max_size=20))
    messages = (*draw(st.lists(turns, max_size=3)), Message("user", draw(TEXTS)))
    tags = draw(st.dictionaries(st.text(max_size=8), st.text(max_size=8), max_size=2))
    facts = draw(st.just({}) | st.fixed_dictionaries({"reference": st.text(max_size=20)}))
    return Item(draw(TEXTS), messages, draw(rubrics()), tags, facts)

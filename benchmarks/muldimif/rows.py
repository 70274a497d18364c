"""Rows of MulDimIF, checked and turned into items; each constraint read once."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from herl.benchmarks.muldimif.as_check import to_check
from herl.benchmarks.muldimif.grading import with_worded
from herl.benchmarks.muldimif.parse import kind_of
from herl.benchmarks.muldimif.worded import as_worded
from herl.errors import HerlError, UsageError
from herl.item import Item, Message
from herl.resources import Row
from herl.rubric import Criterion, Rubric

_ROLES = ("system", "user", "assistant")


def items(rows: Sequence[Row]) -> list[Item]:
    """Turn rows {id, conversations, constraints, constraint_pattern, difficulty} into items.

    Args:
        rows: As in Data/test.json.

    Returns:
        One item per row, in order, with one criterion per constraint.

    Raises:
        UsageError: a row is not in the format; its number, its id and the fault are named.
    """
    made: dict[str, Item] = {}
    for number, row in enumerate(rows, 1):
        try:
            item = _item(row)
            if item.id in made:
                raise UsageError("an earlier row has the same id")
        except HerlError as error:
            name = f" (id {row['id']})" if "id" in row else ""
            raise UsageError(f"row {number}{name}: {error.message}", error.hint) from None
        made[item.id] = item
    return list(made.values())


def criterion(position: int, first: str, second: str, sentence: str) -> Criterion:
    """One constraint of a row.

    Args:
        position: Its place in the row.
        first: Its first level, such as "Length".
        second: Its second level, such as "Words".
        sentence: What it asks.

    Raises:
        UsageError: an unknown kind of constraint.
    """
    kind = kind_of(first, second)
    constraint = kind.parse(sentence)
    check = to_check(constraint)
    if worded := as_worded(kind.category, constraint, sentence):
        check = with_worded(check, to_check(worded))
    tags = (f"category:{kind.category.split('_')[0]}", f"second_level:{kind.category}")
    return Criterion(id=str(position), text=sentence, check=check, tags=tags)


def _item(row: Row) -> Item:
    name, pattern, difficulty = (_text(row, field) for field in ("id", "constraint_pattern", "difficulty"))
    messages = tuple(_message(turn) for turn in _list(row, "conversations"))
    if messages[-1].role != "user":
        raise UsageError("the last turn of 'conversations' must be the user's")
    criteria = tuple(_criterion(i, triple) for i, triple in enumerate(_list(row, "constraints")))
    return Item(
        id=name, messages=messages, rubric=Rubric(criteria), tags={"pattern": pattern, "difficulty": difficulty}
    )


def _text(row: Row, field: str) -> str:
    if not isinstance(value := row.get(field), str):
        raise UsageError(f"the field '{field}' must be a text")
    return value


def _list(row: Row, field: str) -> Sequence[Any]:
    if not isinstance(value := row.get(field), list | tuple) or not value:
        raise UsageError(f"the field '{field}' must be a list that is not empty")
    return value


def _message(turn: Any) -> Message:
    if not isinstance(turn, dict) or turn.get("role") not in _ROLES or not isinstance(turn.get("content"), str):
        raise UsageError("a turn of 'conversations' must be {role, content}")
    return Message(turn["role"], turn["content"])


def _criterion(position: int, triple: Any) -> Criterion:
    if not isinstance(triple, list | tuple) or len(triple) != 3 or not all(isinstance(part, str) for part in triple):
        raise UsageError("each of 'constraints' must be three texts: first level, second level, sentence")
    return criterion(position, *triple)

"""Rows of supervised fine-tuning and of preference optimisation, as `herl export` and TRL write them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

from herl.errors import UsageError
from herl.forms import plain, shown
from herl.prompts import messages_of
from herl.resources import Row, numbered_jsonl
from herl.train.loaded import Example, Loaded, Pair

_SFT_FORM = 'A row is {"prompt": …, "completion": …}, or {"messages": […]}, answer last (docs/training-data.md).'
_DPO_FORM = 'A row is {"prompt": …, "chosen": …, "rejected": …} (docs/training-data.md).'

T = TypeVar("T", Example, Pair)


def read_examples(path: Path) -> Loaded[Example]:
    """The examples of a JSONL file.

    Raises:
        UsageError: the file cannot be read or is empty, or a row is malformed; its line and the fault are named.
    """
    return _unique(Loaded[Example](str(path)), _numbered(path), example_of)


def read_pairs(path: Path) -> Loaded[Pair]:
    """The pairs of a JSONL file; equal answers are left out.

    Raises:
        UsageError: as `read_examples`.
    """
    return _unique(Loaded[Pair](str(path)), _numbered(path), pair_of)


def examples_of(rows: Iterable[tuple[str, Row]], source: str) -> Loaded[Example]:
    """The examples of rows that do not come from a file.

    Args:
        rows: (where a row stands, the row).
        source: What they are called.

    Raises:
        UsageError: as `read_examples`.
    """
    return _unique(Loaded[Example](source), ((str(n), *each) for n, each in enumerate(rows, 1)), example_of)


def pairs_of(rows: Iterable[tuple[str, Row]], source: str) -> Loaded[Pair]:
    """As `examples_of`, for pairs."""
    return _unique(Loaded[Pair](source), ((str(n), *each) for n, each in enumerate(rows, 1)), pair_of)


def example_of(row: Mapping[str, Any], where: str, default_id: str) -> Example:
    """The example of a row {prompt, completion} or {messages}; other keys do not matter.

    Args:
        row: `prompt` and `completion` are texts or lists of {role, content}; `messages` is a conversation that the
            assistant ends, of which only that last turn is trained.
        where: Where it stands, for messages.
        default_id: The id of a row without one.

    Raises:
        UsageError: the row is malformed; the place and the fault are named.
    """
    if row.get("messages") is not None:
        if row.get("prompt") is not None or row.get("completion") is not None:
            raise UsageError(f"{where}: the row has both 'messages' and 'prompt' or 'completion'", _SFT_FORM)
        turns = row["messages"]
        if not isinstance(turns, list | tuple) or len(turns) < 2:
            raise UsageError(f"{where}: 'messages' must be a list that the assistant's answer ends", _SFT_FORM)
        prompt, completion = turns[:-1], turns[-1:]
    else:
        prompt, completion = (_field(row, name, where, _SFT_FORM) for name in ("prompt", "completion"))
    return Example(_id(row, where, default_id), messages_of(prompt, where), _answer(completion, "completion", where))


def pair_of(row: Mapping[str, Any], where: str, default_id: str) -> Pair:
    """The pair of a row {prompt, chosen, rejected}; other keys do not matter.

    Args:
        row: Each is a text or a list of {role, content}. Without a `prompt` the two are whole conversations that
            differ in their last turn alone.
        where: Where it stands, for messages.
        default_id: The id of a row without one.

    Raises:
        UsageError: the row is malformed; the place and the fault are named.
    """
    chosen, rejected = (_field(row, name, where, _DPO_FORM) for name in ("chosen", "rejected"))
    prompt = row.get("prompt")
    if prompt is None:
        if not isinstance(chosen, list | tuple) or not isinstance(rejected, list | tuple):
            raise UsageError(f"{where}: the row has no 'prompt'", _DPO_FORM)
        if chosen[:-1] != rejected[:-1]:
            raise UsageError(f"{where}: 'chosen' and 'rejected' answer different conversations", _DPO_FORM)
        prompt, chosen, rejected = chosen[:-1], chosen[-1:], rejected[-1:]
    return Pair(
        _id(row, where, default_id),
        messages_of(_turns(prompt, "prompt", where), where),
        _answer(chosen, "chosen", where),
        _answer(rejected, "rejected", where),
    )


def _unique(
    found: Loaded[T], rows: Iterable[tuple[str, str, Row]], make: Callable[[Mapping[str, Any], str, str], T]
) -> Loaded[T]:
    """Rows with ids of their own."""
    places: dict[str, str] = {}
    for default_id, where, row in rows:
        made = make(plain(row, where), where, default_id)
        if made.id in places:
            raise UsageError(f"{where}: the id {made.id!r:.60} is that of {places[made.id]}")
        places[made.id] = where
        if isinstance(made, Pair) and made.chosen == made.rejected:
            found.skip("chosen and rejected are the same", where)
        else:
            found.rows.append(made)
    if not places:
        raise UsageError(f"{found.source} has no rows")
    return found


def _numbered(path: Path) -> Iterable[tuple[str, str, Row]]:
    return ((str(line), f"{path}, line {line}", row) for line, row in numbered_jsonl(path))


def _field(row: Mapping[str, Any], name: str, where: str, form: str) -> Any:
    if row.get(name) is None:
        raise UsageError(f"{where}: the row has no '{name}'", form)
    return _turns(row[name], name, where)


def _turns(value: Any, name: str, where: str) -> str | Sequence[Any]:
    if not isinstance(value, str | list | tuple):
        raise UsageError(f"{where}: '{name}' must be a text or a list of messages, not {shown(value)}")
    return value


def _answer(value: str | Sequence[Any], name: str, where: str) -> str:
    """The text of an answer: a text, or a list of one message of the assistant's."""
    text = value
    if not isinstance(value, str):
        turn = value[0] if len(value) == 1 else None
        if not isinstance(turn, Mapping) or turn.get("role") != "assistant" or not isinstance(turn.get("content"), str):
            raise UsageError(f"{where}: '{name}' must be one message of the assistant's, with a text as its content")
        text = turn["content"]
    assert isinstance(text, str)
    if not text.strip():
        raise UsageError(f"{where}: the {name} is blank")
    return text


def _id(row: Mapping[str, Any], where: str, default_id: str) -> str:
    given = row.get("id")
    if given is None:
        return default_id
    if isinstance(given, bool) or not isinstance(given, str | int) or not str(given).strip():
        raise UsageError(f"{where}: 'id' must be a text, not {shown(given)}")
    return str(given)

"""Prompts with their rubrics from JSONL: the one schema of `--input`, exports and training data (docs/rubrics.md)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

from pydantic import Field

from herl.errors import UsageError
from herl.forms import Form, filled, plain, shown
from herl.item import Item, Message
from herl.resources import numbered_jsonl
from herl.rubric_file import as_data, parse_rubric

REFERENCE = "reference"
"""The fact of an item that is a row's reference answer; graders may know it, critics never do."""

_FORM = 'A row is {"prompt": "…", "rubric": ["…", "…"]}; docs/rubrics.md says what else it may hold.'
_TURNS = 'A prompt is a text, or a list of messages: [{"role": "user", "content": "…"}].'


class _RowForm(Form):
    rubric: Any = Field(description="a rubric")
    prompt: str | list[Any] | None = Field(None, description="a text or a list of messages")
    messages: list[Any] | None = Field(None, description="a list of messages")
    id: str | int | None = Field(None, description="a text")
    tags: dict[str, str] = Field({}, description="a mapping of texts to texts")
    reference: str | None = Field(None, description="a text")


class _TurnForm(Form):
    role: Literal["system", "user", "assistant"] = Field(description="system, user or assistant")
    content: str = Field(description="a text")


def read_prompts(path: Path) -> list[Item]:
    """The items of a JSONL file, in its order; blank lines are passed over.

    Args:
        path: Its rows are as `item_of` says; a row without an id has its line's number as one.

    Raises:
        UsageError: the file cannot be read or holds no rows, a row is malformed, or two have the same id; the
            line and the fault are named.
    """
    return [item for _, item in numbered_prompts(path)]


def numbered_prompts(path: Path) -> list[tuple[int, Item]]:
    """As `read_prompts`, each item with its line number (from 1), for messages about what a row holds."""
    lines: dict[str, int] = {}
    items: list[tuple[int, Item]] = []
    for line, row in numbered_jsonl(path):
        item = item_of(row, f"{path}, line {line}", str(line))
        if item.id in lines:
            raise UsageError(
                f"{path}, line {line}: the id {item.id!r:.60} is that of line {lines[item.id]}",
                "A row without an id has its line's number as one.",
            )
        lines[item.id] = line
        items.append((line, item))
    if not items:
        raise UsageError(f"{path} has no prompts", _FORM)
    return items


def item_of(row: Mapping[str, Any], where: str, default_id: str) -> Item:
    """The item of a row {prompt | messages, rubric, id?, tags?, reference?}.

    Args:
        row: `prompt` is a text, or like `messages` a list of {role, content} of which the last is the user's;
            `rubric` is as `parse_rubric` reads it; `reference` becomes the fact of that name. Null means left out.
        where: Where it stands, for messages: "prompts.jsonl, line 3".
        default_id: The id of a row without one.

    Raises:
        UsageError: the row is malformed; the place and the fault are named.
    """
    try:
        form = filled(_RowForm, plain(row, where), f"{where}: the row")
    except UsageError as error:
        raise UsageError(error.message, f"{error.hint} {_FORM}".strip()) from None
    item_id = default_id if form.id is None else str(form.id)
    if not item_id.strip():
        raise UsageError(f"{where}: the id is blank")
    return Item(
        id=item_id,
        messages=_messages(form, where),
        rubric=parse_rubric(form.rubric, where),
        tags=form.tags,
        facts={} if form.reference is None else {REFERENCE: form.reference},
    )


def messages_of(prompt: str | Sequence[Any], where: str) -> tuple[Message, ...]:
    """A conversation that can be answered.

    Args:
        prompt: What the user says, or a list of {role, content} of which the last is the user's.
        where: Where it stands, for messages.

    Raises:
        UsageError: it is malformed, blank, or has another end; the message and the fault are named.
    """
    turns = [{"role": "user", "content": prompt}] if isinstance(prompt, str) else prompt
    messages = tuple(_message(turn, f"{where}: message {number}") for number, turn in enumerate(turns, 1))
    if not messages or messages[-1].role != "user":
        raise UsageError(f"{where}: the last message must be the user's", _TURNS)
    if not messages[-1].content.strip():
        raise UsageError(f"{where}: the prompt is blank")
    return messages


def row_of(item: Item) -> dict[str, Any]:
    """An item as the row that `item_of` reads: {id, prompt, rubric, tags?, reference?}, in plain JSON values.

    Returns:
        The prompt is a list of messages, so that chat templates apply. Of the item's facts only a reference
        answer is kept.

    Raises:
        ValueError: the item follows another, whose answer its prompt would need.
    """
    if item.follows:
        raise ValueError(f"item {item.id} follows {item.follows}: its messages alone are not its prompt")
    row = {"id": item.id, "prompt": [message.as_dict() for message in item.messages], "rubric": as_data(item.rubric)}
    reference = item.facts.get(REFERENCE)
    return (
        row
        | ({"tags": dict(item.tags)} if item.tags else {})
        | ({REFERENCE: reference} if isinstance(reference, str) else {})
    )


def _messages(form: _RowForm, where: str) -> tuple[Message, ...]:
    if (form.prompt is None) == (form.messages is None):
        both = "both 'prompt' and 'messages'" if form.prompt is not None else "neither 'prompt' nor 'messages'"
        raise UsageError(f"{where}: the row has {both}", _FORM)
    asked = form.messages if form.prompt is None else form.prompt
    assert asked is not None
    return messages_of(asked, where)


def _message(turn: Any, place: str) -> Message:
    if not isinstance(turn, dict):
        raise UsageError(f"{place} must be a mapping {{role, content}}, not {shown(turn)}")
    form = filled(_TurnForm, turn, place)
    return Message(form.role, form.content)

"""Prompts with rubrics: what a row may hold, and what is said of one that cannot be read."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from made_rubrics import items

from herl.errors import UsageError
from herl.item import Item, Message
from herl.prompts import item_of, read_prompts, row_of
from herl.rubric import Check, Criterion, Rubric

GOOD = {"prompt": "Say hello.", "rubric": ["It says hello."]}
HELLO = Item("1", (Message("user", "Say hello."),), Rubric((Criterion("1", "It says hello."),)))


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "prompts.jsonl"


def written(path: Path, *rows: Any) -> Path:
    lines = [row if isinstance(row, str) else json.dumps(row) for row in rows]
    path.write_text("".join(f"{line}\n" for line in lines))
    return path


def refusal(path: Path, *rows: Any) -> tuple[str, str]:
    """What is said of a file, without its folder, and the hint."""
    with pytest.raises(UsageError) as raised:
        read_prompts(written(path, *rows))
    assert "\n" not in raised.value.message + raised.value.hint
    return raised.value.message.replace(str(path), path.name), raised.value.hint


def test_a_prompt_and_a_list_of_criteria_are_enough(path: Path) -> None:
    assert read_prompts(written(path, GOOD)) == [HELLO]


def test_a_row_may_hold_a_conversation_an_id_tags_and_a_reference_answer(path: Path) -> None:
    turns = [
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": "Hi"},
        {"role": "assistant", "content": "Hello."},
        {"role": "user", "content": "What is 2 + 2?"},
    ]
    more = {"rubric": {"criteria": ["It says 4."]}, "tags": {"topic": "sums"}, "reference": "4"}
    found = read_prompts(written(path, {"id": "a", "prompt": turns, **more}, {"id": 7, "messages": turns, **more}))
    assert [item.id for item in found] == ["a", "7"]
    for item in found:
        assert [message.as_dict() for message in item.messages] == turns
        assert (item.tags, item.facts) == ({"topic": "sums"}, {"reference": "4"})
        assert item.rubric == Rubric((Criterion("1", "It says 4."),))


def test_a_row_without_an_id_has_its_lines_number_and_blank_lines_count_as_lines(path: Path) -> None:
    assert [item.id for item in read_prompts(written(path, GOOD, "", {**GOOD, "id": "x"}, GOOD))] == ["1", "x", "4"]


def test_null_means_left_out(path: Path) -> None:
    nulls = dict.fromkeys(("id", "messages", "reference"))
    assert read_prompts(written(path, {**GOOD, **nulls, "tags": {"topic": None}})) == [HELLO]


@given(items())
def test_an_item_survives_as_a_row(item: Item) -> None:
    row = json.loads(json.dumps(row_of(item)))
    assert item_of(row, "here", "7") == item
    assert item_of({key: value for key, value in row.items() if key != "id"}, "here", "7") == replace(item, id="7")


def test_a_row_holds_messages_a_rubric_and_of_the_facts_only_the_reference_answer() -> None:
    rubric = Rubric((Criterion("0", "It has no commas.", check=Check("punctuation:no_comma")),))
    item = Item("a", HELLO.messages, rubric, {"topic": "greeting"}, {"reference": "Hello!", "category": "x"})
    assert row_of(item) == {
        "id": "a",
        "prompt": [{"role": "user", "content": "Say hello."}],
        "rubric": {"criteria": [{"text": "It has no commas.", "id": "0", "check": {"id": "punctuation:no_comma"}}]},
        "tags": {"topic": "greeting"},
        "reference": "Hello!",
    }


def test_an_item_that_needs_another_ones_answer_is_no_row() -> None:
    with pytest.raises(ValueError, match="follows"):
        row_of(replace(HELLO, follows="0"))


def turn(role: Any, content: Any) -> dict[str, Any]:
    return {"role": role, "content": content}


@pytest.mark.parametrize(
    ("row", "says", "hint"),
    [
        ("{", "line 2: not valid JSON", ""),
        ("[1]", "line 2: expected a JSON object, found list", ""),
        ({"prompt": "Hi"}, "line 2: the row has no 'rubric'", "A row is"),
        ({"prompt": "Hi", "rubric": None}, "line 2: the row has no 'rubric'", "A row is"),
        ({"prompt": "Hi", "rubrics": ["a"]}, "line 2: the row has an unknown key 'rubrics'", "'rubric'"),
        ({"rubric": ["a"]}, "line 2: the row has neither 'prompt' nor 'messages'", "A row is"),
        ({**GOOD, "messages": [turn("user", "Hi")]}, "line 2: the row has both 'prompt' and 'messages'", "A row is"),
        ({**GOOD, "prompt": " \n"}, "line 2: the prompt is blank", ""),
        ({**GOOD, "prompt": 5}, "line 2: the row: 'prompt' must be a text or a list of messages, not 5", ""),
        ({**GOOD, "prompt": []}, "line 2: the last message must be the user's", ""),
        ({**GOOD, "prompt": [turn("system", "Hi")]}, "line 2: the last message must be the user's", ""),
        ({**GOOD, "prompt": [turn("user", "a"), turn("assistant", "b")]}, "line 2: the last message must be", ""),
        ({**GOOD, "prompt": [turn("human", "Hi")]}, "line 2: message 1: 'role' must be system, user or assistant", ""),
        ({**GOOD, "prompt": [turn("user", [{"type": "text"}])]}, "line 2: message 1: 'content' must be a text", ""),
        ({**GOOD, "prompt": [{"from": "me", **turn("user", "Hi")}]}, "line 2: message 1 has an unknown key", ""),
        ({**GOOD, "prompt": ["Hi"]}, 'line 2: message 1 must be a mapping {role, content}, not "Hi"', ""),
        ({**GOOD, "id": " "}, "line 2: the id is blank", ""),
        ({**GOOD, "id": 1.5}, "line 2: the row: 'id' must be a text, not 1.5", ""),
        ({**GOOD, "id": 1}, "line 2: the id '1' is that of line 1", "line's number"),
        ({**GOOD, "tags": {"topic": 3}}, "line 2: the row: 'tags' must be a mapping of texts to texts", ""),
        ({**GOOD, "reference": ["4"]}, "line 2: the row: 'reference' must be a text", ""),
        ({**GOOD, "rubric": []}, "line 2: the rubric has no criteria", ""),
        ({**GOOD, "rubric": ["a", {"text": "b", "wieght": 2}]}, "line 2: criterion 2 has an unknown key", "'weight'"),
        ({**GOOD, "rubric": ["a"] * 2 + [True]}, "line 2: criterion 3 is true, not a text", ""),
    ],
)  # fmt: skip
def test_a_fault_is_named_with_its_line(path: Path, row: Any, says: str, hint: str) -> None:
    message, offered = refusal(path, GOOD, row)
    assert message.startswith(f"prompts.jsonl, {says}")
    assert hint in offered


def test_a_file_without_prompts_is_refused(path: Path) -> None:
    assert refusal(path, "", "")[0] == "prompts.jsonl has no prompts"
    with pytest.raises(UsageError, match="does not exist"):
        read_prompts(path.parent / "none.jsonl")

"""Rows become items, and a faulty row is named with its fault."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from herl.benchmarks.ifeval import BENCHMARK
from herl.benchmarks.ifeval.rows import items
from herl.errors import UsageError
from herl.item import Message
from herl.resources import Store, rows_digest
from herl.rubric import Check, Rule


def row(**changes: Any) -> dict[str, Any]:
    good: dict[str, Any] = {
        "key": 7,
        "prompt": "Say it in a few words, without commas.",
        "instruction_id_list": ["length_constraints:number_words", "punctuation:no_comma"],
        "kwargs": [{"relation": "less than", "num_words": 9}, {}],
    }
    return {**good, **changes}


def one(instruction: str, **arguments: Any) -> dict[str, Any]:
    return row(instruction_id_list=[instruction], kwargs=[arguments])


def test_a_row_becomes_one_user_message_with_a_criterion_per_instruction() -> None:
    (item,) = items([row()])
    assert item.id == "7"
    assert item.messages == (Message("user", "Say it in a few words, without commas."),)
    words, commas = item.rubric.criteria
    assert words.check == Check("length_constraints:number_words", {"relation": "less than", "num_words": 9})
    assert words.text == "There are less than 9 words"
    assert commas.text == "There are no commas"
    assert words.tags == ("tier0:length_constraints", "tier1:length_constraints:number_words")
    assert item.rubric.rule is Rule.WEIGHTED_MEAN


def test_the_same_instruction_may_stand_in_a_row_twice() -> None:
    between = [{"relation": "at least", "num_words": 5}, {"relation": "less than", "num_words": 9}]
    (item,) = items([row(instruction_id_list=["length_constraints:number_words"] * 2, kwargs=between)])
    assert [dict(each.check.kwargs) for each in item.rubric.criteria if each.check] == [
        {"num_words": 5, "relation": "at least"},
        {"num_words": 9, "relation": "less than"},
    ]


def test_a_whole_number_that_came_as_a_float_is_whole_again() -> None:
    (item,) = items([one("detectable_format:number_bullet_lists", num_bullets=3.0)])
    check = item.rubric.criteria[0].check
    assert check and type(check.kwargs["num_bullets"]) is int


def test_words_of_a_row_stay_text() -> None:
    (item,) = items([one("startend:end_checker", end_phrase="{0.__class__} %s")])
    assert item.rubric.criteria[0].text == 'The answer ends with "{0.__class__} %s" and nothing after it'


FAULTS: list[tuple[dict[str, Any], str]] = [
    ({"key": 1, "prompt": "a"}, "the field 'instruction_id_list' is missing"),
    (row(prompt=None), "the field 'prompt' has the wrong type"),
    (row(key=True), "the field 'key' has the wrong type"),
    (row(kwargs=[{}]), "2 instructions but 1 kwargs"),
    (row(instruction_id_list=[], kwargs=[]), "no instructions"),
    (row(kwargs=[{}, "x"]), "kwargs objects"),
    (one("punctuation:no_coma"), "unknown instruction 'punctuation:no_coma'"),
    (one("length_constraints:number_words", relation="at least"), "needs the argument 'num_words'"),
    (one("punctuation:no_comma", num_words=3), "takes no argument 'num_words'"),
    (one("detectable_format:number_bullet_lists", num_bullets=2.5), "'num_bullets' must be a whole number"),
    (one("detectable_format:number_bullet_lists", num_bullets=True), "'num_bullets' must be a whole number"),
    (one("detectable_format:number_bullet_lists", num_bullets=float("nan")), "must be a whole number"),
    (one("length_constraints:number_words", relation="more than", num_words=3), "'less than' or 'at least'"),
    (one("keywords:existence", keywords="cat"), "must be a list of words"),
    (one("keywords:existence", keywords=["cat", " "]), "must be a text that is not blank"),
    (one("keywords:letter_frequency", letter="ab", let_frequency=1, let_relation="at least"), "one character"),
    (
        one("length_constraints:nth_paragraph_first_word", num_paragraphs=2, nth_paragraph=0, first_word="a"),
        "'nth_paragraph' must be a whole number from 1 on",
    ),
]


@pytest.mark.parametrize(("faulty", "fault"), FAULTS)
def test_a_faulty_row_is_named_with_its_fault(faulty: dict[str, Any], fault: str) -> None:
    with pytest.raises(UsageError) as caught:
        items([row(key=1000), faulty])
    assert fault in caught.value.message
    assert caught.value.message.startswith("row 2 (key ")


def test_an_instruction_that_is_misspelt_gets_the_nearest_name() -> None:
    with pytest.raises(UsageError) as caught:
        items([one("punctuation:no_coma")])
    assert caught.value.hint == "Did you mean 'punctuation:no_comma'?"


def test_two_rows_with_one_key_are_refused() -> None:
    with pytest.raises(UsageError, match=r"row 2 \(key 7\): an earlier row has the same key"):
        items([row(), row()])


def test_rows_of_the_hub_give_the_same_items_as_rows_of_the_file(tmp_path: Path) -> None:
    """The hub's table has a column for every argument, null where an instruction does not take it."""
    nulls = {"num_words": None, "relation": None, "keywords": None, "letter": None}
    hub = row(kwargs=[{**nulls, "relation": "less than", "num_words": 9}, nulls])
    (tmp_path / "ifeval").mkdir()
    (tmp_path / "ifeval" / "input_data.jsonl").write_text(json.dumps(hub) + "\n")
    assert BENCHMARK.load(Store(tmp_path)) == items([row()])
    assert rows_digest([hub]) == rows_digest([row()])


def test_the_official_rows_are_all_read(data_dir: Path) -> None:
    assert BENCHMARK.source is not None
    store = Store(data_dir)
    loaded = BENCHMARK.load(store)
    assert len(loaded) == 541
    assert sum(len(item.rubric.criteria) for item in loaded) == 834
    assert len({tag for item in loaded for each in item.rubric.criteria for tag in each.tags if "tier1" in tag}) == 25
    assert rows_digest(store.rows(BENCHMARK.source)) == BENCHMARK.source.digest

"""Overlap with benchmarks: eight words in a row are found, and data that are not at hand are named."""

from __future__ import annotations

import json
from pathlib import Path

from herl.item import Item, Message
from herl.resources import Store
from herl.rubric import Criterion, Rubric
from herl.train.synth.overlap import overlap

THEIRS = "Write a Short Poem, please, about the sea and the wind."


def ours(text: str) -> Item:
    return Item("mine", (Message("user", text),), Rubric((Criterion("1", "It is."),)))


def with_ifeval(folder: Path) -> Store:
    row = {"key": 7, "prompt": THEIRS, "instruction_id_list": ["punctuation:no_comma"], "kwargs": [{}]}
    (folder / "ifeval").mkdir()
    (folder / "ifeval" / "input_data.jsonl").write_text(json.dumps(row) + "\n")
    return Store(folder)


def test_eight_words_in_a_row_are_an_overlap_whatever_their_case_and_marks(tmp_path: Path) -> None:
    store = with_ifeval(tmp_path)
    found = overlap([ours("Now write a short poem please about the sea. Thanks.")], store)
    assert found.compared == {"ifeval": 1} and found.missing == ("ifbench", "muldimif")
    (hit,) = found.hits
    assert (hit.item, hit.benchmark, hit.other) == ("mine", "ifeval", "7")
    assert hit.words == "write a short poem please about the sea"


def test_seven_words_are_none(tmp_path: Path) -> None:
    assert overlap([ours("write a short poem please about the lake")], with_ifeval(tmp_path)).hits == ()


def test_without_data_nothing_is_compared_and_that_is_said(tmp_path: Path) -> None:
    found = overlap([ours(THEIRS)], Store(tmp_path))
    assert (found.compared, found.missing, found.hits) == ({}, ("ifeval", "ifbench", "muldimif"), ())

"""docs/make-if.md names what is made: every type, those held out, the numbers, rows in the form that they have."""

from __future__ import annotations

import json
import re
from pathlib import Path

from herl.prompts import item_of, row_of
from herl.train.synth.kinds import FAMILIES, HELD_OUT, KINDS, family
from herl.train.synth.make import prompts
from herl.train.synth.scene import topics
from herl.train.synth.tasks import TASKS

PAGE = (Path(__file__).resolve().parent.parent.parent / "docs" / "make-if.md").read_text()


def test_every_type_stands_in_its_family() -> None:
    rows = re.findall(r"^\| (?:IFEval|IFTrain|MulDimIF-style) \| (.*) \|$", PAGE, re.MULTILINE)
    for name, row in zip(FAMILIES, rows, strict=True):
        assert set(re.findall("`(.*?)`", row)) == {kind for kind in KINDS if family(kind) == name}


def test_the_types_held_out_are_named() -> None:
    told = PAGE.partition("\nHeld out: ")[2].partition("\n\n")[0]
    assert set(re.findall("`(.*?)`", told)) == HELD_OUT
    assert len(HELD_OUT) == 11 and "Eleven types are held out" in PAGE


def test_the_numbers_are_right() -> None:
    count = len(topics("train")) + len(topics("held-out"))
    fields = {topic.field for topic in topics("train")}
    assert f"one of {len(TASKS)} tasks" in PAGE and f"one of {count} topics in {len(fields)}" in PAGE
    sizes = [sum(family(kind) == name for kind in KINDS) for name in FAMILIES]
    assert f"{len(KINDS)} types" in PAGE
    assert "IFEval's {}, {} of IFTrain's 29, and {} of MulDimIF's".format(*sizes) in PAGE


def test_the_prompt_that_is_shown_is_a_row() -> None:
    shown = json.loads(re.findall(r"```json\n(.*)\n```", PAGE)[0])
    item = item_of(shown, "the page", "1")
    (made,) = prompts(1, 3)
    assert set(item.tags) == set(made.tags) and list(shown) == list(row_of(made))

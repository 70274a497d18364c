"""Examples of revision: a draft that fails one or two constraints, told what it misses, and a text that meets all."""

from __future__ import annotations

import re
from difflib import SequenceMatcher
from pathlib import Path
from typing import Any

import pytest

from herl.hindsight import diagnose
from herl.resources import Store
from herl.train.synth.kinds import KINDS
from herl.train.synth.make import made_prompts
from herl.train.synth.revisions import Checked, Revision, examples, revisions

pytestmark = pytest.mark.data


@pytest.fixture(scope="module")
def found(data_dir: Path) -> list[Revision]:
    """Revisions of many prompts with all types of constraints."""
    return list(revisions(made_prompts(400, 1, "held-out"), 1, Store(data_dir)))


@pytest.fixture(scope="module")
def rows(data_dir: Path) -> list[dict[str, Any]]:
    return examples(40, 1, store=Store(data_dir))


def test_the_good_text_meets_all_and_the_draft_fails_one_or_two(found: list[Revision], data_dir: Path) -> None:
    checked = Checked([each.made for each in found], Store(data_dir))
    for each in found:
        assert checked.passes(each.made, each.good)
        assert checked.verdicts(each.made, each.draft) == each.verdicts
        assert 1 <= len(diagnose(each.made.item.rubric, each.verdicts).unmet) <= 2


def test_nearly_every_prompt_gives_one(found: list[Revision]) -> None:
    assert len(found) >= 398


def test_every_type_is_unmet_in_some_draft(found: list[Revision], data_dir: Path) -> None:
    broken = set()
    for name in KINDS:
        for each in revisions(made_prompts(6, 2, "held-out", [name], (1, 1)), 2, Store(data_dir)):
            broken |= {name} if diagnose(each.made.item.rubric, each.verdicts).unmet else set()
    assert broken == set(KINDS)


def test_a_draft_keeps_most_of_the_good_text(found: list[Revision]) -> None:
    def likeness(each: Revision) -> float:
        draft, good = (re.findall(r"\w+", text.lower()) for text in (each.draft, each.good))
        return SequenceMatcher(a=draft, b=good, autojunk=False).ratio()

    alike = sorted(likeness(each) for each in found)
    assert alike[len(alike) // 2] > 0.9 and alike[len(alike) // 5] > 0.6


def test_rows_are_for_sft(rows: list[dict[str, Any]]) -> None:
    assert len(rows) == len({row["id"] for row in rows}) == 40
    for row in rows:
        assert list(row) == ["id", "prompt", "completion", "score"]
        assert [message["role"] for message in row["prompt"]] == ["user"]
        (completion,) = row["completion"]
        assert completion["role"] == "assistant" and completion["content"].strip() and row["score"] == 1.0
        assert "Criteria that the draft misses" in row["prompt"][0]["content"]
        assert completion["content"] not in row["prompt"][0]["content"].split("<draft>")[0]


def test_the_same_seed_gives_the_same_rows_and_fewer_are_the_first_of_more(
    rows: list[dict[str, Any]], data_dir: Path
) -> None:
    assert examples(15, 1, store=Store(data_dir)) == rows[:15]


def test_the_brief_form_tells_what_is_unmet_only(rows: list[dict[str, Any]], data_dir: Path) -> None:
    brief = examples(15, 1, form="brief", store=Store(data_dir))
    assert [row["completion"] for row in brief] == [row["completion"] for row in rows[:15]]
    assert not any("<draft>" in row["prompt"][0]["content"] for row in brief)

"""The demo's prompts: all 25 types, each prompt answerable, all of them our own."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from herl.benchmarks.demo import BENCHMARK
from herl.benchmarks.ifeval import BENCHMARK as IFEVAL
from herl.item import Item
from herl.resources import Row, Store, read_jsonl
from herl.rubric import Rule

ITEMS = BENCHMARK.load(Store())
ANSWERS = {row["key"]: row["response"] for row in read_jsonl(Path(__file__).with_name("demo_answers.jsonl"))}


@pytest.fixture(scope="module", autouse=True)
def prepared() -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HF_HUB_OFFLINE", "1")
        BENCHMARK.prepare(Store())


def test_forty_prompts_cover_all_types_and_several_ask_for_two_or_three_things() -> None:
    assert [item.id for item in ITEMS] == [f"demo-{number:02d}" for number in range(1, 41)]
    checks = {criterion.check.id for item in ITEMS for criterion in item.rubric.criteria if criterion.check}
    assert len(checks) == 25
    sizes = [len(item.rubric.criteria) for item in ITEMS]
    assert (sizes.count(2), sizes.count(3)) == (12, 3)


@pytest.mark.parametrize("item", ITEMS, ids=lambda item: str(item.id))
def test_every_prompt_can_be_answered(item: Item) -> None:
    """A good answer meets all that a prompt asks at once, so no prompt contradicts itself."""
    verdicts = BENCHMARK.graders["strict"].verdicts(item, ANSWERS[item.id])
    assert [verdict.value for verdict in verdicts] == [1.0] * len(verdicts)


def test_answers_to_other_prompts_rarely_do() -> None:
    strict = BENCHMARK.graders["strict"]
    grades = [
        item.rubric.grade(strict.verdicts(item, answer), Rule.ALL_MET).score
        for item in ITEMS
        for name, answer in ANSWERS.items()
        if name != item.id
    ]
    assert sum(grade == 1.0 for grade in grades) < len(grades) / 4


def test_the_demo_is_scored_as_ifeval_is() -> None:
    assert BENCHMARK.metrics == IFEVAL.metrics
    assert list(BENCHMARK.graders) == list(IFEVAL.graders) == ["strict", "loose"]


def windows(text: str, size: int) -> set[tuple[str, ...]]:
    words = re.findall(r"\w+", text.lower())
    return {tuple(words[start : start + size]) for start in range(len(words) - size + 1)}


def test_no_prompt_shares_six_words_in_a_row_with_one_of_ifeval(data_dir: Path) -> None:
    rows: list[Row] = list(read_jsonl(data_dir / "ifeval" / "input_data.jsonl"))
    theirs = set().union(*(windows(row["prompt"], 6) for row in rows))
    assert len(theirs) > 10_000
    for item in ITEMS:
        assert not windows(item.messages[0].content, 6) & theirs, item.id


def test_the_prompts_are_plain_rows() -> None:
    lines = Path(__file__).parents[2].joinpath("benchmarks/demo/prompts.jsonl").read_text().splitlines()
    assert all(set(json.loads(line)) == {"key", "prompt", "instruction_id_list", "kwargs"} for line in lines)

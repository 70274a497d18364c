"""docs/training-data.md: its rows are of the form that is written, and its reward function grades."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from herl.benchmarks import get
from herl.item import Item
from herl.prompts import row_of
from herl.resources import Store
from herl.training_data import Answer, Asked, best_answers, preference_pairs, prompts_with_rubrics, write_rows

PAGE = (Path(__file__).resolve().parent.parent.parent / "docs" / "training-data.md").read_text()
ROWS = [json.loads(line) for line in re.findall(r"```json\n(.*)\n```", PAGE)]
PYTHON = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)


@pytest.fixture(scope="module")
def items() -> list[Item]:
    get("demo").prepare(Store())
    return list(get("demo").load(Store()))[:4]


def answered(item: Item, text: str) -> Answer:
    grader = get("demo").graders["strict"]
    return Answer(item.messages, text, "stop", item.rubric.grade(grader.verdicts(item, text)))


def test_the_rows_are_of_the_form_that_is_written(items: list[Item]) -> None:
    pair = [answered(items[0], text) for text in ("No commas here.", "Here, there, everywhere.")]
    asked = [Asked(items[0], items[0].messages, pair)]
    made = [data.rows[0] for data in (best_answers(asked), preference_pairs(asked), prompts_with_rubrics(asked))]
    for shown, row in zip(ROWS, made, strict=True):
        assert list(shown) == list(row)
        for key in set(row) - {"rubric"}:
            assert _form(shown[key]) == _form(row[key])
    assert set(ROWS[2]["rubric"]["criteria"][0]) <= set(made[2]["rubric"]["criteria"][0])


def test_the_reward_function_grades(items: list[Item], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rows = [row_of(item) for item in items]
    write_rows(tmp_path / "data" / "rl.jsonl", rows)
    monkeypatch.chdir(tmp_path)
    names: dict[str, Any] = {}
    exec(compile(PYTHON[1], "docs/training-data.md", "exec"), names)
    text = "The moon pulls at the sea."
    columns = {
        "prompts": [row["prompt"] for row in rows],
        **{key: [row[key] for row in rows] for key in ("id", "rubric")},
    }
    scores = names["reward"](completions=[[{"role": "assistant", "content": text}]] * 4, trainer_state=None, **columns)
    assert scores == [answered(item, text).score for item in items]
    assert len(set(scores)) > 1


def _form(value: Any) -> Any:
    """What a value is made of, whatever it says."""
    return [sorted(each) for each in value] if isinstance(value, list) else type(value)

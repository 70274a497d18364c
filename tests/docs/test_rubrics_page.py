"""docs/rubrics.md: its files are read as it says, and its Python prints what it says."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from herl.benchmarks.own_prompts import benchmark_of_prompts
from herl.errors import UsageError
from herl.forms import Form
from herl.prompts import _RowForm, read_prompts
from herl.rubric import Rule
from herl.rubric_file import _CriterionForm, read_rubric

PAGE = (Path(__file__).resolve().parent.parent.parent / "docs" / "rubrics.md").read_text()
BLOCKS = re.findall(r"```(yaml|json|python)\n(.*?)```", PAGE, re.DOTALL)


def block(language: str, number: int = 0) -> str:
    return str([text for kind, text in BLOCKS if kind == language][number])


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the page's files lie, as the working directory."""
    monkeypatch.chdir(tmp_path)
    Path("rubric.yaml").write_text(block("yaml"))
    Path("strict.yaml").write_text(block("yaml", 1))
    Path("prompts.jsonl").write_text(block("json"))
    return tmp_path


def test_the_rubrics_are_read_as_the_page_says() -> None:
    criteria = read_rubric(Path("rubric.yaml")).criteria
    assert [each.weight for each in criteria] == [1, 1, 2, -3, 1, 1]
    assert [each.id for each in criteria if each.check] == ["5"]
    assert (criteria[5].scale, criteria[5].met_from) == ((1.0, 10.0), 7.0)
    assert "#" not in criteria[3].text
    assert read_rubric(Path("strict.yaml")).rule is Rule.ALL_MET


def test_the_prompts_are_read_and_can_be_run() -> None:
    items = read_prompts(Path("prompts.jsonl"))
    assert [item.id for item in items] == ["1", "sums", "3"]
    assert items[1].facts == {"reference": "42"}
    assert benchmark_of_prompts("first", items[:2], judged=True).size == 2
    assert benchmark_of_prompts("third", items[2:], judged=False).size == 1
    with pytest.raises(UsageError, match="rule"):
        benchmark_of_prompts("all", items, judged=True)


def test_the_python_prints_what_its_comments_say(capsys: pytest.CaptureFixture[str]) -> None:
    exec(compile(block("python"), "docs/rubrics.md", "exec"), {})
    promised = re.findall(r"^print.*?  # (.*)$", block("python"), re.MULTILINE)
    assert capsys.readouterr().out.splitlines() == promised
    assert read_rubric(Path("copy.yaml")) == read_rubric(Path("rubric.yaml"))


def test_the_traps_are_as_the_page_says() -> None:
    assert '`- It solves issue #4` asks for "It solves issue"' in PAGE
    Path("trap.yaml").write_text("- It solves issue #4\n")
    assert read_rubric(Path("trap.yaml")).criteria[0].text == "It solves issue"


@pytest.mark.parametrize("form", [_CriterionForm, _RowForm])
def test_the_page_names_every_key(form: type[Form]) -> None:
    assert all(f"`{name}`" in PAGE for name in form.model_fields)


def test_the_page_names_every_rule() -> None:
    assert all(f"| `{rule.value}` |" in PAGE for rule in Rule)

"""Checks that come with the data as Python: decided in the sandbox, never here, and only when that is allowed."""

from __future__ import annotations

from pathlib import Path

import pytest

from herl.benchmarks import given_code
from herl.benchmarks.given_code import GIVEN_CODE, cleaned
from herl.benchmarks.lm_eval.sandbox import Limits
from herl.benchmarks.own_prompts import benchmark_of_prompts
from herl.errors import UsageError
from herl.item import Item, Message
from herl.resources import Store
from herl.rubric import Check, Criterion, Outcome, Rubric

HELLO = "def check_following(instruction, response):\n    return bool(re.search('hello', response))"


def item(code: str) -> Item:
    check = Check(GIVEN_CODE, {"code": code, "instruction": "Say hello."})
    return Item("a", (Message("user", "Say hello."),), Rubric((Criterion("1", "It says hello.", check=check),)))


def test_a_function_says_yes_or_no() -> None:
    assert given_code.given_code("hello you", HELLO, "Say hello.")
    assert not given_code.given_code("goodbye", HELLO, "Say hello.")


def test_it_sees_the_instruction_and_the_answer_as_they_are() -> None:
    odd = 'quotes " \' """ \\ {braces} %s \u2028 \ud800 \x00 \n'
    code = f"def check_following(instruction, response):\n    return instruction == response == {odd!a}"
    assert given_code.given_code(odd, code, odd)


@pytest.mark.parametrize(
    "code",
    [
        "def check_following(instruction, response):\n    return 1 / 0",
        "def check_following(",
        "check_following = 3",
        "def check_following(instruction, response):\n    return open('{secret}').read() == 'kept'",
        "def check_following(instruction, response):\n    open('{folder}/written', 'w').write('x')\n    return True",
        "import os\nos._exit(0)\ndef check_following(instruction, response):\n    return True",
        "import sys\nsys.exit(0)\ndef check_following(instruction, response):\n    return True",
    ],
)
def test_a_function_that_fails_or_reaches_out_gives_no_verdict_and_does_no_harm(code: str, tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("kept")
    with pytest.raises(RuntimeError, match="failed"):
        given_code.given_code(
            "hello", code.replace("{secret}", str(tmp_path / "secret")).replace("{folder}", str(tmp_path)), ""
        )
    assert [path.name for path in tmp_path.iterdir()] == ["secret"]


def test_a_function_that_never_ends_is_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(given_code, "_LIMITS", Limits(cpu_seconds=1, wall_seconds=2.0))
    with pytest.raises(RuntimeError, match="too long"):
        given_code.given_code("hello", "def check_following(instruction, response):\n    while True: pass", "")


def test_it_is_a_check_like_any_other_where_it_is_allowed() -> None:
    benchmark = benchmark_of_prompts("mine", [item(HELLO)], judged=False, allow_code=True)
    assert any("code" in note for note in benchmark.prepare(Store()))
    [loaded] = benchmark.load(Store())
    grader = benchmark.graders["strict"]
    assert [grader.verdicts(loaded, text)[0].value for text in ("hello", "bye", " ")] == [1.0, 0.0, 0.0]


def test_a_failing_function_is_an_abstention_and_no_zero() -> None:
    benchmark = benchmark_of_prompts("mine", [item("def check_following(): pass")], judged=False, allow_code=True)
    [verdict] = benchmark.graders["strict"].verdicts(benchmark.load(Store())[0], "hello")
    assert (verdict.outcome, verdict.value) == (Outcome.CHECK_ERROR, None)


def test_it_is_refused_unless_it_is_allowed() -> None:
    with pytest.raises(UsageError, match="prompt a, criterion 1: its check is a Python function") as raised:
        benchmark_of_prompts("mine", [item(HELLO)], judged=False)
    assert "data.allow_code = true" in raised.value.hint


@pytest.mark.parametrize(
    ("kwargs", "says"),
    [
        ({"code": HELLO}, "needs the argument 'instruction'"),
        ({"instruction": "Hi"}, "needs the argument 'code'"),
        ({"code": "print(1)", "instruction": "Hi"}, "must define check_following"),
        ({"code": HELLO, "instruction": "Hi", "more": 1}, "takes no argument 'more'"),
    ],
)
def test_its_arguments_are_looked_at(kwargs: dict[str, object], says: str) -> None:
    with pytest.raises(UsageError, match=says):
        cleaned(Check(GIVEN_CODE, kwargs))

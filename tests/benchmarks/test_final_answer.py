"""What number an answer comes to, in all the ways that models write it."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from herl.benchmarks.final_answer import FINAL_ANSWER, cleaned, final_answer, result_of
from herl.errors import UsageError
from herl.resources import Store
from herl.rubric import Check
from herl.train import gsm8k


@pytest.mark.parametrize(
    ("text", "result"),
    [
        ("She sold 72 clips.", "72"),
        ("48 / 2 = 24, and 48 + 24 = 72", "72"),
        ("It costs $1,234.50.", "1234.5"),
        ("about 20 apples.", "20"),
        ("**18**", "18"),
        (r"\boxed{18}", "18"),
        ("He saves 50%", "50"),
        ("1,2,3", "3"),
        ("1,000,000 people", "1000000"),
        ("1234,567", "567"),
        ("007", "7"),
        ("0.50", "0.5"),
        (".5", "0.5"),
        ("= -3", "-3"),
        ("-$5", "-5"),
        ("$-5", "-5"),
        ("\u22127 degrees", "-7"),
        ("10-3", "3"),
        ("COVID-19", "19"),
        ("- 18", "18"),
        ("-0", "0"),
        ("The first step takes 3.\n#### 72\nThat was step 2.", "72"),
        ("#### 1\nNo, wait.\n#### 1,200 (see page 3)", "1200"),
        ("It is 4.\n#### done", "4"),
        ("nothing", None),
        ("", None),
        ("\u0664\u0662", None),
    ],
)
def test_an_answers_result_is_its_last_number_or_the_one_behind_the_mark(text: str, result: str | None) -> None:
    assert result_of(text) == result


@given(st.integers(-(10**9), 10**9))
def test_commas_money_and_units_do_not_matter(number: int) -> None:
    for text in (f"{number}", f"So it is {number:,}.", f"{number:,.2f}", f"It is ${number:,}, dear!", f"{number} m"):
        assert final_answer(text, str(number))
    assert not final_answer(f"It is {number + 1}.", str(number))


@given(st.text())
def test_any_text_has_a_result_or_none(text: str) -> None:
    assert final_answer(text, "5") == (result_of(text) == "5")


@pytest.mark.parametrize("part", ["111,", "-", "$-", "1,", "####", ".1", "- "])
def test_long_texts_take_no_longer_for_being_odd(part: str) -> None:
    assert result_of(part * 100_000 + " so 42")  # quadratic time would be hours


@pytest.mark.parametrize(
    ("given_", "kept"),
    [("72", "72"), ("$1,200", "1200"), (72, "72"), (0.5, "0.5"), (-3.0, "-3"), (1e20, f"1{'0' * 20}")],
)
def test_the_right_number_may_be_written_in_many_ways(given_: object, kept: str) -> None:
    check = cleaned(Check(FINAL_ANSWER, {"answer": given_}))
    assert check == cleaned(check) == Check(FINAL_ANSWER, {"answer": kept})


@pytest.mark.parametrize(
    ("kwargs", "says"),
    [
        ({}, "needs the argument 'answer'"),
        ({"answer": True}, "needs the argument 'answer'"),
        ({"answer": "many"}, "'answer' must be a number"),
        ({"answer": "3 or 4"}, "'answer' must be a number"),
        ({"answer": "3", "unit": "m"}, "takes no argument 'unit'"),
    ],
)
def test_a_check_without_a_number_is_refused(kwargs: dict[str, object], says: str) -> None:
    with pytest.raises(UsageError, match=says):
        cleaned(Check(FINAL_ANSWER, kwargs))


@pytest.mark.data
def test_every_official_solution_comes_to_its_own_result(data_dir: Path) -> None:
    store = Store(data_dir)
    for split in gsm8k.SPLITS:
        rows = store.rows(gsm8k.source(split))
        for item, row in zip(gsm8k.items(rows, split).rows, rows, strict=True):
            check = item.rubric.criteria[0].check
            assert check is not None
            solution = str(row["answer"])
            assert final_answer(solution, **check.kwargs), solution

"""Tables by category: what carries a tag, what is left out, and what a tag's number is made of."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from made_benchmarks import SCORE, benchmark, graded, item

from herl.benchmarks.base import Breakdown, Level, Metric
from herl.benchmarks.breakdown import by_tag, tag_pools
from herl.benchmarks.graded import Graded
from herl.benchmarks.summarise import metrics_of
from herl.rubric import Criterion, Outcome, Verdict

RIGHT = Criterion("right", "It is right.", weight=5.0, tags=("axis:accuracy",))
KIND = Criterion("kind", "It is kind.", weight=3.0, tags=("axis:tone", "level:easy"))
RUDE = Criterion("rude", "It is rude.", weight=-4.0, tags=("axis:tone",))
WRONG = Criterion("wrong", "It is wrong.", weight=-2.0, tags=("axis:harm",))


def tables(*found: Graded, **changes: Any) -> dict[str, Any]:
    return by_tag(benchmark(**{"breakdowns": (Breakdown("axis", "score"),), **changes}), found)


def values(table: dict[str, Any], key: str = "score") -> dict[str, float]:
    return {tag: cells[key]["value"] for tag, cells in table.items()}


def test_a_criterions_tag_takes_the_criteria_that_carry_it() -> None:
    found = tables(graded(item("1", RIGHT, KIND, RUDE), 1.0, 0.0, 1.0), graded(item("2", RIGHT), 0.0))
    assert values(found["axis"]) == {"accuracy": 0.5, "tone": pytest.approx(-4 / 3)}
    assert {tag: cells["score"]["n"] for tag, cells in found["axis"].items()} == {"accuracy": 2, "tone": 1}


def test_a_tag_with_pitfalls_only_says_nothing_of_that_item() -> None:
    found = tables(graded(item("1", RIGHT, WRONG), 1.0, 0.0), graded(item("2", RIGHT, RUDE), 1.0, 1.0))
    assert set(found["axis"]) == {"accuracy"}


def test_an_items_tag_takes_all_of_its_criteria_and_goes_before_those_of_its_criteria() -> None:
    own = graded(item("1", RIGHT, KIND, tags={"axis": "all of it"}), 1.0, 0.0)
    found = tables(own, graded(item("2", RIGHT, KIND), 0.0, 1.0))
    assert values(found["axis"]) == {"accuracy": 0.0, "all of it": 5 / 8, "tone": 1.0}


def test_a_tag_that_stands_twice_at_one_criterion_counts_once() -> None:
    twice = replace(RIGHT, tags=("axis:accuracy", "axis:accuracy"))
    assert values(tables(graded(item("1", twice, KIND), 1.0, 0.0))["axis"]) == {"accuracy": 1.0, "tone": 0.0}


def test_a_tag_nothing_of_which_is_decided_has_no_line() -> None:
    found = tables(graded(item("1", RIGHT, KIND), 1.0, None))
    assert set(found["axis"]) == {"accuracy"}
    assert tables() == {}


def test_a_group_can_be_at_another_level_than_its_metric() -> None:
    found = [graded(item("1", RIGHT, replace(RIGHT, id="too")), 1.0, 1.0), graded(item("2", RIGHT), 0.0)]
    table = tables(*found, breakdowns=(Breakdown("axis", "score", Level.CRITERION),))
    cell = table["axis"]["accuracy"]["score"]
    assert (cell["value"], cell["n"]) == (pytest.approx(2 / 3), 3) and cell["deviation"] > 0
    assert values(tables(*found)["axis"]) == {"accuracy": 0.5}


def test_several_metrics_of_a_group_stand_side_by_side() -> None:
    rate = Metric("rate", "rate", "judge", Level.ITEM, usable_from=0.75)
    made = graded(item("1", KIND, tags={"topic": "a"}), 0.5)
    table = tables(made, metrics=(rate, SCORE), breakdowns=(Breakdown("topic", "rate"), Breakdown("topic", "score")))
    assert values(table["topic"], "rate") == {"a": 0.0} and values(table["topic"]) == {"a": 0.5}


def test_without_declared_tables_each_tag_has_the_share_of_its_criteria_that_are_met() -> None:
    made = graded(item("1", RIGHT, KIND, RUDE, tags={"topic": "a"}), 1.0, 0.0, 0.0)
    table = tables(made, breakdowns=())
    assert {group: values(tags, "judge") for group, tags in table.items()} == {
        "axis": {"accuracy": 1.0, "tone": 0.5},
        "level": {"easy": 0.0},
        "topic": {"a": pytest.approx(2 / 3)},
    }


def test_a_mixed_rubric_is_tabled_by_its_judge_though_it_has_graders_too() -> None:
    made = graded(item("1", RIGHT), 1.0)
    assert values(tables(made, breakdowns=(), graders={"strict": None})["axis"], "judge") == {"accuracy": 1.0}


def test_code_has_no_deviation() -> None:
    each = item("1", RIGHT)
    strict = Graded(each, {"response": ""}, {"strict": [Verdict("right", Outcome.SCORED, 1.0)]})
    table = by_tag(benchmark(judge=None, graders={"strict": None}), [strict])
    assert table == {"axis": {"accuracy": {"strict": {"value": 1.0, "n": 1}}}}


tags = st.lists(st.sampled_from(["a:x", "a:y", "b:x", "b", "a:x:y", ":", ""]), max_size=3)


@given(st.lists(st.lists(tags, min_size=1, max_size=3), min_size=1, max_size=4), st.data())
def test_any_tags_make_tables_whose_counts_are_those_of_the_criteria(
    drawn: list[list[list[str]]], data: st.DataObject
) -> None:
    found = []
    for number, rubric in enumerate(drawn):
        criteria = [Criterion(str(at), "So.", tags=tuple(own)) for at, own in enumerate(rubric)]
        found.append(graded(item(str(number), *criteria), *(data.draw(st.sampled_from([0.0, 1.0])) for _ in rubric)))
    table = tables(*found, breakdowns=())
    for group, cells in table.items():
        for tag, cell in cells.items():
            name = f"{group}:{tag}"
            carriers = [own for rubric in drawn for own in rubric if name in own or (not tag and group in own)]
            assert cell["judge"]["n"] == len(carriers)
            assert 0 <= cell["judge"]["value"] <= 1


def test_the_whole_is_the_metric_itself_when_every_item_carries_one_tag() -> None:
    found = [graded(item(str(n), RIGHT, RUDE, tags={"all": "of it"}), n / 4, 1 - n / 4) for n in range(5)]
    made = benchmark(breakdowns=(Breakdown("all", "score"),))
    assert by_tag(made, found)["all"]["of it"]["score"]["value"] == metrics_of(made, found)["score"]["value"]


def test_the_values_behind_a_table_can_be_compared_with_those_of_other_answers() -> None:
    made = benchmark(breakdowns=(Breakdown("axis", "score"),))
    items = [item(str(number), RIGHT, KIND) for number in range(10)]
    old, new = (tag_pools(made, [graded(each, value, 0.0) for each in items])["axis"] for value in (0.0, 1.0))
    right, kind = (new[tag]["score"].gain_over(old[tag]["score"], 0) for tag in ("accuracy", "tone"))
    assert right is not None and right.value == 1.0 and right.low > 0
    assert kind is not None and kind.value == 0.0 and kind.low < 0 < kind.high

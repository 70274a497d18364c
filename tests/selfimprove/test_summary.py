"""An experiment's result: every number is what plain pandas makes of the rows, and the words are true of it."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import cache
from random import Random
from typing import Any

import pandas as pd
import pytest
from made_benchmarks import work
from made_experiments import (
    CONTROLS,
    about,
    checked,
    checked_items,
    experiment,
    judged,
    judged_items,
    stage,
)

from herl.benchmarks.base import Benchmark
from herl.item import Item
from herl.rows import Row
from herl.rubric import Rule
from herl.selfimprove.summary import distinct_answers, summarise_experiment
from herl.stats import bootstrap_difference, bootstrap_ratio

KINDS: dict[str, tuple[Callable[..., Benchmark], Callable[[int], list[Item]]]] = {
    "checked": (checked, checked_items),
    "judged": (judged, judged_items),
}
TIMING: list[Row] = [
    {"arm": "base", "what": "generate", "seconds": 10.0, "tokens": 100},
    {"arm": "loop", "what": "generate", "seconds": 40.0, "tokens": 200},
    {"arm": "loop", "what": "critic", "seconds": 5.0, "tokens": 50},
]


def summarise(made: Benchmark, rows: Sequence[Row], timing: Sequence[Row] = (), **changes: Any) -> dict[str, Any]:
    result = summarise_experiment(work(made), rows, timing, about(**changes))
    assert json.loads(json.dumps(result)) == result
    return result


class Frame:
    """The rows once more, as a table of which pandas knows nothing but columns."""

    def __init__(self, made: Benchmark, items: Sequence[Item], rows: Sequence[Row]) -> None:
        self.made = made
        self.ids = [item.id for item in items]
        self.rubrics = {item.id: item.rubric.criteria for item in items}
        self.all = pd.DataFrame(rows)
        self.base = self.all[self.all.arm == "base"].set_index("id").loc[self.ids]

    def at(self, arm: str, number: int) -> pd.DataFrame:
        """Every item's last row of an arm by then, its plain answer's where there is none."""
        own = self.all[(self.all.arm == arm) & (self.all["round"] <= number)]
        own = own.sort_values("round").groupby("id").tail(1).set_index("id")
        return pd.concat([self.base[~self.base.index.isin(own.index)], own]).loc[self.ids]

    def criteria(self, frame: pd.DataFrame) -> pd.DataFrame:
        """One row per criterion of each answer: how good it is, None where that is not known."""
        found = []
        for name, verdicts in frame.verdicts.items():
            own = verdicts if self.made.judge else verdicts["strict"]
            for criterion, verdict in zip(self.rubrics[str(name)], own, strict=True):
                value = verdict["value"] if self.made.judge else float(verdict)
                good = None if value is None else 1 - value if criterion.weight < 0 else value
                found.append({"id": name, "criterion": criterion.id, "tags": criterion.tags, "good": good})
        return pd.DataFrame(found).astype({"good": float})

    def units(self, frame: pd.DataFrame, metric: str) -> pd.DataFrame:
        """Sum and count of each item's values of a metric."""
        if metric in ("all_met", "score"):
            values = pd.DataFrame({"id": frame.index, "good": [scores[metric] for scores in frame.scores]})
        else:
            values = self.criteria(frame)
        return self.sums(values)

    def sums(self, values: pd.DataFrame) -> pd.DataFrame:
        known = values.astype({"good": float}).dropna(subset=["good"])
        return known.groupby("id").good.agg(["sum", "count"]).reindex(self.ids).dropna()


def clip_of(metric: str) -> tuple[float, float] | None:
    return (0.0, 1.0) if metric == "score" else None


def ratio(units: pd.DataFrame, clip: tuple[float, float] | None = None) -> float:
    mean = float(units["sum"].sum() / units["count"].sum())
    return mean if clip is None else min(max(mean, clip[0]), clip[1])


def paired(old: pd.DataFrame, new: pd.DataFrame, metric: str = "") -> dict[str, Any]:
    """What one side gained over the other, by herl.stats alone."""
    both = old.add_suffix("_old").join(new.add_suffix("_new"), how="inner")
    sides = [
        [(float(total), float(count)) for total, count in both[[f"sum_{side}", f"count_{side}"]].to_numpy()]
        for side in ("old", "new")
    ]
    ends = [total / count for side in sides for total, count in side]
    bounds = (min(0.0, *ends), max(1.0, *ends))
    found = bootstrap_difference(sides[0], sides[1], seed=3, bounds=bounds, clip=clip_of(metric))
    return {"value": found.value, "ci_low": found.low, "ci_high": found.high, "n": len(both)}


@cache
def an_experiment(kind: str, count: int = 40) -> tuple[Benchmark, Sequence[Item], Sequence[Row], dict[str, Any]]:
    make, ask = KINDS[kind]
    items = ask(count)
    made = make(items)
    rows = experiment(made, items, seed=count)
    return made, items, rows, summarise(made, rows, TIMING)


@pytest.fixture(params=KINDS)
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def test_there_is_a_stage_for_the_plain_answers_and_for_each_round_of_each_arm(kind: str) -> None:
    _, _, _, result = an_experiment(kind)
    assert [(stage["arm"], stage["round"]) for stage in result["stages"]] == [
        ("base", 0),
        *(("loop", number) for number in (1, 2, 3)),
        *(("best-of-n", number) for number in (1, 2, 3)),
        ("resample", 3),
        *(("self-refine", number) for number in (1, 2, 3)),
    ]
    assert result["loop"] == result["stages"][3]
    assert result["complete"] and result["rows"] == len(an_experiment(kind)[2])


def test_the_numbers_of_every_stage_are_those_of_its_rows(kind: str) -> None:
    made, items, rows, result = an_experiment(kind)
    frame = Frame(made, items, rows)
    for found in result["stages"]:
        now, arm, number = frame.at(found["arm"], found["round"]), found["arm"], found["round"]
        taking_part = frame.all[(frame.all.arm == arm) & ((frame.all["round"] == number) | (arm == "resample"))]
        assert found["n"] == len(items) and found["took_part"] == len(taking_part)
        assert found["changed"] == taking_part.changed.sum()
        for metric in made.metrics:
            before, after = frame.units(frame.base, metric.name), frame.units(now, metric.name)
            cell = found["metrics"][metric.name]
            assert cell["value"] == pytest.approx(ratio(after, clip_of(metric.name)))
            assert cell["n"] == (len(after) if metric.name in ("all_met", "score") else after["count"].sum())
            if arm != "base":
                assert found["gain"][metric.name] == pytest.approx(paired(before, after, metric.name))
        old, new = ((units["sum"] / units["count"]) for units in
                    (frame.units(side, made.primary) for side in (frame.base, now)))  # fmt: skip
        moved = (new - old).dropna()
        assert found["improved"] == (moved > 1e-9).sum() and found["regressed"] == (moved < -1e-9).sum()
        assert found["unchanged"] == (moved.abs() <= 1e-9).sum()
        assert found["improved"] + found["unchanged"] + found["regressed"] + found["undecided"] == len(items)


def test_the_tokens_of_every_stage_are_those_of_its_rows(kind: str) -> None:
    made, items, rows, result = an_experiment(kind)
    frame = Frame(made, items, rows)
    plain = pd.DataFrame(list(frame.base.spent)).sum()
    for found in result["stages"]:
        spent = pd.DataFrame(list(frame.at(found["arm"], found["round"]).spent))
        for name in ("generated", "critic", "prompt"):
            assert found["tokens"][name] == spent[name].sum()
            assert found["tokens"]["mean"][name] == pytest.approx(spent[name].mean())
        written = spent.generated.sum() + spent.critic.sum()
        assert found["tokens"]["written"] == written
        assert found["tokens"]["multiple"] == pytest.approx(written / plain.generated)
    assert result["tokens"]["loop"] == result["loop"]["tokens"]
    assert result["tokens"]["base"]["multiple"] == 1.0
    assert set(result["tokens"]) == {"base", "loop", *CONTROLS}


def test_an_interval_of_a_stage_is_that_of_its_values() -> None:
    made, items, rows, result = an_experiment("checked")
    frame = Frame(made, items, rows)
    for found in result["stages"]:
        units = frame.units(frame.at(found["arm"], found["round"]), "share")
        expected = bootstrap_ratio(units["sum"].tolist(), units["count"].tolist(), seed=3)
        cell = found["metrics"]["share"]
        assert (cell["value"], cell["ci_low"], cell["ci_high"]) == (expected.value, expected.low, expected.high)


def test_each_control_is_compared_with_the_loop_pair_by_pair(kind: str) -> None:
    made, items, rows, result = an_experiment(kind)
    frame = Frame(made, items, rows)
    loop = frame.at("loop", 3)
    tokens = pd.DataFrame(list(loop.spent))
    for name, found in result["controls"].items():
        now = frame.at(name, 3)
        against = found["against"]
        expected = paired(frame.units(now, made.primary), frame.units(loop, made.primary), made.primary)
        assert {key: against[key] for key in expected} == pytest.approx(expected)
        spent = pd.DataFrame(list(now.spent))
        assert against["token_ratio"] == pytest.approx(
            (spent.generated.sum() + spent.critic.sum()) / (tokens.generated.sum() + tokens.critic.sum())
        )
        verdict = "better" if against["ci_low"] > 0 else "worse" if against["ci_high"] < 0 else "no difference shown"
        assert against["verdict"] == verdict
        last = [each for each in result["stages"] if each["arm"] == name][-1]
        assert {key: found[key] for key in last} == last
        drawn = frame.all[frame.all.arm == name].groupby("id")["round"].max().sum() / len(items) + 1
        assert found["draws"] == (None if name == "self-refine" else pytest.approx(drawn))


def test_gains_by_tag_are_of_the_criteria_that_carry_it(kind: str) -> None:
    made, items, rows, result = an_experiment(kind)
    frame = Frame(made, items, rows)
    sides = [frame.criteria(side) for side in (frame.base, frame.at("loop", 3))]
    tags = {tag for own in sides[0].tags for tag in own}
    assert {f"{group}:{tag}" for group, cells in result["by_tag"].items() for tag in cells} == tags
    for group, cells in result["by_tag"].items():
        for tag, cell in cells.items():
            own = [side[[f"{group}:{tag}" in each for each in side.tags]] for side in sides]
            check_cell(frame, cell, own)


def check_cell(frame: Frame, cell: dict[str, Any], sides: Sequence[pd.DataFrame]) -> None:
    before, after = map(frame.sums, sides)
    assert cell["base"] == pytest.approx(ratio(before)) and cell["final"] == pytest.approx(ratio(after))
    assert cell["gain"] == pytest.approx(paired(before, after))
    assert cell["n"] == after["count"].sum()


def test_visible_and_hidden_criteria_are_those_of_the_items_that_hide_some(kind: str) -> None:
    made, items, rows, result = an_experiment(kind)
    frame = Frame(made, items, rows)
    hidden = {str(name): ids for name, ids in frame.base.hidden.items() if ids}
    for part, is_hidden in (("visible", False), ("hidden", True)):
        sides = [frame.criteria(side) for side in (frame.base, frame.at("loop", 3))]
        sides = [
            side[[name in hidden and (criterion in hidden[name]) == is_hidden
                  for name, criterion in zip(side.id, side.criterion, strict=True)]]
            for side in sides
        ]  # fmt: skip
        check_cell(frame, result["hidden"][part], sides)
    assert result["hidden"]["items_without_hidden"] == len(items) - len(hidden) > 0


def test_stops_truncation_and_coverage_are_counted(kind: str) -> None:
    made, items, rows, result = an_experiment(kind)
    frame = Frame(made, items, rows)
    assert result["stops"] == dict(Counter(row["stop"] for row in rows if row["stop"]))
    assert sum(result["stops"].values()) == len(items)
    for end, side in (("base", frame.base), ("final", frame.at("loop", 3))):
        assert result["truncated"][end] == pytest.approx((side.status == "truncated").mean())
        assert result["coverage"][end] == pytest.approx(frame.criteria(side).good.notna().mean())


def test_the_order_of_rows_changes_nothing(kind: str) -> None:
    made, _, rows, result = an_experiment(kind)
    assert summarise(made, Random(1).sample(rows, len(rows)), TIMING[::-1]) == result


def test_but_for_seconds_nothing_depends_on_how_long_it_took(kind: str) -> None:
    made, _, rows, result = an_experiment(kind)
    other = summarise(made, rows, [])
    assert other.pop("seconds") != result["seconds"]
    assert other == {key: value for key, value in result.items() if key != "seconds"}


# What can go wrong, or nowhere.


def simple(
    befores: Sequence[float], afters: Sequence[float], controls: Sequence[str] = (), **changes: Any
) -> dict[str, Any]:
    """An experiment of one round on items with one criterion each, as code decides it."""
    items = checked_items(3 * len(befores))[::3]
    made = checked(items)
    rows = []
    spent = {"generated": 30, "critic": 0, "prompt": 5}
    for asked, before, after in zip(items, befores, afters, strict=True):
        rows.append(stage(made, asked, "base", 0, [before]))
        rows.append(stage(made, asked, "loop", 1, [after], changed=before != after, spent=spent, stop="rounds"))
    return summarise(made, rows, settings={"controls": list(controls)}, **changes)


def gain_of(result: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = result["loop"]["gain"]["all_met"]
    return found


def test_where_nothing_changed_no_gain_is_shown_and_the_interval_says_what_could_hide() -> None:
    result = simple([0.0, 1.0] * 20, [0.0, 1.0] * 20)
    gain, loop = gain_of(result), result["loop"]
    assert gain["ci_low"] < gain["value"] == 0 < gain["ci_high"]
    assert (loop["improved"], loop["unchanged"], loop["regressed"], loop["changed"]) == (0, 40, 0, 0)
    assert result["reading"].startswith(
        "The loop kept every plain answer (all met, 95 % interval −8.8 to 8.8): no gain is shown on these 40 items."
    )


def test_where_all_got_worse_that_is_what_is_said() -> None:
    result = simple([1.0] * 19 + [0.0], [0.0] * 20)
    assert (result["loop"]["regressed"], result["loop"]["unchanged"]) == (19, 1)
    assert result["reading"].startswith("The loop loses 95.0 points (all met, 95 % interval −")
    assert "it makes the answers worse on these 20 items." in result["reading"]


def test_a_perfect_base_leaves_nothing_to_gain() -> None:
    items = checked_items(4)
    made = checked(items)
    rows = [stage(made, asked, "base", 0, [1.0] * len(asked.rubric.criteria)) for asked in items]
    rows += [{**row, "arm": "loop", "stop": "all_met"} for row in rows]
    result = summarise(made, rows)
    assert [(each["arm"], each["round"], each["took_part"]) for each in result["stages"]] == [
        (arm, 0, 4 if arm == "base" else 0) for arm in ("base", "loop", *CONTROLS)
    ]
    assert result["loop"]["gain"]["all_met"]["value"] == 0 and result["stops"] == {"all_met": 4} and result["complete"]
    assert "there was nothing to gain on these 4 items" in result["reading"]
    assert "paid for no draw of best-of-n, resample and self-refine" in result["reading"]


def test_a_perfect_base_that_was_made_worse_is_a_loss() -> None:
    reading = simple([1.0] * 20, [0.0] * 10 + [1.0] * 10)["reading"]
    assert reading.startswith("The loop loses 50.0 points") and "nothing to gain" not in reading


def test_a_control_that_never_drew_is_the_plain_answers() -> None:
    result = simple([0.0] * 10, [1.0] * 10, ["best-of-n"])
    control = result["controls"]["best-of-n"]
    assert (control["round"], control["took_part"], control["draws"]) == (0, 0, 1.0)
    assert control["metrics"]["all_met"]["value"] == 0.0 and control["against"]["verdict"] == "better"
    assert control["against"]["token_ratio"] == pytest.approx(1 / 3)
    assert "The loop's tokens paid for no draw of best-of-n." in result["reading"]
    assert "beats" not in result["reading"]


def test_four_items_that_got_better_show_no_gain_and_forty_do() -> None:
    few, many = simple([0.0] * 40, [1.0] * 4 + [0.0] * 36), simple([0.0] * 60, [1.0] * 40 + [0.0] * 20)
    assert gain_of(few)["ci_low"] <= 0 and gain_of(many)["ci_low"] > 0
    assert few["reading"].startswith("The loop gains 10.0 points (all met, 95 % interval ")
    assert ": no gain is shown on these 40 items." in few["reading"]
    assert many["reading"].startswith("The loop gains 66.7 points") and "no gain" not in many["reading"]


def test_a_small_loss_may_be_chance_and_as_many_wins_as_losses_are_neither() -> None:
    lost = simple([1.0, 1.0] + [0.0] * 18, [1.0] + [0.0] * 19)["reading"]
    assert lost.startswith("The loop loses 5.0 points") and "no gain is shown on these 20 items, and the loss" in lost
    even = simple([1.0, 0.0] * 10, [0.0, 1.0] * 10)["reading"]
    assert even.startswith("The loop neither gains nor loses (all met, 95 % interval −")


def test_one_prompt_says_nothing_of_others() -> None:
    result = simple([0.0], [1.0])
    gain = gain_of(result)
    assert gain["ci_low"] < 0 < gain["value"] == gain["ci_high"] == 1.0
    assert result["reading"].startswith("On this one prompt the loop went from 0.0 to 100.0 (all met); one prompt")
    assert simple([1.0], [1.0])["reading"].startswith("On this one prompt the loop stayed at 100.0 (all met); one")


def test_an_oracle_is_stamped_and_nobody_else_is() -> None:
    oracle = simple([0.0] * 9, [1.0] * 9)
    assert oracle["notes"][0].startswith("ORACLE: ") and oracle["stamps"] == ["ORACLE"]
    assert "nobody without that grader can repeat this" in oracle["reading"]
    own = simple([0.0] * 9, [1.0] * 9, critic="self", critic_name="small", accept="preference")
    assert not any("ORACLE" in note for note in own["notes"]) and "oracle" not in own["reading"]
    assert own["critic"]["kind"] == "self" and own["accept"] == "preference"


def with_control(loop: Sequence[float], control: Sequence[float], tokens: int = 30, draws: int = 2) -> str:
    """What is said of a loop and best-of-n on items that were all wrong."""
    items = checked_items(3 * len(loop))[::3]
    made = checked(items)
    rows = []
    for asked, after, other in zip(items, loop, control, strict=True):
        rows.append(stage(made, asked, "base", 0, [0.0]))
        for arm, number, value, spent in (("loop", 1, after, 30), ("best-of-n", draws, other, tokens)):
            used = {"generated": spent, "critic": 0, "prompt": 5}
            rows.append(stage(made, asked, arm, number, [value], spent=used, stop="rounds" if arm == "loop" else None))
    result = summarise(made, rows, settings={"controls": ["best-of-n"]}, critic="self")
    return str(result["reading"])


@pytest.mark.parametrize(
    ("loop", "control", "words"),
    [
        ([1.0] * 40, [1.0] * 20 + [0.0] * 20, "At equal cost it beats best-of-3 by 50.0 points ("),
        ([1.0] * 20 + [0.0] * 20, [1.0] * 40, "At equal cost it is worse than best-of-3 by 50.0 points (−"),
        ([1.0] * 30 + [0.0] * 10, [1.0] * 29 + [0.0] * 11, "At equal cost it does not beat best-of-3 (2.5 points, −"),
    ],
)
def test_the_loop_against_a_control_is_said_plainly(loop: list[float], control: list[float], words: str) -> None:
    assert words in with_control(loop, control)


def test_a_control_that_had_fewer_tokens_is_said_to_have_had_fewer() -> None:
    assert "best-of-3 with 0.67 times its tokens by" in with_control([1.0] * 40, [0.0] * 40, tokens=20)
    assert "times its tokens" not in with_control([1.0] * 40, [0.0] * 40, tokens=29)


def test_several_controls_share_a_sentence() -> None:
    _, _, _, result = an_experiment("judged")
    (sentence,) = re.findall(r"At equal cost it .*?\)\.", result["reading"])
    assert re.fullmatch(
        r"At equal cost it does not beat best-of-2.4 \(.*\), plain res.* or self-refine \(.*\)\.", sentence
    )
    assert sentence.endswith("or self-refine (−3.7 points, −22.2 to 14.8).")


def test_missing_verdicts_leave_items_undecided_and_are_said() -> None:
    items = judged_items(20)
    made = judged(items)
    rows = []
    for number, asked in enumerate(items):
        bad = [0.0] * (len(asked.rubric.criteria) - 2)
        rows.append(stage(made, asked, "base", 0, [0.0, 1.0, *bad]))
        rows.append(
            stage(made, asked, "loop", 1, [None, None, *bad] if number < 5 else [1.0, 1.0, *bad], stop="rounds")
        )
    result = summarise(made, rows, settings={"controls": []})
    loop = result["loop"]
    assert (loop["improved"], loop["undecided"], loop["gain"]["score"]["n"]) == (15, 5, 15)
    assert loop["metrics"]["score"]["worst"] < loop["metrics"]["score"]["value"] <= loop["metrics"]["score"]["best"]
    assert result["coverage"] == {"base": 1.0, "final": pytest.approx(40 / 50)}
    assert "Left out of the loop's gain, for want of a score on one side: 5 of 20 items." in result["notes"]
    assert "20.0 % of the criteria could not be graded and are left out." in result["notes"]


def test_where_nothing_can_be_graded_nothing_is_claimed() -> None:
    items = judged_items(2)
    made = judged(items)
    rows = [stage(made, each, arm, number, [None] * len(each.rubric.criteria), stop=stop)
            for each in items for arm, number, stop in (("base", 0, None), ("loop", 1, "abstained"))]  # fmt: skip
    result = summarise(made, rows)
    assert result["loop"]["gain"]["score"] == {"value": None, "ci_low": None, "ci_high": None, "n": 0}
    assert result["controls"]["resample"]["against"]["verdict"] == "no difference shown"
    assert result["reading"].startswith("No item has a score before and after the loop")
    assert "At equal cost" not in result["reading"] and "no draw" not in result["reading"]
    assert result["by_tag"] == {}


def test_a_control_without_scores_is_not_compared() -> None:
    items = judged_items(20)[::2]
    made = judged(items)
    ends: dict[tuple[str, int], list[float | None]] = {
        ("base", 0): [0.0, 0.0],
        ("loop", 1): [1.0, 1.0],
        ("best-of-n", 1): [None, None],
    }
    rows = [stage(made, each, *place, values) for each in items for place, values in ends.items()]
    reading = summarise(made, rows, settings={"controls": ["best-of-n"]})["reading"]
    assert "At equal cost" not in reading and "No item has a score with it and with best-of-2." in reading


def test_a_single_item_with_scores_is_one_item() -> None:
    items = judged_items(3)
    made = judged(items)
    rows = [stage(made, each, arm, number, [None if each is not items[0] else 1.0] * len(each.rubric.criteria))
            for each in items for arm, number in (("base", 0), ("loop", 1))]  # fmt: skip
    assert " on this one item." in summarise(made, rows, settings={"controls": []})["reading"]


@pytest.mark.parametrize(
    ("hidden_before", "hidden_after", "words"),
    [
        (0.0, 1.0, "the hidden ones gain 100.0 points (…): the gain is not over-fitting to the critic's"),
        (0.0, 0.0, "the hidden ones gain 0.0 points (…): beyond the critic's criteria no gain is shown."),
        (1.0, 0.0, "the hidden ones lose 100.0 points (…): the loop makes worse what its critic did"),
    ],
)
def test_what_the_critic_did_not_see_is_said_beside_what_it_saw(
    hidden_before: float, hidden_after: float, words: str
) -> None:
    items = judged_items(80)[::2]
    made = judged(items)
    rows = []
    for each in items:
        rows.append(stage(made, each, "base", 0, [0.0, hidden_before], hidden=["right"]))
        rows.append(stage(made, each, "loop", 1, [1.0, hidden_after], hidden=["right"], changed=True))
    reading = summarise(made, rows, settings={"controls": []})["reading"]
    plainly = re.sub(r"\([^()]* to [^()]*\)", "(…)", reading)
    assert "The criteria that the critic saw gain 100.0 points (…), " + words in plainly


def test_where_neither_visible_nor_hidden_criteria_moved_nothing_is_said_of_them() -> None:
    items = judged_items(20)[::2]
    made = judged(items)
    rows = [stage(made, each, arm, number, [0.0, 1.0], hidden=["right"])
            for each in items for arm, number in (("base", 0), ("loop", 1))]  # fmt: skip
    assert "criteria" not in summarise(made, rows, settings={"controls": []})["reading"]


def test_pitfalls_pull_down_and_a_clipped_mean_stops_at_0() -> None:
    items = judged_items(40)[1::2]
    made = judged(items)
    rows = [stage(made, each, *place, values) for each in items
            for place, values in ((("base", 0), [0.0, 0.0, 1.0]), (("loop", 1), [0.0, 1.0, 1.0]))]  # fmt: skip
    loop = summarise(made, rows)["loop"]
    assert loop["metrics"]["score"]["value"] == loop["gain"]["score"]["value"] == 0.0
    assert loop["improved"] == 20 and loop["gain"]["met"]["value"] == pytest.approx(1 / 3)


def test_points_of_a_rubric_are_not_called_per_cent() -> None:
    items = judged_items(20)
    points = replace(judged(items).metrics[0], name="points", label="points", clip=False, rule=Rule.POINTS)
    made = judged(items, (points,))
    rows = []
    for each in items:
        rest = [0.0] * (len(each.rubric.criteria) - 2)
        rows.append(stage(made, each, "base", 0, [0.0, 1.0, *rest]))
        rows.append(stage(made, each, "loop", 1, [1.0, 1.0, *rest], changed=True))
    result = summarise(made, rows, settings={"controls": []})
    assert not result["is_share"] and result["loop"]["gain"]["points"]["value"] == 2.0
    assert result["reading"].startswith("The loop gains 2.0 rubric points (points, 95 % interval ")


def test_what_a_reader_must_know_is_noted() -> None:
    items = checked_items(3)
    made = replace(checked(items), remark=lambda metrics: ["Mind the gap."])
    rows = [stage(made, each, arm, number, [0.0] * len(each.rubric.criteria), status=status)
            for each, status in zip(items[:2], ("error", "truncated"), strict=True)
            for arm, number in (("base", 0), ("loop", 1))]  # fmt: skip
    whole = replace(work(made), total=9, notes=("Half the data.",))
    own = about(settings={"hidden": 0.3}, stamps=("SELF-JUDGED",))
    judge = {"models": ["j"], "notes": ["Judged by j."], "self_judged": True}
    result = summarise_experiment(whole, rows, [], own, judge)
    assert result["stamps"][-1] == "SELF-JUDGED"
    assert result["notes"][1:] == [
        "SELF-JUDGED",
        "Half the data.",
        "Mind the gap.",
        "Judged by j.",
        "Incomplete: 2 of 3 plain answers are there, and 0 items are through.",
        "Only the first 3 of 9 items were asked.",
        "50.0 % of the plain answers and 50.0 % of the loop's last ones were cut off at the token limit.",
        "Could not be answered, and count as failed: 1 of 3 prompts.",
        "No rubric has a second criterion, so none could be hidden.",
    ]
    assert result["judge"] == judge and not result["complete"]
    assert (result["errors"], result["loop"]["n"], result["n"], result["hidden"]) == (1, 2, 3, None)


def test_a_rubric_too_small_to_hide_a_criterion_is_noted() -> None:
    _, items, _, result = an_experiment("checked")
    bare = sum(len(each.rubric.criteria) < 3 for each in items)
    assert f"Too small to hide a criterion: {bare} of 40 rubrics." in result["notes"]


def comparison(name: str, first: str, second: str, value: float | None) -> Row:
    return {"id": name, "first": first, "second": second, "outcome": "scored" if value is not None else "parse_error",
            "value": value}  # fmt: skip


def test_how_often_the_critic_could_be_read_is_counted() -> None:
    verdicts: list[Row] = [{"verdicts": [{"outcome": each}]} for each in ("scored", "scored", "scored", "parse_error")]
    pairs = [("1", 1.0, 0.0), ("2", 1.0, 1.0), ("3", 0.5, 0.5), ("4", 0.0, 0.0), ("5", None, 1.0)]
    compared = [row for name, there, back in pairs
                for row in (comparison(name, "a", "b", there), comparison(name, "b", "a", back))]  # fmt: skip
    made = about(critic="model", critic_name="big", rulings=verdicts, preferences=compared)
    items = checked_items(2)
    rows = [stage(checked(items), each, "base", 0, [0.0] * len(each.rubric.criteria)) for each in items]
    result = summarise_experiment(work(checked(items)), rows, [], made)
    assert result["critic"] == {
        "kind": "model",
        "name": "big",
        "coverage": 0.75,
        "outcomes": {"parse_error": 1, "scored": 3},
        "comparisons": 0.9,
        "turned": 0.5,
    }
    assert "The critic gave no usable verdict on 25.0 % of the criteria." in result["notes"]
    said = "The critic gave no usable reply to 10.0 % of its comparisons, two for each pair of answers."
    assert said in result["notes"]  # of the pairs, it is one in five
    assert any(note.startswith("On 50.0 % of the pairs the critic preferred") for note in result["notes"])


def attempt(arm: str, finish: str, text: str = "Hm.", **fields: Any) -> Row:
    return {"arm": arm, "id": "c0", "finish_reason": finish, "response": text, **fields}


def test_revisions_that_are_no_answers_are_counted_and_said() -> None:
    attempts = [
        *[attempt("loop", "error", "", error="HTTP 400: too long")] * 2,
        attempt("loop", "stop", " "),
        attempt("loop", "length"),
        attempt("best-of-n", "content_filter"),
        attempt("best-of-n", "stop"),
        attempt("self-refine-feedback", "error"),
        attempt("base", "error"),
        {**attempt("loop", "error"), "id": "nobody's"},
    ]
    result = simple([0.0] * 9, [0.0] * 9, attempts=attempts)
    assert result["drawn"] == {
        "loop": {"texts": 4, "faults": {"HTTP 400: too long": 2, "blank": 1}, "truncated": 0.25},
        "best-of-n": {"texts": 2, "faults": {"stopped by a content filter": 1}, "truncated": 0.0},
    }
    assert result["notes"][1:4] == [
        "25.0 % of the loop's revisions were cut off at the token limit.",
        "No answers, and never taken: 3 of 4 revisions of the loop: HTTP 400: too long (2); blank (1).",
        "No answers, and never taken: 1 of 2 draws of best-of-n: stopped by a content filter (1).",
    ]
    assert "None of its" not in result["reading"]


def test_where_no_revision_was_an_answer_the_reading_says_so() -> None:
    result = simple([0.0] * 9, [0.0] * 9, attempts=[attempt("loop", "error", "", error="HTTP 400")] * 3)
    assert "no gain is shown on these 9 items. None of its 3 revisions was an answer." in result["reading"]


def test_a_critic_that_was_never_asked_has_no_coverage() -> None:
    critic = simple([0.0], [1.0])["critic"]
    assert critic["coverage"] is critic["comparisons"] is critic["turned"] is None


def test_each_kept_answer_is_one_of_the_distinct_ones() -> None:
    _, _, rows, _ = an_experiment("checked")
    found = distinct_answers(rows)
    keys = [(row["id"], row["response"]) for row in found]
    assert len(keys) == len(set(keys)) and set(keys) == {(row["id"], row["response"]) for row in rows}


# Time.


def timed(timing: Sequence[Row], controls: Sequence[str] = ()) -> dict[str, Any]:
    """The seconds of two items: 100 tokens of plain answers, a loop of 200 more and 50 of the critic's."""
    items = checked_items(6)[::3]
    made = checked(items)
    rows = []
    for asked in items:
        places = [("base", 0, 50, 0), ("loop", 1, 100, 10), ("loop", 2, 150, 25)]
        places += [(name, 1, 150, 10 if name == "best-of-n" else 0) for name in controls]
        for arm, number, generated, critic in places:
            spent = {"generated": generated, "critic": critic, "prompt": 7}
            rows.append(stage(made, asked, arm, number, [0.0], spent=spent))
    found: dict[str, Any] = summarise(made, rows, timing, settings={"controls": list(controls)})["seconds"]
    return found


def seconds(found: dict[str, Any]) -> list[float | None]:
    return [each["seconds"] for each in found["stages"]]


def test_each_stage_takes_the_time_of_its_tokens_and_of_the_plain_answers() -> None:
    found = timed(TIMING)
    assert seconds(found) == pytest.approx([10.0, 10 + 20 + 2, 10 + 40 + 5])
    assert [each["multiple"] for each in found["stages"]] == pytest.approx([1.0, 3.2, 5.5])
    assert found["measured"] == 1.0 and found["notes"] == []


def test_tokens_that_were_bought_before_count_at_the_speed_of_those_that_were_timed() -> None:
    half = [{**row, "seconds": row["seconds"] / 2, "tokens": row["tokens"] // 2} for row in TIMING]
    found = timed(half)
    assert seconds(found) == pytest.approx(seconds(timed(TIMING)))
    assert found["measured"] == pytest.approx(0.5) and "50.0 % of the tokens" in found["notes"][0]


def test_rows_of_several_sittings_add_up() -> None:
    halves = [{**row, "seconds": row["seconds"] / 2, "tokens": row["tokens"] // 2} for row in TIMING] * 2
    assert timed(halves) == timed(TIMING)


def test_what_was_never_timed_has_no_time() -> None:
    assert seconds(timed(TIMING[1:])) == [None, None, None]
    assert seconds(timed(TIMING[:2])) == [10.0, None, None]
    nothing = timed([])
    assert nothing["measured"] == 0 and "No time was measured" in nothing["notes"][0]


def test_resampling_shows_best_of_ns_draws_and_refining_takes_its_feedbacks_time_too() -> None:
    timing = [
        *TIMING,
        {"arm": "best-of-n", "what": "generate", "seconds": 30.0, "tokens": 200},
        {"arm": "best-of-n", "what": "critic", "seconds": 2.0, "tokens": 20},
        {"arm": "self-refine", "what": "generate", "seconds": 8.0, "tokens": 100},
        {"arm": "self-refine-feedback", "what": "generate", "seconds": 12.0, "tokens": 100},
        {"arm": "final", "what": "critic", "seconds": 99.0, "tokens": 999},
    ]
    found = timed(timing, CONTROLS)
    assert seconds(found)[3:] == pytest.approx([10 + 30 + 2, 10 + 30, 10 + 20])
    assert found["measured"] == 1.0


def test_settings_are_kept_as_they_are() -> None:
    result = simple([0.0], [1.0])
    assert result["settings"]["rounds"] == 3 and result["model"] == "small"
    assert (result["kind"], result["benchmark"], result["primary"]) == ("self-improve", "made", "all_met")

"""Rows of samples.jsonl: the answer that an item had after a round, scored as its benchmark scores answers."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from made_benchmarks import benchmark, item, verdict
from made_experiments import checked, checked_items

from herl.item import Item
from herl.rows import read_rows
from herl.rubric import Criterion, Outcome
from herl.selfimprove.jury import Ruled
from herl.selfimprove.stages import Stage, stage_rows, write_stages
from herl.selfimprove.trial import Attempt, Spent, Step, Stop

KIND, RUDE = Criterion("kind", "It is kind.", 2.0), Criterion("rude", "It is rude.", -1.0)
ASKED = item("q", KIND, RUDE)


def attempt(text: str, arm: str = "loop", number: int = 1, **changes: Any) -> Attempt:
    usage = {"prompt_tokens": 10, "completion_tokens": 4}
    row = {"arm": arm, "id": "q", "sample": 2, "round": number, "prompt_hash": "p", "response": text, "thinking": None}
    return Attempt(
        arm, number, 2, {**row, "finish_reason": "stop", "usage": usage, "seed": 1, "status": "ok", **changes}
    )


def stage(asked: Item, kept: Attempt, number: int = 1, changed: bool = True, **changes: Any) -> Stage:
    return Stage("loop", asked, Step(number, kept, changed, Spent(8, 3, 30)), changes.pop("hidden", ()), **changes)


def test_a_row_tells_whose_answer_was_kept_why_the_item_left_and_what_it_took() -> None:
    made = stage(ASKED, attempt("Tea.", "base", 0), 3, False, hidden=("rude",), stop=Stop.NO_BETTER)
    ruled = {("q", "Tea."): Ruled((verdict(KIND, 1.0), verdict(RUDE, None)))}
    (row,) = json.loads(json.dumps(list(stage_rows(benchmark([ASKED]), [made], ruled))))
    decided = row.pop("verdicts")
    assert row == {
        "id": "q",
        "sample": 0,
        "arm": "loop",
        "round": 3,
        "candidate_arm": "base",
        "candidate_round": 0,
        "candidate": 2,
        "changed": False,
        "response": "Tea.",
        "finish_reason": "stop",
        "usage": {"prompt_tokens": 10, "completion_tokens": 4},
        "spent": {"generated": 8, "critic": 3, "prompt": 30},
        "hidden": ["rude"],
        "stop": "no_better",
        "scores": {"score": 1.0},
        "status": "ok",
    }
    assert [(each["criterion"], each["outcome"], each["met"]) for each in decided] == [
        ("kind", "scored", True),
        ("rude", "parse_error", None),
    ]


def test_the_whole_rubric_is_scored_whatever_was_hidden() -> None:
    ruled = {("q", "Tea."): Ruled((verdict(KIND, 1.0), verdict(RUDE, 1.0)))}
    (row,) = stage_rows(benchmark([ASKED]), [stage(ASKED, attempt("Tea."), hidden=("rude",))], ruled)
    assert row["scores"] == {"score": 0.5}


def test_where_code_decides_it_scores_the_answers_as_eval_does() -> None:
    asked = checked_items(2)[1]
    rows = list(stage_rows(checked([asked]), [stage(asked, attempt(text)) for text in ("apple", "apple bread")], {}))
    assert [row["scores"]["all_met"] for row in rows] == [0.0, 1.0]
    assert [row["verdicts"] for row in rows] == [{"strict": [True, False]}, {"strict": [True, True]}]


def test_an_answer_that_stays_has_the_same_scores_in_every_row() -> None:
    asked, calls = checked_items(1)[0], []
    made = checked([asked])
    grader = made.graders["strict"]

    class Counting:
        def verdicts(self, asked: Item, answer: str) -> Any:
            calls.append(answer)
            return grader.verdicts(asked, answer)

    counted = benchmark([asked], made.metrics, judge=None, graders={"strict": Counting()})
    kept = attempt("apple")
    rows = list(stage_rows(counted, [stage(asked, kept, number) for number in (1, 2, 3)], {}))
    assert [row["scores"] for row in rows] == [rows[0]["scores"]] * 3
    assert calls == ["apple"]


def test_a_plain_answer_that_is_none_keeps_its_error() -> None:
    made = stage(ASKED, attempt("", "base", 0, finish_reason="error", status="error", error="too long"), 0)
    blank = Ruled(tuple(verdict(each, 0.0) for each in ASKED.rubric.criteria))
    (row,) = stage_rows(benchmark([ASKED]), [made], {("q", ""): blank})
    assert (row["status"], row["error"], row["scores"]) == ("error", "too long", {"score": 0.0})


def test_what_several_judges_said_is_told() -> None:
    said = {"kind": {"one": verdict(KIND, 1.0), "two": verdict(KIND, 0.0)}}
    ruled = {("q", "Tea."): Ruled((verdict(KIND, 0.5), verdict(RUDE, 0.0)), said)}
    (row,) = stage_rows(benchmark([ASKED]), [stage(ASKED, attempt("Tea."))], ruled)
    assert row["verdicts"][0]["judges"] == {"one": 1.0, "two": 0.0}


def test_rows_replace_those_that_were_there_whatever_their_text(tmp_path: Path) -> None:
    path = tmp_path / "samples.jsonl"
    ruled = {("q", text): Ruled((verdict(KIND, 1.0), verdict(RUDE, 0.0))) for text in ("Tea.", "Thé \ud800\n\u2028")}
    for text in ("Tea.", "Thé \ud800\n\u2028"):
        rows = list(stage_rows(benchmark([ASKED]), [stage(ASKED, attempt(text))], ruled))
        write_stages(path, rows)
        assert read_rows(path) == json.loads(json.dumps(rows))
    assert read_rows(path)[0]["verdicts"][0]["outcome"] == Outcome.SCORED

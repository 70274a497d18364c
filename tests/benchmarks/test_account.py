"""What a result says of its judges: who, how, what was decided, what it cost, where they differ."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from made_benchmarks import answer, benchmark, item, work

from herl.benchmarks.account import account, account_of
from herl.benchmarks.base import Benchmark
from herl.benchmarks.conversation import digest
from herl.benchmarks.evaluate import conclude
from herl.benchmarks.graded import latest
from herl.benchmarks.judging import Bench, judge_answers, names
from herl.benchmarks.session import coverage_trouble
from herl.benchmarks.settings import JudgeSettings, Settings
from herl.benchmarks.work import Work
from herl.engine.base import EngineOptions
from herl.engine.replay import ReplayEngine
from herl.grader import CheckGrader
from herl.item import Sampling
from herl.judge.cost import Price
from herl.judge.examples import Example
from herl.judge.panel import Panel
from herl.judge.rubric_prompt import RubricPrompt
from herl.rows import ANSWER, VERDICTS, Row, RowWriter, read_rows
from herl.rubric import Check, Criterion
from herl.run import Run

KIND, RUDE = Criterion("kind", "It is kind.", weight=3.0), Criterion("rude", "It is rude.", weight=-2.0)
MARK = Criterion("mark", "How lively it is.", scale=(1, 10))


class Quiet:
    """Shows no progress."""

    def __init__(self, what: str, total: int, done: int) -> None:
        return

    def __enter__(self) -> Quiet:
        return self

    def __exit__(self, *error: object) -> None:
        return

    def advance(self, tokens: int = 0) -> None:
        return


@pytest.fixture
def run(tmp_path: Path) -> Run:
    made = Run(tmp_path, "r", {"model": "small", "benchmarks": ["made"]})
    made.begin()
    return made


def verdicts(judge: str, name: str, said: Mapping[str, float | str], **changes: Any) -> Row:
    """A row of verdicts.jsonl: criterion -> its value on its own scale, or why there is none."""
    found = [
        {
            "criterion": criterion,
            "outcome": value if isinstance(value, str) else "scored",
            "value": None if isinstance(value, str) else value,
            "evidence": "so it is",
        }
        for criterion, value in said.items()
    ]
    usage = {"prompt_tokens": 100, "completion_tokens": 10}
    row = {"id": name, "sample": 0, "answer": digest("An answer.")[:16], "judge": judge, "verdicts": found}
    return {**row, "calls": 1, "usage": usage, "reply": "", **changes}


def write(run: Run, answers: list[Row], found: list[Row]) -> None:
    for name, fields, rows in (("answers.jsonl", ANSWER, answers), ("verdicts.jsonl", VERDICTS, found)):
        with RowWriter(run.folder("made") / name, fields) as writer:
            for each in rows:
                writer.append(each)


def nobody(tmp_path: Path, count: int) -> list[ReplayEngine]:
    """Judges who have nothing to say."""
    path = tmp_path / "silent.jsonl"
    path.write_text("")
    return [ReplayEngine(f"replay:{path}", EngineOptions())] * count


def judged(run: Run, made: Benchmark, judges: JudgeSettings, self_judged: bool = False) -> dict[str, Any]:
    """The account of a run whose verdicts are all there."""
    bench = Bench(judges, nobody(run.path, len(judges.models)))
    judge_answers([work(made)], bench, run, Settings(), Quiet)
    return account(work(made), bench, run, self_judged)


def sample_rows(run: Run) -> list[Row]:
    return list(latest(read_rows(run.folder("made") / "samples.jsonl")).values())


def test_outcomes_coverage_calls_tokens_and_money_are_counted(run: Run) -> None:
    rows = [verdicts("j", "1", {"kind": 1}), verdicts("j", "1", {"rude": "refusal"}, calls=3)]
    write(run, [answer("1")], rows)
    found = judged(run, benchmark([item("1", KIND, RUDE)]), JudgeSettings(("j",), prices=(Price(2, 8),)))
    assert found["outcomes"] == {"refusal": 1, "scored": 1}
    assert (found["coverage"], found["lacking"], found["calls_made"]) == (0.5, 0, 4)
    assert found["tokens"] == {"prompt": 200, "completion": 20}
    assert found["cost"] == pytest.approx((200 * 2 + 20 * 8) / 1e6)
    assert found["panel"] is None and found["disagreement"] is None


def test_each_judge_of_a_panel_has_its_own_price(run: Run) -> None:
    write(run, [answer("1")], [verdicts(judge, "1", {"kind": 1}) for judge in ("a", "b")])
    prices = (Price(1, 0), Price(0, 1))
    found = judged(run, benchmark([item("1", KIND)]), JudgeSettings(("a", "b"), prices=prices))
    assert found["cost"] == pytest.approx((100 + 10) / 1e6)
    assert found["prices"] == [[1, 0], [0, 1]]


def test_judges_differ_over_what_they_were_asked_and_not_over_blanks_and_checks(run: Run) -> None:
    checked = Criterion("code", "It is long.", check=Check("long"))
    items = [item("1", KIND, RUDE, MARK, checked), item("2", KIND, MARK)]
    said = {"a": {"kind": 1, "rude": 0, "mark": 9}, "b": {"kind": 0, "rude": 0, "mark": 5}}
    write(run, [answer("1"), answer("2", "  ")], [verdicts(judge, "1", each) for judge, each in said.items()])
    made = benchmark(items, judge=RubricPrompt(per_item=True), graders={"g": CheckGrader({"long": lambda text: True})})
    found = judged(run, made, JudgeSettings(("a", "b")))
    assert found["disagreement"] == {"n": 3, "share": pytest.approx(2 / 3), "mean_difference": pytest.approx(4.0)}
    assert found["coverage"] == 1.0 and found["outcomes"] == {"scored": 6}
    first, second = sample_rows(run)
    assert [("judges" in each) for each in first["verdicts"]] == [True, True, True, False]
    assert first["verdicts"][2]["value"] == 7.0
    assert [each["value"] for each in second["verdicts"]] == [0.0, 1.0]
    assert second["verdicts"][0]["evidence"] == "there is no answer"
    assert found["notes"][-2:] == [
        "The judges differ on 66.7 % of the criteria, by 4.00 marks on average.",
        "Judging took 2 calls: 200 tokens read, 20 written.",
    ]


def test_a_verdict_on_another_answer_says_nothing(run: Run) -> None:
    write(run, [answer("1", "Another answer.")], [verdicts("j", "1", {"kind": 1})])
    made = work(benchmark([item("1", KIND)]))
    judge_answers([made], Bench(JudgeSettings(("j",)), nobody(run.path, 1)), run, Settings(), Quiet)
    [row] = sample_rows(run)
    assert row["verdicts"][0]["outcome"] != "scored"


def test_judging_twice_appends_nothing(run: Run) -> None:
    write(run, [answer("1")], [verdicts("j", "1", {"kind": 1})])
    for _ in range(2):
        judged(run, benchmark([item("1", KIND)]), JudgeSettings(("j",)))
    assert len(read_rows(run.folder("made") / "samples.jsonl")) == 1


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({}, []),
        ({"calls": "criterion"}, []),
        ({"calls": "item"}, ["one call per item"]),
        ({"sampling": {"temperature": 0.0, "max_tokens": 9}}, ["max_tokens 9"]),
        ({"examples": (Example("p", "a", "c", 1.0),)}, ["1 example"]),
        ({"calls": "item", "sampling": {"top_k": 3}}, ["one call per item", "top_k 3"]),
    ],
)
def test_what_is_not_the_benchmarks_protocol_is_said(run: Run, changes: dict[str, Any], words: list[str]) -> None:
    write(run, [answer("1")], [verdicts("j", "1", {"kind": 1})])
    prompt = RubricPrompt(sampling=Sampling(temperature=0.0, max_tokens=100))
    found = judged(run, benchmark([item("1", KIND, RUDE)], judge=prompt), JudgeSettings(("j",), **changes))
    assert found["changes"] == words
    assert any("is not made's protocol" in note for note in found["notes"]) == bool(words)


def test_a_model_that_judges_itself_is_stamped_and_the_judge_is_always_named(run: Run) -> None:
    write(run, [answer("1")], [verdicts("j", "1", {"kind": 1})])
    made = benchmark([item("1", KIND)])
    for stamped in (False, True):
        notes = judged(run, made, JudgeSettings(("j",)), stamped)["notes"]
        assert notes[0].startswith("Judged by j (prompt rubric/1, one call per criterion, temperature 0)")
        assert any("SELF-JUDGED" in note for note in notes) == stamped


def test_nothing_to_decide_is_no_trouble_with_the_judge(run: Run) -> None:
    write(run, [], [])
    found = judged(run, benchmark([item("1", KIND)]), JudgeSettings(("j",)))
    assert (found["coverage"], found["outcomes"]) == (1.0, {})
    assert not coverage_trouble({"benchmark": "made", "judge": found})


def test_a_result_of_which_nothing_is_decided_has_no_value_and_the_whole_range(run: Run) -> None:
    write(run, [answer("1")], [verdicts("j", "1", {"kind": "parse_error", "rude": "cannot_tell"})])
    made = work(benchmark([item("1", KIND, RUDE)], judge=RubricPrompt(per_item=True)))
    found = judged(run, made.benchmark, JudgeSettings(("j",)))
    result = conclude(made, run, Settings(), judged=found)
    metric = result["metrics"]["score"]
    assert (metric["value"], metric["n"], metric["deviation"]) == (None, 0, None)
    assert (metric["worst"], metric["best"]) == (pytest.approx(-2 / 3), 1.0)
    assert result["coverage"] == found["coverage"] == 0.0
    assert coverage_trouble(result) == "made: judges decided 0.0 % of the criteria, below --min-judge-coverage 0.95"
    assert json.loads((run.folder("made") / "result.json").read_text()) == result


@pytest.mark.parametrize(
    ("models", "shown"),
    [
        (("http://h:1/v1#qwen",), ["qwen"]),
        (("openai:gpt",), ["gpt"]),
        (("./runs/a/final", "./runs/b/final"), ["./runs/a/final", "./runs/b/final"]),
        (("http://h:1/v1#qwen", "http://h:2/v1#qwen"), ["http://h:1/v1#qwen", "http://h:2/v1#qwen"]),
        (("http://me:secret@h/v1#x", "http://g/v1#x"), ["http://***@h/v1#x", "http://g/v1#x"]),
        (("openai:gpt", "http://h/v1#gpt", "demo"), ["openai:gpt", "http://h/v1#gpt", "demo"]),
    ],
)
def test_judges_have_short_names_unless_two_would_share_one(models: tuple[str, ...], shown: list[str]) -> None:
    assert list(names(JudgeSettings(models)).values()) == shown


def test_a_divided_majority_is_an_abstention_of_the_panel(run: Run) -> None:
    write(run, [answer("1")], [verdicts("a", "1", {"kind": 1}), verdicts("b", "1", {"kind": 0})])
    found = judged(run, benchmark([item("1", KIND)]), JudgeSettings(("a", "b"), panel=Panel.MAJORITY))
    assert (found["outcomes"], found["panel"], found["lacking"]) == ({"cannot_tell": 1}, "majority", 0)


def test_a_benchmark_with_its_own_notes_keeps_them(run: Run) -> None:
    write(run, [answer("1")], [verdicts("j", "1", {"kind": 1})])
    made: Work = replace(work(benchmark([item("1", KIND)])), notes=("Half the data.",))
    found = judged(run, made.benchmark, JudgeSettings(("j",)))
    assert conclude(made, run, Settings(), judged=found)["notes"][0] == "Half the data."


def test_an_account_of_rows_is_that_of_the_run_that_holds_them(run: Run) -> None:
    found = [verdicts("j", "1", {"kind": 1}), verdicts("j", "1", {"rude": "refusal"})]
    write(run, [answer("1")], found)
    made, bench = work(benchmark([item("1", KIND, RUDE)])), Bench(JudgeSettings(("j",)), nobody(run.path, 1))
    whole = judged(run, made.benchmark, bench.settings)
    assert account_of(made, bench, sample_rows(run), found, False) == whole
    assert account_of(made, bench, sample_rows(run), found[:1], False)["calls_made"] == 1

"""`herl export --as sft|dpo|rl`: files, counts, and what is said when there is nothing to write."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from command import Herl
from conducted import conducted
from improving import varied
from judge_server import JudgeServer, says
from judged import met, points, question_text, write_answers, write_questions
from made_runs import write_run

from herl.benchmarks import get
from herl.benchmarks.settings import Settings
from herl.engine.base import Request
from herl.item import Item
from herl.prompts import read_prompts, row_of
from herl.resources import Store

ANSWERS = Path(__file__).parent.parent / "benchmarks" / "demo_answers.jsonl"


@pytest.fixture
def herl(tmp_path: Path) -> Herl:
    return Herl(tmp_path)


@pytest.fixture
def scored(herl: Herl, tmp_path: Path) -> str:
    """A run of three answers to each demo prompt: a good one, one without any word, and one that was cut off."""
    rows = [json.loads(line) for line in ANSWERS.read_text().splitlines()]
    poor = [row | {"response": ",\n"} for row in rows]
    cut = [row | {"finish_reason": "length", "response": row["response"] + " "} for row in rows]
    path = tmp_path / "answers.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in [*rows, *poor, *cut]))
    done = herl("eval", "-m", f"replay:{path}", "-b", "demo", "--samples", 3, "--run", "mine")
    assert done.exit_code == 0, done.output
    return "mine"


def exported(herl: Herl, run: str, form: str, out: Path, *more: object) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    """The rows that an export writes, and its account of them."""
    done = herl("export", run, "--as", form, "--out", out, "--json", *more)
    assert done.exit_code == 0, done.output
    account = json.loads(done.stdout)
    assert account["files"] == [str(out / f"{form}.jsonl")]
    rows = [json.loads(line) for line in (out / f"{form}.jsonl").read_text().splitlines()]
    assert account["rows"] == len(rows) == account["items"] - sum(account["left_out"]["items"].values())
    assert not [path for path in out.iterdir() if path.suffix == ".tmp"]
    return rows, account


def test_an_evaluation_gives_all_three_files(herl: Herl, scored: str, tmp_path: Path) -> None:
    good = {row["response"] for row in map(json.loads, ANSWERS.read_text().splitlines())}
    best, account = exported(herl, scored, "sft", tmp_path / "out")
    assert {row["completion"][0]["content"] for row in best} <= good
    assert (account["items"], account["answers"], account["graded_by"]) == (40, 120, {"demo": "code"})
    assert len(best) > 30
    pairs, _ = exported(herl, scored, "dpo", tmp_path / "out")
    assert {row["rejected"][0]["content"] for row in pairs} == {",\n"}
    assert all(row["margin"] >= 0.1 for row in pairs)
    exported(herl, scored, "rl", tmp_path / "out")
    assert [row_of(item) for item in read_prompts(tmp_path / "out" / "rl.jsonl")] == [row_of(item) for item in _demo()]
    assert {path.name for path in (tmp_path / "out").iterdir()} == {"sft.jsonl", "dpo.jsonl", "rl.jsonl"}


def _demo() -> list[Item]:
    return list(get("demo").load(Store()))


def test_margin_and_score_choose_the_rows(herl: Herl, scored: str, tmp_path: Path) -> None:
    all_pairs, _ = exported(herl, scored, "dpo", tmp_path / "all")
    wide, account = exported(herl, scored, "dpo", tmp_path / "wide", "--min-margin", 1)
    assert [row for row in all_pairs if row["margin"] == 1] == wide
    assert account["left_out"]["items"] == {"no two answers differ by 1": 40 - len(wide)}
    assert 40 > len(all_pairs) > len(wide) > 0


def test_people_are_told_the_file_and_the_counts(herl: Herl, scored: str, tmp_path: Path) -> None:
    done = herl("export", scored, "--as", "dpo", "--min-margin", 1, "--out", tmp_path / "out")
    assert done.stdout == f"{tmp_path / 'out' / 'dpo.jsonl'}\n"
    assert " of 40 items, out of 120 answers graded by code\n" in done.stderr
    assert "left out items: no two answers differ by 1 (" in done.stderr
    assert "--min-margin 0." in done.stderr
    assert "a model trained on them can no longer be measured by it" in done.stderr


def test_nothing_to_write_is_an_error_that_says_what_to_lower(herl: Herl, tmp_path: Path) -> None:
    rows = [json.loads(line) | {"response": "Hm, so."} for line in ANSWERS.read_text().splitlines()]
    (tmp_path / "poor.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    assert herl("score", tmp_path / "poor.jsonl", "-b", "demo", "--run", "poor").exit_code == 0
    done = herl("export", "poor", "--as", "sft", "--min-score", 1.01, "--out", tmp_path / "out")
    assert done.exit_code == 2
    assert "nothing to write of run 'poor': no answer scores 1.01 or more (40)" in done.stderr
    assert "--min-score 1.0 would take" in done.stderr
    done = herl("export", "poor", "--as", "dpo", "--out", tmp_path / "out")
    assert done.exit_code == 2
    assert "no finished answer with another to compare (40)" in done.stderr
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("form", "flag"),
    [("dpo", "--min-score"), ("rl", "--min-margin"), ("lm-eval", "--min-score"), ("sft", "--min-margin")],
)
def test_a_flag_of_another_form_is_refused(herl: Herl, form: str, flag: str) -> None:
    done = herl("export", "any", "--as", form, flag, 0.5)
    assert (done.exit_code, f"{flag} is about --as" in done.stderr) == (2, True)


def test_an_experiment_gives_its_revisions(herl: Herl, tmp_path: Path) -> None:
    def revises(request: Request) -> str:
        return "Plain, so." if len(request.messages[-1].content) < 250 else f"{varied(request)}."

    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("HERL_CACHE", str(tmp_path / "cache"))
        conducted(tmp_path / "runs", get("demo"), revises, "tried", answers=Settings(limit=1))
    [row], _ = exported(herl, "tried", "dpo", tmp_path / "out")
    assert row["rejected"][0]["content"] == "Plain, so."
    assert row["chosen"][0]["content"].startswith("Answer ")
    assert row["prompt"] == [{"role": "user", "content": _demo()[0].messages[0].content}]
    done = herl("export", "tried", "--as", "lm-eval")
    assert (done.exit_code, "Say --as sft, dpo or rl." in done.stderr) == (2, True)


def test_several_benchmarks_and_a_judge(herl: Herl, tmp_path: Path) -> None:
    write_questions(tmp_path / "data")
    answers = write_answers(tmp_path / "answers.jsonl")
    answers.write_text(answers.read_text() + ANSWERS.read_text())
    judge = JudgeServer(lambda body: says("No.") if "number 3" in question_text(body) else met(points(body) > 0))
    try:
        done = herl(
            "eval", "-m", f"replay:{answers}", "-b", "demo,healthbench:hard", "--run", "both", "--allow-missing",
            "--data-dir", tmp_path / "data", "--judge", f"{judge.url}#parrot", "--min-judge-coverage", 0,
        )  # fmt: skip
        assert done.exit_code == 0, done.output
    finally:
        judge.close()
    more = ("--data-dir", tmp_path / "data")
    rows, account = exported(herl, "both", "rl", tmp_path / "out", *more)
    assert [row["id"] for row in rows[-4:]] == [f"healthbench:hard/p{number}" for number in range(4)]
    assert len({row["id"] for row in rows}) == len(rows) == 44
    assert account["graded_by"] == {"demo": "code", "healthbench:hard": f"{judge.url}#parrot"}
    rows, account = exported(herl, "both", "sft", tmp_path / "out", *more)
    assert [row["id"] for row in rows if "/p" in row["id"]] == [f"healthbench:hard/p{number}" for number in range(3)]
    assert account["left_out"]["answers"] == {"not fully graded": 1}


def test_data_that_changed_since_are_refused(herl: Herl, scored: str, tmp_path: Path) -> None:
    record = tmp_path / "runs" / scored / "run.json"
    found = json.loads(record.read_text())
    found["benchmarks"]["demo"]["version"] = "0"
    record.write_text(json.dumps(found))
    done = herl("export", scored, "--as", "sft", "--out", tmp_path / "out")
    assert (done.exit_code, "another version of demo" in done.stderr) == (2, True)


def test_a_run_that_lm_eval_scored_has_no_rubrics(herl: Herl, tmp_path: Path) -> None:
    result = {"benchmark": "lm:gsm8k", "primary": "exact_match", "metrics": {"exact_match": {}}}
    write_run(tmp_path / "runs", "theirs", result | {"model": "small"})
    done = herl("export", "theirs", "--as", "rl", "--out", tmp_path / "out")
    assert done.exit_code == 2
    assert "lm:gsm8k is left out: lm-eval scores it, and it has no rubrics" in done.stderr
    assert "it has no items with a rubric" in done.stderr

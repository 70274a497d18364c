"""`herl report` and `herl show` of training runs."""

from __future__ import annotations

import csv
import io
import json
import struct
from pathlib import Path
from typing import Any

import pytest
from command import Herl
from made_runs import result, write_run
from made_training import completion, grade, key, rows, write_training_run

from herl.errors import UsageError
from herl.item import Item, Message
from herl.report.read import is_training, read_run
from herl.rubric import Criterion, Outcome, Rubric, Verdict
from herl.train.journal import Journal
from herl.train.report import read_trained, write_training_report

SMALL = {
    0: {"held_out/score": 0.25},
    1: {"reward/mean": 0.25, "tokens/generated": 1000, "time/roll_out": 1800.0, "hindsight/hit_rate": 0.5},
    2: {"reward/mean": 0.5, "tokens/generated": 500, "time/update": 1800.0, "held_out/score": 0.75},
    3: {"reward/mean": 0.75, "tokens/generated": 500, "held_out/score": 0.5, "update/dropped": 1},
}


@pytest.fixture
def herl(tmp_path: Path) -> Herl:
    return Herl(tmp_path)


@pytest.fixture
def runs(tmp_path: Path) -> Path:
    folder = tmp_path / "runs"
    write_training_run(folder, "herl-0", SMALL)
    write_training_run(folder, "he-0", rows(20), **{"hindsight.preset": "he"})
    write_training_run(folder, "sft", {step: {"loss": 4.0 / step} for step in (1, 2)}, method="sft")
    return folder


def cells(line: str) -> list[str]:
    return [cell.strip() for cell in line.strip("| ").split("|")]


def test_runs_stand_side_by_side_with_what_they_came_to(herl: Herl, runs: Path) -> None:
    done = herl("report", "herl-0", "he-0", "sft", "--format", "md")
    assert done.exit_code == 0, done.stderr
    header, _, first, second, third = [cells(line) for line in done.stdout.splitlines() if line.startswith("|")]
    assert header == [
        "run",
        "method",
        "steps",
        "held-out",
        "best",
        "reward",
        "loss",
        "hits %",
        "tokens generated",
        "hours",
    ]
    assert first == ["herl-0", "herl", "3", "0.250 → 0.500", "0.750 (2)", "0.250 → 0.750", "–", "50.0", "2,000", "1.00"]
    assert second[:4] == ["he-0", "herl (he)", "20", "0.200 → 0.428"]
    assert third == ["sft", "sft", "2", "–", "–", "–", "4.000 → 2.000", "–", "–", "–"]
    assert "herl-0: 1 updates were dropped" in done.stdout


def test_what_no_run_has_is_no_column(herl: Herl, runs: Path) -> None:
    said = herl("report", "sft").stdout
    assert "loss" in said and "held-out" not in said and "hits" not in said


def test_csv_has_every_metric_of_every_step(herl: Herl, runs: Path) -> None:
    found = list(csv.DictReader(io.StringIO(herl("report", "herl-0", "sft", "--format", "csv").stdout)))
    assert len(found) == sum(len(row) for row in SMALL.values()) + 2
    assert found[0] == {
        "run": "herl-0", "method": "herl", "model": "demo", "step": "0", "metric": "held_out/score", "value": "0.25"
    }  # fmt: skip


def test_json_has_the_figures_the_settings_and_the_metrics(herl: Herl, runs: Path) -> None:
    [found] = json.loads(herl("report", "herl-0", "--json").stdout)["training"]
    assert found["held_out"] == {"start": 0.25, "last": 0.5, "last_step": 3, "best": 0.75, "best_step": 2}
    assert found["reward"] == {"start": 0.25, "end": 0.75, "averaged_over": 1}
    assert (found["generated_tokens"], found["dropped_updates"], found["seconds"]) == (2000, 1, 3600.0)
    assert found["config"]["model"] == "demo"
    assert found["metrics"][1] == {"step": 1, **SMALL[1]}


@pytest.mark.parametrize(("name", "start"), [("c.png", b"\x89PNG"), ("c.svg", b"<?xml")])
def test_curves_of_several_runs_are_one_picture(
    herl: Herl, runs: Path, tmp_path: Path, name: str, start: bytes
) -> None:
    done = herl("report", "herl-0", "he-0", "--out", tmp_path / name)
    assert (done.exit_code, done.stderr) == (0, f"wrote {tmp_path / name}\n")
    assert (tmp_path / name).read_bytes().startswith(start)


@pytest.mark.parametrize("name", ["all.csv", "all.svg"])
def test_runs_of_other_kinds_are_never_left_out_in_silence(herl: Herl, runs: Path, tmp_path: Path, name: str) -> None:
    write_run(runs, "other", result(0.3, model="other"))
    done = herl("report", "herl-0", "other", "--out", tmp_path / name)
    assert done.exit_code == 2 and ("by itself" in done.stderr or "alone" in done.stderr)
    assert not (tmp_path / name).exists()


def test_benchmarks_of_the_first_and_the_last_checkpoint_join_the_leaderboard(herl: Herl, runs: Path) -> None:
    for step, score in ((0, 0.25), (2, 0.4), (10, 0.5)):
        write_run(runs / "herl-0" / "evals", f"step-{step}", result(score, model=f"herl-0/step-{step}"))
    write_run(runs, "other", result(0.3, model="other"))
    done = herl("report", "herl-0", "other")
    assert done.exit_code == 0, done.stderr
    assert done.stdout.index("herl-0/step-10") < done.stdout.index("other") < done.stdout.index("herl-0/step-0")
    assert "step-2" not in done.stdout and "0.250 → 0.500" in done.stdout
    assert "herl-0/step-2" in herl("report", runs / "herl-0" / "evals" / "step-2").stdout


@pytest.mark.parametrize("damage", ["", "{", '{"step": 1, "reward/mean": "much"}\n', '{"step": "one"}\n{"step": 2}\n'])
def test_a_run_without_steps_or_with_damaged_ones_is_left_out_and_named(herl: Herl, runs: Path, damage: str) -> None:
    (runs / "he-0" / "metrics.jsonl").write_text(damage)
    done = herl("report", "herl-0", "he-0")
    assert done.exit_code == 1
    assert "run 'he-0' is left out" in done.stderr and "herl-0" in done.stdout and "he-0" not in done.stdout


def test_other_verbs_say_what_a_training_run_is(runs: Path) -> None:
    assert is_training(runs / "sft")
    with pytest.raises(UsageError, match="is a training run"):
        read_run(runs / "sft")


def plan(run: Path, steps: int) -> None:
    path = run / "run.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "steps": steps}))


def test_an_unfinished_run_is_told_from_a_finished_one(herl: Herl, runs: Path) -> None:
    plan(runs / "herl-0", 5)
    plan(runs / "he-0", 20)
    for args in ([], ["--format", "md"]):
        done = herl("report", "herl-0", "he-0", "sft", *args)
        assert "herl-0 is unfinished: step 3 of 5." in done.stdout and done.stdout.count("unfinished") == 1
        assert done.exit_code == 1
    assert herl("report", "he-0", "sft").exit_code == 0
    found = json.loads(herl("report", "herl-0", "he-0", "sft", "--json").stdout)["training"]
    assert [(each["steps"], each["planned_steps"], each["unfinished"]) for each in found] == [
        (3, 5, "step 3 of 5"),
        (20, 20, ""),
        (2, None, ""),  # of a run whose record does not say, nobody knows
    ]


def test_rows_after_the_last_step_of_a_run_that_was_made_shorter_are_nowhere(herl: Herl, runs: Path) -> None:
    plan(runs / "herl-0", 2)
    for step in (0, 2, 3):
        write_run(runs / "herl-0" / "evals", f"step-{step}", result(0.5, model=f"herl-0/step-{step}"))
    said = herl("report", "herl-0").stdout
    assert "herl-0/step-2" in said and "herl-0/step-3" not in said
    assert {line.split(",")[3] for line in herl("report", "herl-0", "--format", "csv").stdout.splitlines()[1:]} == {
        "0",
        "1",
        "2",
    }
    [found] = json.loads(herl("report", "herl-0", "--json").stdout)["training"]
    assert (found["steps"], found["held_out"]["last"], found["generated_tokens"]) == (2, 0.75, 1500)


def test_a_different_held_out_set_is_told(herl: Herl, runs: Path) -> None:
    path = runs / "he-0" / "run.json"
    record = json.loads(path.read_text())
    path.write_text(json.dumps({**record, "benchmarks": {"training": {"held_out": "other"}}}))
    assert "do not compare" in herl("report", "herl-0", "he-0").stdout
    assert "do not compare" not in herl("report", "herl-0", "sft").stdout


def test_a_run_writes_its_own_summary_and_curves(runs: Path) -> None:
    files = write_training_report(runs / "herl-0")
    assert [path.name for path in files] == ["summary.md", "summary.csv", "curves.png", "curves.svg"]
    assert "![curves](curves.svg)" in files[0].read_text() and files[0].read_text().startswith("# herl-0: herl of demo")
    assert struct.unpack(">I", files[2].read_bytes()[16:20])[0] > 1000
    before = [path.read_bytes() for path in files]
    assert [path.read_bytes() for path in write_training_report(runs / "herl-0")] == before
    assert read_trained(runs / "herl-0").figures()["steps"] == 3


ITEM = Item(
    "q1", (Message("user", "Name a river."),), Rubric((Criterion("c", "no commas"), Criterion("p", "rude", -2.0)))
)
OTHER = Item("q2", (Message("user", "Name a lake."),), Rubric((Criterion("s", "well told", scale=(1, 5), met_from=4),)))
GUIDED = (Message("user", "Name a river. Your draft was rude."),)


@pytest.fixture
def drawn(runs: Path) -> str:
    """Two steps of a run: a group with a revision, and answers that were cut off, undecided, refused."""
    polite = (Verdict("c", Outcome.SCORED, 1.0, "none seen"), Verdict("p", Outcome.SCORED, 0.0))
    rude = (Verdict("c", Outcome.SCORED, 1.0), Verdict("p", Outcome.SCORED, 1.0, "calls me names"))
    with Journal(runs / "herl-0" / "journal") as journal:
        for step in (1, 2):
            journal.add_item(step, ITEM)
            journal.add_item(step, OTHER)
            journal.add_draw(key(step, "q1", "revision", 1), completion(text="Elbe"), GUIDED)
            journal.add_draw(key(step, "q2"), completion(text="Lake Con", finish_reason="length"))
            journal.add_draw(key(step, "q1", "rollout", 1), completion(text=f"Rhine, fool {step}"))
            journal.add_draw(key(step, "q1"), completion(text="Oder \x1b[31m"))
            journal.add_grade(key(step, "q1"), grade(None, *polite))
            journal.add_grade(key(step, "q1", "rollout", 1), grade(-1.0, *rude))
            journal.add_grade(key(step, "q1", "revision", 1), grade(1.0, *polite))
            journal.add_grade(key(step, "q2"), grade(0.5, Verdict("s", Outcome.SCORED, 0.5)))
        refused: dict[str, Any] = {"finish_reason": "error", "error": "too long", "token_ids": None}
        journal.add_draw(key(2, "q2", "held-out"), completion(text="", **refused))
    return "herl-0"


def draws(herl: Herl, *args: str) -> list[str]:
    found = json.loads(herl("show", "herl-0", "--json", *args).stdout)
    return [f"{each['step']} {each['id']} {each['purpose']} {each['number']}" for each in found]


def test_the_last_steps_draws_are_shown_with_their_revisions_beside_them(herl: Herl, drawn: str) -> None:
    assert draws(herl) == ["2 q1 rollout 0", "2 q1 rollout 1", "2 q1 revision 1", "2 q2 rollout 0", "2 q2 held-out 0"]
    assert draws(herl, "--step", "1")[0] == "1 q1 rollout 0"


def test_of_an_item_every_step_is_shown(herl: Herl, drawn: str) -> None:
    assert draws(herl, "--item", "q2") == ["1 q2 rollout 0", "2 q2 rollout 0", "2 q2 held-out 0"]
    assert draws(herl, "--item", "q2", "--step", "2", "--limit", "1") == ["2 q2 rollout 0"]


@pytest.mark.parametrize(
    ("only", "wanted"),
    [
        ("wrong", ["2 q1 rollout 1", "2 q2 rollout 0"]),
        ("truncated", ["2 q2 rollout 0"]),
        ("ungraded", ["2 q2 held-out 0"]),
    ],
)
def test_only_some_are_shown(herl: Herl, drawn: str, only: str, wanted: list[str]) -> None:
    assert draws(herl, "--only", only) == wanted


def test_prompt_guidance_answer_verdicts_and_score_are_told_and_terminal_codes_are_not_obeyed(
    herl: Herl, drawn: str
) -> None:
    done = herl("show", "herl-0")
    assert done.exit_code == 0
    for words in (
        "step 2, q1, rollout 1: score -1, stop, 2 tokens", "Name a river.", "Your draft was rude.", "Rhine, fool 2",
        "graded met      (weight -2) rude", "calls me names", "[error] too long", "graded unmet    well told",
    ):  # fmt: skip
        assert words in done.stdout
    assert "\x1b" not in done.stdout and r"Oder \x1b[31m" in done.stdout
    assert done.stderr == "5 of 5 answers, step 2 of steps 1 to 2\n"


def test_slimmed_steps_can_still_be_shown(herl: Herl, drawn: str, runs: Path) -> None:
    before = draws(herl)
    with Journal(runs / "herl-0" / "journal") as journal:
        journal.slim(2)
    assert draws(herl) == before


@pytest.mark.parametrize(
    ("args", "trouble"),
    [
        (["herl-0", "--step", "7"], "drew nothing in step 7"),
        (["herl-0", "--item", "q9"], "no answer to item 'q9'"),
        (["sft"], "has drawn nothing"),
    ],
)
def test_what_is_not_there_is_said(herl: Herl, drawn: str, args: list[str], trouble: str) -> None:
    done = herl("show", *args)
    assert done.exit_code == 2 and trouble in done.stderr


def test_other_runs_have_no_steps(herl: Herl, runs: Path) -> None:
    write_run(runs, "small", result(0.25))
    done = herl("show", "small", "--step", "1")
    assert done.exit_code == 2 and "no training run" in done.stderr

"""`herl report`: leaderboards of runs, on the terminal, in files, as JSON."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path

import pytest
from command import Herl
from made_runs import result, write_run


@pytest.fixture
def herl(tmp_path: Path) -> Herl:
    return Herl(tmp_path)


@pytest.fixture
def runs(tmp_path: Path) -> Path:
    folder = tmp_path / "runs"
    write_run(folder, "small-run", result(0.25))
    write_run(folder, "large-run", result(0.5, model="large"))
    return folder


def test_a_table_goes_to_stdout(herl: Herl, runs: Path) -> None:
    done = herl("report", "small-run", "large-run")
    assert done.exit_code == 0
    assert done.stdout.index("large") < done.stdout.index("small")
    assert "50.0 ±5.0" in done.stdout
    assert done.stderr == ""


def test_rows_are_not_wrapped_in_a_pipe(herl: Herl, runs: Path) -> None:
    [line] = [line for line in herl("report", "large-run").stdout.splitlines() if line.startswith(" large")]
    assert " ".join(line.split()) == "large 50.0 ±5.0 60.0 ±5.0 55.0 ±5.0 65.0 ±5.0 40 0.0 0"


def test_markdown_and_csv_go_to_stdout_when_asked_for(herl: Herl, runs: Path) -> None:
    assert herl("report", "small-run", "--format", "md").stdout.startswith("## ifeval (version 1)\n")
    rows = list(csv.DictReader(io.StringIO(herl("report", "small-run", "--format", "csv").stdout)))
    assert [row["value"] for row in rows] == ["0.25", "0.35", "0.3", "0.4"]


@pytest.mark.parametrize(("name", "start"), [("board.md", "## ifeval"), ("board.csv", "run,model,")])
def test_the_name_of_the_file_tells_the_format(herl: Herl, runs: Path, tmp_path: Path, name: str, start: str) -> None:
    done = herl("report", "small-run", "--out", tmp_path / name)
    assert (done.exit_code, done.stdout, done.stderr) == (0, "", f"wrote {tmp_path / name}\n")
    assert (tmp_path / name).read_text().startswith(start)


def test_a_file_name_that_tells_no_format_is_refused_unless_one_is_given(
    herl: Herl, runs: Path, tmp_path: Path
) -> None:
    done = herl("report", "small-run", "--out", tmp_path / "board.txt")
    assert done.exit_code == 2
    assert "Name it .md or .csv" in done.stderr
    assert herl("report", "small-run", "--out", tmp_path / "board.txt", "--format", "md").exit_code == 0


def test_a_place_that_cannot_be_written_is_named(herl: Herl, runs: Path, tmp_path: Path) -> None:
    done = herl("report", "small-run", "--out", tmp_path / "missing" / "board.md")
    assert done.exit_code == 2
    assert "board.md" in done.stderr


def test_json_is_one_document_with_the_results_as_they_are_on_disk(herl: Herl, runs: Path) -> None:
    done = herl("report", "small-run", "large-run", "--json")
    document = json.loads(done.stdout)
    assert document["left_out"] == []
    assert document["results"] == [
        {"run": "small-run", **result(0.25)},
        {"run": "large-run", **result(0.5, model="large")},
    ]


def test_a_damaged_run_is_left_out_named_and_told_by_the_exit_code(herl: Herl, runs: Path) -> None:
    (runs / "small-run" / "ifeval" / "result.json").write_text("{")
    done = herl("report", "small-run", "large-run")
    assert done.exit_code == 1
    assert "run 'small-run' is left out" in done.stderr
    assert "large" in done.stdout and "small" not in done.stdout


def test_an_incomplete_run_is_marked_and_told_by_the_exit_code(herl: Herl, runs: Path) -> None:
    write_run(runs, "half-run", result(0.8, model="half", complete=False, rows=20))
    done = herl("report", "half-run", "large-run")
    assert done.exit_code == 1
    assert "half ¹" in done.stdout and "¹ Incomplete: 20 of 40 answers are there." in done.stdout


def test_nothing_but_damaged_runs_leaves_an_older_leaderboard_alone(herl: Herl, runs: Path, tmp_path: Path) -> None:
    board = tmp_path / "board.md"
    board.write_text("older")
    (runs / "small-run" / "ifeval" / "result.json").unlink()
    done = herl("report", "small-run", "--out", board)
    assert (done.exit_code, done.stdout.strip(), board.read_text()) == (1, "", "older")

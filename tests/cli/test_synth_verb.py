"""`herl data make-if`: prompts to a file or to stdout, what is said of them, and bad input."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from command import Herl

from herl.prompts import read_prompts


@pytest.fixture
def herl(tmp_path: Path) -> Herl:
    return Herl(tmp_path)


def test_prompts_go_to_a_file_that_herl_reads(herl: Herl, tmp_path: Path) -> None:
    out = tmp_path / "data" / "made.jsonl"
    done = herl("data", "make-if", "--n", 30, "--seed", 2, "--out", out)
    assert (done.exit_code, done.stdout) == (0, "")
    assert "30 rows on " in done.stderr
    assert "not compared with ifeval, ifbench, muldimif" in done.stderr
    assert len(read_prompts(out)) == 30


def test_without_a_file_rows_go_to_stdout(herl: Herl) -> None:
    done = herl("data", "make-if", "-n", 3, "--split", "held-out", "--constraints", 2, "--types", "ifeval,muldimif")
    rows = [json.loads(line) for line in done.stdout.splitlines()]
    assert [row["id"] for row in rows] == [f"make-if-held-out-0-{number}" for number in range(3)]
    assert all(len(row["rubric"]["criteria"]) == 2 for row in rows)


def test_json_is_one_document_with_the_rows_or_with_their_file(herl: Herl, tmp_path: Path) -> None:
    told = json.loads(herl("data", "make-if", "--n", 3, "--json").stdout)
    assert len(told["rows"]) == 3 and told["file"] is None and sum(told["types"].values()) >= 3
    assert told["overlap"] == {"compared": {}, "missing": ["ifeval", "ifbench", "muldimif"], "hits": []}
    out = tmp_path / "made.jsonl"
    told = json.loads(herl("data", "make-if", "--n", 3, "--json", "--out", out).stdout)
    assert (told["rows"], told["file"]) == (3, str(out))


def test_nltks_data_is_called_for_where_checks_need_it(herl: Herl, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("herl.nltk_data.find", lambda name, store: None)
    assert "herl data pull nltk" in herl("data", "make-if", "--n", 30).stderr
    assert "nltk" not in herl("data", "make-if", "--n", 30, "--types", "ifeval").stderr


def test_revisions_are_rows_for_sft(herl: Herl) -> None:
    done = herl("data", "make-if", "--revisions", "--n", 3, "--types", "punctuation:no_comma", "--constraints", "1")
    rows = [json.loads(line) for line in done.stdout.splitlines()]
    assert [list(row) for row in rows] == [["id", "prompt", "completion", "score"]] * 3


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("--types", "punctuation:no_coma"), "Did you mean 'punctuation:no_comma'?"),
        (("--constraints", "3-1"), "--constraints '3-1' is no number of constraints"),
        (("--constraints", "many"), "--constraints 'many' is no number of constraints"),
        (("--form", "brief"), "--form is about --revisions"),
        (("--out", "/proc/none/made.jsonl"), "cannot write /proc/none"),
        (("--types", "punctuation:no_comma", "--constraints", "2"), "there are only 0 distinct prompts"),
    ],
)
def test_bad_input_is_named(herl: Herl, arguments: tuple[str, ...], says: str) -> None:
    done = herl("data", "make-if", "--n", 2, *arguments)
    assert done.exit_code == 2
    assert says in done.stderr and "Traceback" not in done.stderr

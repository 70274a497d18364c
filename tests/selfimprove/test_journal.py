"""What was bought is on the disk, row by row, and is found again; a service keeps it in memory only."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from herl.benchmarks.conversation import answer_hash
from herl.errors import UsageError
from herl.rows import Row
from herl.selfimprove.journal import Journal

USAGE = {"prompt_tokens": 3, "completion_tokens": 2}


def attempt(**changes: Any) -> Row:
    row = {"arm": "loop", "id": "q", "sample": 0, "round": 1, "response": "Tea.", "usage": USAGE, "status": "ok"}
    return {**row, **changes}


def ruling(*criteria: str, **changes: Any) -> Row:
    row = {"id": "q", "answer": "a1", "judge": "critic", "usage": USAGE}
    return {**row, "verdicts": [{"criterion": name, "outcome": "scored"} for name in criteria], **changes}


def preference(**changes: Any) -> Row:
    row = {"id": "q", "first": "a1", "second": "a2", "judge": "critic", "outcome": "scored", "usage": USAGE}
    return {**row, **changes}


def contents(journal: Journal) -> list[Any]:
    return [journal.attempts, journal.rulings, journal.preferences, journal.timings]


def fill(journal: Journal) -> None:
    journal.add_attempt(attempt())
    journal.add_ruling(ruling("a", "b"))
    journal.add_preference(preference())
    with journal.timed("loop", "generate") as meter:
        meter.tokens += 2


def test_all_that_was_bought_is_there_when_it_is_opened_again(tmp_path: Path) -> None:
    with Journal(tmp_path) as journal:
        fill(journal)
        assert list(journal.attempts) == [("loop", "q", 1, 0)]
        assert list(journal.rulings) == [("critic", "q", "a1", ("a", "b"))]
        assert list(journal.preferences) == [("critic", "q", "a1", "a2")]
        known = contents(journal)
    with Journal(tmp_path) as again:
        assert contents(again) == known
    files = ["attempts.jsonl", "preferences.jsonl", "timing.jsonl", "verdicts.jsonl"]
    assert sorted(path.name for path in tmp_path.iterdir()) == files


def test_a_row_is_in_its_file_before_anything_else_is_done(tmp_path: Path) -> None:
    with Journal(tmp_path) as journal:
        fill(journal)
        assert [path.read_text().count("\n") for path in sorted(tmp_path.iterdir())] == [1, 1, 1, 1]


def test_without_a_folder_nothing_touches_the_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with Journal() as journal:
        fill(journal)
        assert all(contents(journal))
    assert list(tmp_path.iterdir()) == []


def test_of_rows_about_the_same_thing_the_last_counts(tmp_path: Path) -> None:
    with Journal(tmp_path) as journal:
        for text in ("Tea.", "Coffee."):
            journal.add_attempt(attempt(response=text))
        for outcome in ("transport", "scored"):
            journal.add_preference(preference(outcome=outcome))
    with Journal(tmp_path) as again:
        assert [row["response"] for row in again.attempts.values()] == ["Coffee."]
        assert [row["outcome"] for row in again.preferences.values()] == ["scored"]


def test_rows_about_different_things_stand_beside_each_other() -> None:
    journal = Journal()
    for change in ({}, {"arm": "base"}, {"id": "p"}, {"round": 2}, {"sample": 1}):
        journal.add_attempt(attempt(**change))
    for row in (ruling("a"), ruling("a", "b"), ruling("a", answer="a2"), ruling("a", judge="x"), ruling("a", id="p")):
        journal.add_ruling(row)
    for change in ({}, {"first": "a2", "second": "a1"}, {"judge": "x"}, {"id": "p"}):
        journal.add_preference(preference(**change))
    assert [len(found) for found in contents(journal)] == [5, 5, 4, 0]


def test_a_torn_last_row_costs_only_itself(tmp_path: Path) -> None:
    with Journal(tmp_path) as journal:
        journal.add_attempt(attempt())
        journal.add_attempt(attempt(round=2))
    path = tmp_path / "attempts.jsonl"
    path.write_bytes(path.read_bytes()[:-9])
    with Journal(tmp_path) as again:
        assert list(again.attempts) == [("loop", "q", 1, 0)]
        again.add_attempt(attempt(round=2))
    with Journal(tmp_path) as last:
        assert len(last.attempts) == 2


def test_a_damaged_row_is_named(tmp_path: Path) -> None:
    with Journal(tmp_path) as journal:
        fill(journal)
        journal.add_ruling(ruling("c"))
    path = tmp_path / "verdicts.jsonl"
    path.write_text("{}\n" + path.read_text())
    with pytest.raises(UsageError, match=r"verdicts.jsonl, line 1 is damaged"):
        Journal(tmp_path)


def test_time_is_kept_however_the_work_ends_and_only_where_there_was_any(tmp_path: Path) -> None:
    with Journal(tmp_path) as journal:
        with pytest.raises(RuntimeError), journal.timed("base", "generate") as meter:
            meter.tokens += 7
            raise RuntimeError
        with journal.timed("loop", "critic"):
            pass
        (row,) = journal.timings
        assert {**row, "seconds": 0} == {"arm": "base", "what": "generate", "seconds": 0, "tokens": 7}
        assert 0 <= row["seconds"] < 60


@pytest.mark.parametrize("text", ["", "Tea.", "茶", "\ud800", "{}"])
def test_any_answer_has_a_hash_and_another_one_another(text: str) -> None:
    assert len(answer_hash(text)) == 16
    assert answer_hash(text) != answer_hash(text + ".")

"""What was drawn and graded is on the disk before it is trained on, and comes back exactly as it was."""

from __future__ import annotations

import json
import random
import threading
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from made_training import completion, grade, key

from herl.errors import UsageError
from herl.item import Item, Message
from herl.rubric import Criterion, Outcome, Rubric, Verdict
from herl.train.journal import Journal, Recorded, file_of, read, steps

ITEM = Item("q", (Message("user", "Name a river."),), Rubric((Criterion("c", "no commas"), Criterion("p", "x", -2.0))))


def filled(folder: Path, step: int = 1, groups: int = 2) -> Recorded:
    """A journal with some draws, all graded, closed again."""
    with Journal(folder) as journal:
        for group in range(groups):
            for number in range(2):
                at = key(step, f"q{group}", "rollout", number)
                journal.add_draw(at, completion(text=f"{group} {number}"))
                journal.add_grade(at, grade(number / 2))
        return journal.of(step)


floats = st.floats(max_value=0.0, allow_nan=False)
texts = st.text(max_size=30)


@settings(max_examples=50, deadline=None)
@given(texts, st.none() | texts, st.lists(floats, max_size=5), texts, st.floats(0, 1))
def test_answers_and_verdicts_come_back_exactly(
    tmp_path_factory: pytest.TempPathFactory, text: str, thinking: str | None, logprobs: list[float], why: str, x: float
) -> None:
    folder = tmp_path_factory.mktemp("run") / "journal"
    ids = tuple(range(len(logprobs)))
    drawn = completion(text=text, thinking=thinking, token_ids=ids, logprobs=tuple(logprobs))
    graded = grade(x, evidence=why)
    with Journal(folder) as journal:
        journal.add_draw(key(), drawn)
        journal.add_grade(key(), graded)
    with Journal(folder) as again:
        found = again.of(1)
    assert found.draws == {key(): drawn}
    assert found.grades == {key(): graded.verdicts}


def test_answers_that_never_were_and_verdicts_that_could_not_be_had_come_back_too(tmp_path: Path) -> None:
    refused = completion(
        text="", finish_reason="error", error="too long", prompt_ids=None, token_ids=None, logprobs=None
    )
    undecided = grade(None, Verdict("c", Outcome.TRUNCATED, None, "cut off"))
    with Journal(tmp_path / "journal") as journal:
        journal.add_draw(key(), refused)
        journal.add_grade(key(), undecided)
        assert journal.of(1) == Recorded({key(): refused}, {key(): undecided.verdicts})


def test_an_answer_is_in_its_file_before_anything_else_is_done(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "journal")
    journal.add_draw(key(7), completion())
    assert (tmp_path / "journal" / "step-000007.jsonl").read_text().count("\n") == 1
    journal.close()


def test_steps_have_files_of_their_own(tmp_path: Path) -> None:
    with Journal(tmp_path / "journal") as journal:
        for step in (12, 3, 1_000_000):
            journal.add_draw(key(step), completion(seed=step))
        assert steps(tmp_path / "journal") == [3, 12, 1_000_000]
        assert journal.of(12).draws == {key(12): completion(seed=12)}
        assert journal.of(4) == Recorded()


def test_of_several_rows_about_a_draw_the_last_counts(tmp_path: Path) -> None:
    with Journal(tmp_path / "journal") as journal:
        for value in (0.0, 1.0):
            journal.add_draw(key(), completion(text=str(value)))
            journal.add_grade(key(), grade(value))
        found = journal.of(1)
    assert found.draws[key()].text == "1.0"
    assert found.grades[key()] == grade(1.0).verdicts


def test_the_order_of_rows_does_not_matter(tmp_path: Path) -> None:
    whole = filled(tmp_path / "journal", groups=5)
    path = file_of(tmp_path / "journal", 1)
    lines = path.read_text().splitlines(keepends=True)
    for seed in range(5):
        random.Random(seed).shuffle(lines)
        path.write_text("".join(lines))
        assert Journal(tmp_path / "journal").of(1) == whole


def test_wherever_a_line_is_torn_the_whole_ones_stay_and_writing_goes_on(tmp_path: Path) -> None:
    filled(tmp_path / "journal")
    path = file_of(tmp_path / "journal", 1)
    whole = path.read_bytes()
    for length in range(0, len(whole), 37):
        path.write_bytes(whole[:length])
        kept = Journal(tmp_path / "journal").of(1)
        assert len(kept.draws) + len(kept.grades) == whole[:length].count(b"\n")
        with Journal(tmp_path / "journal") as journal:
            journal.add_draw(key(1, "new"), completion())
            assert journal.of(1).draws == {**kept.draws, key(1, "new"): completion()}


@pytest.mark.parametrize("change", [{"purpose": None}, {"logprobs": 3}, {"usage": {"tokens": 1}}, {"number": None}])
def test_a_damaged_line_is_named(tmp_path: Path, change: dict[str, Any]) -> None:
    filled(tmp_path / "journal")
    path = file_of(tmp_path / "journal", 1)
    lines = path.read_text().splitlines()
    row = json.loads(lines[2])
    lines[2] = json.dumps({name: value for name, value in {**row, **change}.items() if value is not None})
    path.write_text("\n".join(lines) + "\n")
    with pytest.raises(UsageError, match="line 3 is damaged"):
        Journal(tmp_path / "journal").of(1)


def test_threads_may_draw_and_grade_at_once(tmp_path: Path) -> None:
    def work(name: str) -> None:
        for number in range(50):
            journal.add_draw(key(1, name, "rollout", number), completion(text=name))
            journal.add_grade(key(1, name, "rollout", number), grade(1.0))

    with Journal(tmp_path / "journal") as journal:
        threads = [threading.Thread(target=work, args=(f"q{each}",)) for each in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        journal.seal(1)
        found = journal.of(1)
    assert len(found.draws) == len(found.grades) == 200
    assert all(answer.text == at.item_id for at, answer in found.draws.items())


def test_a_sealed_step_can_be_added_to(tmp_path: Path) -> None:
    with Journal(tmp_path / "journal") as journal:
        journal.add_draw(key(), completion())
        journal.seal(1)
        journal.seal(1)
        journal.add_grade(key(), grade(1.0))
        assert len(journal.of(1).grades) == 1


def test_what_a_checkpoint_covers_keeps_its_texts_and_verdicts_only(tmp_path: Path) -> None:
    folder = tmp_path / "journal"
    for step in (1, 2, 3):
        filled(folder, step)
    before = file_of(folder, 3).read_bytes()
    with Journal(folder) as journal:
        journal.slim(2)
        # Nothing that training needs is there, so the step would be drawn anew.
        assert journal.of(2) == Recorded()
        assert len(journal.of(3).draws) == 4
    assert file_of(folder, 3).read_bytes() == before
    for step in (1, 2):
        content = file_of(folder, step).read_text()
        assert not any(name in content for name in ("prompt_ids", "token_ids", "logprobs"))
        kept = read(folder, step)
        assert [answer.text for answer in kept.draws.values()] == ["0 0", "0 1", "1 0", "1 1"]
        assert list(kept.scores.values()) == [0.0, 0.5, 0.0, 0.5]


def test_slimming_twice_changes_nothing_and_a_step_drawn_anew_is_whole(tmp_path: Path) -> None:
    folder = tmp_path / "journal"
    filled(folder)
    with Journal(folder) as journal:
        journal.slim(1)
    once = file_of(folder, 1).stat()
    with Journal(folder) as journal:
        journal.slim(1)
        assert file_of(folder, 1).stat().st_mtime_ns == once.st_mtime_ns
        journal.add_draw(key(1, "q0"), completion(text="anew"))
        assert journal.of(1).draws == {key(1, "q0"): completion(text="anew")}


def test_what_was_drawn_before_the_first_step_stays_whole(tmp_path: Path) -> None:
    before = filled(tmp_path / "journal", step=0)
    with Journal(tmp_path / "journal") as journal:
        journal.slim(100)
        assert journal.of(0) == before


def test_a_text_that_speaks_of_token_ids_is_no_draw_that_has_any(tmp_path: Path) -> None:
    folder = tmp_path / "journal"
    with Journal(folder) as journal:
        journal.add_draw(key(), completion(text='{"token_ids": [1]}'))
        journal.slim(1)
    once = file_of(folder, 1).stat().st_mtime_ns
    Journal(folder).slim(1)
    assert file_of(folder, 1).stat().st_mtime_ns == once


def test_prompts_criteria_scores_and_guidance_are_kept_to_be_shown(tmp_path: Path) -> None:
    guided = (Message("user", "Name a river."), Message("user", "Now without commas."))
    with Journal(tmp_path / "journal") as journal:
        journal.add_item(1, ITEM)
        journal.add_draw(key(), completion())
        journal.add_draw(key(1, "q", "revision"), completion(text="Rhine"), guided)
        journal.add_grade(key(), grade(None, Verdict("c", Outcome.REFUSAL)))
    found = read(tmp_path / "journal", 1)
    assert list(Journal(tmp_path / "journal").of(1).items) == ["q"]
    assert found.items["q"]["messages"] == [{"role": "user", "content": "Name a river."}]
    assert [(each["id"], each["weight"]) for each in found.items["q"]["criteria"]] == [("c", 1.0), ("p", -2.0)]
    assert found.messages == {key(): (), key(1, "q", "revision"): guided}
    assert found.scores == {key(): None}

"""Training data: which answers become rows, which pairs, and what is said of the rest."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from made_benchmarks import item, verdict

from herl.errors import UsageError
from herl.item import Item, Message
from herl.prompts import read_prompts
from herl.rubric import Check, Criterion
from herl.training_data import (
    Answer,
    Asked,
    TrainingData,
    best_answers,
    preference_pairs,
    prompts_with_rubrics,
    write_rows,
)

A, B, C = (Criterion(name, f"It has {name}.") for name in "abc")
RUDE = Criterion("rude", "It is rude.", -1.0)
MARK = Criterion("mark", "How good it is.", scale=(1, 5), met_from=4)
TWO = item("q", A, B)


def answer(made: Item, text: str, *values: float | None, finish: Any = "stop", **changes: Any) -> Answer:
    """An answer whose criteria have these values."""
    pairs = zip(made.rubric.criteria, values, strict=True)
    grade = made.rubric.grade([verdict(criterion, value) for criterion, value in pairs])
    return Answer(**{"prompt": made.messages, "text": text, "finish_reason": finish, "grade": grade, **changes})


def asked(made: Item, *answers: Answer) -> list[Asked]:
    return [Asked(made, made.messages, answers)]


def best(made: Item, *answers: Answer, **settings: Any) -> str | None:
    """The text of the item's row."""
    rows = best_answers(asked(made, *answers), **settings).rows
    return str(rows[0]["completion"][0]["content"]) if rows else None


def pair(made: Item, *answers: Answer, **settings: Any) -> tuple[str, str] | None:
    """The chosen and the rejected text of the item's row."""
    rows = preference_pairs(asked(made, *answers), **settings).rows
    return (rows[0]["chosen"][0]["content"], rows[0]["rejected"][0]["content"]) if rows else None


def test_the_answer_that_meets_everything_is_a_row() -> None:
    half, whole = answer(TWO, "half", 1, 0), answer(TWO, "whole", 1, 1, round=2)
    assert best_answers(asked(TWO, half, whole)).rows == [
        {
            "id": "q",
            "prompt": [{"role": "user", "content": "Say q."}],
            "completion": [{"role": "assistant", "content": "whole"}],
            "score": 1.0,
        }
    ]


def test_among_equally_good_answers_it_is_the_earliest_and_then_the_shortest() -> None:
    late = answer(TWO, "late", 1, 1, round=2, tokens=1)
    long, short = answer(TWO, "long", 1, 1, round=1, tokens=9), answer(TWO, "short", 1, 1, round=1, tokens=5)
    assert best(TWO, late, long, short) == "short"
    assert best(TWO, late) == "late"


def test_a_lower_score_is_taken_on_demand_and_the_message_says_which() -> None:
    three = item("q", A, B, C)
    answers = answer(three, "one", 1, 0, 0), answer(three, "two", 1, 1, 0)
    refused = best_answers(asked(three, *answers))
    assert not refused.rows
    assert refused.items_left_out == {"no answer meets all criteria": 1}
    assert refused.advice == "--min-score 0.666 would take the best answer of those items."
    assert best(three, *answers, min_score=0.666) == "two"
    assert best(three, *answers, min_score=2 / 3) == "two"
    assert best(three, *answers, min_score=0.67) is None


@pytest.mark.parametrize("score", [float("nan"), float("inf")])
def test_a_least_score_that_is_no_number_is_refused(score: float) -> None:
    with pytest.raises(UsageError, match="--min-score"):
        best_answers([], score)


def test_all_criteria_met_means_no_pitfall_and_marks_that_are_good_enough() -> None:
    polite = item("q", A, RUDE)
    assert best(polite, answer(polite, "rude", 1, 1), answer(polite, "fine", 1, 0, round=1)) == "fine"
    marked = item("q", MARK)
    assert best(marked, answer(marked, "three", 0.5), answer(marked, "four", 0.75)) == "four"
    assert best(marked, answer(marked, "three", 0.5)) is None


def test_an_answer_that_was_cut_off_is_never_to_be_imitated() -> None:
    cut, whole = answer(TWO, "cut", 1, 1, finish="length"), answer(TWO, "whole", 1, 0)
    assert best(TWO, cut) is None
    assert best(TWO, cut, whole, min_score=0) == "whole"
    assert pair(TWO, cut, whole) is None
    assert pair(TWO, cut, answer(TWO, "none", 0, 0)) is None


def test_an_answer_that_was_cut_off_is_rejected_only_where_no_finished_one_is_as_bad() -> None:
    good, bad = answer(TWO, "good", 1, 1), answer(TWO, "bad", 0, 0, round=3)
    cut = answer(TWO, "cut", 0, 0, finish="length")
    assert pair(TWO, good, cut) == ("good", "cut")
    assert pair(TWO, good, cut, bad) == ("good", "bad")


def test_what_cannot_be_used_is_counted() -> None:
    answers = [
        answer(TWO, "good", 1, 1),
        answer(TWO, "good", 1, 1, round=1),
        answer(TWO, " \n", 0, 0),
        answer(TWO, "", 0, 0, finish="error"),
        answer(TWO, "refused", 0, 0, finish="content_filter"),
        answer(TWO, "undecided", 1, None),
        answer(TWO, "unknown", None, None),
        answer(TWO, "half \ud83d", 0, 0),
    ]
    data = preference_pairs(asked(TWO, *answers))
    assert (data.items, data.answers, data.rows) == (1, 8, [])
    assert data.answers_left_out == {
        "no answer, or a blank one": 3,
        "not fully graded": 2,
        "the same text as another": 1,
        "not valid Unicode": 1,
    }
    assert data.items_left_out == {"no finished answer with another to compare": 1}
    assert best(TWO, *answers) == "good"


def test_a_run_without_graded_answers_is_told_to_go_on() -> None:
    for data in (best_answers(asked(TWO)), preference_pairs(asked(TWO))):
        assert "its own command continues it" in data.advice
    assert best_answers(asked(TWO)).items_left_out == {"no graded answer that is finished": 1}


def test_a_run_of_nothing_that_has_a_rubric_is_not_told_to_go_on() -> None:
    assert best_answers([]).advice == preference_pairs([]).advice == ""


def test_where_each_item_has_one_answer_more_are_asked_for() -> None:
    data = preference_pairs(asked(TWO, answer(TWO, "one", 1, 0)))
    assert not data.rows and data.advice.startswith("A pair needs two answers: draw more, with --samples")


def test_a_pair_is_the_best_and_the_worst_answer() -> None:
    answers = [answer(TWO, "none", 0, 0), answer(TWO, "both", 1, 1), answer(TWO, "one", 1, 0)]
    [row] = preference_pairs(asked(TWO, *answers)).rows
    assert list(row) == ["id", "prompt", "chosen", "rejected", "margin", "score_chosen", "score_rejected"]
    assert (row["chosen"][0], row["rejected"][0]["content"]) == ({"role": "assistant", "content": "both"}, "none")
    assert (row["margin"], row["score_chosen"], row["score_rejected"]) == (1.0, 1.0, 0.0)


def test_a_pair_needs_the_margin_and_rounding_does_not_cost_it() -> None:
    ten = item("q", *(Criterion(str(number), f"It has {number}.") for number in range(10)))
    six, five = answer(ten, "six", *[1] * 6, *[0] * 4), answer(ten, "five", *[1] * 5, *[0] * 5)
    assert six.score - five.score < 0.1
    assert pair(ten, five, six, min_margin=0.1) == ("six", "five")
    data = preference_pairs(asked(ten, five, six), min_margin=0.2)
    assert (data.rows, data.items_left_out) == ([], {"no two answers differ by 0.2": 1})
    assert data.advice == "--min-margin 0.1 would take the widest margin of those items."


@pytest.mark.parametrize("margin", [0.0, -1.0, float("nan"), float("inf")])
def test_a_margin_must_be_above_zero(margin: float) -> None:
    with pytest.raises(UsageError, match="--min-margin"):
        preference_pairs([], margin)


def test_answers_that_score_alike_are_no_pair() -> None:
    data = preference_pairs(asked(TWO, answer(TWO, "one", 1, 0), answer(TWO, "other", 0, 1)))
    assert not data.rows
    assert "draw more" in data.advice


def test_a_pair_answers_one_conversation() -> None:
    first, second = ((Message("assistant", text), *TWO.messages) for text in ("Hm.", "Yes."))
    answers = [
        answer(TWO, "good", 1, 1, prompt=first),
        answer(TWO, "fair", 1, 0, prompt=first),
        answer(TWO, "poor", 0, 0, prompt=second),
    ]
    [row] = preference_pairs(asked(TWO, *answers)).rows
    assert (row["prompt"][0]["content"], row["rejected"][0]["content"]) == ("Hm.", "fair")


def test_prompts_are_read_back_with_their_rubrics(tmp_path: Path) -> None:
    checked = Criterion("x", "No commas.", 2.0, Check("punctuation:no_comma", {"n": 1}), tags=("k:v",))
    first = item("first", checked, RUDE, MARK, tags={"kind": "all"})
    later = item("later", A, follows="first")
    dialogue = (*first.messages, Message("assistant", "first"), *later.messages)
    waiting = item("waiting", A, follows="later")
    data = prompts_with_rubrics([Asked(first, first.messages), Asked(later, dialogue), Asked(waiting, None)])
    assert data.items_left_out == {"an earlier turn has no answer": 1}
    write_rows(tmp_path / "new" / "rl.jsonl", data.rows)
    alone = Item("later", dialogue, later.rubric)
    assert read_prompts(tmp_path / "new" / "rl.jsonl") == [first, alone]


def test_a_prompt_with_half_a_character_would_spoil_the_file_and_is_left_out() -> None:
    broken = Item("broken", (Message("user", "Say \ud83d."),), TWO.rubric)
    data = prompts_with_rubrics([*asked(broken), *asked(TWO)])
    assert [row["id"] for row in data.rows] == ["q"]
    assert data.items_left_out == {"not valid Unicode": 1}


HALF = "\ud83d"
TEXTS = st.one_of(st.sampled_from(["", " ", "a", "b", HALF]), st.text())
ANSWERS = st.lists(
    st.builds(
        lambda text, values, finish, number, tokens: answer(
            TWO, text, *values, finish=finish, round=number, tokens=tokens
        ),
        TEXTS,
        st.tuples(*[st.sampled_from([0.0, 0.5, 1.0, None])] * 2),
        st.sampled_from(["stop", "stop", "length", "error"]),
        st.integers(0, 3),
        st.integers(0, 9),
    ),
    max_size=6,
)


@given(ANSWERS, st.sampled_from([0.1, 0.5, 1.0]))
def test_whatever_the_answers_rows_keep_their_promises(answers: list[Answer], margin: float) -> None:
    usable = [each for each in answers if each.finish_reason != "error" and each.text.strip()]
    usable = [each for each in usable if each.grade.coverage == 1 and each.text != HALF]
    finished = {each.text for each in usable if each.finish_reason == "stop"}
    for data in (best_answers(asked(TWO, *answers), 0.0), preference_pairs(asked(TWO, *answers), margin)):
        assert len(data.rows) + data.items_left_out.total() == data.items == 1
        assert data.answers_left_out.total() <= data.answers == len(answers)
        for row in data.rows:
            good = (row.get("completion") or row["chosen"])[0]["content"]
            score = row.get("score", row.get("score_chosen"))
            assert good in finished
            assert any((each.text, each.score) == (good, score) for each in usable)
            if "rejected" in row:
                bad = row["rejected"][0]["content"]
                assert bad != good and any(each.text == bad for each in usable)
                assert row["margin"] == row["score_chosen"] - row["score_rejected"] >= margin
            assert json.loads(json.dumps(row, ensure_ascii=False).encode()) == row


def _three_files(folder: Path) -> dict[str, TrainingData]:
    """Files of each form, with all that makes columns differ from row to row."""
    checks = [Check("a:words", {"n": 3}), Check("b:words", {"n": "three", "words": ["a"]}), Check("c:nothing")]
    criteria = [Criterion(str(n), f"It has {n}.", n - 0.5, check) for n, check in enumerate(checks)]
    items = [item(f"q{n}", criterion, *([RUDE, MARK] if n else [])) for n, criterion in enumerate(criteria)]
    all_asked = []
    for each in items:
        most = [0.0 if criterion.is_pitfall else 1.0 for criterion in each.rubric.criteria]
        good, bad = answer(each, "Good. \u2028 So 😀", *most), answer(each, "Bad.", *[1 - value for value in most])
        all_asked += asked(each, good, bad)
    files = {
        "sft": best_answers(all_asked),
        "dpo": preference_pairs(all_asked),
        "rl": prompts_with_rubrics(all_asked),
    }
    for form, data in files.items():
        write_rows(folder / f"{form}.jsonl", data.rows)
    return files


def test_datasets_and_trl_take_the_files_as_they_are(tmp_path: Path) -> None:
    from datasets import load_dataset
    from transformers import AutoTokenizer
    from trl.data_utils import apply_chat_template, is_conversational

    from herl.engine.weights import find_weights
    from herl.prompts import item_of

    tokenizer = AutoTokenizer.from_pretrained(find_weights("demo").locate())
    for form, data in _three_files(tmp_path).items():
        loaded = load_dataset(
            "json", data_files=str(tmp_path / f"{form}.jsonl"), split="train", cache_dir=str(tmp_path / "cache")
        )
        assert len(loaded) == len(data.rows) == 3
        for row, original in zip(loaded, data.rows, strict=True):
            assert is_conversational(row)
            if form == "rl":
                assert item_of(row, form, "") == item_of(original, form, "")
            else:
                assert row == original
            texts = apply_chat_template(dict(row), tokenizer)
            assert texts["prompt"].endswith(f"{original['prompt'][-1]['content']}<|im_end|>\n<|im_start|>assistant\n")
            for key in {"completion", "chosen", "rejected"} & set(original):
                assert texts[key] == f"{original[key][0]['content']}<|im_end|>\n"

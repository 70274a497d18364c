"""Supervised fine-tuning, on given answers and on the best of the model's own."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from scripted_rollouts import ScriptedSampler, config, prompt, training
from tiny_models import tiny_tokenizer
from tiny_runs import go, metrics, settings, weights, write_rows

from herl.errors import UsageError
from herl.item import Message
from herl.train import sft
from herl.train.batches import Batches
from herl.train.checkpoint import Checkpoints
from herl.train.course import used_rows
from herl.train.encoding import encoded, end_token

ITEMS = [prompt(f"p{number}") for number in range(6)]


def by_number(request: Any) -> str:
    return ("nothing", "a fox", "fox and owl", "an owl and a fox")[int(request.sample)]


def test_an_answer_is_encoded_as_the_policy_would_have_written_it() -> None:
    tokenizer = tiny_tokenizer()
    asked, answer = encoded(tokenizer, [Message("user", "Name five birds.")], "List them.")
    assert tokenizer.decode(asked).endswith("<|im_end|>\n<|im_start|>assistant\n")
    assert tokenizer.decode(answer) == "List them.<|im_end|>"


def test_the_end_is_the_one_of_the_chat_template_even_where_the_tokenizer_has_another() -> None:
    tokenizer = tiny_tokenizer()
    tokenizer.eos_token = "<|endoftext|>"
    assert end_token(tokenizer) == tokenizer.convert_tokens_to_ids("<|im_end|>")
    tokenizer.chat_template = "{% for message in messages %}{{ message['content'] }}\n{% endfor %}"
    assert end_token(tokenizer) == tokenizer.convert_tokens_to_ids("<|endoftext|>")


def test_the_best_graded_answer_is_imitated_the_first_of_equal_ones_as_it_was_sampled(tmp_path: Path) -> None:
    made = training(tmp_path, ScriptedSampler(by_number), ITEMS, config(sft={"samples": 4}), method="sft")
    with made.grading, made.journal:
        course = sft.on_samples(made, ITEMS, Batches(6, 2, 0), 3)
    assert {bytes(answer) for _, answer in course.rows.values()} == {b"fox and owl"}
    assert bytes(course.rows[0][0]) == b"Tell me of p0."


def test_of_equally_good_answers_one_that_was_not_cut_off_is_imitated(tmp_path: Path) -> None:
    sampler = ScriptedSampler(by_number, ends=lambda text: "length" if text == "fox and owl" else "stop")
    made = training(tmp_path, sampler, ITEMS, config(sft={"samples": 4}), method="sft")
    with made.grading, made.journal:
        course = sft.on_samples(made, ITEMS, Batches(6, 2, 0), 3)
    assert {bytes(answer) for _, answer in course.rows.values()} == {b"an owl and a fox"}


def test_a_prompt_none_of_whose_answers_has_a_grade_is_passed_over(tmp_path: Path) -> None:
    sampler = ScriptedSampler(by_number, ends=lambda text: "error")
    made = training(tmp_path, sampler, ITEMS, config(sft={"samples": 2}), method="sft")
    with made.grading, made.journal:
        course = sft.on_samples(made, ITEMS, Batches(6, 2, 0), 3)
    assert course.rows == {} and course.step(1) == {"tokens/trained": 0, "tokens/forward": 0}


def test_only_prompts_that_the_run_comes_by_are_sampled(tmp_path: Path) -> None:
    batches = Batches(6, 2, 0)
    assert used_rows(batches, 1) == sorted(batches.of(1)) and used_rows(batches, 9) == list(range(6))
    sampler = ScriptedSampler(by_number)
    made = training(tmp_path, sampler, ITEMS, config(sft={"samples": 2}), method="sft")
    with made.grading, made.journal:
        sft.on_samples(made, ITEMS, batches, 1)
    assert {request.item_id for request in sampler.asked} == {ITEMS[index].id for index in batches.of(1)}


def test_samples_are_those_of_the_starting_model_or_none(tmp_path: Path) -> None:
    made = training(tmp_path, ScriptedSampler(by_number), ITEMS, config(sft={"samples": 2}), method="sft", version=3)
    with made.grading, made.journal, pytest.raises(UsageError, match="12 answers of the starting model"):
        sft.on_samples(made, ITEMS, Batches(6, 2, 0), 3)


def test_given_answers_become_likelier(tiny_model: Path, tmp_path: Path) -> None:
    write_rows(tmp_path)
    done = go("sft", settings(tiny_model, tmp_path, rows="sft", steps=4), tmp_path)
    losses = [row["loss"] for row in metrics(done.path)[1:]]
    assert losses[2] < losses[0] and losses[3] < losses[1]


def test_the_models_own_best_answers_are_drawn_once(tiny_model: Path, tmp_path: Path) -> None:
    write_rows(tmp_path)
    config = settings(tiny_model, tmp_path, sft={"samples": 3}, steps=2)
    done = go("sft", config, tmp_path)
    kept = (done.path / "journal" / "step-000000.jsonl").read_text()
    tokens = sum(row["usage"]["completion_tokens"] for row in draws(kept))
    assert tokens > 0 and done.result["tokens"] == tokens
    assert [row.get("tokens/generated") for row in metrics(done.path)] == [tokens, None, None]
    longer = go("sft", config.model_copy(update={"steps": 4}), tmp_path)
    assert longer.result["tokens"] == metrics(done.path)[0]["tokens/total"] == tokens
    assert (done.path / "journal" / "step-000000.jsonl").read_text() == kept
    assert weights(longer, 4) != weights(longer, 2)


def draws(journal: str) -> list[dict[str, Any]]:
    return [
        row for row in map(json.loads, journal.splitlines()) if row["kind"] == "draw" and row["purpose"] == "rollout"
    ]


def test_what_was_drawn_counts_though_nothing_is_measured_and_the_run_was_stopped(
    tiny_model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_rows(tmp_path)
    config = settings(tiny_model, tmp_path, sft={"samples": 3}, data={"held_out": None})
    with monkeypatch.context() as patched, pytest.raises(KeyboardInterrupt):
        patched.setattr(Checkpoints, "save", interrupt)
        go("sft", config, tmp_path)
    done = go("sft", config, tmp_path)
    rows = metrics(done.path)
    assert rows[0] == {"step": 0, "tokens/generated": done.result["tokens"], "tokens/total": done.result["tokens"]}
    assert done.result["tokens"] > 0 and [row["step"] for row in rows] == [0, 1, 2, 3]


def interrupt(*_: Any) -> None:
    raise KeyboardInterrupt

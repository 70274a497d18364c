"""Preference optimisation, on given pairs and on the best and the worst of the model's own answers."""

from __future__ import annotations

import math
from collections.abc import Collection
from pathlib import Path
from typing import Any

import pytest
from scripted_rollouts import prompt
from tiny_runs import go, metrics, settings, weights, write_rows

from herl.errors import HerlError
from herl.item import Completion
from herl.rubric import Grade
from herl.train.dpo import extremes
from herl.train.experience import Group, Key, Rollout
from herl.train.policy import Policy
from herl.train.reference import Reference

ASKED = (1, 2, 3)


@pytest.fixture(autouse=True)
def rows(tmp_path: Path) -> None:
    write_rows(tmp_path)


def group(*scores: float | None, cut_off: Collection[int] = ()) -> Group:
    rollouts = [
        Rollout(
            Key(0, "p", "rollout", number),
            (),
            Completion("", "length" if number in cut_off else "stop", prompt_ids=ASKED, token_ids=(number,)),
            Grade((), score, 0, 1, 1),
            0,
        )
        for number, score in enumerate(scores)
    ]
    return Group(prompt(), tuple(rollouts))


def test_the_best_and_the_worst_answer_are_a_pair_the_first_of_equal_ones() -> None:
    assert extremes(group(0.5, 1.0, 0.0, 1.0, 0.0, None), 0.1) == ((ASKED, (1,)), (ASKED, (2,)))


def test_what_was_cut_off_is_the_better_answer_only_where_no_whole_one_is_as_good() -> None:
    assert extremes(group(1.0, 1.0, 0.0, cut_off=[0]), 0.1) == ((ASKED, (1,)), (ASKED, (2,)))
    assert extremes(group(1.0, 0.5, 0.0, cut_off=[0]), 0.1) == ((ASKED, (0,)), (ASKED, (2,)))


def test_answers_that_are_too_alike_or_undecided_are_no_pair() -> None:
    assert extremes(group(0.5, 0.55), 0.1) is None
    assert extremes(group(0.5, None), 0.1) is None
    assert extremes(group(None, None), 0.1) is None


def test_the_first_step_has_no_margin_and_later_ones_a_growing_one(tiny_model: Path, tmp_path: Path) -> None:
    config = settings(tiny_model, tmp_path, rows="dpo", steps=4, optimizer={"learning_rate": 1e-3})
    rows = metrics(go("dpo", config, tmp_path).path)
    assert rows[1]["loss"] == pytest.approx(math.log(2), abs=1e-5)
    assert rows[1]["dpo/margin"] == pytest.approx(0, abs=1e-5)
    assert rows[3]["dpo/margin"] > 0 and rows[4]["accuracy"] == 1.0


def test_a_run_that_goes_on_compares_with_the_start_and_ends_with_the_same_weights(
    tiny_model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = settings(tiny_model, tmp_path, rows="dpo", checkpoint={"every": 1})
    whole = weights(go("dpo", config, tmp_path / "whole"))
    short = config.model_copy(update={"steps": 1})
    go("dpo", short, tmp_path)
    monkeypatch.setattr(Policy, "_model_of", only_the_policy(Policy._model_of))
    with pytest.raises(AssertionError, match="a second model is loaded"):
        go("dpo", config, tmp_path)  # the further steps' pairs are new, and only the start can tell of them
    monkeypatch.undo()
    assert weights(go("dpo", config, tmp_path)) == whole


def only_the_policy(kept: Any) -> Any:
    def acts(policy: Policy, reference: bool) -> Any:
        assert not reference, "a second model is loaded"
        return kept(policy, reference)

    return acts


def test_the_reference_is_found_once_and_never_loaded(
    tiny_model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Policy, "_model_of", only_the_policy(Policy._model_of))
    config = settings(tiny_model, tmp_path, rows="dpo")
    go("dpo", config, tmp_path)
    kept = (tmp_path / "runs" / "r" / "reference.safetensors").read_bytes()
    go("dpo", config.model_copy(update={"steps": 4}), tmp_path)
    assert (tmp_path / "runs" / "r" / "reference.safetensors").read_bytes() == kept


def test_a_reference_that_cannot_be_read_is_named(tiny_model: Path, tmp_path: Path) -> None:
    path = tmp_path / "reference.safetensors"
    path.write_bytes(b"half a file")
    with Policy(settings(tiny_model, tmp_path), 1) as policy:
        reference = Reference(path, policy)
        with pytest.raises(HerlError, match=r"reference.safetensors cannot be read"):
            reference.of({0: ((ASKED, (5,)), (ASKED, (6,)))}, is_start=True)
        path.unlink()
        found = reference.of({0: ((ASKED, (5,)), (ASKED, (6, 7)))}, is_start=True)
        assert reference.of({3: ((ASKED, (5,)), (ASKED, (6, 7)))}, is_start=True) == {3: found[0]}
        assert found[0][0] != found[0][1]


def test_pairs_of_the_models_own_answers_train_it(tiny_model: Path, tmp_path: Path) -> None:
    config = settings(tiny_model, tmp_path, dpo={"samples": 3, "min_margin": 0.1})
    done = go("dpo", config, tmp_path)
    rows = metrics(done.path)
    assert sum(row.get("tokens/trained", 0) for row in rows) > 0
    assert 0 < done.result["tokens"] == rows[0]["tokens/generated"]

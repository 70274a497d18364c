"""An export is what was trained, or the run says that it is not."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from herl.errors import HerlError
from herl.train.config import Config
from herl.train.exported import check_export
from herl.train.policy import Policy


def opened(folder: Path) -> Policy:
    return Policy(Config.model_validate({"model": str(folder), "device": "cpu", "data": {"train": "x"}}), 1)


@pytest.fixture(scope="module")
def policy(tiny_model: Path) -> Policy:
    """A policy whose embeddings are its head."""
    return opened(tiny_model)


@pytest.fixture
def saved(policy: Policy, tmp_path: Path) -> Path:
    policy.save(tmp_path / "export")
    return tmp_path / "export"


def test_an_export_says_what_its_policy_says(policy: Policy, saved: Path) -> None:
    assert check_export(policy, saved) < 1e-4


def test_so_does_one_with_a_head_of_its_own(untied_model: Path, tmp_path: Path) -> None:
    with opened(untied_model) as policy:
        policy.save(tmp_path / "export")
        assert check_export(policy, tmp_path / "export") < 1e-4


def other_weights(folder: Path) -> None:
    import torch
    from safetensors.torch import load_file, save_file

    weights = load_file(folder / "model.safetensors")
    weights["model.norm.weight"] += 0.25 * torch.ones(())
    save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})


def other_template(folder: Path) -> None:
    path = folder / "chat_template.jinja"
    path.write_text("An answer: " + path.read_text())


def other_end(folder: Path) -> None:
    path = folder / "generation_config.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "eos_token_id": 17}))


def loose_head(folder: Path) -> None:
    path = folder / "config.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "tie_word_embeddings": False}))


def no_weights(folder: Path) -> None:
    (folder / "model.safetensors").unlink()


def no_tokenizer(folder: Path) -> None:
    for path in folder.glob("token*"):
        path.unlink()


def torn_weights(folder: Path) -> None:
    path = folder / "model.safetensors"
    path.write_bytes(path.read_bytes()[:-100])


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        (other_weights, "log-probability is off"),
        (other_template, "another prompt"),
        (other_end, "ends its answers"),
        (loose_head, "not tied as they were"),
        (no_weights, "cannot be loaded"),
        (no_tokenizer, "cannot be loaded"),
        (torn_weights, "cannot be loaded"),
    ],
)
def test_what_is_not_the_trained_model_is_told_from_it(
    policy: Policy, saved: Path, damage: Callable[[Path], None], said: str
) -> None:
    damage(saved)
    with pytest.raises(HerlError, match=said):
        check_export(policy, saved)

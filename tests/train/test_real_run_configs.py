"""The settings of the real run under results/train-demo say what its comparison needs."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from herl.resources import Store
from herl.train import data
from herl.train.settings import read_config

FOLDER = Path(__file__).parents[2] / "results" / "train-demo"


@pytest.fixture
def script(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """results/train-demo/train_demo.py, which finds its neighbours beside it."""
    monkeypatch.syspath_prepend(str(FOLDER))
    spec = importlib.util.spec_from_file_location("train_demo", FOLDER / "train_demo.py")
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    monkeypatch.setitem(sys.modules, "train_demo", module)
    spec.loader.exec_module(module)
    return module


def test_the_start_is_fine_tuned_on_both_forms_of_guidance(data_dir: Path) -> None:
    config = read_config("sft", FOLDER / "sft.toml")
    assert isinstance(config.data.train, str)
    few = data.load_sft(config.data.train.replace(":400:", ":8:"), Store(data_dir))
    assert {"<draft>" in row.messages[-1].content for row in few.rows} == {True, False}
    assert config.steps and config.steps * config.sft.batch_size < 400


@pytest.mark.parametrize("method", ["rlvr", "naive_he_context", "naive_he_prompt", "he", "herl"])
@pytest.mark.parametrize("form", ["full", "brief"])
def test_every_method_has_the_same_settings_but_its_own(method: str, form: Any, script: ModuleType) -> None:
    verb, own = script.METHODS[method]
    changes = [*own, *script.guidance(method, form)]
    config = read_config(verb, FOLDER / "rl.toml", changes)
    plain = read_config("rlvr", FOLDER / "rl.toml")
    assert config.model_copy(update={"hindsight": plain.hindsight}) == plain
    assert config.optimizer.schedule == "constant"  # else a run could not go on to more steps
    expected = {"rlvr": "brief", "naive_he_prompt": "draft"}.get(method, form)
    assert config.hindsight.form == expected


def test_held_out_prompts_have_new_topics_and_about_half_of_them_new_types() -> None:
    sources = read_config("rlvr", FOLDER / "rl.toml").data
    assert isinstance(sources.train, str) and sources.held_out
    train = data.load(sources.train.replace(":1000:", ":100:"), "train", Store(), judged=False)
    held_out = data.load(sources.held_out, "held-out", Store(), judged=False)
    assert not {item.tags["topic"] for item in train.rows} & {item.tags["topic"] for item in held_out.rows}
    new = [item for item in held_out.rows if item.tags["novelty"] == "type"]
    assert 20 < len(new) < 44 and len(held_out.rows) == 64


@pytest.mark.parametrize(
    ("done", "tokens", "end"),
    [(0, 0, 12), (12, 6_000, 48), (47, 23_400, 48), (48, 23_800, 48), (48, 24_300, 48), (60, 40_000, 60)],
)
def test_a_run_ends_within_half_a_step_of_its_tokens(done: int, tokens: int, end: int, script: ModuleType) -> None:
    metrics: dict[int, dict[str, int]] = {0: {}} | ({done: {"tokens/total": tokens}} if done else {})
    assert script.next_end(metrics, 24_000, 12) == end

"""A whole run that vLLM draws for: what the journal holds is not drawn again, and the policy is what was drawn from."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from tiny_models import save_tiny_model
from tiny_runs import go, metrics, settings, weights, write_rows

from herl.train.config import Config
from herl.train.journal import Journal

VLLM_OFF = 1e-3
"""How far the ratio of policy and sampler may be from 1 with vLLM in float32 on a CPU; transformers keeps to 1e-5."""


class Stop(BaseException):
    """As ctrl-C: nobody handles it."""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The data and a model of which vLLM's attention can do something on a CPU."""
    folder = tmp_path_factory.mktemp("vllm")
    write_rows(folder)
    save_tiny_model(folder / "model", hidden=128, head=32)
    return folder


@pytest.fixture(autouse=True)
def surroundings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HERL_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("VLLM_CPU_KVCACHE_SPACE", "1")


def config(folder: Path, engine: str, **changes: Any) -> Config:
    made = settings(folder / "model", folder, **changes)
    return made.model_copy(update={"rollout": made.rollout.model_copy(update={"engine": engine})})


@pytest.mark.parametrize(
    ("engine", "most_off"), [("transformers", 1e-5), pytest.param("vllm", VLLM_OFF, marks=pytest.mark.engine)]
)
def test_at_learning_rate_zero_the_ratio_stays_one(engine: str, most_off: float, folder: Path, tmp_path: Path) -> None:
    done = go("herl", config(folder, engine, optimizer={"learning_rate": 0.0}, evaluate={"every": 9}), tmp_path)
    rows = [row for row in metrics(done.path) if row.get("tokens/trained")]
    assert rows and any(row["hindsight/accepted"] for row in rows)
    for row in rows:
        for quantile in ("ratio/p01", "ratio/p50", "ratio/p99"):
            assert row[quantile] == pytest.approx(1.0, abs=most_off)


@pytest.mark.engine
def test_what_vllm_drew_before_the_run_was_stopped_is_not_drawn_again(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    chosen, keep, left = config(folder, "vllm"), Journal.add_draw, [20]
    drawn: list[Any] = []

    def keeps(journal: Journal, key: Any, *args: Any) -> None:
        if not left[0]:
            raise Stop
        left[0] -= 1
        drawn.append(key)
        keep(journal, key, *args)

    monkeypatch.setattr(Journal, "add_draw", keeps)
    with pytest.raises(Stop):
        go("herl", chosen, tmp_path)
    left[0] = 999
    before = len(drawn)
    stopped = drawn[-1].step
    done = go("herl", chosen, tmp_path)
    assert 1 < stopped <= 3 and before == 20
    assert set(Counter(drawn).values()) == {1} and len(drawn) > before
    rows = [json.loads(line) for path in (done.path / "journal").iterdir() for line in path.read_text().splitlines()]
    assert sum(row["kind"] == "draw" for row in rows) == len(drawn)
    assert [row["step"] for row in metrics(done.path)] == [0, 1, 2, 3]
    assert weights(done, 2) != weights(done, 3)

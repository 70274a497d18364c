"""metrics.jsonl has each step once, whatever was killed, resumed or computed again."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from herl.errors import UsageError
from herl.train import going, measure
from herl.train.metrics import NAMES, Metrics, Values, read_metrics
from herl.train.trackers import About, Trackers

ABOUT = About(Path(), "herl", "run", "2026", {})


class Told(Trackers):
    """Trackers that remember what they were told."""

    def __init__(self) -> None:
        super().__init__((), ABOUT, print)
        self.steps: list[tuple[int, dict[str, float]]] = []

    def log(self, step: int, values: Any) -> None:
        self.steps.append((step, dict(values)))


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "metrics.jsonl"


def row(step: int, **more: float) -> Values:
    return {"reward/mean": step / 10, "time/update": 1.5 * step, "speed/generated": 100.0, **more}


def log(path: Path, *steps: int, told: Told | None = None, **more: float) -> None:
    with Metrics(path, told or Told()) as metrics:
        for step in steps:
            metrics.log(step, row(step, **more))


def test_a_row_a_step_with_its_metrics(path: Path) -> None:
    log(path, 0, 1, 2)
    assert [json.loads(line) for line in path.read_text().splitlines()] == [{"step": n, **row(n)} for n in range(3)]
    assert read_metrics(path) == {n: row(n) for n in range(3)}


def test_what_is_not_finite_is_null_and_trackers_never_hear_of_it(path: Path) -> None:
    told = Told()
    with Metrics(path, told) as metrics:
        metrics.log(
            1, {"loss": float("nan"), "grad_norm": float("inf"), "reward/mean": 0.5, "hindsight/hit_rate": None}
        )
    assert json.loads(path.read_text()) == {
        "step": 1, "loss": None, "grad_norm": None, "reward/mean": 0.5, "hindsight/hit_rate": None
    }  # fmt: skip
    assert told.steps == [(1, {"reward/mean": 0.5})]


def test_steps_that_are_computed_again_keep_the_times_of_the_real_work(path: Path) -> None:
    log(path, 1, 2, 3)
    before = path.read_bytes()
    told = Told()
    with Metrics(path, told) as metrics:
        for step in (2, 3):
            metrics.log(step, {**row(step), "time/update": 0.0, "memory/peak": 7})
        metrics.log(4, row(4))
    assert path.read_bytes().startswith(before)
    assert list(read_metrics(path)) == [1, 2, 3, 4]
    assert [step for step, _ in told.steps] == [4]


def test_a_step_that_came_out_otherwise_takes_the_place_of_the_old_one(path: Path) -> None:
    log(path, 1, 2, 3)
    with Metrics(path, Told()) as metrics:
        metrics.log(2, row(2, loss=0.5))
        metrics.log(4, row(4))
        assert list(metrics.rows) == [1, 2, 3, 4]
    assert read_metrics(path) == {1: row(1), 2: row(2, loss=0.5), 3: row(3), 4: row(4)}
    assert path.read_text().count("\n") == 4


def test_a_step_that_was_lost_gets_back_to_its_place(path: Path) -> None:
    log(path, 1, 3)
    with Metrics(path, Told()) as metrics:
        metrics.log(2, row(2))
    assert [json.loads(line)["step"] for line in path.read_text().splitlines()] == [1, 2, 3]


def test_wherever_the_last_row_is_torn_the_run_goes_on_and_no_step_is_lost_or_doubled(path: Path) -> None:
    log(path, 1, 2, 3)
    whole = path.read_bytes()
    for length in range(whole.index(b"\n") + 1, len(whole), 11):
        path.write_bytes(whole[:length])
        log(path, 2, 3)
        assert path.read_bytes() == whole


def test_trackers_are_told_before_the_row_is_kept_so_that_a_kill_costs_them_nothing(path: Path) -> None:
    class Killed(Told):
        def log(self, step: int, values: Any) -> None:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        log(path, 1, told=Killed())
    assert read_metrics(path) == {}


def test_a_damaged_line_is_named(path: Path) -> None:
    log(path, 1, 2)
    path.write_text("{}\n" + path.read_text())
    with pytest.raises(UsageError, match="line 1 is damaged"):
        read_metrics(path)


def test_every_metric_that_is_measured_is_explained() -> None:
    sources = [Path(module.__file__ or "").read_text() for module in (measure, going)]
    measured = {name for source in sources for name in re.findall(r'"([a-z_]+/[a-z_0-9]+)"', source)}
    assert len(measured) > 15
    assert measured <= set(NAMES)

"""What of a run's folder is the run's own: all of that goes with --fresh, and nothing else."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from herl.errors import UsageError
from herl.run import Run
from herl.run_files import has_rows, is_ours

SETTINGS = {"method": "herl", "model": "demo", "seed": 0}


def write(path: Path, text: str = "x") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


def begin(runs: Path, *, fresh: bool = False, **settings: Any) -> Run:
    run = Run(runs, "r", {**SETTINGS, **settings}, fresh=fresh)
    run.begin()
    return run


def checkpoint(folder: Path) -> list[Path]:
    """A checkpoint's files, as the trainer writes them."""
    files = [write(folder / name) for name in ("model.safetensors", "config.json", "trainer/state.pt")]
    digests = {str(path.relative_to(folder)): "0" for path in files}
    return [*files, write(folder / "trainer" / "manifest.json", json.dumps({"sha256": digests}))]


def training_run(runs: Path) -> Path:
    """A run with all that training leaves, killed in the middle of saving."""
    begin(runs).close()
    path = runs / "r"
    for name in (
        "metrics.jsonl", "curves.png", "curves.svg", "summary.md", "summary.csv", "reference.safetensors",
        "journal/step-000001.jsonl", "journal/.step-000001.jsonl.7.tmp", "checkpoints/best.json",
        "checkpoints/.step-4.7.tmp/trainer/state.pt", "tensorboard/events.out.tfevents.1.host.2.0",
        "wandb/offline-run-1/files/config.yaml",
    ):  # fmt: skip
        write(path / name)
    checkpoint(path / "checkpoints" / "step-2")
    inner = Run(path / "evals", "step-2", {"model": "r/step-2", "benchmarks": ["demo"]})
    inner.begin()
    write(inner.folder("demo") / "samples.jsonl")
    inner.close()
    return path


def names(path: Path) -> list[str]:
    return sorted(str(each.relative_to(path)) for each in path.rglob("*") if each.is_file())


def test_all_that_a_training_run_keeps_is_its_own_and_goes_when_it_starts_over(tmp_path: Path) -> None:
    path = training_run(tmp_path)
    assert [entry.name for entry in path.iterdir() if not is_ours(entry)] == []
    begin(tmp_path, fresh=True).close()
    assert names(path) == [".lock", "run.json"]
    assert [each.name for each in path.iterdir() if each.is_dir()] == []


@pytest.mark.parametrize(
    "name",
    [
        "notes.txt", "journal/notes.txt", "checkpoints/notes.txt", "checkpoints/step-2/README.md",
        "checkpoints/step-2/trainer/mine.txt", "checkpoints/mine/model.safetensors", "tensorboard/notes.txt",
        "evals/mine/answers.txt", "evals/step-2/notes.txt", "data/train.jsonl",
    ],
)  # fmt: skip
def test_what_somebody_else_put_among_it_stays(tmp_path: Path, name: str) -> None:
    path = training_run(tmp_path)
    mine = write(path / name, "mine")
    begin(tmp_path, fresh=True).close()
    assert mine.read_text() == "mine"
    assert names(path) == sorted([".lock", "run.json", name])


@pytest.mark.parametrize("outside", ["../../../victim.txt", "/victim.txt", "trainer/../../../../victim.txt"])
def test_a_manifest_cannot_make_it_delete_what_lies_elsewhere(tmp_path: Path, outside: str) -> None:
    path = training_run(tmp_path / "runs")
    victim = write(tmp_path / "runs" / "victim.txt", "precious")
    name = str(victim) if outside.startswith("/") else outside
    write(path / "checkpoints" / "step-2" / "trainer" / "manifest.json", json.dumps({"sha256": {name: "0"}}))
    begin(tmp_path / "runs", fresh=True).close()
    assert victim.read_text() == "precious"


@pytest.mark.parametrize(
    "manifest", ["", "[]", '{"sha256": 7}', '{"sha256": {"": "", ".": "", "trainer": ""}}', "[" * 99_999]
)
def test_a_checkpoint_with_a_damaged_manifest_is_left_alone(tmp_path: Path, manifest: str) -> None:
    path = training_run(tmp_path)
    write(path / "checkpoints" / "step-2" / "trainer" / "manifest.json", manifest)
    begin(tmp_path, fresh=True).close()
    assert (path / "checkpoints" / "step-2" / "model.safetensors").exists()
    assert (path / "checkpoints" / "step-2" / "trainer" / "state.pt").exists()
    assert not (path / "metrics.jsonl").exists()


@pytest.mark.parametrize(
    "name", ["metrics.jsonl", "journal/step-000001.jsonl", "checkpoints/step-1/trainer/manifest.json"]
)
def test_settings_bind_from_the_first_thing_that_they_decided(tmp_path: Path, name: str) -> None:
    begin(tmp_path).close()
    begin(tmp_path, seed=1).close()  # nothing is there yet: it may be corrected
    assert not has_rows(tmp_path / "r")
    write(tmp_path / "r" / name)
    with pytest.raises(UsageError, match="seed = 1, now it is 2"):
        Run(tmp_path, "r", {**SETTINGS, "seed": 2})


@pytest.mark.parametrize("name", ["checkpoints/model/weights.bin", "journal/diary.txt", "evals/answers.txt"])
def test_a_folder_of_somebody_elses_is_no_run_whatever_it_is_called(tmp_path: Path, name: str) -> None:
    write(tmp_path / "r" / name, "mine")
    with pytest.raises(UsageError, match="is not a run"):
        Run(tmp_path, "r", SETTINGS)

"""Trackers get every metric; one that fails or is missing costs a message, never the run."""

from __future__ import annotations

import sys
import types
from pathlib import Path
from typing import Any

import pytest

from herl.errors import UsageError
from herl.train.trackers import About, Name, Trackers, check_trackers


@pytest.fixture
def about(tmp_path: Path) -> About:
    return About(tmp_path, "project", "run", "2026-11-21", {"model": "demo", "seed": 0})


class Stub(types.ModuleType):
    """Stands for the packages trackio and wandb: remembers all calls, and fails where it is told to."""

    def __init__(self, name: str, fails: str = "") -> None:
        super().__init__(name)
        self.fails = fails
        self.calls: list[tuple[str, Any]] = []
        self.__spec__ = types.SimpleNamespace(name=name)  # type: ignore[assignment]

    def _call(self, what: str, said: Any) -> None:
        self.calls.append((what, said))
        if what == self.fails:
            raise ConnectionError(f"no network for {what}\nsecond line")

    def init(self, **settings: Any) -> Stub:
        self._call("init", settings)
        return self

    def log(self, values: dict[str, float], step: int) -> None:
        self._call("log", (step, values))

    def finish(self) -> None:
        self._call("finish", None)


def stub(monkeypatch: pytest.MonkeyPatch, name: str, fails: str = "") -> Stub:
    made = Stub(name, fails)
    monkeypatch.setitem(sys.modules, name, made)
    return made


def run(about: About, *names: Name) -> list[str]:
    """Two steps of a run; what was said."""
    said: list[str] = []
    with Trackers(names, about, said.append) as trackers:
        trackers.log(1, {"reward/mean": 0.25})
        trackers.log(2, {"reward/mean": 0.5, "loss": 0.125})
    return said


def test_tensorboard_reads_back_what_was_logged(about: About) -> None:
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    assert run(about, "tensorboard") == []
    events = EventAccumulator(str(about.folder / "tensorboard")).Reload()
    assert [(event.step, event.value) for event in events.Scalars("reward/mean")] == [(1, 0.25), (2, 0.5)]
    assert [(event.step, event.value) for event in events.Scalars("loss")] == [(2, 0.125)]


def test_tensorboards_events_are_on_the_disk_after_each_step(about: About) -> None:
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    trackers = Trackers(["tensorboard"], about, print)
    trackers.log(1, {"reward/mean": 0.25})
    events = EventAccumulator(str(about.folder / "tensorboard")).Reload()
    assert [event.step for event in events.Scalars("reward/mean")] == [1]
    trackers.close()


@pytest.mark.parametrize("name", ["trackio", "wandb"])
def test_other_trackers_are_told_the_run_and_every_step(
    about: About, name: Name, monkeypatch: pytest.MonkeyPatch
) -> None:
    package = stub(monkeypatch, name)
    assert run(about, name) == []
    (begun, settings), *logged, (ended, _) = package.calls
    assert (begun, ended) == ("init", "finish")
    assert {"project": "project", "name": "run", "config": {"model": "demo", "seed": 0}}.items() <= settings.items()
    assert logged == [("log", (1, {"reward/mean": 0.25})), ("log", (2, {"reward/mean": 0.5, "loss": 0.125}))]


def test_wandb_finds_a_resumed_run_again_and_takes_one_that_starts_over_for_another(
    about: About, monkeypatch: pytest.MonkeyPatch
) -> None:
    package = stub(monkeypatch, "wandb")
    later = About(about.folder, "project", "run", "2026-11-22", about.config)
    ids = []
    for each in (about, about, later):
        run(each, "wandb")
        ids.append(next(said["id"] for what, said in reversed(package.calls) if what == "init"))
    assert ids[0] == ids[1] != ids[2]
    assert all(
        said["resume"] == "allow" and said["dir"] == str(about.folder) for w, said in package.calls if w == "init"
    )


@pytest.mark.parametrize("fails", ["init", "log", "finish"])
def test_a_tracker_that_fails_is_named_once_and_the_others_go_on(
    about: About, fails: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken, sound = stub(monkeypatch, "wandb", fails), stub(monkeypatch, "trackio")
    [message] = run(about, "wandb", "trackio")
    assert message.startswith("wandb failed") and f"no network for {fails}" in message and "second" not in message
    assert "metrics.jsonl has them all" in message
    assert [what for what, _ in broken.calls].count(fails) == 1
    assert [what for what, _ in sound.calls] == ["init", "log", "log", "finish"]


def test_a_missing_package_is_named_before_anything_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("herl.train.trackers.find_spec", lambda name: None if name == "wandb" else object())
    check_trackers(["tensorboard"])
    with pytest.raises(UsageError, match="wandb, which is not installed") as caught:
        check_trackers(["tensorboard", "wandb"])
    assert "pip install wandb" in caught.value.hint


def test_without_trackers_nothing_is_written(about: About) -> None:
    assert run(about) == []
    assert list(about.folder.iterdir()) == []

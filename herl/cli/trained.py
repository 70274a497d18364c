"""What `herl train` prints: the plan before, the outcome after."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from herl.cli.output import print_json

if TYPE_CHECKING:
    from herl.train.config import Config, Method


def finish(done: Any, *, as_json: bool) -> None:
    """Print a finished training run."""
    if as_json:
        print_json({"run": done.path.name, "path": str(done.path)})
        return
    print(done.path)


def print_plan(method: Method, config: Config, *, data_dir: Path | None, as_json: bool) -> None:
    """Print what a run would do."""

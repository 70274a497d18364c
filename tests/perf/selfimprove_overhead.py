"""What `herl self-improve` adds to its engine's time: `python tests/perf/selfimprove_overhead.py [ITEMS]`.

The demo model, loaded and warmed up before, runs the whole experiment on the `demo` benchmark with all controls:
once with an oracle, once criticising itself. The engine's time is what timing.jsonl holds (all calls of the model,
the critic's among them); everything else is the toolkit's: prompts, seeds, rows on the disk, grading, statistics,
tables and the plot. Goal: under 5 % of the engine's time.
"""

from __future__ import annotations

import os
import sys
import tempfile
import time
from pathlib import Path
from typing import Any
from unittest import mock

from herl.benchmarks import get
from herl.benchmarks.settings import Settings
from herl.engine import open_engine
from herl.engine.base import Engine, EngineOptions, Request
from herl.item import Message, Sampling
from herl.resources import Store
from herl.rows import read_rows
from herl.run import Run
from herl.selfimprove import session
from herl.selfimprove.journal import TIMING
from herl.selfimprove.settings import CONTROLS, LoopSettings


def main() -> None:
    items = int(sys.argv[1]) if len(sys.argv) > 1 else 40
    with tempfile.TemporaryDirectory() as folder:
        os.environ["HERL_CACHE"] = f"{folder}/cache"  # nothing may come from earlier runs
        engine = open_engine("demo", EngineOptions())
        list(engine.generate([Request("warm", 0, (Message("user", "Hello"),), Sampling(max_tokens=4))]))
        for critic in ("oracle", "self"):
            measure(engine, critic, items, Path(folder))
        engine.close()


def measure(engine: Engine, critic: str, items: int, folder: Path) -> None:
    choices = session.Choices(
        "demo",
        get("demo"),
        critic,
        Settings(limit=items, max_tokens=256),
        LoopSettings(controls=CONTROLS),
        critic_sampling={} if critic == "oracle" else {"max_tokens": 128},
    )
    start = time.perf_counter()
    opened = mock.patch.object(session, "open_engine", lambda *_: _Kept(engine))
    with opened, Run(folder, critic, choices.as_config()) as run:
        session.conduct(choices, run, Store(), _Silent)
    wall = time.perf_counter() - start
    rows = read_rows(folder / critic / "demo" / "timing.jsonl", TIMING)
    busy = sum(row["seconds"] for row in rows)
    tokens = sum(row["tokens"] for row in rows)
    print(
        f"{critic}: {items} items, {tokens:,} tokens, engine {busy:.1f} s, all {wall:.1f} s: "
        f"{100 * (wall - busy) / busy:.2f} % on top"
    )


class _Kept(Engine):
    """An engine that stays open."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self.model = engine.model

    @property
    def fingerprint(self) -> str:
        return self._engine.fingerprint

    def generate(self, requests: Any) -> Any:
        return self._engine.generate(requests)

    def close(self) -> None:
        pass


class _Silent:
    def __init__(self, *_: Any) -> None:
        pass

    def __enter__(self) -> _Silent:
        return self

    def __exit__(self, *_: Any) -> None:
        pass

    def advance(self, tokens: int = 0) -> None:
        pass


if __name__ == "__main__":
    main()

"""Runs of `herl self-improve`: real ones of scripted models, and results on the disk for tests of what reads them."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from copy import deepcopy
from functools import cache
from pathlib import Path
from typing import Any

from improving import Quiet, Scripted, answers_in, coin, compares, is_met, prefers, prompt_of
from made_benchmarks import work
from made_experiments import CONTROLS, about, checked, checked_items, experiment

from herl.benchmarks.base import Benchmark
from herl.benchmarks.settings import Settings
from herl.engine.base import Request
from herl.files import write_json
from herl.item import Item
from herl.resources import Store
from herl.run import Run
from herl.selfimprove.build import Cast
from herl.selfimprove.session import Choices, conduct
from herl.selfimprove.settings import LoopSettings
from herl.selfimprove.summary import summarise_experiment

HOSTILE = "\x1b[31mred\x1b[0m \x07 [bold]tag[/bold] | <b>&amp;</b> `code`"
TIMES = [
    {"arm": arm, "what": "generate", "seconds": 10.0, "tokens": 100} for arm in ("base", "loop", *CONTROLS)
]  # fmt: skip

_ASKED = re.compile(r"Say (\w+)\.")
_WORDS = ("apple", "bread", "apricot")


def says_words(request: Request) -> str:
    """A model that says some of the words that are asked for, and something hostile."""
    prompt = prompt_of(request)
    if "Say what is good and what is bad" in prompt:
        return f"Say more. {HOSTILE}"
    asked = _ASKED.search(prompt)
    assert asked
    drawn = coin(asked[1], request.sampling.seed)
    said = " and ".join(word for at, word in enumerate(_WORDS) if drawn >> 2 * at & 3)
    return f"I say {said}. {HOSTILE}"


def judges_by_chance(request: Request) -> str:
    """A critic without any judgement, which is of one mind about an answer all the same."""
    prompt = prompt_of(request)
    if compares(prompt):
        return prefers(lambda answer: coin(answer) % 5)(prompt)
    (answer,) = answers_in(prompt)
    return is_met(coin(answer) % 3 == 0)


def conducted(
    runs_dir: Path,
    name: str = "improved",
    *,
    made: Benchmark | None = None,
    critic: Callable[[Request], str] | None = None,
    **loop: Any,
) -> Path:
    """A finished experiment of a scripted model.

    Args:
        runs_dir: Where it goes.
        name: The run's.
        made: What is asked; items that ask for words by default.
        critic: Who criticises; an oracle without one.
        **loop: Of `LoopSettings`; all controls by default.

    Returns:
        Its folder.
    """
    address = "http://scripted/v1#critic"
    settings = LoopSettings(**{"rounds": 3, "controls": CONTROLS, **loop})
    choices = Choices(
        "http://scripted/v1#policy",
        made or checked(checked_items(9)),
        address if critic else "oracle",
        Settings(seed=5),
        settings,
    )
    cast = Cast(Scripted(says_words), Scripted(critic, address) if critic else None, None)
    with Run(runs_dir, name, choices.as_config()) as run:
        conduct(choices, run, Store(), Quiet, ["herl", "self-improve", "-m", "policy"], cast)
    return runs_dir / name


def result(
    made: Benchmark | None = None, items: list[Item] | None = None, *, rows: Any = None, **said: Any
) -> dict[str, Any]:
    """The result.json of an experiment in which everything happens that can.

    Args:
        made: What is asked; 30 items that ask for words by default.
        items: Its items.
        rows: Of samples.jsonl, where they are not to be drawn.
        **said: Of `About`; "settings" are those of the loop.
    """
    if made is None and rows is None and not said:
        return deepcopy(_result())
    items = items or checked_items(30)
    settings = {**LoopSettings(rounds=3, controls=CONTROLS).as_config(), **said.pop("settings", {})}
    made = made or checked(items)
    rows = experiment(made, items, seed=2) if rows is None else rows
    return summarise_experiment(work(made), rows, TIMES, about(settings=settings, **said))


@cache
def _result() -> dict[str, Any]:
    return result(rows=experiment(checked(checked_items(30)), checked_items(30), seed=2))


def write_experiment(runs_dir: Path, name: str, document: Mapping[str, Any]) -> Path:
    """A run that holds a result and nothing else.

    Returns:
        Its folder.
    """
    path = runs_dir / name
    (path / document["benchmark"]).mkdir(parents=True)
    config = {"kind": "self-improve", "benchmark": document["benchmark"], "model": "small", "seed": 5}
    record = {
        "schema": 1,
        "name": name,
        "command": ["herl", "self-improve", "-m", "small", "--prompt", "two words"],
        "config": config,
        "model": {"name": "small", "fingerprint": "f"},
        "benchmarks": {},
        "sessions": [],
    }
    write_json(path / "run.json", record)
    (path / document["benchmark"] / "result.json").write_text(json.dumps(document))
    return path

"""An experiment's result as a table for programs: one value per row."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from herl.selfimprove.trial import BASE, LOOP

_ABOUT = ("run", "model", "benchmark", "version", "critic", "accept")
_VALUE = ("arm", "round", "metric", "kind", "value", "ci_low", "ci_high", "n")
_STATE = ("complete", "notes")
_MOVES = ("improved", "unchanged", "regressed", "undecided", "took_part", "changed")
_TOKENS = ("generated", "critic", "prompt", "written")

Cells = tuple[Any, ...]
"""The cells of a row that are called `_VALUE`."""


def tidy(results: Iterable[tuple[str, Mapping[str, Any]]]) -> str:
    """The CSV of experiments. Scores and gains are 0 to 1, as on the disk.

    Args:
        results: What each run is called, and its result.json.
    """
    file = io.StringIO()
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow((*_ABOUT, *_VALUE, *_STATE))
    for run, result in results:
        about = (run, *(result[key] for key in _ABOUT[1:4]), result["critic"]["name"], result["accept"])
        state = (str(result["complete"]).lower(), "; ".join(result["notes"]))
        writer.writerows((*about, *cells, *state) for cells in _values(result))
    return file.getvalue()


def _values(result: Mapping[str, Any]) -> Iterator[Cells]:
    times = {(each["arm"], each["round"]): each for each in result["seconds"]["stages"]}
    for stage in result["stages"]:
        yield from _of_stage(stage, times[stage["arm"], stage["round"]])
    for control in result["controls"].values():
        at, against = (control["arm"], control["round"]), control["against"]
        yield (*at, result["primary"], "loop_minus_control", *_interval(against), against["n"])
        yield _plain(at, "tokens_by_loop", "multiple", against["token_ratio"], control["n"])
        yield _plain(at, "draws", "mean", control["draws"], control["n"])
    base, loop = (BASE, 0), (LOOP, result["loop"]["round"])
    for group, tags in result["by_tag"].items():
        for tag, cell in tags.items():
            yield from _of_cell(f"{group}:{tag}", cell, base, loop)
    for name in ("visible", "hidden") if result["hidden"] else ():
        yield from _of_cell(name, result["hidden"][name], base, loop)
    for stop, count in result["stops"].items():
        yield _plain(loop, stop, "stop", count, sum(result["stops"].values()))
    for name in ("truncated", "coverage"):
        for at, key in ((base, "base"), (loop, "final")):
            yield _plain(at, name, "share", result[name][key], result["loop"]["n"])


def _of_stage(stage: Mapping[str, Any], time: Mapping[str, Any]) -> Iterator[Cells]:
    at, n = (stage["arm"], stage["round"]), stage["n"]
    for name, found in stage["metrics"].items():
        yield (*at, name, "score", *_interval(found), found["n"])
    for name, found in stage["gain"].items():
        yield (*at, name, "gain", *_interval(found), found["n"])
    for name in _MOVES:
        yield _plain(at, name, "items", stage[name], n)
    for name in _TOKENS:
        yield _plain(at, name, "tokens", stage["tokens"][name], n)
    yield _plain(at, "written", "multiple", stage["tokens"]["multiple"], n)
    yield _plain(at, "engine", "seconds", time["seconds"], n)
    yield _plain(at, "engine", "multiple", time["multiple"], n)


def _of_cell(name: str, cell: Mapping[str, Any], base: tuple[str, int], loop: tuple[str, int]) -> Iterator[Cells]:
    """A part of the criteria: before, after, and what it gained."""
    yield _plain(base, name, "part", cell["base"], cell["n"])
    yield _plain(loop, name, "part", cell["final"], cell["n"])
    yield (*loop, name, "part_gain", *_interval(cell["gain"]), cell["gain"]["n"])


def _plain(at: tuple[str, int], metric: str, kind: str, value: float | None, n: int) -> Cells:
    return (*at, metric, kind, value, None, None, n)


def _interval(found: Mapping[str, Any]) -> Cells:
    return found["value"], found["ci_low"], found["ci_high"]

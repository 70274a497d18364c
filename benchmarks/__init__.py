"""The benchmarks, one room each. Naming them imports none of them."""

from __future__ import annotations

from importlib import import_module
from importlib.metadata import entry_points

from herl.benchmarks.base import Benchmark
from herl.errors import UsageError, nearest

_BUILT_IN = {"demo": "herl.benchmarks.demo", "ifeval": "herl.benchmarks.ifeval"}
_GROUP = "herl.benchmarks"


def names() -> list[str]:
    """Names of all benchmarks: ours, then those that installed packages offer, in alphabetical order."""
    return [*_BUILT_IN, *sorted(point.name for point in entry_points(group=_GROUP) if point.name not in _BUILT_IN)]


def get(name: str) -> Benchmark:
    """The benchmark of a name.

    Raises:
        UsageError: there is none (the nearest name is suggested).
    """
    if name in _BUILT_IN:
        found: Benchmark = import_module(_BUILT_IN[name]).BENCHMARK
        return found
    for point in entry_points(group=_GROUP):
        if point.name == name:
            loaded: Benchmark = point.load()
            return loaded
    raise UsageError(f"unknown benchmark '{name}'", nearest(name, names()))

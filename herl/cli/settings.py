"""What flags say, put into the settings that the API takes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from herl.errors import UsageError

if TYPE_CHECKING:
    from herl.benchmarks.settings import JudgeSettings

_JUDGE, _CRITIC, _ENGINES = "judge", "critic", ("vllm",)


@dataclass(frozen=True)
class Chosen:
    """What `--set` chose.

    Args:
        engine: Settings of vLLM.
        judge: Fields of the judge's sampling.
        critic: Fields of the critic's.
        options: Benchmark -> option -> value.
    """

    engine: dict[str, Any] = field(default_factory=dict)
    judge: dict[str, Any] = field(default_factory=dict)
    critic: dict[str, Any] = field(default_factory=dict)
    options: dict[str, dict[str, str]] = field(default_factory=dict)


def read_settings(pairs: Sequence[str] | None, *, has_critic: bool = False) -> Chosen:
    """Sort `--set OWNER.KEY=VALUE` by owner; values are JSON where they parse, else text, but for benchmarks'.

    Args:
        pairs: What was written.
        has_critic: The verb has a critic that can be set.

    Raises:
        UsageError: a pair of another form.
    """
    chosen = Chosen()
    for pair in pairs or ():
        key, equals, value = pair.partition("=")
        owner, dot, name = key.strip().partition(".")
        owner = owner.partition(":")[0]  # a split's options are its benchmark's
        if not (equals and dot and name and owner):
            critics = "critic.KEY=VALUE, " if has_critic else ""
            raise UsageError(
                f"--set {pair!r} is not understood",
                f"Write --set BENCHMARK.OPTION=VALUE, {critics}judge.KEY=VALUE or vllm.KEY=VALUE.",
            )
        if owner in _ENGINES:
            chosen.engine[name] = _value(value)
        elif owner == _JUDGE:
            chosen.judge[name] = _value(value)
        elif owner == _CRITIC and has_critic:
            chosen.critic[name] = _value(value)
        else:
            chosen.options.setdefault(owner, {})[name] = value
    return chosen


def read_judges(
    models: Sequence[str] | None,
    *,
    panel: str,
    calls: Literal["criterion", "item"] | None,
    examples: Path | None,
    allow_self: bool,
    min_coverage: float,
    prices: Sequence[str] | None,
    sampling: Mapping[str, Any],
) -> JudgeSettings:
    """The judge flags as settings.

    Raises:
        UsageError: a price or an examples file that cannot be read, or a flag about judges without a judge.
    """
    from herl.benchmarks.settings import JudgeSettings
    from herl.judge.cost import Price
    from herl.judge.examples import read_examples
    from herl.judge.panel import Panel

    if not models and (examples or prices or sampling or calls or allow_self or panel != "mean"):
        raise UsageError("settings for a judge are given, but no judge", "Name it: --judge MODEL.")
    return JudgeSettings(
        models=tuple(models or ()),
        panel=Panel(panel),
        calls=calls,
        sampling=dict(sampling),
        examples=tuple(read_examples(examples)) if examples else (),
        allow_self=allow_self,
        min_coverage=min_coverage,
        prices=tuple(Price.parse(price) for price in prices or ()),
    )


def read_controls(text: str) -> tuple[str, ...]:
    """The names of controls in "all" or a list with commas, in the order in which they run.

    Raises:
        UsageError: no control is named, or others beside "all".
    """
    from herl.selfimprove.settings import CONTROLS

    names = [name.strip() for name in text.split(",") if name.strip()]
    if not names:
        raise UsageError("--controls names no control", f"Known: all, {', '.join(CONTROLS)}.")
    if names == ["all"]:
        return CONTROLS
    if "all" in names:
        raise UsageError("--controls all names every control", "Leave the other names out.")
    return tuple(sorted(names, key=lambda name: CONTROLS.index(name) if name in CONTROLS else -1))


def _value(text: str) -> Any:
    import json

    try:
        return json.loads(text)
    except ValueError:
        return text

"""What a user decides about a run: how answers are drawn, and who judges them."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from herl.engine.address import without_secrets
from herl.errors import UsageError, nearest
from herl.item import Item, Sampling
from herl.judge.cost import Price
from herl.judge.examples import Example
from herl.judge.panel import Panel

_SAMPLING = {
    "temperature": "a number from 0",
    "top_p": "a number above 0 and at most 1",
    "top_k": "a whole number from 0",
    "max_tokens": "a whole number from 1",
}


@dataclass(frozen=True, slots=True)
class Settings:
    """What decides a run's rows, apart from the model, the data and the judges.

    Args:
        limit: Only the first N items; None for all.
        samples: Answers per item.
        temperature: 0 is greedy; None takes the benchmark's own.
        top_p: Nucleus mass, (0, 1]; None takes the benchmark's own.
        max_tokens: Longest answer in tokens; None takes the benchmark's own.
        seed: The run's seed, from 0.
        system: A system message before every conversation, "" for none.
    """

    limit: int | None = None
    samples: int = 1
    temperature: float | None = None
    top_p: float | None = None
    max_tokens: int | None = None
    seed: int = 0
    system: str = ""

    def __post_init__(self) -> None:
        if self.temperature is not None and not math.isfinite(self.temperature):
            raise UsageError(f"--temperature must be a finite number, not {self.temperature}")
        for flag, value, low in (
            ("--limit", self.limit, 1),
            ("--samples", self.samples, 1),
            ("--temperature", self.temperature, 0),
            ("--max-tokens", self.max_tokens, 1),
            ("--seed", self.seed, 0),
        ):
            if value is not None and not value >= low:
                raise UsageError(f"{flag} must be at least {low}, not {value}")
        if self.top_p is not None and not 0 < self.top_p <= 1:
            raise UsageError(f"--top-p must be above 0 and at most 1, not {self.top_p}")

    def sampling(self, protocol: Sampling, item: Item | None = None) -> Sampling:
        """How an answer is drawn: what the user says, else what the item says, else the benchmark.

        Args:
            protocol: The benchmark's.
            item: Its `facts["sampling"]` may hold fields of `Sampling` of its own.

        Returns:
            The sampling, without a seed.
        """
        own: Mapping[str, Any] = item.facts.get("sampling", {}) if item else {}
        said = {"temperature": self.temperature, "top_p": self.top_p, "max_tokens": self.max_tokens}
        given = {name: value for name, value in said.items() if value is not None}
        return replace(protocol, **{**own, **given})


@dataclass(frozen=True, slots=True)
class JudgeSettings:
    """Who judges, and how.

    Args:
        models: Model strings; several are a panel.
        panel: How a panel's verdicts become one.
        calls: One call for each "criterion" or for each "item"; None for what the benchmark's protocol says.
        sampling: Fields of `Sampling` that replace the protocol's.
        examples: Judgements labelled by people, shown to the judge.
        allow_self: A model may judge its own answers.
        min_coverage: The least share of criteria with a verdict.
        prices: What each judge's tokens cost; empty when unknown.
    """

    models: tuple[str, ...] = ()
    panel: Panel = Panel.MEAN
    calls: Literal["criterion", "item"] | None = None
    sampling: Mapping[str, Any] = field(default_factory=dict)
    examples: tuple[Example, ...] = ()
    allow_self: bool = False
    min_coverage: float = 0.95
    prices: tuple[Price, ...] = ()

    def __post_init__(self) -> None:
        if not 0 <= self.min_coverage <= 1:
            raise UsageError(f"--min-judge-coverage must be from 0 to 1, not {self.min_coverage}")
        if len(set(self.shown)) < len(self.models):
            raise UsageError("the same judge is named twice", "A panel needs different judges.")
        if self.prices and len(self.prices) not in (1, len(self.models)):
            raise UsageError(f"{len(self.prices)} prices for {len(self.models)} judges", "Give one for each, or one.")
        check_sampling("judge", self.sampling)

    @property
    def shown(self) -> tuple[str, ...]:
        """The model strings without their secrets: what files and reports call the judges."""
        return tuple(without_secrets(model.strip()) for model in self.models)

    def price_of(self, judge: int) -> Price | None:
        """What the tokens of the judge with this number cost, None when nobody said."""
        return self.prices[min(judge, len(self.prices) - 1)] if self.prices else None

    def as_config(self) -> dict[str, Any]:
        """What decides verdicts, for run.json; {} without judges."""
        if not self.models:
            return {}
        from dataclasses import asdict

        return {
            "judges": list(self.shown),
            "panel": str(self.panel),
            "judge_calls": self.calls,
            "judge_sampling": dict(self.sampling),
            "judge_examples": [asdict(example) for example in self.examples],
        }


def check_sampling(owner: str, sampling: Mapping[str, Any]) -> None:
    """Refuse what a user wrote of how a judge or a critic is sampled, where it makes no sense.

    Args:
        owner: "judge" or "critic".
        sampling: Fields of `Sampling` that replace the owner's own.

    Raises:
        UsageError: a field that does not exist, or a value that it cannot have.
    """
    for name, value in sampling.items():
        if name not in _SAMPLING:
            raise UsageError(f"{owner}s have no setting '{name}'", nearest(name, list(_SAMPLING)))
        if not _is_usable(name, value):
            raise UsageError(f"{owner}.{name} must be {_SAMPLING[name]}, not {value!r}")


def _is_usable(name: str, value: Any) -> bool:
    """Whether a field of a sampling can have a value that a user wrote."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    match name:
        case "top_p":
            return 0 < value <= 1
        case "temperature":
            return 0 <= value < math.inf
        case _:
            return isinstance(value, int) and value >= (1 if name == "max_tokens" else 0)

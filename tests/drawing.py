"""What the samplers' tests share: a config for a tiny policy, requests, and a feed that asks for more."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from herl.engine.base import Answer, Request
from herl.item import Completion, Message, Sampling
from herl.train.config import Config


def drawing_config(folder: Path, engine: str) -> Config:
    """A run in float32 on the CPU.

    Args:
        folder: The model.
        engine: Of the rollouts.
    """
    return Config.model_validate(
        {
            "model": str(folder),
            "data": {"train": "unused.jsonl"},
            "device": "cpu",
            "dtype": "float32",
            "rollout": {"engine": engine},
        }
    )


def ask(text: str, name: str, **sampling: Any) -> Request:
    """A request for 24 tokens at temperature 0.8, if nothing else is said."""
    how = {"max_tokens": 24, "temperature": 0.8, "logprobs": True, **sampling}
    return Request(name, 0, (Message("user", text),), Sampling(**how))


def shake(policy: Any) -> None:
    """Move all weights of a policy, as an update would."""
    import torch

    with torch.no_grad():
        for weight in policy.model.parameters():
            weight += 0.02 * torch.randn(weight.shape, generator=torch.Generator().manual_seed(weight.numel()))


class Exchange:
    """A feed whose later rounds of requests are ready once as many answers came as it says.

    Args:
        rounds: The requests of each round.
        after: How many answers each but the first waits for; all before it when left out.
    """

    def __init__(self, *rounds: Sequence[Request], after: Sequence[int] = ()) -> None:
        asked = [sum(map(len, rounds[:number])) for number in range(len(rounds))]
        self._rounds = list(zip([0, *after] if after else asked, rounds, strict=True))
        self.answers: dict[str, Completion] = {}

    def take(self, *, idle: bool) -> Sequence[Request]:
        ready = [request for wait, each in self._rounds if wait <= len(self.answers) for request in each]
        self._rounds = [(wait, each) for wait, each in self._rounds if wait > len(self.answers)]
        assert ready or not (idle and self._rounds), "nothing will ever be ready"
        return ready

    def put(self, answer: Answer) -> None:
        assert isinstance(answer.result, Completion)
        self.answers[answer.request.item_id] = answer.result

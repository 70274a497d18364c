"""The policy as an ordinary engine, so that whatever evaluates a model can evaluate it while it trains."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from contextlib import closing

from herl.engine.base import Answer, Engine, Request
from herl.train.sampler import Sampler


class PolicyEngine(Engine):
    """An engine that answers with a sampler, from the weights that it was last given.

    Args:
        sampler: Draws; it stays open.
        model: The policy's name, for completions' readers.
        fingerprint: Of its weights as they are now, for caches and `run.json`.
    """

    def __init__(self, sampler: Sampler, model: str, fingerprint: str) -> None:
        self.model = model
        self._sampler = sampler
        self._fingerprint = fingerprint

    @property
    def fingerprint(self) -> str:
        """What the caller said."""
        return self._fingerprint

    def generate(self, requests: Sequence[Request]) -> Generator[Answer]:
        """Answer all requests, as `Engine.generate` says."""
        fresh = [requests]
        with closing(self._sampler.draw(lambda *, idle: fresh.pop() if fresh else [])) as answers:
            yield from answers

    def close(self) -> None:
        """Nothing is held: the sampler is the caller's."""

"""Local models that share a machine: one at a time holds its memory."""

from __future__ import annotations

from collections.abc import Generator, Iterator, Sequence
from contextlib import closing, contextmanager

from herl.engine.base import Answer, Engine, Request
from herl.models import is_remote


class Turns:
    """Frees the memory of the local model that worked before, when another one is to work.

    Servers need no turns, and a model that follows itself keeps its memory.
    """

    def __init__(self) -> None:
        self._current: Engine | None = None

    @contextmanager
    def of(self, engine: Engine) -> Iterator[None]:
        """It is this model's turn."""
        if not is_remote(engine.model):
            if self._current is not None and self._current is not engine:
                self._current.close()
            self._current = engine
        yield


class InTurn(Engine):
    """An engine that takes its turn whenever it is asked.

    Args:
        engine: The model. It is not closed here.
        turns: Shared by the models that share the machine.
    """

    def __init__(self, engine: Engine, turns: Turns) -> None:
        self._engine = engine
        self._turns = turns
        self.model = engine.model
        self.knows_likelihoods = engine.knows_likelihoods

    @property
    def fingerprint(self) -> str:
        """The model's own."""
        return self._engine.fingerprint

    def generate(self, requests: Sequence[Request]) -> Generator[Answer, None, None]:
        """Answer, after other models have freed their memory."""
        with self._turns.of(self._engine), closing(self._engine.generate(requests)) as answers:
            yield from answers

    def close(self) -> None:
        """Free the model's memory."""
        self._engine.close()


def load(engine: Engine) -> None:
    """Have a local model loaded before its work is timed; a server has nothing to load."""
    for _ in engine.generate(()):
        pass

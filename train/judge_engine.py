"""A judge's engine that can tell a request that is refused for good from a server that is down."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from contextlib import closing

from herl.engine.base import Answer, Engine, Failure, Request
from herl.item import Completion

_REFUSED = (400, 413, 422)  # HTTP statuses that say that a request, not the server, is at fault


class Steadfast(Engine):
    """An engine whose refusal of one request is final once it has answered others.

    Otherwise training would wait for ever for a verdict that a server will never give.

    Args:
        engine: The judge's.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._has_answered = False
        self.model = engine.model

    @property
    def fingerprint(self) -> str:
        """What identifies the judge's answers."""
        return self._engine.fingerprint

    def generate(self, requests: Sequence[Request]) -> Generator[Answer, None, None]:
        """Ask for all requests; what is refused for good is a completion with finish_reason "error"."""
        with closing(self._engine.generate(requests)) as answers:
            for answer in answers:
                yield self._settled(answer)

    def close(self) -> None:
        """Free the engine's memory and connections."""
        self._engine.close()

    def _settled(self, answer: Answer) -> Answer:
        result = answer.result
        if isinstance(result, Completion):
            self._has_answered = True
        elif self._has_answered and isinstance(result, Failure) and result.status in _REFUSED:
            seed = answer.request.sampling.seed
            return Answer(answer.request, Completion("", "error", seed=seed, model=self.model, error=result.reason))
        return answer

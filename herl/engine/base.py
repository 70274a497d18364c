"""What every engine is: requests in, completions out in any order, each tagged with its request."""

from __future__ import annotations

from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from herl.closing import Closing
from herl.item import Completion, Message, Sampling


@dataclass(frozen=True, slots=True)
class Continuation:
    """A text that the model need not write: how likely it would be is asked.

    Args:
        messages: The conversation that it answers; with none, it is a text by itself.
        text: What follows the chat template's prompt for an answer.
    """

    messages: tuple[Message, ...]
    text: str


@dataclass(frozen=True, slots=True)
class Request:
    """One answer to draw, or likelihoods to find.

    Args:
        item_id: The item asked.
        sample: Which sample of it, from 0.
        messages: The conversation; engines apply the model's own chat template.
        sampling: How to draw, its seed included.
        continuations: With any, no answer is drawn: their likelihoods are the completion. Only an engine that
            `knows_likelihoods` may be asked.
    """

    item_id: str
    sample: int
    messages: tuple[Message, ...]
    sampling: Sampling
    continuations: tuple[Continuation, ...] = ()


@dataclass(frozen=True, slots=True)
class Failure:
    """A request that got no completion but may get one later: a dead server, a time-out.

    It is never a row and never a score: the run ends incomplete and the same command asks again.

    Args:
        reason: What happened, for people.
        status: The HTTP status that a server answered with, None where it gave none.
        wait_s: How long the server asks to wait, in seconds; None when it does not say.
    """

    reason: str
    status: int | None = field(default=None, compare=False)
    wait_s: float | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class Answer:
    """An engine's reply to one request."""

    request: Request
    result: Completion | Failure


@dataclass(frozen=True, slots=True)
class EngineOptions:
    """How to run a model, as far as the user says.

    Args:
        engine: "vllm", "transformers" or None to choose.
        device: "auto", "cpu" or "cuda".
        concurrency: Requests in flight at an HTTP server (`-j`).
        max_retries: Tries after the first at an HTTP server.
        extra: Settings handed on to the engine as they are (`--set vllm.tensor_parallel_size=2`).
    """

    engine: str | None = None
    device: str = "auto"
    concurrency: int = 16
    max_retries: int = 5
    extra: Mapping[str, Any] = field(default_factory=dict)


class Engine(Closing, Protocol):
    """A model that answers. Making one is quick: weights are loaded by the first `generate`.

    Attributes:
        model: The model's name as the user gave it.
        knows_likelihoods: Whether requests may have continuations.
    """

    model: str
    knows_likelihoods: bool = False

    @property
    def fingerprint(self) -> str:
        """What identifies the model's answers: same fingerprint, same cache entries.

        Weights, chat template, engine and dtype for a local model; address and name for a server.

        Raises:
            HerlError: a server must be asked for it and does not answer.
        """
        ...

    def generate(self, requests: Sequence[Request]) -> Generator[Answer, None, None]:
        """Answer all requests, yielding each as it finishes, in any order.

        A prompt that the model can never answer (longer than its context) is a `Completion` with
        finish_reason "error"; what may work later is a `Failure`.

        Closing the generator early drops what is unfinished; the engine can be used again.

        Raises:
            HerlError: nothing can be answered (no such server, wrong key, model cannot be loaded).
        """
        ...

    def close(self) -> None:
        """Free the model's memory, threads and connections; safe to call twice."""

"""The model that is trained: its forward pass over packed rows, its optimizer, its export."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from herl.closing import Closing

if TYPE_CHECKING:
    import torch

    from herl.train.config import Config

Sequence_ = tuple[tuple[int, ...], tuple[int, ...]]
"""(prompt ids `[prompt]`, token ids of the response `[time]`): only the response is trained."""


@dataclass(frozen=True, slots=True)
class Tokens:
    """The trained tokens of one packed forward pass.

    Args:
        logprobs: Under the policy, at the temperature asked for, with a gradient, `[trained]`.
        row: Which sequence of the batch each belongs to, `[trained]`, int64.
        time: Which token of its response each is, from 0, `[trained]`, int64.
    """

    logprobs: torch.Tensor
    row: torch.Tensor
    time: torch.Tensor


Objective = Callable[[Tokens], "torch.Tensor"]
"""A microbatch's share of the loss, a scalar: whatever it divides by is of the whole batch, so shares add up."""


@dataclass(frozen=True, slots=True)
class Update:
    """What one optimizer step did.

    Args:
        loss: The objective summed over microbatches.
        grad_norm: Before clipping.
        applied: False where loss or gradient was not finite: the step was dropped, the weights are as they were.
        tokens: Trained tokens.
        forward_tokens: Tokens that went through the model, prompts among them.
        peak_bytes: Of the memory that the update took, 0 where it cannot be told.
        learning_rate: That was used.
    """

    loss: float
    grad_norm: float
    applied: bool
    tokens: int
    forward_tokens: int
    peak_bytes: int
    learning_rate: float


class Policy(Closing):
    """A causal language model with its optimizer.

    Args:
        config: Model, number type, optimizer, LoRA.
        total_steps: Of the whole run, for the schedule.
        folder: Weights to start from instead of `config.model`'s: a checkpoint.

    Attributes:
        model: The transformers model, in training mode without dropout.
        tokenizer: Its tokenizer, with a chat template.
        context: The longest sequence in tokens.
        device: "cpu" or "cuda".
        fingerprint: Of the weights that it started from.
    """

    model: Any
    tokenizer: Any
    context: int
    device: str
    fingerprint: str

    def __init__(self, config: Config, total_steps: int, folder: Path | None = None) -> None:
        raise NotImplementedError

    def update(
        self,
        rows: Sequence[Sequence_],
        objective: Objective,
        *,
        temperature: float = 1.0,
        together: Sequence[Sequence[int]] | None = None,
    ) -> Update:
        """Forward, backward, clip, step.

        Args:
            rows: The batch.
            objective: Called once per microbatch; `Tokens.row` counts in `rows`.
            temperature: Logits are divided by it.
            together: Rows that must be in one microbatch, such as the two of a preference pair.
        """
        raise NotImplementedError

    def logprobs(
        self, rows: Sequence[Sequence_], *, temperature: float = 1.0, reference: bool = False
    ) -> list[torch.Tensor]:
        """The log-probabilities of each row's response, without a gradient, float32 on the CPU, each `[time]`.

        Args:
            rows: Any number.
            temperature: Logits are divided by it.
            reference: Under the weights that the run started from, not the present ones.
        """
        raise NotImplementedError

    def dry_run(self, longest: int) -> int:
        """Forward and backward over a row of the greatest length; nothing changes. Returns the peak memory in bytes."""
        raise NotImplementedError

    def weights(self) -> Iterator[tuple[str, torch.Tensor]]:
        """All weights by their Hugging Face names, LoRA merged, with an explicit `lm_head.weight` for tied models."""
        raise NotImplementedError

    def save(self, folder: Path) -> None:
        """Write an ordinary Hugging Face folder: weights, config, tokenizer, chat template, generation config."""
        raise NotImplementedError

    def state(self) -> dict[str, Any]:
        """Optimizer, schedule and counters, for a checkpoint; with float32 master weights or adapters among them."""
        raise NotImplementedError

    def load_state(self, state: dict[str, Any]) -> None:
        """Go on from `state`."""
        raise NotImplementedError

    def close(self) -> None:
        """Free the model's memory."""
        raise NotImplementedError

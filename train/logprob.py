"""Log-probabilities of given tokens and their gradient, from hidden states, without keeping a logit per position.

Logits are made for some positions at a time, as many as a fixed memory holds. A few of them are kept for the
backward pass; those of longer batches are made again there.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

from herl.errors import UsageError

if TYPE_CHECKING:
    import torch

CHUNK_BYTES = 256 << 20
"""Logits, in float32, that are made at once."""

KEPT_BYTES = 512 << 20
"""Logits that wait for the backward pass."""


@dataclass(frozen=True, slots=True)
class Head:
    """How a model turns hidden states into logits: `softcap(scale * (hidden @ weight.T + bias))`.

    Args:
        weight: `[vocabulary, width]`.
        bias: `[vocabulary]`.
        scale: Granite and Cohere have one.
        softcap: Logits are pressed to between minus and plus this (Gemma); 0 for none.
    """

    weight: torch.Tensor
    bias: torch.Tensor | None = None
    scale: float = 1.0
    softcap: float = 0.0


def find_head(model: Any) -> Head:
    """The head of a transformers model.

    Args:
        model: A causal language model.

    Raises:
        UsageError: its head is more than a linear layer.
    """
    from torch import nn

    layer = model.get_output_embeddings()
    if type(layer) is not nn.Linear:
        raise UsageError(
            f"{type(model).__name__} cannot be trained here: its head is a {type(layer).__name__}, not a linear layer",
            "With LoRA, leave lm_head out of lora.targets." if layer is not None else "",
        )
    config = model.config.get_text_config()
    divisor = getattr(config, "logits_scaling", None) or 1.0  # Granite's name
    scale = getattr(config, "logit_scale", None) or 1.0  # Cohere's
    softcap = getattr(config, "final_logit_softcapping", None) or 0.0  # Gemma's
    return Head(layer.weight, layer.bias, scale / divisor, softcap)


def token_logprobs(
    hidden: torch.Tensor, targets: torch.Tensor, head: Head, *, temperature: float = 1.0
) -> torch.Tensor:
    """How likely each target is, given the hidden state that predicts it.

    Args:
        hidden: Of trained positions only, `[trained, width]`.
        targets: The token that follows each, int64, `[trained]`.
        head: Makes logits of hidden states.
        temperature: Logits are divided by it.

    Returns:
        Log-probabilities in float32, with a gradient for `hidden` and the head's weight and bias, `[trained]`.
    """
    import torch

    kept_bytes = KEPT_BYTES if torch.is_grad_enabled() else 0
    made: torch.Tensor = _function().apply(hidden, head.weight, head.bias, targets, head, temperature, kept_bytes)
    return made


def _chunk_rows(head: Head) -> int:
    """How many positions' logits are made at once."""
    return max(1, CHUNK_BYTES // (4 * head.weight.shape[0]))


def _logits(hidden: torch.Tensor, head: Head, temperature: float) -> torch.Tensor:
    """Logits over the temperature in float32, `[chunk, vocabulary]`."""
    import torch

    logits = torch.nn.functional.linear(hidden, head.weight, head.bias).float()
    if head.scale != 1.0:
        logits *= head.scale
    if head.softcap:
        logits = torch.tanh(logits / head.softcap) * head.softcap
    if temperature != 1.0:
        logits /= temperature
    return logits


def _logits_gradient(
    logits: torch.Tensor, total: torch.Tensor, targets: torch.Tensor, grad: torch.Tensor, head: Head, temperature: float
) -> torch.Tensor:
    """The gradient of the head's linear output, `[chunk, vocabulary]`, made in the logits' own memory.

    With p = softmax(z / T), d log p[y] / dz = (onehot(y) - p) / T; then the softcap's slope 1 - (z / cap)² and the
    scale.
    """
    slope = 1 - (logits * (temperature / head.softcap)).square_() if head.softcap else None
    made = logits.sub_(total[:, None]).exp_().mul_(-grad[:, None])
    made.scatter_add_(1, targets[:, None], grad[:, None])
    if slope is not None:
        made *= slope
    factor = head.scale / temperature
    return made if factor == 1.0 else made.mul_(factor)


@cache
def _function() -> Any:
    """The autograd function; made when first used, because its class needs torch."""
    import torch

    class ChunkedLogprobs(torch.autograd.Function):
        @staticmethod
        def forward(
            ctx: Any,
            hidden: torch.Tensor,
            weight: torch.Tensor,
            bias: torch.Tensor | None,
            targets: torch.Tensor,
            head: Head,
            temperature: float,
            kept_bytes: int,
        ) -> torch.Tensor:
            size = _chunk_rows(head)
            logprobs = torch.empty(len(hidden), dtype=torch.float32, device=hidden.device)
            totals = torch.empty_like(logprobs)
            ctx.kept = {}
            for start in range(0, len(hidden), size):
                part = slice(start, start + size)
                logits = _logits(hidden[part], head, temperature)
                totals[part] = logits.logsumexp(1)
                logprobs[part] = logits.gather(1, targets[part, None])[:, 0] - totals[part]
                kept_bytes -= logits.nbytes
                if kept_bytes >= 0:
                    ctx.kept[start] = logits
            ctx.save_for_backward(hidden, weight, bias, targets, totals)
            ctx.head, ctx.temperature = head, temperature
            return logprobs

        @staticmethod
        def backward(ctx: Any, grad: torch.Tensor) -> tuple[torch.Tensor | None, ...]:
            hidden, weight, bias, targets, totals = ctx.saved_tensors
            head, size = ctx.head, _chunk_rows(ctx.head)
            for_hidden, for_weight, for_bias = ctx.needs_input_grad[:3]
            of_hidden = torch.empty_like(hidden) if for_hidden else None
            of_weight: torch.Tensor | None = None
            of_bias = torch.zeros_like(bias, dtype=torch.float32) if for_bias else None
            for start in range(0, len(hidden), size):
                part = slice(start, start + size)
                logits = ctx.kept.pop(start, None)
                if logits is None:
                    logits = _logits(hidden[part], head, ctx.temperature)
                made = _logits_gradient(logits, totals[part], targets[part], grad[part], head, ctx.temperature)
                if of_bias is not None:
                    of_bias += made.sum(0)
                made = made.to(weight.dtype)
                if of_hidden is not None:
                    torch.mm(made, weight, out=of_hidden[part])
                if not for_weight:
                    continue
                # Summed in float32: rounding the sum to bfloat16 again and again would add up.
                if of_weight is None:
                    of_weight = (made.T @ hidden[part]).float()
                elif of_weight.dtype == made.dtype:
                    of_weight.addmm_(made.T, hidden[part])
                else:
                    of_weight += made.T @ hidden[part]
            of_weight = None if of_weight is None else of_weight.to(weight.dtype)
            of_bias = None if of_bias is None else of_bias.to(bias.dtype)
            return of_hidden, of_weight, of_bias, None, None, None, None

    return ChunkedLogprobs

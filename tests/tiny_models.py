"""Random tiny models, whole Hugging Face folders: they load, chat and train in moments, and say nothing sensible."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from transformers import LlamaConfig

CONTEXT = 512
VOCABULARY = 400

TEXTS = (
    "Write a letter to the baker on the corner, in three lines, and do not use a comma.",
    "The answer shall have two parts, each with a title, and end with the word river.",
    "Here is a better answer: it keeps what was right and mends what was not.",
    "Name five birds that winter here. List them one by one, from small to large.",
    "Your last answer met 2 of 3 criteria. It missed this one: no capital letters.",
    "What is the sum of 17 and 25? It is 42, because 17 + 25 = 42.",
)

TEMPLATE = (
    "{% for message in messages %}<|im_start|>{{ message['role'] }}\n{{ message['content'] }}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)


def save_tiny_model(
    folder: Path, *, tied: bool = True, seed: int = 0, layers: int = 2, hidden: int = 64, head: int = 16
) -> Path:
    """Make a Llama with random weights and its tokenizer.

    Args:
        folder: Where it is written; made when it is not there.
        tied: Embeddings and head are one tensor.
        seed: Of its weights.
        layers: How many.
        hidden: Their width, a multiple of 16.
        head: Width of an attention head; vLLM's CPU attention wants 32.

    Returns:
        The folder.
    """
    tokenizer = tiny_tokenizer()
    config = tiny_config(tokenizer, tied=tied, layers=layers, hidden=hidden, head=head)
    return save_random_model(folder, tokenizer, config, seed)


def save_random_model(folder: Path, tokenizer: Any, config: LlamaConfig, seed: int) -> Path:
    """Make a Llama of any shape with random weights, and save it with its tokenizer."""
    import torch
    from transformers import GenerationConfig, LlamaForCausalLM

    with torch.random.fork_rng():
        torch.manual_seed(seed)
        model = LlamaForCausalLM(config)
    model.generation_config = GenerationConfig(
        bos_token_id=tokenizer.bos_token_id, eos_token_id=tokenizer.eos_token_id, pad_token_id=tokenizer.pad_token_id
    )
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


def tiny_config(tokenizer: Any, *, tied: bool, layers: int, hidden: int, head: int) -> LlamaConfig:
    """The shape of the model, with grouped-query attention."""
    from transformers import LlamaConfig

    return LlamaConfig(
        vocab_size=VOCABULARY,
        hidden_size=hidden,
        intermediate_size=2 * hidden,
        num_hidden_layers=layers,
        num_attention_heads=hidden // head,
        num_key_value_heads=max(1, hidden // head // 2),
        max_position_embeddings=CONTEXT,
        tie_word_embeddings=tied,
        # Large enough that two tokens differ in likelihood and a wrong mask shows.
        initializer_range=0.2,
        bos_token_id=tokenizer.bos_token_id,
        eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.pad_token_id,
    )


def tiny_tokenizer(texts: Sequence[str] = TEXTS, vocabulary: int = VOCABULARY) -> Any:
    """A byte-level BPE tokenizer of at most so many tokens with a chat template: it encodes any text."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
    from transformers import PreTrainedTokenizerFast

    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=vocabulary,
        special_tokens=["<|endoftext|>", "<|im_start|>", "<|im_end|>"],
        initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()),
        show_progress=False,
    )
    tokenizer.train_from_iterator(texts, trainer)
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        bos_token="<|im_start|>",
        eos_token="<|im_end|>",
        pad_token="<|endoftext|>",
        model_max_length=CONTEXT,
        chat_template=TEMPLATE,
        clean_up_tokenization_spaces=False,
    )

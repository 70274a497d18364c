"""Runs a model with transformers, in batches: slower than vLLM, but it works wherever torch does."""

from __future__ import annotations

import gc
from collections import defaultdict
from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar

from herl.engine.base import Answer
from herl.engine.chat import Prompt, decoded_answer
from herl.engine.likelihood import Stretch
from herl.engine.local import LocalEngine
from herl.errors import HerlError, UsageError, first_line
from herl.item import Likelihood

if TYPE_CHECKING:
    import torch

# Prompts and answers of one batch, in tokens: bounds the memory for keys and values.
_BATCH_TOKENS = 32_768

# Places whose logits one batch holds: with a vocabulary of 150,000 in float32, 1.2 GB.
_BATCH_LOGITS = 2048

_Done = TypeVar("_Done")
_Read = TypeVar("_Read", Prompt, "_Reading")


@dataclass(frozen=True, slots=True)
class _Reading:
    """What the model reads for stretches that differ in their last token only.

    Args:
        ids: Token ids, the last one left out, `[time]`.
        kept: Of how many places, at the end, logits are needed.
        asked: Number of each stretch, and the stretch.
    """

    ids: tuple[int, ...]
    kept: int
    asked: Sequence[tuple[int, Stretch]]


class TransformersEngine(LocalEngine):
    """`model.generate` over left-padded batches; `options.extra` goes to `from_pretrained`."""

    kind: ClassVar[str] = "transformers"

    _model: Any = None

    def _is_loaded(self) -> bool:
        return self._model is not None

    def _load(self, name: str) -> None:
        import torch
        from transformers import AutoModelForCausalLM, GenerationConfig

        from herl.engine.sampling import end_tokens

        dtype = getattr(torch, self._dtype)
        try:
            model = AutoModelForCausalLM.from_pretrained(name, dtype=dtype, **self._extra)
        except TypeError as error:
            if not self._extra:
                raise
            raise UsageError(f"transformers refuses a setting of {sorted(self._extra)}: {first_line(error)}") from error
        ends = end_tokens(model, self._tokenizer)
        # The model's own config may ask for sampling or penalties; only what `Sampling` says counts.
        model.generation_config = GenerationConfig(
            do_sample=False, eos_token_id=ends, pad_token_id=_pad_token(self._tokenizer, ends)
        )
        self._tokenizer.padding_side = "left"
        self._model = model.to(self._device).eval()

    def _context(self) -> int:
        config = self._model.config.get_text_config()
        return min(int(getattr(config, "max_position_embeddings", 1 << 30)), int(self._tokenizer.model_max_length))

    def _answer(self, prompts: Sequence[Prompt]) -> Generator[Answer]:
        for batch in _batches(prompts, _BATCH_TOKENS):
            yield from self._answer_batch(batch)

    def _answer_batch(self, prompts: Sequence[Prompt]) -> list[Answer]:
        return self._halving(self._run, prompts)

    def _halving(self, run: Callable[[Sequence[_Read]], list[_Done]], batch: Sequence[_Read]) -> list[_Done]:
        """Run a batch, in halves where the GPU's memory is too small for the whole."""
        import torch

        try:
            return run(batch)
        except torch.OutOfMemoryError:
            if len(batch) == 1:
                raise HerlError(
                    f"the GPU's memory is too small for {self.model} with a prompt of {len(batch[0].ids)} tokens",
                    "Lower --max-tokens, or use a smaller model.",
                ) from None
        # Outside the handler, because there the failed batch would still be alive in the traceback.
        gc.collect()
        torch.cuda.empty_cache()
        middle = len(batch) // 2
        return self._halving(run, batch[:middle]) + self._halving(run, batch[middle:])

    def _run(self, prompts: Sequence[Prompt]) -> list[Answer]:
        import torch
        from transformers import LogitsProcessorList, StoppingCriteriaList

        from herl.engine.sampling import RowEnds, SeededSampling

        samplings = [prompt.request.sampling for prompt in prompts]
        inputs = self._tokenizer.pad({"input_ids": [list(prompt.ids) for prompt in prompts]}, return_tensors="pt")
        width = inputs["input_ids"].shape[1]
        ends = RowEnds(self._tokenizer, prompts, width, set(self._model.generation_config.eos_token_id))
        draws = SeededSampling(samplings, self._device)
        with torch.inference_mode():
            sampled = self._model.generate(
                **inputs.to(self._device),
                max_new_tokens=max(prompt.max_tokens for prompt in prompts),
                logits_processor=LogitsProcessorList([draws]),
                stopping_criteria=StoppingCriteriaList([ends]),
            )
        return [
            decoded_answer(
                self._tokenizer,
                prompt,
                ids[:length],
                truncated,
                self.model,
                logprobs[:length] if prompt.request.sampling.logprobs else None,
            )
            for prompt, ids, length, truncated, logprobs in zip(
                prompts, sampled[:, width:].tolist(), ends.lengths, ends.truncated, draws.logprobs, strict=True
            )
        ]

    def _longest_stretch(self) -> int:
        return self._context() + 1  # nobody reads the last token

    def _measure(self, stretches: Sequence[Stretch]) -> Generator[tuple[int, Likelihood]]:
        # What differs in its last token only, as one-letter choices do, is read once.
        readings: defaultdict[tuple[int, ...], list[int]] = defaultdict(list)
        for at, stretch in enumerate(stretches):
            readings[stretch.ids[:-1]].append(at)
        read = [
            _Reading(ids, max(stretches[at].measured for at in places), [(at, stretches[at]) for at in places])
            for ids, places in readings.items()
        ]
        for batch in _reading_batches(read):
            yield from self._halving(self._measure_batch, batch)

    def _measure_batch(self, batch: Sequence[_Reading]) -> list[tuple[int, Likelihood]]:
        """Likelihoods from one forward pass, padded on the right: no real token sees the padding."""
        import torch

        width = max(len(reading.ids) for reading in batch)
        kept = width - min(len(reading.ids) - reading.kept for reading in batch)
        ids = torch.zeros(len(batch), width, dtype=torch.long)
        for row, reading in zip(ids, batch, strict=True):
            row[: len(reading.ids)] = torch.tensor(reading.ids)
        with torch.inference_mode():
            logits = self._model(ids.to(self._device), use_cache=False, logits_to_keep=kept).logits
            return [
                (at, _likelihood(row[: len(reading.ids) - (width - kept)], stretch))
                for row, reading in zip(logits, batch, strict=True)
                for at, stretch in reading.asked
            ]

    def close(self) -> None:
        """Free the model's memory; the next `generate` loads it again."""
        if self._model is None:
            return
        import torch

        self._model = None
        gc.collect()
        if self._device == "cuda":
            torch.cuda.empty_cache()


def _batches(prompts: Sequence[Prompt], budget: int) -> Generator[list[Prompt]]:
    """Cut prompts, longest first so that too little memory shows at once, into batches within a token budget."""
    batch: list[Prompt] = []
    width = 0
    for prompt in sorted(prompts, key=lambda prompt: len(prompt.ids) + prompt.max_tokens, reverse=True):
        width = width or len(prompt.ids) + prompt.max_tokens
        if batch and (len(batch) + 1) * width > budget:
            yield batch
            batch, width = [], len(prompt.ids) + prompt.max_tokens
        batch.append(prompt)
    if batch:
        yield batch


def _reading_batches(readings: Sequence[_Reading]) -> Generator[list[_Reading]]:
    """Cut readings, longest first, into batches within the budgets for tokens and logits, and half padding at most."""
    batch: list[_Reading] = []
    for reading in sorted(readings, key=lambda reading: len(reading.ids), reverse=True):
        rows = [*batch, reading]
        width = len(rows[0].ids)
        kept = width - min(len(each.ids) - each.kept for each in rows)
        too_large = len(rows) * width > _BATCH_TOKENS or len(rows) * kept > _BATCH_LOGITS
        if batch and (too_large or 2 * len(reading.ids) < width):
            yield batch
            rows = [reading]
        batch = rows
    if batch:
        yield batch


def _likelihood(logits: torch.Tensor, stretch: Stretch) -> Likelihood:
    """How likely a stretch's measured tokens are, from the logits `[time, vocabulary]` that end where it does."""
    import torch

    own = logits[-stretch.measured :].float()
    tokens = torch.tensor(stretch.ids[-stretch.measured :], device=own.device)
    logit = own.gather(1, tokens[:, None])[:, 0]
    logprob = (logit - own.logsumexp(1)).double().sum()
    return Likelihood(float(logprob), bool((logit >= own.amax(1)).all()))


def _pad_token(tokenizer: Any, ends: Sequence[int]) -> int:
    """The padding token, made one where the tokenizer has none: what it is does not matter, it is masked."""
    if tokenizer.pad_token_id is None:
        tokenizer.pad_token_id = ends[0] if ends else 0
    return int(tokenizer.pad_token_id)

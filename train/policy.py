"""The model that is trained: its forward pass over packed rows, its optimizer, its export."""

from __future__ import annotations

import gc
import math
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from herl.closing import Closing
from herl.engine import hardware
from herl.engine.weights import find_weights
from herl.errors import HerlError
from herl.train.memory import PeakMemory, in_use

if TYPE_CHECKING:
    import torch

    from herl.train.config import Config
    from herl.train.packing import Pack

Sequence_ = tuple[tuple[int, ...], tuple[int, ...]]
"""(prompt ids `[prompt]`, token ids of the response `[time]`): only the response is trained."""

CPU_PACK = 1024
"""The longest pack on a CPU, where a longer one takes memory and gains no speed."""


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
        peak_bytes: The most memory that was in use, weights and optimizer among it: on a GPU what torch had
            allocated, on a CPU the growth of the process since before the model was loaded.
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
        total_steps: Of the whole run, for the schedule; each makes `optimizer.updates_per_step` updates.
        folder: A checkpoint to go on from instead of `config.model`'s weights. With LoRA it is not read: base
            weights are `config.model`'s, and the adapters come with `load_state`.

    Attributes:
        model: The transformers model; it has no dropout, in whichever mode it is.
        tokenizer: Its tokenizer, with a chat template.
        context: The longest sequence in tokens.
        device: "cpu" or "cuda".
        fingerprint: Of the weights that the run started from, `config.model`'s.

    Raises:
        UsageError: there is no such model or device, or it cannot be trained here.
        HerlError: it cannot be loaded.
    """

    model: Any
    tokenizer: Any
    context: int
    device: str
    fingerprint: str

    def __init__(self, config: Config, total_steps: int, folder: Path | None = None) -> None:
        self._config = config
        self.device = hardware.pick_device(config.device)
        if self.device == "cpu":
            hardware.prepare_threads()
        self._dtype = _dtype(config.dtype, self.device)
        self._base_bytes = in_use() if self.device == "cpu" else 0
        weights = find_weights(config.model)
        self.fingerprint = weights.digest
        self._source = weights.locate()

        from herl.train.loading import add_adapters, load_model, load_tokenizer
        from herl.train.optimizer import Optimizer
        from herl.train.packable import require_packable

        self.tokenizer = load_tokenizer(config.model, self._source)
        start = self._source if folder is None or config.lora else str(folder)
        self.model = load_model(config.model, start, self._dtype, self.device)
        self._adapters = add_adapters(self.model, config.lora, config.seed) if config.lora else None
        self._reference: Any = None
        self.context = _context(self.model, self.tokenizer)
        trained = [weight for weight in self.model.parameters() if weight.requires_grad]
        self._optimizer = Optimizer(trained, config.optimizer, total_steps * config.optimizer.updates_per_step)
        self._budget = config.optimizer.tokens_per_microbatch
        if self.device == "cpu":
            self._budget = min(self._budget, CPU_PACK)
        require_packable(config.model, self)

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
            rows: The batch, with a response in one of them at least.
            objective: Called once per microbatch; `Tokens.row` counts in `rows`.
            temperature: Logits are divided by it.
            together: Rows that must be in one microbatch, such as the two of a preference pair.

        Raises:
            HerlError: a row is longer than the context, or the GPU's memory is too small.
        """
        packs = self._pack(rows, together)
        rate = self._optimizer.learning_rate
        with PeakMemory(self.device, self._base_bytes) as peak, self._without_traces():
            loss = self._accumulate(rows, packs, objective, temperature)
            norm, applied = self._optimizer.step() if math.isfinite(loss) else (math.nan, False)
        return Update(
            loss=loss,
            grad_norm=norm,
            applied=applied,
            tokens=sum(len(rows[row][1]) for pack in packs for row in pack.rows),
            forward_tokens=sum(pack.tokens for pack in packs),
            peak_bytes=peak.bytes,
            learning_rate=rate,
        )

    def logprobs(
        self, rows: Sequence[Sequence_], *, temperature: float = 1.0, reference: bool = False
    ) -> list[torch.Tensor]:
        """The log-probabilities of each row's response, without a gradient, float32 on the CPU, each `[time]`.

        Args:
            rows: Any number.
            temperature: Logits are divided by it.
            reference: Under the weights that the run started from, not the present ones.

        Raises:
            HerlError: a row is longer than the context, or the GPU's memory is too small.
        """
        import torch

        found = [torch.empty(len(response)) for _, response in rows]
        model, adapted = self._model_of(reference)
        with torch.no_grad(), adapted, self._without_traces():
            for pack in self._pack(rows, None):
                tokens = self._forward(model, rows, pack, temperature)
                logprobs, row = tokens.logprobs.cpu(), tokens.row.cpu()
                for number in pack.rows:
                    found[number] = logprobs[row == number]  # in the order of time
        return found

    def dry_run(self, longest: int) -> int:
        """Forward and backward over the largest microbatch, its rows of the greatest length; nothing changes.

        Args:
            longest: Prompt and response together, in tokens; cut to the context.

        Returns:
            The peak memory in bytes, as `Update.peak_bytes`, with what the optimizer's first step will add.

        Raises:
            HerlError: the GPU's memory is too small.
        """
        import torch

        longest = max(2, min(longest, self.context))
        rows: list[Sequence_] = [
            ((number % self._vocabulary,), (0,) * (longest - 1)) for number in range(max(1, self._budget // longest))
        ]
        packs = self._pack(rows, None)[:1]
        with PeakMemory(self.device, self._base_bytes) as peak, self._without_traces():
            moments = torch.ones(self._optimizer.missing_bytes, dtype=torch.uint8, device=self.device)
            self._accumulate(rows, packs, lambda tokens: tokens.logprobs.mean(), 1.0)
            del moments
        return peak.bytes

    def weights(self) -> Iterator[tuple[str, torch.Tensor]]:
        """All weights by their Hugging Face names, LoRA merged, with an explicit `lm_head.weight` for tied models."""
        from herl.train.loading import merged

        return merged(self.model)

    def save(self, folder: Path) -> None:
        """Write an ordinary Hugging Face folder: weights, config, tokenizer, chat template, generation config."""
        from herl.train.loading import save_model

        save_model(self.model, Path(self._source), folder)

    def state(self) -> dict[str, Any]:
        """Optimizer, schedule and counters, for a checkpoint; with float32 master weights or adapters among them.

        The tensors are the live ones: write them before the next update.
        """
        return {
            "optimizer": self._optimizer.state(),
            "adapters": self._adapters.weights() if self._adapters else None,
        }

    def load_state(self, state: dict[str, Any]) -> None:
        """Go on from `state`.

        Raises:
            HerlError: it is of another model or of other LoRA settings.
        """
        if (state["adapters"] is None) is not (self._adapters is None):
            raise HerlError("the checkpoint was made with other lora settings than the config's")
        if self._adapters:
            self._adapters.load(state["adapters"])
        self._optimizer.load_state(state["optimizer"])

    def close(self) -> None:
        """Free the model's memory."""
        if self.model is None:
            return
        self.model = self._reference = self._adapters = self._optimizer = None  # type: ignore[assignment]
        gc.collect()
        if self.device == "cuda":
            import torch

            torch.cuda.empty_cache()

    @property
    def _vocabulary(self) -> int:
        return int(self.model.get_output_embeddings().weight.shape[0])

    def _pack(self, rows: Sequence[Sequence_], together: Sequence[Sequence[int]] | None) -> Sequence[Pack]:
        from herl.train.packing import pack

        for prompt, response in rows:
            if not prompt:
                raise ValueError("a row without a prompt: nothing predicts its first token")
            if len(prompt) + len(response) > self.context:
                raise HerlError(
                    f"a row has {len(prompt) + len(response)} tokens, the model's context is {self.context}",
                    "Lower rollout.max_tokens or data.max_prompt_tokens.",
                )
        return pack(rows, self._budget, together)

    def _accumulate(
        self, rows: Sequence[Sequence_], packs: Sequence[Pack], objective: Objective, temperature: float
    ) -> float:
        """Add up losses and gradients."""
        import torch

        shares = []
        for pack in packs:
            share = objective(self._forward(self.model, rows, pack, temperature))
            if share.requires_grad:
                torch.autograd.backward(share)
            shares.append(share.detach())
        return math.fsum(map(float, shares))

    def _forward(self, model: Any, rows: Sequence[Sequence_], pack: Pack, temperature: float) -> Tokens:
        from herl.train.attention import hidden_states
        from herl.train.logprob import find_head, token_logprobs
        from herl.train.packing import lay_out

        layout = lay_out(rows, pack, self.device)
        trained = hidden_states(model, layout)[layout.sources]
        logprobs = token_logprobs(trained, layout.targets, find_head(model), temperature=temperature)
        return Tokens(logprobs, layout.row, layout.time)

    def _model_of(self, reference: bool) -> tuple[Any, Any]:
        """The model to ask, and the context in which it is to be asked."""
        if not reference:
            return self.model, nullcontext()
        if self._adapters:
            return self.model, self._adapters.wrapped.disable_adapter()
        if self._reference is None:
            from herl.train.loading import load_model

            self._reference = load_model(self._config.model, self._source, self._dtype, self.device)
        return self._reference, nullcontext()

    @contextmanager
    def _without_traces(self) -> Iterator[None]:
        """Leaves no gradient behind, whatever happens, and words the want of memory for the user."""
        import torch

        try:
            yield
        except torch.OutOfMemoryError as error:
            raise HerlError(
                f"the GPU's memory is too small for {self._config.model} with these rows",
                "Lower optimizer.tokens_per_microbatch or rollout.max_tokens, or train adapters: a [lora] section.",
            ) from error
        finally:
            self._optimizer.forget()


def _dtype(wanted: str, device: str) -> str:
    """The number type of the forward pass; float16, which older GPUs have, would need its loss scaled."""
    picked = hardware.pick_dtype(device) if wanted == "auto" else wanted
    return picked if picked in ("float32", "bfloat16") else "float32"


def _context(model: Any, tokenizer: Any) -> int:
    config = model.config.get_text_config()
    return min(int(getattr(config, "max_position_embeddings", 1 << 30)), int(tokenizer.model_max_length))

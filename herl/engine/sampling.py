"""Draws tokens so that a row's answer depends on its own seed only, in `transformers.generate` and elsewhere."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from herl.engine.chat import Prompt
from herl.item import Sampling

if TYPE_CHECKING:
    import torch


class RowDraw:
    """How one row's tokens are drawn, with a generator of its own.

    The Gumbel-max trick: with independent q ~ Exp(1), argmax(log p - log q) is an exact draw from p. So whoever
    searches greedily samples, and each row's noise comes from the row's own seed, whatever rows stand beside it.

    Args:
        sampling: Temperature, top-k, top-p and the seed.
        device: Where the logits are.
    """

    def __init__(self, sampling: Sampling, device: str) -> None:
        import torch

        self.sampling = sampling
        self.generator = torch.Generator(device).manual_seed(sampling.seed) if sampling.temperature > 0 else None


def distribution(logits: torch.Tensor, rows: Sequence[RowDraw]) -> torch.Tensor:
    """What each row's next token is drawn from, as logits; a greedy row's are left as they are.

    Args:
        logits: `[batch, vocabulary]`.
        rows: One for each.

    Returns:
        Divided by the temperature, cut to top-k and top-p, in float32, `[batch, vocabulary]`.
    """
    import torch

    scores = logits.float()
    temperatures = [row.sampling.temperature if row.generator else 1.0 for row in rows]
    if any(temperature != 1 for temperature in temperatures):
        scores = scores / torch.tensor(temperatures, device=scores.device)[:, None]
    cut = [at for at, row in enumerate(rows) if row.generator and (row.sampling.top_k > 0 or row.sampling.top_p < 1)]
    if cut:
        scores = scores.clone()
    for at in cut:
        scores[at] = warp(scores[at], rows[at].sampling)
    return scores


def perturbed(scores: torch.Tensor, rows: Sequence[RowDraw]) -> torch.Tensor:
    """Add each sampled row's noise to `distribution`; the greatest of a row is then its draw.

    Args:
        scores: `[batch, vocabulary]`.
        rows: One for each; the generators move on.
    """
    import torch

    if not any(row.generator for row in rows):
        return scores
    if scores.device.type == "cpu":
        return scores - _exponential(scores.shape, rows).log_()
    noise = torch.ones_like(scores)  # whose logarithm, nought, leaves greedy rows alone
    for own, row in zip(noise, rows, strict=True):
        if row.generator:
            own.exponential_(generator=row.generator)
    return scores - noise.log_()


def _exponential(shape: torch.Size, rows: Sequence[RowDraw]) -> torch.Tensor:
    """Exponential draws for each sampled row, 1 for greedy ones: those of `Tensor.exponential_`, bit for bit.

    That makes one draw after the other, and with them a third of what a small model's token costs; this makes the
    uniform ones so, and turns them into exponential ones at once. (`exponential_distribution` of torch's
    DistributionsHelper.h)

    Args:
        shape: (batch, vocabulary).
        rows: One for each.
    """
    import torch

    uniform = torch.empty(shape, dtype=torch.float64)
    for own, row in zip(uniform, rows, strict=True):
        if row.generator:
            own.uniform_(generator=row.generator)
        else:
            own.fill_(-math.expm1(-1))
    return uniform.neg_().log1p_().neg_().float()


def token_logprobs(scores: torch.Tensor, tokens: torch.Tensor) -> torch.Tensor:
    """How likely tokens were, under the logits that they were drawn from.

    Args:
        scores: What `distribution` gave, `[batch, vocabulary]`.
        tokens: One for each row, `[batch]`.

    Returns:
        Log-probabilities, `[batch]`.
    """
    return scores.gather(1, tokens[:, None])[:, 0] - scores.logsumexp(1)


class SeededSampling:
    """A logits processor that turns the greedy search of `generate` into draws of each row's own.

    Args:
        samplings: One per row, `[batch]`.
        device: Where the logits are.

    Attributes:
        logprobs: Of each row's tokens so far, those after its end too, `[batch, time]`; empty where nobody asked.
    """

    def __init__(self, samplings: Sequence[Sampling], device: str) -> None:
        self._rows = [RowDraw(sampling, device) for sampling in samplings]
        self._wanted = any(sampling.logprobs for sampling in samplings)
        self.logprobs: list[list[float]] = [[] for _ in samplings]

    def __call__(self, input_ids: torch.Tensor, scores: torch.Tensor) -> torch.Tensor:
        """Add each sampled row's noise.

        Args:
            input_ids: `[batch, time]`.
            scores: Logits, `[batch, vocabulary]`.

        Returns:
            Scores of which the greatest is the draw, `[batch, vocabulary]`.
        """
        chances = distribution(scores, self._rows)
        drawn = perturbed(chances, self._rows)
        if self._wanted:
            found = token_logprobs(chances, drawn.argmax(1))
            for own, logprob in zip(self.logprobs, found.tolist(), strict=True):
                own.append(logprob)
        return drawn


def warp(logits: torch.Tensor, sampling: Sampling) -> torch.Tensor:
    """Leave the top-k tokens, and of those the fewest that hold the top-p mass; the rest gets -inf.

    Args:
        logits: Of one row, divided by the temperature, `[vocabulary]`.
        sampling: `top_k` and `top_p`.
    """
    import torch

    if 0 < sampling.top_k < len(logits):
        logits = logits.masked_fill(logits < logits.topk(sampling.top_k).values[-1], -torch.inf)
    if sampling.top_p < 1:
        ordered, order = logits.sort(descending=True)
        shares = ordered.softmax(-1)
        before = shares.cumsum(-1) - shares
        logits = logits.masked_fill(
            torch.zeros_like(order, dtype=torch.bool).scatter(0, order, before >= sampling.top_p), -torch.inf
        )
    return logits


class RowEnds:
    """A stopping criterion that ends each row by its own limit, end token or stop strings, and remembers where.

    Args:
        tokenizer: Decodes answers, to look for stop strings.
        prompts: One per row, `[batch]`.
        width: Tokens of the padded prompts.
        ends: Tokens that end an answer.

    Attributes:
        lengths: Tokens of each row's answer, its end token included, `[batch]`.
        truncated: Whether the row ran into its limit, `[batch]`.
    """

    def __init__(self, tokenizer: Any, prompts: Sequence[Prompt], width: int, ends: set[int]) -> None:
        import torch

        self.lengths = [0] * len(prompts)
        self.truncated = [False] * len(prompts)
        self._tokenizer, self._prompts, self._width, self._ends = tokenizer, prompts, width, ends
        self._done = torch.zeros(len(prompts), dtype=torch.bool)

    def __call__(self, input_ids: torch.Tensor, scores: Any, **_: Any) -> torch.Tensor:
        """Which rows are done, `[batch]`, given all tokens so far, `[batch, time]`."""
        length = input_ids.shape[1] - self._width
        last = input_ids[:, -1].tolist()
        for index in (~self._done).nonzero().flatten().tolist():
            ended = last[index] in self._ends or self._has_stop(index, input_ids)
            if ended or length >= self._prompts[index].max_tokens:
                self._done[index] = True
                self.lengths[index] = length
                self.truncated[index] = not ended
        return self._done.to(input_ids.device)

    def _has_stop(self, index: int, input_ids: torch.Tensor) -> bool:
        stops = self._prompts[index].stop
        return bool(stops) and ends_with_stop(self._tokenizer, input_ids[index, self._width :].tolist(), stops)


def ends_with_stop(tokenizer: Any, ids: Sequence[int], stops: Sequence[str]) -> bool:
    """Whether an answer has just got a stop string.

    Args:
        tokenizer: Decodes it.
        ids: Its tokens so far, `[time]`.
        stops: The stop strings, at least one.
    """
    # A character is at most four tokens, so the newest stop string lies within these.
    text = tokenizer.decode(ids[-(4 * max(map(len, stops)) + 4) :])
    return any(stop in text for stop in stops)


def end_tokens(model: torch.nn.Module, tokenizer: Any) -> list[int]:
    """The tokens that end an answer: the generation config's and the tokenizer's."""
    config: Any = model.generation_config
    named = config.eos_token_id if isinstance(config.eos_token_id, list) else [config.eos_token_id]
    return sorted({token for token in [*named, tokenizer.eos_token_id] if token is not None})

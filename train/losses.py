"""The losses, as pure functions of log-probabilities: policy gradient, KL penalty, SFT and DPO.

Each takes the trained tokens (or pairs) of one microbatch and divides by something of the whole batch, so that the
shares of microbatches add up to the batch's loss, however it is cut. Shapes: `[trained]` tokens, `[pairs]`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    import torch

    from herl.train.advantage import Variant

Ratio = Literal["same_context", "behaviour", "none"]

_WIDEST = 20.0  # of a difference of log-probabilities: beyond, exp overflows in sums
_TRUNCATION = 2.0  # of an importance weight between two contexts, whose tail is long
_QUANTILES = (1, 25, 50, 75, 99)


@dataclass(frozen=True, slots=True)
class TokenStats:
    """What the policy loss saw of each token, without gradients; all `[trained]`.

    Args:
        ratio: Policy over old policy, before clipping, truncation and shaping.
        guided: It belongs to a revision.
        weight: `effective_weight`, for guided tokens; 0 for others, and where the ratio is truncated.
        clipped_low: Plain, and held at 1 - clip_low.
        clipped_high: Plain, and held at 1 + clip_high.
        dual_clipped: Plain, and held at dual_clip.
    """

    ratio: torch.Tensor
    guided: torch.Tensor
    weight: torch.Tensor
    clipped_low: torch.Tensor
    clipped_high: torch.Tensor
    dual_clipped: torch.Tensor


@dataclass(frozen=True, slots=True)
class PairStats:
    """What the DPO loss saw of each pair, without gradients; all `[pairs]`.

    Args:
        chosen: The implicit reward of the better answer: beta times its log-ratio to the reference.
        rejected: That of the worse one.
    """

    chosen: torch.Tensor
    rejected: torch.Tensor


def policy_loss(
    logprobs: torch.Tensor,
    old: torch.Tensor,
    advantages: torch.Tensor,
    guided: torch.Tensor,
    *,
    clip_low: float,
    clip_high: float,
    dual_clip: float,
    gamma: float,
    ratio: Ratio,
    denominator: float,
) -> tuple[torch.Tensor, TokenStats]:
    """The clipped surrogate for plain tokens and the shaped one for guided tokens, summed over both.

    Plain tokens (PPO, arXiv:1707.06347, with the dual clip of arXiv:1912.09729), r = pi / pi_old:
    -min(r A, clip(r, 1 - clip_low, 1 + clip_high) A), and for A < 0 never more than -dual_clip A.
    Guided tokens: -f(r) A with f(r) = r / (r + gamma), or f(r) = r where gamma is 0; no clip.

    Args:
        logprobs: Under the policy, with a gradient, `[trained]`.
        old: Under the policy that drew them, `[trained]`; for guided tokens see `ratio`.
        advantages: Each token has its answer's, `[trained]`.
        guided: Which tokens belong to a revision, bool, `[trained]`.
        clip_low: How far below 1 a plain token's ratio counts.
        clip_high: How far above 1.
        dual_clip: The greatest ratio that counts where the advantage is negative, above 1.
        gamma: Of the shaping, from 0.
        ratio: What r is for guided tokens. "same_context": pi / pi_old, both in the context that is trained.
            "behaviour": `old` is log pi_old under the hindsight that they were drawn with and `logprobs` are under
            another prompt, so r is truncated at 2. "none": pi itself, `old` is not used (LUFFY, arXiv:2504.14945).
        denominator: Of the whole batch (`denominator`).

    Returns:
        The loss, a scalar, and the tokens' statistics.
    """
    import torch

    logs = logprobs - old
    if ratio == "none":
        logs = torch.where(guided, logprobs, logs)
    raw = logs.clamp(-_WIDEST, _WIDEST).exp()

    clipped = raw.clamp(1 - clip_low, 1 + clip_high)
    surrogate = torch.minimum(raw * advantages, clipped * advantages)
    surrogate = torch.where(advantages < 0, torch.maximum(surrogate, dual_clip * advantages), surrogate)

    kept = raw.clamp(max=_TRUNCATION) if ratio == "behaviour" else raw
    shaped = kept / (kept + gamma) if gamma else kept
    loss = -torch.where(guided, shaped * advantages, surrogate).sum() / denominator

    with torch.no_grad():
        plain, worse, better = ~guided, advantages < 0, advantages > 0
        stats = TokenStats(
            ratio=raw.detach(),
            guided=guided,
            weight=torch.where(guided & (raw <= kept), effective_weight(kept, gamma), 0.0),
            clipped_low=plain & worse & (raw < 1 - clip_low),
            clipped_high=plain & better & (raw > 1 + clip_high),
            dual_clipped=plain & worse & (raw > dual_clip),
        )
    return loss, stats


def effective_weight(ratio: torch.Tensor, gamma: float) -> torch.Tensor:
    """What shaping makes of a guided token's gradient: d f(r) / d log pi = gamma r / (r + gamma)^2.

    At r = 1 that is a quarter of a plain token's with gamma = 1, and 0.083 with gamma = 0.1.

    Args:
        ratio: r, any shape.
        gamma: From 0; at 0 nothing is shaped, and the weight is r.
    """
    return gamma * ratio / (ratio + gamma) ** 2 if gamma else ratio


def k3(logprobs: torch.Tensor, reference: torch.Tensor) -> torch.Tensor:
    """The k3 estimate of KL(policy || reference) of each token: q/p - log(q/p) - 1, never negative.

    Schulman, Approximating KL divergence, 2020 (joschu.net/blog/kl-approx.html).

    Args:
        logprobs: Under the policy, with a gradient, `[trained]`.
        reference: Under the reference, `[trained]`.

    Returns:
        `[trained]`.
    """
    logs = (reference - logprobs).clamp(-_WIDEST, _WIDEST)
    return logs.exp() - logs - 1


def denominator(variant: Variant, lengths: Sequence[int], signal: Sequence[bool], max_tokens: int) -> int:
    """What the summed token losses of one update are divided by.

    Rows that are masked (abstained; truncated in DAPO) are no part of the update and are not given; rows of groups
    without signal are, though they need no forward pass.

    Args:
        variant: "grpo": all tokens, so that groups without signal count. "dr_grpo": rows times the longest that an
            answer can be, so that length has no say. "dapo": tokens of groups with signal.
        lengths: Tokens of each row's answer, `[rows]`.
        signal: Whether its group has any, `[rows]`.
        max_tokens: The longest that an answer can be.

    Returns:
        At least 1.
    """
    if variant == "dr_grpo":
        total = len(lengths) * max_tokens
    elif variant == "dapo":
        total = sum(length for length, has in zip(lengths, signal, strict=True) if has)
    else:
        total = sum(lengths)
    return max(total, 1)


def default_clip_high(variant: Variant) -> float:
    """The upper clip where none is set: 0.28 for DAPO (its "clip higher"), 0.2 otherwise."""
    return 0.28 if variant == "dapo" else 0.2


def token_summary(stats: Sequence[TokenStats]) -> dict[str, float]:
    """Metrics of one update from the statistics of its microbatches.

    Returns:
        `ratio/p01` to `ratio/p99`, `clip/low`, `clip/high` and `clip/dual` (shares) over plain tokens, where there
        are any; `guided/ratio` (median), `guided/weight` (mean) and `guided/share` (of all tokens) where there are
        guided ones.
    """
    import numpy as np

    def column(name: str) -> np.ndarray:
        return np.concatenate([getattr(each, name).cpu().numpy() for each in stats])

    if not stats:
        return {}
    guided, ratio = column("guided"), column("ratio")
    found: dict[str, float] = {}
    if not guided.all():
        for percent, value in zip(_QUANTILES, np.percentile(ratio[~guided], _QUANTILES), strict=True):
            found[f"ratio/p{percent:02d}"] = float(value)
        for name in ("clipped_low", "clipped_high", "dual_clipped"):
            short = name.replace("clipped", "").strip("_")
            found[f"clip/{short}"] = float(column(name)[~guided].mean())
    if guided.any():
        found["guided/ratio"] = float(np.median(ratio[guided]))
        found["guided/weight"] = float(column("weight")[guided].mean())
        found["guided/share"] = float(guided.mean())
    return found


def sft_loss(logprobs: torch.Tensor, denominator: float) -> torch.Tensor:
    """The negative log-likelihood of the trained tokens.

    Args:
        logprobs: Under the policy, with a gradient, `[trained]`.
        denominator: Trained tokens of the whole batch.
    """
    return -logprobs.sum() / denominator


def per_row(logprobs: torch.Tensor, row: torch.Tensor, rows: int) -> torch.Tensor:
    """Log-probabilities of whole answers: the tokens' summed by row.

    Args:
        logprobs: `[trained]`.
        row: Which row each token belongs to, int64, `[trained]`.
        rows: How many there are.

    Returns:
        `[rows]`; 0 for a row without tokens.
    """
    return logprobs.new_zeros(rows).index_add(0, row, logprobs)


def dpo_loss(
    chosen: torch.Tensor,
    rejected: torch.Tensor,
    chosen_reference: torch.Tensor,
    rejected_reference: torch.Tensor,
    *,
    beta: float,
    denominator: float,
) -> tuple[torch.Tensor, PairStats]:
    """Direct preference optimisation (arXiv:2305.18290): -log sigmoid(beta (log-ratio chosen - log-ratio rejected)).

    Args:
        chosen: Log-probability of the whole better answer under the policy, with a gradient, `[pairs]`.
        rejected: Of the worse one, with a gradient, `[pairs]`.
        chosen_reference: The better one's under the reference, `[pairs]`.
        rejected_reference: The worse one's under the reference, `[pairs]`.
        beta: How closely the policy is held to the reference.
        denominator: Pairs of the whole batch.

    Returns:
        The loss, a scalar, and the pairs' statistics.
    """
    from torch.nn.functional import logsigmoid

    better = beta * (chosen - chosen_reference)
    worse = beta * (rejected - rejected_reference)
    return -logsigmoid(better - worse).sum() / denominator, PairStats(better.detach(), worse.detach())


def pair_summary(stats: Sequence[PairStats]) -> dict[str, float]:
    """Metrics of one update from the statistics of its microbatches.

    Returns:
        `dpo/margin` (mean implicit reward of the better answer over the worse one's), `dpo/accuracy` (share of
        pairs with a margin above 0), `dpo/chosen` and `dpo/rejected` (mean implicit rewards).
    """
    import torch

    if not stats:
        return {}
    better = torch.cat([each.chosen for each in stats]).cpu()
    worse = torch.cat([each.rejected for each in stats]).cpu()
    margin = better - worse
    return {
        "dpo/margin": float(margin.mean()),
        "dpo/accuracy": float((margin > 0).float().mean()),
        "dpo/chosen": float(better.mean()),
        "dpo/rejected": float(worse.mean()),
    }

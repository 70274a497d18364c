"""From rows with advantages to updates of the policy: the policy-gradient objective over packed tokens."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import chain, pairwise
from typing import TYPE_CHECKING

from herl.train.config import Config
from herl.train.experience import Row
from herl.train.losses import TokenStats, default_clip_high, denominator, k3, policy_loss, token_summary
from herl.train.policy import Policy, Sequence_, Tokens, Update

if TYPE_CHECKING:
    import torch

_QUANTILES = (1, 50, 99)


@dataclass(frozen=True, slots=True)
class Improvement:
    """What a step's updates did.

    Args:
        updates: One for each minibatch with a signal; none where nothing could be learnt.
        metrics: What the losses saw, over all of them.
    """

    updates: Sequence[Update]
    metrics: dict[str, float]


def improve(policy: Policy, groups: Sequence[Sequence[Row]], config: Config) -> Improvement:
    """Update the policy on a step's experience.

    With one update the old policy is the policy itself, so its log-probabilities cost no forward pass; with more, one
    pass before the first gives them for the later ones, in the very rows and packs that are trained.

    Args:
        policy: Is trained.
        groups: The rows of each prompt; rows whose advantage is 0 count in the denominator and cost nothing else.
        config: Loss, optimizer.

    Returns:
        What happened. Minibatches without a signal make no update.
    """
    batches = [Minibatch(part, config) for part in minibatches(groups, config.optimizer.updates_per_step)]
    batches = [batch for batch in batches if batch.has_signal]
    for number, batch in enumerate(batches):
        batch.look_back(policy, is_first=number == 0)
    updates = [batch.update(policy) for batch in batches]
    return Improvement(updates, summary(batches))


def minibatches(groups: Sequence[Sequence[Row]], parts: int) -> list[Sequence[Sequence[Row]]]:
    """A step's groups, in their order, in as many parts of about equal size; at most as many as there are groups."""
    parts = min(parts, len(groups))
    cuts = [len(groups) * part // parts for part in range(parts + 1)] if parts else []
    return [groups[start:end] for start, end in pairwise(cuts)]


@dataclass
class Minibatch:
    """The rows of one update.

    Args:
        groups: The rows of each prompt.
        config: Loss, and how answers were drawn.

    Attributes:
        rows: Those that need a forward pass.
        stats: Of the trained tokens, one for each microbatch so far.
        drifts: Log-probability under the policy less what the sampler said when it drew them, likewise.
        penalties: Estimates of the divergence from the starting weights, likewise, where it has a coefficient.
    """

    groups: Sequence[Sequence[Row]]
    config: Config
    rows: list[Row] = field(init=False)
    stats: list[TokenStats] = field(init=False, default_factory=list)
    drifts: list[torch.Tensor] = field(init=False, default_factory=list)
    penalties: list[torch.Tensor] = field(init=False, default_factory=list)
    _columns: dict[str, torch.Tensor] = field(init=False, default_factory=dict)

    def __post_init__(self) -> None:
        everything = list(chain.from_iterable(self.groups))
        signal = [any(row.advantage for row in group) for group in self.groups for _ in group]
        self.has_signal = any(signal)
        self.rows = [row for row in everything if row.advantage or self.config.loss.kl]
        self._denominator = denominator(
            self.config.loss.variant, [len(row.token_ids) for row in everything], signal, self._longest
        )

    def look_back(self, policy: Policy, *, is_first: bool) -> None:
        """Find what the loss compares with, while the policy is still the old one.

        Args:
            policy: Before any update of the step.
            is_first: This is the step's first update, so that its old policy is the one that is updated.
        """
        rows, temperature = self._sequences(), self.config.rollout.temperature
        columns: dict[str, Sequence[torch.Tensor]] = {}
        if not is_first:
            columns["old"] = policy.logprobs(rows, temperature=temperature)
        if self.config.hindsight.ratio == "behaviour" and any(row.guided for row in self.rows):
            columns["behaviour"] = self._when_drawn(policy)
        if self.config.loss.kl:
            columns["reference"] = policy.logprobs(rows, temperature=temperature, reference=True)
        self._columns = {name: _joined(column) for name, column in columns.items()} | self._constants()

    def update(self, policy: Policy) -> Update:
        """One optimizer step on the rows."""
        return policy.update(self._sequences(), self.objective, temperature=self.config.rollout.temperature)

    def objective(self, tokens: Tokens) -> torch.Tensor:
        """A microbatch's share of the loss, a scalar."""
        import torch

        loss = self.config.loss
        guided = self._of(tokens, "guided").bool()
        old = self._of(tokens, "old") if "old" in self._columns else tokens.logprobs.detach()
        if "behaviour" in self._columns:
            old = torch.where(guided, self._of(tokens, "behaviour"), old)
        share, stats = policy_loss(
            tokens.logprobs,
            old,
            self._of(tokens, "advantage"),
            guided,
            clip_low=loss.clip_low,
            clip_high=loss.clip_high or default_clip_high(loss.variant),
            dual_clip=loss.dual_clip,
            gamma=self.config.hindsight.gamma,
            ratio=self.config.hindsight.ratio,
            denominator=self._denominator,
        )
        self.stats.append(stats)
        drift = (tokens.logprobs.detach() - self._of(tokens, "sampled")).float()
        self.drifts.append(drift[drift.isfinite()])
        if loss.kl:
            penalty = k3(tokens.logprobs, self._of(tokens, "reference"))
            self.penalties.append(penalty.detach())
            share = share + loss.kl * penalty.sum() / self._denominator
        return share

    @property
    def _longest(self) -> int:
        return max(self.config.rollout.max_tokens, self.config.hindsight.max_tokens or 0)

    def _when_drawn(self, policy: Policy) -> list[torch.Tensor]:
        """Log-probabilities of revisions as they were drawn: under their own prompt and at their own temperature.

        `[time]` each; zeros, which nobody reads, for other rows.
        """
        import torch

        guided = [(row.behaviour_ids or row.prompt_ids, row.token_ids) for row in self.rows if row.guided]
        found = iter(policy.logprobs(guided, temperature=self.config.hindsight.temperature))
        return [next(found) if row.guided else torch.zeros(len(row.token_ids)) for row in self.rows]

    def _sequences(self) -> list[Sequence_]:
        return [(row.prompt_ids, row.token_ids) for row in self.rows]

    def _constants(self) -> dict[str, torch.Tensor]:
        """What is known of each token without the policy, `[all tokens]` each, row by row."""
        import torch

        lengths = torch.tensor([len(row.token_ids) for row in self.rows])
        # What was drawn under another prompt has no log-probability to compare with.
        unknown = [float("nan")]
        sampled = [
            list(row.sampled_logprobs)
            if row.sampled_logprobs is not None and row.behaviour_ids is None
            else unknown * len(row.token_ids)
            for row in self.rows
        ]
        return {
            "start": lengths.cumsum(0) - lengths,
            "advantage": torch.tensor([row.advantage for row in self.rows]).repeat_interleave(lengths),
            "guided": torch.tensor([float(row.guided) for row in self.rows]).repeat_interleave(lengths),
            "sampled": torch.tensor(list(chain.from_iterable(sampled))),
        }

    def _of(self, tokens: Tokens, name: str) -> torch.Tensor:
        """A column's values for a microbatch's tokens, `[trained]`."""
        start = self._column("start", tokens)[tokens.row]
        return self._column(name, tokens)[start + tokens.time]

    def _column(self, name: str, tokens: Tokens) -> torch.Tensor:
        self._columns[name] = self._columns[name].to(tokens.row.device)  # moved once
        return self._columns[name]


def summary(batches: Sequence[Minibatch]) -> dict[str, float]:
    """What the losses of a step saw, by the names of `metrics.NAMES`."""
    import numpy as np
    import torch

    seen = token_summary([each for batch in batches for each in batch.stats])
    found: dict[str, float] = {name: seen[name] for name in ("guided/weight", "guided/share") if name in seen}
    if clips := [value for name, value in seen.items() if name.startswith("clip/")]:
        found["clip/share"] = sum(clips)
    drifts = [each for batch in batches for each in batch.drifts]
    if any(len(each) for each in drifts):
        quantiles = np.exp(np.percentile(torch.cat(drifts).cpu().numpy(), _QUANTILES))
        found |= {f"ratio/p{name:02d}": float(value) for name, value in zip(_QUANTILES, quantiles, strict=True)}
    if penalties := [each for batch in batches for each in batch.penalties]:
        found["kl"] = float(torch.cat(penalties).mean())
    return found


def _joined(column: Sequence[torch.Tensor]) -> torch.Tensor:
    import torch

    return torch.cat(list(column)) if column else torch.zeros(0)

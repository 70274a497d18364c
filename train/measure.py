"""What a step came to, in numbers (`metrics.NAMES` says what each one is)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from statistics import fmean

from herl.train.config import Config
from herl.train.experience import Group, Rollout
from herl.train.loop import Experience
from herl.train.policy import Update

Numbers = dict[str, float | int | None]


def of_experience(experience: Experience, config: Config, *, revises: bool) -> Numbers:
    """The numbers of a step of RLVR or HeRL, without its times.

    Args:
        experience: What came of it.
        config: The settings.
        revises: Failures are revised.
    """
    groups, rows = experience.groups, experience.rows
    plain = [rollout for group in groups for rollout in group.rollouts]
    revisions = [revision for group in groups for revision in group.revisions if revision.is_drawn]
    trained = [member.reward for members in experience.members for member in members if member.reward is not None]
    drawn = [*plain, *revisions]
    return {
        "reward/mean": _mean(rollout.score for rollout in plain),
        "reward/solved": _mean(_is_solved(group.rollouts, config) for group in groups),
        "reward/trained": _mean(trained),
        "abstained": _mean(rollout.score is None for rollout in drawn),
        "truncated": _mean(rollout.completion.finish_reason == "length" for rollout in plain),
        "length/mean": _mean(rollout.completion.usage.completion_tokens for rollout in plain),
        **(_of_hindsight(experience) if revises else {}),
        "groups/with_signal": _mean(any(row.advantage for row in group) for group in rows),
        "tokens/generated": sum(rollout.completion.usage.completion_tokens for rollout in drawn),
        **of_updates(experience.improvement.updates),
        **experience.improvement.metrics,
    }


def of_updates(updates: Sequence[Update]) -> Numbers:
    """What the optimizer did, over a step's updates; nothing but counts where there was none."""
    found: Numbers = {
        "tokens/trained": sum(update.tokens for update in updates),
        "tokens/forward": sum(update.forward_tokens for update in updates),
    }
    if updates:
        found |= {
            "loss": fmean(update.loss for update in updates),
            "grad_norm": fmean(update.grad_norm for update in updates),
            "learning_rate": updates[-1].learning_rate,
            "update/dropped": int(not all(update.applied for update in updates)),
            "memory/peak": max(update.peak_bytes for update in updates),
        }
    return found


def of_held_out(answers: Sequence[Rollout], config: Config) -> Numbers:
    """The numbers of the held-out prompts' answers."""
    return {
        "held_out/score": _mean(answer.score for answer in answers),
        "held_out/solved": _mean(_is_solved([answer], config) for answer in answers),
        "held_out/truncated": _mean(answer.completion.finish_reason == "length" for answer in answers),
        "held_out/abstained": _mean(answer.score is None for answer in answers),
    }


def of_clocks(seconds: Mapping[str, float], fresh_tokens: int, forward_tokens: int) -> Numbers:
    """Times, and speeds where they mean something.

    Args:
        seconds: Phase -> seconds.
        fresh_tokens: Drawn by the sampler in this step.
        forward_tokens: That went through the model in the update.
    """
    drawing = seconds.get("roll_out", 0.0) + seconds.get("revise", 0.0)
    update = seconds.get("update", 0.0)
    found: Numbers = {f"time/{phase}": round(each, 3) for phase, each in seconds.items()}
    if fresh_tokens and drawing:
        found["speed/generated"] = round(fresh_tokens / drawing, 1)
    if forward_tokens and update:
        found["speed/trained"] = round(forward_tokens / update, 1)
    return found


def _of_hindsight(experience: Experience) -> Numbers:
    revised = [group for group in experience.groups if any(revision.is_drawn for revision in group.revisions)]
    drawn = [revision.is_drawn for group in experience.groups for revision in group.revisions]
    hits = sum(_is_hit(group) for group in revised)
    return {
        "hindsight/attempted": drawn.count(True),
        "hindsight/too_long": drawn.count(False),
        "hindsight/accepted": sum(any(member.guided for member in members) for members in experience.members),
        "hindsight/hits": hits,
        "hindsight/hit_rate": hits / len(revised) if revised else None,
        "hindsight/gain": _mean(gain for group in revised for gain in _gains(group)),
    }


def _is_hit(group: Group) -> bool:
    """Whether a revision is better than all plain answers; an equally good one is accepted, but found nothing."""
    best, revised = (
        [each.score for each in drawn if each.score is not None] for drawn in (group.rollouts, group.revisions)
    )
    return bool(best and revised) and max(revised) > max(best)


def _gains(group: Group) -> Iterable[float | None]:
    for revision in group.revisions:
        before, after = group.rollouts[revision.key.number].score, revision.score
        yield None if before is None or after is None else after - before


def _is_solved(answers: Sequence[Rollout], config: Config) -> bool:
    return any(answer.score is not None and answer.score >= config.hindsight.threshold for answer in answers)


def _mean(values: Iterable[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return fmean(known) if known else None

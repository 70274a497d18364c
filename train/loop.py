"""One step of RLVR and HeRL, to be read beside the paper (arXiv:2603.20046).

For some prompts q, each with a rubric of criteria c_j and weights w_j:

1. roll out  τ_i ~ π_old(· | q) for i = 1..N, and grade: r_i = Σ_j w_j b_ij / Σ_j w_j
2. revise    the best failures of a group that is not solved: τ'_i ~ π_old(· | h_i), where the hindsight h_i shows τ_i
             and which criteria it met and missed; graded by the same rubric: r'_i
3. mix       r_i ← r_i + α (r'_i - r_i); the best revision joins its group if it is at least as good as its best answer
4. credit    A = (r - mean) / std over the mixed group
5. update    clipped surrogate for τ_i, conditioned on q; shaped surrogate ρ / (ρ + γ) for the revision, conditioned
             on the h that it was drawn under

RLVR is the same without hindsight: 1, 4 and 5.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from herl.item import Item, Sampling
from herl.train.advantage import advantages
from herl.train.config import Config, Method
from herl.train.experience import Group, Key, Rollout, Row
from herl.train.explore import Member, mixed
from herl.train.grading import Grading
from herl.train.journal import Journal
from herl.train.objective import Improvement, improve
from herl.train.policy import Policy
from herl.train.rollout import Asking, RolloutFeed
from herl.train.sampler import Sampler
from herl.train.stopwatch import Stopwatch


@dataclass
class Training:
    """All that a step works with.

    Args:
        method: "rlvr" or "herl"; the others draw and grade, too.
        config: The settings.
        policy: Is trained.
        sampler: Draws from it.
        grading: Grades what was drawn.
        journal: Keeps both before anything is trained on it.
        version: How many updates the policy has seen.
        published: Which of its versions the sampler draws from; None for none yet.
        drawn_tokens: Fresh ones of the sampler, to be trained on: what the journal held is none of them.
        clock: Where the time goes.
    """

    method: Method
    config: Config
    policy: Policy
    sampler: Sampler
    grading: Grading
    journal: Journal
    version: int = 0
    published: int | None = None
    drawn_tokens: int = 0
    clock: Stopwatch = field(default_factory=Stopwatch)


@dataclass(frozen=True, slots=True)
class Experience:
    """What came of a step.

    Args:
        groups: All that was drawn, in the order of the prompts.
        members: For each group, those that it was trained on.
        rows: For each group, the sequences that the loss saw.
        improvement: What the updates did.
    """

    groups: Sequence[Group]
    members: Sequence[Sequence[Member]]
    rows: Sequence[Sequence[Row]]
    improvement: Improvement


def take_step(training: Training, step: int, prompts: Sequence[Item]) -> Experience:
    """Take one step.

    Args:
        training: What it works with; its policy and its version change.
        step: Its number, from 1.
        prompts: What is asked.
    """
    config = training.config
    groups = roll_out(training, prompts, asking(training, step))
    members = [mix(group, config, step) for group in groups]
    rows = [credit(group, each, config) for group, each in zip(groups, members, strict=True)]
    training.journal.seal(step)
    with training.clock("update"):
        improvement = improve(training.policy, rows, config)
    training.version += sum(update.applied for update in improvement.updates)
    return Experience(groups, members, rows, improvement)


def roll_out(training: Training, prompts: Sequence[Item], how: Asking) -> list[Group]:
    """Draw a group of answers to each prompt, grade them, and revise failures, as one stream.

    Args:
        training: What it works with.
        prompts: What is asked.
        how: How often, how, and whether failures are revised.
    """
    feed = RolloutFeed(prompts, how, training.grading, training.journal, training.version)
    if feed.needs_sampler():
        publish(training)
        training.sampler.run(feed)
    groups = feed.groups()
    if how.purpose == "rollout":
        training.drawn_tokens += feed.drawn_tokens
        training.clock.add(feed.seconds)
    else:  # its time is not that of drawing, so its tokens do not count in the speed of that
        training.clock.add({"evaluate": sum(feed.seconds.values())})
    return groups


def asking(training: Training, step: int) -> Asking:
    """How a step asks its prompts."""
    config = training.config
    return Asking(
        step=step,
        purpose="rollout",
        count=config.rollout.rollouts_per_prompt,
        sampling=Sampling(temperature=config.rollout.temperature, max_tokens=config.rollout.max_tokens),
        run_seed=config.seed,
        reward=config.loss.reward,
        hindsight=config.hindsight if training.method == "herl" else None,
    )


def mix(group: Group, config: Config, step: int) -> list[Member]:
    """The members that a group is trained on: its answers with their bonuses, and its best revision if it qualifies."""
    choice = Key(step, group.item.id, "revision", len(group.rollouts))  # of no draw: revisions end before it
    return mixed(
        [rollout.score for rollout in group.rollouts],
        {revision.key.number: revision.score for revision in group.revisions},
        alpha=config.hindsight.bonus,
        mix=config.hindsight.mix,
        seed=choice.seed(config.seed),
    )


def credit(group: Group, members: Sequence[Member], config: Config) -> list[Row]:
    """The rows of a mixed group with their advantages; an abstention is no row, nor in DAPO what was cut off."""
    credits = advantages([member.reward for member in members], config.loss.variant)
    rows = []
    for member, advantage in zip(members, credits, strict=True):
        answer = _answer(group, member).completion
        if member.reward is not None and not (config.loss.variant == "dapo" and answer.finish_reason == "length"):
            rows.append(_row(group, member, advantage, config))
    return rows


def publish(training: Training) -> None:
    """Let the sampler have the policy's weights, if they changed since it last had them."""
    if training.published != training.version:
        with training.clock("publish"):
            training.sampler.publish(training.policy, training.version)
        training.published = training.version


def _row(group: Group, member: Member, advantage: float, config: Config) -> Row:
    answer = _answer(group, member).completion
    drawn_under, tokens, said = answer.prompt_ids, answer.token_ids, answer.logprobs
    assert drawn_under is not None and tokens is not None
    trained_under, hindsight = drawn_under, config.hindsight
    if member.guided and hindsight.context == "original":
        trained_under = group.rollouts[member.number].completion.prompt_ids or drawn_under
    if member.guided and hindsight.temperature != config.rollout.temperature:
        said = None  # of another distribution than the one that is trained
    return Row(
        prompt_ids=trained_under,
        token_ids=tokens,
        advantage=advantage,
        guided=member.guided,
        behaviour_ids=None if trained_under == drawn_under else drawn_under,
        sampled_logprobs=said,
        weight_version=answer.weight_version,
    )


def _answer(group: Group, member: Member) -> Rollout:
    if not member.guided:
        return group.rollouts[member.number]
    return next(each for each in group.revisions if each.key.number == member.number)

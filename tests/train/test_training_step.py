"""A step of training reads like the paper, and does what it says."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from scripted_rollouts import ScriptedSampler, config, is_revision, prompt, training

from herl.engine.base import Request
from herl.item import Completion
from herl.rubric import Grade
from herl.train.config import Config
from herl.train.experience import Group, Key, Rollout
from herl.train.loop import Experience, credit, mix, take_step
from herl.train.measure import of_experience, of_held_out
from herl.train.objective import Improvement
from herl.train.policy import Update

ITEMS = [prompt("p0"), prompt("p1")]
LEARNS = Update(loss=0.5, grad_norm=1.0, applied=True, tokens=8, forward_tokens=16, peak_bytes=0, learning_rate=0.1)


class RecordingPolicy:
    """Keeps the rows that it is updated on."""

    def __init__(self, update: Update = LEARNS) -> None:
        self.rows: list[Any] = []
        self._update = update

    def update(self, rows: Sequence[Any], objective: Any, **_: Any) -> Update:
        self.rows.append(list(rows))
        return self._update


def answers(request: Request) -> str:
    """Only a revision has the owl; the first rollout has the fox."""
    if is_revision(request):
        return "fox and owl"
    return "a fox" if request.sample == 0 else f"no {request.sample}"


def stepped(folder: Path, settings: Config | None = None, **changes: Any) -> tuple[Experience, RecordingPolicy, Any]:
    policy = changes.pop("policy", RecordingPolicy())
    sampler = ScriptedSampler(changes.pop("script", answers))
    made = training(folder, sampler, ITEMS, settings, policy=policy, **changes)
    with made.grading, made.journal:
        return take_step(made, 1, ITEMS), policy, made


def rollout(number: int, score: float | None, *, guided: bool = False, ends: str = "stop", **changes: Any) -> Rollout:
    purpose: Any = "revision" if guided else "rollout"
    fields: dict[str, Any] = {"prompt_ids": (1, 2, 9) if guided else (1, 2), "token_ids": (5, 6), "logprobs": (-1, -1)}
    finish: Any = ends
    completion = Completion("x", finish, **{**fields, **changes})
    return Rollout(Key(1, "p0", purpose, number), (), completion, Grade((), score, 0, 1, 1), 0)


def group(scores: Sequence[float | None], revisions: dict[int, float | None] | None = None, **changes: Any) -> Group:
    revised = [rollout(number, score, guided=True) for number, score in (revisions or {}).items()]
    return Group(ITEMS[0], tuple(rollout(n, score, **changes) for n, score in enumerate(scores)), tuple(revised))


def test_the_best_revision_trains_in_the_place_of_the_worst_answer(tmp_path: Path) -> None:
    experience, policy, _ = stepped(tmp_path)
    for rows, members in zip(experience.rows, experience.members, strict=True):
        assert len(rows) == 4
        assert [member.guided for member in members].count(True) == 1
        assert not members[0].guided, "the best answer stays"
    assert len(policy.rows) == 1, "one update"


def test_a_revision_is_trained_under_the_hindsight_that_it_was_drawn_under(tmp_path: Path) -> None:
    experience, _, _ = stepped(tmp_path)
    [guided] = [row for row in experience.rows[0] if row.guided]
    assert b"The draft" in bytes(guided.prompt_ids)
    assert bytes(guided.token_ids) == b"fox and owl" and guided.behaviour_ids is None


def test_in_the_original_context_it_is_trained_under_the_bare_prompt(tmp_path: Path) -> None:
    settings = config(hindsight={"context": "original", "ratio": "behaviour"})
    experience, _, _ = stepped(tmp_path, settings, policy=RecordingPolicyWithLogprobs())
    [guided] = [row for row in experience.rows[0] if row.guided]
    assert bytes(guided.prompt_ids) == b"Tell me of p0."
    assert guided.behaviour_ids is not None and b"The draft" in bytes(guided.behaviour_ids)


class RecordingPolicyWithLogprobs(RecordingPolicy):
    def logprobs(self, rows: Sequence[Any], **_: Any) -> list[Any]:
        import torch

        return [torch.zeros(len(response)) for _, response in rows]


def test_rlvr_is_the_step_without_hindsight(tmp_path: Path) -> None:
    experience, _, _ = stepped(tmp_path, method="rlvr")
    assert not any(row.guided for rows in experience.rows for row in rows)
    assert [row.advantage for row in experience.rows[0]] == pytest.approx([1.5, -0.5, -0.5, -0.5], abs=1e-3)


def test_an_abstention_is_no_row_and_has_no_part_in_its_groups_baseline() -> None:
    settings = config()
    made = group([1.0, None, 0.0, 0.5])
    rows = credit(made, mix(made, settings, 1), settings)
    assert [row.advantage for row in rows] == pytest.approx([1.0, -1.0, 0.0], abs=1e-5)


def test_dapo_trains_on_no_answer_that_was_cut_off() -> None:
    settings = config(loss={"variant": "dapo"})
    made = Group(ITEMS[0], (rollout(0, 1.0), rollout(1, 0.0, ends="length"), rollout(2, 0.5)))
    assert len(credit(made, mix(made, settings, 1), settings)) == 2
    assert len(credit(made, mix(made, settings, 1), config())) == 3


def test_revisions_of_another_temperature_bring_no_log_probabilities_to_compare() -> None:
    settings = config(hindsight={"temperature": 0.3})
    made = group([0.0, 0.0], {0: 1.0})
    said = {row.guided: row.sampled_logprobs for row in credit(made, mix(made, settings, 1), settings)}
    assert said == {True: None, False: (-1, -1)}


def test_who_makes_room_is_seeded_by_run_step_and_prompt() -> None:
    made = group([0.5] * 8, {3: 1.0})
    slots = [[each.guided for each in mix(made, config(), step)].index(True) for step in range(1, 12)]
    assert len(set(slots)) > 2
    assert slots == [[each.guided for each in mix(made, config(), step)].index(True) for step in range(1, 12)]


def test_a_step_without_a_signal_updates_nothing(tmp_path: Path) -> None:
    experience, policy, made = stepped(tmp_path, script=lambda request: "nothing at all", method="rlvr")
    assert policy.rows == [] and made.version == 0
    assert of_experience(experience, made.config, revises=False)["tokens/trained"] == 0


def test_a_dropped_update_is_told_and_leaves_the_version_as_it_was(tmp_path: Path) -> None:
    dropped = Update(float("nan"), float("nan"), False, 8, 16, 0, 0.1)
    experience, _, made = stepped(tmp_path, policy=RecordingPolicy(dropped))
    assert made.version == 0
    assert of_experience(experience, made.config, revises=True)["update/dropped"] == 1


def test_what_was_drawn_is_on_the_disk_before_it_is_trained_on(tmp_path: Path) -> None:
    class Looks(RecordingPolicy):
        def update(self, rows: Sequence[Any], objective: Any, **_: Any) -> Update:
            lines = (tmp_path / "journal" / "step-000001.jsonl").read_text().splitlines()
            assert sum('"kind": "draw"' in line for line in lines) == 12
            assert sum('"kind": "grade"' in line for line in lines) == 12
            return super().update(rows, objective)

    stepped(tmp_path, policy=Looks())


def test_a_steps_numbers_are_told(tmp_path: Path) -> None:
    experience, _, made = stepped(tmp_path)
    numbers = of_experience(experience, made.config, revises=True)
    assert numbers["reward/mean"] == 0.125 and numbers["reward/solved"] == 0.0
    assert (numbers["hindsight/attempted"], numbers["hindsight/hits"], numbers["hindsight/hit_rate"]) == (4, 2, 1.0)
    assert numbers["hindsight/gain"] == 0.75 and numbers["groups/with_signal"] == 1.0
    assert numbers["tokens/generated"] == made.drawn_tokens > 0


def test_the_mean_reward_is_told_before_the_bonus_and_what_was_trained_on_after_it(tmp_path: Path) -> None:
    experience, _, made = stepped(tmp_path, config(hindsight={"bonus": 0.5, "mix": "append"}))
    numbers = of_experience(experience, made.config, revises=True)
    # Of 0.5, 0, 0, 0 the first two were revised, to 1: they count 0.75 and 0.5, and the revision 1.
    assert numbers["reward/mean"] == pytest.approx(0.5 / 4)
    assert numbers["reward/trained"] == pytest.approx((0.75 + 0.5 + 0 + 0 + 1) / 5)


def test_what_is_not_fully_decided_is_no_part_of_the_numbers_but_counted() -> None:
    half = replace(rollout(0, 1.0), grade=Grade((), 1.0, 0.25, 1, 0.25))
    made = Group(ITEMS[0], (half, rollout(1, 0.5), rollout(2, 0.0)))
    settings = config()
    members = mix(made, settings, 1)
    rows = credit(made, members, settings)
    assert [row.advantage for row in rows] == pytest.approx([0.5**0.5, -(0.5**0.5)], abs=1e-5)
    numbers = of_experience(Experience([made], [members], [rows], Improvement([], {})), settings, revises=True)
    assert (numbers["reward/mean"], numbers["reward/solved"], numbers["abstained"]) == (0.25, 0.0, 1 / 3)
    told = of_held_out(made.rollouts, settings)
    assert (told["held_out/score"], told["held_out/solved"], told["held_out/abstained"]) == (0.25, 0.0, 1 / 3)


def test_revisions_whose_prompt_does_not_fit_are_counted_by_themselves() -> None:
    lost = rollout(1, None, guided=True, ends="error", prompt_ids=None, token_ids=None, logprobs=None)
    plain = tuple(rollout(number, score) for number, score in enumerate([0.5, 0.5, 0.0]))
    groups = [Group(ITEMS[0], plain, (rollout(0, 1.0, guided=True), lost)), Group(ITEMS[1], plain, (lost,))]
    settings = config()
    members = [mix(group, settings, 1) for group in groups]
    rows = [credit(group, each, settings) for group, each in zip(groups, members, strict=True)]
    numbers = of_experience(Experience(groups, members, rows, Improvement([], {})), settings, revises=True)
    assert (numbers["hindsight/too_long"], numbers["hindsight/attempted"]) == (2, 1)
    assert (numbers["hindsight/hit_rate"], numbers["abstained"]) == (1.0, 0.0)


def test_a_revision_that_is_only_as_good_is_accepted_and_no_hit(tmp_path: Path) -> None:
    def in_vain(request: Request) -> str:
        return "fox again" if is_revision(request) else "a fox" if request.sample == 0 else f"no {request.sample}"

    experience, _, made = stepped(tmp_path, script=in_vain)
    numbers = of_experience(experience, made.config, revises=True)
    assert (numbers["hindsight/accepted"], numbers["hindsight/hits"], numbers["hindsight/hit_rate"]) == (2, 0, 0.0)

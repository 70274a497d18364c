"""Rows with advantages become updates, and what is logged of them is true."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from scripted_rollouts import config

from herl.train.config import Config
from herl.train.experience import Row
from herl.train.objective import improve, minibatches
from herl.train.policy import Policy, Update

PROMPT, HINDSIGHT = (1, 2, 3), (1, 4, 2, 3)


def row(advantage: float, *tokens: int, **changes: Any) -> Row:
    return replace(Row(PROMPT, tokens or (7, 8, 9), advantage), **changes)


GROUPS = [[row(1.0), row(-1.0, 11, 12)], [row(0.0, 5), row(0.0, 6)], [row(0.5, 20), row(-0.5, 21, 22, 23)]]


def settings(model: Path, rate: float = 1e-2, updates: int = 1, **sections: Any) -> Config:
    optimizer = {"learning_rate": rate, "updates_per_step": updates, "weight_decay": 0.0}
    return config(model=str(model), optimizer=optimizer, device="cpu", dtype="float32", **sections)


@pytest.fixture
def opened(tiny_model: Path) -> Iterator[Any]:
    policies: list[Policy] = []

    def policy_of(made: Config) -> Policy:
        policies.append(Policy(made, 10))
        return policies[-1]

    yield policy_of
    for policy in policies:
        policy.close()


class Spy:
    """Counts what a policy is asked for."""

    def __init__(self, policy: Policy) -> None:
        self.policy, self.updates, self.looks = policy, list[int](), 0

    def update(self, rows: Sequence[Any], objective: Any, **more: Any) -> Update:
        self.updates.append(len(rows))
        return self.policy.update(rows, objective, **more)

    def logprobs(self, rows: Sequence[Any], **more: Any) -> Any:
        self.looks += 1
        return self.policy.logprobs(rows, **more)


def test_one_update_needs_no_pass_for_the_old_policy_and_skips_groups_without_signal(
    opened: Any, tiny_model: Path
) -> None:
    made = settings(tiny_model)
    spy = Spy(opened(made))
    improvement = improve(spy, GROUPS, made)  # type: ignore[arg-type]
    assert spy.looks == 0 and spy.updates == [4]
    assert improvement.metrics["clip/share"] == 0.0


def test_more_updates_look_back_once_for_each_after_the_first(opened: Any, tiny_model: Path) -> None:
    made = settings(tiny_model, updates=3)
    spy = Spy(opened(made))
    improvement = improve(spy, GROUPS, made)  # type: ignore[arg-type]
    assert spy.updates == [2, 2], "the group without a signal makes no update"
    assert spy.looks == 1 and len(improvement.updates) == 2


def test_without_any_signal_there_is_no_update(opened: Any, tiny_model: Path) -> None:
    made = settings(tiny_model)
    assert improve(opened(made), [GROUPS[1]], made).updates == []


def test_groups_without_signal_count_in_the_denominator_but_not_in_dapo(opened: Any, tiny_model: Path) -> None:
    losses = {}
    for variant in ("grpo", "dapo"):
        made = settings(tiny_model, rate=0.0, loss={"variant": variant})
        with_idle, alone = (improve(opened(made), groups, made).updates[0] for groups in (GROUPS[:2], GROUPS[:1]))
        losses[variant] = with_idle.loss / alone.loss
    assert losses["grpo"] == pytest.approx(5 / 7, abs=1e-4)
    assert losses["dapo"] == pytest.approx(1.0, abs=1e-4)


def test_the_raw_ratio_compares_policy_and_sampler(opened: Any, tiny_model: Path) -> None:
    made = settings(tiny_model, rate=0.0)
    policy = opened(made)
    [said] = policy.logprobs([(PROMPT, (7, 8, 9))])
    honest = row(1.0, sampled_logprobs=tuple(said.tolist()))
    off = row(-1.0, sampled_logprobs=tuple((said - 1.0).tolist()))
    assert improve(policy, [[honest]], made).metrics["ratio/p99"] == pytest.approx(1.0, abs=1e-5)
    assert improve(policy, [[honest, off]], made).metrics["ratio/p99"] == pytest.approx(2.71828, rel=1e-3)


def test_a_revision_at_ratio_one_weighs_a_quarter(opened: Any, tiny_model: Path) -> None:
    made = settings(tiny_model, rate=0.0)
    plain = improve(opened(made), [[row(1.0), row(0.0)]], made)
    guided = improve(opened(made), [[row(1.0, guided=True), row(0.0)]], made)
    assert guided.updates[0].grad_norm == pytest.approx(plain.updates[0].grad_norm / 4, rel=1e-4)
    assert guided.metrics["guided/weight"] == pytest.approx(0.25) and guided.metrics["guided/share"] == 1.0


def test_the_behaviour_ratio_divides_by_what_was_drawn_under_hindsight(opened: Any, tiny_model: Path) -> None:
    hindsight = {"context": "original", "ratio": "behaviour", "gamma": 0.0}
    made = settings(tiny_model, rate=0.0, hindsight=hindsight)
    policy = opened(made)
    tokens = (7, 8, 9)
    here, there = policy.logprobs([(PROMPT, tokens), (HINDSIGHT, tokens)])
    ratio = (here - there).exp()
    found = improve(policy, [[row(1.0, guided=True, behaviour_ids=HINDSIGHT), row(0.0)]], made)
    expected = -float(ratio.clamp(max=2.0).sum()) / 6
    assert found.updates[0].loss == pytest.approx(expected, rel=1e-4)
    assert "ratio/p50" not in found.metrics, "the sampler said nothing of these tokens under this prompt"


def test_the_behaviour_is_that_of_the_temperature_that_revisions_were_drawn_at(opened: Any, tiny_model: Path) -> None:
    hindsight = {"context": "original", "ratio": "behaviour", "gamma": 0.0, "temperature": 0.5}
    made = settings(tiny_model, rate=0.0, hindsight=hindsight)
    policy = opened(made)
    tokens = (7, 8, 9)
    [here] = policy.logprobs([(PROMPT, tokens)], temperature=1.0)
    [there] = policy.logprobs([(HINDSIGHT, tokens)], temperature=0.5)
    guided = row(1.0, guided=True, behaviour_ids=HINDSIGHT)
    found = improve(policy, [[row(0.0), row(-1.0, 4), guided]], made)
    expected = 1 - float((here - there).exp().clamp(max=2.0).sum())
    assert found.updates[0].loss == pytest.approx(expected / 7, rel=1e-4)


def test_what_nobody_compares_with_costs_no_pass(opened: Any, tiny_model: Path) -> None:
    made = settings(tiny_model, hindsight={"context": "original", "ratio": "same_context"})
    spy = Spy(opened(made))
    improve(spy, [[row(1.0, guided=True, behaviour_ids=HINDSIGHT), row(-1.0)]], made)  # type: ignore[arg-type]
    assert spy.looks == 0


def test_a_penalty_trains_all_rows_and_is_told(opened: Any, tiny_model: Path) -> None:
    made = settings(tiny_model, loss={"kl": 0.1})
    policy = opened(made)
    first = improve(policy, GROUPS, made)
    assert first.updates[0].tokens == sum(len(each.token_ids) for group in GROUPS for each in group)
    assert first.metrics["kl"] == pytest.approx(0.0, abs=1e-6)
    assert improve(policy, GROUPS, made).metrics["kl"] > 1e-6, "the policy has left its start"


def test_minibatches_are_of_about_equal_size_and_none_is_empty() -> None:
    groups = [[row(float(number))] for number in range(1, 8)]
    assert [len(part) for part in minibatches(groups, 3)] == [2, 2, 3]
    assert [len(part) for part in minibatches(groups[:2], 5)] == [1, 1]
    assert minibatches([], 3) == []

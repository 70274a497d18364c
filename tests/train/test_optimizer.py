"""AdamW steps, the schedule, and steps that are refused."""

from __future__ import annotations

import math
from itertools import pairwise

import pytest
import torch

from herl.train.config import Optimizer as Settings
from herl.train.optimizer import Optimizer, learning_rate


def weights(dtype: torch.dtype = torch.float32) -> list[torch.nn.Parameter]:
    generator = torch.Generator().manual_seed(0)
    return [torch.nn.Parameter(torch.randn(*shape, generator=generator).to(dtype)) for shape in [(4, 3), (3,)]]


def pull(own: list[torch.nn.Parameter], scale: float = 1.0) -> None:
    torch.autograd.backward([scale * (weight.float() ** 2).sum() for weight in own])


def test_a_step_is_adamw_by_the_formula() -> None:
    settings = Settings(learning_rate=0.1, weight_decay=0.5, max_grad_norm=1e9)
    own = weights()
    before = [weight.detach().clone() for weight in own]
    optimizer = Optimizer(own, settings, 10)
    pull(own)
    optimizer.step()
    for weight, was, decay in zip(own, before, [0.5, 0.0], strict=True):  # a vector is not pulled to zero
        grad = 2 * was
        step = grad / (grad.abs() + 1e-8)  # the first step's moments, bias taken out
        torch.testing.assert_close(weight.detach(), was * (1 - 0.1 * decay) - 0.1 * step)


def test_a_gradient_is_cut_to_the_greatest_norm_and_its_own_norm_is_told() -> None:
    own, same = weights(), weights()
    cut = Optimizer(own, Settings(learning_rate=0.1, max_grad_norm=1.0), 10)
    pull(own)
    norm = math.sqrt(sum(float((weight.grad**2).sum()) for weight in own if weight.grad is not None))
    assert cut.step()[0] == pytest.approx(norm)
    plain = Optimizer(same, Settings(learning_rate=0.1, max_grad_norm=1e9), 10)
    pull(same, 1 / norm)
    assert plain.step()[0] == pytest.approx(1.0)
    for ours, theirs in zip(own, same, strict=True):
        torch.testing.assert_close(ours, theirs)


@pytest.mark.parametrize("bad", [math.nan, math.inf])
def test_a_gradient_that_is_not_finite_changes_nothing(bad: float) -> None:
    own, same = weights(), weights()
    settings = Settings(learning_rate=0.1, schedule="linear")
    optimizer, undisturbed = Optimizer(own, settings, 3), Optimizer(same, settings, 3)
    for each, its in [(optimizer, own), (undisturbed, same)]:
        pull(its)
        each.step()
    pull(own)
    assert own[0].grad is not None
    own[0].grad[0, 0] = bad
    assert optimizer.step()[1] is False
    for each, its in [(optimizer, own), (undisturbed, same)]:
        pull(its)
        each.step()
    assert optimizer.steps == undisturbed.steps == 2
    for ours, theirs in zip(own, same, strict=True):
        assert torch.equal(ours, theirs)


def test_steps_too_small_for_bfloat16_add_up_in_the_master_copy() -> None:
    own = [torch.nn.Parameter(torch.ones(2, 2, dtype=torch.bfloat16))]
    optimizer = Optimizer(own, Settings(learning_rate=1e-4, weight_decay=0.0), 100)
    for _ in range(100):
        torch.autograd.backward(own[0].sum())
        optimizer.step()
    assert own[0].dtype == torch.bfloat16
    assert own[0][0, 0].item() == pytest.approx(0.99, abs=0.003)


def test_gradients_of_bfloat16_weights_are_added_up_in_float32() -> None:
    own = [torch.nn.Parameter(torch.zeros(1, 1, dtype=torch.bfloat16))]
    optimizer = Optimizer(own, Settings(learning_rate=0.1), 10)
    for share in [256.0] + [0.5] * 8:
        torch.autograd.backward((share * own[0]).sum())
    assert optimizer.step()[0] == 260.0


def test_state_goes_on_where_it_was_saved() -> None:
    for dtype in (torch.float32, torch.bfloat16):
        settings = Settings(learning_rate=0.1, schedule="cosine")
        own = weights(dtype)
        first = Optimizer(own, settings, 5)
        for _ in range(2):
            pull(own)
            first.step()
        state = first.state()
        copied = [torch.nn.Parameter(weight.detach().clone()) for weight in own]
        second = Optimizer(copied, settings, 5)
        second.load_state(state)
        for each, its in [(first, own), (second, copied)]:
            pull(its)
            each.step()
        assert second.steps == 3
        for ours, theirs in zip(own, copied, strict=True):
            assert torch.equal(ours, theirs)


def test_the_rate_rises_evenly_while_warming_up() -> None:
    settings = Settings(learning_rate=1.0, warmup_steps=4)
    assert [learning_rate(settings, step, 10) for step in range(6)] == [0.25, 0.5, 0.75, 1.0, 1.0, 1.0]


@pytest.mark.parametrize("schedule", ["linear", "cosine"])
def test_the_rate_falls_from_its_peak_towards_zero(schedule: str) -> None:
    settings = Settings.model_validate({"learning_rate": 1.0, "warmup_steps": 2, "schedule": schedule})
    rates = [learning_rate(settings, step, 10) for step in range(11)]
    assert rates[1] == rates[2] == 1.0 and rates[10] == 0.0 and rates[9] > 0
    assert all(later < earlier for earlier, later in pairwise(rates[2:]))
    assert learning_rate(settings, 6, 10) == pytest.approx(0.5)


def test_a_run_that_is_longer_than_said_stays_at_zero() -> None:
    assert learning_rate(Settings(learning_rate=1.0, schedule="linear"), 12, 10) == 0.0

"""The policy: one gradient however its rows are packed, exact resume, an ordinary export."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
import torch
from tiny_models import CONTEXT, VOCABULARY, save_tiny_model, tiny_tokenizer

from herl.errors import HerlError, UsageError
from herl.train import attention
from herl.train.config import Config
from herl.train.packing import Layout
from herl.train.policy import Objective, Policy, Sequence_, Tokens

RATE = 0.01


def config(model: Path, **settings: Any) -> Config:
    optimizer = {"learning_rate": RATE, "max_grad_norm": 1e9, **settings.pop("optimizer", {})}
    return Config.model_validate(
        {"model": str(model), "data": {"train": "make-if"}, "device": "cpu", "optimizer": optimizer, **settings}
    )


def batch(seed: int = 0, prompts: int = 3, group: int = 3) -> list[Sequence_]:
    """Groups of responses of unlike length to prompts of unlike length."""
    generator = torch.Generator().manual_seed(seed)

    def some(low: int, high: int) -> tuple[int, ...]:
        count = int(torch.randint(low, high, (1,), generator=generator))
        return tuple(torch.randint(3, VOCABULARY, (count,), generator=generator).tolist())

    return [(prompt, some(1, 12)) for prompt in [some(2, 9) for _ in range(prompts)] for _ in range(group)]


def weighted(rows: Sequence[Sequence_], factor: float = 1.0) -> Objective:
    """A policy gradient whose advantages differ by row and by time, whatever place a row has in the batch."""
    total = sum(len(response) for _, response in rows)
    advantage = torch.tensor([math.sin(sum(prompt) + 3 * sum(response)) for prompt, response in rows])

    def objective(tokens: Tokens) -> torch.Tensor:
        return -factor * (tokens.logprobs * (advantage[tokens.row] + 0.1 * tokens.time)).sum() / total

    return objective


def gradient(policy: Policy, rows: Sequence[Sequence_], budget: int) -> torch.Tensor:
    """The whole gradient of the objective, `[weights]`."""
    policy._budget = budget
    policy._accumulate(rows, policy._pack(rows, None), weighted(rows), 0.9)
    made = torch.cat([weight.grad.flatten() for weight in policy.model.parameters() if weight.grad is not None])
    policy._optimizer.forget()
    return made


def plain_gradient(policy: Policy, rows: Sequence[Sequence_]) -> torch.Tensor:
    """The same by transformers' own logits, row by row."""
    for number, (prompt, response) in enumerate(rows):
        logits = policy.model(input_ids=torch.tensor([prompt + response]), use_cache=False).logits
        logprobs = (logits[0, len(prompt) - 1 : -1] / 0.9).log_softmax(-1)
        targets = torch.tensor(response)
        row = torch.full((len(response),), number)
        tokens = Tokens(logprobs.gather(1, targets[:, None])[:, 0], row, torch.arange(len(response)))
        torch.autograd.backward(weighted(rows)(tokens))
    made = torch.cat([weight.grad.flatten() for weight in policy.model.parameters() if weight.grad is not None])
    policy._optimizer.forget()
    return made


def all_weights(policy: Policy) -> dict[str, torch.Tensor]:
    return {name: weight.clone() for name, weight in policy.weights()}


def equal(some: dict[str, torch.Tensor], others: dict[str, torch.Tensor]) -> bool:
    return some.keys() == others.keys() and all(torch.equal(some[name], others[name]) for name in some)


@pytest.mark.parametrize("name", ["tiny_model", "untied_model"])
def test_the_gradient_is_that_of_plain_rows_however_they_are_packed(name: str, request: pytest.FixtureRequest) -> None:
    rows = batch()
    with Policy(config(request.getfixturevalue(name)), 10) as policy:
        expected = plain_gradient(policy, rows)
        assert float(expected.abs().max()) > 0.1
        order = [7, 2, 4, 0, 8, 1, 6, 3, 5]
        for budget, some in [(1, rows), (17, rows), (1000, rows), (17, [rows[at] for at in order])]:
            torch.testing.assert_close(gradient(policy, some, budget), expected, atol=1e-6, rtol=0)


def test_the_gradient_is_the_same_with_a_mask_as_on_a_gpu(tiny_model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def masked(model: Any, layout: Layout) -> torch.Tensor:
        return attention._read(model, layout, attention._masks(model, layout))

    rows = batch()
    with Policy(config(tiny_model), 10) as policy:
        expected = gradient(policy, rows, 1000)
        monkeypatch.setattr(attention, "hidden_states", masked)
        torch.testing.assert_close(gradient(policy, rows, 1000), expected, atol=1e-6, rtol=0)


def test_log_probabilities_are_those_of_plain_rows_in_the_order_asked_for(tiny_model: Path) -> None:
    rows = [*batch(), ((5, 6), ())]
    with Policy(config(tiny_model), 10) as policy:
        found = policy.logprobs(rows, temperature=0.7)
        for (prompt, response), ours in zip(rows, found, strict=True):
            with torch.no_grad():
                logits = policy.model(input_ids=torch.tensor([prompt + response])).logits[0, len(prompt) - 1 : -1]
            theirs = (logits / 0.7).log_softmax(-1).gather(1, torch.tensor(response, dtype=torch.int64)[:, None])[:, 0]
            torch.testing.assert_close(ours, theirs, atol=1e-5, rtol=0)


SMALL: dict[str, Any] = {
    "vocab_size": VOCABULARY,
    "hidden_size": 32,
    "intermediate_size": 64,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "head_dim": 8,
    "max_position_embeddings": 64,
    "initializer_range": 0.3,
    "pad_token_id": 0,
    "bos_token_id": 1,
    "eos_token_id": 2,
}


def small_model(folder: Path, kind: str, **settings: Any) -> Path:
    from transformers import AutoConfig, AutoModelForCausalLM

    with torch.random.fork_rng():
        torch.manual_seed(0)
        model = AutoModelForCausalLM.from_config(AutoConfig.for_model(kind, **{**SMALL, **settings}))
    model.save_pretrained(folder)
    tiny_tokenizer().save_pretrained(folder)
    return folder


@pytest.mark.parametrize(
    ("kind", "settings"),
    [
        ("mistral", {"sliding_window": 4}),
        ("gemma3_text", {"sliding_window": 4, "layer_types": ["sliding_attention", "full_attention"]}),
        ("qwen2", {"use_sliding_window": True, "sliding_window": 4, "max_window_layers": 1}),
        ("qwen3", {}),
    ],
)
def test_sliding_windows_reach_as_far_in_a_pack_as_in_a_plain_row(
    tmp_path: Path, kind: str, settings: dict[str, Any]
) -> None:
    rows = batch()
    with Policy(config(small_model(tmp_path, kind, **settings)), 10) as policy:
        found, expected = gradient(policy, rows, 1000), plain_gradient(policy, rows)
    assert float((found - expected).norm() / expected.norm()) < 1e-5


def test_a_model_that_is_not_held_apart_by_a_mask_is_refused(tmp_path: Path) -> None:
    folder = small_model(tmp_path, "mamba", state_size=4, conv_kernel=2, expand=2)
    with pytest.raises(HerlError, match=r"mamba|Mamba"):
        Policy(config(folder), 10)


def test_a_model_whose_head_is_unknown_is_refused(tiny_model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from transformers import LlamaForCausalLM

    forward = LlamaForCausalLM.forward

    def doubled(*args: Any, **more: Any) -> Any:
        out = forward(*args, **more)
        out.logits = out.logits * 2
        return out

    monkeypatch.setattr(LlamaForCausalLM, "forward", doubled)
    with pytest.raises(UsageError, match="gives packed rows other log-probabilities than plain ones"):
        Policy(config(tiny_model), 10)


def test_dropout_of_the_model_is_switched_off_in_every_mode(tmp_path: Path) -> None:
    folder = small_model(tmp_path, "llama", attention_dropout=0.5)
    rows = batch()
    with Policy(config(folder), 10) as policy:
        still = gradient(policy, rows, 1000)
        policy.model.train()
        assert torch.equal(gradient(policy, rows, 1000), still)


def test_an_update_tells_what_it_did_and_learns(tiny_model: Path) -> None:
    rows = batch()
    with Policy(config(tiny_model), 10) as policy:
        done = [policy.update(rows, lambda tokens: -tokens.logprobs.sum() / 50) for _ in range(3)]
        assert done[0].applied and done[0].grad_norm > 0 and done[0].learning_rate == RATE
        assert done[0].tokens == sum(len(response) for _, response in rows)
        prompts = {prompt for prompt, _ in rows}
        assert done[0].forward_tokens == sum(map(len, prompts)) + done[0].tokens - len(rows)
        assert done[2].loss < done[1].loss < done[0].loss
        assert done[0].peak_bytes > 0


def test_rows_that_must_be_together_meet_in_one_microbatch(tiny_model: Path) -> None:
    rows = batch()
    met: list[set[int]] = []

    def objective(tokens: Tokens) -> torch.Tensor:
        met.append(set(tokens.row.tolist()))
        return tokens.logprobs.sum() * 0.0

    with Policy(config(tiny_model, optimizer={"tokens_per_microbatch": 5}), 10) as policy:
        policy.update(rows, objective, together=[(0, 1), (2, 8)])
    assert {0, 1} in met and {2, 8} in met


BROKEN: dict[str, Objective] = {
    "loss is nan": lambda tokens: tokens.logprobs.sum() * math.nan,
    "loss is inf": lambda tokens: tokens.logprobs.sum() * -math.inf,
    # The square root of zero has no slope.
    "gradient is not finite": lambda tokens: (tokens.logprobs.sum() * 0).sqrt(),
}


@pytest.mark.parametrize("fault", BROKEN)
def test_a_loss_or_gradient_that_is_not_finite_leaves_everything_as_it_was(tiny_model: Path, fault: str) -> None:
    rows = batch()
    settings = config(tiny_model, optimizer={"schedule": "linear"})
    with Policy(settings, 10) as policy, Policy(settings, 10) as undisturbed:
        for each in (policy, undisturbed):
            each.update(rows, weighted(rows))
        dropped = policy.update(rows, BROKEN[fault])
        assert not dropped.applied
        assert not (math.isfinite(dropped.loss) and math.isfinite(dropped.grad_norm))
        assert equal(all_weights(policy), all_weights(undisturbed))
        again = [each.update(rows, weighted(rows)) for each in (policy, undisturbed)]
        assert again[0].learning_rate == again[1].learning_rate
        assert equal(all_weights(policy), all_weights(undisturbed))


def test_an_objective_that_breaks_leaves_no_gradient_behind(tiny_model: Path) -> None:
    rows = batch()

    def broken(tokens: Tokens) -> torch.Tensor:
        if 0 in tokens.row:
            return weighted(rows)(tokens)
        raise KeyboardInterrupt

    with Policy(config(tiny_model, optimizer={"tokens_per_microbatch": 1}), 10) as policy:
        with pytest.raises(KeyboardInterrupt):
            policy.update(rows, broken)
        assert all(weight.grad is None for weight in policy.model.parameters())


@pytest.mark.parametrize(
    "settings", [{}, {"dtype": "bfloat16"}, {"lora": {"rank": 2}}], ids=["float32", "bf16", "lora"]
)
def test_resumed_from_a_checkpoint_the_weights_are_the_same_bits(
    tiny_model: Path, tmp_path: Path, settings: dict[str, Any]
) -> None:
    made = config(tiny_model, optimizer={"schedule": "cosine", "warmup_steps": 1}, **settings)
    with Policy(made, 4) as through:
        for seed in range(3):
            rows = batch(seed)
            through.update(rows, weighted(rows))
            if seed == 1:
                through.save(tmp_path / "model")
                torch.save(through.state(), tmp_path / "state.pt")
        expected = all_weights(through)
    with Policy(made, 4, tmp_path / "model") as resumed:
        resumed.load_state(torch.load(tmp_path / "state.pt"))
        rows = batch(2)
        resumed.update(rows, weighted(rows))
        assert equal(all_weights(resumed), expected)


@pytest.mark.parametrize("settings", [{}, {"lora": {"rank": 2}}], ids=["full", "lora"])
def test_reference_log_probabilities_stay_those_of_the_start_also_after_a_resume(
    tiny_model: Path, tmp_path: Path, settings: dict[str, Any]
) -> None:
    rows = batch()
    with Policy(config(tiny_model, **settings), 10) as policy:
        start = torch.cat(policy.logprobs(rows))
        policy.update(rows, weighted(rows))
        assert torch.equal(torch.cat(policy.logprobs(rows, reference=True)), start)
        moved = torch.cat(policy.logprobs(rows))
        assert not torch.allclose(moved, start, atol=1e-3)
        policy.save(tmp_path / "model")
        state = policy.state()
        with Policy(config(tiny_model, **settings), 10, tmp_path / "model") as resumed:
            resumed.load_state(state)
            assert torch.equal(torch.cat(resumed.logprobs(rows, reference=True)), start)
            assert torch.equal(torch.cat(resumed.logprobs(rows)), moved)


def test_what_is_saved_is_an_ordinary_folder_with_all_that_the_model_came_with(
    tiny_model: Path, untied_model: Path, tmp_path: Path
) -> None:
    from transformers import AutoModelForCausalLM, AutoTokenizer

    rows = batch()
    for source, tied in [(tiny_model, True), (untied_model, False)]:
        folder = tmp_path / source.name
        with Policy(config(source), 10) as policy:
            policy.update(rows, weighted(rows))
            policy.model.generation_config = None  # a sampler may put its own there
            policy.save(folder)
            expected = torch.cat(policy.logprobs(rows))
        model = AutoModelForCausalLM.from_pretrained(folder)
        assert (model.lm_head.weight is model.model.embed_tokens.weight) is tied
        for name in ("tokenizer.json", "tokenizer_config.json", "chat_template.jinja", "generation_config.json"):
            assert (folder / name).read_bytes() == (source / name).read_bytes()
        assert AutoTokenizer.from_pretrained(folder).chat_template
        with Policy(config(folder), 10) as again:
            assert torch.equal(torch.cat(again.logprobs(rows)), expected)


def test_adapters_alone_are_trained_and_are_merged_into_what_is_saved(tiny_model: Path, tmp_path: Path) -> None:
    rows = batch()
    with Policy(config(tiny_model, lora={"rank": 2}), 10) as policy, Policy(config(tiny_model), 10) as base:
        fresh = all_weights(policy)
        assert equal(fresh, all_weights(base))  # adapters begin as nothing
        policy.update(rows, weighted(rows))
        trained = all_weights(policy)
        changed = {name for name in trained if not torch.equal(trained[name], fresh[name])}
        assert changed and all(name.endswith("_proj.weight") for name in changed)
        policy.save(tmp_path / "merged")
        expected = torch.cat(policy.logprobs(rows))
    with Policy(config(tmp_path / "merged"), 10) as again:
        torch.testing.assert_close(torch.cat(again.logprobs(rows)), expected, atol=1e-4, rtol=0)
        assert equal(all_weights(again), trained)


def test_two_runs_with_adapters_begin_alike(tiny_model: Path) -> None:
    states = []
    for noise in (1, 2):
        torch.manual_seed(noise)
        with Policy(config(tiny_model, lora={}, seed=3), 10) as policy:
            states.append(policy.state()["adapters"])
    assert equal(states[0], states[1])


def test_places_for_adapters_that_the_model_does_not_have_are_refused(tiny_model: Path) -> None:
    with pytest.raises(UsageError, match=r"lora\.targets"):
        Policy(config(tiny_model, lora={"targets": ["nowhere"]}), 10)


def test_a_tied_head_has_a_name_of_its_own_among_the_weights(tiny_model: Path) -> None:
    with Policy(config(tiny_model), 10) as policy:
        found = dict(policy.weights())
    assert found["lm_head.weight"] is not None
    assert torch.equal(found["lm_head.weight"], found["model.embed_tokens.weight"])


def test_a_dry_run_takes_the_memory_of_the_largest_microbatch_and_changes_nothing(tmp_path: Path) -> None:
    folder = save_tiny_model(tmp_path, layers=4, hidden=128)
    with Policy(config(folder, optimizer={"tokens_per_microbatch": CONTEXT}), 10) as policy:
        before = all_weights(policy)
        peak = policy.dry_run(10_000)
        assert equal(all_weights(policy), before)
        assert policy.state()["optimizer"]["steps"] == 0
        # Activations of 512 tokens in four layers: seven numbers for each of 128 at the least.
        assert peak > CONTEXT * 4 * 128 * 7 * 4


def test_a_row_over_the_context_and_one_without_a_prompt_are_refused(tiny_model: Path) -> None:
    with Policy(config(tiny_model), 10) as policy:
        assert policy.context == CONTEXT
        with pytest.raises(HerlError, match=rf"a row has {CONTEXT + 1} tokens, the model's context is {CONTEXT}"):
            policy.logprobs([((1,), (2,) * CONTEXT)])
        with pytest.raises(ValueError, match="without a prompt"):
            policy.logprobs([((), (2,))])


def test_a_model_that_is_not_there_is_a_usage_error(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="does not exist"):
        Policy(config(tmp_path / "nothing"), 10)


def test_a_closed_policy_may_be_closed_again(tiny_model: Path) -> None:
    policy = Policy(config(tiny_model), 10)
    policy.close()
    policy.close()
    assert policy.model is None

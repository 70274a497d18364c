"""Log-probabilities and gradients made in chunks are those of the whole softmax."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from herl.errors import UsageError
from herl.train import logprob
from herl.train.logprob import Head, find_head, token_logprobs

N, WIDTH, VOCABULARY = 23, 8, 50


def whole(hidden: torch.Tensor, targets: torch.Tensor, head: Head, temperature: float) -> torch.Tensor:
    logits = hidden @ head.weight.T * head.scale
    if head.bias is not None:
        logits = logits + head.bias * head.scale
    if head.softcap:
        logits = head.softcap * torch.tanh(logits / head.softcap)
    return (logits / temperature).log_softmax(-1).gather(1, targets[:, None])[:, 0]


def made(seed: int = 0, bias: bool = True) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor, torch.Tensor | None]:
    generator = torch.Generator().manual_seed(seed)
    hidden = torch.randn(N, WIDTH, generator=generator, dtype=torch.float32, requires_grad=True)
    weight = torch.randn(VOCABULARY, WIDTH, generator=generator, requires_grad=True)
    targets = torch.randint(VOCABULARY, (N,), generator=generator)
    return hidden, targets, weight, torch.randn(VOCABULARY, generator=generator, requires_grad=True) if bias else None


@pytest.mark.parametrize("kept", [0, 5 * 4 * VOCABULARY, 1 << 20], ids=["none kept", "some kept", "all kept"])
@pytest.mark.parametrize("softcap", [0.0, 3.0])
@pytest.mark.parametrize("bias", [True, False])
def test_values_and_gradients_are_those_of_the_whole_softmax(
    monkeypatch: pytest.MonkeyPatch, kept: int, softcap: float, bias: bool
) -> None:
    monkeypatch.setattr(logprob, "CHUNK_BYTES", 4 * 4 * VOCABULARY)  # four positions: six chunks
    monkeypatch.setattr(logprob, "KEPT_BYTES", kept)
    hidden, targets, weight, offset = made(bias=bias)
    head = Head(weight, offset, scale=0.5, softcap=softcap)
    upstream = torch.randn(N, generator=torch.Generator().manual_seed(1))
    leaves = [leaf for leaf in (hidden, weight, offset) if leaf is not None]
    got = token_logprobs(hidden, targets, head, temperature=0.7)
    expected = whole(hidden, targets, head, 0.7)
    torch.testing.assert_close(got, expected, atol=2e-6, rtol=0)
    for ours, theirs in zip(
        torch.autograd.grad(got, leaves, upstream), torch.autograd.grad(expected, leaves, upstream), strict=True
    ):
        torch.testing.assert_close(ours, theirs, atol=5e-6, rtol=1e-5)


def test_a_second_backward_pass_finds_the_same_gradient() -> None:
    hidden, targets, weight, _ = made()
    logprobs = token_logprobs(hidden, targets, Head(weight))
    first, second = (torch.autograd.grad(logprobs.sum(), hidden, retain_graph=True)[0] for _ in range(2))
    torch.testing.assert_close(first, second, atol=1e-7, rtol=0)


def test_a_frozen_head_gets_no_gradient() -> None:
    hidden, targets, weight, _ = made()
    torch.autograd.backward(token_logprobs(hidden, targets, Head(weight.detach())).sum())
    assert hidden.grad is not None and weight.grad is None


def test_no_more_logits_than_a_chunk_are_made_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    sizes: list[int] = []
    inner = logprob._logits

    def watched(hidden: torch.Tensor, head: Head, temperature: float) -> torch.Tensor:
        logits = inner(hidden, head, temperature)
        sizes.append(logits.nbytes)
        return logits

    monkeypatch.setattr(logprob, "CHUNK_BYTES", 1000)
    monkeypatch.setattr(logprob, "_logits", watched)
    hidden, targets, weight, _ = made()
    torch.autograd.backward(token_logprobs(hidden, targets, Head(weight)).sum())
    assert max(sizes) <= 1000 and sum(sizes) == N * VOCABULARY * 4


def test_in_bfloat16_the_gradient_of_the_head_is_added_up_in_float32(monkeypatch: pytest.MonkeyPatch) -> None:
    # Each of 400 equal shares is too small to change a sum in bfloat16 once that has grown.
    count = 400
    hidden = torch.ones(count, 1, dtype=torch.bfloat16)
    weight = torch.zeros(2, 1, dtype=torch.bfloat16, requires_grad=True)
    monkeypatch.setattr(logprob, "CHUNK_BYTES", 8)
    torch.autograd.backward(token_logprobs(hidden, torch.zeros(count, dtype=torch.int64), Head(weight)).sum())
    assert weight.grad is not None
    assert weight.grad.flatten().tolist() == [200.0, -200.0]


def test_very_unlikely_tokens_have_finite_log_probabilities_and_gradients() -> None:
    hidden = torch.tensor([[1000.0], [-1000.0]], requires_grad=True)
    weight = torch.tensor([[1.0], [-1.0]], requires_grad=True)
    logprobs = token_logprobs(hidden, torch.tensor([1, 1]), Head(weight))
    torch.autograd.backward(logprobs.sum())
    assert logprobs.tolist() == [-2000.0, 0.0]
    assert hidden.grad is not None and hidden.grad.flatten().tolist() == [-2.0, 0.0]


CONFIG: dict[str, Any] = {
    "vocab_size": 60,
    "hidden_size": 16,
    "intermediate_size": 32,
    "num_hidden_layers": 1,
    "num_attention_heads": 2,
    "num_key_value_heads": 1,
    "head_dim": 8,
    "pad_token_id": 0,
    "bos_token_id": 1,
    "eos_token_id": 2,
}


@pytest.mark.parametrize(
    ("kind", "settings"),
    [
        ("llama", {}),
        ("gemma2", {"final_logit_softcapping": 0.5}),
        ("granite", {"logits_scaling": 8.0}),
        ("cohere", {"logit_scale": 0.25}),
    ],
)
def test_the_head_of_a_known_model_is_honoured(kind: str, settings: dict[str, Any]) -> None:
    from transformers import AutoConfig, AutoModelForCausalLM

    torch.manual_seed(0)
    config = AutoConfig.for_model(kind, **CONFIG, **settings, initializer_range=0.5)
    model = AutoModelForCausalLM.from_config(config).eval()
    ids = torch.tensor([[5, 6, 7, 8, 9]])
    with torch.no_grad():
        hidden = model.get_decoder()(input_ids=ids, use_cache=False).last_hidden_state[0, :-1]
        expected = model(input_ids=ids, use_cache=False).logits[0, :-1].log_softmax(-1)
        got = token_logprobs(hidden, ids[0, 1:], find_head(model))
    torch.testing.assert_close(got, expected.gather(1, ids[0, 1:, None])[:, 0], atol=1e-5, rtol=0)


def test_a_head_that_is_more_than_a_linear_layer_is_refused() -> None:
    from transformers import LlamaConfig, LlamaForCausalLM

    model = LlamaForCausalLM(LlamaConfig(**CONFIG))
    model.lm_head = torch.nn.Sequential(torch.nn.Linear(16, 60))
    with pytest.raises(UsageError, match="its head is a Sequential"):
        find_head(model)

"""A row's noise is its own: torch's exponential draws from its seed, whatever rows stand beside it."""

from __future__ import annotations

from herl.engine.sampling import RowDraw, distribution, perturbed, token_logprobs
from herl.item import Sampling

VOCABULARY = 1000


def test_noise_is_that_of_exponential_and_greedy_rows_have_none() -> None:
    import torch

    samplings = [Sampling(1.0, seed=3), Sampling(), Sampling(1.0, seed=4)]
    rows = [RowDraw(sampling, "cpu") for sampling in samplings]
    apart = {at: torch.Generator().manual_seed(samplings[at].seed) for at in (0, 2)}
    for _ in range(3):
        scores = torch.randn(3, VOCABULARY, generator=torch.Generator().manual_seed(0))
        found = perturbed(scores, rows)
        assert torch.equal(found[1], scores[1])
        for at, generator in apart.items():
            noise = torch.empty(VOCABULARY).exponential_(generator=generator).log()
            assert torch.equal(found[at], scores[at] - noise)


def test_tokens_are_drawn_as_often_as_they_are_likely() -> None:
    import torch

    logits = torch.tensor([2.0, 1.0, 0.0, -1.0])
    rows = [RowDraw(Sampling(0.5, seed=seed), "cpu") for seed in range(4000)]
    scores = distribution(logits.expand(len(rows), -1), rows)
    tokens = perturbed(scores, rows).argmax(1)
    shares = torch.bincount(tokens, minlength=4) / len(rows)
    likely = (logits / 0.5).softmax(0)
    assert torch.allclose(shares, likely, atol=0.02)
    told = token_logprobs(scores, tokens)
    assert torch.allclose(told, likely.log()[tokens], atol=1e-5)


def test_each_row_has_its_own_temperature_and_limits() -> None:
    import torch

    logits = torch.tensor([[3.0, 2.0, 1.0, 0.0]] * 4)
    samplings = [Sampling(2.0), Sampling(1.0, top_k=2), Sampling(1.0, top_p=0.5), Sampling(0.0, top_k=2)]
    found = distribution(logits, [RowDraw(sampling, "cpu") for sampling in samplings])
    assert found[0].tolist() == [1.5, 1.0, 0.5, 0.0]
    assert found[1].tolist() == [3.0, 2.0, -torch.inf, -torch.inf]
    assert found[2].tolist() == [3.0, -torch.inf, -torch.inf, -torch.inf]
    assert found[3].tolist() == [3.0, 2.0, 1.0, 0.0], "greedy needs no limits"
    assert torch.equal(logits, torch.tensor([[3.0, 2.0, 1.0, 0.0]] * 4)), "the model's own logits stay"

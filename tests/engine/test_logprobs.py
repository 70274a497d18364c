"""The local engines tell how likely the tokens were that they drew, under the distribution that they drew them from."""

from __future__ import annotations

from typing import Any

import pytest

from herl.engine.base import Engine, Request
from herl.item import Completion, Message, Sampling

pytestmark = pytest.mark.engine


def ask(engine: Engine, *samplings: Sampling) -> list[Completion]:
    requests = [
        Request(str(number), 0, (Message("user", "Name three colours."),), sampling)
        for number, sampling in enumerate(samplings)
    ]
    found = {}
    for answer in engine.generate(requests):
        assert isinstance(answer.result, Completion)
        found[answer.request.item_id] = answer.result
    return [found[request.item_id] for request in requests]


def test_sampled_tokens_are_as_likely_as_one_pass_over_the_whole_answer_says(
    engine: Engine, transformers: Engine
) -> None:
    import torch

    warm = Sampling(temperature=0.7, max_tokens=20, seed=1, logprobs=True)
    greedy = Sampling(max_tokens=12, logprobs=True)
    list(transformers.generate([]))  # loads it
    model: Any = vars(transformers)["_model"]
    for answer, temperature in zip(ask(engine, warm, greedy), (0.7, 1.0), strict=True):
        assert answer.prompt_ids and answer.token_ids and answer.logprobs
        with torch.inference_mode():
            logits = model(torch.tensor([[*answer.prompt_ids, *answer.token_ids]]), use_cache=False).logits[0]
        own = (logits[len(answer.prompt_ids) - 1 : -1] / temperature).log_softmax(1)
        want = own.gather(1, torch.tensor(answer.token_ids)[:, None])[:, 0].tolist()
        assert answer.logprobs == pytest.approx(want, abs=1e-4)


def test_what_top_k_and_top_p_leave_adds_up_to_one(engine: Engine) -> None:
    one, few = ask(
        engine,
        Sampling(temperature=1.0, top_k=1, max_tokens=6, logprobs=True),
        Sampling(temperature=1.0, top_p=1e-6, max_tokens=6, logprobs=True),
    )
    assert one.logprobs == pytest.approx([0.0] * 6, abs=1e-6)
    assert few.logprobs == pytest.approx([0.0] * 6, abs=1e-6)


def test_nobody_who_did_not_ask_is_told_and_the_draws_are_the_same(engine: Engine) -> None:
    told, untold = ask(
        engine,
        Sampling(temperature=1.0, max_tokens=8, seed=5, logprobs=True),
        Sampling(temperature=1.0, max_tokens=8, seed=5),
    )
    assert untold.logprobs is None
    assert told.logprobs is not None and len(told.logprobs) == 8
    assert told.token_ids == untold.token_ids

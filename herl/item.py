"""The things that travel through every verb: items, messages, sampling settings and completions."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from herl.rubric import Rubric

Role = Literal["system", "user", "assistant"]
FinishReason = Literal["stop", "length", "content_filter", "error", "missing"]


@dataclass(frozen=True, slots=True)
class Message:
    """One turn of a conversation."""

    role: Role
    content: str

    def as_dict(self) -> dict[str, str]:
        """The form that chat templates and chat APIs take."""
        return {"role": self.role, "content": self.content}


@dataclass(frozen=True, slots=True)
class Item:
    """One question of a benchmark, or one prompt of a user's: what is asked and what a good answer does.

    Args:
        id: Unique within its benchmark, stable between versions of HeRL.
        messages: The conversation up to the answer; the last turn is the user's.
        rubric: The criteria of a good answer.
        tags: Category name -> value, for tables by category.
        facts: What graders need beside the rubric, as plain JSON values, such as a reference answer.
        follows: The id of the item before it in one conversation, "" for none: that item's messages and
            the model's own answer to it come before `messages`.
    """

    id: str
    messages: tuple[Message, ...]
    rubric: Rubric
    tags: Mapping[str, str] = field(default_factory=dict)
    facts: Mapping[str, Any] = field(default_factory=dict)
    follows: str = ""


@dataclass(frozen=True, slots=True)
class Sampling:
    """How an answer is drawn.

    Args:
        temperature: 0 is greedy.
        top_p: Nucleus mass, (0, 1].
        top_k: 0 switches it off.
        max_tokens: The longest answer, in tokens, thinking included.
        stop: Strings that end the answer and are left out of it.
        seed: The draw's own seed (`draw_seed`); engines give the same answer for the same seed, in any
            batch and in any order.
        schema: A JSON schema, as text, that the answer must follow, "" for none; engines that cannot
            hold a model to one ignore it.
        logprobs: The sampled tokens' log-probabilities are wanted, under the distribution that they are drawn
            from; only local engines know them.
    """

    temperature: float = 0.0
    top_p: float = 1.0
    top_k: int = 0
    max_tokens: int = 1280
    stop: tuple[str, ...] = ()
    seed: int = 0
    schema: str = ""
    logprobs: bool = False

    def as_dict(self) -> dict[str, Any]:
        """Plain values, for cache keys and run.json."""
        # Left out where they are not used, so that keys made before there were any hold.
        more = ({"schema": self.schema} if self.schema else {}) | ({"logprobs": True} if self.logprobs else {})
        return {
            "temperature": self.temperature,
            "top_p": self.top_p,
            "top_k": self.top_k,
            "max_tokens": self.max_tokens,
            "stop": list(self.stop),
            "seed": self.seed,
            **more,
        }


@dataclass(frozen=True, slots=True)
class Usage:
    """Tokens read and written for one completion."""

    prompt_tokens: int = 0
    completion_tokens: int = 0


@dataclass(frozen=True, slots=True)
class Likelihood:
    """How likely a text is as the next words.

    Args:
        logprob: The sum of its tokens' log-probabilities, to base e.
        greedy: Whether each of its tokens is one that greedy sampling could choose.
    """

    logprob: float
    greedy: bool

    def as_dict(self) -> dict[str, Any]:
        """Plain values, for rows and the cache."""
        return {"logprob": self.logprob, "greedy": self.greedy}


@dataclass(frozen=True, slots=True)
class Completion:
    """One answer of a model.

    Args:
        text: The answer without its thinking block; "" when the thinking never ended.
        thinking: What stood in the thinking block, or None.
        finish_reason: "length" means truncated; "error" means that the model cannot answer this prompt
            at all (`error` says why) and asking again would not help; "missing" that a file of recorded
            answers holds none for this prompt.
        prompt_ids: Token ids of the prompt, `[prompt]`, when the engine knows them.
        token_ids: Token ids as sampled, `[time]`; nobody decodes and encodes again.
        logprobs: Their log-probabilities, `[time]`, when asked for.
        usage: Tokens read and written.
        seed: The seed that drew it.
        model: The model's name as the user gave it.
        weight_version: Which weights, while training; 0 otherwise.
        error: Why there is no answer, when `finish_reason` is "error" or "missing".
        likelihoods: One for each of the request's continuations; then there is no text, and "length" means that
            a conversation lost its beginning to fit the model's context.
    """

    text: str
    finish_reason: FinishReason
    thinking: str | None = None
    prompt_ids: tuple[int, ...] | None = None
    token_ids: tuple[int, ...] | None = None
    logprobs: tuple[float, ...] | None = None
    usage: Usage = field(default_factory=Usage)
    seed: int = 0
    model: str = ""
    weight_version: int = 0
    error: str = ""
    likelihoods: tuple[Likelihood, ...] = ()


def draw_seed(run_seed: int, item_id: str, sample: int, purpose: str) -> int:
    """The seed of one random draw, so that order, batching and restarts do not change it.

    Args:
        run_seed: The run's `--seed`.
        item_id: The item.
        sample: Which sample of the item, from 0.
        purpose: What is drawn, such as "answer" or "revision-1".

    Returns:
        31 bits, which every engine and every API accepts.
    """
    key = f"{run_seed}\x1f{item_id}\x1f{sample}\x1f{purpose}".encode(errors="surrogatepass")
    return int.from_bytes(hashlib.sha256(key).digest()[:4], "big") >> 1

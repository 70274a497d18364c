"""From messages to token ids and from sampled tokens to a completion, the same way for every local engine."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from herl.engine.base import Answer, Request
from herl.engine.thinking import CLOSE, OPEN, split_thinking
from herl.errors import UsageError
from herl.item import Completion, FinishReason, Message, Usage


@dataclass(frozen=True, slots=True)
class Prompt:
    """A request as the model reads it.

    Args:
        request: What was asked.
        ids: Token ids, `[prompt]`, chat template applied.
        opened: The template itself opened a thinking block, so the answer starts inside it.
        max_tokens: The longest answer that was asked for and fits the context, at least 1.
        stop: Strings that may end the answer while it is made: none for a model that thinks first, whose thoughts
            may hold them; its answer is cut afterwards.
    """

    request: Request
    ids: tuple[int, ...]
    opened: bool
    max_tokens: int
    stop: tuple[str, ...] = ()


class RefusedConversation(Exception):
    """A chat template cannot express a conversation, such as one with a system message."""


def require_template(tokenizer: Any, model: str) -> None:
    """Refuse a model that cannot hold a conversation.

    Raises:
        UsageError: the tokenizer has no chat template.
    """
    if not getattr(tokenizer, "chat_template", None):
        raise UsageError(
            f"the model {model} has no chat template, which turns a conversation into its prompt",
            "Use an instruct model, or save a chat_template with the tokenizer.",
        )


def knows_thinking(tokenizer: Any) -> bool:
    """Whether a model may open a thinking block by itself: its template or its tokens know how one ends."""
    return CLOSE in str(tokenizer.chat_template) or CLOSE in tokenizer.get_added_vocab()


def render(tokenizer: Any, request: Request, context: int) -> Prompt | str:
    """Turn a request into a prompt.

    Args:
        tokenizer: A Hugging Face tokenizer with a chat template.
        request: What is asked.
        context: The model's longest sequence, prompt and answer together, in tokens.

    Returns:
        The prompt, or why this model can never answer this request.
    """
    try:
        text = apply_template(tokenizer, request.messages)
    except RefusedConversation as error:
        return str(error)
    ids = token_ids(tokenizer, text)
    if len(ids) >= context:
        return f"the prompt has {len(ids)} tokens, the model's context is {context}"
    opened = text.rstrip().endswith(OPEN)
    thinks = opened or (bool(request.sampling.stop) and knows_thinking(tokenizer))
    stop = () if thinks else request.sampling.stop
    return Prompt(request, ids, opened, min(request.sampling.max_tokens, context - len(ids)), stop)


def apply_template(tokenizer: Any, messages: Sequence[Message]) -> str:
    """The text that a model goes on from: a conversation in its chat template, up to its answer's first word.

    Raises:
        RefusedConversation: the template cannot express it.
    """
    from jinja2 import TemplateError

    begun = messages[-1].role == "assistant"  # the answer has its first words already
    how = {"continue_final_message": True} if begun else {"add_generation_prompt": True}
    plain = [message.as_dict() for message in messages]
    try:
        return str(tokenizer.apply_chat_template(plain, tokenize=False, **how))
    except TemplateError as error:
        raise RefusedConversation(f"the model's chat template refuses this conversation: {error}") from error


def token_ids(tokenizer: Any, text: str) -> tuple[int, ...]:
    """A text's tokens, `[time]`, special ones only where the text itself names them."""
    # verbose=False: the tokenizer need not warn of a length, which callers check.
    return tuple(tokenizer(text, add_special_tokens=False, verbose=False)["input_ids"])


def refusal(request: Request, reason: str, model: str) -> Answer:
    """The answer to a request that the model can never answer."""
    return Answer(request, Completion("", "error", seed=request.sampling.seed, model=model, error=reason))


def decoded_answer(
    tokenizer: Any,
    prompt: Prompt,
    token_ids: Sequence[int],
    truncated: bool,
    model: str,
    logprobs: Sequence[float] | None = None,
) -> Answer:
    """The answer that tokens are, for engines that do not decode them.

    Args:
        tokenizer: Decodes them.
        prompt: What the model read.
        token_ids: As sampled, the end token included, `[time]`.
        truncated: It ran into its limit.
        model: The model's name as the user gave it.
        logprobs: Of the tokens, `[time]`, when asked for.
    """
    text = tokenizer.decode(token_ids, skip_special_tokens=True, clean_up_tokenization_spaces=False)
    if truncated:
        text = text.rstrip("\N{REPLACEMENT CHARACTER}")  # the limit fell inside a character of several tokens
    return answer(prompt, text, token_ids, "length" if truncated else "stop", model, logprobs)


def answer(
    prompt: Prompt,
    text: str,
    token_ids: Sequence[int],
    finish: FinishReason,
    model: str,
    logprobs: Sequence[float] | None = None,
) -> Answer:
    """The answer to a prompt, its thinking block split off, and a stop string with what follows it.

    Args:
        prompt: What the model read.
        text: What it wrote, special tokens left out.
        token_ids: The same as sampled, `[time]`.
        finish: Why it ended; a thinking block that never ended makes it "length".
        model: The model's name as the user gave it.
        logprobs: Of the tokens, `[time]`, when asked for.
    """
    thinking, rest, finished = split_thinking(text, prompt.opened)
    cuts = [rest.find(stop) for stop in prompt.request.sampling.stop if stop in rest]
    completion = Completion(
        text=rest[: min(cuts, default=None)],
        finish_reason=finish if finished else "length",
        thinking=thinking,
        prompt_ids=prompt.ids,
        token_ids=tuple(token_ids),
        logprobs=None if logprobs is None else tuple(logprobs),
        usage=Usage(len(prompt.ids), len(token_ids)),
        seed=prompt.request.sampling.seed,
        model=model,
    )
    return Answer(prompt.request, completion)

"""Given answers as token ids, as the policy itself would have written them: a text, and the token that ends it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from herl.engine.chat import apply_template, token_ids
from herl.item import Message
from herl.train.policy import Sequence_


def encoded(tokenizer: Any, messages: Sequence[Message], answer: str) -> Sequence_:
    """A conversation and an answer to it.

    Prompt and answer are encoded apart, as they are when the answer is drawn.

    Args:
        tokenizer: With a chat template.
        messages: The conversation; the last turn is the user's.
        answer: The answer.

    Returns:
        Ids of the prompt, `[prompt]`, and of the answer with its end, `[time]`.

    Raises:
        RefusedConversation: the chat template cannot express it.
    """
    prompt = apply_template(tokenizer, messages)
    return token_ids(tokenizer, prompt), (*token_ids(tokenizer, answer), end_token(tokenizer))


def end_token(tokenizer: Any) -> int:
    """The token that ends an answer in the model's chat template: often, but not always, the tokenizer's own end."""
    own = int(tokenizer.eos_token_id)
    mark = "HeRL"
    turns = [Message("user", "Hello."), Message("assistant", mark)]
    try:
        text = str(tokenizer.apply_chat_template([turn.as_dict() for turn in turns], tokenize=False))
    except Exception:  # a template may refuse what it never sees in use; then the tokenizer's own end must do
        return own
    rest = token_ids(tokenizer, text.rpartition(mark)[2].lstrip())
    return rest[0] if rest and rest[0] in tokenizer.get_added_vocab().values() else own

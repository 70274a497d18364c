"""Puts text that others wrote between tags that it cannot close, and takes the power from chat-template tokens.

A judge reads the answer that it judges, and the answer may be written to steer it. Nothing can keep a model
from being persuaded; what is kept here is the form: where the answer ends is never in doubt, and no part of
it reads as another turn of the conversation.
"""

from __future__ import annotations

import hashlib
import re
from functools import lru_cache

# What chat templates are made of: ChatML, Llama 3, Phi and GLM (<|…|>), DeepSeek (<｜…｜>), Gemma, Llama 2 and
# Mistral ([INST], <<SYS>>), sentence marks, thinking blocks. A space after the first character is enough: then a
# tokenizer finds no special token, and people still read what was written.
_CONTROL = re.compile(
    r"""
      <(?=\s*[|｜])
    | <(?=/?(?:s|bos|eos|pad|unk|think|thinking|start_of_turn|end_of_turn|sop|eop)>)
    | <(?=</?SYS>>)
    | \[(?=/?(?:INST|SYSTEM_PROMPT|AVAILABLE_TOOLS|TOOL_CALLS|TOOL_RESULTS|TOOL_CONTENT|gMASK|MASK|THINK)\])
    """,
    re.VERBOSE | re.IGNORECASE,
)
# Unicode's tag characters show ASCII to a model and nothing to people; only the flags of regions need them, behind
# a black flag, which is looked for afterwards: within the pattern it takes five times as long on a plain text.
_INVISIBLE = re.compile("[\U000e0000-\U000e007f]+")
_REGION = re.compile("[\U000e0030-\U000e0039\U000e0061-\U000e007a]{2,6}\U000e007f")
_BLACK_FLAG = "\U0001f3f4"


@lru_cache(maxsize=64)  # the criteria of one answer are mostly asked one after the other
def delimit(text: str, name: str) -> str:
    """Text between tags that carry its own digest, so that the text cannot hold the closing one.

    Args:
        text: What a model or a user wrote.
        name: What it is, such as "answer".

    Returns:
        Three parts, each on its own lines: the opening tag, the neutralised text, the closing tag.
    """
    digest = hashlib.sha256(text.encode(errors="surrogatepass")).hexdigest()[:12]
    tag = f"{name}-{digest}"
    return f"<{tag}>\n{neutralise(text)}\n</{tag}>"


def neutralise(text: str) -> str:
    """Text without ASCII in invisible characters, in which no tokenizer finds a chat template's control token."""
    visible = text if text.isascii() else _INVISIBLE.sub(_seen, text)
    return _CONTROL.sub(lambda found: f"{found[0]} ", visible)


def guarded(text: str, tag: str) -> str:
    """Text to stand between fixed tags, `<tag>` and `</tag>`: it can neither end them nor begin another turn.

    Models take `</TAG>` and `</tag >` for the end, too.
    """
    closing = re.compile(rf"<(?=/\s*{re.escape(tag)}\s*>)", re.IGNORECASE)
    return closing.sub("< ", neutralise(text.strip()))


def _seen(tags: re.Match[str]) -> str:
    """What people see of tag characters: a region's flag, or nothing."""
    flagged = tags.string[tags.start() - 1 : tags.start()] == _BLACK_FLAG
    region = _REGION.match(tags[0]) if flagged else None
    return region[0] if region else ""

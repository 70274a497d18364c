"""Splits a thinking block off an answer, so that only the answer is scored."""

from __future__ import annotations

OPEN, CLOSE = "<think>", "</think>"


def split_thinking(text: str, opened: bool = False) -> tuple[str | None, str, bool]:
    """Split `<think>…</think>` from the answer behind it.

    Args:
        text: What the model wrote.
        opened: The prompt itself ended with `<think>`, so the text starts inside the block.

    Returns:
        (thinking, answer, finished): thinking is None where there was none; an unfinished block gives
        the answer "" and finished False, since half a thought is not an answer.
    """
    start = text.lstrip()
    inside = opened or start.startswith(OPEN)
    head, mark, tail = text.partition(CLOSE)
    if mark and (inside or OPEN not in head):
        return head.lstrip().removeprefix(OPEN).strip(), tail.lstrip(), True
    if inside:
        return start.removeprefix(OPEN).strip(), "", False
    return None, text, True

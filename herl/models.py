"""Model strings: what `-m` takes, as tables and file names show it."""

from __future__ import annotations

import re
from pathlib import PurePath

_LONGEST_SLUG = 100


def is_address(model: str) -> bool:
    """Whether a model string is the address of a server, however its scheme is written."""
    return model.strip().lower().startswith(("http://", "https://"))


def is_remote(model: str) -> bool:
    """Whether a model string names a server or a file of answers: nothing that takes this machine's memory."""
    return is_address(model) or model.startswith(("openai:", "replay:"))


def label(model: str) -> str:
    """A short name for tables: the last folder of a path, a server's model, a file of answers without its ending.

    Args:
        model: The string given to `-m`.

    Returns:
        "gpt4" for "replay:answers/gpt4.jsonl", "qwen" for "http://127.0.0.1:8000/v1#qwen", a hub id unchanged. A
        checkpoint has its run's name before its own, since every run has a "step-20".
    """
    if model.startswith("replay:"):
        return PurePath(model.removeprefix("replay:")).stem
    if is_address(model):
        address, _, name = model.strip().partition("#")
        return name or re.split(r"[/?]", address.partition("://")[2])[0].rpartition("@")[2]
    if model.startswith("openai:"):
        return model.removeprefix("openai:")
    is_hub_id = re.fullmatch(r"[\w.-]+/[\w.-]+", model) and not model.startswith(".")
    if is_hub_id:
        return model
    path = PurePath(model)
    run = path.parent.parent.name if path.parent.name == "checkpoints" else ""
    return f"{run}/{path.name}" if run else path.name or model


def slug(text: str) -> str:
    """Letters, digits, '.', '_' and '-' only, at most 100, for a file name; never empty."""
    return re.sub(r"[^A-Za-z0-9._-]+", "-", text).strip("-.")[:_LONGEST_SLUG] or "run"

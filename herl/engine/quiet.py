"""Keeps the engines' own chatter off the user's terminal; HERL_DEBUG=1 lets it through."""

from __future__ import annotations

import io
import logging
import os
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr


def debugging() -> bool:
    """Whether the user wants to see everything."""
    return os.environ.get("HERL_DEBUG", "") not in ("", "0")


@contextmanager
def quiet() -> Iterator[None]:
    """Silences progress bars, warnings and log lines of torch, transformers and vLLM; errors are still raised.

    vLLM and torch read their log levels from the environment when they are first imported, so that import
    belongs inside.
    """
    if debugging():
        yield
        return
    os.environ.setdefault("VLLM_LOGGING_LEVEL", "ERROR")
    os.environ.setdefault("TORCH_CPP_LOG_LEVEL", "ERROR")
    os.environ.setdefault("TRANSFORMERS_VERBOSITY", "error")
    logging.getLogger("torch").setLevel(logging.ERROR)
    with warnings.catch_warnings(), redirect_stderr(io.StringIO()):
        warnings.simplefilter("ignore")
        yield

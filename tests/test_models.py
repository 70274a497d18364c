"""Short names of models for tables and folders."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from herl.models import label, slug


@pytest.mark.parametrize(
    ("model", "shown"),
    [
        ("demo", "demo"),
        ("Qwen/Qwen2.5-7B-Instruct", "Qwen/Qwen2.5-7B-Instruct"),
        ("/models/llama/step-100/", "step-100"),
        ("./out", "out"),
        ("runs/demo-herl/checkpoints/step-20", "demo-herl/step-20"),
        ("/checkpoints/step-20", "step-20"),
        ("replay:answers/gpt4.jsonl", "gpt4"),
        ("openai:gpt-4.1", "gpt-4.1"),
        ("http://127.0.0.1:8000/v1#qwen", "qwen"),
        ("http://user:secret@host:8000/v1", "host:8000"),
        (" HTTP://user:secret@host:8000/v1", "host:8000"),
        ("Https://user:secret@host?key=secret", "host"),
        (" HTTPS://user:secret@host/v1#qwen ", "qwen"),
    ],
)
def test_a_model_is_shown_by_its_short_name(model: str, shown: str) -> None:
    assert label(model) == shown


@given(st.text())
def test_a_slug_is_a_safe_file_name(text: str) -> None:
    name = slug(text)
    assert name
    assert not name.startswith((".", "-"))
    assert len(name) <= 100
    assert set(name) <= set("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-")


def test_the_slug_of_a_long_name_is_cut() -> None:
    assert slug("a" * 300) == "a" * 100

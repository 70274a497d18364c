"""Whatever a row holds, it is read or refused in a message; nothing else comes of it."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from herl.errors import UsageError
from herl.forms import plain
from herl.train import gsm8k, hir, rar
from herl.train.examples import example_of, pair_of

TEXTS = st.text(max_size=20) | st.sampled_from(["type1", "type3", "type4", "[rule] x", "[llm] y", "user", "assistant"])
KEYS = st.sampled_from(
    [
        "role",
        "content",
        "id",
        "weight",
        "description",
        "instruction_id_list",
        "kwargs",
        "constraints",
        "checker",
        "functions",
    ]
)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 5) | st.floats(-2, 2) | TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=4),
    max_leaves=12,
)
READERS: list[tuple[Callable[[Any], object], list[str]]] = [
    (lambda row: example_of(row, "here", "1"), ["id", "prompt", "completion", "messages"]),
    (lambda row: pair_of(row, "here", "1"), ["id", "prompt", "chosen", "rejected"]),
    (
        lambda row: hir.items([row], allow_code=True, judged=True).rows,
        ["id", "prompt", "source", "criteria", "ground_truth"],
    ),
    (lambda row: rar.items([row], "train").rows, ["question", "reference_answer", "question_source", "rubric"]),
    (lambda row: gsm8k.items([row], "train").rows, ["question", "answer"]),
]


@pytest.mark.parametrize(("read", "keys"), READERS, ids=["sft", "dpo", "hir", "rar", "gsm8k"])
@settings(max_examples=50)
@given(st.data())
def test_any_row_is_read_or_refused(read: Callable[[Any], object], keys: list[str], data: st.DataObject) -> None:
    row = data.draw(st.fixed_dictionaries({}, optional=dict.fromkeys(keys, VALUES)))
    with suppress(UsageError):
        read(plain(row, "here"))


TRUTHS = st.fixed_dictionaries(
    {},
    optional={
        "instruction_id_list": st.lists(st.sampled_from(["count:numbers", "keywords:existence", "x"]), max_size=2),
        "kwargs": st.lists(
            st.dictionaries(st.sampled_from(["N", "keywords"]), VALUES, max_size=2) | VALUES, max_size=2
        ),
        "constraints": st.lists(st.lists(st.sampled_from(["Length", "Words", "At most 5 words"]), max_size=3) | VALUES),
        "checker": st.lists(TEXTS, max_size=2),
        "functions": st.lists(TEXTS, max_size=2),
    },
)


@settings(max_examples=50)
@given(st.sampled_from(["type1", "type2", "type3", "type4"]), TRUTHS, st.lists(st.text(max_size=5), max_size=2))
def test_any_ground_truth_is_read_left_out_or_refused(source: str, truth: Any, criteria: list[str]) -> None:
    row = {"id": 1, "prompt": "Hi", "source": source, "criteria": criteria, "ground_truth": plain(truth, "here")}
    with suppress(UsageError):
        found = hir.items([row], allow_code=True, judged=True)
        assert len(found.rows) + found.skipped.total() == 1

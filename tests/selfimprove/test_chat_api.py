"""Requests in OpenAI's form are read or refused by name; answers keep every character."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from herl.engine.base import Failure
from herl.errors import HerlError, IncompleteError, UsageError
from herl.item import Message, Sampling
from herl.selfimprove.chat_api import ApiError, ChatRequest, chunks, error_of, read_request
from herl.selfimprove.improved import Improved, Round
from herl.selfimprove.trial import Spent

HELLO = [{"role": "user", "content": "Hello."}]


def read(**fields: Any) -> ChatRequest:
    return read_request(json.dumps({"model": "any", "messages": HELLO, **fields}).encode(), 500, 7)


def refusal(body: bytes) -> ApiError:
    with pytest.raises(ApiError) as caught:
        read_request(body, 500, 7)
    assert caught.value.status == 400 and "\n" not in caught.value.message
    return caught.value


def test_a_request_says_how_its_plain_answer_is_drawn() -> None:
    asked = read(temperature=0.3, top_p=0.9, top_k=20, max_tokens=64, stop="END", seed=-5, stream=True)
    assert asked.sampling == Sampling(0.3, 0.9, 20, 64, ("END",), -5)
    assert asked.stream and not asked.with_usage
    assert read(max_tokens=64, max_completion_tokens=32, stop=["a", "b"]).sampling.max_tokens == 32


def test_what_it_does_not_say_is_as_openai_has_it() -> None:
    assert read() == ChatRequest((Message("user", "Hello."),), Sampling(1.0, 1.0, 0, 500, (), 7), False, False)
    assert read(temperature=None, stop=None, stream=None, seed=None, stream_options=None) == read()


def test_a_conversation_may_come_in_parts_and_with_what_a_client_echoes() -> None:
    asked = read(
        messages=[
            {"role": "developer", "content": "Be brief."},
            {"role": "user", "content": [{"type": "text", "text": "One."}, {"type": "text", "text": "Two."}]},
            {"role": "assistant", "content": "Yes?", "refusal": None, "annotations": [], "tool_calls": None},
            {"role": "user", "content": "Three."},
        ]
    )
    assert asked.messages == (
        Message("system", "Be brief."),
        Message("user", "One.\nTwo."),
        Message("assistant", "Yes?"),
        Message("user", "Three."),
    )


def test_what_asks_for_nothing_is_passed_over() -> None:
    fields = {"n": 1, "tools": [], "logprobs": False, "presence_penalty": 0.0, "response_format": {"type": "text"}}
    assert read(**fields, user="me", metadata={"a": "b"}, store=False, tool_choice="none") == read()


TOOL = {"type": "function", "function": {"name": "f"}}
IMAGE = {"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}}


@pytest.mark.parametrize(
    ("field", "value", "param"),
    [
        ("n", 2, "n"),
        ("tools", [TOOL], "tools"),
        ("tool_choice", "required", "tool_choice"),
        ("functions", [TOOL], "functions"),
        ("logprobs", True, "logprobs"),
        ("top_logprobs", 3, "top_logprobs"),
        ("logit_bias", {"5": 1}, "logit_bias"),
        ("presence_penalty", 0.5, "presence_penalty"),
        ("frequency_penalty", -1, "frequency_penalty"),
        ("response_format", {"type": "json_object"}, "response_format"),
        ("modalities", ["text", "audio"], "modalities"),
        ("audio", {"voice": "alloy"}, "audio"),
        ("min_p", 0.1, "min_p"),
        ("temperature", 2.5, "temperature"),
        ("temperature", "hot", "temperature"),
        ("temperature", True, "temperature"),
        ("temperature", float("nan"), "temperature"),
        ("top_p", 0, "top_p"),
        ("top_k", -1, "top_k"),
        ("max_tokens", 0, "max_tokens"),
        ("max_tokens", 1.5, "max_tokens"),
        ("max_completion_tokens", 10**12, "max_completion_tokens"),
        ("seed", 2**63, "seed"),
        ("stop", "", "stop"),
        ("stop", ["a", 5], "stop"),
        ("stop", {"a": 1}, "stop"),
        ("stream", "yes", "stream"),
        ("stream_options", {"include_usage": True}, "stream_options"),
        ("messages", None, "messages"),
        ("messages", [], "messages"),
        ("messages", "Hello.", "messages"),
        ("messages", ["Hello."], "messages[0]"),
        ("messages", [{"role": "tool", "content": "x"}, *HELLO], "messages[0].role"),
        ("messages", [{"role": ["user"], "content": "x"}], "messages[0].role"),
        ("messages", [*HELLO, {"role": "assistant", "content": "Hi"}], "messages"),
        ("messages", [{"role": "user", "content": " "}], "messages"),
        ("messages", [{"role": "user", "content": None}], "messages[0].content"),
        ("messages", [{"role": "user", "content": [IMAGE]}], "messages[0].content"),
        ("messages", [{"role": "user", "content": "x", "name": "me"}], "messages[0].name"),
        ("messages", [{"role": "assistant", "content": "", "tool_calls": [TOOL]}, *HELLO], "messages[0].tool_calls"),
    ],
)
def test_what_is_not_done_here_is_refused_by_name(field: str, value: Any, param: str) -> None:
    error = refusal(json.dumps({"messages": HELLO, field: value}).encode())
    assert (error.param == param and param.split(".")[0] in error.message) or param == "messages"
    assert error.document["error"]["type"] == "invalid_request_error"


@pytest.mark.parametrize(
    "body", [b"", b"{", b"[1]", b'"x"', b"\xff\xfe", b"[" * 100_000, b'{"a":' * 100_000, b"1" * 5000, b"null"]
)
def test_what_is_no_json_object_is_refused(body: bytes) -> None:
    assert "JSON" in refusal(body).message


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
FIELDS = st.sampled_from(
    ["messages", "temperature", "top_p", "top_k", "max_tokens", "stop", "seed", "stream", "stream_options", "n", "x"]
)


TURNS = st.lists(st.dictionaries(st.sampled_from(["role", "content", "name"]), JSON | st.just("user"), max_size=3))


@given(st.dictionaries(FIELDS, JSON, max_size=4), TURNS)
def test_any_request_is_read_or_refused(fields: dict[str, Any], turns: list[Any]) -> None:
    for body in ({"messages": HELLO, **fields}, {**fields, "messages": turns}):
        try:
            asked = read_request(json.dumps(body).encode(), 500, 7)
        except ApiError as error:
            assert json.dumps(error.document)
        else:
            assert asked.messages[-1].content.strip()


@given(st.text())
def test_pieces_of_a_stream_add_up_to_the_answer(text: str) -> None:
    found = Improved(text, "stop", "all_met", (Round(0, (text,), text, None, True),), Spent(1, 2, 3))
    *events, usage, done = list(chunks(found, "parrot", with_usage=True))
    first, *rest, last = [json.loads(event.removeprefix("data: "))["choices"][0] for event in events]
    assert first["delta"] == {"role": "assistant", "content": ""}
    assert "".join(choice["delta"]["content"] for choice in rest) == text
    assert (last["delta"], last["finish_reason"]) == ({}, "stop")
    assert json.loads(usage.removeprefix("data: "))["usage"]["total_tokens"] == 6
    assert done == "data: [DONE]\n\n"


@pytest.mark.parametrize(
    ("trouble", "remote", "status"),
    [
        (Failure("HTTP 429: slow down", 429, 3.0), True, 429),
        (Failure("connection failed"), True, 502),
        (Failure("broke off"), False, 500),
        (UsageError("refuses the key", status=401), True, 401),
        (UsageError("it serves two models"), True, 500),
        (IncompleteError("no server answers"), True, 502),
        (HerlError("cannot load"), False, 500),
    ],
)
def test_a_trouble_with_the_model_has_the_status_of_its_server(
    trouble: Failure | HerlError, remote: bool, status: int
) -> None:
    error = error_of(trouble, is_remote=remote)
    assert error.status == status
    assert error.message == (trouble.reason if isinstance(trouble, Failure) else trouble.message)
    assert error.document["error"]["type"] in {"api_error", "rate_limit_error", "authentication_error"}

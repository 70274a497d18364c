"""OpenAI's chat completions, as a server sees them: reads requests, writes answers and errors."""

from __future__ import annotations

import json
import re
import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from herl.engine.base import Failure
from herl.errors import HerlError, UsageError
from herl.forms import shown
from herl.item import Message, Role, Sampling
from herl.selfimprove.improved import Improved

_LONGEST = 10**9  # tokens
_SEEDS = 2**63
_MOST_STOPS = 16
_ROLES: Mapping[Any, Role] = {"system": "system", "developer": "system", "user": "user", "assistant": "assistant"}
# What changes no answer here, and what clients send although they want nothing of it.
_HARMLESS = {
    "model", "user", "metadata", "store", "service_tier", "safety_identifier", "prompt_cache_key",
    "prompt_cache_retention", "parallel_tool_calls",
}  # fmt: skip
_NEUTRAL: Mapping[str, tuple[Any, ...]] = {
    "n": (1,),
    "tools": ([],),
    "tool_choice": ("none", "auto"),
    "functions": ([],),
    "function_call": ("none", "auto"),
    "logprobs": (False,),
    "top_logprobs": (0,),
    "logit_bias": ({},),
    "presence_penalty": (0,),
    "frequency_penalty": (0,),
    "response_format": ({"type": "text"},),
    "modalities": (["text"],),
    "audio": (),
    "prediction": (),
}
_READ = {
    "messages", "temperature", "top_p", "top_k", "max_tokens", "max_completion_tokens", "stop", "seed", "stream",
    "stream_options",
}  # fmt: skip
_KINDS = {401: "authentication_error", 403: "permission_error", 404: "not_found_error", 429: "rate_limit_error"}
_PIECE = re.compile(r"\s*\S+|\s+")


class ApiError(Exception):
    """What a client is told in place of an answer.

    Args:
        status: The HTTP status.
        message: What is wrong.
        param: The field of the request that is at fault, where one is.
        code: A word for programs.
        wait_s: After how many seconds to ask again, where that is known.
    """

    def __init__(
        self,
        status: int,
        message: str,
        *,
        param: str | None = None,
        code: str | None = None,
        wait_s: float | None = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.param = param
        self.code = code
        self.wait_s = wait_s

    @property
    def document(self) -> dict[str, Any]:
        """The body of the reply."""
        kind = _KINDS.get(self.status, "invalid_request_error" if self.status < 500 else "api_error")
        return {"error": {"message": self.message, "type": kind, "param": self.param, "code": self.code}}


@dataclass(frozen=True, slots=True)
class ChatRequest:
    """What a client asks.

    Args:
        messages: The conversation.
        sampling: How the plain answer is drawn.
        stream: The answer is sent in pieces.
        with_usage: The last piece tells the usage.
    """

    messages: tuple[Message, ...]
    sampling: Sampling
    stream: bool
    with_usage: bool


def read_request(body: bytes, max_tokens: int, seed: int) -> ChatRequest:
    """The body of a request.

    Args:
        body: As it came.
        max_tokens: The longest answer where the request does not say.
        seed: The seed where it does not say.

    Raises:
        ApiError: it is malformed, or asks for something that is not done here; the field is named.
    """
    try:
        written = json.loads(body)
        if not isinstance(written, dict):
            raise ApiError(400, "the request is not a JSON object")
        fields = {name: value for name, value in written.items() if value is not None}
        _refuse_others(fields)
        stream = _boolean(fields, "stream")
        return ChatRequest(_messages(fields), _sampling(fields, max_tokens, seed), stream, _with_usage(fields, stream))
    except (ValueError, RecursionError):  # also bytes that are no text, and a number too long for Python
        raise ApiError(400, "the request is not JSON that can be read") from None


def completion(found: Improved, model: str) -> dict[str, Any]:
    """The body of the reply with an answer.

    Args:
        found: The answer.
        model: What the model is called.
    """
    choice = {
        "index": 0,
        "message": {"role": "assistant", "content": found.answer, "refusal": None},
        "logprobs": None,
        "finish_reason": found.finish_reason,
    }
    return {**_head("chat.completion", model), "choices": [choice], "usage": _usage(found)}


def chunks(found: Improved, model: str, with_usage: bool) -> Iterator[str]:
    """The answer as server-sent events: its role, its text in pieces, how it ended, perhaps the usage, and the end.

    Args:
        found: The answer.
        model: What the model is called.
        with_usage: Whether to send the usage.
    """
    head = _head("chat.completion.chunk", model) | ({"usage": None} if with_usage else {})

    def event(delta: Mapping[str, str], finish_reason: str | None = None) -> str:
        choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish_reason}
        return f"data: {json.dumps({**head, 'choices': [choice]})}\n\n"

    yield event({"role": "assistant", "content": ""})
    for piece in _PIECE.findall(found.answer):
        yield event({"content": piece})
    yield event({}, found.finish_reason)
    if with_usage:
        yield f"data: {json.dumps({**head, 'choices': [], 'usage': _usage(found)})}\n\n"
    yield "data: [DONE]\n\n"


def headers(found: Improved) -> dict[str, str]:
    """What the headers of the reply tell of the loop."""
    return {"x-herl-rounds": str(found.rounds), "x-herl-stop": found.stop}


def error_of(trouble: Failure | HerlError, *, is_remote: bool) -> ApiError:
    """What a client is told of a trouble with the model: the status and the words of its server, where it has one.

    Args:
        trouble: Why there is no answer.
        is_remote: The models are behind servers.
    """
    if isinstance(trouble, Failure):
        return ApiError(trouble.status or (502 if is_remote else 500), trouble.reason, wait_s=trouble.wait_s)
    behind = is_remote and not isinstance(trouble, UsageError)
    return ApiError(trouble.status or (502 if behind else 500), trouble.message)


def refused(found: Improved) -> ApiError | None:
    """What a client is told where the model will never answer its prompt; None where there is an answer."""
    if found.failure is None or found.stop != "no_answer":
        return None
    code = "content_filter" if found.finish_reason == "content_filter" else "context_length_exceeded"
    return ApiError(400, found.failure.reason, param="messages", code=code)


def _refuse_others(fields: Mapping[str, Any]) -> None:
    for name, value in fields.items():
        if name in _NEUTRAL and value not in _NEUTRAL[name]:
            raise ApiError(
                400, f"herl serve does not do '{name}': {shown(value)}", param=name, code="unsupported_parameter"
            )
        if name not in _READ | _HARMLESS | set(_NEUTRAL):
            raise ApiError(400, f"herl serve does not know '{name:.60}'", param=name[:60], code="unknown_parameter")


def _sampling(fields: Mapping[str, Any], max_tokens: int, seed: int) -> Sampling:
    longest = "max_completion_tokens" if "max_completion_tokens" in fields else "max_tokens"
    stop = fields.get("stop", [])
    stops = [stop] if isinstance(stop, str) else stop
    if not isinstance(stops, list) or len(stops) > _MOST_STOPS or not all(isinstance(s, str) and s for s in stops):
        raise _wrong("stop", f"a text or a list of at most {_MOST_STOPS} texts", stop)
    return Sampling(
        temperature=_number(fields, "temperature", "a number from 0 to 2", lambda value: 0 <= value <= 2, 1.0),
        top_p=_number(fields, "top_p", "a number above 0, at most 1", lambda value: 0 < value <= 1, 1.0),
        top_k=_whole(fields, "top_k", "a whole number from 0", lambda value: 0 <= value <= _LONGEST, 0),
        max_tokens=_whole(fields, longest, "a whole number above 0", lambda value: 0 < value <= _LONGEST, max_tokens),
        stop=tuple(stops),
        seed=_whole(fields, "seed", "a whole number of 64 bits", lambda value: -_SEEDS <= value < _SEEDS, seed),
    )


def _messages(fields: Mapping[str, Any]) -> tuple[Message, ...]:
    turns = fields.get("messages")
    if not isinstance(turns, list) or not turns:
        raise _wrong("messages", "a list of messages", turns)
    messages = tuple(_message(turn, f"messages[{place}]") for place, turn in enumerate(turns))
    if messages[-1].role != "user":
        raise ApiError(400, "the last message must be the user's", param="messages")
    if not messages[-1].content.strip():
        raise ApiError(400, "the last message is blank", param="messages")
    return messages


def _message(turn: Any, place: str) -> Message:
    if not isinstance(turn, dict):
        raise _wrong(place, "an object with 'role' and 'content'", turn)
    role = turn.get("role")
    if not isinstance(role, str) or role not in _ROLES:
        raise _wrong(f"{place}.role", "system, developer, user or assistant", role)
    for name, value in turn.items():
        if name not in ("role", "content") and value not in (None, [], ""):
            raise ApiError(
                400,
                f"herl serve does not do '{place}.{name:.60}'",
                param=f"{place}.{name:.60}",
                code="unsupported_parameter",
            )
    return Message(_ROLES[role], _text(turn.get("content"), f"{place}.content"))


def _text(content: Any, place: str) -> str:
    """A message's text, which may come in parts."""
    if isinstance(content, str):
        return content
    if not isinstance(content, list):
        raise _wrong(place, "a text", content)
    texts = []
    for number, part in enumerate(content):
        if not isinstance(part, dict) or part.get("type") != "text" or not isinstance(part.get("text"), str):
            raise ApiError(
                400, f"'{place}' must be text: its part {number} is not", param=place, code="unsupported_value"
            )
        texts.append(part["text"])
    return "\n".join(texts)


def _with_usage(fields: Mapping[str, Any], stream: bool) -> bool:
    options = fields.get("stream_options", {})
    if not isinstance(options, dict):
        raise _wrong("stream_options", "an object", options)
    if options and not stream:
        raise ApiError(400, "'stream_options' goes with 'stream'", param="stream_options")
    return _boolean(options, "include_usage", "stream_options.include_usage")


def _boolean(fields: Mapping[str, Any], name: str, place: str = "") -> bool:
    value = fields.get(name)
    if value is not None and not isinstance(value, bool):
        raise _wrong(place or name, "true or false", value)
    return bool(value)


def _number(fields: Mapping[str, Any], name: str, form: str, holds: Callable[[float], bool], default: float) -> float:
    value = fields.get(name, default)
    if isinstance(value, bool) or not isinstance(value, int | float) or not holds(value):
        raise _wrong(name, form, value)
    return float(value)


def _whole(fields: Mapping[str, Any], name: str, form: str, holds: Callable[[int], bool], default: int) -> int:
    value = fields.get(name, default)
    if isinstance(value, bool) or not isinstance(value, int) or not holds(value):
        raise _wrong(name, form, value)
    return value


def _wrong(name: str, form: str, value: Any) -> ApiError:
    return ApiError(400, f"'{name}' must be {form}, not {shown(value)}", param=name, code="invalid_value")


def _head(kind: str, model: str) -> dict[str, Any]:
    return {"id": f"chatcmpl-{uuid.uuid4().hex}", "object": kind, "created": int(time.time()), "model": model}


def _usage(found: Improved) -> dict[str, Any]:
    spent = found.spent
    split = {"generated_tokens": spent.generated, "critic_tokens": spent.critic}
    return {
        "prompt_tokens": spent.prompt,
        "completion_tokens": spent.written,
        "total_tokens": spent.prompt + spent.written,
        "herl": {"rounds": found.rounds, "stop": found.stop, **split},
    }

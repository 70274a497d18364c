"""Models behind HTTP: what happens when the server, or the way to it, fails."""

from __future__ import annotations

import time
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler

import pytest
from asking import ask, completion, engine_of, one, results
from hypothesis import given
from hypothesis import strategies as st
from servers import Fault, FaultServer, error, free_port, hang, message, raw, reset, status

from herl.engine import retries
from herl.engine.base import EngineOptions, Failure
from herl.engine.openai import OpenAIEngine
from herl.engine.retries import ordered_wait
from herl.errors import IncompleteError, UsageError
from herl.item import Completion

KEY = "sk-very-secret-42"


def no_http(server: FaultServer, handler: BaseHTTPRequestHandler) -> None:
    """Answer in something that is not HTTP."""
    handler.wfile.write(b"SSH-2.0-OpenSSH_9.6\r\nno\r\n\r\n")
    handler.close_connection = True


# Passing troubles


@pytest.mark.parametrize(
    "fault",
    [
        status(500),
        status(503),
        status(408),
        status(409),
        status(429),
        status(429, headers={"Retry-After": "0"}),
        status(429, headers={"Retry-After": formatdate(usegmt=True)}),
        status(502, "<html>bad gateway</html>"),
        raw("{not json"),
        raw(""),
        raw("[" * 100_000),
        raw('{"choices": ' + "1" * 5000 + "}"),
        raw("[" * 100_000, 500),
        raw('{"choices": []}'),
        raw('{"error": {"message": "upstream is busy"}}'),
        raw("[1, 2]"),
        message(content="half", finish_reason="abort"),
        reset,
        no_http,
    ],
    ids=lambda fault: getattr(fault, "__name__", ""),
)
def test_what_may_pass_is_tried_again(fault_server: FaultServer, fault: Fault) -> None:
    fault_server.script.append(fault)
    assert completion(engine_of(fault_server), ask("hi")).text == "echo: hi"
    assert len(fault_server.asked) == 2


def test_the_reason_of_a_failure_is_one_line(fault_server: FaultServer) -> None:
    fault_server.rules["hi"] = no_http
    result = one(engine_of(fault_server, max_retries=0), ask("hi"))
    assert isinstance(result, Failure)
    assert result.reason.startswith("connection failed: ")
    assert "\n" not in result.reason and len(result.reason) < 250


def test_a_hang_ends_in_another_try(fault_server: FaultServer) -> None:
    fault_server.script.append(hang)
    assert completion(engine_of(fault_server, extra={"timeout": 0.3}), ask("hi")).text == "echo: hi"
    assert len(fault_server.asked) == 2


def test_a_server_that_asks_for_patience_gets_it(fault_server: FaultServer) -> None:
    fault_server.script.append(status(429, headers={"Retry-After": "1"}))
    begin = time.monotonic()
    completion(engine_of(fault_server), ask("hi"))
    assert time.monotonic() - begin >= 1.0


def test_a_wait_of_an_hour_is_a_failure_at_once(fault_server: FaultServer) -> None:
    fault_server.rules["hi"] = status(429, headers={"Retry-After": "3600"})
    found = results(list(engine_of(fault_server).generate([ask("hi"), ask("other")])))
    assert isinstance(found["hi"], Failure)
    assert fault_server.prompts().count("hi") == 1


def test_a_retry_after_header_is_read_as_seconds_or_as_a_date() -> None:
    assert ordered_wait({"retry-after": "2.5"}) == 2.5
    assert ordered_wait({"retry-after": "-3"}) == 0.0
    assert 50 < (ordered_wait({"retry-after": formatdate(time.time() + 60, usegmt=True)}) or 0) <= 60
    assert ordered_wait({"retry-after": "Wed, 21 Oct 2015 07:28:00 GMT"}) == 0.0
    assert ordered_wait({}) is None
    assert ordered_wait({"retry-after": "soon"}) is None
    assert ordered_wait({"retry-after": "nan"}) is None


@given(st.text())
def test_a_strange_retry_after_header_does_no_harm(value: str) -> None:
    wait = ordered_wait({"retry-after": value})
    assert wait is None or wait >= 0


def test_waits_grow_to_a_limit_and_never_exceed_it() -> None:
    for retry in (0, 3, 10, 10_000):
        longest = min(retries.FIRST_WAIT_S * 2 ** min(retry, 30), retries.LONGEST_WAIT_S)
        assert all(longest / 2 <= retries.backoff(retry) <= longest for _ in range(50))


def test_a_request_that_keeps_failing_is_a_failure_and_the_others_go_on(fault_server: FaultServer) -> None:
    fault_server.rules["poison"] = error(500, "boom")
    requests = [ask("poison"), *(ask(f"fine {number}") for number in range(10))]
    found = results(list(engine_of(fault_server, max_retries=3).generate(requests)))
    assert found.pop("poison") == Failure("HTTP 500: boom")
    assert all(isinstance(result, Completion) for result in found.values())
    assert len(found) == 10
    assert fault_server.prompts().count("poison") == 4


def test_a_request_that_the_server_will_not_take_is_a_failure_without_another_try(fault_server: FaultServer) -> None:
    fault_server.rules["odd"] = error(422, "messages: too odd")
    found = results(list(engine_of(fault_server).generate([ask("odd"), ask("fine")])))
    assert found["odd"] == Failure("HTTP 422: messages: too odd")
    assert isinstance(found["fine"], Completion)
    assert fault_server.prompts().count("odd") == 1


def test_the_one_request_that_is_left_of_a_run_fails_without_ending_it(fault_server: FaultServer) -> None:
    fault_server.rules["poison"] = error(500, "boom")
    fault_server.rules["odd"] = error(422, "too odd")
    assert one(engine_of(fault_server), ask("poison")) == Failure("HTTP 500: boom")
    assert one(engine_of(fault_server), ask("odd")) == Failure("HTTP 422: too odd")


def test_a_server_that_dies_is_not_asked_for_the_rest_and_can_be_asked_again(fault_server: FaultServer) -> None:
    def dies_after_ten(server: FaultServer, handler: BaseHTTPRequestHandler) -> None:
        (message(content="fine") if len(server.asked) <= 10 else reset)(server, handler)

    fault_server.rules[""] = dies_after_ten
    engine = engine_of(fault_server, concurrency=4, max_retries=1)
    requests = [ask(f"question {number}") for number in range(60)]
    found = results(list(engine.generate(requests)))
    failed = [request for request in requests if isinstance(found[request.item_id], Failure)]
    assert len(found) == 60
    assert len(failed) >= 50
    assert len(fault_server.asked) < 40
    assert sum("stopped answering" in str(found[request.item_id]) for request in failed) >= 40

    fault_server.rules.clear()
    assert all(isinstance(answer.result, Completion) for answer in engine.generate(failed))


def test_a_failure_carries_the_status_and_the_wait_that_the_server_asked_for(fault_server: FaultServer) -> None:
    fault_server.rules["busy"] = status(429, headers={"Retry-After": "3600"})
    fault_server.rules["odd"] = error(422, "too odd")
    fault_server.rules["dead"] = reset
    found = results(list(engine_of(fault_server).generate([ask("busy"), ask("odd"), ask("dead")])))
    told = {name: (each.status, each.wait_s) for name, each in found.items() if isinstance(each, Failure)}
    assert told == {"busy": (429, 3600.0), "odd": (422, None), "dead": (None, None)}


# Troubles that stay


@pytest.mark.parametrize(
    "fault",
    [
        error(400, "This model's maximum context length is 512 tokens. However, your prompt contains 600 input tokens"),
        error(400, "too long", code="context_length_exceeded"),
        error(400, "the request exceeds the available context size", type="exceed_context_size_error"),
        error(400, "The input (700 tokens) is longer than the model's context length (512 tokens)."),
    ],
)
def test_a_prompt_beyond_the_context_is_an_answer_with_an_error(fault_server: FaultServer, fault: Fault) -> None:
    fault_server.rules["long"] = fault
    answer = completion(engine_of(fault_server), ask("long"))
    assert (answer.text, answer.finish_reason) == ("", "error")
    assert "long" in answer.error or "context" in answer.error
    assert len(fault_server.asked) == 1


@pytest.mark.parametrize(
    "words",
    [
        "This model's maximum context length is 512 tokens. However, you requested 1380 tokens "
        "(100 in the messages, 1280 in the completion). Please reduce the length.",
        "'max_tokens' is too large: 1280. This model's maximum context length is 512 tokens and your request "
        "has 100 input tokens (1280 > 512 - 100).",
        "Requested token count exceeds the model's maximum context length of 512 tokens. You requested a total of "
        "1380 tokens: 100 tokens from the input messages and 1280 tokens for the completion.",
    ],
)
def test_a_prompt_that_fits_is_asked_for_as_many_tokens_as_are_left(fault_server: FaultServer, words: str) -> None:
    fault_server.script.append(error(400, words))
    assert completion(engine_of(fault_server), ask("hi", max_tokens=1280)).text == "echo: hi"
    assert [body["max_tokens"] for body in fault_server.asked] == [1280, 412]


def test_a_prompt_stopped_by_a_filter_is_an_empty_answer(fault_server: FaultServer) -> None:
    fault_server.script.append(error(400, "filtered", code="content_filter"))
    answer = completion(engine_of(fault_server), ask("hi"))
    assert (answer.text, answer.finish_reason) == ("", "content_filter")


@pytest.mark.parametrize("code", [401, 403])
def test_a_refused_key_names_the_variable_and_never_the_key(
    fault_server: FaultServer, monkeypatch: pytest.MonkeyPatch, code: int
) -> None:
    monkeypatch.setenv("HERL_API_KEY", KEY)
    fault_server.rules[""] = error(code, f"Incorrect API key: {KEY}")
    with pytest.raises(UsageError) as caught:
        one(engine_of(fault_server), ask("hi"))
    assert caught.value.status == code
    assert "HERL_API_KEY" in caught.value.hint
    assert KEY not in f"{caught.value.message} {caught.value.hint}"
    assert len(fault_server.asked) == 1


def test_an_unknown_model_is_named_with_the_nearest_one(fault_server: FaultServer) -> None:
    fault_server.rules[""] = error(404, "The model `parot` does not exist.")
    with pytest.raises(UsageError, match="serves no model 'parot'") as caught:
        one(engine_of(fault_server, "#parot"), ask("hi"))
    assert "'parrot'" in caught.value.hint
    assert caught.value.status == 404


def test_an_address_without_the_right_path_gets_a_hint(fault_server: FaultServer) -> None:
    fault_server.models = status(404, {"detail": "Not Found"})
    fault_server.rules[""] = status(404, {"detail": "Not Found"})
    with pytest.raises(UsageError) as caught:
        one(engine_of(fault_server), ask("hi"))
    assert "/v1" in caught.value.hint


def test_a_page_that_is_no_api_is_told_so(fault_server: FaultServer) -> None:
    fault_server.models = raw('{"hello": "world"}')
    with pytest.raises(UsageError, match="not an OpenAI-compatible server"):
        one(engine_of(fault_server), ask("hi"))


def test_an_empty_account_stops_the_run_without_trying_again(fault_server: FaultServer) -> None:
    fault_server.rules[""] = error(429, "You exceeded your current quota", code="insufficient_quota")
    with pytest.raises(IncompleteError, match="no credit"):
        one(engine_of(fault_server), ask("hi"))
    assert len(fault_server.asked) == 1


@pytest.mark.usefixtures("fault_server")
def test_where_nothing_listens_the_address_is_named() -> None:
    url = f"http://127.0.0.1:{free_port()}/v1"
    engine = OpenAIEngine(f"{url}#x", EngineOptions(max_retries=2))
    with pytest.raises(IncompleteError, match=f"no server answers at {url}"):
        list(engine.generate([ask(f"question {number}") for number in range(50)]))
    with pytest.raises(IncompleteError, match="no server answers"):
        _ = engine.fingerprint


def test_a_server_that_answers_nothing_at_all_is_an_error_not_a_heap_of_failures(fault_server: FaultServer) -> None:
    fault_server.rules[""] = error(500, "out of memory")
    stream = engine_of(fault_server).generate([ask(f"question {number}") for number in range(50)])
    with pytest.raises(IncompleteError, match="out of memory"):
        list(stream)
    assert len(fault_server.asked) <= (16 + 4) * 3  # the first 16, and those begun before the fifth had failed

"""Models behind HTTP: what is sent, what is read, and what happens when things go wrong."""

from __future__ import annotations

import json
import logging
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from servers import Fault, FaultServer, error, free_port, hang, message, raw, reset, status

from herl.engine import retries
from herl.engine.address import parse_address, without_secrets
from herl.engine.base import Answer, EngineOptions, Failure, Request
from herl.engine.chat_reply import parse_refusal, parse_reply
from herl.engine.openai import OpenAIEngine
from herl.engine.retries import TryAgain, ordered_wait
from herl.errors import IncompleteError, UsageError
from herl.item import Completion, Message, Sampling

KEY = "sk-very-secret-42"


@pytest.fixture(autouse=True)
def short_waits_and_no_keys(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retries, "FIRST_WAIT_S", 0.01)
    for name in ("OPENAI_API_KEY", "OPENAI_BASE_URL", "HERL_API_KEY", "HERL_HTTP_TIMEOUT"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture(autouse=True)
def no_thread_is_left() -> Iterator[None]:
    yield
    assert [thread for thread in threading.enumerate() if thread.name == "herl-http"] == []


def ask(prompt: str, **sampling: Any) -> Request:
    return Request(prompt, 0, (Message("user", prompt),), Sampling(**sampling))


def engine_of(server: FaultServer, name: str = "#parrot", **options: Any) -> OpenAIEngine:
    return OpenAIEngine(server.url + name, EngineOptions(**{"max_retries": 2, **options}))


def results(answers: list[Answer]) -> dict[str, Completion | Failure]:
    found = {answer.request.item_id: answer.result for answer in answers}
    assert len(found) == len(answers)
    return found


def one(engine: OpenAIEngine, request: Request) -> Completion | Failure:
    (answer,) = engine.generate([request])
    assert answer.request is request
    return answer.result


def completion(engine: OpenAIEngine, request: Request) -> Completion:
    result = one(engine, request)
    assert isinstance(result, Completion), result
    return result


# What is sent and what is read


def test_an_answer_carries_text_usage_seed_and_model(fault_server: FaultServer) -> None:
    answer = completion(engine_of(fault_server), ask("hello", seed=7))
    assert (answer.text, answer.finish_reason, answer.thinking) == ("echo: hello", "stop", None)
    assert (answer.usage.prompt_tokens, answer.usage.completion_tokens) == (3, 2)
    assert (answer.seed, answer.model) == (7, f"{fault_server.url}#parrot")


def test_the_conversation_and_the_sampling_reach_the_server(fault_server: FaultServer) -> None:
    messages = (Message("system", "be brief"), Message("user", "hi"))
    sampling = Sampling(temperature=0.5, top_p=0.9, top_k=20, max_tokens=11, stop=("END",), seed=3)
    completion(engine_of(fault_server), Request("x", 0, messages, sampling))
    assert fault_server.asked == [
        {
            "model": "parrot",
            "messages": [{"role": "system", "content": "be brief"}, {"role": "user", "content": "hi"}],
            "temperature": 0.5,
            "top_p": 0.9,
            "top_k": 20,
            "max_tokens": 11,
            "stop": ["END"],
            "seed": 3,
        }
    ]


def test_settings_that_are_off_are_not_sent(fault_server: FaultServer) -> None:
    completion(engine_of(fault_server), ask("hi"))
    assert not {"top_k", "stop"} & set(fault_server.asked[0])


def test_every_request_is_answered_once_and_at_most_j_are_open_at_a_time(fault_server: FaultServer) -> None:
    fault_server.delay = 0.05
    requests = [ask(f"question {number}") for number in range(20)]
    found = results(list(engine_of(fault_server, concurrency=4).generate(requests)))
    assert {text.text for text in found.values() if isinstance(text, Completion)} == {
        f"echo: question {number}" for number in range(20)
    }
    assert fault_server.most_at_once == 4


def test_answers_come_as_they_finish_not_in_the_order_asked(fault_server: FaultServer) -> None:
    def slow(server: FaultServer, handler: BaseHTTPRequestHandler) -> None:
        server.closing.wait(0.3)
        message(content="late")(server, handler)

    fault_server.rules["slow"] = slow
    order = [answer.request.item_id for answer in engine_of(fault_server).generate([ask("slow"), ask("quick")])]
    assert order == ["quick", "slow"]


def test_nothing_is_asked_for_nothing() -> None:
    assert list(OpenAIEngine(f"http://127.0.0.1:{free_port()}/v1#x", EngineOptions()).generate([])) == []


@pytest.mark.parametrize(
    ("reply", "text", "thinking", "finish"),
    [
        ({"content": "yes", "reasoning": "hm"}, "yes", "hm", "stop"),
        ({"content": "yes", "reasoning_content": "hm"}, "yes", "hm", "stop"),
        ({"content": None, "reasoning": "hm", "finish_reason": "length"}, "", "hm", "length"),
        ({"content": "<think>hm</think>\nyes"}, "yes", "hm", "stop"),
        ({"content": "<think>hm and", "finish_reason": "stop"}, "", "hm and", "length"),
        ({"content": "cut", "finish_reason": "length"}, "cut", None, "length"),
        ({"content": "", "finish_reason": "content_filter"}, "", None, "content_filter"),
        ({"content": None, "refusal": "I won't."}, "I won't.", None, "content_filter"),
        ({"content": [{"type": "text", "text": "ye"}, {"type": "text", "text": "s"}]}, "yes", None, "stop"),
        ({"content": "", "finish_reason": None}, "", None, "stop"),
    ],
)
def test_a_reply_is_split_into_answer_and_thinking(
    fault_server: FaultServer, reply: dict[str, Any], text: str, thinking: str | None, finish: str
) -> None:
    fault_server.script.append(message(**reply))
    answer = completion(engine_of(fault_server), ask("hi"))
    assert (answer.text, answer.thinking, answer.finish_reason) == (text, thinking, finish)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ["choices", "message", "content", "usage", "finish_reason", "refusal", "reasoning", "text"]
            ),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)


@given(json_values)
def test_any_json_is_a_completion_or_a_reason_to_try_again(value: Any) -> None:
    for reply in (value, {"choices": value}, {"choices": [{"message": value}]}, {"choices": [value], "usage": value}):
        try:
            assert isinstance(parse_reply(reply, ask("hi"), "m").text, str)
        except TryAgain as reason:
            assert "\n" not in reason.reason


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
        raw('{"choices": []}'),
        raw('{"error": {"message": "upstream is busy"}}'),
        raw("[1, 2]"),
        message(content="half", finish_reason="abort"),
        reset,
    ],
    ids=lambda fault: getattr(fault, "__name__", ""),
)
def test_what_may_pass_is_tried_again(fault_server: FaultServer, fault: Fault) -> None:
    fault_server.script.append(fault)
    assert completion(engine_of(fault_server), ask("hi")).text == "echo: hi"
    assert len(fault_server.asked) == 2


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
    assert "HERL_API_KEY" in caught.value.hint
    assert KEY not in f"{caught.value.message} {caught.value.hint}"
    assert len(fault_server.asked) == 1


def test_an_unknown_model_is_named_with_the_nearest_one(fault_server: FaultServer) -> None:
    fault_server.rules[""] = error(404, "The model `parot` does not exist.")
    with pytest.raises(UsageError, match="serves no model 'parot'") as caught:
        one(engine_of(fault_server, "#parot"), ask("hi"))
    assert "'parrot'" in caught.value.hint


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


def test_where_nothing_listens_the_address_is_named(caplog: pytest.LogCaptureFixture) -> None:
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
    assert len(fault_server.asked) <= 16 * 3


# Dialects


def test_a_new_openai_model_is_met_halfway_once_and_for_all(
    fault_server: FaultServer, caplog: pytest.LogCaptureFixture
) -> None:
    def picky(server: FaultServer, handler: BaseHTTPRequestHandler) -> None:
        body = server.asked[-1]
        if "max_tokens" in body:
            error(400, "Unsupported parameter: 'max_tokens'. Use 'max_completion_tokens'.", param="max_tokens")(
                server, handler
            )
        elif "temperature" in body:
            error(400, "only the default is supported", param="temperature", code="unsupported_value")(server, handler)
        else:
            message(content="met")(server, handler)

    fault_server.rules[""] = picky
    engine = engine_of(fault_server, concurrency=1)
    with caplog.at_level(logging.WARNING):
        answers = list(engine.generate([ask(f"question {number}", max_tokens=9) for number in range(5)]))
    assert [answer.result.text for answer in answers if isinstance(answer.result, Completion)] == ["met"] * 5
    assert len(fault_server.asked) == 7
    assert fault_server.asked[-1]["max_completion_tokens"] == 9
    assert len([record for record in caplog.records if "temperature" in record.getMessage()]) == 1


# Names, addresses, keys


def test_the_only_model_of_a_server_needs_no_name(fault_server: FaultServer) -> None:
    engine = engine_of(fault_server, "")
    completion(engine, ask("hi"))
    assert fault_server.asked[0]["model"] == "parrot"
    assert engine.model == fault_server.url
    assert engine.fingerprint == engine_of(fault_server).fingerprint


def test_a_server_with_several_models_wants_one_named(fault_server: FaultServer) -> None:
    fault_server.models = [{"id": "parrot"}, {"id": "owl"}]
    with pytest.raises(UsageError, match="name is needed") as caught:
        _ = engine_of(fault_server, "").fingerprint
    assert "owl, parrot" in caught.value.hint


def test_the_fingerprint_tells_models_servers_and_weights_apart(fault_server: FaultServer) -> None:
    fault_server.models = [{"id": "parrot", "root": "/models/a", "created": 1}, {"id": "owl", "root": "/models/a"}]
    first, owl = engine_of(fault_server).fingerprint, engine_of(fault_server, "#owl").fingerprint
    fault_server.models[0]["created"] = 2
    assert engine_of(fault_server).fingerprint == first
    fault_server.models[0]["root"] = "/models/b"
    assert len({first, owl, engine_of(fault_server).fingerprint}) == 3


def test_a_server_that_lists_no_models_still_has_a_fingerprint(fault_server: FaultServer) -> None:
    fault_server.models = status(404)
    engine = engine_of(fault_server)
    assert f"{fault_server.url}#parrot" in engine.fingerprint
    assert completion(engine, ask("hi")).text == "echo: hi"


def test_secrets_in_a_url_reach_the_server_and_nothing_else(
    fault_server: FaultServer, caplog: pytest.LogCaptureFixture
) -> None:
    fault_server.rules["bad"] = error(500, "no entry for user hunter2 with query-key-99")
    url = f"http://someone:hunter2@127.0.0.1:{fault_server.port}/v1?api_key=query-key-99#parrot"
    engine = OpenAIEngine(url, EngineOptions(max_retries=1))
    with caplog.at_level(logging.DEBUG):
        found = results(list(engine.generate([ask("bad"), ask("good")])))
    assert isinstance(found["good"], Completion)
    assert fault_server.headers[-1]["authorization"].startswith("Basic ")
    assert all("api_key=query-key-99" in path for path in fault_server.paths)

    logged = [record.getMessage() for record in caplog.records if record.name.startswith(("herl", "httpx"))]
    seen = json.dumps([engine.model, engine.fingerprint, repr(found), str(vars(engine)["_address"]), logged])
    assert "hunter2" not in seen
    assert "query-key-99" not in seen
    assert engine.model == f"http://***@127.0.0.1:{fault_server.port}/v1?***#parrot"


URL_TEXT = st.text(alphabet=st.sampled_from("ab:@/?#[]%&=. 1"), max_size=25)


@given(
    URL_TEXT,
    st.sampled_from(
        ["http://user:hunter2@{}", "http://host:1/{}?key=hunter2", "http://hunter2@h/{}#b", "http://h/{}?hunter2"]
    ),
)
def test_no_address_is_parsed_with_a_traceback_or_a_leak(rest: str, form: str) -> None:
    try:
        shown = repr(parse_address(form.replace("{}", rest)))
    except UsageError as caught:
        assert "hunter2" not in f"{caught.message} {caught.hint}"
    else:
        assert "hunter2" not in shown


def test_a_command_line_can_be_recorded_without_its_secrets() -> None:
    assert without_secrets("--judge=http://u:p@h:1/v1?k=v#m/n") == "--judge=http://***@h:1/v1?***#m/n"
    for harmless in ("demo", "-m", "http://h:1/v1#m", "replay:a@b.jsonl", "Is this a question? http://h/a@b"):
        assert without_secrets(harmless) == harmless


def test_a_key_for_openai_is_never_sent_to_another_host(
    fault_server: FaultServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    completion(engine_of(fault_server), ask("hi"))
    assert KEY not in json.dumps(fault_server.headers)

    monkeypatch.setenv("HERL_API_KEY", f"{KEY}\n")
    completion(engine_of(fault_server), ask("hi"))
    assert fault_server.headers[-1]["authorization"] == f"Bearer {KEY}"


def test_openai_models_use_their_own_variables(fault_server: FaultServer, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(UsageError, match="OPENAI_API_KEY is not set"):
        OpenAIEngine("openai:gpt", EngineOptions())
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    monkeypatch.setenv("OPENAI_BASE_URL", fault_server.url)
    engine = OpenAIEngine("openai:parrot", EngineOptions())
    assert completion(engine, ask("hi")).model == "openai:parrot"
    assert fault_server.headers[-1]["authorization"] == f"Bearer {KEY}"
    assert KEY not in engine.fingerprint


def test_a_proxy_is_not_asked_for_a_server_on_this_machine(
    fault_server: FaultServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy"):
        monkeypatch.setenv(name, f"http://127.0.0.1:{free_port()}")
    assert completion(engine_of(fault_server), ask("hi")).text == "echo: hi"


@pytest.mark.parametrize("value", ["soon", "0", "-1", "nan"])
def test_a_time_out_that_is_none_is_refused(monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    monkeypatch.setenv("HERL_HTTP_TIMEOUT", value)
    with pytest.raises(UsageError, match="time-out"):
        OpenAIEngine("http://localhost:1/v1", EngineOptions())


def test_no_requests_at_a_time_are_refused() -> None:
    with pytest.raises(UsageError, match="-j"):
        OpenAIEngine("http://localhost:1/v1", EngineOptions(concurrency=0))


# Stopping


def test_closing_the_stream_drops_what_is_outstanding(fault_server: FaultServer) -> None:
    fault_server.rules["slow"] = hang
    stream = engine_of(fault_server).generate([ask("quick"), *(ask(f"slow {number}") for number in range(5))])
    assert next(stream).request.item_id == "quick"
    stream.close()
    assert "herl-http" not in {thread.name for thread in threading.enumerate()}


def test_closing_the_engine_ends_a_stream_that_nobody_reads(fault_server: FaultServer) -> None:
    fault_server.rules["slow"] = hang
    with engine_of(fault_server) as engine:
        stream = engine.generate([ask("quick"), ask("slow")])
        next(stream)
    assert "herl-http" not in {thread.name for thread in threading.enumerate()}
    assert list(stream) == []
    engine.close()


def test_ctrl_c_while_waiting_ends_at_once(fault_server: FaultServer) -> None:
    fault_server.rules["slow"] = hang
    threading.Timer(0.5, os.kill, (os.getpid(), signal.SIGINT)).start()
    with pytest.raises(KeyboardInterrupt), engine_of(fault_server) as engine:
        list(engine.generate([ask("slow")]))


def test_importing_the_engine_loads_no_http_client() -> None:
    code = "import sys, herl.engine.openai; print([m for m in ('openai', 'httpx', 'httpx2') if m in sys.modules])"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout.strip() == "[]"


@given(st.text(), json_values)
def test_any_error_body_is_read_without_a_traceback(text: str, body: Any) -> None:
    refusal = parse_refusal(400, body, text)
    assert refusal.message
    assert refusal.room_for_answer() is None or refusal.room_for_answer()

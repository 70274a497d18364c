"""A server of improved answers, asked by OpenAI's own client."""

from __future__ import annotations

import asyncio
import json
import socket
import threading
import time
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import ExitStack
from typing import Any

import openai
import pytest
from judge_server import JudgeServer, filtered, says, too_long
from servers import Fault, error, free_port, reset, status
from serving import BOTH, CODE, TEXTS, Start, WebServer, critic, judged, policy, prompt_of, starting

from herl.engine.base import Answer, Engine, EngineOptions, Request
from herl.engine.openai import OpenAIEngine
from herl.item import Completion, Usage
from herl.rubric import Rubric
from herl.rubric_file import parse_rubric
from herl.selfimprove.improver import Ask, Improver
from herl.selfimprove.serve import Desk, make_app
from herl.selfimprove.settings import LoopSettings

HELLO: Any = [{"role": "user", "content": "Say hello."}]
ASK: dict[str, Any] = {"model": "any", "messages": HELLO}


@pytest.fixture
def start(monkeypatch: pytest.MonkeyPatch) -> Iterator[Start]:
    """Starts models that a script plays."""
    with starting(monkeypatch) as begin:
        yield begin


@pytest.fixture(scope="module")
def web() -> Iterator[WebServer]:
    """A web server, started once; tests change what it serves."""
    server = WebServer()
    yield server
    server.close()


Serve = Callable[..., WebServer]


@pytest.fixture
def serve(web: WebServer, start: Start) -> Iterator[Serve]:
    """Serves improved answers."""
    with ExitStack() as desks:

        def begin(improver: Improver, rubric: Rubric = BOTH, at_once: int = 8, key: str = "") -> WebServer:
            web.app = make_app(desks.enter_context(Desk(improver, at_once)), rubric, "parrot", 100, key)
            return web

        yield begin
    assert "herl-desk" not in {thread.name for thread in threading.enumerate()}


def by_code(model: JudgeServer, **settings: Any) -> Improver:
    return Improver(model.engine(max_retries=0), CODE, **settings)


# Answers


def test_a_client_gets_the_improved_answer_with_all_that_it_took(start: Start, serve: Serve) -> None:
    model = start(policy("rude", "kind", "kind and short"))
    raw = serve(by_code(model)).client().chat.completions.with_raw_response.create(**ASK)
    answer = raw.parse()
    assert (raw.headers["x-herl-rounds"], raw.headers["x-herl-stop"]) == ("2", "all_met")
    (choice,) = answer.choices
    assert (choice.message.role, choice.message.content) == ("assistant", "kind and short")
    assert (choice.finish_reason, answer.model, answer.object) == ("stop", "parrot", "chat.completion")
    assert answer.usage is not None
    counted = (answer.usage.prompt_tokens, answer.usage.completion_tokens, answer.usage.total_tokens)
    assert counted == (9, 6, 15)
    split = {"generated_tokens": 6, "critic_tokens": 0}
    assert answer.usage.to_dict()["herl"] == {"rounds": 2, "stop": "all_met", **split}


def test_the_critics_tokens_are_counted_too(start: Start, serve: Serve) -> None:
    model, judge = start(policy("rude", "kind and short")), start(critic)
    improver = Improver(model.engine(), judged(judge), settings=LoopSettings(rounds=1))
    usage = serve(improver, parse_rubric(TEXTS, "here")).client().chat.completions.create(**ASK).usage
    assert usage is not None
    assert usage.completion_tokens == 2 * 2 + 4 * 2 and usage.prompt_tokens == (2 + 4) * 3
    assert usage.to_dict()["herl"]["critic_tokens"] == 8


def test_the_final_answer_can_be_streamed(start: Start, serve: Serve) -> None:
    model = start(policy("rude", "kind  and\n\nshort — ✓ "))
    stream = (
        serve(by_code(model))
        .client()
        .chat.completions.with_raw_response.create(**ASK, stream=True, stream_options={"include_usage": True})
    )
    assert (stream.headers["x-herl-rounds"], stream.headers["x-herl-stop"]) == ("1", "all_met")
    assert stream.headers["content-type"].startswith("text/event-stream")
    chunks = list(stream.parse())
    *told, ended, usage = chunks
    assert told[0].choices[0].delta.role == "assistant"
    assert "".join(chunk.choices[0].delta.content or "" for chunk in told) == "kind  and\n\nshort — ✓ "
    assert len(told) > 4
    assert ended.choices[0].finish_reason == "stop" and not ended.choices[0].delta.content
    assert usage.choices == [] and usage.usage is not None and usage.usage.total_tokens == 10
    assert len({chunk.id for chunk in chunks}) == 1 and {chunk.object for chunk in chunks} == {"chat.completion.chunk"}


def test_a_stream_has_no_usage_unless_it_is_asked_for(start: Start, serve: Serve) -> None:
    stream = serve(by_code(start(policy("kind and short")))).client().chat.completions.create(**ASK, stream=True)
    chunks = list(stream)
    assert all(chunk.usage is None and chunk.choices for chunk in chunks)
    assert chunks[-1].choices[0].finish_reason == "stop"


def test_a_request_decides_how_the_plain_answer_is_drawn(start: Start, serve: Serve) -> None:
    model = start(policy("rude", "kind and short"))
    client = serve(by_code(model, settings=LoopSettings(temperature=0.9))).client()
    client.chat.completions.create(**ASK, temperature=0.2, top_p=0.5, max_tokens=77, stop=["END"], seed=12)
    plain, revision = model.asked
    assert [plain[name] for name in ("temperature", "top_p", "max_tokens", "stop", "seed")] == [
        0.2,
        0.5,
        77,
        ["END"],
        12,
    ]
    assert [revision[name] for name in ("temperature", "top_p", "max_tokens", "stop")] == [0.9, 0.5, 77, ["END"]]


def test_without_a_seed_every_request_has_its_own(start: Start, serve: Serve) -> None:
    model = start(policy("kind and short"))
    client = serve(by_code(model)).client()
    asks: list[dict[str, Any]] = [{}, {}, {"seed": 5}, {"seed": 5}]
    for fields in asks:
        client.chat.completions.create(**ASK, **fields)
    one, other, *same = [body["seed"] for body in model.asked]
    assert one != other and same == [5, 5]
    assert {body["max_tokens"] for body in model.asked} == {100}


@pytest.mark.parametrize("finish", ["stop", "length", "content_filter"])
def test_a_client_is_told_how_the_answer_ended(start: Start, serve: Serve, finish: Any) -> None:
    client = serve(by_code(start(policy(says("kind and short", finish))))).client()
    assert client.chat.completions.create(**ASK).choices[0].finish_reason == finish
    *_, last = client.chat.completions.create(**ASK, stream=True)
    assert last.choices[0].finish_reason == finish


def test_models_and_health_can_be_asked_for(start: Start, serve: Serve) -> None:
    served = serve(by_code(start(policy("kind"))))
    assert [model.id for model in served.client().models.list()] == ["parrot"]
    assert served.http.get("/health").json() == {"status": "ok"}


def test_many_clients_are_served_at_once(start: Start, serve: Serve) -> None:
    all_there = threading.Barrier(8)

    def answers_when_all_have_asked(body: Any) -> Fault:
        if "<draft>" in prompt_of(body):
            return says("kind and short")
        all_there.wait(30)
        return says(f"I heard: {prompt_of(body)}")

    improver = by_code(start(answers_when_all_have_asked), settings=LoopSettings(rounds=1))
    served = serve(
        improver, parse_rubric([{"text": "Kind.", "check": {"id": "says", "kwargs": {"word": "5"}}}], "here")
    )

    async def ask_all() -> list[Any]:
        async with served.async_client() as client:
            prompts = [f"Question {number}?" for number in range(8)]
            asks: list[Any] = [[{"role": "user", "content": prompt}] for prompt in prompts]
            return await asyncio.gather(*(client.chat.completions.create(model="any", messages=ask) for ask in asks))

    answers = asyncio.run(ask_all())
    assert [answer.choices[0].message.content for answer in answers] == [f"I heard: Question {n}?" for n in range(8)]
    assert [answer.usage.total_tokens for answer in answers] == [5 if n == 5 else 10 for n in range(8)]


class Local(Engine):
    """A model in this process; it notes its batches."""

    def __init__(self) -> None:
        self.model = "demo"
        self.batches: list[int] = []
        self.may_go_on = threading.Event()

    @property
    def fingerprint(self) -> str:
        return "local"

    def generate(self, requests: Sequence[Request]) -> Generator[Answer, None, None]:
        if requests:  # without any, it is only to be loaded
            self.batches.append(len(requests))
            self.may_go_on.wait(10)
        for request in requests:
            yield Answer(request, Completion("kind and short", "stop", usage=Usage(1, 1)))

    def close(self) -> None:
        return None


def test_a_local_model_takes_all_that_is_waiting_as_a_batch() -> None:
    engine = Local()
    with Desk(Improver(engine, CODE), at_once=4) as desk:
        first = desk.submit(Ask("Say 0.", BOTH))
        while not engine.batches:
            time.sleep(0.001)
        rest = [desk.submit(Ask(f"Say {number}.", BOTH)) for number in range(1, 8)]
        rest[2].cancel()
        engine.may_go_on.set()
        assert all(future.result(10).answer == "kind and short" for future in [first, *rest[:2], *rest[3:]])
    assert engine.batches == [1, 4, 2]


def test_a_desk_that_closes_begins_with_nothing_more() -> None:
    engine = Local()
    desk = Desk(Improver(engine, CODE), at_once=1)
    begun, waiting = desk.submit(Ask("Say 0.", BOTH)), desk.submit(Ask("Say 1.", BOTH))
    while not engine.batches:
        time.sleep(0.001)
    threading.Timer(0.05, engine.may_go_on.set).start()
    desk.close()
    assert begun.result(0).answer == "kind and short"
    assert waiting.cancelled() and engine.batches == [1]
    desk.close()
    assert desk.submit(Ask("Say 2.", BOTH)).cancelled()


# Troubles


@pytest.mark.parametrize(
    ("fault", "raised", "words"),
    [
        (error(400, "temperature must be at most 1"), openai.BadRequestError, "temperature must be at most 1"),
        (status(401), openai.AuthenticationError, "refuses the key"),
        (error(403, "not in your country"), openai.PermissionDeniedError, "not in your country"),
        (error(404, "no model parrot"), openai.NotFoundError, "no model parrot"),
        (error(422, "too odd"), openai.UnprocessableEntityError, "too odd"),
        (error(429, "slow down"), openai.RateLimitError, "slow down"),
        (error(429, "pay first", code="insufficient_quota"), openai.RateLimitError, "no credit left"),
        (error(500, "boom"), openai.InternalServerError, "boom"),
        (error(503, "overloaded"), openai.InternalServerError, "overloaded"),
        (too_long(), openai.BadRequestError, "maximum context length"),
        (filtered(), openai.BadRequestError, "the prompt was filtered"),
    ],
)
def test_an_error_of_the_model_is_passed_through(
    start: Start, serve: Serve, fault: Fault, raised: type[openai.APIStatusError], words: str
) -> None:
    client = serve(by_code(start(policy(fault)))).client()
    for stream in (False, True):
        with pytest.raises(raised) as caught:
            client.chat.completions.create(**ASK, stream=stream)
        assert words in caught.value.message
        assert isinstance(caught.value.body, dict) and set(caught.value.body) == {"message", "type", "param", "code"}


def test_the_status_of_an_error_is_the_models_own(start: Start, serve: Serve) -> None:
    model = start(policy(status(507)))
    client = serve(by_code(model)).client()
    with pytest.raises(openai.InternalServerError) as caught:
        client.chat.completions.create(**ASK)
    assert caught.value.status_code == 507
    model.judge = policy(reset)
    with pytest.raises(openai.InternalServerError, match="connection failed") as caught:
        client.chat.completions.create(**ASK)
    assert caught.value.status_code == 502


def test_a_wait_that_the_model_asks_for_is_passed_on(start: Start, serve: Serve) -> None:
    busy = status(429, {"error": {"message": "slow down"}}, headers={"Retry-After": "17"})
    with pytest.raises(openai.RateLimitError) as caught:
        serve(by_code(start(policy(busy)))).client().chat.completions.create(**ASK)
    assert caught.value.response.headers["retry-after"] == "17"


def test_where_no_model_answers_it_is_a_bad_gateway(serve: Serve) -> None:
    engine = OpenAIEngine(f"http://user:hunter2@127.0.0.1:{free_port()}/v1#parrot", EngineOptions(max_retries=0))
    with pytest.raises(openai.InternalServerError, match="no server answers") as caught:
        serve(Improver(engine, CODE)).client().chat.completions.create(**ASK)
    assert caught.value.status_code == 502
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize("fault", [reset, status(500), status(401)])
def test_a_model_that_dies_in_a_revision_leaves_the_best_so_far(
    start: Start, serve: Serve, fault: Fault, caplog: pytest.LogCaptureFixture
) -> None:
    raw = serve(by_code(start(policy("rude", "kind", fault)))).client().chat.completions.with_raw_response.create(**ASK)
    assert raw.parse().choices[0].message.content == "kind"
    assert (raw.headers["x-herl-rounds"], raw.headers["x-herl-stop"]) == ("1", "failed")
    assert "not improved any further" in caplog.text


@pytest.mark.parametrize(
    ("fields", "param"),
    [({"n": 2}, "n"), ({"tools": [{"type": "function", "function": {"name": "f"}}]}, "tools"), ({"top_p": 3}, "top_p")],
)
def test_what_is_not_done_here_is_a_bad_request_that_names_the_field(
    start: Start, serve: Serve, fields: dict[str, Any], param: str
) -> None:
    model = start(policy("kind"))
    with pytest.raises(openai.BadRequestError) as caught:
        serve(by_code(model)).client().chat.completions.create(**ASK, **fields)
    assert caught.value.param == param
    assert not model.asked


def test_wrong_paths_methods_and_bodies_get_errors_of_the_same_form(start: Start, serve: Serve) -> None:
    served = serve(by_code(start(policy("kind"))))
    with pytest.raises(openai.NotFoundError, match="/v1/embeddings"):
        served.client().embeddings.create(model="any", input="x")
    url = "/v1/chat/completions"
    replies = [served.http.get(url), served.http.get("/"), served.http.post(url, content=b"{")]
    assert [reply.status_code for reply in replies] == [405, 404, 400]
    for reply in replies:
        assert set(reply.json()["error"]) == {"message", "type", "param", "code"}
    assert "JSON" in replies[-1].json()["error"]["message"]


def test_a_key_is_asked_for_and_never_passed_on(start: Start, serve: Serve, caplog: pytest.LogCaptureFixture) -> None:
    model = start(policy("kind and short"))
    served = serve(by_code(model), key="let-me-in")
    for call in (served.client().models.list, lambda: served.client().chat.completions.create(**ASK)):
        with pytest.raises(openai.AuthenticationError, match="HERL_SERVE_KEY"):
            call()
    assert not model.asked
    assert served.http.get("/health").status_code == 200
    served.client(key="let-me-in").chat.completions.create(**ASK)
    assert not any("let-me-in" in header for headers in model.headers for header in headers.values())
    assert "let-me-in" not in caplog.text and "clients-secret" not in caplog.text


def test_a_client_that_leaves_harms_nobody_and_is_not_worked_for(start: Start, serve: Serve) -> None:
    begun, may_go_on = threading.Event(), threading.Event()

    def slow(body: Any) -> Fault:
        begun.set()
        may_go_on.wait(30)
        return says("kind and short")

    model = start(slow)
    served = serve(by_code(model), at_once=1)
    for content in ("I leave.", "I leave while I wait."):
        with socket.create_connection(("127.0.0.1", served.port)) as connection:
            connection.sendall(posted(json.dumps({"messages": [{"role": "user", "content": content}]})))
            assert begun.wait(30)
    with socket.create_connection(("127.0.0.1", served.port)) as connection:
        connection.sendall(posted("{" + " " * 100)[:-50])
    for _ in range(3):  # when these are answered, the server has seen the others leave
        assert served.http.get("/health").status_code == 200
    may_go_on.set()
    assert served.client().chat.completions.create(**ASK).choices[0].message.content == "kind and short"
    assert [prompt_of(body) for body in model.asked] == ["I leave.", "Say hello."]


def posted(body: str) -> bytes:
    head = f"POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nContent-Length: {len(body)}\r\n\r\n"
    return (head + body).encode()

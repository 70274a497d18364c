"""Asks an engine in tests, and looks at what comes back."""

from __future__ import annotations

from typing import Any

from servers import FaultServer

from herl.engine.base import Answer, EngineOptions, Failure, Request
from herl.engine.openai import OpenAIEngine
from herl.item import Completion, Message, Sampling


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

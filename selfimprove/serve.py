"""An OpenAI-compatible server whose answers have been through the loop (docs/serving.md)."""

from __future__ import annotations

import asyncio
import hmac
import json
import logging
import math
import random
import threading
import time
from collections import deque
from collections.abc import AsyncIterator
from concurrent.futures import Future
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from herl.closing import Closing
from herl.errors import HerlError
from herl.rubric import Rubric
from herl.selfimprove.chat_api import (
    ApiError,
    ChatRequest,
    chunks,
    completion,
    error_of,
    headers,
    read_request,
    refused,
)
from herl.selfimprove.improved import Improved
from herl.selfimprove.improver import Ask, Improver

if TYPE_CHECKING:
    import socket

    from fastapi import FastAPI, Request, Response

_GRACE_S = 5
_JOIN_S = 5.0
_log = logging.getLogger(__name__)


class Desk(Closing):
    """Takes asks and has an improver work on them in threads of its own.

    With models behind servers, each thread works on one ask at a time. A local model is no good at several things
    at once, but good at batches: a single thread takes all that is waiting.

    Args:
        improver: Who works.
        at_once: The most asks that are worked on at once.
    """

    def __init__(self, improver: Improver, at_once: int) -> None:
        self.improver = improver
        self._waiting: deque[tuple[Ask, Future[Improved]]] = deque()
        self._changed = threading.Condition()
        self._closed = False
        self._batch = 1 if improver.is_concurrent else at_once
        workers = at_once if improver.is_concurrent else 1
        # Daemons, since a local model that is at work cannot be interrupted and must not keep the process alive.
        self._threads = [threading.Thread(target=self._work, name="herl-desk", daemon=True) for _ in range(workers)]
        for thread in self._threads:
            thread.start()

    def submit(self, ask: Ask) -> Future[Improved]:
        """Have something asked; cancelling the future takes it off the desk if nobody has begun with it."""
        future: Future[Improved] = Future()
        with self._changed:
            if self._closed:
                future.cancel()
            self._waiting.append((ask, future))
            self._changed.notify()
        return future

    def close(self) -> None:
        """Drop what nobody has begun with, and wait a while for the rest; safe to call twice."""
        with self._changed:
            self._closed = True
            for _, future in self._waiting:
                future.cancel()
            self._changed.notify_all()
        deadline = time.monotonic() + _JOIN_S
        for thread in self._threads:
            thread.join(max(deadline - time.monotonic(), 0))

    def _work(self) -> None:
        while taken := self._take():
            futures = [future for _, future in taken]
            try:
                results = self.improver.improve_all([ask for ask, _ in taken])
            except Exception as error:  # whatever it is belongs to those who asked
                for future in futures:
                    future.set_exception(error)
            else:
                for future, found in zip(futures, results, strict=True):
                    future.set_result(found)

    def _take(self) -> list[tuple[Ask, Future[Improved]]]:
        """Wait for something to do, and take as much of it as makes a batch; nothing at the end."""
        taken: list[tuple[Ask, Future[Improved]]] = []
        with self._changed:
            while not taken and not self._closed:
                self._changed.wait_for(lambda: self._waiting or self._closed)
                while self._waiting and len(taken) < self._batch:
                    ask, future = self._waiting.popleft()
                    if future.set_running_or_notify_cancel():
                        taken.append((ask, future))
        return taken


@dataclass(frozen=True)
class _Api:
    """The endpoints.

    Args:
        desk: Who answers.
        rubric: What good answers do.
        model: What the model is called.
        max_tokens: The longest answer where a request does not say.
        key: What clients must show, "" for nothing.
    """

    desk: Desk
    rubric: Rubric
    model: str
    max_tokens: int
    key: str

    async def chat(self, request: Request) -> Response:
        """POST /v1/chat/completions."""
        self._admit(request)
        asked = read_request(await request.body(), self.max_tokens, random.getrandbits(31))
        found = await self._improved(request, asked)
        if error := refused(found):
            raise error
        if found.failure:
            _log.warning("an answer was not improved any further: %s", found.failure.reason)
        return self._reply(asked, found)

    async def models(self, request: Request) -> Response:
        """GET /v1/models."""
        self._admit(request)
        return _json(
            {"object": "list", "data": [{"id": self.model, "object": "model", "created": 0, "owned_by": "herl"}]}
        )

    async def health(self, request: Request) -> Response:
        """GET /health."""
        return _json({"status": "ok"})

    def _admit(self, request: Request) -> None:
        shown = request.headers.get("authorization", "").encode(errors="surrogateescape")
        if self.key and not hmac.compare_digest(shown, f"Bearer {self.key}".encode()):
            raise ApiError(401, "this server wants its own key (HERL_SERVE_KEY)", code="invalid_api_key")

    async def _improved(self, request: Request, asked: ChatRequest) -> Improved:
        """The outcome; nobody begins with it once the client is gone."""
        from starlette.requests import ClientDisconnect

        work = asyncio.wrap_future(self.desk.submit(Ask(asked.messages, self.rubric, asked.sampling)))
        gone = asyncio.create_task(_disconnect(request))
        either: set[asyncio.Future[Any]] = {work, gone}
        try:
            await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
            if not work.done():
                raise ClientDisconnect
            found = work.result()
        except asyncio.CancelledError:
            raise ApiError(503, "the server is shutting down") from None
        except HerlError as error:
            raise error_of(error, is_remote=self.desk.improver.is_concurrent) from None
        finally:
            gone.cancel()
            work.cancel()
        if not found.history and found.failure:
            raise error_of(found.failure, is_remote=self.desk.improver.is_concurrent)
        return found

    def _reply(self, asked: ChatRequest, found: Improved) -> Response:
        from fastapi.responses import StreamingResponse

        if not asked.stream:
            return _json(completion(found, self.model), headers=headers(found))

        async def events() -> AsyncIterator[str]:
            for event in chunks(found, self.model, asked.with_usage):
                yield event

        more = {"cache-control": "no-cache"}
        return StreamingResponse(events(), media_type="text/event-stream", headers={**headers(found), **more})


def make_app(desk: Desk, rubric: Rubric, model: str, max_tokens: int, key: str = "") -> FastAPI:
    """The web application.

    Args:
        desk: Who answers; the application does not close it.
        rubric: What good answers do.
        model: What the model is called.
        max_tokens: The longest answer where a request does not say.
        key: What clients must show as a bearer's token, "" for nothing.
    """
    from fastapi import FastAPI
    from starlette.exceptions import HTTPException
    from starlette.requests import ClientDisconnect

    api = _Api(desk, rubric, model, max_tokens, key)
    app = FastAPI(title="herl serve", openapi_url=None)
    app.add_route("/v1/chat/completions", api.chat, methods=["POST"])
    app.add_route("/v1/models", api.models, methods=["GET"])
    app.add_route("/health", api.health, methods=["GET"])
    app.add_exception_handler(ApiError, _told)
    app.add_exception_handler(HTTPException, _no_such_thing)
    app.add_exception_handler(ClientDisconnect, _nobody_there)
    app.add_exception_handler(Exception, _fault)
    return app


def run_server(app: FastAPI, listening: socket.socket) -> None:
    """Serve until interrupted; answers that are under way get a few seconds to come to their end.

    Args:
        app: The application.
        listening: Where clients connect.

    Raises:
        KeyboardInterrupt: it was interrupted.
    """
    import uvicorn

    config = uvicorn.Config(
        app, log_level="warning", access_log=False, lifespan="off", timeout_graceful_shutdown=_GRACE_S
    )
    uvicorn.Server(config).run(sockets=[listening])


async def _disconnect(request: Request) -> None:
    """Return when the client is gone."""
    while (await request.receive())["type"] != "http.disconnect":
        pass


def _json(document: Any, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    from fastapi import Response

    # As ASCII, since half a surrogate pair, where an answer was cut, could not be written as UTF-8.
    return Response(json.dumps(document), status, headers, media_type="application/json")


async def _told(request: Request, error: Exception) -> Response:
    assert isinstance(error, ApiError)
    wait = {} if error.wait_s is None else {"retry-after": str(math.ceil(error.wait_s))}
    return _json(error.document, error.status, wait)


async def _no_such_thing(request: Request, error: Exception) -> Response:
    from starlette.exceptions import HTTPException

    assert isinstance(error, HTTPException)
    words = f"{request.method} {request.url.path:.100} is nothing that herl serve does"
    return _json(ApiError(error.status_code, words).document, error.status_code, dict(error.headers or {}))


async def _nobody_there(request: Request, error: Exception) -> Response:
    return _json(ApiError(499, "the client is gone").document, 499)


async def _fault(request: Request, error: Exception) -> Response:
    return _json(ApiError(500, "a fault in herl serve; its log says more").document, 500)

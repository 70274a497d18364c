"""Models behind HTTP that a script plays, and a server of improved answers in a thread, for tests of both."""

from __future__ import annotations

import json
import re
import socket
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from judge_server import JudgeServer, says
from servers import Fault

from herl.engine import retries
from herl.grader import CheckGrader, JudgeGrader
from herl.judge.judge import Judge
from herl.judge.rubric_prompt import RubricPrompt
from herl.rubric import Check, Criterion, Rubric

if TYPE_CHECKING:
    import pytest
    from openai import AsyncOpenAI, OpenAI

Script = Callable[[Mapping[str, Any]], Fault]
Start = Callable[[Script], JudgeServer]

KIND, SHORT = (Criterion(word, f"It is {word}.", check=Check("says", {"word": word})) for word in ("kind", "short"))
BOTH = Rubric((KIND, SHORT))
CODE = CheckGrader({"says": lambda text, word: word in text})
TEXTS = ["It is kind.", "It is short."]
_ANSWERS = re.compile(r"<(answer-\w+)>\n(.*?)\n</\1>", re.DOTALL)


@contextmanager
def starting(monkeypatch: pytest.MonkeyPatch) -> Iterator[Start]:
    """Starts servers whose replies a script decides; nobody may leave a thread behind."""
    monkeypatch.setattr(retries, "FIRST_WAIT_S", 0.01)
    servers: list[JudgeServer] = []

    def start(script: Script) -> JudgeServer:
        servers.append(JudgeServer(script))
        return servers[-1]

    yield start
    for server in servers:
        server.close()
    assert "herl-http" not in {thread.name for thread in threading.enumerate()}


def prompt_of(body: Mapping[str, Any]) -> str:
    """The last turn of a request."""
    return str(body["messages"][-1]["content"])


def policy(plain: str | Fault, *revisions: str | Fault) -> Script:
    """Answers plainly, and then with one revision after the other; a fault happens."""
    left = iter(revisions)

    def script(body: Mapping[str, Any]) -> Fault:
        reply = next(left) if "<draft>" in prompt_of(body) else plain
        return says(reply) if isinstance(reply, str) else reply

    return script


def critic(body: Mapping[str, Any]) -> Fault:
    """Takes answers for what they say of themselves, and prefers the one that says more good of itself."""
    texts = [text for _, text in _ANSWERS.findall(prompt_of(body))]
    if len(texts) == 1:
        wanted = "kind" if "It is kind." in prompt_of(body) else "short"
        return says(json.dumps({"reason": "it says so", "met": wanted in texts[0]}))
    first, second = (("kind" in text) + ("short" in text) for text in texts)
    better = "tie" if first == second else "first" if first > second else "second"
    return says(json.dumps({"reason": "it says so", "better": better}))


def judged(server: JudgeServer) -> JudgeGrader:
    """What this server says of texts, and code of what has a check."""
    return JudgeGrader(Judge(server.engine(max_retries=0), RubricPrompt()), CODE)


class WebServer:
    """uvicorn on a free loopback port, in a thread.

    Attributes:
        address: Its URL.
        app: The application that it serves; another may take its place at any time.
    """

    def __init__(self) -> None:
        import openai
        import uvicorn

        self.app: Any = None
        listening = socket.create_server(("127.0.0.1", 0))
        self.port: int = listening.getsockname()[1]
        self.address = f"http://127.0.0.1:{self.port}"
        self.http = openai.DefaultHttpxClient(base_url=self.address)
        settings: Any = {"log_level": "critical", "lifespan": "off", "timeout_graceful_shutdown": 1}
        self._server = uvicorn.Server(uvicorn.Config(self._serve, interface="asgi3", **settings))
        self._thread = threading.Thread(target=self._server.run, kwargs={"sockets": [listening]})
        self._thread.start()
        while not self._server.started:
            time.sleep(0.005)

    def client(self, key: str = "clients-secret") -> OpenAI:
        """OpenAI's own client."""
        from openai import OpenAI

        return OpenAI(base_url=f"{self.address}/v1", api_key=key, max_retries=0, http_client=self.http)

    def async_client(self) -> AsyncOpenAI:
        """OpenAI's own client for many requests at once."""
        from openai import AsyncOpenAI

        return AsyncOpenAI(base_url=f"{self.address}/v1", api_key="clients-secret", max_retries=0)

    def close(self) -> None:
        """Stop, and wait until it has."""
        self.http.close()
        self._server.should_exit = True
        self._thread.join()

    async def _serve(self, scope: Any, receive: Any, send: Any) -> None:
        await self.app(scope, receive, send)

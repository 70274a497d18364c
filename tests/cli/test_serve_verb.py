"""`herl serve` refuses what cannot work, says where it listens, and ends cleanly."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from chat_server import ChatServer
from command import Herl
from servers import free_port

WORDS = {"id": "length_constraints:number_words", "kwargs": {"relation": "at least", "num_words": 3}}


@pytest.fixture
def herl(tmp_path: Path) -> Herl:
    return Herl(tmp_path)


@pytest.fixture
def model() -> Iterator[ChatServer]:
    server = ChatServer()
    yield server
    server.close()


@pytest.fixture
def checked(tmp_path: Path) -> Path:
    """A rubric that code decides."""
    path = tmp_path / "checked.yaml"
    path.write_text(json.dumps([{"text": "It has three words.", "check": WORDS}]))
    return path


@pytest.fixture
def judged(tmp_path: Path) -> Path:
    """A rubric that needs a critic."""
    path = tmp_path / "judged.yaml"
    path.write_text("- It is kind.\n")
    return path


@pytest.fixture
def served(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """What would have been served: application and socket."""
    calls: list[Any] = []
    monkeypatch.setattr("herl.selfimprove.serve.run_server", lambda *call: calls.append(call))
    return calls


@pytest.mark.parametrize(
    ("flags", "says"),
    [
        (["--rubric", "checked.yaml", "--critic", "self"], "no critic is needed"),
        (["--rubric", "checked.yaml", "--accept", "preference"], "it does not compare answers"),
        (["--rubric", "judged.yaml", "--critic", "oracle"], "no oracle decides criteria without a check"),
        (["--rubric", "judged.yaml", "--set", "critic.heat=1"], "no setting 'heat'"),
        (["--rubric", "judged.yaml", "--set", "judge.seed=1"], "no judge and no benchmark"),
        (["--rubric", "judged.yaml"], "gave no readable verdict"),
        (["--rubric", "none.yaml"], "none.yaml does not exist"),
        (["--rubric", "checked.yaml", "--revision-temperature", "0"], "must be above 0"),
        (["--rubric", "checked.yaml", "--host", "192.0.2.1"], "cannot listen at 192.0.2.1"),
        (["--rubric", "checked.yaml", "-m", "replay:answers.jsonl"], "recorded answers cannot be revised"),
        (["--rubric", "judged.yaml", "-m", "demo", "--critic", "./other"], "would have to share this process"),
    ],
)
def test_what_cannot_work_is_refused(
    herl: Herl, model: ChatServer, checked: Path, judged: Path, served: list[Any], flags: list[str], says: str
) -> None:
    names = {"checked.yaml": str(checked), "judged.yaml": str(judged)}
    done = herl("serve", "-m", model.url, "--port", 0, *[names.get(flag, flag) for flag in flags])
    assert done.exit_code == 2 and says in done.stderr
    assert not served


def test_a_place_that_is_taken_is_named(herl: Herl, model: ChatServer, checked: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        done = herl("serve", "-m", model.url, "--rubric", checked, "--port", port)
    assert done.exit_code == 2 and f"port {port}: Address already in use" in done.stderr


def test_a_missing_package_is_named_with_what_installs_it(
    herl: Herl, checked: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("herl.cli.serve.find_spec", lambda name: None)
    done = herl("serve", "-m", "demo", "--rubric", checked)
    assert done.exit_code == 2
    assert "fastapi and uvicorn not installed\npip install 'herl[serve]'" in done.stderr


def test_a_model_that_does_not_answer_yet_is_no_reason_to_give_up(
    herl: Herl, checked: Path, served: list[Any], caplog: pytest.LogCaptureFixture
) -> None:
    url = f"http://user:hunter2@127.0.0.1:{free_port()}/v1#parrot"
    done = herl("serve", "-m", url, "--rubric", checked, "--port", 0, "--max-retries", 0)
    assert done.exit_code == 0 and len(served) == 1
    assert "no server answers" in caplog.text and "hunter2" not in caplog.text + done.output


@pytest.mark.parametrize(
    ("host", "key", "warns"), [("127.0.0.1", "", False), ("0.0.0.0", "", True), ("0.0.0.0", "k", False)]
)
def test_a_server_that_others_can_reach_without_a_key_is_warned_of(
    herl: Herl, model: ChatServer, checked: Path, served: list[Any], host: str, key: str, warns: bool
) -> None:
    done = herl("serve", "-m", model.url, "--rubric", checked, "--port", 0, "--host", host, HERL_SERVE_KEY=key)
    assert done.exit_code == 0 and len(served) == 1
    assert ("HERL_SERVE_KEY" in done.stderr) == warns


def test_a_key_must_be_one(herl: Herl, checked: Path) -> None:
    assert "HERL_SERVE_KEY" in herl("serve", "-m", "demo", "--rubric", checked, HERL_SERVE_KEY="a\nb").stderr


def test_it_serves_until_it_is_interrupted(model: ChatServer, checked: Path) -> None:
    command = [sys.executable, "-m", "herl.cli.app", "serve", "-m", model.url, "--rubric", str(checked)]
    process = subprocess.Popen(
        [*command, "--port", "0", "--json"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=os.environ | {"HERL_SERVE_ROUNDS": "1"},
    )
    assert process.stdout is not None
    document = ""
    while not document.endswith("}\n"):
        document += process.stdout.readline()
    told = json.loads(document)
    assert (told["model"], told["rounds"]) == ("parrot", 1)
    body = json.dumps({"messages": [{"role": "user", "content": "Say hello."}]}).encode()
    with urllib.request.urlopen(f"{told['url']}/chat/completions", body) as reply:
        assert reply.headers["x-herl-stop"] == "all_met"
    process.send_signal(signal.SIGINT)
    rest, words = process.communicate(timeout=30)
    assert (process.returncode, rest) == (130, "")
    assert words.splitlines()[-1].startswith("interrupted;") and "Traceback" not in words

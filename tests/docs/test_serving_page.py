"""docs/serving.md: its Python runs as it stands there, against models that a script plays."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from serving import BOTH, CODE, WebServer, critic, policy, starting

from herl.selfimprove.improver import Improver
from herl.selfimprove.serve import Desk, make_app

PAGE = Path(__file__).resolve().parent.parent.parent / "docs" / "serving.md"
CLIENT, SERVICE = re.findall(r"```python\n(.*?)```", PAGE.read_text(), re.DOTALL)


def run(code: str, **urls: str) -> None:
    for shown, real in urls.items():
        url = {"model": "http://127.0.0.1:8000/v1", "served": "http://127.0.0.1:8080/v1"}[shown]
        assert url in code
        code = code.replace(url, real)
    exec(compile(code, str(PAGE), "exec"), {})


def test_a_client_finds_the_answer_and_what_it_took(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    web = WebServer()
    with starting(monkeypatch) as start:
        model = start(policy("rude", "kind and short"))
        with Desk(Improver(model.engine(), CODE), at_once=2) as desk:
            web.app = make_app(desk, BOTH, "parrot", 100)
            run(CLIENT, served=f"{web.address}/v1")
    web.close()
    answer, rest = capsys.readouterr().out.splitlines()
    assert answer == "kind and short"
    assert rest.startswith("1 all_met {'rounds': 1, 'stop': 'all_met', 'generated_tokens': 4, 'critic_tokens': 0")


def test_a_service_of_ones_own_gets_the_answer_with_its_history(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with starting(monkeypatch) as start:
        answers = policy("rude", "short")
        model = start(lambda body: critic(body) if "<answer-" in str(body["messages"]) else answers(body))
        run(SERVICE, model=f"{model.url}#parrot")
    first, *rounds = capsys.readouterr().out.splitlines()
    assert first.startswith("short all_met 1 Usage(")
    assert [line.split()[:2] for line in rounds] == [["0", "True"], ["1", "True"]]

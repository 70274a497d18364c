"""docs/self-improvement.md: the guidance is the one that models are shown, and what it lists is all there is."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from chat_server import ChatServer
from command import Herl
from typer.core import TyperGroup
from typer.main import get_command

from herl.cli.app import app
from herl.hindsight import Form, hindsight
from herl.item import Message
from herl.rubric import Criterion, Outcome, Rubric, Verdict
from herl.selfimprove.settings import CONTROLS, LoopSettings
from herl.selfimprove.trial import Stop

PAGE = (Path(__file__).resolve().parent.parent.parent / "docs" / "self-improvement.md").read_text()
GUIDANCE = re.findall(r"```text\n(.*?)```", PAGE, re.DOTALL)
RUBRIC = Rubric(
    (
        Criterion("1", "It names three rivers."),
        Criterion("2", "All of them are in France."),
        Criterion("3", "It has a list.", -1.0),
    )
)
VERDICTS = [Verdict(name, Outcome.SCORED, value) for name, value in (("1", 1.0), ("2", 0.0), ("3", 0.0))]


@pytest.fixture
def parrot() -> Iterator[ChatServer]:
    server = ChatServer()
    yield server
    server.close()


@pytest.mark.parametrize(("form", "shown"), list(zip(("full", "brief"), GUIDANCE, strict=True)))
def test_the_guidance_is_what_a_model_is_shown(form: Form, shown: str) -> None:
    asked = [Message("user", "Name three rivers of France.")]
    [turn] = hindsight(asked, RUBRIC, "The Loire, the Seine and the Thames.", VERDICTS, form)
    assert shown == f"{turn.content}\n"


def test_every_stop_and_every_control_is_explained() -> None:
    assert all(f"| `{name}` |" in PAGE for name in (*Stop, *CONTROLS))


def test_every_option_of_the_loop_is_there_with_its_default() -> None:
    root, usual = get_command(app), LoopSettings()
    assert isinstance(root, TyperGroup)
    params = root.commands["self-improve"].params
    loop = [param for param in params if getattr(param, "rich_help_panel", None) in ("Loop", "Controls")]
    assert len(loop) == 10
    for param in loop:
        assert f"`{param.opts[0]}" in PAGE, param.opts
    for flag, value in (("rounds R", usual.rounds), ("revisions K", usual.revisions), ("patience P", usual.patience)):
        assert re.search(rf"^\| `--{flag}` \| .*: {value} \|$", PAGE, re.MULTILINE)
    assert f"all that the controls draw: {usual.temperature}." in PAGE


def test_every_file_of_a_run_is_listed(parrot: ChatServer, tmp_path: Path) -> None:
    (tmp_path / "rubric.yaml").write_text('[{text: No commas., check: {id: "punctuation:no_comma"}}]')
    flags = ["--prompt", "Why?", "--rubric", tmp_path / "rubric.yaml", "--critic", "oracle", "--run", "NAME"]
    assert Herl(tmp_path)("self-improve", "-m", parrot.url, *flags).exit_code == 0
    listed = set()
    for line in re.findall(r"^runs/NAME/(\S+?,?(?: \.\w+)?)  ", PAGE, re.MULTILINE):
        first, _, ending = line.partition(", ")
        listed |= {first, *([str(Path(first).with_suffix(ending))] if ending else [])}
    written = {str(path.relative_to(tmp_path / "runs" / "NAME")) for path in (tmp_path / "runs" / "NAME").rglob("*.*")}
    assert {name.replace("prompt/", "<bench>/", 1) for name in written - {".lock"}} == listed

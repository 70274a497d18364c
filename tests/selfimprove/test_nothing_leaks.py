"""Neither hidden criteria nor a reference answer are in anything that the model or its critic is ever sent."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from improving import Quiet, answers_in, coin, compares, is_better, is_met
from judge_server import JudgeServer, says
from made_benchmarks import SCORE, benchmark
from servers import Fault

from herl.benchmarks.base import Benchmark
from herl.benchmarks.settings import JudgeSettings, Settings
from herl.engine.base import EngineOptions
from herl.grader import CheckGrader
from herl.item import Item, Message
from herl.judge.prompt import Question
from herl.judge.rubric_prompt import RubricPrompt
from herl.resources import Store
from herl.rows import read_rows
from herl.rubric import Check, Criterion, Rubric
from herl.run import Run
from herl.selfimprove.session import Choices, conduct
from herl.selfimprove.settings import CONTROLS, LoopSettings

REFERENCE = "The reference says quinine"
CHECKED_FOR = "tonic"
ITEMS = 4
BY_CRITERIA = re.compile("draft misses|fell short|<answer-")  # hindsight in its two forms, and questions to a critic


class ShowsReference(RubricPrompt):
    """A benchmark's own prompt for judges, which shows them the reference answer."""

    def messages(self, question: Question) -> tuple[Message, ...]:
        system, task = super().messages(question)
        return system, Message("user", f"{question.item.facts['reference']}\n{task.content}")


def asked() -> list[Item]:
    """Items with three criteria for a judge and one for code, texts that are found nowhere else, and a reference."""
    found = []
    for number in range(ITEMS):
        criteria = [Criterion(f"c{at}", f"Criterion {at} of item {number}.", (-1) ** at * 2.0) for at in range(3)]
        code = Criterion("code", f"Criterion of code of item {number}.", check=Check("says", {"word": CHECKED_FOR}))
        turns = (Message("system", "You are a doctor."), Message("user", f"What helps against complaint {number}?"))
        facts = {"reference": f"{REFERENCE} {number}."}
        follows = "q0" if number == 1 else ""
        found.append(
            Item(f"q{number}", turns[bool(follows) :], Rubric((*criteria, code)), facts=facts, follows=follows)
        )
    return found


def made() -> Benchmark:
    grader = CheckGrader({"says": lambda text, word: word in text})
    return benchmark(asked(), (SCORE,), judge=ShowsReference(), graders={"strict": grader})


def mind(body: Mapping[str, Any]) -> Fault:
    """Answers, criticises and judges by chance, but prefers one of two answers whatever their order."""
    prompt = str(body["messages"][-1]["content"])
    if compares(prompt):
        first, second = (coin(answer) for answer in answers_in(prompt))
        return says(is_better("first" if first > second else "second"))
    if answers_in(prompt):
        return says(is_met(coin(prompt) % 2 > 0))
    return says(f"Answer {coin(prompt, body['seed'])}.")


@dataclass
class Servers:
    """Who answers, who criticises where another does, and who judges."""

    policy: JudgeServer
    critic: JudgeServer
    judge: JudgeServer


@pytest.fixture
def servers() -> Iterator[Servers]:
    found = Servers(JudgeServer(mind), JudgeServer(mind), JudgeServer(mind))
    yield found
    for server in (found.policy, found.critic, found.judge):
        server.close()


@pytest.fixture(autouse=True)
def _cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HERL_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr("herl.selfimprove.report.why_no_plot", lambda: "it takes time")


def conducted(folder: Path, servers: Servers, critic: str, **loop: Any) -> list[dict[str, Any]]:
    """The rows of a whole experiment with all controls."""
    addresses = {"oracle": "oracle", "self": "self", "model": f"{servers.critic.url}#critic"}
    choices = Choices(
        f"{servers.policy.url}#policy",
        made(),
        addresses[critic],
        Settings(),
        LoopSettings(rounds=3, revisions=2, hidden=0.5, controls=CONTROLS, **loop),
        JudgeSettings(models=(f"{servers.judge.url}#judge",)),
        engine=EngineOptions(max_retries=0),
    )
    with Run(folder, "r", choices.as_config()) as run:
        conduct(choices, run, Store(), Quiet)
    return read_rows(folder / "r" / "made" / "samples.jsonl")


def sent(server: JudgeServer) -> list[str]:
    """All that a server was ever sent, as it was read there."""
    return [json.dumps(body, ensure_ascii=False) for body in server.asked]


@pytest.mark.parametrize(
    ("critic", "accept", "form"),
    [("self", "preference", "full"), ("model", "preference", "brief"), ("self", "verdicts", "brief")],
)
def test_what_is_hidden_and_the_reference_reach_the_final_judge_alone(
    tmp_path: Path, servers: Servers, critic: str, accept: Any, form: Any
) -> None:
    rows = conducted(tmp_path, servers, critic, accept=accept, form=form)
    by_id = {item.id: item for item in asked()}
    hidden = {row["id"]: row["hidden"] for row in rows}
    assert all(len(names) == 2 for names in hidden.values())
    texts = {name: {each.id: each.text for each in by_id[name].rubric.criteria} for name in hidden}
    secrets = [texts[name][each] for name, names in hidden.items() for each in names]
    seen = [text for name in hidden for each, text in texts[name].items() if each not in hidden[name]]

    watched = [*sent(servers.policy), *sent(servers.critic)]
    assert len(watched) > 100 and bool(servers.critic.asked) == (critic == "model")
    for secret in (*secrets, REFERENCE, CHECKED_FOR):
        assert not [prompt for prompt in watched if secret in prompt], secret
    told = [prompt for prompt in watched if any(text in prompt for text in seen)]
    assert len(told) > 50, "what the critic may see is there"

    generic = [prompt for prompt in sent(servers.policy) if not BY_CRITERIA.search(prompt)]
    assert len(generic) > 20, "plain draws, feedback and what is made of it"
    assert not [prompt for prompt in generic if "Criterion" in prompt]

    judged = "\n".join(sent(servers.judge))
    for_judges = [text for text in (*secrets, *seen) if "of code" not in text]
    assert all(text in judged for text in for_judges) and judged.count(REFERENCE) == len(servers.judge.asked)


def test_with_an_oracle_the_model_that_answers_sees_neither(tmp_path: Path, servers: Servers) -> None:
    rows = conducted(tmp_path, servers, "oracle")
    texts = {(item.id, each.id): each.text for item in asked() for each in item.rubric.criteria}
    secrets = [texts[row["id"], name] for row in rows for name in row["hidden"]]
    for secret in (*secrets, REFERENCE, CHECKED_FOR):
        assert not [prompt for prompt in sent(servers.policy) if secret in prompt]

"""What a run holds for training, read back from experiments that were really run."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from conducted import conducted
from improving import Said, Scripted, by_words, is_met, prompt_of, varied
from made_benchmarks import benchmark, item

from herl.benchmarks import get
from herl.benchmarks.judging import Bench
from herl.benchmarks.own_prompts import benchmark_of_prompts
from herl.benchmarks.settings import JudgeSettings, Settings
from herl.engine.base import Request
from herl.errors import UsageError
from herl.item import Item, Message
from herl.resources import Store
from herl.rubric import Check, Criterion, Rubric
from herl.selfimprove.build import Cast
from herl.selfimprove.for_training import read_answers
from herl.selfimprove.settings import CONTROLS, LoopSettings
from herl.training_data import Answer, best_answers, preference_pairs, prompts_with_rubrics

KIND, SHORT = Criterion("kind", "It is kind."), Criterion("short", "It is short.")
NO_COMMA = Check("punctuation:no_comma")
OWN = [
    Item("one", (Message("user", "Say one."),), Rubric((Criterion("1", "No commas.", 2.0, NO_COMMA),))),
    Item("two", (Message("user", "Say two."),), Rubric((Criterion("1", "No commas.", 1.0, NO_COMMA),))),
]


@pytest.fixture(autouse=True)
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HERL_CACHE", str(tmp_path / "cache"))


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Six prompts of demo, an oracle, all controls."""
    folder = tmp_path_factory.mktemp("demo")
    loop = LoopSettings(revisions=2, hidden=0.3, controls=CONTROLS)
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("HERL_CACHE", str(folder / "cache"))
        return conducted(folder, get("demo"), uneven, answers=Settings(limit=6, system="Be brief."), loop=loop)


@pytest.fixture
def demo(finished: Path, tmp_path: Path) -> Path:
    """A copy of it."""
    return shutil.copytree(finished, tmp_path / "r")


def uneven(request: Request) -> str:
    """Answers with and without commas."""
    return str(varied(request)).replace(" and so on", ", and so on")


def rows(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_every_answer_of_every_arm_is_graded_by_the_whole_rubric(demo: Path) -> None:
    found = read_answers(demo, Store())
    assert (found.graded_by, found.left_out) == ({"demo": "code"}, [])
    attempts = [row for row in rows(demo / "demo" / "attempts.jsonl") if row["arm"] != "self-refine-feedback"]
    assert {row["arm"] for row in attempts} == {"base", "loop", "best-of-n", "self-refine"}
    grader = get("demo").graders["strict"]
    for asked in found.asked:
        own = [(row["round"], row["response"], row["usage"]) for row in attempts if row["id"] == asked.item.id]
        assert sorted((each.round, each.text) for each in asked.answers) == sorted(each[:2] for each in own)
        for each in asked.answers:
            assert each.grade == asked.item.rubric.grade(grader.verdicts(asked.item, each.text))
            assert [message.content for message in each.prompt] == ["Be brief.", asked.item.messages[0].content]
        assert {each.tokens for each in asked.answers} == {usage["completion_tokens"] for _, _, usage in own}


def test_the_plain_answers_score_what_the_rows_say(demo: Path) -> None:
    base = {row["id"]: row for row in rows(demo / "demo" / "samples.jsonl") if row["arm"] == "base"}
    for asked in read_answers(demo, Store()).asked:
        plain = next(each for each in asked.answers if each.round == 0)
        strict = base[asked.item.id]["verdicts"]["strict"]
        assert plain.text == base[asked.item.id]["response"]
        assert plain.score == sum(strict) / len(strict)


def test_what_is_exported_is_in_the_run_and_no_hindsight_is_in_it(demo: Path) -> None:
    asked = read_answers(demo, Store()).asked
    texts = {row["response"] for row in rows(demo / "demo" / "attempts.jsonl")}
    data = [best_answers(asked, 0.0), preference_pairs(asked), prompts_with_rubrics(asked)]
    assert all(each.rows for each in data)
    for row in (row for each in data for row in each.rows):
        [system, request] = row["prompt"]
        assert (system["role"], system["content"], request["role"]) == ("system", "Be brief.", "user")
        assert request["content"] in {item.messages[0].content for item in get("demo").load(Store())}
        for key in {"completion", "chosen", "rejected"} & set(row):
            assert row[key][0]["content"] in texts


def test_a_run_that_is_not_finished_has_what_it_has(demo: Path) -> None:
    attempts = demo / "demo" / "attempts.jsonl"
    lines = attempts.read_text().splitlines(keepends=True)
    attempts.write_text("".join(lines[:4]) + lines[4][:20])
    for name in ("samples.jsonl", "result.json"):
        (demo / "demo" / name).unlink()
    found = read_answers(demo, Store()).asked
    assert sorted(len(asked.answers) for asked in found) == [0, 0, 1, 1, 1, 1]
    assert len(prompts_with_rubrics(found).rows) == 6


@pytest.mark.parametrize("key", ["version", "data_sha256"])
def test_rows_of_another_version_or_of_other_data_are_refused(demo: Path, key: str) -> None:
    record = json.loads((demo / "run.json").read_text())
    record["benchmarks"]["demo"][key] = "another"
    (demo / "run.json").write_text(json.dumps(record))
    with pytest.raises(UsageError, match="run 'r' was made with"):
        read_answers(demo, Store())


def test_prompts_of_the_users_own_come_from_the_run_itself(tmp_path: Path) -> None:
    made = benchmark_of_prompts("input:mine", OWN, judged=False)
    path = conducted(tmp_path, made, lambda request: "One, two." if len(request.messages) == 1 else "", prompts=OWN)
    found = read_answers(path, Store())
    assert [asked.item for asked in found.asked] == OWN
    assert found.graded_by == {"input:mine": "code"}
    assert {answer.score for asked in found.asked for answer in asked.answers} == {0.0}


JUDGED = [item("a", KIND, SHORT), item("b", KIND)]


def judged(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    cast: Callable[[Scripted], Cast],
    **choices: Any,
) -> tuple[list[tuple[str, list[Answer]]], dict[str, str]]:
    """What an experiment on a judged benchmark holds: revisions are kinder than what they revise."""
    made = benchmark(JUDGED)
    monkeypatch.setattr("herl.selfimprove.for_training.get", lambda name, options: made)

    def script(request: Request) -> Said:
        return "plain" if prompt_of(request).startswith("Say") and len(prompt_of(request)) < 10 else "so kind"

    path = conducted(tmp_path, made, script, cast=cast, critic="http://critic/v1#c", **choices)
    found = read_answers(path, Store())
    return [(asked.item.id, list(asked.answers)) for asked in found.asked], found.graded_by


def test_where_judges_decide_the_kept_answers_have_their_verdicts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    critic = Scripted(lambda request: by_words(prompt_of(request)), "http://critic/v1#c")
    judge = Scripted(lambda request: is_met("kind" in prompt_of(request).split("answer-")[1]), "http://judge/v1#j")
    judges = JudgeSettings(models=("http://judge/v1#j",))
    found, graded_by = judged(
        tmp_path, monkeypatch, lambda policy: Cast(policy, critic, Bench(judges, [judge])), judges=judges
    )
    assert graded_by == {"made": "http://judge/v1#j"}
    for _, answers in found:
        assert [(each.text, each.round, each.score) for each in answers] == [("plain", 0, 0.0), ("so kind", 1, 1.0)]


def test_where_the_critic_is_the_only_judge_that_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    critic = Scripted(lambda request: by_words(prompt_of(request)), "http://critic/v1#c")
    found, graded_by = judged(tmp_path, monkeypatch, lambda policy: Cast(policy, critic, None))
    assert graded_by == {"made": "its own critic http://critic/v1#c"}
    assert [[each.score for each in answers] for _, answers in found] == [[0.0, 0.5], [0.0, 1.0]]

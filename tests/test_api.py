"""HeRL from Python, on recorded answers and a small server: what is written adds up."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from chat_server import ChatServer
from judge_server import JudgeServer, says

import herl
from herl.benchmarks import get
from herl.benchmarks.settings import Settings
from herl.errors import UsageError
from herl.resources import Store
from herl.rows import read_rows
from herl.rubric import Criterion, Rubric

TEXTS = ("yes", "* one\n* two\n\nP.S. bye", "<think>hm</think>ALL CAPITALS HERE, FRIEND", "<think>never ends", "")


@pytest.fixture
def recorded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Answers of every kind to the demo benchmark."""
    monkeypatch.setenv("HERL_CACHE", str(tmp_path / "cache"))
    items = get("demo").load(Store())
    rows = [{"id": item.id, "response": TEXTS[number % len(TEXTS)]} for number, item in enumerate(items)]
    path = tmp_path / "parrot.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


@pytest.fixture
def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[ChatServer]:
    monkeypatch.setenv("HERL_CACHE", str(tmp_path / "cache"))
    running = ChatServer()
    yield running
    running.close()


def test_every_metric_is_what_its_rows_add_up_to(recorded: Path, tmp_path: Path) -> None:
    done = herl.score(recorded, "demo", runs_dir=tmp_path / "runs")
    rows = read_rows(done.path / "demo" / "samples.jsonl")
    metrics = done.results[0]["metrics"]
    assert len(rows) == 40
    for grader in ("strict", "loose"):
        verdicts = [row["verdicts"][grader] for row in rows]
        per_prompt = sum(all(each) for each in verdicts) / 40
        pooled = [verdict for each in verdicts for verdict in each]
        assert metrics[f"prompt_level_{grader}_acc"]["value"] == pytest.approx(per_prompt)
        assert metrics[f"inst_level_{grader}_acc"]["value"] == pytest.approx(sum(pooled) / len(pooled))
        assert metrics[f"inst_level_{grader}_acc"]["n"] == len(pooled)
        by_type = done.results[0]["by_tag"]["tier1"].values()
        assert sum(cell[grader]["n"] for cell in by_type) == len(pooled)
        assert sum(cell[grader]["n"] * cell[grader]["value"] for cell in by_type) == pytest.approx(sum(pooled))
    assert metrics["inst_level_loose_acc"]["value"] >= metrics["inst_level_strict_acc"]["value"] > 0
    for metric in metrics.values():
        assert metric["ci_low"] <= metric["value"] <= metric["ci_high"]


def test_thinking_is_split_off_and_half_a_thought_is_a_truncated_empty_answer(recorded: Path, tmp_path: Path) -> None:
    done = herl.score(recorded, "demo", runs_dir=tmp_path / "runs")
    rows = {row["id"]: row for row in read_rows(done.path / "demo" / "samples.jsonl")}
    names = [item.id for item in get("demo").load(Store())]
    assert (rows[names[2]]["thinking"], rows[names[2]]["response"]) == ("hm", "ALL CAPITALS HERE, FRIEND")
    half = rows[names[3]]
    assert (half["thinking"], half["response"], half["status"]) == ("never ends", "", "truncated")
    assert done.results[0]["truncated"] == pytest.approx(8 / 40)


def test_a_run_can_be_loaded_again_by_name(recorded: Path, tmp_path: Path) -> None:
    done = herl.score(recorded, "demo", runs_dir=tmp_path / "runs", run="mine")
    assert herl.load_run("mine", tmp_path / "runs").results == list(done.results)


def test_several_answers_per_item_are_drawn_with_seeds_of_their_own(server: ChatServer, tmp_path: Path) -> None:
    settings = Settings(limit=5, samples=3, temperature=1.0)
    done = herl.evaluate(server.url, ["demo"], settings=settings, runs_dir=tmp_path / "runs")
    rows = read_rows(done.path / "demo" / "samples.jsonl")
    assert {(row["id"], row["sample"]) for row in rows} == {
        (item.id, sample) for item in get("demo").load(Store())[:5] for sample in range(3)
    }
    assert len({row["seed"] for row in rows}) == len({row["response"] for row in rows}) == 15
    result = done.results[0]
    assert (result["n"], result["samples"], result["rows"]) == (5, 3, 15)


def test_a_system_message_comes_before_every_conversation(server: ChatServer, tmp_path: Path) -> None:
    plain, told = (
        herl.evaluate(
            server.url, ["demo"], settings=Settings(limit=2, system=text), runs_dir=tmp_path / "runs", run=run
        )
        for text, run in (("", "plain"), ("Be brief.", "told"))
    )
    hashes = [{row["prompt_hash"] for row in read_rows(done.path / "demo" / "samples.jsonl")} for done in (plain, told)]
    assert not hashes[0] & hashes[1]


def test_an_experiment_gives_its_result_and_the_last_answer_to_each_item(server: ChatServer, tmp_path: Path) -> None:
    settings = Settings(limit=3)
    done = herl.self_improve(server.url, "demo", critic="oracle", settings=settings, runs_dir=tmp_path / "runs")
    rows = read_rows(done.path / "demo" / "samples.jsonl")
    assert list(done.answers) == [item.id for item in get("demo").load(Store())[:3]]
    for name, answer in done.answers.items():
        assert answer == [row["response"] for row in rows if row["id"] == name and row["arm"] == "loop"][-1]
    assert done.result == json.loads((done.path / "demo" / "result.json").read_text())
    assert (done.result["critic"]["kind"], done.resumed) == ("oracle", False)
    asked = server.asked
    again = herl.self_improve(server.url, "demo", critic="oracle", settings=settings, runs_dir=tmp_path / "runs")
    assert again == herl.Improvement(done.path, done.result, done.answers, resumed=True)
    assert server.asked == asked


def test_an_experiment_may_be_about_one_prompt_of_which_the_drafted_rubric_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HERL_CACHE", str(tmp_path / "cache"))
    reply = {"criteria": [{"text": "It says why.", "weight": 2}], "reason": "", "met": True, "better": "tie"}
    server = JudgeServer(lambda body: says(json.dumps(reply)))
    told: list[object] = []
    try:
        done = herl.self_improve(
            f"{server.url}#policy", prompt="Why?", runs_dir=tmp_path, on_draft=lambda *about: told.extend(about)
        )
    finally:
        server.close()
    assert told == [Rubric((Criterion("1", "It says why.", 2.0),)), done.path / "rubric.yaml"]
    assert done.answers == {"prompt": json.dumps(reply)}
    assert done.result["stops"] == {"all_met": 1}


def test_paths_may_be_texts_as_flags_are(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"none\.jsonl does not exist"):
        herl.self_improve("demo", input=str(tmp_path / "none.jsonl"), runs_dir=tmp_path)
    with pytest.raises(UsageError, match=r"none\.yaml does not exist"):
        herl.self_improve("demo", prompt="Why?", rubric=str(tmp_path / "none.yaml"), runs_dir=tmp_path)


def test_a_benchmark_must_be_named(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="at least one benchmark"):
        herl.evaluate("demo", [], runs_dir=tmp_path)


def test_an_unknown_name_of_the_package_is_an_ordinary_error() -> None:
    with pytest.raises(AttributeError, match="no attribute 'evalute'"):
        herl.evalute  # noqa: B018

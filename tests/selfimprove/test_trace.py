"""What `herl show` is told of an experiment's items: every attempt, what was found, and what became of it."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from experiment_runs import HOSTILE, conducted, judges_by_chance
from made_benchmarks import SCORE, benchmark
from made_experiments import checked, checked_items

from herl.benchmarks.base import Benchmark
from herl.benchmarks.conversation import digest
from herl.errors import UsageError
from herl.item import Message
from herl.prompts import row_of
from herl.resources import Store
from herl.rows import Row
from herl.rubric import Criterion
from herl.selfimprove.trace import Trace, Try, traces

ITEMS = checked_items(9)
MADE = checked(ITEMS)


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """An experiment by an oracle, and one whose critic hides and compares."""
    folder = tmp_path_factory.mktemp("runs")
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("HERL_CACHE", str(folder / "cache"))
        conducted(folder / "runs", "oracle", rounds=1)
        conducted(folder / "runs", "critic", critic=judges_by_chance, hidden=0.4, revisions=2)
    yield folder / "runs"


@pytest.fixture(autouse=True)
def made(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("herl.benchmarks.get", lambda name, options=None: MADE)


def rows_of(path: Path, name: str) -> list[Row]:
    return [json.loads(line) for line in (path / "made" / name).read_text().splitlines()]


def write(path: Path, name: str, rows: Sequence[Row]) -> None:
    (path / "made" / name).write_text("".join(json.dumps(row) + "\n" for row in rows))


def copied(runs: Path, tmp_path: Path, name: str) -> Path:
    """A run that a test may spoil."""
    path = tmp_path / name
    (path / "made").mkdir(parents=True)
    for file in (runs / name).rglob("*.json*"):
        (path / file.relative_to(runs / name)).write_bytes(file.read_bytes())
    return path


def told(path: Path, **choices: Any) -> list[Trace]:
    found, problems = traces(path, Store(), **choices)
    assert problems == []
    return found


def tries(path: Path) -> list[Try]:
    return [each for trace in told(path) for each in trace.tries]


@pytest.mark.parametrize("name", ["oracle", "critic"])
def test_every_attempt_is_told_the_loop_first_and_feedback_before_what_it_led_to(runs: Path, name: str) -> None:
    path = runs / name
    attempts = rows_of(path, "attempts.jsonl")
    assert len(tries(path)) == len(attempts)
    for trace in told(path):
        order = [(each.row["arm"], each.row["round"], each.row["sample"]) for each in trace.tries]
        arms = ["base", "loop", "best-of-n", "self-refine"]
        assert sorted(order) == sorted((r["arm"], r["round"], r["sample"]) for r in attempts if r["id"] == trace.id)
        places = [(arms.index(arm.removesuffix("-feedback")), number) for arm, number, _ in order]
        assert places == sorted(places) and order[0] == ("base", 0, 0)
        refined = [arm for arm, _, _ in order if arm.startswith("self-refine")]
        assert refined == ["self-refine-feedback", "self-refine"] * (len(refined) // 2)


@pytest.mark.parametrize("name", ["oracle", "critic"])
def test_what_was_kept_is_what_the_rows_hold(runs: Path, name: str) -> None:
    path = runs / name
    kept = {
        (row["arm"], row["id"], row["round"], row["candidate"])
        for row in rows_of(path, "samples.jsonl")
        if row["changed"] and row["arm"] != "resample"
    }
    found = {True: set(), False: set(), None: set()}  # type: dict[bool | None, set[Any]]
    for each in tries(path):
        found[each.kept].add((each.row["arm"], each.row["id"], each.row["round"], each.row["sample"]))
    assert found[True] == kept and kept and found[False]
    assert {arm for arm, *_ in found[None]} == {"base", "self-refine-feedback"}


def test_the_draw_that_resampling_shows_is_marked(runs: Path) -> None:
    shown = {(row["id"], row["round"]) for row in rows_of(runs / "oracle", "samples.jsonl") if row["arm"] == "resample"}
    marked = [each for each in tries(runs / "oracle") if each.is_resampled]
    assert {(each.row["id"], each.row["round"]) for each in marked} == shown and shown
    assert {each.row["arm"] for each in marked} == {"best-of-n"}


@pytest.mark.parametrize("name", ["oracle", "critic"])
def test_every_answer_has_its_verdicts_whether_it_was_kept_or_not(runs: Path, name: str) -> None:
    for trace in told(runs / name):
        item = next(item for item in ITEMS if item.id == trace.id)
        assert trace.messages == item.messages
        for each in trace.tries:
            is_feedback = each.row["arm"] == "self-refine-feedback"
            said = [] if is_feedback else [word.id in each.row["response"] for word in item.rubric.criteria]
            assert [decision.met.get("strict") for decision in each.decisions()] == said
            assert [decision.text for decision in each.decisions()] == [c.text for c in item.rubric.criteria][
                : len(said)
            ]


def test_stop_reasons_and_tokens_are_the_last_rows(runs: Path) -> None:
    rows = rows_of(runs / "oracle", "samples.jsonl")
    for trace in told(runs / "oracle"):
        own = [row for row in rows if row["id"] == trace.id]
        assert trace.stop == [row["stop"] for row in own if row["arm"] == "loop"][-1]
        assert list(trace.spent)[:2] == ["base", "loop"]
        assert trace.spent == {row["arm"]: row["spent"] for row in own}


def test_hidden_criteria_are_marked_and_the_critic_never_speaks_of_them(runs: Path) -> None:
    hidden = {row["id"]: set(row["hidden"]) for row in rows_of(runs / "critic", "samples.jsonl")}
    assert any(hidden.values())
    for trace in told(runs / "critic"):
        criteria = next(item for item in ITEMS if item.id == trace.id).rubric.criteria
        texts = {criterion.text for criterion in criteria if criterion.id in hidden[trace.id]}
        for each in trace.tries:
            assert {decision.text for decision in each.decisions() if decision.details == "hidden"} == (
                texts if each.row["arm"] != "self-refine-feedback" else set()
            )
            assert not texts & {decision.text for decision in each.ruled}


def test_the_critics_verdicts_and_both_orders_of_its_comparisons_are_told(runs: Path) -> None:
    rulings = rows_of(runs / "critic", "verdicts.jsonl")
    found = tries(runs / "critic")
    assert {word for each in found for decision in each.ruled for word in decision.met} == {"critic"}
    asked = {(row["id"], row["answer"]) for row in rulings}
    assert asked == {(each.row["id"], digest(each.row["response"])[:16]) for each in found if each.ruled}
    for each in found:
        places = [said.place for said in each.compared]
        assert places == ["second", "first"] * (len(places) // 2)
        if each.kept:
            pairs = zip(each.compared[::2], each.compared[1::2], strict=True)
            assert any(there.likes_it and back.likes_it for there, back in pairs)
            assert each.compared[0].evidence == "so it is"
    assert any(each.compared and not each.kept for each in found)


def test_a_comparison_that_could_not_be_read_says_why(runs: Path, tmp_path: Path) -> None:
    path = copied(runs, tmp_path, "critic")
    rows = rows_of(path, "preferences.jsonl")
    write(path, "preferences.jsonl", [row | {"outcome": "parse_error", "value": None} for row in rows])
    said = {said.better for each in tries(path) for said in each.compared}
    assert said == {"parse_error"}


def test_only_looks_at_the_last_answer_of_the_loop(runs: Path, tmp_path: Path) -> None:
    path = copied(runs, tmp_path, "oracle")
    rows = rows_of(path, "samples.jsonl")
    last = {row["id"]: row for row in rows if row["arm"] in ("base", "loop")}
    wrong = [name for name, row in last.items() if row["scores"]["all_met"] < 1]
    assert [trace.id for trace in told(path, only="wrong")] == wrong
    assert 0 < len(wrong) < len(last)
    last[wrong[0]]["status"] = "truncated"
    write(path, "samples.jsonl", rows)
    assert [trace.id for trace in told(path, only="truncated")] == wrong[:1]
    with pytest.raises(UsageError, match="has no ungraded answer to item 'c1'"):
        traces(path, Store(), "ungraded", "c1")


def test_one_item_can_be_told_and_an_unknown_one_is_an_error(runs: Path) -> None:
    [trace] = told(runs / "oracle", item_id="c4")
    assert trace.id == "c4"
    with pytest.raises(UsageError, match="run 'oracle' has no answer to item 'nope'"):
        traces(runs / "oracle", Store(), item_id="nope")


def test_of_an_unfinished_experiment_all_is_told_that_is_there(runs: Path, tmp_path: Path) -> None:
    path = copied(runs, tmp_path, "oracle")
    (path / "made" / "samples.jsonl").unlink()
    found, problems = traces(path, Store())
    assert problems == ["the experiment is not finished: what was kept is known at its end"]
    assert sum(len(trace.tries) for trace in found) == len(rows_of(path, "attempts.jsonl"))
    assert {trace.stop for trace in found} == {None} and not any(trace.spent for trace in found)
    assert {each.kept for trace in found for each in trace.tries} == {None}
    assert all(each.decisions() for trace in found for each in trace.tries if "feedback" not in each.row["arm"])


def test_attempts_at_something_else_are_told_without_prompts(runs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    others = [replace(item, messages=(Message("user", "Something else."),)) for item in ITEMS]
    monkeypatch.setattr("herl.benchmarks.get", lambda name, options=None: checked(others))
    found, [problem] = traces(runs / "oracle", Store())
    assert problem.startswith("9 of 9 items are shown without their prompts: made's data here are not those")
    assert {trace.messages for trace in found} == {()}


def test_without_the_benchmark_answers_are_told_and_the_missing_prompts_are_said(
    runs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def gone(name: str, options: object = None) -> Benchmark:
        raise UsageError("unknown benchmark 'made'")

    monkeypatch.setattr("herl.benchmarks.get", gone)
    found, problems = traces(runs / "critic", Store())
    assert problems == ["prompts are left out: unknown benchmark 'made'"]
    kept = [each for trace in found for each in trace.tries if each.kept]
    assert kept and all(each.decisions()[0].text == "criterion 1" for each in kept)


def test_what_its_checks_lack_is_said_and_costs_only_the_verdicts_of_answers_that_were_never_kept(
    runs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def lacking(store: Store) -> Sequence[str]:
        raise UsageError("NLTK's model is missing")

    monkeypatch.setattr("herl.benchmarks.get", lambda name, options=None: replace(MADE, prepare=lacking))
    found, problems = traces(runs / "oracle", Store())
    assert problems == ["answers that were never kept are shown without verdicts: NLTK's model is missing"]
    assert all(each.decisions() for trace in found for each in trace.tries if each.kept)
    assert not all(each.decisions() for trace in found for each in trace.tries if each.kept is False)


def test_what_a_judge_said_of_an_answer_that_was_never_kept_is_told(
    runs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = copied(runs, tmp_path, "oracle")
    judged = [replace(item, rubric=replace(item.rubric, criteria=(Criterion("1", "It is kind."),))) for item in ITEMS]
    monkeypatch.setattr("herl.benchmarks.get", lambda name, options=None: benchmark(judged, [SCORE]))
    attempts = rows_of(path, "attempts.jsonl")
    verdict = {"criterion": "1", "outcome": "scored", "value": 1.0, "evidence": HOSTILE}
    usage = {"prompt_tokens": 1, "completion_tokens": 1}
    places = {(row["id"], digest(row["response"])[:16]) for row in attempts}
    rulings = [
        {"id": name, "answer": answer, "judge": "gpt", "verdicts": [verdict], "usage": usage} for name, answer in places
    ]
    (path / "made" / "samples.jsonl").unlink()
    write(path, "verdicts.jsonl", rulings)
    found, _ = traces(path, Store())
    for each in (each for trace in found for each in trace.tries if "feedback" not in each.row["arm"]):
        [said] = each.ruled
        assert (said.text, said.met, said.evidence) == ("It is kind.", {"judge": True}, HOSTILE)
    graded = [{**verdict, "met": True, "weight": 1.0}]
    write(path, "samples.jsonl", [row | {"verdicts": graded} for row in rows_of(runs / "oracle", "samples.jsonl")])
    kept = [each for trace in told(path) for each in trace.tries if each.kept]
    assert kept and all(each.ruled == [] and each.decisions()[0].evidence == HOSTILE for each in kept)


def test_a_users_own_prompts_are_told_from_the_run(runs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = copied(runs, tmp_path, "oracle")
    own = [replace(item, rubric=replace(item.rubric, criteria=(Criterion("1", "It is kind."),))) for item in ITEMS]
    write(path, "prompts.jsonl", [row_of(item) for item in own])
    monkeypatch.setattr("herl.benchmarks.get", lambda name, options=None: pytest.fail("no benchmark has them"))
    (path / "made" / "samples.jsonl").unlink()
    found, _ = traces(path, Store())
    assert [trace.messages for trace in found] == [own[int(trace.id[1:])].messages for trace in found]


def test_as_plain_values_a_trace_is_json_and_nothing_of_an_answer_is_changed(runs: Path) -> None:
    for trace in told(runs / "critic"):
        document = trace.as_dict()
        assert json.loads(json.dumps(document)) == document
        assert [each["response"] for each in document["attempts"]] == [each.row["response"] for each in trace.tries]
        assert HOSTILE in document["attempts"][0]["response"]
        assert document["messages"] == [message.as_dict() for message in trace.messages]

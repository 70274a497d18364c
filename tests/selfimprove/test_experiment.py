"""The experiment as a whole: whose answers are asked for, who sees them, and who scores them."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest
from improving import (
    SEED,
    Quiet,
    answers_in,
    compares,
    is_better,
    is_met,
    prompt_of,
    spoken,
    varied,
)
from made_benchmarks import benchmark, item, work
from made_experiments import checked, checked_items
from stands import CRITERIA, Stand, judged, judged_items, judges_by_chance, model, of, prefers_by_chance

from herl.benchmarks.conversation import requests_for
from herl.benchmarks.settings import Settings
from herl.cache import CompletionCache
from herl.engine.base import Failure, Request
from herl.item import Message
from herl.selfimprove.build import Cast, build
from herl.selfimprove.controls import FEEDBACK
from herl.selfimprove.experiment import tasks_of
from herl.selfimprove.journal import Journal
from herl.selfimprove.settings import CONTROLS, LoopSettings
from herl.selfimprove.split import hidden_criteria

# Plain answers.


def test_plain_answers_are_those_of_eval(tmp_path: Path) -> None:
    asked = judged_items(3)
    asked[1] = replace(asked[1], facts={"sampling": {"max_tokens": 33}})
    answers = Settings(seed=4, temperature=0.3, system="Be terse.")
    stand = judged(tmp_path, answers=answers)
    stand.benchmark = benchmark(asked)
    stand.run(rounds=1)
    by_id = {each.id: each for each in asked}
    expected = list(requests_for(stand.benchmark, asked, answers, by_id, {}))
    assert stand.policy.batches[0] == expected
    assert [request.sampling.max_tokens for request in stand.policy.batches[1]][1:2] in ([33], [1280])


def test_the_next_turn_of_a_dialogue_follows_the_plain_answer_before_it(tmp_path: Path) -> None:
    one, two = item("one", *CRITERIA), item("two", *CRITERIA, follows="one")
    stand = judged(tmp_path)
    stand.benchmark = benchmark([one, two])
    rows = stand.rows(rounds=2, controls=CONTROLS)
    (plain,) = [row for row in of(rows, "base") if row["id"] == "one"]
    said = Message("assistant", plain["response"])
    asked = [request for request in stand.policy.asked if request.item_id == "two"]
    assert asked[0].messages == (*one.messages, said, *two.messages)
    assert len(asked) > 3 and all(request.messages[:2] == (*one.messages, said) for request in asked)
    changed = [row for row in rows if row["id"] == "one" and row["response"] != plain["response"]]
    assert changed, "the first turn was improved, and the second one still follows the plain answer"
    told = [prompt_of(request) for request in stand.judges[0].asked if request.item_id.startswith("two:")]
    assert told and all(f"assistant: {plain['response']}" in prompt for prompt in told)


def test_where_a_first_turn_fails_the_next_one_waits(tmp_path: Path) -> None:
    stand = judged(tmp_path, policy=model(lambda request: Failure("time-out"), "policy"))
    stand.benchmark = benchmark([item("one", *CRITERIA), item("two", *CRITERIA, follows="one")])
    outcome = stand.run()
    assert outcome.failures == Counter({"time-out": 1})
    assert {request.item_id for request in stand.policy.asked} == {"one"}


# Who sees and scores what.


def test_hidden_criteria_are_scored_and_neither_seen_nor_revised_for(tmp_path: Path) -> None:
    stand = judged(tmp_path, 4)
    rows = stand.rows(rounds=2, hidden=0.3, controls=CONTROLS)
    for row in rows:
        (hidden,) = hidden_criteria(item(row["id"], *CRITERIA), 0.3, SEED)
        assert row["hidden"] == [hidden]
        assert {each["criterion"] for each in row["verdicts"]} == {"short", "kind", "true"}
        assert all(each["outcome"] == "scored" for each in row["verdicts"])
        assert stand.critic is not None
        seen = [*stand.policy.asked, *stand.critic.asked]
        prompts = [prompt_of(request) for request in seen if request.item_id.startswith(row["id"])]
        assert prompts and not [prompt for prompt in prompts if f"It is {hidden}." in prompt]


@pytest.mark.parametrize("is_oracle", [False, True])
def test_an_oracle_checks_by_code_what_another_critic_only_reads(tmp_path: Path, is_oracle: bool) -> None:
    made = checked(checked_items(3))
    cast = Cast(model(varied, "policy"), None if is_oracle else model(judges_by_chance, "critic"), None)
    with CompletionCache(tmp_path / "cache") as cache:
        experiment = build(work(made), cast, Settings(), LoopSettings(), Journal(), cache, Quiet)
    tasks = tasks_of(experiment, {each.id: each.messages for each in experiment.work.items})
    criteria = [each for task in tasks.values() for each in task.item.rubric.criteria]
    assert len(criteria) == 1 + 2 + 3
    assert all((each.check is not None) == is_oracle for each in criteria)


def test_where_code_decides_it_scores_what_a_critic_accepted(tmp_path: Path) -> None:
    def policy(request: Request) -> str:
        return "I say apple." if "---" in prompt_of(request) else "I say nothing."

    def critic(request: Request) -> str:
        prompt = prompt_of(request)
        return (
            is_better("first" if "apple" in answers_in(prompt)[0] else "second") if compares(prompt) else is_met(False)
        )

    stand = Stand(tmp_path / "cache", checked(checked_items(2)), model(policy, "policy"), model(critic, "critic"))
    rows = stand.rows(rounds=1)
    assert [(row["arm"], row["verdicts"]["strict"]) for row in rows] == [
        ("base", [False]),
        ("base", [False, False]),
        ("loop", [True]),
        ("loop", [True, False]),
    ]


def test_a_judge_that_is_the_oracle_is_asked_for_each_verdict_once(tmp_path: Path) -> None:
    stand = judged(tmp_path, critic=None)
    rows = stand.rows(rounds=2, revisions=2, controls=CONTROLS)
    (judge,) = stand.judges
    asked = Counter((request.item_id, answers_in(prompt_of(request))[0]) for request in judge.asked)
    assert set(asked.values()) == {1}
    drawn = [row for row in stand.journal.attempts.values() if row["arm"] != FEEDBACK]
    assert len(judge.asked) == len(CRITERIA) * len({(row["id"], row["response"]) for row in drawn})
    paid = {row["arm"] for row in stand.journal.timings if row["what"] == "critic"}
    assert paid == {"loop", "best-of-n", "self-refine"}, "the final score costs nothing more"
    assert {row["arm"] for row in rows} == {"base", "loop", *CONTROLS}


def test_an_oracle_with_something_hidden_is_asked_for_that_at_the_end_about_what_was_kept(tmp_path: Path) -> None:
    stand = judged(tmp_path, critic=None)
    rows = stand.rows(rounds=2, hidden=0.4)
    (judge,) = stand.judges
    kept = {(row["id"], row["response"]) for row in rows}
    hidden = {row["id"]: row["hidden"][0] for row in rows}
    told = {f"{name}: {criterion}" for name, criterion in hidden.items()}
    final = [request for request in judge.asked if request.item_id in told]
    assert {(request.item_id.partition(":")[0], answers_in(prompt_of(request))[0]) for request in final} == kept
    assert len(final) == len(kept)
    assert judge.batches[-1] == final, "all at the end"


def test_a_panel_is_asked_as_a_panel(tmp_path: Path) -> None:
    panel = [model(lambda request: is_met(True), "kind"), model(lambda request: is_met(False), "stern")]
    stand = judged(tmp_path, 2, judges=panel)
    rows = stand.rows(rounds=1)
    assert {row["scores"]["score"] for row in rows} == {0.5}
    assert rows[0]["verdicts"][0]["judges"] == {"kind": 1.0, "stern": 0.0}


def test_without_a_judge_the_critic_scores_what_it_said_already(tmp_path: Path) -> None:
    critic = model(prefers_by_chance, "critic")
    stand = judged(tmp_path, critic=critic, judges=[])
    rows = stand.rows(rounds=1)
    asked = Counter((request.item_id, prompt_of(request)) for request in critic.asked)
    assert set(asked.values()) == {1}
    assert all(row["scores"]["score"] is not None for row in rows)


def test_an_answer_that_was_refused_is_kept_and_scored(tmp_path: Path) -> None:
    stand = judged(tmp_path, 2, policy=model(lambda request: spoken("I will not.", "content_filter"), "policy"))
    rows = stand.rows(controls=CONTROLS)
    assert [(row["arm"], row["stop"]) for row in rows] == [("base", None)] * 2 + [("loop", "no_answer")] * 2
    assert len(stand.policy.asked) == 2

"""Rollouts, grades and revisions come as one stream, and come out in order."""

from __future__ import annotations

import threading
from dataclasses import replace
from pathlib import Path

import pytest
from scripted_rollouts import ScriptedSampler, config, fox, grading, is_revision, judged, owl, prompt, training

from herl.engine.base import Failure, Request
from herl.errors import IncompleteError
from herl.item import Item
from herl.rubric import Criterion, Outcome, Verdict
from herl.train.experience import Group
from herl.train.journal import read
from herl.train.loop import Training, asking, roll_out

ITEMS = [prompt("p0"), prompt("p1")]


def by_number(request: Request) -> str:
    """The first rollout has a fox, the others nothing; a revision has both."""
    if is_revision(request):
        return "a fox and an owl"
    return "a fox" if request.sample == 0 else f"nothing {request.sample}"


def rolled(made: Training, items: list[Item] | None = None, step: int = 1) -> list[Group]:
    with made.grading, made.journal:
        return roll_out(made, items or ITEMS, asking(made, step))


def test_groups_come_in_the_order_of_prompts_and_numbers_however_they_were_drawn(tmp_path: Path) -> None:
    groups = rolled(training(tmp_path, ScriptedSampler(by_number, at_once=3), ITEMS))
    assert [group.item.id for group in groups] == ["p0", "p1"]
    for group in groups:
        assert [rollout.key.number for rollout in group.rollouts] == [0, 1, 2, 3]
        assert [rollout.score for rollout in group.rollouts] == [0.5, 0.0, 0.0, 0.0]


def test_the_best_failures_are_revised_and_graded_by_the_same_rubric(tmp_path: Path) -> None:
    groups = rolled(training(tmp_path, ScriptedSampler(by_number), ITEMS))
    assert [revision.key.number for revision in groups[0].revisions] == [0, 1]
    assert [revision.score for revision in groups[0].revisions] == [1.0, 1.0]
    assert "a fox" in groups[0].revisions[0].messages[-1].content


def test_a_revision_is_asked_for_at_its_own_temperature_and_length(tmp_path: Path) -> None:
    sampler = ScriptedSampler(by_number)
    settings = config(hindsight={"temperature": 0.3, "max_tokens": 7})
    rolled(training(tmp_path, sampler, ITEMS, settings))
    asked = {(is_revision(each), each.sampling.temperature, each.sampling.max_tokens) for each in sampler.asked}
    assert asked == {(False, 1.0, 16), (True, 0.3, 7)}


def test_a_revision_is_as_long_as_an_answer_where_nothing_else_is_said(tmp_path: Path) -> None:
    sampler = ScriptedSampler(by_number)
    rolled(training(tmp_path, sampler, ITEMS))
    assert {each.sampling.max_tokens for each in sampler.asked if is_revision(each)} == {16}


def test_a_solved_group_is_not_revised(tmp_path: Path) -> None:
    groups = rolled(training(tmp_path, ScriptedSampler(lambda request: "fox and owl"), ITEMS))
    assert not any(group.revisions for group in groups)


def test_without_hindsight_nothing_is_revised(tmp_path: Path) -> None:
    groups = rolled(training(tmp_path, ScriptedSampler(by_number), ITEMS, method="rlvr"))
    assert not any(group.revisions for group in groups)


def test_every_draw_has_a_seed_of_its_own_that_nothing_else_decides(tmp_path: Path) -> None:
    quick, slow = (ScriptedSampler(by_number, at_once=at_once) for at_once in (8, 1))
    for sampler, folder in ((quick, tmp_path / "quick"), (slow, tmp_path / "slow")):
        rolled(training(folder, sampler, ITEMS))
    seeds = {(request.messages, request.sample): request.sampling.seed for request in quick.asked}
    assert len(set(seeds.values())) == len(quick.asked) == 12
    assert seeds == {(request.messages, request.sample): request.sampling.seed for request in slow.asked}


def test_a_revision_is_asked_for_while_other_groups_are_still_drawn(tmp_path: Path) -> None:
    sampler = ScriptedSampler(by_number, at_once=1)
    made = training(tmp_path, sampler, ITEMS)
    seen: list[bool] = []
    original = sampler._script

    def watching(request: Request) -> str:
        # The sampler answers the last request first: p1's group is whole before p0's begins.
        if request.item_id == "p0" and not is_revision(request):
            for each in list(made.grading._underway.values()):
                each.result()
        seen.append(is_revision(request))
        return original(request)

    sampler._script = watching
    rolled(made)
    last_plain = len(seen) - 1 - seen[::-1].index(False)
    assert any(seen[:last_plain])


def test_what_the_journal_holds_is_not_drawn_again(tmp_path: Path) -> None:
    first = ScriptedSampler(by_number)
    before = rolled(training(tmp_path, first, ITEMS))
    second = ScriptedSampler(by_number)
    assert rolled(training(tmp_path, second, ITEMS)) == before
    assert second.asked == [] and second.published == []


def test_a_step_that_was_cut_short_draws_only_the_rest(tmp_path: Path) -> None:
    class Killed(Exception):
        pass

    def dies(request: Request) -> str:
        if is_revision(request):
            raise Killed
        return by_number(request)

    made = training(tmp_path, ScriptedSampler(dies), ITEMS)
    with pytest.raises(Killed):
        rolled(made)
    sampler = ScriptedSampler(by_number)
    groups = rolled(training(tmp_path, sampler, ITEMS))
    assert all(is_revision(request) or request.item_id == "p0" for request in sampler.asked)
    assert groups == rolled(training(tmp_path / "whole", ScriptedSampler(by_number), ITEMS))


def test_weights_are_published_only_when_something_must_be_drawn(tmp_path: Path) -> None:
    sampler = ScriptedSampler(by_number)
    made = training(tmp_path, sampler, ITEMS, version=7)
    with made.grading, made.journal:
        roll_out(made, ITEMS, asking(made, 1))
        roll_out(made, ITEMS, asking(made, 2))
    assert sampler.published == [7]


def test_an_answer_that_is_none_abstains_and_is_not_revised(tmp_path: Path) -> None:
    sampler = ScriptedSampler(by_number, ends=lambda text: "error" if text == "a fox" else "stop")
    groups = rolled(training(tmp_path, sampler, ITEMS))
    assert groups[0].rollouts[0].score is None
    assert [revision.key.number for revision in groups[0].revisions] == [1, 2]


def half_decided(made: Training) -> None:
    """Have criterion c3 abstain on everything but revisions and what has an owl."""
    plain = made.grading._verdicts

    def abstaining(item: Item, answer: str) -> tuple[Verdict, ...]:
        found = plain(replace(item, rubric=replace(item.rubric, criteria=item.rubric.criteria[:1])), answer)
        hard = item.rubric.criteria[1]
        verdict = Verdict.scored(hard, True) if "owl" in answer else Verdict.abstained(hard, Outcome.REFUSAL)
        return *found, verdict

    made.grading._verdicts = abstaining  # type: ignore[method-assign]


def test_an_answer_that_is_not_fully_decided_has_no_reward_solves_nothing_and_is_not_revised(tmp_path: Path) -> None:
    items = [prompt("p0", [fox(), Criterion("c3", "is hard", check=owl().check)])]
    script = ["a fox", "an owl", "nothing", "no"]
    made = training(tmp_path, ScriptedSampler(lambda asked: script[asked.sample]), items)
    half_decided(made)
    [group] = rolled(made, items)
    assert [rollout.score for rollout in group.rollouts] == [None, 0.5, None, None]
    assert group.rollouts[0].grade.score == 1.0, "what is decided is all met"
    assert [revision.key.number for revision in group.revisions] == [1]
    assert read(tmp_path / "journal", 1).scores[group.rollouts[0].key] is None


def test_an_answer_of_which_nothing_is_known_to_be_unmet_is_not_revised(tmp_path: Path) -> None:
    made = training(tmp_path, ScriptedSampler(lambda request: "an owl"), ITEMS)

    def half(item: Item, answer: str) -> tuple[Verdict, ...]:
        first, second = item.rubric.criteria
        return Verdict.abstained(first, Outcome.REFUSAL), Verdict.scored(second, True)

    made.grading._verdicts = half  # type: ignore[method-assign]
    [group] = rolled(made, [prompt("p0", [owl(), judged()])])
    assert group.revisions == ()


def test_a_sampler_that_cannot_draw_ends_the_step_and_loses_nothing(tmp_path: Path) -> None:
    class Fails(ScriptedSampler):
        def _completion(self, request: Request) -> Failure:  # type: ignore[override]
            return Failure("out of memory")

    with pytest.raises(IncompleteError, match="out of memory"):
        rolled(training(tmp_path, Fails(by_number), ITEMS))


def test_a_grader_that_fails_ends_the_step(tmp_path: Path) -> None:
    made = training(tmp_path, ScriptedSampler(by_number), ITEMS)

    def broken(item: Item, answer: str) -> tuple[Verdict, ...]:
        raise RuntimeError("no such grader")

    made.grading._verdicts = broken  # type: ignore[method-assign]
    with pytest.raises(RuntimeError, match="no such grader"):
        rolled(made)


def test_equal_answers_that_are_under_way_are_graded_once() -> None:
    started, go_on = threading.Event(), threading.Event()
    with grading(ITEMS) as made:

        def slow(item: Item, answer: str) -> tuple[Verdict, ...]:
            started.set()
            go_on.wait(10)
            return ()

        made._verdicts = slow  # type: ignore[method-assign]
        one = made.submit(ITEMS[0], "a fox")
        started.wait(10)
        assert made.submit(ITEMS[0], "a fox") is one
        assert made.submit(ITEMS[1], "a fox") is not one
        go_on.set()


def test_rewards_may_be_all_or_nothing(tmp_path: Path) -> None:
    made = training(tmp_path, ScriptedSampler(by_number), ITEMS, config(loss={"reward": "sparse"}))
    groups = rolled(made)
    assert groups[0].rollouts[0].score == 0.0 and groups[0].rollouts[0].met == 1
    assert groups[0].revisions[0].score == 1.0


def test_what_other_weights_drew_is_drawn_anew_but_for_what_came_before_the_first_step(tmp_path: Path) -> None:
    for step, drawn in ((1, 12), (0, 0)):
        rolled(training(tmp_path, ScriptedSampler(by_number), ITEMS), step=step)
        sampler = ScriptedSampler(by_number)
        rolled(training(tmp_path, sampler, ITEMS, version=3), step=step)
        assert len(sampler.asked) == drawn

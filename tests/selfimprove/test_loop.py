"""The loop: only a better answer is taken, every round is one batch, and everybody leaves for a reason that is told."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from improving import (
    REPLY,
    SAMPLING,
    Said,
    Scripted,
    answers_in,
    asked_critic,
    bench,
    by_words,
    compares,
    decided,
    in_turn,
    is_met,
    prompt_of,
    revision_seeds,
    spoken,
    table,
    trial,
    varied,
)
from made_benchmarks import item

from herl.item import Completion
from herl.rubric import Criterion, Grade
from herl.selfimprove.journal import Journal
from herl.selfimprove.loop import run_loop
from herl.selfimprove.trial import Stop, Trial

A, B = Criterion("a", "It is short."), Criterion("b", "It is kind.")
ASKED = item("q", A, B)
BASE, HALF, WHOLE, NOTHING, UNSURE = "base", "half good", "wholly good", "no good", "not sure"
VALUES = {BASE: (0, 0), HALF: (1, 0), WHOLE: (1, 1), NOTHING: (0, 0), UNSURE: (1, None), "other half": (0, 1)}


def looped(*said: Said, base: str = BASE, **changes: Any) -> tuple[Trial, Scripted]:
    """What becomes of an item whose revisions are these; the oracle is `VALUES`."""
    journal = Journal()
    engine = Scripted(in_turn(*said, revisions=changes.get("revisions", 1)))
    found = trial(ASKED, journal, base)
    run_loop([found], bench(engine, journal, decided(journal, table(VALUES)), **changes))
    return found, engine


# Which answer is taken.


def test_the_best_of_a_rounds_revisions_is_taken() -> None:
    found, _ = looped(HALF, WHOLE, NOTHING, revisions=3)
    assert (found.best.text, found.best.round, found.best.candidate) == (WHOLE, 1, 1)
    assert [(step.round, step.changed, step.kept.text) for step in found.steps] == [(1, True, WHOLE)]


def test_of_equally_good_revisions_the_first_is_taken() -> None:
    found, _ = looped("other half", HALF, rounds=1, revisions=2)
    assert found.best.text == "other half"


def test_the_best_so_far_stays_when_a_round_brings_nothing_better() -> None:
    found, engine = looped(HALF, "other half", NOTHING, rounds=3, patience=3)
    assert found.best.text == HALF
    assert [(step.changed, step.kept.text) for step in found.steps] == [(True, HALF), (False, HALF), (False, HALF)]
    drafts = [prompt_of(request).partition("<draft>\n")[2].partition("\n</draft>")[0] for request in engine.asked]
    assert drafts == [BASE, HALF, HALF], "a round revises the best answer so far"


def test_a_revision_must_be_better_whatever_the_missing_verdicts_would_have_been() -> None:
    assert looped(UNSURE, base=HALF, rounds=1)[0].best.text == HALF
    assert looped(UNSURE, base=BASE, rounds=1)[0].best.text == UNSURE
    assert looped(WHOLE, base=UNSURE, rounds=1)[0].best.text == UNSURE


def test_rounding_makes_no_answer_better() -> None:
    asked, journal = (
        item("q", Criterion("a", "It is good.", scale=(1, 10)), Criterion("b", "It fits.", scale=(1, 10))),
        Journal(),
    )
    values = {text: tuple((mark - 1) / 9 for mark in marks) for text, marks in {"base": (1, 7), "new": (2, 6)}.items()}
    assert sum(values["new"]) > sum(values["base"]), "by the last binary digit"
    found = trial(asked, journal, "base")
    run_loop([found], bench(Scripted(in_turn("new")), journal, decided(journal, table(values)), rounds=1))
    assert found.best.text == "base"


@settings(max_examples=40)
@given(data=st.data())
def test_under_any_verdicts_an_answer_only_gives_way_to_a_better_one(data: st.DataObject) -> None:
    rounds, revisions, patience = (data.draw(st.integers(1, 3)) for _ in range(3))
    weights = data.draw(st.lists(st.sampled_from([-2.0, -1.0, 1.0, 3.0]), min_size=1, max_size=3))
    asked = item("q", *(Criterion(str(number), f"No. {number}.", weight) for number, weight in enumerate(weights)))
    texts = ["base", *(f"r{number}c{candidate}" for number in range(1, rounds + 1) for candidate in range(revisions))]
    vector = st.tuples(*[st.sampled_from([0.0, 0.5, 1.0, None])] * len(weights))
    values = {text: data.draw(vector) for text in texts}
    places = revision_seeds("q", rounds, revisions)
    engine = Scripted(lambda request: "r{}c{}".format(*places[request.sampling.seed]))
    journal = Journal()
    critic = decided(journal, table(values))

    found = trial(asked, journal, "base")
    run_loop([found], bench(engine, journal, critic, rounds=rounds, revisions=revisions, patience=patience))

    def grade(text: str) -> Grade:
        return asked.rubric.grade(list(table(values)(asked, text).values()))

    best, barren = "base", 0
    for step in found.steps:
        tried = [f"r{step.round}c{candidate}" for candidate in range(revisions)] if step.round else []
        better = [text for text in tried if grade(text).low > grade(best).high + 1e-9]
        assert step.changed == bool(better)
        barren = 0 if better else barren + 1
        if better:
            best = max(better, key=lambda text: grade(text).low)
        assert grade(step.kept.text).low == grade(best).low and step.kept.text in [best, *better]
        best = step.kept.text
    assert grade(found.best.text).low >= grade("base").low
    assert len(engine.batches) == (found.steps[-1].round if engine.batches else 0)
    match found.stop:
        case Stop.ALL_MET:
            assert all(v.value is not None for v in grade(best).verdicts)
        case Stop.ABSTAINED:
            assert any(v.value is None for v in grade(best).verdicts)
        case Stop.NO_BETTER:
            assert barren == patience
        case _:
            assert found.stop is Stop.ROUNDS and len(found.steps) == rounds and barren < patience


# A revision that is no answer.


@pytest.mark.parametrize(
    "said",
    [
        Completion("", "error", error="the prompt is too long"),
        Completion("I will not.", "content_filter"),
        spoken(""),
        spoken(" \n"),
        spoken(BASE),
    ],
    ids=["error", "refusal", "empty", "blank", "identical"],
)
def test_a_revision_that_is_no_new_answer_leaves_the_best_so_far(said: Completion) -> None:
    asked: list[str] = []
    journal = Journal()

    def critic(prompt: str) -> str:
        asked.extend(answers_in(prompt))
        return is_met(False)

    made = asked_critic(journal, Scripted(lambda request: critic(prompt_of(request))))
    found = trial(ASKED, journal)
    run_loop([found], bench(Scripted(in_turn(said)), journal, made, rounds=1))
    assert (found.best.text, found.stop, found.waiting) == (BASE, Stop.ROUNDS, "")
    assert set(asked) == {BASE}, "nobody need judge it"
    assert not found.steps[0].changed
    assert journal.attempts["loop", "q", 1, 0]["response"] == said.text


def test_a_revision_that_was_cut_off_is_an_answer() -> None:
    assert looped(spoken(HALF, "length"), rounds=1)[0].best.text == HALF


def test_a_text_that_comes_again_is_judged_and_counted_once() -> None:
    journal = Journal()
    critic = Scripted(lambda request: by_words(prompt_of(request)))
    found = trial(ASKED, journal)
    engine = Scripted(in_turn("no", "no", "no again", "no", revisions=2))
    run_loop([found], bench(engine, journal, asked_critic(journal, critic), revisions=2))
    assert [len(batch) for batch in critic.batches] == [2, 2, 2], "base, 'no', 'no again'; two criteria each"
    assert found.spent.critic == sum(row["usage"]["completion_tokens"] for row in journal.rulings.values()) == 6 * REPLY


# Why items leave.


@pytest.mark.parametrize(
    ("base", "said", "changes", "stop", "rounds"),
    [
        (WHOLE, [], {}, Stop.ALL_MET, 0),
        (BASE, [WHOLE], {}, Stop.ALL_MET, 1),
        (BASE, [HALF, WHOLE], {"rounds": 2}, Stop.ALL_MET, 2),
        (BASE, [HALF], {"rounds": 1}, Stop.ROUNDS, 1),
        (BASE, [NOTHING, HALF], {"rounds": 4, "patience": 1}, Stop.NO_BETTER, 1),
        (BASE, [NOTHING, HALF, NOTHING, NOTHING, HALF], {"rounds": 5, "patience": 2}, Stop.NO_BETTER, 4),
        (BASE, [NOTHING, NOTHING], {"rounds": 2, "patience": 2}, Stop.NO_BETTER, 2),
        (UNSURE, [], {}, Stop.ABSTAINED, 0),
        (BASE, [UNSURE], {}, Stop.ABSTAINED, 1),
    ],
)
def test_why_an_item_leaves(base: str, said: list[str], changes: dict[str, Any], stop: Stop, rounds: int) -> None:
    found, engine = looped(*said, base=base, **changes)
    assert found.stop is stop
    assert len(engine.batches) == rounds
    assert [step.round for step in found.steps] == (list(range(1, rounds + 1)) or [0])


@pytest.mark.parametrize("finish", ["error", "content_filter", "missing"])
def test_without_a_plain_answer_there_is_nothing_to_improve(finish: str) -> None:
    journal = Journal()
    engine = Scripted(varied)
    found = trial(ASKED, journal, "", finish)
    run_loop([found], bench(engine, journal, decided(journal, table(VALUES))))
    assert (found.stop, engine.batches, len(found.steps)) == (Stop.NO_ANSWER, [], 1)


def test_a_blank_plain_answer_is_improved() -> None:
    journal, engine = Journal(), Scripted(in_turn(HALF))
    found = trial(ASKED, journal, " ")
    run_loop([found], bench(engine, journal, decided(journal, table({**VALUES, " ": (0, 0)})), rounds=1))
    assert found.best.text == HALF
    assert "It is empty." in prompt_of(engine.asked[0])


# All items advance together.


def test_every_round_is_one_batch_and_finished_items_leave_it() -> None:
    asked = [item(name, A, B) for name in ("done", "quick", "slow", "never")]
    said = {"quick": [WHOLE], "slow": [HALF, NOTHING, WHOLE], "never": []}
    scripts = {each.id: in_turn(*said.get(each.id, []), asked=each.id) for each in asked}
    engine = Scripted(lambda request: scripts[request.item_id](request))
    journal = Journal()
    trials = [trial(each, journal, WHOLE if each.id == "done" else BASE) for each in asked]
    run_loop(trials, bench(engine, journal, decided(journal, table(VALUES)), rounds=4))
    batches = [[request.item_id for request in batch] for batch in engine.batches]
    assert batches == [["quick", "slow", "never"], ["slow", "never"], ["slow"]]
    assert [each.stop for each in trials] == [Stop.ALL_MET, Stop.ALL_MET, Stop.ALL_MET, Stop.NO_BETTER]


@pytest.mark.parametrize("accept", ["verdicts", "preference"])
def test_a_critic_too_is_asked_about_all_items_in_one_batch(accept: str) -> None:
    asked = [item(name, A, B) for name in ("one", "two", "three")]
    critic = Scripted(lambda request: by_words(prompt_of(request)))
    journal = Journal()
    trials = [trial(each, journal) for each in asked]
    run_loop(trials, bench(Scripted(varied), journal, asked_critic(journal, critic, accept), rounds=1))
    # Verdicts on the plain answers, and either verdicts on the revisions or every pair in both orders.
    assert [len(batch) for batch in critic.batches] == [6, 6]


def test_every_revision_has_a_seed_of_its_own_and_the_temperature_of_revisions() -> None:
    _, engine = looped(rounds=2, revisions=3, temperature=0.4)
    assert len({request.sampling.seed for request in engine.asked}) == 6
    assert {(request.sampling.temperature, request.sampling.max_tokens) for request in engine.asked} == {(0.4, 20)}
    assert SAMPLING.temperature == 0, "the plain answer's is another"


def test_the_brief_form_is_asked_for_in_the_brief_form() -> None:
    _, engine = looped(form="brief", rounds=1)
    assert "<draft>" not in prompt_of(engine.asked[0])


# Preference.


def test_with_preference_every_revision_that_the_critic_likes_better_takes_over() -> None:
    journal = Journal()
    critic = Scripted(lambda request: by_words(prompt_of(request)))
    found = trial(ASKED, journal)
    engine = Scripted(in_turn("a longer one", "long", "the very longest one", "longest", revisions=4))
    run_loop([found], bench(engine, journal, asked_critic(journal, critic, "preference"), rounds=1, revisions=4))
    assert found.best.text == "the very longest one"
    compared = [request for request in critic.asked if compares(prompt_of(request))]
    assert len(compared) == 8, "each of four against the best so far, in both orders"
    assert [len(batch) for batch in critic.batches] == [2, 2, 2, 2, 2]


def test_with_preference_a_new_best_answer_is_judged_before_it_is_revised_and_no_other_is() -> None:
    journal = Journal()
    critic = Scripted(lambda request: by_words(prompt_of(request)))
    found = trial(ASKED, journal)
    engine = Scripted(in_turn("a short one", "no", "last but one of all"))
    run_loop([found], bench(engine, journal, asked_critic(journal, critic, "preference"), rounds=3))
    judged = [answers_in(prompt_of(request))[0] for request in critic.asked if not compares(prompt_of(request))]
    assert Counter(judged) == {BASE: 2, "a short one": 2}, "the last best answer is not revised, so nobody judges it"
    assert "- It is short.\n\nCriteria that the draft misses" in prompt_of(engine.asked[1])


def test_with_preference_what_stops_an_item_is_in_its_last_rows_account() -> None:
    journal = Journal()
    critic = Scripted(lambda request: by_words(prompt_of(request)))
    found = trial(ASKED, journal)
    engine = Scripted(in_turn("short and kind"))
    run_loop([found], bench(engine, journal, asked_critic(journal, critic, "preference"), rounds=3))
    assert found.stop is Stop.ALL_MET
    (step,) = found.steps
    assert step.spent == found.spent
    assert step.spent.critic == 6 * REPLY, "verdicts on the first, the comparison, verdicts on the second"
    assert step.spent.generated == 1 + 3

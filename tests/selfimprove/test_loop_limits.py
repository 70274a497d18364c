"""The loop's limits: no round begins that its budget might not hold, and what cannot be had now is had later."""

from __future__ import annotations

from collections.abc import Sequence
from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from improving import (
    Said,
    Scripted,
    answers_in,
    asked_critic,
    bench,
    by_words,
    compares,
    decided,
    in_turn,
    is_better,
    is_met,
    prompt_of,
    spoken,
    table,
    trial,
    varied,
)
from made_benchmarks import item

from herl.engine.base import Failure, Request
from herl.errors import IncompleteError
from herl.item import Completion
from herl.rubric import Criterion, Outcome
from herl.selfimprove import loop
from herl.selfimprove.journal import Journal
from herl.selfimprove.loop import choose, longest_round, run_loop
from herl.selfimprove.trial import Stop, Trial

A, B = Criterion("a", "It is short."), Criterion("b", "It is kind.")
ASKED = item("q", A, B)
BASE, HALF, WHOLE, NOTHING, UNSURE = "base", "half good", "wholly good", "no good", "not sure"
VALUES = {BASE: (0, 0), HALF: (1, 0), WHOLE: (1, 1), NOTHING: (0, 0), UNSURE: (1, None), "other half": (0, 1)}


# Budgets.


def test_a_round_that_might_not_fit_is_not_begun() -> None:
    journal = Journal()
    found = trial(ASKED, journal, BASE, tokens=20)
    engine = Scripted(lambda request: spoken(NOTHING, tokens=10))
    critic = decided(journal, table(VALUES))
    run_loop([found], bench(engine, journal, critic, rounds=9, patience=9, budget=64))
    # A revision may take 20 tokens: the third begins at 40, a fourth would begin at 50.
    assert (found.stop, found.spent.written, len(engine.batches)) == (Stop.BUDGET, 50, 3)


@pytest.mark.parametrize(("budget", "rounds"), [(39, 0), (40, 1), (59, 1), (60, 2)])
def test_a_round_that_fits_to_the_token_is_begun(budget: int, rounds: int) -> None:
    journal = Journal()
    found = trial(ASKED, journal, BASE, tokens=20)
    engine = Scripted(lambda request: spoken(NOTHING, tokens=20))
    run_loop([found], bench(engine, journal, decided(journal, table(VALUES)), rounds=9, patience=9, budget=budget))
    assert (found.stop, len(engine.batches)) == (Stop.BUDGET, rounds)


def test_the_loop_ends_with_its_last_item_however_many_rounds_are_left(monkeypatch: pytest.MonkeyPatch) -> None:
    rounds = list[int]()

    def counted(trials: Sequence[Trial], written: Any, number: int, *rest: Any) -> None:
        rounds.append(number)
        choose(trials, written, number, *rest)

    monkeypatch.setattr(loop, "choose", counted)
    journal = Journal()
    found = trial(ASKED, journal, BASE)
    run_loop([found], bench(Scripted(in_turn(HALF, WHOLE)), journal, decided(journal, table(VALUES)), rounds=1000))
    assert (found.stop, rounds) == (Stop.ALL_MET, [1, 2])


@given(
    budget=st.integers(60, 900),
    tokens=st.integers(1, 20),
    revisions=st.integers(1, 3),
    accept=st.sampled_from(["verdicts", "preference"]),
)
def test_what_an_item_took_is_never_above_its_budget(budget: int, tokens: int, revisions: int, accept: str) -> None:
    journal, starts = Journal(), list[int]()

    def policy(request: Request) -> Completion:
        starts.append(found.spent.written)
        return spoken(f"no {request.sampling.seed}", tokens=tokens)

    def critic(request: Request) -> str:
        return is_better("tie") if compares(prompt_of(request)) else is_met(False)

    engine = Scripted(policy)
    found = trial(ASKED, journal, BASE, tokens=20)
    made = asked_critic(journal, asked := Scripted(critic), accept, longest=40)
    run_loop([found], bench(engine, journal, made, rounds=9, patience=9, revisions=revisions, budget=budget))
    assert found.spent.written <= budget
    need = longest_round(found.task, bench(engine, journal, made, revisions=revisions).settings, made)
    assert all(start + need <= budget for start in starts)
    if found.stop is Stop.BUDGET:
        assert found.spent.written + need > budget or not asked.batches
    else:
        assert found.stop in (Stop.ROUNDS, Stop.NO_BETTER)


def test_verdicts_that_might_not_fit_are_not_asked_for() -> None:
    journal = Journal()
    critic = Scripted(lambda request: is_met(False))
    found = trial(ASKED, journal, BASE, tokens=20)
    run_loop([found], bench(Scripted(varied), journal, asked_critic(journal, critic, longest=40), budget=99))
    assert (found.stop, critic.batches) == (Stop.BUDGET, [])


# What cannot be had now.


def test_an_item_whose_revision_fails_waits_and_the_others_go_on() -> None:
    asked = [item(name, A, B) for name in ("fails", "works")]
    down = True

    def policy(request: Request) -> Said:
        if down and request.item_id == "fails":
            return Failure("connection reset")
        return in_turn(HALF, WHOLE, asked=request.item_id)(request)

    journal, engine = Journal(), Scripted(policy)

    def run() -> list[Trial]:
        trials = [trial(each, journal) for each in asked]
        run_loop(trials, bench(engine, journal, decided(journal, table(VALUES))))
        return trials

    fails, works = run()
    assert (fails.stop, fails.waiting, fails.steps) == (None, "connection reset", [])
    assert (works.stop, works.best.text) == (Stop.ALL_MET, WHOLE)
    down, before = False, len(engine.asked)
    fails, works = run()
    assert (fails.stop, fails.best.text) == (Stop.ALL_MET, WHOLE)
    assert {request.item_id for request in engine.asked[before:]} == {"fails"}


@pytest.mark.parametrize("accept", ["verdicts", "preference"])
@pytest.mark.parametrize("at", ["verdict", "choice"])
def test_an_item_whose_critic_fails_waits_until_the_run_is_continued(accept: str, at: str) -> None:
    journal, down = Journal(), True

    def critic(request: Request) -> Said:
        is_choice = compares(prompt_of(request)) or BASE not in answers_in(prompt_of(request))
        if down and is_choice == (at == "choice"):
            return Failure("time-out")
        return by_words(prompt_of(request))

    engine, asked = Scripted(in_turn("short", "short and kind")), Scripted(critic)

    def run() -> Trial:
        found = trial(ASKED, journal)
        run_loop([found], bench(engine, journal, asked_critic(journal, asked, accept), rounds=3))
        return found

    first = run()
    assert (first.stop, first.best.text) == (None, BASE)
    assert "time-out" in first.waiting
    down = False
    second = run()
    assert (second.stop, second.best.text, second.waiting) == (Stop.ALL_MET, "short and kind", "")
    assert len(engine.asked) == len({request.sampling.seed for request in engine.asked}) == 2, "nothing is drawn twice"
    assert all(verdict["outcome"] == Outcome.SCORED for row in journal.rulings.values() for verdict in row["verdicts"])


def test_an_engine_that_dies_leaves_what_it_said_and_the_next_go_ends_as_an_undisturbed_one_would() -> None:
    asked = [item(f"q{number}", A, B) for number in range(4)]

    def run(journal: Journal, policy: Scripted, critic: Scripted) -> list[Trial]:
        trials = [trial(each, journal) for each in asked]
        made = asked_critic(journal, critic, "preference")
        run_loop(trials, bench(policy, journal, made, rounds=3, revisions=2, patience=3))
        return trials

    def ends(trials: Sequence[Trial]) -> list[Any]:
        return [(each.best, each.stop, each.spent, each.steps) for each in trials]

    engines = Scripted(varied), Scripted(lambda request: by_words(prompt_of(request)))
    whole = Journal()
    expected = ends(run(whole, *engines))
    assert len(engines[0].asked) == 4 * 3 * 2

    again, moments, deaths = Journal(), Random(5), 0
    while deaths < 99:
        engines[0].dies_after, engines[1].dies_after = moments.randint(1, 5), moments.randint(1, 9)
        try:
            found = run(again, *engines)
            break
        except IncompleteError:
            deaths += 1
    assert 5 <= deaths < 99
    assert ends(found) == expected
    assert again.attempts == whole.attempts
    assert again.rulings == whole.rulings
    assert again.preferences == whole.preferences

"""Judges over many answers: each question is asked once, kept at once, and paid for by everybody who needs it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from improving import REPLY, SAMPLING, Quiet, Said, Scripted, answers_in, compares, is_met, nobody_knows, prompt_of
from made_benchmarks import item

from herl.cache import CompletionCache
from herl.engine.base import Failure, Request
from herl.errors import IncompleteError
from herl.item import Item, Usage
from herl.judge.judge import Judge
from herl.judge.panel import Panel
from herl.judge.rubric_prompt import RubricPrompt
from herl.rubric import Criterion, Outcome, Verdict
from herl.selfimprove.journal import Journal
from herl.selfimprove.jury import Case, Jury, Seat

SHORT, KIND = Criterion("a", "It is short."), Criterion("b", "It is kind.")
ASKED = item("q", SHORT, KIND)


def by_words(request: Request) -> Said:
    """Finds a criterion met where the answer names it."""
    prompt = prompt_of(request)
    assert not compares(prompt)
    (answer,) = answers_in(prompt)
    return is_met(("short" if "It is short." in prompt else "kind") in answer)


def seat(engine: Scripted, name: str = "judge", per_item: bool = False) -> Seat:
    return Seat(name, name, Judge(engine, RubricPrompt(per_item=per_item), sampling=SAMPLING))


def jury(engine: Scripted, journal: Journal) -> Jury:
    return Jury([seat(engine)], journal, nobody_knows)


def case(text: str, asked: Item = ASKED) -> Case:
    return Case(asked, asked.messages, text)


def values(verdicts: tuple[Verdict, ...]) -> list[float | None]:
    return [verdict.value for verdict in verdicts]


def test_all_cases_are_one_batch_and_each_gets_a_verdict_on_every_criterion() -> None:
    engine = Scripted(by_words)
    cases = [case("short"), case("kind"), case("short", item("p", KIND, SHORT))]
    found = jury(engine, Journal()).rule(cases, "loop")
    assert [values(each.verdicts) for each in found] == [[1, 0], [0, 1], [0, 1]]
    assert [[verdict.criterion for verdict in each.verdicts] for each in found] == [["a", "b"], ["a", "b"], ["b", "a"]]
    assert [len(batch) for batch in engine.batches] == [6]
    assert [each.usage for each in found] == [Usage(20, 2 * REPLY)] * 3
    assert all(each.lacking == () and each.said == {} for each in found)


def test_equal_answers_are_asked_about_once_and_counted_for_each() -> None:
    engine, journal = Scripted(by_words), Journal()
    first, second = jury(engine, journal).rule([case("short"), case("short")], "loop")
    (third,) = jury(engine, journal).rule([case("short")], "best-of-n")
    assert first == second == third
    assert len(engine.asked) == 2 and len(engine.batches) == 1


def test_what_is_known_is_not_asked() -> None:
    def known(asked: Item, answer: str) -> Mapping[str, Verdict]:
        return {} if answer.strip() else {each.id: Verdict.scored(each, 0) for each in asked.rubric.criteria}

    engine = Scripted(by_words)
    made = Jury([seat(engine)], Journal(), known)
    blank, said = made.rule([case(" "), case("kind")], "loop")
    assert (values(blank.verdicts), blank.usage) == ([0, 0], Usage())
    assert values(said.verdicts) == [0, 1]
    assert len(engine.asked) == 2
    assert made.rule([case("")], "loop")[0].verdicts == blank.verdicts
    assert len(engine.batches) == 1, "a judge is not asked for nothing"


def test_where_code_decides_all_there_need_be_no_judge() -> None:
    made = Jury(
        [], Journal(), lambda asked, answer: {each.id: Verdict.scored(each, 1) for each in asked.rubric.criteria}
    )
    assert values(made.rule([case("Tea.")], "loop")[0].verdicts) == [1, 1]


def test_one_call_may_decide_all_criteria_and_a_part_of_them_is_another_question() -> None:
    def script(request: Request) -> str:
        count = prompt_of(request).count("[weight +1]")
        return json.dumps({str(number): json.loads(is_met(True)) for number in range(1, count + 1)})

    engine, journal = Scripted(script), Journal()
    made = Jury([seat(engine, per_item=True)], journal, nobody_knows)
    assert values(made.rule([case("Tea.")], "loop")[0].verdicts) == [1, 1]
    assert values(made.rule([case("Tea.", item("q", KIND))], "loop")[0].verdicts) == [1]
    assert len(engine.asked) == 2
    assert list(journal.rulings) == [("judge", "q", key[2], key[3]) for key in journal.rulings]
    assert [key[3] for key in journal.rulings] == [("a", "b"), ("b",)]


def test_verdicts_come_back_from_the_disk_as_they_were_given(tmp_path: Path) -> None:
    marked = item("q", Criterion("a", "It is good.", scale=(1, 10)), KIND)

    def script(request: Request) -> str:
        return '{"reason": "fine", "score": 7}' if "It is good." in prompt_of(request) else is_met(None)

    engine = Scripted(script)
    with Journal(tmp_path) as journal:
        before = jury(engine, journal).rule([case("Tea.", marked)], "loop")
    with Journal(tmp_path) as journal:
        after = jury(engine, journal).rule([case("Tea.", marked)], "loop")
    assert before == after
    assert values(after[0].verdicts) == [pytest.approx(6 / 9), None]
    assert after[0].verdicts[1].outcome is Outcome.CANNOT_TELL
    assert len(engine.batches) == 1


def test_a_verdict_that_could_not_be_had_is_lacking_and_asked_for_again() -> None:
    down = True

    def script(request: Request) -> Said:
        return Failure("time-out") if down and "kind" in prompt_of(request) else by_words(request)

    engine, journal = Scripted(script), Journal()
    (found,) = jury(engine, journal).rule([case("short")], "loop")
    assert (values(found.verdicts), found.lacking) == ([1, None], ("judge: time-out",))
    down = False
    (found,) = jury(engine, journal).rule([case("short")], "loop")
    assert (values(found.verdicts), found.lacking) == ([1, 0], ())
    assert [len(batch) for batch in engine.batches] == [2, 1]


@pytest.mark.parametrize("reply", ["I cannot say.", '{"met": "yes"}', "", "{" * 500])
def test_nonsense_is_an_abstention_that_is_not_asked_for_again(reply: str) -> None:
    engine, journal = Scripted(lambda request: reply), Journal()
    (found,) = jury(engine, journal).rule([case("short")], "loop")
    assert (values(found.verdicts), found.lacking) == ([None, None], ())
    assert found.usage.prompt_tokens == 2 * 3 * 10, "its retries are paid for"
    calls = len(engine.asked)
    jury(engine, journal).rule([case("short")], "loop")
    assert len(engine.asked) == calls


def test_a_panel_is_asked_judge_by_judge_and_gives_one_verdict() -> None:
    kind, stern = Scripted(lambda request: is_met(True)), Scripted(lambda request: is_met(False))
    made = Jury([seat(kind, "kind"), seat(stern, "stern")], Journal(), nobody_knows)
    (found,) = made.rule([case("Tea.")], "loop")
    assert values(found.verdicts) == [0.5, 0.5]
    assert {name: verdict.value for name, verdict in found.said["a"].items()} == {"kind": 1, "stern": 0}
    assert found.usage == Usage(40, 4 * REPLY)
    divided = Jury([seat(kind, "kind"), seat(stern, "stern")], Journal(), nobody_knows, Panel.MAJORITY)
    assert values(divided.rule([case("Tea.")], "loop")[0].verdicts) == [None, None]


def test_who_waits_is_told_how_many_verdicts_there_are() -> None:
    told: list[Any] = []

    class Told(Quiet):
        def __init__(self, what: str, total: int, done: int) -> None:
            told.append((what, total, done))

        def advance(self, tokens: int = 0) -> None:
            told.append(tokens)

    journal = Journal()
    made = Jury([seat(Scripted(by_words))], journal, nobody_knows, watch=Told)
    made.rule([case("short")], "loop")
    assert told == [("loop: verdicts by judge", 2, 0), REPLY, REPLY]
    made.rule([case("short"), case("kind"), case("kind")], "best-of-n")
    assert told[3:] == [("best-of-n: verdicts by judge", 4, 2), REPLY, REPLY]
    made.rule([case("short")], "final")
    assert len(told) == 6, "nothing is shown where nothing is asked"


def test_a_panel_waits_for_a_judge_that_cannot_be_asked() -> None:
    well, down = Scripted(lambda request: is_met(True)), Scripted(lambda request: Failure("time-out"))
    made = Jury([seat(well, "well"), seat(down, "down")], Journal(), nobody_knows)
    (found,) = made.rule([case("Tea.")], "loop")
    assert found.lacking == ("down: time-out", "down: time-out")


def test_what_a_judge_said_before_it_died_is_kept() -> None:
    engine, journal = Scripted(by_words), Journal()
    engine.dies_after = 3
    cases = [case("short"), case("kind"), case("rude")]
    with pytest.raises(IncompleteError):
        jury(engine, journal).rule(cases, "loop")
    assert len(journal.rulings) == 3
    (row,) = journal.timings
    assert (row["arm"], row["what"], row["tokens"]) == ("loop", "critic", 3 * REPLY)
    engine.dies_after = None
    assert [values(each.verdicts) for each in jury(engine, journal).rule(cases, "loop")] == [[1, 0], [0, 1], [0, 0]]
    assert len(engine.batches[1]) == 3


def test_time_is_that_of_fresh_replies(tmp_path: Path) -> None:
    engine = Scripted(by_words)
    with CompletionCache(tmp_path / "cache") as cache:
        seats = [Seat("judge", "judge", Judge(engine, RubricPrompt(), sampling=SAMPLING, cache=cache))]
        usages = []
        for timed in (1, 0):
            journal = Journal()
            (ruled,) = Jury(seats, journal, nobody_knows).rule([case("apple")], "loop")
            usages.append(ruled.usage)
            assert len(journal.timings) == timed
    assert usages[0] == usages[1], "what a reply took is counted all the same"

"""The author draws each answer at most once, and each is kept before anything is made of it."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from improving import Said, Scripted, coin, spoken, varied

from herl.cache import CompletionCache
from herl.engine.base import Answer, Failure, Request
from herl.errors import IncompleteError
from herl.item import Completion, Message, Sampling
from herl.selfimprove.author import Author, Draft
from herl.selfimprove.journal import Journal
from herl.selfimprove.trial import Attempt


def draft(name: str = "q", number: int = 1, candidate: int = 0, words: str = "Say it.") -> Draft:
    return Draft(
        "loop", name, number, candidate, (Message("user", words),), Sampling(seed=coin(name, number, candidate))
    )


DRAFTS = [draft(name, number, candidate) for name in "ab" for number in (1, 2) for candidate in (0, 1)]


@dataclass(frozen=True)
class Constant:
    """A model that says the same, whatever it is asked."""

    said: Said

    def __call__(self, request: Request) -> Said:
        return self.said


def attempts(found: dict[Draft, Attempt | Failure]) -> dict[Draft, Attempt]:
    return {draft: result for draft, result in found.items() if isinstance(result, Attempt)}


def test_drafts_are_one_batch_and_each_gets_its_attempt() -> None:
    engine, journal = Scripted(varied), Journal()
    found = attempts(Author(engine, journal).write(DRAFTS))
    assert [len(batch) for batch in engine.batches] == [len(DRAFTS)]
    for each in DRAFTS:
        attempt = found[each]
        assert (attempt.arm, attempt.row["id"], attempt.round, attempt.candidate) == each.key
        assert attempt.text == varied(Request(each.item_id, each.candidate, each.messages, each.sampling))
        assert journal.attempts[each.key] == attempt.row


def test_what_is_in_the_journal_is_not_drawn_again() -> None:
    engine, journal = Scripted(varied), Journal()
    author = Author(engine, journal)
    first = author.write(DRAFTS[:3])
    again = author.write(DRAFTS)
    assert [len(batch) for batch in engine.batches] == [3, len(DRAFTS) - 3]
    assert {each: again[each] for each in DRAFTS[:3]} == first
    author.write(DRAFTS)
    assert len(engine.batches) == 2, "an engine is not asked for nothing"


def test_an_answer_to_another_prompt_or_with_another_seed_is_drawn_anew() -> None:
    engine, journal = Scripted(varied), Journal()
    author = Author(engine, journal)
    author.write([draft()])
    author.write([draft(words="Say it well.")])
    author.write([replace(draft(words="Say it well."), sampling=Sampling(seed=5))])
    assert len(engine.asked) == 3
    (row,) = journal.attempts.values()
    assert row["seed"] == 5


def test_what_earlier_runs_bought_is_not_bought_again(tmp_path: Path) -> None:
    engine = Scripted(varied)
    with CompletionCache(tmp_path / "cache") as cache:
        first = attempts(Author(engine, Journal(), cache).write(DRAFTS))
        other = Journal()
        again = attempts(Author(engine, other, cache).write(DRAFTS))
    assert again == first
    assert len(engine.batches) == 1
    assert len(other.attempts) == len(DRAFTS) and not other.timings, "time is that of fresh tokens"


def test_a_failure_is_told_and_is_no_row() -> None:
    def script(request: Request) -> Said:
        return Failure("time-out") if request.item_id == "a" else "Said."

    engine, journal = Scripted(script), Journal()
    found = Author(engine, journal).write([draft("a"), draft("b")])
    assert found[draft("a")] == Failure("time-out")
    assert [key[1] for key in journal.attempts] == ["b"]


@pytest.mark.parametrize("status", [400, 413, 422])
def test_a_revision_that_a_server_will_not_take_is_refused_for_good(status: int) -> None:
    engine, journal = Scripted(Constant(Failure("too long", status=status))), Journal()
    for _ in range(2):
        found = attempts(Author(engine, journal).write([draft()]))
        assert not found[draft()].is_answer and found[draft()].row["error"] == "too long"
    assert len(engine.asked) == 1


def test_a_plain_request_that_a_server_will_not_take_is_asked_again_and_so_is_what_failed_otherwise() -> None:
    for each, status in ((replace(draft(), arm="base"), 400), (draft(), 429), (draft(), 500), (draft(), None)):
        journal, said = Journal(), {each: Failure("no", status=status)}
        assert Author(Scripted(Constant(said[each])), journal).write([each]) == said
        assert not journal.attempts


def test_a_plain_request_that_a_server_refuses_while_it_takes_others_has_no_answer_for_good() -> None:
    def script(request: Request) -> Said:
        return Failure("too long", status=413) if request.item_id == "a" else "Said."

    drafts = [replace(draft(name), arm="base") for name in "ab"]
    found = attempts(Author(Scripted(script), Journal()).write(drafts))
    assert [found[each].is_answer for each in drafts] == [False, True]
    assert found[drafts[0]].row["status"] == "error"


def test_what_was_said_before_an_engine_died_is_kept() -> None:
    engine, journal = Scripted(varied), Journal()
    engine.dies_after = 3
    with pytest.raises(IncompleteError):
        Author(engine, journal).write(DRAFTS)
    assert len(journal.attempts) == 3
    (row,) = journal.timings
    assert row["tokens"] == sum(each["usage"]["completion_tokens"] for each in journal.attempts.values())
    engine.dies_after = None
    Author(engine, journal).write(DRAFTS)
    assert len(engine.batches[1]) == len(DRAFTS) - 3


def test_a_watcher_is_told_about_every_answer_and_the_tokens_that_it_took_now() -> None:
    engine, journal = Scripted(lambda request: "two words"), Journal()
    author = Author(engine, journal)
    author.write(DRAFTS[:2])
    told: list[int] = []
    author.write(DRAFTS[:5], told.append)
    assert sorted(told) == [0, 0, 2, 2, 2]


def test_loading_a_model_is_no_part_of_its_answers_time(monkeypatch: pytest.MonkeyPatch) -> None:
    seconds = [0.0]
    monkeypatch.setattr("time.monotonic", lambda: seconds[0])

    class Local(Scripted):
        def generate(self, requests: Sequence[Request]) -> Generator[Answer, None, None]:
            seconds[0] += 100.0 if not seconds[0] else 0.0
            for answer in super().generate(requests):
                seconds[0] += 1.0
                yield answer

    journal = Journal()
    Author(Local(varied), journal).write(DRAFTS)
    assert [row["seconds"] for row in journal.timings] == [len(DRAFTS)]


def test_an_attempt_that_was_written_can_be_asked_for() -> None:
    author = Author(Scripted(varied), Journal())
    found = attempts(author.write([draft()]))
    assert author.there("loop", "q", 1) == found[draft()]
    with pytest.raises(KeyError):
        author.there("loop", "q", 2)


@given(st.text(), st.sampled_from(["stop", "length", "content_filter", "error"]))
def test_only_words_that_the_model_ended_or_that_were_cut_off_are_an_answer(text: str, finish: str) -> None:
    (found,) = attempts(Author(Scripted(lambda request: spoken(text, finish)), Journal()).write([draft()])).values()
    assert found.is_answer == (finish in ("stop", "length") and bool(text.strip()))
    assert found.text == text


def test_an_attempts_thinking_is_no_part_of_its_text() -> None:
    said = Completion("Paris.", "stop", thinking="Hm.")
    (found,) = attempts(Author(Scripted(lambda request: said), Journal()).write([draft()])).values()
    assert (found.text, found.row["thinking"]) == ("Paris.", "Hm.")

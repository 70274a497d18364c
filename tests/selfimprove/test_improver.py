"""The loop inside a service: what comes back, what it cost, and what is left when something fails."""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Generator, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from chat_server import ChatServer
from judge_server import filtered, says, too_long
from servers import Fault, error, reset, status
from serving import BOTH, CODE, SHORT, TEXTS, Start, critic, judged, policy, prompt_of, starting

import herl
from herl.engine.base import Answer, Engine, EngineOptions, Request
from herl.engine.openai import OpenAIEngine
from herl.errors import IncompleteError, UsageError
from herl.grader import CheckGrader
from herl.item import Completion, Item, Message, Sampling, Usage
from herl.rubric import Criterion, Rubric, Verdict
from herl.selfimprove.improver import Ask, Improver
from herl.selfimprove.settings import LoopSettings
from herl.selfimprove.trial import Spent

PROMPT = "Say hello."


@pytest.fixture
def serve(monkeypatch: pytest.MonkeyPatch) -> Iterator[Start]:
    """Starts servers whose replies a script decides."""
    with starting(monkeypatch) as start:
        yield start


def met(verdicts: Sequence[Verdict] | None) -> list[float | None] | None:
    return None if verdicts is None else [verdict.value for verdict in verdicts]


# What comes back


def test_an_answer_that_meets_everything_is_left_alone(serve: Start) -> None:
    server = serve(policy("kind and short"))
    found = Improver(server.engine(), CODE).improve(PROMPT, BOTH)
    assert (found.answer, found.stop, found.rounds, found.finish_reason) == ("kind and short", "all_met", 0, "stop")
    (plain,) = found.history
    assert (plain.number, plain.attempts, met(plain.verdicts), plain.accepted) == (0, (found.answer,), [1, 1], True)
    assert found.spent == Spent(generated=2, prompt=3)
    assert found.failure is None and len(server.asked) == 1


def test_an_answer_is_revised_until_it_meets_its_rubric(serve: Start) -> None:
    server = serve(policy("rude", "kind", "kind and short", "never asked"))
    found = Improver(server.engine(), CODE).improve([{"role": "user", "content": PROMPT}], BOTH, rounds=5)
    assert (found.answer, found.stop, found.rounds) == ("kind and short", "all_met", 2)
    told = [(each.number, each.attempts, each.kept, met(each.verdicts), each.accepted) for each in found.history]
    assert told == [
        (0, ("rude",), "rude", [0, 0], True),
        (1, ("kind",), "kind", [1, 0], True),
        (2, ("kind and short",), "kind and short", [1, 1], True),
    ]
    assert "<draft>\nkind\n</draft>" in prompt_of(server.asked[2])
    assert found.spent == Spent(generated=6, prompt=9)
    assert found.usage == Usage(9, 6)


def test_a_worse_revision_is_shown_and_not_kept(serve: Start) -> None:
    server = serve(policy("kind", "rude", "short"))
    found = Improver(server.engine(), CODE).improve(PROMPT, BOTH)
    assert (found.answer, found.stop, found.rounds) == ("kind", "no_better", 2)
    assert [(each.attempts, each.kept, each.accepted) for each in found.history[1:]] == [
        (("rude",), "kind", False),
        (("short",), "kind", False),
    ]


def test_a_round_may_draw_several_revisions_and_keeps_the_best(serve: Start) -> None:
    server = serve(policy("rude", "kind", "kind and short", "short"))
    found = Improver(server.engine(concurrency=1), CODE, settings=LoopSettings(revisions=3)).improve(PROMPT, BOTH)
    assert found.history[1].attempts == ("kind", "kind and short", "short")
    assert (found.answer, found.rounds, found.spent.generated) == ("kind and short", 1, 8)


def test_a_plain_list_of_texts_is_a_rubric_for_a_judge_who_compares_answers(serve: Start) -> None:
    server, judge = serve(policy("rude", "kind", "kind and short")), serve(critic)
    found = Improver(server.engine(), judged(judge)).improve(PROMPT, TEXTS)
    assert (found.answer, found.stop, found.rounds) == ("kind and short", "rounds", 2)
    # Nobody needs verdicts on the last answer: it was preferred, and no further round begins with them.
    assert [met(each.verdicts) for each in found.history] == [[0, 0], [1, 0], None]
    assert found.spent == Spent(generated=3 * 2, critic=8 * 2, prompt=(3 + 8) * 3)
    assert len(judge.asked) == 8  # two verdicts and two orders, twice


def test_a_judge_may_give_verdicts_instead_and_code_decides_what_it_can(serve: Start) -> None:
    server, judge = serve(policy("rude", "kind and short")), serve(critic)
    rubric = Rubric((Criterion("kind", "It is kind."), SHORT))
    improver = Improver(server.engine(), judged(judge), settings=LoopSettings(accept="verdicts"))
    found = improver.improve(PROMPT, rubric)
    assert (found.answer, found.stop) == ("kind and short", "all_met")
    assert [met(each.verdicts) for each in found.history] == [[0, 0], [1, 1]]
    assert found.spent.critic == 4 and len(judge.asked) == 2


def test_any_grader_will_do(serve: Start) -> None:
    class Longest:
        def verdicts(self, item: Item, answer: str) -> tuple[Verdict, ...]:
            return tuple(Verdict.scored(each, min(len(answer) / 10, 1)) for each in item.rubric.criteria)

    server = serve(policy("short", "longer", "the longest"))
    found = Improver(server.engine(), Longest()).improve(PROMPT, ["It is long."])
    assert (found.answer, met(found.history[1].verdicts)) == ("the longest", [0.6])


def test_how_the_plain_answer_is_drawn_is_kept_and_revisions_have_a_temperature_of_their_own(serve: Start) -> None:
    server = serve(policy("rude", "kind and short"))
    sampling = Sampling(temperature=0.1, top_p=0.5, max_tokens=77, stop=("END",), seed=12)
    improver = Improver(server.engine(), CODE, settings=LoopSettings(temperature=0.9))
    improver.improve(PROMPT, BOTH, sampling=sampling)
    plain, revision = server.asked
    assert (plain["temperature"], plain["seed"]) == (0.1, 12)
    assert revision["temperature"] == 0.9 and revision["seed"] != 12
    for body in server.asked:
        assert (body["top_p"], body["max_tokens"], body["stop"]) == (0.5, 77, ["END"])


def test_it_is_part_of_the_python_interface() -> None:
    assert herl.Improver is Improver


# Many at once


def ending(digit: str) -> Any:
    return [{"text": "It fits.", "check": {"id": "ends", "kwargs": {"digit": digit}}}]


def test_what_is_asked_together_is_answered_as_it_is_alone() -> None:
    server = ChatServer()
    engine = OpenAIEngine(server.url, EngineOptions(max_retries=0))
    improver = Improver(engine, CheckGrader({"ends": lambda text, digit: text.endswith(digit)}), seed=3)
    asks = [Ask(f"Question {number}?", ending(digit)) for number in range(4) for digit in "0123"]
    asks.append(asks[2])
    together = improver.improve_all(asks, rounds=3)
    assert [improver.improve(ask.messages, ask.rubric, rounds=3) for ask in asks] == together
    assert {found.rounds for found in together} >= {1, 2}
    assert improver.improve_all([]) == []
    assert Improver(engine, CODE, seed=4).improve("Question 0?", BOTH).answer != together[0].answer
    server.close()


def test_threads_may_share_an_improver(serve: Start) -> None:
    server, judge = serve(lambda body: says("kind " * ("<draft>" in prompt_of(body)))), serve(critic)
    server.delay = 0.05
    improver = Improver(server.engine(), judged(judge))
    prompts = [f"Say {number}." for number in range(8)]
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda prompt: improver.improve(prompt, TEXTS), prompts))
    assert improver.is_concurrent and {each.answer for each in found} == {"kind "}
    assert found == improver.improve_all([(prompt, TEXTS) for prompt in prompts])


class Local(Engine):
    """A model in this process, which must not be asked twice at a time."""

    def __init__(self) -> None:
        self.model = "demo"
        self.crowded = False
        self._alone = threading.Lock()

    @property
    def fingerprint(self) -> str:
        return "local"

    def generate(self, requests: Sequence[Request]) -> Generator[Answer, None, None]:
        self.crowded |= not self._alone.acquire(blocking=False)
        for request in requests:
            time.sleep(0.002)
            yield Answer(request, Completion("rude", "stop"))
        self._alone.release()

    def close(self) -> None:
        return None


def test_threads_take_turns_at_a_local_model() -> None:
    engine = Local()
    improver = Improver(engine, CODE)
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda number: improver.improve(f"Say {number}.", BOTH), range(8)))
    assert not improver.is_concurrent and not engine.crowded
    assert {each.stop for each in found} == {"no_better"}


# What fails


@pytest.mark.parametrize("fault", [reset, status(500), status(401), status(404)])
def test_a_revision_that_fails_leaves_the_best_so_far(serve: Start, fault: Fault) -> None:
    server = serve(policy("rude", "kind", fault))
    found = Improver(server.engine(max_retries=0), CODE).improve(PROMPT, BOTH)
    assert (found.answer, found.finish_reason, found.stop, found.rounds) == ("kind", "stop", "failed", 1)
    assert found.failure is not None and found.failure.reason
    assert found.spent == Spent(generated=4, prompt=6)


@pytest.mark.parametrize(
    "fault", [filtered(), too_long(), error(422, "too odd"), says(""), says(" \n"), says("half", "content_filter")]
)
def test_a_revision_that_is_refused_is_not_kept(serve: Start, fault: Fault) -> None:
    server = serve(policy("kind", fault, fault))
    found = Improver(server.engine(), CODE).improve(PROMPT, BOTH)
    assert (found.answer, found.stop, found.failure) == ("kind", "no_better", None)


def test_what_was_bought_in_a_round_that_broke_off_is_counted_and_shown(serve: Start) -> None:
    server = serve(policy("rude", "kind", status(500)))
    improver = Improver(server.engine(max_retries=0, concurrency=1), CODE, settings=LoopSettings(revisions=2))
    found = improver.improve(PROMPT, BOTH)
    assert (found.answer, found.stop, found.spent.generated) == ("rude", "failed", 4)
    assert found.history[1].attempts == ("kind",) and not found.history[1].accepted


@pytest.mark.parametrize("criteria", [TEXTS, [f"It is kind. ({number})" for number in range(8)]])
@pytest.mark.parametrize("fault", [status(503), status(401)])
def test_a_critic_that_cannot_be_asked_leaves_the_plain_answer(serve: Start, fault: Fault, criteria: Any) -> None:
    server, judge = serve(policy("rude")), serve(lambda body: fault)
    found = Improver(server.engine(), judged(judge)).improve(PROMPT, criteria)
    assert (found.answer, found.stop, found.rounds) == ("rude", "failed", 0)
    assert found.failure is not None and re.search("503|401", found.failure.reason)


def test_a_critic_that_talks_nonsense_is_no_reason_to_revise(serve: Start) -> None:
    server, judge = serve(policy("rude")), serve(lambda body: says("Well."))
    found = Improver(server.engine(), judged(judge)).improve(PROMPT, TEXTS)
    assert (found.answer, found.stop, met(found.history[0].verdicts)) == ("rude", "abstained", [None, None])
    assert found.spent.critic == 2 * 3 * 2  # two criteria, three calls each


def test_without_a_plain_answer_the_servers_words_and_status_are_told(serve: Start) -> None:
    server = serve(policy(error(429, "slow down")))
    improver = Improver(server.engine(max_retries=0), CODE)
    with pytest.raises(IncompleteError, match="slow down") as caught:
        improver.improve(PROMPT, BOTH)
    assert caught.value.status == 429
    server.judge = lambda body: says("kind") if "fine" in prompt_of(body) else reset
    lost, fine = improver.improve_all([(PROMPT, BOTH), ("Say fine.", BOTH)])
    assert (lost.answer, lost.finish_reason, lost.stop, lost.history) == ("", "error", "failed", ())
    assert lost.failure is not None and "connection" in lost.failure.reason
    assert fine.answer == "kind"


def test_a_prompt_that_the_model_can_never_answer_is_told_as_such(serve: Start) -> None:
    server = serve(policy(too_long()))
    found = Improver(server.engine(), CODE).improve(PROMPT, BOTH)
    assert (found.answer, found.finish_reason, found.stop, found.rounds) == ("", "error", "no_answer", 0)
    assert found.failure is not None and "context length" in found.failure.reason


# What is refused before anything is asked


@pytest.mark.parametrize(
    ("messages", "rubric", "says"),
    [
        ("", BOTH, "blank"),
        ([], BOTH, "last message must be the user's"),
        ([Message("user", "Hi"), Message("assistant", "Hello")], BOTH, "last message must be the user's"),
        ([{"role": "tool", "content": "Hi"}], BOTH, "'role' must be"),
        (["Hi"], BOTH, "message 1 must be a mapping"),
        (PROMPT, [], "no criteria"),
        (PROMPT, [" "], "criterion 1: its text is blank"),
        (PROMPT, "It is kind.", "is no rubric"),
        (PROMPT, TEXTS, "has no check"),
        (PROMPT, [{"text": "a", "check": {"id": "sais"}}], "unknown check 'sais'"),
    ],
)
def test_an_ask_that_makes_no_sense_is_refused(serve: Start, messages: Any, rubric: Any, says: str) -> None:
    server = serve(policy("kind"))
    with pytest.raises(UsageError, match=says):
        Improver(server.engine(), CODE).improve_all([(PROMPT, BOTH), (messages, rubric)])
    assert not server.asked


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        (LoopSettings(hidden=0.5), "hidden criteria"),
        (LoopSettings(controls=("resample",)), "controls"),
        (LoopSettings(accept="preference"), "gives verdicts"),
    ],
)
def test_settings_that_make_no_sense_in_a_service_are_refused(settings: LoopSettings, says: str) -> None:
    with pytest.raises(UsageError, match=says):
        Improver(Local(), CODE, settings=settings)


def test_a_budget_that_one_round_may_exceed_is_refused_with_the_number_that_is_needed(serve: Start) -> None:
    server, judge = serve(policy("rude", "kind and short")), serve(critic)
    need = 100 + 2 * 2048 + 100 + 2 * 2048  # plain answer, verdicts, revision, both orders

    def improver(budget: int) -> Improver:
        settings = LoopSettings(budget=budget)
        return Improver(server.engine(), judged(judge), settings=settings, sampling=Sampling(max_tokens=100))

    with pytest.raises(UsageError, match=str(need)):
        improver(need - 1).improve(PROMPT, TEXTS)
    assert not server.asked
    found = improver(need).improve(PROMPT, TEXTS)
    assert (found.answer, found.stop, found.rounds) == ("kind and short", "all_met", 1)
    with pytest.raises(UsageError, match="from 1, not 0"):
        improver(need).improve(PROMPT, TEXTS, rounds=0)

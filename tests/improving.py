"""Models that a script plays in memory, and the parts of an experiment around them, for tests of self-improvement."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Generator, Mapping, Sequence
from random import Random
from typing import Any

from herl.cache import CompletionCache
from herl.engine.base import Answer, Engine, Failure, Request
from herl.errors import IncompleteError
from herl.item import Completion, Item, Sampling, Usage, draw_seed
from herl.judge.judge import Judge
from herl.judge.rubric_prompt import RubricPrompt
from herl.rubric import Outcome, Verdict
from herl.selfimprove.author import Author
from herl.selfimprove.critic import Critic
from herl.selfimprove.journal import Journal
from herl.selfimprove.jury import Jury, Known, Seat
from herl.selfimprove.loop import Bench
from herl.selfimprove.preference import Comparer, PreferencePrompt
from herl.selfimprove.settings import LoopSettings
from herl.selfimprove.trial import BASE, Attempt, Spent, Task, Trial

SEED = 7
REPLY = 6
SAMPLING = Sampling(max_tokens=20)

Said = str | Completion | Failure
"""What a scripted model says to a request; a text takes a token per word."""

_ANSWER = re.compile(r"<(answer-[0-9a-f]{12})>\n(.*?)\n</\1>", re.DOTALL)


class Scripted(Engine):
    """A model in memory. Its answers come in another order than that of the requests.

    Asked for nothing, as who wants it loaded asks, it says nothing.

    Args:
        script: What it says.
        model: Its name.

    Attributes:
        batches: The requests of each call.
        dies_after: Raise once so many answers were given; None never.
    """

    def __init__(self, script: Callable[[Request], Said], model: str = "http://scripted/v1#policy") -> None:
        self.model = model
        self.batches: list[list[Request]] = []
        self.dies_after: int | None = None
        self._script = script

    @property
    def fingerprint(self) -> str:
        return f"scripted {self.model}"

    @property
    def asked(self) -> list[Request]:
        """All requests so far."""
        return [request for batch in self.batches for request in batch]

    def generate(self, requests: Sequence[Request]) -> Generator[Answer, None, None]:
        if requests:
            self.batches.append(list(requests))
        for request in Random(len(requests)).sample(list(requests), len(requests)):
            if self.dies_after is not None:
                self.dies_after -= 1
                if self.dies_after < 0:
                    raise IncompleteError("the engine died")
            said = self._script(request)
            yield Answer(request, spoken(said) if isinstance(said, str) else said)

    def close(self) -> None:
        return


class Quiet:
    """Shows no progress."""

    def __init__(self, what: str, total: int, done: int) -> None:
        return

    def __enter__(self) -> Quiet:
        return self

    def __exit__(self, *error: object) -> None:
        return

    def advance(self, tokens: int = 0) -> None:
        return


def spoken(text: str, finish: Any = "stop", tokens: int | None = None) -> Completion:
    """A completion of a token per word, unless their number is given, to a prompt of 10 tokens."""
    written = len(text.split()) if tokens is None else tokens
    return Completion(text, finish, usage=Usage(10, written))


def prompt_of(request: Request) -> str:
    """The words of the last turn."""
    return request.messages[-1].content


def answers_in(prompt: str) -> list[str]:
    """The answers that a judge or critic is shown."""
    return [text for _, text in _ANSWER.findall(prompt)]


def is_met(met: bool | None) -> str:
    """A critic's verdict, of `REPLY` words."""
    return json.dumps({"reason": "so it is", "met": met})


def is_better(which: str) -> str:
    """A critic's preference, of `REPLY` words."""
    return json.dumps({"reason": "so it is", "better": which})


def compares(prompt: str) -> bool:
    """Whether a critic is asked which of two answers is better."""
    return "The second answer:" in prompt


def prefers(rank: Callable[[str], float]) -> Callable[[str], str]:
    """A critic that prefers, in any order, the answer with the higher rank."""

    def script(prompt: str) -> str:
        first, second = map(rank, answers_in(prompt))
        return is_better("tie" if first == second else "first" if first > second else "second")

    return script


def coin(*parts: object) -> int:
    """A number that the parts decide."""
    return int.from_bytes(hashlib.sha256(repr(parts).encode()).digest()[:4], "big")


def varied(request: Request) -> Said:
    """An answer that depends on what is asked and on the seed alone."""
    drawn = coin([message.content for message in request.messages], request.sampling.seed)
    return f"Answer {drawn}" + " and so on" * (drawn % 5)


def table(values: Mapping[str, Sequence[float | None]]) -> Known:
    """Decides answers by a table: answer -> the values of the criteria, in their order; None abstains."""

    def known(asked: Item, answer: str) -> Mapping[str, Verdict]:
        pairs = zip(asked.rubric.criteria, values[answer], strict=True)
        return {
            each.id: Verdict(each.id, Outcome.CANNOT_TELL if value is None else Outcome.SCORED, value)
            for each, value in pairs
        }

    return known


def by_chance(asked: Item, answer: str) -> Mapping[str, Verdict]:
    """Decides every criterion by what the answer is."""
    return {
        each.id: Verdict(each.id, Outcome.SCORED, float(coin(each.id, answer) % 2)) for each in asked.rubric.criteria
    }


def nobody_knows(asked: Item, answer: str) -> Mapping[str, Verdict]:
    """Leaves all to the judges."""
    return {}


def decided(journal: Journal, known: Known = by_chance) -> Critic:
    """A critic that costs nothing."""
    return Critic(Jury([], journal, known))


def asked_critic(
    journal: Journal, engine: Engine, accept: Any = "verdicts", longest: int = 50, cache: CompletionCache | None = None
) -> Critic:
    """A critic that is a model."""
    sampling = Sampling(max_tokens=longest)
    judge = Judge(engine, RubricPrompt(), seed=SEED, cache=cache, sampling=sampling)
    jury = Jury([Seat("critic", "critic", judge)], journal, nobody_knows)
    if accept == "verdicts":
        return Critic(jury, longest_verdict=longest)
    comparer = Comparer("critic", Judge(engine, PreferencePrompt(), seed=SEED, cache=cache, sampling=sampling), journal)
    return Critic(jury, "preference", comparer, longest_verdict=longest, longest_comparison=longest)


def bench(engine: Engine, journal: Journal, critic: Critic | None = None, **settings: Any) -> Bench:
    """What an arm works with."""
    return Bench(Author(engine, journal), critic or decided(journal), LoopSettings(**settings), SEED, Quiet)


def trial(asked: Item, journal: Journal, text: str = "base", finish: Any = "stop", tokens: int | None = None) -> Trial:
    """An item with its plain answer, which is in the journal."""
    said = spoken(text, finish, tokens)
    row = {
        "arm": BASE,
        "id": asked.id,
        "sample": 0,
        "round": 0,
        "prompt_hash": "",
        "response": text,
        "finish_reason": finish,
        "usage": {"prompt_tokens": said.usage.prompt_tokens, "completion_tokens": said.usage.completion_tokens},
        "seed": 0,
        "status": "ok",
    }
    journal.add_attempt(row)
    return Trial(Task(asked, asked.messages, SAMPLING), Attempt(BASE, 0, 0, row), Spent().with_answer(said.usage))


def revision_seeds(name: str, rounds: int, revisions: int) -> dict[int, tuple[int, int]]:
    """Seed -> (round, candidate) of an item's revisions."""
    return {
        draw_seed(SEED, name, candidate, f"revision-{number}"): (number, candidate)
        for number in range(1, rounds + 1)
        for candidate in range(revisions)
    }


def in_turn(*said: Said, asked: str = "q", revisions: int = 1, then: Said = "no good") -> Callable[[Request], Said]:
    """Revises an item in these ways, in the order of rounds and candidates, and then in another."""
    places = revision_seeds(asked, 9, revisions)

    def script(request: Request) -> Said:
        number, candidate = places[request.sampling.seed]
        place = (number - 1) * revisions + candidate
        return said[place] if place < len(said) else then

    return script


def by_words(prompt: str) -> str:
    """A critic that takes an answer at its word ("short", "kind"), and prefers the longer one."""
    if compares(prompt):
        return prefers(len)(prompt)
    (answer,) = answers_in(prompt)
    return is_met("short" in answer if "It is short." in prompt else "kind" in answer)

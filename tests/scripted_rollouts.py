"""A sampler that a script plays, prompts with simple checks, and what tests of rollouts share."""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

from herl.engine.base import Answer, Request
from herl.item import Completion, Item, Message, Usage
from herl.resources import Store
from herl.rubric import Check, Criterion, Rubric
from herl.train.config import Config
from herl.train.grading import Grading
from herl.train.journal import Journal
from herl.train.loop import Training
from herl.train.sampler import Sampler, Take

Script = Callable[[Request], str]
"""Request -> the answer; it may tell a revision by its prompt."""

FOX, OWL = "mentions a fox", "mentions an owl"


def prompt(name: str = "p0", criteria: Sequence[Criterion] = ()) -> Item:
    """A prompt that wants a fox and an owl."""
    return Item(name, (Message("user", f"Tell me of {name}."),), Rubric(tuple(criteria) or (fox(), owl())))


def fox() -> Criterion:
    return _keyword("c1", FOX, "fox")


def owl() -> Criterion:
    return _keyword("c2", OWL, "owl")


def judged(name: str = "c3", text: str = "is kind") -> Criterion:
    """A criterion that needs a judge."""
    return Criterion(name, text)


def is_revision(request: Request) -> bool:
    """Whether an answer is asked for under hindsight."""
    return "The draft" in request.messages[-1].content or "An earlier answer" in request.messages[-1].content


class ScriptedSampler(Sampler):
    """Answers by a script, several at a time as an engine does, the last asked for first.

    Args:
        script: Says what.
        at_once: How many requests it answers before it asks for more.
        ends: finish_reason of an answer, by its text.

    Attributes:
        asked: All requests, in the order in which they came.
        published: Versions of the weights that it was given.
    """

    def __init__(self, script: Script, *, at_once: int = 2, ends: Callable[[str], Any] = lambda text: "stop") -> None:
        self.context = 512
        self.asked: list[Request] = []
        self.published: list[int] = []
        self.closed = False
        self._script, self._at_once, self._ends = script, at_once, ends

    def publish(self, policy: Any, version: int) -> None:
        self.published.append(version)

    def draw(self, take: Take) -> Generator[Answer]:
        waiting: list[Request] = []
        while True:
            new = take(idle=not waiting)
            self.asked += new
            waiting += new
            if not waiting:
                return
            for _ in range(min(self._at_once, len(waiting))):
                yield Answer(request := waiting.pop(), self._completion(request))

    def close(self) -> None:
        self.closed = True

    def _completion(self, request: Request) -> Completion:
        text = self._script(request)
        ids = tuple(text.encode())
        shown = "".join(message.content for message in request.messages)
        return Completion(
            text,
            self._ends(text),
            prompt_ids=tuple(shown.encode()),
            token_ids=ids,
            logprobs=tuple(-0.5 for _ in ids),
            usage=Usage(len(shown), len(ids)),
            seed=request.sampling.seed,
            weight_version=self.published[-1] if self.published else 0,
        )


def grading(items: Sequence[Item], **changes: Any) -> Grading:
    """A grader of prompts, ready."""
    made = Grading(
        changes.pop("judging", None),
        **{"reads_cache": False, "say": lambda line: None, **changes},
    )
    made.prepare("train", items, Store())
    return made


def config(**sections: Any) -> Config:
    """Settings of a tiny run; sections replace what is set here."""
    made = {
        "model": "tiny",
        "data": {"train": "train.jsonl"},
        "steps": 2,
        "rollout": {"prompts_per_step": 1, "rollouts_per_prompt": 4, "max_tokens": 16, "engine": "transformers"},
    }
    return Config.model_validate({**made, **sections})


def training(
    folder: Path, sampler: Sampler, items: Sequence[Item], settings: Config | None = None, **changes: Any
) -> Training:
    """What a step works with, without a policy unless one is given."""
    folder.mkdir(exist_ok=True)
    fields: dict[str, Any] = {
        "method": "herl",
        "config": settings or config(),
        "policy": None,
        "sampler": sampler,
        "journal": Journal(folder / "journal"),
    }
    if "grading" not in changes:
        changes["grading"] = grading(items)
    return Training(**{**fields, **changes})


def drawn_by(sampler: Sampler, requests: Sequence[Request]) -> list[Answer]:
    """All answers to some requests."""
    waiting = [list(requests)]
    with closing(sampler.draw(lambda *, idle: waiting.pop() if waiting else [])) as answers:
        return list(answers)


def _keyword(name: str, text: str, word: str) -> Criterion:
    return Criterion(name, text, check=Check("keywords:existence", {"keywords": [word]}))

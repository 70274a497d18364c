"""Local models take turns on the machine; servers need none."""

from __future__ import annotations

from collections.abc import Generator, Sequence

from asking import ask

from herl.engine.base import Answer, Engine, Request
from herl.item import Completion
from herl.selfimprove.turns import InTurn, Turns

LOG = list[str]


class Loaded(Engine):
    """A model that is loaded when it is first asked."""

    def __init__(self, model: str, log: LOG) -> None:
        self.model = model
        self.knows_likelihoods = model == "one"
        self._log = log
        self._is_loaded = False

    @property
    def fingerprint(self) -> str:
        return f"fingerprint of {self.model}"

    def generate(self, requests: Sequence[Request]) -> Generator[Answer, None, None]:
        if not self._is_loaded:
            self._log.append(f"load {self.model}")
            self._is_loaded = True
        try:
            for request in requests:
                yield Answer(request, Completion(f"{self.model} says", "stop"))
        finally:
            self._log.append(f"{self.model} is done")

    def close(self) -> None:
        if self._is_loaded:
            self._log.append(f"free {self.model}")
        self._is_loaded = False


def asks(engine: Engine) -> str:
    (answer,) = engine.generate([ask("Hello.")])
    assert isinstance(answer.result, Completion)
    return answer.result.text


def test_a_model_frees_its_memory_before_another_is_loaded() -> None:
    log, turns = LOG(), Turns()
    one, two = (InTurn(Loaded(name, log), turns) for name in ("one", "two"))
    assert [asks(each) for each in (one, one, two, one)] == ["one says", "one says", "two says", "one says"]
    assert [line for line in log if "done" not in line] == [
        "load one", "free one", "load two", "free two", "load one",
    ]  # fmt: skip


def test_a_server_needs_no_turn() -> None:
    log, turns = LOG(), Turns()
    local, server = InTurn(Loaded("one", log), turns), InTurn(Loaded("http://far/v1#model", log), turns)
    for each in (local, server, local):
        asks(each)
    assert not [line for line in log if line.startswith("free")]


def test_it_is_the_model_that_takes_turns() -> None:
    log = LOG()
    one, two = (InTurn(Loaded(name, log), Turns()) for name in ("one", "two"))
    assert (one.model, one.fingerprint, one.knows_likelihoods) == ("one", "fingerprint of one", True)
    assert not two.knows_likelihoods
    asks(one)
    one.close()
    assert log[-1] == "free one"


def test_stopping_early_ends_the_models_work_at_once() -> None:
    log = LOG()
    answers = InTurn(Loaded("one", log), Turns()).generate([ask("a"), ask("b")])
    next(answers)
    answers.close()
    assert log[-1] == "one is done"

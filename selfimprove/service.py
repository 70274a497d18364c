"""Opens what a server of improved answers works with, and tries it before clients come."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from typing import Any

from herl.benchmarks.own_prompts import benchmark_of_prompts, needs_judge
from herl.engine.base import Engine, EngineOptions
from herl.errors import HerlError, UsageError
from herl.grader import Grader, JudgeGrader
from herl.item import Item, Message
from herl.models import is_remote
from herl.resources import Store
from herl.rubric import Rubric
from herl.selfimprove.build import critic_judge, probe
from herl.selfimprove.improver import Improver
from herl.selfimprove.session import Choices, check, open_cast
from herl.selfimprove.settings import ORACLE, SELF, LoopSettings
from herl.selfimprove.turns import load

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Service:
    """What a user decides about a server.

    Args:
        model: A model string: who answers.
        rubric: What every answer is improved by.
        critic: "self" or a model string; None for nobody where code decides the whole rubric, else "self".
        loop: How answers are revised.
        critic_sampling: Fields of `Sampling` that replace the critic's own.
        engine: How to run the models.
    """

    model: str
    rubric: Rubric
    critic: str | None = None
    loop: LoopSettings = field(default_factory=LoopSettings)
    critic_sampling: Mapping[str, Any] = field(default_factory=dict)
    engine: EngineOptions = field(default_factory=EngineOptions)


@contextmanager
def open_service(service: Service, store: Store) -> Iterator[tuple[Improver, Rubric]]:
    """Open the models and try them: a local one is loaded, a critic is asked something plain.

    A server that cannot be reached yet is no reason to give up, only to say so.

    Args:
        service: What was chosen.
        store: Where the data of checks come from.

    Returns:
        What answers, and the rubric with the arguments of its checks as they take them.

    Raises:
        UsageError: something does not fit, or the critic talks nonsense.
        HerlError: a local model cannot be loaded.
    """
    choices = _choices(service)
    (item,) = choices.benchmark.load(store)
    with ExitStack() as opened:
        cast = open_cast(choices, opened, read_cache=False)
        for note in choices.benchmark.prepare(store):
            _log.warning("%s", note)
        grader: Grader = next(iter(choices.benchmark.graders.values()))
        compares = service.loop.acceptance(cast.kind) == "preference"
        with _patient(cast.policy):
            _wake(cast.policy)
        if cast.critic is not None:
            grader = JudgeGrader(critic_judge(cast, 0, None), grader)
            with _patient(cast.critic):
                probe(cast, 0, None, compares)
        yield Improver(cast.policy, grader, settings=service.loop), item.rubric


def _choices(service: Service) -> Choices:
    """What was chosen, checked.

    Raises:
        UsageError: something contradicts something else.
    """
    item = Item("request", (Message("user", "Hello."),), service.rubric)
    judged = needs_judge([item])
    if judged and service.critic == ORACLE:
        raise UsageError("no oracle decides criteria without a check", "Give --critic self or a model.")
    if not judged and service.critic not in (None, ORACLE):
        raise UsageError("no critic is needed: code decides every criterion of the rubric", "Leave --critic out.")
    critic = service.critic or (SELF if judged else ORACLE)
    models = {service.model.strip(), service.model.strip() if critic in (SELF, ORACLE) else critic.strip()}
    if len([model for model in models if not is_remote(model)]) > 1:
        raise UsageError(
            f"{' and '.join(sorted(models))} would have to share this process",
            "Start one of them behind a server, such as vllm serve, and give its address.",
        )
    benchmark = benchmark_of_prompts("rubric", [item], judged)
    choices = Choices(
        service.model,
        benchmark,
        critic,
        loop=service.loop,
        critic_sampling=service.critic_sampling,
        engine=service.engine,
    )
    check(choices)
    return choices


def _wake(engine: Engine) -> None:
    """Load a local model; find out whether a server is there and takes the key."""
    if is_remote(engine.model):
        _ = engine.fingerprint
        return
    load(engine)


@contextmanager
def _patient(engine: Engine) -> Iterator[None]:
    """Takes it that a server which does not answer yet will do so later."""
    try:
        yield
    except UsageError:
        raise
    except HerlError as error:
        if not is_remote(engine.model):
            raise
        _log.warning("%s; requests will fail until it does", error.message)

"""How good the policy is by now: its held-out prompts, and benchmarks as `herl eval` runs them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from herl.benchmarks import get
from herl.benchmarks.judging import Bench
from herl.benchmarks.session import Sitting, choose, finished, prepare_all
from herl.benchmarks.settings import JudgeSettings, Settings
from herl.benchmarks.work import prepare, silent
from herl.cache import CompletionCache
from herl.engine import open_engine
from herl.engine.base import Engine, EngineOptions
from herl.errors import UsageError
from herl.item import Item, Sampling
from herl.resources import Store
from herl.run import Run
from herl.train.config import Config
from herl.train.loop import Training, publish, roll_out
from herl.train.measure import Numbers, of_held_out
from herl.train.policy_engine import PolicyEngine
from herl.train.rollout import Asking


def held_out(training: Training, items: Sequence[Item], step: int) -> Numbers:
    """Answer the held-out prompts once, greedily unless the settings say otherwise, and grade the answers.

    Args:
        training: What draws and grades.
        items: The held-out prompts.
        step: The last step that the policy has seen.

    Returns:
        `held_out/…`.
    """
    config = training.config
    longest = config.evaluate.max_tokens or config.rollout.max_tokens
    sampling = Sampling(temperature=config.evaluate.temperature, max_tokens=longest)
    groups = roll_out(training, items, Asking(step, "held-out", 1, sampling, config.seed, config.loss.reward))
    return of_held_out([group.rollouts[0] for group in groups], config)


def benchmarks(training: Training, run: Run, store: Store, step: int) -> Numbers:
    """Run the benchmarks of the settings on the policy as it is: an ordinary run, in the run's own evals/step-N.

    Args:
        training: Holds the policy.
        run: The training run.
        store: Where benchmarks' data come from.
        step: The last step that the policy has seen.

    Returns:
        `benchmark/NAME`, the primary metric of each.

    Raises:
        IncompleteError: answers or verdicts could not be had; the same command asks again.
    """
    config = training.config
    with training.clock("evaluate"):
        publish(training)
        name = f"{run.name}/step-{step}"
        engine = PolicyEngine(training.sampler, name, f"{training.policy.fingerprint} {run.record['created']} {name}")
        results = _evaluated(config, engine, run, store, step)
    return {f"benchmark/{each['benchmark']}": each["metrics"][each["primary"]]["value"] for each in results}


def check_benchmarks(config: Config) -> None:
    """Refuse benchmarks that cannot be run, before anything is.

    Raises:
        UsageError: one is unknown, needs a judge and has none, or is no benchmark of herl's own.
    """
    needing = [name for name in config.evaluate.benchmarks if get(name).judge]
    if needing and config.judge is None:
        raise UsageError(
            f"{needing[0]} needs a judge, and is one of evaluate.benchmarks",
            'Name one in the config: [judge] model = "…".',
        )
    if config.evaluate.benchmarks:
        choose(config.evaluate.benchmarks, {}, _judges(config), allow_code=False)


def prepare_benchmarks(config: Config, store: Store) -> None:
    """Find what benchmarks need before anything is drawn.

    Raises:
        UsageError: data of one are not here.
    """
    if config.evaluate.benchmarks:
        for benchmark in choose(config.evaluate.benchmarks, {}, _judges(config), allow_code=False):
            prepare(benchmark, store, _settings(config))


def _evaluated(config: Config, engine: Engine, run: Run, store: Store, step: int) -> Sequence[Mapping[str, Any]]:
    settings = _settings(config)
    judges = _judges(config)
    chosen = choose(config.evaluate.benchmarks, {}, judges, allow_code=False)
    binding = {"model": engine.model, "benchmarks": list(config.evaluate.benchmarks), "limit": config.evaluate.limit}
    engines = [open_engine(model, EngineOptions(device=config.device)) for model in judges.models]
    with (
        Run(run.path / "evals", f"step-{step}", {**binding, **judges.as_config(), "seed": config.seed}) as inner,
        CompletionCache(read=run.reads_cache) as cache,
    ):
        bench = Bench(judges, engines, cache)
        if results := finished(inner, engine, bench, chosen, store, settings):
            return results
        works = prepare_all(inner, engine, bench, chosen, store, settings, allow_missing=False)
        inner.begin(run.record["command"])
        return Sitting(inner, engine, bench, settings, silent, self_judged=False).evaluate(works, fresh=False)


def _settings(config: Config) -> Settings:
    return Settings(limit=config.evaluate.limit, max_tokens=config.evaluate.max_tokens, seed=config.seed)


def _judges(config: Config) -> JudgeSettings:
    """The settings' judge, where a benchmark needs one."""
    needed = any(get(name).judge for name in config.evaluate.benchmarks)
    if config.judge is None or not needed:
        return JudgeSettings()
    return JudgeSettings(models=(config.judge.model,), calls=config.judge.calls)

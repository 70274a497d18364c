"""`herl eval`: answer benchmarks with a model and score the answers."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Annotated, Any, Literal

import typer

from herl.cli.finish import MinScore, finish
from herl.cli.options import DEFAULT_RUNS_DIR, AsJson, BenchmarkList, DataDir, Limit, RunsDir
from herl.cli.output import stdout_reserved
from herl.errors import UsageError

EXAMPLE = "herl eval -m demo -b demo"


def run(
    model: Annotated[
        str,
        typer.Option(
            "--model",
            "-m",
            metavar="MODEL",
            help="demo, a path, a hub id, http://host:port/v1#name, openai:name, or replay:FILE.jsonl.",
        ),
    ],
    benchmarks: BenchmarkList,
    limit: Limit = None,
    samples: Annotated[int, typer.Option(min=1, metavar="K", help="Answers per item.")] = 1,
    name: Annotated[
        str | None,
        typer.Option(
            "--run", metavar="NAME", help="The run's name and resume key; by default made of model and benchmarks."
        ),
    ] = None,
    runs_dir: RunsDir = DEFAULT_RUNS_DIR,
    data_dir: DataDir = None,
    engine: Annotated[
        Literal["vllm", "transformers"] | None,
        typer.Option(help="For local models; vllm where it is installed.", show_default=False),
    ] = None,
    device: Annotated[Literal["auto", "cpu", "cuda"], typer.Option(help="Where a local model runs.")] = "auto",
    temperature: Annotated[float, typer.Option(min=0, metavar="T", help="0 is greedy.")] = 0.0,
    top_p: Annotated[float, typer.Option(metavar="P", help="Nucleus mass, above 0 and at most 1.")] = 1.0,
    max_tokens: Annotated[
        int | None,
        typer.Option(min=1, metavar="N", help="Longest answer; by default the benchmark's.", show_default=False),
    ] = None,
    seed: Annotated[int, typer.Option(metavar="S", help="Seed of every draw.")] = 0,
    system: Annotated[str, typer.Option(metavar="TEXT", help="A system message.", show_default=False)] = "",
    settings: Annotated[
        list[str] | None,
        typer.Option(
            "--set",
            metavar="KEY=VALUE",
            help="Engine settings, such as vllm.tensor_parallel_size=2.",
            show_default=False,
        ),
    ] = None,
    concurrency: Annotated[
        int, typer.Option("--concurrency", "-j", min=1, metavar="N", help="Requests in flight at a server.")
    ] = 16,
    max_retries: Annotated[int, typer.Option(min=0, metavar="N", help="Tries after the first at a server.")] = 5,
    allow_missing: Annotated[
        bool, typer.Option("--allow-missing", help="replay: count items without an answer as unanswered.")
    ] = False,
    fresh: Annotated[
        bool, typer.Option("--fresh", help="Start over: delete the run, ask for every answer anew.")
    ] = False,
    min_score: MinScore = None,
    as_json: AsJson = False,
) -> None:
    """Answer benchmarks with a model and score the answers. The same command again continues."""
    from herl.api import evaluate
    from herl.benchmarks.evaluate import Settings
    from herl.engine.base import EngineOptions
    from herl.report.progress import Progress

    with stdout_reserved():
        done = evaluate(
            model,
            [each.strip() for each in benchmarks.split(",") if each.strip()],
            settings=Settings(limit, samples, temperature, top_p, max_tokens, seed, system),
            engine_options=EngineOptions(engine, device, concurrency, max_retries, engine_settings(settings or [])),
            run=name,
            runs_dir=runs_dir,
            data_dir=data_dir,
            allow_missing=allow_missing,
            fresh=fresh,
            watch=Progress,
            command=["herl", *sys.argv[1:]],
        )
    finish(done, as_json=as_json, min_score=min_score)


def engine_settings(pairs: Sequence[str]) -> dict[str, Any]:
    """What `--set vllm.KEY=VALUE` hands to the engine; values are JSON where they parse, else text.

    Raises:
        UsageError: a pair of another form.
    """
    import json

    found: dict[str, Any] = {}
    for pair in pairs:
        key, equals, value = pair.partition("=")
        owner, dot, setting = key.partition(".")
        if not (equals and dot and setting) or owner != "vllm":
            raise UsageError(f"--set {pair!r} is not understood", "Write --set vllm.KEY=VALUE.")
        try:
            found[setting] = json.loads(value)
        except ValueError:
            found[setting] = value
    return found

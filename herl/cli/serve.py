"""`herl serve`: an OpenAI-compatible server whose answers have been through the loop."""

from __future__ import annotations

import os
import sys
from contextlib import ExitStack
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from herl.cli.options import AsJson, DataDir, Device, EngineKind, MaxRetries, Model
from herl.cli.output import print_json, say, stdout_reserved
from herl.cli.settings import read_settings
from herl.errors import UsageError

if TYPE_CHECKING:
    import socket

EXAMPLE = "herl serve -m http://127.0.0.1:8000/v1 --rubric rubric.yaml"

_KEY = "HERL_SERVE_KEY"
_LOOP, _SERVER = "Loop", "Server"
_BACKLOG = 2048  # connections that wait to be accepted, as uvicorn has it


def run(
    model: Model,
    rubric: Annotated[
        Path, typer.Option("--rubric", metavar="FILE.yaml", help="What every answer should do (docs/rubrics.md).")
    ],
    critic: Annotated[
        str | None,
        typer.Option(
            "--critic",
            metavar="CRITIC",
            help="Who gives feedback: self (the default) or a model; nobody where code decides the whole rubric.",
            show_default=False,
            rich_help_panel=_LOOP,
        ),
    ] = None,
    rounds: Annotated[
        int, typer.Option("--rounds", min=1, metavar="R", help="Most rounds of revision.", rich_help_panel=_LOOP)
    ] = 2,
    accept: Annotated[
        Literal["verdicts", "preference"] | None,
        typer.Option(
            "--accept",
            help="A revision is better if verdicts say so (where code decides), or if the critic prefers it in both "
            "orders (with a critic by default).",
            show_default=False,
            rich_help_panel=_LOOP,
        ),
    ] = None,
    revision_temperature: Annotated[
        float,
        typer.Option("--revision-temperature", metavar="T", help="Of revisions.", rich_help_panel=_LOOP),
    ] = 0.7,
    host: Annotated[
        str, typer.Option("--host", metavar="HOST", help="Where to listen.", rich_help_panel=_SERVER)
    ] = "127.0.0.1",
    port: Annotated[
        int,
        typer.Option("--port", min=0, max=65535, metavar="PORT", help="0 takes a free one.", rich_help_panel=_SERVER),
    ] = 8080,
    concurrency: Annotated[
        int,
        typer.Option(
            "--concurrency",
            "-j",
            min=1,
            metavar="N",
            help="Requests that are worked on at once.",
            rich_help_panel=_SERVER,
        ),
    ] = 16,
    max_tokens: Annotated[
        int,
        typer.Option(
            "--max-tokens",
            min=1,
            metavar="N",
            help="Longest answer, where a request does not say.",
            rich_help_panel=_SERVER,
        ),
    ] = 2048,
    data_dir: DataDir = None,
    engine: EngineKind = None,
    device: Device = "auto",
    set_: Annotated[
        list[str] | None,
        typer.Option(
            "--set",
            metavar="KEY=VALUE",
            help="The critic's sampling (critic.max_tokens=256), or an engine's setting (vllm.max_model_len=4096).",
            show_default=False,
        ),
    ] = None,
    max_retries: MaxRetries = 2,
    as_json: AsJson = False,
) -> None:
    """Serve a model's answers, improved by a rubric, to any client of OpenAI's API."""
    _check_installed()
    from herl.engine.base import EngineOptions
    from herl.models import label
    from herl.resources import Store
    from herl.rubric_file import read_rubric
    from herl.selfimprove.serve import Desk, make_app, run_server
    from herl.selfimprove.service import Service, open_service
    from herl.selfimprove.settings import LoopSettings

    chosen = read_settings(set_, has_critic=True)
    if chosen.judge or chosen.options:
        raise UsageError("herl serve has no judge and no benchmark", "Write --set critic.KEY=VALUE or vllm.KEY=VALUE.")
    key = _key()
    loop = LoopSettings(rounds=rounds, accept=accept, temperature=revision_temperature)
    options = EngineOptions(engine, device, concurrency, max_retries, chosen.engine)
    service = Service(model, read_rubric(rubric), critic, loop, chosen.critic, options)
    with _bind(host, port) as listening, ExitStack() as opened:
        with stdout_reserved():
            improver, criteria = opened.enter_context(open_service(service, Store(data_dir)))
        name = label(model)
        listening.listen(_BACKLOG)
        _announce(_url(host, listening), name, rounds, as_json=as_json)
        if not key and not _is_loopback(host):
            say(f"warning: whoever reaches {host} may use the model: set {_KEY} to a key that clients must show.")
        with stdout_reserved(), Desk(improver, concurrency) as desk:
            run_server(make_app(desk, criteria, name, max_tokens, key), listening)


def _check_installed() -> None:
    missing = [package for package in ("fastapi", "uvicorn") if find_spec(package) is None]
    if missing:
        raise UsageError(f"{' and '.join(missing)} not installed", "pip install 'herl[serve]'")


def _key() -> str:
    key = os.environ.get(_KEY, "").strip()
    if not (key.isascii() and key.isprintable()):
        raise UsageError(f"{_KEY} holds characters that cannot be part of a key", "Set it again.")
    return key


def _bind(host: str, port: int) -> socket.socket:
    """A socket that is ready to listen; nobody can connect yet.

    Raises:
        UsageError: the place is taken, or is none.
    """
    import socket

    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        bound = socket.socket(family, kind, protocol)
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            bound.bind(address)
        except BaseException:
            bound.close()
            raise
    except (OSError, UnicodeError) as error:
        why = getattr(error, "strerror", None) or error
        raise UsageError(f"cannot listen at {host}, port {port}: {why}", "Give another --host or --port.") from None
    return bound


def _url(host: str, listening: socket.socket) -> str:
    name = f"[{host}]" if ":" in host else host
    return f"http://{name}:{listening.getsockname()[1]}/v1"


def _is_loopback(host: str) -> bool:
    return host in ("localhost", "::1") or host.startswith("127.")


def _announce(url: str, model: str, rounds: int, *, as_json: bool) -> None:
    if as_json:
        print_json({"url": url, "model": model, "rounds": rounds})
        sys.stdout.flush()
    say(f"{model} answers at {url}, revised up to {rounds} times; ctrl-C ends it.")

"""Finds a local model's weights, and tells two models apart without loading either."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from herl.errors import HerlError, UsageError, first_line, nearest
from herl.files import write_atomically
from herl.resources import cache_dir

_PICKLED = "pytorch_model*.bin*"
COMPANIONS = (
    "generation_config.json",
    "tokenizer*",
    "vocab*",
    "merges.txt",
    "special_tokens_map.json",
    "added_tokens.json",
    "chat_template*",
    "*.jinja",
    "*.model",
    "*.py",
)
"""What stands beside the weights in a model's folder and goes with them, as patterns."""

# What decides a model's answers; a checkpoint folder also holds optimizer states and logs, which do not.
_PARTS = ("config.json", *COMPANIONS, "*.safetensors", "*.safetensors.index.json", _PICKLED)
_HUB_SECONDS = 10.0
_MEMO_FROM_BYTES = 1 << 20
_WORDS = ["demo", "openai:NAME", "replay:FILE.jsonl", "http://HOST:PORT/v1#NAME"]


@dataclass(frozen=True, slots=True)
class Weights:
    """A local model, found but not loaded.

    Args:
        digest: Same digest, same weights, tokenizer and chat template.
        locate: Gives the folder that transformers and vLLM load; may first convert or download it.
    """

    digest: str
    locate: Callable[[], str]


def find_weights(model: str) -> Weights:
    """Find what a model string names: "demo", a folder, or a hub id.

    Raises:
        UsageError: there is no such model, or the hub is needed and cannot be reached.
    """
    if model == "demo":
        from herl.engine.demo import find_demo

        return find_demo()
    path = Path(model).expanduser()
    if path.exists():
        return _local(path.resolve())
    if model.startswith(("/", "./", "../", "~")):
        raise UsageError(f"the model folder {model} does not exist")
    if re.fullmatch(r"[\w.-]+/[\w.-]+", model):
        return hub_weights(model)
    shown = re.sub(r".*@", "***@", model, flags=re.DOTALL)  # a mistyped address may hold a password
    raise UsageError(f"unknown model '{shown}': neither a folder nor a hub id like org/name", nearest(model, _WORDS))


def _local(folder: Path) -> Weights:
    if not (folder / "config.json").is_file():
        raise UsageError(
            f"{folder} is not a model folder: it has no config.json",
            "Give the folder that save_pretrained wrote.",
        )
    return Weights(folder_digest(folder), lambda: str(folder))


def hub_weights(name: str, revision: str | None = None) -> Weights:
    """A model on the hub, at a commit; downloaded when it is located.

    Args:
        name: "org/name".
        revision: The commit; None asks the hub for the newest, or takes the one in the hub's cache.

    Raises:
        UsageError: the hub does not have it, or cannot be reached and the model is not in its cache.
    """
    commit, reachable = _commit(name, revision)
    return Weights(f"{name}@{commit}", lambda: _download(name, commit, reachable))


def _commit(name: str, revision: str | None) -> tuple[str, bool]:
    """The commit, and whether the hub said so (else the hub's cache did)."""
    from huggingface_hub import HfApi, constants, errors, try_to_load_from_cache

    cause = "HF_HUB_OFFLINE is set"
    if not constants.HF_HUB_OFFLINE:
        try:
            return str(HfApi().model_info(name, revision=revision, timeout=_HUB_SECONDS).sha), True
        except errors.GatedRepoError:
            raise UsageError(f"the model {name} is gated", "Ask for access on its page, then: hf auth login.") from None
        except errors.RepositoryNotFoundError:
            raise UsageError(
                f"there is no model {name}: no such folder here, and not on the hub", "A private one: hf auth login."
            ) from None
        except Exception as error:  # the hub's errors, and those of whatever it reads with, are many: all mean no
            cause = first_line(error)
    config = try_to_load_from_cache(name, "config.json", revision=revision)
    if isinstance(config, str):
        return Path(config).parent.name, False
    raise UsageError(
        f"there is no folder {name}, and the hub cannot be asked for it ({cause[:120]})",
        "Without a network: demo, or the path of a model folder.",
    )


def _download(name: str, commit: str, reachable: bool) -> str:
    """The folder of a hub model's files; nothing is fetched that the hub's cache has."""
    from huggingface_hub import snapshot_download

    def fetch(patterns: list[str]) -> Path:
        folder = snapshot_download(name, revision=commit, allow_patterns=patterns, local_files_only=not reachable)
        return Path(folder)

    try:
        folder = fetch([part for part in _PARTS if part != _PICKLED])
        if not any(folder.glob("*.safetensors")):
            folder = fetch(list(_PARTS))
    except Exception as error:  # as above
        raise UsageError(
            f"the model {name} cannot be fetched from the hub: {first_line(error)[:160]}",
            "Without a network: demo, or the path of a model folder.",
        ) from None
    return str(folder)


def folder_digest(folder: Path) -> str:
    """sha256 over names and contents of the files that decide a model's answers.

    Returns:
        64 hex digits.

    Raises:
        UsageError: a file cannot be read.
    """
    files = sorted({path for part in _PARTS for path in folder.glob(part) if path.is_file()})
    try:
        contents = [[path.name, file_digest(path)] for path in files]
    except OSError as error:
        raise UsageError(f"the model folder {folder} cannot be read: {error}") from None
    return hashlib.sha256(json.dumps(contents).encode()).hexdigest()


def file_digest(path: Path) -> str:
    """sha256 of a file; of a large one it is remembered by path, size and time of change.

    Returns:
        64 hex digits.
    """
    status = path.stat()
    state = f"{path.resolve()}\0{status.st_size}\0{status.st_mtime_ns}"
    key = hashlib.sha256(state.encode(errors="surrogatepass")).hexdigest()  # a path need not be UTF-8
    memo = cache_dir() / "sha256" / key
    large = status.st_size >= _MEMO_FROM_BYTES
    if large and memo.is_file():
        return memo.read_text(encoding="ascii")
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    if large:
        with suppress(HerlError, OSError):  # a cache that cannot be written only costs time
            memo.parent.mkdir(parents=True, exist_ok=True)
            write_atomically(memo, digest)
    return digest

"""Finds and fetches the language data of NLTK: its own folders first, then `--data-dir`, then HeRL's cache."""

from __future__ import annotations

import io
import os
import warnings
from pathlib import Path

from herl.errors import IncompleteError, UsageError
from herl.resources import Store, cache_dir

PACKAGES = {"punkt_tab": "tokenizers/punkt_tab/english"}
"""NLTK package -> the folder of it that must be there."""


def find(name: str, store: Store) -> Path | None:
    """The folder of a package that is on this machine.

    A folder that is found is also made readable: NLTK opens only files below the entries of its search
    path, so the entry that holds it is added there, last, where it changes nothing for other users.

    Args:
        name: A key of `PACKAGES`.
        store: Its data directory may hold `nltk_data`.

    Returns:
        The package's folder, or None when no place has it.

    Raises:
        UsageError: it is there, but NLTK refuses it since others could change it.
    """
    import nltk

    refused: Path | None = None
    for root in _roots(store):
        folder = root / PACKAGES[name]
        if not folder.is_dir():
            continue
        if _is_trusted(root, PACKAGES[name]):
            if str(root) not in nltk.data.path:
                nltk.data.path.append(str(root))
            return folder
        refused = refused or root
    if refused:
        raise UsageError(
            f"NLTK refuses the data in {refused}: its owner must be you or root, and nobody else may write to it",
            f"Run: chmod -R go-w {refused}",
        )
    return None


def pull(name: str) -> Path:
    """Download a package into HeRL's cache.

    Returns:
        The package's folder.

    Raises:
        IncompleteError: it cannot be downloaded.
        UsageError: what is there cannot be used.
    """
    from nltk.downloader import Downloader

    root = _cached()
    said = io.StringIO()
    try:
        root.mkdir(parents=True, exist_ok=True, mode=0o755)
        done = Downloader().download(name, download_dir=str(root), quiet=True, print_error_to=said)
    except (OSError, ValueError) as error:
        done, said = False, io.StringIO(str(error))
    folder = find(name, Store()) if done else None
    if folder is None:
        cause = " ".join(said.getvalue().split()).removeprefix("[nltk_data] ")
        raise IncompleteError(
            f"NLTK's {name} could not be downloaded ({cause[:160] or 'no reason given'})",
            f"Without a network: put it below --data-dir, as nltk_data/{PACKAGES[name]}.",
        )
    return folder


def ensure(name: str, store: Store) -> Path:
    """The folder of a package, downloaded when it is missing and there is a network.

    `HF_HUB_OFFLINE=1`, the switch that already keeps the hub away, keeps this download away too.

    Raises:
        UsageError: it is missing and cannot be downloaded, or NLTK refuses what is there.
    """
    if folder := find(name, store):
        return folder
    try:
        if os.environ.get("HF_HUB_OFFLINE", "").lower() in {"1", "true", "yes", "on"}:
            raise IncompleteError("HF_HUB_OFFLINE is set")
        return pull(name)
    except IncompleteError as error:
        raise UsageError(
            f"NLTK's {name} (English sentences) is missing: {error.message}",
            "With a network: herl data pull nltk. "
            f"Without: give a --data-dir that holds nltk_data/{PACKAGES[name]}, or set NLTK_DATA.",
        ) from None


def _cached() -> Path:
    return cache_dir() / "nltk_data"


def _roots(store: Store) -> list[Path]:
    import nltk

    own = [Path(entry) for entry in nltk.data.path if entry]
    given = [store.data_dir.resolve() / "nltk_data"] if store.data_dir else []
    return list(dict.fromkeys([*own, *given, _cached()]))


def _is_trusted(root: Path, package: str) -> bool:
    import nltk

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # NLTK warns of each refused folder; the caller says it better
        try:
            nltk.data.find(package + "/", paths=[str(root)])
        except LookupError:
            return False
    return True

"""Fixtures that every room's tests share."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="session")
def data_dir() -> Path:
    """The folder of official data and upstream verdicts; tests that need it are skipped without it."""
    path = Path(os.environ.get("HERL_DATA") or ROOT.parent / "shared" / "data")
    if not path.is_dir():
        pytest.skip(f"official data not found at {path}: set HERL_DATA to run this test")
    return path

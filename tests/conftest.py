"""Fixtures that every room's tests share."""

from __future__ import annotations

import os
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import pytest
from servers import FaultServer, VllmServer

from herl.engine.weights import find_weights

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="session")
def data_dir() -> Path:
    """The folder of official data and upstream verdicts; tests that need it are skipped without it."""
    path = Path(os.environ.get("HERL_DATA") or ROOT.parent / "shared" / "data")
    if not path.is_dir():
        pytest.skip(f"official data not found at {path}: set HERL_DATA to run this test")
    return path


@pytest.fixture
def fault_server() -> Iterator[FaultServer]:
    """A chat server that misbehaves on demand."""
    server = FaultServer()
    yield server
    server.close()


@pytest.fixture(scope="session")
def vllm_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The base URL of vLLM's own server with the demo model, called "demo"; started once, when first needed."""
    if find_spec("vllm") is None:
        pytest.skip("vLLM is not installed")
    folder = Path(find_weights("demo").locate())
    server = VllmServer(folder, "demo", tmp_path_factory.mktemp("vllm") / "server.log")
    try:
        server.wait()
        yield server.url
    finally:
        server.close()

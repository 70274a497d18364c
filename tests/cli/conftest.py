"""The real command line, called in this process."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from herl.cli.app import app

Herl = Callable[..., Result]

PLUGIN = """
from pathlib import Path
from herl.benchmarks.base import Benchmark, Parity
from herl.resources import DataSource, rows_digest

ROWS = [{"key": 1, "prompt": "Say hello."}]

def parity(store):
    return Parity(checked=10, agreed=7, explained={"a reason": 2}, unexplained=["item 4: upstream says met"])

BENCHMARK = Benchmark(
    name="plugin", version="3", title="A plug-in", description="Made for a test.", paper="", licence="MIT",
    upstream="", source=DataSource("plugin.jsonl", digest=rows_digest(ROWS)), metrics=(), primary="",
    graders={}, load=lambda store: [], parity=parity,
)
"""


@pytest.fixture
def herl(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Herl:
    """Calls `herl` with arguments; runs live below the test's own folder."""
    monkeypatch.setenv("HERL_RUNS_DIR", str(tmp_path / "runs"))
    monkeypatch.setenv("HERL_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.delenv("HERL_DATA", raising=False)
    monkeypatch.setenv("COLUMNS", "120")
    return lambda *arguments: CliRunner().invoke(app, [str(argument) for argument in arguments], prog_name="herl")


@pytest.fixture
def plugin(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """An installed package that offers the benchmark `plugin`, whose parity has an unexplained difference."""
    site = tmp_path / "site"
    info = site / "herl_plugin-1.0.dist-info"
    info.mkdir(parents=True)
    (site / "herl_plugin.py").write_text(PLUGIN)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: herl-plugin\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[herl.benchmarks]\nplugin = herl_plugin:BENCHMARK\n")
    monkeypatch.syspath_prepend(str(site))
    return "plugin"

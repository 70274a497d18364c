"""The real command line, called in this process, and a plug-in benchmark for it."""

from __future__ import annotations

from pathlib import Path

from typer.testing import CliRunner, Result

from herl.cli.app import app

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


class Herl:
    """Calls `herl` with arguments.

    Args:
        folder: Runs and caches live below it.
    """

    def __init__(self, folder: Path) -> None:
        self._environment: dict[str, str | None] = {
            "HERL_RUNS_DIR": str(folder / "runs"),
            "HERL_CACHE": str(folder / "cache"),
            "HERL_DATA": None,
            "HF_HUB_OFFLINE": "1",
            "COLUMNS": "120",
        }

    def __call__(self, *arguments: object, **environment: str) -> Result:
        """Run a command line; its output and exit code."""
        command = [str(argument) for argument in arguments]
        return CliRunner().invoke(app, command, env=self._environment | environment, prog_name="herl")


def install_plugin(site: Path) -> str:
    """Lay out an installed package that offers a benchmark, whose parity has an unexplained difference.

    Args:
        site: A folder on `sys.path`.

    Returns:
        The benchmark's name.
    """
    info = site / "herl_plugin-1.0.dist-info"
    info.mkdir(parents=True)
    (site / "herl_plugin.py").write_text(PLUGIN)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: herl-plugin\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[herl.benchmarks]\nplugin = herl_plugin:BENCHMARK\n")
    return "plugin"

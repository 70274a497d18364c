"""How long `herl --help` takes, as a multiple of a bare typer app's `--help`.

Both run alternately in processes of their own, so that a busy machine slows both. The promise is 1.3.

    python tests/perf/cli_start.py
"""

from __future__ import annotations

import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

RUNS = 15
BARE = '''
import typer

app = typer.Typer()


@app.command()
def hello(name: str = "you") -> None:
    """Say hello."""


app()
'''


def seconds(command: list[str]) -> float:
    """Wall time of one process."""
    begin = time.perf_counter()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - begin


def main() -> None:
    """Print both medians and their ratio."""
    with tempfile.TemporaryDirectory() as folder:
        script = Path(folder) / "bare.py"
        script.write_text(BARE)
        bare = [sys.executable, str(script), "--help"]
        ours = [str(Path(sys.executable).with_name("herl")), "--help"]
        for command in (bare, ours):
            seconds(command)  # reads files into the page cache, writes bytecode
        pairs = [(seconds(bare), seconds(ours)) for _ in range(RUNS)]
    bare_median, our_median = (statistics.median(times) for times in zip(*pairs, strict=True))
    print(f"bare typer app {bare_median:.3f} s, herl {our_median:.3f} s, ratio {our_median / bare_median:.2f}")


if __name__ == "__main__":
    main()

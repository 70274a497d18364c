"""CPU time of a whole `herl eval -m replay:…` against scoring the same answers and nothing else.

Run: .venv/bin/python tests/perf/replay_overhead.py [DATA_DIR]
Both run as fresh processes, alternately, imports included; prints the medians and their ratio (goal: at most 1.5).
"""

from __future__ import annotations

import resource
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

ROUNDS = 5

SCORING_ALONE = """
import json, sys
from pathlib import Path
from herl.benchmarks import get
from herl.resources import Store, read_jsonl
data = Path(sys.argv[1])
benchmark, store = get("ifeval"), Store(data)
answers = {row["prompt"]: row["response"] for row in read_jsonl(data / "ifeval/responses/gpt4.jsonl")}
items = benchmark.load(store)
benchmark.prepare(store)
met = [
    item.rubric.grade(grader.verdicts(item, answers[item.messages[-1].content])).score
    for item in items
    for grader in benchmark.graders.values()
]
assert len(met) == 2 * 541
"""


def cpu_seconds(command: list[str]) -> float:
    """User and system seconds of a command and its children."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(command, check=True, capture_output=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def main(data: Path) -> None:
    """Measure and print."""
    with tempfile.TemporaryDirectory() as runs:
        evaluation = [sys.executable, "-m", "herl.cli.app", "eval", "-m", f"replay:{data}/ifeval/responses/gpt4.jsonl"]
        evaluation += ["-b", "ifeval", "--data-dir", str(data), "--runs-dir", runs, "--fresh", "--json"]
        scoring = [sys.executable, "-c", SCORING_ALONE, str(data)]
        times = [(cpu_seconds(evaluation), cpu_seconds(scoring)) for _ in range(ROUNDS)]
    whole, alone = (statistics.median(column) for column in zip(*times, strict=True))
    print(f"herl eval {whole:.2f} CPU s, scoring alone {alone:.2f} CPU s, ratio {whole / alone:.2f}")


if __name__ == "__main__":
    main(Path(sys.argv[1] if len(sys.argv) > 1 else "../shared/data").resolve())

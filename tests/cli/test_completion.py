"""Shell completion, through the protocol that shells speak, and once through a real bash."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from made_runs import result, write_run

HERL = Path(sys.executable).with_name("herl")


def complete(line: str, **environment: str) -> list[str]:
    """What bash would offer with the cursor at the end of a line."""
    words = line.split(" ")
    protocol = {"_HERL_COMPLETE": "complete_bash", "COMP_WORDS": line, "COMP_CWORD": str(len(words) - 1)}
    done = subprocess.run(
        [HERL], env={**os.environ, **protocol, **environment}, capture_output=True, text=True, check=True
    )
    return done.stdout.split()


@pytest.mark.parametrize(
    ("line", "offered"),
    [
        ("herl rep", ["report"]),
        ("herl data ver", ["verify"]),
        ("herl eval -b ife", ["ifeval"]),
        ("herl eval --benchmark de", ["demo"]),
        ("herl eval -b demo,ife", ["demo,ifeval"]),
        ("herl self-improve -b ife", ["ifeval"]),
        ("herl self-improve --critic or", ["oracle"]),
        ("herl self-improve --controls resample,se", ["resample,self-refine"]),
        ("herl self-improve --controls --roun", ["--rounds"]),
        ("herl describe ifev", ["ifeval"]),
        ("herl report x --format c", ["csv"]),
        ("herl show x --onl", ["--only"]),
    ],
)
def test_verbs_benchmarks_and_options_are_completed(line: str, offered: list[str]) -> None:
    assert complete(line) == offered


def test_a_benchmark_is_not_offered_twice() -> None:
    offered = complete("herl eval -b demo,")
    assert "demo,ifeval" in offered and "demo,demo" not in offered


def test_runs_are_completed_from_the_runs_dir(tmp_path: Path) -> None:
    for name in ("small-demo", "small-ifeval", "large-demo"):
        write_run(tmp_path, name, result())
    assert complete("herl report small", HERL_RUNS_DIR=str(tmp_path)) == ["small-demo", "small-ifeval"]
    assert complete(f"herl report --runs-dir {tmp_path} large-demo small-i") == ["small-ifeval"]
    assert complete("herl show la", HERL_RUNS_DIR=str(tmp_path)) == ["large-demo"]


def test_without_any_runs_nothing_is_offered_and_nothing_breaks(tmp_path: Path) -> None:
    assert complete("herl show ", HERL_RUNS_DIR=str(tmp_path / "none")) == []


@pytest.mark.skipif(shutil.which("bash") is None, reason="bash is not installed")
def test_completion_is_installed_for_bash_and_works_there(tmp_path: Path) -> None:
    environment = {
        **os.environ,
        "HOME": str(tmp_path),
        "PATH": f"{HERL.parent}:{os.environ['PATH']}",
        "_TYPER_COMPLETE_TEST_DISABLE_SHELL_DETECTION": "1",
    }
    subprocess.run([HERL, "--install-completion", "bash"], env=environment, capture_output=True, check=True)
    script = """
        source ~/.bashrc
        COMP_WORDS=(herl eval -b ife); COMP_CWORD=3
        _herl_completion herl
        echo "${COMPREPLY[@]}"
    """
    done = subprocess.run(["bash", "--norc", "-c", script], env=environment, capture_output=True, text=True, check=True)
    assert done.stdout == "ifeval\n"

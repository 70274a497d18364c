"""`herl data`: what would be read from where, fetching it, comparing it with what is official."""

from __future__ import annotations

import hashlib
import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from command import Herl, install_plugin

FILES = """
from dataclasses import replace
from herl.benchmarks.base import Benchmark
from herl.resources import DataSource

def file(name, sha256=""):
    return DataSource(f"files/{name}.jsonl", url=f"FOLDER/{name}.jsonl", sha256=sha256)

def configure(split, options):
    return replace(BENCHMARK, name=f"files:{split}", source=file(split))

BENCHMARK = Benchmark(
    name="files", version="1", title="Three files", description="", paper="", licence="MIT", upstream="",
    source=file("main", "SHA256"), more_sources=(file("more"),), metrics=(), primary="", load=lambda store: [],
    splits=("hard",), configure=configure,
)
"""
ROWS = b'{"id": 1}\n{"id": 2}\n'


@pytest.fixture
def herl(tmp_path: Path) -> Herl:
    return Herl(tmp_path)


@pytest.fixture
def plugin(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.syspath_prepend(str(tmp_path / "site"))
    return install_plugin(tmp_path / "site")


@pytest.fixture
def files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder that holds the official files of a benchmark with a split and a second file."""
    official = tmp_path / "official"
    official.mkdir()
    for name in ("main", "more", "hard"):
        (official / f"{name}.jsonl").write_bytes(ROWS)
    info = tmp_path / "site" / "herl_files-1.0.dist-info"
    info.mkdir(parents=True)
    code = FILES.replace("FOLDER", official.as_uri()).replace("SHA256", hashlib.sha256(ROWS).hexdigest())
    (tmp_path / "site" / f"herl_files_{tmp_path.name}.py").write_text(code)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: herl-files\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(f"[herl.benchmarks]\nfiles = herl_files_{tmp_path.name}:BENCHMARK\n")
    monkeypatch.syspath_prepend(str(tmp_path / "site"))
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", False)
    monkeypatch.setenv("HERL_CACHE", str(tmp_path / "cache"))
    return official


def test_a_benchmark_is_pulled_with_its_splits_and_all_its_files(herl: Herl, files: Path) -> None:
    before = json.loads(herl("data", "where", "files", "--json").stdout)
    assert [(row["name"], row["there"]) for row in before] == [
        ("files", False),
        ("files (more)", False),
        ("files:hard", False),
    ]
    pulled = json.loads(herl("data", "pull", "files", "--json").stdout)
    assert list(pulled) == ["files", "files (more)", "files:hard"]
    digest = hashlib.sha256(ROWS).hexdigest()
    assert pulled["files"].startswith("2 rows of ") and pulled["files"].endswith(f"sha256 {digest}")
    assert pulled["files:hard"].endswith(f"sha256 {digest} (no official one to compare with)")
    shutil.rmtree(files)
    after = json.loads(herl("data", "where", "files", "--json").stdout)
    assert all(row["there"] and str(files.parent / "cache") in row["place"] for row in after)


def test_a_split_is_pulled_alone(herl: Herl, files: Path) -> None:
    assert list(json.loads(herl("data", "pull", "files:hard", "--json").stdout)) == ["files:hard", "files:hard (more)"]


def test_what_cannot_be_fetched_does_not_keep_the_rest_away(herl: Herl, files: Path) -> None:
    (files / "more.jsonl").unlink()
    done = herl("data", "pull", "files", "--json")
    assert done.exit_code == 1
    assert list(json.loads(done.stdout)) == ["files", "files:hard"]
    assert "files (more): " in done.stderr and "could not be fetched" in done.stderr


def test_a_file_is_verified_by_its_checksum(herl: Herl, files: Path) -> None:
    nothing = herl("data", "verify")
    assert nothing.exit_code == 2
    assert "files: not there, not verified" in nothing.stderr and "there are no data to verify" in nothing.stderr
    assert herl("data", "pull", "files").exit_code == 0
    [fetched] = json.loads(herl("data", "verify", "files", "--json").stdout)
    assert (fetched["name"], fetched["equal"], fetched["official"]) == ("files", True, fetched["sha256"])
    (files / "files").mkdir()
    (files / "files" / "main.jsonl").write_bytes(ROWS + b"\n")
    differs = herl("data", "verify", "files", "--data-dir", files)
    assert differs.exit_code == 4
    assert "compared byte by byte" in differs.stderr  # its rows are the official ones


def write_rows(folder: Path, *rows: dict[str, Any]) -> Path:
    folder.mkdir(exist_ok=True)
    (folder / "plugin.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    return folder


def test_where_says_the_place_and_whether_it_is_there(herl: Herl, plugin: str, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    [missing] = json.loads(herl("data", "where", plugin, "--data-dir", tmp_path / "empty", "--json").stdout)
    assert missing == {"name": "plugin", "place": str(tmp_path / "empty" / "plugin.jsonl"), "there": False}
    folder = write_rows(tmp_path / "full", {"key": 1})
    [present] = json.loads(herl("data", "where", plugin, "--data-dir", folder, "--json").stdout)
    assert present["there"] is True


def test_where_tells_the_hub_when_no_folder_is_given(herl: Herl) -> None:
    [row] = json.loads(herl("data", "where", "ifeval", "--json").stdout)
    assert row["place"].startswith("hub google/IFEval@966cd89545d6")


def test_where_includes_the_data_of_nltk(herl: Herl) -> None:
    rows = json.loads(herl("data", "where", "--json").stdout)
    assert "nltk punkt_tab" in [row["name"] for row in rows]


def test_verify_accepts_the_official_rows_whatever_nulls_they_carry(herl: Herl, plugin: str, tmp_path: Path) -> None:
    folder = write_rows(tmp_path / "data", {"prompt": "Say hello.", "key": 1, "extra": None})
    done = herl("data", "verify", plugin, "--data-dir", folder)
    assert done.exit_code == 0
    assert "equal" in done.stdout


def test_verify_of_other_rows_is_exit_code_4(herl: Herl, plugin: str, tmp_path: Path) -> None:
    folder = write_rows(tmp_path / "data", {"prompt": "Say goodbye.", "key": 1})
    done = herl("data", "verify", plugin, "--data-dir", folder, "--json")
    assert done.exit_code == 4
    [document] = json.loads(done.stdout)
    assert document["equal"] is False and document["sha256"] != document["official"]


@pytest.mark.parametrize("name", ["demo", "nltk"])
def test_verify_of_what_has_no_digest_is_refused(herl: Herl, plugin: str, tmp_path: Path, name: str) -> None:
    folder = write_rows(tmp_path / "data", {"prompt": "Say hello.", "key": 1})
    done = herl("data", "verify", plugin, name, "--data-dir", folder)
    assert (done.exit_code, done.stdout) == (2, "")
    assert f"no official digest to verify '{name}' with\nKnown: " in done.stderr
    assert "plugin" in done.stderr


def test_verify_of_missing_data_says_which_file(herl: Herl, plugin: str, tmp_path: Path) -> None:
    done = herl("data", "verify", plugin, "--data-dir", tmp_path)
    assert done.exit_code == 2
    assert "plugin.jsonl does not exist" in done.stderr


@pytest.mark.data
def test_verify_accepts_the_official_data_and_not_one_changed_letter(
    herl: Herl, data_dir: Path, tmp_path: Path
) -> None:
    assert herl("data", "verify", "ifeval", "--data-dir", data_dir).exit_code == 0
    (tmp_path / "ifeval").mkdir()
    copy = Path(shutil.copy(data_dir / "ifeval" / "input_data.jsonl", tmp_path / "ifeval"))
    copy.chmod(0o644)
    copy.write_text(copy.read_text().replace("e", "3", 1))
    assert herl("data", "verify", "ifeval", "--data-dir", tmp_path).exit_code != 0


def test_pull_without_a_network_says_so(herl: Herl, plugin: str) -> None:
    done = herl("data", "pull", plugin)
    assert done.exit_code == 2
    assert "plugin.jsonl is not on the hub" in done.stderr
    assert done.stdout == ""


def test_training_sets_have_files_like_benchmarks(herl: Herl, tmp_path: Path) -> None:
    rows = json.loads(herl("data", "where", "gsm8k", "hir-16k", "--data-dir", tmp_path, "--json").stdout)
    assert [row["name"] for row in rows] == ["gsm8k:train", "gsm8k:test", "hir-16k"]
    assert rows[2]["place"] == str(tmp_path / "hir/HIR_trainv1.jsonl") and not rows[2]["there"]
    (tmp_path / "gsm8k").mkdir()
    (tmp_path / "gsm8k/train.jsonl").write_bytes(ROWS)
    (tmp_path / "gsm8k/test.jsonl").write_bytes(ROWS)
    verified = herl("data", "verify", "gsm8k", "--data-dir", tmp_path)
    assert verified.exit_code == 4 and "DIFFERS" in verified.stdout

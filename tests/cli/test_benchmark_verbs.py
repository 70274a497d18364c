"""`list`, `describe`, `parity` and `data`: what there is, where it comes from, whether it is right."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from command import Herl, install_plugin

from herl.benchmarks import get
from herl.resources import Store


@pytest.fixture
def herl(tmp_path: Path) -> Herl:
    return Herl(tmp_path)


@pytest.fixture
def plugin(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.syspath_prepend(str(tmp_path / "site"))
    return install_plugin(tmp_path / "site")


def test_list_names_every_benchmark_without_reading_data(herl: Herl) -> None:
    found = {each["name"]: each for each in json.loads(herl("list", "--json").stdout)}
    assert {"demo", "ifeval"} <= set(found)
    assert set(found["ifeval"]) == {"name", "title", "size", "licence", "tags", "version"}
    text = herl("list").stdout
    assert "ifeval" in text and "541" in text and "Apache-2.0" in text


def test_the_listed_size_of_demo_is_the_real_one() -> None:
    assert get("demo").size == len(get("demo").load(Store()))


@pytest.mark.data
def test_the_listed_size_of_ifeval_is_the_real_one(data_dir: Path) -> None:
    assert get("ifeval").size == len(get("ifeval").load(Store(data_dir)))


def test_an_installed_plug_in_is_listed(herl: Herl, plugin: str) -> None:
    assert "A plug-in" in herl("list").stdout


def test_describe_tells_metrics_source_and_deviations(herl: Herl) -> None:
    text = herl("describe", "ifeval").stdout
    for part in ("prompt_level_strict_acc", "google/IFEval@966cd89545d6", "541", *get("ifeval").deviations):
        assert part in text
    document = json.loads(herl("describe", "ifeval", "--json").stdout)
    assert document["primary"] == "prompt_level_strict_acc"
    assert document["data"]["hub"] == "google/IFEval"


def test_parity_with_an_unexplained_difference_is_exit_code_4(herl: Herl, plugin: str) -> None:
    done = herl("parity", plugin)
    assert done.exit_code == 4
    assert done.stdout.split()[-5:] == ["plugin", "10", "7", "2", "1"]
    assert "plugin: 2 differ on purpose: a reason" in done.stderr
    assert "plugin: unexplained: item 4: upstream says met" in done.stderr
    [document] = json.loads(herl("parity", plugin, "--json").stdout)
    assert (document["benchmark"], document["checked"], document["agreed"]) == ("plugin", 10, 7)


def test_parity_of_a_benchmark_without_upstream_verdicts_is_an_error(herl: Herl) -> None:
    done = herl("parity", "demo")
    assert done.exit_code == 2
    assert "upstream published no verdicts for 'demo'" in done.stderr


def test_parity_in_a_folder_that_is_not_there_names_the_folder(herl: Herl, tmp_path: Path) -> None:
    done = herl("parity", "ifeval", "--data-dir", tmp_path / "nowhere")
    assert (done.exit_code, done.stderr) == (2, f"error: --data-dir {tmp_path / 'nowhere'} is not a folder\n")


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
    assert f"no official digest to verify '{name}' with\nKnown: ifeval, plugin." in done.stderr


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

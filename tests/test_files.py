"""Writing a file as a whole, wherever it lies."""

from __future__ import annotations

import os
import threading
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from herl.errors import UsageError
from herl.files import write_atomically


def test_a_file_is_replaced_and_nothing_else_is_left(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_text("older and longer")
    write_atomically(path, "new")
    assert path.read_text() == "new"
    assert list(tmp_path.iterdir()) == [path]


def test_a_link_stays_a_link_and_its_target_is_replaced(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    target, link = tmp_path / "folder" / "target", tmp_path / "link"
    target.write_text("older")
    link.symlink_to("folder/target")
    write_atomically(link, "new")
    assert link.is_symlink() and target.read_text() == "new"


def test_a_pipe_stays_a_pipe_and_its_reader_gets_the_text(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    read: list[str] = []
    reader = threading.Thread(target=lambda: read.append(pipe.read_text()), daemon=True)
    reader.start()
    write_atomically(pipe, "new")
    reader.join(timeout=10)
    assert read == ["new"] and pipe.is_fifo()


def test_a_folder_is_refused_and_left_alone(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="Is a directory"):
        write_atomically(tmp_path, "new")
    assert not list(tmp_path.iterdir())


@given(st.text(st.characters()))
def test_any_text_can_be_written(tmp_path_factory: pytest.TempPathFactory, text: str) -> None:
    path = tmp_path_factory.getbasetemp() / "any"
    write_atomically(path, text)
    assert path.read_bytes() == text.encode(errors="backslashreplace")

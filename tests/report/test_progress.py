"""Progress goes to stderr: live on a terminal, a line now and then elsewhere, never much work."""

from __future__ import annotations

import os
import pty
import subprocess
import sys
import time

import pytest

from herl.report import progress as module
from herl.report.progress import Progress

LIVE = """
import time
from herl.report.progress import Progress
with Progress("ifeval", 541, 500) as progress:
    for _ in range(41):
        progress.advance(100)
        time.sleep(0.02)
"""


def test_a_line_says_rows_done_speed_and_time_left() -> None:
    with Progress("ifeval", 541, 500) as progress:
        time.sleep(0.01)
        for _ in range(10):
            progress.advance(10)
    name, rate, left = progress.line().split(", ")
    assert name == "ifeval: 510 of 541"
    assert rate.endswith(" tokens/s") and int(rate.split()[0]) > 0
    assert left.endswith("s left")


def test_neither_rows_that_were_there_nor_loading_the_model_count_as_speed() -> None:
    with Progress("ifeval", 1000, 900) as progress:
        assert progress.line() == "ifeval: 900 of 1000"
        time.sleep(0.5)
        progress.advance(10**6)
        assert progress.line() == "ifeval: 901 of 1000"
        time.sleep(0.01)
        progress.advance(1)
    rate = progress.line().split(", ")[1]
    assert int(rate.split()[0]) <= 100


def test_a_log_gets_no_line_before_its_time(capfd: pytest.CaptureFixture[str]) -> None:
    with Progress("ifeval", 1000) as progress:
        for _ in range(1000):
            progress.advance(5)
    assert capfd.readouterr() == ("", "")


def test_a_log_gets_a_plain_line_when_it_is_time(
    capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_SECONDS_BETWEEN_LINES", 0.05)
    with Progress("ifeval", 3) as progress:
        progress.advance(5)
        time.sleep(0.06)
        progress.advance(5)
        progress.advance(5)
    out, err = capfd.readouterr()
    assert out == ""
    assert len(err.splitlines()) == 1 and err.startswith("ifeval: 2 of 3, ")


def test_a_terminal_sees_a_bar_with_rows_speed_and_time_left_and_stdout_stays_clean() -> None:
    stdout, seen = on_a_terminal(LIVE)
    assert stdout == b""
    assert "541/541" in seen and "tokens/s" in seen and "0:00:00" in seen


def test_advancing_a_live_bar_ten_thousand_times_redraws_it_only_a_few_times() -> None:
    script = LIVE.replace("541, 500", "10_000").replace("range(41)", "range(10_000)").replace("time.sleep(0.02)", "")
    _, seen = on_a_terminal(script)
    assert "10000/10000" in seen
    assert seen.count("ifeval") < 50


def on_a_terminal(script: str) -> tuple[bytes, str]:
    """Run Python with a terminal as its stderr.

    Returns:
        What it wrote to stdout (a pipe), and what the terminal saw.
    """
    master, slave = pty.openpty()
    environment = {**os.environ, "TERM": "xterm", "COLUMNS": "120"}
    with subprocess.Popen(
        [sys.executable, "-c", script], stdout=subprocess.PIPE, stderr=slave, env=environment
    ) as child:
        os.close(slave)
        chunks = []
        try:
            while chunk := os.read(master, 65536):
                chunks.append(chunk)
        except OSError:  # how Linux says that the other side is closed
            pass
        os.close(master)
        assert child.stdout
        stdout = child.stdout.read()
    assert child.returncode == 0
    return stdout, b"".join(chunks).decode()

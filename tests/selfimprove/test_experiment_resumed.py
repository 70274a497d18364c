"""An experiment's account, and how it goes on: nothing is counted twice, lost, or bought twice."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from random import Random
from typing import Any

import pytest
from improving import (
    REPLY,
    Said,
    Scripted,
    coin,
    prompt_of,
    varied,
)
from stands import CRITERIA, judged, judges_by_chance, model, of, prefers_by_chance

from herl.benchmarks.settings import Settings
from herl.engine.base import Failure, Request
from herl.errors import IncompleteError
from herl.selfimprove.journal import Journal
from herl.selfimprove.settings import CONTROLS

DRAWN = ("base", "best-of-n")


def totals(rows: Iterable[Mapping[str, Any]]) -> tuple[int, int]:
    """Tokens written and read."""
    used = [row["usage"] for row in rows]
    return sum(each["completion_tokens"] for each in used), sum(each["prompt_tokens"] for each in used)


# Who is paid for what.


@pytest.mark.parametrize("accept", ["verdicts", "preference"])
def test_what_an_item_took_is_what_was_bought_for_it_each_thing_once(tmp_path: Path, accept: str) -> None:
    stand = judged(tmp_path, 6)
    rows = stand.rows(rounds=3, revisions=2, accept=accept)
    bought = stand.journal
    said = [row for row in bought.rulings.values() if row["judge"].startswith("critic:")]
    for name, last in {row["id"]: row for row in of(rows, "loop")}.items():
        written, read = totals(row for row in bought.attempts.values() if row["id"] == name)
        criticised, shown = totals(row for row in [*said, *bought.preferences.values()] if row["id"] == name)
        assert last["spent"] == {"generated": written, "critic": criticised, "prompt": read + shown}


def test_what_a_control_took_is_counted_in_it_whoever_bought_it_first(tmp_path: Path) -> None:
    stand = judged(tmp_path, 6)
    rows = stand.rows(rounds=2, controls=CONTROLS, accept="verdicts")
    drew = {row["id"]: row for row in of(rows, "best-of-n")}
    assert len(drew) > 3
    for name, last in drew.items():
        mine = [row for row in stand.journal.attempts.values() if row["id"] == name and row["arm"] in DRAWN]
        texts = {row["response"] for row in mine}
        assert last["spent"]["generated"] == totals(mine)[0]
        assert last["spent"]["critic"] == len(texts) * len(CRITERIA) * REPLY, "the plain answer's verdicts among them"


def test_spent_grows_from_round_to_round(tmp_path: Path) -> None:
    rows = judged(tmp_path, 6).rows(rounds=3, controls=CONTROLS)
    base = {row["id"]: row["spent"] for row in of(rows, "base")}
    for arm in ("loop", "best-of-n", "self-refine"):
        for name, before in base.items():
            for row in (row for row in of(rows, arm) if row["id"] == name):
                assert all(row["spent"][kind] >= before[kind] for kind in before)
                assert row["spent"]["generated"] > before["generated"] or not row["round"]
                before = row["spent"]


# How it goes on.


def test_the_same_seeds_give_the_same_rows_and_others_give_others(tmp_path: Path) -> None:
    loop: dict[str, Any] = {"rounds": 2, "revisions": 2, "hidden": 0.3, "controls": CONTROLS}
    rows = judged(tmp_path).rows(**loop)
    assert judged(tmp_path).rows(**loop) == rows
    assert judged(tmp_path, answers=Settings(seed=8)).rows(**loop) != rows


def test_stopped_anywhere_it_ends_as_an_undisturbed_one_would_and_buys_nothing_twice(tmp_path: Path) -> None:
    loop: dict[str, Any] = {"rounds": 2, "revisions": 2, "hidden": 0.3, "controls": CONTROLS}
    whole = judged(tmp_path / "whole", 4)
    expected = whole.rows(**loop)

    folder, moments, deaths = tmp_path / "rows", Random(1), 0
    folder.mkdir()
    stand = judged(tmp_path / "broken", 4, journal=Journal(folder))
    while deaths < 99:
        for engine in (stand.policy, stand.critic, *stand.judges):
            assert engine is not None
            engine.dies_after = moments.randint(3, 25)
        try:
            rows = stand.rows(**loop)
            break
        except IncompleteError:
            deaths += 1
            stand.journal.close()
            stand.journal = Journal(folder)
    assert 5 < deaths < 99
    assert rows == expected
    for name in ("attempts", "rulings", "preferences"):
        assert getattr(stand.journal, name) == getattr(whole.journal, name)
    lines = {path.stem: path.read_text().count("\n") for path in folder.iterdir()}
    assert lines["attempts"] == len(whole.journal.attempts)
    assert lines["verdicts"] == len(whole.journal.rulings)
    assert lines["preferences"] == len(whole.journal.preferences)


@pytest.mark.parametrize("who", ["policy", "critic", "judge"])
def test_what_fails_now_is_had_later_and_nothing_is_bought_that_a_whole_run_would_not_have_bought(
    tmp_path: Path, who: str
) -> None:
    loop: dict[str, Any] = {"rounds": 2, "controls": CONTROLS}
    whole = judged(tmp_path / "whole", 4)
    expected, down = whole.rows(**loop), True

    def failing(script: Callable[[Request], Said], name: str) -> Scripted:
        def now_and_then(request: Request) -> Said:
            return Failure("time-out") if down and coin(prompt_of(request)) % 5 == 0 else script(request)

        return model(now_and_then if name == who else script, name)

    stand = judged(
        tmp_path / "failing",
        4,
        policy=failing(varied, "policy"),
        critic=failing(prefers_by_chance, "critic"),
        judges=[failing(judges_by_chance, "judge")],
    )
    outcome = stand.run(**loop)
    assert not outcome.stages and sum(outcome.failures.values()) > 0
    assert all("time-out" in reason for reason in outcome.failures)
    down = False
    assert stand.rows(**loop) == expected
    assert stand.journal.attempts == whole.journal.attempts
    assert stand.journal.preferences == whole.journal.preferences
    assert stand.journal.rulings.keys() == whole.journal.rulings.keys()

"""Settings of the loop that make no sense, or contradict each other, are refused by their flag's name."""

from __future__ import annotations

import json
import math
from typing import Any

import pytest

from herl.errors import UsageError
from herl.selfimprove.settings import CONTROLS, ORACLE, SELF, LoopSettings


def test_the_defaults_make_sense() -> None:
    assert LoopSettings().acceptance(SELF) == "preference"


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"rounds": 0}, "--rounds must be a whole number from 1, not 0"),
        ({"revisions": 0}, "--revisions must be a whole number from 1"),
        ({"patience": -1}, "--patience must be a whole number from 1"),
        ({"budget": 0}, "--budget must be a whole number from 1, not 0"),
        ({"rounds": 1.5}, "--rounds must be a whole number from 1, not 1.5"),
        ({"budget": 1e5}, "--budget must be a whole number from 1"),
        ({"form": "breif"}, "unknown --form 'breif'"),
        ({"form": "draft"}, "unknown --form 'draft'"),
        ({"accept": "verdict"}, "unknown --accept 'verdict'"),
        ({"controls": "best-of-n"}, "several names, not one text"),
        ({"hidden": 1.0}, "--hidden must be from 0 to below 1, not 1.0"),
        ({"hidden": -0.1}, "--hidden"),
        ({"hidden": math.nan}, "--hidden"),
        ({"temperature": 0.0}, "--revision-temperature must be above 0"),
        ({"temperature": math.inf}, "--revision-temperature"),
        ({"temperature": math.nan}, "--revision-temperature"),
        ({"controls": ("best-of-n", "best-of-n")}, "a control is named twice"),
        ({"controls": ("best-of-m",)}, "unknown control 'best-of-m'"),
        ({"controls": ("",)}, "unknown control ''"),
    ],
)
def test_what_makes_no_sense_is_refused(changes: dict[str, Any], words: str) -> None:
    with pytest.raises(UsageError, match=words):
        LoopSettings(**changes)


def test_a_misspelt_control_is_corrected() -> None:
    with pytest.raises(UsageError) as raised:
        LoopSettings(controls=("best-of-m",))
    assert "best-of-n" in (raised.value.hint or "")


@pytest.mark.parametrize(
    ("critic", "asked", "found"),
    [
        (ORACLE, None, "verdicts"),
        (ORACLE, "verdicts", "verdicts"),
        (SELF, None, "preference"),
        (SELF, "verdicts", "verdicts"),
        ("openai:gpt", None, "preference"),
        ("openai:gpt", "preference", "preference"),
    ],
)
def test_what_makes_a_revision_better(critic: str, asked: Any, found: str) -> None:
    assert LoopSettings(accept=asked).acceptance(critic) == found


def test_an_oracle_compares_nothing() -> None:
    with pytest.raises(UsageError, match="an oracle gives verdicts, it does not compare answers"):
        LoopSettings(accept="preference").acceptance(ORACLE)


def test_they_are_written_down_as_plain_values() -> None:
    made = LoopSettings(controls=CONTROLS, hidden=0.3, budget=900)
    assert json.loads(json.dumps(made.as_config())) == made.as_config()
    assert LoopSettings(**{**made.as_config(), "controls": tuple(made.as_config()["controls"])}) == made

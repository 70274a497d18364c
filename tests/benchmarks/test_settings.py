"""What a user may decide about a run, and what is refused before anything starts."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from herl.benchmarks.settings import JudgeSettings, Settings
from herl.errors import UsageError
from herl.item import Item, Message, Sampling
from herl.judge.cost import Price
from herl.judge.examples import Example
from herl.rubric import Criterion, Rubric

OWN = {"temperature": 0.5, "max_tokens": 7, "stop": ("\n",)}
ITEM = Item("1", (Message("user", "Hi"),), Rubric((Criterion("c", "It greets."),)), facts={"sampling": OWN})


def test_a_user_goes_before_an_item_and_an_item_before_the_protocol() -> None:
    protocol = Sampling(temperature=1.0, top_p=0.9, top_k=5, max_tokens=100)
    assert Settings().sampling(protocol) == protocol
    assert Settings().sampling(protocol, ITEM) == Sampling(0.5, 0.9, 5, 7, ("\n",))
    assert Settings(temperature=0.0, max_tokens=9).sampling(protocol, ITEM) == Sampling(0.0, 0.9, 5, 9, ("\n",))


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("limit", 0),
        ("samples", 0),
        ("temperature", -0.1),
        ("temperature", math.nan),
        ("temperature", math.inf),
        ("top_p", 0.0),
        ("top_p", 1.1),
        ("top_p", math.nan),
        ("max_tokens", 0),
        ("seed", -1),
    ],
)
def test_settings_that_make_no_sense_are_refused_with_their_flag(field: str, value: float) -> None:
    settings: dict[str, Any] = {field: value}
    with pytest.raises(UsageError, match=f"--{field.replace('_', '-')} must be"):
        Settings(**settings)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"min_coverage": 1.1}, "--min-judge-coverage must be from 0 to 1"),
        ({"min_coverage": math.nan}, "--min-judge-coverage must be from 0 to 1"),
        ({"models": ("demo", "demo")}, "the same judge is named twice"),
        ({"models": ("http://a:1@h/v1#x", "http://b:2@h/v1#x")}, "the same judge is named twice"),
        ({"models": ("a", "b", "c"), "prices": (Price(1, 2), Price(3, 4))}, "2 prices for 3 judges"),
        ({"sampling": {"temprature": 0}}, "judges have no setting 'temprature'"),
        ({"sampling": {"temperature": -1}}, "judge.temperature must be a number from 0, not -1"),
        ({"sampling": {"temperature": math.nan}}, "judge.temperature must be a number from 0"),
        ({"sampling": {"temperature": True}}, "judge.temperature must be a number from 0"),
        ({"sampling": {"top_p": 0}}, "judge.top_p must be a number above 0 and at most 1"),
        ({"sampling": {"top_k": 0.5}}, "judge.top_k must be a whole number from 0"),
        ({"sampling": {"max_tokens": 0}}, "judge.max_tokens must be a whole number from 1"),
        ({"sampling": {"max_tokens": "many"}}, "judge.max_tokens must be a whole number from 1, not 'many'"),
    ],
)
def test_judges_that_make_no_sense_are_refused(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(UsageError) as caught:
        JudgeSettings(**{"models": ("judge",), **changes})
    assert message in caught.value.message


json_values: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(), st.lists, max_leaves=3
)


@given(st.sampled_from(["temperature", "top_p", "top_k", "max_tokens"]), json_values)
def test_whatever_is_written_for_the_judges_sampling_is_usable_or_refused(name: str, value: object) -> None:
    try:
        found = JudgeSettings(models=("judge",), sampling={name: value}).sampling[name]
    except UsageError:
        return
    assert found >= 0 and found < math.inf
    assert name in ("temperature", "top_p") or isinstance(found, int)


def test_one_price_is_for_all_judges_and_several_are_in_their_order() -> None:
    one, two = Price(1, 2), Price(3, 4)
    assert [JudgeSettings(("a", "b"), prices=(one,)).price_of(n) for n in (0, 1)] == [one, one]
    assert [JudgeSettings(("a", "b"), prices=(one, two)).price_of(n) for n in (0, 1)] == [one, two]
    assert JudgeSettings(("a",)).price_of(0) is None


def test_what_is_written_of_judges_holds_no_secret_and_survives_json(tmp_path: Path) -> None:
    example = Example("2 + 2?", "4", "Is right.", 1.0, facts={"reference": "4"})
    settings = JudgeSettings(("https://me:sk-secret@host/v1?key=sk-secret#gpt",), examples=(example,))
    config = settings.as_config()
    assert "sk-secret" not in json.dumps(config)
    assert config["judges"] == ["https://***@host/v1?***#gpt"]
    assert json.loads(json.dumps(config)) == config


def test_price_and_floor_are_no_part_of_what_a_run_is() -> None:
    plain = JudgeSettings(("judge",))
    assert JudgeSettings(("judge",), min_coverage=0.5, prices=(Price(1, 2),), allow_self=True).as_config() == (
        plain.as_config()
    )
    assert JudgeSettings().as_config() == {}

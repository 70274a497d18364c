"""Checks that come from a file are refused before they run, or are what `to_check` writes."""

from __future__ import annotations

import json
from typing import Any

import pytest

from herl.benchmarks.muldimif.arguments import cleaned
from herl.benchmarks.muldimif.as_check import KINDS, to_check
from herl.benchmarks.muldimif.checks_rare import COUNTS
from herl.benchmarks.muldimif.constraints import (
    Attributes,
    BulletEndings,
    CapitalizedWord,
    ChineseScript,
    Constraint,
    Contains,
    Endings,
    Fixed,
    JsonDepth,
    Keywords,
    KeywordsByTopic,
    KeywordsOfEach,
    KeywordSwap,
    Length,
    LetterCase,
    LettersOfEachWord,
    Markdown,
    NotBlank,
    Occurrences,
    Paragraphs,
    Sentences,
    SizeOfEach,
    StartsWith,
    Table,
    Words,
)
from herl.benchmarks.muldimif.grading import with_worded
from herl.errors import UsageError
from herl.rubric import Check

# Of each kind one, with every field set to something unusual.
FULL: list[Constraint] = [
    Fixed(True),
    Sentences(0, 2),
    Paragraphs(1, 2),
    Words(1, 2, 3, 4, ("a", "b")),
    SizeOfEach("cell", 1, 2, True),
    LettersOfEachWord(1, 2),
    Keywords(("a",), 2, True, True, True, True, 1, 2),
    KeywordsOfEach(("a",), 2, True, True, True, True, 1, 2, "cell"),
    KeywordSwap("a", "b"),
    KeywordsByTopic(((("a", "b"), "c"), ((), "d"))),
    Endings("cell", ".!", True, ".~"),
    BulletEndings("."),
    LetterCase("lower", "json keys"),
    NotBlank(),
    ChineseScript("traditional", True),
    Contains(("a", "b")),
    Markdown((1, 2), ((2, "a"),), True, 1, 2, 3, 4, 5, 6, True, 7, True, True, True),
    Table(True, True, 1, 2, 3, 4, 5, ("a",), True, (("a", "b"), ()), ("c",)),
    JsonDepth(1, 2),
    StartsWith("a"),
    CapitalizedWord("A"),
    Length(1, 2, 3, True),
    Occurrences("citations", 1, 2),
    Attributes(1, 2),
]
CHECKS = [to_check(constraint) for constraint in FULL]
WANTED = r"(true or false|a whole number that is not negative|a text|a list of .+|'\w+' or '.+'), not \{"


def with_floats(value: Any) -> Any:
    """As a table gives it back: every number is a float."""
    match value:
        case dict():
            return {key: with_floats(each) for key, each in value.items()}
        case list():
            return [with_floats(each) for each in value]
    return float(value) if type(value) is int else value


def refusal(name: str, **arguments: Any) -> UsageError:
    with pytest.raises(UsageError) as raised:
        cleaned(Check(name, arguments))
    assert "\n" not in raised.value.message
    return raised.value


def test_there_is_an_example_of_every_kind() -> None:
    assert [check.id for check in CHECKS] == list(KINDS)


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.id)
def test_a_check_survives_a_file_and_a_table(check: Check) -> None:
    written = json.loads(json.dumps(check.kwargs))
    for arguments in (written, with_floats(written)):
        found = cleaned(Check(check.id, arguments))
        assert json.dumps(found.kwargs) == json.dumps(check.kwargs) and found == check


@pytest.mark.parametrize(
    ("check", "field"), [(check, field) for check in CHECKS for field in check.kwargs], ids=lambda each: str(each)[:40]
)
def test_no_field_takes_a_value_of_another_kind(check: Check, field: str) -> None:
    error = refusal(check.id, **{**check.kwargs, field: {"a": 1}})
    assert error.message.startswith(f"the check {check.id}: '{field}' must be ")
    with pytest.raises(UsageError, match=WANTED):
        raise error


@pytest.mark.parametrize(
    ("name", "arguments", "message", "hint"),
    [
        ("words", {"at_mst": 3}, "the check words has an unknown key 'at_mst'", "'at_most'"),
        ("endings", {"marks": "."}, "the check endings has no 'unit'", ""),
        ("words", {"at_most": True}, "must be a whole number that is not negative, not true", ""),
        ("words", {"at_most": -1}, "not negative, not -1", ""),
        ("words", {"at_most": 2.5}, "not negative, not 2.5", ""),
        ("words", {"at_most": float("inf")}, "the check words: inf is not a finite number", ""),
        ("fixed", {"met": 1}, "'met' must be true or false, not 1", ""),
        ("letter_case", {"case": "uper"}, "'case' must be 'upper' or 'lower' or 'title', not \"uper\"", ""),
        ("keywords", {"keywords": "tea"}, 'must be a list of texts, not "tea"', ""),
        ("keywords", {"keywords": ["tea", 2]}, "must be a list of texts, not", ""),
        ("markdown", {"titles": [[1]]}, "must be a list of pairs of a whole number and a text, not [[1]]", ""),
        ("occurrences", {"what": "bullet point"}, "cannot count 'bullet point'", "'bullet points'"),
    ],
)
def test_an_argument_that_could_not_be_used_is_refused(
    name: str, arguments: dict[str, Any], message: str, hint: str
) -> None:
    error = refusal(name, **arguments)
    assert message in error.message and hint in error.hint


def test_all_that_can_be_counted_may_be_asked_for() -> None:
    for what in COUNTS:
        assert cleaned(Check("occurrences", {"what": what})) == to_check(Occurrences(what))


def test_what_is_as_usual_or_null_is_left_out() -> None:
    assert cleaned(Check("words", {"at_least": None, "at_most": 5, "quoted": []})) == Check("words", {"at_most": 5})


def test_what_the_sentence_says_is_a_check_like_any_other() -> None:
    check = with_worded(to_check(Fixed(True)), to_check(Markdown(levels=(2,))))
    assert check.kwargs["worded"] == {"id": "markdown", "kwargs": {"levels": [2]}}
    assert cleaned(Check(check.id, with_floats(json.loads(json.dumps(check.kwargs))))) == check
    some = cleaned(Check("fixed", {"met": True, "worded": {"id": "not_blank", "kwargs": None}}))
    assert some == with_worded(to_check(Fixed(True)), to_check(NotBlank()))
    assert cleaned(Check("fixed", {"met": True, "worded": None})) == to_check(Fixed(True))


@pytest.mark.parametrize(
    ("worded", "message"),
    [
        ("words", "'worded' of the check fixed must be a mapping {id, kwargs}, not \"words\""),
        ({"kwargs": {}}, "'worded' of the check fixed has no 'id'"),
        ({"id": "wrds"}, "'worded' of the check fixed is an unknown check 'wrds'"),
        ({"id": "words", "kwargs": {"at_most": "five"}}, "'worded' of the check fixed (words): 'at_most' must be"),
        ({"id": "words", "kwargs": {"worded": {}}}, "'worded' of the check fixed (words) has an unknown key 'worded'"),
    ],
)
def test_a_fault_in_what_the_sentence_says_is_named_with_its_place(worded: Any, message: str) -> None:
    assert refusal("fixed", met=True, worded=worded).message.startswith(message)

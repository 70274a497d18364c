"""Rubrics as people write them: what is read, and what is said of what cannot be."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from made_rubrics import VALUES, rubrics

from herl.errors import HerlError, UsageError
from herl.rubric import Check, Criterion, Rubric, Rule
from herl.rubric_file import as_data, parse_rubric, read_rubric, write_rubric


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "rubric.yaml"


def written(path: Path, text: str | bytes) -> Path:
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return path


def refusal(path: Path, text: str | bytes) -> tuple[str, str]:
    """What is said of a file, without its folder, and the hint."""
    with pytest.raises(UsageError) as raised:
        read_rubric(written(path, text))
    assert "\n" not in raised.value.message + raised.value.hint
    return raised.value.message.replace(str(path), path.name), raised.value.hint


def test_a_list_of_texts_is_a_rubric(path: Path) -> None:
    rubric = read_rubric(written(path, "- It names Paris.\n- It is polite.\n"))
    assert rubric == Rubric((Criterion("1", "It names Paris."), Criterion("2", "It is polite.")))


def test_a_criterion_has_all_that_the_code_knows_of_one(path: Path) -> None:
    text = """
        rule: all_met
        criteria:
          - It names Paris.
          - {text: It is rude., id: rude, weight: -2, tags: ["tone:rude"]}
          - {text: How lively it is., scale: [1, 10], met_from: 7}
          - text: It has no commas.
            check: {id: "punctuation:no_comma"}
          - text: It has 20 words.
            check: {id: "length_constraints:number_words", kwargs: {relation: at least, num_words: 20}}
    """
    words = Check("length_constraints:number_words", {"relation": "at least", "num_words": 20})
    assert read_rubric(written(path, text)) == Rubric(
        (
            Criterion("1", "It names Paris."),
            Criterion("rude", "It is rude.", -2.0, tags=("tone:rude",)),
            Criterion("3", "How lively it is.", scale=(1.0, 10.0), met_from=7.0),
            Criterion("4", "It has no commas.", check=Check("punctuation:no_comma")),
            Criterion("5", "It has 20 words.", check=words),
        ),
        Rule.ALL_MET,
    )


def test_json_is_read_with_its_tabs_and_escapes(path: Path) -> None:
    assert (
        read_rubric(written(path, '{\n\t"criteria": ["It has a \\ud83d\\ude00."]\n}')).criteria[0].text
        == "It has a 😀."
    )


def test_a_byte_order_mark_is_passed_over(path: Path) -> None:
    assert read_rubric(written(path, b"\xef\xbb\xbf- It is short.\n")).criteria[0].text == "It is short."


def test_null_means_left_out() -> None:
    nulls = {"text": "a", "id": None, "weight": None, "scale": None, "met_from": None, "check": None, "tags": None}
    assert parse_rubric({"rule": None, "criteria": [nulls]}, "here") == Rubric((Criterion("1", "a"),))


def test_arguments_that_a_table_filled_up_with_nulls_are_left_out() -> None:
    rubric = parse_rubric([{"text": "a", "check": {"id": "c", "kwargs": {"n": 3, "word": None}}}], "here")
    assert rubric.criteria[0].check == Check("c", {"n": 3})


@given(rubrics())
def test_a_rubric_survives_as_plain_data_and_as_json(rubric: Rubric) -> None:
    assert parse_rubric(as_data(rubric), "here") == rubric
    assert parse_rubric(json.loads(json.dumps(as_data(rubric))), "here") == rubric


def test_a_date_is_the_text_that_it_is(tmp_path: Path) -> None:
    path = tmp_path / "rubric.yaml"
    path.write_text("- 2024-01-31\n- 2024-13-31\n")
    assert [criterion.text for criterion in read_rubric(path).criteria] == ["2024-01-31", "2024-13-31"]


@given(rubrics())
@example(Rubric(tuple(Criterion(text, text) for text in ("yes", "42", "- a: b # c", "2024-01-31", "\x85\ud800"))))
@example(Rubric((Criterion("1", "a", check=Check("b", {"\x85": 1})),)))
def test_a_rubric_survives_as_a_file(tmp_path_factory: pytest.TempPathFactory, rubric: Rubric) -> None:
    path = tmp_path_factory.mktemp("rubric") / "rubric.yaml"
    write_rubric(path, rubric)
    assert read_rubric(path) == rubric


def test_tuples_of_a_checks_arguments_become_lists() -> None:
    rubric = Rubric((Criterion("1", "a", check=Check("c", {"words": ("a", "b"), "inner": {"more": (1,)}})),))
    assert as_data(rubric)["criteria"][0]["check"]["kwargs"] == {"words": ["a", "b"], "inner": {"more": [1]}}


def test_a_file_is_as_short_as_a_person_would_write_it(path: Path) -> None:
    rude = Criterion("2", "It is rude.", -2.0)
    write_rubric(path, Rubric((Criterion("1", "Grüße: kurz"), rude, Criterion("3", "Lively.", 0.5, scale=(1.0, 10.0)))))
    assert path.read_text().splitlines() == [
        "criteria:",
        "- 'Grüße: kurz'",
        "- text: It is rude.",
        "  weight: -2",
        "- text: Lively.",
        "  weight: 0.5",
        "  scale:",
        "  - 1",
        "  - 10",
    ]


def test_numbers_of_rows_are_always_of_one_kind() -> None:
    data = as_data(Rubric((Criterion("1", "a", 2, scale=(1, 5), met_from=4),)))
    [criterion] = data["criteria"]
    assert [type(each) for each in (criterion["weight"], criterion["met_from"], *criterion["scale"])] == [float] * 4


@pytest.mark.parametrize(
    ("text", "says", "hint"),
    [
        ("", "the rubric rubric.yaml is empty", "list of criteria"),
        ("# only a comment\n", "the rubric rubric.yaml is empty", "list of criteria"),
        ("[]", "rubric.yaml: the rubric has no criteria", "docs/rubrics.md"),
        ("criteria: []", "rubric.yaml: the rubric has no criteria", "docs/rubrics.md"),
        ("rule: all_met", "rubric.yaml: the rubric has no 'criteria'", ""),
        ("criteria: It is short.", "rubric.yaml: the rubric: 'criteria' must be a list", ""),
        ("Just some\nprose", 'rubric.yaml: "Just some prose" is no rubric', "list of criteria"),
        ("criterai: [a]", "rubric.yaml: the rubric has an unknown key 'criterai'", "'criteria'"),
        ("rule: all_meet\ncriteria: [a]", "rubric.yaml: the rubric has an unknown rule 'all_meet'", "'all_met'"),
        ("- a\n- yes", "rubric.yaml: criterion 2 is true, not a text", '"yes"'),
        ("- off", "rubric.yaml: criterion 1 is false, not a text", '"yes"'),
        ("- 42", "rubric.yaml: criterion 1 is 42, not a text", '"yes"'),
        ("- a\n- # nothing", "rubric.yaml: criterion 2 is empty", "quotes"),
        ("- [x] done", "rubric.yaml, line 1: not valid YAML", "quotes"),
        ("- [x]", 'rubric.yaml: criterion 1 is ["x"], not a text', "quotes"),
        ("- Note: it is short", "rubric.yaml: criterion 1 has an unknown key 'Note'", "quotes"),
        ("- a\n- Note: short: very", "rubric.yaml, line 2: not valid YAML", "quotes"),
        ("- no: it is short", "rubric.yaml: the key False is no text", '"yes"'),
        ("- '  '", "rubric.yaml: criterion 1: its text is blank", ""),
        ("- {weight: 2, id: x}", "rubric.yaml: criterion 1 has no 'text'", ""),
        ("- {text: a, wieght: 2}", "rubric.yaml: criterion 1 has an unknown key 'wieght'", "'weight'"),
        ("- {txet: a, weight: 2}", "rubric.yaml: criterion 1 has an unknown key 'txet'", "'text'"),
        ("- {text: 5}", "rubric.yaml: criterion 1: 'text' must be a text, not 5", ""),
        ("- {text: a, weight: heavy}", "rubric.yaml: criterion 1: 'weight' must be a number, not \"heavy\"", ""),
        ("- {text: a, weight: true}", "rubric.yaml: criterion 1: 'weight' must be a number, not true", ""),
        ("- {text: a, weight: 0}", "rubric.yaml: criterion '1': the weight must be a finite number other than 0", ""),
        ("- {text: a, weight: .inf}", "rubric.yaml: inf is not a finite number", ""),
        ('[{"text": "a", "weight": NaN}]', "rubric.yaml: nan is not a finite number", ""),
        ("- {text: a, weight: 1" + "0" * 400 + "}", "rubric.yaml: criterion 1: 'weight' must be a number", ""),
        ("- {text: a, scale: 10}", "rubric.yaml: criterion 1: 'scale' must be two numbers", ""),
        ("- {text: a, scale: [1, 5, 10]}", "rubric.yaml: criterion 1: 'scale' must be two numbers", ""),
        ("- {text: a, scale: [10, 1]}", "rubric.yaml: criterion '1': scale (10.0, 1.0) must rise", ""),
        ("- {text: a, met_from: 7}", "rubric.yaml: criterion '1': met_from 7.0 is outside its scale", ""),
        ("- {text: a, tags: tone}", "rubric.yaml: criterion 1: 'tags' must be a list of texts", ""),
        ("- {text: a, tags: [yes]}", "rubric.yaml: criterion 1: 'tags' must be a list of texts, not [true]", ""),
        ("- {text: a, id: ''}", "rubric.yaml: criterion 1: its id is blank", ""),
        ("- {text: a, check: no_comma}", "rubric.yaml: criterion 1: 'check' must be a mapping", ""),
        ("- {text: a, check: {}}", "rubric.yaml: criterion 1: its check has no 'id'", ""),
        ("- {text: a, check: {id: b, kwarg: {}}}", "rubric.yaml: criterion 1: its check has an unknown", "'kwargs'"),
        ("- a\n- {text: b, id: 1}", "rubric.yaml: 2 criteria have the id '1'", "number"),
        ("- text: a\n  text: b", "rubric.yaml, line 1: the key 'text' stands there twice", ""),
        ('{"criteria": ["a"], "criteria": ["b"]}', "rubric.yaml: the key 'criteria' stands there twice", ""),
        ("- a\n---\n- b", "rubric.yaml, line 2: not valid YAML", ""),
        ("- a\x00b", "rubric.yaml: not valid YAML (unacceptable character", ""),
        (b"- caf\xe9", "rubric.yaml: not UTF-8 text (at byte 6)", "UTF-8"),
        ("- !!python/object/apply:os.getcwd []", "rubric.yaml, line 1: not valid YAML", ""),
    ],
)  # fmt: skip
def test_a_fault_is_named_in_one_line_with_its_place(path: Path, text: str | bytes, says: str, hint: str) -> None:
    message, offered = refusal(path, text)
    assert message.startswith(says)
    assert hint in offered


def test_a_file_that_is_not_there_and_a_folder_are_refused(path: Path) -> None:
    with pytest.raises(UsageError, match="does not exist"):
        read_rubric(path)
    with pytest.raises(UsageError, match="cannot be read: Is a directory"):
        read_rubric(path.parent)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("- a\n" * 100_000, "has more than 200,000 bytes"),
        ("[" * 20_000, "nested too deeply"),
        ("{a: " * 50_000, "nested too deeply"),
        (f"- {{text: a, check: {{id: b, kwargs: {'{a: ' * 40}1{'}' * 40}}}}}", "nested more than 32 levels deep"),
        ("- &a [x, x]\n- &b [*a, *a]\n- &c [*b, *b]", "line 1: what stands there is repeated by an alias"),
        ("- &a [*a]", "line 1: what stands there is repeated by an alias"),
    ],
)
def test_a_file_that_would_take_all_time_or_memory_is_refused(path: Path, text: str, says: str) -> None:
    assert says in refusal(path, text)[0]


def test_an_endless_file_is_not_read_to_its_end() -> None:
    with pytest.raises(UsageError, match="more than 200,000 bytes"):
        read_rubric(Path("/dev/zero"))


@given(VALUES | st.lists(st.dictionaries(st.sampled_from(["text", "id", "weight", "check", "scale"]), VALUES)))
def test_any_value_is_a_rubric_or_a_clear_error(value: Any) -> None:
    try:
        assert parse_rubric(value, "here").criteria
    except UsageError as error:
        assert error.message.startswith("here") and "\n" not in error.message


@given(st.text())
def test_any_text_is_a_rubric_or_a_clear_error(tmp_path_factory: pytest.TempPathFactory, text: str) -> None:
    path = tmp_path_factory.mktemp("rubric") / "rubric.yaml"
    path.write_bytes(text.encode(errors="surrogatepass"))
    try:
        assert read_rubric(path).criteria
    except UsageError as error:
        assert "\n" not in error.message


def test_a_rubric_that_cannot_be_written_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(HerlError, match="cannot write"):
        write_rubric(tmp_path / "no" / "rubric.yaml", Rubric((Criterion("1", "a"),)))

"""Named data sets become prompts with rubrics; what cannot be decided is left out with a reason, and counted."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from herl.benchmarks.own_prompts import benchmark_of_prompts
from herl.errors import UsageError
from herl.item import Item
from herl.resources import Store
from herl.train import gsm8k, hir, rar
from herl.train.loaded import Loaded

Row = Mapping[str, Any]

NO_COMMA = {"instruction_id_list": ["punctuation:no_comma"], "kwargs": [{}]}
RULE = "def check_following(instruction, response):\n    return len(response.split()) <= 3"


def hir_row(number: int, source: str, truth: Any, *criteria: str) -> Row:
    return {"id": number, "source": source, "prompt": f"Prompt {number}.", "criteria": criteria, "ground_truth": truth}


IFEVAL = hir_row(1, "type1", NO_COMMA, "Do not use commas.")
IFBENCH = hir_row(2, "type2", {"instruction_id_list": ["count:numbers"], "kwargs": [{"N": 2.0}]}, "Use two numbers.")
MULDIMIF = hir_row(
    3,
    "type3",
    {"constraints": [["Length", "Words", "The answer must have at most 5 words"]], "constraint_pattern": "Listing"},
    "At most 5 words.",
)
MIXED = hir_row(
    4,
    "type4",
    {"checker": ["[rule] length", "[llm] tone"], "functions": [RULE, "…"]},
    "Three words at most.",
    "Be kind.",
)
JUDGED = hir_row(5, "type4", {"checker": ["[llm] tone"], "functions": ["…"]}, "Be kind.")
BLIND = "The diagram must have at most 10 labeled components."
HIR = (IFEVAL, IFBENCH, MULDIMIF, MIXED, JUDGED)


def loaded(*rows: Row, allow_code: bool = False, judged: bool = False) -> Loaded[Item]:
    return hir.items(rows, allow_code=allow_code, judged=judged)


def met(item: Item, answer: str) -> list[float | None]:
    """What the checks make of an answer."""
    benchmark = benchmark_of_prompts("made", [item], judged=True, allow_code=True)
    [ready] = benchmark.load(Store())
    return [verdict.value for verdict in benchmark.graders["strict"].verdicts(ready, answer)]


def test_types_1_to_3_are_decided_by_our_own_checks_in_the_words_of_the_data() -> None:
    found = loaded(*HIR)
    assert [item.id for item in found.rows] == ["hir-1", "hir-2", "hir-3"]
    texts = [item.rubric.criteria[0].text for item in found.rows]
    assert texts == ["Do not use commas.", "Use two numbers.", "At most 5 words."]
    assert [met(item, "One, two 3 4") for item in found.rows] == [[0.0], [1.0], [1.0]]
    assert [met(item, "One two three four five six") for item in found.rows] == [[1.0], [0.0], [0.0]]
    assert [item.messages[-1].content for item in found.rows] == ["Prompt 1.", "Prompt 2.", "Prompt 3."]


@pytest.mark.parametrize(
    ("allow_code", "judged", "kept", "skipped"),
    [
        (False, False, [], {hir.NEEDS_CODE: 1, hir.NEEDS_JUDGE: 1}),
        (False, True, ["hir-5"], {hir.NEEDS_CODE: 1}),
        (True, False, [], {hir.NEEDS_JUDGE: 2}),
        (True, True, ["hir-4", "hir-5"], {}),
    ],
)
def test_type_4_needs_leave_for_its_code_and_a_judge_for_the_rest(
    allow_code: bool, judged: bool, kept: list[str], skipped: dict[str, int]
) -> None:
    found = loaded(MIXED, JUDGED, allow_code=allow_code, judged=judged)
    assert [item.id for item in found.rows] == kept
    assert dict(found.skipped) == skipped


def test_code_of_the_data_is_run_in_the_sandbox_and_the_rest_is_for_the_judge() -> None:
    [item] = loaded(MIXED, allow_code=True, judged=True).rows
    rule, tone = item.rubric.criteria
    assert rule.check is not None and rule.check.kwargs == {"code": RULE, "instruction": "Prompt 4."}
    assert tone.check is None and tone.text == "Be kind."
    benchmark = benchmark_of_prompts("made", [item], judged=True, allow_code=True)
    grader = benchmark.graders["strict"]
    checked = type(item)(item.id, item.messages, type(item.rubric)((rule,)))
    assert [grader.verdicts(checked, text)[0].value for text in ("One two", "One two three four")] == [1.0, 0.0]


@pytest.mark.parametrize(
    ("row", "fault"),
    [
        (hir_row(9, "type1", {"instruction_id_list": ["new:thing"], "kwargs": [{}]}, "A"), "unknown instruction"),
        (hir_row(9, "type1", {"instruction_id_list": ["count:numbers"], "kwargs": [None]}, "A"), "needs the argument"),
        (hir_row(9, "type1", {"instruction_id_list": ["detectable_format:constrained_response"], "kwargs": [{}]},
                 "Answer with red, green or blue."), "its options are not IFEval's"),
        (hir_row(9, "type3", {"constraints": [["Taste", "Sweet", "It is sweet"]]}, "A"), "unknown kind of constraint"),
        (hir_row(9, "type3", {"constraints": [["Length", "Words", BLIND]]}, "A"), "every answer gets one verdict"),
        (hir_row(9, "type4", {"checker": ["[rule] x"], "functions": ["print(1)"]}, "A"), "must define check_following"),
    ],
)  # fmt: skip
def test_a_row_with_a_criterion_that_nobody_can_decide_is_left_out_with_an_example(row: Row, fault: str) -> None:
    found = loaded(IFEVAL, row, allow_code=True, judged=True)
    assert [item.id for item in found.rows] == ["hir-1"]
    assert found.skipped == {hir.UNREADABLE: 1}
    assert found.examples[hir.UNREADABLE].startswith("row 2: criterion 1") and fault in found.examples[hir.UNREADABLE]


def test_what_the_sentence_says_counts_where_upstreams_checker_is_blind_to_it() -> None:
    sentence = "The answer should be entirely in uppercase letters."
    row = hir_row(9, "type3", {"constraints": [["Language", "English", sentence]]}, sentence)
    [item] = loaded(row).rows
    assert [met(item, text) for text in ("SEA", "Sea")] == [[1.0], [0.0]]


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"prompt": " "}, "the prompt is blank"),
        ({"prompt": None}, "the field 'prompt' must be a text"),
        ({"id": None}, "the field 'id' must be"),
        ({"id": 1}, "an earlier row has the same id"),
        ({"source": "type5"}, 'must be type1, type2, type3 or type4, not "type5"'),
        ({"criteria": []}, "'criteria' must be a list of texts that is not empty"),
        ({"criteria": ["a", " "]}, "'criteria' must hold texts"),
        ({"ground_truth": "x"}, "'ground_truth' must be a mapping"),
        ({"criteria": ["a", "b"]}, "'instruction_id_list' of 'ground_truth' must be a list with one entry for each"),
        ({"ground_truth": {"instruction_id_list": [3], "kwargs": [{}]}}, "instruction_id_list must hold texts"),
        ({"source": "type3", "ground_truth": {"constraints": ["short"]}}, "each of 'constraints' must be three texts"),
        ({"source": "type4", "ground_truth": {"checker": ["?"], "functions": [""]}}, "must begin with [rule] or [llm]"),
    ],
)
def test_a_row_of_another_form_is_an_error_with_its_number(change: dict[str, Any], says: str) -> None:
    with pytest.raises(UsageError) as raised:
        loaded(IFEVAL, {**IFEVAL, "id": 2, **change}, allow_code=True, judged=True)
    assert raised.value.message.startswith("hir/HIR_trainv1.jsonl, row 2: ")
    assert says in raised.value.message


def rar_row(*rubric: tuple[str, int]) -> dict[str, Any]:
    entries = [{"title": "T", "description": text, "weight": weight} for text, weight in rubric]
    return {"question": "What helps?", "reference_answer": "Rest.", "question_source": "made", "rubric": entries}


PITFALLS = (
    ("Essential Criteria: Says that rest helps.", 5),
    ("Pitfall Criteria: Fails to mention water.", -2),
    ("Pitfall Criteria: Avoids naming a dose.", -1),
    ("Pitfall Criteria: Does not recommend surgery.", -1),
    ("Optional criteria: Is brief.", 1),
)


def test_a_pitfall_counts_by_what_its_text_says_and_never_by_its_sign() -> None:
    found = rar.items([rar_row(*PITFALLS)], "train")
    [item] = found.rows
    assert [(each.text, each.weight) for each in item.rubric.criteria] == [
        ("Says that rest helps.", 5.0),
        ("Fails to mention water.", -2.0),
        ("Avoids naming a dose.", 1.0),
        ("Is brief.", 1.0),
    ]
    assert found.counts == {
        "pitfalls that name the fault: weight below 0": 1,
        "pitfalls that name its avoidance: weight above 0": 1,
        "pitfalls that could be either: left out of their rubrics": 1,
    }
    assert (item.id, item.facts, item.tags) == ("rar-train-1", {"reference": "Rest."}, {"source": "made"})


@pytest.mark.parametrize("weight", [-2, 2])
def test_a_pitfall_is_known_by_its_label_too(weight: int) -> None:
    [item] = rar.items([rar_row(("Pitfall Criteria: Omits the dose.", weight))], "val").rows
    assert item.rubric.criteria[0].weight == -2


def test_a_negative_weight_without_a_label_is_a_pitfall() -> None:
    [item] = rar.items([rar_row(("Avoids naming a dose.", -2), ("Says why.", 3))], "val").rows
    assert [each.weight for each in item.rubric.criteria] == [2, 3]


def test_a_rubric_of_which_nothing_is_left_leaves_the_row_out() -> None:
    found = rar.items([rar_row(("Pitfall Criteria: Surgery.", -1), ("Essential Criteria: ", 5))], "train")
    assert (found.rows, found.skipped) == ([], {"nothing is left of the rubric": 1})
    assert found.counts["criteria left out: no text or no weight"] == 1


def test_a_rubric_may_be_json_in_a_text() -> None:
    row = rar_row(*PITFALLS)
    assert rar.items([{**row, "rubric": json.dumps(row["rubric"])}], "train").rows == rar.items([row], "train").rows


def test_reference_answers_are_examples() -> None:
    found = rar.examples([rar_row(*PITFALLS), {**rar_row(*PITFALLS), "reference_answer": " "}], "train")
    assert [(each.id, each.completion) for each in found.rows] == [("rar-train-1", "Rest.")]
    assert found.skipped == {"no reference answer": 1}


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"question": ""}, "'question' must be a text that is not blank"),
        ({"reference_answer": 4}, "'reference_answer' must be a text"),
        ({"rubric": "[1"}, "'rubric' must be a list"),
        ({"rubric": ["a"]}, "'rubric' must be a list"),
        ({"rubric": [{"description": "a"}]}, "entry 1 of the rubric must be"),
    ],
)
def test_a_row_of_rar_of_another_form_is_an_error_with_its_number(change: dict[str, Any], says: str) -> None:
    with pytest.raises(UsageError, match=r"rar-medicine \(train\), row 1: ") as raised:
        rar.items([{**rar_row(*PITFALLS), **change}], "train")
    assert says in raised.value.message


SUM = {"question": "How many?", "answer": "48/2 = <<48/2=24>>24\n24 + 1,000 = <<24+1000=1024>>1024\n#### 1,024"}


def test_a_sum_is_right_when_its_last_number_is_and_the_guidance_does_not_tell_it() -> None:
    [item] = gsm8k.items([SUM], "train").rows
    assert [met(item, text) for text in ("It is 1024.", "It is 24.", "Nobody knows.")] == [[1.0], [0.0], [0.0]]
    assert "1024" not in item.rubric.criteria[0].text.replace(",", "")
    assert item.facts == {"reference": "1,024"}


def test_solutions_of_sums_are_examples_without_the_calculators_notes() -> None:
    [example] = gsm8k.examples([SUM], "train").rows
    assert example.completion == "48/2 = 24\n24 + 1,000 = 1024\n#### 1,024"


@pytest.mark.parametrize("change", [{"question": " "}, {"answer": None}, {"answer": "24"}, {"answer": "#### many"}])
def test_a_sum_without_a_result_is_an_error_with_its_number(change: dict[str, Any]) -> None:
    with pytest.raises(UsageError, match=r"gsm8k/test\.jsonl, row 2: "):
        gsm8k.items([SUM, {**SUM, **change}], "test")


@pytest.mark.data
def test_the_official_sums_are_all_read(data_dir: Path) -> None:
    store = Store(data_dir)
    sizes = {split: len(gsm8k.items(store.rows(gsm8k.source(split)), split).rows) for split in gsm8k.SPLITS}
    assert sizes == {"train": 7473, "test": 1319}


@pytest.mark.data
def test_muldimifs_own_prompts_can_be_trained_on_in_hirs_form(data_dir: Path) -> None:
    official = json.loads((data_dir / "muldimif/test.json").read_text())
    rows = [
        hir_row(number, "type3", {"constraints": row["constraints"]}, *(triple[2] for triple in row["constraints"]))
        for number, row in enumerate(official[::8])
    ]
    assert len(loaded(*rows).rows) == len(rows) == 150

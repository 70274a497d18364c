"""What each of the 25 checks accepts, quirks of upstream included. Examples are (text, arguments, verdict)."""

from __future__ import annotations

from pathlib import Path

import pytest

from herl.benchmarks.ifeval.checks import checks, loose_variants
from herl.benchmarks.ifeval.english import English
from herl.benchmarks.ifeval.rows import WORDING, criterion
from herl.grader import CheckFunction, CheckGrader
from herl.item import Item
from herl.resources import Store
from herl.rubric import Rubric

Example = tuple[str, dict[str, object], bool]

TABLE = checks(English())


def at_least(number: int) -> dict[str, object]:
    return {"relation": "at least", "num_words": number}


EXAMPLES: dict[str, list[Example]] = {
    "change_case:english_capital": [
        ("THE WHOLE ANSWER IS WRITTEN IN CAPITAL LETTERS", {}, True),
        ("THE WHOLE ANSWER IS WRITTEN IN CAPITAL letters", {}, False),
        ("DIESE ANTWORT IST IN DEUTSCHER SPRACHE GESCHRIEBEN WORDEN", {}, False),
        ("1234", {}, False),  # no letter: not in capitals either
    ],
    "change_case:english_lowercase": [
        ("the whole answer is written in small letters", {}, True),
        ("The whole answer is written in small letters", {}, False),
        ("diese antwort ist in deutscher sprache geschrieben worden", {}, False),
    ],
    "combination:repeat_prompt": [
        ("  write A poem. Roses are red.", {"prompt_to_repeat": "Write a poem. "}, True),
        ("Sure! Write a poem.", {"prompt_to_repeat": "Write a poem."}, False),
    ],
    "combination:two_responses": [
        ("one****** two", {}, True),
        ("******one******two******", {}, True),  # blank ends are ignored
        ("one******one ", {}, False),  # the same twice
        ("one************two", {}, False),  # a blank answer between them
        ("one******two******three", {}, False),
        ("one*****two", {}, False),
    ],
    "detectable_content:number_placeholders": [
        ("[name] and [] and [a [b]", {"num_placeholders": 3}, True),
        ("[name] and []", {"num_placeholders": 3}, False),
        ("[broken\nover lines]", {"num_placeholders": 1}, False),
        ("[a\n[b]", {"num_placeholders": 1}, True),
    ],
    "detectable_content:postscript": [
        ("Bye.\np.p. s one more thing", {"postscript_marker": "P.P.S"}, True),
        ("Bye.\nP.S. one more thing", {"postscript_marker": "P.P.S"}, False),
        ("p.  s.", {"postscript_marker": "P.S."}, False),  # one space at most
        ("P.P.S. one more thing", {"postscript_marker": "P.S."}, True),
        ("In the middle p.s. it goes on", {"postscript_marker": "P.S."}, True),
        ("NB: one more", {"postscript_marker": "nb:"}, True),
        ("an xyz", {"postscript_marker": "x.z"}, False),  # a full stop is a full stop
    ],
    "detectable_format:constrained_response": [
        ("I think: My answer is maybe. Or not.", {}, True),
        ("my answer is maybe.", {}, False),
        ("My answer is maybe", {}, False),
    ],
    "detectable_format:json_format": [
        ('{"a": [1, 2]}', {}, True),
        ('```json\n{"a": 1}\n```', {}, True),
        ('```Json {"a": 1}```', {}, True),
        ("```\n12\n```", {}, True),  # any value will do
        ("Here it is: {}", {}, False),
        ("{'a': 1}", {}, False),
        ("[" * 100_000 + "]" * 100_000, {}, False),  # deeper than a parser goes
    ],
    "detectable_format:multiple_sections": [
        ("Day 1 swim Day 2 rest", {"section_spliter": "Day", "num_sections": 2}, True),
        ("Day 1 swim Day2 rest Day 33 work", {"section_spliter": " Day ", "num_sections": 2}, True),  # more is fine
        ("day 1 swim day 2 rest", {"section_spliter": "Day", "num_sections": 2}, False),
        ("Day I swim Day II rest", {"section_spliter": "Day", "num_sections": 2}, False),
        ("D.y 1 Day 2", {"section_spliter": "D.y", "num_sections": 2}, False),  # a name, not a pattern
    ],
    "detectable_format:number_bullet_lists": [
        ("* a\n  - b\n-c\n\n\n*d", {"num_bullets": 4}, True),
        ("* a\n* b\n* c", {"num_bullets": 2}, False),  # exactly
        ("**bold** start\n* a", {"num_bullets": 1}, True),
        ("+ a\n1. b\n• c", {"num_bullets": 0}, True),
        ("---\n-5", {"num_bullets": 2}, True),  # a rule and a negative number count
        ("*\n* swallowed\n* b", {"num_bullets": 2}, True),  # a lone * takes the next line with it
        ("* a\n*", {"num_bullets": 1}, True),  # nothing behind the last *
    ],
    "detectable_format:number_highlighted_sections": [
        ("*one* and **two**", {"num_highlights": 2}, True),
        ("** ** and * *", {"num_highlights": 1}, False),  # blank inside
        ("*over\nlines*", {"num_highlights": 1}, False),
        ("* a bullet with *one*", {"num_highlights": 1}, True),  # pairs from the left
    ],
    "detectable_format:title": [
        ("<<Title>>\ntext", {}, True),
        ("text <<< Title >>> text", {}, True),
        ("<< >>", {}, False),
        ("<<over\nlines>>", {}, False),
        ("<Title>", {}, False),
        (">><<", {}, False),
    ],
    "keywords:existence": [
        ("Cats and DOGS", {"keywords": ["dog", "cat"]}, True),  # inside words, any case
        ("Cats", {"keywords": ["dog", "cat"]}, False),
        ("C", {"keywords": ["C++"]}, False),  # a word, not a pattern
        ("C++", {"keywords": ["C++"]}, True),
    ],
    "keywords:forbidden_words": [
        ("The category", {"forbidden_words": ["cat"]}, True),  # whole words only
        ("The CAT.", {"forbidden_words": ["dog", "cat"]}, False),
        ("cut", {"forbidden_words": ["c.t"]}, True),
    ],
    "keywords:frequency": [
        ("cat Category", {"keyword": " cat ", "frequency": 2, "relation": "at least"}, True),
        ("cat Category", {"keyword": "cat", "frequency": 2, "relation": "less than"}, False),
    ],
    "keywords:letter_frequency": [
        ("Aardvark", {"letter": "a", "let_frequency": 3, "let_relation": "at least"}, True),
        ("Aardvark", {"letter": "A", "let_frequency": 3, "let_relation": "less than"}, False),
        ("#one #two", {"letter": "#", "let_frequency": 2, "let_relation": "at least"}, True),  # keys 1122, 1129
        ("one two!", {"letter": "!", "let_frequency": 2, "let_relation": "at least"}, False),
    ],
    "language:response_language": [
        ("Dies ist eine Antwort in deutscher Sprache.", {"language": "de"}, True),
        ("This is an answer in the English language.", {"language": "de"}, False),
        ("12345", {"language": "de"}, True),  # nothing to go by counts as followed
        ("今天天气很好，我们去公园散步。", {"language": "zh"}, False),  # langdetect says zh-cn
    ],
    "length_constraints:nth_paragraph_first_word": [
        ("a\n\n'\"Next, b", {"num_paragraphs": 2, "nth_paragraph": 2, "first_word": "NEXT"}, True),
        ("a\n\nNextdoor", {"num_paragraphs": 2, "nth_paragraph": 2, "first_word": "next"}, False),
        ("a\n\nnext\n\nc", {"num_paragraphs": 2, "nth_paragraph": 2, "first_word": "next"}, False),
        ("a", {"num_paragraphs": 1, "nth_paragraph": 2, "first_word": "a"}, False),
        # Blank paragraphs are not counted, but the nth is looked up among all of them.
        ("\n\na\n\nnext", {"num_paragraphs": 2, "nth_paragraph": 2, "first_word": "a"}, True),
        ("a\n\n\n\nnext", {"num_paragraphs": 2, "nth_paragraph": 2, "first_word": "next"}, False),
    ],
    "length_constraints:number_paragraphs": [
        ("a *** b\n***\nc", {"num_paragraphs": 3}, True),
        ("***\na\n***\nb\n***", {"num_paragraphs": 2}, True),  # blank ends are ignored
        ("a\n***\n\n***\nb", {"num_paragraphs": 2}, False),  # a blank one inside
        ("a\n\nb", {"num_paragraphs": 2}, False),
    ],
    "length_constraints:number_words": [
        ("don't stop_now", at_least(3), True),  # an apostrophe parts, an underscore joins
        ("don't stop_now", at_least(4), False),
        ("one two", {"relation": "less than", "num_words": 2}, False),
    ],
    "punctuation:no_comma": [("one; two，three", {}, True), ("one, two", {}, False)],
    "startend:end_checker": [
        ('"It is so. THE END" ', {"end_phrase": " The end"}, True),
        ("The end.", {"end_phrase": "The end"}, False),
    ],
    "startend:quotation": [
        (' "quoted" ', {}, True),
        ('"', {}, False),
        ("“quoted”", {}, False),
    ],
}

WITH_SENTENCES: dict[str, list[Example]] = {
    "length_constraints:number_sentences": [
        ("Dr. Smith came. He left!", {"relation": "less than", "num_sentences": 3}, True),
        ("Dr. Smith came. He left!", {"relation": "at least", "num_sentences": 3}, False),
    ],
    "change_case:capital_word_frequency": [
        ("I saw A WELL-KNOWN bird. U.S.", {"capital_relation": "at least", "capital_frequency": 4}, True),
        ("I saw A WELL-KNOWN bird. U.S.", {"capital_relation": "at least", "capital_frequency": 5}, False),
        ("NASA went up.", {"capital_relation": "less than", "capital_frequency": 1}, False),
    ],
}


def flat(examples: dict[str, list[Example]]) -> list[tuple[str, str, dict[str, object], bool]]:
    return [(name, *example) for name, group in examples.items() for example in group]


@pytest.mark.parametrize(("name", "text", "arguments", "verdict"), flat(EXAMPLES))
def test_a_check_decides_as_upstream_does(name: str, text: str, arguments: dict[str, object], verdict: bool) -> None:
    assert TABLE[name](text, **arguments) is verdict


@pytest.mark.parametrize(("name", "text", "arguments", "verdict"), flat(WITH_SENTENCES))
def test_a_check_of_sentences_and_words_decides_as_upstream_does(
    data_dir: Path, name: str, text: str, arguments: dict[str, object], verdict: bool
) -> None:
    english = English()
    english.prepare(Store(data_dir))
    assert checks(english)[name](text, **arguments) is verdict


def test_every_type_has_a_check_words_and_examples() -> None:
    assert len(TABLE) == 25
    assert set(TABLE) == set(WORDING) == set(EXAMPLES) | set(WITH_SENTENCES)


def grade(check: CheckFunction, answer: str, *, loose: bool) -> bool:
    item = Item("1", (), Rubric((criterion(0, "punctuation:no_comma", {}),)))
    table = {"punctuation:no_comma": check}
    grader = CheckGrader(table, loose_variants) if loose else CheckGrader(table)
    return grader.verdicts(item, answer)[0].value == 1.0


def test_a_blank_answer_follows_nothing() -> None:
    assert not grade(TABLE["punctuation:no_comma"], " \n", loose=False)
    assert not grade(TABLE["punctuation:no_comma"], " \n", loose=True)


def test_loose_grading_forgives_a_first_line_a_last_line_and_asterisks() -> None:
    answers = ["Sure, here it is:\n<<x>>", "<<x>>\nAnything else, sir?", "Sure,\n<<x>>\nBye, bye", "*<<x>>*"]
    for answer in answers:
        assert not grade(lambda text: text == "<<x>>", answer, loose=False)
        assert grade(lambda text: text == "<<x>>", answer, loose=True)


def test_loose_grading_does_not_forgive_two_lines_at_one_end() -> None:
    assert not grade(lambda text: text == "x", "one\ntwo\nx", loose=True)


def test_the_loose_readings_are_upstreams_eight() -> None:
    assert set(loose_variants(" a*\nb\n*c ")) == {" a*\nb\n*c ", "b\n*c", "a*\nb", "b", " a\nb\nc ", "b\nc", "a\nb"}

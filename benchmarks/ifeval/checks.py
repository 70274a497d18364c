"""The 25 checks of IFEval, and its loose readings of an answer.

Source: google-research/google-research, instruction_following_eval/instructions.py and evaluation_lib.py.
Verdicts are upstream's, quirks included. Answers come from models and arguments from data rows, so

- words that a row gives are looked for as they are written. Upstream takes them as regular expressions;
  no row of the dataset holds a character for which that makes a difference.
- patterns that need quadratic time on hostile text (upstream's for bullets, placeholders and titles) are
  loops over lines here, with the same verdicts.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from functools import partial

from herl.benchmarks.ifeval.english import English
from herl.benchmarks.ifeval.language import detect
from herl.grader import CheckFunction

_OPTIONS = ("My answer is yes.", "My answer is no.", "My answer is maybe.")
_FENCES = ("```json", "```Json", "```JSON", "```")
_ENDS_FIRST_WORD = re.compile("[.,?!'\"]")
_POSTSCRIPTS = {"P.P.S": re.compile(r"p\.\s?p\.\s?s"), "P.S.": re.compile(r"p\.\s?s\.")}


def checks(english: English) -> Mapping[str, CheckFunction]:
    """The table of checks: instruction id -> `check(text, **arguments)`.

    Every check is pure and total: it gives a verdict on any text.

    Args:
        english: What splits sentences and words.
    """
    return {
        "change_case:capital_word_frequency": partial(capital_word_frequency, english),
        "change_case:english_capital": english_capital,
        "change_case:english_lowercase": english_lowercase,
        "combination:repeat_prompt": repeat_prompt,
        "combination:two_responses": two_responses,
        "detectable_content:number_placeholders": number_placeholders,
        "detectable_content:postscript": postscript,
        "detectable_format:constrained_response": constrained_response,
        "detectable_format:json_format": json_format,
        "detectable_format:multiple_sections": multiple_sections,
        "detectable_format:number_bullet_lists": number_bullet_lists,
        "detectable_format:number_highlighted_sections": number_highlighted_sections,
        "detectable_format:title": title,
        "keywords:existence": existence,
        "keywords:forbidden_words": forbidden_words,
        "keywords:frequency": frequency,
        "keywords:letter_frequency": letter_frequency,
        "language:response_language": response_language,
        "length_constraints:nth_paragraph_first_word": nth_paragraph_first_word,
        "length_constraints:number_paragraphs": number_paragraphs,
        "length_constraints:number_sentences": partial(number_sentences, english),
        "length_constraints:number_words": number_words,
        "punctuation:no_comma": no_comma,
        "startend:end_checker": end_checker,
        "startend:quotation": quotation,
    }


def loose_variants(answer: str) -> Sequence[str]:
    """The eight readings of loose grading: without the first line, the last, both; each also without asterisks."""
    lines = answer.split("\n")
    cuts = [answer, *("\n".join(part).strip() for part in (lines[1:], lines[:-1], lines[1:-1]))]
    return list(dict.fromkeys([*cuts, *(cut.replace("*", "") for cut in cuts)]))


def _holds(count: int, relation: str, bound: int) -> bool:
    return count < bound if relation == "less than" else count >= bound


def existence(text: str, *, keywords: Sequence[str]) -> bool:
    """Every keyword occurs, in any case, also inside a longer word."""
    return all(re.search(re.escape(keyword), text, re.IGNORECASE) for keyword in keywords)


def frequency(text: str, *, keyword: str, frequency: int, relation: str) -> bool:
    """The keyword's occurrences, in any case, also inside longer words."""
    return _holds(len(re.findall(re.escape(keyword.strip()), text, re.IGNORECASE)), relation, frequency)


def forbidden_words(text: str, *, forbidden_words: Sequence[str]) -> bool:
    """No forbidden word occurs as a whole word, in any case."""
    return not any(re.search(rf"\b{re.escape(word)}\b", text, re.IGNORECASE) for word in forbidden_words)


def letter_frequency(text: str, *, letter: str, let_frequency: int, let_relation: str) -> bool:
    """The letter's occurrences, in any case.

    A character that is no letter (keys 1122 and 1129) is counted as it is; upstream counts a letter
    drawn at random instead.
    """
    return _holds(text.lower().count(letter.lower()), let_relation, let_frequency)


def response_language(text: str, *, language: str) -> bool:
    """The text is in the language; so is one that holds nothing to go by."""
    return detect(text) in (language, None)


def number_sentences(english: English, text: str, *, num_sentences: int, relation: str) -> bool:
    """The number of English sentences, whatever the language."""
    return _holds(english.sentences(text), relation, num_sentences)


def number_words(text: str, *, num_words: int, relation: str) -> bool:
    r"""The number of runs of `\w`: "don't" is two."""
    return _holds(len(re.findall(r"\w+", text)), relation, num_words)


def number_paragraphs(text: str, *, num_paragraphs: int) -> bool:
    """Exactly this many paragraphs between `***`; a blank one may stand first and last only."""
    return _count_parts(re.split(r"\s?\*\*\*\s?", text)) == num_paragraphs


def _count_parts(parts: Sequence[str]) -> int | None:
    """How many parts are not blank, None when a blank one stands between others."""
    if any(not part.strip() for part in parts[1:-1]):
        return None
    return sum(bool(part.strip()) for part in parts)


def nth_paragraph_first_word(text: str, *, num_paragraphs: int, nth_paragraph: int, first_word: str) -> bool:
    """So many paragraphs between empty lines, and the nth begins with the word, in any case.

    As upstream, blank paragraphs are left out of the count, but not when the nth is looked up.
    """
    paragraphs = text.split("\n\n")
    count = sum(bool(paragraph.strip()) for paragraph in paragraphs)
    if count != num_paragraphs or nth_paragraph > count:
        return False
    words = paragraphs[nth_paragraph - 1].split(maxsplit=1)
    if not words:
        return False
    word = _ENDS_FIRST_WORD.split(words[0].lstrip("'").lstrip('"'), maxsplit=1)[0]
    # Letter by letter as upstream: a Greek word in capitals would otherwise end in another sigma.
    return "".join(letter.lower() for letter in word) == first_word.lower()


def number_placeholders(text: str, *, num_placeholders: int) -> bool:
    """At least this many `[...]`, each within a line; `[]` counts."""
    found = 0
    for line in text.split("\n"):
        # Without the part behind the last bracket every match attempt succeeds: no quadratic rescans.
        found += len(re.findall(r"\[[^\]]*\]", line[: line.rfind("]") + 1]))
    return found >= num_placeholders


def postscript(text: str, *, postscript_marker: str) -> bool:
    """The marker occurs, in any case; P.P.S and P.S. may hold single spaces behind their full stops."""
    marker, lowered = postscript_marker.strip(), text.lower()
    if pattern := _POSTSCRIPTS.get(marker):
        return pattern.search(lowered) is not None
    return marker.lower() in lowered


def number_bullet_lists(text: str, *, num_bullets: int) -> bool:
    r"""Exactly this many lines that begin with `*` (not `**`) or `-`, indented or not.

    Upstream counts `^\s*\*[^\*].*$` and `^\s*-.*$` (MULTILINE). In the first, `[^\*]` also takes a line
    break, so that a lone `*` swallows the next line.
    """
    lines = [line.lstrip() for line in text.split("\n")]
    stars, swallowed = 0, False
    for line, is_last in zip(lines, [False] * (len(lines) - 1) + [True], strict=True):
        alone = line == "*" and not is_last
        is_bullet = not swallowed and (alone or (line[:1] == "*" and line[1:2] not in ("", "*")))
        stars += is_bullet
        swallowed = is_bullet and alone
    return stars + sum(line.startswith("-") for line in lines) == num_bullets


def constrained_response(text: str) -> bool:
    """One of the three answers occurs, word for word."""
    return any(option in text for option in _OPTIONS)


def number_highlighted_sections(text: str, *, num_highlights: int) -> bool:
    """At least this many `*...*` or `**...**` within a line that hold more than blanks."""
    single = sum(bool(found.strip("*").strip()) for found in re.findall(r"\*[^\n\*]*\*", text))
    double = sum(bool(found[2:-2].strip()) for found in re.findall(r"\*\*[^\n\*]*\*\*", text))
    return single + double >= num_highlights


def multiple_sections(text: str, *, section_spliter: str, num_sections: int) -> bool:
    """At least this many section marks, each followed by a number in digits."""
    pattern = rf"\s?{re.escape(section_spliter.strip())}\s?\d+\s?"
    return len(re.split(pattern, text)) - 1 >= num_sections


def json_format(text: str) -> bool:
    """All of it is one JSON value, in a code fence or not."""
    text = text.strip()
    for fence in _FENCES:
        text = text.removeprefix(fence)
    try:
        json.loads(text.removesuffix("```").strip())
    except (ValueError, RecursionError):
        return False
    return True


def title(text: str) -> bool:
    """A line holds `<<...>>` with more than blanks inside."""
    for line in text.split("\n"):
        start, end = line.find("<<"), line.rfind(">>")
        if 0 <= start < end - 2 and line[start : end + 2].lstrip("<").rstrip(">").strip():
            return True
    return False


def two_responses(text: str) -> bool:
    """Exactly two different answers between `******`; a blank part may stand first and last only."""
    parts = text.split("******")
    answers = {part.strip() for part in parts} - {""}
    return _count_parts(parts) == 2 and len(answers) == 2


def repeat_prompt(text: str, *, prompt_to_repeat: str) -> bool:
    """The answer begins with the prompt, in any case."""
    return text.strip().lower().startswith(prompt_to_repeat.strip().lower())


def end_checker(text: str, *, end_phrase: str) -> bool:
    """The answer ends with the phrase, in any case; quotation marks around the answer do not matter."""
    return text.strip().strip('"').lower().endswith(end_phrase.strip().lower())


def quotation(text: str) -> bool:
    """The answer stands in quotation marks."""
    text = text.strip()
    return len(text) > 1 and text[0] == text[-1] == '"'


def capital_word_frequency(english: English, text: str, *, capital_frequency: int, capital_relation: str) -> bool:
    """The number of words in capitals; "I" and "A" are such words."""
    return _holds(english.capital_words(text), capital_relation, capital_frequency)


def english_capital(text: str) -> bool:
    """English, all in capitals."""
    return text.isupper() and detect(text) in ("en", None)


def english_lowercase(text: str) -> bool:
    """English, all in small letters."""
    return text.islower() and detect(text) in ("en", None)


def no_comma(text: str) -> bool:
    """No comma occurs."""
    return "," not in text

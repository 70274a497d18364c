"""The result that an answer to a sum comes to, as a check: `gsm8k:final_answer`."""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Mapping
from typing import Any

from herl.errors import UsageError
from herl.rubric import Check

FINAL_ANSWER = "gsm8k:final_answer"

_MARK = "####"
# A sign counts where no word, number or bracket stands before it: "10-3" ends with 3, and so does "COVID-3".
# Commas count between groups of three digits. No part can fail after a long match, so that any text takes linear time.
_NUMBER = re.compile(
    r"(?P<sign>(?<![\w)\].,%])[-\u2212])?[$€£]?(?P<inner>(?<=[$€£])[-\u2212])?"
    r"(?P<whole>[0-9]{1,3}(?:,[0-9]{3}(?![0-9]))+|[0-9]+|(?=\.[0-9]))(?P<decimals>\.[0-9]+)?"
)


def final_answer(text: str, answer: str) -> bool:
    """Whether a text comes to a number.

    Its result is the first number behind its last "####", as in GSM8K's own solutions, or without one its last
    number. Signs of money and of per cent, commas between thousands, units and everything else around it do not
    matter, nor do zeros in front or behind the decimal point: "$1,234.50" is 1234.5, and "about 20 apples." is 20.

    Args:
        text: The answer.
        answer: The number, as `result_of` gives it.
    """
    return result_of(text) == answer


def result_of(text: str) -> str | None:
    """The number that a text comes to, as `final_answer` says: "1234.5", "-3"; None without any."""
    _, mark, behind = text.rpartition(_MARK)
    if mark and (first := _NUMBER.search(behind)):
        return _plain(first)
    last = deque(_NUMBER.finditer(text), maxlen=1)
    return _plain(last[0]) if last else None


def cleaned(check: Check) -> Check:
    """The check with its number in the form of `result_of`.

    Args:
        check: Its `answer` is a number, or a text that holds one.

    Raises:
        UsageError: it has other arguments, or `answer` is no number.
    """
    arguments: Mapping[str, Any] = check.kwargs
    if unknown := sorted(set(arguments) - {"answer"}):
        raise UsageError(f"{FINAL_ANSWER} takes no argument '{unknown[0]}'")
    given = arguments.get("answer")
    if isinstance(given, bool) or not isinstance(given, str | int | float):
        raise UsageError(f"{FINAL_ANSWER} needs the argument 'answer', a number")
    # repr would write large and small floats with an exponent
    text = f"{given:f}" if isinstance(given, float) else str(given)
    number = _NUMBER.search(text)
    if not number or len(_NUMBER.findall(text)) > 1:
        raise UsageError(f"{FINAL_ANSWER}: 'answer' must be a number, not {given!r:.60}")
    return Check(FINAL_ANSWER, {"answer": _plain(number)})


def _plain(number: re.Match[str]) -> str:
    whole = number["whole"].replace(",", "").lstrip("0") or "0"
    decimals = (number["decimals"] or "").rstrip("0").rstrip(".")
    sign = "-" if (number["sign"] or number["inner"]) and (whole, decimals) != ("0", "") else ""
    return sign + whole + decimals

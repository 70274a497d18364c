"""Checks that come with the data as Python functions: run in the sandbox, one process each, and only when asked for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from herl.benchmarks.lm_eval.sandbox import Limits, Outcome, notes, run_all
from herl.errors import UsageError
from herl.rubric import Check

GIVEN_CODE = "code:check_following"

_FUNCTION = "check_following"
_ARGUMENTS = ("code", "instruction")
_LIMITS = Limits(cpu_seconds=3, wall_seconds=15.0, memory_bytes=1 << 30)
# All texts stand in the program as literals. The function finds `re` imported, as HIR-16K's authors' runner has it.
_PROGRAM = """\
import re
_space = {{"re": re, "__name__": "given"}}
exec(compile({code}, "<given>", "exec"), _space)
assert {not_}_space["check_following"]({instruction}, {answer})
"""


def given_code(answer: str, code: str, instruction: str) -> bool:
    """What a function of the data says of an answer.

    Args:
        answer: The answer.
        code: Python source that defines `check_following(instruction, response)`.
        instruction: The prompt.

    Raises:
        RuntimeError: the function fails or does not end within its limits, so that there is no verdict.
    """
    # The sandbox tells only whether a program came to its end. One that says no comes to the end of the opposite.
    for says, not_ in ((True, ""), (False, "not ")):
        program = _PROGRAM.format(not_=not_, code=ascii(code), instruction=ascii(instruction), answer=ascii(answer))
        [outcome] = run_all([program], _LIMITS)
        if outcome is Outcome.PASSED:
            return says
        if outcome is Outcome.TIMED_OUT:
            raise RuntimeError("the given function took too long")
    raise RuntimeError("the given function failed")


def cleaned(check: Check) -> Check:
    """The check, its arguments looked at; nothing of it runs.

    Raises:
        UsageError: an argument is missing, unknown or no text, or the code does not name the function.
    """
    arguments: Mapping[str, Any] = check.kwargs
    if unknown := sorted(set(arguments) - set(_ARGUMENTS)):
        raise UsageError(f"{GIVEN_CODE} takes no argument '{unknown[0]}'")
    for name in _ARGUMENTS:
        if not isinstance(arguments.get(name), str):
            raise UsageError(f"{GIVEN_CODE} needs the argument '{name}', a text")
    if _FUNCTION not in arguments["code"]:
        raise UsageError(f"{GIVEN_CODE}: 'code' must define {_FUNCTION}(instruction, response)")
    return check


def safety_notes() -> Sequence[str]:
    """What a report must say about how safely such code is run here.

    Raises:
        HerlError: it cannot be run here.
    """
    return notes(_LIMITS)

"""How long the arms of an experiment took, from what the engines were timed at."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Any

from herl.rows import Row
from herl.selfimprove.controls import BEST_OF_N, FEEDBACK, RESAMPLE, SELF_REFINE
from herl.selfimprove.state import State
from herl.selfimprove.trial import BASE

_TIMED_WITH = {RESAMPLE: BEST_OF_N, FEEDBACK: SELF_REFINE}  # it shows the same draws; it is a part of the same arm
_KINDS = {"generate": "generated", "critic": "critic"}

_Key = tuple[str, str]
"""Arm and what it did: "generate" or "critic"."""


def seconds_of(states: Sequence[State], timing: Iterable[Row]) -> dict[str, Any]:
    """Engine time, as a whole and as multiples of the plain answers'.

    Answers that were bought before cost no time now, so each arm's tokens are counted at the speed at which its
    fresh ones were timed.

    Args:
        states: The plain answers first.
        timing: {arm, what, seconds, tokens} of fresh tokens.

    Returns:
        "stages": {arm, round, seconds, multiple} of each state, the plain answers' time included, None where
        something of it was never timed; "measured": the share of the tokens that were timed, None without tokens;
        "notes": what reports must say of it.
    """
    seconds: dict[_Key, float] = defaultdict(float)
    tokens: dict[_Key, int] = defaultdict(int)
    for row in timing:
        arm = str(row["arm"])
        key = (_TIMED_WITH.get(arm, arm), str(row["what"]))
        seconds[key] += row["seconds"]
        tokens[key] += row["tokens"]
    paces = {key: seconds[key] / tokens[key] for key in tokens if tokens[key]}
    base = states[0]
    plain = _time(_own_tokens(base, None), paces)
    stages = []
    for state in states:
        added = 0.0 if state is base else _time(_own_tokens(state, base), paces)
        total = None if plain is None or added is None else plain + added
        multiple = total / plain if plain and total is not None else None
        stages.append({"arm": state.arm, "round": state.round, "seconds": total, "multiple": multiple})
    measured = _measured(states, tokens)
    return {"stages": stages, "measured": measured, "notes": _notes(measured)}


def _own_tokens(state: State, base: State | None) -> dict[_Key, int]:
    """What an arm wrote beside the plain answers."""
    arm = _TIMED_WITH.get(state.arm, state.arm)
    return {(arm, what): state.spent(kind) - (base.spent(kind) if base else 0) for what, kind in _KINDS.items()}


def _time(tokens: dict[_Key, int], paces: dict[_Key, float]) -> float | None:
    if any(count and key not in paces for key, count in tokens.items()):
        return None
    return sum(count * paces[key] for key, count in tokens.items() if count)


def _measured(states: Sequence[State], timed: dict[_Key, int]) -> float | None:
    """The share of all tokens that were timed; draws that two arms show count once."""
    written: dict[_Key, int] = defaultdict(int)
    for state in states:
        for key, count in _own_tokens(state, None if state.arm == BASE else states[0]).items():
            written[key] = max(written[key], count)
    total = sum(written.values())
    return sum(min(timed.get(key, 0), count) for key, count in written.items()) / total if total else None


def _notes(measured: float | None) -> list[str]:
    if measured is None or measured == 1:
        return []
    if measured == 0:
        return ["No time was measured: everything had been bought before."]
    return [f"Time was measured on {100 * measured:.1f} % of the tokens; the others, bought before, count as much."]

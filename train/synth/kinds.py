"""All kinds of constraints, which of them are held out, and which may stand together."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from herl.benchmarks.ifeval import rows as ifeval
from herl.errors import UsageError, nearest
from herl.train.synth import kinds_content, kinds_edges, kinds_layout, kinds_length
from herl.train.synth.kind import Family, Kind
from herl.train.synth.scene import Split

KINDS: Mapping[str, Kind] = {
    kind.name: kind for module in (kinds_content, kinds_edges, kinds_layout, kinds_length) for kind in module.KINDS
}
"""Name -> kind of constraint."""

HELD_OUT = frozenset(
    {
        "startend:quotation",
        "length_constraints:nth_paragraph_first_word",
        "language:response_language",
        "detectable_format:multiple_sections",
        "count:count_increment_word",
        "last_word:last_word_sent",
        "punctuation:punctuation_dot",
        "copy:copying_multiple",
        "muldimif:table",
        "muldimif:phrase",
        "muldimif:exclaim",
    }
)
"""Kinds that no prompt for training has."""

FAMILIES: Sequence[Family] = ("ifeval", "iftrain", "muldimif")


def family(name: str) -> Family:
    """Where the check of a kind comes from."""
    if name.startswith("muldimif:"):
        return "muldimif"
    return "ifeval" if name in ifeval.WORDING else "iftrain"


def kinds_of(split: Split, types: Sequence[str] | None = None) -> Sequence[Kind]:
    """The kinds that prompts of a split are drawn from.

    Args:
        split: The held-out split has all kinds, the one for training those that are not held out.
        types: Names of kinds or families; all of them without.

    Raises:
        UsageError: a name is unknown, or that of a kind that is held out from this split.
    """
    allowed = {name: kind for name, kind in KINDS.items() if split == "held-out" or name not in HELD_OUT}
    if types is None:
        return list(allowed.values())
    chosen: dict[str, Kind] = {}
    for name in types:
        found = {each: kind for each, kind in allowed.items() if name in (each, family(each))}
        if not found:
            raise _refusal(name, list(allowed))
        chosen |= found
    return [kind for name, kind in allowed.items() if name in chosen]


def _refusal(name: str, allowed: list[str]) -> UsageError:
    if name in HELD_OUT:
        return UsageError(f"constraints of the type '{name}' are held out from training", "Say --split held-out.")
    return UsageError(f"unknown type {name!r:.60}", nearest(name, [*allowed, *FAMILIES]))

"""Checks that were written to a file, or by a person: their arguments, before anything runs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import MISSING, fields
from functools import cache
from typing import Any, get_args, get_type_hints

from pydantic import Field, create_model

from herl.benchmarks.muldimif.as_check import KINDS, to_check
from herl.benchmarks.muldimif.checks_rare import COUNTS
from herl.benchmarks.muldimif.constraints import Constraint, Occurrences
from herl.benchmarks.muldimif.grading import WORDED, with_worded
from herl.errors import UsageError, nearest
from herl.forms import Form, filled, plain, shown
from herl.rubric import Check

_COUNT = "a whole number that is not negative"
_WANTED: Mapping[Any, str] = {
    bool: "true or false",
    int: _COUNT,
    int | None: _COUNT,
    str: "a text",
    tuple[int, ...]: "a list of whole numbers",
    tuple[str, ...]: "a list of texts",
    tuple[tuple[int, str], ...]: "a list of pairs of a whole number and a text",
    tuple[tuple[str, ...], ...]: "a list of lists of texts",
    tuple[tuple[tuple[str, ...], str], ...]: "a list of pairs of a list of texts and a text",
}
"""What a field must be, in words; a kind that is not here is one of some texts."""


class _WordedForm(Form):
    id: str = Field(description="a text")
    kwargs: dict[str, Any] = Field({}, description="a mapping of arguments")


def cleaned(check: Check) -> Check:
    """A check in the form that `to_check` gives, with the one under `WORDED` where there is one.

    Args:
        check: Of a kind in `KINDS`. Null means left out, and whole numbers may be floats: tables make them so.

    Raises:
        UsageError: an argument is missing, unknown or of the wrong kind.
    """
    place = f"the check {check.id}"
    arguments = plain(check.kwargs, place)
    worded = arguments.pop(WORDED, None)
    usual = to_check(_constraint(check.id, arguments, place))
    return usual if worded is None else with_worded(usual, _worded(worded, f"'{WORDED}' of {place}"))


def _worded(value: Any, place: str) -> Check:
    if not isinstance(value, dict):
        raise UsageError(f"{place} must be a mapping {{id, kwargs}}, not {shown(value)}")
    form = filled(_WordedForm, value, place)
    if form.id not in KINDS:
        raise UsageError(f"{place} is an unknown check {form.id!r:.60}", nearest(form.id, list(KINDS)))
    return to_check(_constraint(form.id, form.kwargs, f"{place} ({form.id})"))


def _constraint(name: str, arguments: Mapping[str, Any], place: str) -> Constraint:
    form = filled(_form(name), {key: _as_field(value) for key, value in arguments.items()}, place)
    constraint = KINDS[name](**dict(form))
    if isinstance(constraint, Occurrences) and constraint.what not in COUNTS:
        raise UsageError(f"{place} cannot count {constraint.what!r:.60}", nearest(constraint.what, list(COUNTS)))
    return constraint


@cache
def _form(name: str) -> type[Form]:
    """The fields of a kind of constraint, to be filled in."""
    kinds = get_type_hints(KINDS[name])
    entries: dict[str, Any] = {}
    for field in fields(KINDS[name]):
        kind = kinds[field.name]
        entries[field.name] = (
            kind,
            Field(
                ... if field.default is MISSING else field.default,
                ge=0 if kind in (int, int | None) else None,
                description=_WANTED.get(kind) or " or ".join(f"'{each}'" for each in get_args(kind)),
            ),
        )
    return create_model(name, __base__=Form, **entries)


def _as_field(value: Any) -> Any:
    """Fields hold tuples and whole numbers where JSON may have lists and floats."""
    if isinstance(value, list):
        return tuple(_as_field(each) for each in value)
    return int(value) if isinstance(value, float) and value.is_integer() else value

"""What people and other programs write, checked field by field: every fault is one line that names its place."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import Any, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError

from herl.errors import UsageError, nearest

_DEEPEST = 32
_SHOWN = 60


class Form(BaseModel):
    """Fields that somebody fills in; others are refused. A field's description says what it must be."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


F = TypeVar("F", bound=Form)


def filled(form: type[F], value: Mapping[str, Any], place: str) -> F:
    """A mapping read as a form.

    Args:
        form: The form.
        value: What was written, as `plain` gives it.
        place: What the mapping is and where it stands, for messages.

    Raises:
        UsageError: a key is unknown or missing, or a value is of the wrong kind.
    """
    try:
        return form.model_validate(value)
    except ValidationError as error:
        faults = error.errors(include_url=False)
    # A misspelt key is two faults, and the unknown one says more than the missing one.
    fault = min(faults, key=lambda each: each["type"] != "extra_forbidden")
    name = str(fault["loc"][0])
    match fault["type"]:
        case "extra_forbidden":
            raise UsageError(f"{place} has an unknown key {name!r:.60}", nearest(name, list(form.model_fields)))
        case "missing" if len(fault["loc"]) == 1:  # otherwise a part of the value is
            raise UsageError(f"{place} has no '{name}'")
        case _:
            kind = form.model_fields[name].description
            raise UsageError(f"{place}: '{name}' must be {kind}, not {shown(value[name])}")


def plain(value: Any, where: str, hint: str = "", *, _depth: int = 0) -> Any:
    """A value as plain JSON values, without those keys of mappings whose value is null.

    Tables with a column for every key fill up with nulls, so that null always means left out.

    Args:
        value: What a reader of JSON, YAML or of a table gave.
        where: Where it stands, for messages.
        hint: What to do about a value that JSON cannot hold.

    Raises:
        UsageError: it holds something else, such as a date, or is nested too deeply.
    """
    if _depth > _DEEPEST:
        raise UsageError(f"{where}: nested more than {_DEEPEST} levels deep")
    match value:
        case None | bool() | int() | str():
            return value
        case float() if math.isfinite(value):
            return value
        case list() | tuple():
            return [plain(each, where, hint, _depth=_depth + 1) for each in value]
        case Mapping():
            for key in value:
                if not isinstance(key, str):
                    raise UsageError(f"{where}: the key {key!r:.60} is no text", hint)
            kept = {key: each for key, each in value.items() if each is not None}
            return {key: plain(each, where, hint, _depth=_depth + 1) for key, each in kept.items()}
        case float():
            raise UsageError(f"{where}: {value} is not a finite number")
    raise UsageError(f"{where}: '{value!s:.60}' was read as a {type(value).__name__}, not as a text", hint)


def shown(value: Any) -> str:
    """A value as it is written, at most one short line of it."""
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…"

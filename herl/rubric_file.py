"""Rubrics as people write them: a YAML file, or the `rubric` of a row of JSONL (docs/rubrics.md)."""

from __future__ import annotations

import json
from codecs import BOM_UTF8
from collections import Counter
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from pydantic import Field

from herl.errors import UsageError, first_line, nearest
from herl.files import write_atomically
from herl.forms import Form, filled, plain, shown
from herl.rubric import Check, Criterion, Rubric, Rule

_LONGEST_FILE = 200_000  # bytes; PyYAML takes two seconds for them
_FORM = "A rubric is a list of criteria; docs/rubrics.md shows one."
_QUOTES = 'YAML takes an unquoted yes, no, on, off or a number for something else than a text: write "yes".'
_SIGNS = 'In YAML a text needs quotes that holds a colon and a space, or begins with a sign: "Note: …".'


class _RubricForm(Form):
    criteria: list[Any] = Field(description="a list of criteria")
    rule: str = Field(Rule.WEIGHTED_MEAN.value, description="the name of a rule")


class _CriterionForm(Form):
    text: str = Field(description="a text")
    id: str | int | None = Field(None, description="a text")
    weight: float = Field(1.0, description="a number")
    scale: list[float] | None = Field(None, min_length=2, max_length=2, description="two numbers, [lowest, highest]")
    met_from: float | None = Field(None, description="a number")
    check: dict[str, Any] | None = Field(None, description="a mapping {id, kwargs}")
    tags: list[str] = Field([], description="a list of texts")


class _CheckForm(Form):
    id: str = Field(description="a text")
    kwargs: dict[str, Any] = Field({}, description="a mapping of arguments")


def read_rubric(path: Path) -> Rubric:
    """The rubric of a YAML or JSON file, such as `--rubric` names.

    Raises:
        UsageError: the file cannot be read, is no YAML, or holds no rubric; the place and the fault are named.
    """
    value = _parse(_read(path), str(path))
    if value is None:
        raise UsageError(f"the rubric {path} is empty", _FORM)
    return parse_rubric(value, str(path))


def parse_rubric(value: Any, where: str) -> Rubric:
    """A rubric of plain values.

    It is a mapping {criteria, rule?}, or just the list of criteria. A criterion is its text, or a mapping
    {text, id?, weight?, scale?: [lowest, highest], met_from?, check?: {id, kwargs?}, tags?}. A criterion without
    an id has its number, from 1. Null means left out.

    Args:
        value: What was written.
        where: Where, for messages: "prompts.jsonl, line 3".

    Raises:
        UsageError: it is no rubric; the place, the criterion and the fault are named.
    """
    found = plain(value, where, _QUOTES)
    if isinstance(found, list):
        found = {"criteria": found}
    if not isinstance(found, dict):
        raise UsageError(f"{where}: {shown(found)} is no rubric", _FORM)
    form = filled(_RubricForm, found, f"{where}: the rubric")
    if not form.criteria:
        raise UsageError(f"{where}: the rubric has no criteria", _FORM)
    if form.rule not in list(Rule):
        raise UsageError(f"{where}: the rubric has an unknown rule {form.rule!r:.60}", nearest(form.rule, list(Rule)))
    criteria = tuple(_criterion(each, number, where) for number, each in enumerate(form.criteria, 1))
    name, count = Counter(criterion.id for criterion in criteria).most_common(1)[0]
    if count > 1:
        raise UsageError(
            f"{where}: {count} criteria have the id {name!r:.60}", "A criterion without an id has its number as one."
        )
    return Rubric(criteria, Rule(form.rule))


def as_data(rubric: Rubric) -> dict[str, Any]:
    """A rubric as `parse_rubric` reads it: {criteria, rule?}, in plain JSON values.

    Returns:
        Each criterion as a mapping, with what is not as usual; a mapping every time, so that rows fit one table.
    """
    criteria = [_criterion_data(criterion, number) for number, criterion in enumerate(rubric.criteria, 1)]
    rule = {} if rubric.rule is Rule.WEIGHTED_MEAN else {"rule": rubric.rule.value}
    return {**rule, "criteria": criteria}


def write_rubric(path: Path, rubric: Rubric) -> None:
    """Write a rubric as YAML that `read_rubric` reads.

    Raises:
        HerlError: the file cannot be written.
    """
    data = as_data(rubric)
    data["criteria"] = [_for_people(each) for each in data["criteria"]]
    write_atomically(path, _as_yaml(data))


def _for_people(criterion: Mapping[str, Any]) -> Any:
    """A criterion as a person would write it: just its text where that is all, 3 for 3.0."""
    if list(criterion) == ["text"]:
        return criterion["text"]
    numbers = {key: _in_short(criterion[key]) for key in ("weight", "scale", "met_from") if key in criterion}
    return {**criterion, **numbers}


def _in_short(value: Any) -> Any:
    if isinstance(value, list):
        return [_in_short(each) for each in value]
    return int(value) if abs(value) < 1e6 and value == int(value) else value


def _as_yaml(data: Any) -> str:
    import yaml

    text: str = yaml.safe_dump(data, allow_unicode=True, sort_keys=False, width=110)
    try:
        if _parse_yaml(text, "") == data:
            return text
    except UsageError:
        pass
    return json.dumps(data, indent=2)  # PyYAML cannot read all that it writes, such as a key with a line separator


def _criterion(value: Any, number: int, where: str) -> Criterion:
    place = f"{where}: criterion {number}"
    if isinstance(value, str):
        value = {"text": value}
    if not isinstance(value, dict):
        hint = _QUOTES if isinstance(value, bool | int | float) else _SIGNS
        raise UsageError(f"{place} is {'empty' if value is None else f'{shown(value)}, not a text'}", hint)
    try:
        form = filled(_CriterionForm, value, place)
    except UsageError as error:
        if len(value) > 1 or "text" in value:
            raise
        raise UsageError(error.message, f"{error.hint} {_SIGNS}") from None
    for key, text in (("text", form.text), ("id", form.id)):
        if isinstance(text, str) and not text.strip():
            raise UsageError(f"{place}: its {key} is blank")
    scale = None if form.scale is None else (form.scale[0], form.scale[1])
    check = None if form.check is None else filled(_CheckForm, form.check, f"{place}: its check")
    try:
        return Criterion(
            id=str(number if form.id is None else form.id),
            text=form.text,
            weight=form.weight,
            check=Check(check.id, check.kwargs) if check else None,
            scale=scale,
            met_from=form.met_from,
            tags=tuple(form.tags),
        )
    except ValueError as error:
        raise UsageError(f"{where}: {error}") from None


def _criterion_data(criterion: Criterion, number: int) -> dict[str, Any]:
    data: dict[str, Any] = {"text": criterion.text}
    if criterion.id != str(number):
        data["id"] = criterion.id
    if criterion.weight != 1:
        data["weight"] = float(criterion.weight)
    if criterion.scale is not None:
        data["scale"] = [float(end) for end in criterion.scale]
    if criterion.met_from is not None:
        data["met_from"] = float(criterion.met_from)
    if criterion.check is not None:
        kwargs = {"kwargs": _listed(criterion.check.kwargs)} if criterion.check.kwargs else {}
        data["check"] = {"id": criterion.check.id, **kwargs}
    if criterion.tags:
        data["tags"] = list(criterion.tags)
    return data


def _listed(value: Any) -> Any:
    """Arguments of a check with lists in place of tuples."""
    if isinstance(value, Mapping):
        return {key: _listed(each) for key, each in value.items()}
    return [_listed(each) for each in value] if isinstance(value, list | tuple) else value


def _read(path: Path) -> str:
    try:
        with path.open("rb") as file:
            content = file.read(_LONGEST_FILE + 1)
    except FileNotFoundError:
        raise UsageError(f"the rubric {path} does not exist") from None
    except OSError as error:
        raise UsageError(f"the rubric {path} cannot be read: {error.strerror or error}") from None
    if len(content) > _LONGEST_FILE:
        raise UsageError(f"the rubric {path} has more than {_LONGEST_FILE:,} bytes", _FORM)
    try:
        return content.removeprefix(BOM_UTF8).decode()
    except UnicodeDecodeError as error:
        raise UsageError(f"{path}: not UTF-8 text (at byte {error.start + 1})", "Save it as UTF-8.") from None


def _parse(text: str, where: str) -> Any:
    """Parse JSON or YAML.

    JSON goes first: PyYAML refuses its tabs, and takes an escaped character beyond the first 65,536 for two.

    Raises:
        UsageError: it is neither.
    """
    try:
        return json.loads(text, object_pairs_hook=partial(_unique, where))
    except (ValueError, RecursionError):
        return _parse_yaml(text, where)


def _parse_yaml(text: str, where: str) -> Any:
    import yaml

    # A date is the text that it is, whatever other libraries have made of PyYAML's own loader.
    forms = {
        first: [(tag, form) for tag, form in each if not tag.endswith(":timestamp")]
        for first, each in yaml.SafeLoader.yaml_implicit_resolvers.items()
    }
    try:
        loader = yaml.SafeLoader(text)
        loader.yaml_implicit_resolvers = forms
        root = loader.get_single_node()
        if root is None:
            return None
        _check_tree(root, where)
        return loader.construct_document(root)
    except yaml.MarkedYAMLError as error:
        line = f", line {error.problem_mark.line + 1}" if error.problem_mark else ""
        raise UsageError(f"{where}{line}: not valid YAML ({error.problem})", _SIGNS) from None
    except RecursionError:
        raise UsageError(f"{where}: nested too deeply to be read", _FORM) from None
    except (yaml.YAMLError, ValueError) as error:  # ValueError: a number that there cannot be
        raise UsageError(f"{where}: not valid YAML ({first_line(error)})", _QUOTES) from None


def _check_tree(root: Any, where: str) -> None:
    """Refuse a mapping with a key twice, of which PyYAML keeps the last, and aliases, which can grow without end."""
    import yaml

    seen: set[int] = set()
    left = [root]
    while left:
        node = left.pop()
        line = f"{where}, line {node.start_mark.line + 1}"
        if id(node) in seen:
            raise UsageError(
                f"{line}: what stands there is repeated by an alias (*), which is not read", "Write it out."
            )
        seen.add(id(node))
        if isinstance(node, yaml.MappingNode):
            _refuse_twice([(key.tag, key.value) for key, _ in node.value if isinstance(key, yaml.ScalarNode)], line)
            left += [part for pair in node.value for part in pair]
        elif isinstance(node, yaml.SequenceNode):
            left += node.value


def _unique(where: str, pairs: Sequence[tuple[str, Any]]) -> dict[str, Any]:
    _refuse_twice([("", key) for key, _ in pairs], where)
    return dict(pairs)


def _refuse_twice(keys: Sequence[tuple[str, str]], where: str) -> None:
    for (_, key), count in Counter(keys).items():
        if count > 1:
            raise UsageError(f"{where}: the key {key!r:.60} stands there twice")

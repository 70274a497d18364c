"""HIR-16K: prompts with verifiable and judged constraints, from HiR (arXiv:2512.23457).

Rows {id, source, criteria, ground_truth, prompt}. Types 1 to 3 hold instructions of IFEval, IFBench and MulDimIF, which
HeRL's own checks decide. Type 4 holds Python functions ("[rule]") and criteria for a judge ("[llm]"). A row with a
criterion that cannot be decided is left out as a whole, and counted: a prompt that asks for more than is rewarded
would teach to leave it undone.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from herl.benchmarks.given_code import GIVEN_CODE, cleaned
from herl.benchmarks.ifbench import rows as ifbench
from herl.benchmarks.ifbench import training
from herl.benchmarks.muldimif.grading import as_worded
from herl.benchmarks.muldimif.rows import criterion as of_muldimif
from herl.errors import UsageError
from herl.forms import shown
from herl.item import Item
from herl.prompts import messages_of
from herl.resources import DataSource, Row
from herl.rubric import Check, Criterion, Rubric
from herl.train.loaded import Loaded

_COMMIT = "2a95f69eb56cc47edc16a45f939cde479673a4cb"

# Read from the file's own address: `datasets` cannot put its four forms of `ground_truth` into one table.
SOURCE = DataSource(
    local="hir/HIR_trainv1.jsonl",
    url=f"https://huggingface.co/datasets/sastpg/HIR-16K/resolve/{_COMMIT}/HIR_trainv1.jsonl",
    sha256="465a01c19dc29e2c8d1cf183ccf3135872f7ec94ef10b20b7eb35603164c183b",
)

NEEDS_CODE = "type 4: its checks are Python functions, which run only with data.allow_code = true"
NEEDS_JUDGE = "type 4: some of its criteria need a judge"
UNREADABLE = "a criterion that no check of HeRL's can decide"

_PROMPT_FIELDS = ("prompt", "messages", "question")  # the first that a row has, as in copies made by other trainers
_OPTIONS = "detectable_format:constrained_response"
_BLIND = "fixed"
_RULE, _LLM = "[rule]", "[llm]"


class _LeftOutError(Exception):
    """A row is left out; the arguments are why, and what is wrong with this one."""


def items(rows: Sequence[Row], *, allow_code: bool, judged: bool) -> Loaded[Item]:
    """Turn rows into items.

    Args:
        rows: As in the file, nulls already dropped.
        allow_code: The functions of type 4 may be run, in the sandbox.
        judged: There is a judge for the criteria that are for one.

    Returns:
        The items, and why other rows have none.

    Raises:
        UsageError: a row is not in the format; its number and the fault are named.
    """
    found = Loaded[Item]("hir-16k")
    ids: set[str] = set()
    for number, row in enumerate(rows, 1):
        place = f"{SOURCE.local}, row {number}"
        try:
            item = _item(row, allow_code, judged)
        except _LeftOutError as left_out:
            reason, fault = left_out.args
            found.skip(reason, f"row {number}: {fault}" if fault else f"row {number}")
            continue
        except UsageError as error:
            raise UsageError(f"{place}: {error.message}", error.hint) from None
        if item.id in ids:
            raise UsageError(f"{place}: an earlier row has the same id")
        ids.add(item.id)
        found.rows.append(item)
    return found


def _item(row: Row, allow_code: bool, judged: bool) -> Item:
    prompt = next((row[name] for name in _PROMPT_FIELDS if row.get(name)), None)
    if not isinstance(prompt, str | list):
        raise UsageError(f"the field '{_PROMPT_FIELDS[0]}' must be a text")
    messages = messages_of(prompt, "its prompt")
    if not isinstance(name := row.get("id"), str | int) or isinstance(name, bool):
        raise UsageError("the field 'id' must be a text or a number")
    texts = _texts(row.get("criteria"))
    truth = row.get("ground_truth")
    if not isinstance(truth, Mapping):
        raise UsageError("the field 'ground_truth' must be a mapping")
    match source := row.get("source"):
        case "type1" | "type2":
            criteria = _instructions(truth, texts)
        case "type3":
            criteria = _constraints(truth, texts)
        case "type4":
            criteria = _given(truth, texts, messages[-1].content, allow_code, judged)
        case _:
            raise UsageError(f"the field 'source' must be type1, type2, type3 or type4, not {shown(source)}")
    return Item(f"hir-{name}", messages, Rubric(tuple(criteria)), {"source": source})


def _instructions(truth: Mapping[str, Any], texts: Sequence[str]) -> list[Criterion]:
    names, arguments = _aligned(truth, "instruction_id_list", texts), _aligned(truth, "kwargs", texts)
    found = []
    for number, (name, given) in enumerate(zip(names, arguments, strict=True)):
        if not isinstance(name, str) or not isinstance(given, Mapping | None):
            raise UsageError("instruction_id_list must hold texts, and kwargs mappings")
        if name == _OPTIONS and "my answer is" not in texts[number].lower():
            raise _LeftOutError(UNREADABLE, f"criterion {number + 1} ({name}): its options are not IFEval's")
        make = ifbench.criterion if name in ifbench.WORDING else training.criterion
        found.append(replace(_decidable(make, number, name, given or {}), text=texts[number]))
    return found


def _constraints(truth: Mapping[str, Any], texts: Sequence[str]) -> list[Criterion]:
    """Criteria of type 3, decided by what their sentences say where upstream's checker is blind to it."""
    found = []
    for number, triple in enumerate(_aligned(truth, "constraints", texts)):
        if (
            not isinstance(triple, list | tuple)
            or len(triple) != 3
            or not all(isinstance(part, str) for part in triple)
        ):
            raise UsageError("each of 'constraints' must be three texts: first level, second level, sentence")
        criterion = _decidable(of_muldimif, number, *triple)
        assert criterion.check is not None
        check = as_worded(criterion.check)
        if check.id == _BLIND:
            raise _LeftOutError(
                UNREADABLE, f"criterion {number + 1} ({triple[2]!r:.60}): every answer gets one verdict"
            )
        found.append(replace(criterion, check=check, text=texts[number]))
    return found


def _given(
    truth: Mapping[str, Any], texts: Sequence[str], prompt: str, allow_code: bool, judged: bool
) -> list[Criterion]:
    """Criteria of type 4: those for a judge have no check."""
    kinds, functions = _aligned(truth, "checker", texts), _aligned(truth, "functions", texts)
    found = []
    for number, (kind, code, text) in enumerate(zip(kinds, functions, texts, strict=True)):
        if not isinstance(kind, str) or not kind.startswith((_RULE, _LLM)):
            raise UsageError(f"each of 'checker' must begin with {_RULE} or {_LLM}, not {shown(kind)}")
        check = None
        if kind.startswith(_RULE):
            if not allow_code:
                raise _LeftOutError(NEEDS_CODE, "")
            check = Check(GIVEN_CODE, {"code": code, "instruction": prompt})
            try:
                cleaned(check)
            except UsageError as error:
                raise _LeftOutError(UNREADABLE, f"criterion {number + 1}: {error.message}") from None
        elif not judged:
            raise _LeftOutError(NEEDS_JUDGE, "")
        found.append(Criterion(str(number), text, check=check, tags=(f"checker:{kind.split(']')[0].strip('[')}",)))
    return found


def _decidable(make: Callable[..., Criterion], number: int, *arguments: Any) -> Criterion:
    """What `make` makes of a criterion.

    Raises:
        _LeftOutError: no check of ours can decide it.
    """
    try:
        return make(number, *arguments)
    except UsageError as error:
        raise _LeftOutError(UNREADABLE, f"criterion {number + 1}: {error.message}") from None


def _texts(value: Any) -> Sequence[str]:
    if not isinstance(value, list | tuple) or not value:
        raise UsageError("the field 'criteria' must be a list of texts that is not empty")
    for each in value:
        if not isinstance(each, str) or not each.strip():
            raise UsageError(f"the field 'criteria' must hold texts, not {shown(each)}")
    return value


def _aligned(truth: Mapping[str, Any], name: str, texts: Sequence[str]) -> Sequence[Any]:
    """A list of 'ground_truth' with one entry for each criterion."""
    value = truth.get(name)
    if not isinstance(value, list | tuple) or len(value) != len(texts):
        raise UsageError(f"'{name}' of 'ground_truth' must be a list with one entry for each of 'criteria'")
    return value

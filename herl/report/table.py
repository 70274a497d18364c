"""Results as tables of text, whatever prints them: headers, rows, footnotes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from herl.report.read import Result, Score

_SUPERSCRIPTS = str.maketrans("0123456789", "⁰¹²³⁴⁵⁶⁷⁸⁹")
_TRUNCATED_WORTH_SAYING = 0.01


@dataclass(frozen=True, slots=True)
class Table:
    """A table, ready to be set.

    Args:
        title: Its heading.
        headers: One per column; the first column is text, the others are numbers.
        rows: Cells.
        footnotes: Lines below it.
    """

    title: str
    headers: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    footnotes: tuple[str, ...] = ()


def per_cent(share: float | None) -> str:
    """0.7708 -> "77.1"; "–" for what there is not."""
    return "–" if share is None else f"{100 * share:.1f}"


def leaderboard_tables(results: Sequence[Result]) -> list[Table]:
    """An overview when there are several benchmarks, then a table for each benchmark, best model first."""
    names = _row_names(results)
    groups: dict[tuple[str, str], list[Result]] = {}
    for result in results:
        groups.setdefault((result.benchmark, result.version), []).append(result)
    overview = [_overview(groups, names)] if len(groups) > 1 else []
    return [*overview, *(_details(group, names) for group in groups.values())]


def category_tables(result: Result) -> list[Table]:
    """The share of criteria met by tag, one table for each group of tags."""
    return [
        Table(
            title=f"{result.benchmark} by {group}",
            headers=(group, *(f"{grader} %" for grader in _graders(tags)), "n"),
            rows=tuple(
                (
                    tag,
                    *(per_cent(cells[grader].value if grader in cells else None) for grader in _graders(tags)),
                    str(max(cell.n for cell in cells.values())),
                )
                for tag, cells in tags.items()
            ),
        )
        for group, tags in result.by_tag.items()
    ]


def _graders(tags: Mapping[str, Mapping[str, object]]) -> list[str]:
    return list(dict.fromkeys(grader for cells in tags.values() for grader in cells))


def _overview(groups: Mapping[tuple[str, str], Sequence[Result]], names: Mapping[str, str]) -> Table:
    """The primary metric of every benchmark, models as rows."""
    notes = _Footnotes()
    headers = [f"{bench} {group[0].scores[group[0].primary].label} %" for (bench, _), group in groups.items()]
    cells: dict[str, dict[str, Result]] = {}
    for header, group in zip(headers, groups.values(), strict=True):
        for result in group:
            cells.setdefault(names[result.run], {})[header] = result
    rows = [
        (name, *(_value(found[h]) + notes.marks(_row_notes(found[h])) if h in found else "–" for h in headers))
        for name, found in sorted(cells.items(), key=lambda pair: _mean_primary(pair[1].values()), reverse=True)
    ]
    return Table("Overview", ("model", *headers), tuple(rows), notes.lines())


def _details(group: Sequence[Result], names: Mapping[str, str]) -> Table:
    """All metrics of one benchmark, models as rows."""
    notes = _Footnotes()
    first = group[0]
    headers = ("model", *(f"{score.label} %" for score in first.scores.values()), "n", "truncated %", "errors")
    rows = tuple(
        (
            names[result.run] + notes.marks(_row_notes(result)),
            *(_score(result.scores.get(metric)) for metric in first.scores),
            str(result.n) if result.n == result.total else f"{result.n} of {result.total}",
            per_cent(result.truncated),
            str(result.errors),
        )
        for result in sorted(group, key=lambda each: _mean_primary([each]), reverse=True)
    )
    about = ["± is the longer arm of the 95 % interval (bootstrap over prompts)."]
    about += [f"Differs from upstream on purpose: {deviation}" for deviation in first.deviations]
    return Table(f"{first.benchmark} (version {first.version})", headers, rows, (*notes.lines(), *about))


def _row_names(results: Sequence[Result]) -> dict[str, str]:
    """Run -> what its row is called: the model, and the run too where two runs would share a row."""
    places = Counter((result.model, result.benchmark, result.version) for result in results)
    shared = {model for (model, _, _), runs in places.items() if runs > 1}
    return {each.run: f"{each.model} ({each.run})" if each.model in shared else each.model for each in results}


def _mean_primary(results: Iterable[Result]) -> float:
    values = [result.scores[result.primary].value for result in results]
    known = [value for value in values if value is not None]
    return sum(known) / len(known) if known else -1.0


def _value(result: Result) -> str:
    return _score(result.scores[result.primary])


def _score(score: Score | None) -> str:
    if score is None or score.margin is None:
        return "–"
    return f"{per_cent(score.value)} ±{per_cent(score.margin)}"


def _row_notes(result: Result) -> list[str]:
    """All that a reader must know before trusting a row."""
    asked = result.n * result.samples
    lines = []
    if not result.complete:
        lines.append(f"Incomplete: {result.rows} of {asked} answers are there.")
    if result.n < result.total:
        lines.append(f"Only the first {result.n} of {result.total} items were asked.")
    if result.samples > 1:
        lines.append(f"{result.samples} answers per item.")
    if result.truncated > _TRUNCATED_WORTH_SAYING:
        lines.append(f"{per_cent(result.truncated)} % of the answers were cut off at the token limit.")
    if result.errors:
        lines.append(f"{result.errors} prompts could not be answered; they count as failed.")
    if result.unanswered:
        lines.append(f"{result.unanswered} items have no answer in the file; they count as failed.")
    if result.coverage < 1:
        lines.append(f"{per_cent(1 - result.coverage)} % of the criteria could not be graded and are left out.")
    return [*lines, *result.notes]


class _Footnotes:
    """Numbers footnotes; rows that say the same share a number."""

    def __init__(self) -> None:
        self._numbers: dict[str, int] = {}

    def marks(self, texts: Sequence[str]) -> str:
        """What stands behind a cell, such as " ¹ ²"."""
        numbers = [self._numbers.setdefault(text, len(self._numbers) + 1) for text in texts]
        return "".join(f" {_superscript(number)}" for number in numbers)

    def lines(self) -> tuple[str, ...]:
        return tuple(f"{_superscript(number)} {text}" for text, number in self._numbers.items())


def _superscript(number: int) -> str:
    return str(number).translate(_SUPERSCRIPTS)

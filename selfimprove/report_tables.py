"""An experiment's result as tables of text, whatever prints them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from herl.report.read import judges_of, score_of
from herl.report.table import Column, Table, per_cent
from herl.selfimprove.gains import NOT_SHOWN
from herl.selfimprove.reading import control_name
from herl.selfimprove.settings import ORACLE
from herl.selfimprove.trial import BASE, LOOP, Stop

Found = Mapping[str, Any]
"""A part of result.json."""

_GAIN = "gain [95 %]"
_STOPS: Mapping[str, str] = {
    Stop.ALL_MET: "the critic finds nothing unmet",
    Stop.NO_BETTER: "no better revision",
    Stop.ROUNDS: "rounds used up",
    Stop.BUDGET: "token budget used up",
    Stop.ABSTAINED: "the critic could not decide what is open",
    Stop.NO_ANSWER: "no answer to revise",
}


def stop_words(stop: str) -> str:
    """Why an item left the loop, in words."""
    return _STOPS.get(stop, stop)


def main_tables(result: Found) -> list[Table]:
    """What the loop made of the plain answers round by round, and how it compares with its controls."""
    controls = [_controls(result)] if result["controls"] else []
    return [_rounds(result), *controls]


def further_tables(result: Found) -> list[Table]:
    """All that says where a gain comes from: every metric, kinds of criteria, hidden ones, and why items stopped."""
    several = [_metrics(result)] if len(result["loop"]["metrics"]) > 1 else []
    hidden = [_hidden(result)] if result["hidden"] else []
    return [*several, *_by_tag(result), *hidden, _stops(result)]


def primary_column(result: Found) -> Column:
    """How the numbers of the metric that stands for the benchmark are shown."""
    return _column(result, result["primary"])


def _rounds(result: Found) -> Table:
    column, primary = primary_column(result), result["primary"]
    times = {(each["arm"], each["round"]): each["multiple"] for each in result["seconds"]["stages"]}
    rows = []
    for stage in result["stages"]:
        if stage["arm"] not in (BASE, LOOP):
            continue
        moves = ["–", "–", "–"]
        if stage["arm"] == LOOP:
            moves = [str(stage[key]) for key in ("improved", "unchanged", "regressed")]
        gain = column.gain(stage["gain"][primary]) if stage["gain"] else "–"
        costs = _times(stage["tokens"]["multiple"]), _times(times[stage["arm"], stage["round"]])
        rows.append((_stage_name(stage), column.score(score_of(stage["metrics"][primary])), gain, *moves, *costs))
    headers = ("stage", column.heading, _GAIN, "better", "same", "worse", "tokens", "time")
    judges = judges_of(result)
    about = [f"version {result['version']}", *([f"judge {judges}"] if judges else []), *_stamp(result)]
    title = f"{result['benchmark']} ({', '.join(about)})"
    return Table(title, headers, tuple(rows), tuple(_about_rounds(result)))


def _about_rounds(result: Found) -> Iterator[str]:
    base = result["stages"][0]
    yield "± is the longer arm of the 95 % interval; [ ] are both ends of a gain's, paired (bootstrap over prompts)."
    undecided = result["loop"]["undecided"]
    left_out = f"; {undecided} have no score on one side" if undecided else ""
    yield f"Better, same, worse: items that improved, are unchanged, and regressed against the plain answer{left_out}."
    if base["tokens"]["mean"]["written"] is not None:
        mean, seconds = base["tokens"]["mean"]["written"], result["seconds"]["stages"][0]["seconds"]
        took = f" and the engine's {seconds:,.0f} s" if seconds is not None else ""
        yield f"Tokens written (by model and critic) and time: multiples of the plain answers' {mean:,.0f} each{took}."
    yield from result["seconds"]["notes"]


def _controls(result: Found) -> Table:
    column, loop = primary_column(result), result["loop"]
    rows = [("the loop", column.score(score_of(loop["metrics"][result["primary"]])), _cost(loop), "–", "–")]
    for control in result["controls"].values():
        against = control["against"]
        rows.append(
            (
                control_name(control),
                column.score(score_of(control["metrics"][result["primary"]])),
                _cost(control),
                column.gain(against),
                _verdict(control),
            )
        )
    headers = ("control", column.heading, "tokens", "loop minus it [95 %]", "verdict")
    about = (
        "Best-of-n and self-refine had, item by item, as many tokens as the loop, as nearly as whole answers allow.",
        "Best-of-n keeps the best by the loop's critic; plain resampling shows the last of its draws and needs none; "
        "self-refine revises by feedback without a rubric.",
    )
    title = "The loop against its controls, at equal cost" + "".join(f" ({stamp})" for stamp in _stamp(result))
    return Table(title, headers, tuple(rows), about)


def _verdict(control: Found) -> str:
    against = control["against"]
    if not control["round"]:
        return "it never drew"
    if against["value"] is None:
        return "–"
    return str(against["verdict"]) if against["verdict"] == NOT_SHOWN else f"the loop is {against['verdict']}"


def _metrics(result: Found) -> Table:
    base, loop = result["stages"][0], result["loop"]
    rows = []
    for name in loop["metrics"]:
        column = _column(result, name)
        before, after = (column.score(score_of(stage["metrics"][name])) for stage in (base, loop))
        rows.append((column.heading, before, after, column.gain(loop["gain"][name]), str(loop["gain"][name]["n"])))
    return Table("Every metric", ("metric", "base", "loop", _GAIN, "n"), tuple(rows))


def _by_tag(result: Found) -> Iterator[Table]:
    for group, tags in result["by_tag"].items():
        yield Table(
            f"Gain by {group}",
            (group, "base %", "loop %", _GAIN, "n"),
            tuple(_cells(tag, cell) for tag, cell in tags.items()),
            ("Each interval is of its row alone: of twenty, one that leaves out the truth is to be expected.",),
        )


def _hidden(result: Found) -> Table:
    cells = {"the critic saw": result["hidden"]["visible"], "it did not see": result["hidden"]["hidden"]}
    rows = tuple(_cells(name, cell) for name, cell in cells.items())
    about = "Shares of the n criteria met. A gain on those that the critic saw alone is over-fitting to its rubric."
    return Table("Visible and hidden criteria", ("criteria that", "base %", "loop %", _GAIN, "n"), rows, (about,))


def _cells(name: str, cell: Found) -> tuple[str, ...]:
    """A row of shares of criteria met."""
    column = Column("", True)
    return name, column.number(cell["base"]), column.number(cell["final"]), column.gain(cell["gain"]), str(cell["n"])


def _stops(result: Found) -> Table:
    total = sum(result["stops"].values())
    rows = tuple(
        (stop_words(stop), str(count), per_cent(count / total))
        for stop, count in sorted(result["stops"].items(), key=lambda each: -each[1])
    )
    return Table("Why items left the loop", ("reason", "items", "%"), rows)


def _stamp(result: Found) -> list[str]:
    return [ORACLE.upper()] if result["critic"]["kind"] == ORACLE else []


def _column(result: Found, metric: str) -> Column:
    is_share = result["is_share"] or metric != result["primary"]
    return Column(str(result["loop"]["metrics"][metric]["label"]), is_share)


def _stage_name(stage: Found) -> str:
    if stage["arm"] == BASE:
        return "base"
    return f"round {stage['round']}" if stage["round"] else "no round"


def _cost(stage: Found) -> str:
    return _times(stage["tokens"]["multiple"])


def _times(multiple: float | None) -> str:
    return "–" if multiple is None else f"×{multiple:.2f}"

"""An experiment's result in words: what a reader may conclude from the numbers, and what to know before."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from herl.report.table import per_cent
from herl.selfimprove.controls import BEST_OF_N, RESAMPLE, SELF_REFINE
from herl.selfimprove.gains import BETTER, NOT_SHOWN, WORSE
from herl.selfimprove.trial import LOOP

Found = Mapping[str, Any]
"""A part of result.json."""

_TRUNCATED_WORTH_SAYING = 0.01
_ABOUT_EQUAL = 0.1  # a control whose tokens differ from the loop's by less than this share had as many
_TEXTS = {LOOP: "revisions of the loop", BEST_OF_N: "draws of best-of-n", SELF_REFINE: "revisions of self-refine"}
_NOTHING = 1e-9  # what rounding makes of no gain


def reading(result: Found) -> str:
    """A few plain sentences: what the loop gained, whether it beats its controls or over-fits, and by whose grace.

    Args:
        result: The contents of result.json, but for this.
    """
    sentences = [_gain(result)]
    if (drawn := result["drawn"].get(LOOP)) and sum(drawn["faults"].values()) == drawn["texts"]:
        sentences.append(f"None of its {drawn['texts']:,} revisions was an answer.")
    if result["n"] > 1 and result["loop"]["gain"][result["primary"]]["value"] is not None:
        sentences += [said for said in (_controls(result), _beyond_the_critic(result)) if said]
    if result["critic"]["kind"] == "oracle":
        sentences.append(
            "Its feedback came from an oracle: a revision was taken only when the benchmark's own grader called it "
            "better, so nobody without that grader can repeat this."
        )
    return " ".join(sentences)


def notes_on(result: Found, said: Sequence[str]) -> list[str]:
    """All that a reader must know before trusting the numbers.

    Args:
        result: The contents of result.json, but for the notes.
        said: What stamps, benchmark and judges say.
    """
    base, final = result["truncated"]["base"], result["truncated"]["final"]
    n, there = result["n"], result["stages"][0]["n"]
    lines = []
    if result["critic"]["kind"] == "oracle":
        lines.append("ORACLE: the critic is the benchmark's own grader, which also gives the final score.")
    lines += said
    if not result["complete"]:
        through = sum(result["stops"].values())
        lines.append(f"Incomplete: {there} of {n} plain answers are there, and {through} items are through.")
    if n < result["total"]:
        lines.append(f"Only the first {n} of {result['total']} items were asked.")
    if max(base, final) > _TRUNCATED_WORTH_SAYING:
        cut = f"{per_cent(base)} % of the plain answers and {per_cent(final)} % of the loop's last ones"
        lines.append(f"{cut} were cut off at the token limit.")
    lines += _on_drawn(result["drawn"])
    if result["errors"]:
        lines.append(f"Could not be answered, and count as failed: {result['errors']} of {n} prompts.")
    if undecided := result["loop"]["undecided"]:
        lines.append(f"Left out of the loop's gain, for want of a score on one side: {undecided} of {n} items.")
    if (coverage := min(result["coverage"].values())) < 1:
        lines.append(f"{per_cent(1 - coverage)} % of the criteria could not be graded and are left out.")
    lines += _on_hidden(result)
    lines += _on_critic(result["critic"])
    return lines


def control_name(control: Found) -> str:
    """What sentences and tables call a control: "best-of-3.1" by the answers that it had for an item on average."""
    if control["arm"] == BEST_OF_N and control["draws"] is not None:
        return f"best-of-{control['draws']:.1f}".removesuffix(".0")
    return "plain resampling" if control["arm"] == RESAMPLE else str(control["arm"])


def _gain(result: Found) -> str:
    """What the loop made of the plain answers."""
    loop, primary, n = result["loop"], result["primary"], result["n"]
    before, after = result["stages"][0]["metrics"][primary], loop["metrics"][primary]
    gain, number = loop["gain"][primary], _Number(result["is_share"])
    if gain["value"] is None:
        return "No item has a score before and after the loop, so nothing can be said of its gain."
    if n == 1:
        old, new = number.plain(before["value"]), number.plain(after["value"])
        way = f"stayed at {old}" if old == new else f"went from {old} to {new}"
        return f"On this one prompt the loop {way} ({after['label']}); one prompt says nothing of others."
    where = "on this one item" if gain["n"] == 1 else f"on these {gain['n']:,} items"
    about = f"({after['label']}, {number.interval(gain, '95 % interval ')})"
    if abs(gain["value"]) < _NOTHING:
        if result["is_share"] and before["value"] >= 1 - _NOTHING:
            return f"The plain answers already meet everything {about}: there was nothing to gain {where}."
        if not sum(stage["changed"] for stage in result["stages"] if stage["arm"] == loop["arm"]):
            return f"The loop kept every plain answer {about}: no gain is shown {where}."
        return f"The loop neither gains nor loses {about}: no gain is shown {where}."
    verb = "gains" if gain["value"] > 0 else "loses"
    came = f"The loop {verb} {number.points(abs(gain['value']))} {about}"
    if gain["ci_low"] > 0:
        return f"{came}."
    if gain["ci_high"] < 0:
        return f"{came}: it makes the answers worse {where}."
    may_be = ", and the loss may be chance" if gain["value"] < 0 else ""
    return f"{came}: no gain is shown {where}{may_be}."


def _beyond_the_critic(result: Found) -> str:
    """Whether the hidden criteria gained what the visible ones did; "" where neither moved, or none were hidden."""
    if result["hidden"] is None:
        return ""
    seen, hidden = (result["hidden"][name]["gain"] for name in ("visible", "hidden"))
    if seen["value"] is None or hidden["value"] is None or not (seen["ci_low"] > 0 or hidden["ci_high"] < 0):
        return ""
    if hidden["ci_low"] > 0:
        found = "the gain is not over-fitting to the critic's criteria alone"
    elif hidden["ci_high"] >= 0:
        found = "beyond the critic's criteria no gain is shown"
    else:
        found = "the loop makes worse what its critic did not see"
    return f"The criteria that the critic saw {_moved(seen)}, the hidden ones {_moved(hidden)}: {found}."


def _moved(gain: Found) -> str:
    """What a share of the criteria gained or lost."""
    number, verb = _Number(True), "lose" if gain["value"] < 0 else "gain"
    return f"{verb} {number.points(abs(gain['value']))} ({number.interval(gain)})"


def _controls(result: Found) -> str:
    """Whether the loop is worth its tokens; "" without controls that could draw."""
    number = _Number(result["is_share"])
    drawn = [control for control in result["controls"].values() if control["round"] and not _is_unscored(control)]
    unscored = [control_name(control) for control in result["controls"].values() if _is_unscored(control)]
    idle = [name for name, control in result["controls"].items() if not control["round"]]
    clauses = []
    for verdict, verb, last in (
        (BETTER, "beats", "and"),
        (NOT_SHOWN, "does not beat", "or"),
        (WORSE, "is worse than", "and"),
    ):
        names = [_against(each, number) for each in drawn if each["against"]["verdict"] == verdict]
        if names:
            clauses.append(f"{verb} {_listed(names, last)}")
    said = f"At equal cost it {_listed(clauses)}." if clauses else ""
    if idle:
        said = f"{said} The loop's tokens paid for no draw of {_listed(idle)}.".strip()
    if unscored:
        said = f"{said} No item has a score with it and with {_listed(unscored, 'or')}.".strip()
    return said


def _is_unscored(control: Found) -> bool:
    return control["against"]["value"] is None


def _against(control: Found, number: _Number) -> str:
    """A control, and by how much the loop is better or worse."""
    against, name = control["against"], control_name(control)
    ratio = against["token_ratio"]
    unequal = "" if ratio is None or abs(ratio - 1) < _ABOUT_EQUAL else f" with {ratio:.2f} times its tokens"
    if against["verdict"] == NOT_SHOWN:
        return f"{name}{unequal} ({number.points(against['value'])}, {number.interval(against)})"
    return f"{name}{unequal} by {number.points(abs(against['value']))} ({number.interval(against)})"


def _on_drawn(drawn: Found) -> list[str]:
    """What a reader must know of the texts that were to replace plain answers."""
    lines = []
    if LOOP in drawn and drawn[LOOP]["truncated"] > _TRUNCATED_WORTH_SAYING:
        lines.append(f"{per_cent(drawn[LOOP]['truncated'])} % of the loop's revisions were cut off at the token limit.")
    for arm, found in drawn.items():
        if failed := sum(found["faults"].values()):
            why = "; ".join(f"{reason:.100} ({count})" for reason, count in list(found["faults"].items())[:3])
            lines.append(f"No answers, and never taken: {failed} of {found['texts']} {_TEXTS[arm]}: {why}.")
    return lines


def _on_hidden(result: Found) -> list[str]:
    hidden, wanted = result["hidden"], result["settings"].get("hidden")
    if hidden is None:
        return ["No rubric has a second criterion, so none could be hidden."] if wanted else []
    if bare := hidden["items_without_hidden"]:
        return [f"Too small to hide a criterion: {bare} of {result['n']} rubrics."]
    return []


def _on_critic(critic: Found) -> list[str]:
    lines = []
    if critic["coverage"] is not None and critic["coverage"] < 1:
        lines.append(f"The critic gave no usable verdict on {per_cent(1 - critic['coverage'])} % of the criteria.")
    if critic["comparisons"] is not None and critic["comparisons"] < 1:
        lines.append(
            f"The critic gave no usable reply to {per_cent(1 - critic['comparisons'])} % of its comparisons, "
            "two for each pair of answers."
        )
    if critic["turned"]:
        lines.append(
            f"On {per_cent(critic['turned'])} % of the pairs the critic preferred whichever answer stood in one place; "
            "they count as not better."
        )
    return lines


class _Number:
    """Words numbers.

    Args:
        is_share: They are shares, said in per cent; otherwise the rubric's own points.
    """

    def __init__(self, is_share: bool) -> None:
        self._factor = 100 if is_share else 1
        self._unit = "points" if is_share else "rubric points"

    def plain(self, value: float | None) -> str:
        if value is None:
            return "no score"
        rounded = round(self._factor * value, 1) + 0.0  # -0.0 + 0.0 is 0.0
        return f"{rounded:.1f}".replace("-", "−")

    def points(self, value: float) -> str:
        return f"{self.plain(value)} {self._unit}"

    def interval(self, found: Found, words: str = "") -> str:
        return f"{words}{self.plain(found['ci_low'])} to {self.plain(found['ci_high'])}"


def _listed(parts: Sequence[str], last: str = "and") -> str:
    return f" {last} ".join([", ".join(parts[:-1]), parts[-1]] if len(parts) > 1 else parts)

"""Which way a pitfall's text points: does it name the fault itself, or the avoidance of it?

RaR's data sets give both kinds a negative weight: of RaR-Medicine's pitfalls about 88% name the fault ("Fails to
mention …": doing so is bad), of RaR-Science's about 80% its avoidance ("Avoids …": doing so is good). The sign says
nothing, so the text must. The rule looks at its first words alone, in this order:

1. "Avoids", "refrains from", "never", "should not", "must avoid", "warns against" …: avoidance.
2. "Does not" and the verb behind it. A verb of a fault ("does not confuse", "does not incorrectly state", "does not
   assume") makes it avoidance. A verb of what good answers do ("does not mention", "does not explain") makes it a
   fault: that is how the authors' instructions to GPT-4o word their example. Others ("does not recommend") could be
   either.
3. "Fails to", "omits", "overlooks", "confuses", "incorrectly …" and other words for faults: a fault. So are plain verbs
   of saying and doing ("states", "recommends", "uses"): in a pitfall they name what should not be said or done.
4. Anything else could be either, and no guess is made; so with verbs that good answers are praised with ("recognizes",
   "explains").
"""

from __future__ import annotations

import re
from enum import StrEnum


class Polarity(StrEnum):
    """What a pitfall's text names."""

    FAULT = "name the fault"
    AVOIDANCE = "name its avoidance"
    UNDECIDED = "could be either"


_LOOKED_AT = 120  # characters
_SUBJECT = re.compile(r"(?:the|this|an?|any)?\s*\b(?:response|answer|explanation|reply|model|it)\s+(?:that\s+)?")
_AVOIDS = re.compile(
    r"(?:avoid(?:s|ing)?|refrain(?:s|ing)?|abstain(?:s|ing)?|steer(?:s|ing)? clear|never|do not|don['’]t|"
    r"(?:should|must|shall)(?:n['’]t| not| never| avoid| refrain)|(?:warn|caution|guard)(?:s|ing)? against)\b"
)
_NOT = re.compile(r"(?:(?:does|did)(?: not|n['’]t)|not|no)\s+")
_ADVERB = (
    r"adequately|clearly|explicitly|properly|sufficiently|correctly|accurately|fully|appropriately|specifically|even|"
    r"also|directly|thoroughly|effectively|completely|further"
)
_ADVERBS = re.compile(rf"(?:(?:{_ADVERB}),?\s+(?:and\s+|or\s+)?)*")
_WORD = re.compile(r"[\w'’-]*")
_ADVICE_AGAINST = re.compile(r"(?:recommend|suggest|advis|propos)\w*\s+(?:against|avoiding|not)\b")


def _stems(listed: str) -> tuple[str, ...]:
    return tuple(listed.split())


# What words begin with that are wrong by themselves, that good answers do, and that say or do something.
_WRONG = _stems(
    "incorrect inaccurate inappropriate wrong false erroneous mistak improper unnecessar needless excessive overly "
    "unduly premature blind careless mis confus conflat contradict ignor omi neglect fail lack absen forget dismiss "
    "exaggerat downplay fabricat invent hallucinat distort obscur minimi trivial speculat deviat digress introduc mix "
    "violat disregard skip only merely simply solely overlook overstat overestimat overemphasi oversimpl overgeneral "
    "overdiagnos overtreat overrel understat underestimat underdiagnos undertreat assum claim impl assert equat"
)
_GOOD = _stems(
    "mention stat inclu identif address note specif list provid discuss explain describ descript clarif emphasi "
    "highlight recogni acknowledg consider account differentiat distinguish link connect relat support justif "
    "demonstrat cover convey offer outline detail refer cite indicat report elaborat assess evaluat incorporat "
    "integrat ensur follow stress underscor point summar reflect compar rule warn caution inform ask inquire remind "
    "answer correlat associat articulat delineat alert express seek hedge"
)
_SAYS_OR_DOES = _stems(
    "recommend suggest stat conclud advis propos prescrib diagnos attribut mention inclu focus reli rely uses using "
    "provid giv offer list present treat select choos label describ interpret infer favor favour declar believ "
    "initiat administer delay order generali replac substitut mak extrapolat overexplain attempt reassur cites citing "
    "indicat names naming goes going puts putting"
)


def polarity_of(text: str) -> Polarity:
    """Which way a pitfall's text points.

    Args:
        text: The pitfall, without a label such as "Pitfall Criteria:".
    """
    start = " ".join(text.lower().split())[:_LOOKED_AT].lstrip("\"'“‘*-• ")
    start = start[_end(_SUBJECT, start) :]
    if _AVOIDS.match(start):
        return Polarity.AVOIDANCE
    if end := _end(_NOT, start):
        word = _word(start[end + _end(_ADVERBS, start[end:]) :])
        if word.startswith(_WRONG):
            return Polarity.AVOIDANCE
        return Polarity.FAULT if word.startswith(_GOOD) else Polarity.UNDECIDED
    if _ADVICE_AGAINST.match(start):
        return Polarity.UNDECIDED
    return Polarity.FAULT if _word(start).startswith(_WRONG + _SAYS_OR_DOES) else Polarity.UNDECIDED


def _end(pattern: re.Pattern[str], start: str) -> int:
    """How much of the start is of a pattern."""
    found = pattern.match(start)
    return found.end() if found else 0


def _word(start: str) -> str:
    found = _WORD.match(start)
    return found[0] if found else ""

"""What an experiment has bought, in append-only files or, for a service, in memory only."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from herl.closing import Closing
from herl.rows import Fields, Row, RowWriter

ATTEMPT: Fields = {"arm": str, "id": str, "sample": int, "round": int, "response": str, "usage": dict, "status": str}
"""A row of attempts.jsonl: one generated answer; `sample` is its number among the round's candidates."""

RULING: Fields = {"id": str, "answer": str, "judge": str, "verdicts": list, "usage": dict}
"""A row of verdicts.jsonl: what one question to a judge or critic came to."""

PREFERENCE: Fields = {"id": str, "first": str, "second": str, "judge": str, "outcome": str, "usage": dict}
"""A row of preferences.jsonl: what the critic said of two answers, in one order."""

TIMING: Fields = {"arm": str, "what": str, "seconds": (int, float), "tokens": int}
"""A row of timing.jsonl: how long an engine took for fresh tokens."""

_FILES: Mapping[str, Fields] = {
    "attempts.jsonl": ATTEMPT,
    "verdicts.jsonl": RULING,
    "preferences.jsonl": PREFERENCE,
    "timing.jsonl": TIMING,
}


class Journal(Closing):
    """Rows by what they are about; the last of equal ones counts.

    Args:
        folder: Where the files are; None keeps everything in memory.

    Attributes:
        attempts: (arm, item id, round, candidate) -> row.
        rulings: (judge, item id, answer's hash, criterion ids) -> row.
        preferences: (judge, item id, first answer's hash, second answer's hash) -> row.
        timings: In their order.
    """

    def __init__(self, folder: Path | None = None) -> None:
        self.attempts: dict[tuple[str, str, int, int], Row] = {}
        self.rulings: dict[tuple[str, str, str, tuple[str, ...]], Row] = {}
        self.preferences: dict[tuple[str, str, str, str], Row] = {}
        self.timings: list[Row] = []
        self._opened = ExitStack()
        self._writers: dict[str, RowWriter] = {}
        if folder is not None:
            with self._opened:
                for name, fields in _FILES.items():
                    self._writers[name] = self._opened.enter_context(RowWriter(folder / name, fields))
                    for row in self._writers[name].rows:
                        self._enter(name, row)
                self._opened = self._opened.pop_all()

    @property
    def counts(self) -> dict[str, int]:
        """How many there are of each kind that was paid for: a run that has fewer has lost some."""
        return {
            "attempts": len(self.attempts), "verdicts": len(self.rulings), "preferences": len(self.preferences)
        }  # fmt: skip

    def add_attempt(self, row: Row) -> None:
        """Keep an answer."""
        self._add("attempts.jsonl", row)

    def add_ruling(self, row: Row) -> None:
        """Keep what a judge or critic decided."""
        self._add("verdicts.jsonl", row)

    def add_preference(self, row: Row) -> None:
        """Keep what the critic said of a pair."""
        self._add("preferences.jsonl", row)

    @contextmanager
    def timed(self, arm: str, what: str) -> Iterator[Meter]:
        """Measure an engine at work; what was measured is kept however the work ends.

        Args:
            arm: Of the experiment.
            what: "generate" or "critic".
        """
        meter, start = Meter(), time.monotonic()
        try:
            yield meter
        finally:
            if meter.tokens:
                seconds = round(time.monotonic() - start, 3)
                self._add("timing.jsonl", {"arm": arm, "what": what, "seconds": seconds, "tokens": meter.tokens})

    def close(self) -> None:
        """Close the files; safe to call twice."""
        self._opened.close()

    def _add(self, name: str, row: Row) -> None:
        if name in self._writers:
            self._writers[name].append(row)
        self._enter(name, row)

    def _enter(self, name: str, row: Mapping[str, Any]) -> None:
        row = dict(row)
        match name:
            case "attempts.jsonl":
                self.attempts[row["arm"], row["id"], row["round"], row["sample"]] = row
            case "verdicts.jsonl":
                criteria = tuple(verdict["criterion"] for verdict in row["verdicts"])
                self.rulings[row["judge"], row["id"], row["answer"], criteria] = row
            case "preferences.jsonl":
                self.preferences[row["judge"], row["id"], row["first"], row["second"]] = row
            case "timing.jsonl":
                self.timings.append(row)


class Meter:
    """Counts what an engine generates.

    Attributes:
        tokens: So far.
    """

    def __init__(self) -> None:
        self.tokens = 0

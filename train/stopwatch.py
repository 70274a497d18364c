"""Where a step's time goes."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager


class Stopwatch:
    """Adds up seconds by phase until they are taken.

    Attributes:
        seconds: Phase -> seconds.
    """

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}

    @contextmanager
    def __call__(self, phase: str) -> Iterator[None]:
        """Count what runs in the block for a phase."""
        begun = time.monotonic()
        try:
            yield
        finally:
            self.add({phase: time.monotonic() - begun})

    def add(self, seconds: Mapping[str, float]) -> None:
        """Add what was measured elsewhere."""
        for phase, more in seconds.items():
            self.seconds[phase] = self.seconds.get(phase, 0.0) + more

    def take(self) -> dict[str, float]:
        """What has come together, which then starts from zero."""
        taken, self.seconds = self.seconds, {}
        return taken

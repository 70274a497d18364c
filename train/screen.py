"""What shows a training run to people, and what nobody sees."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Protocol, Self

from herl.train.metrics import Values


class Screen(Protocol):
    """Shows a run to people; `console.Console` is one."""

    def note(self, message: str) -> None:
        """Say something that happened."""
        ...

    def dry_run(self, tokens: int, peak_bytes: int) -> None:
        """Tell what the longest row took."""
        ...

    def phase(self, name: str) -> None:
        """A part of a step begins."""
        ...

    def step(self, step: int, values: Values) -> None:
        """A step is over."""
        ...

    def __enter__(self) -> Self: ...

    def __exit__(self, *_: Any) -> None: ...


Watch = Callable[[int, Mapping[int, Mapping[str, Any]], str], Screen]
"""(steps of the run, step -> metrics, what gets better) -> what shows it."""


class Silent:
    """A screen that shows nothing."""

    def __init__(self, steps: int, rows: Mapping[int, Mapping[str, Any]], objective: str) -> None: ...

    def note(self, message: str) -> None:
        """Say nothing."""

    def dry_run(self, tokens: int, peak_bytes: int) -> None:
        """Say nothing."""

    def phase(self, name: str) -> None:
        """Say nothing."""

    def step(self, step: int, values: Values) -> None:
        """Say nothing."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: Any) -> None: ...


class Voice:
    """Says things on a screen, and keeps what is said before there is one."""

    def __init__(self) -> None:
        self._early: list[str] = []
        self._screen: Screen | None = None

    def __call__(self, message: str) -> None:
        """Say something that happened."""
        if self._screen:
            self._screen.note(message)
        else:
            self._early.append(message)

    def speak_on(self, screen: Screen) -> None:
        """Take this screen from now on, beginning with what was said before."""
        self._screen = screen
        for message in self._early:
            screen.note(message)

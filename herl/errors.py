"""What can go wrong, and the exit code that says so (the table is in docs/exit-codes.md)."""

from __future__ import annotations

EXIT_INCOMPLETE = 1
EXIT_USAGE = 2
EXIT_GATE = 3
EXIT_COVERAGE = 4
EXIT_INTERRUPTED = 130

_LISTED = 30  # names in a hint: lm-eval has 14,000 tasks


class HerlError(Exception):
    """An error with a message for the user: what is wrong, and in `hint` what to do about it.

    Args:
        message: One sentence that names the thing that is wrong.
        hint: What to do next, or "" when the message says it all.
        status: The HTTP status that a model's server answered with, where that is the trouble.
    """

    exit_code = EXIT_INCOMPLETE

    def __init__(self, message: str, hint: str = "", status: int | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.status = status


class UsageError(HerlError):
    """A wrong flag, setting, file or name: nothing was started."""

    exit_code = EXIT_USAGE


class IncompleteError(HerlError):
    """Work stopped before its end; finished rows are safe and the same command continues."""

    exit_code = EXIT_INCOMPLETE


class CoverageError(HerlError):
    """Judges could decide too few criteria for a number to be trusted; finished work is safe."""

    exit_code = EXIT_COVERAGE


def nearest(name: str, known: list[str]) -> str:
    """A hint that offers the closest known name, or lists them, the first of very many.

    Args:
        name: What the user typed.
        known: The names that exist.

    Returns:
        One sentence for `HerlError.hint`.
    """
    import difflib

    close = difflib.get_close_matches(name.lower(), known, n=1, cutoff=0.5)
    if close:
        return f"Did you mean '{close[0]}'?"
    more = f" and {len(known) - _LISTED:,} more" if len(known) > _LISTED else ""
    return f"Known: {', '.join(sorted(known)[:_LISTED])}{more}."


def first_line(error: BaseException) -> str:
    """What an error of another library says, in one line; its class when it says nothing."""
    lines = str(error).strip().splitlines()
    return lines[0][:300] if lines else type(error).__name__

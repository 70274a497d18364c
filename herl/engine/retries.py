"""When to ask a server again, and when to stop asking it."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from email.utils import parsedate_to_datetime
from typing import TypeVar

T = TypeVar("T")

FIRST_WAIT_S = 1.0
LONGEST_WAIT_S = 60.0
LONGEST_ORDERED_WAIT_S = 600.0
FAILURES_IN_A_ROW = 5


class TryAgain(Exception):
    """One try failed in a way that the next may not.

    Args:
        reason: What happened, for people.
        wait_s: How long the server asks to wait, in seconds; None when it does not say.
        status: The HTTP status that it gave; None when there was no reply to read one from.
    """

    def __init__(self, reason: str, wait_s: float | None = None, status: int | None = None) -> None:
        super().__init__(reason)
        self.reason = reason
        self.wait_s = wait_s
        self.status = status


class Circuit:
    """Notices that a server has stopped answering, so that the rest need not be asked one by one.

    Attributes:
        broken: Set once `FAILURES_IN_A_ROW` requests in a row have used up their tries.
        succeeded: Whether any request got its completion.
        reason: Why the last request failed.
    """

    def __init__(self) -> None:
        self.broken = asyncio.Event()
        self.succeeded = False
        self.reason = ""
        self._in_a_row = 0

    def success(self) -> None:
        """A request got its completion."""
        self.succeeded = True
        self._in_a_row = 0

    def failure(self, reason: str) -> None:
        """A request has used up its tries."""
        self.reason = reason
        self._in_a_row += 1
        if self._in_a_row >= FAILURES_IN_A_ROW:
            self.broken.set()


async def retrying(call: Callable[[], Awaitable[T]], max_retries: int, stop: asyncio.Event) -> T:
    """Call until it succeeds.

    Args:
        call: One try.
        max_retries: Tries after the first.
        stop: Ends the waiting: no further try is made once it is set.

    Raises:
        TryAgain: the last try's, when there are none left or the server asks for too long a wait.
    """
    retry = 0
    while True:
        try:
            return await call()
        except TryAgain as error:
            wait = backoff(retry) if error.wait_s is None else error.wait_s + random.uniform(0, FIRST_WAIT_S)
            if retry >= max_retries or wait > LONGEST_ORDERED_WAIT_S or stop.is_set():
                raise
            with suppress(TimeoutError):
                await asyncio.wait_for(stop.wait(), wait)
                raise
        retry += 1


def backoff(retry: int) -> float:
    """Seconds before a retry: doubling from `FIRST_WAIT_S` to `LONGEST_WAIT_S`, less up to a half.

    The random part keeps requests that failed together from coming back together.

    Args:
        retry: 0 before the first retry.
    """
    return min(FIRST_WAIT_S * 2.0 ** min(retry, 30), LONGEST_WAIT_S) * random.uniform(0.5, 1.0)


def ordered_wait(headers: Mapping[str, str]) -> float | None:
    """Seconds that a `Retry-After` header asks for, given as seconds or as a date (RFC 9110 §10.2.3).

    Returns:
        At least 0, or None without a header that makes sense.
    """
    value = headers.get("retry-after", "").strip()
    try:
        seconds = float(value)
    except ValueError:
        try:
            seconds = parsedate_to_datetime(value).timestamp() - time.time()
        except ValueError:
            return None
    return max(seconds, 0.0) if seconds == seconds else None

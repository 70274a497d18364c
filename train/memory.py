"""Tells how much memory a piece of work took at its peak."""

from __future__ import annotations

import ctypes
import resource
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Self

_STATUS = Path("/proc/self/status")
_CLEAR = Path("/proc/self/clear_refs")
_RESET_PEAK = "5"


class PeakMemory:
    """A `with` block whose greatest memory is measured.

    Args:
        device: "cuda" measures what torch has allocated there, "cpu" the whole process.
        base: Bytes that do not count.

    Attributes:
        bytes: The greatest amount above `base`, known when the block is left.
    """

    def __init__(self, device: str, base: int = 0) -> None:
        self._device, self._base = device, base
        self.bytes = 0

    def __enter__(self) -> Self:
        if self._device == "cuda":
            import torch

            torch.cuda.reset_peak_memory_stats()
        else:
            # Where the kernel does not let us, the peak is that of the process so far.
            with suppress(OSError):
                _CLEAR.write_text(_RESET_PEAK)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.bytes = max(0, self._peak() - self._base)

    def _peak(self) -> int:
        if self._device == "cuda":
            import torch

            return int(torch.cuda.max_memory_allocated())
        return _status("VmHWM") or resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def in_use() -> int:
    """Bytes of memory that the process has now; 0 where it cannot be told.

    What was freed and lies with the C library goes back to the system first: it would count as had, and hide as much of
    what is taken later.
    """
    with suppress(OSError, AttributeError):  # a C library that is not glibc
        ctypes.CDLL("libc.so.6").malloc_trim(0)
    return _status("VmRSS")


def _status(key: str) -> int:
    """One of Linux's counts of this process's memory, in bytes; 0 elsewhere."""
    try:
        lines = _STATUS.read_text(encoding="ascii").splitlines()
    except OSError:
        return 0
    return next((int(line.split()[1]) * 1024 for line in lines if line.startswith(key)), 0)

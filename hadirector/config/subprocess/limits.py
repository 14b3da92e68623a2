"""Limits the process that reads a configuration: memory, processor time, and lifetime."""

from __future__ import annotations

import contextlib
import ctypes
import resource
import signal
from pathlib import Path
from typing import Final

MEMORY_BYTES_MAX: Final = 2 * 1024**3
"""The limit of the address space. 100,000 real servers with a check each take a third of it."""

PROCESSOR_SECONDS_MAX: Final = 60
"""The limit of the processor time. Then the kernel ends the process with SIGXCPU."""

_PR_SET_PDEATHSIG: Final = 1  # linux/prctl.h
_OUT_OF_MEMORY_FIRST: Final = "1000"
"""The highest oom_score_adj (proc(5)): the kernel ends this process before any other."""


def limit_this_process() -> None:
    """Limit memory and processor time, and end this process when its director ends.

    If memory runs out, the kernel could otherwise end the director because of a file that it
    reads.
    """
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    _limit(resource.RLIMIT_AS, MEMORY_BYTES_MAX)
    _limit(resource.RLIMIT_CPU, PROCESSOR_SECONDS_MAX)
    with contextlib.suppress(OSError):  # without /proc
        Path("/proc/self/oom_score_adj").write_text(_OUT_OF_MEMORY_FIRST)


def _limit(kind: int, most: int) -> None:
    """Set the soft limit. The hard limit stays, so that SIGXCPU comes before SIGKILL."""
    _, hard = resource.getrlimit(kind)
    soft = most if hard == resource.RLIM_INFINITY else min(most, hard)
    resource.setrlimit(kind, (soft, hard))

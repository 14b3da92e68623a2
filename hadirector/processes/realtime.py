"""Puts this process before all ordinary ones, and its memory beyond the reach of paging."""

from __future__ import annotations

import ctypes
import os
from typing import Final

PRIORITY: Final = 10
"""Of 1 to 99 (sched(7)): above everything ordinary, below the kernel's own threads at 50."""

_MCL_CURRENT, _MCL_FUTURE = 1, 2  # asm-generic/mman.h


class RealtimeError(Exception):
    """The kernel refused. The message says what is needed."""


def enter() -> None:
    """Schedule this process round robin in real time and lock its memory, present and future.

    What it starts is ordinary again (SCHED_RESET_ON_FORK). Needs CAP_SYS_NICE and CAP_IPC_LOCK,
    or limits that allow the same. Raises RealtimeError.
    """
    _memory("mlockall", _MCL_CURRENT | _MCL_FUTURE)
    policy = os.SCHED_RR | os.SCHED_RESET_ON_FORK
    try:
        os.sched_setscheduler(0, policy, os.sched_param(PRIORITY))
    except OSError as error:
        raise RealtimeError(
            f"cannot schedule in real time: {error.strerror} (CAP_SYS_NICE is needed)"
        ) from error


def leave() -> None:
    """Become an ordinary process again. Raises RealtimeError."""
    os.sched_setscheduler(0, os.SCHED_OTHER, os.sched_param(0))
    _memory("munlockall")


def _memory(call: str, *arguments: int) -> None:
    """Call mlockall(2) or munlockall(2), which Python has no function for."""
    libc = ctypes.CDLL(None, use_errno=True)
    if getattr(libc, call)(*arguments) != 0:
        reason = os.strerror(ctypes.get_errno())
        raise RealtimeError(f"cannot lock the memory: {reason} (CAP_IPC_LOCK is needed)")

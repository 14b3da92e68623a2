"""Gives this process real-time scheduling, and locks its memory."""

from __future__ import annotations

import ctypes
import os
from typing import Final

PRIORITY: Final = 10
"""From 1 to 99 (sched(7)). It is above all ordinary processes and below kernel threads (50)."""

_MCL_CURRENT, _MCL_FUTURE = 1, 2  # asm-generic/mman.h


class RealtimeError(Exception):
    """The kernel refused. The message names the capability that is needed."""


def enter() -> None:
    """Schedule this process with SCHED_RR and lock its present and future memory.

    Its children are ordinary processes (SCHED_RESET_ON_FORK). This needs CAP_SYS_NICE and
    CAP_IPC_LOCK, or resource limits that permit it. Raises RealtimeError.
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
    """Return to ordinary scheduling and unlock the memory. Raises RealtimeError."""
    os.sched_setscheduler(0, os.SCHED_OTHER, os.sched_param(0))
    _memory("munlockall")


def _memory(call: str, *arguments: int) -> None:
    """Call mlockall(2) or munlockall(2), for which Python has no function."""
    libc = ctypes.CDLL(None, use_errno=True)
    if getattr(libc, call)(*arguments) != 0:
        reason = os.strerror(ctypes.get_errno())
        raise RealtimeError(f"cannot lock the memory: {reason} (CAP_IPC_LOCK is needed)")

"""Measures for how long this process did not attend to its sockets.

A process that is stopped, that gets too little processor time, or that is busy with other work
notices an answer late and sends its next request late. The target then has less time than the
timeout of the probe. The event loop shows the delay: each pass between two waits for sockets takes
longer than its processor time, or a wait ends later than its timeout.
"""

from __future__ import annotations

import math
import selectors
from collections.abc import Collection
from time import monotonic, thread_time
from typing import Final

PASS_SECONDS_MAX: Final = 0.05
"""A pass of the event loop may use this much processor time before it counts as inattention."""

WAIT_SECONDS_MAX: Final = 0.05
"""The longest wait while probes are in progress. A process that was stopped during a wait notices
this only if the wait was too long."""

WAKE_UP_SECONDS: Final = 0.005
"""A wait that ends late by at most this time counts as punctual: the kernel rounds timeouts."""


class Attention:
    """The time for which this process did not attend to its sockets, in seconds.

    It stays 0 unless the event loop has an `AttentiveSelector`. ``unattended`` is the total
    until the last wait for sockets. ``in_progress`` contains the probes in progress.
    """

    def __init__(self) -> None:
        self.unattended = 0.0
        self.in_progress: Collection[object] = ()
        self._pass_began = math.inf  # until the first wait
        self._used = 0.0

    def measure(self) -> float:
        """Return the total unattended time until now, including the current pass of the loop."""
        return self.unattended + inattention(
            monotonic() - self._pass_began, thread_time() - self._used
        )

    def note_wait(self, began: float, used: float, timeout: float | None) -> None:
        """Add the delays of one pass of the event loop: before its wait for sockets, and after it.

        The wait began at ``began``, when the process had used this much processor time.
        """
        ended = monotonic()
        self.unattended += inattention(began - self._pass_began, used - self._used)
        if timeout is not None:
            late = ended - began - max(timeout, 0.0)
            if late > WAKE_UP_SECONDS:
                self.unattended += late
        self._pass_began, self._used = ended, used


class AttentiveSelector(selectors.EpollSelector):
    """A selector for an event loop.

    It measures the time in which the loop does not attend to sockets.
    """

    def __init__(self, attention: Attention) -> None:
        super().__init__()
        self._attention = attention

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        """Wait for sockets and measure the delay.

        Without events, the wait may end before the timeout.
        """
        attention = self._attention
        if attention.in_progress and (timeout is None or timeout > WAIT_SECONDS_MAX):
            timeout = WAIT_SECONDS_MAX
        began, used = monotonic(), thread_time()
        ready = super().select(timeout)
        attention.note_wait(began, used, timeout)
        return ready


def inattention(seconds: float, used: float) -> float:
    """Return the seconds of a pass of the event loop without attention to its sockets.

    The pass took ``seconds`` and used ``processor`` seconds of processor time. Two parts count:
    the time without the processor, and the processor time above PASS_SECONDS_MAX.
    """
    return max(0.0, seconds - min(used, PASS_SECONDS_MAX))

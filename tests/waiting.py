"""Waiting for a condition, in blocking code and in an event loop."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Final

PAUSE_SECONDS_MIN: Final = 0.01
PAUSE_SECONDS_MAX: Final = 0.5
PAUSE_RATIO: Final = 2.0
"""Between these bounds, a pause is twice as long as the look before it, so that looking takes at
most a third of a processor."""


class _AnyTrueValue:
    """Equal to every value that is true."""

    def __eq__(self, value: object) -> bool:
        return bool(value)

    def __hash__(self) -> int:
        return 0

    def __repr__(self) -> str:
        return "a true value"


TRUE: Final = _AnyTrueValue()


def eventually(
    look: Callable[[], object], seconds: float, what: str = "", *, expected: object = TRUE
) -> float:
    """Call ``look`` until it returns the expected value; return the monotonic time of that moment.

    ``look`` is called at least once. Raises TimeoutError after ``seconds``; its message has what
    was waited for (``what``, else the name of ``look``), the expected value and the last value.
    """
    wait = _Wait(look, seconds, what, expected)
    while True:
        began = time.monotonic()
        if wait.ends_with(look()):
            return time.monotonic()
        time.sleep(_pause(began))


async def eventually_async(
    look: Callable[[], object],
    seconds: float,
    what: str = "",
    *,
    expected: object = TRUE,
    threaded: bool = False,
) -> float:
    """Do the same as ``eventually`` while the tasks of the event loop run.

    ``threaded`` calls ``look`` in a thread, for a ``look`` that runs a program: it would block the
    event loop.
    """
    wait = _Wait(look, seconds, what, expected)
    while True:
        began = time.monotonic()
        if wait.ends_with(await asyncio.to_thread(look) if threaded else look()):
            return time.monotonic()
        await asyncio.sleep(_pause(began))


def _pause(began: float) -> float:
    looked = time.monotonic() - began
    return min(max(PAUSE_SECONDS_MIN, PAUSE_RATIO * looked), PAUSE_SECONDS_MAX)


class _Wait:
    """The end of one wait: the expected value, or the deadline."""

    def __init__(
        self, look: Callable[[], object], seconds: float, what: str, expected: object
    ) -> None:
        self._what = what or getattr(look, "__qualname__", repr(look))
        self._seconds = seconds
        self._expected = expected
        self._deadline = time.monotonic() + seconds

    def ends_with(self, value: object) -> bool:
        """Return whether the value is the expected one. Raises TimeoutError after the deadline."""
        if self._expected == value:
            return True
        if time.monotonic() > self._deadline:
            raise TimeoutError(
                f"not within {self._seconds:g} s: {self._what}"
                f" (expected {self._expected!r}, the last value was {value!r})"
            )
        return False

"""A timer of the event loop that can be moved."""

from __future__ import annotations

import asyncio
from collections.abc import Callable


class Timer:
    """Calls ``expire`` with the deadline when the deadline is reached. ``deadline`` is None if no
    timer runs.
    """

    def __init__(self, expire: Callable[[float], None]) -> None:
        self._loop = asyncio.get_running_loop()
        self._expire = expire
        self._handle: asyncio.TimerHandle | None = None

    @property
    def deadline(self) -> float | None:
        """When the timer expires, in monotonic seconds."""
        return None if self._handle is None else self._handle.when()

    def set(self, deadline: float | None) -> None:
        """Let the timer expire at this time; None stops it."""
        if deadline == self.deadline:
            return
        if self._handle is not None:
            self._handle.cancel()
        self._handle = None if deadline is None else self._loop.call_at(deadline, self._end)

    def _end(self) -> None:
        assert self._handle is not None
        deadline, self._handle = self._handle.when(), None
        self._expire(deadline)

"""Divides long work in the director's loop into slices, between which other tasks run."""

from __future__ import annotations

import asyncio
from time import monotonic

SLICE_SECONDS = 0.002
"""The longest time between two runs of the loop, which has verdicts and VRRP states to handle."""


class Slices:
    """Measures how long a piece of work has run without letting other tasks run.

    With ``rest``, each pause lasts as long as the work before it, so the work takes at most
    half of the time of the event loop. Use it for work that clients can request without limit.
    """

    def __init__(self, *, rest: bool = False) -> None:
        self._rest = rest
        self._began = monotonic()

    async def pause(self) -> None:
        """Let other tasks run if the slice has ended.

        Call this between steps that are much shorter.
        """
        worked = monotonic() - self._began
        if worked >= SLICE_SECONDS:
            await asyncio.sleep(worked if self._rest else 0)
            self._began = monotonic()

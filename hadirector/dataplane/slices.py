"""Divides long work in the director's loop into slices, between which other tasks run."""

from __future__ import annotations

import asyncio
from time import monotonic

SLICE_SECONDS = 0.002
"""The longest time between two runs of the loop, which has verdicts and VRRP states to handle."""


class Slices:
    """Measures the time since the loop last ran, for one piece of work."""

    def __init__(self) -> None:
        self._began = monotonic()

    async def pause(self) -> None:
        """Let other tasks run if the slice is over. Call this between much shorter steps."""
        if monotonic() - self._began >= SLICE_SECONDS:
            await asyncio.sleep(0)
            self._began = monotonic()

"""Lets long work in the director's loop stop for others, again and again."""

from __future__ import annotations

import asyncio
from time import monotonic

SLICE_SECONDS = 0.002
"""The loop runs at least this often, so that probes' verdicts and adverts' orders get through."""


class Slices:
    """Counts the time since the loop last ran, for one piece of work."""

    def __init__(self) -> None:
        self._began = monotonic()

    async def pause(self) -> None:
        """Let others run if it is time to. To be called between steps that take far less."""
        if monotonic() - self._began >= SLICE_SECONDS:
            await asyncio.sleep(0)
            self._began = monotonic()

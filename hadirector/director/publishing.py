"""Sends the summary of the director to the process that writes it to the store of the fleet.

No start, election or decision waits for the store.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from time import monotonic
from typing import Final

import msgspec
import structlog

from hadirector.dataplane.dataplane import DataplaneError
from hadirector.director.parts import Parts
from hadirector.sources.messages import WriteSummary
from hadirector.status.summary import DirectorSummary, StoredSummary

PASS_SECONDS: Final = 1.0
"""The time between two looks whether a summary is due."""
BYTES_MAX: Final = 512 * 1024
"""A larger summary is written without its sections and names."""


class Publishing:
    """Gathers a summary each ``fleet.interval``. ``summarize`` returns the current one."""

    def __init__(self, parts: Parts, summarize: Callable[[], Awaitable[DirectorSummary]]) -> None:
        self._parts = parts
        self._summarize = summarize
        self._failure = ""
        self._log = structlog.get_logger()

    async def run(self) -> None:
        """Send summaries, until cancelled."""
        due = 0.0
        while True:
            store = self._parts.configuration.fleet
            child = self._parts.discovery.child
            if store is not None and child is not None and monotonic() >= due:
                due = monotonic() + store.interval
                text = await self._encode(store.lifetime)
                if text is not None:
                    child.send(WriteSummary(store, self._parts.configuration.name, text))
            await asyncio.sleep(PASS_SECONDS)

    async def _encode(self, lifetime: float) -> bytes | None:
        """Return a summary with its time; None while the table cannot be read."""
        try:
            summary = await self._summarize()
        except DataplaneError:
            return None  # the reconciler reports it
        except Exception as error:  # noqa: BLE001  # a summary is information: without one, the director continues
            reason = f"{type(error).__name__}: {error}"
            if reason != self._failure:
                self._log.error("summary_not_gathered", reason=reason)
            self._failure = reason
            return None
        self._failure = ""
        stored = StoredSummary(time.time(), lifetime, summary)  # noqa: TID251  # readers compare it with their clocks
        text = await asyncio.to_thread(msgspec.json.encode, stored)
        if len(text) <= BYTES_MAX:
            return text
        short = msgspec.structs.replace(summary, sections={}, overrides={}, failing=(), members={})
        return msgspec.json.encode(msgspec.structs.replace(stored, summary=short))

"""Writes the latest summary of the director to its store. A failure delays the next attempt."""

from __future__ import annotations

import asyncio
import contextlib
import random
from typing import Final

from checks.io.errors import one_line
from hadirector.model.fleet import SummaryStore
from hadirector.processes.channel import Channel
from hadirector.sources.errors import RequestError
from hadirector.sources.messages import SummaryWritten, ToSources, WriteSummary
from hadirector.sources.summary_store import Summaries, open_store

BACKOFF_SECONDS_MAX: Final = 60.0


class SummaryWriter:
    """Writes one summary at a time. While a summary is being written, only the latest one waits."""

    def __init__(self, channel: Channel[ToSources]) -> None:
        self._channel = channel
        self._latest: WriteSummary | None = None
        self._news = asyncio.Event()
        self._open: tuple[SummaryStore, Summaries] | None = None

    def note(self, message: WriteSummary) -> None:
        """Note a summary, which ``run`` writes."""
        self._latest = message
        self._news.set()

    async def run(self) -> None:
        """Write summaries, until cancelled."""
        failures, failed = 0, None
        while True:
            await self._news.wait()
            self._news.clear()
            message = self._latest
            assert message is not None, "a message sets the event"
            failure = await self._write(message)
            failures = (failures if message.store == failed else 0) + 1 if failure else 0
            failed = message.store
            self._channel.send(SummaryWritten(failure))
            if failures:
                pause = min(2.0 ** min(failures - 1, 10), BACKOFF_SECONDS_MAX)
                await self._rest(pause * random.uniform(0.8, 1.0), message.store)  # noqa: S311  # directors should not try at once

    async def _rest(self, seconds: float, failed: SummaryStore) -> None:
        """Wait this time, or until a reload has named another store than the failed store."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                while self._latest is not None and self._latest.store == failed:
                    self._news.clear()
                    await self._news.wait()
        self._news.set()

    async def _write(self, message: WriteSummary) -> str:
        """Write a summary; return the reason of a failure, or nothing."""
        if self._open is None or self._open[0] != message.store:
            self._open = message.store, open_store(message.store)
        try:
            await self._open[1].write(message.name, message.text)
        except RequestError as error:
            return one_line(str(error))
        except Exception as error:  # noqa: BLE001  # a fault of ours must not end it silently
            return one_line(f"{type(error).__name__}: {error}")
        return ""

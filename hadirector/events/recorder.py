"""Keeps the event_log of a running director: from its log, for whoever waits, and over a restart.

``events.json`` lies beside ``owned.json``. It is written once a second while events come.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, MutableMapping
from pathlib import Path
from typing import Any, Final, Literal

import msgspec
import structlog

from hadirector import storage
from hadirector.events.event_log import KEPT, Event, EventLog, Page

FILE: Final = "events.json"
WRITE_SECONDS: Final = 1.0


class Events(msgspec.Struct, frozen=True):
    """The content of the file; ``last`` is the number of the last event that happened."""

    version: Literal[1]
    last: int
    events: tuple[Event, ...]


class Recorder:
    """A processor of log lines that keeps those in `event_log.KEPT`, and lets all of them pass."""

    def __init__(self) -> None:
        self.event_log = EventLog()
        self._path: Path | None = None
        self._written = 0
        self._news = asyncio.Event()
        self._log = structlog.get_logger()

    def __call__(
        self, _logger: object, _method: str, line: MutableMapping[str, Any]
    ) -> MutableMapping[str, Any]:
        """Take a line of the log, from the thread of the event loop."""
        if line["event"] in KEPT:
            fields = {key: value for key, value in line.items() if key not in ("event", "level")}
            self.note(line["event"], **fields)
        return line

    def note(self, name: str, /, **fields: object) -> None:
        """Keep an event that has no line in the log."""
        self.event_log.note(time.time(), name, fields)  # noqa: TID251  # shown to people
        self._news.set()

    async def after(self, number: int, seconds: float) -> Page:
        """Give the events after the one with this number, as soon as there are any.

        When there are none in so many seconds, or the number has not been reached, there are none.
        """
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                while self.event_log.last == number:
                    self._news.clear()
                    await self._news.wait()
        return self.event_log.after(number)

    @contextlib.asynccontextmanager
    async def kept_in(self, directory: Path) -> AsyncIterator[None]:
        """Go on from the file in this directory, and write it inside the context."""
        self._path = directory / FILE
        self._read(self._path)
        writing = asyncio.create_task(self._write_again_and_again(), name="events")
        try:
            yield
        finally:
            writing.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await writing
            self._write()

    async def _write_again_and_again(self) -> None:
        while True:
            await asyncio.sleep(WRITE_SECONDS)
            self._write()

    def _write(self) -> None:
        """Write what has come since; a failure is logged, and met again the next time."""
        assert self._path is not None, "it is called where the path is known"
        if self.event_log.last == self._written:
            return
        page = self.event_log.after(0)
        try:
            storage.store(self._path, Events(1, page.last, page.events))
        except OSError as error:
            self._log.error("events_not_written", error=str(error))
        else:
            self._written = page.last

    def _read(self, path: Path) -> None:
        """Take what an earlier run has kept; a file that is no good is left aside."""
        try:
            kept = storage.read(path, Events)
            if kept is not None:
                self.event_log.restore(kept.last, kept.events)
                self._written = kept.last
        except (storage.StateError, ValueError) as error:
            aside = storage.set_aside(path)
            self._log.error("events_unusable", error=str(error), file=str(path), kept_as=str(aside))

"""Stores the history in ``history.json`` in the state directory, where it survives a reboot.

A thread writes the file and syncs it to the disk, at most once a second.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Final, Literal

import msgspec
import structlog

from hadirector import storage
from hadirector.events.history import History, HistoryEntry
from hadirector.runtime.shortage import ShortageLog

FILE: Final = "history.json"
WRITE_SECONDS: Final = 1.0


class StoredHistory(msgspec.Struct, frozen=True):
    """The content of the file; ``last`` is the number of the latest entry."""

    version: Literal[1]
    last: int
    entries: tuple[HistoryEntry, ...]


class HistoryStore:
    """Reads the history of earlier runs, and writes that of this run."""

    def __init__(self, history: History) -> None:
        self._history = history
        self._unwritten = asyncio.Event()
        self._log = structlog.get_logger()
        self._failure = ShortageLog("history_not_written", "history_written_again")

    def note_change(self) -> None:
        """Note that the history has a new entry."""
        self._unwritten.set()

    @contextlib.asynccontextmanager
    async def persist_in(self, directory: Path) -> AsyncIterator[None]:
        """Continue from the file in this directory, and write the file during the context."""
        path = directory / FILE
        self._read(path)
        writing = asyncio.create_task(self._write_regularly(path), name="history")
        try:
            yield
        finally:
            writing.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await writing
            await self._write(path)

    async def _write_regularly(self, path: Path) -> None:
        while True:
            await self._unwritten.wait()
            await asyncio.sleep(WRITE_SECONDS)
            await self._write(path)

    async def _write(self, path: Path) -> None:
        """Write the file if there are new entries. A failure is logged, and retried later."""
        if not self._unwritten.is_set():
            return
        self._unwritten.clear()
        content = StoredHistory(1, self._history.last, self._history.entries)
        storing = asyncio.ensure_future(asyncio.to_thread(storage.store_durably, path, content))
        try:
            await asyncio.shield(storing)
        except OSError as error:
            self._unwritten.set()
            self._failure.begin(str(error))
        else:
            self._failure.end()
        finally:
            await asyncio.wait([storing])  # a cancellation does not end the thread

    def _read(self, path: Path) -> None:
        """Restore the history of earlier runs. An unusable file is set aside."""
        try:
            stored = storage.read(path, StoredHistory)
        except storage.StateError as error:
            aside = storage.set_aside(path)
            self._log.error("history_unusable", error=str(error), kept_as=str(aside))
            return
        if stored is not None:
            self._history.restore(stored.last, stored.entries)

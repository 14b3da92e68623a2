"""Stores the history in ``history.json`` in the state directory, where it survives a reboot.

A thread writes the file and syncs it to the disk, at most once a second.
"""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator
from functools import partial
from pathlib import Path
from typing import Final, Literal

import msgspec
import structlog

from hadirector import storage
from hadirector.events.file_writer import FileWriter, Write
from hadirector.events.history import History, HistoryEntry

FILE: Final = "history.json"


class StoredHistory(msgspec.Struct, frozen=True):
    """The content of the file; ``last`` is the number of the latest entry."""

    version: Literal[1]
    last: int
    entries: tuple[HistoryEntry, ...]


class HistoryStore:
    """Reads the history of earlier runs, and writes that of this run."""

    def __init__(self, history: History) -> None:
        self._history = history
        self._path: Path | None = None
        self._writer = FileWriter(self._prepare, "history_not_written", "history_written_again")
        self._log = structlog.get_logger()

    @property
    def failure(self) -> str:
        """Why the history cannot be written; empty if it can."""
        return self._writer.failure

    def note_change(self) -> None:
        """Note that the history has a new entry."""
        self._writer.note_change()

    async def flush(self) -> None:
        """Write new entries now. Without a directory, they are in memory only."""
        if self._path is not None:
            await self._writer.flush()

    @contextlib.asynccontextmanager
    async def persist_in(self, directory: Path) -> AsyncIterator[None]:
        """Continue from the file in this directory, and write the file during the context."""
        self._path = directory / FILE
        self._read(self._path)
        async with self._writer.write_regularly("history"):
            yield

    def _prepare(self) -> Write:
        assert self._path is not None, "persist_in sets the path first"
        content = StoredHistory(1, self._history.last, self._history.entries)
        return partial(storage.store_durably, self._path, content)

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

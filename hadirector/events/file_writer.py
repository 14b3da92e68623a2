"""Writes a file in a thread, once a second while its content changes, or at once on request."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from typing import Final, TypeAlias

from hadirector.runtime.shortage import ShortageLog

WRITE_SECONDS: Final = 1.0

Write: TypeAlias = Callable[[], object]
"""Writes the file. It runs in a thread, and raises OSError."""


class FileWriter:
    """The writer of one file.

    ``prepare`` returns the function that writes the current content. The event ``failed`` is logged
    at the first write that fails, and ``succeeded`` at the next one that does not.
    """

    def __init__(self, prepare: Callable[[], Write], failed: str, succeeded: str) -> None:
        self._prepare = prepare
        self._changed = asyncio.Event()
        self._one_at_a_time = asyncio.Lock()
        self._failure = ShortageLog(failed, succeeded)

    @property
    def failure(self) -> str:
        """Why the file could not be written the last time; empty if it could."""
        return self._failure.reason

    def note_change(self) -> None:
        """Note that the file does not have the current content."""
        self._changed.set()

    @contextlib.asynccontextmanager
    async def write_regularly(self, name: str) -> AsyncIterator[None]:
        """Write the file after changes during the context, and at its end, in a task ``name``."""
        writing = asyncio.create_task(self._write_after_changes(), name=name)
        try:
            yield
        finally:
            writing.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await writing
            await self.flush()

    async def flush(self) -> None:
        """Write the file now if it does not have the current content. A failure is logged."""
        async with self._one_at_a_time:
            if self._changed.is_set():
                await self._write()

    async def _write_after_changes(self) -> None:
        while True:
            await self._changed.wait()
            await asyncio.sleep(WRITE_SECONDS)
            await self.flush()

    async def _write(self) -> None:
        """Write the file. A failure is logged, and retried later."""
        self._changed.clear()
        writing = asyncio.ensure_future(asyncio.to_thread(self._prepare()))
        try:
            await asyncio.shield(writing)
        except OSError as error:
            self._changed.set()
            self._failure.begin(str(error))
        except asyncio.CancelledError:
            self._changed.set()  # the thread may still fail
            raise
        else:
            self._failure.end()
        finally:
            await asyncio.wait([writing])  # a cancellation does not end the thread

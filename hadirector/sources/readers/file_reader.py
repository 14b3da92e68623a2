"""Reads a file with a document."""

from __future__ import annotations

import asyncio
import os

from hadirector import storage
from hadirector.model.discovery import Source
from hadirector.sources.contents import Content, read_content
from hadirector.sources.documents import BYTES_MAX
from hadirector.sources.errors import ReadingError


class FileReader:
    """Reads one file, again and again."""

    def __init__(self, source: Source) -> None:
        self._source = source
        self.rest = source.poll
        self._version: tuple[int, int, int] | None = None

    async def read(self) -> Content:
        """Return the content. Raises ReadingError and DocumentError."""
        try:
            async with asyncio.timeout(self._source.timeout):
                return await asyncio.to_thread(self._load)
        except TimeoutError:
            raise ReadingError(f"no answer within {self._source.timeout:g} s") from None
        except OSError as error:
            self._version = None
            raise ReadingError(error.strerror or str(error)) from error

    def is_changed(self) -> bool:
        """Return whether the file is another one than at the latest reading. One system call."""
        try:
            return _version(os.stat(self._source.location)) != self._version
        except OSError:
            return self._version is not None

    def _load(self) -> Content:
        with storage.open_regular_file(self._source.location) as file:
            self._version = _version(os.fstat(file.fileno()))
            return read_content(file.read(BYTES_MAX + 1), self._source)


def _version(status: os.stat_result) -> tuple[int, int, int]:
    return status.st_ino, status.st_size, status.st_mtime_ns
